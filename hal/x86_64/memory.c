#include "hal/cpu.h"
#include "hal/x86_64/asm.h"

#define LINE 64u /* bytes of a cache line, or a divisor of it */

hal_vaddr_t hal_direct_base;

int memcmp(const void *a, const void *b, size_t n);

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a;
    const unsigned char *y = b;
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

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
