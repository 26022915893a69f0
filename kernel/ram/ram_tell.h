/* kernel/ram/ram_tell.h: the block "where is my RAM" in words, the same in the log, in the report and on the
 * desk. Pure but for the listener; any context. */
#ifndef KERNEL_RAM_RAM_TELL_H
#define KERNEL_RAM_RAM_TELL_H

#include "kernel/ram/ram.h"

/* Told of each line of the block: printable ASCII without a line's end, valid until it returns. */
typedef void ram_tell_fn(void *ctx, const char *line);

/* Tell the block: each slot with its addresses, where they are known, the numbers of struct ram, and what a
 * person can make of a difference. tests/boot/GRAMMAR.md has the lines, under `ram:`. `ctx` goes to `tell`.
 * O(slots * ranges + regions). */
void ram_tell(const struct ram *, const struct memmap *, const struct slots *, ram_tell_fn *tell,
              void *ctx);

#endif
