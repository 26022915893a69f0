#include "kernel/memory/space_edit.h"

struct aspace space_kernel;

static struct hal_lock lock;

hal_irq_t space_lock(void)
{
    hal_irq_t irq = hal_irq_save();
    hal_lock(&lock);
    return irq;
}

void space_unlock(hal_irq_t irq)
{
    hal_unlock(&lock);
    hal_irq_restore(irq);
}

mm_status_t space_map(hal_vaddr_t virt, hal_paddr_t phys, uint64_t size, uint32_t prot)
{
    hal_irq_t irq = space_lock();
    mm_status_t s = aspace_map(&space_kernel, virt, phys, size, prot);
    space_unlock(irq);
    return s;
}

mm_status_t space_unmap(hal_vaddr_t virt, uint64_t size)
{
    hal_irq_t irq = space_lock();
    mm_status_t s = aspace_unmap(&space_kernel, virt, size);
    space_unlock(irq);
    return s;
}

mm_status_t space_query(hal_vaddr_t virt, struct aspace_mapping *out)
{
    hal_irq_t irq = space_lock();
    mm_status_t s = aspace_query(&space_kernel, virt, out);
    space_unlock(irq);
    return s;
}
