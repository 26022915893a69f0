#include "efi/main.h"
#include "efi/arch/places.h"
#include "efi/arch/refuse.h"
#include "efi/base/bss.h"
#include "efi/base/clock.h"
#include "efi/base/text.h"
#include "efi/machine/graphics.h"
#include "efi/machine/processors.h"
#include "efi/machine/tables.h"
#include "efi/memory/early.h"
#include "efi/memory/kept.h"
#include "efi/memory/map.h"
#include "efi/menu.h"
#include "efi/report.h"
#include "efi/talk/badlist.h"
#include "efi/talk/console.h"
#include "efi/talk/options.h"
#include "efi/talk/volume.h"
#include "hal/cpu.h"
#include "hal/unaligned.h"
#include "kernel/main.h"
#include "kernel/version.h"

#define REFUSED_WAIT_S 30u

/* Given by the linker: where this image really lies, whatever the firmware says. */
extern const uint8_t __ImageBase[];

/* Part of the image: the kernel reserves it with the image. */
static struct boot_info boot_info;

static void measure_clock(const struct loader *l)
{
    const char *odd = clock_measure(l);
    if (odd != NULL)
        console_note(l, odd);
}

static void find_loaded_image(struct loader *l)
{
    static EFI_GUID id = {
        0x5b1b31a1, 0x9562, 0x11d2, {0x8e, 0x3f, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
    void *found = NULL;
    if (efi_ok(l->boot->HandleProtocol(l->image, &id, &found)) && found != NULL)
        l->loaded = found;
    else
        console_note(l,
                     "The firmware does not describe this image: no mortise.cfg, no LoadOptions.");
}

/* Bytes of the image, by its own headers; 0: they were not loaded with it. SizeOfImage is 56 bytes into the
 * optional header, which follows the 24 bytes of signature and file header. */
static uint64_t image_bytes(void)
{
    uint32_t pe = load32(__ImageBase + 0x3c);
    bool loaded = __ImageBase[0] == 'M' && __ImageBase[1] == 'Z' && pe <= 1024 &&
                  load32(__ImageBase + pe) == 0x4550;
    return loaded ? load32(__ImageBase + pe + 24 + 56) : 0;
}

/* The kernel needs the headers (sections, relocations), so they must have been loaded. */
static bool find_image(const struct loader *l)
{
    l->info->image_base = (uint64_t)(uintptr_t)__ImageBase;
    l->info->image_size = image_bytes();
    if (l->info->image_size == 0)
        return false;
    if (l->loaded != NULL && l->loaded->ImageBase != (const void *)__ImageBase)
        console_note(l,
                     "The firmware is wrong about where this image lies; its own headers count.");
    return true;
}

static void copy_firmware_name(const struct loader *l)
{
    const CHAR16 *name = l->system->FirmwareVendor;
    for (size_t i = 0; name != NULL && i + 1 < sizeof(l->info->firmware_vendor) && name[i] != 0;
         i++)
        l->info->firmware_vendor[i] = name[i] >= ' ' && name[i] <= '~' ? (char)name[i] : '?';
    l->info->firmware_revision = l->system->FirmwareRevision;
    l->info->runtime_services = (uint64_t)(uintptr_t)l->system->RuntimeServices;
}

/* Some firmware hands out page 0, which is never used. Then the firmware is asked a second time. */
static void take_trampoline(const struct loader *l)
{
    uint64_t top = places_trampoline();
    if (top == 0)
        return;
    uint64_t page = map_take_pages(l, 1, top);
    if (page == 0)
        page = map_take_pages(l, 1, top);
    l->info->trampoline = page;
    if (page == 0)
        console_note(l, "No free page below 640 KiB: other processors cannot be started.");
}

static void greet(const struct loader *l)
{
    console_write(l, "\nMortise ");
    console_write(l, mortise_commit);
    console_write(
        l, ": a kernel that manages memory. It runs from RAM. All that it ever writes to\na disk "
           "is " REPORT_NAME ", " KEPT_NAME " and, when you ask for it, " BADLIST_NAME ",\nwhere it came "
           "from.\n");
}

static const char *menu_options(const struct loader *l)
{
    return l->info->options[0] != '\0' ? l->info->options : "none";
}

static void say_what_comes(const struct loader *l)
{
    const char *vendor = l->info->firmware_vendor;
    console_say(l, TEXT("Firmware: %s, revision %x; its memory map has %u entries.",
                        S(vendor[0] != '\0' ? vendor : "unnamed"), U(l->info->firmware_revision),
                        U(rawmap_count(&l->map))));
    console_write(l, "Options: ");
    console_write(l, menu_options(l));
    console_write(
        l, ".\nNext: the firmware hands the machine over; the kernel makes page tables of its "
           "own,\ngives every page an owner, and tests itself.\n");
    console_write(l,
                  "Should this stay the last line, the firmware did not let go; the machine then "
                  "restarts\nby itself after half a minute.\n");
}

/* The firmware has not let go, and its console is forbidden since the first attempt (L2). The last line on
 * the screen says what is happening, so it is given time to be read; then the firmware is asked for a
 * restart, which is all that it may still be asked for. */
static _Noreturn void give_up(const struct loader *l)
{
    EFI_RUNTIME_SERVICES *runtime = (void *)(uintptr_t)l->info->runtime_services;
    uint64_t hz = l->info->tsc_hz != 0 ? l->info->tsc_hz : 2000000000u;
    uint64_t start = hal_cycles();
    while (hal_cycles() - start < hz * REFUSED_WAIT_S)
        cpu_relax();
    if (runtime != NULL && runtime->ResetSystem != NULL)
        runtime->ResetSystem(EfiResetCold, EFI_ABORTED, 0, NULL);
    cpu_halt();
}

/* All that comes before the menu. Each step may end the attempt with a sentence. */
static EFI_STATUS prepare(struct loader *l)
{
    measure_clock(l); /* first, for whoever asks a question below waits for the answer */
    const char *refused = refuse_machine();
    if (refused != NULL)
        return console_fail(l, refused, EFI_UNSUPPORTED);
    find_loaded_image(l);
    if (!find_image(l))
        return console_fail(l,
                            "its own headers were not loaded with it. Start it from the "
                            "firmware's boot menu, not through this boot loader.",
                            EFI_LOAD_ERROR);
    options_read(l);
    badlist_read(l);
    copy_firmware_name(l);
    take_trampoline(l);
    graphics_find(l);
    processors_count(l);
    EFI_STATUS status = map_prepare(l);
    if (!efi_ok(status) && status != EFI_OUT_OF_RESOURCES)
        return console_fail(l, "the memory map cannot be read. A firmware update may help.",
                            status);
    if (!efi_ok(status) || !early_take(l))
        return console_fail(
            l,
            "no memory for a stack and the first page tables. Start it on a machine "
            "with 48 MiB or more.",
            EFI_OUT_OF_RESOURCES);
    tables_find(l);
    kept_find(l);
    badlist_find(l, kept_text(l), l->kept_length);
    return EFI_SUCCESS;
}

static EFI_STATUS run(struct loader *l)
{
    bool touched = false;
    EFI_STATUS status = prepare(l);
    if (!efi_ok(status))
        return status;
    menu_show(l);
    report_write(l);
    say_what_comes(l);
    if (!map_exit(l, &touched)) {
        if (touched)
            give_up(l);
        return console_fail(l,
                            "the memory map could be read once and no more. A firmware update "
                            "may help.",
                            EFI_DEVICE_ERROR);
    }
    map_convert(l);
    kernel_enter(l->info);
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    struct loader l = {.image = image, .system = system, .info = &boot_info};
    if (system == NULL)
        return EFI_INVALID_PARAMETER;
    bss_clear((void *)(uintptr_t)__ImageBase, image_bytes());
    boot_info = (struct boot_info){0}; /* the desk starts this more than once */
    l.boot = system->BootServices;
    if (l.boot == NULL) {
        console_write(&l, "Mortise cannot start: the firmware has no boot services. Start it from "
                          "the firmware's boot menu.\n");
        return EFI_UNSUPPORTED;
    }
    (void)l.boot->SetWatchdogTimer(0, 0, 0, NULL);
    greet(&l);
    return run(&l);
}
