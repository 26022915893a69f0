/* Which page the allocator gives, of those that are all right, and where the searches of the lists
 * give up: what costs and locality rest on. Knows the allocator's own structures. */
#include "tests/model/expect.h"
#include "tests/model/pmm_desk.h"

#include "hal/host/host.h"
#include "mm/extents.h"
#include "mm/pmm_struct.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#define HIGH   (4 * GIB)
#define BLOCK  (2 * MIB)
#define BLOCKS 128u /* of the larger desk, where CPUs own blocks */

static void make(struct desk *d, unsigned blocks, unsigned cpus)
{
    const struct mem_region regions[] = {RAM(HIGH, blocks * BLOCK)};
    host_set_cpu(0);
    desk_make(d, regions, ARRAY_LEN(regions), cpus);
}

static void end(struct desk *d)
{
    const char *broken = pmm_check(d->p);
    if (!EXPECT(broken == NULL))
        printf("  %s\n", broken);
    desk_drop(d);
}

static struct zone *normal(struct desk *d)
{
    return d->p->zones[PMM_ZONE_NORMAL];
}

static struct pmm_stats stats(struct desk *d)
{
    struct pmm_stats s;
    pmm_stats(d->p, PMM_ZONE_NORMAL, &s);
    return s;
}

static paddr_t page_of(paddr_t block, unsigned page)
{
    return block + page * PAGE_SIZE;
}

/* Single pages, the first `count` of a block; where they begin. */
static paddr_t take_pages(struct desk *d, unsigned count, uint32_t flags)
{
    paddr_t first = pmm_alloc(d->p, 1, flags);
    EXPECT(first % BLOCK == 0 && first != PADDR_NONE);
    for (unsigned i = 1; i < count; i++)
        EXPECT(pmm_alloc(d->p, 1, flags) == page_of(first, i));
    return first;
}

static void give(struct desk *d, paddr_t at)
{
    EXPECT(pmm_free(d->p, at, 1) == STATUS_OK);
}

/* ---- pages of a block that this CPU owns ---- */

/* The page freed last is in the cache: it is the next one given, and the zone hears nothing of it.
 */
static void last_freed(const struct pmm_debug *debug)
{
    static const uint32_t flags[] = {0, PMM_KERNEL};
    for (unsigned i = 0; i < ARRAY_LEN(flags); i++) {
        struct desk d;
        make(&d, BLOCKS, 1);
        pmm_set_debug(d.p, debug);
        paddr_t block = take_pages(&d, 40, flags[i]);
        give(&d, page_of(block, 7));
        give(&d, page_of(block, 30));
        give(&d, page_of(block, 21));
        EXPECT(stats(&d).parked == BLOCK_PAGES - 40 + 3);
        EXPECT(block_state(&normal(&d)->lists.bits[(block - HIGH) / BLOCK], 21) == PAGE_PARKED);
        EXPECT(pmm_alloc(d.p, 1, flags[i]) == page_of(block, 21));
        EXPECT(pmm_alloc(d.p, 1, flags[i]) == page_of(block, 30));
        EXPECT(pmm_alloc(d.p, 1, flags[i]) == page_of(block, 7));
        EXPECT(pmm_alloc(d.p, 1, flags[i]) == page_of(block, 40));
        end(&d);
    }
}

static void last_freed_first_taken(void)
{
    last_freed(NULL);
    last_freed(&(struct pmm_debug){.check_every = 0});
}

/* A request for no pages gets none, also when the magazine has some. */
static void nothing_asked_nothing_given(void)
{
    struct desk d;
    make(&d, BLOCKS, 1);
    take_pages(&d, 1, 0);
    EXPECT(d.p->cpus[0].magazines[MAGAZINE_PAGES].count != 0);
    EXPECT(pmm_alloc(d.p, 0, 0) == PADDR_NONE);
    EXPECT(pmm_alloc_aligned(d.p, 0, PAGE_SIZE, 0) == PADDR_NONE);
    EXPECT(stats(&d).parked == BLOCK_PAGES - 1 && stats(&d).failures == 0);
    end(&d);
}

/* `count` pages of a block of single pages are freed, which brings the block to this CPU. They are
 * what it takes next, although another block of its kind is in a list: the last one first where it was
 * parked, those before it from below. */
