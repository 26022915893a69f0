/* The services that the image meets. A hook plays tricks on the image alone: it knows it by the
 * address to which it returns. */
#include "arch.h"
#include "hal/short.h"
#include "shim.h"

#define SERVICES     44u
#define HEADER       sizeof(EFI_TABLE_HEADER)
#define GET_MAP      (offsetof(EFI_BOOT_SERVICES, GetMemoryMap) - HEADER) / sizeof(void *)
#define EXIT         (offsetof(EFI_BOOT_SERVICES, ExitBootServices) - HEADER) / sizeof(void *)
#define RESERVED     (offsetof(EFI_BOOT_SERVICES, HandleProtocol) - HEADER) / sizeof(void *) + 1
#define STUB         16u
#define FROM_IMAGE() from_image((uint64_t)(uintptr_t)__builtin_return_address(0))

uint64_t strict_base, strict_size;
uint64_t strict_real[64];

static EFI_BOOT_SERVICES before; /* the firmware's own */
static EFI_INPUT_READ_KEY real_read_key;
static uint64_t readings, exits, allocations;

static bool from_image(uint64_t address)
{
    return address - strict_base < strict_size;
}

static size_t give(const struct list *list, uint8_t *to, UINTN stride)
{
    for (size_t i = 0; to != NULL && i < list->count; i++) {
        for (size_t byte = 0; byte < stride; byte++)
            to[i * stride + byte] = byte < sizeof(struct entry) ? 0 : 0xee;
        *(struct entry *)(void *)(to + i * stride) = list->at[i];
    }
    return list->count * stride;
}

static bool is_made_small(void)
{
    static uint64_t times;
    bool now = readings >= config.small_from || exits >= config.small_after;
    return now && times++ < config.small_count;
}

static EFI_STATUS EFIAPI get_map(UINTN *bytes, EFI_MEMORY_DESCRIPTOR *to, UINTN *key, UINTN *stride,
                                 UINT32 *version)
{
    if (!FROM_IMAGE())
        return before.GetMemoryMap(bytes, to, key, stride, version);
    /* A size that holds no descriptor is a lie; the descriptors lie elsewhere then. */
    UINTN step = config.stride < sizeof(struct entry) ? 48 : config.stride;
    UINTN key_now = 0;
    EFI_STATUS status = map_read_real(before.GetMemoryMap, &key_now);
    if (!ok(status))
        return status;
    const struct list *list = map_make(++readings);
    UINTN need = give(list, NULL, step);
    *stride = config.stride;
    *version = (UINT32)config.version;
    if (is_made_small())
        need = *bytes + need * readings;
    if (*bytes < need) {
        *bytes = need;
        return EFI_BUFFER_TOO_SMALL;
    }
    *bytes = give(list, (uint8_t *)to, step);
    *key = key_now;
    return EFI_SUCCESS;
}

/* From the first try to exit on. */
static void be_strict(void)
{
    uint64_t *table = (uint64_t *)(void *)((uint8_t *)st->BootServices + HEADER);
    for (uint64_t i = 0; i < SERVICES; i++) {
        strict_real[i] = table[i];
        if (i != GET_MAP && i != EXIT && i != RESERVED)
            table[i] = (uint64_t)(uintptr_t)(strict_stubs + i * STUB);
    }
}

EFI_STATUS strict_refuse(uint64_t service, uint64_t caller)
{
    say("shim: called after the exit: service");
    say_hex(service);
    say(" from image offset");
    say_hex(caller - strict_base);
    say_end();
    return EFI_UNSUPPORTED;
}

static void take_console(void)
{
    static uint64_t wild[16];
    for (size_t i = 0; i < ARRAY_LEN(wild); i++)
        wild[i] = 0xdead0000dead0000u; /* not canonical: a call or a read faults */
    if (config.con_null != 0 || config.con_none != 0)
        st->ConOut = st->StdErr = NULL, st->ConIn = NULL;
    if (config.con_wild != 0) {
        st->ConOut = st->StdErr = (void *)wild;
        st->ConIn = (void *)wild;
    }
}

