/* Every misuse of pmm_free is told by its own status, and changes nothing. */
#include "tests/unit/pmm_rig.h"

TEST("pmm.free tells its misuses apart and changes nothing")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, patchwork))
        return;
    paddr_t run = 34 * MIB + 64 * KIB;
    CHECK_EQ(pmm_claim(r.pmm, run, 5), STATUS_OK);
    rig_snap(&r, &before);
    CHECK_EQ(pmm_free(r.pmm, 0, 1), STATUS_NOT_PAGE);
    CHECK_EQ(pmm_free(r.pmm, run + 8, 5), STATUS_NOT_PAGE);
    CHECK_EQ(pmm_free(r.pmm, run + 2048, 5), STATUS_NOT_PAGE);
    CHECK_EQ(pmm_free(r.pmm, 1 * GIB, 1), STATUS_FOREIGN);
    CHECK_EQ(pmm_free(r.pmm, 36 * MIB, 1), STATUS_FOREIGN);
    CHECK_EQ(pmm_free(r.pmm, 41 * MIB + PAGE_SIZE, 1), STATUS_FOREIGN);
    CHECK_EQ(pmm_free(r.pmm, ~PAGE_SIZE + 1, 1), STATUS_FOREIGN);
    CHECK_EQ(pmm_free(r.pmm, 33 * MIB, 1), STATUS_RESERVED);
    CHECK_EQ(pmm_free(r.pmm, 33 * MIB + 64 * KIB, 1), STATUS_RESERVED);
    CHECK_EQ(pmm_free(r.pmm, 40 * MIB, 16), STATUS_RESERVED);
    CHECK_EQ(pmm_free(r.pmm, 42 * MIB, 1), STATUS_RESERVED);
    CHECK_EQ(pmm_free(r.pmm, run - PAGE_SIZE, 1), STATUS_ALREADY_FREE);
    CHECK_EQ(pmm_free(r.pmm, run - PAGE_SIZE, 6), STATUS_ALREADY_FREE);
    CHECK_EQ(pmm_free(r.pmm, 32 * MIB, 256), STATUS_ALREADY_FREE);
    for (unsigned i = 1; i < 5; i++)
        CHECK_EQ(pmm_free(r.pmm, run + i * PAGE_SIZE, 5 - i), STATUS_INTERIOR);
    rig_same(t, &r, &before);
    CHECK_EQ(pmm_free(r.pmm, run, 5), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, run, 5), STATUS_ALREADY_FREE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.free of firmware memory is reserved")
{
    struct rig r;
    if (!RIG_MAKE(&r, patchwork))
        return;
    CHECK_EQ(pmm_free(r.pmm, 35 * MIB, 1), STATUS_RESERVED);
    CHECK_EQ(pmm_claim(r.pmm, 35 * MIB, 1), STATUS_RESERVED);
    TEST_END;
}

TEST("pmm.free refuses every wrong length")
{
    const size_t wrong[] = {0, 1, 2, 64, 66, 512, 1024, 16384, 1u << 20, SIZE_MAX};
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 65), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 65 * PAGE_SIZE, 1), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 4 * MIB, 700), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 4 * MIB + 700 * PAGE_SIZE, 324), STATUS_OK);
    rig_snap(&r, &before);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        CHECK_EQ(pmm_free(r.pmm, HIGH, wrong[i]), STATUS_WRONG_LENGTH);
        CHECK_EQ(pmm_free(r.pmm, HIGH + 4 * MIB, wrong[i]), STATUS_WRONG_LENGTH);
    }
    rig_same(t, &r, &before);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 65), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 4 * MIB, 700), STATUS_OK);
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
    CHECK_EQ(pmm_claim(r.pmm, 15 * MIB, 256), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, 16 * MIB, 256), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 512), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 2 * MIB, 512), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, 15 * MIB, 257), STATUS_WRONG_LENGTH);
    CHECK_EQ(pmm_free(r.pmm, 15 * MIB, 512), STATUS_WRONG_LENGTH);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 511), STATUS_WRONG_LENGTH);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 1024), STATUS_WRONG_LENGTH);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 2 * MIB, 513), STATUS_WRONG_LENGTH);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 2 * MIB, 512), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 512), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, 16 * MIB, 256), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, 15 * MIB, 256), STATUS_OK);
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
        paddr_t at = HIGH + 4 * MIB + starts[i] * PAGE_SIZE;
        CHECK_EQ(pmm_claim(r.pmm, at, 2), STATUS_OK);
        CHECK_EQ(pmm_free(r.pmm, at, 1), STATUS_WRONG_LENGTH);
        CHECK_EQ(pmm_free(r.pmm, at, 3), STATUS_WRONG_LENGTH);
        CHECK_EQ(pmm_free(r.pmm, at + PAGE_SIZE, 1), STATUS_INTERIOR);
        CHECK_EQ(pmm_free(r.pmm, at, 2), STATUS_OK);
        CHECK_EQ(pmm_claim(r.pmm, at, 1), STATUS_OK);
        CHECK_EQ(pmm_claim(r.pmm, at + PAGE_SIZE, 1), STATUS_OK);
        CHECK_EQ(pmm_free(r.pmm, at, 2), STATUS_WRONG_LENGTH);
        CHECK_EQ(pmm_free(r.pmm, at, 1), STATUS_OK);
        CHECK_EQ(pmm_free(r.pmm, at + PAGE_SIZE, 1), STATUS_OK);
        rig_audit(t, &r);
    }
    TEST_END;
}

TEST("pmm.free of a parked page is STATUS_PARKED")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, high256))
        return;
    paddr_t a = pmm_alloc(r.pmm, 1, 0);
    paddr_t b = pmm_alloc(r.pmm, 1, 0);
    CHECK(a != b);
    CHECK_EQ(pmm_free(r.pmm, a, 1), STATUS_OK);
    rig_snap(&r, &before);
    CHECK_EQ(pmm_free(r.pmm, a, 1), STATUS_PARKED);
    CHECK_EQ(pmm_free(r.pmm, a, 2), STATUS_PARKED);
    CHECK_EQ(pmm_free(r.pmm, b, 2), STATUS_WRONG_LENGTH);
    rig_same(t, &r, &before);
    pmm_drain(r.pmm);
    CHECK_EQ(pmm_free(r.pmm, a, 1), STATUS_ALREADY_FREE);
    CHECK_EQ(pmm_free(r.pmm, b, 1), STATUS_OK);
    rig_audit(t, &r);
    TEST_END;
}

TEST_SUITE(pmm_free);