static void given_back_is_taken_first(unsigned count)
{
    struct desk d;
    make(&d, BLOCKS, 1);
    paddr_t block = take_pages(&d, BLOCK_PAGES, 0);
    take_pages(&d, 5, 0);
    pmm_drain(d.p);
    for (unsigned i = 0; i < count; i++)
        give(&d, page_of(block, 100 + 2 * i));
    EXPECT(stats(&d).parked == count);
    for (unsigned i = count; i-- > 2;)
        EXPECT(pmm_alloc(d.p, 1, 0) == page_of(block, 100 + 2 * i));
    EXPECT(pmm_alloc(d.p, 1, 0) == page_of(block, 100));
    EXPECT(pmm_alloc(d.p, 1, 0) == page_of(block, 102));
    EXPECT(align_down(pmm_alloc(d.p, 1, 0), BLOCK) != block);
    end(&d);
}

static void given_back_serves_first(void)
{
    given_back_is_taken_first(2);
    given_back_is_taken_first(3);
    given_back_is_taken_first(9);
}

/* Not one that has nothing: the CPU then owns a block out of the lists, for this page and the next. */
static void given_back_and_taken_again(void)
{
    struct desk d;
    make(&d, BLOCKS, 1);
    paddr_t block = take_pages(&d, BLOCK_PAGES, 0);
    pmm_drain(d.p);
    for (unsigned i = 0; i < 2; i++) /* as if another CPU had taken what was freed */
        magazine_saw_free(&d.p->cpus[0], normal(&d), block / BLOCK,
                          (uint32_t)((block - HIGH) / BLOCK));
    EXPECT(d.p->cpus[0].magazines[MAGAZINE_GIVE].zone == normal(&d));
    EXPECT(stats(&d).parked == 0);
    EXPECT(align_down(pmm_alloc(d.p, 1, 0), BLOCK) != block);
    EXPECT(stats(&d).parked == BLOCK_PAGES - 1);
    end(&d);
}

/* The stack has room for 64 pages: more that are freed stay parked, and come to the stack when it is
 * empty. What lies behind it is not copied when the block changes its magazine. */
static void more_than_the_stack(void)
{
    struct desk d;
    make(&d, BLOCKS, 1);
    struct magazine *m = d.p->cpus[0].magazines;
    paddr_t block = take_pages(&d, BLOCK_PAGES, 0);
    pmm_drain(d.p);
    for (unsigned i = 0; i < MAGAZINE_STACK + 5;
         i++) /* the first two bring the block, and are not on the stack */
        give(&d, page_of(block, 2 * i));
    EXPECT(m[MAGAZINE_GIVE].count == MAGAZINE_STACK);
    m[MAGAZINE_GIVE].unused[0] = UINT64_MAX;
    for (unsigned i = MAGAZINE_STACK + 2; i-- > 2;)
        EXPECT(pmm_alloc(d.p, 1, 0) == page_of(block, 2 * i));
    EXPECT(m[MAGAZINE_PAGES].unused[0] == 0);
    static const unsigned left[] = {0, 1, MAGAZINE_STACK + 2, MAGAZINE_STACK + 3,
                                    MAGAZINE_STACK + 4};
    for (unsigned i = 0; i < ARRAY_LEN(left); i++)
        EXPECT(pmm_alloc(d.p, 1, 0) == page_of(block, 2 * left[i]));
    end(&d);
}

/* The lowest page of a block is loose in it, alone: it goes back with the block. */
static void lowest_page_goes_back(void)
{
    struct desk d;
    make(&d, BLOCKS, 1);
    paddr_t block = take_pages(&d, BLOCK_PAGES, 0);
    give(&d, block);
    pmm_drain(d.p);
    EXPECT(stats(&d).parked == 0 && stats(&d).free == (BLOCKS - 1) * BLOCK_PAGES + 1);
    EXPECT(pmm_check(d.p) == NULL);
    EXPECT(pmm_claim(d.p, block, 1) == STATUS_OK);
    end(&d);
}

/* ---- which block is brought by freeing, and where it serves ---- */

#define FULL 6u