static void after_exit(void)
{
    say("shim: readings");
    say_hex(readings);
    say_end();
    map_say_real();
    tables_say_rights();
    take_console();
    tables_junk();
    tables_after_exit();
    arch_after_exit();
}

/* Refused with something allocated, so that the map and its key are others the next time. */
static EFI_STATUS refuse_exit(void)
{
    void *page = NULL;
    (void)before.AllocatePool(EfiReservedMemoryType, 100, &page);
    return EFI_INVALID_PARAMETER;
}

static EFI_STATUS EFIAPI exit_services(EFI_HANDLE image, UINTN key)
{
    if (!FROM_IMAGE())
        return before.ExitBootServices(image, key);
    say("shim: exit");
    say_hex(++exits);
    say_end();
    if (exits == 1) {
        say_seconds();
        be_strict();
        take_console();
    }
    if (exits <= config.exit_fail)
        return refuse_exit();
    if (exits - config.exit_fail <= config.exit_stale)
        return before.ExitBootServices(image, key + 1);
    EFI_STATUS status = before.ExitBootServices(image, key);
    if (ok(status))
        after_exit();
    return status;
}

static bool below_1m(EFI_ALLOCATE_TYPE how, EFI_PHYSICAL_ADDRESS at)
{
    return how != AllocateAnyPages && at < MIB;
}

static EFI_STATUS EFIAPI allocate_pages(EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type, UINTN pages,
                                        EFI_PHYSICAL_ADDRESS *at)
{
    if (!FROM_IMAGE())
        return before.AllocatePages(how, type, pages, at);
    allocations++;
    if (config.no_pages != 0 && allocations >= config.no_pages)
        return EFI_OUT_OF_RESOURCES;
    if (config.no_low != 0 && below_1m(how, *at))
        return EFI_NOT_FOUND;
    if (config.zero_page != 0 && allocations == 1 && below_1m(how, *at)) {
        *at = 0;
        return EFI_SUCCESS;
    }
    return before.AllocatePages(how, type, pages, at);
}

static bool is_loaded_image(const EFI_GUID *id)
{
    const uint64_t *words = (const uint64_t *)(const void *)id;
    return words[0] == 0x11d295625b1b31a1u && words[1] == 0x3b7269c9a0003f8eu;
}

static void spoil(EFI_LOADED_IMAGE_PROTOCOL *loaded)
{
    if (config.no_path != 0)
        loaded->FilePath = NULL;
    if (config.no_device != 0)
        loaded->DeviceHandle = NULL;
    if (config.wrong_base != 0)
        loaded->ImageBase = (void *)(uintptr_t)0x1000;
    if (config.options_bytes != 0) {
        loaded->LoadOptions = config.options;
        loaded->LoadOptionsSize = (UINT32)config.options_bytes;
    }
}

static bool is_graphics_output(const EFI_GUID *id)
{
    const uint64_t *words = (const uint64_t *)(const void *)id;
    return words[0] == 0x4a3823dc9042a9deu && words[1] == 0x6a5180d0de7afb96u;
}

/* The protocol behind a copy: its functions find what else they keep by its address. */
static EFI_GRAPHICS_OUTPUT_PROTOCOL *real_gop;

static EFI_STATUS EFIAPI query_mode(EFI_GRAPHICS_OUTPUT_PROTOCOL *gop, UINT32 number, UINTN *size,
                                    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION **info)
{
    UNUSED(gop);
    return real_gop->QueryMode(real_gop, number, size, info);
}

static void spoil_screen(void **found)
{
    static EFI_GRAPHICS_OUTPUT_PROTOCOL gop;
    static EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE mode;
    static EFI_GRAPHICS_OUTPUT_MODE_INFORMATION info;
    real_gop = *found;
    gop = *real_gop;
    gop.QueryMode = query_mode;
    mode = *gop.Mode;
    info = *mode.Info;
    if (config.gop_pitch != UINT64_MAX)
        info.PixelsPerScanLine = (UINT32)config.gop_pitch;
    if (config.gop_size != UINT64_MAX)
        mode.FrameBufferSize = config.gop_size;
    mode.Info = &info;
    gop.Mode = &mode;
    *found = &gop;
}

