/* libFuzzer over the loader as a whole, and the report on the way to the desk: the input is a
 * firmware's map, its faults and mortise.cfg; efi/ runs against tests/model/fake_firmware.h. It
 * must end in one of the three ways there are, must break no rule of UEFI (L1 to L3), and what the
 * kernel was handed, and what memsim's reader finds in mortise-report.txt, must be the map.
 *
 * needs: loader tests/sim/reader*.c
 */
#include "tests/model/fake_firmware.h"

#include "tests/sim/reader.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t left;
};

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "report: %s\n", what);
    abort();
}

static uint64_t number(struct input *in, unsigned bytes)
{
    uint64_t value = 0;
    for (; bytes > 0 && in->left > 0; bytes--, in->left--)
        value = value << 8 | *in->at++;
    return value;
}

/* A byte says how many more there are, and how far they are shifted. */
static uint64_t packed(struct input *in)
{
    uint8_t how = (uint8_t)number(in, 1);
    return how < 200 ? number(in, 1 + how % 3) << how % 32 : number(in, 8);
}

static void take_map(struct input *in)
{
    fw.map_count = number(in, 1);
    for (size_t i = 0; i < fw.map_count; i++) {
        struct fake_descriptor *d = &fw.map[i];
        d->type =
            in->left > 0 && in->at[0] == 255 ? (uint32_t)number(in, 5) : (uint8_t)number(in, 1);
        d->base = packed(in) << (number(in, 1) % 4 != 0 ? 12 : 0);
        d->pages = packed(in);
        d->attributes = packed(in);
    }
}

/* The map is not the truth about this process, so no table is offered that it could seem to hold.
 */
static void take_firmware(struct input *in)
{
    static const size_t strides[] = {40, 48, 56, 64, 128, 32, 44, 0};
    static char config[4096];
    fake_start();
    fw.system.NumberOfTableEntries = 0;
    uint8_t knobs = (uint8_t)number(in, 1);
    fw.stride = strides[knobs % 8];
    fw.stride_unset = fw.stride == sizeof(EFI_MEMORY_DESCRIPTOR) && (knobs & 8) != 0;
    fw.secure = knobs / 64 - 1;
    knobs = (uint8_t)number(in, 1);
    fw.refuse_exits = knobs % 8;
    fw.grow = knobs / 8;
    knobs = (uint8_t)number(in, 1);
    fw.fail_call = knobs >= 128 ? knobs - 127u : 0;
    fw.room = knobs >= 120 && knobs < 128 ? 300 * (knobs - 119u) : SIZE_MAX;
    fw.short_writes = knobs % 2 != 0;
    take_map(in);
    size_t length = hal_min_u64(in->left, sizeof config - 1);
    memcpy(config, in->at, length);
    config[length] = '\0';
    fw.config_path = "\\EFI\\TOOLS\\mortise.cfg";
    fw.config = config;
}

/* Bytes of a descriptor; one that passes 2^64 ends at 0, or at the last page border there is. */
static uint64_t size_of(const struct fake_descriptor *d)
{
    if (d->pages < (uint64_t)1 << 52)
        return d->pages * 4096;
    return d->base == 0 ? 0xfffffffffffff000u : 0 - d->base;
}

static void check_handed(void)
{
    must(fw.entered.map_count == fw.map_count, "the kernel got another number of entries");
    for (size_t i = 0; i < fw.map_count; i++) {
        const struct fake_descriptor *d = &fw.map[i];
        const struct boot_mem *m = &fw.entered_map[i];
        must(m->base == d->base && m->end - m->base == size_of(d) && m->type == d->type &&
                 m->attributes == d->attributes,
             "the kernel got another entry");
    }
}

/* `count` entries were there when the report was written. */
static void check_report(size_t count)
{
    struct reader r;
    reader_init(&r);
    reader_feed(&r, fw.report.text, fw.report.size);
    must(reader_finish(&r), "no memory");
    must(r.count == count && r.skipped == 0 && r.odd == 0 && r.maps <= 1,
         "the report is read as something else");
    for (size_t i = 0; i < count; i++) {
        const struct fake_descriptor *d = &fw.map[i];
        const struct reader_entry *e = &r.entries[i];
        must(e->base == d->base && e->size == size_of(d) && e->type == d->type &&
                 e->attributes == d->attributes,
             "an entry of the report is another one");
    }
    reader_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    EFI_STATUS status = EFI_SUCCESS;
    take_firmware(&in);
    size_t count = fw.map_count;
    enum fake_outcome how = fake_boot(&status);
    must(fw.violations == 0, "a rule of UEFI was broken");
    must(fw.open_files == 0 && !fw.report.open && !fw.log.open, "a file is still open");
    must(how != RETURNED || ((status & EFI_ERROR_MASK) != 0 && fw.exits == 0),
         "back without an error");
    must(how != RETURNED || strstr(fw.said, "Mortise cannot start: ") != NULL,
         "back without a word");
    must((how == ENTERED) == fw.gone, "the kernel and the firmware at one time");
    if (how == ENTERED)
        check_handed();
    if (fw.report.there && fw.fail_call == 0)
        check_report(count);
    must(how != ENTERED || fw.report.there || fw.fail_call != 0 || fw.room != SIZE_MAX ||
             strstr(fw.entered.options, "report=off") != NULL,
         "there is no report");
    return 0;
}
