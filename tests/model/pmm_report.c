/* mm/pmm_report.h: where failures are counted, and zone numbers out of range. */
#include "hal/short.h"
#include "tests/model/pmm_desk.h"

#include <string.h>

static uint64_t failures(struct desk *d, enum pmm_zone zone)
{
    struct pmm_stats s;
    pmm_stats(d->p, zone, &s);
    return s.failures;
}

static void failures_without_a_zone(void)
{
    static const struct mem_region only_high[] = {RAM(HIGH, 1 * MIB)};
    static const struct mem_region no_dma[] = {RAM(20 * MIB, 1 * MIB)};
    static const uint32_t flags[] = {PMM_DMA, PMM_DMA32, PMM_DMA | PMM_KERNEL,
                                     PMM_DMA | PMM_DMA32 | PMM_ZERO};
    struct desk d;
    DESK_MAKE(&d, only_high);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        EXPECT(pmm_alloc(d.p, 1, flags[i]) == HAL_PADDR_NONE);
        model_count_failure(&d.m, flags[i]);
        EXPECT(failures(&d, PMM_ZONE_DMA) == i + 1);
    }
    EXPECT(pmm_alloc(d.p, 0, PMM_DMA) == HAL_PADDR_NONE); /* no such call */
    EXPECT(pmm_alloc(d.p, 257, 0) == HAL_PADDR_NONE);
    model_count_failure(&d.m, 0);
    EXPECT(failures(&d, PMM_ZONE_NORMAL) == 1 && failures(&d, PMM_ZONE_DMA32) == 0);
    desk_end(&d);
    DESK_MAKE(&d, no_dma);
    EXPECT(pmm_alloc(d.p, 1, PMM_DMA) == HAL_PADDR_NONE &&
           pmm_alloc(d.p, 257, 0) == HAL_PADDR_NONE);
    EXPECT(failures(&d, PMM_ZONE_DMA) == 1 && failures(&d, PMM_ZONE_DMA32) == 1);
    model_count_failure(&d.m, PMM_DMA);
    model_count_failure(&d.m, 0);
    desk_end(&d);
}

static void numbers_out_of_range(void)
{
    static const struct mem_region regions[] = {RAM(HIGH, 1 * MIB)};
    struct desk d;
    struct pmm_stats s = {.total = 7, .failures = 7};
    DESK_MAKE(&d, regions);
    pmm_stats(d.p, PMM_ZONE_COUNT, &s);
    EXPECT(s.total == 0 && s.free == 0 && s.failures == 0);
    EXPECT(strcmp(pmm_zone_name(PMM_ZONE_NORMAL), "NORMAL") == 0);
    EXPECT(strcmp(pmm_zone_name(PMM_ZONE_COUNT), "?") == 0);
    EXPECT(strcmp(pmm_zone_name((enum pmm_zone) - 1), "?") == 0);
    desk_end(&d);
}

int main(void)
{
    host_ram_create(HIGH + 256 * MIB);
    expect_run("each failure is counted once, zone or no zone", failures_without_a_zone);
    expect_run("zone numbers out of range", numbers_out_of_range);
    return expect_total();
}
