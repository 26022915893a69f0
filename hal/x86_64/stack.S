// What C cannot say of stacks and of the segment registers. Microsoft calling convention.
    .text

// void cpu_call_on_stack(top rcx, fn rdx, arg r8)
    .globl cpu_call_on_stack
cpu_call_on_stack:
    movq %rcx, %rsp
    xorl %ebp, %ebp
    subq $32, %rsp
    movq %r8, %rcx
    pushq $0                // no return address: the backtrace ends here
    jmpq *%rdx

// void control_load_five_levels(root ecx): paging goes off and on again, which takes 32-bit code. All that
// is used lies below 4 GiB at its physical address; upper halves of registers do not survive.
    .globl control_load_five_levels
control_load_five_levels:
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

// void descriptors_load_tables(gdt rcx, idt rdx): GDT, all selectors, TSS (selector 0x18), IDT
    .globl descriptors_load_tables
descriptors_load_tables:
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

// void unwind_here(struct unwind *rcx): the registers that calls preserve, as the caller has them.
    .globl unwind_here
unwind_here:
    movq (%rsp), %rax
    leaq 8(%rsp), %rdx
    movq %rax, (%rcx)       // pc
    movq %rbx, 32(%rcx)
    movq %rdx, 40(%rcx)     // rsp
    movq %rbp, 48(%rcx)
    movq %rsi, 56(%rcx)
    movq %rdi, 64(%rcx)
    movq %r12, 104(%rcx)
    movq %r13, 112(%rcx)
    movq %r14, 120(%rcx)
    movq %r15, 128(%rcx)
    movl $0, 136(%rcx)      // depth
    retq
