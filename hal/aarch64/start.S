// What C cannot say of stacks and of exception levels. Arm's procedure call standard, AAPCS64.
    .text

// void cpu_call_on_stack(top x0, fn x1, arg x2)
    .globl cpu_call_on_stack
    .p2align 2
cpu_call_on_stack:
    mov sp, x0
    mov x0, x2
    mov x29, xzr                // a backtrace ends here
    mov x30, xzr
    br x1

// void control_set_trap_stack(top x0): from either stack, and on SP_EL0 afterwards
    .globl control_set_trap_stack
control_set_trap_stack:
    mov x1, sp
    msr spsel, #1
    mov sp, x0
    msr spsel, #0
    mov sp, x1
    ret

// void leave_el2_switch(sctlr x0, gic_registers w1): the MMU is on, and translates the same on both sides
    .globl leave_el2_switch
leave_el2_switch:
    msr sctlr_el1, x0
    mov x2, sp
    msr sp_el1, x2
    b leave_el2_return

// void unwind_here(struct unwind *x0): as the caller has it. x29 is registers[0].
    .globl unwind_here
unwind_here:
    stp x30, x29, [x0]          // pc, registers[0]
    str wzr, [x0, #136]         // depth
    ret
