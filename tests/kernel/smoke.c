/* The smoke test: the machine's own allocator on the machine's own memory. What was taken is kept
 * in a record of its own, checked against the normalized map, and never against the allocator's
 * word. */
#include "hal/hal.h"
#include "hal/short.h"
#include "kernel/early/image.h"
#include "kernel/log/log.h"
#include "kernel/memory/memory.h"
#include "tests/kernel/selftest.h"

static const uint32_t span_sizes[] = {2, 4, 16, 64, 65, 511, 513, 5000};
static const uint32_t dma_sizes[] = {2, 4, 16, 64};

#define SPANS_MAX 8u

struct span {
    hal_paddr_t base;
    uint64_t pages;
};

struct record {
    struct span span[SPANS_MAX];
    size_t count;
};

struct snapshot {
    struct pmm_stats zone[PMM_ZONE_COUNT];
};

static struct snapshot take_snapshot(void)
{
    struct snapshot s;
    pmm_drain(memory_pmm);
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++)
        pmm_stats(memory_pmm, (enum pmm_zone)z, &s.zone[z]);
    return s;
}

static void check_same(struct test_state *t, const struct snapshot *before)
{
    struct snapshot now = take_snapshot();
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        CHECK_EQ(now.zone[z].total, before->zone[z].total);
        CHECK_EQ(now.zone[z].free + now.zone[z].parked,
                 before->zone[z].free + before->zone[z].parked);
        CHECK_EQ(now.zone[z].free, before->zone[z].free);
        CHECK_EQ(now.zone[z].runs, before->zone[z].runs);
        CHECK_EQ(now.zone[z].largest_run, before->zone[z].largest_run);
        CHECK_EQ(now.zone[z].free_blocks, before->zone[z].free_blocks);
    }
    CHECK(pmm_check(memory_pmm) == NULL);
}

/* Every page of the span is RAM without an owner by the map alone. */
static bool is_free_ram(const struct span *s)
{
    for (hal_paddr_t at = s->base; at < s->base + s->pages * HAL_PAGE_SIZE;) {
        const struct mem_region *r = memmap_find(&memory_map, at);
        if (r == NULL || r->label != NULL || !mem_type_is_free_ram(r->type))
            return false;
        at = r->base + r->size;
    }
    return true;
}

static bool overlaps(const struct record *rec, const struct span *s)
{
    for (size_t i = 0; i < rec->count; i++) {
        const struct span *o = &rec->span[i];
        if (s->base < o->base + o->pages * HAL_PAGE_SIZE &&
            o->base < s->base + s->pages * HAL_PAGE_SIZE)
            return true;
    }
    return false;
}

static uint64_t pattern(hal_paddr_t addr, uint64_t round)
{
    return (addr ^ round) * 0x9E3779B97F4A7C15u;
}

static void write_span(const struct span *s, uint64_t round)
{
    for (hal_paddr_t at = s->base; at < s->base + s->pages * HAL_PAGE_SIZE; at += 8)
        *(volatile uint64_t *)hal_phys_to_virt(at) = pattern(at, round);
}

static uint64_t wrong_words(const struct span *s, uint64_t round)
{
    uint64_t wrong = 0;
    for (hal_paddr_t at = s->base; at < s->base + s->pages * HAL_PAGE_SIZE; at += 8)
        wrong += *(volatile uint64_t *)hal_phys_to_virt(at) != pattern(at, round);
    return wrong;
}

/* The longest run that an ordinary request may have: not in the DMA zone, part of which is kept
 * back, and not across a zone limit. */
struct longest {
    hal_paddr_t end;
    uint64_t pages, best;
};

static void meet_run(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run kind)
{
    struct longest *l = ctx;
    if ((kind != PMM_RUN_FREE && kind != PMM_RUN_PARKED) || base < memory_machine.dma_end)
        return;
    bool goes_on = base == l->end && base != memory_machine.dma32_end;
    l->pages = goes_on ? l->pages + pages : pages;
    l->end = base + pages * HAL_PAGE_SIZE;
    l->best = hal_max_u64(l->best, l->pages);
}

