/* The two controllers that raise interrupts on a PC: the pair of 8259 and the local APIC (Intel SDM
 * vol. 3A, 10.4 and 10.5; x2APIC 10.12). */
#include "hal/x86_64/apic.h"
#include "hal/cpu.h"
#include "hal/short.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/features.h"
#include "hal/x86_64/vectors.h"

#define MSR_APIC_BASE 0x1Bu
#define MSR_X2APIC    0x800u
#define APIC_X2_ON    ((uint64_t)1 << 10)
#define APIC_ON       ((uint64_t)1 << 11)

#define PIC_MASK_1 0x21u
#define PIC_MASK_2 0xA1u

enum {
    ID = 0x20,
    VERSION = 0x30,
    END = 0xB0,
    SPURIOUS = 0xF0,
    IN_SERVICE = 0x100,
    COMMAND = 0x300,
    TARGET = 0x310
};

/* The command register (SDM vol. 3A, 10.6.1): how it is delivered, and that it is still under way.
 */
enum { FIXED = 0x4000, NMI = 0x4400, INIT = 0x4500, STARTUP = 0x4600, PENDING = 0x1000 };

#define COMMAND_READS 100000u /* a command that is not taken by then never is */

static bool usable;
static volatile uint32_t *registers; /* NULL: by MSR, as an x2APIC wants */

hal_paddr_t cpu_interrupt_registers(void)
{
    if (!features.apic)
        return 0;
    uint64_t value = asm_rdmsr(MSR_APIC_BASE);
    if ((value & APIC_ON) == 0 || (value & APIC_X2_ON) != 0)
        return 0;
    return value & (((uint64_t)1 << features.phys_bits) - 1) & ~(HAL_PAGE_SIZE - 1);
}

static uint32_t apic_read(uint32_t reg)
{
    return registers != NULL ? registers[reg / 4] : (uint32_t)asm_rdmsr(MSR_X2APIC + (reg >> 4));
}

static void apic_write(uint32_t reg, uint32_t value)
{
    if (registers != NULL)
        registers[reg / 4] = value;
    else
        asm_wrmsr(MSR_X2APIC + (reg >> 4), value);
}

/* NMI, SMI and ExtINT entries are the firmware's business. */
static void mask_local_vectors(void)
{
    static const uint16_t lvt[] = {0x320, 0x350, 0x360, 0x370, 0x340, 0x330, 0x2F0};
    uint32_t entries = (apic_read(VERSION) >> 16 & 0xFFu) + 1;
    for (uint32_t i = 0; i < ARRAY_LEN(lvt) && i < entries; i++) {
        uint32_t value = apic_read(lvt[i]);
        if ((value >> 8 & 7u) == 0) /* fixed delivery */
            apic_write(lvt[i], value | 1u << 16);
    }
    apic_write(SPURIOUS, 0x100u | VECTOR_SPURIOUS_APIC); /* on */
}

static bool is_x2(void)
{
    return (asm_rdmsr(MSR_APIC_BASE) & (APIC_ON | APIC_X2_ON)) == (APIC_ON | APIC_X2_ON);
}

void cpu_mask_interrupts(volatile void *mapped)
{
    asm_out8(PIC_MASK_1, 0xFF);
    asm_out8(PIC_MASK_2, 0xFF);
    registers = mapped;
    if (mapped != NULL || (features.apic && is_x2())) {
        usable = true;
        mask_local_vectors();
    }
}

bool apic_usable(void)
{
    return usable;
}

/* An APIC starts in xAPIC mode after INIT; the mode of the CPU that booted counts for all. */
void apic_join(void)
{
    if (registers == NULL)
        asm_wrmsr(MSR_APIC_BASE, asm_rdmsr(MSR_APIC_BASE) | APIC_ON | APIC_X2_ON);
    mask_local_vectors();
}

/* Once it is on, an x2APIC cannot go back but by way of off (SDM vol. 3A, 10.12.5): so it stays on.
 */
bool cpu_use_wide_ids(void)
{
    if (!usable || !features.x2apic)
        return false;
    if (registers != NULL)
        asm_wrmsr(MSR_APIC_BASE, asm_rdmsr(MSR_APIC_BASE) | APIC_ON | APIC_X2_ON);
    registers = NULL;
    return true;
}

uint32_t cpu_id(void)
{
    if (!usable)
        return 0;
    return registers != NULL ? apic_read(ID) >> 24 : apic_read(ID);
}

bool apic_in_service(unsigned vector)
{
    return usable && (apic_read(IN_SERVICE + vector / 32 * 0x10) >> vector % 32 & 1u) != 0;
}

void apic_end_of_interrupt(void)
{
    apic_write(END, 0);
}

/* The xAPIC takes one command at a time. A write to an x2APIC's register is no fence (SDM vol. 3A,
 * 10.12.3): what was stored before must be seen before the interrupt is. */
static void command(uint32_t id, uint32_t what)
{
    hal_irq_t irq = hal_irq_save();
    if (registers == NULL) {
        __asm__ volatile("mfence\n\tlfence" : : : "memory");
        asm_wrmsr(MSR_X2APIC + (COMMAND >> 4), (uint64_t)id << 32 | what);
    } else {
        for (unsigned i = 0; i < COMMAND_READS && (apic_read(COMMAND) & PENDING) != 0; i++)
            cpu_relax();
        apic_write(TARGET, id << 24);
        apic_write(COMMAND, what);
    }
    hal_irq_restore(irq);
}

void cpu_hold(uint32_t id)
{
    command(id, INIT);
}

void apic_start(uint32_t id, hal_paddr_t page)
{
    command(id, STARTUP | (uint32_t)(page / HAL_PAGE_SIZE));
}

void cpu_kick(uint32_t id)
{
    command(id, FIXED | VECTOR_KICK);
}

void cpu_strike(uint32_t id)
{
    command(id, NMI);
}
