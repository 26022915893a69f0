#include "hal/cpu.h"
#include "hal/short.h"
#include "hal/x86_64/asm.h"

#define LINE 64u /* bytes of a cache line, or a divisor of it */

void hal_zero_pages(hal_paddr_t base, size_t pages)
{
    uint64_t *at = hal_phys_to_virt(base);
    uint64_t words = pages * (HAL_PAGE_SIZE / 8);
    __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"((uint64_t)0) : "memory");
}

void cpu_write_back(const void *from, size_t size)
{
    uintptr_t end = (uintptr_t)from + size;
    for (uintptr_t at = (uintptr_t)from / LINE * LINE; at < end; at += LINE)
        asm_flush_line((const void *)at);
}

bool cpu_maps(const volatile void *at)
{
    UNUSED(at);
    return false;
}
