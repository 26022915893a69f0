/* tests/embed/port.c: the rest of the port that does not depend on the machine. */
#include "hal/hal.h"
#include "tests/embed/embed.h"

unsigned char *embed_ram;

void hal_zero_pages(hal_paddr_t base, size_t pages)
{
    uint64_t *at = hal_phys_to_virt(base);
    for (size_t i = 0; i < pages * HAL_PAGE_SIZE / sizeof *at; i++)
        at[i] = 0;
}

_Noreturn void hal_panic(const char *what, const char *file, int line)
{
    (void)line;
    machine_print("panic: ");
    machine_print(what);
    machine_print(", found in ");
    machine_print(file);
    machine_print("\nverdict: fail\n");
    machine_stop(false);
}

uint32_t hal_tlb_page_limit(void)
{
    return 32;
}

void hal_tlb_shootdown(hal_paddr_t root, hal_vaddr_t base, uint64_t size)
{
    (void)root;
    (void)base;
    (void)size;
}
