/* efi/machine/processors.h: how many processors the firmware counts. It starts none of them: its service
 * for that ends with the exit, and it numbers them in its own way. */
#ifndef EFI_MACHINE_PROCESSORS_H
#define EFI_MACHINE_PROCESSORS_H

#include "efi/base/loader.h"
#include "efi/talk/volume.h"

/* Fill boot_info.processors and .processors_enabled by EFI_MP_SERVICES_PROTOCOL (PI 1.7 vol. 2, 13.4).
 * Where there is none, as on U-Boot, both stay 0, which is no note. */
void processors_count(const struct loader *);

/* Add a line with the two numbers, or that they are not known. */
void processors_report(const struct loader *, struct volume_file *);

#endif
