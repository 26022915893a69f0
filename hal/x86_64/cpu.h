/* hal/x86_64/cpu.h: taking the CPU from the firmware: features, descriptor tables, traps, stacks.
 *
 * Order of use: cpu_detect, cpu_own (now an exception ends in trap_handle; again when the image has
 * moved, for the tables hold addresses), cpu_call_on_stack, and once own page tables are loaded
 * cpu_set_memory_types. Interrupts stay disabled throughout; one CPU, the one that booted. O(1)
 * unless told.
 */
#ifndef HAL_X86_64_CPU_H
#define HAL_X86_64_CPU_H

#include "hal/base.h"

struct cpu_features {
    bool nx;            /* page table entries may forbid execution */
    bool pages_1g;      /* 1 GiB pages */
    bool pat;           /* the page attribute table exists */
    bool global_pages;  /* CR4.PGE exists */
    bool apic;          /* a local APIC exists */
    bool rdrand;        /* the CPU gives random numbers */
    bool la57;          /* five levels are on: found so in CR4, or cpu_use_five_levels() */
    unsigned phys_bits; /* physical address width, 32 to 52 */
    char vendor[13];
};

/* All false and 0 before cpu_detect(), which asks CPUID (Intel SDM vol. 2A) and CR4 and changes
 * nothing. */
extern struct cpu_features cpu;
void cpu_detect(void);

/* What the control registers hold: on the firmware's tables, its own protections. */
struct cpu_control {
    uint64_t cr0, cr3, cr4, efer;
};
struct cpu_control cpu_control(void);

/* Load own GDT, TSS and IDT, set CR0 and CR4 from scratch (but LA57) and EFER's NXE and SCE: write
 * protection on, NX on where it exists, nothing else that is not needed (Intel SDM vol.
 * 3A, 2.2.1, 2.5, 6.14, 7.7). Works on the firmware's stack and tables. */
void cpu_own(void);

/* The stacks on which a double fault, an NMI and a machine check are handled (in this order), each
 * of which may come on a broken stack. They lie in the image; cpu_set_ist() makes the address
 * `top`, 16-byte aligned, their end, when they are mapped somewhere else. */
#define CPU_IST_COUNT 3u
#define CPU_IST_SIZE  ((uint64_t)8192)
extern unsigned char cpu_ist_stacks[CPU_IST_COUNT][CPU_IST_SIZE];
void cpu_set_ist(unsigned which, vaddr_t top);

/* Go over to five levels of page tables: `root` names tables that map what runs, at its physical
 * address. False, and nothing done, where the CPU has no five levels or has them on, or where the
 * code, the stack or `root` lie beyond 4 GiB. After cpu_own(). */
bool cpu_use_five_levels(paddr_t root);

/* Let global pages stay in the TLB, where they exist. After own page tables are loaded: what the
 * firmware had marked global is dropped. */
void cpu_use_global_pages(void);

/* A number of 64 bits by chance (RDRAND), or 0 where the CPU gives none. */
uint64_t cpu_random(void);

/* Program the page attribute table (Intel SDM vol. 3A, 11.12): entries 0-3 as at reset (WB WT UC-
 * UC), entry 4 write-combining. Call right after loading page tables that do not use entries 4-7
 * yet. Nothing without PAT. */
void cpu_set_memory_types(void);

/* What flushes cost on this CPU, in ticks of the time stamp counter, and what follows for
 * hal_tlb_page_limit(): between CPU_FLUSH_LEAST and CPU_FLUSH_MOST pages. */
#define CPU_FLUSH_LEAST 8u
#define CPU_FLUSH_MOST  256u
struct cpu_flush_times {
    uint64_t page;  /* drop one page */
    uint64_t all;   /* drop everything and read 64 pages again */
    uint32_t limit; /* pages */
};

/* Measure on `pages` (64 are enough) mapped pages from `base` on, which are only read. Interrupts
 * disabled. Eight rounds, of 64 single flushes and one of everything each. */
struct cpu_flush_times cpu_measure_flush(vaddr_t base, uint64_t pages);

/* Mask the legacy interrupt controllers and the local vector table entries of fixed delivery (NMI,
 * SMI and ExtINT entries are the firmware's business). `apic` is where cpu_apic_base() is mapped
 * uncached, NULL when it is not mapped (x2APIC, or no APIC). */
void cpu_mask_interrupts(volatile uint32_t *apic);

/* Physical address of the local APIC's registers; 0: none, switched off, or x2APIC (no registers
 * in memory). */
paddr_t cpu_apic_base(void);

/* Run `fn(arg)` on the stack that ends at `top` (16-byte aligned). `fn` does not return. The
 * backtrace ends there. */
_Noreturn void cpu_call_on_stack(vaddr_t top, void (*fn)(void *), void *arg);

/* Stop this CPU for good. Any context. */
_Noreturn void cpu_halt(void);

/* Reset by triple fault; for the harness's own proof. */
_Noreturn void cpu_triple_fault(void);

/* Write to QEMU's isa-debug-exit port, 0xF4 (the harness puts it there). Returns when there is no
 * such device. */
void cpu_debug_exit(uint8_t value);

/* What the CPU and the stubs in trap.S leave on the stack, in this order. */
struct trap_frame {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct trap_frame) == 22 * 8, "trap.S builds this frame");
_Static_assert(offsetof(struct trap_frame, vector) == 120 &&
                   offsetof(struct trap_frame, rip) == 136,
               "trap.S clears the vector's sign there, and the CPU has pushed rip to ss");

/* Supplied by the kernel: called for every exception and interrupt, on the interrupted stack or an
 * IST stack. When it returns, the frame is what the CPU goes on with. */
void trap_handle(struct trap_frame *);

/* Call `fn(arg)` such that cpu_unwind() can end it: true when it returned by itself. Not nested. */
bool cpu_try(void (*fn)(void *), void *arg);

/* From trap_handle(): make `frame` continue as cpu_try() answering false. False (and nothing done)
 * when no cpu_try() is running. */
bool cpu_unwind(struct trap_frame *frame);

#endif
