/* Two CPUs give back one page at the same time: the one that owns its block, and another one. In a
 * debug mode exactly one of them is told that all is well. Otherwise both may be, and then the
 * allocator panics before the page gets a second owner: when it is taken again, or when its block
 * goes back to the zone. Built with TSan.
 *
 * takes: 10 s
 */
#include "hal/short.h"
#include "tests/model/meet.h"
#include "tests/model/pmm_desk.h"

#include <pthread.h>
#include <setjmp.h>
#include <string.h>

#define ROUNDS 30000u

static struct desk desk;
static hal_paddr_t page;   /* of the round; both give it back */
static mm_status_t answer; /* that the other CPU got */

/* CPU 1: three meetings a round: the page is there, both begin, both have their answers. */
static void *other(void *arg)
{
    UNUSED(arg);
    host_set_cpu(1);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        meet(3 * round + 1);
        hal_paddr_t mine = page;
        meet(3 * round + 2);
        answer = pmm_free(desk.p, mine, 1);
        meet(3 * round + 3);
    }
    return NULL;
}

/* Does giving all blocks back end in a panic, or taking every page that is parked? */
static bool panics(bool drain)
{
    if (setjmp(*host_panic_catch()) != 0)
        return strstr(host_panic_text(), "two CPUs gave back one page") != NULL;
    if (drain)
        pmm_drain(desk.p);
    for (unsigned i = 0; !drain && i < 2 * BLOCK_PAGES; i++)
        UNUSED(pmm_alloc(desk.p, 1, 0));
    host_panic_release();
    return false;
}

struct outcome {
    uint64_t one, both, neither, unseen;
};

/* CPU 0 takes a page of its block, both give it back. */
static struct outcome race(const struct pmm_debug *debug)
{
    struct outcome o = {.one = 0};
    pthread_t thread;
    meet_reset();
    desk_blocks(&desk, DESK_BLOCKS, 2);
    pmm_set_debug(desk.p, debug);
    if (!EXPECT(pthread_create(&thread, NULL, other, NULL) == 0))
        return o;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        page = pmm_alloc(desk.p, 1, 0);
        meet(3 * round + 1);
        hal_paddr_t mine = page;
        meet(3 * round + 2);
        mm_status_t got = pmm_free(desk.p, mine, 1);
        meet(3 * round + 3);
        unsigned ok = (got == MM_OK ? 1u : 0u) + (answer == MM_OK ? 1u : 0u);
        EXPECT(got == MM_OK || got == MM_PARKED);
        EXPECT(answer == MM_OK || answer == MM_PARKED);
        o.one += ok == 1;
        o.both += ok == 2;
        o.neither += ok == 0;
        if (ok != 2)
            continue;
        o.unseen += !panics(round % 2 == 0);
        desk_drop(&desk);
        desk_blocks(&desk, DESK_BLOCKS, 2);
    }
    pthread_join(thread, NULL);
    desk_close(&desk);
    printf("  one is refused %" PRIu64 " times, none %" PRIu64 " times\n", o.one, o.both);
    return o;
}

static void in_a_debug_mode(void)
{
    struct outcome o = race(&(struct pmm_debug){.junk = false});
    EXPECT(o.one == ROUNDS && o.both == 0 && o.neither == 0);
}

static void without(void)
{
    struct outcome o = race(NULL);
    EXPECT(o.one + o.both == ROUNDS && o.neither == 0);
    EXPECT(o.unseen == 0);
}

int main(void)
{
    host_ram_create(HIGH + 256 * MIB);
    expect_run("of two CPUs that give back a page one is refused, in a debug mode",
               in_a_debug_mode);
    expect_run("a page that two CPUs gave back at once never has two owners", without);
    return expect_total();
}