/* Full blocks of single pages, nothing parked. */
static void fill_blocks(struct desk *d, paddr_t *blocks)
{
    make(d, BLOCKS, 1);
    for (unsigned b = 0; b < FULL; b++)
        blocks[b] = take_pages(d, BLOCK_PAGES, 0);
    pmm_drain(d->p);
    EXPECT(stats(d).parked == 0);
}

/* One page of each block that `order` names, by letter; then so many pages are parked. */
static void freed_in(const char *order, uint64_t parked)
{
    struct desk d;
    paddr_t blocks[FULL];
    fill_blocks(&d, blocks);
    for (unsigned i = 0; order[i] != 0; i++)
        give(&d, page_of(blocks[order[i] - 'A'], 3 * i));
    if (!EXPECT(stats(&d).parked == parked))
        printf("  after %s\n", order);
    end(&d);
}

static void brought_by_neighbours(void)
{
    freed_in("A", 0);
    freed_in("AB", 0);
    freed_in("AA", 2);
    freed_in("ABA", 2);
    freed_in("ABB", 2);
    freed_in("ABCA", 0);
    freed_in("ABAB", 4);
}

/* Only pages that were freed count: no misuse, and no runs. */
static void brought_by_pages_alone(void)
{
    struct desk d;
    paddr_t blocks[FULL];
    fill_blocks(&d, blocks);
    give(&d, page_of(blocks[0], 1));
    EXPECT(pmm_free(d.p, page_of(blocks[0], 1), 1) == STATUS_ALREADY_FREE);
    EXPECT(stats(&d).parked == 0);
    end(&d);
    fill_blocks(&d, blocks);
    paddr_t runs = pmm_alloc(d.p, 2, 0);
    paddr_t far = pmm_alloc_aligned(d.p, 2, 2 * BLOCK, 0);
    EXPECT(align_down(runs, BLOCK) != align_down(far, BLOCK));
    give(&d, page_of(blocks[0], 1));
    EXPECT(pmm_free(d.p, runs, 2) == STATUS_OK && pmm_free(d.p, far, 2) == STATUS_OK);
    give(&d, page_of(blocks[0], 2));
    EXPECT(stats(&d).parked == 2);
    end(&d);
}

/* A CPU has room for four such blocks; the fifth takes the place of the first. */
static void four_are_kept(void)
{
    struct desk d;
    paddr_t blocks[FULL];
    fill_blocks(&d, blocks);
    for (unsigned b = 0; b < 5; b++) {
        for (unsigned i = 0; i < 2; i++)
            give(&d, page_of(blocks[b], 10 * b + i));
        EXPECT(stats(&d).parked == (b < 4 ? 2 * b + 2 : 8));
    }
    static const unsigned order[] = {4, 1, 2, 3};
    for (unsigned k = 0; k < ARRAY_LEN(order); k++)
        for (unsigned i = 0; i < 2; i++)
            EXPECT(pmm_alloc(d.p, 1, 0) == page_of(blocks[order[k]], 10 * order[k] + i));
    end(&d);
}

/* Kernel pages given back are for the kernel; who asks for another page gets one of another block.
 */
static void classes_stay_apart(void)
{
    struct desk d;
    make(&d, BLOCKS, 1);
    paddr_t kernel = take_pages(&d, BLOCK_PAGES, PMM_KERNEL);
    pmm_drain(d.p);
    for (unsigned i = 0; i < 3; i++)
        give(&d, page_of(kernel, i));
    EXPECT(stats(&d).parked == 3);
    paddr_t page = pmm_alloc(d.p, 1, 0);
    EXPECT(align_down(page, BLOCK) != kernel);
    EXPECT(normal(&d)->lists.summaries[(page - HIGH) / BLOCK].class == CLASS_PAGES);
    EXPECT(normal(&d)->lists.summaries[(kernel - HIGH) / BLOCK].class == CLASS_KERNEL_PAGES);
    EXPECT(pmm_alloc(d.p, 1, PMM_KERNEL) == page_of(kernel, 2));
    end(&d);
}

/* Each kind of request has blocks of its own class, where CPUs own none. */
static const struct {
    size_t pages;
    uint32_t flags;
    enum block_class class;
} kinds[] = {{2, 0, CLASS_RUNS},
             {1, 0, CLASS_PAGES},
             {2, PMM_KERNEL, CLASS_KERNEL_RUNS},
             {1, PMM_KERNEL, CLASS_KERNEL_PAGES}};

