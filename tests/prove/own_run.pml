/* mm/own_run.h: a run that its CPU takes and gives back without the zone's lock, while another CPU, under
 * the lock, gives it back too or takes it away.
 *
 * The run begins as the CPU's own and at hand. The CPU takes it and gives it back TURNS times, quickly where
 * it can, and else by the zone. The other CPU gives it back once, at any time; or releases it, as for a
 * request that would fail.
 *
 * Checked in all interleavings: nobody gets the run while somebody has it, of two frees exactly one
 * succeeds, nobody waits for ever, and in the end the bits and the flag say the same as what happened.
 *
 * Planted errors: -DNO_INSIDE: the CPU does not say that it is inside. -DLOOK_FIRST: it looks whether the
 * run is held before it says that it is inside. -DNO_WAIT: the other one does not wait until it is not.
 * -DKEEP: a run that was settled can still be given back as the CPU's own. */
#define TURNS 3

bool lock, inside, held, own = true, in_use;
mtype = { PARKED, HEAD, FREE };
mtype bits = PARKED;
byte users;         /* ghost: who may write to the run */
byte takes, frees;  /* ghost */
byte ended;

inline acquire() { atomic { !lock; lock = true } }
inline release() { lock = false }

/* own_run_change(): `can` is whether it did. */
inline change(wanted) {
#ifdef LOOK_FIRST
    can = !held && own && in_use != wanted;
#endif
#ifndef NO_INSIDE
    inside = true;
#endif
#ifndef LOOK_FIRST
    can = !held && own && in_use != wanted;
#endif
    if
    :: can ->
        atomic {
            if
            :: wanted -> users++; takes++
            :: else -> users--; frees++
            fi;
            assert(users <= 1)
        };
        in_use = wanted
    :: else
    fi;
    inside = false
}

inline hold() {
    held = true;
#ifndef NO_WAIT
    !inside
#endif
}

/* own_run_settle(), zone locked. */
inline settle() {
    if
    :: own ->
        hold();
        if
        :: in_use ->
#ifndef KEEP
            own = false;
#endif
            bits = HEAD
        :: else
        fi;
        held = false
    :: else
    fi
}

/* pmm_free() by the zone: `can` is whether it is the run's. */
inline give() {
    acquire();
    settle();
    can = bits == HEAD;
    if
    :: can -> atomic { users--; frees++; bits = FREE }
    :: else
    fi;
    release()
}

active proctype cpu() {
    byte turn;
    bool can;
    for (turn : 1 .. TURNS) {
        change(true);
        if
        :: can
        :: else ->              /* from the zone, and it becomes its own when it comes back */
            acquire();
            if
            :: bits == FREE -> atomic { bits = HEAD; users++; takes++; assert(users <= 1) }
            :: else -> release(); break     /* another run, as it were */
            fi;
            release()
        fi;
        change(false);
        if
        :: can
        :: else -> give()       /* or the other one has given it back */
        fi
    }
    ended++
}

active proctype other() {
    bool can;
    if
    :: give()
    :: acquire();               /* own_run_release() */
        if
        :: own ->
            hold();
            own = false;
            if
            :: in_use -> bits = HEAD
            :: else -> bits = FREE
            fi;
            held = false
        :: else
        fi;
        release()
    fi;
    ended++
}

active proctype end() {
    ended == 2;
    assert(!inside && !held && !lock);
    assert(users == takes - frees && users <= 1);
    assert((users == 1) == (bits == HEAD || (bits == PARKED && in_use)))
}
