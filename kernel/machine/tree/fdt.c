#include "kernel/machine/tree/fdt.h"

#define MAGIC   0xD00DFEEDu
#define VERSION 16u /* the oldest whose nodes have no path, as last_comp_version has it */

enum { BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, NOTHING = 4, END = 9 };

/* Fields of the header. */
enum {
    AT_MAGIC = 0,
    AT_SIZE = 4,
    AT_STRUCTURE = 8,
    AT_STRINGS = 12,
    AT_RESERVATIONS = 16,
    AT_COMPATIBLE = 24,
    AT_STRINGS_SIZE = 32,
    AT_STRUCTURE_SIZE = 36
};

static uint32_t big32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

uint64_t fdt_cells(const unsigned char *at, uint32_t cells)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < cells; i++)
        value = value << 32 | big32(at + 4 * i);
    return value;
}

uint32_t fdt_size(const unsigned char *bytes)
{
    return big32(bytes + AT_MAGIC) == MAGIC ? big32(bytes + AT_SIZE) : 0;
}

static bool lies_inside(uint32_t size, uint32_t at, uint32_t length)
{
    return at <= size && length <= size - at;
}

/* As far as the pair of zeros that ends them, or the end of the tree. */
static uint32_t count_reservations(const unsigned char *at, uint32_t room)
{
    uint32_t n = 0;
    while (room / 16 > n && (fdt_cells(at + 16 * n, 2) | fdt_cells(at + 16 * n + 8, 2)) != 0)
        n++;
    return n;
}

const char *fdt_open(struct fdt *f, const unsigned char *bytes, uint32_t size)
{
    if (size < FDT_HEADER || fdt_size(bytes) < FDT_HEADER || fdt_size(bytes) > size)
        return "it is no device tree, or has a wrong size";
    uint32_t structure = big32(bytes + AT_STRUCTURE), strings = big32(bytes + AT_STRINGS);
    uint32_t reservations = big32(bytes + AT_RESERVATIONS);
    f->structure_size = big32(bytes + AT_STRUCTURE_SIZE);
    f->strings_size = big32(bytes + AT_STRINGS_SIZE);
    size = fdt_size(bytes);
    if (big32(bytes + AT_COMPATIBLE) > VERSION + 1)
        return "it is of a version that is not known";
    if (structure % 4 != 0 || !lies_inside(size, structure, f->structure_size) ||
        !lies_inside(size, strings, f->strings_size) || !lies_inside(size, reservations, 0))
        return "a part of it does not lie in it";
    f->structure = bytes + structure;
    f->strings = bytes + strings;
    f->reservations = bytes + reservations;
    f->reservation_count = count_reservations(f->reservations, size - reservations);
    return NULL;
}

struct fdt_reservation fdt_reservation(const struct fdt *f, uint32_t which)
{
    const unsigned char *at = f->reservations + 16 * (size_t)which;
    return (struct fdt_reservation){fdt_cells(at, 2), fdt_cells(at + 8, 2)};
}

/* Bytes of the text at `at` with its NUL, 0: it has none before `end`. */
static uint32_t text_bytes(const unsigned char *at, const unsigned char *end)
{
    for (const unsigned char *p = at; p < end; p++)
        if (*p == '\0')
            return (uint32_t)(p - at) + 1;
    return 0;
}

/* Step over `bytes`, which are filled up to four. */
static bool step(const struct fdt *f, uint32_t *at, uint32_t bytes)
{
    uint32_t left = f->structure_size - *at;
    if (bytes > left || (bytes + 3) / 4 * 4 > left)
        return false;
    *at += (bytes + 3) / 4 * 4;
    return true;
}

static struct fdt_item take_node(const struct fdt *f, uint32_t *at)
{
    const unsigned char *name = f->structure + *at;
    uint32_t bytes = text_bytes(name, f->structure + f->structure_size);
    if (bytes == 0 || !step(f, at, bytes))
        return (struct fdt_item){.kind = FDT_ITEM_DAMAGED};
    return (struct fdt_item){.kind = FDT_ITEM_NODE, .name = (const char *)name};
}

static struct fdt_item take_property(const struct fdt *f, uint32_t *at)
{
    const unsigned char *head = f->structure + *at;
    if (!step(f, at, 8))
        return (struct fdt_item){.kind = FDT_ITEM_DAMAGED};
    uint32_t size = big32(head), name = big32(head + 4);
    struct fdt_item item = {FDT_ITEM_PROPERTY, NULL, f->structure + *at, size};
    if (name >= f->strings_size ||
        text_bytes(f->strings + name, f->strings + f->strings_size) == 0 || !step(f, at, size))
        return (struct fdt_item){.kind = FDT_ITEM_DAMAGED};
    item.name = (const char *)f->strings + name;
    return item;
}

struct fdt_item fdt_next(const struct fdt *f, uint32_t *at)
{
    uint32_t token = NOTHING;
    while (token == NOTHING) {
        const unsigned char *here = f->structure + *at;
        if (!step(f, at, 4))
            return (struct fdt_item){.kind = FDT_ITEM_DAMAGED};
        token = big32(here);
    }
    switch (token) {
    case BEGIN_NODE:
        return take_node(f, at);
    case PROPERTY:
        return take_property(f, at);
    case END_NODE:
        return (struct fdt_item){.kind = FDT_ITEM_END_NODE};
    case END:
        return (struct fdt_item){.kind = FDT_ITEM_END};
    default:
        return (struct fdt_item){.kind = FDT_ITEM_DAMAGED};
    }
}
