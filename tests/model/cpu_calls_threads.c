/* kernel/cpus/calls.c by threads, one a CPU: each makes calls, holds a lock with interrupts off, and
 * looks for calls between its work, as an interrupt would. C1 and C2 by counting what ran where, and by
 * plain variables that TSan would see unordered; C3 by a lock that everybody wants while calls are made,
 * and by two CPUs that call each other all the time; C4 by a CPU that never answers. Built with TSan.
 * Usage: model-cpu_calls_threads [ROUNDS-A-CPU].
 *
 * needs: kernel/cpus/calls.c kernel/log/format.c
 * takes: 4 s
 * brief: 1000
 */
#include "hal/short.h"
#include "kernel/cpus/calls.h"

#include "hal/cpu.h"
#include "hal/host/host.h"
#include "tests/model/expect.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define CPUS 5u

static uint32_t rounds = 4000;

void cpu_relax(void)
{
    sched_yield();
}

static struct call_slot slots[CPUS];
static uint64_t kicks;

static void kick(uint32_t cpu)
{
    UNUSED(cpu);
    __atomic_fetch_add(&kicks, 1, __ATOMIC_RELAXED);
}

static uint64_t strikes, lates;

static void strike(uint32_t cpu)
{
    UNUSED(cpu);
    __atomic_fetch_add(&strikes, 1, __ATOMIC_RELAXED);
}

static void late(void)
{
    __atomic_fetch_add(&lates, 1, __ATOMIC_RELAXED);
}

/* A lock as the PC's port has it: who waits for it answers. */
static uint32_t lock;

static void lock_take(void)
{
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE) != 0) {
        calls_answer();
        sched_yield();
    }
}

static void lock_give(void)
{
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

struct tally {
    uint64_t ran[CPUS]; /* by CPU; plain: C1 orders them */
    uint32_t skip;      /* this CPU is not wanted; CPUS: all are */
};

static void count_here(void *arg)
{
    ((struct tally *)arg)->ran[hal_cpu_index()]++;
}

static bool is_wanted(void *arg, uint32_t cpu)
{
    return cpu != ((struct tally *)arg)->skip;
}

static uint32_t running;
static uint64_t wrong, calls;

static void check_call(const struct tally *t, uint32_t asked, uint32_t self)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < CPUS; i++) {
        uint64_t want = i != self && i != t->skip;
        if (t->ran[i] != want)
            __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
        sum += (uint32_t)t->ran[i];
    }
    if (sum != asked)
        __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
}

/* Every third call is made while the lock is held that all others wait for. */
static void *worker(void *arg)
{
    uint32_t self = (uint32_t)(uintptr_t)arg;
    host_set_cpu(self);
    calls_join();
    __atomic_fetch_add(&running, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&running, __ATOMIC_SEQ_CST) < CPUS)
        sched_yield();
    for (uint32_t round = 0; round < rounds; round++) {
        struct tally t = {.skip = (self + round) % (CPUS + 1)};
        bool locked = round % 3 == 0;
        if (locked)
            lock_take();
        uint32_t asked = calls_run(t.skip == CPUS ? NULL : is_wanted, count_here, &t);
        if (locked)
            lock_give();
        check_call(&t, asked, self);
        calls_answer();
    }
    __atomic_fetch_add(&running, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&running, __ATOMIC_SEQ_CST) < 2 * CPUS) {
        calls_answer();
        sched_yield();
    }
    return NULL;
}

static void test_calls(void)
{
    pthread_t threads[CPUS];
    for (uintptr_t i = 0; i < CPUS; i++)
        pthread_create(&threads[i], NULL, worker, (void *)i);
    for (uint32_t i = 0; i < CPUS; i++)
        pthread_join(threads[i], NULL);
    EXPECT(calls == (uint64_t)CPUS * rounds);
    EXPECT(wrong == 0);
    EXPECT(kicks > 0);
}

/* CPU 1 has joined and its thread is gone. */
static void test_deaf(void)
{
    struct tally t = {.skip = CPUS};
    host_set_cpu(0);
    if (setjmp(*host_panic_catch()) == 0) {
        calls_run(NULL, count_here, &t);
        host_panic_release();
        EXPECT(false);
        return;
    }
    EXPECT(calls_is_deaf(1) && !calls_is_deaf(0));
    EXPECT(t.ran[1] == 0);
}

static void test_alone(void)
{
    struct tally t = {.skip = CPUS};
    EXPECT(calls_run(NULL, count_here, &t) == 0);
    for (uint32_t i = 0; i < CPUS; i++)
        EXPECT(t.ran[i] == 0);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = (uint32_t)strtoul(argv[1], NULL, 10);
    expect_run("before calls_open() a call asks nobody", test_alone);
    calls_open(slots, sizeof slots[0], CPUS, 1000000, (struct calls_ways){kick, strike, late});
    expect_run("C1 to C3: every CPU that is asked runs the function once, whoever else calls or waits for a lock", test_calls);
    expect_run("C4: a CPU that does not answer ends in a panic that knows who it is", test_deaf);
    return expect_total();
}
