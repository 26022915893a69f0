/* How long an allocated run is, and whoever is wrong about it is told why. */
#include "hal/short.h"
#include "tests/unit/pmm_rig.h"

static void expect_length(struct test_state *t, const struct rig *r, hal_paddr_t at, size_t pages)
{
    size_t told = 0;
    CHECK_EQ(pmm_length(r->pmm, at, &told), MM_OK);
    CHECK_EQ(told, pages);
}

/* A run may end, and the next one begin, at any border of words and blocks; the last one ends where its
 * region does. */
TEST("pmm.length of runs that end at borders of words and blocks")
{
    const size_t cuts[] = {1, 63, 64, 65, 511, 512, 513, 1024, 1300, 2048};
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        size_t rest = 64 * MIB / HAL_PAGE_SIZE - cuts[i];
        hal_paddr_t second = HIGH + cuts[i] * HAL_PAGE_SIZE;
        CHECK_EQ(pmm_claim(r.pmm, HIGH, cuts[i]), MM_OK);
        expect_length(t, &r, HIGH, cuts[i]); /* free pages behind it */
        CHECK_EQ(pmm_claim(r.pmm, second, rest), MM_OK);
        expect_length(t, &r, HIGH, cuts[i]); /* another run behind it */
        expect_length(t, &r, second, rest);
        CHECK_EQ(pmm_free(r.pmm, HIGH, cuts[i]), MM_OK);
        CHECK_EQ(pmm_free(r.pmm, second, rest), MM_OK);
    }
    rig_audit(t, &r);
    TEST_END;
}

/* What the tables were before says nothing: in zeroes each page of a block would be inside a run. */
TEST("pmm.length of a run before blocks that never were in use")
{
    struct rig r;
    rig_map(&r, high64, ARRAY_LEN(high64));
    r.bytes = pmm_tables_size(&r.map, 1);
    uint8_t *tables = test_memory(r.bytes);
    if (!CHECK(tables != NULL))
        return;
    for (size_t i = 0; i < r.bytes; i++)
        tables[i] = 0;
    CHECK_EQ(pmm_create_in(&r.map, 1, tables, r.bytes, &r.pmm), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 2 * HAL_PAGE_SIZE, 510), MM_OK);
    expect_length(t, &r, HIGH + 2 * HAL_PAGE_SIZE, 510);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 2 * HAL_PAGE_SIZE, 510), MM_OK);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.length of the last run of each region of a zone")
{
    const struct mem_region map[] = {USABLE(32 * MIB, 6 * MIB), USABLE(64 * MIB, 6 * MIB)};
    struct rig r;
    if (!RIG_MAKE(&r, map))
        return;
    for (size_t i = 0; i < ARRAY_LEN(map); i++) {
        hal_paddr_t run = map[i].base + 100 * HAL_PAGE_SIZE;
        CHECK_EQ(pmm_claim(r.pmm, run, 1536 - 100), MM_OK);
        expect_length(t, &r, run, 1536 - 100);
    }
    expect_length(t, &r, map[0].base + 100 * HAL_PAGE_SIZE, 1536 - 100);
    rig_audit(t, &r);
    TEST_END;
}

static void is_none(struct test_state *t, const struct rig *r, hal_paddr_t at, mm_status_t status)
{
    size_t told = 77;
    CHECK_EQ(pmm_length(r->pmm, at, &told), status);
    CHECK_EQ(told, 0);
}

TEST("pmm.length tells its misuses apart and changes nothing")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, patchwork))
        return;
    hal_paddr_t run = 34 * MIB + 64 * KIB;
    CHECK_EQ(pmm_claim(r.pmm, run, 5), MM_OK);
    rig_snap(&r, &before);
    is_none(t, &r, 0, MM_NOT_PAGE);
    is_none(t, &r, run + 8, MM_NOT_PAGE);
    is_none(t, &r, 1 * GIB, MM_FOREIGN);
    is_none(t, &r, 33 * MIB, MM_RESERVED);
    is_none(t, &r, 42 * MIB, MM_RESERVED);
    is_none(t, &r, run - HAL_PAGE_SIZE, MM_ALREADY_FREE);
    is_none(t, &r, run + HAL_PAGE_SIZE, MM_INTERIOR);
    is_none(t, &r, run + 4 * HAL_PAGE_SIZE, MM_INTERIOR);
    expect_length(t, &r, run, 5);
    rig_same(t, &r, &before);
    CHECK_EQ(pmm_split(r.pmm, run, 5, 2), MM_OK);
    expect_length(t, &r, run, 2);
    expect_length(t, &r, run + 2 * HAL_PAGE_SIZE, 3);
    CHECK_EQ(pmm_free(r.pmm, run, 2), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, run + 2 * HAL_PAGE_SIZE, 3), MM_OK);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.length of a page from a magazine is 1, of a parked or bad one nothing")
{
    struct rig r;
    if (!RIG_MAKE(&r, high256))
        return;
    hal_paddr_t page = pmm_alloc(r.pmm, 1, 0);
    expect_length(t, &r, page, 1);
    CHECK_EQ(pmm_free(r.pmm, page, 1), MM_OK);
    is_none(t, &r, page, MM_PARKED);
    pmm_drain(r.pmm);
    is_none(t, &r, page, MM_ALREADY_FREE);
    CHECK_EQ(pmm_retire(r.pmm, page, NULL), MM_OK);
    is_none(t, &r, page, MM_BAD);
    rig_audit(t, &r);
    TEST_END;
}

TEST_SUITE(pmm_length);
