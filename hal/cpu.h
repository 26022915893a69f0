/* hal/cpu.h: what the kernel and the loader ask of a CPU, beyond hal/hal.h, which is all that mm/
 * needs. The devices of the machine around it are in hal/machine.h.
 *
 * A port (hal/x86_64) implements all of it; nothing outside of the port knows which one it is. What a
 * machine does not have is named here: it does nothing or says so.
 *
 * Order of use, on the CPU that booted: cpu_detect; cpu_own (now a trap ends in this port, and what
 * nobody expects in trap_fatal(); again when the image has moved, for the tables hold addresses);
 * cpu_call_on_stack; once page tables of our own are loaded cpu_set_memory_types, cpu_set_trap_stack,
 * cpu_use_global_pages and cpu_mask_interrupts. Interrupts stay disabled throughout.
 *
 * "port.h" of a machine also declares, for the kernel alone:
 *
 *   CPU_TRAP_STACKS         how many trap stacks a CPU has, 1 or more
 *   vaddr_t hal_direct_base where the direct map begins, which hal_phys_to_virt() adds; 0 at first,
 *                           for at hand-over virtual equals physical
 *   bool hal_locks_are_void set by whoever reports the end of this machine: waiting for a lock that is
 *                           held then goes on without it
 *
 * Costs are O(1) where none is told; "any context" includes traps.
 */
#ifndef HAL_CPU_H
#define HAL_CPU_H

#include "hal/hal.h"

/* Which CPU this is. */

/* Ask the CPU what it is and can do; it gets its index (hal_cpu_index()), and nothing else changes. Before it hal_paging_features() and the
 * functions below answer for a CPU that has nothing. Any context. */
void cpu_detect(void);

/* Who made it, one word; and the CPU's own name, or that word where it has none. Text that stays. Any
 * context, after cpu_detect(). */
const char *cpu_maker(void);
const char *cpu_name(void);

/* Tell all that the CPU says of itself, for reports: five numbers a call, of a kind that `tell` gets as
 * a word ("cpuid": leaf, EAX, EBX, ECX, EDX). O(numbers). Any context. */
typedef void cpu_tell_fn(void *ctx, const char *kind, const uint32_t numbers[5]);
void cpu_identify(cpu_tell_fn *tell, void *ctx);

/* A number of 64 bits by chance, or 0 where the CPU gives none. Any context, after cpu_detect(). */
uint64_t cpu_random(void);

/* What the registers hold that control this CPU, by name, in a fixed order. The number of them, at most
 * CPU_REGISTERS. Any context. */
#define CPU_REGISTERS 40u
struct cpu_register {
    const char *name;
    uint64_t value;
};
size_t cpu_control_registers(struct cpu_register out[CPU_REGISTERS]);

/* Which of the protections that page tables give are switched on now: that the kernel cannot write
 * where it may only read, and that it cannot execute where that is forbidden. Any context. */
struct cpu_protection {
    bool no_write, no_execute;
};
struct cpu_protection cpu_protection(void);

/* Taking it over. */

/* Set every control register and descriptor table that the CPU has from known values, whatever the
 * firmware left, but the number of levels of page tables; from now on traps come here. Works on the
 * firmware's stack and tables. After cpu_detect(); interrupts disabled. */
void cpu_own(void);

/* Before page tables of our own are loaded: make `root`, an empty root table that hal_phys_to_virt()
 * reaches, translate the lower half as the tables do that are loaded now. Their root is copied; what it
 * leads to is shared. Nothing where the halves have roots of their own. */
void cpu_keep_lower_half(paddr_t root);

/* Go over to five levels of page tables, the four that are loaded below the first entry of `page`, which
 * becomes the root: a zeroed page at its physical address, below 4 GiB. False, and nothing done, where
 * the CPU has no five levels or has them on, or where the code or the stack lie beyond 4 GiB. After
 * cpu_own(). */
bool cpu_use_five_levels(paddr_t page);

/* Let the memory types that an entry can name be those of mm/aspace.h. Call it right after loading page
 * tables that name none but the firmware's write-back and uncached. Caches may be emptied. */
void cpu_set_memory_types(void);

/* Let global pages stay in the TLB, where they exist. After own page tables are loaded: what the
 * firmware had marked global is dropped. */
void cpu_use_global_pages(void);

