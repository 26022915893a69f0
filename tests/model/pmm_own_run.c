/* mm/own_run.h: the run that a CPU took last and gave back is its own: what it costs, and what it is to
 * everybody else while it is in use. The model knows nothing of it.
 */
#include "hal/short.h"
#include "mm/pmm_parked.h"
#include "tests/model/pmm_desk.h"

#include <pthread.h>
#include <unistd.h>

static const size_t lengths[] = {2, 3, 63, 64, 65, 300, 511, 512};

/* A run of CPU 0 that it took, gave back, and has taken again. */
static hal_paddr_t own(struct desk *d, size_t pages)
{
    hal_paddr_t run = desk_take(d, pages);
    desk_give(d, run, pages);
    EXPECT(desk_take(d, pages) == run);
    EXPECT(d->p->cpus[0].stash.run.in_use && d->p->cpus[0].stash.run.pages == pages);
    return run;
}

/* Has the run become one like any other? */
static bool is_settled(const struct desk *d)
{
    return d->p->cpus[0].stash.run.pages == 0 && d->p->zones[PMM_ZONE_NORMAL]->stashed == 0;
}

/* The zone hears nothing: another CPU could hold its lock all the time. */
static void without_the_zone(void)
{
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct desk d;
        desk_blocks(&d, DESK_BLOCKS, 1);
        struct zone *z = desk_normal(&d);
        hal_paddr_t run = own(&d, lengths[i]);
        struct pmm_stats before = desk_stats(&d);
        desk_give(&d, run, lengths[i]);
        EXPECT(z->frees == before.frees + 1 && desk_take(&d, lengths[i]) == run);
        uint64_t allocs = z->allocs, frees = z->frees;
        hal_lock(&z->lock);
        for (unsigned n = 0; n < 100; n++) {
            desk_give(&d, run, lengths[i]);
            EXPECT(desk_take(&d, lengths[i]) == run);
        }
        EXPECT(z->allocs == allocs && z->frees == frees);
        hal_unlock(&z->lock);
        struct pmm_stats after = desk_stats(&d);
        EXPECT(after.allocs == before.allocs + 101 && after.frees == before.frees + 101);
        EXPECT(after.parked == 0 && after.free == before.free);
        desk_end(&d);
    }
}

/* It is taken only where it lies at a multiple of what is asked for: here it has `before` pages before it in
 * its block. */
static void aligned(size_t before, unsigned shift, bool fits)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t other = before != 0 ? desk_take(&d, before) : 0;
    hal_paddr_t run = own(&d, 8);
    desk_give(&d, run, 8);
    uint64_t allocs = desk_normal(&d)->allocs;
    uint64_t align = HAL_PAGE_SIZE << shift;
    hal_paddr_t base = pmm_alloc_aligned(d.p, 8, align, 0);
    EXPECT(model_accept(&d.m, base, 8, align, 0) == NULL && (base == run) == fits);
    EXPECT(desk_normal(&d)->allocs == allocs + !fits);
    desk_give(&d, base, 8);
    if (before != 0)
        desk_give(&d, other, before);
    desk_end(&d);
}

static void where_it_is_aligned(void)
{
    for (unsigned shift = 0; shift <= 9; shift++) {
        aligned(0, shift, true);
        aligned(3, shift, shift == 0);
        aligned(8, shift, shift <= 3);
        aligned(256, shift, shift <= 8);
    }
}

/* What others do with it while CPU 0 has it in use. They find an allocated run. */
static void freed(struct desk *d, hal_paddr_t run, size_t pages)
{
    desk_give(d, run, pages);
    EXPECT(pmm_free(d->p, run, pages) != MM_OK);
}

static void misused(struct desk *d, hal_paddr_t run, size_t pages)
{
    EXPECT(pmm_free(d->p, run, pages + 1) == MM_WRONG_LENGTH);
    EXPECT(is_settled(d));
    EXPECT(pmm_free(d->p, run, 1) == MM_WRONG_LENGTH);
    EXPECT(pmm_free(d->p, run + HAL_PAGE_SIZE, pages - 1) == MM_INTERIOR);
}

