/* What lies at the edges of the allocator's contract and is too large or too odd for the unit
 * tests, which the kernel carries: maps that a foreign kernel may hand over, tables of exactly the
 * promised size, failures on machines that lack a zone, debug modes while pages are parked. */
#include "tests/model/expect.h"
#include "tests/model/pmm_desk.h"

#include "hal/hal.h"
#include "hal/host/host.h"
#include "mm/extents.h"
#include "mm/pmm_struct.h"

#include <string.h>

#define HIGH (4 * GIB)
#define JUNK 0x6b

static paddr_t take(struct desk *d, size_t n)
{
    paddr_t got = pmm_alloc(d->p, n, 0);
    EXPECT(got != PADDR_NONE && model_accept(&d->m, got, n, PAGE_SIZE, 0) == NULL);
    return got;
}

/* ---- maps ---- */

/* Refused by both, and nothing of the map has changed. */
static void refuse(struct memmap map, size_t touched)
{
    static _Alignas(64) unsigned char tables[256 * KIB];
    struct pmm *p = NULL;
    struct mem_region before[4];
    memcpy(before, map.regions, touched * sizeof *before);
    size_t count = map.count;
    EXPECT(pmm_create_in(&map, 1, tables, sizeof tables, &p) == STATUS_INVALID);
    EXPECT(pmm_create(&map, 1, &p) == STATUS_INVALID);
    EXPECT(p == NULL && map.count == count);
    EXPECT(memcmp(before, map.regions, touched * sizeof *before) == 0);
}

static void broken_maps(void)
{
    struct mem_region broken[][2] = {
        {RAM(HIGH, 4 * MIB), RAM(HIGH + 4 * MIB, 4 * MIB)},   /* should be one */
        {BOOT(HIGH, 4 * MIB), BOOT(HIGH + 4 * MIB, 4 * MIB)}, /* should be one */
        {RAM(HIGH, 4 * MIB), RAM(HIGH + 3 * MIB, 4 * MIB)},   /* overlap */
        {RAM(HIGH, 4 * MIB), OURS(HIGH + 3 * MIB, 4 * MIB)},  /* overlap */
        {RAM(HIGH + 8 * MIB, 4 * MIB), RAM(HIGH, 4 * MIB)},   /* not sorted */
        {RAM(HIGH, 4 * MIB), RAM(HIGH + 8 * MIB, 0)},         /* empty */
        {RAM(HIGH, 4 * MIB), RAM(HIGH + 8 * MIB, 4 * KIB + 1)},
        {RAM(MIB - 4 * KIB, 4 * MIB), RAM(HIGH, 4 * MIB)},     /* in the first MiB */
        {RAM(HIGH, 4 * MIB), RAM((uint64_t)1 << 52, 4 * MIB)}, /* beyond the limit */
        {RAM(HIGH, 4 * MIB), {.base = 6 * GIB, .size = MIB, .type = MEM_TYPE_COUNT}},
    };
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        refuse(map_of(broken[i], 2), 2);
    struct mem_region whole[] = {RAM(HIGH, 4 * MIB)};
    struct memmap map = map_of(whole, 1);
    map.normalized = false;
    refuse(map, 1);
    map = map_of(whole, 1);
    map.limit = (uint64_t)1 << 53; /* block numbers have 32 bits */
    refuse(map, 1);
    map = map_of(whole, (size_t)UINT32_MAX);
    refuse(map, 1);
}

static void misaligned_tables(void)
{
    struct mem_region whole[] = {RAM(HIGH, 4 * MIB)};
    struct memmap map = map_of(whole, 1);
    size_t bytes = pmm_tables_size(&map, 1);
    unsigned char *tables = aligned_alloc(64, bytes + 64);
    for (size_t off = 0; off <= 64 && tables != NULL; off += 8) {
        struct pmm *p = NULL;
        status_t s = pmm_create_in(&map, 1, tables + off, bytes, &p);
        EXPECT(s == (off % 64 == 0 ? STATUS_OK : STATUS_INVALID));
        EXPECT((p != NULL) == (s == STATUS_OK));
    }
    free(tables);
}

/* The map's storage goes on behind its last region, with regions that were there before: nothing of
 * them is read. */
