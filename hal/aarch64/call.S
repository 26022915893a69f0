// Calls of what runs beneath, at EL2 or EL3: arguments and answer are in the same registers as those of a
// function, and what a call may change is what the other side may (SMC Calling Convention 1.2, 2.6).
    .text
    .globl psci_hvc
    .p2align 2
psci_hvc:
    hvc #0
    ret
    .globl psci_smc
psci_smc:
    smc #0
    ret

// void semihosting(operation w0, block x1)
    .globl semihosting
semihosting:
    hlt #0xf000
    ret
