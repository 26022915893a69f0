/* Bad pages are kept from use, and everything around them is not. */
#include "hal/short.h"
#include "tests/unit/pmm_rig.h"

#define BLOCK (2 * MIB)

TEST("pmm.retire of a free page keeps it from use at once")
{
    struct rig r;
    struct pmm_retiring later = {.waits = false};
    if (!RIG_MAKE(&r, high64))
        return;
    hal_paddr_t bad = HIGH + 7 * HAL_PAGE_SIZE;
    CHECK_EQ(pmm_retire(r.pmm, bad, &later), MM_OK);
    CHECK(!pmm_retires_later(&later));
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).bad, 1);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).total, 64 * MIB / HAL_PAGE_SIZE - 1);
    rig_audit(t, &r);
    for (uint64_t i = 0; i < 64 * MIB / HAL_PAGE_SIZE - 1; i++) {
        hal_paddr_t page = pmm_alloc(r.pmm, 1, 0);
        CHECK(page != HAL_PADDR_NONE && page != bad);
    }
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), HAL_PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.retire of a page in use waits until it is given back")
{
    struct rig r;
    struct pmm_retiring first = {.waits = false}, last = {.waits = false};
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 1024), MM_OK);
    CHECK_EQ(pmm_retire(r.pmm, HIGH, &first), MM_OK);
    CHECK_EQ(pmm_retire(r.pmm, HIGH + 1023 * HAL_PAGE_SIZE, &last), MM_OK);
    CHECK(pmm_retires_later(&first) && pmm_retires_later(&last));
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).retiring, 2);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).bad, 0);
    rig_audit(t, &r);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 1023), MM_WRONG_LENGTH);
    CHECK_EQ(pmm_split(r.pmm, HIGH, 1024, 1), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, HIGH + HAL_PAGE_SIZE, 1023), MM_OK);
    CHECK(pmm_retires_later(&first) && !pmm_retires_later(&last));
    rig_audit(t, &r);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 1), MM_OK);
    CHECK(!pmm_retires_later(&first));
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).retiring, 0);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).bad, 2);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + HAL_PAGE_SIZE, 1022), MM_OK);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.retire of a parked page, and of one in a block that this CPU owns")
{
    struct rig r;
    struct pmm_retiring later = {.waits = false};
    if (!RIG_MAKE(&r, high256))
        return;
    hal_paddr_t used = pmm_alloc(r.pmm, 1, 0);
    hal_paddr_t parked = pmm_alloc(r.pmm, 1, 0);
    CHECK_EQ(pmm_free(r.pmm, parked, 1), MM_OK);
    CHECK_EQ(pmm_retire(r.pmm, parked, NULL), MM_OK);
    CHECK_EQ(pmm_retire(r.pmm, used, NULL), MM_BUSY);
    CHECK_EQ(pmm_retire(r.pmm, used, &later), MM_OK);
    rig_audit(t, &r);
    for (unsigned i = 0; i < 600; i++)
        CHECK(pmm_alloc(r.pmm, 1, 0) != parked);
    CHECK_EQ(pmm_free(r.pmm, used, 1), MM_OK);
    CHECK(!pmm_retires_later(&later));
    CHECK_EQ(pmm_claim(r.pmm, used, 1), MM_BAD);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).bad, 2);
    rig_audit(t, &r);
    TEST_END;
}