static void stale_regions(void)
{
    static const struct mem_region stale[] = {
        RAM(HIGH + 4 * MIB, 4 * MIB), BOOT(HIGH + 4 * MIB, 4 * MIB), BOOT(HIGH + 8 * MIB, 4 * MIB),
        OURS(HIGH + 2 * MIB, 4 * MIB)};
    for (size_t i = 0; i < ARRAY_LEN(stale); i++) {
        struct mem_region storage[] = {RAM(HIGH, 4 * MIB), stale[i], stale[i]};
        struct mem_region clean[] = {RAM(HIGH, 4 * MIB), {.size = 0}, {.size = 0}};
        struct memmap map = map_of(storage, 1);
        struct memmap same = map_of(clean, 1);
        size_t bytes = pmm_tables_size(&map, 1);
        struct pmm *p = NULL;
        struct pmm_stats s;
        void *tables = aligned_alloc(64, bytes);
        EXPECT(bytes == pmm_tables_size(&same, 1));
        if (!EXPECT(tables != NULL && pmm_create_in(&map, 1, tables, bytes, &p) == STATUS_OK))
            return;
        pmm_stats(p, PMM_ZONE_NORMAL, &s);
        EXPECT(s.total == 1024 && s.free == 1024 && s.largest_run == 1024);
        EXPECT(pmm_region_count(p) == 1 && pmm_check(p) == NULL);
        EXPECT(pmm_reclaim(p, &stale[i]) == STATUS_FOREIGN);
        EXPECT(pmm_free(p, HIGH + 4 * MIB, 1) == STATUS_FOREIGN);
        EXPECT(pmm_claim(p, HIGH, 1025) == STATUS_FOREIGN);
        free(tables);
    }
}

/* The tables are taken out of the middle of a region, in the middle of a block: one region and one
 * block more than before, in the only zone, so that nothing else is left over to hide it. */
static void tables_cut_a_region(void)
{
    static const paddr_t bases[PMM_ZONE_COUNT] = {2 * MIB, GIB, HIGH};
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        const paddr_t base = bases[z];
        struct mem_region storage[8] = {RAM(base, 4 * MIB), RAM(base + 6 * MIB, 5 * MIB),
                                        BOOT(base + 11 * MIB, 3 * MIB)};
        struct memmap map = map_of(storage, 3);
        struct pmm *p = NULL;
        map.capacity = 8;
        if (!EXPECT(pmm_create(&map, 1, &p) == STATUS_OK))
            continue;
        EXPECT(pmm_region_count(p) == 3 && map.count == 4);
        EXPECT(p->zones[z]->lists.blocks == 2 + 3 + 2 && pmm_check(p) == NULL);
        EXPECT(pmm_reclaim(p, &map.regions[3]) == STATUS_OK);
        EXPECT(pmm_claim(p, base + 11 * MIB, 768) == STATUS_OK && pmm_check(p) == NULL);
    }
}

/* The memory for the tables need not be zero, in a zone with more than 64 groups of open bits. */
static void dirty_tables(void)
{
    struct mem_region regions[] = {RAM(HIGH, 200 * GIB)};
    struct memmap map = map_of(regions, 1);
    size_t bytes = (pmm_tables_size(&map, 1) + 63) / 64 * 64;
    void *tables = aligned_alloc(64, bytes);
    for (int fill_with = 0; fill_with < 256 && tables != NULL; fill_with += 85) {
        struct pmm *p = NULL;
        memset(tables, fill_with, bytes);
        EXPECT(pmm_create_in(&map, 1, tables, bytes, &p) == STATUS_OK);
        for (unsigned i = 0; i < 10; i++)
            EXPECT(pmm_claim(p, HIGH + i * 21 * GIB, 3) == STATUS_OK);
        EXPECT(pmm_check(p) == NULL);
        for (unsigned i = 0; i < 10; i++)
            EXPECT(pmm_free(p, HIGH + i * 21 * GIB, 3) == STATUS_OK);
        EXPECT(pmm_check(p) == NULL);
        EXPECT(pmm_alloc(p, 200 * GIB / PAGE_SIZE, 0) == HIGH);
    }
    free(tables);
}

