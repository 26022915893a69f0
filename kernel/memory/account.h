/* kernel/memory/account.h: what became of each page, told and recounted. Context: as
 * kernel/boot_info.h, and the allocator's locks are taken; after memory_make_pmm().
 *
 *   U1  every page of usable RAM is free, parked, allocated, withheld or has one owner with a
 *       label; account_audit() recounts it
 */
#ifndef KERNEL_MEMORY_ACCOUNT_H
#define KERNEL_MEMORY_ACCOUNT_H

#include "kernel/boot_info.h"
#include "mm/pmm.h"

/* Have `fn` called for each zone of the machine, and on a machine of several nodes once more for each zone of
 * a node that has memory. `name` is "DMA32", or "DMA32 of node 7"; it and the statistics are gone when `fn`
 * returns. `numbers` are the nodes' as the firmware counts them. Cost as pmm_stats(), for each. */
typedef void account_zone_fn(const char *name, const struct pmm_stats *);
void account_each_zone(const uint32_t *numbers, account_zone_fn *fn);

/* Log what became of each page: all of it, or the zones alone. `numbers` as above. O(regions) and the cost
 * of account_each_zone(). */
void account_report(const struct boot_info *, const uint32_t *numbers);
void account_report_zones(const uint32_t *numbers);

/* Pages of usable RAM: all of them, and what became of each, by a walk of the allocator's runs and
 * by the map. */
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
