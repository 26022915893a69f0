#include "hal/x86_64/mtrr.h"
#include "hal/hal.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/features.h"

#define MSR_CAPABILITY 0xFEu
#define MSR_DEFAULT    0x2FFu
#define MSR_VARIABLE   0x200u /* base and mask in turn */
#define VARIABLE_MAX   64u    /* registers; CPUs have 16 to 40 */

#define CAPABILITY_FIXED (1u << 8)
#define DEFAULT_ON       ((uint64_t)1 << 11)
#define CR0_CD           ((uint64_t)1 << 30)

static const uint32_t fixed[] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26A,
                                 0x26B, 0x26C, 0x26D, 0x26E, 0x26F};

static struct {
    uint64_t type; /* MSR_DEFAULT */
    uint64_t variable[VARIABLE_MAX];
    uint64_t fixed[ARRAY_LEN(fixed)];
    uint32_t variables, fixeds; /* 0: not saved, or none */
} saved;

void mtrr_save(void)
{
    if (!features.mtrr)
        return;
    uint64_t capability = asm_rdmsr(MSR_CAPABILITY);
    saved.variables = (uint32_t)min_u64(2 * (capability & 0xFFu), VARIABLE_MAX);
    saved.fixeds = (capability & CAPABILITY_FIXED) != 0 ? ARRAY_LEN(fixed) : 0;
    saved.type = asm_rdmsr(MSR_DEFAULT);
    for (uint32_t i = 0; i < saved.variables; i++)
        saved.variable[i] = asm_rdmsr(MSR_VARIABLE + i);
    for (uint32_t i = 0; i < saved.fixeds; i++)
        saved.fixed[i] = asm_rdmsr(fixed[i]);
}

static bool differs(void)
{
    bool other = asm_rdmsr(MSR_DEFAULT) != saved.type;
    for (uint32_t i = 0; i < saved.variables; i++)
        other |= asm_rdmsr(MSR_VARIABLE + i) != saved.variable[i];
    for (uint32_t i = 0; i < saved.fixeds; i++)
        other |= asm_rdmsr(fixed[i]) != saved.fixed[i];
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
    asm_wrmsr(MSR_DEFAULT, saved.type & ~DEFAULT_ON);
    for (uint32_t i = 0; i < saved.variables; i++)
        asm_wrmsr(MSR_VARIABLE + i, saved.variable[i]);
    for (uint32_t i = 0; i < saved.fixeds; i++)
        asm_wrmsr(fixed[i], saved.fixed[i]);
    asm_wrmsr(MSR_DEFAULT, saved.type);
    __asm__ volatile("wbinvd" : : : "memory");
    hal_tlb_flush_all();
    asm_write_cr0(cr0);
}
