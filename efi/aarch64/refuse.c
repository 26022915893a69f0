/* What the kernel takes over from the firmware, or builds on, must be of a kind that it knows. */
#include "efi/arch/refuse.h"
#include "hal/aarch64/registers.h"

#define TCR_GRANULE ((uint64_t)3 << 14) /* TG0; 0: 4 KiB */
#define HCR_E2H     ((uint64_t)1 << 34)
#define MAIR_KERNEL 0xFFFFFF0000000000u /* bytes 5 to 7 (mm/format_aarch64.h) */

const char *refuse_machine(void)
{
    bool el2 = is_el2();
    uint64_t tcr = el2 ? read_tcr_el2() : read_tcr();
    uint64_t mair = el2 ? read_mair_el2() : read_mair();
    if ((read_mmfr0() >> 28 & 15u) == 15)
        return "this CPU has no page tables with pages of 4 KiB, and Mortise knows no others.";
    if (el2 && (read_hcr_el2() & HCR_E2H) != 0)
        return "the firmware runs with the virtualization host extensions switched on "
               "(HCR_EL2.E2H), which Mortise cannot leave.";
    if ((tcr & TCR_GRANULE) != 0)
        return "the firmware's page tables are not of pages of 4 KiB; Mortise cannot take over "
               "from "
               "them.";
    if ((mair & MAIR_KERNEL) != 0)
        return "the firmware uses memory types in places (bytes 5 to 7 of MAIR) where Mortise "
               "puts its own.";
    return NULL;
}
