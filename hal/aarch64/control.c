/* System registers that say how memory is used (Arm ARM D17.2): they are set from scratch, but for what the
 * firmware's tables need as long as the lower half is theirs: TTBR0, the low half of TCR, and bytes 0 to 4
 * of MAIR, which none of ours names. */
#include "hal/aarch64/control.h"
#include "hal/aarch64/features.h"
#include "hal/aarch64/leave_el2.h"
#include "hal/aarch64/percpu.h"
#include "hal/aarch64/registers.h"
#include "hal/short.h"

#define TCR_HALF  (17u | 1u << 8 | 1u << 10 | 3u << 12) /* 47 bits, walks cached, inner shareable */
#define TCR_UPPER ((uint64_t)TCR_HALF << 16 | (uint64_t)2 << 30) /* 4 KiB */
#define TCR_LOWER 0xFFFFu
#define NO_LOWER  ((uint64_t)1 << 7)  /* EPD0 */
#define NO_UPPER  ((uint64_t)1 << 23) /* EPD1 */

#define MAIR_FIRMWARE 0x000000FFFFFFFFFFu
#define MAIR_OURS     0xFF44000000000000u /* bytes 5, 6 and 7, as mm/format_aarch64.h wants them */

#define UPPER_ROOT 2048u /* bytes into a root, its upper half begins */
#define ROOT       0x0000FFFFFFFFF000u

#define STACK_SIZE ((uint64_t)16384)

extern const unsigned char trap_vectors[]; /* trap.S */

static _Alignas(4096) unsigned char trap_stack[STACK_SIZE];
static hal_paddr_t beside_firmware; /* this root's lower half is the firmware's */
static uint64_t counter_offset;

uint64_t control_translation(void)
{
    return TCR_HALF | TCR_UPPER | (uint64_t)features.phys_range << 32;
}

uint64_t control_counter_offset(void)
{
    return counter_offset;
}

size_t cpu_control_registers(struct cpu_register out[CPU_REGISTERS])
{
    bool el2 = is_el2();
    const struct cpu_register r[] = {
        {"el", el2 ? 2 : 1},
        {"sctlr", el2 ? read_sctlr_el2() : read_sctlr()},
        {"tcr", el2 ? read_tcr_el2() : read_tcr()},
        {"mair", el2 ? read_mair_el2() : read_mair()},
        {"ttbr0", el2 ? read_ttbr0_el2() : read_ttbr0()},
        {"ttbr1", el2 ? 0 : read_ttbr1()},
        {"vbar", el2 ? 0 : read_vbar()},
        {"cpacr", read_cpacr()},
    };
    __builtin_memcpy(out, r, sizeof r);
    return ARRAY_LEN(r);
}

/* Neither can be switched off on this architecture. */
struct cpu_protection cpu_protection(void)
{
    return (struct cpu_protection){.no_write = true, .no_execute = true};
}

static void set_translation(uint64_t tcr)
{
    write_tcr(tcr);
    barrier_instructions();
    __asm__ volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
}

static bool has_own_tables(void)
{
    return (read_tcr() & NO_UPPER) == 0 && (read_tcr() >> 16 & 63u) == 17;
}

void control_own(struct percpu *p)
{
    percpu_load(p);
    write_vbar((uint64_t)(uintptr_t)trap_vectors);
    write_cpacr(0);
    write_mair((read_mair() & MAIR_FIRMWARE) | MAIR_OURS);
    write_sctlr(CONTROL_SYSTEM);
    barrier_instructions();
    if (!has_own_tables())
        set_translation((read_tcr() & TCR_LOWER) | TCR_UPPER | NO_UPPER |
                        (uint64_t)features.phys_range << 32);
    __asm__ volatile("ic iallu\n\tdsb nsh\n\tisb" : : : "memory");
    control_set_trap_stack(p->trap_stack);
    __asm__ volatile("msr daifclr, #4" : : : "memory"); /* SErrors come from here on */
}

void cpu_own(void)
{
    if (is_el2()) {
        counter_offset = read_cntvoff_el2();
        leave_el2();
    }
    percpu_boot.trap_stack = (hal_vaddr_t)(uintptr_t)trap_stack + STACK_SIZE;
    control_own(&percpu_boot);
}

struct cpu_stack cpu_trap_stack(unsigned which)
{
    UNUSED(which);
    return (struct cpu_stack){"trap stack", trap_stack, STACK_SIZE};
}

void cpu_set_trap_stack(unsigned which, hal_vaddr_t top)
{
    UNUSED(which);
    percpu_self()->trap_stack = top;
    control_set_trap_stack(top);
}

/* The halves have roots of their own: the firmware's stays where it is. */
void cpu_keep_lower_half(hal_paddr_t root)
{
    beside_firmware = root;
}

bool cpu_use_five_levels(hal_paddr_t page)
{
    UNUSED(page);
    return false;
}

/* cpu_own() has set them: the firmware's tables name others. */
void cpu_set_memory_types(void)
{
}

/* They stay wherever an entry says so. */
void cpu_use_global_pages(void)
{
}

hal_paddr_t hal_root(void)
{
    if (is_el2())
        return read_ttbr0_el2() & ROOT;
    return has_own_tables() ? (read_ttbr1() & ROOT) : (read_ttbr0() & ROOT);
}

/* From the firmware's tables in the lower half to our own: nothing below is in use then. */
static void leave_firmware(hal_paddr_t root)
{
    write_tcr(read_tcr() | NO_LOWER);
    barrier_instructions();
    write_ttbr0(root);
    set_translation(control_translation());
    beside_firmware = HAL_PADDR_NONE;
}

static void load_both(hal_paddr_t root)
{
    write_ttbr0(root);
    write_ttbr1(root + UPPER_ROOT);
    barrier_instructions();
    __asm__ volatile("tlbi aside1, xzr\n\tdsb nsh\n\tisb" : : : "memory");
}

void hal_load_root(hal_paddr_t root)
{
    barrier_all_cpus(); /* what the tables say is seen by the walker */
    if (root == beside_firmware) {
        write_ttbr1(root + UPPER_ROOT);
        set_translation(read_tcr() & ~NO_UPPER);
    } else if (beside_firmware != HAL_PADDR_NONE) {
        write_ttbr1(root + UPPER_ROOT);
        leave_firmware(root);
    } else {
        load_both(root);
    }
}
