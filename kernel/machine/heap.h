/* kernel/machine/heap.h: numbers in the caller's memory, of which the one that comes first is at hand. The
 * numbers may be indices of anything: before() says which of two comes first, and must order them all;
 * `ctx` goes to it. Pure; any context. */
#ifndef KERNEL_MACHINE_HEAP_H
#define KERNEL_MACHINE_HEAP_H

#include "hal/base.h"

typedef bool heap_before_fn(const void *ctx, uint32_t a, uint32_t b);

struct heap {
    uint32_t *item; /* item[0] is the first */
    uint32_t count;
    bool last_first; /* the one that comes last is on top instead */
    heap_before_fn *before;
    const void *ctx;
};

static inline bool heap_goes_up(const struct heap *h, uint32_t i, uint32_t above)
{
    uint32_t a = h->item[i], b = h->item[above];
    return h->last_first ? h->before(h->ctx, b, a) : h->before(h->ctx, a, b);
}

static inline void heap_swap(struct heap *h, uint32_t i, uint32_t j)
{
    uint32_t was = h->item[i];
    h->item[i] = h->item[j];
    h->item[j] = was;
}

/* There must be room for it. O(log(count)). */
static inline void heap_push(struct heap *h, uint32_t item)
{
    uint32_t i = h->count++;
    h->item[i] = item;
    for (; i > 0 && heap_goes_up(h, i, (i - 1) / 2); i = (i - 1) / 2)
        heap_swap(h, i, (i - 1) / 2);
}

/* Take the first out and return it; there must be one. Its place, behind those that stay, is free.
 * O(log(count)). */
static inline uint32_t heap_pop(struct heap *h)
{
    uint32_t first = h->item[0];
    h->item[0] = h->item[--h->count];
    for (uint32_t i = 0, child = 1; child < h->count; i = child, child = 2 * child + 1) {
        if (child + 1 < h->count && heap_goes_up(h, child + 1, child))
            child++;
        if (!heap_goes_up(h, child, i))
            break;
        heap_swap(h, i, child);
    }
    return first;
}

/* Sort `count` numbers. O(count * log(count)). */
static inline void heap_sort(uint32_t *list, uint32_t count, heap_before_fn *before,
                             const void *ctx)
{
    struct heap h = {list, 0, true, before, ctx};
    while (h.count < count)
        heap_push(&h, list[h.count]);
    while (h.count > 0) {
        uint32_t last = heap_pop(&h);
        list[h.count] = last;
    }
}

/* before() for numbers that stand for themselves. */
static inline bool heap_is_less(const void *ctx, uint32_t a, uint32_t b)
{
    (void)ctx;
    return a < b;
}

#endif
