/* The magazine protocol of mm/magazine.c and mm/block.h: a block of PAGES pages, two bits a page.
 *
 * Two CPUs allocate and free single pages of one block. The CPU that owns the block writes the plane
 * `private` alone, without the lock; everybody else holds the lock and writes the plane `shared` alone. A
 * plain store is a load, then a store of the whole word: that is where an update gets lost. Each CPU takes an interrupt that allocates
 * and frees too, unless interrupts are off, as they are in every call of the allocator.
 *
 * Checked in all interleavings: no page ever has two owners, and none is lost: in the end, when both CPUs
 * have given their blocks back, every page is free.
 *
 * Planted errors: -DIRQ_ON: interrupts stay on during the owner's steps. -DSAME_WORD: the other CPU
 * returns a page by clearing `private`, as the owner does. -DNO_LOCK: return without the lock. -DSTEAL: a block
 * that a CPU owns can be owned by another. */
#define PAGES 2
#define NONE  255
#define ALL   3

byte private = ALL, shared = 0;   /* all PAGE_FREE; a page's state is its pair of bits */
byte owner = NONE;          /* of the block */
byte lock = NONE;
byte user[PAGES] = NONE;    /* ghost: who holds the page */
bool off[2];                /* interrupts */
byte ended = 0;

#define BIT(w, k) (((w) >> (k)) & 1)

inline irq_save() {
#ifndef IRQ_ON
    off[me] = true
#else
    skip
#endif
}
inline irq_restore() { off[me] = false }
inline acquire() { atomic { lock == NONE; lock = me } }
inline release() { lock = NONE }

/* Ghost: the page has no owner, and gets one. */
inline taken() { atomic { assert(user[got] == NONE); user[got] = who } }

/* The owner takes a parked page: private = 1 by a load and a store. shared is 1 there and stays. */
inline take_own() {
    got = NONE;
    if
    :: owner == me ->
        w = shared & ~private & ALL;         /* magazine_fill: parked pages */
        if
        :: BIT(w, 0) -> got = 0
        :: BIT(w, 1) -> got = 1
        :: w == 0 -> skip
        fi;
        if
        :: got != NONE -> w = private; private = w | (1 << got); taken()
        :: else -> skip
        fi
    :: else -> skip
    fi
}

/* Without an owner: own the block. All free pages are parked. Under the lock. */
inline adopt() {
    if
#ifdef STEAL
    :: owner != me ->
#else
    :: owner == NONE ->
#endif
        w = private & ~shared & ALL;
        private = private & ~w; shared = shared | w;
        owner = me
    :: else -> skip
    fi
}

/* Give the block back: what is loose in it is free: parked, or returned by the other. Under the lock. */
inline disown() {
    if
    :: owner == me ->
        w = private | shared; v = private & shared;
        private = w; shared = v;             /* 01 and 10 become 10, 11 stays */
        owner = NONE
    :: else -> skip
    fi
}

inline alloc() {
    take_own();
    if
    :: got == NONE ->
        acquire();
        disown();
        adopt();
        release();
        take_own()
    :: else -> skip
    fi
}

inline free_page() {
    atomic { assert(user[got] == who); user[got] = NONE };
    if
    :: owner == me ->                  /* park: clear private */
        w = private; private = w & ~(1 << got)
    :: else ->
#ifndef NO_LOCK
        acquire();
#endif
        if
        :: owner != NONE && owner != me ->  /* return to another CPU's block: clear shared */
#ifdef SAME_WORD
            w = private; private = w & ~(1 << got)
#else
            w = shared; shared = w & ~(1 << got)
#endif
        :: owner == me -> w = private; private = w & ~(1 << got)
        :: owner == NONE -> w = shared; shared = w & ~(1 << got)
        fi;
#ifndef NO_LOCK
        release()
#else
        skip
#endif
    fi
}

/* A CPU's thread of control, and the interrupt that stops it: `who` tells them apart. The interrupt runs as
 * a whole between two steps of the thread, and takes the lock only when its CPU does not hold it. */
proctype cpu(byte me) {
    byte got, w, v, round;
    byte who = me;
    do
    :: round < 2 - me ->
        irq_save();
        alloc();
        irq_restore();
        if
        :: true -> irq_save(); acquire(); disown(); release(); irq_restore()  /* pmm_drain */
        :: true -> skip
        fi;
        if
        :: got != NONE ->
            irq_save();
            free_page();
            irq_restore()
        :: else -> skip
        fi;
        round++
    :: else -> break
    od;
    irq_save(); acquire(); disown(); release(); irq_restore();
    ended++
}

proctype interrupt(byte me) {
    byte got, w, v;
    byte who = me + 2;
    atomic {
        !off[me] && lock != me;
        take_own()
    };
    atomic {
        !off[me] && lock == NONE;
        if
        :: got != NONE -> free_page()
        :: else -> skip
        fi
    };
    ended++
}

init {
    atomic { run cpu(0); run cpu(1); run interrupt(0); run interrupt(1) };
    ended == 4;
    assert(owner == NONE || owner == 0 || owner == 1);
    assert((private | shared) == ALL || owner != NONE);
    assert(user[0] == NONE && user[1] == NONE);
    assert(owner != NONE || (private == ALL && shared == 0))
}
