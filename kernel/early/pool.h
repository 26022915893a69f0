/* kernel/early/pool.h: 16 pages in the image, for page tables while there is no other memory. They
 * lie where `image` says (kernel/early/image.h). Context: as kernel/boot_info.h.
 */
#ifndef KERNEL_EARLY_POOL_H
#define KERNEL_EARLY_POOL_H

#include "hal/base.h"

#define POOL_PAGES 16u

/* Take a page, with any contents; HAL_PADDR_NONE when all are taken. Give one back: it must be
 * pool_owns() and taken, which is not checked. */
hal_paddr_t pool_take(void);
void pool_give(hal_paddr_t);

/* Is this page one of the pool's? */
bool pool_owns(hal_paddr_t);

/* Pages that are not taken. */
uint64_t pool_spare(void);

#endif