/* A CPU that came to own the block while the page is in use would park it without asking. */
TEST("pmm.retire keeps a block with a page that waits from every CPU")
{
    struct rig r;
    struct pmm_retiring later = {.waits = false};
    if (!RIG_MAKE(&r, high256))
        return;
    for (unsigned i = 0; i < 512; i++)
        CHECK_EQ(pmm_claim(r.pmm, HIGH + i * HAL_PAGE_SIZE, 1), MM_OK);
    CHECK_EQ(pmm_retire(r.pmm, HIGH + 100 * HAL_PAGE_SIZE, &later), MM_OK);
    for (unsigned i = 0; i < 512; i++)
        CHECK_EQ(pmm_free(r.pmm, HIGH + i * HAL_PAGE_SIZE, 1), MM_OK);
    CHECK(!pmm_retires_later(&later));
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).bad, 1);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.retire leaves all other blocks to CPUs while a page waits")
{
    struct rig r;
    struct pmm_retiring later = {.waits = false};
    if (!RIG_MAKE(&r, high256))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 1), MM_OK);
    CHECK_EQ(pmm_retire(r.pmm, HIGH, &later), MM_OK);
    hal_paddr_t page = pmm_alloc(r.pmm, 1, 0);
    CHECK(page >= HIGH + BLOCK && page != HAL_PADDR_NONE);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).parked, 511);
    CHECK_EQ(pmm_free(r.pmm, page, 1), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 1), MM_OK);
    CHECK(!pmm_retires_later(&later));
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.retire leaves the rest of the block and its neighbours whole")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(pmm_retire(r.pmm, HIGH + BLOCK + 100 * HAL_PAGE_SIZE, NULL), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).free_blocks, 31);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).runs, 2);
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 512 + 100), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + BLOCK + 101 * HAL_PAGE_SIZE, 411 + 512), MM_OK);
    rig_audit(t, &r);
    CHECK_EQ(pmm_free(r.pmm, HIGH + BLOCK + 101 * HAL_PAGE_SIZE, 411 + 512), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 512 + 100), MM_OK);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.retire of firmware memory waits for its reclaim")
{
    struct rig r;
    struct pmm_retiring later = {.waits = false};
    if (!RIG_MAKE(&r, patchwork))
        return;
    hal_paddr_t bad = 42 * MIB + 5 * HAL_PAGE_SIZE;
    CHECK_EQ(pmm_retire(r.pmm, bad, NULL), MM_BUSY);
    CHECK_EQ(pmm_retire(r.pmm, bad, &later), MM_OK);
    rig_audit(t, &r);
    CHECK_EQ(pmm_reclaim(r.pmm, &patchwork[7]), MM_OK);
    CHECK(!pmm_retires_later(&later));
    CHECK_EQ(pmm_claim(r.pmm, bad, 1), MM_BAD);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).bad, 1);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.retire tells its misuses apart and changes nothing")
{
    struct rig r;
    struct rig_snap before;
    struct pmm_retiring later = {.waits = false};
    if (!RIG_MAKE(&r, patchwork))
        return;
    hal_paddr_t bad = 34 * MIB;
    CHECK_EQ(pmm_retire(r.pmm, bad, NULL), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, 34 * MIB + 8 * KIB, 2), MM_OK);
    CHECK_EQ(pmm_retire(r.pmm, 34 * MIB + 8 * KIB, &later), MM_OK);
    rig_snap(&r, &before);
    CHECK_EQ(pmm_retire(r.pmm, 0, NULL), MM_NOT_PAGE);
    CHECK_EQ(pmm_retire(r.pmm, bad + 8, NULL), MM_NOT_PAGE);
    CHECK_EQ(pmm_retire(r.pmm, 1 * GIB, NULL), MM_FOREIGN);
    CHECK_EQ(pmm_retire(r.pmm, 33 * MIB, NULL), MM_RESERVED);
    CHECK_EQ(pmm_retire(r.pmm, 35 * MIB, NULL), MM_RESERVED);
    CHECK_EQ(pmm_retire(r.pmm, bad, NULL), MM_BAD);
    CHECK_EQ(pmm_retire(r.pmm, 34 * MIB + 8 * KIB, NULL), MM_BAD);
    CHECK_EQ(pmm_retire(r.pmm, 34 * MIB + 12 * KIB, NULL), MM_BUSY);
    CHECK_EQ(pmm_retire(r.pmm, 34 * MIB + 12 * KIB, &later), MM_INVALID);
    CHECK_EQ(pmm_free(r.pmm, bad, 1), MM_BAD);
    CHECK_EQ(pmm_claim(r.pmm, bad, 1), MM_BAD);
    CHECK_EQ(pmm_split(r.pmm, bad, 2, 1), MM_BAD);
    rig_same(t, &r, &before);
    CHECK_EQ(pmm_free(r.pmm, 34 * MIB + 8 * KIB, 2), MM_OK);
    rig_audit(t, &r);
    TEST_END;
}

/* Whole blocks, a block's ends, a page on either side of a zone's limit, and a block with nothing else in
 * it at the end of a region. */
TEST("pmm.create knows the bad pages of its map")
{
    const struct mem_region map[] = {
        USABLE(15 * MIB, 1 * MIB - 4 * KIB),
        {.base = 16 * MIB - 4 * KIB, .size = 8 * KIB, .type = MEM_BAD},
        USABLE(16 * MIB + 4 * KIB, 2 * MIB - 4 * KIB),
        {.base = 18 * MIB, .size = 4 * MIB + 4 * KIB, .type = MEM_BAD},
        {.base = 22 * MIB + 4 * KIB, .size = 3 * MIB, .type = MEM_BOOT},
        {.base = 25 * MIB + 4 * KIB, .size = 4 * KIB, .type = MEM_BAD},
        {.base = 25 * MIB + 8 * KIB, .size = 3 * MIB, .type = MEM_BOOT},
        USABLE(32 * MIB, 2 * MIB),
        {.base = 34 * MIB, .size = 2 * MIB + 8 * KIB, .type = MEM_BAD},
    };
    struct rig r;
    if (!RIG_MAKE(&r, map))
        return;
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).bad, 1);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).bad, 1 + 1025 + 1 + 514);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).total, 511 + 512);
    rig_audit(t, &r);
    CHECK_EQ(pmm_retire(r.pmm, 18 * MIB, NULL), MM_BAD);
    CHECK_EQ(pmm_retire(r.pmm, 36 * MIB + 4 * KIB, NULL), MM_BAD);
    CHECK_EQ(pmm_free(r.pmm, 22 * MIB + 4 * KIB, 1), MM_RESERVED);
    CHECK_EQ(pmm_reclaim(r.pmm, &map[4]), MM_OK);
    rig_audit(t, &r);
    CHECK_EQ(pmm_reclaim(r.pmm, &map[6]), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).total, 511 + 512 + 2 * 768);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).bad, 1 + 1025 + 1 + 514);
    rig_audit(t, &r);
    TEST_END;
}

TEST_SUITE(pmm_retire);
