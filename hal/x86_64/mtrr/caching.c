#include "hal/cpu.h"
#include "hal/short.h"
#include "hal/x86_64/features.h"
#include "hal/x86_64/mtrr/mtrr_type.h"

struct cpu_caching cpu_caching(hal_paddr_t at, hal_paddr_t *until)
{
    static const char *const names[] = {
        [MTRR_UC] = "uncached",        [MTRR_WC] = "write-combining", [MTRR_WT] = "write-through",
        [MTRR_WP] = "write-protected", [MTRR_WB] = "write-back",
    };
    struct mtrr m;
    mtrr_read(&m);
    uint32_t type = mtrr_type(&m, at, until);
    if (!features.mtrr) {
        *until = UINT64_MAX;
        type = MTRR_WB;
    }
    bool known = type < ARRAY_LEN(names) && names[type] != NULL;
    return (struct cpu_caching){known ? names[type] : "of no defined type", type == MTRR_WB};
}
