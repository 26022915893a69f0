/* hal/x86_64/features.h: what CPUID says that this port goes by (Intel SDM vol. 2A, CPUID). */
#ifndef HAL_X86_64_FEATURES_H
#define HAL_X86_64_FEATURES_H

#include "hal/base.h"

/* All false and 0 before cpu_detect(). */
struct features {
    bool nx;            /* page table entries may forbid execution */
    bool pages_1g;      /* 1 GiB pages */
    bool pat;           /* the page attribute table exists */
    bool global_pages;  /* CR4.PGE exists */
    bool apic;          /* a local APIC exists */
    bool x2apic;        /* and it knows 32-bit ids */
    bool mtrr;          /* memory type range registers exist */
    bool rdrand;        /* the CPU gives random numbers */
    bool virtual;       /* a hypervisor says that it is there */
    bool five_levels;   /* CR4.LA57 exists */
    bool la57;          /* five levels are on: found so in CR4, or by cpu_use_five_levels() */
    unsigned phys_bits; /* physical address width, 32 to 52 */
    char maker[13];
};
extern struct features features;

#endif
