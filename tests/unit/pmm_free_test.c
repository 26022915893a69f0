/* Every misuse of pmm_free is told by its own status, and changes nothing. */
#include "hal/short.h"
#include "tests/unit/pmm_rig.h"

TEST("pmm.free tells its misuses apart and changes nothing")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, patchwork))
        return;
    hal_paddr_t run = 34 * MIB + 64 * KIB;
    CHECK_EQ(pmm_claim(r.pmm, run, 5), MM_OK);
    rig_snap(&r, &before);
    CHECK_EQ(pmm_free(r.pmm, 0, 1), MM_NOT_PAGE);
    CHECK_EQ(pmm_free(r.pmm, run + 8, 5), MM_NOT_PAGE);
    CHECK_EQ(pmm_free(r.pmm, run + 2048, 5), MM_NOT_PAGE);
    CHECK_EQ(pmm_free(r.pmm, 1 * GIB, 1), MM_FOREIGN);
    CHECK_EQ(pmm_free(r.pmm, 36 * MIB, 1), MM_FOREIGN);
    CHECK_EQ(pmm_free(r.pmm, 41 * MIB + HAL_PAGE_SIZE, 1), MM_FOREIGN);
    CHECK_EQ(pmm_free(r.pmm, ~HAL_PAGE_SIZE + 1, 1), MM_FOREIGN);
    CHECK_EQ(pmm_free(r.pmm, 33 * MIB, 1), MM_RESERVED);
    CHECK_EQ(pmm_free(r.pmm, 33 * MIB + 64 * KIB, 1), MM_RESERVED);
    CHECK_EQ(pmm_free(r.pmm, 40 * MIB, 16), MM_RESERVED);
    CHECK_EQ(pmm_free(r.pmm, 42 * MIB, 1), MM_RESERVED);
    CHECK_EQ(pmm_free(r.pmm, run - HAL_PAGE_SIZE, 1), MM_ALREADY_FREE);
    CHECK_EQ(pmm_free(r.pmm, run - HAL_PAGE_SIZE, 6), MM_ALREADY_FREE);
    CHECK_EQ(pmm_free(r.pmm, 32 * MIB, 256), MM_ALREADY_FREE);
    for (unsigned i = 1; i < 5; i++)
        CHECK_EQ(pmm_free(r.pmm, run + i * HAL_PAGE_SIZE, 5 - i), MM_INTERIOR);
    rig_same(t, &r, &before);
    CHECK_EQ(pmm_free(r.pmm, run, 5), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, run, 5), MM_ALREADY_FREE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.free of firmware memory is reserved")
{
    struct rig r;
    if (!RIG_MAKE(&r, patchwork))
        return;
    CHECK_EQ(pmm_free(r.pmm, 35 * MIB, 1), MM_RESERVED);
    CHECK_EQ(pmm_claim(r.pmm, 35 * MIB, 1), MM_RESERVED);
    TEST_END;
}

TEST("pmm.free refuses every wrong length")
{
    const size_t wrong[] = {0, 1, 2, 64, 66, 512, 1024, 16384, 1u << 20, SIZE_MAX};
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 65), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 65 * HAL_PAGE_SIZE, 1), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 4 * MIB, 700), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 4 * MIB + 700 * HAL_PAGE_SIZE, 324), MM_OK);
    rig_snap(&r, &before);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        CHECK_EQ(pmm_free(r.pmm, HIGH, wrong[i]), MM_WRONG_LENGTH);
        CHECK_EQ(pmm_free(r.pmm, HIGH + 4 * MIB, wrong[i]), MM_WRONG_LENGTH);
    }
    rig_same(t, &r, &before);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 65), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 4 * MIB, 700), MM_OK);
    rig_audit(t, &r);
    TEST_END;
}

/* A run that ends with its block, its region or its zone has a length too. */
TEST("pmm.free knows lengths at block, region and zone borders")
{
    struct rig r;
    const struct mem_region map[] = {USABLE(15 * MIB, 2 * MIB), USABLE(HIGH, 4 * MIB)};
    if (!RIG_MAKE(&r, map))
        return;
    CHECK_EQ(pmm_claim(r.pmm, 15 * MIB, 256), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, 16 * MIB, 256), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 512), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 2 * MIB, 512), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, 15 * MIB, 257), MM_WRONG_LENGTH);
    CHECK_EQ(pmm_free(r.pmm, 15 * MIB, 512), MM_WRONG_LENGTH);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 511), MM_WRONG_LENGTH);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 1024), MM_WRONG_LENGTH);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 2 * MIB, 513), MM_WRONG_LENGTH);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 2 * MIB, 512), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 512), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, 16 * MIB, 256), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, 15 * MIB, 256), MM_OK);
    rig_audit(t, &r);
    TEST_END;
}

/* The page behind a single one may lie in the next word of bits, or in the next block. */
TEST("pmm.free knows lengths at the borders of words and blocks")
{
    const unsigned starts[] = {0, 62, 63, 64, 127, 128, 447, 510, 511, 512, 1023};
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        hal_paddr_t at = HIGH + 4 * MIB + starts[i] * HAL_PAGE_SIZE;
        CHECK_EQ(pmm_claim(r.pmm, at, 2), MM_OK);
        CHECK_EQ(pmm_free(r.pmm, at, 1), MM_WRONG_LENGTH);
        CHECK_EQ(pmm_free(r.pmm, at, 3), MM_WRONG_LENGTH);
        CHECK_EQ(pmm_free(r.pmm, at + HAL_PAGE_SIZE, 1), MM_INTERIOR);
        CHECK_EQ(pmm_free(r.pmm, at, 2), MM_OK);
        CHECK_EQ(pmm_claim(r.pmm, at, 1), MM_OK);
        CHECK_EQ(pmm_claim(r.pmm, at + HAL_PAGE_SIZE, 1), MM_OK);
        CHECK_EQ(pmm_free(r.pmm, at, 2), MM_WRONG_LENGTH);
        CHECK_EQ(pmm_free(r.pmm, at, 1), MM_OK);
        CHECK_EQ(pmm_free(r.pmm, at + HAL_PAGE_SIZE, 1), MM_OK);
        rig_audit(t, &r);
    }
    TEST_END;
}

TEST("pmm.free of a parked page is MM_PARKED")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, high256))
        return;
    hal_paddr_t a = pmm_alloc(r.pmm, 1, 0);
    hal_paddr_t b = pmm_alloc(r.pmm, 1, 0);
    CHECK(a != b);
    CHECK_EQ(pmm_free(r.pmm, a, 1), MM_OK);
    rig_snap(&r, &before);
    CHECK_EQ(pmm_free(r.pmm, a, 1), MM_PARKED);
    CHECK_EQ(pmm_free(r.pmm, a, 2), MM_PARKED);
    CHECK_EQ(pmm_free(r.pmm, b, 2), MM_WRONG_LENGTH);
    rig_same(t, &r, &before);
    pmm_drain(r.pmm);
    CHECK_EQ(pmm_free(r.pmm, a, 1), MM_ALREADY_FREE);
    CHECK_EQ(pmm_free(r.pmm, b, 1), MM_OK);
    rig_audit(t, &r);
    TEST_END;
}

TEST_SUITE(pmm_free);
