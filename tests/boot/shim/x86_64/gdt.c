/* The GDT, which the CPU goes on using until the kernel has its own. */
#include "hal/short.h"
#include "tests/boot/shim/arch.h"
#include "tests/boot/shim/shim.h"
#include "tests/boot/shim/x86_64/pc.h"

/* What SGDT writes (Intel SDM vol. 2B). */
struct gdt_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));
_Static_assert(sizeof(struct gdt_register) == 10 && offsetof(struct gdt_register, base) == 2,
               "the layout is the CPU's");

static struct gdt_register read_gdt(void)
{
    struct gdt_register gdt;
    __asm__ volatile("sgdt %0" : "=m"(gdt));
    return gdt;
}

void gdt_move(void)
{
    struct gdt_register gdt = read_gdt();
    EFI_PHYSICAL_ADDRESS page = 0;
    if (config.junk == 0)
        return;
    if (gdt.limit >= HAL_PAGE_SIZE ||
        !ok(st->BootServices->AllocatePages(AllocateAnyPages, EfiBootServicesData, 1, &page)))
        stop("the GDT cannot be moved; its limit is", gdt.limit);
    for (unsigned i = 0; i <= gdt.limit; i++)
        ((uint8_t *)(uintptr_t)page)[i] = ((const uint8_t *)(uintptr_t)gdt.base)[i];
    gdt.base = page;
    __asm__ volatile("lgdt %0" : : "m"(gdt));
}

void arch_keep(void (*keep)(uint64_t base, uint64_t size))
{
    struct gdt_register gdt = read_gdt();
    keep(gdt.base, (uint64_t)gdt.limit + 1);
}

/* Of what is in the GDT, which is found without struct gdt_register: it has to be right here even if that is
 * wrong. */
uint64_t arch_sum(void)
{
    uint8_t bytes[16] = {0};
    uint64_t base = 0, sum = 0;
    __asm__ volatile("sgdt %0" : "=m"(bytes));
    for (unsigned i = 0; i < 8; i++)
        base |= (uint64_t)bytes[2 + i] << (8 * i);
    for (unsigned i = 0; i <= (bytes[0] | (unsigned)bytes[1] << 8); i++)
        sum = sum * 31 + ((const uint8_t *)(uintptr_t)base)[i];
    return sum;
}
