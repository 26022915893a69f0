/* mm/own_run.h among CPUs that run: CPU 0 takes and gives back its own run all the time, while CPU 1 gives
 * it back too, measures and splits it, looks at all memory, or asks for what cannot be had. Built with TSan.
 *
 * takes: 10 s
 */
#include "hal/short.h"
#include "tests/model/meet.h"
#include "tests/model/pmm_desk.h"

#include <pthread.h>

#define ROUNDS 20000u
#define TAKES  800000u
#define PAGES  6u

static struct desk desk;
static hal_paddr_t run;    /* of the round; both give it back */
static mm_status_t answer; /* that CPU 1 got */

/* So that now one comes first and now the other. */
static void wait_a_little(uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    for (volatile uint64_t n = *random >> 58; n != 0; n--)
        continue;
}

/* Three meetings a round: the run is there, both begin, both have their answers. */
static void *giver(void *arg)
{
    UNUSED(arg);
    uint64_t random = 1;
    host_set_cpu(1);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        meet(3 * round + 1);
        hal_paddr_t mine = run;
        meet(3 * round + 2);
        wait_a_little(&random);
        answer = pmm_free(desk.p, mine, PAGES);
        meet(3 * round + 3);
    }
    return NULL;
}

static void begin(pthread_t *thread, void *(*fn)(void *))
{
    meet_reset();
    desk_blocks(&desk, DESK_BLOCKS, 2);
    if (!EXPECT(pthread_create(thread, NULL, fn, NULL) == 0))
        abort();
}

/* CPU 0 has its own run in use, and both give it back: one of them is refused. */
static void given_back_by_two(void)
{
    pthread_t thread;
    uint32_t first = 0;
    uint64_t random = 2;
    begin(&thread, giver);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        run = pmm_alloc(desk.p, PAGES, 0);
        EXPECT(pmm_free(desk.p, run, PAGES) == MM_OK);
        EXPECT(pmm_alloc(desk.p, PAGES, 0) == run);
        meet(3 * round + 1);
        hal_paddr_t mine = run;
        meet(3 * round + 2);
        wait_a_little(&random);
        mm_status_t got = pmm_free(desk.p, mine, PAGES);
        meet(3 * round + 3);
        EXPECT((got == MM_OK) != (answer == MM_OK));
        EXPECT(got == MM_OK || got == MM_PARKED || got == MM_ALREADY_FREE);
        EXPECT(answer == MM_OK || answer == MM_PARKED || answer == MM_ALREADY_FREE);
        first += got == MM_OK;
    }
    pthread_join(thread, NULL);
    printf("  its own CPU comes first %" PRIu32 " times of %u\n", first, ROUNDS);
    EXPECT(first > ROUNDS / 100 && first < ROUNDS - ROUNDS / 100);
    EXPECT(desk_stats(&desk).free + desk_stats(&desk).parked == desk_stats(&desk).total);
    desk_close(&desk);
}

static bool stop;

static uint64_t looks, wrong; /* of CPU 1 */

static void see(bool right)
{
    looks++;
    wrong += !right;
}

/* All that looks at a run which may be parked. */
static void look_at(hal_paddr_t seen)
{
    size_t pages;
    mm_status_t status = pmm_length(desk.p, seen, &pages);
    see(status == MM_PARKED || status == MM_ALREADY_FREE || (status == MM_OK && pages == PAGES));
    status = pmm_split(desk.p, seen, PAGES, 0); /* it never is */
    see(status == MM_PARKED || status == MM_ALREADY_FREE || status == MM_INVALID);
    status = pmm_free(desk.p, seen + HAL_PAGE_SIZE, 1);
    see(status == MM_PARKED || status == MM_ALREADY_FREE || status == MM_INTERIOR);
}

static void *onlooker(void *arg)
{
    UNUSED(arg);
    host_set_cpu(1);
    host_join();
    for (uint32_t i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
        hal_paddr_t seen = __atomic_load_n(&run, __ATOMIC_RELAXED);
        if (seen != HAL_PADDR_NONE)
            look_at(seen);
        if (i % 16 == 0) {
            struct pmm_stats s = desk_stats(&desk);
            see(s.free + 2 * PAGES >= s.total && s.free + s.parked <= s.total);
        }
        if (i % 64 == 0) /* CPU 0 is called */
            see(pmm_alloc(desk.p, DESK_BLOCKS * BLOCK_PAGES + 1, 0) == HAL_PADDR_NONE);
        host_interrupt();
    }
    host_idle(true);
    return NULL;
}

/* No request of CPU 0 fails, and each is counted once. */
static void looked_at(void)
{
    pthread_t thread;
    stop = false;
    run = HAL_PADDR_NONE;
    host_join();
    begin(&thread, onlooker);
    for (uint64_t i = 0; i < TAKES; i++) {
        hal_paddr_t mine = pmm_alloc(desk.p, PAGES, 0);
        if (mine == HAL_PADDR_NONE)
            abort();
        __atomic_store_n(&run, mine, __ATOMIC_RELAXED);
        if (pmm_free(desk.p, mine, PAGES) != MM_OK)
            abort();
        host_interrupt();
    }
    host_idle(true);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    struct pmm_stats s = desk_stats(&desk);
    EXPECT(looks > 1000 && wrong == 0);
    EXPECT(s.allocs == TAKES && s.frees == TAKES && s.free + s.parked == s.total);
    desk_close(&desk);
}

int main(void)
{
    host_ram_create(HIGH + DESK_BLOCKS * BLOCK);
    expect_run("of two CPUs that give back an own run one is refused", given_back_by_two);
    expect_run("an own run under everybody's eyes", looked_at);
    return expect_total();
}
