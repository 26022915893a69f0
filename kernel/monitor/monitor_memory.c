#include "kernel/monitor/monitor_memory.h"
#include "hal/hal.h"
#include "hal/short.h"
#include "kernel/log/log.h"
#include "kernel/machine/platform.h"
#include "kernel/memory/account.h"
#include "kernel/memory/memory.h"
#include "kernel/memory/tables.h"
#include "mm/aspace.h"

#define HELD_MAX  32u
#define BAR_WIDTH 40u
#define LENGTHS   53u /* powers of two that a run can have */

static struct {
    hal_paddr_t base;
    uint64_t pages; /* 0: free entry */
} held[HELD_MAX];

void monitor_map(const struct command_call *c)
{
    UNUSED(c);
    for (size_t i = 0; i < memory_map.count; i++) {
        const struct mem_region *r = &memory_map.regions[i];
        LOG("region", r->label != NULL ? "%X %X %h %s: %s" : "%X %X %h %s", U(r->base),
            U(mem_region_end(r)), U(r->size), S(mem_type_name(r->type)), S(r->label));
    }
}

void monitor_zones(const struct command_call *c)
{
    UNUSED(c);
    account_report_zones(platform_nodes.domain);
}

static void show_bar(const char *name, const struct pmm_stats *s)
{
    char bar[BAR_WIDTH + 1];
    uint64_t taken = s->total - s->free - s->parked;
    uint64_t filled = s->total != 0 ? (taken * BAR_WIDTH + s->total - 1) / s->total : 0;
    for (unsigned i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    LOG("mem", "[%s] %h of %h taken, %s", S(bar), U(taken * HAL_PAGE_SIZE),
        U(s->total * HAL_PAGE_SIZE), S(name));
}

void monitor_mem(const struct command_call *c)
{
    UNUSED(c);
    account_each_zone(platform_nodes.domain, show_bar);
}

static void show_stats(const char *name, const struct pmm_stats *s)
{
    LOG("stats", "%s allocs=%u frees=%u failures=%u low_water=%u fragmentation=%u/1000", S(name),
        U(s->allocs), U(s->frees), U(s->failures), U(s->low_water), U(s->fragmentation));
}

void monitor_stats(const struct command_call *c)
{
    UNUSED(c);
    account_each_zone(platform_nodes.domain, show_stats);
}

static void count_run(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run kind)
{
    UNUSED(base);
    uint64_t *counts = ctx;
    unsigned length = 0;
    while (pages >> length > 1)
        length++;
    counts[length] += kind == PMM_RUN_FREE;
}

void monitor_frag(const struct command_call *c)
{
    UNUSED(c);
    uint64_t counts[LENGTHS] = {0};
    pmm_walk(memory_pmm, count_run, counts);
    for (unsigned i = 0; i < LENGTHS; i++)
        if (counts[i] != 0)
            LOG("frag", "%u free runs of %h or more", U(counts[i]), U(HAL_PAGE_SIZE << i));
}

void monitor_alloc(const struct command_call *c)
{
    static const uint8_t flags[] = {0, PMM_DMA, PMM_DMA32, PMM_ZERO, PMM_KERNEL};
    unsigned i = 0;
    while (i < HELD_MAX && held[i].pages != 0)
        i++;
    if (i == HELD_MAX) {
        SAY("monitor", "no more runs can be held; free one first");
        return;
    }
    hal_paddr_t base = pmm_alloc(memory_pmm, (size_t)c->value[0], flags[c->value[1]]);
    if (base == HAL_PADDR_NONE) {
        LOG("monitor", "there is no free run of %u pages", U(c->value[0]));
        return;
    }
    held[i].base = base;
    held[i].pages = c->value[0];
    LOG("monitor", "%u pages at %X", U(c->value[0]), U(base));
}

struct search {
    hal_paddr_t at;
    bool taken;
};

static void meet_run(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run kind)
{
    struct search *s = ctx;
    if (s->at >= base && s->at - base < pages * HAL_PAGE_SIZE)
        s->taken = kind == PMM_RUN_ALLOCATED;
}

/* The run that was taken here and holds the address; HELD_MAX when there is none. */
static unsigned find_held(hal_paddr_t at)
{
    unsigned i = 0;
    while (i < HELD_MAX && at - held[i].base >= held[i].pages * HAL_PAGE_SIZE)
        i++;
    return i;
}

void monitor_free(const struct command_call *c)
{
    hal_paddr_t at = c->value[0];
    unsigned i = find_held(at);
    struct search s = {at, false};
    if (i == HELD_MAX)
        pmm_walk(memory_pmm, meet_run, &s);
    if (s.taken) {
        SAY("monitor", "the kernel uses that memory; only what alloc took can be freed");
        return;
    }
    uint64_t pages = c->given > 1 ? c->value[1] : i < HELD_MAX ? held[i].pages : 1;
    mm_status_t status = pmm_free(memory_pmm, at, (size_t)pages);
    if (status == MM_OK && i < HELD_MAX)
        held[i].pages = 0;
    if (status == MM_OK)
        LOG("monitor", "%u pages at %X are free", U(pages), U(at));
    else
        LOG("monitor", "refused: %X %s", U(at), S(mm_status_text(status)));
}

static uint64_t tables_left;

static hal_paddr_t take_table(void *ctx)
{
    UNUSED(ctx);
    if (tables_left == 0)
        return HAL_PADDR_NONE;
    tables_left--;
    return tables_source.alloc_page(tables_source.ctx);
}

static void give_table(void *ctx, hal_paddr_t page)
{
    UNUSED(ctx);
    tables_left++;
    tables_source.free_page(tables_source.ctx, page);
}

void monitor_oom(const struct command_call *c)
{
    static const struct page_source source = {take_table, give_table, NULL};
    struct aspace space;
    uint64_t before = tables_in_use();
    uint64_t first = c->given > 0 ? c->value[0] : 1;
    uint64_t last = c->given > 0 ? c->value[0] : 7;
    for (uint64_t n = first; n <= last; n++) {
        tables_left = 1;
        if (aspace_init(&space, &source) != MM_OK) {
            SAY("oom", "there is no page for the first table");
            break;
        }
        tables_left = n - 1;
        mm_status_t status =
            aspace_map(&space, 512 * GIB - HAL_PAGE_SIZE, GIB, 2 * HAL_PAGE_SIZE, ASPACE_W);
        const char *broken = aspace_check(&space);
        LOG("oom", "no table %u: mapping 2 pages %s; %u tables in use, %s", U(n),
            S(status == MM_OK ? "works" : mm_status_text(status)), U(space.tree.stats.tables),
            S(broken != NULL ? broken : "sound"));
        aspace_destroy(&space);
        if (n == UINT64_MAX)
            break;
    }
    LOG("oom", "%u page tables before, %u after", U(before), U(tables_in_use()));
}
