/* tests/model/meet.h: two threads that do the same thing at once, round by round. */
#ifndef TESTS_MODEL_MEET_H
#define TESTS_MODEL_MEET_H

#include <sched.h>
#include <stdint.h>

static uint32_t meet_arrived;

/* Before the threads begin. */
static inline void meet_reset(void)
{
    meet_arrived = 0;
}

/* Both come to a number, 1 and up, before either goes on. */
static inline void meet(uint32_t number)
{
    __atomic_fetch_add(&meet_arrived, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&meet_arrived, __ATOMIC_ACQUIRE) < 2 * number)
        sched_yield();
}

#endif
