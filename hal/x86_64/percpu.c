#include "hal/x86_64/percpu.h"
#include "hal/x86_64/asm.h"

#define MSR_GS_BASE 0xC0000101u

struct percpu percpu_boot;

void percpu_load(struct percpu *p)
{
    p->self = p;
    asm_wrmsr(MSR_GS_BASE, (uint64_t)(uintptr_t)p);
}

size_t cpu_area_size(void)
{
    return sizeof(struct percpu);
}

void cpu_area_make(void *memory, uint32_t index, const hal_vaddr_t *trap_stacks)
{
    struct percpu *p = memory;
    p->self = p;
    p->index = index;
    descriptors_build(&p->descriptors, trap_stacks);
}

void cpu_set_trap_stack(unsigned which, hal_vaddr_t top)
{
    descriptors_set_stack(&percpu_self()->descriptors, which, top);
}
