/* hal/any/flush_times.c: what a flush costs here, measured; the same for every CPU that can flush. */
#include "hal/cpu.h"

static struct cpu_flush_times times = {.limit = 32};

uint32_t hal_tlb_page_limit(void)
{
    return times.limit;
}

static void touch(hal_vaddr_t base, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++)
        (void)*(const volatile unsigned char *)(uintptr_t)(base + i * HAL_PAGE_SIZE);
}

#define WORKING_SET 64u /* pages: about as many as a first-level data TLB holds */
#define ROUNDS      8u

/* A counter may be slow (some ten ns a tick), so single pages are measured together. A flush is over
 * when it returns: INVLPG and MOV to CR3 serialise (SDM vol. 3A, 8.3), and after TLBI come DSB and
 * ISB. The least of some rounds counts, for whatever disturbs can only add. */
struct cpu_flush_times cpu_measure_flush(hal_vaddr_t base, uint64_t pages)
{
    unsigned n = (unsigned)hal_min_u64(pages, WORKING_SET);
    uint64_t single = UINT64_MAX;
    uint64_t all = UINT64_MAX;
    for (unsigned round = 0; round < ROUNDS; round++) {
        touch(base, n);
        uint64_t start = hal_cycles();
        for (unsigned i = 0; i < n; i++)
            hal_tlb_flush_page(base + i * HAL_PAGE_SIZE);
        single = hal_min_u64(single, hal_cycles() - start);
        touch(base, n);
        start = hal_cycles();
        hal_tlb_flush_all();
        touch(base, n);
        all = hal_min_u64(all, hal_cycles() - start);
    }
    times.page = hal_max_u64(single / hal_max_u64(n, 1), 1);
    times.all = all;
    times.limit =
        (uint32_t)hal_max_u64(CPU_FLUSH_LEAST, hal_min_u64(all / times.page, CPU_FLUSH_MOST));
    return times;
}