/* All memory is withheld at first: the first region of the map, and the only one. */
static void all_withheld(void)
{
    static const struct mem_region regions[] = {BOOT(HIGH, 4 * MIB)};
    struct desk d;
    DESK_MAKE(&d, regions);
    EXPECT(pmm_alloc(d.p, 1, 0) == PADDR_NONE);
    model_count_failure(&d.m, 0);
    EXPECT(model_compare(&d.m, d.p) == NULL);
    EXPECT(pmm_reclaim(d.p, &regions[0]) == STATUS_OK);
    model_reclaim(&d.m, 0);
    take(&d, 1024);
    desk_end(&d);
}

static void no_memory_at_all(void)
{
    struct desk d;
    struct pmm_stats s;
    desk_make(&d, NULL, 0, 1);
    EXPECT(pmm_alloc(d.p, 1, 0) == PADDR_NONE);
    EXPECT(pmm_free(d.p, HIGH, 1) == STATUS_FOREIGN);
    EXPECT(pmm_claim(d.p, HIGH, 1) == STATUS_FOREIGN);
    pmm_drain(d.p);
    model_count_failure(&d.m, 0);
    pmm_stats(d.p, PMM_ZONE_DMA, &s);
    EXPECT(s.failures == 1 && s.total == 0);
    desk_end(&d);
}

/* ---- failures ---- */

static uint64_t failures(struct desk *d, enum pmm_zone zone)
{
    struct pmm_stats s;
    pmm_stats(d->p, zone, &s);
    return s.failures;
}

static void failures_without_a_zone(void)
{
    static const struct mem_region only_high[] = {RAM(HIGH, 1 * MIB)};
    static const struct mem_region no_dma[] = {RAM(20 * MIB, 1 * MIB)};
    static const uint32_t flags[] = {PMM_DMA, PMM_DMA32, PMM_DMA | PMM_KERNEL,
                                     PMM_DMA | PMM_DMA32 | PMM_ZERO};
    struct desk d;
    DESK_MAKE(&d, only_high);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        EXPECT(pmm_alloc(d.p, 1, flags[i]) == PADDR_NONE);
        model_count_failure(&d.m, flags[i]);
        EXPECT(failures(&d, PMM_ZONE_DMA) == i + 1);
    }
    EXPECT(pmm_alloc(d.p, 0, PMM_DMA) == PADDR_NONE); /* no such call */
    EXPECT(pmm_alloc(d.p, 257, 0) == PADDR_NONE);
    model_count_failure(&d.m, 0);
    EXPECT(failures(&d, PMM_ZONE_NORMAL) == 1 && failures(&d, PMM_ZONE_DMA32) == 0);
    desk_end(&d);
    DESK_MAKE(&d, no_dma);
    EXPECT(pmm_alloc(d.p, 1, PMM_DMA) == PADDR_NONE && pmm_alloc(d.p, 257, 0) == PADDR_NONE);
    EXPECT(failures(&d, PMM_ZONE_DMA) == 1 && failures(&d, PMM_ZONE_DMA32) == 1);
    model_count_failure(&d.m, PMM_DMA);
    model_count_failure(&d.m, 0);
    desk_end(&d);
}

static void numbers_out_of_range(void)
{
    static const struct mem_region regions[] = {RAM(HIGH, 1 * MIB)};
    struct desk d;
    struct pmm_stats s = {.total = 7, .failures = 7};
    DESK_MAKE(&d, regions);
    pmm_stats(d.p, PMM_ZONE_COUNT, &s);
    EXPECT(s.total == 0 && s.free == 0 && s.failures == 0);
    EXPECT(strcmp(pmm_zone_name(PMM_ZONE_NORMAL), "NORMAL") == 0);
    EXPECT(strcmp(pmm_zone_name(PMM_ZONE_COUNT), "?") == 0);
    EXPECT(strcmp(pmm_zone_name((enum pmm_zone) - 1), "?") == 0);
    desk_end(&d);
}

/* Each status has a text of its own, and every other number one that says so. */
static void status_texts(void)
{
    const char *unknown = status_text((status_t)-1);
    unsigned count = 0;
    EXPECT(unknown != NULL && unknown[0] != '\0');
    EXPECT(status_text((status_t)1000) == unknown);
    while (EXPECT(status_text((status_t)count) != NULL) && status_text((status_t)count) != unknown)
        count++;
    EXPECT(count > STATUS_OVERLAP);
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = i + 1; j < count; j++)
            EXPECT(strcmp(status_text((status_t)i), status_text((status_t)j)) != 0);
}

