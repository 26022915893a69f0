/* The two controllers that raise interrupts on a PC: the pair of 8259 and the local APIC (Intel SDM
 * vol. 3A, 10.4 and 10.5; x2APIC 10.12). */
#include "hal/cpu.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/features.h"
#include "hal/x86_64/trap.h"

#define MSR_APIC_BASE 0x1Bu
#define MSR_X2APIC    0x800u
#define APIC_X2_ON    ((uint64_t)1 << 10)
#define APIC_ON       ((uint64_t)1 << 11)

#define PIC_MASK_1 0x21u
#define PIC_MASK_2 0xA1u

enum { VERSION = 0x30, SPURIOUS = 0xF0 };

paddr_t cpu_interrupt_registers(void)
{
    if (!features.apic)
        return 0;
    uint64_t value = asm_rdmsr(MSR_APIC_BASE);
    if ((value & APIC_ON) == 0 || (value & APIC_X2_ON) != 0)
        return 0;
    return value & (((uint64_t)1 << features.phys_bits) - 1) & ~(PAGE_SIZE - 1);
}

/* `apic` NULL: by MSR, as an x2APIC wants. */
static uint32_t apic_read(volatile uint32_t *apic, uint32_t reg)
{
    return apic != NULL ? apic[reg / 4] : (uint32_t)asm_rdmsr(MSR_X2APIC + (reg >> 4));
}

static void apic_write(volatile uint32_t *apic, uint32_t reg, uint32_t value)
{
    if (apic != NULL)
        apic[reg / 4] = value;
    else
        asm_wrmsr(MSR_X2APIC + (reg >> 4), value);
}

/* NMI, SMI and ExtINT entries are the firmware's business. */
static void mask_local_vectors(volatile uint32_t *apic)
{
    static const uint16_t lvt[] = {0x320, 0x350, 0x360, 0x370, 0x340, 0x330, 0x2F0};
    uint32_t entries = (apic_read(apic, VERSION) >> 16 & 0xFFu) + 1;
    for (uint32_t i = 0; i < ARRAY_LEN(lvt) && i < entries; i++) {
        uint32_t value = apic_read(apic, lvt[i]);
        if ((value >> 8 & 7u) == 0) /* fixed delivery */
            apic_write(apic, lvt[i], value | 1u << 16);
    }
    apic_write(apic, SPURIOUS, 0x100u | VECTOR_SPURIOUS_APIC); /* on */
}

void cpu_mask_interrupts(volatile void *registers)
{
    asm_out8(PIC_MASK_1, 0xFF);
    asm_out8(PIC_MASK_2, 0xFF);
    bool x2 = features.apic &&
              (asm_rdmsr(MSR_APIC_BASE) & (APIC_ON | APIC_X2_ON)) == (APIC_ON | APIC_X2_ON);
    if (registers != NULL || x2)
        mask_local_vectors(registers);
}
