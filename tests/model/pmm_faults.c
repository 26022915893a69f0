/* Everything that can fail in the allocator made to fail at every step, and what a failure must
 * leave behind: nothing. Tables: every size that is too small. Memory: exhaustion after every
 * number of pages. Debug modes: a stray write and a broken invariant must panic, and say so.
 * Several CPUs: what another CPU has parked is busy. And the cost of creation: O(regions). */
#include "tests/model/expect.h"
#include "tests/model/pmm_model.h"

#include "hal/hal.h"
#include "hal/host/host.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#define HIGH (4 * GIB)

/* ---- tables ---- */

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
        status_t s = pmm_create_in(&m.map, 2, tables, bytes, &p);
        size_t untouched_from = s == STATUS_OK ? bytes : 0;
        refused += s == STATUS_FULL;
        EXPECT(s == STATUS_OK ? p != NULL : s == STATUS_FULL && p == NULL);
        EXPECT(s == STATUS_OK || bytes < full);
        if (s == STATUS_OK)
            EXPECT(pmm_alloc(p, 1, 0) != PADDR_NONE && pmm_check(p) == NULL);
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
        storage[0] = (struct mem_region)RAM(HIGH - 4 * KIB, pages * PAGE_SIZE);
        struct memmap map = {.regions = storage,
                             .capacity = 8,
                             .count = 1,
                             .limit = (uint64_t)1 << 52,
                             .normalized = true};
        before = map;
        status_t s = pmm_create(&map, 3, &p);
        made += s == STATUS_OK;
        refused += s == STATUS_NO_MEMORY;
        if (s == STATUS_OK) {
            struct pmm_stats dma32;
            struct pmm_stats high;
            EXPECT(pmm_check(p) == NULL && memmap_check(&map) == NULL);
            pmm_stats(p, PMM_ZONE_DMA32, &dma32);
            pmm_stats(p, PMM_ZONE_NORMAL, &high);
            EXPECT(dma32.free + high.free + (pmm_table_bytes(p) + PAGE_SIZE - 1) / PAGE_SIZE ==
                   pages);
            continue;
        }
        EXPECT(s == STATUS_NO_MEMORY && p == NULL);
        EXPECT(map.count == before.count && storage[0].label == NULL &&
               storage[0].size == pages * PAGE_SIZE);
    }
    EXPECT(made > 0 && refused > 0);
}

/* The map has no slot left for the tables' own entry. */
static void create_without_a_slot(void)
{
    struct mem_region storage[1] = {RAM(HIGH, 64 * MIB)};
    struct memmap map = map_of(storage, 1);
    struct pmm *p = NULL;
    EXPECT(pmm_create(&map, 1, &p) == STATUS_NO_MEMORY);
    EXPECT(p == NULL && map.count == 1 && storage[0].size == 64 * MIB);
}

/* ---- memory ---- */

static const struct mem_region small_map[] = {
    RAM(16 * MIB - 80 * KIB, 160 * KIB), BOOT(24 * MIB, 8 * KIB), RAM(HIGH - 40 * KIB, 120 * KIB)};

/* Requests that the model says cannot be met: none may change anything. */
static void refuse_all(struct model *m, struct pmm *p)
{
    static const uint32_t flags[] = {0, PMM_DMA, PMM_DMA32, PMM_KERNEL, PMM_DMA | PMM_KERNEL};
    for (size_t f = 0; f < ARRAY_LEN(flags); f++)
        for (uint64_t align = PAGE_SIZE; align <= 256 * KIB; align *= 4)
            for (size_t n = 1; n < 50; n += 1 + n / 3)
                if (!model_can_alloc(m, n, align, flags[f])) {
                    EXPECT(pmm_alloc_aligned(p, n, align, flags[f]) == PADDR_NONE);
                    model_count_failure(m, flags[f]);
                }
    EXPECT(model_compare(m, p) == NULL);
}

static void claim_all_refused(struct model *m, struct pmm *p)
{
    for (uint32_t i = 0; i < m->pages; i++)
        for (size_t n = 1; n < 12; n += 5) {
            status_t s = pmm_claim(p, m->address[i], n);
            bool crosses =
                model_zone(m->address[i]) != model_zone(m->address[i] + (n - 1) * PAGE_SIZE);
            EXPECT((crosses && s == STATUS_INVALID) || model_claim_ok(m, m->address[i], n, s));
            if (s == STATUS_OK)
                EXPECT(pmm_free(p, m->address[i], n) == STATUS_OK);
            m->allocs[model_zone(m->address[i])] += s == STATUS_OK;
            m->frees[model_zone(m->address[i])] += s == STATUS_OK;
        }
    EXPECT(model_compare(m, p) == NULL);
}

