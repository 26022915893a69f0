/* The order in which mm/page_edit.c takes a page away (A4), with the hook of hal/hal.h: write the entry,
 * drop the translation on this CPU, hal_tlb_shootdown() on every other CPU, and only then let the page go.
 *
 * Two CPUs change the same tables in turn, under one lock, as a kernel must; each may use the translation at
 * any time, from its TLB or by walking, and fills its TLB by itself. Requests are one bit a CPU; a CPU that
 * waits for the others, or for the lock, answers requests meanwhile.
 *
 * Checked in all interleavings: no CPU reaches a page through a translation after the page has a new owner,
 * and no call waits for ever.
 *
 * Planted errors: -DREUSE_FIRST: the page goes before the others have answered. -DNO_LOCAL: the CPU's own
 * TLB is forgotten. -DFLUSH_FIRST: flushed before the entry is written. -DDEAF: no answers while waiting for
 * the lock. */
#define CPUS 2
#define NONE 255

byte entry = 1;             /* 0: nothing is mapped; 1 and 2: the page there */
byte tlb[CPUS];             /* a CPU's cached translation, 0 none */
bool asked[CPUS];           /* shootdown request, cleared by the CPU that did it */
bool mapped[3];             /* ghost: page is this address space's, not free and not another's */
byte lock = NONE;
byte ended;

inline answer() {           /* the interrupt: flush, then tell */
    if
    :: asked[me] -> tlb[me] = 0; asked[me] = false
    :: else -> skip
    fi
}

inline wait_for_lock() {
    do
    :: atomic { lock == NONE -> lock = me }; break
#ifndef DEAF
    :: lock != NONE -> answer()
#endif
    od
}

inline flush_self() {
#ifndef NO_LOCAL
    tlb[me] = 0
#else
    skip
#endif
}

inline shootdown() {
    asked[1 - me] = true;
    do
    :: !asked[1 - me] -> break
    :: asked[me] -> answer()
    od
}

/* Use of the memory: a walk reads the entry, and then the TLB has it; what the TLB has is used unseen. */
inline use() {
    if
    :: tlb[me] != 0 -> atomic { assert(mapped[tlb[me]]) }
    :: tlb[me] == 0 -> atomic {
        tlb[me] = entry;            /* from here on, until the flush */
        assert(tlb[me] == 0 || mapped[tlb[me]]) }
    fi
}

proctype cpu(byte me) {
    byte old, rounds;
    do
    :: rounds < 2 ->
        wait_for_lock();
        old = entry;
        if
        :: old != 0 ->              /* unmap */
#ifdef FLUSH_FIRST
            flush_self(); shootdown(); entry = 0;
#else
            entry = 0;
#ifdef REUSE_FIRST
            mapped[old] = false;
#endif
            flush_self(); shootdown();
#endif
            mapped[old] = false     /* the page may have a new owner from here on */
        :: old == 0 ->              /* map the other page: nothing is cached of an empty entry */
            mapped[1 + me] = true;
            entry = 1 + me
        fi;
        lock = NONE;
        rounds++
    :: rounds < 2 -> use(); answer()
    :: rounds < 2 -> answer()
    :: rounds == 2 -> break
    od;
    ended++;
    do                              /* goes on with other work, interrupts on */
    :: asked[me] -> answer()
    :: ended == CPUS && !asked[me] -> break
    od
}

init {
    atomic { mapped[1] = true; run cpu(0); run cpu(1) };
    ended == CPUS;
    assert(entry == 0 || mapped[entry])
}
