/* kernel/memory/account.h: what became of each page, told and recounted. Context: as
 * kernel/boot_info.h, and the allocator's locks are taken; after memory_make_pmm().
 *
 *   U1  every page of usable RAM is free, parked, allocated, withheld or has one owner with a
 *       label; account_audit() recounts it
 */
#ifndef KERNEL_MEMORY_ACCOUNT_H
#define KERNEL_MEMORY_ACCOUNT_H

#include "kernel/boot_info.h"

/* Log what became of each page: all of it, or the zones alone. O(regions). */
void account_report(const struct boot_info *);
void account_report_zones(void);

/* Pages of usable RAM: all of them, and what became of each, by a walk of the allocator's runs and by the map. */
struct account_sums {
    uint64_t usable, free, parked, allocated, withheld, owned, bad;
};

/* Count them. O(pages of blocks in use + regions). */
struct account_sums account_count(void);

/* Count again, by the normalized map, the allocator's counters, a walk of its runs, and its own
 * check. Log the sums, and what does not agree. False when something does not. O(pages of blocks in
 * use). */
bool account_audit(void);

#endif