/* Take `n` pages at a time until nothing is left; at each step try all that must fail. */
static void exhaustion_at_each_step(void)
{
    for (size_t n = 1; n < 7; n += 2)
        for (unsigned kernel = 0; kernel < 2; kernel++) {
            struct model m;
            void *tables;
            size_t bytes;
            model_init(&m, small_map, ARRAY_LEN(small_map));
            struct pmm *p = model_create(&m, 1, &tables, &bytes);
            for (paddr_t got = 1; got != PADDR_NONE;) {
                uint32_t flags = (kernel ? PMM_KERNEL : 0) | (m.free[2] == 0 ? PMM_DMA32 : 0);
                refuse_all(&m, p);
                claim_all_refused(&m, p);
                got = pmm_alloc(p, n, flags);
                if (got != PADDR_NONE) {
                    EXPECT(model_accept(&m, got, n, PAGE_SIZE, flags) == NULL);
                    continue;
                }
                EXPECT(!model_can_alloc(&m, n, PAGE_SIZE, flags));
                model_count_failure(&m, flags);
            }
            free(tables);
            model_destroy(&m);
        }
}

/* ---- debug modes ---- */

static struct pmm *debug_make(struct model *m, void **tables, size_t *bytes)
{
    static const struct mem_region map[] = {RAM(HIGH, 16 * MIB)};
    model_init(m, map, 1);
    return model_create(m, 1, tables, bytes);
}

static bool taking_all_panics(struct pmm *p)
{
    if (setjmp(*host_panic_catch()) != 0)
        return true;
    UNUSED(pmm_alloc(p, 4096, 0));
    host_panic_release();
    return false;
}

static void junk_panics_on_a_stray_write(void)
{
    for (size_t n = 1; n < 700; n += 233) {
        struct model m;
        void *tables;
        size_t bytes;
        struct pmm *p = debug_make(&m, &tables, &bytes);
        const struct pmm_debug on = {.junk = true};
        pmm_set_debug(p, &on);
        paddr_t got = pmm_alloc(p, n, 0);
        EXPECT(pmm_free(p, got, n) == STATUS_OK);
        EXPECT(pmm_alloc(p, n, 0) == got && pmm_free(p, got, n) == STATUS_OK); /* no false alarm */
        ((uint8_t *)hal_phys_to_virt(got))[n * PAGE_SIZE - 3] ^= 1;
        EXPECT(taking_all_panics(p));
        free(tables);
        model_destroy(&m);
    }
}

/* A wrong free must not fill what others own. */
static void junk_spares_live_pages(void)
{
    struct model m;
    void *tables;
    size_t bytes;
    struct pmm *p = debug_make(&m, &tables, &bytes);
    const struct pmm_debug on = {.junk = true};
    pmm_set_debug(p, &on);
    paddr_t got = pmm_alloc(p, 8, PMM_ZERO);
    EXPECT(pmm_free(p, got, 7) == STATUS_WRONG_LENGTH);
    EXPECT(pmm_free(p, got, 9) == STATUS_WRONG_LENGTH);
    EXPECT(pmm_free(p, got + PAGE_SIZE, 7) == STATUS_INTERIOR);
    EXPECT(all_bytes(hal_phys_to_virt(got), 8 * PAGE_SIZE, 0));
    EXPECT(pmm_free(p, got, 8) == STATUS_OK);
    EXPECT(!all_bytes(hal_phys_to_virt(got), 8 * PAGE_SIZE, 0));
    free(tables);
    model_destroy(&m);
}

/* The invariant P7 is broken from outside, through the map; the next check must panic with it. */
static void check_every_panics(void)
{
    struct model m;
    void *tables;
    size_t bytes;
    struct pmm *volatile p = debug_make(&m, &tables, &bytes);
    const struct pmm_debug on = {.check_every = 3};
    volatile bool caught = false;
    volatile unsigned calls = 0;
    pmm_set_debug(p, &on);
    m.regions[0].label = "image";
    if (setjmp(*host_panic_catch()) == 0) {
        for (; calls < 10; calls++)
            UNUSED(pmm_alloc(p, 2, 0));
        host_panic_release();
    } else {
        caught = true;
    }
    EXPECT(caught && calls == 2); /* the third call, numbered from 0 */
    EXPECT(strncmp(host_panic_text(), "P7", 2) == 0);
    free(tables);
    model_destroy(&m);
}

/* ---- several CPUs ---- */

/* Counts parked pages and remembers the first. */
struct parked {
    paddr_t first;
    uint64_t pages;
};

static void find_parked(void *ctx, paddr_t base, uint64_t pages, enum pmm_run kind)
{
    struct parked *p = ctx;
    if (kind != PMM_RUN_PARKED)
        return;
    if (p->pages == 0)
        p->first = base;
    p->pages += pages;
}

