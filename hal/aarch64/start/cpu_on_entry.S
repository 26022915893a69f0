// Where a CPU begins that PSCI starts: x0 is the physical address of struct block (cpu_on.c), the MMU and
// the caches are off, everything is masked. It goes to EL1, to the tables of the block, which map this page
// where it lies, and takes a ticket, which names its stack. A number that is not below the count says that
// nobody waits for this CPU (any more): it stops for good. All of this lies in one page.
    .text
    .globl cpu_on_entry, cpu_on_end
    .p2align 11
cpu_on_entry:
    adr x3, cpu_on_entry
    ldp x10, x11, [x0]          // root, TCR
    ldp x12, x13, [x0, #16]     // MAIR, SCTLR
    ldp x14, x15, [x0, #32]     // counter offset, ticket
    ldp x16, x17, [x0, #48]     // count, stacks
    ldp x19, x1, [x0, #64]      // entry, GIC registers
    ldr x20, [x0, #80]          // broken
    mrs x4, CurrentEL
    cmp x4, #8
    b.ne 1f
    msr cntvoff_el2, x14
    movz x4, #0x30d0, lsl #16   // SCTLR_EL1: the bits that are 1; MMU and caches off
    movk x4, #0x0800
    msr sctlr_el1, x4
    adr x30, 1f
    b leave_el2_return
1:  msr vbar_el1, x3            // a trap stops this CPU, below
    isb
    cbnz x20, broken
    msr mair_el1, x12
    msr tcr_el1, x11
    msr ttbr0_el1, x10
    add x10, x10, #2048
    msr ttbr1_el1, x10
    isb
    tlbi vmalle1
    ic iallu
    dsb nsh
    isb
    msr sctlr_el1, x13
    isb
2:  ldaxr w0, [x15]             // the ticket, entry's argument
    add w1, w0, #1
    stlxr w2, w1, [x15]
    cbnz w2, 2b
    cmp w0, w16
    b.hs stopped
    ldr x1, [x17, w0, uxtw #3]
    msr sp_el0, x1
    mov x29, xzr
    mov x30, xzr
    msr spsel, #0
    br x19
broken:
    udf #0

// From EL2 to EL1, back to x30, with SCTLR_EL1 and all that translates as it is set; SP_EL1 is in use. w1: the
// GIC's CPU interface is in registers. CNTVOFF_EL2 stays as it is. Clobbers x2.
    .globl leave_el2_return
leave_el2_return:
    dsb sy
    mov x2, #(1 << 31)          // HCR_EL2.RW: EL1 is AArch64; nothing is trapped, no stage 2
    msr hcr_el2, x2
    isb
    mov x2, #3                  // CNTHCTL_EL2: EL1 may read the counters
    msr cnthctl_el2, x2
    mov x2, #0x33ff             // CPTR_EL2: the bits that are 1; nothing that is used is trapped
    msr cptr_el2, x2
    msr hstr_el2, xzr
    msr vttbr_el2, xzr
    mrs x2, midr_el1
    msr vpidr_el2, x2
    mrs x2, mpidr_el1
    msr vmpidr_el2, x2
    cbz w1, 3f
    mrs x2, s3_4_c12_c9_5       // ICC_SRE_EL2: system registers, at EL1 too
    orr x2, x2, #8
    orr x2, x2, #1
    msr s3_4_c12_c9_5, x2
    isb
    msr s3_4_c12_c11_0, xzr     // ICH_HCR_EL2: no virtual interrupts
3:  tlbi alle1
    dsb sy
    isb
    mov x2, #0x3c5              // EL1, SP_EL1, all masked
    msr spsr_el2, x2
    msr elr_el2, x30
    eret

// The vector of a trap on SP_EL1, from where this begins.
    .org cpu_on_entry + 0x200
stopped:
    msr daifset, #15
    wfi
    b stopped
    .org cpu_on_entry + 0x400
cpu_on_end:
