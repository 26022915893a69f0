/* efi/arch/protect.h: how far the firmware protects memory. */
#ifndef EFI_ARCH_PROTECT_H
#define EFI_ARCH_PROTECT_H

#include "efi/base/loader.h"
#include "efi/talk/volume.h"

/* Add lines about the firmware's own page tables: which protections are switched on, how much is mapped
 * with which rights, and the rights of this program's own memory. Tables are read as far as the map
 * covers them, 65536 at most. */
void protect_report(const struct loader *, struct volume_file *);

#endif
