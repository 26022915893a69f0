// The stubs that stand in for boot services once the image has tried to exit: a call out of the image is
// refused, any other goes on to the service. They keep every register but x9 to x11, which a callee may
// change (AAPCS64, 6.1.1).
    .text

    .p2align 4
    .globl strict_stubs
strict_stubs:
    .set number, 0
    .rept 64
    .p2align 4
    mov w11, #number
    b strict_common
    .set number, number + 1
    .endr

    .p2align 4
strict_common:
    adrp x9, strict_base
    ldr x9, [x9, :lo12:strict_base]
    adrp x10, strict_size
    ldr x10, [x10, :lo12:strict_size]
    sub x9, x30, x9
    cmp x9, x10
    b.lo refuse
    adrp x9, strict_real
    add x9, x9, :lo12:strict_real
    ldr x9, [x9, x11, lsl #3]
    br x9
refuse:
    mov x0, x11
    mov x1, x30
    b strict_refuse
