/* kernel/log/keep.h: the log in a block of RAM that outlives a warm restart.
 *
 * The loader takes the block at one of a few fixed addresses, the same at each start. It holds
 *
 *   magic   8 bytes: KEEP_MAGIC
 *   state   8 bytes, written at once: bytes of text, and their CRC-32 (IEEE 802.3) << 32
 *   text    the log's lines, "\r\n" at their ends
 *
 *   K1  after each line the block is whole: a restart at any time leaves a log that ends with a
 *       line, or (for the time of one line) none
 *   K2  what is found is believed only if magic, length and CRC agree; it is text from outside
 *       all the same
 *   K3  nothing but the KEEP_SIZE bytes of the block is written
 *
 * A log that does not fit loses its older half. What a line wrote is written back from the
 * caches after it (cpu_write_back()): a reset forgets them. The layout outlives the program that wrote
 * it: another one reads it after the restart. No allocation; any context, one CPU; O(bytes of the
 * line), now and then of the block.
 */
#ifndef KERNEL_LOG_KEEP_H
#define KERNEL_LOG_KEEP_H

#include "hal/base.h"

#define KEEP_SIZE  (64 * KIB)
#define KEEP_MAGIC 0x31474f4c54524f4du /* "MORTLOG1" */

struct keep {
    uint64_t magic;
    uint64_t state;
    char text[KEEP_SIZE - 16];
};
_Static_assert(sizeof(struct keep) == KEEP_SIZE, "keep has no hidden padding");
_Static_assert(offsetof(struct keep, state) == 8 && offsetof(struct keep, text) == 16,
               "earlier boots wrote their log in this layout");

enum keep_found { KEEP_NONE, KEEP_DAMAGED, KEEP_GOOD };

/* Is there a log of an earlier boot? `*length` is its bytes when it is good, else left alone. Any
 * bytes are legal. O(KEEP_SIZE). */
enum keep_found keep_look(const struct keep *, size_t *length);

/* Begin a new log in the block at `at`, KEEP_SIZE bytes of RAM, page-aligned, that
 * hal_phys_to_virt() reaches (0: none, and the rest does nothing). */
void keep_open(paddr_t at);

/* Add a character; after the last one of a line keep_line(), which makes it count. */
void keep_put(char);
void keep_line(void);

#endif
