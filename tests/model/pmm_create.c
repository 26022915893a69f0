/* mm/pmm_create.h: maps that a foreign kernel may hand over, machines of every size, tables of
 * exactly the promised size, and what creation costs. */
#include "hal/short.h"
#include "tests/model/pmm_desk.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

/* Refused by both, and nothing of the map has changed. */
static void refuse(struct memmap map, size_t touched)
{
    static _Alignas(64) unsigned char tables[256 * KIB];
    struct pmm *p = NULL;
    struct mem_region before[4];
    memcpy(before, map.regions, touched * sizeof *before);
    size_t count = map.count;
    EXPECT(pmm_create_in(&map, 1, tables, sizeof tables, &p) == MM_INVALID);
    EXPECT(pmm_create(&map, 1, &p) == MM_INVALID);
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
        mm_status_t s = pmm_create_in(&map, 1, tables + off, bytes, &p);
        EXPECT(s == (off % 64 == 0 ? MM_OK : MM_INVALID));
        EXPECT((p != NULL) == (s == MM_OK));
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
        if (!EXPECT(tables != NULL && pmm_create_in(&map, 1, tables, bytes, &p) == MM_OK))
            return;
        pmm_stats(p, PMM_ZONE_NORMAL, &s);
        EXPECT(s.total == 1024 && s.free == 1024 && s.largest_run == 1024);
        EXPECT(pmm_region_count(p) == 1 && pmm_check(p) == NULL);
        EXPECT(pmm_reclaim(p, &stale[i]) == MM_FOREIGN);
        EXPECT(pmm_free(p, HIGH + 4 * MIB, 1) == MM_FOREIGN);
        EXPECT(pmm_claim(p, HIGH, 1025) == MM_FOREIGN);
        free(tables);
    }
}

/* The tables are taken out of the middle of a region, in the middle of a block: one region and one
 * block more than before, in the only zone, so that nothing else is left over to hide it. */
static void tables_cut_a_region(void)
{
    static const hal_paddr_t bases[PMM_ZONE_COUNT] = {2 * MIB, GIB, HIGH};
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        const hal_paddr_t base = bases[z];
        struct mem_region storage[8] = {RAM(base, 4 * MIB), RAM(base + 6 * MIB, 5 * MIB),
                                        BOOT(base + 11 * MIB, 3 * MIB)};
        struct memmap map = map_of(storage, 3);
        struct pmm *p = NULL;
        map.capacity = 8;
        if (!EXPECT(pmm_create(&map, 1, &p) == MM_OK))
            continue;
        EXPECT(pmm_region_count(p) == 3 && map.count == 4);
        EXPECT(p->zones[z]->lists.blocks == 2 + 3 + 2 && pmm_check(p) == NULL);
        EXPECT(pmm_reclaim(p, &map.regions[3]) == MM_OK);
        EXPECT(pmm_claim(p, base + 11 * MIB, 768) == MM_OK && pmm_check(p) == NULL);
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
        EXPECT(pmm_create_in(&map, 1, tables, bytes, &p) == MM_OK);
        for (unsigned i = 0; i < 10; i++)
            EXPECT(pmm_claim(p, HIGH + i * 21 * GIB, 3) == MM_OK);
        EXPECT(pmm_check(p) == NULL);
        for (unsigned i = 0; i < 10; i++)
            EXPECT(pmm_free(p, HIGH + i * 21 * GIB, 3) == MM_OK);
        EXPECT(pmm_check(p) == NULL);
        EXPECT(pmm_alloc(p, 200 * GIB / HAL_PAGE_SIZE, 0) == HIGH);
    }
    free(tables);
}

/* All memory is withheld at first: the first region of the map, and the only one. */
static void all_withheld(void)
{
    static const struct mem_region regions[] = {BOOT(HIGH, 4 * MIB)};
    struct desk d;
    DESK_MAKE(&d, regions);
    EXPECT(pmm_alloc(d.p, 1, 0) == HAL_PADDR_NONE);
    model_count_failure(&d.m, 0);
    EXPECT(model_compare(&d.m, d.p) == NULL);
    EXPECT(pmm_reclaim(d.p, &regions[0]) == MM_OK);
    model_reclaim(&d.m, 0);
    desk_take(&d, 1024);
    desk_end(&d);
}

static void no_memory_at_all(void)
{
    struct desk d;
    struct pmm_stats s;
    desk_make(&d, NULL, 0, 1);
    EXPECT(pmm_alloc(d.p, 1, 0) == HAL_PADDR_NONE);
    EXPECT(pmm_free(d.p, HIGH, 1) == MM_FOREIGN);
    EXPECT(pmm_claim(d.p, HIGH, 1) == MM_FOREIGN);
    pmm_drain(d.p);
    model_count_failure(&d.m, 0);
    pmm_stats(d.p, PMM_ZONE_DMA, &s);
    EXPECT(s.failures == 1 && s.total == 0);
    desk_end(&d);
}

