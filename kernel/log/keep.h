/* kernel/log/keep.h: keeps the log in a block of RAM that outlives a warm restart.
 *
 * The loader looks for the block at a few fixed addresses, the same at each start. It holds
 *
 *   magic   8 bytes: KEEP_MAGIC
 *   state   8 bytes, written at once: the bytes of text, and above them (<< 32) the text's CRC-32
 *           (IEEE 802.3)
 *   text    the log's lines, each ended by "\r\n"
 *
 *   K1  whenever the PC restarts, the block holds a log that ends with a whole line; only while the
 *       line is written for which the older half was dropped, it holds none
 *   K2  what is found is believed only if magic, length and CRC agree; even then it is text from
 *       outside
 *   K3  nothing but the KEEP_SIZE bytes of the block is written
 *
 * A log that does not fit loses its older half. After each line its bytes are written back from the
 * caches (cpu_write_back()), since a reset forgets those. The layout must stay: another version of
 * the program may read the block after the restart. Nothing is allocated. Any context, one CPU. A
 * line costs O(its bytes), now and then O(KEEP_SIZE).
 */
#ifndef KERNEL_LOG_KEEP_H
#define KERNEL_LOG_KEEP_H

#include "hal/base.h"
#include "hal/short.h"

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

/* Is there a log of an earlier boot? When it is good, `*length` is the number of its bytes; else
 * `*length` stays as it was. The block may hold any bytes. O(KEEP_SIZE). */
enum keep_found keep_look(const struct keep *, size_t *length);

/* Begin a new log in the block at `at`: KEEP_SIZE bytes of RAM, page-aligned, which
 * hal_phys_to_virt() reaches. With 0 there is no block, and the other functions do nothing. */
void keep_open(hal_paddr_t at);

/* Add a character. After the last one of a line call keep_line(), which makes the line count. */
void keep_put(char);
void keep_line(void);

#endif
