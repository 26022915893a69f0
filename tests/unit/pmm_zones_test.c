/* Which zone serves a request, the reserve for DMA, and blocks of their own for the kernel. */
#include "hal/short.h"
#include "tests/unit/pmm_rig.h"

TEST("pmm.alloc goes to the highest zone first")
{
    struct rig r;
    if (!RIG_MAKE(&r, all_zones))
        return;
    for (unsigned i = 0; i < 64; i++)
        CHECK_EQ(rig_zone(pmm_alloc(r.pmm, 256, 0)), PMM_ZONE_NORMAL);
    for (unsigned i = 0; i < 48; i++)
        CHECK_EQ(rig_zone(pmm_alloc(r.pmm, 256, 0)), PMM_ZONE_DMA32);
    for (unsigned i = 0; i < 11; i++) /* 3840 - 960 in reserve = 2880 = 11 times 256 and 64 */
        CHECK_EQ(rig_zone(pmm_alloc(r.pmm, 256, 0)), PMM_ZONE_DMA);
    CHECK_EQ(pmm_alloc(r.pmm, 256, 0), HAL_PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.PMM_DMA and PMM_DMA32 keep to their limits")
{
    struct rig r;
    if (!RIG_MAKE(&r, all_zones))
        return;
    for (size_t i = 0; i < 5; i++) {
        hal_paddr_t dma = pmm_alloc(r.pmm, lengths[i], PMM_DMA);
        hal_paddr_t dma32 = pmm_alloc(r.pmm, lengths[i], PMM_DMA32);
        CHECK(dma != HAL_PADDR_NONE && dma + lengths[i] * HAL_PAGE_SIZE <= PMM_DMA_LIMIT);
        CHECK(dma32 != HAL_PADDR_NONE && dma32 + lengths[i] * HAL_PAGE_SIZE <= PMM_DMA32_LIMIT);
        CHECK(dma32 >= PMM_DMA_LIMIT);
        CHECK(pmm_alloc(r.pmm, lengths[i], 0) >= PMM_DMA32_LIMIT);
    }
    CHECK_EQ(pmm_alloc(r.pmm, 3840, PMM_DMA), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 48 * 256 + 1, PMM_DMA32), HAL_PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.no run crosses a zone limit")
{
    struct rig r;
    const struct mem_region map[] = {USABLE(15 * MIB, 2 * MIB), USABLE(HIGH - MIB, 2 * MIB)};
    if (!RIG_MAKE(&r, map))
        return;
    CHECK_EQ(pmm_region_count(r.pmm), 4);
    CHECK_EQ(pmm_alloc(r.pmm, 257, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 257, PMM_DMA), HAL_PADDR_NONE);
    CHECK_EQ(pmm_claim(r.pmm, 16 * MIB, 256), MM_OK);
    CHECK_EQ(pmm_alloc(r.pmm, 256, PMM_DMA32), HIGH - MIB);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.ordinary requests leave a quarter of DMA")
{
    struct rig r;
    unsigned taken = 0;
    if (!RIG_MAKE(&r, dma_only))
        return;
    while (pmm_alloc(r.pmm, 1, 0) != HAL_PADDR_NONE)
        taken++;
    CHECK_EQ(taken, 3840 - 960);
    CHECK_EQ(pmm_alloc(r.pmm, 1, PMM_DMA32), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 1, PMM_KERNEL), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 64, 64 * KIB, 0), HAL_PADDR_NONE);
    taken = 0;
    while (pmm_alloc(r.pmm, 1, PMM_DMA) != HAL_PADDR_NONE)
        taken++;
    CHECK_EQ(taken, 960);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.a DMA request succeeds after ordinary ones have taken all they can")
{
    struct rig r;
    if (!RIG_MAKE(&r, all_zones))
        return;
    for (size_t n = 4096; n > 0; n /= 2)
        while (pmm_alloc(r.pmm, n, 0) != HAL_PADDR_NONE)
            ;
    CHECK_EQ(rig_free(&r), 960);
    hal_paddr_t got = pmm_alloc(r.pmm, 16, PMM_DMA);
    CHECK(got != HAL_PADDR_NONE && got < PMM_DMA_LIMIT);
    TEST_END;
}

TEST("pmm.the DMA reserve counts pages, not requests")
{
    struct rig r;
    if (!RIG_MAKE(&r, dma_only))
        return;
    CHECK_EQ(pmm_alloc(r.pmm, 2881, 0), HAL_PADDR_NONE);
    hal_paddr_t got = pmm_alloc(r.pmm, 2880, 0);
    CHECK(got != HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_free(r.pmm, got, 2880), MM_OK);
    CHECK(pmm_alloc(r.pmm, 3840, PMM_DMA) != HAL_PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.PMM_KERNEL pages are kept together in blocks of their own")
{
    struct rig r;
    uint8_t owner[128]; /* one entry a block of 2 MiB: 1 user, 2 kernel */
    if (!RIG_MAKE(&r, high256))
        return;
    for (size_t i = 0; i < ARRAY_LEN(owner); i++)
        owner[i] = 0;
    for (unsigned i = 0; i < 2000; i++) {
        hal_paddr_t user = pmm_alloc(r.pmm, 1, 0);
        hal_paddr_t kernel = pmm_alloc(r.pmm, 1, PMM_KERNEL);
        CHECK(user != HAL_PADDR_NONE && kernel != HAL_PADDR_NONE);
        owner[(user - HIGH) / (2 * MIB)] |= 1;
        owner[(kernel - HIGH) / (2 * MIB)] |= 2;
    }
    size_t mixed = 0;
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LEN(owner); i++) {
        mixed += owner[i] == 3;
        used += owner[i] != 0;
    }
    CHECK_EQ(mixed, 0);
    CHECK(used <= 8 + 2); /* 4000 pages fill 8 blocks; each kind may have one half used */
    rig_audit(t, &r);
    TEST_END;
}

/* Runs as well: no block holds both kinds, whatever their lengths. */
TEST("pmm.PMM_KERNEL runs are kept together in blocks of their own")
{
    struct rig r;
    uint8_t owner[128];
    size_t mixed = 0;
    if (!RIG_MAKE(&r, high256))
        return;
    for (size_t i = 0; i < ARRAY_LEN(owner); i++)
        owner[i] = 0;
    for (unsigned i = 0; i < 1200; i++) {
        size_t pages = 1 + i * 7 % 24;
        uint32_t flags = i % 2 ? PMM_KERNEL : 0;
        hal_paddr_t got = pmm_alloc(r.pmm, pages, flags);
        if (!CHECK(got != HAL_PADDR_NONE))
            return;
        for (size_t k = 0; k < pages; k++)
            owner[(got + k * HAL_PAGE_SIZE - HIGH) / (2 * MIB)] |= flags ? 2 : 1;
        if (i % 5 == 0) /* holes of the right length tempt the other kind */
            CHECK_EQ(pmm_free(r.pmm, got, pages), MM_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(owner); i++)
        mixed += owner[i] == 3;
    CHECK_EQ(mixed, 0);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.P6 the grouping never makes a request fail")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    for (unsigned i = 0; i < 16384; i++)
        if (!CHECK(pmm_alloc(r.pmm, 1, i % 2 ? PMM_KERNEL : 0) != HAL_PADDR_NONE))
            return;
    CHECK_EQ(pmm_alloc(r.pmm, 1, PMM_KERNEL), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), HAL_PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

TEST_SUITE(pmm_zones);
