/* kernel/unpack.h: unpacking of what kernel/pack.py packs: raw LZMA data (the algorithm is Igor
 * Pavlov's, in the public domain), always with lc=3, lp=0, pb=0 and an end mark. Small rather than
 * fast. */
#ifndef KERNEL_UNPACK_H
#define KERNEL_UNPACK_H

#include "hal/base.h"

/* Unpack all of `in` into exactly `out_size` bytes at `out`. NULL, or a constant: what is wrong,
 * and `out` holds anything. Any bytes are legal input, nothing is read or written outside the two
 * ranges, and every input comes to an end. O(in_size + out_size). Not reentrant: the model lies in
 * a static variable of 15 KiB. */
const char *unpack_lzma(const unsigned char *in, size_t in_size, unsigned char *out,
                        size_t out_size);

/* Undo what pack.py does to code before it packs it, so that calls of one function look alike:
 * after each byte 0xE8 (a call) the four bytes are a place counted from the start of `code`, and
 * become the distance to it again. Any bytes are legal. Pure. O(size). */
void unpack_calls(unsigned char *code, size_t size);

#endif
