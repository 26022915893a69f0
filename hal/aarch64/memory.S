// memcpy, memmove and memset, which the compiler calls by itself. Leaf functions that touch no stack, so
// that a fault inside them still gives a backtrace (unwind.c). Memory that is mapped uncached is not theirs.
    .text
    .p2align 4
    .globl memory_begin, memory_end
memory_begin:

    .globl memcpy
memcpy:                         // dst x0, src x1, n x2
    mov x3, x0
1:  subs x2, x2, #16
    b.lo 2f
    ldp x4, x5, [x1], #16
    stp x4, x5, [x3], #16
    b 1b
2:  adds x2, x2, #16
    b.eq 4f
3:  ldrb w4, [x1], #1
    strb w4, [x3], #1
    subs x2, x2, #1
    b.ne 3b
4:  ret

    .globl memmove
memmove:
    sub x3, x0, x1
    cmp x3, x2                  // dst - src >= n, unsigned: a forward copy is safe
    b.hs memcpy
    add x1, x1, x2
    add x3, x0, x2
1:  subs x2, x2, #16
    b.lo 2f
    ldp x4, x5, [x1, #-16]!
    stp x4, x5, [x3, #-16]!
    b 1b
2:  adds x2, x2, #16
    b.eq 4f
3:  ldrb w4, [x1, #-1]!
    strb w4, [x3, #-1]!
    subs x2, x2, #1
    b.ne 3b
4:  ret

    .globl memset
memset:                         // dst x0, byte w1, n x2
    and x4, x1, #0xff
    mov x5, #0x0101010101010101
    mul x4, x4, x5
    mov x3, x0
1:  subs x2, x2, #64
    b.lo 2f
    stp x4, x4, [x3], #16
    stp x4, x4, [x3], #16
    stp x4, x4, [x3], #16
    stp x4, x4, [x3], #16
    b 1b
2:  adds x2, x2, #64
    b.eq 4f
3:  strb w4, [x3], #1
    subs x2, x2, #1
    b.ne 3b
4:  ret
memory_end:
