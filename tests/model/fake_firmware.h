/* tests/model/fake_firmware.h: a UEFI firmware on the desk, for the loader to be started by.
 *
 * Knobs say how it misbehaves; witnesses say what the loader did to it. It is strict where the
 * specification is: a stale map key is refused, and once ExitBootServices was called every service
 * but GetMemoryMap, ExitBootServices and ResetSystem counts as a violation. After a successful exit
 * its tables are wiped, as EDK II does. Memory comes from the heap in exact sizes, so that the
 * address sanitizer sees each byte too many.
 */
#ifndef TESTS_MODEL_FAKE_FIRMWARE_H
#define TESTS_MODEL_FAKE_FIRMWARE_H

#include "hal/short.h"
#include "efi/arch/refuse.h"
#include "efi/main.h"
#include "efi/talk/console.h"
#include "hal/cpu.h"
#include "hal/hal.h"
#include "hal/host/host.h"
#include "hal/machine.h"
#include "kernel/log/keep.h"
#include "kernel/main.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define FAKE_MAP 2048

#define KEY_NONE  '\x10' /* not pressed yet */
#define KEY_ARROW '\x11' /* no character */
#define KEY_ENTER '\x12' /* as scan code 13 */

enum fake_outcome { RETURNED, ENTERED, RESET, HALTED };

struct fake_descriptor {
    uint32_t type;
    uint64_t base, pages, attributes;
};

struct fake_screen {
    EFI_GRAPHICS_OUTPUT_PROTOCOL gop;
    EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE mode;
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION info;
    bool console;   /* shows the firmware's text */
    bool not_begun; /* has no mode until SetMode */
};

static struct fake {
    /* knobs */
    unsigned refuse_exits; /* so many calls of ExitBootServices fail */
    unsigned grow;         /* descriptors that each of those adds */
    unsigned fail_call;    /* the call with this number fails, 1 is the first; 0 none */
    uint64_t hurry, slow;  /* Stall is that many times too short, too long; 1 */
    EFI_STATUS stall_status;
    uint64_t own_hz; /* what the machine's own clock says; 0: it does not run */
    size_t stride;
    bool stride_unset; /* DescriptorSize is left as it was */
    bool no_loaded_image;
    const char *config_path, *config;
    struct fake_descriptor map[FAKE_MAP];
    size_t map_count;
    struct fake_screen screens[3];
    size_t screen_count;
    EFI_CONFIGURATION_TABLE tables[4];
    EFI_LOADED_IMAGE_PROTOCOL loaded;
    uint8_t device_path[128];
    EFI_SYSTEM_TABLE system;
    const char *keys;  /* typed, one each time it is asked; then none. KEY_... for odd ones */
    EFI_STATUS no_key; /* what it answers when there is none */
    bool stuck_key;    /* ... but the last one for ever */
    bool same_low;     /* AllocateMaxAddress gives one page again and again */
    uint64_t fixed;    /* the one address that AllocateAddress gives, 0: none */
    struct cpu_protection protection;
    struct cpu_register registers[2];
    EFI_STATUS no_write; /* what opening for writing, or else */
    size_t room;         /* bytes that can be written; SIZE_MAX */
    bool short_writes;   /* a full disk takes a part and says success */
    bool open_maps;      /* opening a file for writing adds an entry to the map */
    bool lazy_writes;    /* only Flush says that the disk is broken */
    uint64_t old_kind;   /* attribute of a file that is there already */
    int secure;          /* variable SecureBoot, -1: none */
    const char *refusal; /* why the architecture refuses the machine, or NULL */
    UINTN processors; /* by the firmware's count, one of which is not enabled; 0: no such service */
    EFI_STATUS no_count; /* or this instead of the count */
    EFI_PHYSICAL_ADDRESS
        low_pages, /* what AllocatePages(AllocateMaxAddress) gives below 4 GiB; 0: nothing */
        wrong_pages; /* what AllocatePages(AllocateAnyPages) gives instead, 0: pages */
    /* witnesses */
    struct fake_file {
        char name[32];
        char text[100000];
        size_t size;
        bool there, open;
    } report, log, list;
    unsigned deletes, frees, write_opens;
    uint64_t stalled; /* microseconds that were asked for */
    unsigned relaxed; /* milliseconds that were waited for by the CPU's counter */
    unsigned calls, exits, violations, key_reads, set_modes, open_files;
    uint64_t watchdog;
    bool gone;
    char said[8192];
    struct boot_info entered; /* what kernel_enter was given */
    struct boot_mem *entered_map;
    /* machinery */
    uint64_t generation;
    uintptr_t mp[1]; /* the functions of EFI_MP_SERVICES */
    void *blocks[64];
    size_t block_count;
    EFI_PHYSICAL_ADDRESS low_page;
    EFI_BOOT_SERVICES boot;
    EFI_RUNTIME_SERVICES runtime;
    SIMPLE_TEXT_OUTPUT_INTERFACE out;
    SIMPLE_INPUT_INTERFACE in;
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL fs;
    EFI_FILE_PROTOCOL root, file, report_file, log_file, list_file;
    jmp_buf leave;
} fw;