static void classes_by_request(void)
{
    struct desk d;
    make(&d, 8, 1);
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        paddr_t at = pmm_alloc(d.p, kinds[i].pages, kinds[i].flags);
        EXPECT(normal(&d)->lists.summaries[(at - HIGH) / BLOCK].class == kinds[i].class);
    }
    end(&d);
}

/* Four blocks, one of each class, the class `first` at the bottom and so on, each with pages used
 * up from below. */
static void one_of_each(struct desk *d, unsigned first, paddr_t *block)
{
    make(d, CLASS_COUNT, 1);
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        unsigned k = (first + i) % CLASS_COUNT;
        paddr_t at = pmm_alloc(d->p, kinds[k].pages, kinds[k].flags);
        EXPECT(at == HIGH + i * BLOCK);
        block[kinds[k].class] = at;
    }
}

/* When nothing is whole, who needs pages goes to its own blocks, then to those of the same use or
 * the same size, and last to those that differ in both. */
static void fall_back(enum block_class class, const uint8_t *order, unsigned first)
{
    struct desk d;
    paddr_t block[CLASS_COUNT];
    struct place at;
    one_of_each(&d, first, block);
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        EXPECT(zone_take_run(normal(&d), 3, 0, class, &at));
        EXPECT(HIGH + at.block * BLOCK == block[order[i]]);
        EXPECT(normal(&d)->lists.summaries[at.block].class == order[i]);
        unsigned next = at.index + 3; /* all that is left of the block */
        EXPECT(pmm_claim(d.p, page_of(block[order[i]], next), BLOCK_PAGES - next) == STATUS_OK);
    }
    EXPECT(!zone_take_run(normal(&d), 1, 0, class, &at));
    end(&d);
}

static void other_classes_in_order(void)
{
    static const uint8_t order[][CLASS_COUNT] = {
        {CLASS_RUNS, CLASS_PAGES, CLASS_KERNEL_RUNS, CLASS_KERNEL_PAGES},
        {CLASS_PAGES, CLASS_RUNS, CLASS_KERNEL_PAGES, CLASS_KERNEL_RUNS},
        {CLASS_KERNEL_RUNS, CLASS_KERNEL_PAGES, CLASS_RUNS, CLASS_PAGES},
        {CLASS_KERNEL_PAGES, CLASS_KERNEL_RUNS, CLASS_PAGES, CLASS_RUNS},
    };
    for (unsigned i = 0; i < ARRAY_LEN(order); i++)
        for (unsigned first = 0; first < CLASS_COUNT; first++)
            fall_back((enum block_class)order[i][0], order[i], first);
}

/* ---- what a CPU may own ---- */

/* A whole block is owned when it is a quarter of what is free for each CPU, at most. */
static void whole_block(unsigned cpus, unsigned used, bool owned)
{
    struct desk d;
    make(&d, 256 * cpus, cpus);
    unsigned left = 4 * cpus * BLOCK_PAGES;
    EXPECT(normal(&d)->magazines);
    EXPECT(pmm_claim(d.p, page_of(HIGH, left), 256 * cpus * BLOCK_PAGES - left) == STATUS_OK);
    if (used != 0)
        EXPECT(pmm_claim(d.p, page_of(HIGH, left - used), used) == STATUS_OK);
    EXPECT(stats(&d).free == left - used);
    EXPECT(pmm_alloc(d.p, 1, 0) != PADDR_NONE);
    EXPECT(stats(&d).parked == (owned ? BLOCK_PAGES - 1 : 0));
    end(&d);
}

static void no_more_than_a_share(void)
{
    for (unsigned cpus = 1; cpus < 4; cpus++) {
        whole_block(cpus, 0, true);
        whole_block(cpus, 1, false);
    }
}

