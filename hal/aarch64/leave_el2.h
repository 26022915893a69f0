/* hal/aarch64/leave_el2.h: from EL2, where many firmwares start a program, to EL1, where this kernel runs. */
#ifndef HAL_AARCH64_LEAVE_EL2_H
#define HAL_AARCH64_LEAVE_EL2_H

#include "hal/base.h"

/* Go on at EL1 with what the tables translate that are loaded at EL2: addresses, memory types and rights
 * stay. The tables are edited in place: entries of the EL1&0 regime have a bit for EL0 where those of EL2
 * have a constant 1 (AP[1], Arm ARM D8.4), and a page that EL0 may write is never executable at EL1. They
 * are the firmware's, and their memory is free once it is left: so only after ExitBootServices. Without
 * VHE (HCR_EL2.E2H is 0), granule 4 KiB. O(tables). */
void leave_el2(void);

#endif
