/* hal/cpu.h: what the kernel and the loader ask of a CPU, beyond hal/hal.h, which is all that mm/
 * needs. The devices of the machine around it are in hal/machine.h.
 *
 * A port (hal/x86_64) implements all of it, and nothing outside the port depends on which one it
 * is. Where an architecture has no such thing, the function does nothing or says so; the text here
 * tells which.
 *
 * Order of use on the CPU that booted: cpu_detect(); cpu_own(), and again when the image has moved,
 * for the tables hold addresses; cpu_call_on_stack(); then, once our own page tables are loaded,
 * cpu_set_memory_types(), cpu_set_trap_stack(), cpu_use_global_pages() and cpu_mask_interrupts().
 * Interrupts stay disabled until cpu_enable_interrupts().
 *
 * The kernel, unlike mm/, also uses these of "port.h":
 *
 *   uint64_t hal_cycles(void)  a counter that never goes back and ticks at a constant rate
 *   CPU_COUNTER              what the machine's manual calls it, a literal
 *   CPU_TRAP_STACKS          how many trap stacks a CPU has, 1 or more
 *   hal_vaddr_t hal_direct_base  what hal_phys_to_virt() adds. 0 at first, because at hand-over
 *                            virtual equals physical
 *   bool hal_locks_are_void  set before the end of this machine is reported: from then on nobody
 *                            waits for a lock, for its owner may have been stopped
 *
 * Where no cost is given, a function is O(1). "Any context" includes traps.
 */
#ifndef HAL_CPU_H
#define HAL_CPU_H

#include "hal/hal.h"

/* Which CPU this is. */

/* Ask the CPU what it can do, and give it its index (hal_cpu_index()). Nothing else changes. Before
 * this call hal_paging_features() and the functions below answer for a CPU without any feature. Any
 * context. */
void cpu_detect(void);

/* The maker, in one word; and the CPU's own name, or its maker where it has none. Both texts stay.
 * Any context, after cpu_detect(). */
const char *cpu_maker(void);
const char *cpu_name(void);

/* Tell everything that the CPU says about itself, for reports. Each call of `tell` gets five
 * numbers and a word for what they are ("cpuid": leaf, EAX, EBX, ECX, EDX). O(numbers). Any
 * context. */
typedef void cpu_tell_fn(void *ctx, const char *kind, const uint32_t numbers[5]);
void cpu_identify(cpu_tell_fn *tell, void *ctx);

/* A random number of 64 bits, or 0 where the CPU has no source of them. Any context, after
 * cpu_detect(). */
uint64_t cpu_random(void);

/* Write the names and values of this CPU's control registers into `out`, always in the same order.
 * Returns how many, at most CPU_REGISTERS. Any context. */
#define CPU_REGISTERS 40u
struct cpu_register {
    const char *name;
    uint64_t value;
};
size_t cpu_control_registers(struct cpu_register out[CPU_REGISTERS]);

/* Which protections of page tables are switched on now: `no_write`, read-only pages cannot be
 * written by the kernel either; `no_execute`, pages without the right to execute cannot be
 * executed. Any context. */
struct cpu_protection {
    bool no_write, no_execute;
};
struct cpu_protection cpu_protection(void);

/* Does this CPU map that address for reading now? It asks by an instruction, which Arm CPUs have;
 * where a CPU has none (x86-64) the answer is no. Any context. */
bool cpu_maps(const volatile void *);

/* Taking it over. */

/* Set every control register and descriptor table to our own values, whatever the firmware left
 * there; only the number of levels of page tables stays. From now on traps come to this port, and
 * those that nobody expects to trap_fatal(). Works on the firmware's stack and page tables. After
 * cpu_detect(); interrupts disabled. */
void cpu_own(void);

/* Give `root`, an empty root table, the lower half of the page tables that are loaded now: the
 * entries of their root are copied, the tables below are shared. Where each half has a root of its
 * own this does nothing. Before page tables of our own are loaded. */
void cpu_keep_lower_half(hal_paddr_t root);

/* Switch to five levels of page tables. `page`, zeroed and below 4 GiB, becomes the root, and the
 * four levels that are loaded now lie below its first entry. False, and nothing has changed, where
 * the CPU has no five levels, where they are on already, or where the code or the stack lies above
 * 4 GiB. After cpu_own(), on an identity map. */
