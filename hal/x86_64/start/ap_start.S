/* hal/x86_64/start/ap_start.S: where a started CPU begins. hal/x86_64/start/ap.c copies these bytes to the page
 * below 1 MiB whose number the start-up IPI names, and fills in what stands behind ap_start_block.
 *
 * The CPU comes in real mode, CS = page / 16, IP = 0, no stack, caches off as INIT leaves them (Intel
 * SDM vol. 3A, 8.4.3 and table 9-1). It goes by way of 32-bit code to long mode, on a root of its own
 * below 4 GiB that maps this page where it lies, not writable, and the kernel's half. Then it takes a
 * ticket, which names its stack; there is no stack before that. A number that is not below the count
 * says that nobody waits for this CPU (any more): it stops for good.
 *
 * A CPU that has waited in a mailbox (ACPI 6.5, 5.2.12.19) comes at ap_start_wake, in long mode, on tables
 * of the firmware that map this page where it lies. It leaves long mode and goes the same way, for only
 * so can the number of levels of page tables change.
 */
    .section .rdata,"dr"                        /* it runs nowhere but in its copy */
    .globl ap_start_begin, ap_start_end, ap_start_block, ap_start_wake
    .balign 16
    .code16
ap_start_begin:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    xorl %ebx, %ebx
    movw %ax, %bx
    shll $4, %ebx                               /* EBX: this page */
    xorl %esi, %esi
    lgdtl (block_gdt_pointer - ap_start_begin)
    lidtl (block_idt_pointer - ap_start_begin)
    movl %cr0, %eax
    andl $0x9FFFFFFF, %eax                      /* CD and NW */
    orl $1, %eax                                /* PE */
    movl %eax, %cr0
    ljmpl *(block_to_32 - ap_start_begin)

    .code64
ap_start_wake:
    cli
    cld
    leaq ap_start_begin(%rip), %rbx
    movl $1, %esi                               /* it has waited in the mailbox */
    lgdt block_gdt_pointer(%rip)
    lidt block_idt_pointer(%rip)
    ljmpl *block_to_compatible(%rip)

    .code32
in_compatible:
    movw $0x10, %ax
    movw %ax, %ds
    movl %cr4, %eax
    andl $0xFFFDFFFF, %eax                      /* PCIDE, without which paging can end */
    movl %eax, %cr4
    movl %cr0, %eax
    andl $0x7FFFFFFF, %eax                      /* PG */
    movl %eax, %cr0
in_32:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl (block_cr4 - ap_start_begin)(%ebx), %eax
    movl %eax, %cr4
    movl (block_root - ap_start_begin)(%ebx), %eax
    movl %eax, %cr3
    movl $0xC0000080, %ecx                      /* EFER */
    movl (block_efer - ap_start_begin)(%ebx), %eax
    xorl %edx, %edx
    wrmsr
    movl %cr0, %eax
    orl $0x80010020, %eax                       /* PG, WP, NE */
    movl %eax, %cr0
    ljmpl *(block_to_64 - ap_start_begin)(%ebx)

/* What a CPU does not understand of the above must not reset the machine by a triple fault: it stops. The
 * exception's frame goes to the end of the address space (ESP is 0), where no RAM is. */
    .globl ap_start_faulted
ap_start_faulted:
    cli
    hlt
    jmp ap_start_faulted

    .code64
in_64:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movq block_mailbox(%rip), %rdi
    testq %rdi, %rdi
    jz take_ticket
    testl %esi, %esi
    jz wait_for_mail
take_ticket:
    movq block_ticket(%rip), %rax
    movl $1, %ecx
    lock xaddl %ecx, (%rax)                     /* ECX: the ticket, entry's argument */
    cmpl block_count(%rip), %ecx
    jae too_late
    movq block_stacks(%rip), %rax
    movq (%rax,%rcx,8), %rsp                    /* the end of its stack */
    subq $40, %rsp                              /* as after a call; 32 bytes are the callee's */
    jmpq *block_entry(%rip)
too_late:
    cli
    hlt
    jmp too_late

/* What firmware with a mailbox has its CPUs do, for a test on machines that have none. */
wait_for_mail:
    movl $1, %eax
    cpuid
    shrl $24, %ebx                              /* EBX: the id of the local APIC */
still_waiting:
    pause
    cmpw $1, (%rdi)                             /* a command: begin */
    jne still_waiting
    cmpl %ebx, 4(%rdi)
    jne still_waiting
    movq 8(%rdi), %rax
    movw $0, (%rdi)                             /* taken */
    jmpq *%rax

/* struct ap_block in hal/x86_64/start/ap.c. */
    .balign 8
ap_start_block:
    .8byte 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF, 0x00AF9B000000FFFF
block_gdt_pointer:                              /* 6 bytes of it in 16-bit code, 10 in 64-bit code */
    .2byte 31
    .8byte 0                                    /* this page + ap_start_block */
    .2byte 0, 0, 0
block_idt_pointer:
    .2byte 255
    .8byte 0                                    /* this page + block_idt */
    .2byte 0, 0, 0
block_to_32:
    .4byte in_32 - ap_start_begin                /* + this page */
    .4byte 0x08
block_to_compatible:
    .4byte in_compatible - ap_start_begin        /* + this page */
    .4byte 0x08
block_to_64:
    .4byte in_64 - ap_start_begin                /* + this page */
    .4byte 0x18
block_root:
    .4byte 0
block_cr4:
    .4byte 0
block_efer:
    .4byte 0
block_count:
    .4byte 0
block_ticket:
    .8byte 0                                     /* where it is counted */
block_stacks:
    .8byte 0
block_entry:
    .8byte 0
block_mailbox:
    .8byte 0                                     /* for tests; 0: none */
block_idt:                                      /* 32 gates of 8 bytes to `faulted` */
    .fill 32, 8, 0
ap_start_end:
