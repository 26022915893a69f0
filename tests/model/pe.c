/* The reader of the image's headers and relocations (kernel/early/pe.h), on the desk: each sentence of
 * its header, on an image made here.
 *
 * needs: kernel/early/pe.c tests/test.c
 */
#include "kernel/early/pe.h"
#include "hal/short.h"
#include "tests/desk_suite.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE  0x4000u
#define FROM  0x123456000u
#define TO    0xFFFFFFFF80000000u
#define PE    0x80u
#define OPT   (PE + 24)
#define TABLE (OPT + 240)
#define RELOC 0x3000u

static unsigned char *bytes; /* SIZE bytes exactly, so that ASan sees one too many */

static void put(uint64_t at, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        bytes[at + i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(uint64_t at)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)bytes[at + i] << (8 * i);
    return value;
}

static void put_section(unsigned i, uint32_t at, uint32_t virtual_size, uint32_t raw,
                        uint32_t flags)
{
    put(TABLE + 40 * i + 8, virtual_size, 4);
    put(TABLE + 40 * i + 12, at, 4);
    put(TABLE + 40 * i + 16, raw, 4);
    put(TABLE + 40 * i + 36, flags, 4);
}

/* Text, data, relocations; two blocks: sites at 0x2000 and 0x2FF8 of one page, then none. */
static void build(void)
{
    free(bytes);
    bytes = calloc(SIZE, 1);
    put(0x3C, PE, 4);
    put(PE, 0x4550, 4);
    put(PE + 6, 3, 2);
    put(PE + 20, 240, 2);
    put(OPT, 0x20B, 2);
    put(OPT + 108, 16, 4);
    put(OPT + 112 + 8 * 5, RELOC, 4);
    put(OPT + 112 + 8 * 5 + 4, 28, 4);
    put_section(0, 0x1000, 0xFFF, 0x200, PE_EXECUTE);
    put_section(1, 0x2000, 0, 0x1000, PE_WRITE);
    put_section(2, 0x3000, 0x1C, 0x200, 0);
    put(RELOC, 0x2000, 4);
    put(RELOC + 4, 14, 4);
    put(RELOC + 8, 0xA000, 2);
    put(RELOC + 10, 0x0000, 2);
    put(RELOC + 12, 0xAFF8, 2);
    put(RELOC + 14, 0x1000, 4);
    put(RELOC + 18, 14, 4);
    put(0x2000, FROM + 0x1234, 8);
    put(0x2008, FROM + 0x1234, 8);
    put(0x2FF8, FROM + SIZE, 8);
}

static const char *open_image(struct pe_image *image)
{
    return pe_open(image, bytes, SIZE);
}

TEST("pe.headers of a sound image are read")
{
    struct pe_image image;
    uint64_t offset, size;
    build();
    if (!CHECK(open_image(&image) == NULL))
        return;
    CHECK_EQ(image.section_count, 3);
    CHECK_EQ(image.sections[1].address, 0x2000);
    CHECK_EQ(pe_section_size(&image.sections[0]), 0x1000);
    CHECK_EQ(pe_section_size(&image.sections[1]), 0x1000);
    CHECK(pe_directory(&image, PE_RELOCATIONS, &offset, &size));
    CHECK_EQ(offset, RELOC);
    CHECK_EQ(size, 28);
    CHECK(!pe_directory(&image, PE_EXCEPTIONS, &offset, &size));
    CHECK(!pe_directory(&image, 16, &offset, &size));
    TEST_END;
}

TEST("pe.each site gets the difference, nothing else does")
{
    struct pe_image image;
    uint64_t sites = 99;
    build();
    if (!CHECK(open_image(&image) == NULL))
        return;
    CHECK(pe_relocate(&image, FROM, TO, &sites) == NULL);
    CHECK_EQ(sites, 2);
    CHECK_EQ(get(0x2000), 0xFFFFFFFF80001234u);
    CHECK_EQ(get(0x2008), FROM + 0x1234);
    CHECK_EQ(get(0x2FF8), 0xFFFFFFFF80004000u);
    CHECK(pe_relocate(&image, TO, FROM, &sites) == NULL);
    CHECK_EQ(get(0x2000), FROM + 0x1234);
    CHECK(pe_relocate(&image, TO, FROM, &sites) != NULL);
    CHECK_EQ(sites, 0);
    CHECK_EQ(get(0x2000), FROM + 0x1234);
    TEST_END;
}

