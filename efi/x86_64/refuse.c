/* Guests whose memory is encrypted. In such a guest every page-table entry says whether the host can read
 * the page, and CPUID and ports raise an exception that the guest has to handle. Mortise can do neither. */
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

/* The CPU of a host can encrypt as well. Only the register says that this is such a guest. */
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
