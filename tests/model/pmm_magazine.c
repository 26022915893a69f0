/* mm/magazine.h: which page a CPU takes next, which blocks it keeps, and what comes back to them.
 */
#include "hal/short.h"
#include "tests/model/pmm_desk.h"

#include <pthread.h>
#include <setjmp.h>
#include <string.h>
#include <unistd.h>

static void give(struct desk *d, hal_paddr_t at)
{
    EXPECT(pmm_free(d->p, at, 1) == MM_OK);
}

/* The page freed last is in the cache: it is the next one given, those before it follow from below,
 * and the zone hears nothing of it. */
static void last_freed(const struct pmm_debug *debug)
{
    static const uint32_t flags[] = {0, PMM_KERNEL};
    for (unsigned i = 0; i < ARRAY_LEN(flags); i++) {
        struct desk d;
        desk_blocks(&d, DESK_BLOCKS, 1);
        pmm_set_debug(d.p, debug);
        hal_paddr_t block = desk_take_pages(&d, 40, flags[i]);
        give(&d, desk_page(block, 7));
        give(&d, desk_page(block, 30));
        give(&d, desk_page(block, 21));
        EXPECT(desk_stats(&d).parked == BLOCK_PAGES - 40 + 3);
        EXPECT(block_state(&desk_normal(&d)->lists.bits[(block - HIGH) / BLOCK], 21) ==
               PAGE_PARKED);
        EXPECT(pmm_alloc(d.p, 1, flags[i]) == desk_page(block, 21));
        EXPECT(pmm_alloc(d.p, 1, flags[i]) == desk_page(block, 7));
        EXPECT(pmm_alloc(d.p, 1, flags[i]) == desk_page(block, 30));
        EXPECT(pmm_alloc(d.p, 1, flags[i]) == desk_page(block, 40));
        desk_close(&d);
    }
}

static void last_freed_first_taken(void)
{
    last_freed(NULL);
    last_freed(&(struct pmm_debug){.check_every = 0});
}

/* `count` pages of a block of single pages are freed, which brings the block to this CPU. They are
 * what it takes next, although another block of its kind is in a list: the last one first where it
 * was parked, those before it from below. */
static void given_back_is_taken_first(unsigned count)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t block = desk_take_pages(&d, BLOCK_PAGES, 0);
    desk_take_pages(&d, 5, 0);
    pmm_drain(d.p);
    for (unsigned i = 0; i < count; i++)
        give(&d, desk_page(block, 100 + 2 * i));
    EXPECT(desk_stats(&d).parked == count);
    if (count > 3)
        EXPECT(pmm_alloc(d.p, 1, 0) == desk_page(block, 100 + 2 * (count - 1)));
    for (unsigned i = 0; i < count - (count > 3); i++)
        EXPECT(pmm_alloc(d.p, 1, 0) == desk_page(block, 100 + 2 * i));
    EXPECT(hal_align_down(pmm_alloc(d.p, 1, 0), BLOCK) != block);
    desk_close(&d);
}

static void given_back_serves_first(void)
{
    given_back_is_taken_first(3);
    given_back_is_taken_first(4);
    given_back_is_taken_first(9);
    given_back_is_taken_first(90);
}

/* Not one that has nothing: the CPU then owns a block out of the lists, for this page and the next.
 */
static void given_back_and_taken_again(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t block = desk_take_pages(&d, BLOCK_PAGES, 0);
    pmm_drain(d.p);
    /* as if another CPU had taken what was freed */
    magazine_adopt(&d.p->cpus[0], desk_normal(&d), (uint32_t)((block - HIGH) / BLOCK));
    EXPECT(d.p->cpus[0].magazines[MAGAZINE_GIVE].zone == desk_normal(&d));
    EXPECT(desk_stats(&d).parked == 0);
    hal_paddr_t page = magazine_refill(&d.p->cpus[0], MAGAZINE_PAGES, desk_normal(&d));
    EXPECT(page != HAL_PADDR_NONE && hal_align_down(page, BLOCK) != block);
    EXPECT(desk_stats(&d).parked == BLOCK_PAGES - 1);
    desk_close(&d);
}

