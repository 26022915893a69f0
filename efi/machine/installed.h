/* efi/machine/installed.h: where the RAM is (kernel/ram/ram.h), and what is free of it, for the report. */
#ifndef EFI_MACHINE_INSTALLED_H
#define EFI_MACHINE_INSTALLED_H

#include "efi/base/loader.h"
#include "efi/talk/volume.h"

/* Add the pages that the options call bad, as the kernel logs them; what the kernel itself will own is
 * not known yet. Then the block that the kernel logs under "ram:", a line behind "# ram: " each; and how
 * much of what the page allocator will get lies below 16 MiB, and where its longest run is; by the last
 * map that was read. After early_take(). O(descriptors * log(descriptors) + bytes of the SMBIOS). */
void installed_report(const struct loader *, struct volume_file *);

#endif