static void misused_inside(struct desk *d, hal_paddr_t run, size_t pages)
{
    EXPECT(pmm_free(d->p, run + (pages - 1) * HAL_PAGE_SIZE, 1) == MM_INTERIOR);
    EXPECT(is_settled(d));
}

static void split(struct desk *d, hal_paddr_t run, size_t pages)
{
    EXPECT(pmm_split(d->p, run, pages, pages) == MM_INVALID);
    EXPECT(is_settled(d));
}

static void measured(struct desk *d, hal_paddr_t run, size_t pages)
{
    size_t length;
    EXPECT(pmm_length(d->p, run, &length) == MM_OK && length == pages);
    EXPECT(is_settled(d));
}

static void claimed(struct desk *d, hal_paddr_t run, size_t pages)
{
    EXPECT(pmm_claim(d->p, run, pages) == MM_BUSY);
}

static void walked_over(struct desk *d, hal_paddr_t run, size_t pages)
{
    UNUSED(run);
    struct pmm_stats s = desk_stats(d);
    EXPECT(s.parked == 0 && s.free == s.total - pages);
    EXPECT(is_settled(d));
}

static void checked(struct desk *d, hal_paddr_t run, size_t pages)
{
    UNUSED(run);
    UNUSED(pages);
    EXPECT(pmm_check(d->p) == NULL);
    EXPECT(is_settled(d));
}

static void retired(struct desk *d, hal_paddr_t run, size_t pages)
{
    EXPECT(pmm_retire(d->p, run + (pages - 1) * HAL_PAGE_SIZE, NULL) == MM_BUSY);
    EXPECT(is_settled(d));
}

static void watched(struct desk *d, hal_paddr_t run, size_t pages)
{
    static const struct pmm_debug junk = {.junk = true};
    *(uint64_t *)hal_phys_to_virt(run) = 0;
    pmm_set_debug(d->p, &junk);
    EXPECT(*(uint64_t *)hal_phys_to_virt(run) == 0);
    desk_give(d, run, pages);
    EXPECT(*(uint64_t *)hal_phys_to_virt(run) == 0x6b6b6b6b6b6b6b6bu);
    pmm_set_debug(d->p, NULL);
}

static void searched(struct desk *d, hal_paddr_t run, size_t pages)
{
    UNUSED(run);
    UNUSED(pages);
    EXPECT(pmm_alloc(d->p, DESK_BLOCKS * BLOCK_PAGES, 0) == HAL_PADDR_NONE);
    model_count_failure(&d->m, 0);
}

typedef void meets_fn(struct desk *, hal_paddr_t run, size_t pages);

/* CPU 1 meets a run that CPU 0 has in use. In the end CPU 0 gives it back, where it was not given back. */
static void meets(meets_fn *what, size_t pages, bool given)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 2);
    hal_paddr_t run = own(&d, pages);
    host_set_cpu(1);
    what(&d, run, pages);
    host_set_cpu(0);
    EXPECT(desk_compare(&d));
    if (given) {
        EXPECT(pmm_free(d.p, run, pages) != MM_OK);
    } else {
        desk_give(&d, run, pages);
        EXPECT(pmm_free(d.p, run, pages) == MM_PARKED);
    }
    desk_end(&d);
}

