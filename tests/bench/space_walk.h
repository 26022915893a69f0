/* tests/bench/space_walk.h: the baseline of the address-space figures: it maps single pages and
 * starts from the root for each of them, as small kernels do.
 *
 * What it has in common with mm/aspace: tables come from the same kind of source and are zeroed by
 * the same function; an entry that is in use is refused; entries are written with one store; the
 * entry that names a table counts its used entries, so that an empty table is found without a
 * search and given back; each unmapped page is flushed through the same hal function. What it
 * lacks: ranges, all or nothing, splitting, merging, batches of flushes. */
#ifndef TESTS_BENCH_SPACE_WALK_H
#define TESTS_BENCH_SPACE_WALK_H

#include "hal/base.h"
#include "mm/page_source.h"

struct space_walk {
    hal_paddr_t root;
    const struct page_source *source;
};

bool space_walk_init(struct space_walk *, const struct page_source *source);

/* Map one page of `level` (0: 4 KiB, 1: 2 MiB, 2: 1 GiB), writable and not executable. False when
 * something is mapped there already, or when there is no page for a table. */
bool space_walk_map(struct space_walk *, hal_vaddr_t virt, hal_paddr_t phys, unsigned level);

/* False when nothing is mapped there by a page of that level. */
bool space_walk_unmap(struct space_walk *, hal_vaddr_t virt, unsigned level);

bool space_walk_query(const struct space_walk *, hal_vaddr_t virt, hal_paddr_t *phys);

#endif
