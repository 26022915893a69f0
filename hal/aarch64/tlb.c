/* hal/aarch64/tlb.c: the TLBs (Arm ARM D8.13). Maintenance is broadcast to all CPUs that share memory, so
 * each flush here is one everywhere. TLBI of an address drops what is known of the tables above it, too.
 * All spaces use ASID 0, so dropping that ASID drops all that is not global. */
#include "hal/cpu.h"
#include "hal/aarch64/registers.h"
#include "hal/short.h"

/* Entries written before count for walks after it; and nobody goes on before all have done it. */
#define FLUSH(what, address)                                                                       \
    __asm__ volatile("dsb ishst\n\ttlbi " what "\n\tdsb ish\n\tisb" : : "r"(address) : "memory")

#define PAGE_BITS 0x00000FFFFFFFFFFFu

void hal_tlb_flush_page(hal_vaddr_t virt)
{
    FLUSH("vaae1is, %0", virt >> HAL_PAGE_SHIFT & PAGE_BITS);
}

void hal_tlb_flush_local(void)
{
    FLUSH("aside1is, %0", (uint64_t)0);
}

void hal_tlb_flush_all(void)
{
    FLUSH("vmalle1is", (uint64_t)0);
}

/* Nobody needs to ask. */
bool cpu_area_may_hold(const void *area, hal_paddr_t root)
{
    UNUSED(area);
    UNUSED(root);
    return true;
}

bool cpu_flushes_everywhere(void)
{
    return true;
}

/* The walkers of all CPUs see the stores, and this one waits until they do. */
void hal_tlb_added(hal_vaddr_t base, uint64_t size)
{
    UNUSED(base);
    UNUSED(size);
    __asm__ volatile("dsb ishst\n\tisb" : : : "memory");
}

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

/* The counter is slow (some ten ns a tick), so single pages are measured together. The least of some
 * rounds: whatever disturbs can only add. */
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
