/* libFuzzer over the SMBIOS (kernel/ram/smbios.h, slots.h): the input is a table, behind an entry point of
 * either kind with a right checksum, and a memory map. What comes out must hold together (I1, W1 to W4), be
 * twice the same, and be what a naive reading of the same bytes finds. */
#include "kernel/ram/ram.c"
#include "kernel/ram/ram_tell.c"
#include "kernel/ram/slots.c"
#include "kernel/ram/smbios.c"

#include "kernel/log/format.c"
#include "tests/model/smbios_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void hear(void *ctx, const char *line)
{
    uint64_t *lines = ctx;
    must(*line != '\0' && strlen(line) < LOG_LINE);
    ++*lines;
}

/* Slots of system memory with a module of unknown size, read as simply as can be; UINT32_MAX: the table has
 * more arrays than are kept. */
static uint32_t count_unknown(const uint8_t *p, size_t size)
{
    static uint8_t other[65536];
    uint32_t unknown = 0, arrays = 0;
    memset(other, 0, sizeof other);
    for (unsigned pass = 0; pass < 2; pass++) {
        for (size_t at = 0; at + 4 <= size && p[at] != 127 && p[at + 1] >= 4;) {
            size_t end = at + p[at + 1];
            while (end + 1 < size && (p[end] | p[end + 1]) != 0)
                end++;
            if (end + 1 >= size)
                break;
            if (pass == 0 && p[at] == 16 && p[at + 1] > 5 && p[at + 5] != 3) {
                other[p[at + 2] | p[at + 3] << 8] = 1;
                arrays++;
            }
            if (pass == 1 && p[at] == 17 && p[at + 1] >= 14 && !other[p[at + 4] | p[at + 5] << 8])
                unknown += p[at + 12] == 0xFF && p[at + 13] == 0xFF;
            at = end + 2;
        }
    }
    return arrays > SLOTS_ARRAYS_MAX ? UINT32_MAX : unknown;
}

static void check_slots(const struct slots *s)
{
    uint64_t sum = 0;
    must(s->count == (s->total < SLOTS_MAX ? s->total : SLOTS_MAX));
    must(s->filled <= s->total && s->unknown <= s->filled && s->range_count <= SLOTS_RANGES_MAX);
    for (uint32_t i = 0; i < s->count; i++) {
        must(s->slot[i].size % HAL_PAGE_SIZE == 0 && (!s->slot[i].unknown || s->slot[i].size == 0));
        must(strpbrk(s->slot[i].place, "\"\n") == NULL && strpbrk(s->slot[i].bank, "\"\n") == NULL);
        sum += s->slot[i].size;
    }
    must(sum <= s->installed && (s->total > s->count || sum == s->installed));
    for (uint32_t i = 0; i < s->range_count; i++)
        must(s->range[i].base < s->range[i].end);
}

static void check_ram(const struct slots *s, uint64_t shape)
{
    static struct mem_region storage[16];
    struct memmap map;
    struct ram r;
    uint64_t kept = 0, lines = 0;
    memmap_init(&map, storage, ARRAY_LEN(storage));
    for (unsigned i = 0; i < 8; i++, shape >>= 8)
        must(memmap_add(&map, i * GIB + (shape & 3) * MIB, (1 + (shape >> 2 & 3)) * 256 * MIB,
                        (enum mem_type)(1 + (shape >> 4) % 12)) == MM_OK);
    must(memmap_normalize(&map) == MM_OK);
    ram_count(&r, &map, s);
    for (unsigned t = 0; t < MEM_TYPE_COUNT; t++)
        kept += r.kept[t];
    must(r.mapped == r.allocatable + kept && r.mapped == r.low + r.high);
    must(r.low + r.low_gap == 4 * GIB && r.remapped == hal_min_u64(r.high, r.low_gap));
    must(r.missing == 0 || r.surplus == 0);
    must(!r.known || r.installed + r.surplus == r.mapped + r.missing);
    must(!r.known || r.installed == s->installed);
    ram_tell(&r, &map, s, hear, &lines);
    must(lines >= 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct slots first, second;
    if (size < 10 || size > 32768)
        return 0;
    dmi_clear();
    dmi_size = size - 9;
    memcpy(dmi_bytes, data + 9, dmi_size);
    if ((data[0] & 1) != 0)
        dmi_enter_3(dmi_size + (data[0] >> 4) * 1000u);
    else
        dmi_enter_2(data[0] >> 1);
    slots_read(&first, &dmi_view, DMI_ENTRY);
    check_slots(&first);
    if ((data[0] & 0xF1) == 1 && first.wrong == NULL) {
        uint32_t unknown = count_unknown(dmi_bytes, dmi_size);
        must(unknown == UINT32_MAX || unknown == first.unknown);
    }
    check_ram(&first, load64(data + 1));
    slots_read(&second, &dmi_view, DMI_ENTRY);
    must(memcmp(&first, &second, sizeof first) == 0);
    return 0;
}
