/* hal/any/memory.c: where the direct map lies, and the one function of memory that is not assembly. */
#include "hal/cpu.h"

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
