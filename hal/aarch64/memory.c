#include "hal/cpu.h"
#include "hal/aarch64/registers.h"
#include "hal/short.h"

void hal_zero_pages(hal_paddr_t base, size_t pages)
{
    __builtin_memset(hal_phys_to_virt(base), 0, pages * HAL_PAGE_SIZE);
}

/* To the point of coherency, where CPUs without caches and a reset see it. */
void cpu_write_back(const void *from, size_t size)
{
    uint64_t line = (uint64_t)4 << (read_ctr() >> 16 & 15u);
    uintptr_t end = (uintptr_t)from + size;
    for (uintptr_t at = (uintptr_t)from / line * line; at < end; at += line)
        __asm__ volatile("dc cvac, %0" : : "r"(at) : "memory");
    barrier_system();
}

bool cpu_maps(const volatile void *at)
{
    if (is_el2())
        __asm__ volatile("at s1e2r, %0\n\tisb" : : "r"(at) : "memory");
    else
        __asm__ volatile("at s1e1r, %0\n\tisb" : : "r"(at) : "memory");
    return (read_par() & 1) == 0;
}

/* Where memory is cached, page tables alone say. */
struct cpu_caching cpu_caching(hal_paddr_t at, hal_paddr_t *until)
{
    UNUSED(at);
    *until = UINT64_MAX;
    return (struct cpu_caching){"write-back", true};
}
