// The stubs that stand in for boot services once the image has tried to exit: a call out of the
// image is refused, any other goes on to the service. They keep every register but rax and r10,
// which the calling convention lets a callee change.
    .text

    .p2align 4
    .globl strict_stubs
strict_stubs:
    .set number, 0
    .rept 64
    .p2align 4
    movl $number, %r10d
    jmp strict_common
    .set number, number + 1
    .endr

    .p2align 4
strict_common:
    movq (%rsp), %rax
    subq strict_base(%rip), %rax
    cmpq strict_size(%rip), %rax
    jb refuse
    leaq strict_real(%rip), %rax
    jmpq *(%rax,%r10,8)
refuse:
    movq %r10, %rcx
    movq (%rsp), %rdx
    jmp strict_refuse
