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
