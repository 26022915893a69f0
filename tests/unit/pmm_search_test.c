/* P6: a request fails only if no run fits. Runs that are hard to find: over the borders of blocks,
 * aligned by luck, in extents of all lengths. */
#include "hal/short.h"
#include "tests/unit/pmm_rig.h"

/* One aligned hole left among many that are long enough but not aligned. */
TEST("pmm.P6 the only aligned place among many is found")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 16384), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 16384), MM_OK);
    for (unsigned b = 0; b < 32; b++) { /* in each block only pages 1..14 and 17..30 stay free */
        hal_paddr_t block = HIGH + b * 2 * MIB;
        CHECK_EQ(pmm_claim(r.pmm, block, 1), MM_OK);
        CHECK_EQ(pmm_claim(r.pmm, block + 15 * HAL_PAGE_SIZE, 2), MM_OK);
        CHECK_EQ(pmm_claim(r.pmm, block + 31 * HAL_PAGE_SIZE, 481), MM_OK);
    }
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 14, 64 * KIB, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 20 * 2 * MIB + 15 * HAL_PAGE_SIZE, 2), MM_OK);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 14, 64 * KIB, 0), HIGH + 20 * 2 * MIB + 64 * KIB);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 14, 64 * KIB, 0), HAL_PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.P6 a run that straddles two blocks is found")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 502), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 522 * HAL_PAGE_SIZE, 16384 - 522), MM_OK);
    CHECK_EQ(pmm_alloc(r.pmm, 21, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 20, 0), HIGH + 502 * HAL_PAGE_SIZE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.P6 a run that straddles whole blocks is found")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 502), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 1546 * HAL_PAGE_SIZE, 16384 - 1546), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).largest_run, 1044);
    CHECK_EQ(pmm_alloc(r.pmm, 1045, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 1044, 0), HIGH + 502 * HAL_PAGE_SIZE);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 502 * HAL_PAGE_SIZE, 1044), MM_OK);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 1034, 2 * MIB, 0), HIGH + 512 * HAL_PAGE_SIZE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.P6 a region shorter than a block may straddle")
{
    struct rig r;
    const struct mem_region map[] = {USABLE(HIGH + 2 * MIB - 48 * KIB, 112 * KIB)};
    if (!RIG_MAKE(&r, map))
        return;
    CHECK_EQ(pmm_alloc(r.pmm, 29, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 28, 0), HIGH + 2 * MIB - 48 * KIB);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 2 * MIB - 48 * KIB, 28), MM_OK);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 16, 64 * KIB, 0), HIGH + 2 * MIB);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.P6 islands of one page are all used")
{
    struct rig r;
    struct mem_region map[12];
    for (unsigned i = 0; i < 12; i++)
        map[i] = (struct mem_region)USABLE(32 * MIB + i * 8 * KIB, 4 * KIB);
    if (!rig_make(t, &r, map, 12))
        return;
    CHECK_EQ(pmm_alloc(r.pmm, 2, 0), HAL_PADDR_NONE);
    for (unsigned i = 0; i < 12; i++)
        CHECK(pmm_alloc(r.pmm, 1, 0) != HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), HAL_PADDR_NONE);
    for (unsigned i = 0; i < 12; i++)
        CHECK_EQ(pmm_free(r.pmm, 32 * MIB + i * 8 * KIB, 1), MM_OK);
    CHECK_EQ(rig_free(&r), 12);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.P6 pages parked on this CPU are drained before failing")
{
    struct rig r;
    if (!RIG_MAKE(&r, high256))
        return;
    hal_paddr_t page = pmm_alloc(r.pmm, 1, 0);
    CHECK_EQ(pmm_free(r.pmm, page, 1), MM_OK);
    CHECK(rig_stats(&r, PMM_ZONE_NORMAL).parked > 0);
    for (unsigned i = 0; i < 128; i++)
        CHECK(pmm_alloc_aligned(r.pmm, 512, 2 * MIB, 0) != HAL_PADDR_NONE);
    CHECK_EQ(rig_free(&r), 0);
    CHECK_EQ(rig_failures(&r), 0);
    rig_audit(t, &r);
    TEST_END;
}

#define MANY 256

struct many {
    hal_paddr_t base[MANY];
    size_t pages[MANY];
};

/* Claim runs of 1 to 1500 pages all over the 8 GiB of the first region, close to the borders of 64
 * and of 512 blocks. */
static unsigned claim_scattered(struct test_state *t, const struct rig *r, struct many *m)
{
    static const unsigned blocks[] = {0,   1,   62,  63,  64,  65,   126,
                                      128, 510, 511, 512, 513, 1023, 1024};
    unsigned taken = 0;
    for (unsigned i = 0; i < MANY; i++) {
        unsigned block = blocks[i % 14] + i / 14 * 151 % 3000;
        hal_paddr_t at = r->regions[0].base + block * 2 * MIB + i * 7 % 512 * HAL_PAGE_SIZE;
        size_t pages = i % 3 == 0 ? 1 : 1 + i * 37 % 1500;
        mm_status_t s = pmm_claim(r->pmm, at, pages);
        CHECK(s == MM_OK || s == MM_BUSY);
        if (s == MM_OK) {
            m->base[taken] = at;
            m->pages[taken++] = pages;
        }
        if (i % 16 == 0)
            rig_audit(t, r);
    }
    return taken;
}

TEST("pmm.extents of thousands of blocks split and merge")
{
    const struct mem_region map[] = {USABLE(HIGH, 8 * GIB)};
    struct rig r;
    struct many *m = test_memory(sizeof *m);
    if (!CHECK(m != NULL) || !RIG_MAKE(&r, map))
        return;
    unsigned taken = claim_scattered(t, &r, m);
    CHECK(taken > MANY / 2);
    for (unsigned i = 0; i < taken; i++) { /* not in the order taken */
        unsigned k = taken % 101 == 0 ? i : i * 101 % taken;
        CHECK_EQ(pmm_free(r.pmm, m->base[k], m->pages[k]), MM_OK);
        if (i % 16 == 0)
            rig_audit(t, &r);
    }
    pmm_drain(r.pmm);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).largest_run, 8 * GIB / HAL_PAGE_SIZE);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).free_blocks, 4096);
    rig_audit(t, &r);
    TEST_END;
}

/* Extents of many lengths: each aligned request finds its place, each free gives it back. */
TEST("pmm.P6 aligned runs are found among extents of all lengths")
{
    const struct mem_region map[] = {USABLE(HIGH + 6 * MIB, 8 * GIB)};
    struct rig r;
    struct many *m = test_memory(sizeof *m);
    if (!CHECK(m != NULL) || !RIG_MAKE(&r, map))
        return;
    claim_scattered(t, &r, m);
    for (uint64_t align = 2 * MIB; align <= 512 * MIB; align *= 2)
        for (size_t pages = 512; pages <= 65536; pages = pages * 3 + 1) {
            hal_paddr_t got = pmm_alloc_aligned(r.pmm, pages, align, 0);
            CHECK(got != HAL_PADDR_NONE && got % align == 0);
            rig_audit(t, &r);
            CHECK_EQ(pmm_free(r.pmm, got, pages), MM_OK);
        }
    rig_audit(t, &r);
    TEST_END;
}

TEST_SUITE(pmm_search);
