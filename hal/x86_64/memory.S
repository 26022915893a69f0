// memcpy, memmove and memset, which the compiler calls by itself. Leaf functions that touch no
// stack, so that a fault inside them still gives a backtrace. Microsoft calling convention.
    .text

    .globl memcpy
memcpy:                     // dst rcx, src rdx, n r8
    movq %rdi, %r9
    movq %rsi, %r10
    movq %rcx, %rax
    movq %rcx, %rdi
    movq %rdx, %rsi
    movq %r8, %rcx
    rep movsb
    movq %r9, %rdi
    movq %r10, %rsi
    retq

    .globl memmove
memmove:
    movq %rcx, %rax
    subq %rdx, %rax
    cmpq %r8, %rax          // dst - src >= n, unsigned: a forward copy is safe
    jae memcpy
    movq %rdi, %r9
    movq %rsi, %r10
    movq %rcx, %rax
    leaq -1(%rcx,%r8), %rdi
    leaq -1(%rdx,%r8), %rsi
    movq %r8, %rcx
    std
    rep movsb
    cld
    movq %r9, %rdi
    movq %r10, %rsi
    retq

    .globl memset
memset:                     // dst rcx, byte edx, n r8
    movq %rdi, %r9
    movq %rcx, %r10
    movq %rcx, %rdi
    movl %edx, %eax
    movq %r8, %rcx
    rep stosb
    movq %r9, %rdi
    movq %r10, %rax
    retq
