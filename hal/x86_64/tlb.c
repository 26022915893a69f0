/* hal/x86_64/tlb.c: page tables and the TLB of this CPU. Intel SDM vol. 3A, 4.10.4.1: INVLPG drops
 * the page's translations, global or not, and all paging-structure caches; MOV to CR3 all but
 * global translations; a change of CR4.PGE everything. PCIDs are not used. */
#include "hal/cpu.h"
#include "hal/short.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/features.h"
#include "hal/x86_64/percpu.h"

#define CR3_ADDRESS 0x000FFFFFFFFFF000u

/* Another CPU writes an entry and then looks which roots this one has (cpu_area_may_hold()): so what is
 * loaded must be said before it can be used, and what was loaded until nothing is left of it. */
void hal_load_root(hal_paddr_t root)
{
    struct percpu *me = percpu_self();
    __atomic_exchange_n(&me->next_root, root, __ATOMIC_SEQ_CST);
    asm_write_cr3(root);
    __atomic_store_n(&me->root, root, __ATOMIC_RELEASE);
}

bool cpu_area_may_hold(const void *area, hal_paddr_t root)
{
    const struct percpu *p = area != NULL ? area : &percpu_boot;
    return __atomic_load_n(&p->root, __ATOMIC_SEQ_CST) == root ||
           __atomic_load_n(&p->next_root, __ATOMIC_SEQ_CST) == root;
}

hal_paddr_t hal_root(void)
{
    return asm_read_cr3() & CR3_ADDRESS;
}

void hal_tlb_flush_page(hal_vaddr_t virt)
{
    __asm__ volatile("invlpg (%0)" : : "r"(virt) : "memory");
}

void hal_tlb_flush_local(void)
{
    asm_write_cr3(asm_read_cr3());
}

void hal_tlb_flush_all(void)
{
    uint64_t cr4 = asm_read_cr4();
    if (!features.global_pages) {
        hal_tlb_flush_local();
        return;
    }
    asm_write_cr4(cr4 ^ CR4_PGE);
    asm_write_cr4(cr4);
}

bool cpu_flushes_everywhere(void)
{
    return false;
}

/* No CPU remembers an entry that is not present (SDM vol. 3A, 4.10.2.3), and walks see stores in
 * order. */
void hal_tlb_added(hal_vaddr_t base, uint64_t size)
{
    UNUSED(base);
    UNUSED(size);
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

/* INVLPG and MOV to CR3 serialise (SDM vol. 3A, 8.3), so the counter is read after them. The least
 * of some rounds: whatever disturbs can only add. */
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
