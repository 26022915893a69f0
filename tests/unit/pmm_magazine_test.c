/* Single pages out of the blocks that a CPU owns. */
#include "tests/unit/pmm_rig.h"

TEST("pmm.singles take every page once and give all back")
{
    struct rig r;
    const size_t pages = 65536;
    if (!RIG_MAKE(&r, high256))
        return;
    uint8_t *seen = test_memory(pages);
    if (!CHECK(seen != NULL))
        return;
    for (size_t i = 0; i < pages; i++)
        seen[i] = 0;
    for (size_t i = 0; i < pages; i++) {
        hal_paddr_t got = pmm_alloc(r.pmm, 1, 0);
        size_t page = (got - HIGH) / HAL_PAGE_SIZE;
        if (!CHECK(got >= HIGH && page < pages && seen[page] == 0))
            return;
        seen[page] = 1;
    }
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), HAL_PADDR_NONE);
    CHECK_EQ(rig_free(&r), 0);
    for (size_t i = 0; i < pages; i++) /* 40503 is odd: every page once, scattered */
        if (!CHECK_EQ(pmm_free(r.pmm, HIGH + (i * 40503 % pages) * HAL_PAGE_SIZE, 1), MM_OK))
            return;
    CHECK_EQ(rig_free(&r), pages);
    rig_audit(t, &r);
    CHECK_EQ(pmm_alloc(r.pmm, pages, 0), HIGH); /* what this CPU parked is drained first */
    TEST_END;
}

TEST("pmm.singles fill one block before the next is opened")
{
    struct rig r;
    if (!RIG_MAKE(&r, high256))
        return;
    for (unsigned i = 0; i < 512; i++)
        CHECK(pmm_alloc(r.pmm, 1, 0) != HAL_PADDR_NONE);
    pmm_drain(r.pmm);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).free_blocks, 127);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.drain puts the parked pages back")
{
    struct rig r;
    if (!RIG_MAKE(&r, high256))
        return;
    CHECK_EQ(pmm_free(r.pmm, pmm_alloc(r.pmm, 1, 0), 1), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, pmm_alloc(r.pmm, 1, PMM_KERNEL), 1), MM_OK);
    CHECK(rig_stats(&r, PMM_ZONE_NORMAL).parked > 0);
    rig_audit(t, &r);
    pmm_drain(r.pmm);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).parked, 0);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).free, 65536);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).free_blocks, 128);
    rig_audit(t, &r);
    pmm_drain(r.pmm);
    CHECK_EQ(rig_free(&r), 65536);
    TEST_END;
}

/* Calls that a magazine serves are counted like the others. */
TEST("pmm.stats count what a magazine serves")
{
    struct rig r;
    if (!RIG_MAKE(&r, high256))
        return;
    for (unsigned i = 0; i < 1000; i++)
        CHECK_EQ(pmm_free(r.pmm, pmm_alloc(r.pmm, 1, i % 3 ? 0 : PMM_KERNEL), 1), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).allocs, 1000);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).frees, 1000);
    pmm_drain(r.pmm);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).allocs, 1000);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).frees, 1000);
    TEST_END;
}

TEST_SUITE(pmm_magazine);
