/* For how long the zone's lock is held is bounded, whatever the size of memory. Steps are counted,
 * not time: mm/ is compiled so that each of its branches that runs reports itself, and those that
 * run while the lock is held are added up until it is given back. The same work is done in a zone
 * and in one eight times as large: the longest hold may not grow.
 *
 * kinds: steps
 */
#include "hal/short.h"
#include "tests/model/pmm_desk.h"

#define SMALL 2048u /* blocks: 4 GiB */
#define LARGE (8 * SMALL)
#define LIMIT 60000u /* steps in one hold */

static const struct hal_lock *watched;
static uint64_t steps, held, longest;

/* Called by each branch of mm/, in a program of the kind `steps`. */
#ifdef __clang__
__attribute__((no_sanitize("coverage")))
#else
__attribute__((no_sanitize_coverage))
#endif
void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
    steps++;
    held = watched != NULL && watched->held != 0 ? held + 1 : 0;
    longest = held > longest ? held : longest;
}

static void watch(struct desk *d)
{
    watched = &desk_normal(d)->lock;
    steps = held = longest = 0;
}

static void done(struct desk *d)
{
    watched = NULL;
    desk_drop(d);
}

static void use(struct desk *d, unsigned block, unsigned left)
{
    EXPECT(pmm_claim(d->p, HIGH + block * BLOCK, BLOCK_PAGES - left) == MM_OK);
}

/* Of each block the last `left` pages are free, of the last block the last `more`. That one is used
 * first, so it is the last in every list that has others too. */
static void use_all(struct desk *d, unsigned blocks, unsigned left, unsigned more)
{
    desk_blocks(d, blocks, 1);
    use(d, blocks - 1, more);
    for (unsigned b = 0; b < blocks - 1; b++)
        use(d, b, left);
}

/* All other blocks of the list are too short by one page, and come first. */
static void among_too_short(unsigned blocks)
{
    struct desk d;
    use_all(&d, blocks, 385, 386);
    watch(&d);
    EXPECT(pmm_alloc(d.p, 386, 0) == desk_page(HIGH, blocks * BLOCK_PAGES - 386));
    done(&d);
}

/* There are enough pages, but never two together. */
static void in_vain(unsigned blocks)
{
    struct desk d;
    use_all(&d, blocks, 1, 1);
    watch(&d);
    EXPECT(pmm_alloc(d.p, 2, 0) == HAL_PADDR_NONE);
    done(&d);
}

/* The only two pages that lie together are at the end, in two blocks: found when everything else
 * has been searched. */
static void at_last(unsigned blocks)
{
    struct desk d;
    use_all(&d, blocks, 1, 0);
    EXPECT(pmm_free(d.p, HIGH + (blocks - 1) * BLOCK, BLOCK_PAGES) == MM_OK);
    EXPECT(pmm_claim(d.p, HIGH + (blocks - 1) * BLOCK + HAL_PAGE_SIZE, BLOCK_PAGES - 1) == MM_OK);
    watch(&d);
    EXPECT(pmm_alloc(d.p, 2, 0) == HIGH + (blocks - 1) * BLOCK - HAL_PAGE_SIZE);
    done(&d);
}

/* All is used but one page, which was given back to a block that another CPU owns, near the end.
 * This port cannot ask that CPU. */
static void returned_at_last(unsigned blocks)
{
    struct desk d;
    desk_blocks(&d, blocks, 2);
    EXPECT(pmm_claim(d.p, HIGH, (blocks - 8) * BLOCK_PAGES) == MM_OK);
    host_set_cpu(1);
    hal_paddr_t block = desk_take_pages(&d, BLOCK_PAGES, 0);
    host_set_cpu(0);
    EXPECT(block == HIGH + (blocks - 8) * BLOCK);
    for (unsigned b = blocks - 7; b < blocks; b++)
        use(&d, b, 0);
    EXPECT(pmm_free(d.p, desk_page(block, 5), 1) == MM_OK);
    watch(&d);
    EXPECT(pmm_alloc(d.p, 1, 0) == desk_page(block, 5));
    done(&d);
}

static void count_all(unsigned blocks)
{
    struct desk d;
    use_all(&d, blocks, 3, 100);
    watch(&d);
    EXPECT(desk_stats(&d).free == 3 * blocks + 97);
    done(&d);
}

static void count_run(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run kind)
{
    uint64_t *sum = ctx;
    UNUSED(base);
    UNUSED(kind);
    *sum += pages;
}

static void walk_all(unsigned blocks)
{
    struct desk d;
    uint64_t pages = 0;
    use_all(&d, blocks, 3, 100);
    watch(&d);
    pmm_walk(d.p, count_run, &pages);
    EXPECT(pages == blocks * BLOCK_PAGES);
    done(&d);
}

static void bounded(void (*work)(unsigned blocks))
{
    work(SMALL);
    uint64_t small = longest;
    work(LARGE);
    printf("  longest hold: %" PRIu64 " steps, and %" PRIu64 " in a zone eight times as large\n",
           small, longest);
    EXPECT(small > 0 && longest <= small + small / 8 && longest < LIMIT);
}

static void too_short_ones(void)
{
    bounded(among_too_short);
}

static void failures(void)
{
    bounded(in_vain);
}

static void last_places(void)
{
    bounded(at_last);
}

static void returned_pages(void)
{
    bounded(returned_at_last);
}

static void statistics(void)
{
    bounded(count_all);
}

static void walks(void)
{
    bounded(walk_all);
}

static void failures_once(void)
{
    at_last(LARGE);
    uint64_t once = steps;
    in_vain(LARGE);
    printf("  found at last after %" PRIu64 " steps, not found after %" PRIu64 "\n", once, steps);
    EXPECT(once > LARGE && steps > LARGE && steps < once + once / 4);
}

/* Other builds, as those of `make mutate`, do not report their steps. */
static bool steps_are_told(void)
{
    struct desk d;
    desk_blocks(&d, 1, 1);
    watch(&d);
    EXPECT(pmm_check(d.p) == NULL);
    done(&d);
    return steps != 0;
}

int main(void)
{
    if (!steps_are_told()) {
        puts("skip pmm_bounds: not built to count steps");
        puts("0 passed, 0 failed, 1 skipped");
        return 0;
    }
    expect_run("a run behind too short ones holds the lock no longer in more memory",
               too_short_ones);
    expect_run("a run in the last place holds the lock no longer in more memory", last_places);
    expect_run("a request that fails holds the lock no longer in more memory", failures);
    expect_run("a request that fails searches once", failures_once);
    expect_run("a page given back to another CPU's block holds the lock no longer in more memory",
               returned_pages);
    expect_run("statistics hold the lock no longer in more memory", statistics);
    expect_run("a walk holds the lock no longer in more memory", walks);
    return expect_total();
}
