#include "hal/aarch64/psci.h"

#define NOT_SUPPORTED (-1)

int64_t psci_hvc(uint64_t function, uint64_t a, uint64_t b, uint64_t c); /* call.S */
int64_t psci_smc(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

static enum psci_way way;

void psci_use(enum psci_way w)
{
    way = w;
}

bool psci_usable(void)
{
    return way != PSCI_NONE;
}

/* Answers have 32 bits for functions of 32 bits (SMC Calling Convention, 2.5). */
int64_t psci_call(uint32_t function, uint64_t a, uint64_t b, uint64_t c)
{
    if (way == PSCI_NONE)
        return NOT_SUPPORTED;
    int64_t answer = way == PSCI_HVC ? psci_hvc(function, a, b, c) : psci_smc(function, a, b, c);
    return (int32_t)answer;
}
