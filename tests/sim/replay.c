/* `memsim replay`: a recorded machine's page allocations, served by our allocator.
 *
 * The memory is one run of pages above 4 GiB, so that every page asked for can come from any of it,
 * and no zone but NORMAL takes part; make bench replays the same way, side by side with other
 * allocators. Pages are handed out, never touched: zeroing would measure the desk's memory.
 */
#include "hal/hal.h"
#include "hal/short.h"
#include "tests/sim/desk.h"
#include "tests/sim/trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BASE  (4 * GIB)
#define RUNS         3 /* of each replay; the median time counts */
#define ORDERS_SHOWN 11

struct outcome {
    struct trace_counts counts;
    struct pmm_stats stats;
    double ns_per_op;
    double free_blocks_2m; /* of the free pages at the end, those in whole 2 MiB blocks: 0 to 1 */
    double internal_waste;
    const char *broken; /* NULL, or what pmm_check() says at the end */
};

static hal_paddr_t serve_alloc(void *ctx, size_t pages, uint64_t align, uint32_t flags)
{
    return pmm_alloc_aligned(ctx, pages, align, flags);
}

static bool serve_free(void *ctx, hal_paddr_t base, size_t pages)
{
    return pmm_free(ctx, base, pages) == MM_OK;
}

/* A page that the kernel keeps for itself is single and not movable (tests/data/traces/README.md).
 */
static void serve(const struct trace *t, const struct trace_target *target, hal_paddr_t *held,
                  struct trace_counts *counts)
{
    trace_loop(serve_alloc, serve_free, t, target, held, counts);
}

static struct trace_target target_of(struct pmm *pmm)
{
    struct trace_target target = {.ctx = pmm, .loop = serve};
    for (uint32_t kind = 0; kind < TRACE_KINDS; kind++)
        target.flags[kind] =
            (kind & (TRACE_SINGLE | TRACE_MOVABLE)) == TRACE_SINGLE ? PMM_KERNEL : 0;
    return target;
}

static void judge(struct outcome *o, struct pmm *pmm)
{
    pmm_drain(pmm);
    pmm_stats(pmm, PMM_ZONE_NORMAL, &o->stats);
    uint64_t taken = o->stats.total - o->stats.free;
    o->broken = pmm_check(pmm);
    if (o->broken == NULL && o->counts.refused > 0)
        o->broken = "the allocator refused to take back what it had given";
    o->ns_per_op = o->counts.ops == 0 ? 0 : (double)o->counts.ns / (double)o->counts.ops;
    o->free_blocks_2m =
        o->stats.free == 0 ? 0 : (double)o->stats.free_blocks * 512 / (double)o->stats.free;
    o->internal_waste =
        o->counts.pages_held == 0 ? 0 : (double)taken / (double)o->counts.pages_held - 1;
}

/* One replay in a fresh allocator. NULL, or why not. */
static const char *replay_once(const struct trace *t, struct memmap *map, void *tables,
                               size_t bytes, hal_paddr_t *held, struct outcome *o)
{
    struct pmm *pmm = NULL;
    mm_status_t status = pmm_create_in(map, 1, tables, bytes, &pmm);
    if (status != MM_OK)
        return mm_status_text(status);
    struct trace_target target = target_of(pmm);
    trace_replay(t, &target, held, &o->counts);
    judge(o, pmm);
    return NULL;
}

static int by_speed(const void *a, const void *b)
{
    const struct outcome *x = a, *y = b;
    return x->ns_per_op < y->ns_per_op ? -1 : x->ns_per_op > y->ns_per_op;
}

static const char *replay_runs(const struct trace *t, struct memmap *map, void *tables,
                               size_t bytes, struct outcome *out)
{
    struct outcome runs[RUNS] = {0};
    const char *problem = NULL;
    hal_paddr_t *held = calloc((size_t)t->allocations + 1, sizeof *held);
    if (held == NULL)
        return "the trace does not fit in this computer's memory";
    for (unsigned i = 0; i < RUNS && problem == NULL; i++)
        problem = replay_once(t, map, tables, bytes, held, &runs[i]);
    free(held);
    qsort(runs, RUNS, sizeof *runs, by_speed);
    *out = runs[RUNS / 2];
    return problem;
}

static const char *replay(const struct trace *t, uint64_t pages, struct outcome *out)
{
    struct mem_region storage[8];
    struct memmap map;
    memmap_init(&map, storage, ARRAY_LEN(storage));
    if (memmap_add(&map, MEMORY_BASE, pages * HAL_PAGE_SIZE, MEM_USABLE) != MM_OK ||
        memmap_normalize(&map) != MM_OK || map.count != 1)
        return "that much memory is not possible";
    size_t bytes = hal_align_up(pmm_tables_size(&map, 1), HAL_PAGE_SIZE);
    void *tables = aligned_alloc(HAL_PAGE_SIZE, bytes);
    if (tables == NULL)
        return "this computer has no memory for the allocator's tables";
    const char *problem = replay_runs(t, &map, tables, bytes, out);
    free(tables);
    return problem;
}

