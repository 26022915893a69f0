/* mm/bits.h: counting in words, without a call into the compiler's own library.
 *
 * GCC turns __builtin_popcountll() into a call of __popcountdi2, and on RISC-V without Zbb
 * __builtin_ctzll() into one of __ctzdi2. A kernel that is linked with -nostdlib has neither. So
 * bits are counted by sums of ever larger parts, a form that GCC knows: where the CPU has an
 * instruction for it, that is used. Clang calls nothing.
 */
#ifndef MORTISE_MM_BITS_H
#define MORTISE_MM_BITS_H

#include "../hal/base.h"

/* How many bits of `w` are set, 0 to 64. */
static inline unsigned bits_count(uint64_t w)
{
#if defined(__clang__)
    return (unsigned)__builtin_popcountll(w);
#else
    w -= w >> 1 & 0x5555555555555555;
    w = (w & 0x3333333333333333) + (w >> 2 & 0x3333333333333333);
    w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (unsigned)(w * 0x0101010101010101 >> 56);
#endif
}

/* How many bits of `w`, which is not 0, are clear below its lowest set bit, and above its highest: 0
 * to 63. For CPUs without an instruction for it. */
static inline unsigned bits_count_below(uint64_t w)
{
    return bits_count(~w & (w - 1));
}

static inline unsigned bits_count_above(uint64_t w)
{
    for (unsigned shift = 1; shift < 64; shift *= 2)
        w |= w >> shift;
    return bits_count(~w);
}

/* The same as fast as the CPU can: trailing and leading zeros of a word that is not 0. */
static inline unsigned bits_ctz(uint64_t w)
{
#if defined(__clang__) || defined(__x86_64__) || defined(__aarch64__) || defined(__riscv_zbb)
    return (unsigned)__builtin_ctzll(w);
#else
    return bits_count_below(w);
#endif
}

static inline unsigned bits_clz(uint64_t w)
{
#if defined(__clang__) || defined(__x86_64__) || defined(__aarch64__) || defined(__riscv_zbb)
    return (unsigned)__builtin_clzll(w);
#else
    return bits_count_above(w);
#endif
}

/* Leading zeros of a word of 32 bits that is not 0. */
static inline unsigned bits_clz32(uint32_t w)
{
    return bits_clz(w) - 32;
}

#endif
