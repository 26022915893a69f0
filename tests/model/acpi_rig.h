/* tests/model/acpi_rig.h: physical memory for kernel/machine/acpi.c on the desk: a few blocks, each in an
 * allocation of its own, so that ASan sees a byte read too far; and tables built field by field from
 * the ACPI specification, with no help from the parser. */
#ifndef TESTS_MODEL_ACPI_RIG_H
#define TESTS_MODEL_ACPI_RIG_H

#include "hal/short.h"
#include "kernel/machine/acpi.h"

#include <stdlib.h>
#include <string.h>

#define RIG_BLOCKS 64
#define RIG_RSDP   0xF0000000u
#define RIG_XSDT   0xF0001000u
#define RIG_RSDT   0xF0002000u
#define RIG_FIRST  0xF0010001u /* tables lie where they like: at odd addresses too */
#define RIG_STEP   0x100000u

struct rig_block {
    uint64_t at;
    size_t size;
    unsigned char *bytes;
};

static struct rig_block rig_blocks[RIG_BLOCKS];
static size_t rig_count;

/* What was given for lists, each exactly as large as was asked: of the last two tables, which may be compared,
 * a list of CPUs, of ranges, of distances and of latencies. */
static void *rig_lists[8];
static unsigned rig_given;
static bool rig_is_full; /* give nothing */

static inline void *rig_take(const void *ctx, uint64_t size)
{
    UNUSED(ctx);
    void **list = &rig_lists[rig_given++ % ARRAY_LEN(rig_lists)];
    free(*list);
    return *list = rig_is_full ? NULL : malloc(size);
}

static inline void rig_clear(void)
{
    while (rig_count > 0)
        free(rig_blocks[--rig_count].bytes);
}

static inline unsigned char *rig_place(uint64_t at, size_t size)
{
    if (rig_count == RIG_BLOCKS)
        abort();
    struct rig_block *b = &rig_blocks[rig_count++];
    *b = (struct rig_block){at, size, calloc(1, size != 0 ? size : 1)};
    return b->bytes;
}

/* Why a block cannot be read; the reader must hand it on. */
static const char rig_nowhere[] = "it lies nowhere";

static inline const unsigned char *rig_read(const void *ctx, hal_paddr_t at, uint64_t size,
                                            const char **why)
{
    UNUSED(ctx);
    for (size_t i = 0; i < rig_count; i++) {
        const struct rig_block *b = &rig_blocks[i];
        if (at >= b->at && at - b->at <= b->size && size <= b->size - (at - b->at))
            return b->bytes + (at - b->at);
    }
    *why = rig_nowhere;
    return NULL;
}

static const struct acpi_view rig_view = {rig_read, rig_take, NULL};

static inline void rig_put(unsigned char *p, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        p[i] = (unsigned char)(value >> 8 * i);
}

/* Set the byte at `where` such that all sum to zero. */
static inline void rig_sum(unsigned char *p, size_t size, size_t where)
{
    unsigned sum = 0;
    p[where] = 0;
    for (size_t i = 0; i < size; i++)
        sum += p[i];
    p[where] = (unsigned char)(0u - sum);
}

static inline unsigned char *rig_table(uint64_t at, const char *signature, size_t size,
                                       unsigned revision)
{
    unsigned char *p = rig_place(at, size);
    memcpy(p, signature, 4);
    rig_put(p + 4, size, 4);
    p[8] = (unsigned char)revision;
    return p;
}

/* A root pointer of the revision, and both lists (0: that one is not there). */
static inline void rig_root(unsigned revision, uint64_t xsdt, uint32_t rsdt)
{
    unsigned char *p = rig_place(RIG_RSDP, revision >= 2 ? 36 : 20);
    memcpy(p, "RSD PTR ", 8);
    p[15] = (unsigned char)revision;
    rig_put(p + 16, rsdt, 4);
    if (revision >= 2) {
        rig_put(p + 20, 36, 4);
        rig_put(p + 24, xsdt, 8);
    }
    rig_sum(p, 20, 8);
    if (revision >= 2)
        rig_sum(p, 36, 32);
}

static inline void rig_list(uint64_t at, const char *signature, unsigned width,
                            const uint64_t *entries, size_t count)
{
    unsigned char *p = rig_table(at, signature, 36 + count * width, 1);
    for (size_t i = 0; i < count; i++)
        rig_put(p + 36 + i * width, entries[i], width);
    rig_sum(p, 36 + count * width, 9);
}

#endif
