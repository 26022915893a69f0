#include "kernel/early/pe.h"
#include "hal/short.h"
#include "hal/unaligned.h"

#define AT_PE_OFFSET   0x3Cu
#define FILE_HEADER    24u  /* bytes from "PE\0\0" to the optional header */
#define AT_DIRECTORIES 112u /* of the optional header; their number stands before them */
#define PE32_PLUS      0x20Bu
#define RELOC_NOTHING  0u /* fills a block up */
#define RELOC_DIR64    10u
#define BLOCK_HEADER   8u

/* A site may lie at any byte. */
static void store64(unsigned char *at, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

uint64_t pe_section_size(const struct pe_section *s)
{
    return hal_align_up(hal_max_u64(s->virtual_size, s->raw_size), HAL_PAGE_SIZE);
}

static const char *check_sections(const struct pe_image *image)
{
    uint64_t end = HAL_PAGE_SIZE;
    for (unsigned i = 0; i < image->section_count; i++) {
        const struct pe_section *s = &image->sections[i];
        uint64_t length = pe_section_size(s);
        if (s->address % HAL_PAGE_SIZE != 0 || length == 0 || s->address < end ||
            s->address + length > hal_align_up(image->size, HAL_PAGE_SIZE))
            return "a section of the image is not page-aligned or lies outside the image";
        if ((s->flags & (PE_EXECUTE | PE_WRITE)) == (PE_EXECUTE | PE_WRITE))
            return "a section of the image is writable and executable";
        end = s->address + length;
    }
    return NULL;
}

/* Offset of "PE\0\0", with room for all that is read of the headers by a fixed offset; or 0. */
static uint64_t find_headers(const unsigned char *bytes, uint64_t size)
{
    uint64_t pe = size < HAL_PAGE_SIZE || size > GIB ? 0 : load32(bytes + AT_PE_OFFSET);
    if (pe % 4 != 0 || pe > HAL_PAGE_SIZE - FILE_HEADER - AT_DIRECTORIES)
        return 0;
    bool good = load32(bytes + pe) == 0x4550 && load16(bytes + pe + FILE_HEADER) == PE32_PLUS;
    return good ? pe : 0;
}

const char *pe_open(struct pe_image *image, void *bytes, uint64_t size)
{
    *image = (struct pe_image){.bytes = bytes, .size = size};
    uint64_t pe = find_headers(bytes, size);
    if (pe == 0)
        return "the image does not begin with the headers it was loaded with";
    const unsigned char *header = image->bytes + pe;
    uint64_t sections = pe + FILE_HEADER + load16(header + 20);
    image->section_count = load16(header + 6);
    image->directories = pe + FILE_HEADER + AT_DIRECTORIES;
    image->directory_count = load32(header + FILE_HEADER + AT_DIRECTORIES - 4);
    if (sections % 4 != 0 || image->directory_count > 16 ||
        image->directories + image->directory_count * (uint64_t)8 > sections)
        return "the data directories of the image run into its section table";
    if (image->section_count == 0 ||
        sections + image->section_count * (uint64_t)sizeof(struct pe_section) > HAL_PAGE_SIZE)
        return "the image has no section table in its first page";
    image->sections = (const void *)(image->bytes + sections);
    return check_sections(image);
}

bool pe_directory(const struct pe_image *image, unsigned number, uint64_t *offset, uint64_t *size)
{
    if (number >= image->directory_count)
        return false;
    const unsigned char *entry = image->bytes + image->directories + number * (uint64_t)8;
    *offset = load32(entry);
    *size = load32(entry + 4);
    return *size != 0 && *offset % 4 == 0 && *offset <= image->size &&
           *size <= image->size - *offset;
}

struct move {
    const struct pe_image *image;
    uint64_t table, table_size; /* the relocation directory */
    uint64_t from, delta;
    uint64_t sites;
    uint64_t next; /* no later site may begin below: none is moved twice */
};

/* May these eight bytes be changed, and do they point into the image? */
static bool is_sound(const struct move *m, uint64_t site)
{
    if (site < m->next || site + 8 > m->image->size ||
        (site + 8 > m->table && site < m->table + m->table_size))
        return false;
    return load64(m->image->bytes + site) - m->from <= m->image->size;
}

static const char *check_site(struct move *m, uint64_t site)
{
    if (!is_sound(m, site))
        return "a relocation of the image is out of order or points at no address of it";
    m->sites++;
    m->next = site + 8;
    return NULL;
}

static const char *move_site(struct move *m, uint64_t site)
{
    unsigned char *at = m->image->bytes + site;
    store64(at, load64(at) + m->delta);
    return NULL;
}

typedef const char *site_fn(struct move *m, uint64_t site);

static const char *each_in_block(struct move *m, uint64_t page, const unsigned char *entries,
                                 uint64_t count, site_fn *fn)
{
    for (uint64_t i = 0; i < count; i++) {
        unsigned entry = load16(entries + 2 * i);
        if (entry >> 12 == RELOC_NOTHING)
            continue;
        if (entry >> 12 != RELOC_DIR64)
            return "the image has relocations of a kind that 64-bit images do not have";
        const char *wrong = fn(m, page + (entry & 0xFFFu));
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static const char *each_site(struct move *m, site_fn *fn)
{
    const unsigned char *table = m->image->bytes + m->table;
    for (uint64_t at = 0; at < m->table_size;) {
        uint64_t left = m->table_size - at;
        uint64_t block = left < BLOCK_HEADER ? 0 : load32(table + at + 4);
        if (block < BLOCK_HEADER || block > left || block % 2 != 0)
            return "a block of the image's relocations has a wrong size";
        const char *wrong = each_in_block(m, load32(table + at), table + at + BLOCK_HEADER,
                                          (block - BLOCK_HEADER) / 2, fn);
        if (wrong != NULL)
            return wrong;
        at += block;
    }
    return NULL;
}

const char *pe_relocate(const struct pe_image *image, uint64_t from, uint64_t to, uint64_t *sites)
{
    struct move m = {.image = image, .from = from, .delta = to - from, .next = HAL_PAGE_SIZE};
    *sites = 0;
    if (!pe_directory(image, PE_RELOCATIONS, &m.table, &m.table_size))
        return "the image has no relocations, so it cannot be moved";
    const char *wrong = each_site(&m, check_site);
    if (wrong != NULL)
        return wrong;
    *sites = m.sites;
    return each_site(&m, move_site);
}
