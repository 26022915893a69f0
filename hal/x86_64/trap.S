// Entry points of all 256 vectors, and the place where an expected trap ends. Microsoft calling
// convention.
#include "hal/x86_64/vectors.h"
    .text

// 256 stubs, whose addresses vector_stub() computes: .org refuses one that would not fit before its place.
// A stub pushes its vector as a signed byte and jumps to the end of its group, near enough for a short
// jump, and from there to one of two places: vectors 8, 10-14, 17, 21, 29 and 30 come with an error code;
// the others get a zero so that the frame is always the same.
    .macro stub vector
    .if \vector < 128
    pushq $\vector
    .else
    pushq $(\vector - 256)
    .endif
    .if (\vector == 8) || ((\vector >= 10) && (\vector <= 14)) || (\vector == 17) || (\vector == 21) || (\vector == 29) || (\vector == 30)
    jmp 2f
    .else
    jmp 1f
    .endif
    .endm

    .globl trap_stubs
    .balign 16
trap_stubs:
    .set vector, 0
    .rept 8
    .rept 32
    .org trap_stubs + vector / 32 * VECTOR_GROUP + vector % 32 * VECTOR_STUB
    stub vector
    .set vector, vector + 1
    .endr
1:  jmp trap_without_error
2:  jmp trap_common
    .endr
    .org trap_stubs + 8 * VECTOR_GROUP

trap_without_error:
    pushq (%rsp)
    movq $0, 8(%rsp)

trap_common:
    pushq %r15
    pushq %r14
    pushq %r13
    pushq %r12
    pushq %r11
    pushq %r10
    pushq %r9
    pushq %r8
    pushq %rbp
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rbx
    pushq %rax
    cld
    andq $0xFF, 120(%rsp)   // the vector, which was pushed with its sign
    movq %rsp, %rcx
    movq %rsp, %rbx
    subq $32, %rsp
    andq $-16, %rsp
    callq trap_handle
    movq %rbx, %rsp
    popq %rax
    popq %rbx
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    popq %rbp
    popq %r8
    popq %r9
    popq %r10
    popq %r11
    popq %r12
    popq %r13
    popq %r14
    popq %r15
    addq $16, %rsp
    iretq

// bool trap_try(fn rcx, arg rdx): the flags are put back too, for a trap leaves those of its own.
    .globl trap_try
trap_try:
    .seh_proc trap_try      // for unwind.c
    pushq %rbp
    .seh_pushreg %rbp
    pushq %rbx
    .seh_pushreg %rbx
    pushq %rsi
    .seh_pushreg %rsi
    pushq %rdi
    .seh_pushreg %rdi
    pushq %r12
    .seh_pushreg %r12
    pushq %r13
    .seh_pushreg %r13
    pushq %r14
    .seh_pushreg %r14
    pushq %r15
    .seh_pushreg %r15
    pushfq
    .seh_stackalloc 8
    subq $32, %rsp
    .seh_stackalloc 32
    .seh_endprologue
    movq %rsp, %gs:8        // try_stack of struct percpu
    movq %rcx, %rax
    movq %rdx, %rcx
    callq *%rax
    movl $1, %eax
    jmp try_leave
    .globl trap_try_failed
trap_try_failed:
    xorl %eax, %eax
try_leave:
    movq $0, %gs:8
    addq $32, %rsp
    popfq
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rdi
    popq %rsi
    popq %rbx
    popq %rbp
    retq
    .seh_endproc
