/* tests/bench/space_walk.h: the baseline of the address-space figures: a mapper of single pages
 * that starts from the root for each one, as small kernels have it.
 *
 * It has what mm/aspace has for the same work: tables from the same kind of source, zeroed by
 * the same function; an entry that is used is refused; entries are written with one store; the
 * entry that names a table counts its used entries, so that an empty table is found without a
 * search and given back; each page unmapped is flushed through the same hal function. It has not:
 * ranges, all or nothing, splitting, merging, batches. */
#ifndef TESTS_BENCH_SPACE_WALK_H
#define TESTS_BENCH_SPACE_WALK_H

#include "hal/base.h"
#include "mm/page_source.h"

struct space_walk {
    paddr_t root;
    const struct page_source *source;
};

bool space_walk_init(struct space_walk *, const struct page_source *source);

/* Map one page of `level` (0: 4 KiB, 1: 2 MiB, 2: 1 GiB), writable and not executable. False when
 * something is there already or there are no pages for tables. */
bool space_walk_map(struct space_walk *, vaddr_t virt, paddr_t phys, unsigned level);

/* False when nothing is mapped there by a page of that level. */
bool space_walk_unmap(struct space_walk *, vaddr_t virt, unsigned level);

bool space_walk_query(const struct space_walk *, vaddr_t virt, paddr_t *phys);

#endif
