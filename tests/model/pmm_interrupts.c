/* An interrupt handler may use the allocator at any time (mm/pmm.h: any context but NMI). mm/ is
 * compiled so that each of its branches that runs reports itself; at one of these places after
 * another, wherever interrupts are enabled, a handler takes and gives back pages of its own.
 *
 * kinds: steps
 * takes: 7 s
 */
#include "hal/short.h"
#include "tests/model/pmm_desk.h"

#include <setjmp.h>

/* Each word of a page is a place where junk is filled in or looked for: not every one is tried. */
#define ONE_BY_ONE 300u
#define STRIDE     4999u

static struct desk desk;
static bool running;            /* the calls that are interrupted, not what stands around them */
static uint64_t places, strike; /* met in this run; the one at which the interrupt comes */
static hal_paddr_t page, pair, older; /* that the handler has: one page, two, and one from before */

static void stamp(hal_paddr_t base, size_t pages)
{
    uint64_t *word = hal_phys_to_virt(base);
    for (size_t i = 0; i < pages * (HAL_PAGE_SIZE / sizeof *word); i++)
        word[i] = base;
}

static bool is_stamped(hal_paddr_t base, size_t pages)
{
    const uint64_t *word = hal_phys_to_virt(base);
    for (size_t i = 0; i < pages * (HAL_PAGE_SIZE / sizeof *word); i++)
        if (word[i] != base)
            return false;
    return true;
}

static void handler(void)
{
    hal_irq_t irq = hal_irq_save();
    EXPECT(older == HAL_PADDR_NONE || pmm_free(desk.p, older, 1) == MM_OK);
    page = pmm_alloc(desk.p, 1, 0);
    pair = pmm_alloc(desk.p, 2, 0);
    EXPECT(page != HAL_PADDR_NONE && pair != HAL_PADDR_NONE);
    stamp(page, 1);
    stamp(pair, 2);
    hal_irq_restore(irq);
}

/* Called by each branch, in a program of the kind `steps`. */
#ifdef __clang__
__attribute__((no_sanitize("coverage")))
#else
__attribute__((no_sanitize_coverage))
#endif
void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
#ifdef HOST_INTERRUPTS
    if (!running || host_irq_off != 0)
        return;
    running = false; /* what follows has branches, too */
    EXPECT(desk_normal(&desk)->lock.held == 0);
    if (++places == strike)
        handler();
    running = true;
#endif
}

static void take_and_give(size_t pages, uint32_t flags)
{
    hal_paddr_t got = pmm_alloc(desk.p, pages, flags);
    if (EXPECT(got != HAL_PADDR_NONE))
        EXPECT(pmm_free(desk.p, got, pages) == MM_OK);
}

/* Something of every call: what fits, what does not, and what is wrong. */
static void all_calls(void)
{
    struct pmm_stats s;
    take_and_give(1, 0);
    take_and_give(1, PMM_KERNEL | PMM_ZERO);
    take_and_give(3, 0);
    take_and_give(2 * BLOCK_PAGES + 1, 0);
    EXPECT(pmm_alloc(desk.p, DESK_BLOCKS * BLOCK_PAGES, 0) == HAL_PADDR_NONE);
    hal_paddr_t high = HIGH + 100 * BLOCK;
    EXPECT(pmm_claim(desk.p, high, 7) == MM_OK);
    EXPECT(pmm_claim(desk.p, high, 7) == MM_BUSY);
    EXPECT(pmm_free(desk.p, high, 6) == MM_WRONG_LENGTH);
    EXPECT(pmm_free(desk.p, high, 7) == MM_OK);
    EXPECT(pmm_free(desk.p, high, 7) == MM_ALREADY_FREE);
    hal_paddr_t run = pmm_alloc(desk.p, 8, 0);
    EXPECT(run != HAL_PADDR_NONE && pmm_split(desk.p, run, 8, 3) == MM_OK);
    EXPECT(pmm_free(desk.p, run, 3) == MM_OK);
    EXPECT(pmm_free(desk.p, run + 3 * HAL_PAGE_SIZE, 5) == MM_OK);
    EXPECT(pmm_retire(desk.p, high + 10 * BLOCK, NULL) == MM_OK);
    pmm_stats(desk.p, PMM_ZONE_NORMAL, &s);
    pmm_drain(desk.p);
}

static void give_back(hal_paddr_t base, size_t pages)
{
    EXPECT(is_stamped(base, pages) && pmm_free(desk.p, base, pages) == MM_OK);
}

/* All calls once, with an interrupt at one place. False: there are fewer places. */
static bool struck_at(uint64_t place, const struct pmm_debug *modes)
{
    desk_blocks(&desk, DESK_BLOCKS, 1);
    older = pmm_alloc(desk.p, 1, 0);
    page = pair = HAL_PADDR_NONE;
    places = 0;
    strike = place;
    running = true;
    pmm_set_debug(desk.p, modes);
    all_calls();
    pmm_set_debug(desk.p, NULL);
    running = false;
    bool struck = page != HAL_PADDR_NONE;
    if (struck) {
        give_back(page, 1);
        give_back(pair, 2);
    } else {
        EXPECT(pmm_free(desk.p, older, 1) == MM_OK);
    }
    pmm_drain(desk.p);
    EXPECT(desk_stats(&desk).total == DESK_BLOCKS * BLOCK_PAGES - 1);
    EXPECT(desk_stats(&desk).free == desk_stats(&desk).total);
    desk_close(&desk);
    return struck;
}

static void everywhere(const struct pmm_debug *modes)
{
    volatile uint64_t place = 0, runs = 0;
    volatile bool going_on = true;
    if (setjmp(*host_panic_catch()) != 0) {
        running = false;
        printf("  %s, interrupted at place %" PRIu64 "\n", host_panic_text(), place);
        EXPECT(false);
        return;
    }
    while (going_on) {
        place += place < ONE_BY_ONE ? 1 : STRIDE;
        going_on = struck_at(place, modes);
        runs++;
    }
    host_panic_release();
    printf("  interrupted at %" PRIu64 " of %" PRIu64 " places\n", runs - 1, places);
    EXPECT(runs > 100);
}

static void in_no_mode(void)
{
    everywhere(NULL);
}

static void with_checks(void)
{
    everywhere(&(struct pmm_debug){.check_every = 1});
}

static void with_junk(void)
{
    everywhere(&(struct pmm_debug){.junk = true});
}

/* Other builds, as those of `make mutate`, do not report their steps. */
static bool steps_are_told(void)
{
    strike = 0;
    desk_blocks(&desk, 1, 1);
    running = true;
    pmm_drain(desk.p);
    EXPECT(pmm_check(desk.p) == NULL);
    running = false;
    desk_drop(&desk);
    return places != 0;
}

int main(void)
{
    host_ram_create(HIGH + 256 * MIB);
    if (!steps_are_told()) {
        puts("skip pmm_interrupts: not built to count steps");
        puts("0 passed, 0 failed, 1 skipped");
        return 0;
    }
    expect_run("an interrupt at any place finds the allocator whole", in_no_mode);
    expect_run("check_every: an interrupt at any place is no false panic", with_checks);
    expect_run("junk: an interrupt at any place keeps the pages that it takes", with_junk);
    return expect_total();
}