static void what_it_is_to_others(void)
{
    static const struct {
        meets_fn *what;
        bool given;
    } cases[] = {{freed, true},     {misused, false}, {misused_inside, false}, {split, false},
                 {measured, false}, {claimed, false}, {walked_over, false},    {checked, false},
                 {retired, false},  {watched, true},  {searched, false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t n = 0; n < ARRAY_LEN(lengths); n++)
            meets(cases[i].what, lengths[n], cases[i].given);
}

/* What its CPU does wrong, with the run in use and at hand. */
static void misuse_by_its_cpu(void)
{
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct desk d;
        desk_blocks(&d, DESK_BLOCKS, 1);
        size_t pages = lengths[i];
        hal_paddr_t run = own(&d, pages);
        EXPECT(pmm_free(d.p, run, pages - 1) == MM_WRONG_LENGTH);
        EXPECT(pmm_free(d.p, run, pages + 1) == MM_WRONG_LENGTH);
        EXPECT(pmm_free(d.p, run, 0) == MM_WRONG_LENGTH);
        EXPECT(pmm_free(d.p, run + HAL_PAGE_SIZE, pages) == MM_INTERIOR);
        EXPECT(pmm_free(d.p, run + 1, pages) == MM_NOT_PAGE);
        desk_give(&d, run, pages);
        for (size_t n = 0; n <= pages; n++)
            EXPECT(pmm_free(d.p, run, n) == MM_PARKED);
        EXPECT(desk_compare(&d) && desk_stats(&d).parked == pages);
        desk_end(&d);
    }
}

/* A CPU keeps one: the last. One that is in use when another comes is as any other run. */
static void another_one(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t first = own(&d, 6);
    hal_paddr_t second = desk_take(&d, 6);
    EXPECT(second != first && !is_settled(&d));
    desk_give(&d, second, 6);
    EXPECT(d.p->cpus[0].stash.run.page == second >> HAL_PAGE_SHIFT);
    EXPECT(desk_normal(&d)->stashed == 1 && desk_compare(&d));
    desk_give(&d, first, 6);
    EXPECT(desk_compare(&d) && desk_stats(&d).parked == 6);
    first = own(&d, 9);
    second = desk_take(&d, 6);
    desk_give(&d, first, 9); /* not the last that was taken */
    EXPECT(is_settled(&d) && desk_compare(&d));
    desk_give(&d, second, 6);
    desk_end(&d);
}

/* A page of it that is to become bad does when it is given back, though the CPU did not look at the zone. */
static void retired_later(void)
{
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        struct desk d;
        static struct pmm_retiring later;
        desk_blocks(&d, DESK_BLOCKS, 2);
        hal_paddr_t run = own(&d, 6);
        host_set_cpu(cpu);
        EXPECT(pmm_retire(d.p, run + 3 * HAL_PAGE_SIZE, &later) == MM_OK);
        host_set_cpu(0);
        EXPECT(pmm_retires_later(&later) && pmm_check(d.p) == NULL);
        EXPECT(pmm_free(d.p, run, 6) == MM_OK && !pmm_retires_later(&later));
        EXPECT(desk_stats(&d).bad == 1 && desk_stats(&d).parked == 0);
        desk_close(&d);
    }
}

/* It comes back with all else that the CPU has, or stays with its caller, and nothing is counted twice. */
static void drained_and_moved(void)
{
    for (unsigned how = 0; how < 4; how++) {
        struct desk d;
        desk_blocks(&d, DESK_BLOCKS, 1);
        hal_paddr_t run = own(&d, 6);
        bool at_hand = how % 2 == 1;
        if (at_hand)
            desk_give(&d, run, 6);
        if (how < 2)
            pmm_drain(d.p);
        else
            pmm_set_node(d.p, 0);
        EXPECT(is_settled(&d) && desk_compare(&d) && desk_stats(&d).parked == 0);
        if (!at_hand)
            desk_give(&d, run, 6);
        stash_leave(&d.p->cpus[0].stash);
        EXPECT(d.p->cpus[0].stash.zone == NULL && desk_stats(&d).parked == 0);
        desk_end(&d);
    }
}

/* While another CPU looks at the run, its own takes another one, and gives this one back by the zone. */
static void held_by_another(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t run = own(&d, 6);
    struct own_run *r = &d.p->cpus[0].stash.run;
    r->held = true;
    EXPECT(!own_run_give(r, run >> HAL_PAGE_SHIFT, 6) && r->in_use && !r->inside);
    r->held = false;
    desk_give(&d, run, 6);
    uint64_t takes = r->takes;
    r->held = true;
    hal_paddr_t other = desk_take(&d, 6);
    EXPECT(other != run && !r->in_use && !r->inside && r->takes == takes);
    r->held = false;
    EXPECT(desk_take(&d, 6) == run);
    desk_end(&d);
}

