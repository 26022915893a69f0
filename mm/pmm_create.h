/* mm/pmm_create.h: make a page allocator from a memory map, and add what the firmware gives up
 * later. Part of mm/pmm.h, which says what the words mean. */
#ifndef MORTISE_MM_PMM_CREATE_H
#define MORTISE_MM_PMM_CREATE_H

#include "memmap.h"
#include "pmm_machine.h"
#include "status.h"

/* Tables for a map: bytes that are always enough for pmm_create_in() with `map` and `cpus`, even
 * when they are then taken out of its usable memory. 148 bytes for each 2 MiB block (2.3 bits a
 * page), some 3.3 KiB for each zone that has memory (4.4 KiB from 2 GiB on), 1 KiB a CPU.
 * O(regions). */
size_t pmm_tables_size(const struct memmap *map, unsigned cpus);

/* Make an allocator for all MEM_USABLE memory of `map` that has no owner. Memory of type MEM_BOOT
 * and MEM_LOADER without an owner is known but withheld until pmm_reclaim().
 *
 * The tables are taken from `map` with memmap_early_alloc, high, labelled "page allocator tables".
 * `cpus` is 1 or more; each costs memory, and nothing else bounds them. `map` must stay alive and
 * unchanged as long as the allocator. MM_NO_MEMORY (no room for the tables), MM_INVALID (cpus, a map
 * that is not normalized or that memmap_check() finds broken).
 * O(regions), not O(pages). One CPU, before any other call. */
mm_status_t pmm_create(struct memmap *map, unsigned cpus, struct pmm **out) MM_MUST_CHECK;

/* The same with the caller's memory for the tables: `tables` is 64-byte aligned, `bytes` best
 * pmm_tables_size(). The contents need not be zero. MM_FULL when too small, MM_INVALID as
 * above. */
mm_status_t pmm_create_in(const struct memmap *map, unsigned cpus, void *tables, size_t bytes,
                          struct pmm **out) MM_MUST_CHECK;

/* The three for a machine that is no PC, or has more nodes than one. MM_INVALID also when
 * pmm_machine_is_sound() is false; the size is 0 then. Zones that have no memory cost a pointer.
 * O((regions * log(ranges) + nodes) * nodes + nodes * nodes * CPUs). */
size_t pmm_tables_size_for(const struct memmap *map, const struct pmm_machine *machine);
mm_status_t pmm_create_for(struct memmap *map, const struct pmm_machine *machine,
                           struct pmm **out) MM_MUST_CHECK;
mm_status_t pmm_create_in_for(const struct memmap *map, const struct pmm_machine *machine,
                              void *tables, size_t bytes, struct pmm **out) MM_MUST_CHECK;

/* Add a withheld region of the map (exactly as memmap_find() gives it: MEM_BOOT or MEM_LOADER, no
 * owner). MM_FOREIGN when there is no such withheld region, MM_ALREADY_FREE when it was
 * reclaimed before. Other CPUs may be inside the allocator. O(pages / 512) at most, O(1) for whole
 * blocks. */
mm_status_t pmm_reclaim(struct pmm *, const struct mem_region *) MM_MUST_CHECK;

#endif