/* A change of `width` bytes that must make pe_open() refuse. */
struct damage {
    uint64_t at, value;
    unsigned width;
};

TEST("pe.damaged headers are refused")
{
    static const struct damage damages[] = {
        {0x3C, 0x82, 4},                  /* not aligned */
        {0x3C, 0xFF8, 4},                 /* beyond the first page */
        {0x3C, 0xFFFFFF80u, 4},           /* far away */
        {PE, 0x4551, 4},                  /* no signature */
        {OPT, 0x10B, 2},                  /* 32 bits */
        {PE + 20, 241, 2},                /* a section table at an odd place */
        {PE + 20, 0xFFFC, 2},             /* ... and beyond the page */
        {PE + 20, 236, 2},                /* directories that run into it */
        {OPT + 108, 17, 4},               /* more directories than there are */
        {PE + 6, 0, 2},                   /* no sections */
        {PE + 6, 100, 2},                 /* more than the page holds */
        {TABLE + 12, 0, 4},               /* a section over the headers */
        {TABLE + 12, 0x1001, 4},          /* not page-aligned */
        {TABLE + 40 + 12, 0x1000, 4},     /* over the one before */
        {TABLE + 80 + 12, 0x4000, 4},     /* behind the end */
        {TABLE + 80 + 8, 0x1001, 4},      /* across the end */
        {TABLE + 80 + 8, 0xFFFFFFFFu, 4}, /* longer than all */
        {TABLE + 40 + 16, 0, 4},          /* empty */
        {TABLE + 36, PE_EXECUTE | PE_WRITE, 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        struct pe_image image;
        build();
        put(damages[i].at, damages[i].value, damages[i].width);
        if (!CHECK(open_image(&image) != NULL))
            printf("  damage number %u is not seen\n", (unsigned)i);
    }
    struct pe_image image;
    build();
    CHECK(pe_open(&image, bytes, 0xFFF) != NULL);
    CHECK(pe_open(&image, bytes, 0) != NULL);
    CHECK(pe_open(&image, bytes, GIB + 1) != NULL);
    TEST_END;
}

TEST("pe.damaged relocations are refused and change nothing")
{
    static const struct damage damages[] = {
        {OPT + 112 + 44, 0, 4},           /* none */
        {OPT + 112 + 44, 30, 4},          /* rest of a block */
        {OPT + 112 + 44, 0x1001, 4},      /* beyond the end */
        {OPT + 112 + 40, 0x3002, 4},      /* not aligned */
        {OPT + 112 + 40, 0xFFFFFFFCu, 4}, /* far away */
        {OPT + 108, 5, 4},                /* no such directory */
        {RELOC + 4, 0, 4},                /* a block that has no end */
        {RELOC + 4, 7, 4},                /* ... smaller than its header */
        {RELOC + 4, 13, 4},               /* ... odd */
        {RELOC + 4, 30, 4},               /* ... longer than the directory */
        {RELOC + 18, 16, 4},              /* ... by one entry */
        {RELOC + 8, 0x3000, 2},           /* 32 bits */
        {RELOC, 0x3FFC, 4},               /* across the end */
        {RELOC + 12, 0xAFF9, 2},          /* holds no address */
        {RELOC + 12, 0xA004, 2},          /* over the site before */
        {RELOC + 14 + 8, 0xA000, 2},      /* below the site before */
        {RELOC, 0x3000, 4},               /* in the directory itself */
        {RELOC, 0x0000, 4},               /* in the headers */
        {RELOC, 0xFFFFF000u, 4},          /* outside */
        {0x2000, FROM - 1, 8},            /* below the image */
        {0x2000, FROM + SIZE + 1, 8},     /* above */
    };
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        struct pe_image image;
        uint64_t sites;
        build();
        put(damages[i].at, damages[i].value, damages[i].width);
        unsigned char *before = malloc(SIZE);
        memcpy(before, bytes, SIZE);
        CHECK(open_image(&image) == NULL);
        bool refused = pe_relocate(&image, FROM, TO, &sites) != NULL;
        if (!CHECK(refused && memcmp(before, bytes, SIZE) == 0))
            printf("  damage number %u is not seen, or changed something\n", (unsigned)i);
        free(before);
    }
    TEST_END;
}

TEST_SUITE(pe);

int main(void)
{
    int status = desk_suite_run(&pe_suite);
    free(bytes);
    return status;
}