bool cpu_use_five_levels(hal_paddr_t page);

/* Set up the memory types of mm/aspace.h. The page tables that are loaded must name no type but the
 * firmware's write-back and uncached. Caches may be emptied. */
void cpu_set_memory_types(void);

/* Switch global pages on, where they exist. After our own page tables are loaded, for translations
 * that the firmware made global are dropped. */
void cpu_use_global_pages(void);

/* Do the flushes of hal/hal.h reach all CPUs by themselves? Then hal_tlb_shootdown() asks nobody.
 */
bool cpu_flushes_everywhere(void);

/* How the CPU caches physical memory at `at`, from 1 MiB on, whatever page tables allow (on a PC by
 * the MTRRs); where it has no say, write-back. `*until` is the first address above for which the
 * answer may be another, UINT64_MAX: none. After cpu_detect(), not inside cpu_try(). Before cpu_own() a
 * virtual machine with a CPU of AMD may be told "uncached" above 4 GiB for write-back: a register that
 * says so may be missing there, and to read it would be a trap. */
struct cpu_caching {
    const char *name; /* for people: "write-back", "uncached"; one text for each way */
    bool write_back;
};
struct cpu_caching cpu_caching(hal_paddr_t at, hal_paddr_t *until);

/* The same, but `*until` is where the answer is another indeed, or `limit`, which is above `at`.
 * O(runs that are joined). */
struct cpu_caching cpu_caching_run(hal_paddr_t at, hal_paddr_t limit, hal_paddr_t *until);

/* Write [from, from + size), which is mapped, from the caches back to memory, so that a reset does
 * not lose it. Any context. O(size). */
void cpu_write_back(const void *from, size_t size);

/* What TLB flushes cost on this CPU, in ticks of hal_cycles(), and the limit that follows from it
 * (hal_tlb_page_limit()), between CPU_FLUSH_LEAST and CPU_FLUSH_MOST pages. */
#define CPU_FLUSH_LEAST 8u
#define CPU_FLUSH_MOST  256u
struct cpu_flush_times {
    uint64_t page;  /* drop one page */
    uint64_t all;   /* drop everything and read 64 pages again */
    uint32_t limit; /* pages */
};

/* Measure it with `pages` mapped pages from `base` on (64 are enough), which are only read. Each of
 * eight rounds makes up to 64 single flushes and one of everything. Interrupts disabled. */
struct cpu_flush_times cpu_measure_flush(hal_vaddr_t base, uint64_t pages);

/* Interrupts. */

/* Where the registers of this CPU's own interrupt controller lie: one page, to be mapped uncached.
 * 0: they do not lie in memory, or there is none. */
hal_paddr_t cpu_interrupt_registers(void);

/* Mask the interrupts of all devices and timers. NMIs and what belongs to the firmware stay as they
 * are. `registers` is where cpu_interrupt_registers() is mapped, NULL when it is 0. */
void cpu_mask_interrupts(volatile void *registers);

/* Other CPUs. Each has the number that the firmware's tables give it, its id (on a PC that of its
 * local APIC); one that runs also has an index, hal_cpu_index(). */

/* This CPU's number in the tables. After cpu_mask_interrupts(). */
uint32_t cpu_id(void);

/* Prepare what the port keeps for a CPU, before that CPU is started: `memory` is cpu_area_size()
 * zeroed bytes, 64-byte aligned, which stay; `trap_stacks` are the ends of its CPU_TRAP_STACKS trap
 * stacks, 16-byte aligned. */
size_t cpu_area_size(void);
void cpu_area_make(void *memory, uint32_t index, const hal_vaddr_t *trap_stacks);

/* May the CPU of this area (NULL: the one that booted) hold translations made through `root`, a root that
 * hal_load_root() loads? What was written into its tables before the call is what it reads if not, should
 * it load that root later; a full fence between the two is the caller's. Any context. */
bool cpu_area_may_hold(const void *area, hal_paddr_t root);

/* Let CPUs be named by 32 bits, where 8 do not reach (x2APIC). False: this CPU cannot; nothing has
 * changed. On the CPU that booted, before any other runs. */
bool cpu_use_wide_ids(void);

