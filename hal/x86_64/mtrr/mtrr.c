#include "hal/x86_64/mtrr/mtrr.h"
#include "hal/cpu.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/control.h"
#include "hal/x86_64/features.h"

#define MSR_CAPABILITY 0xFEu
#define MSR_DEFAULT    0x2FFu
#define MSR_VARIABLE   0x200u
#define MSR_SYSCFG     0xC0010010u /* AMD */
#define MSR_TOM2       0xC001001Du

#define CAPABILITY_FIXED   (1u << 8)
#define SYSCFG_TOM2_ON     ((uint64_t)1 << 21)
#define SYSCFG_TOM2_CACHED ((uint64_t)1 << 22)
#define CR0_CD             ((uint64_t)1 << 30)

static const uint32_t fixed[MTRR_FIXEDS] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26A,
                                            0x26B, 0x26C, 0x26D, 0x26E, 0x26F};

static struct mtrr saved;

static void read_registers(struct mtrr *m)
{
    *m = (struct mtrr){.type = 0};
    if (!features.mtrr)
        return;
    uint64_t capability = asm_rdmsr(MSR_CAPABILITY);
    m->variables = (uint32_t)hal_min_u64(2 * (capability & 0xFFu), MTRR_VARIABLES);
    m->fixeds = (capability & CAPABILITY_FIXED) != 0 ? MTRR_FIXEDS : 0;
    m->type = asm_rdmsr(MSR_DEFAULT);
    for (uint32_t i = 0; i < m->variables; i++)
        m->variable[i] = asm_rdmsr(MSR_VARIABLE + i);
    for (uint32_t i = 0; i < m->fixeds; i++)
        m->fixed[i] = asm_rdmsr(fixed[i]);
}

/* RAM above 4 GiB is write-back by this on AMD's machines; no variable register says so there. */
static void read_amd(void *mtrr)
{
    const uint64_t both = SYSCFG_TOM2_ON | SYSCFG_TOM2_CACHED;
    struct mtrr *m = mtrr;
    if ((asm_rdmsr(MSR_SYSCFG) & both) == both)
        m->write_back_end = asm_rdmsr(MSR_TOM2);
}

/* Every CPU of AMD has these registers (APM vol. 2, 7.9.1), but not every emulator of one: then the
 * read is a trap. */
void mtrr_read(struct mtrr *m)
{
    read_registers(m);
    if (features.maker[0] != 'A' && features.maker[0] != 'H') /* AuthenticAMD, HygonGenuine */
        return;
    if (control_is_owned())
        (void)cpu_try(read_amd, m);
    else if (!features.virtual)
        read_amd(m);
}

void mtrr_save(void)
{
    read_registers(&saved);
}

static bool differs(void)
{
    struct mtrr here;
    read_registers(&here);
    bool other = here.type != saved.type;
    for (uint32_t i = 0; i < saved.variables; i++)
        other |= here.variable[i] != saved.variable[i];
    for (uint32_t i = 0; i < saved.fixeds; i++)
        other |= here.fixed[i] != saved.fixed[i];
    return other;
}

/* SDM vol. 3A, 11.11.8: caches off and empty, TLB empty, registers off, written, and back. */
void mtrr_restore(void)
{
    if (!features.mtrr || !differs())
        return;
    uint64_t cr0 = asm_read_cr0();
    asm_write_cr0(cr0 | CR0_CD);
    __asm__ volatile("wbinvd" : : : "memory");
    hal_tlb_flush_all();
    asm_wrmsr(MSR_DEFAULT, saved.type & ~MTRR_ON);
    for (uint32_t i = 0; i < saved.variables; i++)
        asm_wrmsr(MSR_VARIABLE + i, saved.variable[i]);
    for (uint32_t i = 0; i < saved.fixeds; i++)
        asm_wrmsr(fixed[i], saved.fixed[i]);
    asm_wrmsr(MSR_DEFAULT, saved.type);
    __asm__ volatile("wbinvd" : : : "memory");
    hal_tlb_flush_all();
    asm_write_cr0(cr0);
}
