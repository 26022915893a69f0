/* kernel/cpus/mailbox.c against firmware by threads: each waits for its id in the mailbox, as ACPI 6.5
 * (5.2.12.19) has it, takes the order, and begins. TSan sees an order that is read before it is complete.
 *
 * needs: kernel/cpus/mailbox.c
 */
#include "kernel/cpus/mailbox.h"

#include "hal/host/host.h"
#include "tests/model/expect.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#define CPUS    6u
#define ROUNDS  300u
#define PATIENT (20 * (uint64_t)1000000000u) /* ns, which hal_cycles() counts here */
#define BRIEF   (50 * (uint64_t)1000000u)

void cpu_relax(void)
{
    sched_yield();
}

static struct cpu_mailbox box;
static uint64_t began[CPUS]; /* where; plain, for the thread is joined first */

static uint32_t id_of(uintptr_t cpu)
{
    return (uint32_t)(cpu * 1000 + 7); /* with gaps, and beyond 8 bits */
}

static uint64_t place_of(uintptr_t cpu)
{
    return 0x8000 + cpu * 0x100;
}

static bool is_for(uint32_t id)
{
    return __atomic_load_n(&box.command, __ATOMIC_ACQUIRE) == 1 && __atomic_load_n(&box.id, __ATOMIC_ACQUIRE) == id;
}

/* The specification's CPU: the fields are looked at once the command is there. */
static void *wait_for_order(void *arg)
{
    uintptr_t cpu = (uintptr_t)arg;
    uint16_t begin = 1;
    do {
        while (!is_for(id_of(cpu)))
            sched_yield();
        began[cpu] = box.vector;
        begin = 1;
    } while (!__atomic_compare_exchange_n(&box.command, &begin, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    return NULL;
}

static void each_begins_where_it_is_told(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        pthread_t threads[CPUS];
        for (uintptr_t i = 0; i < CPUS; i++) {
            began[i] = 0;
            pthread_create(&threads[i], NULL, wait_for_order, (void *)i);
        }
        for (uintptr_t i = CPUS; i-- > 0;)
            EXPECT(mailbox_order(&box, id_of(i), place_of(i), PATIENT));
        for (uintptr_t i = 0; i < CPUS; i++) {
            pthread_join(threads[i], NULL);
            EXPECT(began[i] == place_of(i));
        }
        EXPECT(box.command == 0 && box.reserved == 0);
    }
}

/* Nobody has this id: the order stays, and the next one is not written over it. */
static void nobody_takes_it(void)
{
    uint64_t begin = hal_cycles();
    EXPECT(!mailbox_order(&box, 5, 0x9000, BRIEF) && hal_cycles() - begin >= BRIEF);
    EXPECT(box.command == 1 && box.id == 5 && box.vector == 0x9000);
    EXPECT(!mailbox_order(&box, 6, 0xA000, BRIEF));
    EXPECT(box.command == 1 && box.id == 5 && box.vector == 0x9000);
}

static void *take_late(void *arg)
{
    usleep(20000);
    EXPECT(box.id == 5);
    __atomic_store_n(&box.command, 0, __ATOMIC_RELEASE);
    return wait_for_order(arg);
}

/* It takes its order while the next one waits for the mailbox. */
static void one_takes_it_late(void)
{
    pthread_t thread;
    began[2] = 0;
    pthread_create(&thread, NULL, take_late, (void *)(uintptr_t)2);
    EXPECT(mailbox_order(&box, id_of(2), place_of(2), PATIENT));
    pthread_join(thread, NULL);
    EXPECT(began[2] == place_of(2));
}

int main(void)
{
    expect_run("M1: each CPU begins once, where it is told", each_begins_where_it_is_told);
    expect_run("M2: an order that nobody takes stays, and the wait ends", nobody_takes_it);
    expect_run("an order that is taken late does no harm to the next one", one_takes_it_late);
    return expect_total();
}
