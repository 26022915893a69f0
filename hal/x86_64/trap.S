// Entry points of all 256 vectors, the stack switch, and cpu_try. Microsoft calling convention.
    .text

// 256 stubs of 4 bytes each, in 8 groups of 144 bytes: cpu.c computes their addresses. A stub pushes
// its vector as a signed byte and jumps to the end of its group, near enough for a short jump, and
// from there to one of two places: vectors 8, 10-14, 17, 21, 29 and 30 come with an error code; the
// others get a zero so that the frame is always the same.
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
    .balign 16
    .rept 32
    stub vector
    .set vector, vector + 1
    .endr
1:  jmp trap_without_error
2:  jmp trap_common
    .endr
    .balign 16

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

// void cpu_call_on_stack(top rcx, fn rdx, arg r8)
    .globl cpu_call_on_stack
cpu_call_on_stack:
    movq %rcx, %rsp
    xorl %ebp, %ebp
    subq $32, %rsp
    movq %r8, %rcx
    pushq $0                // no return address: the backtrace ends here
    jmpq *%rdx

// void cpu_load_five_levels(root ecx): paging goes off and on again, which takes 32-bit code. All that
// is used lies below 4 GiB at its physical address; upper halves of registers do not survive.
    .globl cpu_load_five_levels
cpu_load_five_levels:
    pushq %rbx
    pushq %rbp
    pushq %rdi
    pushq %rsi
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    leaq 2f(%rip), %rdx
    leaq 1f(%rip), %rax
    pushq $0x28             // 32-bit code
    pushq %rax
    lretq
    .code32
1:  movl %cr0, %eax
    andl $0x7FFFFFFF, %eax
    movl %eax, %cr0
    movl %cr4, %ebx
    orl $0x1000, %ebx       // LA57
    movl %ebx, %cr4
    movl %ecx, %cr3
    orl $0x80000000, %eax
    movl %eax, %cr0
    pushl $0x08
    pushl %edx
    lretl
    .code64
2:  movl %esp, %esp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rsi
    popq %rdi
    popq %rbp
    popq %rbx
    retq

// bool cpu_try(fn rcx, arg rdx)
    .globl cpu_try
cpu_try:
    pushq %rbp
    pushq %rbx
    pushq %rsi
    pushq %rdi
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $40, %rsp
    movq %rsp, cpu_try_stack(%rip)
    movq %rcx, %rax
    movq %rdx, %rcx
    callq *%rax
    movl $1, %eax
    jmp try_leave
    .globl cpu_try_failed
cpu_try_failed:
    xorl %eax, %eax
try_leave:
    movq $0, cpu_try_stack(%rip)
    addq $40, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rdi
    popq %rsi
    popq %rbx
    popq %rbp
    retq

// void cpu_load_tables(gdt rcx, idt rdx): GDT, all selectors, TSS (selector 0x18), IDT
    .globl cpu_load_tables
cpu_load_tables:
    lgdtq (%rcx)
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    lldtw %ax
    leaq 1f(%rip), %rax
    pushq $0x08
    pushq %rax
    lretq
1:  movl $0x18, %eax
    ltrw %ax
    lidtq (%rdx)
    retq
