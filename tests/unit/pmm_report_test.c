/* Statistics and the walk: the sentences of mm/pmm_report.h, one test each. */
#include "hal/short.h"
#include "tests/unit/pmm_rig.h"

#define LIVE 200

struct churn {
    hal_paddr_t base[LIVE];
    uint32_t pages[LIVE];
    uint32_t seed;
};

static uint32_t churn_next(struct churn *c)
{
    c->seed = c->seed * 1664525u + 1013904223u;
    return c->seed >> 8;
}

static void churn_step(struct test_state *t, const struct rig *r, struct churn *c)
{
    uint32_t i = churn_next(c) % LIVE;
    if (c->base[i] != HAL_PADDR_NONE) {
        CHECK_EQ(pmm_free(r->pmm, c->base[i], c->pages[i]), MM_OK);
        c->base[i] = HAL_PADDR_NONE;
        return;
    }
    uint32_t kind = churn_next(c) % 16;
    c->pages[i] = kind < 10 ? 1 : kind < 15 ? 1 + churn_next(c) % 90 : 400 + churn_next(c) % 800;
    c->base[i] = pmm_alloc(r->pmm, c->pages[i], churn_next(c) % 16 & ~PMM_ZERO);
}

TEST("pmm.stats equal an independent recount")
{
    struct rig r;
    struct churn *c = test_memory(sizeof *c);
    if (!CHECK(c != NULL) || !RIG_MAKE(&r, all_zones))
        return;
    for (unsigned i = 0; i < LIVE; i++)
        c->base[i] = HAL_PADDR_NONE;
    c->seed = 1;
    for (unsigned i = 0; i < 3000; i++) {
        churn_step(t, &r, c);
        if (i % 10 == 0)
            rig_audit(t, &r);
    }
    for (unsigned i = 0; i < LIVE; i++)
        if (c->base[i] != HAL_PADDR_NONE)
            CHECK_EQ(pmm_free(r.pmm, c->base[i], c->pages[i]), MM_OK);
    pmm_drain(r.pmm);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).largest_run, 3840);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).largest_run, 48 * 256);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).largest_run, 64 * 256);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.stats count allocs and frees in the zone they touch")
{
    struct rig r;
    if (!RIG_MAKE(&r, all_zones))
        return;
    hal_paddr_t dma = pmm_alloc(r.pmm, 1, PMM_DMA);
    hal_paddr_t low = pmm_alloc(r.pmm, 9, PMM_DMA32);
    hal_paddr_t high = pmm_alloc(r.pmm, 600, 0);
    CHECK_EQ(pmm_free(r.pmm, high, 600), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, low, 8), MM_WRONG_LENGTH);
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        CHECK_EQ(rig_stats(&r, (enum pmm_zone)z).allocs, 1);
        CHECK_EQ(rig_stats(&r, (enum pmm_zone)z).frees, z == PMM_ZONE_NORMAL);
    }
    CHECK_EQ(pmm_free(r.pmm, low, 9), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, dma, 1), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).frees, 1);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).frees, 1);
    TEST_END;
}

TEST("pmm.stats count a failure in the zone tried first")
{
    struct rig r;
    if (!RIG_MAKE(&r, all_zones))
        return;
    CHECK_EQ(pmm_alloc(r.pmm, 20000, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 20000, PMM_KERNEL), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 20000, PMM_DMA32), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 3841, PMM_DMA), HAL_PADDR_NONE);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).failures, 2);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).failures, 1);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).failures, 1);
    CHECK(pmm_alloc(r.pmm, 3840, PMM_DMA) != HAL_PADDR_NONE);
    CHECK_EQ(rig_failures(&r), 4);
    TEST_END;
}

TEST("pmm.stats low_water is the least free ever")
{
    struct rig r;
    if (!RIG_MAKE(&r, dma_only))
        return;
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).low_water, 3840);
    hal_paddr_t a = pmm_alloc(r.pmm, 1000, PMM_DMA);
    hal_paddr_t b = pmm_alloc(r.pmm, 500, PMM_DMA);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).low_water, 2340);
    CHECK_EQ(pmm_free(r.pmm, a, 1000), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, b, 500), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).low_water, 2340);
    CHECK_EQ(pmm_claim(r.pmm, 2 * MIB, 2000), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).low_water, 1840);
    CHECK_EQ(pmm_alloc(r.pmm, 3000, PMM_DMA), HAL_PADDR_NONE);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).low_water, 1840);
    TEST_END;
}

TEST("pmm.stats fragmentation is 0 to 1000")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).fragmentation, 0);
    for (unsigned b = 0; b < 8; b++)
        CHECK_EQ(pmm_claim(r.pmm, HIGH + b * 2 * MIB, 256), MM_OK);
    /* 32 blocks, 8 of them half used: 24 * 512 of 14336 free pages are in whole blocks, 857. */
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).fragmentation, 143);
    for (unsigned b = 8; b < 32; b++)
        CHECK_EQ(pmm_claim(r.pmm, HIGH + b * 2 * MIB, 511), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).fragmentation, 1000);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).fragmentation, 0);
    TEST_END;
}

TEST("pmm.walk visits every page once, in address order, in maximal runs")
{
    struct rig r;
    struct rig_count c;
    if (!RIG_MAKE(&r, patchwork))
        return;
    CHECK_EQ(pmm_claim(r.pmm, 32 * MIB + 32 * KIB, 3), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, 32 * MIB + 44 * KIB, 4), MM_OK); /* touches the one before */
    rig_recount(&r, &c);
    CHECK_EQ(c.pages, 513 + 240 + 256);
    CHECK_EQ(c.withheld, 240 + 256);
    CHECK_EQ(c.allocated[PMM_ZONE_DMA32], 7);
    CHECK_EQ(c.zone[PMM_ZONE_DMA32].free, 506);
    CHECK_EQ(c.zone[PMM_ZONE_DMA32].runs, 4);
    CHECK(!c.disordered && !c.split);
    CHECK_EQ(c.end, 43 * MIB);
    rig_audit(t, &r);
    TEST_END;
}

TEST_SUITE(pmm_report);
