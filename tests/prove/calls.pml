/* kernel/cpus/calls.c: one CPU has a function run on others, and waits for it. C1 to C3 of calls.h.
 *
 * Three CPUs each make two calls: to all others or to one; from plain code, in a lock that is taken with
 * interrupts off (an edit of an address space), or in a page-fault handler, which the CPU enters from code
 * that could be interrupted and where interrupts are off. The function that is called takes a lock, too,
 * that others hold for a moment with interrupts off (a zone's). Who waits for either lock or for the turn
 * answers; plain code is interrupted anywhere.
 *
 * Checked in all interleavings: when a call returns its function has run once on every CPU that was asked
 * and on no other (C1, C2), and no CPU waits for ever (C3).
 *
 * Planted errors: -DDEAF_LOCK: no answers while waiting for the space's lock. -DDEAF_TURN: none while
 * waiting for the turn. -DCLEAR_LATE: the mark is cleared when the function has run. -DEARLY: the turn is
 * given up before the last one has answered. -DCOUNT_FIRST: a CPU says that it is done before it is. */
#define CPUS 3
#define NONE 255

byte space_lock = NONE, zone_lock = NONE;
bool busy;                  /* the turn */
byte request;               /* whose the function is */
byte waiting;
bool asked[CPUS];
byte ran[CPUS * CPUS];      /* ghost: how often [who asked] ran on [whom], since the call began */
byte ended;

/* The function: something in a lock. Who waits for it may be asked only by the next call, so there is
 * nothing to answer but what must not be answered twice. */
inline run_function(by) {
    do
    :: atomic { zone_lock == NONE -> zone_lock = me }; break
    :: zone_lock != NONE && asked[me] -> again = true; break
    od;
    if
    :: again -> ran[by * CPUS + me] = 2; again = false /* C2 is broken: it runs inside itself */
    :: else -> zone_lock = NONE; ran[by * CPUS + me]++
    fi
}

inline answer() {
    if
    :: asked[me] ->
#ifndef CLEAR_LATE
        asked[me] = false;
#endif
#ifdef COUNT_FIRST
        waiting--;
#endif
        from = request;
        run_function(from);
#ifdef CLEAR_LATE
        asked[me] = false;
#endif
#ifndef COUNT_FIRST
        waiting--
#endif
    :: else -> skip
    fi
}

inline take_space_lock() {
    do
    :: atomic { space_lock == NONE -> space_lock = me }; break
#ifndef DEAF_LOCK
    :: space_lock != NONE && asked[me] -> answer()
#endif
    od
}

inline take_turn() {
    do
    :: atomic { !busy -> busy = true }; break
#ifndef DEAF_TURN
    :: busy && asked[me] -> answer()
#endif
    od
}

inline ask(cpu) {
    if
    :: cpu != me && (wanted == NONE || wanted == cpu) ->
        waiting++; asked[cpu] = true
    :: else -> skip
    fi
}

inline call() {
    take_turn();
    atomic { ran[me * CPUS] = 0; ran[me * CPUS + 1] = 0; ran[me * CPUS + 2] = 0 };
    request = me;
    waiting = 1;            /* the caller, until all are asked */
    ask(0); ask(1); ask(2);
    waiting--;
#ifdef EARLY
    busy = false;
#endif
    waiting == 0;
    atomic {
        assert(ran[me * CPUS + 0] == (me != 0 && (wanted == NONE || wanted == 0)));
        assert(ran[me * CPUS + 1] == (me != 1 && (wanted == NONE || wanted == 1)));
        assert(ran[me * CPUS + 2] == (me != 2 && (wanted == NONE || wanted == 2)))
    };
#ifndef EARLY
    busy = false
#else
    skip
#endif
}

proctype cpu(byte me) {
    byte rounds, wanted, from;
    bool again;
    do
    :: rounds < 2 && asked[me] -> answer()  /* interrupts are on */
    :: rounds < 2 ->                        /* work in a zone: interrupts off, and no wait for a CPU */
        do
        :: atomic { zone_lock == NONE -> zone_lock = me }; break
        :: zone_lock != NONE && asked[me] -> answer()
        od;
        zone_lock = NONE;
        rounds++
    :: rounds < 2 ->
        if
        :: wanted = NONE
        :: wanted = (me + 1) % CPUS
        fi;
        if
        :: true -> call()                   /* plain code, or a fault handler without the lock */
        :: true -> take_space_lock(); call(); space_lock = NONE
        fi;
        rounds++
    :: rounds == 2 -> break
    od;
    ended++;
    do                                      /* idle, interrupts on */
    :: asked[me] -> answer()
    :: ended == CPUS && !asked[me] -> break
    od
}

init {
    atomic { run cpu(0); run cpu(1); run cpu(2) };
    ended == CPUS;
    assert(space_lock == NONE)
}
