/* hal/aarch64/features.h: what the ID registers say that this port goes by (Arm ARM D17.2). */
#ifndef HAL_AARCH64_FEATURES_H
#define HAL_AARCH64_FEATURES_H

#include "hal/base.h"

/* All false and 0 before cpu_detect(). */
struct features {
    unsigned phys_bits;     /* physical address width, 32 to 48 */
    unsigned phys_range;    /* the same as TCR_EL1.IPS wants it */
    bool break_before_make; /* FEAT_BBM level 2 is not there */
    bool random;            /* FEAT_RNG: the CPU gives random numbers */
    bool gic_registers;     /* the GIC's CPU interface is in system registers (GICv3) */
};
extern struct features features;

#endif
