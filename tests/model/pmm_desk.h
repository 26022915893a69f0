/* tests/model/pmm_desk.h: an allocator and its model side by side, and operations on both, each
 * EXPECTed to succeed.
 */
#ifndef TESTS_MODEL_PMM_DESK_H
#define TESTS_MODEL_PMM_DESK_H

#include "tests/model/expect.h"
#include "tests/model/pmm_model.h"

struct desk {
    struct model m;
    struct pmm *p;
    void *tables;
    size_t bytes;
};

static inline void desk_make(struct desk *d, const struct mem_region *regions, size_t count,
                             unsigned cpus)
{
    model_init(&d->m, regions, count);
    d->p = model_create(&d->m, cpus, &d->tables, &d->bytes);
}

#define DESK_MAKE(d, regions) desk_make((d), (regions), ARRAY_LEN(regions), 1)

static inline bool desk_compare(struct desk *d)
{
    const char *error = model_compare(&d->m, d->p);
    if (error != NULL)
        printf("  %s\n", error);
    return error == NULL;
}

/* For one that is broken, or that the model was not told about. */
static inline void desk_drop(struct desk *d)
{
    free(d->tables);
    model_destroy(&d->m);
}

static inline void desk_end(struct desk *d)
{
    EXPECT(desk_compare(d));
    desk_drop(d);
}

static inline void desk_claim(struct desk *d, paddr_t at, size_t n)
{
    if (EXPECT(pmm_claim(d->p, at, n) == STATUS_OK))
        model_take(&d->m, model_index(&d->m, at), n);
}

static inline void desk_give(struct desk *d, paddr_t at, size_t n)
{
    if (EXPECT(pmm_free(d->p, at, n) == STATUS_OK))
        model_give(&d->m, model_index(&d->m, at));
}

#endif
