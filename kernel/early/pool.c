#include "kernel/early/pool.h"
#include "kernel/early/image.h"

_Alignas(4096) static unsigned char pool[POOL_PAGES][HAL_PAGE_SIZE];
static bool taken[POOL_PAGES];

hal_paddr_t pool_take(void)
{
    for (unsigned i = 0; i < POOL_PAGES; i++) {
        if (!taken[i]) {
            taken[i] = true;
            return image_phys(pool[i]);
        }
    }
    return HAL_PADDR_NONE;
}

void pool_give(hal_paddr_t page)
{
    taken[(page - image_phys(pool)) / HAL_PAGE_SIZE] = false;
}

bool pool_owns(hal_paddr_t page)
{
    return page - image_phys(pool) < sizeof pool;
}

uint64_t pool_spare(void)
{
    uint64_t spare = 0;
    for (unsigned i = 0; i < POOL_PAGES; i++)
        spare += !taken[i];
    return spare;
}
