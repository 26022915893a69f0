/* mm/pmm_hotplug.h: memory comes and goes in windows that were asked for at creation.
 *
 * needs: tests/test.c
 */
#include "hal/host/host.h"
#include "hal/short.h"
#include "tests/desk_suite.h"
#include "tests/unit/pmm_rig.h"

#include <string.h>

#define BLOCK (2 * MIB)

#define WINDOW(base_, size_)                                                                       \
    {                                                                                              \
        .base = (base_), .size = (size_), .type = MEM_HOTPLUG                                      \
    }

/* Memory, and a window of 16 blocks. */
static const struct mem_region plugged[] = {USABLE(HIGH, 8 * MIB),
                                            WINDOW(HIGH + 12 * MIB, 32 * MIB)};
#define AT(block) (HIGH + 12 * MIB + (block)*BLOCK)

TEST("pmm.add makes pages free that were absent, and remove takes them back")
{
    struct rig r;
    hal_paddr_t page = 1;
    if (!RIG_MAKE(&r, plugged))
        return;
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).total, 2048);
    CHECK_EQ(pmm_alloc(r.pmm, 4096, 0), HAL_PADDR_NONE);
    rig_audit(t, &r);
    CHECK_EQ(pmm_add(r.pmm, AT(4), 8 * 512), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).total, 2048 + 8 * 512);
    rig_audit(t, &r);
    CHECK_EQ(pmm_alloc(r.pmm, 4096, 0), AT(4));
    CHECK_EQ(pmm_free(r.pmm, AT(4), 4096), MM_OK);
    CHECK_EQ(pmm_remove(r.pmm, AT(4), 8 * 512, &page), MM_OK);
    CHECK_EQ(page, HAL_PADDR_NONE);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).total, 2048);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).free, 2048);
    CHECK_EQ(pmm_alloc(r.pmm, 4096, 0), HAL_PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

/* Every piece of a small window, in every state of its blocks: 3 of 6 blocks, out of and into the middle. */
TEST("pmm.add and remove cut and join what is free and what is absent")
{
    const struct mem_region map[] = {WINDOW(HIGH, 6 * BLOCK)};
    struct rig r;
    for (unsigned before = 0; before < 64; before++) {
        if (!RIG_MAKE(&r, map))
            return;
        for (unsigned b = 0; b < 6; b++)
            if (before >> b & 1)
                CHECK_EQ(pmm_add(r.pmm, HIGH + b * BLOCK, 512), MM_OK);
        for (unsigned b = 0; b <= 3; b++) {
            unsigned mask = 7u << b;
            unsigned there = before & mask;
            CHECK_EQ(pmm_add(r.pmm, HIGH + b * BLOCK, 3 * 512), there == 0 ? MM_OK : MM_OVERLAP);
            CHECK_EQ(pmm_remove(r.pmm, HIGH + b * BLOCK, 3 * 512, NULL),
                     there == 0 || there == mask ? MM_OK : MM_FOREIGN);
            if (there == mask)
                CHECK_EQ(pmm_add(r.pmm, HIGH + b * BLOCK, 3 * 512), MM_OK);
            CHECK_EQ(rig_free(&r), 512u * (unsigned)__builtin_popcount(before));
            rig_audit(t, &r);
        }
    }
    TEST_END;
}

TEST("pmm.remove refuses while a page is in use, and says which is the first")
{
    struct rig r;
    struct rig_snap snap;
    hal_paddr_t page = 0;
    if (!RIG_MAKE(&r, plugged))
        return;
    CHECK_EQ(pmm_add(r.pmm, AT(0), 16 * 512), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, AT(3) + 77 * HAL_PAGE_SIZE, 3), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, AT(5), 512), MM_OK);
    rig_snap(&r, &snap);
    CHECK_EQ(pmm_remove(r.pmm, AT(0), 16 * 512, &page), MM_BUSY);
    CHECK_EQ(page, AT(3) + 77 * HAL_PAGE_SIZE);
    CHECK_EQ(pmm_remove(r.pmm, AT(4), 12 * 512, &page), MM_BUSY);
    CHECK_EQ(page, AT(5));
    rig_same(t, &r, &snap);
    CHECK_EQ(pmm_remove(r.pmm, AT(0), 3 * 512, &page), MM_OK);
    CHECK_EQ(pmm_remove(r.pmm, AT(0), 4 * 512, &page), MM_FOREIGN);
    CHECK_EQ(page, AT(0));
    CHECK_EQ(pmm_free(r.pmm, AT(3) + 77 * HAL_PAGE_SIZE, 3), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, AT(5), 512), MM_OK);
    CHECK_EQ(pmm_remove(r.pmm, AT(3), 13 * 512, NULL), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).total, 2048);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.remove gets at what this CPU has parked there")
{
    const struct mem_region map[] = {WINDOW(HIGH, 256 * MIB)};
    struct rig r;
    if (!RIG_MAKE(&r, map))
        return;
    CHECK_EQ(pmm_add(r.pmm, HIGH, 65536), MM_OK);
    hal_paddr_t page = pmm_alloc(r.pmm, 1, 0);
    CHECK_EQ(pmm_remove(r.pmm, HIGH, 65536, NULL), MM_BUSY);
    CHECK_EQ(pmm_free(r.pmm, page, 1), MM_OK);
    page = pmm_alloc(r.pmm, 1, 0);
    CHECK_EQ(pmm_free(r.pmm, page, 1), MM_OK);
    CHECK_EQ(pmm_remove(r.pmm, HIGH, 65536, NULL), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).total, 0);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).low_water, 0);
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), HAL_PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

