/* kernel/cpus/cpus.c: a CPU comes while the one that started it gives it up (K1, K2 of cpus.h).
 *
 * The starter waits for a while, gives up who has not come, holds it (INIT: it stops wherever it is), and
 * makes a call, which asks every CPU that listens. The other CPU comes at any time, or never.
 *
 * Checked in all interleavings: the call comes to its end, so nobody is asked who has been stopped; a CPU
 * that counts as running listens; one that was given up gets no work.
 *
 * Planted errors: -DLISTEN_FIRST: it listens before it is known whether it has been given up.
 * -DNO_WAIT: who is just coming is not waited for, and is held. */
mtype = { EXPECTED, COMES, RUNS, LOST };
mtype state = EXPECTED;
bool listens, asked, held, worked, done;

/* Every step of a CPU that has been held is its last. */
#define STEP(what) if :: held -> goto stopped :: !held -> what fi

active proctype other() {
    bool come = false;
    if
    :: skip
    :: goto stopped                     /* it never comes */
    fi;
#ifdef LISTEN_FIRST
    STEP(listens = true);
#endif
    atomic {
        if
        :: held -> goto stopped
        :: !held && state == EXPECTED -> state = COMES; come = true
        :: else -> skip
        fi
    };
    if
    :: !come -> goto stopped            /* too late: it stops by itself */
    :: come
    fi;
    STEP(listens = true);
    STEP(state = RUNS);
    do
    :: held -> break
    :: asked -> asked = false
    :: done && !asked -> break
    od;
stopped:
    skip
}

active proctype starter() {
    if
    :: state == RUNS                    /* it came in time */
    :: skip                             /* or the time is over */
    fi;
    atomic {
        if
        :: state == EXPECTED -> state = LOST
        :: else -> skip
        fi
    };
#ifndef NO_WAIT
    state != COMES;
#endif
    if
    :: state != RUNS -> held = true     /* INIT */
    :: state == RUNS -> assert(listens); worked = true
    fi;
    if
    :: listens -> asked = true; !asked  /* a call */
    :: !listens
    fi;
    assert(!worked || state == RUNS);
    done = true
}