/* Pages are parked in several words of a block, with others in between, here and there twice. Where the
 * last one was parked is where the next one is taken; then the block is gone through from below. The zone
 * hears nothing of it: it counts calls when a block goes back. */
static void in_several_words(void)
{
    static const unsigned order[] = {0, 1, 300, 70, 130, 511, 64, 71};
    static const unsigned taken[] = {71, 0, 1, 64, 70, 130, 300, 511};
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t block = desk_take_pages(&d, BLOCK_PAGES, 0);
    pmm_drain(d.p);
    for (unsigned i = 0; i < ARRAY_LEN(order); i++) /* the first two bring the block */
        give(&d, desk_page(block, order[i]));
    EXPECT(desk_stats(&d).parked == ARRAY_LEN(order));
    uint64_t heard = desk_normal(&d)->allocs;
    for (unsigned i = 0; i < ARRAY_LEN(taken); i++)
        EXPECT(pmm_alloc(d.p, 1, 0) == desk_page(block, taken[i]));
    EXPECT(desk_normal(&d)->allocs == heard);
    EXPECT(desk_stats(&d).parked == 0 && pmm_check(d.p) == NULL);
    desk_close(&d);
}

static const struct block_bits *bits_of(struct desk *d, hal_paddr_t block)
{
    return &desk_normal(d)->lists.bits[(block - HIGH) / BLOCK];
}

/* A page that comes back to a block of the CPU's is parked, and not the zone's, wherever in the block it
 * lies: the CPU takes pages of word 3 then. `mine` knows such a block by the low bits of its number. */
static void parked_in_any_word(void)
{
    static const uint32_t flags[] = {0, PMM_KERNEL};
    for (unsigned i = 0; i < ARRAY_LEN(flags); i++) {
        struct desk d;
        desk_blocks(&d, DESK_BLOCKS, 1);
        EXPECT(pmm_claim(d.p, HIGH, (5 + i) * BLOCK_PAGES) == MM_OK);
        hal_paddr_t block = desk_take_pages(&d, 200, flags[i]);
        EXPECT(block / BLOCK % 64 != 0);
        give(&d, desk_page(block, 7));
        EXPECT(block_state(bits_of(&d, block), 7) == PAGE_PARKED);
        EXPECT(desk_stats(&d).parked == BLOCK_PAGES - 200 + 1);
        desk_close(&d);
    }
}

/* In the word that a magazine has turned to a page is parked at once, elsewhere not. */
static void parked_where_it_turned_to(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t block = desk_take_pages(&d, 100, 0);
    struct magazine *m = &d.p->cpus[0].magazines[MAGAZINE_PAGES];
    EXPECT(!magazine_park(m, desk_page(block, 7) >> HAL_PAGE_SHIFT));
    EXPECT(block_state(bits_of(&d, block), 7) == PAGE_HEAD);
    EXPECT(magazine_park(m, desk_page(block, 80) >> HAL_PAGE_SHIFT));
    EXPECT(block_state(bits_of(&d, block), 80) == PAGE_PARKED);
    EXPECT(!magazine_park(m, desk_page(block, 80) >> HAL_PAGE_SHIFT));
    EXPECT(pmm_alloc(d.p, 1, 0) == desk_page(block, 80));
    desk_close(&d);
}

/* Two blocks are given back to in turn: no page of one is taken for one of the other. */
static void in_two_blocks(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t blocks[2] = {desk_take_pages(&d, BLOCK_PAGES, 0),
                             desk_take_pages(&d, BLOCK_PAGES, 0)};
    pmm_drain(d.p);
    for (unsigned i = 0; i < 40; i++)
        give(&d, desk_page(blocks[i % 2], 5 * (i / 2)));
    for (unsigned i = 0; i < 40; i++) {
        EXPECT(pmm_free(d.p, desk_page(blocks[i % 2], 5 * (i / 2)), 1) == MM_PARKED);
        EXPECT(pmm_free(d.p, desk_page(blocks[i % 2], 5 * (i / 2)) + 1, 1) == MM_NOT_PAGE);
    }
    EXPECT(desk_stats(&d).parked == 40 && pmm_check(d.p) == NULL);
    desk_close(&d);
}

