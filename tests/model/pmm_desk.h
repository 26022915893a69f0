/* tests/model/pmm_desk.h: an allocator and its model side by side, and operations on both, each
 * EXPECTed to succeed. What most desk programs about mm/pmm need: they fake RAM from 4 GiB on.
 */
#ifndef TESTS_MODEL_PMM_DESK_H
#define TESTS_MODEL_PMM_DESK_H

#include "hal/host/host.h"
#include "hal/short.h"
#include "mm/pmm_struct.h"
#include "tests/model/expect.h"
#include "tests/model/pmm_model.h"

#define HIGH  (4 * GIB)
#define BLOCK (2 * MIB)

struct desk {
    struct model m;
    struct pmm *p;
    void *tables;
    size_t bytes;
};

/* This thread is CPU 0 then. */
static inline void desk_make(struct desk *d, const struct mem_region *regions, size_t count,
                             unsigned cpus)
{
    host_set_cpu(0);
    model_init(&d->m, regions, count);
    d->p = model_create(&d->m, cpus, &d->tables, &d->bytes);
}

#define DESK_MAKE(d, regions) desk_make((d), (regions), ARRAY_LEN(regions), 1)

/* One region of whole blocks. In one of DESK_BLOCKS a CPU owns blocks. */
#define DESK_BLOCKS 128u
static inline void desk_blocks(struct desk *d, unsigned blocks, unsigned cpus)
{
    const struct mem_region regions[] = {RAM(HIGH, blocks * BLOCK)};
    desk_make(d, regions, ARRAY_LEN(regions), cpus);
}

static inline struct zone *desk_normal(struct desk *d)
{
    return d->p->zones[PMM_ZONE_NORMAL];
}

static inline struct pmm_stats desk_stats(struct desk *d)
{
    struct pmm_stats s;
    pmm_stats(d->p, PMM_ZONE_NORMAL, &s);
    return s;
}

static inline hal_paddr_t desk_page(hal_paddr_t block, unsigned page)
{
    return block + page * HAL_PAGE_SIZE;
}

static inline bool desk_compare(struct desk *d)
{
    const char *error = model_compare(&d->m, d->p);
    if (error != NULL)
        printf("  %s\n", error);
    return error == NULL;
}

/* For one that is broken. */
static inline void desk_drop(struct desk *d)
{
    free(d->tables);
    model_destroy(&d->m);
}

/* For one of which the model was not told everything. */
static inline void desk_close(struct desk *d)
{
    const char *broken = pmm_check(d->p);
    if (!EXPECT(broken == NULL))
        printf("  %s\n", broken);
    desk_drop(d);
}

static inline void desk_end(struct desk *d)
{
    EXPECT(desk_compare(d));
    desk_drop(d);
}

/* A run of `n` pages; the model is told. */
static inline hal_paddr_t desk_take(struct desk *d, size_t n)
{
    hal_paddr_t got = pmm_alloc(d->p, n, 0);
    EXPECT(got != HAL_PADDR_NONE && model_accept(&d->m, got, n, HAL_PAGE_SIZE, 0) == NULL);
    return got;
}

/* Single pages, the first `count` of a block, and where they begin; the model is not told. */
static inline hal_paddr_t desk_take_pages(struct desk *d, unsigned count, uint32_t flags)
{
    hal_paddr_t first = pmm_alloc(d->p, 1, flags);
    EXPECT(first % BLOCK == 0 && first != HAL_PADDR_NONE);
    for (unsigned i = 1; i < count; i++)
        EXPECT(pmm_alloc(d->p, 1, flags) == desk_page(first, i));
    return first;
}

static inline void desk_claim(struct desk *d, hal_paddr_t at, size_t n)
{
    if (EXPECT(pmm_claim(d->p, at, n) == MM_OK))
        model_take(&d->m, model_index(&d->m, at), n);
}

static inline void desk_give(struct desk *d, hal_paddr_t at, size_t n)
{
    if (EXPECT(pmm_free(d->p, at, n) == MM_OK))
        model_give(&d->m, model_index(&d->m, at));
}

#endif