/* The code in the image with which a CPU begins: all in one page, which must be mapped where it lies
 * (struct cpu_start). NULL: it is copied to a page that the loader has taken. */
const void *cpu_start_code(void);

/* How CPUs are started: `count` tickets are given out, each to one CPU, in the order in which they
 * come. Ticket N runs `entry(N)` on the stack that ends at stacks[N] with the area areas[N], in the
 * address space `kernel`, owned like the CPU that booted (cpu_own(), memory types, global pages),
 * interrupts disabled. All of it stays as it is for good, for a CPU may come late.
 *
 * `page` is that of cpu_start_code(), or one below 1 MiB that can be written through the direct
 * map. `root` names tables that map it where it lies, executable, and otherwise are those of
 * `kernel`; on a PC they lie below 4 GiB. */
struct cpu_start {
    hal_paddr_t page, root, kernel;
    const hal_vaddr_t *stacks;
    void *const *areas;
    uint32_t count; /* below 2^31 */
    void (*entry)(uint32_t ticket);
    bool broken; /* for tests: each CPU faults before it takes a ticket, and stops there */
    volatile struct cpu_mailbox *mailbox; /* for tests: each CPU waits there before it takes a ticket */
};

/* Where firmware without start-up IPIs has its CPUs wait (ACPI 6.5, 5.2.12.19): the fields that matter.
 * A CPU whose `id` it finds there with CPU_MAILBOX_BEGIN writes CPU_MAILBOX_EMPTY and goes to `vector`. */
#define CPU_MAILBOX_EMPTY 0u
#define CPU_MAILBOX_BEGIN 1u
struct cpu_mailbox {
    uint16_t command, reserved;
    uint32_t id;
    uint64_t vector;
};
_Static_assert(sizeof(struct cpu_mailbox) == 16 && offsetof(struct cpu_mailbox, id) == 4 &&
                   offsetof(struct cpu_mailbox, vector) == 8,
               "as ACPI lays it out");

/* Where a CPU begins that has waited in a mailbox: what is written there. After cpu_start_open(). */
hal_paddr_t cpu_start_vector(void);

/* Get ready. False: CPUs cannot be started here. On the CPU that booted, whose state the others
 * get. */
bool cpu_start_open(const struct cpu_start *);

/* Hold a CPU: it stops what it does, and waits to be started (INIT). Start it, once 10 ms have
 * passed; a CPU that runs does not notice (start-up IPI; Intel SDM vol. 3A, 8.4.4.1). */
void cpu_hold(uint32_t id);
void cpu_start(uint32_t id);

/* Tickets that were taken; and the same for good: a CPU that comes later stops before it does any
 * harm. Each such CPU holds a stack and an area that belong to nobody else. */
uint32_t cpu_started(void);
uint32_t cpu_start_close(void);

/* Interrupt a CPU: it calls cpu_kicked() as soon as interrupts are enabled there. Or stop it
 * whatever it does: a TRAP_OUTSIDE comes there. Nobody is waited for. Any context. */
void cpu_kick(uint32_t id);
void cpu_strike(uint32_t id);

/* Supplied by the kernel: another CPU has kicked this one. Interrupts disabled. */
void cpu_kicked(void);

/* Supplied by the kernel: a TRAP_OUTSIDE has come, which may be another CPU's cpu_strike(). True: it was,
 * and what was interrupted goes on; false: it is trap_fatal()'s. On a trap stack; no lock may be taken. */
struct trap;
bool cpu_struck(const struct trap *);

/* Enable interrupts and wait for the next one, which has been handled on return; interrupts are
 * enabled then. One that came just before is not lost. */
void cpu_idle(void);

/* Let interrupts in from now on, on this CPU. */
void cpu_enable_interrupts(void);

/* Stacks. */

/* Traps that may come while the stack is broken have stacks of their own; number 0 is the one for
 * TRAP_OVERFLOW. Those of the CPU that booted lie in the image: cpu_trap_stack() says where, for
 * `which` below CPU_TRAP_STACKS. When one is mapped at another address, cpu_set_trap_stack() tells
 * this CPU its end `top`, 16-byte aligned. */