static EFI_STATUS EFIAPI count_processors(void *self, UINTN *processors, UINTN *enabled)
{
    UNUSED(self);
    *processors = config.processors;
    *enabled = config.processors - 1;
    return EFI_SUCCESS;
}

/* The image locates EFI_MP_SERVICES and nothing else. */
static EFI_STATUS EFIAPI locate_protocol(EFI_GUID *id, void *registration, void **found)
{
    static uintptr_t services[1];
    if (!FROM_IMAGE() || config.processors == 0)
        return before.LocateProtocol(id, registration, found);
    services[0] = (uintptr_t)&count_processors;
    *found = services;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI handle_protocol(EFI_HANDLE handle, EFI_GUID *id, void **found)
{
    static EFI_LOADED_IMAGE_PROTOCOL copy;
    EFI_STATUS status = before.HandleProtocol(handle, id, found);
    if (FROM_IMAGE() && is_graphics_output(id) && ok(status))
        spoil_screen(found);
    if (!FROM_IMAGE() || handle != child.handle || !is_loaded_image(id) || !ok(status))
        return status;
    if (config.no_loaded != 0)
        return EFI_UNSUPPORTED;
    copy = *child.loaded;
    spoil(&copy);
    *found = &copy;
    return status;
}

/* The firmware's own key, else one out of `press`. */
static EFI_STATUS EFIAPI read_key(SIMPLE_INPUT_INTERFACE *in, EFI_INPUT_KEY *key)
{
    static uint64_t asked;
    EFI_STATUS status = real_read_key(in, key);
    if (!FROM_IMAGE() || ok(status) || ++asked % config.press != 0)
        return status;
    *key = (EFI_INPUT_KEY){.UnicodeChar = ' '};
    return EFI_SUCCESS;
}

static void hook_keys(SIMPLE_INPUT_INTERFACE *in)
{
    if (config.press == 0 || in == NULL)
        return;
    real_read_key = in->ReadKeyStroke;
    in->ReadKeyStroke = read_key;
}

static EFI_STATUS EFIAPI stall(UINTN us)
{
    return before.Stall(FROM_IMAGE() ? us / config.hurry : us);
}

/* GUIDs of ACPI 2.0 and 1.0 in the table of tables. */
static bool is_acpi_table(const EFI_GUID *id)
{
    const uint64_t *words = (const uint64_t *)(const void *)id;
    return (words[0] == 0x11d3e4f18868e871u && words[1] == 0x81883cc7800022bcu) ||
           (words[0] == 0x11d32d88eb9d2d30u && words[1] == 0x4dc13f279000169au);
}

/* Each root pointer gets 64 bytes from `to` on. */
static void move_rsdp(uint64_t to)
{
    for (UINTN i = 0; i < st->NumberOfTableEntries; i++) {
        EFI_CONFIGURATION_TABLE *table = &st->ConfigurationTable[i];
        if (!is_acpi_table(&table->VendorGuid))
            continue;
        const uint8_t *from = table->VendorTable;
        volatile uint8_t *at = (volatile uint8_t *)(uintptr_t)to;
        for (size_t byte = 0; byte < 36; byte++)
            at[byte] = from[byte];
        if (at[0] != 'R')
            stop("no root pointer can be moved to", to);
        table->VendorTable = (void *)(uintptr_t)to;
        to += 64;
    }
}

void services_hook(void)
{
    if (config.rsdp_at != 0)
        move_rsdp(config.rsdp_at);
    EFI_BOOT_SERVICES *table = st->BootServices;
    before = *table;
    strict_base = (uint64_t)(uintptr_t)child.loaded->ImageBase;
    strict_size = child.loaded->ImageSize;
    table->GetMemoryMap = get_map;
    table->ExitBootServices = exit_services;
    table->AllocatePages = allocate_pages;
    table->HandleProtocol = handle_protocol;
    table->LocateProtocol = locate_protocol;
    table->Stall = stall;
    hook_keys(st->ConIn);
    if (config.con_none != 0)
        take_console();
}
