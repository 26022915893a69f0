/* Control registers and the model-specific ones that say how memory is used (Intel SDM vol. 3A,
 * 2.2.1, 2.5, 11.12). */
#include "hal/cpu.h"
#include "hal/short.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/control.h"
#include "hal/x86_64/descriptors.h"
#include "hal/x86_64/features.h"

#define CR0_VALUE 0x80010033u /* PG WP NE ET MP PE: caches on, no emulation, no task switch trap */
#define CR0_WP    (1u << 16)
#define CR4_PAE   (1u << 5)
#define CR4_MCE   (1u << 6)

#define MSR_PAT   0x277u
#define MSR_EFER  0xC0000080u
#define EFER_LME  ((uint64_t)1 << 8)
#define EFER_LMA  ((uint64_t)1 << 10)
#define EFER_NXE  ((uint64_t)1 << 11)
#define PAT_VALUE 0x0007040100070406u /* UC UC- WT WC | UC UC- WT WB, entry 0 rightmost */

#define ENTRY_PRESENT_WRITE 3u

void control_load_five_levels(uint32_t root); /* stack.S */

static bool owned; /* cpu_own() has been called */

size_t cpu_control_registers(struct cpu_register out[CPU_REGISTERS])
{
    const struct cpu_register r[] = {
        {"cr0", asm_read_cr0()},       {"cr2", asm_read_cr2()},
        {"cr3", asm_read_cr3()},       {"cr4", asm_read_cr4()},
        {"efer", asm_rdmsr(MSR_EFER)}, {"pat", features.pat ? asm_rdmsr(MSR_PAT) : 0},
    };
    __builtin_memcpy(out, r, sizeof r);
    return ARRAY_LEN(r) - (features.pat ? 0 : 1);
}

struct cpu_protection cpu_protection(void)
{
    return (struct cpu_protection){.no_write = (asm_read_cr0() & CR0_WP) != 0,
                                   .no_execute = (asm_rdmsr(MSR_EFER) & EFER_NXE) != 0};
}

void control_set_registers(void)
{
    asm_write_cr4(CR4_PAE | CR4_MCE | (asm_read_cr4() & CR4_LA57));
    asm_write_cr0(CR0_VALUE);
    asm_wrmsr(MSR_EFER, EFER_LME | EFER_LMA | (features.nx ? EFER_NXE : 0));
}

void control_own(struct percpu *p)
{
    control_set_registers();
    descriptors_load(&p->descriptors);
    percpu_load(p);
}

bool control_is_owned(void)
{
    return owned;
}

void cpu_own(void)
{
    hal_vaddr_t stacks[CPU_TRAP_STACKS];
    for (unsigned i = 0; i < CPU_TRAP_STACKS; i++) {
        struct cpu_stack s = cpu_trap_stack(i);
        stacks[i] = (hal_vaddr_t)(uintptr_t)s.base + s.size;
    }
    descriptors_build_idt();
    descriptors_build(&percpu_boot.descriptors, stacks);
    control_own(&percpu_boot);
    owned = true;
}

void cpu_keep_lower_half(hal_paddr_t root)
{
    const uint64_t *theirs = hal_phys_to_virt(hal_root());
    uint64_t *ours = hal_phys_to_virt(root);
    for (unsigned i = 0; i < 256; i++)
        ours[i] = theirs[i];
}

bool cpu_use_five_levels(hal_paddr_t page)
{
    uint64_t here = (uint64_t)(uintptr_t)&page | (uint64_t)(uintptr_t)&control_load_five_levels;
    if (features.la57 || !features.five_levels || (here | page) >= 4 * GIB)
        return false;
    *(uint64_t *)hal_phys_to_virt(page) = hal_root() | ENTRY_PRESENT_WRITE;
    control_load_five_levels((uint32_t)page);
    features.la57 = true;
    return true;
}

void cpu_set_memory_types(void)
{
    if (!features.pat)
        return;
    uint64_t found = asm_rdmsr(MSR_PAT);
    if (found == PAT_VALUE)
        return;
    if ((uint32_t)found !=
        (uint32_t)PAT_VALUE) /* types of live mappings change: empty the caches */
        __asm__ volatile("wbinvd" : : : "memory");
    asm_wrmsr(MSR_PAT, PAT_VALUE);
    asm_write_cr3(asm_read_cr3());
}

void cpu_use_global_pages(void)
{
    if (features.global_pages)
        asm_write_cr4(asm_read_cr4() | CR4_PGE);
}
