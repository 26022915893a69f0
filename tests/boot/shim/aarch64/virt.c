/* QEMU's board `virt`: its PL011, its PL031 (Arm DDI 0183 and DDI 0224), and its GIC (IHI 0048 and 0069). */
#include "tests/boot/shim/aarch64/gicc.h"
#include "tests/boot/shim/arch.h"
#include "tests/boot/shim/shim.h"

#define UART     0x09000000u
#define UART_FR  0x18u
#define UART_FUL 0x20u
#define CLOCK    0x09010000u

#define DISTRIBUTOR   0x08000000u /* of a GICv2 it has the private interrupts too */
#define SECOND_FRAME  0x080B0000u /* of CPU 0's redistributor */
#define VERSION       0xFE8u /* of a GICv2; reserved in a GICv3 */
#define GROUP         0x080u
#define SET_ENABLE    0x100u
#define VIRTUAL_TIMER ((uint32_t)1 << 27)

static volatile uint32_t *reg(uint64_t at)
{
    return (volatile uint32_t *)(uintptr_t)at;
}

void arch_put(char c)
{
    for (unsigned i = 0; i < 100000 && (*reg(UART + UART_FR) & UART_FUL) != 0; i++)
        continue;
    *reg(UART) = (uint8_t)c;
}

uint64_t arch_seconds(void)
{
    return *reg(CLOCK) % 86400;
}

void arch_begin(void)
{
    if (config.uncached_at != 0)
        stop("a PC's trick is asked for, and this is none", 0);
    if (config.gicc != 0)
        gicc_tell();
}

/* The CPU's own timer goes off for ever, and its line is open, as a firmware leaves it that is still listening
 * (config.lines). */
void arch_after_exit(void)
{
    if (config.lines == 0)
        return;
    bool v2 = (*reg(DISTRIBUTOR + VERSION) >> 4 & 15) == 2;
    uint64_t at = v2 ? DISTRIBUTOR : SECOND_FRAME;
    *reg(at + GROUP) |= VIRTUAL_TIMER;
    *reg(at + SET_ENABLE) = VIRTUAL_TIMER;
    __asm__ volatile("msr cntv_cval_el0, xzr\n\tmsr cntv_ctl_el0, %0" : : "r"((uint64_t)1));
}
