#include "hal/x86_64/mtrr/mtrr_type.h"
#include "hal/short.h"

#define ADDRESS 0x000FFFFFFFFFF000u /* the part of base and mask that is compared */
#define TYPE    0xFFu

/* The first address above `at`, which lies in the range, that does not: the lowest bit that is
 * compared carries. A mask of nothing holds everything. */
static hal_paddr_t end_of_match(hal_paddr_t at, uint64_t mask)
{
    uint64_t lowest = mask & (0 - mask);
    return mask == 0 ? UINT64_MAX : hal_align_down(at, lowest) + lowest;
}

/* The smallest address with the bits of `base` where `mask` has ones, those of `at` above bit `b`,
 * one more than `at` has in bit `b` and upward, and as little as possible below. */
static hal_paddr_t above_at_bit(hal_paddr_t at, uint64_t base, uint64_t mask, unsigned b)
{
    uint64_t low = ((uint64_t)1 << b) - 1;
    return (at & ~low) | (uint64_t)1 << b | (base & mask & low);
}

/* The first address above `at`, which does not lie in the range, that does; UINT64_MAX: none. Bits
 * are compared from the top. Where the first that differs is too small, it may become one, which is
 * the smallest way to grow; where it is too large, a free zero above it must become one. */
static hal_paddr_t next_match(hal_paddr_t at, uint64_t base, uint64_t mask)
{
    hal_paddr_t best = UINT64_MAX;
    for (unsigned b = 52; b-- > 12;) {
        uint64_t bit = (uint64_t)1 << b;
        if ((mask & bit) == 0) {
            if ((at & bit) == 0)
                best = above_at_bit(at, base, mask, b);
        } else if ((at & bit) != (base & bit)) {
            return (at & bit) == 0 ? above_at_bit(at, base, mask, b) : best;
        }
    }
    return best;
}

/* SDM 11.11.4.1: uncached wins, write-through wins over write-back, and no others may overlap. */
static uint32_t both(uint32_t a, uint32_t b)
{
    if (a == b)
        return a;
    if (a == MTRR_UC || b == MTRR_UC)
        return MTRR_UC;
    return (a == MTRR_WT && b == MTRR_WB) || (a == MTRR_WB && b == MTRR_WT) ? MTRR_WT : MTRR_MIXED;
}

static uint32_t default_type(const struct mtrr *m, hal_paddr_t at, hal_paddr_t *until)
{
    if (at < 4 * GIB && m->write_back_end > 4 * GIB)
        *until = 4 * GIB;
    else if (at < m->write_back_end)
        *until = m->write_back_end;
    return at >= 4 * GIB && at < m->write_back_end ? MTRR_WB : (uint32_t)(m->type & TYPE);
}

uint32_t mtrr_type(const struct mtrr *m, hal_paddr_t at, hal_paddr_t *until)
{
    *until = UINT64_MAX;
    if ((m->type & MTRR_ON) == 0)
        return MTRR_UC;
    uint32_t type = default_type(m, at, until);
    bool found = false;
    for (uint32_t i = 0; i + 1 < m->variables; i += 2) {
        uint64_t mask = m->variable[i + 1] & ADDRESS, base = m->variable[i] & ADDRESS;
        if ((m->variable[i + 1] & MTRR_VALID) == 0)
            continue;
        bool inside = ((at ^ base) & mask) == 0;
        *until = hal_min_u64(*until, inside ? end_of_match(at, mask) : next_match(at, base, mask));
        if (!inside)
            continue;
        uint32_t here = (uint32_t)(m->variable[i] & TYPE);
        type = found ? both(type, here) : here;
        found = true;
    }
    return type;
}
