/* mm/pmm.h: calls at the edges of their contract, on one CPU and on two. */
#include "hal/short.h"
#include "tests/model/pmm_desk.h"

#include <string.h>

/* A request for no pages gets none, also when the magazine has some. */
static void nothing_asked_nothing_given(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    desk_take_pages(&d, 1, 0);
    EXPECT(d.p->cpus[0].magazines[MAGAZINE_PAGES].hand != 0);
    EXPECT(pmm_alloc(d.p, 0, 0) == HAL_PADDR_NONE);
    EXPECT(pmm_alloc_aligned(d.p, 0, HAL_PAGE_SIZE, 0) == HAL_PADDR_NONE);
    EXPECT(desk_stats(&d).parked == BLOCK_PAGES - 1 && desk_stats(&d).failures == 0);
    desk_close(&d);
}

static const struct mem_region big[] = {RAM(HIGH, 256 * MIB)};

/* Each byte between the first of a page and the first of the next, in a block that this CPU owns.
 */
static void no_page_begins_inside_a_page(void)
{
    struct desk d;
    desk_make(&d, big, ARRAY_LEN(big), 1);
    hal_paddr_t page = pmm_alloc(d.p, 1, 0);
    EXPECT(page != HAL_PADDR_NONE);
    for (uint64_t byte = 1; byte < HAL_PAGE_SIZE; byte++)
        EXPECT(pmm_free(d.p, page + byte, 1) == MM_NOT_PAGE);
    EXPECT(pmm_free(d.p, page, 1) == MM_OK);
    EXPECT(pmm_free(d.p, page, 1) == MM_PARKED);
    desk_close(&d);
}

/* Each status has a text of its own, and every other number one that says so. */
static void status_texts(void)
{
    const char *unknown = mm_status_text((mm_status_t)-1);
    unsigned count = 0;
    EXPECT(unknown != NULL && unknown[0] != '\0');
    EXPECT(mm_status_text((mm_status_t)1000) == unknown);
    while (EXPECT(mm_status_text((mm_status_t)count) != NULL) &&
           mm_status_text((mm_status_t)count) != unknown)
        count++;
    EXPECT(count > MM_OVERLAP);
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = i + 1; j < count; j++)
            EXPECT(strcmp(mm_status_text((mm_status_t)i), mm_status_text((mm_status_t)j)) != 0);
}

/* More pages than addresses can tell is no request, so it is no failure of a zone. */
static void more_than_addresses(void)
{
    static const struct mem_region regions[] = {RAM(HIGH, 1 * MIB)};
    struct desk d;
    DESK_MAKE(&d, regions);
    EXPECT(pmm_alloc(d.p, (UINT64_MAX >> HAL_PAGE_SHIFT) + 1, 0) == HAL_PADDR_NONE);
    EXPECT(pmm_alloc(d.p, UINT64_MAX, 0) == HAL_PADDR_NONE);
    EXPECT(pmm_alloc(d.p, UINT64_MAX >> HAL_PAGE_SHIFT, 0) == HAL_PADDR_NONE);
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
    desk_claim(&d, HIGH + MIB - 2 * HAL_PAGE_SIZE, 2);
    desk_claim(&d, HIGH + 2 * MIB, 2);
    EXPECT(pmm_claim(d.p, HIGH + MIB - 2 * HAL_PAGE_SIZE, 2) == MM_BUSY);
    EXPECT(pmm_claim(d.p, HIGH + MIB - 2 * HAL_PAGE_SIZE, 3) == MM_RESERVED);
    EXPECT(pmm_claim(d.p, HIGH + 2 * MIB, 2) == MM_BUSY);
    EXPECT(pmm_claim(d.p, HIGH + 2 * MIB - HAL_PAGE_SIZE, 2) == MM_RESERVED);
    desk_end(&d);
}

static const struct mem_region small_map[] = {
    RAM(16 * MIB - 80 * KIB, 160 * KIB), BOOT(24 * MIB, 8 * KIB), RAM(HIGH - 40 * KIB, 120 * KIB)};

