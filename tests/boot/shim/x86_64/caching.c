/* The memory type range registers (Intel SDM vol. 3A, 11.11). */
#include "hal/short.h"
#include "hal/x86_64/asm.h"
#include "tests/boot/shim/shim.h"
#include "tests/boot/shim/x86_64/pc.h"

#define MSR_CAPABILITY 0xFEu
#define MSR_BASE       0x200u /* base and mask in turn */
#define VALID          0x800u
#define SIZE           (16 * MIB)

void caching_change(void)
{
    if (config.uncached_at == 0)
        return;
    uint32_t msr = MSR_BASE, end = MSR_BASE + 2 * (uint32_t)(asm_rdmsr(MSR_CAPABILITY) & 0xff);
    while (msr < end && (asm_rdmsr(msr + 1) & VALID) != 0)
        msr += 2;
    if (msr == end)
        stop("no variable MTRR is left; there are", (end - MSR_BASE) / 2);
    asm_wrmsr(msr, config.uncached_at); /* type 0: uncached */
    asm_wrmsr(msr + 1, (~(SIZE - 1) & 0xfffffffff) | VALID);
    say("shim: uncached");
    say_hex(asm_rdmsr(msr));
    say_end();
}
