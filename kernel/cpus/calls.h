/* kernel/cpus/calls.h: run a function on other CPUs, and wait until it has run there.
 *
 * One request exists at a time. The CPU that makes it writes what is to be done, marks each CPU that
 * is asked, kicks it out of what it does, and waits until the last one has answered. A CPU answers
 * in its interrupt handler; one that spins with interrupts off, for a lock or for its turn to make a
 * request of its own, answers from that loop.
 *
 *   C1  a call returns after its function has returned on every CPU that was asked, and what each of
 *       them wrote is visible then
 *   C2  a CPU that is asked answers once, with interrupts off
 *   C3  no two CPUs wait for each other: whoever waits for a lock (hal_lock()) or for its turn answers
 *       meanwhile. So a function that is called must not wait for what the caller holds, and must not
 *       make a call itself; it may take locks that are never held during a call
 *   C4  a CPU that does not answer within CALLS_PATIENCE_MS is struck (an NMI), and when it has not in
 *       CALLS_LAST times as long, this machine ends in a panic that names it
 */
#ifndef KERNEL_CPUS_CALLS_H
#define KERNEL_CPUS_CALLS_H

#include "hal/base.h"

#define CALLS_PATIENCE_MS 1000u
#define CALLS_LAST        10u /* 64 emulated CPUs on a busy host of two can be without it for 2 s */

/* One CPU's part, on a cache line of its own. */
struct call_slot {
    _Alignas(64) uint32_t asked; /* set by the CPU that makes the request, cleared by this one */
    uint32_t listens;            /* this CPU answers: it takes part from here on */
};

/* How CPUs are reached. `kick` interrupts one, which then calls calls_answer(); `strike` interrupts one
 * that may have interrupts off, so that it leaves a trace of where it is, and must take no lock. `late`
 * tells after a call that CPUs were struck and have answered since. */
struct calls_ways {
    void (*kick)(uint32_t cpu);
    void (*strike)(uint32_t cpu);
    void (*late)(void);
};

/* Calls reach `count` CPUs, by hal_cpu_index(), from now on; all slots zeroed, `stride` bytes from one to
 * the next. `ticks_per_ms`: of hal_cycles(). Until then, and with one CPU, a call asks nobody. Once. */
void calls_open(struct call_slot *slots, size_t stride, uint32_t count, uint64_t ticks_per_ms,
                struct calls_ways ways);

/* This CPU takes part from now on, until the machine stops. Interrupts off. */
void calls_join(void);

/* Should this CPU be asked? `arg` is that of the call. */
typedef bool calls_wanted_fn(void *arg, uint32_t cpu);

/* Run fn(arg) on every other CPU that listens and is `wanted` (NULL: all), and wait for it (C1). The
 * number of CPUs that were asked; 0 costs no turn. Any context in which no lock is held that is taken with interrupts
 * off by a function that is called (C3); interrupts may be on or off, and are off while it waits.
 * O(CPUs). */
uint32_t calls_run(calls_wanted_fn *wanted, void (*fn)(void *), void *arg);

/* Answer, if this CPU is asked: from the interrupt of a kick, and from loops that wait
 * with interrupts off. Interrupts off. */
void calls_answer(void);

/* The CPU that does not answer, told by the panic of C4. The kernel's own panic may want to know who
 * is deaf: true for a CPU that is asked and has not answered. */
bool calls_is_deaf(uint32_t cpu);

#endif