/* The lowest page of a block is loose in it, alone: it goes back with the block. */
static void lowest_page_goes_back(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t block = desk_take_pages(&d, BLOCK_PAGES, 0);
    give(&d, block);
    pmm_drain(d.p);
    EXPECT(desk_stats(&d).parked == 0 &&
           desk_stats(&d).free == (DESK_BLOCKS - 1) * BLOCK_PAGES + 1);
    EXPECT(pmm_check(d.p) == NULL);
    EXPECT(pmm_claim(d.p, block, 1) == MM_OK);
    desk_close(&d);
}

/* The same page is all that a block has: whoever is brought to the block may take it. */
static void lowest_page_is_taken(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t block = desk_take_pages(&d, BLOCK_PAGES, 0);
    pmm_drain(d.p);
    give(&d, block);
    pmm_drain(d.p);
    magazine_adopt(&d.p->cpus[0], desk_normal(&d), (uint32_t)((block - HIGH) / BLOCK));
    EXPECT(desk_stats(&d).parked == 1);
    EXPECT(magazine_refill(&d.p->cpus[0], MAGAZINE_PAGES, desk_normal(&d)) == block);
    desk_close(&d);
}

/* Whatever it is that the CPU has for itself, it is told once that something came back. */
static void told_what_came_back(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    struct magazine_cpu *cpu = &d.p->cpus[0];
    EXPECT(!magazine_release_all(cpu));
    hal_paddr_t page = pmm_alloc(d.p, 1, 0);
    EXPECT(magazine_release_all(cpu) && !magazine_release_all(cpu));
    EXPECT(pmm_alloc(d.p, 1, PMM_KERNEL) != HAL_PADDR_NONE);
    EXPECT(magazine_release_all(cpu) && !magazine_release_all(cpu));
    hal_paddr_t run = pmm_alloc(d.p, 2, 0);
    EXPECT(pmm_free(d.p, run, 2) == MM_OK && cpu->stash.run.pages == 2);
    EXPECT(magazine_release_all(cpu) && !magazine_release_all(cpu));
    magazine_adopt(cpu, desk_normal(&d), (uint32_t)((page - HIGH) / BLOCK));
    EXPECT(magazine_release_all(cpu) && !magazine_release_all(cpu));
    EXPECT(pmm_alloc(d.p, 2, 0) == run && pmm_free(d.p, run, 2) == MM_OK);
    EXPECT(pmm_alloc(d.p, 2, 0) == run && cpu->stash.run.in_use);
    EXPECT(!magazine_release_all(cpu)); /* it is allocated */
    desk_close(&d);
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t block = desk_take_pages(&d, BLOCK_PAGES, 0);
    pmm_drain(d.p);
    give(&d, block);
    cpu = &d.p->cpus[0];
    EXPECT(cpu->stash.count == 1 && magazine_release_all(cpu) && !magazine_release_all(cpu));
    desk_close(&d);
}

/* Two zones have a block of the same number. What a CPU has in its stash of one stays there when it comes
 * to own the other. */
static void stash_of_another_zone_stays(void)
{
    static const struct mem_region regions[] = {RAM(2 * GIB, 128 * MIB), RAM(HIGH, 128 * MIB)};
    struct desk d;
    DESK_MAKE(&d, regions);
    struct magazine_cpu *cpu = &d.p->cpus[0];
    struct zone *low = d.p->zones[PMM_ZONE_DMA32];
    EXPECT(magazine_refill(cpu, MAGAZINE_PAGES, low) == 2 * GIB);
    pmm_drain(d.p);
    EXPECT(desk_take_pages(&d, BLOCK_PAGES, 0) == HIGH);
    pmm_drain(d.p);
    give(&d, HIGH);
    EXPECT(cpu->stash.count == 1 && cpu->stash.zone == desk_normal(&d));
    magazine_adopt(cpu, low, 0);
    EXPECT(low->owned == 1 && cpu->stash.count == 1);
    EXPECT(block_state(bits_of(&d, HIGH), 0) == PAGE_PARKED && pmm_check(d.p) == NULL);
    desk_close(&d);
}

#define FULL 6u