/* All that is free is one block, so nobody may own it: its pages are taken from the zone. */
static void page_by_page(void)
{
    struct desk d;
    make(&d, BLOCKS, 1);
    take_pages(&d, 1, 0);
    pmm_drain(d.p);
    EXPECT(normal(&d)->lists.summaries[0].class == CLASS_PAGES);
    EXPECT(pmm_claim(d.p, HIGH + BLOCK, (BLOCKS - 1) * BLOCK_PAGES) == STATUS_OK);
    EXPECT(pmm_claim(d.p, page_of(HIGH, 100), 1) == STATUS_OK);
    EXPECT(pmm_claim(d.p, page_of(HIGH, 110), 1) == STATUS_OK);
    EXPECT(pmm_claim(d.p, page_of(HIGH, 112), BLOCK_PAGES - 112) == STATUS_OK);
    for (unsigned i = 1; i < 112; i++) {
        if (i == 100 || i == 110)
            continue;
        EXPECT(pmm_alloc(d.p, 1, 0) == page_of(HIGH, i));
        EXPECT(stats(&d).parked == 0);
        EXPECT(pmm_check(d.p) == NULL);
    }
    EXPECT(pmm_alloc(d.p, 1, 0) == PADDR_NONE);
    end(&d);
}

/* The highest zone serves first, also when its last block may be owned by nobody. */
static void highest_zone_first(void)
{
    static const struct mem_region regions[] = {RAM(2 * GIB, 128 * MIB), RAM(HIGH, BLOCKS * BLOCK)};
    struct desk d;
    model_init(&d.m, regions, ARRAY_LEN(regions));
    d.p = model_create(&d.m, 1, &d.tables, &d.bytes);
    EXPECT(pmm_claim(d.p, HIGH + BLOCK, (BLOCKS - 1) * BLOCK_PAGES) == STATUS_OK);
    for (unsigned i = 0; i < BLOCK_PAGES; i++)
        EXPECT(pmm_alloc(d.p, 1, 0) == page_of(HIGH, i));
    EXPECT(pmm_alloc(d.p, 1, 0) == 2 * GIB);
    end(&d);
}

/* A run, or a block owned, while there is more than there was once leaves the mark where it is. */
static void low_water_stays_low(void)
{
    struct desk d;
    make(&d, BLOCKS, 1);
    paddr_t run = pmm_alloc(d.p, 20 * BLOCK_PAGES, 0);
    EXPECT(pmm_free(d.p, run, 20 * BLOCK_PAGES) == STATUS_OK);
    EXPECT(stats(&d).low_water == (BLOCKS - 20) * BLOCK_PAGES);
    EXPECT(pmm_alloc(d.p, 3, 0) != PADDR_NONE);
    EXPECT(stats(&d).low_water == (BLOCKS - 20) * BLOCK_PAGES);
    take_pages(&d, 1, 0);
    EXPECT(stats(&d).parked == BLOCK_PAGES - 1);
    EXPECT(stats(&d).low_water == (BLOCKS - 20) * BLOCK_PAGES);
    end(&d);
}

/* ---- under whose lock ---- */

struct taker {
    struct pmm *p;
    bool done;
};

static void *take_one(void *context)
{
    struct taker *t = context;
    host_set_cpu(0);
    EXPECT(magazine_refill(&t->p->cpus[0], MAGAZINE_PAGES, t->p->zones[PMM_ZONE_NORMAL]) !=
           PADDR_NONE);
    __atomic_store_n(&t->done, true, __ATOMIC_SEQ_CST);
    return NULL;
}

/* A CPU has a block of one zone and takes a page of another: the block goes back under the lock of
 * its own zone. While somebody else holds that, the CPU waits. */
static void back_under_its_own_lock(void)
{
    static const struct mem_region regions[] = {RAM(2 * GIB, 128 * MIB), RAM(HIGH, 128 * MIB)};
    struct desk d;
    pthread_t thread;
    DESK_MAKE(&d, regions);
    struct zone *low = d.p->zones[PMM_ZONE_DMA32];
    struct taker taker = {.p = d.p};
    EXPECT(magazine_refill(&d.p->cpus[0], MAGAZINE_PAGES, low) == 2 * GIB);
    EXPECT(d.p->cpus[0].magazines[MAGAZINE_PAGES].zone == low);
    hal_lock(&low->lock);
    if (!EXPECT(pthread_create(&thread, NULL, take_one, &taker) == 0))
        exit(1);
    for (unsigned i = 0; i < 50 && !__atomic_load_n(&taker.done, __ATOMIC_SEQ_CST); i++)
        usleep(1000);
    EXPECT(!__atomic_load_n(&taker.done, __ATOMIC_SEQ_CST));
    hal_unlock(&low->lock);
    pthread_join(thread, NULL);
    EXPECT(taker.done && low->lists.summaries[0].owner == 0);
    end(&d);
}

