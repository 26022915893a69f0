/* kernel/memory/tables.h: where page tables get their pages: 16 pages in the image
 * (kernel/early/pool.h), then the memory that the loader took for them, then the page allocator. So
 * none lies in memory that the firmware's tables may not map. Context: as kernel/boot_info.h; only
 * the last stage takes the allocator's locks.
 *
 *   T1  every page of the first two stages is in use or spare; tables_complete() recounts it
 */
#ifndef KERNEL_MEMORY_TABLES_H
#define KERNEL_MEMORY_TABLES_H

#include "mm/memmap.h"
#include "mm/page_source.h"
#include "mm/pmm.h"

extern const char tables_label[]; /* the owner of the second stage's pages; by address */

/* The kernel's source for every address space. HAL_PADDR_NONE when no stage has a page. A panic when
 * the allocator does not take back what it gave. Any CPU: a lock of its own is taken, whose waiters answer
 * calls of others. O(1) without the allocator. */
extern const struct page_source tables_source;

/* Begin the chain, with [base, base + size) as its second stage: whole pages. tables_end() closes
 * that stage before the page allocator is made: what was given is owned by tables_label in `map`,
 * and the rest is memory of the loader, like any other, that can be reclaimed. A panic when the map
 * does not have it. Once each. */
void tables_begin(hal_paddr_t base, uint64_t size);
void tables_end(struct memmap *map);

/* Add the last stage. Once, after tables_begin(). */
void tables_add_pmm(struct pmm *);

/* Pages that have been taken from the source and not come back; and those that its first two stages
 * can give at once, counted one by one. */
uint64_t tables_in_use(void);
uint64_t tables_spare(void);

/* Is every page of the first two stages in use or spare? False too when the pool was used past the
 * source. O(spare). */
bool tables_complete(void);

/* One line: what each stage gave, and what of it is in use. */
void tables_log(void);

#endif
