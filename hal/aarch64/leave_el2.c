#include "hal/aarch64/leave_el2.h"
#include "hal/aarch64/features.h"
#include "hal/aarch64/registers.h"

#define VALID     ((uint64_t)1 << 0)
#define TABLE     ((uint64_t)1 << 1)
#define EL0       ((uint64_t)1 << 6)
#define NOBODY_X  ((uint64_t)1 << 54) /* at EL2; UXN at EL1 */
#define KERNEL_NX ((uint64_t)1 << 53)
#define ADDRESS   0x0000FFFFFFFFF000u
#define LOW_HALF                                                                                   \
    0xFF3Fu /* of TCR: T0SZ, IRGN0, ORGN0, SH0, TG0, at the same places at EL1 and EL2 */

#define TCR_NO_UPPER ((uint64_t)1 << 23) /* EPD1 */

void leave_el2_switch(uint64_t system, bool gic_registers); /* start.S */

/* All of a table of `level`, 3 being that of 4 KiB pages, and what it leads to. */
static void convert(uint64_t *table, unsigned entries, unsigned level)
{
    for (unsigned i = 0; i < entries; i++) {
        uint64_t entry = table[i];
        if ((entry & VALID) == 0)
            continue;
        if (level < 3 && (entry & TABLE) != 0) {
            convert((uint64_t *)(uintptr_t)(entry & ADDRESS), 512, level + 1);
            continue;
        }
        entry &= ~EL0;
        if ((entry & NOBODY_X) != 0)
            entry |= KERNEL_NX;
        table[i] = entry;
    }
}

/* The first level, and the entries of its table, follow from the bits that are translated (D8.2.7). */
static void convert_all(uint64_t root, unsigned bits)
{
    unsigned level = 3 - (bits - 13) / 9;
    unsigned shift = 12 + 9 * (3 - level);
    convert((uint64_t *)(uintptr_t)(root & ADDRESS), 1u << (bits - shift), level);
    barrier_all_cpus();
}

void leave_el2(void)
{
    uint64_t tcr = read_tcr_el2();
    convert_all(read_ttbr0_el2(), 64 - (unsigned)(tcr & 63));
    write_ttbr0(read_ttbr0_el2());
    write_mair(read_mair_el2());
    write_tcr((tcr & LOW_HALF) | TCR_NO_UPPER | (uint64_t)features.phys_range << 32);
    leave_el2_switch(read_sctlr_el2() | 1, features.gic_registers);
}