/* In a zone too small for owned blocks, the page that was taken last is stashed in a block that is empty
 * but for it. */
TEST("pmm.remove gets at the page that this CPU has in its stash")
{
    struct rig r;
    if (!RIG_MAKE(&r, plugged))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 2048), MM_OK);
    CHECK_EQ(pmm_add(r.pmm, AT(0), 512), MM_OK);
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), AT(0));
    CHECK_EQ(pmm_free(r.pmm, AT(0), 1), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).parked, 1);
    CHECK_EQ(pmm_remove(r.pmm, AT(0), 512, NULL), MM_OK);
    rig_audit(t, &r);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).parked, 0);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).total, 2048);
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), HAL_PADDR_NONE);
    TEST_END;
}

/* All of a block that CPU 0 owns, given back by CPU 1, which cannot call it. */
TEST("pmm.remove refuses a block that another CPU owns, though all of it came back")
{
    const struct mem_region map[] = {WINDOW(HIGH, 256 * MIB)};
    static hal_paddr_t pages[512];
    struct rig r;
    hal_paddr_t page;
    rig_map(&r, map, ARRAY_LEN(map));
    r.bytes = pmm_tables_size(&r.map, 2);
    r.tables = test_memory(r.bytes);
    CHECK_EQ(pmm_create_in(&r.map, 2, r.tables, r.bytes, &r.pmm), MM_OK);
    CHECK_EQ(pmm_add(r.pmm, HIGH, 65536), MM_OK);
    for (unsigned i = 0; i < 512; i++)
        pages[i] = pmm_alloc(r.pmm, 1, 0);
    CHECK(pages[0] % BLOCK == 0 && pages[511] == pages[0] + BLOCK - HAL_PAGE_SIZE);
    host_set_cpu(1);
    for (unsigned i = 0; i < 512; i++)
        CHECK_EQ(pmm_free(r.pmm, pages[i], 1), MM_OK);
    CHECK_EQ(pmm_remove(r.pmm, pages[0], 512, &page), MM_BUSY);
    CHECK_EQ(page, pages[0]);
    host_set_cpu(0);
    pmm_drain(r.pmm);
    CHECK_EQ(pmm_remove(r.pmm, pages[0], 512, &page), MM_OK);
    CHECK_STR(pmm_check(r.pmm), NULL);
    TEST_END;
}

