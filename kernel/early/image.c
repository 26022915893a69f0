#include "kernel/early/image.h"

struct kernel_image image;

const char *image_open(hal_vaddr_t base, hal_paddr_t phys, uint64_t size)
{
    image.base = base;
    image.phys = phys;
    image.size = hal_align_up(size, HAL_PAGE_SIZE);
    if ((base | phys) % HAL_PAGE_SIZE != 0)
        return "the image does not begin on a page";
    return pe_open(&image.pe, (void *)(uintptr_t)base, size);
}

hal_paddr_t image_phys(const void *at)
{
    return (hal_vaddr_t)(uintptr_t)at - image.base + image.phys;
}
