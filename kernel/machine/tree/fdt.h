/* kernel/machine/tree/fdt.h: reads a flattened device tree, whose bytes may be anything. Pure: any context.
 *
 * Source: Devicetree Specification 0.4, chapter 5. Numbers in the tree are big-endian.
 *
 *   F1  only the bytes that fdt_open() was given are read
 *   F2  each call of fdt_next() steps over four bytes or more, so reading always comes to an end
 *   F3  a name ends with a NUL inside the tree
 */
#ifndef KERNEL_MACHINE_TREE_FDT_H
#define KERNEL_MACHINE_TREE_FDT_H

#include "hal/base.h"

#define FDT_HEADER 40u /* bytes of the header, which tell the size of the whole */

struct fdt {
    const unsigned char *structure, *strings;
    uint32_t structure_size, strings_size;
    const unsigned char *reservations; /* pairs of 64 bits: address, size; ends with both 0 */
    uint32_t reservation_count;
};

/* The size that the header tells, `bytes` being FDT_HEADER bytes; 0: it is none of a device tree. */
uint32_t fdt_size(const unsigned char *bytes);

/* Take a tree of `size` bytes, fdt_size() or more of them. NULL, or a constant sentence whose subject is "it"
 * that says why it cannot be read; `*f` then means nothing. O(1). */
const char *fdt_open(struct fdt *f, const unsigned char *bytes, uint32_t size);

enum fdt_kind {
    FDT_ITEM_NODE,     /* a node begins: `name` */
    FDT_ITEM_PROPERTY, /* of the node that has begun last: `name`, and `size` bytes at `value` */
    FDT_ITEM_END_NODE, /* the node that has begun last and not ended ends */
    FDT_ITEM_END,      /* the tree ends as it should */
    FDT_ITEM_DAMAGED   /* what follows cannot be read */
};
struct fdt_item {
    enum fdt_kind kind;
    const char *name;
    const unsigned char *value;
    uint32_t size;
};

/* What stands at offset `*at` of the structure, from 0 on, and step over it. O(length of the name). */
struct fdt_item fdt_next(const struct fdt *f, uint32_t *at);

/* One of the reservations, `which` below reservation_count. */
struct fdt_reservation {
    uint64_t base, size;
};
struct fdt_reservation fdt_reservation(const struct fdt *f, uint32_t which);

/* The first `cells` of 32 bits at `at`, as one number; of more than two cells the last two. */
uint64_t fdt_cells(const unsigned char *at, uint32_t cells);

#endif