static unsigned orders_to_show(const struct trace_counts *c)
{
    unsigned last = ORDERS_SHOWN;
    for (unsigned order = 0; order < TRACE_ORDERS; order++)
        if (c->failures[order] != 0 && order >= last)
            last = order + 1;
    return last;
}

static void print_failures(const struct trace_counts *c, const char *form)
{
    for (unsigned order = 0; order < orders_to_show(c); order++)
        printf(form, order == 0 ? "" : ", ", order, c->failures[order]);
}

static void print_json(const struct outcome *o, const char *path, uint64_t pages)
{
    const struct trace_counts *c = &o->counts;
    printf("{\n  \"trace\": ");
    print_json_string(stdout, path);
    printf(",\n  \"memory_pages\": %" PRIu64 ",\n  \"ops\": %" PRIu64 ",\n  \"ns_per_op\": %.3f,\n",
           pages, c->ops, o->ns_per_op);
    printf("  \"allocs\": %" PRIu64 ",\n  \"frees\": %" PRIu64 ",\n  \"failed\": %" PRIu64
           ",\n  \"failures\": {",
           c->allocs, c->frees, c->failed);
    print_failures(c, "%s\"%u\": %" PRIu64);
    printf("},\n  \"free_pages\": %" PRIu64 ",\n  \"free_blocks\": %" PRIu64
           ",\n  \"free_blocks_2m\": %.6f,\n",
           o->stats.free, o->stats.free_blocks, o->free_blocks_2m);
    printf("  \"pages_held\": %" PRIu64 ",\n  \"internal_waste\": %.6f,\n  \"check\": ",
           c->pages_held, o->internal_waste);
    print_json_string(stdout, o->broken == NULL ? "sound" : o->broken);
    printf("\n}\n");
}

static void print_human(const struct outcome *o, const char *path, uint64_t pages,
                        const struct trace *t)
{
    const struct trace_counts *c = &o->counts;
    printf("trace: %s, %" PRIu32 " allocations, peak %" PRIu64 " pages (%s)\n", path,
           t->allocations, t->peak_pages, HUMAN(t->peak_pages * HAL_PAGE_SIZE));
    printf("memory: %" PRIu64 " pages (%s)\n", pages, HUMAN(pages * HAL_PAGE_SIZE));
    printf("operations: %" PRIu64 ", %.1f ns each (median of %d runs)\n", c->ops, o->ns_per_op,
           RUNS);
    printf("failures: %" PRIu64 " of %" PRIu64 " allocations; by order: ", c->failed,
           c->failed + c->allocs);
    print_failures(c, "%s%u: %" PRIu64);
    printf("\nat the end: %" PRIu64 " pages held, %" PRIu64
           " free, %.1f %% of the free memory in %" PRIu64 " whole 2 MiB blocks\n",
           c->pages_held, o->stats.free, 100 * o->free_blocks_2m, o->stats.free_blocks);
    printf("internal waste: %.2f %%\n", 100 * o->internal_waste);
    printf("check: %s\n", o->broken == NULL ? "sound" : o->broken);
}

struct request {
    const char *path;
    uint64_t memory; /* bytes, 0: headroom is given */
    double headroom; /* percent, below 0: memory is given */
    bool json;
};

static bool parse_percent(const char *text, double *out)
{
    char *end = NULL;
    size_t plain = strspn(text, "0123456789.");
    if (plain == 0 || plain > 8)
        return false;
    *out = strtod(text, &end);
    end += *end == '%' ? 1 : 0;
    return *end == '\0';
}

static bool parse_option(struct request *q, const char *name, const char *value)
{
    if (strcmp(name, "--memory") == 0)
        return (q->memory = parse_size(value)) >= HAL_PAGE_SIZE;
    return strcmp(name, "--headroom") == 0 && parse_percent(value, &q->headroom);
}

static bool parse(struct request *q, int argc, char **argv)
{
    *q = (struct request){.headroom = -1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            q->json = true;
        else if (argv[i][0] != '-' && q->path == NULL)
            q->path = argv[i];
        else if (i + 1 < argc && parse_option(q, argv[i], argv[i + 1]))
            i++;
        else
            return false;
    }
    return q->path != NULL && (q->memory != 0) != (q->headroom >= 0);
}

int sim_replay(int argc, char **argv)
{
    struct request q;
    struct trace t;
    struct outcome o = {0};
    char error[512];
    if (!parse(&q, argc, argv))
        return sim_usage();
    if (!trace_load(q.path, &t, error, sizeof error))
        return sim_fail("%s", error);
    uint64_t pages =
        q.memory != 0 ? q.memory / HAL_PAGE_SIZE : trace_pages_with_headroom(&t, q.headroom);
    const char *problem = pages == 0 ? "the trace asks for no page" : replay(&t, pages, &o);
    if (problem == NULL && q.json)
        print_json(&o, q.path, pages);
    else if (problem == NULL)
        print_human(&o, q.path, pages, &t);
    trace_unload(&t);
    if (problem == NULL)
        problem = o.broken;
    return problem == NULL ? 0 : sim_fail("%s: %s", q.path, problem);
}