#define FAKE_IMAGE 0x5000
_Alignas(4096) uint8_t __ImageBase[FAKE_IMAGE]; /* the linker's, in the real image */
static uint8_t fake_rsdp[36], fake_smbios[128]; /* an entry point of 24 bytes, the table from 32 on */
static _Alignas(4096) uint64_t fake_pages_of[4][512]; /* page tables, the top one first */

/* Count a call; false when it is the one that must fail. */
static bool fake_call(void)
{
    fw.violations += fw.exits > 0;
    return ++fw.calls != fw.fail_call;
}

#define CALL_OR_FAIL()                                                                             \
    do {                                                                                           \
        if (!fake_call())                                                                          \
            return EFI_OUT_OF_RESOURCES;                                                           \
    } while (0)

static EFI_STATUS EFIAPI fake_watchdog(UINTN seconds, UINT64 code, UINTN size, CHAR16 *data)
{
    UNUSED(code), UNUSED(size), UNUSED(data);
    CALL_OR_FAIL();
    fw.watchdog = seconds;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_pages(EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type, UINTN pages,
                                    EFI_PHYSICAL_ADDRESS *at)
{
    CALL_OR_FAIL();
    fw.violations += type != EfiLoaderData;
    if (how == AllocateAddress) {
        fw.violations += pages != KEEP_SIZE / HAL_PAGE_SIZE;
        return *at == fw.fixed && fw.fixed != 0 ? EFI_SUCCESS : EFI_NOT_FOUND;
    }
    if (how == AllocateMaxAddress && *at >= MIB) { /* this process has no memory below 4 GiB */
        *at = fw.low_pages;
        return fw.low_pages != 0 ? EFI_SUCCESS : EFI_NOT_FOUND;
    }
    if (how == AllocateMaxAddress) {
        *at = fw.low_page;
        if (!fw.same_low)
            fw.low_page = fw.low_page == 0 ? 0x9e000 : fw.low_page - HAL_PAGE_SIZE;
        return EFI_SUCCESS;
    }
    if (fw.wrong_pages != 0) {
        *at = fw.wrong_pages;
        return EFI_SUCCESS;
    }
    void *block = aligned_alloc(HAL_PAGE_SIZE, pages * HAL_PAGE_SIZE);
    memset(block, 0xa5, pages * HAL_PAGE_SIZE);
    fw.blocks[fw.block_count++] = block;
    *at = (uintptr_t)block;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_free_pages(EFI_PHYSICAL_ADDRESS at, UINTN pages)
{
    CALL_OR_FAIL();
    fw.violations += at != fw.fixed || pages != KEEP_SIZE / HAL_PAGE_SIZE;
    fw.frees++;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_get_map(UINTN *bytes, EFI_MEMORY_DESCRIPTOR *at, UINTN *key,
                                      UINTN *stride, UINT32 *version)
{
    if (fw.exits == 0)
        CALL_OR_FAIL();
    size_t needed = fw.map_count * fw.stride;
    bool small = *bytes < needed;
    *bytes = needed;
    if (!fw.stride_unset)
        *stride = fw.stride;
    if (small || at == NULL)
        return EFI_BUFFER_TOO_SMALL;
    *key = fw.generation;
    *version = 1;
    memset(at, 0xee, needed);
    for (size_t i = 0; i < fw.map_count; i++) {
        const struct fake_descriptor *d = &fw.map[i];
        uint8_t *to = (uint8_t *)at + i * fw.stride;
        memcpy(to, &d->type, 4);
        memcpy(to + 8, &d->base, 8);
        memcpy(to + 24, &d->pages, 8);
        memcpy(to + 32, &d->attributes, fw.stride >= 40 ? 8 : 0);
    }
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_exit(EFI_HANDLE image, UINTN key)
{
    fw.violations += image != &fw || fw.gone;
    fw.exits++;
    if (fw.exits <= fw.refuse_exits) {
        fw.generation++;
        fw.map_count = hal_min_u64(fw.map_count + fw.grow, FAKE_MAP);
        return EFI_INVALID_PARAMETER;
    }
    if (key != fw.generation)
        return EFI_INVALID_PARAMETER;
    fw.gone = true;
    memset(&fw.boot, 0, sizeof(fw.boot));
    fw.system.ConOut = NULL;
    fw.system.ConIn = NULL;
    fw.system.BootServices = NULL;
    return EFI_SUCCESS;
}

/* Time passes at once: as much as is asked for, or what a bad Stall makes of it. */
static EFI_STATUS EFIAPI fake_stall(UINTN us)
{
    CALL_OR_FAIL();
    if (!efi_ok(fw.stall_status))
        return fw.stall_status;
    fw.stalled += us;
    host_skipped += us * 1000 * fw.slow / fw.hurry;
    return EFI_SUCCESS;
}

/* The machine's own clocks: the first does not run. On the desk a tick is a nanosecond. */
struct machine_rate machine_rate(unsigned which, const struct machine_timers *t)
{
    fw.violations += t->hpet.at != NULL || machine_reached(t->pm_timer);
    if (which > 1)
        return (struct machine_rate){.name = NULL};
    return (struct machine_rate){which == 0 ? "still" : "fake PIT", which == 0 ? 0 : fw.own_hz};
}

bool machine_reached(struct machine_register r)
{
    return r.at != NULL || r.port != 0;
}

void cpu_relax(void)
{
    host_skipped += 1000000;
    fw.relaxed++;
}

_Noreturn void cpu_halt(void)
{
    longjmp(fw.leave, HALTED);
}

static bool same_guid(const EFI_GUID *a, uint32_t first)
{
    return a->Data1 == first;
}

static EFI_STATUS EFIAPI fake_protocol(EFI_HANDLE handle, EFI_GUID *id, void **out)
{
    CALL_OR_FAIL();
    const struct fake_screen *screen = handle;
    if (same_guid(id, 0x5b1b31a1) && !fw.no_loaded_image)
        *out = &fw.loaded;
    else if (same_guid(id, 0x964e5b22))
        *out = &fw.fs;
    else if (same_guid(id, 0x9042a9de))
        *out = handle;
    else if (same_guid(id, 0xd3b36f2c) && screen->console)
        *out = NULL;
    else
        return EFI_UNSUPPORTED;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_locate(EFI_LOCATE_SEARCH_TYPE how, EFI_GUID *id, void *key,
                                     UINTN *count, EFI_HANDLE **out)
{
    UNUSED(key), UNUSED(how), UNUSED(id);
    CALL_OR_FAIL();
    if (fw.screen_count == 0)
        return EFI_NOT_FOUND;
    *out = malloc(fw.screen_count * sizeof(**out));
    *count = fw.screen_count;
    for (size_t i = 0; i < fw.screen_count; i++)
        (*out)[i] = &fw.screens[i];
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_processors(void *self, UINTN *processors, UINTN *enabled)
{
    CALL_OR_FAIL();
    fw.violations += self != &fw.mp;
    *processors = fw.processors;
    *enabled = fw.processors - 1;
    return fw.no_count;
}

static EFI_STATUS EFIAPI fake_locate_protocol(EFI_GUID *id, void *registration, void **out)
{
    static const uint8_t mp[16] = {0x05, 0xa6, 0xdd, 0x3f, 0x6e, 0xa7, 0x46, 0x4f,
                                   0xad, 0x29, 0x12, 0xf4, 0x53, 0x1b, 0x3d, 0x08};
    CALL_OR_FAIL();
    fw.violations += registration != NULL;
    fw.mp[0] = (uintptr_t)&fake_processors;
    *out = &fw.mp;
    return fw.processors != 0 && memcmp(id, mp, 16) == 0 ? EFI_SUCCESS : EFI_NOT_FOUND;
}

static EFI_STATUS EFIAPI fake_free_pool(void *at)
{
    fw.violations += fw.exits > 0;
    free(at);
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_set_mode(EFI_GRAPHICS_OUTPUT_PROTOCOL *gop, UINT32 mode)
{
    CALL_OR_FAIL();
    struct fake_screen *screen = (struct fake_screen *)(void *)gop;
    fw.set_modes++;
    fw.violations += mode != 0;
    screen->gop.Mode = &screen->mode;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_say(SIMPLE_TEXT_OUTPUT_INTERFACE *out, CHAR16 *text)
{
    fw.violations += fw.exits > 0 || out != &fw.out;
    size_t length = strlen(fw.said);
    for (; *text != 0 && length + 1 < sizeof(fw.said); text++)
        fw.said[length++] = (char)*text;
    fw.said[length] = '\0';
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_key(SIMPLE_INPUT_INTERFACE *in, EFI_INPUT_KEY *key)
{
    fw.violations += fw.exits > 0 || in != &fw.in;
    fw.key_reads++;
    if (fw.keys == NULL || *fw.keys == '\0')
        return fw.no_key;
    char c = *fw.keys;
    fw.keys += fw.stuck_key && fw.keys[1] == '\0' ? 0 : 1;
    key->ScanCode = c == KEY_ENTER ? 13 : c == KEY_ARROW ? 1 : 0;
    key->UnicodeChar = key->ScanCode != 0 ? 0 : (CHAR16)(uint8_t)c;
    return c == KEY_NONE ? fw.no_key : EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_open_volume(EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *fs,
                                          EFI_FILE_PROTOCOL **out)
{
    UNUSED(fs);
    CALL_OR_FAIL();
    fw.open_files++;
    *out = &fw.root;
    return EFI_SUCCESS;
}

static bool same_path(const CHAR16 *path, const char *name)
{
    size_t i = 0;
    while (name != NULL && path[i] != 0 && path[i] == (CHAR16)name[i])
        i++;
    return name != NULL && path[i] == 0 && name[i] == '\0';
}

/* The three files that may be written, and nothing else; NULL: another. */
static EFI_FILE_PROTOCOL *file_of(const CHAR16 *path)
{
    if (same_path(path, "\\mortise-report.txt"))
        return &fw.report_file;
    if (same_path(path, "\\mortise-bad.txt"))
        return &fw.list_file;
    return same_path(path, "\\mortise-log.txt") ? &fw.log_file : NULL;
}

static struct fake_file *content_of(const EFI_FILE_PROTOCOL *file)
{
    if (file == &fw.report_file)
        return &fw.report;
    return file == &fw.list_file ? &fw.list : &fw.log;
}

static EFI_STATUS open_to_write(EFI_FILE_PROTOCOL **out, CHAR16 *path, UINT64 mode)
{
    fw.write_opens++;
    if (fw.open_maps)
        fw.map[fw.map_count++] = (struct fake_descriptor){4, fw.write_opens << 24, 1, 0xf};
    EFI_FILE_PROTOCOL *file = file_of(path);
    struct fake_file *f = content_of(file);
    UINT64 create = EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE | EFI_FILE_MODE_CREATE;
    fw.violations += file == NULL;
    fw.violations += (mode | EFI_FILE_MODE_CREATE) != create || f->open;
    if (mode == create && f->there)
        fw.violations++; /* what is in it would stay at its end */
    if (mode != create && !f->there)
        return fw.no_write == EFI_WRITE_PROTECTED ? fw.no_write : EFI_NOT_FOUND;
    if (efi_ok(fw.no_write) && mode == create)
        f->there = true, f->size = 0;
    if (!efi_ok(fw.no_write))
        return fw.no_write;
    fw.open_files++;
    f->open = true;
    *out = file;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_open(EFI_FILE_PROTOCOL *root, EFI_FILE_PROTOCOL **out, CHAR16 *path,
                                   UINT64 mode, UINT64 attributes)
{
    fw.violations += root != &fw.root || attributes != 0;
    CALL_OR_FAIL();
    if (mode != EFI_FILE_MODE_READ)
        return open_to_write(out, path, mode);
    if (file_of(path) == &fw.list_file && fw.list.there) {
        fw.open_files++;
        fw.list.open = true;
        *out = &fw.list_file;
        return EFI_SUCCESS;
    }
    if (!same_path(path, fw.config_path))
        return EFI_NOT_FOUND;
    fw.open_files++;
    *out = &fw.file;
    return EFI_SUCCESS;
}

static struct fake_file *written(EFI_FILE_PROTOCOL *file)
{
    struct fake_file *f = content_of(file);
    fw.violations += file != &fw.report_file && file != &fw.log_file && file != &fw.list_file;
    fw.violations += !f->open;
    return f;
}

static EFI_STATUS EFIAPI fake_write(EFI_FILE_PROTOCOL *file, UINTN *size, void *from)
{
    CALL_OR_FAIL();
    struct fake_file *f = written(file);
    size_t fits = hal_min_u64(*size, hal_min_u64(fw.room, sizeof(f->text) - 1 - f->size));
    if (fits < *size && !fw.short_writes)
        return EFI_VOLUME_FULL;
    memcpy(f->text + f->size, from, fits);
    f->size += fits;
    f->text[f->size] = '\0';
    fw.room -= fits;
    *size = fits;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_delete(EFI_FILE_PROTOCOL *file)
{
    struct fake_file *f = written(file);
    bool well = fake_call();
    f->open = false;
    f->there = f->there && !well;
    fw.open_files--;
    fw.deletes++;
    return well ? EFI_SUCCESS : EFI_WARN_DELETE_FAILURE;
}

static EFI_STATUS EFIAPI fake_flush(EFI_FILE_PROTOCOL *file)
{
    (void)written(file);
    CALL_OR_FAIL();
    return fw.lazy_writes ? EFI_DEVICE_ERROR : EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_close_written(EFI_FILE_PROTOCOL *file)
{
    written(file)->open = false;
    fw.open_files--;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_info(EFI_FILE_PROTOCOL *file, EFI_GUID *id, UINTN *size, void *to)
{
    CALL_OR_FAIL();
    fw.violations += !same_guid(id, 0x09576e92) || *size < 200;
    UNUSED(file);
    memset(to, 0, 80);
    memcpy((uint8_t *)to + 72, &fw.old_kind, 8);
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_variable(CHAR16 *name, EFI_GUID *id, UINT32 *attributes, UINTN *size,
                                       void *to)
{
    UNUSED(attributes);
    CALL_OR_FAIL();
    fw.violations += !same_path(name, "SecureBoot") || !same_guid(id, 0x8be4df61) || *size != 1;
    if (fw.secure < 0)
        return EFI_NOT_FOUND;
    *(uint8_t *)to = (uint8_t)fw.secure;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_query(EFI_GRAPHICS_OUTPUT_PROTOCOL *gop, UINT32 mode, UINTN *size,
                                    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION **out)
{
    CALL_OR_FAIL();
    struct fake_screen *screen = (struct fake_screen *)(void *)gop;
    fw.violations += mode >= screen->mode.MaxMode;
    *out = malloc(*size = sizeof(**out));
    **out = screen->info;
    return EFI_SUCCESS;
}

static void fake_levels(uint8_t levels)
{
    struct hal_paging p = hal_paging_features();
    p.levels = levels;
    host_set_paging(&p);
}

void cpu_detect(void)
{
}

const char *refuse_machine(void)
{
    return fw.refusal;
}

struct cpu_protection cpu_protection(void)
{
    return fw.protection;
}

size_t cpu_control_registers(struct cpu_register out[CPU_REGISTERS])
{
    memcpy(out, fw.registers, sizeof fw.registers);
    return ARRAY_LEN(fw.registers);
}

const char *cpu_name(void)
{
    return "Fake CPU";
}

/* By turns, a GiB each, the first of them in two parts. */
struct cpu_caching cpu_caching(hal_paddr_t at, hal_paddr_t *until)
{
    *until = at < 512 * MIB ? 512 * MIB : hal_align_down(at, GIB) + GIB;
    return (struct cpu_caching){at / GIB % 2 == 0 ? "write-back" : "uncached", at / GIB % 2 == 0};
}

void cpu_identify(cpu_tell_fn *tell, void *ctx)
{
    tell(ctx, "kind", (const uint32_t[]){1, 2, 3, 4, 0xffffffff});
    tell(ctx, "other", (const uint32_t[]){0, 0, 0, 0, 0x80000000});
}

static EFI_STATUS EFIAPI fake_read(EFI_FILE_PROTOCOL *file, UINTN *size, void *to)
{
    CALL_OR_FAIL();
    const char *from = file == &fw.list_file ? fw.list.text : fw.config;
    *size = hal_min_u64(*size, strlen(from));
    memcpy(to, from, *size);
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_close(EFI_FILE_PROTOCOL *file)
{
    UNUSED(file);
    fw.open_files--;
    return EFI_SUCCESS;
}

/* The last argument as gnu-efi declares it: CHAR16, which is VOID in UEFI and in other headers. */
static EFI_STATUS EFIAPI fake_reset(EFI_RESET_TYPE how, EFI_STATUS status, UINTN size, CHAR16 *data)
{
    UNUSED(status), UNUSED(size), UNUSED(data);
    fw.violations += how != EfiResetCold;
    longjmp(fw.leave, RESET);
}

_Noreturn void kernel_enter(struct boot_info *info)
{
    fw.entered = *info;
    fw.entered_map = info->map;
    longjmp(fw.leave, ENTERED);
}

/* Put the sum of `bytes` right by the one at `where`. */
static void fix_sum(uint8_t *bytes, size_t count, size_t where)
{
    uint8_t sum = 0;
    bytes[where] = 0;
    for (size_t i = 0; i < count; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[where] = (uint8_t)-sum;
}

/* Slot "A" has 256 MiB, slot "B" nothing. */
static void fake_modules(void)
{
    static const uint8_t rest[] = {17, 22, 1, 0, [12] = 0, [13] = 1, [16] = 1, [18] = 0x18, [22] = 'A',
                                   0,  0,  17, 22, 2, [25 + 16] = 1, [25 + 22] = 'B', 0, 0,
                                   127, 4, 3, 0, 0, 0};
    uint64_t at = (uintptr_t)fake_smbios + 32;
    uint32_t size = sizeof(rest);
    memset(fake_smbios, 0, sizeof(fake_smbios));
    memcpy(fake_smbios, "_SM3_\0\x18\x03\x02", 9);
    memcpy(fake_smbios + 12, &size, 4);
    memcpy(fake_smbios + 16, &at, 8);
    memcpy(fake_smbios + 32, rest, sizeof(rest));
    fix_sum(fake_smbios, 24, 5);
}

static void fake_tables(void)
{
    static const EFI_GUID acpi2 = {.Data1 = 0x8868e871}, smbios3 = {.Data1 = 0xf2fd1544};
    static const uint8_t acpi2_rest[] = {0xf1, 0xe4, 0xd3, 0x11, 0xbc, 0x22,
                                         0,    0x80, 0xc7, 0x3c, 0x88, 0x81};
    static const uint8_t smbios_rest[] = {0x94, 0x97, 0x2c, 0x4a, 0x99, 0x2e,
                                          0xe5, 0xbb, 0xcf, 0x20, 0xe3, 0x94};
    memset(fake_rsdp, 0, sizeof(fake_rsdp));
    memcpy(fake_rsdp, "RSD PTR ", 8);
    fake_rsdp[15] = 2;
    fix_sum(fake_rsdp, 20, 8);
    fix_sum(fake_rsdp, 36, 32);
    fake_modules();
    fw.tables[0] = (EFI_CONFIGURATION_TABLE){.VendorGuid = acpi2, .VendorTable = fake_rsdp};
    memcpy((uint8_t *)&fw.tables[0] + 4, acpi2_rest, sizeof(acpi2_rest));
    fw.tables[1] = (EFI_CONFIGURATION_TABLE){.VendorGuid = smbios3, .VendorTable = fake_smbios};
    memcpy((uint8_t *)&fw.tables[1] + 4, smbios_rest, sizeof(smbios_rest));
    fw.system.ConfigurationTable = fw.tables;
    fw.system.NumberOfTableEntries = 2;
}

static void fake_map_entry(uint32_t type, uint64_t base, uint64_t pages, uint64_t attributes)
{
    fw.map[fw.map_count++] = (struct fake_descriptor){type, base, pages, attributes};
}

/* Unsorted, with the tables above in ACPI reclaim memory, and room behind to grow into. */
static void fake_map(void)
{
    for (uint64_t i = 0; i < FAKE_MAP; i++)
        fw.map[i] = (struct fake_descriptor){4, (i + 1) << 24, 1, 0xf};
    fake_map_entry(7, 0x100000000, 0x1000, 0xf);
    fake_map_entry(7, 0x100000, 0x700, 0xf);
    fake_map_entry(9, hal_align_down((uintptr_t)fake_rsdp, HAL_PAGE_SIZE), 2, 0xf);
    fake_map_entry(9, hal_align_down((uintptr_t)fake_smbios, HAL_PAGE_SIZE), 2, 0xf);
    fake_map_entry(3, (uintptr_t)fake_pages_of, 4, 0xf);
    fake_map_entry(0x80000001, 0xfee00000, 1, 0x8000000000000001);
}

static void fake_screen(size_t i, uint64_t base, uint32_t format)
{
    struct fake_screen *s = &fw.screens[i];
    s->info.HorizontalResolution = 800;
    s->info.VerticalResolution = 600;
    s->info.PixelsPerScanLine = 832;
    s->info.PixelFormat = (EFI_GRAPHICS_PIXEL_FORMAT)format;
    s->mode.Info = &s->info;
    s->mode.FrameBufferBase = base;
    s->mode.FrameBufferSize = 832 * 600 * 4;
    s->gop.Mode = &s->mode;
    s->gop.SetMode = fake_set_mode;
    s->gop.QueryMode = fake_query;
    s->mode.MaxMode = 2;
    fw.screen_count = i + 1;
}

/* \EFI\TOOLS\m.efi, in two nodes as some firmware splits it. */
static void fake_path(void)
{
    static const char *const parts[] = {"\\EFI\\TOOLS", "\\m.efi"};
    uint8_t *at = fw.device_path;
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(parts[i]) + (i == 0 ? 0 : 1);
        at[0] = at[1] = 4;
        at[2] = (uint8_t)(4 + 2 * length);
        for (size_t c = 0; c < length; c++)
            at[4 + 2 * c] = (uint8_t)parts[i][c];
        at += at[2];
    }
    at[0] = 0x7f, at[1] = 0xff, at[2] = 4;
    fw.loaded.FilePath = (void *)fw.device_path;
}

static void fake_services(void)
{
    fw.boot.SetWatchdogTimer = fake_watchdog;
    fw.boot.AllocatePages = fake_pages;
    fw.boot.FreePages = fake_free_pages;
    fw.boot.GetMemoryMap = fake_get_map;
    fw.boot.ExitBootServices = fake_exit;
    fw.boot.Stall = fake_stall;
    fw.boot.HandleProtocol = fake_protocol;
    fw.boot.LocateHandleBuffer = fake_locate;
    fw.boot.LocateProtocol = fake_locate_protocol;
    fw.boot.FreePool = fake_free_pool;
    fw.out.OutputString = fake_say;
    fw.in.ReadKeyStroke = fake_key;
    fw.fs.OpenVolume = fake_open_volume;
    fw.root.Open = fake_open;
    fw.root.Close = fw.file.Close = fake_close;
    fw.file.Read = fw.list_file.Read = fake_read;
    fw.report_file.Write = fw.log_file.Write = fw.list_file.Write = fake_write;
    fw.report_file.Delete = fw.log_file.Delete = fw.list_file.Delete = fake_delete;
    fw.report_file.Flush = fw.log_file.Flush = fw.list_file.Flush = fake_flush;
    fw.report_file.Close = fw.log_file.Close = fw.list_file.Close = fake_close_written;
    fw.report_file.GetInfo = fw.log_file.GetInfo = fw.list_file.GetInfo = fake_info;
    fw.runtime.GetVariable = fake_variable;
    fw.runtime.ResetSystem = (EFI_RESET_SYSTEM)fake_reset; /* the headers differ on `data` */
}

static void fake_image(void)
{
    memset(__ImageBase, 0, sizeof(__ImageBase));
    memcpy(__ImageBase, "MZ", 2);
    __ImageBase[0x3c] = 64;
    memcpy(__ImageBase + 64, "PE\0", 4);
    __ImageBase[64 + 24 + 56 + 1] = FAKE_IMAGE >> 8; /* SizeOfImage */
}

/* 64 KiB at the first place where the loader wants the kept log: 1 MiB is free in a process too. */
static uint64_t fake_fixed(void)
{
    static void *block;
    if (block == NULL)
        block = mmap((void *)(uintptr_t)MIB, KEEP_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (block != (void *)(uintptr_t)MIB)
        abort();
    memset(block, 0, KEEP_SIZE);
    return MIB;
}

/* A firmware without faults; tests then turn the knobs. */
static void fake_start(void)
{
    static CHAR16 vendor[] = {'F', 'a', 'k', 'e', 0x20ac, 0};
    for (size_t i = 0; i < fw.block_count; i++)
        free(fw.blocks[i]);
    memset(&fw, 0, sizeof(fw));
    fw.stride = 48;
    fw.hurry = fw.slow = 1;
    fw.room = SIZE_MAX;
    fw.no_key = EFI_NOT_READY;
    fw.secure = -1;
    fw.fixed = fake_fixed();
    memset(fake_pages_of, 0, sizeof(fake_pages_of));
    fw.registers[0] = (struct cpu_register){"one", 0x80010033};
    fw.registers[1] = (struct cpu_register){"two", 0};
    hal_load_root((uintptr_t)fake_pages_of);
    fake_levels(4);
    fw.low_page = 0x9e000;
    fake_services();
    fake_image();
    fake_tables();
    fake_map();
    fake_path();
    fw.loaded.ImageBase = __ImageBase;
    fw.loaded.DeviceHandle = &fw;
    fw.system.BootServices = &fw.boot;
    fw.system.RuntimeServices = &fw.runtime;
    fw.system.ConOut = &fw.out;
    fw.system.ConIn = &fw.in;
    fw.system.FirmwareVendor = vendor;
    fw.system.FirmwareRevision = 0x10203;
    fw.watchdog = 300;
    fake_screen(0, 0xc0000000, 1);
}

static enum fake_outcome fake_boot(EFI_STATUS *status)
{
    volatile int how = setjmp(fw.leave);
    if (how != 0)
        return (enum fake_outcome)how;
    *status = efi_main(&fw, &fw.system);
    return RETURNED;
}

#endif
