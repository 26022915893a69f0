/* hal/x86_64/tlb.c: page tables and the TLB of this CPU. Intel SDM vol. 3A, 4.10.4.1: INVLPG drops
 * the page's translations, global or not, and all paging-structure caches; MOV to CR3 all but
 * global translations; a change of CR4.PGE everything. PCIDs are not used. */
#include "hal/hal.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/cpu.h"

#define CR4_PGE     (1u << 7)
#define CR3_ADDRESS 0x000FFFFFFFFFF000u

struct hal_paging hal_paging_features(void)
{
    return (struct hal_paging){.nx = cpu.nx,
                               .pages_1g = cpu.pages_1g,
                               .pat = cpu.pat,
                               .global = cpu.global_pages,
                               .levels = cpu.la57 ? 5 : 4,
                               .phys_bits = (uint8_t)cpu.phys_bits};
}

void hal_load_root(paddr_t root)
{
    asm_write_cr3(root);
}

paddr_t hal_root(void)
{
    return asm_read_cr3() & CR3_ADDRESS;
}

void hal_tlb_flush_page(vaddr_t virt)
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
    if (!cpu.global_pages) {
        hal_tlb_flush_local();
        return;
    }
    asm_write_cr4(cr4 ^ CR4_PGE);
    asm_write_cr4(cr4);
}

/* No other CPU has been started. */
void hal_tlb_shootdown(paddr_t root, vaddr_t base, uint64_t size)
{
    UNUSED(root);
    UNUSED(base);
    UNUSED(size);
}
