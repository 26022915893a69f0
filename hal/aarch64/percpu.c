#include "hal/aarch64/percpu.h"
#include "hal/aarch64/registers.h"

struct percpu percpu_boot;

struct percpu *percpu_self(void)
{
    return (struct percpu *)(uintptr_t)read_tpidr();
}

void percpu_load(struct percpu *p)
{
    write_tpidr((uint64_t)(uintptr_t)p);
}

size_t cpu_area_size(void)
{
    return sizeof(struct percpu);
}

void cpu_area_make(void *memory, uint32_t index, const hal_vaddr_t *trap_stacks)
{
    struct percpu *p = memory;
    p->index = index;
    p->trap_stack = trap_stacks[0];
}
