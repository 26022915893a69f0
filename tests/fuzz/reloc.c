/* libFuzzer over the image's headers and relocations (kernel/early/pe.h). The input is laid over a small
 * sound image; what pe.c accepts is done again here in a simpler way and compared byte by byte. */
#include "kernel/early/pe.c"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define IMAGE_PAGES 4u
#define IMAGE_SIZE  (IMAGE_PAGES * 4096u)
#define OLD_BASE    0x7000000u
#define NEW_BASE    0xFFFFFFFF80000000u
#define TABLE_AT    0x3000u

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value);
    put16(at + 2, value >> 16);
}

/* Three sections of a page each; the first 4 KiB hold the headers. */
static void build(uint8_t *image)
{
    put32(image + 0x3C, 0x40);
    put32(image + 0x40, 0x4550);
    put16(image + 0x46, 3);
    put16(image + 0x54, 240);
    put16(image + 0x58, 0x20B);
    put32(image + 0x58 + 108, 16);
    put32(image + 0x58 + 112 + 40, TABLE_AT);
    put32(image + 0x58 + 112 + 44, 24);
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *s = image + 0x58 + 240 + (size_t)40 * i;
        put32(s + 8, 4096);
        put32(s + 12, 4096 * (i + 1));
    }
    put32(image + TABLE_AT, 0x2000);
    put32(image + TABLE_AT + 4, 24);
    for (unsigned i = 0; i < 8; i++) {
        put16(image + TABLE_AT + 8 + 2 * i, 0xA000 + 16 * i);
        put32(image + 0x2000 + 16 * i, OLD_BASE + 16 * i);
    }
}

/* The same move by the book, with no thought of speed: NULL where an entry is not sound. */
static uint8_t *expected(const uint8_t *image, uint64_t size, uint64_t table, uint64_t table_size)
{
    uint8_t *copy = malloc(size);
    memcpy(copy, image, size);
    for (uint64_t at = 0; at < table_size;) {
        uint32_t page, block;
        memcpy(&page, image + table + at, 4);
        memcpy(&block, image + table + at + 4, 4);
        for (uint64_t e = at + 8; e < at + block; e += 2) {
            uint16_t entry;
            uint64_t value;
            memcpy(&entry, image + table + e, 2);
            if (entry >> 12 == 0)
                continue;
            uint64_t site = (uint64_t)page + (entry & 0xFFF);
            if (entry >> 12 != 10 || site + 8 > size)
                abort();
            memcpy(&value, image + site, 8);
            if (value < OLD_BASE || value > OLD_BASE + size)
                abort();
            value += NEW_BASE - OLD_BASE;
            memcpy(copy + site, &value, 8);
        }
        at += block;
    }
    return copy;
}

static void check_moved(const struct pe_image *pe, const uint8_t *before, const char *wrong)
{
    if (wrong != NULL) {
        if (memcmp(pe->bytes, before, pe->size) != 0)
            abort();
        return;
    }
    uint64_t table, table_size;
    if (!pe_directory(pe, PE_RELOCATIONS, &table, &table_size))
        abort();
    uint8_t *want = expected(before, pe->size, table, table_size);
    if (memcmp(pe->bytes, want, pe->size) != 0)
        abort();
    free(want);
}

/* Input: pairs of an offset (2 bytes, in steps of 2) and 2 bytes for there; a cut of the size
 * first. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t length = size == 0 ? IMAGE_SIZE : IMAGE_SIZE - (uint64_t)(data[0] & 0x3Fu) * 257;
    uint8_t *image = calloc(1, IMAGE_SIZE);
    build(image);
    for (size_t i = 1; i + 4 <= size; i += 4) {
        size_t at = ((size_t)data[i] | (size_t)data[i + 1] << 8) % (IMAGE_SIZE / 2) * 2;
        memcpy(image + at, data + i + 2, 2);
    }
    image = realloc(image, length); /* exact, so that ASan sees one byte more */
    uint8_t *before = malloc(length);
    memcpy(before, image, length);
    struct pe_image pe;
    uint64_t sites;
    const char *wrong = pe_open(&pe, image, length);
    if (wrong == NULL)
        wrong = pe_relocate(&pe, OLD_BASE, NEW_BASE, &sites);
    else if (memcmp(image, before, length) != 0)
        abort();
    if (pe.size == length)
        check_moved(&pe, before, wrong);
    free(before);
    free(image);
    return 0;
}
