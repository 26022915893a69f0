/* Fuzz the reader of memory maps: any bytes, cut into pieces anywhere, must give the same answer
 * and keep the promises of tests/sim/reader.h. The first byte says where the text is cut.
 *
 * needs: tests/sim/reader*.c kernel/ram/slots.c kernel/ram/smbios.c
 */
#include "mm/memmap.h"
#include "tests/sim/reader.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool ok)
{
    if (!ok)
        abort();
}

static void check_counts(const struct reader *r)
{
    size_t entries = 0;
    for (size_t p = 0; p < r->piece_count; p++)
        entries += r->pieces[p].count;
    insist(r->lines == entries + r->range_lines + r->joined + r->ignored + r->skipped);
    insist(r->count <= entries && (r->count == 0) == (entries == 0));
    insist(r->range_count <= r->range_lines);
    insist(r->taken <= r->maps && r->parts <= r->maps);
    insist(r->about_count <= READER_ABOUT && r->note_count <= READER_NOTES + r->about_count);
    insist(r->skipped == 0 || r->note_count > 0);
    insist(r->count == 0 || (r->styles != 0 && r->first_line >= 1 && r->last_line <= r->lines));
}

/* Numbers of the list that was taken: no more are missing than its highest, and without a gap they
 * are as many as its entries. */
static void check_numbers(const struct reader *r)
{
    uint64_t last = 0, lost = 0;
    bool any = false;
    for (size_t i = 0; i < r->count; i++) {
        if (r->entries[i].index == READER_NO_INDEX)
            continue;
        last = hal_max_u64(last, r->entries[i].index);
        any = true;
    }
    for (size_t p = 0; p < r->piece_count; p++)
        lost = hal_max_u64(lost, r->pieces[p].lost);
    insist(any || r->missing == 0);
    insist(r->missing <= hal_max_u64(last, lost));
    insist(r->missing == 0 || (r->partial && r->about_count > 0));
    insist(r->missing != 0 || !any || last < r->count);
}

static void check_notes(const struct reader *r)
{
    for (size_t i = 0; i < r->note_count; i++)
        for (const char *c = r->notes[i].text; *c != '\0'; c++)
            insist(*c >= ' ' && *c <= '~');
}

/* What was read goes into a map without a word of complaint that is not an anomaly. */
static void check_usable(const struct reader *r)
{
    size_t capacity = memmap_capacity_for(r->count, 0);
    struct mem_region *storage = calloc(capacity + 1, sizeof *storage);
    struct memmap map;
    insist(storage != NULL);
    memmap_init(&map, storage, capacity);
    for (size_t i = 0; i < r->count; i++)
        insist(memmap_add_uefi(&map, r->entries[i].base, r->entries[i].size, r->entries[i].type,
                               r->entries[i].attributes) == MM_OK);
    insist(memmap_normalize(&map) == MM_OK && memmap_check(&map) == NULL);
    free(storage);
}

static bool same(const struct reader *a, const struct reader *b)
{
    return a->count == b->count && a->lines == b->lines && a->skipped == b->skipped &&
           a->joined == b->joined && a->taken == b->taken && a->range_count == b->range_count &&
           (a->count == 0 || memcmp(a->entries, b->entries, a->count * sizeof *a->entries) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct reader whole, cut;
    size_t at = data[0] % size;
    reader_init(&whole);
    reader_feed(&whole, data + 1, size - 1);
    insist(reader_finish(&whole));
    check_counts(&whole);
    check_numbers(&whole);
    check_notes(&whole);
    check_usable(&whole);
    reader_init(&cut);
    reader_feed(&cut, data + 1, at);
    reader_feed(&cut, data + 1 + at, size - 1 - at);
    insist(reader_finish(&cut) && same(&whole, &cut));
    reader_free(&whole);
    reader_free(&cut);
    return 0;
}