struct cpu_stack {
    const char *name; /* "double fault stack" */
    void *base;
    uint64_t size; /* whole pages */
};
struct cpu_stack cpu_trap_stack(unsigned which);
void cpu_set_trap_stack(unsigned which, hal_vaddr_t top);

/* Run `fn(arg)` on the stack that ends at `top`, 16-byte aligned. `fn` must not return. Unwinding
 * stops there. */
_Noreturn void cpu_call_on_stack(hal_vaddr_t top, void (*fn)(void *), void *arg);

/* Traps. */

enum trap_kind {
    TRAP_OTHER,    /* caused by the interrupted code, or an interrupt that nobody asked for */
    TRAP_ACCESS,   /* the page tables do not allow an access: a page fault */
    TRAP_OVERFLOW, /* the CPU could not save its state; usually the stack was used up */
    TRAP_OUTSIDE   /* not caused by the interrupted code, which cannot go on: NMI, machine check */
};

/* What a TRAP_ACCESS tried, and why it was refused. Neither WRITE nor FETCH means a read. */
#define TRAP_MAPPED 1u /* the page is mapped, but does not allow this */
#define TRAP_WRITE  2u
#define TRAP_FETCH  4u
#define TRAP_USER   8u
#define TRAP_BROKEN 16u /* the CPU does not understand an entry of the tables */

struct trap_frame; /* the interrupted registers, in the port's own form */

struct trap {
    enum trap_kind kind;
    uint32_t access;  /* of TRAP_ACCESS: TRAP_MAPPED and so on */
    const char *name; /* for people: "page fault" */
    uint64_t number;  /* as the manual of the architecture counts (the vector) */
    uint64_t code;    /* and the details that it gives (the error code) */
    hal_vaddr_t pc;       /* where the code was interrupted */
    hal_vaddr_t address;  /* what could not be reached: of TRAP_ACCESS, usually of TRAP_OVERFLOW */
    const struct trap_frame *frame;
};

/* The interrupted registers, as cpu_control_registers() gives the others. Any context. */
size_t trap_registers(const struct trap_frame *, struct cpu_register out[CPU_REGISTERS]);

/* Supplied by the kernel: handle a trap that nobody expects. Runs on the interrupted stack or a
 * trap stack. */
_Noreturn void trap_fatal(const struct trap *);

/* Call `fn(arg)`. True when it returned; false when a trap ended it, which trap_caught() then
 * describes (its `frame` must not be read any more). The registers that a call preserves, and the
 * flags, are as they were. TRAP_OVERFLOW and TRAP_OUTSIDE are not caught. Calls do not nest; each
 * CPU may have one. */
bool cpu_try(void (*fn)(void *), void *arg);

/* The same, but only TRAP_OVERFLOW is caught. */
bool cpu_try_overflow(void (*fn)(void *), void *arg);

/* The trap that ended the last such call on this CPU; all zero before the first. */
struct trap trap_caught(void);

/* How many spurious interrupts this CPU has ignored: those that an interrupt controller raises by
 * itself. */
uint64_t trap_spurious(void);

/* Unwinding. */

/* A frame of the call chain, with what it takes to find its caller. */
struct unwind {
    hal_vaddr_t pc;
    uint64_t registers[16]; /* numbered as the architecture does */
    unsigned depth;         /* frames from the first one, which is 0 */
};

/* What unwinding may read: all of the image, and 8 bytes of a stack at a time through `read`, which
 * says false when `at` lies on none. */
struct unwind_memory {
    hal_vaddr_t image;
    uint64_t size;
    bool (*read)(hal_vaddr_t at, uint64_t *value);
};

/* Begin with the interrupted function; or with the function that calls this. */
struct unwind unwind_trap(const struct trap_frame *);
void unwind_here(struct unwind *);

/* Go on to the caller. False: there is none, or it cannot be found; `*u` then means nothing. `*u`
 * and the stacks may hold any values. Any context. O(log(functions)). */
bool unwind_step(struct unwind *u, const struct unwind_memory *);

/* The end. */

/* Pause for a moment in a loop that polls. Any context. */
void cpu_relax(void);

/* Stop this CPU for good. Any context. */
_Noreturn void cpu_halt(void);

/* Reset the machine without the help of a device (on a PC by a triple fault). Any context. */
_Noreturn void cpu_reset(void);

#endif