/* ---- reclaim ---- */

static void reclaim_exactly(void)
{
    static const struct mem_region regions[] = {RAM(HIGH, 1 * MIB), BOOT(HIGH + 1 * MIB, 64 * KIB)};
    struct desk d;
    struct mem_region off = regions[1];
    DESK_MAKE(&d, regions);
    off.base += 1;
    EXPECT(pmm_reclaim(d.p, &off) == STATUS_FOREIGN);
    off = regions[1];
    off.size -= PAGE_SIZE;
    EXPECT(pmm_reclaim(d.p, &off) == STATUS_FOREIGN);
    off.size += 1;
    EXPECT(pmm_reclaim(d.p, &off) == STATUS_FOREIGN);
    EXPECT(model_compare(&d.m, d.p) == NULL);
    EXPECT(pmm_reclaim(d.p, &regions[1]) == STATUS_OK);
    model_reclaim(&d.m, 1);
    EXPECT(pmm_reclaim(d.p, &regions[1]) == STATUS_ALREADY_FREE);
    desk_end(&d);
}

/* ---- debug modes ---- */

static void fill(paddr_t at, size_t pages, int byte)
{
    memset(hal_phys_to_virt(at), byte, pages * PAGE_SIZE);
}

static bool reads(paddr_t at, size_t pages, int byte)
{
    const unsigned char *p = hal_phys_to_virt(at);
    for (size_t i = 0; i < pages * PAGE_SIZE; i++)
        if (p[i] != (unsigned char)byte)
            return false;
    return true;
}

static const struct mem_region debug_map[] = {RAM(HIGH, 128 * MIB),
                                              BOOT(HIGH + 128 * MIB, 64 * KIB)};

/* Turned on while pages are parked, allocated and withheld: free pages become junk, no others. */
static void junk_while_in_use(void)
{
    const struct pmm_debug on = {.junk = true};
    struct desk d;
    struct pmm_stats s;
    DESK_MAKE(&d, debug_map);
    paddr_t page = take(&d, 1);
    paddr_t run = take(&d, 3);
    paddr_t parked = page + (page % (2 * MIB) == 0 ? PAGE_SIZE : 0 - PAGE_SIZE);
    fill(page, 1, 1);
    fill(run, 3, 2);
    fill(parked, 1, 3);
    fill(HIGH + 64 * MIB, 1, 3);
    fill(HIGH + 128 * MIB, 16, 4);
    pmm_stats(d.p, PMM_ZONE_NORMAL, &s);
    EXPECT(s.parked > 0);
    pmm_set_debug(d.p, &on);
    EXPECT(reads(page, 1, 1) && reads(run, 3, 2) && reads(HIGH + 128 * MIB, 16, 4));
    EXPECT(reads(parked, 1, JUNK) && reads(HIGH + 64 * MIB, 1, JUNK));
    desk_give(&d, page, 1); /* back into the magazine */
    EXPECT(reads(page, 1, JUNK));
    desk_give(&d, run, 3);
    EXPECT(reads(run, 3, JUNK));
    EXPECT(pmm_reclaim(d.p, &debug_map[1]) == STATUS_OK);
    model_reclaim(&d.m, 1);
    EXPECT(reads(HIGH + 128 * MIB, 16, JUNK));
    desk_end(&d);
}

/* A page freed in a debug mode goes where it goes without: to the magazine that owns its block, or
 * to the zone; and what cannot be freed is left alone. */