/* Full blocks of single pages, nothing parked. */
static void fill_blocks(struct desk *d, hal_paddr_t *blocks)
{
    desk_blocks(d, DESK_BLOCKS, 1);
    for (unsigned b = 0; b < FULL; b++)
        blocks[b] = desk_take_pages(d, BLOCK_PAGES, 0);
    pmm_drain(d->p);
    EXPECT(desk_stats(d).parked == 0);
}

/* One page of each block that `order` names, by letter; then the CPU owns so many blocks. All pages that
 * it gave back are parked, in these or in its stash. */
static void freed_in(const char *order, uint32_t owned)
{
    struct desk d;
    hal_paddr_t blocks[FULL];
    fill_blocks(&d, blocks);
    for (unsigned i = 0; order[i] != 0; i++)
        give(&d, desk_page(blocks[order[i] - 'A'], 3 * i));
    if (!EXPECT(desk_normal(&d)->owned == owned && desk_stats(&d).parked == strlen(order)))
        printf("  after %s\n", order);
    desk_close(&d);
}

static void brought_by_neighbours(void)
{
    freed_in("AA", 0);
    freed_in("AAA", 1);
    freed_in("ABAB", 0);
    freed_in("BAAA", 1);
    freed_in("AABA", 0);
    freed_in("AAABBB", 2);
}

/* Only pages that were freed count: no misuse, and no runs. */
static void brought_by_pages_alone(void)
{
    struct desk d;
    hal_paddr_t blocks[FULL];
    fill_blocks(&d, blocks);
    give(&d, desk_page(blocks[0], 1));
    EXPECT(pmm_free(d.p, desk_page(blocks[0], 1), 1) == MM_PARKED);
    EXPECT(desk_stats(&d).parked == 1 && desk_normal(&d)->owned == 0);
    desk_close(&d);
    fill_blocks(&d, blocks);
    hal_paddr_t runs = pmm_alloc(d.p, 2, 0);
    hal_paddr_t far = pmm_alloc_aligned(d.p, 2, 2 * BLOCK, 0);
    EXPECT(hal_align_down(runs, BLOCK) != hal_align_down(far, BLOCK));
    give(&d, desk_page(blocks[0], 1));
    EXPECT(pmm_free(d.p, runs, 2) == MM_OK && pmm_free(d.p, far, 2) == MM_OK);
    give(&d, desk_page(blocks[0], 2));
    EXPECT(desk_normal(&d)->owned == 0);
    give(&d, desk_page(blocks[0], 3));
    EXPECT(desk_normal(&d)->owned == 1 && pmm_check(d.p) == NULL);
    desk_close(&d);
}

/* A CPU has room for four such blocks; the fifth takes the place of the first. */
static void four_are_kept(void)
{
    struct desk d;
    hal_paddr_t blocks[FULL];
    fill_blocks(&d, blocks);
    for (unsigned b = 0; b < 5; b++) {
        for (unsigned i = 0; i < 3; i++)
            give(&d, desk_page(blocks[b], 10 * b + i));
        EXPECT(desk_stats(&d).parked == (b < 4 ? 3 * b + 3 : 12));
    }
    static const unsigned order[] = {4, 1, 2, 3};
    for (unsigned k = 0; k < ARRAY_LEN(order); k++)
        for (unsigned i = 0; i < 3; i++)
            EXPECT(pmm_alloc(d.p, 1, 0) == desk_page(blocks[order[k]], 10 * order[k] + i));
    desk_close(&d);
}

/* Kernel pages given back are for the kernel; who asks for another page gets one of another block.
 */
static void classes_stay_apart(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t kernel = desk_take_pages(&d, BLOCK_PAGES, PMM_KERNEL);
    pmm_drain(d.p);
    for (unsigned i = 0; i < 4; i++)
        give(&d, desk_page(kernel, i));
    EXPECT(desk_stats(&d).parked == 4);
    hal_paddr_t page = pmm_alloc(d.p, 1, 0);
    EXPECT(hal_align_down(page, BLOCK) != kernel);
    EXPECT(desk_normal(&d)->lists.summaries[(page - HIGH) / BLOCK].class == CLASS_PAGES);
    EXPECT(desk_normal(&d)->lists.summaries[(kernel - HIGH) / BLOCK].class == CLASS_KERNEL_PAGES);
    EXPECT(pmm_alloc(d.p, 1, PMM_KERNEL) == desk_page(kernel, 3));
    desk_close(&d);
}