/* Requests that the model says cannot be met: none may change anything. */
static void refuse_all(struct model *m, struct pmm *p)
{
    static const uint32_t flags[] = {0, PMM_DMA, PMM_DMA32, PMM_KERNEL, PMM_DMA | PMM_KERNEL};
    for (size_t f = 0; f < ARRAY_LEN(flags); f++)
        for (uint64_t align = HAL_PAGE_SIZE; align <= 256 * KIB; align *= 4)
            for (size_t n = 1; n < 50; n += 1 + n / 3)
                if (!model_can_alloc(m, n, align, flags[f])) {
                    EXPECT(pmm_alloc_aligned(p, n, align, flags[f]) == HAL_PADDR_NONE);
                    model_count_failure(m, flags[f]);
                }
    EXPECT(model_compare(m, p) == NULL);
}

static void claim_all_refused(struct model *m, struct pmm *p)
{
    for (uint32_t i = 0; i < m->pages; i++)
        for (size_t n = 1; n < 12; n += 5) {
            mm_status_t s = pmm_claim(p, m->address[i], n);
            bool crosses =
                model_zone(m->address[i]) != model_zone(m->address[i] + (n - 1) * HAL_PAGE_SIZE);
            EXPECT((crosses && s == MM_INVALID) || model_claim_ok(m, m->address[i], n, s));
            if (s == MM_OK)
                EXPECT(pmm_free(p, m->address[i], n) == MM_OK);
            m->allocs[model_zone(m->address[i])] += s == MM_OK;
            m->frees[model_zone(m->address[i])] += s == MM_OK;
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
            for (hal_paddr_t got = 1; got != HAL_PADDR_NONE;) {
                uint32_t flags = (kernel ? PMM_KERNEL : 0) | (m.free[2] == 0 ? PMM_DMA32 : 0);
                refuse_all(&m, p);
                claim_all_refused(&m, p);
                got = pmm_alloc(p, n, flags);
                if (got != HAL_PADDR_NONE) {
                    EXPECT(model_accept(&m, got, n, HAL_PAGE_SIZE, flags) == NULL);
                    continue;
                }
                EXPECT(!model_can_alloc(&m, n, HAL_PAGE_SIZE, flags));
                model_count_failure(&m, flags);
            }
            free(tables);
            model_destroy(&m);
        }
}

/* Counts parked pages and remembers the first. */
struct parked {
    hal_paddr_t first;
    uint64_t pages;
};

static void find_parked(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run kind)
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
    hal_paddr_t page = pmm_alloc(p, 1, 0);
    EXPECT(pmm_free(p, page, 1) == MM_OK);
    pmm_walk(p, find_parked, &parked);
    if (EXPECT(parked.pages > 0)) {
        host_set_cpu(1);
        EXPECT(pmm_free(p, parked.first, 1) == MM_PARKED);
        EXPECT(pmm_claim(p, parked.first, 1) == MM_BUSY);
        EXPECT(pmm_alloc(p, 131072, 0) == HAL_PADDR_NONE); /* all but CPU 0's pages are free */
        pmm_drain(p);                                      /* drains this CPU, not the other */
        EXPECT(pmm_claim(p, parked.first, 1) == MM_BUSY);
        host_set_cpu(0);
        EXPECT(pmm_claim(p, parked.first, 1) == MM_OK);
        EXPECT(pmm_free(p, parked.first, 1) == MM_OK);
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
        hal_paddr_t page = pmm_alloc(p, 1, round % 3 == 0 ? PMM_KERNEL : 0);
        host_set_cpu(1 - round % 2);
        EXPECT(pmm_free(p, page, 1) == MM_OK);
        mm_status_t again = pmm_free(p, page, 1);
        EXPECT(again == MM_PARKED || again == MM_ALREADY_FREE);
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

int main(void)
{
    host_ram_create(HIGH + 256 * MIB);
    expect_run("a request for no pages gets none", nothing_asked_nothing_given);
    expect_run("no page begins inside a page", no_page_begins_inside_a_page);
    expect_run("every status has a text", status_texts);
    expect_run("more pages than addresses are no failure of a zone", more_than_addresses);
    expect_run("what touches withheld memory is busy, not reserved", beside_withheld_memory);
    expect_run("exhaustion at each step", exhaustion_at_each_step);
    expect_run("pages parked with another CPU are busy", parked_elsewhere);
    expect_run("pages freed on another CPU", freed_elsewhere);
    return expect_total();
}