/* A block with `left` free pages: is it owned when the next page is asked for? */
static void partly_used(unsigned left, bool owned)
{
    struct desk d;
    make(&d, BLOCKS, 1);
    paddr_t block = take_pages(&d, BLOCK_PAGES - left, 0);
    pmm_drain(d.p);
    EXPECT(stats(&d).parked == 0);
    paddr_t got = pmm_alloc(d.p, 1, 0);
    EXPECT(got == page_of(block, BLOCK_PAGES - left));
    give(&d, got);
    EXPECT(stats(&d).parked == (owned ? left : 0));
    end(&d);
}

static void owned_from_two_pages_on(void)
{
    partly_used(1, false);
    partly_used(2, true);
    partly_used(3, true);
}

/* Room for tables of which the byte `offset` lies at a multiple of 4 GiB. */
static void *room_for(size_t bytes, size_t offset)
{
    size_t room = 2 * (4 * GIB) + 2 * bytes;
    char *at = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
    if (!EXPECT(at != MAP_FAILED))
        exit(1);
    uintptr_t multiple = ((uintptr_t)at + bytes + 4 * GIB - 1) / (4 * GIB) * (4 * GIB);
    return at + (multiple - (uintptr_t)at - offset);
}

/* A CPU has as many magazines as there are. What lies behind them is not looked at, even when it
 * looks like one of the zone: there `next_give` is the low half of the zone's address,
 * `region_hint` the pages on the stack. */
static void nothing_behind_the_magazines(void)
{
    static struct block_bits nothing;
    struct desk d;
    make(&d, BLOCKS, 1);
    size_t offset = (size_t)((char *)normal(&d) - (char *)d.tables);
    struct desk moved = d;
    moved.tables = room_for(d.bytes, offset);
    EXPECT(pmm_create_in(&d.m.map, 1, moved.tables, d.bytes, &moved.p) == STATUS_OK);
    EXPECT((uintptr_t)normal(&moved) % (4 * GIB) == 0);
    paddr_t block = take_pages(&moved, 1, 0);
    EXPECT(block == HIGH);
    pmm_drain(moved.p);
    struct magazine_cpu *cpu = &moved.p->cpus[0];
    EXPECT(cpu->last_freed[0] == UINT64_MAX && cpu->last_freed[1] == UINT64_MAX);
    EXPECT((void *)cpu->last_freed == (void *)(cpu->magazines + MAGAZINE_COUNT));
    cpu->last_freed[0] = (uintptr_t)&nothing;
    cpu->last_freed[1] = 64 * KIB; /* a page of nobody */
    cpu->region_hint = 1;
    struct pmm_stats before = stats(&moved);
    cpu->unused[0] = (uint32_t)((uintptr_t)normal(&moved) >> 32);
    cpu->unused[1] = 7; /* there its allocations are counted */
    EXPECT(stats(&moved).allocs == before.allocs && stats(&moved).frees == before.frees);
    EXPECT(pmm_alloc(moved.p, 1, 0) == page_of(block, 1));
    EXPECT(pmm_check(moved.p) == NULL);
    end(&d);
}

/* ---- where the searches of the lists give up ---- */

/* Leave pages [lo, lo + length) of block `b` free, and nothing else of it. */
static void leave(struct desk *d, unsigned b, unsigned lo, unsigned length)
{
    paddr_t base = HIGH + b * BLOCK;
    if (lo > 0)
        EXPECT(pmm_claim(d->p, base, lo) == STATUS_OK);
    unsigned hi = lo + length;
    EXPECT(pmm_claim(d->p, page_of(base, hi), BLOCK_PAGES - hi) == STATUS_OK);
}

/* Do the lists show the place? If not, zone_take_run() finds nothing, and the scan finds it. */
static void lists_find_it(struct desk *d, size_t pages, unsigned shift, bool found,
                          paddr_t expected)
{
    struct place at;
    bool got = zone_take_run(normal(d), pages, shift, CLASS_RUNS, &at);
    EXPECT(got == found);
    if (!got)
        EXPECT(zone_scan_run(normal(d), pages, shift, CLASS_RUNS, &at));
    EXPECT(lists_page(&normal(d)->lists, at) << PAGE_SHIFT == expected);
}