struct taker {
    struct pmm *p;
    bool done;
};

static void *take_one(void *context)
{
    struct taker *t = context;
    host_set_cpu(0);
    EXPECT(magazine_refill(&t->p->cpus[0], MAGAZINE_PAGES, t->p->zones[PMM_ZONE_NORMAL]) !=
           HAL_PADDR_NONE);
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
    desk_close(&d);
}

/* A CPU has as many magazines as there are. What lies behind them is not looked at, even when it
 * looks like one that has a block of the zone: there `near` is its hand, and `region.zone` its count
 * of frees. */
static void nothing_behind_the_magazines(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    struct magazine_cpu *cpu = &d.p->cpus[0];
    struct magazine *behind = &cpu->magazines[MAGAZINE_COUNT];
    hal_paddr_t block = desk_take_pages(&d, 1, 0);
    pmm_drain(d.p);
    EXPECT((char *)(&behind->zone + 1) <= (char *)(cpu + 1));
    EXPECT((void *)&cpu->near == (void *)&behind->hand);
    EXPECT((void *)&cpu->region.zone == (void *)&behind->frees);
    struct pmm_stats before = desk_stats(&d);
    behind->zone = desk_normal(&d);
    behind->frees = 7;
    EXPECT(desk_stats(&d).allocs == before.allocs && desk_stats(&d).frees == before.frees);
    EXPECT(pmm_alloc(d.p, 1, 0) == desk_page(block, 1));
    EXPECT(behind->zone == desk_normal(&d));
    pmm_drain(d.p);
    EXPECT(behind->zone == desk_normal(&d) && pmm_check(d.p) == NULL);
    struct magazine was = *behind;
    behind->number = block >> HAL_PAGE_SHIFT >> 6;
    behind->bits = &desk_normal(&d)->lists.bits[(block - HIGH) / BLOCK];
    EXPECT(!magazine_give(cpu, block >> HAL_PAGE_SHIFT));
    EXPECT(!magazine_is_own(cpu, block / BLOCK));
    *behind = was;
    desk_close(&d);
}

static const struct mem_region big[] = {RAM(HIGH, 256 * MIB)};

/* Take everything that this CPU can get. */
static void take_all(struct desk *d)
{
    for (size_t pages = 512; pages > 0; pages /= 2)
        while (pmm_alloc(d->p, pages, 0) != HAL_PADDR_NONE)
            continue;
}

/* CPU 1 gives back pages of a block that CPU 0 owns, side by side. When nothing else is left they can be
 * had one by one, each once, but not as a run, until CPU 0 gives the block back. */
static void what_comes_back_can_be_had(void)
{
    struct desk d;
    hal_paddr_t pages[8];
    static const hal_paddr_t claimed[] = {HIGH + 128 * MIB, HIGH + 128 * MIB + HAL_PAGE_SIZE,
                                          HIGH + 128 * MIB + 2 * HAL_PAGE_SIZE};
    desk_make(&d, big, ARRAY_LEN(big), 2);
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++)
        pages[i] = pmm_alloc(d.p, 1, 0);
    host_set_cpu(1);
    for (unsigned i = 0; i < ARRAY_LEN(claimed); i++)
        EXPECT(pmm_claim(d.p, claimed[i], 1) == MM_OK);
    take_all(&d);
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++) {
        EXPECT(pages[i] == pages[0] + i * HAL_PAGE_SIZE);
        EXPECT(pmm_free(d.p, pages[i], 1) == MM_OK);
    }
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++) {
        EXPECT(pmm_free(d.p, pages[i], 1) == MM_PARKED);
        EXPECT(pmm_claim(d.p, pages[i], 1) == MM_BUSY);
    }
    EXPECT(pmm_alloc(d.p, 2, 0) == HAL_PADDR_NONE &&
           pmm_alloc_aligned(d.p, 1, 8 * KIB, 0) == HAL_PADDR_NONE);
    const struct pmm_request below = {.pages = 1, .limit = pages[7]};
    EXPECT(pmm_alloc_request(d.p, &below) == HAL_PADDR_NONE); /* which a search alone keeps to */
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++)
        EXPECT(pmm_alloc(d.p, 1, i % 2 == 0 ? PMM_KERNEL : 0) == pages[i]);
    EXPECT(pmm_alloc(d.p, 1, 0) == HAL_PADDR_NONE && pmm_check(d.p) == NULL);
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++)
        EXPECT(pmm_free(d.p, pages[i], 1) == MM_OK);
    EXPECT(pmm_free(d.p, claimed[0], 1) == MM_OK && pmm_free(d.p, claimed[2], 1) == MM_OK);
    EXPECT(pmm_alloc(d.p, 2, 0) == HAL_PADDR_NONE); /* two pages are free, but not side by side */
    EXPECT(pmm_check(d.p) == NULL);
    host_set_cpu(0);
    pmm_drain(d.p);
    host_set_cpu(1);
    EXPECT(pmm_alloc(d.p, 8, 0) == pages[0]);
    desk_close(&d);
}