static void reclaim_exactly(void)
{
    static const struct mem_region regions[] = {RAM(HIGH, 1 * MIB), BOOT(HIGH + 1 * MIB, 64 * KIB)};
    struct desk d;
    struct mem_region off = regions[1];
    DESK_MAKE(&d, regions);
    off.base += 1;
    EXPECT(pmm_reclaim(d.p, &off) == MM_FOREIGN);
    off = regions[1];
    off.size -= HAL_PAGE_SIZE;
    EXPECT(pmm_reclaim(d.p, &off) == MM_FOREIGN);
    off.size += 1;
    EXPECT(pmm_reclaim(d.p, &off) == MM_FOREIGN);
    EXPECT(model_compare(&d.m, d.p) == NULL);
    EXPECT(pmm_reclaim(d.p, &regions[1]) == MM_OK);
    model_reclaim(&d.m, 1);
    EXPECT(pmm_reclaim(d.p, &regions[1]) == MM_ALREADY_FREE);
    desk_end(&d);
}

static bool all_bytes(const unsigned char *p, size_t n, unsigned char value)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != value)
            return false;
    return true;
}

/* pmm_create_in() with every smaller size: refused and nothing written, or it keeps to the size. */
static void tables_of_every_size(void)
{
    static const struct mem_region map[] = {RAM(15 * MIB, 2 * MIB), BOOT(20 * MIB, 3 * MIB),
                                            RAM(HIGH + 4 * KIB, 40 * KIB)};
    struct model m;
    model_init(&m, map, ARRAY_LEN(map));
    size_t full = pmm_tables_size(&m.map, 2);
    unsigned char *tables = aligned_alloc(64, full + 128);
    size_t refused = 0;
    for (size_t bytes = 0; bytes <= full && tables != NULL; bytes++) {
        struct pmm *p = NULL;
        memset(tables, 0x5C, full + 128);
        mm_status_t s = pmm_create_in(&m.map, 2, tables, bytes, &p);
        size_t untouched_from = s == MM_OK ? bytes : 0;
        refused += s == MM_FULL;
        EXPECT(s == MM_OK ? p != NULL : s == MM_FULL && p == NULL);
        EXPECT(s == MM_OK || bytes < full);
        if (s == MM_OK)
            EXPECT(pmm_alloc(p, 1, 0) != HAL_PADDR_NONE && pmm_check(p) == NULL);
        EXPECT(all_bytes(tables + untouched_from, full + 128 - untouched_from, 0x5C));
    }
    EXPECT(refused > full / 2);
    free(tables);
    model_destroy(&m);
}

/* pmm_create() on machines of every size around what its tables need. */
static void create_on_every_size(void)
{
    struct memmap before;
    struct mem_region storage[8];
    unsigned made = 0;
    unsigned refused = 0;
    for (uint64_t pages = 1; pages < 40; pages++) {
        struct pmm *p = NULL;
        storage[0] = (struct mem_region)RAM(HIGH - 4 * KIB, pages * HAL_PAGE_SIZE);
        struct memmap map = {.regions = storage,
                             .capacity = 8,
                             .count = 1,
                             .limit = (uint64_t)1 << 52,
                             .normalized = true};
        before = map;
        mm_status_t s = pmm_create(&map, 3, &p);
        made += s == MM_OK;
        refused += s == MM_NO_MEMORY;
        if (s == MM_OK) {
            struct pmm_stats dma32;
            struct pmm_stats high;
            EXPECT(pmm_check(p) == NULL && memmap_check(&map) == NULL);
            pmm_stats(p, PMM_ZONE_DMA32, &dma32);
            pmm_stats(p, PMM_ZONE_NORMAL, &high);
            EXPECT(dma32.free + high.free +
                       (pmm_table_bytes(p) + HAL_PAGE_SIZE - 1) / HAL_PAGE_SIZE ==
                   pages);
            continue;
        }
        EXPECT(s == MM_NO_MEMORY && p == NULL);
        EXPECT(map.count == before.count && storage[0].label == NULL &&
               storage[0].size == pages * HAL_PAGE_SIZE);
    }
    EXPECT(made > 0 && refused > 0);
}

/* The map has no slot left for the tables' own entry. */
static void create_without_a_slot(void)
{
    struct mem_region storage[1] = {RAM(HIGH, 64 * MIB)};
    struct memmap map = map_of(storage, 1);
    struct pmm *p = NULL;
    EXPECT(pmm_create(&map, 1, &p) == MM_NO_MEMORY);
    EXPECT(p == NULL && map.count == 1 && storage[0].size == 64 * MIB);
}

