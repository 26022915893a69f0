/* mm/carver.h: cut tables out of one piece of memory, or find out how large it has to be. The same
 * code does both: with `base` NULL nothing is written, and `used` is the size in the end. */
#ifndef MORTISE_MM_CARVER_H
#define MORTISE_MM_CARVER_H

#include "../hal/base.h"

struct carver {
    unsigned char *base; /* 64-byte aligned, or NULL to measure */
    size_t used;         /* bytes */
};

/* The next `bytes`, rounded up to whole cache lines of 64 bytes; NULL when measuring. Contents as
 * they were. */
static inline void *carve(struct carver *c, size_t bytes)
{
    void *p = c->base != NULL ? c->base + c->used : NULL;
    c->used += (bytes + 63) & ~(size_t)63;
    return p;
}

#endif