TEST("pmm.add fills what comes with junk where that is asked for, and nothing that is there")
{
    const struct pmm_debug on = {.junk = true};
    struct rig r;
    if (!RIG_MAKE(&r, plugged))
        return;
    pmm_set_debug(r.pmm, &on);
    memset(hal_phys_to_virt(AT(2)), 0, BLOCK);
    CHECK_EQ(pmm_add(r.pmm, AT(2), 512), MM_OK);
    CHECK_EQ(rig_count_nonzero(AT(2), 512), 512 * 512);
    CHECK_EQ(pmm_claim(r.pmm, AT(2), 512), MM_OK);
    memset(hal_phys_to_virt(AT(2)), 0, BLOCK);
    CHECK_EQ(pmm_add(r.pmm, AT(2), 512), MM_OVERLAP);
    CHECK_EQ(rig_count_nonzero(AT(2), 512), 0);
    pmm_set_debug(r.pmm, NULL);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.remove takes bad pages along, and what comes in their place is sound")
{
    struct rig r;
    if (!RIG_MAKE(&r, plugged))
        return;
    CHECK_EQ(pmm_retire(r.pmm, AT(1), NULL), MM_FOREIGN);
    CHECK_EQ(pmm_add(r.pmm, AT(0), 2 * 512), MM_OK);
    CHECK_EQ(pmm_retire(r.pmm, AT(1) + 5 * HAL_PAGE_SIZE, NULL), MM_OK);
    CHECK_EQ(pmm_free(r.pmm, AT(1) + 5 * HAL_PAGE_SIZE, 1), MM_BAD);
    rig_audit(t, &r);
    CHECK_EQ(pmm_remove(r.pmm, AT(1), 512, NULL), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).bad, 0);
    rig_audit(t, &r);
    CHECK_EQ(pmm_add(r.pmm, AT(1), 512), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, AT(1), 512), MM_OK);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.absent pages are foreign to every call")
{
    struct rig r;
    struct rig_snap snap;
    if (!RIG_MAKE(&r, plugged))
        return;
    CHECK_EQ(pmm_add(r.pmm, AT(1), 512), MM_OK);
    rig_snap(&r, &snap);
    CHECK_EQ(pmm_free(r.pmm, AT(0), 1), MM_FOREIGN);
    CHECK_EQ(pmm_claim(r.pmm, AT(2), 1), MM_FOREIGN);
    CHECK_EQ(pmm_claim(r.pmm, AT(1), 513), MM_FOREIGN);
    CHECK_EQ(pmm_split(r.pmm, AT(0), 2, 1), MM_FOREIGN);
    CHECK_EQ(pmm_retire(r.pmm, AT(0), NULL), MM_FOREIGN);
    CHECK_EQ(pmm_add(r.pmm, AT(0) + HAL_PAGE_SIZE, 512), MM_INVALID);
    CHECK_EQ(pmm_add(r.pmm, AT(0), 511), MM_INVALID);
    CHECK_EQ(pmm_add(r.pmm, AT(0), 0), MM_INVALID);
    CHECK_EQ(pmm_add(r.pmm, HIGH, 512), MM_FOREIGN);
    CHECK_EQ(pmm_add(r.pmm, AT(15), 1024), MM_FOREIGN);
    CHECK_EQ(pmm_add(r.pmm, 1 * GIB, 512), MM_FOREIGN);
    CHECK_EQ(pmm_add(r.pmm, AT(1), 512), MM_OVERLAP);
    CHECK_EQ(pmm_remove(r.pmm, HIGH, 512, NULL), MM_FOREIGN);
    CHECK_EQ(pmm_remove(r.pmm, AT(1), 100, NULL), MM_INVALID);
    rig_same(t, &r, &snap);
    TEST_END;
}

TEST("pmm.a run does not cross the border of a window")
{
    const struct mem_region map[] = {USABLE(HIGH, BLOCK), WINDOW(HIGH + BLOCK, BLOCK)};
    struct rig r;
    if (!RIG_MAKE(&r, map))
        return;
    CHECK_EQ(pmm_add(r.pmm, HIGH + BLOCK, 512), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + BLOCK - HAL_PAGE_SIZE, 2), MM_INVALID);
    CHECK_EQ(pmm_alloc(r.pmm, 513, 0), HAL_PADDR_NONE);
    CHECK(pmm_alloc(r.pmm, 512, 0) != HAL_PADDR_NONE);
    CHECK(pmm_alloc(r.pmm, 512, 0) != HAL_PADDR_NONE);
    CHECK_STR(pmm_check(r.pmm), NULL);
    TEST_END;
}

/* Parts of blocks at its ends, a zone's limit inside, RAM in the middle. */
TEST("pmm.a window has whole blocks only, and ends at zones and at memory")
{
    const struct mem_region map[] = {
        WINDOW(10 * MIB + 4 * KIB, 12 * MIB),
        WINDOW(HIGH + 4 * KIB, 3 * MIB),
        USABLE(HIGH + 3 * MIB + 4 * KIB, 3 * MIB - 4 * KIB),
        WINDOW(HIGH + 6 * MIB, 1 * MIB),
    };
    struct rig r;
    if (!RIG_MAKE(&r, map))
        return;
    CHECK_EQ(pmm_add(r.pmm, 10 * MIB, 512), MM_FOREIGN);
    CHECK_EQ(pmm_add(r.pmm, 12 * MIB, 5 * 512), MM_FOREIGN);
    CHECK_EQ(pmm_add(r.pmm, 12 * MIB, 2 * 512), MM_OK);
    CHECK_EQ(pmm_add(r.pmm, 16 * MIB, 3 * 512), MM_OK);
    CHECK_EQ(pmm_add(r.pmm, 22 * MIB, 512), MM_FOREIGN);
    CHECK_EQ(pmm_add(r.pmm, HIGH, 512), MM_FOREIGN);
    CHECK_EQ(pmm_add(r.pmm, HIGH + 2 * MIB, 512), MM_FOREIGN);
    CHECK_EQ(pmm_add(r.pmm, HIGH + 6 * MIB, 512), MM_FOREIGN);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).total, 1024);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).total, 1536);
    CHECK(pmm_alloc(r.pmm, 700, PMM_DMA) != HAL_PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

TEST_SUITE(pmm_hotplug);

bool test_env_has_fake_ram(void)
{
    return true;
}

int main(void)
{
    host_ram_create(8 * GIB);
    return desk_suite_run(&pmm_hotplug_suite);
}