static void parked_elsewhere(void)
{
    static const struct mem_region map[] = {RAM(HIGH, 512 * MIB)};
    struct model m;
    void *tables;
    size_t bytes;
    struct parked parked = {.pages = 0};
    model_init(&m, map, 1);
    struct pmm *p = model_create(&m, 2, &tables, &bytes);
    host_set_cpu(0);
    paddr_t page = pmm_alloc(p, 1, 0);
    EXPECT(pmm_free(p, page, 1) == STATUS_OK);
    pmm_walk(p, find_parked, &parked);
    if (EXPECT(parked.pages > 0)) {
        host_set_cpu(1);
        EXPECT(pmm_free(p, parked.first, 1) == STATUS_PARKED);
        EXPECT(pmm_claim(p, parked.first, 1) == STATUS_BUSY);
        EXPECT(pmm_alloc(p, 131072, 0) == PADDR_NONE); /* all but CPU 0's pages are free */
        pmm_drain(p);                                  /* drains this CPU, not the other */
        EXPECT(pmm_claim(p, parked.first, 1) == STATUS_BUSY);
        host_set_cpu(0);
        EXPECT(pmm_claim(p, parked.first, 1) == STATUS_OK);
        EXPECT(pmm_free(p, parked.first, 1) == STATUS_OK);
        EXPECT(pmm_alloc(p, 131072, 0) == HIGH);
        EXPECT(pmm_check(p) == NULL);
    }
    host_set_cpu(0);
    free(tables);
    model_destroy(&m);
}

/* Any CPU may free what another took, and a page freed elsewhere is not lost. */
static void freed_elsewhere(void)
{
    static const struct mem_region map[] = {RAM(HIGH, 512 * MIB)};
    struct model m;
    void *tables;
    size_t bytes;
    model_init(&m, map, 1);
    struct pmm *p = model_create(&m, 2, &tables, &bytes);
    for (unsigned round = 0; round < 2000; round++) {
        host_set_cpu(round % 2);
        paddr_t page = pmm_alloc(p, 1, round % 3 == 0 ? PMM_KERNEL : 0);
        host_set_cpu(1 - round % 2);
        EXPECT(pmm_free(p, page, 1) == STATUS_OK);
        status_t again = pmm_free(p, page, 1);
        EXPECT(again == STATUS_PARKED || again == STATUS_ALREADY_FREE);
    }
    m.allocs[PMM_ZONE_NORMAL] = m.frees[PMM_ZONE_NORMAL] = 2000;
    EXPECT(model_compare(&m, p) == NULL);
    for (uint32_t c = 0; c < 2; c++) {
        host_set_cpu(c);
        pmm_drain(p);
    }
    host_set_cpu(0);
    EXPECT(model_compare(&m, p) == NULL);
    EXPECT(pmm_alloc(p, 131072, 0) == HIGH);
    free(tables);
    model_destroy(&m);
}

/* ---- the cost of creation ---- */

static uint64_t resident_bytes(void *memory, size_t bytes)
{
    size_t pages = (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    unsigned char *resident = model_memory(pages);
    uint64_t touched = 0;
    EXPECT(mincore(memory, bytes, resident) == 0);
    for (size_t i = 0; i < pages; i++)
        touched += (resident[i] & 1) * PAGE_SIZE;
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
    EXPECT(pmm_create_in(&map, 8, tables, *bytes, &p) == STATUS_OK);
    uint64_t took = hal_cycles() - start;
    uint64_t touched = resident_bytes(tables, *bytes);
    printf("  creation touched %" PRIu64 " KiB of %zu MiB of tables, in %" PRIu64
           " us with sanitizers\n",
           touched / KIB, *bytes >> 20, took / 1000);
    for (size_t pages = 1; pages <= TIB / PAGE_SIZE; pages *= 32) {
        paddr_t got = pmm_alloc_aligned(p, pages, min_u64(GIB, pages * PAGE_SIZE), 0);
        EXPECT(got != PADDR_NONE && pmm_free(p, got, pages) == STATUS_OK);
        EXPECT(got != PADDR_NONE && pmm_free(p, got, pages) != STATUS_OK);
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
    EXPECT(bytes * 16 <= 13 * TIB / PAGE_SIZE * 5 + 64 * KIB); /* 2.5 bits a page */
}

static void creation_at_64_tib(void)
{
    struct mem_region regions[] = {RAM(1 * MIB, 2 * GIB), RAM(HIGH, 64 * TIB)};
    size_t bytes = 0;
    EXPECT(create_sparse(regions, ARRAY_LEN(regions), &bytes) <= 128 * KIB);
}

int main(void)
{
    host_ram_create(HIGH + 64 * MIB);
    expect_run("tables of every size", tables_of_every_size);
    expect_run("pmm_create on machines of every size", create_on_every_size);
    expect_run("pmm_create without a slot in the map", create_without_a_slot);
    expect_run("exhaustion at each step", exhaustion_at_each_step);
    expect_run("junk: a stray write panics", junk_panics_on_a_stray_write);
    expect_run("junk: a wrong free fills nothing", junk_spares_live_pages);
    expect_run("check_every: a broken invariant panics", check_every_panics);
    expect_run("pages parked with another CPU are busy", parked_elsewhere);
    expect_run("pages freed on another CPU", freed_elsewhere);
    expect_run("creation costs O(regions)", creation_is_cheap);
    expect_run("64 TiB", creation_at_64_tib);
    return expect_total();
}
