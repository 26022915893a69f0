// The sixteen vectors (Arm ARM D1.3.1), and the place where an expected trap ends. AAPCS64.
    .text

    .macro vector number
    .p2align 7
    sub sp, sp, #320
    stp x0, x1, [sp]
    mov x0, #\number
    b trap_common
    .endm

    .globl trap_vectors
    .p2align 11
trap_vectors:
    .set number, 0
    .rept 16
    vector number
    .set number, number + 1
    .endr

    .p2align 7
trap_common:
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x19, [sp, #144]
    stp x20, x21, [sp, #160]
    stp x22, x23, [sp, #176]
    stp x24, x25, [sp, #192]
    stp x26, x27, [sp, #208]
    stp x28, x29, [sp, #224]
    mrs x1, sp_el0
    add x2, sp, #320
    cmp x0, #4                      // the first group: interrupted on SP_EL0
    csel x1, x1, x2, lo
    stp x30, x1, [sp, #240]
    mrs x2, elr_el1
    mrs x3, spsr_el1
    stp x2, x3, [sp, #256]
    mrs x3, esr_el1
    mrs x4, far_el1
    stp x3, x4, [sp, #272]
    stp x0, xzr, [sp, #288]
    stp x29, x2, [sp, #304]
    add x29, sp, #304               // a backtrace goes on with what was interrupted
    mov x0, sp
    bl trap_handle
    ldr x0, [sp, #288]
    ldp x2, x3, [sp, #256]
    msr elr_el1, x2
    msr spsr_el1, x3
    cmp x0, #4
    b.hs 1f
    ldr x1, [sp, #248]
    msr sp_el0, x1
1:  ldp x2, x3, [sp, #16]
    ldp x4, x5, [sp, #32]
    ldp x6, x7, [sp, #48]
    ldp x8, x9, [sp, #64]
    ldp x10, x11, [sp, #80]
    ldp x12, x13, [sp, #96]
    ldp x14, x15, [sp, #112]
    ldp x16, x17, [sp, #128]
    ldp x18, x19, [sp, #144]
    ldp x20, x21, [sp, #160]
    ldp x22, x23, [sp, #176]
    ldp x24, x25, [sp, #192]
    ldp x26, x27, [sp, #208]
    ldp x28, x29, [sp, #224]
    ldr x30, [sp, #240]
    ldp x0, x1, [sp]
    add sp, sp, #320
    eret

// bool trap_try(fn x0, arg x1): the interrupt masks are put back too, for a trap leaves those of its own.
    .globl trap_try
    .p2align 2
trap_try:
    stp x29, x30, [sp, #-112]!
    mov x29, sp
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    mrs x2, daif
    mrs x3, tpidr_el1
    str x2, [sp, #96]
    mov x4, sp
    str x4, [x3, #8]                // try_stack of struct percpu
    mov x2, x0
    mov x0, x1
    blr x2
    mov w0, #1
    b try_leave
    .globl trap_try_failed
trap_try_failed:
    mov w0, #0
try_leave:
    mrs x3, tpidr_el1
    str xzr, [x3, #8]
    ldr x2, [sp, #96]
    msr daif, x2
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp x29, x30, [sp], #112
    ret
