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
