/* An allocated run becomes two, and whoever is wrong about it is told why. */
#include "hal/short.h"
#include "tests/unit/pmm_rig.h"

TEST("pmm.split makes two runs that are given back one by one")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 10), MM_OK);
    CHECK_EQ(pmm_split(r.pmm, HIGH, 10, 3), MM_OK);
    rig_audit(t, &r);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 10), MM_WRONG_LENGTH);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 3 * HAL_PAGE_SIZE, 7), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 3), MM_OK);
    rig_audit(t, &r);
    CHECK_EQ(rig_free(&r), 64 * MIB / HAL_PAGE_SIZE);
    TEST_END;
}

/* The cut may fall on the last page of a block, on its border and on the first page behind it. */
TEST("pmm.split cuts at the borders of words and blocks")
{
    const size_t cuts[] = {1, 63, 64, 65, 511, 512, 513, 1023, 1024, 1299};
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        CHECK_EQ(pmm_claim(r.pmm, HIGH, 1300), MM_OK);
        CHECK_EQ(pmm_split(r.pmm, HIGH, 1300, cuts[i]), MM_OK);
        CHECK_EQ(pmm_free(r.pmm, HIGH, cuts[i]), MM_OK);
        rig_audit(t, &r);
        CHECK_EQ(pmm_free(r.pmm, HIGH + cuts[i] * HAL_PAGE_SIZE, 1300 - cuts[i]), MM_OK);
        rig_audit(t, &r);
    }
    TEST_END;
}

TEST("pmm.split counts as a run taken, for one more is given back")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 4), MM_OK);
    CHECK_EQ(pmm_split(r.pmm, HIGH, 4, 2), MM_OK);
    CHECK_EQ(pmm_split(r.pmm, HIGH, 2, 1), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).allocs, 3);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 1), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, HIGH + HAL_PAGE_SIZE, 1), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 2 * HAL_PAGE_SIZE, 2), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).frees, 3);
    TEST_END;
}

TEST("pmm.split tells its misuses apart and changes nothing")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, patchwork))
        return;
    hal_paddr_t run = 34 * MIB + 64 * KIB;
    CHECK_EQ(pmm_claim(r.pmm, run, 5), MM_OK);
    rig_snap(&r, &before);
    CHECK_EQ(pmm_split(r.pmm, 0, 5, 1), MM_NOT_PAGE);
    CHECK_EQ(pmm_split(r.pmm, run + 8, 5, 1), MM_NOT_PAGE);
    CHECK_EQ(pmm_split(r.pmm, 1 * GIB, 5, 1), MM_FOREIGN);
    CHECK_EQ(pmm_split(r.pmm, 33 * MIB, 16, 1), MM_RESERVED);
    CHECK_EQ(pmm_split(r.pmm, 42 * MIB, 16, 1), MM_RESERVED);
    CHECK_EQ(pmm_split(r.pmm, run - HAL_PAGE_SIZE, 5, 1), MM_ALREADY_FREE);
    CHECK_EQ(pmm_split(r.pmm, run + HAL_PAGE_SIZE, 4, 1), MM_INTERIOR);
    CHECK_EQ(pmm_split(r.pmm, run, 4, 1), MM_WRONG_LENGTH);
    CHECK_EQ(pmm_split(r.pmm, run, 4, 9), MM_WRONG_LENGTH);
    CHECK_EQ(pmm_split(r.pmm, run, 5, 0), MM_INVALID);
    CHECK_EQ(pmm_split(r.pmm, run, 5, 5), MM_INVALID);
    CHECK_EQ(pmm_split(r.pmm, run, 5, SIZE_MAX), MM_INVALID);
    rig_same(t, &r, &before);
    CHECK_EQ(pmm_free(r.pmm, run, 5), MM_OK);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.split of a parked page is MM_PARKED, of a single page MM_INVALID")
{
    struct rig r;
    if (!RIG_MAKE(&r, high256))
        return;
    hal_paddr_t page = pmm_alloc(r.pmm, 1, 0);
    CHECK_EQ(pmm_split(r.pmm, page, 1, 1), MM_INVALID);
    CHECK_EQ(pmm_free(r.pmm, page, 1), MM_OK);
    CHECK_EQ(pmm_split(r.pmm, page, 1, 1), MM_PARKED);
    rig_audit(t, &r);
    TEST_END;
}

TEST_SUITE(pmm_split);