/* How the CPU caches physical memory at `at`, from 1 MiB on, whatever page tables allow (on a PC by the
 * MTRRs); where it has no say, write-back. `*until` is the first address above for which the answer may
 * be another, UINT64_MAX: none. After cpu_own(), not inside cpu_try(). */
struct cpu_caching {
    const char *name; /* for people: "write-back", "uncached"; one text for each way */
    bool write_back;
};
struct cpu_caching cpu_caching(paddr_t at, paddr_t *until);

/* Write what lies in [from, from + size), which is mapped, from the caches back to memory, so that a
 * reset does not lose it. Any context. O(size). */
void cpu_write_back(const void *from, size_t size);

/* What flushes cost on this CPU, in ticks of hal_cycles(), and what follows for hal_tlb_page_limit():
 * between CPU_FLUSH_LEAST and CPU_FLUSH_MOST pages. */
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

/* Interrupts. */

/* The registers of this CPU's own interrupt controller, as far as they lie in memory: a page, to be
 * mapped uncached. 0: it has none there. */
paddr_t cpu_interrupt_registers(void);

/* Mask what devices and timers may raise (NMIs and what is the firmware's business stay as they are).
 * `registers` is where cpu_interrupt_registers() is mapped, NULL where it is 0. */
void cpu_mask_interrupts(volatile void *registers);

/* Other CPUs. They are named by the number that their firmware tables give them (on a PC the id of the
 * local APIC), and by their index, hal_cpu_index(), once they run. */

/* This CPU's number in the tables. After cpu_mask_interrupts(). */
uint32_t cpu_id(void);

/* What the port keeps of a CPU: `memory`, cpu_area_size() zeroed bytes, 64-byte aligned, which stay. Its
 * index, and the ends of its CPU_TRAP_STACKS trap stacks, each 16-byte aligned. Before that CPU is started. */
size_t cpu_area_size(void);
void cpu_area_make(void *memory, uint32_t index, const vaddr_t *trap_stacks);

/* Let CPUs be named by 32 bits, where 8 do not reach (x2APIC). False: this CPU cannot; nothing has
 * changed. On the CPU that booted, before any other runs. */
bool cpu_use_wide_ids(void);

/* How CPUs are started: `count` tickets are given out, each to one CPU, in the order in which they come.
 * Ticket N runs `entry(N)` on the stack that ends at stacks[N] with the area areas[N], in the address
 * space `kernel`, owned like the CPU that booted (cpu_own(), memory types, global pages), interrupts
 * disabled. All of it stays as it is for good, for a CPU may come late.
 *
 * On a PC: `page` is one below 1 MiB that can be written through the direct map, `root` names tables
 * below 4 GiB that map it where it lies, executable, and otherwise are those of `kernel`. Elsewhere both
 * are not looked at. */
struct cpu_start {
    paddr_t page, root, kernel;
    const vaddr_t *stacks;
    void *const *areas;
    uint32_t count; /* below 2^31 */
    void (*entry)(uint32_t ticket);
    bool broken; /* for tests: each CPU faults before it takes a ticket, and stops there */
};

/* Get ready. False: CPUs cannot be started here. On the CPU that booted, whose state the others get. */
bool cpu_start_open(const struct cpu_start *);

/* Hold a CPU: it stops what it does, and waits to be started (INIT). Start it, once 10 ms have passed; a
 * CPU that runs does not notice (start-up IPI; Intel SDM vol. 3A, 8.4.4.1). */
void cpu_hold(uint32_t id);
void cpu_start(uint32_t id);

/* Tickets that were taken; and the same for good: a CPU that comes later stops before it does any harm.
 * Each such CPU holds a stack and an area that belong to nobody else. */
uint32_t cpu_started(void);
uint32_t cpu_start_close(void);

/* Interrupt a CPU: it calls cpu_kicked() as soon as interrupts are enabled there. Or stop it whatever it
 * does: a TRAP_OUTSIDE comes there. Nobody is waited for. Any context. */
void cpu_kick(uint32_t id);
void cpu_strike(uint32_t id);

/* Supplied by the kernel: another CPU has kicked this one. Interrupts disabled. */
void cpu_kicked(void);

/* Enable interrupts and wait for the next one, which has been handled on return; interrupts are enabled
 * then. One that came just before is not lost. */
void cpu_idle(void);

/* Let interrupts in from now on, on this CPU. */
void cpu_enable_interrupts(void);

/* Stacks. */