static void frees_in_a_debug_mode(void)
{
    const struct pmm_debug on = {.junk = true};
    struct desk d;
    DESK_MAKE(&d, debug_map);
    pmm_set_debug(d.p, &on);
    desk_claim(&d, HIGH + 100 * MIB, 1); /* puts back what is parked */
    paddr_t page = take(&d, 1);
    EXPECT(pmm_free(d.p, page, 2) == STATUS_WRONG_LENGTH);
    desk_give(&d, page, 1);
    EXPECT(pmm_free(d.p, page, 1) == STATUS_PARKED);
    desk_give(&d, HIGH + 100 * MIB, 1);
    EXPECT(pmm_free(d.p, HIGH + 100 * MIB, 1) == STATUS_ALREADY_FREE);
    EXPECT(pmm_free(d.p, 20 * MIB, 1) == STATUS_FOREIGN);
    EXPECT(pmm_free(d.p, HIGH + 128 * MIB, 16) == STATUS_RESERVED);
    EXPECT(pmm_alloc(d.p, 1 << 20, 0) == PADDR_NONE);
    model_count_failure(&d.m, 0);
    take(&d, 1);
    desk_end(&d);
}

static void ring_without_room(void)
{
    static const struct mem_region regions[] = {RAM(HIGH, 1 * MIB)};
    struct pmm_op ring[2] = {{.base = 1}, {.base = 1}};
    const struct pmm_debug no_room = {.ring = ring, .ring_size = 0};
    const struct pmm_debug room = {.ring = ring, .ring_size = 1};
    struct desk d;
    DESK_MAKE(&d, regions);
    pmm_set_debug(d.p, &no_room);
    paddr_t run = take(&d, 2);
    EXPECT(pmm_debug_ring_count(d.p) == 1 && ring[0].base == 1 && ring[1].base == 1);
    pmm_set_debug(d.p, &room);
    desk_give(&d, run, 2);
    EXPECT(pmm_debug_ring_count(d.p) == 1 && ring[0].base == run && ring[1].base == 1);
    desk_end(&d);
}

/* Without a debug mode nothing is recorded; in one each call is, whichever way it takes. */
static void recorded_in_a_debug_mode(void)
{
    struct pmm_op ring[8];
    const struct pmm_debug on = {.ring = ring, .ring_size = ARRAY_LEN(ring)};
    struct desk d;
    DESK_MAKE(&d, debug_map);
    paddr_t page = take(&d, 1);
    desk_give(&d, take(&d, 3), 3);
    desk_claim(&d, HIGH + 64 * MIB, 2);
    desk_give(&d, page, 1);
    EXPECT(pmm_debug_ring_count(d.p) == 0);
    pmm_set_debug(d.p, &on);
    page = take(&d, 1);
    paddr_t second = pmm_alloc_aligned(d.p, 1, PAGE_SIZE, 0);
    EXPECT(model_accept(&d.m, second, 1, PAGE_SIZE, 0) == NULL);
    desk_give(&d, page, 1);
    desk_give(&d, HIGH + 64 * MIB, 2);
    EXPECT(pmm_debug_ring_count(d.p) == 4);
    EXPECT(ring[0].base == page && ring[0].kind == 0 && ring[1].base == second);
    EXPECT(ring[2].base == page && ring[2].kind == 1 && ring[3].base == HIGH + 64 * MIB);
    pmm_set_debug(d.p, NULL);
    desk_give(&d, second, 1);
    desk_claim(&d, HIGH + 64 * MIB, 2);
    EXPECT(pmm_debug_ring_count(d.p) == 0);
    desk_end(&d);
}

/* Only the mode that fills free pages writes to them. */
static void free_pages_are_left_alone(void)
{
    struct pmm_op ring[2];
    const struct pmm_debug on = {.ring = ring, .ring_size = ARRAY_LEN(ring)};
    struct desk d;
    DESK_MAKE(&d, debug_map);
    fill(HIGH + 64 * MIB, 1, 3);
    pmm_set_debug(d.p, &on);
    EXPECT(reads(HIGH + 64 * MIB, 1, 3));
    pmm_set_debug(d.p, NULL);
    EXPECT(reads(HIGH + 64 * MIB, 1, 3));
    desk_end(&d);
}

/* Does the next page taken end in a panic? */
static bool panics(struct pmm *p)
{
    if (setjmp(*host_panic_catch()) != 0)
        return true;
    EXPECT(pmm_alloc(p, 1, 0) != PADDR_NONE);
    host_panic_release();
    return false;
}

/* One word of a free page is written: the next who takes it is told, whichever word it is. Words
 * before and behind the page are somebody else's. */
