/* efi/machine/cpu_report.h: what the boot CPU is, and how it caches memory. */
#ifndef EFI_MACHINE_CPU_REPORT_H
#define EFI_MACHINE_CPU_REPORT_H

#include "efi/talk/volume.h"

/* Add to the report the CPU's name and what it has for page tables; everything that it says of itself, in
 * numbers; and how it caches physical memory up to the last RAM (cpu_caching()), 64 runs at most. After
 * early_take(). O(numbers of the CPU + n log n), n being entries of the map. */
void cpu_report(const struct loader *, struct volume_file *);

#endif