/* Does taking a page, or giving the blocks back, end in a panic? */
static bool panics(struct desk *d, bool drain)
{
    if (setjmp(*host_panic_catch()) != 0)
        return strstr(host_panic_text(), "two CPUs gave back one page") != NULL;
    if (drain)
        pmm_drain(d->p);
    else
        UNUSED(pmm_alloc(d->p, 1, 0));
    host_panic_release();
    return false;
}

static void count_parked(void *context, hal_paddr_t base, uint64_t pages, enum pmm_run kind)
{
    uint64_t *parked = context;
    *parked += base != HAL_PADDR_NONE && kind == PMM_RUN_PARKED ? pages : 0;
}

/* By the walk. */
static uint64_t parked_pages(struct desk *d)
{
    uint64_t parked = 0;
    pmm_walk(d->p, count_parked, &parked);
    return parked;
}

/* The owner of a block gives a page back while another CPU does the same, and each writes its own
 * bit: done here one after the other. The page is in the hand, or, when another one was given back
 * since, it is not: then it is found when the word is turned to. */
static void given_back_by_two(void)
{
    for (unsigned drain = 0; drain < 2; drain++)
        for (unsigned others = 0; others < 2; others++) {
            struct desk d;
            desk_blocks(&d, DESK_BLOCKS, 1);
            hal_paddr_t block = desk_take_pages(&d, BLOCK_PAGES, 0);
            give(&d, desk_page(block, 7));
            for (unsigned i = 0; i < others; i++)
                give(&d, desk_page(block, 100 + i));
            block_set(&desk_normal(&d)->lists.bits[(block - HIGH) / BLOCK], 7, 8, PAGE_INTERIOR);
            EXPECT(pmm_check(d.p) != NULL);
            EXPECT(panics(&d, drain != 0) == (drain != 0 || others == 0));
            desk_drop(&d);
        }
}

/* Until that comes out, such a page is nobody's: neither parked, nor to be given back, whatever it lies
 * beside. */
static void without_a_bit(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t block = desk_take_pages(&d, BLOCK_PAGES, 0);
    give(&d, desk_page(block, 6));
    EXPECT(desk_normal(&d)->owned == 1);
    for (unsigned i = 0; i <= 7; i += 7) {
        block_set(&desk_normal(&d)->lists.bits[(block - HIGH) / BLOCK], i, i + 1, PAGE_INTERIOR);
        EXPECT(pmm_free(d.p, desk_page(block, i), 1) == MM_INTERIOR);
    }
    EXPECT(desk_stats(&d).parked == 1 && parked_pages(&d) == 1);
    desk_drop(&d);
}

/* Much is free, but in no block all of it: there is none to own, and a page of a block of runs is taken. */
static void no_whole_block(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    for (unsigned b = 0; b < DESK_BLOCKS; b++)
        EXPECT(pmm_claim(d.p, HIGH + b * BLOCK, 1) == MM_OK);
    EXPECT(magazine_refill(&d.p->cpus[0], MAGAZINE_PAGES, desk_normal(&d)) == HAL_PADDR_NONE);
    EXPECT(pmm_alloc(d.p, 1, 0) != HAL_PADDR_NONE && desk_normal(&d)->owned == 0);
    desk_close(&d);
}