/* Who has none has nothing in use, and nothing at hand. */
static void none_at_all(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    struct zone *z = desk_normal(&d);
    struct own_run *r = &d.p->cpus[0].stash.run;
    hal_lock(&z->lock);
    EXPECT(!own_run_settle(r, z) && !own_run_release(r, z) && !parked_settle(d.p, z));
    hal_unlock(&z->lock);
    desk_end(&d);
}

/* A run is settled under the lock of its own zone alone. */
static void of_its_zone(void)
{
    static const struct mem_region memory[] = {RAM(2 * GIB, 64 * MIB), RAM(HIGH, 64 * MIB)};
    struct desk d;
    DESK_MAKE(&d, memory);
    own(&d, 6);
    EXPECT(!parked_settle(d.p, d.p->zones[PMM_ZONE_DMA32]) && !is_settled(&d));
    EXPECT(parked_settle(d.p, desk_normal(&d)) && is_settled(&d));
    desk_end(&d);
}

static void *leave(void *inside)
{
    usleep(20000);
    __atomic_store_n((bool *)inside, false, __ATOMIC_SEQ_CST);
    return NULL;
}

/* Whoever looks at it waits until its CPU is not inside. */
static void waited_for(void)
{
    struct desk d;
    pthread_t thread;
    desk_blocks(&d, DESK_BLOCKS, 1);
    own(&d, 6);
    struct own_run *r = &d.p->cpus[0].stash.run;
    r->inside = true;
    if (!EXPECT(pthread_create(&thread, NULL, leave, &r->inside) == 0))
        exit(1);
    hal_lock(&desk_normal(&d)->lock);
    EXPECT(own_run_settle(r, desk_normal(&d)));
    EXPECT(!__atomic_load_n(&r->inside, __ATOMIC_SEQ_CST) && !r->held);
    hal_unlock(&desk_normal(&d)->lock);
    pthread_join(thread, NULL);
    EXPECT(is_settled(&d));
    desk_end(&d);
}

/* One that has been stopped for good is not: a panic's report walks all the same. */
static void stopped_for_good(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 2);
    own(&d, 6);
    d.p->cpus[0].stash.run.inside = true;
    host_set_cpu(1);
    alarm(20);
    pmm_others_stopped(d.p);
    EXPECT(desk_stats(&d).parked == 0 && is_settled(&d));
    alarm(0);
    host_set_cpu(0);
    desk_end(&d);
}

/* Where the run taken last began, a block of single pages lies by now, which the CPU owns. */
static void of_a_block_of_pages(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t run = pmm_alloc(d.p, 3, 0);
    EXPECT(pmm_free(d.p, run, 3) == MM_OK);
    pmm_drain(d.p);
    EXPECT(desk_take_pages(&d, 10, 0) == run);
    EXPECT(pmm_free(d.p, run, 3) == MM_WRONG_LENGTH && pmm_free(d.p, run, 1) == MM_OK);
    desk_close(&d);
}

int main(void)
{
    host_ram_create(HIGH + DESK_BLOCKS * BLOCK);
    expect_run("taken and given back without the zone's lock", without_the_zone);
    expect_run("an aligned request has it where it is aligned", where_it_is_aligned);
    expect_run("what a run in use is to others", what_it_is_to_others);
    expect_run("what its CPU does wrong", misuse_by_its_cpu);
    expect_run("the next one takes its place", another_one);
    expect_run("a page of it that becomes bad", retired_later);
    expect_run("drained, and moved to another node", drained_and_moved);
    expect_run("held by another CPU, another run is taken", held_by_another);
    expect_run("nothing comes of none", none_at_all);
    expect_run("settled for its own zone", of_its_zone);
    expect_run("its CPU is waited for", waited_for);
    expect_run("its CPU, stopped for good, is not", stopped_for_good);
    expect_run("where it began, a block of single pages lies by now", of_a_block_of_pages);
    return expect_total();
}
