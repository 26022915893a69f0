/* P6 of mm/pmm.h over all CPUs: mm/pmm_parked.c with the bits of mm/block.h (tests/prove/magazine.pml says
 * what they mean). A request that finds nothing bars all CPUs from owning blocks, has the other CPU give
 * its block back, by a call that it waits for, and looks again.
 *
 * Two CPUs take and give back single pages of one block with PAGES pages, each up to all of them. Both may
 * look for parked pages at once. A CPU answers calls between its own, and where it waits for a lock or for
 * its turn; in a call of the allocator it has interrupts off.
 *
 * Checked in all interleavings: no page has two owners, a request fails only if each page is in use or is
 * just being given back, no CPU waits for ever, and in the end every page is free.
 *
 * Planted errors: -DOWN_AGAIN: a block can be owned while somebody looks. -DNO_CALL: the other CPU is not
 * asked. -DDEAF: who waits for its turn does not answer. -DHOLD_LOCK: the lock is held during the call.
 * -DDONE_FIRST: a CPU says that it has answered, and then gives its block back. -DFLAG: of two that look
 * the first one to end lets blocks be owned again. -DLOSE: a page that was given back to an owned block is
 * taken as the owner would. */
#define PAGES 2
#define NONE  255
#define ALL   3

byte private = ALL, shared = 0;
byte owner = NONE, lock = NONE;
byte seekers;
bool busy, asked[2], pending;
byte user[PAGES] = NONE;    /* ghost: who has the page */
byte leaving;               /* ghost: pages that have no user, and whose bits do not say so yet */
byte ended;

#define BIT(w, k) (((w) >> (k)) & 1)

inline release() { lock = NONE }

/* Owned blocks: 01 and 10 become 10, 11 stays. Under the lock. */
inline disown() {
    if
    :: owner == me ->
        w = private | shared; v = private & shared;
        private = w; shared = v;
        owner = NONE
    :: else -> skip
    fi
}

/* release_here(), in a call: the mark is cleared first. Nobody asks again before this one is done. */
inline answer() {
    asked[me] = false;
#ifdef DONE_FIRST
    pending = false;
#endif
    atomic { lock == NONE; lock = me };
    disown();
    release();
#ifndef DONE_FIRST
    pending = false
#endif
}

inline acquire() {
    do
    :: atomic { lock == NONE -> lock = me }; break
    :: lock != NONE && asked[me] -> answer()
    od
}

inline choose(from) {
    got = NONE;
    if
    :: BIT(from, 0) -> got = 0
    :: BIT(from, 1) -> got = 1
    :: from == 0 -> skip
    fi
}

inline taken() { assert(user[got] == NONE); user[got] = me }

/* A parked page: 01 becomes 11, by a load and a store. */
inline take_own() {
    if
    :: owner == me ->
        v = shared & ~private & ALL;
        choose(v);
        if
        :: got != NONE -> w = private; atomic { private = w | (1 << got); taken() }
        :: else -> skip
        fi
    :: else -> skip
    fi
}

/* Under the lock: a free page of a block without an owner, or one that was given back to an owned block. In
 * both 10 becomes 11. */
inline take_shared() {
    v = private & ~shared & ALL;
    choose(v);
    if
#ifdef LOSE
    :: got != NONE && owner != NONE -> w = private; atomic { private = w | (1 << got); taken() }
    :: got != NONE && owner == NONE -> w = shared; atomic { shared = w | (1 << got); taken() }
#else
    :: got != NONE -> w = shared; atomic { shared = w | (1 << got); taken() }
#endif
    :: else -> skip
    fi
}

/* Under the lock: 10 becomes 01. */
inline own() {
    if
#ifdef OWN_AGAIN
    :: owner == NONE ->
#else
    :: owner == NONE && seekers == 0 ->
#endif
        w = private & ~shared & ALL;
        private = private & ~w; shared = shared | w;
        owner = me
    :: else -> skip
    fi
}

inline call_other() {
#ifndef NO_CALL
    do
    :: atomic { !busy -> busy = true }; break
#ifndef DEAF
    :: busy && asked[me] -> answer()
#endif
    od;
    pending = true;
    asked[1 - me] = true;
    !pending;
    busy = false
#else
    skip
#endif
}

inline seek() {
    acquire();
#ifdef FLAG
    seekers = 1;
#else
    seekers++;
#endif
    disown();
#ifndef HOLD_LOCK
    release();
#endif
    call_other();
#ifndef HOLD_LOCK
    acquire();
#endif
    take_shared();
    atomic {
        assert(got != NONE || (user[0] != NONE) + (user[1] != NONE) + leaving >= PAGES);
        release()
    };
    acquire();
#ifdef FLAG
    seekers = 0;
#else
    seekers--;
#endif
    release()
}

inline alloc() {
    got = NONE;
    take_own();
    if
    :: got == NONE ->
        acquire();
        disown();
        own();
        if
        :: owner != me -> take_shared()
        :: else -> skip
        fi;
        release();
        if
        :: got == NONE -> take_own()
        :: else -> skip
        fi
    :: else -> skip
    fi;
    if
    :: got == NONE -> seek()
    :: else -> skip
    fi
}

/* To the own block 11 becomes 01; else under the lock to 10. */
inline free_page() {
    atomic { assert(user[got] == me); user[got] = NONE; leaving++ };
    if
    :: owner == me -> w = private; atomic { private = w & ~(1 << got); leaving-- }
    :: else ->
        acquire();
        if
        :: owner == me -> w = private; atomic { private = w & ~(1 << got); leaving-- }
        :: else -> w = shared; atomic { shared = w & ~(1 << got); leaving-- }
        fi;
        release()
    fi
}

proctype cpu(byte me) {
    byte got, w, v, rounds;
    do
    :: rounds < 3 && asked[me] -> answer()
    :: rounds < 3 -> alloc(); rounds++
    :: rounds < 3 && user[0] == me -> got = 0; free_page()
    :: rounds < 3 && user[1] == me -> got = 1; free_page()
    :: rounds == 3 -> break
    od;
    do
    :: user[0] == me -> got = 0; free_page()
    :: user[1] == me -> got = 1; free_page()
    :: user[0] != me && user[1] != me -> break
    od;
    ended++;
    do                              /* idle for ever, with what it has parked; interrupts on */
    :: asked[me] -> answer()
    :: ended >= 2 && !asked[me] -> break
    od;
    acquire();
    disown();
    release();
    ended++
}

init {
    atomic { run cpu(0); run cpu(1) };
    ended == 4;
    assert(private == ALL && shared == 0 && owner == NONE && seekers == 0 && leaving == 0)
}