static bool waits;

static void release_cpu_0(void *p)
{
    magazine_release_all(&((struct pmm *)p)->cpus[0]);
}

static void *release_and_wait(void *p)
{
    host_set_cpu(0);
    host_join();
    __atomic_store_n(&waits, true, __ATOMIC_SEQ_CST);
    release_cpu_0(p);
    host_idle(true);
    return NULL;
}

static void *call_from_cpu_1(void *p)
{
    host_set_cpu(1);
    EXPECT(hal_call_others(release_cpu_0, p));
    return NULL;
}

/* While a CPU waits for the zone's lock to give back what it has, another one's call makes it do that. */
static void released_while_it_waits(struct desk *d)
{
    struct zone *z = desk_normal(d);
    pthread_t threads[2];
    EXPECT(desk_stats(d).parked != 0);
    waits = false;
    hal_lock(&z->lock);
    if (!EXPECT(pthread_create(&threads[0], NULL, release_and_wait, d->p) == 0))
        exit(1);
    while (!__atomic_load_n(&waits, __ATOMIC_SEQ_CST))
        usleep(1000);
    usleep(20000);
    if (!EXPECT(pthread_create(&threads[1], NULL, call_from_cpu_1, d->p) == 0))
        exit(1);
    usleep(20000);
    hal_unlock(&z->lock);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    EXPECT(desk_stats(d).parked == 0 && z->owned == 0 && z->stashed == 0);
}

/* With a block, and with a page in the stash. From here on CPU 0 can be called, so this comes last. */
static void released_twice(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t block = desk_take_pages(&d, BLOCK_PAGES, 0);
    hal_paddr_t other = pmm_alloc(d.p, 1, 0);
    released_while_it_waits(&d);
    give(&d, block);
    released_while_it_waits(&d);
    give(&d, other);
    for (unsigned i = 0; i < 2; i++) /* the last one of its block, and the first of another */
        EXPECT(pmm_alloc(d.p, 1, 0) != HAL_PADDR_NONE);
    EXPECT(desk_stats(&d).parked != 0);
    EXPECT(pmm_alloc(d.p, DESK_BLOCKS * BLOCK_PAGES, 0) ==
           HAL_PADDR_NONE); /* after a call to all */
    EXPECT(desk_stats(&d).parked == 0);
    desk_close(&d);
}

int main(void)
{
    host_ram_create(HIGH + 256 * MIB);
    expect_run("the page freed last is taken first", last_freed_first_taken);
    expect_run("what was given back serves before the zone", given_back_serves_first);
    expect_run("a block that came back and was used up again is passed over",
               given_back_and_taken_again);
    expect_run("pages parked in several words come from below", in_several_words);
    expect_run("a page is parked wherever in a block of the CPU's it lies", parked_in_any_word);
    expect_run("a page is parked at once in the word that was turned to",
               parked_where_it_turned_to);
    expect_run("pages parked in two blocks keep to their own", in_two_blocks);
    expect_run("the lowest page goes back with its block", lowest_page_goes_back);
    expect_run("the lowest page is taken, though its block has no other", lowest_page_is_taken);
    expect_run("a CPU is told whether anything came back", told_what_came_back);
    expect_run("the stash of another zone stays as it is", stash_of_another_zone_stays);
    expect_run("a block is brought by frees near one another", brought_by_neighbours);
    expect_run("a block is brought by pages freed, not by misuse or runs", brought_by_pages_alone);
    expect_run("a CPU keeps four blocks that it gives back to", four_are_kept);
    expect_run("kernel pages that were given back are for the kernel", classes_stay_apart);
    expect_run("a block goes back under the lock of its own zone", back_under_its_own_lock);
    expect_run("what lies behind the magazines is no magazine", nothing_behind_the_magazines);
    expect_run("what others gave back to an owned block can be had page by page",
               what_comes_back_can_be_had);
    expect_run("a page that its owner and another CPU gave back is not given out",
               given_back_by_two);
    expect_run("a page that both gave back is neither parked nor given back again", without_a_bit);
    expect_run("a zone without a whole block has none to own", no_whole_block);
    expect_run("what a CPU waits to give back may be gone by then", released_twice);
    return expect_total();
}