/* In one list four blocks are tried: the fifth is not seen. */
static void four_of_a_list(void)
{
    for (unsigned others = 0; others < 8; others++) {
        struct desk d;
        make(&d, others + 1, 1);
        leave(&d, 0, 128, 2);
        for (unsigned b = 1; b <= others; b++)
            leave(&d, b, 101, 2); /* not at an even page */
        lists_find_it(&d, 2, 1, others < 4, page_of(HIGH, 128));
        end(&d);
    }
}

/* Blocks of the same list whose run is too short are passed over, and not counted. */
static void short_ones_are_not_tried(void)
{
    struct desk d;
    make(&d, 12, 1);
    leave(&d, 0, 128, 70);
    for (unsigned b = 1; b < 12; b++)
        leave(&d, b, 128, 64 + b % 6);
    lists_find_it(&d, 70, 0, true, page_of(HIGH, 128));
    end(&d);
}

/* In all 64 are tried: 15 lists with four blocks each, then one with `some`, then one with `last`.
 * The one that fits is the last of that list, or in a list of its own. */
static void tries_in_all(unsigned some, unsigned last, bool own_list, bool found)
{
    struct desk d;
    make(&d, 61 + some + last, 1);
    leave(&d, 0, 0, own_list ? 40 : 19);
    for (unsigned b = 1; b < 61 + some + last; b++)
        leave(&d, b, 100, b < 61 + some ? 3 + (b - 1) / 4 : 19);
    lists_find_it(&d, 2, BLOCK_SHIFT, found, HIGH);
    end(&d);
}

static void sixty_four_in_all(void)
{
    tries_in_all(3, 0, true, true);
    tries_in_all(3, 1, true, false);
    tries_in_all(3, 0, false, true);
    tries_in_all(3, 1, false, false);
    tries_in_all(2, 1, false, true);
    tries_in_all(4, 0, true, false);
}

/* Zones of 2 GiB and more have a list for each length up to 127, smaller ones up to 63. */
static uint32_t exact_lists(unsigned blocks)
{
    struct desk d;
    make(&d, blocks, 1);
    uint32_t exact = normal(&d)->lists.exact_bins;
    end(&d);
    return exact;
}

static void lists_by_size(void)
{
    EXPECT(exact_lists(1023) == 64);
    EXPECT(exact_lists(1024) == 128);
}

int main(void)
{
    host_ram_create(HIGH + 256 * MIB);
    expect_run("the page freed last is taken first", last_freed_first_taken);
    expect_run("a request for no pages gets none", nothing_asked_nothing_given);
    expect_run("what was given back serves before the zone", given_back_serves_first);
    expect_run("a block that came back and was used up again is passed over",
               given_back_and_taken_again);
    expect_run("pages beyond the stack stay parked", more_than_the_stack);
    expect_run("the lowest page goes back with its block", lowest_page_goes_back);
    expect_run("a block is brought by frees near one another", brought_by_neighbours);
    expect_run("a block is brought by pages freed, not by misuse or runs", brought_by_pages_alone);
    expect_run("a CPU keeps four blocks that it gives back to", four_are_kept);
    expect_run("kernel pages that were given back are for the kernel", classes_stay_apart);
    expect_run("each kind of request has a class", classes_by_request);
    expect_run("other classes serve in the order of least harm", other_classes_in_order);
    expect_run("a CPU owns no more than its share", no_more_than_a_share);
    expect_run("pages of a block that nobody may own come one by one", page_by_page);
    expect_run("the highest zone serves to its last page", highest_zone_first);
    expect_run("taking does not raise low_water", low_water_stays_low);
    expect_run("a block goes back under the lock of its own zone", back_under_its_own_lock);
    expect_run("a block is owned from two free pages on", owned_from_two_pages_on);
    expect_run("what lies behind the magazines is no magazine", nothing_behind_the_magazines);
    expect_run("of one list four blocks are tried", four_of_a_list);
    expect_run("a block whose run is too short is not tried", short_ones_are_not_tried);
    expect_run("of all lists 64 blocks are tried", sixty_four_in_all);
    expect_run("a zone of 2 GiB has more lists", lists_by_size);
    return expect_total();
}
