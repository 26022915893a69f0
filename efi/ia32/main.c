/* BOOTIA32.EFI: what 32-bit firmware starts instead of BOOTX64.EFI, which it passes over in silence.
 *
 * It says on ConOut why nothing else happens, waits for a key and returns to the firmware. It is a program
 * of its own, for a 32-bit machine, and has no code of the rest of Mortise. */
#include "efi/base/uefi.h"

#define MINUTE_US 60000000u

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

/* The text is kept as ASCII, which takes half the room: this file should be small. */
static void say(SIMPLE_TEXT_OUTPUT_INTERFACE *out, const char *ascii)
{
    CHAR16 unit[2] = {0, 0};
    for (; *ascii != '\0'; ascii++) {
        unit[0] = (uint8_t)*ascii;
        (void)out->OutputString(out, unit);
    }
}

static uint32_t cpuid(uint32_t leaf, uint32_t *edx)
{
    uint32_t eax = leaf, ebx, ecx = 0;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(*edx));
    return eax;
}

/* Long mode: bit 29 of EDX of leaf 0x80000001. */
static bool cpu_has_64_bits(void)
{
    uint32_t edx;
    return cpuid(0x80000000u, &edx) >= 0x80000001u &&
           (cpuid(0x80000001u, &edx), (edx & 1u << 29) != 0);
}

static void explain(SIMPLE_TEXT_OUTPUT_INTERFACE *out)
{
    say(out, "\r\nMortise cannot run on this PC: its firmware is 32-bit UEFI, and Mortise needs"
             "\r\n64-bit UEFI.\r\n");
    if (cpu_has_64_bits())
        say(out, "The processor has 64 bits: a setting or an update of the firmware may help,"
                 "\r\nthough most such PCs have none.\r\n");
    else
        say(out, "The processor has only 32 bits too, so nothing will change that.\r\n");
    say(out, "Nothing was changed. Remove the stick and press any key.\r\n");
}

/* Keys that were typed before do not count. Without a keyboard there is a minute to read. */
static void wait_for_key(const EFI_SYSTEM_TABLE *system)
{
    SIMPLE_INPUT_INTERFACE *in = system->ConIn;
    EFI_INPUT_KEY key;
    UINTN which;
    if (in == NULL || in->Reset(in, FALSE) != EFI_SUCCESS ||
        system->BootServices->WaitForEvent(1, &in->WaitForKey, &which) != EFI_SUCCESS)
        (void)system->BootServices->Stall(MINUTE_US);
    else
        (void)in->ReadKeyStroke(in, &key);
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    (void)image;
    (void)system->BootServices->SetWatchdogTimer(0, 0, 0, NULL);
    if (system->ConOut != NULL) {
        explain(system->ConOut);
        wait_for_key(system);
    }
    return (EFI_STATUS)EFI_UNSUPPORTED;
}
