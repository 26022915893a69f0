#include "kernel/early/image.h"

struct kernel_image image;

const char *image_open(vaddr_t base, paddr_t phys, uint64_t size)
{
    image.base = base;
    image.phys = phys;
    image.size = align_up(size, PAGE_SIZE);
    if ((base | phys) % PAGE_SIZE != 0)
        return "the image does not begin on a page";
    return pe_open(&image.pe, (void *)(uintptr_t)base, size);
}

paddr_t image_phys(const void *at)
{
    return (vaddr_t)(uintptr_t)at - image.base + image.phys;
}
