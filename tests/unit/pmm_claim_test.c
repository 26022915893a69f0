/* What pmm_claim in mm/pmm.h says, one test a sentence. */
#include "hal/short.h"
#include "tests/unit/pmm_rig.h"

TEST("pmm.claim takes exactly these pages")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        hal_paddr_t at = HIGH + 2 * MIB - 64 * KIB;
        CHECK_EQ(pmm_claim(r.pmm, at, lengths[i]), MM_OK);
        CHECK_EQ(rig_free(&r), 16384 - lengths[i]);
        CHECK_EQ(pmm_free(r.pmm, at + HAL_PAGE_SIZE, 1),
                 lengths[i] == 1 ? MM_ALREADY_FREE : MM_INTERIOR);
        CHECK_EQ(pmm_free(r.pmm, at - HAL_PAGE_SIZE, 1), MM_ALREADY_FREE);
        rig_audit(t, &r);
        CHECK_EQ(pmm_free(r.pmm, at, lengths[i]), MM_OK);
        pmm_drain(r.pmm);
    }
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).allocs, ARRAY_LEN(lengths));
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).frees, ARRAY_LEN(lengths));
    TEST_END;
}

TEST("pmm.claim takes all or nothing")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 3 * MIB, 1), MM_OK);
    rig_snap(&r, &before);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 3 * MIB, 1), MM_BUSY);
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 2048), MM_BUSY);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 3 * MIB - HAL_PAGE_SIZE, 2), MM_BUSY);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 3 * MIB, 2), MM_BUSY);
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 16384), MM_BUSY);
    rig_same(t, &r, &before);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.claim tells its misuses apart")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, patchwork))
        return;
    rig_snap(&r, &before);
    CHECK_EQ(pmm_claim(r.pmm, 0, 1), MM_NOT_PAGE);
    CHECK_EQ(pmm_claim(r.pmm, 32 * MIB + 1, 1), MM_NOT_PAGE);
    CHECK_EQ(pmm_claim(r.pmm, 32 * MIB, 0), MM_INVALID);
    CHECK_EQ(pmm_claim(r.pmm, 31 * MIB, 1), MM_FOREIGN);
    CHECK_EQ(pmm_claim(r.pmm, 31 * MIB, 257), MM_FOREIGN);
    CHECK_EQ(pmm_claim(r.pmm, 41 * MIB, 2), MM_FOREIGN);
    CHECK_EQ(pmm_claim(r.pmm, 41 * MIB, SIZE_MAX), MM_FOREIGN);
    CHECK_EQ(pmm_claim(r.pmm, ~HAL_PAGE_SIZE + 1, 1), MM_FOREIGN);
    CHECK_EQ(pmm_claim(r.pmm, 33 * MIB, 1), MM_RESERVED);
    CHECK_EQ(pmm_claim(r.pmm, 32 * MIB, 257), MM_RESERVED);
    CHECK_EQ(pmm_claim(r.pmm, 33 * MIB + 64 * KIB, 1), MM_RESERVED);
    CHECK_EQ(pmm_claim(r.pmm, 40 * MIB, 1), MM_RESERVED);
    rig_same(t, &r, &before);
    TEST_END;
}

TEST("pmm.claim takes pages parked with this CPU")
{
    struct rig r;
    if (!RIG_MAKE(&r, high256))
        return;
    hal_paddr_t page = pmm_alloc(r.pmm, 1, 0);
    CHECK_EQ(pmm_free(r.pmm, page, 1), MM_OK);
    CHECK(rig_stats(&r, PMM_ZONE_NORMAL).parked > 0);
    CHECK_EQ(pmm_claim(r.pmm, page, 1), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, page, 1), MM_BUSY);
    CHECK_EQ(pmm_free(r.pmm, page, 1), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 65536), MM_OK);
    CHECK_EQ(rig_free(&r), 0);
    rig_audit(t, &r);
    TEST_END;
}

/* A claim across a zone limit would be two runs: no run crosses a zone limit. */
TEST("pmm.claim across a zone limit is MM_INVALID")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, all_zones))
        return;
    rig_snap(&r, &before);
    CHECK_EQ(pmm_claim(r.pmm, 16 * MIB - HAL_PAGE_SIZE, 2), MM_INVALID);
    CHECK_EQ(pmm_claim(r.pmm, 8 * MIB, 16 * 256), MM_INVALID);
    rig_same(t, &r, &before);
    CHECK_EQ(pmm_claim(r.pmm, 16 * MIB - HAL_PAGE_SIZE, 1), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, 16 * MIB, 1), MM_OK);
    TEST_END;
}

TEST_SUITE(pmm_claim);
