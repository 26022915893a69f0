/* hal/aarch64/psci.h: the firmware that goes on running beneath (Arm DEN 0022, "Power State Coordination
 * Interface" 1.1), reached by the instruction that machine_use() was told. */
#ifndef HAL_AARCH64_PSCI_H
#define HAL_AARCH64_PSCI_H

#include "hal/base.h"

#define PSCI_OFF    0x84000008u
#define PSCI_RESET  0x84000009u
#define PSCI_CPU_ON 0xC4000003u

enum psci_way { PSCI_NONE, PSCI_HVC, PSCI_SMC };
void psci_use(enum psci_way);
bool psci_usable(void);

/* The answer, 0 for success; -1 (not supported) where there is no PSCI. */
int64_t psci_call(uint32_t function, uint64_t a, uint64_t b, uint64_t c);

#endif
