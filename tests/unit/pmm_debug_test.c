/* The debug modes: the sentences of mm/pmm_debug.h, one test each. */
#include "hal/short.h"
#include "tests/unit/pmm_rig.h"

#include "hal/hal.h"

TEST("pmm.debug junk fills freed pages")
{
    if (!test_env_has_fake_ram())
        SKIP("needs fake RAM: it writes the pages that its map names");
    const struct mem_region map[] = {USABLE(512 * MIB, 8 * MIB)};
    const struct pmm_debug on = {.junk = true};
    struct rig r;
    if (!RIG_MAKE(&r, map))
        return;
    pmm_set_debug(r.pmm, &on);
    for (size_t n = 1; n < 700; n = n * 3 + 1) {
        hal_paddr_t got = pmm_alloc(r.pmm, n, 0);
        CHECK(got != HAL_PADDR_NONE);
        uint64_t *words = hal_phys_to_virt(got);
        for (size_t i = 0; i < n * 512; i++)
            words[i] = 0;
        CHECK_EQ(pmm_free(r.pmm, got, n), MM_OK);
        CHECK_EQ(rig_count_nonzero(got, n), n * 512);
        hal_paddr_t again = pmm_alloc(r.pmm, n, PMM_ZERO);
        CHECK_EQ(rig_count_nonzero(again, n), 0);
        CHECK_EQ(pmm_free(r.pmm, again, n), MM_OK);
    }
    pmm_set_debug(r.pmm, NULL);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.debug check_every is silent while all is well")
{
    const struct pmm_debug on = {.check_every = 1};
    struct rig r;
    if (!RIG_MAKE(&r, all_zones))
        return;
    pmm_set_debug(r.pmm, &on);
    for (size_t n = 2; n < 600; n += 50) { /* singles would be parked */
        hal_paddr_t got = pmm_alloc(r.pmm, n, 0);
        CHECK(got != HAL_PADDR_NONE);
        CHECK_EQ(pmm_free(r.pmm, got, n), MM_OK);
        CHECK_EQ(pmm_free(r.pmm, 24 * MIB, n), MM_ALREADY_FREE);
        CHECK_EQ(pmm_claim(r.pmm, 24 * MIB, n), MM_OK);
        CHECK_EQ(pmm_free(r.pmm, 24 * MIB, n), MM_OK);
    }
    rig_audit(t, &r);
    TEST_END;
}

static void check_op(struct test_state *t, const struct pmm_op *op, uint32_t kind, hal_paddr_t base,
                     uint64_t pages, mm_status_t status)
{
    CHECK_EQ(op->kind, kind);
    CHECK_EQ(op->base, base);
    CHECK_EQ(op->pages, pages);
    CHECK_EQ(op->status, status);
    CHECK(op->caller != NULL);
}

TEST("pmm.debug ring holds the last operations")
{
    struct pmm_op ring[4];
    const struct pmm_debug on = {.ring = ring, .ring_size = 4};
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    pmm_set_debug(r.pmm, &on);
    hal_paddr_t a = pmm_alloc(r.pmm, 7, PMM_KERNEL);
    CHECK_EQ(pmm_free(r.pmm, a, 7), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + MIB, 3), MM_OK);
    CHECK_EQ(pmm_alloc(r.pmm, 100000, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_debug_ring_count(r.pmm), 4);
    check_op(t, &ring[0], 0, a, 7, MM_OK);
    CHECK_EQ(ring[0].flags, PMM_KERNEL);
    check_op(t, &ring[1], 1, a, 7, MM_OK);
    check_op(t, &ring[2], 2, HIGH + MIB, 3, MM_OK);
    check_op(t, &ring[3], 0, HAL_PADDR_NONE, 100000, MM_NO_MEMORY);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 9), MM_ALREADY_FREE);
    check_op(t, &ring[0], 1, HIGH, 9, MM_ALREADY_FREE); /* operation 4 is entry 4 modulo 4 */
    CHECK_EQ(pmm_debug_ring_count(r.pmm), 5);
    pmm_set_debug(r.pmm, NULL);
    CHECK(pmm_alloc(r.pmm, 1, 0) != HAL_PADDR_NONE);
    check_op(t, &ring[1], 1, a, 7, MM_OK); /* off: nothing more is written */
    TEST_END;
}

TEST("pmm.debug ring tells a split, and one that is refused")
{
    struct pmm_op ring[4];
    const struct pmm_debug on = {.ring = ring, .ring_size = 4};
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    pmm_set_debug(r.pmm, &on);
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 4), MM_OK);
    CHECK_EQ(pmm_split(r.pmm, HIGH, 4, 1), MM_OK);
    CHECK_EQ(pmm_split(r.pmm, HIGH, 4, 1), MM_WRONG_LENGTH);
    check_op(t, &ring[1], 3, HIGH, 4, MM_OK);
    check_op(t, &ring[2], 3, HIGH, 4, MM_WRONG_LENGTH);
    CHECK_EQ(pmm_debug_ring_count(r.pmm), 3);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 8, 1),
             MM_NOT_PAGE); /* what is no page's address is not recorded */
    CHECK_EQ(pmm_free(r.pmm, HAL_PADDR_NONE, 1), MM_NOT_PAGE);
    CHECK_EQ(pmm_debug_ring_count(r.pmm), 3);
    TEST_END;
}

TEST("pmm.debug ring names the callers")
{
    struct pmm_op ring[8];
    const struct pmm_debug on = {.ring = ring, .ring_size = 8};
    struct rig r;
    if (!RIG_MAKE(&r, high256))
        return;
    pmm_set_debug(r.pmm, &on);
    volatile unsigned times = 2; /* not known to the compiler, which would make two places of it */
    for (unsigned i = 0; i < times; i++)
        CHECK(pmm_alloc(r.pmm, 1, 0) != HAL_PADDR_NONE); /* one place in the code, called twice */
    /* Another function, so that no compiler can make one call of the two places. */
    CHECK(pmm_alloc_aligned(r.pmm, 1, HAL_PAGE_SIZE, 0) != HAL_PADDR_NONE);
    CHECK(ring[0].caller == ring[1].caller);
    CHECK(ring[0].caller != ring[2].caller);
    TEST_END;
}

/* A call of each kind. The result: where it was called from. */
static __attribute__((noinline)) const void *call_each(struct test_state *t, const struct rig *r)
{
    CHECK(pmm_alloc(r->pmm, 1, 0) != HAL_PADDR_NONE);
    CHECK_EQ(pmm_claim(r->pmm, HIGH + 32 * MIB, 4), MM_OK);
    CHECK_EQ(pmm_split(r->pmm, HIGH + 32 * MIB, 4, 1), MM_OK);
    CHECK_EQ(pmm_free(r->pmm, HIGH + 32 * MIB, 1), MM_OK);
    return __builtin_return_address(0);
}

/* A caller lies in the function that makes the call, which is not long. */
TEST("pmm.debug ring has the place of the call, not of what called that")
{
    struct pmm_op ring[4];
    const struct pmm_debug on = {.ring = ring, .ring_size = ARRAY_LEN(ring)};
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    pmm_set_debug(r.pmm, &on);
    const void *outside = call_each(t, &r);
    for (unsigned i = 0; i < ARRAY_LEN(ring); i++) {
        CHECK((uintptr_t)ring[i].caller - (uintptr_t)call_each < 16 * KIB);
        CHECK(ring[i].caller != outside);
    }
    TEST_END;
}

TEST_SUITE(pmm_debug);