static void each_word_of_junk_counts(void)
{
    static const struct mem_region regions[] = {RAM(HIGH, 1 * MIB)};
    static const size_t words[] = {0, 1, PAGE_SIZE / 8 - 1};
    const struct pmm_debug on = {.junk = true};
    for (size_t i = 0; i <= ARRAY_LEN(words); i++) {
        struct desk d;
        DESK_MAKE(&d, regions);
        pmm_set_debug(d.p, &on);
        paddr_t run = take(&d, 3);
        fill(run, 3, 1);
        desk_give(&d, run, 3);
        desk_claim(&d, run, 1);
        desk_claim(&d, run + 2 * PAGE_SIZE, 1);
        fill(run, 1, 1);
        fill(run + 2 * PAGE_SIZE, 1, 1);
        uint64_t *page = hal_phys_to_virt(run + PAGE_SIZE);
        if (i < ARRAY_LEN(words))
            page[words[i]] ^= 1;
        EXPECT(panics(d.p) == (i < ARRAY_LEN(words)));
        desk_drop(&d);
    }
}

/* More pages than addresses can tell is no request, so it is no failure of a zone. */
static void more_than_addresses(void)
{
    static const struct mem_region regions[] = {RAM(HIGH, 1 * MIB)};
    struct desk d;
    DESK_MAKE(&d, regions);
    EXPECT(pmm_alloc(d.p, (UINT64_MAX >> PAGE_SHIFT) + 1, 0) == PADDR_NONE);
    EXPECT(pmm_alloc(d.p, UINT64_MAX, 0) == PADDR_NONE);
    EXPECT(pmm_alloc(d.p, UINT64_MAX >> PAGE_SHIFT, 0) == PADDR_NONE);
    model_count_failure(&d.m, 0);
    desk_end(&d);
}

/* What touches withheld memory is busy or free by itself. */
static void beside_withheld_memory(void)
{
    static const struct mem_region regions[] = {RAM(HIGH, MIB), BOOT(HIGH + MIB, MIB),
                                                RAM(HIGH + 2 * MIB, MIB)};
    struct desk d;
    DESK_MAKE(&d, regions);
    desk_claim(&d, HIGH + MIB - 2 * PAGE_SIZE, 2);
    desk_claim(&d, HIGH + 2 * MIB, 2);
    EXPECT(pmm_claim(d.p, HIGH + MIB - 2 * PAGE_SIZE, 2) == STATUS_BUSY);
    EXPECT(pmm_claim(d.p, HIGH + MIB - 2 * PAGE_SIZE, 3) == STATUS_RESERVED);
    EXPECT(pmm_claim(d.p, HIGH + 2 * MIB, 2) == STATUS_BUSY);
    EXPECT(pmm_claim(d.p, HIGH + 2 * MIB - PAGE_SIZE, 2) == STATUS_RESERVED);
    desk_end(&d);
}

int main(void)
{
    host_ram_create(HIGH + 256 * MIB);
    expect_run("a map that breaks M1 to M4 is refused", broken_maps);
    expect_run("tables that are not aligned are refused", misaligned_tables);
    expect_run("regions behind the end of the map are not read", stale_regions);
    expect_run("pmm_tables_size is enough when the tables cut a region", tables_cut_a_region);
    expect_run("tables need not be zero", dirty_tables);
    expect_run("a machine whose memory is all to be reclaimed", all_withheld);
    expect_run("a machine without memory", no_memory_at_all);
    expect_run("each failure is counted once, zone or no zone", failures_without_a_zone);
    expect_run("zone numbers out of range", numbers_out_of_range);
    expect_run("every status has a text", status_texts);
    expect_run("pmm_reclaim takes exactly a withheld region", reclaim_exactly);
    expect_run("junk fills what is free or parked, no more", junk_while_in_use);
    expect_run("frees in a debug mode", frees_in_a_debug_mode);
    expect_run("a ring without room records nothing", ring_without_room);
    expect_run("a call is recorded in a debug mode, and else not", recorded_in_a_debug_mode);
    expect_run("without junk free pages are left alone", free_pages_are_left_alone);
    expect_run("each word of a free page is looked at", each_word_of_junk_counts);
    expect_run("more pages than addresses are no failure of a zone", more_than_addresses);
    expect_run("what touches withheld memory is busy, not reserved", beside_withheld_memory);
    return expect_total();
}
