/* efi/main.h: where the firmware enters, and the story of the loader. */
#ifndef EFI_MAIN_H
#define EFI_MAIN_H

#include "efi/base/uefi.h"

/* The image's entry point (UEFI 2.10 section 4.1). It returns only when Mortise cannot start, with a
 * status that says why. */
EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

#endif