/* Traps that may come on a broken stack are handled on stacks of their own, the first of them an
 * overflow of the stack (TRAP_OVERFLOW). At first they lie in the image: `which`, below CPU_TRAP_STACKS,
 * gives name, place and bytes. cpu_set_trap_stack() makes the address `top`, 16-byte aligned, the end of
 * one when it is mapped somewhere else. */
struct cpu_stack {
    const char *name; /* "double fault stack" */
    void *base;
    uint64_t size; /* whole pages */
};
struct cpu_stack cpu_trap_stack(unsigned which);
void cpu_set_trap_stack(unsigned which, vaddr_t top);

/* Run `fn(arg)` on the stack that ends at `top` (16-byte aligned). `fn` does not return. An unwind ends
 * there. */
_Noreturn void cpu_call_on_stack(vaddr_t top, void (*fn)(void *), void *arg);

/* Traps. */

enum trap_kind {
    TRAP_OTHER,    /* what the interrupted code did, or an interrupt that nobody asked for */
    TRAP_ACCESS,   /* an access that the page tables do not allow: a page fault */
    TRAP_OVERFLOW, /* the CPU could not save its state, as a rule because the stack had run out */
    TRAP_OUTSIDE   /* nothing that the interrupted code did, and no going on: NMI, machine check */
};

/* Of a TRAP_ACCESS: what was tried, and what the tables said. Neither WRITE nor FETCH: a read. */
#define TRAP_MAPPED 1u /* the page is mapped, but not for this */
#define TRAP_WRITE  2u
#define TRAP_FETCH  4u
#define TRAP_USER   8u
#define TRAP_BROKEN 16u /* an entry is none that the CPU understands */

struct trap_frame; /* the registers as they were: the port's own */

struct trap {
    enum trap_kind kind;
    uint32_t access;  /* of TRAP_ACCESS: TRAP_MAPPED and so on */
    const char *name; /* for people: "page fault" */
    uint64_t number;  /* the machine's own, and what it says besides: vector and error code */
    uint64_t code;
    vaddr_t pc;      /* where the code was interrupted */
    vaddr_t address; /* of TRAP_ACCESS, and as a rule of TRAP_OVERFLOW: what was to be reached */
    const struct trap_frame *frame;
};

/* The registers that a trap found, by name, as cpu_control_registers() does. Any context. */
size_t trap_registers(const struct trap_frame *, struct cpu_register out[CPU_REGISTERS]);

/* Supplied by the kernel: a trap that nobody expects, on the interrupted stack or a trap stack. */
_Noreturn void trap_fatal(const struct trap *);

/* Call `fn(arg)`: true when it returned by itself, false when a trap ended it, which trap_caught() then
 * tells of (its `frame` is gone, and only an address). The registers that calls preserve and the flags
 * are as they were. TRAP_OVERFLOW and TRAP_OUTSIDE are not caught. Not nested. */
bool cpu_try(void (*fn)(void *), void *arg);

/* The same, but what must come is TRAP_OVERFLOW, and nothing else is caught. */
bool cpu_try_overflow(void (*fn)(void *), void *arg);

/* The trap that ended the last of them; all zero before the first. */
struct trap trap_caught(void);

/* Interrupts since the start that the interrupt controllers raised by themselves; ignored. */
uint64_t trap_spurious(void);

/* Unwinding. */

/* One activation of a function, as far as its caller can be found from it. */
struct unwind {
    vaddr_t pc;
    uint64_t registers[16]; /* numbered as the machine does */
    unsigned depth;         /* 0: where it began */
};

/* What may be read meanwhile: the image, all of it; and of the stacks what `read` knows, which gives
 * the 8 bytes at `at`, or false. */
struct unwind_memory {
    vaddr_t image;
    uint64_t size;
    bool (*read)(vaddr_t at, uint64_t *value);
};

/* Begin where a trap has interrupted; or with the function that calls this. */
struct unwind unwind_trap(const struct trap_frame *);
void unwind_here(struct unwind *);

/* To the caller. False: there is none, or it cannot be found; `*u` then means nothing. Any numbers are
 * legal in `*u` and on the stacks. Any context. O(log(functions)). */
bool unwind_step(struct unwind *u, const struct unwind_memory *);

/* The end. */

/* Wait a moment, in a loop that polls. Any context. */
void cpu_relax(void);

/* Stop this CPU for good. Any context. */
_Noreturn void cpu_halt(void);

/* Reset the machine by the CPU alone, without a device: by a triple fault on a PC. Any context. */
_Noreturn void cpu_reset(void);

#endif