static uint64_t longest_run(void)
{
    struct longest l = {.best = 0};
    pmm_walk(memory_pmm, meet_run, &l);
    return l.best;
}

static void take_span(struct test_state *t, struct record *rec, uint64_t pages, uint32_t flags,
                      hal_paddr_t limit)
{
    struct span s = {.base = pmm_alloc(memory_pmm, pages, flags), .pages = pages};
    if (s.base == HAL_PADDR_NONE) {
        LOG("smoke", "%u pages in one piece are not to be had here", U(pages));
        CHECK((flags & PMM_DMA) == 0 && longest_run() < pages);
        return;
    }
    CHECK_EQ(s.base % HAL_PAGE_SIZE, 0);
    CHECK(limit == 0 || s.base + pages * HAL_PAGE_SIZE <= limit);
    CHECK(!overlaps(rec, &s));
    if (!CHECK(is_free_ram(&s)))
        return; /* writing there would destroy what is not ours */
    rec->span[rec->count++] = s;
    write_span(&s, pages);
    CHECK_EQ(wrong_words(&s, pages), 0);
    LOG("smoke", "%u pages at %X: written, read back, alone", U(pages), U(s.base));
}

static void spans(struct test_state *t, const uint32_t *sizes, size_t count, uint32_t flags,
                  hal_paddr_t limit)
{
    struct record rec = {.count = 0};
    struct snapshot before = take_snapshot();
    for (size_t i = 0; i < count; i++)
        take_span(t, &rec, sizes[i], flags, limit);
    CHECK(rec.count > 0);
    for (size_t i = 0; i < rec.count; i++)
        CHECK_EQ(wrong_words(&rec.span[i], rec.span[i].pages), 0);
    for (size_t i = 0; i < rec.count; i++)
        CHECK_EQ(pmm_free(memory_pmm, rec.span[i].base, rec.span[i].pages), MM_OK);
    check_same(t, &before);
}

TEST("smoke.spans of every size are written, read back, apart, and given back")
{
    spans(t, span_sizes, ARRAY_LEN(span_sizes), 0, 0);
    TEST_END;
}

static uint64_t dma_pages(void)
{
    struct pmm_stats s;
    pmm_stats(memory_pmm, PMM_ZONE_DMA, &s);
    return s.largest_run;
}

TEST("smoke.DMA spans lie below the end of the zone DMA")
{
    if (dma_pages() < 256)
        SKIP("this machine has too little free memory in the zone DMA");
    spans(t, dma_sizes, ARRAY_LEN(dma_sizes), PMM_DMA, memory_machine.dma_end);
    TEST_END;
}

TEST("smoke.each misuse of pmm_free is told apart and changes nothing")
{
    struct snapshot before = take_snapshot();
    hal_paddr_t base = pmm_alloc(memory_pmm, 4, 0);
    if (!CHECK(base != HAL_PADDR_NONE))
        return;
    CHECK_EQ(pmm_free(memory_pmm, base + 1, 4), MM_NOT_PAGE);
    CHECK_EQ(pmm_free(memory_pmm, base + HAL_PAGE_SIZE, 1), MM_INTERIOR);
    CHECK_EQ(pmm_free(memory_pmm, base, 3), MM_WRONG_LENGTH);
    CHECK_EQ(pmm_free(memory_pmm, base, 5), MM_WRONG_LENGTH);
    CHECK_EQ(pmm_free(memory_pmm, (hal_paddr_t)1 << 51, 1), MM_FOREIGN);
    CHECK_EQ(pmm_free(memory_pmm, image.phys, 1), MM_RESERVED);
    CHECK_EQ(pmm_free(memory_pmm, base, 4), MM_OK);
    pmm_drain(memory_pmm); /* or it may be parked */
    CHECK_EQ(pmm_free(memory_pmm, base, 4), MM_ALREADY_FREE);
    check_same(t, &before);
    TEST_END;
}