static uint64_t resident_bytes(void *memory, size_t bytes)
{
    size_t pages = (bytes + HAL_PAGE_SIZE - 1) / HAL_PAGE_SIZE;
    unsigned char *resident = model_memory(pages);
    uint64_t touched = 0;
    EXPECT(mincore(memory, bytes, resident) == 0);
    for (size_t i = 0; i < pages; i++)
        touched += (resident[i] & 1) * HAL_PAGE_SIZE;
    free(resident);
    return touched;
}

/* Create over `map`; the allocator works, whatever the size. Bytes touched by creation alone. */
static uint64_t create_sparse(struct mem_region *regions, size_t count, size_t *bytes)
{
    struct memmap map = map_of(regions, count);
    struct pmm *p = NULL;
    *bytes = pmm_tables_size(&map, 8);
    void *tables = mmap(NULL, *bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!EXPECT(tables != MAP_FAILED))
        return UINT64_MAX;
    uint64_t start = hal_cycles();
    EXPECT(pmm_create_in(&map, 8, tables, *bytes, &p) == MM_OK);
    uint64_t took = hal_cycles() - start;
    uint64_t touched = resident_bytes(tables, *bytes);
    printf("  creation touched %" PRIu64 " KiB of %zu MiB of tables, in %" PRIu64
           " us with sanitizers\n",
           touched / KIB, *bytes >> 20, took / 1000);
    for (size_t pages = 1; pages <= TIB / HAL_PAGE_SIZE; pages *= 32) {
        hal_paddr_t got = pmm_alloc_aligned(p, pages, hal_min_u64(GIB, pages * HAL_PAGE_SIZE), 0);
        EXPECT(got != HAL_PADDR_NONE && pmm_free(p, got, pages) == MM_OK);
        EXPECT(got != HAL_PADDR_NONE && pmm_free(p, got, pages) != MM_OK);
    }
    munmap(tables, *bytes);
    return touched;
}

/* 13 TiB: tables of nearly 1 GiB, of which creation may touch 128 KiB. */
static void creation_is_cheap(void)
{
    struct mem_region regions[] = {RAM(1 * MIB, 2 * GIB), RAM(HIGH, 12 * TIB), RAM(60 * TIB, TIB)};
    size_t bytes = 0;
    EXPECT(create_sparse(regions, ARRAY_LEN(regions), &bytes) <= 128 * KIB);
    EXPECT(bytes * 16 <= 13 * TIB / HAL_PAGE_SIZE * 5 + 64 * KIB); /* 2.5 bits a page */
}

static void creation_at_64_tib(void)
{
    struct mem_region regions[] = {RAM(1 * MIB, 2 * GIB), RAM(HIGH, 64 * TIB)};
    size_t bytes = 0;
    EXPECT(create_sparse(regions, ARRAY_LEN(regions), &bytes) <= 128 * KIB);
}

/* More CPUs than 16 bits can name: only memory bounds their number. */
static void more_cpus_than_16_bits(void)
{
    static const unsigned counts[] = {65534, 65535, 65536, 70000};
    struct mem_region regions[] = {RAM(HIGH, 64 * MIB)};
    struct memmap map = map_of(regions, 1);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct pmm *p = NULL;
        size_t bytes = pmm_tables_size(&map, counts[i]);
        void *tables = aligned_alloc(64, bytes);
        if (!EXPECT(tables != NULL && pmm_create_in(&map, counts[i], tables, bytes, &p) == MM_OK))
            return;
        hal_paddr_t page = pmm_alloc(p, 1, 0);
        EXPECT(pmm_free(p, page, 1) == MM_OK && pmm_free(p, page, 1) == MM_ALREADY_FREE);
        page = pmm_alloc(p, 1, 0); /* its block is open, and has no owner, for the zone is small */
        struct zone *z = p->zones[PMM_ZONE_NORMAL];
        uint32_t block = (uint32_t)((page - HIGH) / (2 * MIB));
        zone_own_block(z, block, counts[i]);
        EXPECT(z->lists.summaries[block].owner != 0 && z->lists.summaries[block].owner <= counts[i]);
        EXPECT(zone_disown_block(z, block) && z->lists.summaries[block].owner == 0);
        EXPECT(pmm_free(p, page, 1) == MM_OK && pmm_check(p) == NULL);
        free(tables);
    }
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
    expect_run("pmm_reclaim takes exactly a withheld region", reclaim_exactly);
    expect_run("tables of every size", tables_of_every_size);
    expect_run("pmm_create on machines of every size", create_on_every_size);
    expect_run("pmm_create without a slot in the map", create_without_a_slot);
    expect_run("creation costs O(regions)", creation_is_cheap);
    expect_run("64 TiB", creation_at_64_tib);
    expect_run("more CPUs than 16 bits can name", more_cpus_than_16_bits);
    return expect_total();
}
