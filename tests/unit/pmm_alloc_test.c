/* Lengths, alignments and contents: what pmm_alloc and pmm_alloc_aligned in mm/pmm.h say, one test
 * a sentence. */
#include "hal/short.h"
#include "tests/unit/pmm_rig.h"

#include "hal/hal.h"

TEST("pmm.alloc takes runs of any length, no page more")
{
    struct rig r;
    hal_paddr_t got[ARRAY_LEN(lengths)];
    uint64_t taken = 0;
    if (!RIG_MAKE(&r, high64))
        return;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        got[i] = pmm_alloc(r.pmm, lengths[i], 0);
        CHECK(got[i] >= HIGH && got[i] + lengths[i] * HAL_PAGE_SIZE <= HIGH + 64 * MIB);
        taken += lengths[i];
        CHECK_EQ(rig_free(&r), 16384 - taken); /* 65 pages cost 65 */
        for (size_t k = 0; k < i; k++)
            CHECK(got[k] + lengths[k] * HAL_PAGE_SIZE <= got[i] ||
                  got[i] + lengths[i] * HAL_PAGE_SIZE <= got[k]);
    }
    rig_audit(t, &r);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        CHECK_EQ(pmm_free(r.pmm, got[i], lengths[i]), MM_OK);
    pmm_drain(r.pmm);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).largest_run, 16384);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).free_blocks, 32);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.alloc takes every length from 1 to 1030")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    for (size_t n = 1; n <= 1030; n++) {
        hal_paddr_t got = pmm_alloc(r.pmm, n, 0);
        CHECK(got != HAL_PADDR_NONE);
        CHECK_EQ(rig_free(&r), 16384 - n);
        CHECK_EQ(pmm_free(r.pmm, got, n), MM_OK);
    }
    CHECK_EQ(rig_free(&r), 16384);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.alloc answers HAL_PADDR_NONE to lengths out of range")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, all_zones))
        return;
    rig_snap(&r, &before);
    CHECK_EQ(pmm_alloc(r.pmm, 0, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, SIZE_MAX, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, (size_t)1 << 52, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, SIZE_MAX / 4096 + 2, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 64 * 256 + 1, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 0, HAL_PAGE_SIZE, 0), HAL_PADDR_NONE);
    rig_same(t, &r, &before);
    TEST_END;
}

TEST("pmm.alloc answers HAL_PADDR_NONE to unknown flags")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, tiny))
        return;
    rig_snap(&r, &before);
    for (unsigned bit = 5; bit < 32; bit++) /* the fifth needs a request that names a node */
        CHECK_EQ(pmm_alloc(r.pmm, 1, 1u << bit), HAL_PADDR_NONE);
    rig_same(t, &r, &before);
    TEST_END;
}

TEST("pmm.alloc_aligned takes every power of two from 4 KiB to 1 GiB")
{
    struct rig r;
    const struct mem_region map[] = {USABLE(1 * GIB - 4 * MIB + 4 * KIB, 2 * GIB + 16 * MIB)};
    if (!RIG_MAKE(&r, map))
        return;
    for (uint64_t align = HAL_PAGE_SIZE; align <= GIB; align *= 2) {
        for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
            hal_paddr_t got = pmm_alloc_aligned(r.pmm, lengths[i], align, 0);
            CHECK(got != HAL_PADDR_NONE && got % align == 0);
            CHECK_EQ(pmm_free(r.pmm, got, lengths[i]), MM_OK);
        }
    }
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 262144, GIB, 0) % GIB, 0);
    CHECK(pmm_alloc_aligned(r.pmm, 262144, GIB, 0) != HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 262144, GIB, 0), HAL_PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.alloc_aligned answers HAL_PADDR_NONE to any other alignment")
{
    const uint64_t bad[] = {0, 1, 2048, 4095, 4097, 12288, 2 * GIB, 3 * MIB, UINT64_MAX};
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, all_zones))
        return;
    rig_snap(&r, &before);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_EQ(pmm_alloc_aligned(r.pmm, 1, bad[i], 0), HAL_PADDR_NONE);
    rig_same(t, &r, &before);
    TEST_END;
}

TEST("pmm.alloc_aligned fails only when no aligned place exists")
{
    struct rig r;
    const struct mem_region map[] = {USABLE(HIGH + 4 * KIB, 4 * MIB - 8 * KIB)};
    if (!RIG_MAKE(&r, map))
        return;
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 512, 2 * MIB, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 511, 2 * MIB, 0), HIGH + 2 * MIB);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 1, 2 * MIB, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 256, MIB, 0), HIGH + 1 * MIB);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.P8 an alloc that fails has changed nothing")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, all_zones))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 8 * MIB, 700), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, 24 * MIB, 3), MM_OK);
    rig_snap(&r, &before);
    const uint32_t flags[] = {0, PMM_DMA, PMM_DMA32, PMM_KERNEL, PMM_KERNEL | PMM_DMA32};
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        CHECK_EQ(pmm_alloc(r.pmm, 16000, flags[i]), HAL_PADDR_NONE);
        CHECK_EQ(pmm_alloc_aligned(r.pmm, 14000, 16 * MIB, flags[i]), HAL_PADDR_NONE);
    }
    rig_same(t, &r, &before);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.the allocator never touches the pages it manages")
{
    if (!test_env_has_fake_ram())
        SKIP("needs fake RAM: it writes the pages that its map names");
    const struct mem_region map[] = {USABLE(512 * MIB, 8 * MIB)};
    struct rig r;
    uint64_t *ram = hal_phys_to_virt(512 * MIB);
    for (size_t i = 0; i < MIB; i++)
        ram[i] = i;
    if (!RIG_MAKE(&r, map))
        return;
    for (size_t n = 1; n < 900; n += 13) {
        hal_paddr_t got = pmm_alloc(r.pmm, n, n % 2 ? PMM_KERNEL : 0);
        CHECK_EQ(pmm_free(r.pmm, got, n), MM_OK);
    }
    size_t changed = 0;
    for (size_t i = 0; i < MIB; i++)
        changed += ram[i] != i;
    CHECK_EQ(changed, 0);
    TEST_END;
}

TEST("pmm.PMM_ZERO pages read as zero")
{
    if (!test_env_has_fake_ram())
        SKIP("needs fake RAM: it writes the pages that its map names");
    const struct mem_region map[] = {USABLE(512 * MIB, 8 * MIB)};
    struct rig r;
    uint64_t *ram = hal_phys_to_virt(512 * MIB);
    if (!RIG_MAKE(&r, map))
        return;
    for (size_t n = 1; n < 700; n += 111) {
        for (size_t i = 0; i < MIB; i++)
            ram[i] = 0x5A5A;
        hal_paddr_t got = pmm_alloc(r.pmm, n, PMM_ZERO | (n % 2 ? PMM_KERNEL : 0));
        CHECK(got != HAL_PADDR_NONE);
        CHECK_EQ(rig_count_nonzero(got, n), 0);
        CHECK_EQ(rig_count_nonzero(512 * MIB, 2048), (2048 - n) * 512); /* and no page but those */
        CHECK_EQ(pmm_free(r.pmm, got, n), MM_OK);
    }
    TEST_END;
}

TEST_SUITE(pmm_alloc);