TEST("smoke.PMM_ZERO pages read as zero")
{
    struct snapshot before = take_snapshot();
    struct span s = {.base = pmm_alloc(memory_pmm, 16, 0), .pages = 16};
    if (!CHECK(s.base != HAL_PADDR_NONE))
        return;
    write_span(&s, 1);
    CHECK_EQ(pmm_free(memory_pmm, s.base, 16), MM_OK);
    hal_paddr_t again = pmm_alloc(memory_pmm, 16, PMM_ZERO);
    uint64_t bits = 0;
    for (uint64_t i = 0; i < 16 * HAL_PAGE_SIZE; i += 8)
        bits |= *(volatile uint64_t *)hal_phys_to_virt(again + i);
    CHECK_EQ(bits, 0);
    CHECK_EQ(pmm_free(memory_pmm, again, 16), MM_OK);
    check_same(t, &before);
    TEST_END;
}

#define BLOCK_PAGES 512u /* memory comes and goes in whole ones */

/* The first block of a window, or HAL_PADDR_NONE. */
static hal_paddr_t find_window(void)
{
    for (size_t i = 0; i < memory_map.count; i++)
        if (memory_map.regions[i].type == MEM_HOTPLUG && memory_map.regions[i].label == NULL)
            return hal_align_up(memory_map.regions[i].base, BLOCK_PAGES * HAL_PAGE_SIZE);
    return HAL_PADDR_NONE;
}

/* There is no memory, so none of it is ever touched, and nobody else may get a page of it: interrupts are
 * off, and the other CPUs sleep. */
TEST("smoke.memory can be added where the firmware says so, and goes again")
{
    struct snapshot before = take_snapshot();
    hal_paddr_t at = find_window(), page;
    if (at == HAL_PADDR_NONE)
        SKIP("this machine has no place where memory may be added");
    hal_irq_t irq = hal_irq_save();
    CHECK_EQ(pmm_claim(memory_pmm, at, 1), MM_FOREIGN);
    CHECK_EQ(pmm_add(memory_pmm, at, BLOCK_PAGES), MM_OK);
    CHECK_EQ(pmm_add(memory_pmm, at, BLOCK_PAGES), MM_OVERLAP);
    CHECK_EQ(pmm_claim(memory_pmm, at, BLOCK_PAGES), MM_OK);
    CHECK_EQ(pmm_remove(memory_pmm, at, BLOCK_PAGES, &page), MM_BUSY);
    CHECK_EQ(page, at);
    CHECK_EQ(pmm_free(memory_pmm, at, BLOCK_PAGES), MM_OK);
    CHECK_EQ(pmm_remove(memory_pmm, at, BLOCK_PAGES, &page), MM_OK);
    CHECK_EQ(pmm_remove(memory_pmm, at, BLOCK_PAGES, &page), MM_FOREIGN);
    hal_irq_restore(irq);
    check_same(t, &before);
    TEST_END;
}

#define PAIRS 4096u

uint64_t smoke_ticks_a_pair(size_t pages, uint32_t pairs)
{
    uint64_t begun = hal_cycles();
    for (uint32_t i = 0; i < pairs; i++) {
        hal_paddr_t p = pmm_alloc(memory_pmm, pages, 0);
        if (p == HAL_PADDR_NONE)
            return 0;
        if (pmm_free(memory_pmm, p, pages) != MM_OK)
            HAL_PANIC("the page allocator failed while being measured");
    }
    return (hal_cycles() - begun) / pairs;
}

/* Under QEMU with -icount shift=0 the time stamp counter advances by one for each instruction. */
void smoke_bench(void)
{
    smoke_ticks_a_pair(1, PAIRS);
    uint64_t one = smoke_ticks_a_pair(1, PAIRS);
    uint64_t many = smoke_ticks_a_pair(64, PAIRS);
    LOG("bench",
        "hot pair %u ticks, 64-page run %u ticks (" CPU_COUNTER ", alloc and free together)",
        U(one), U(many));
}

TEST_SUITE(smoke);
