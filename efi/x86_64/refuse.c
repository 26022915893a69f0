/* Guests whose memory is encrypted. The page tables of such a guest say of each page whether the host can
 * read it, and what the host emulates (CPUID, ports) ends in an exception that only the firmware's
 * handler understands; Mortise's tables and handlers do neither. */
#include "efi/arch/refuse.h"
#include "hal/base.h"
#include "hal/x86_64/asm.h"

#define SEV_LEAF   0x8000001fu /* AMD APM vol. 3, E.4.17 */
#define SEV_CAN    2u          /* of EAX */
#define SEV_STATUS 0xc0010131u /* AMD APM vol. 2, 15.34.10 */
#define SEV_ON     1u

#define TDX_LEAF 0x21u /* Intel TDX module specification: EBX, EDX, ECX spell "IntelTDX    " */

static bool has_leaf(uint32_t leaf)
{
    return asm_cpuid(leaf & 0x80000000u, 0).eax >= leaf;
}

/* A host's CPU can do it, too: only the register says that this is a guest in it. */
static bool is_sev_guest(void)
{
    return has_leaf(SEV_LEAF) && (asm_cpuid(SEV_LEAF, 0).eax & SEV_CAN) != 0 &&
           (asm_rdmsr(SEV_STATUS) & SEV_ON) != 0;
}

static bool is_tdx_guest(void)
{
    if (!has_leaf(TDX_LEAF))
        return false;
    struct cpuid r = asm_cpuid(TDX_LEAF, 0);
    return r.ebx == 0x65746e49 && r.edx == 0x5844546c && r.ecx == 0x20202020;
}

const char *refuse_machine(void)
{
    if (is_sev_guest())
        return "this virtual machine has encrypted memory (AMD SEV), which Mortise cannot map. "
               "Start it "
               "in a virtual machine without SEV.";
    if (is_tdx_guest())
        return "this virtual machine has encrypted memory (Intel TDX), which Mortise cannot map. "
               "Start "
               "it in a virtual machine without TDX.";
    return NULL;
}
