#include "hal/short.h"
#include "tests/bench/figures.h"
#include "tests/bench/loops.h"
#include "tests/bench/workload.h"
#include "tests/sim/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(TRACE_ZEROED == BENCH_ZEROED && TRACE_MOVABLE == BENCH_MOVABLE &&
                   TRACE_DMA == BENCH_DMA && TRACE_SINGLE == BENCH_SINGLE &&
                   TRACE_KINDS == BENCH_KINDS,
               "an allocator's flags serve traces too");

/* --- traces ----------------------------------------------------------------------------------- */

struct holder {
    struct ledger *ledger;
    const hal_paddr_t *held;
};

static void mark_held(void *ctx, uint32_t ordinal, unsigned order, uint32_t kind)
{
    const struct holder *h = ctx;
    UNUSED(kind);
    if (h->held[ordinal] != HAL_PADDR_NONE)
        ledger_mark(h->ledger, h->held[ordinal], (size_t)1 << order);
}

static void trace_figures(const char *workload, struct instance *in, const struct trace *t,
                          const hal_paddr_t *held, const struct trace_counts *n)
{
    const char *name = in->allocator->name;
    struct ledger ledger;
    ledger_open(&ledger, in);
    struct holder holder = {&ledger, held};
    trace_walk(t, mark_held, &holder);
    in->allocator->drain(in->self);
    double free_pages = (double)(ledger.pages - ledger.marked);
    figure_add(workload, "op", name, "ns", (double)n->ns / (double)n->ops);
    figure_add(workload, "failures", name, "count", (double)n->failed);
    for (unsigned order = 0; order < TRACE_ORDERS; order++) {
        static char metric[TRACE_ORDERS][24];
        snprintf(metric[order], sizeof metric[order], "failures-order-%u", order);
        if (n->failures[order] != 0)
            figure_add(workload, metric[order], name, "count", (double)n->failures[order]);
    }
    figure_add(workload, "whole-2m", name, "%",
               100.0 * 512 * (double)ledger_free_blocks(&ledger) / free_pages);
    uint64_t found = ledger_take_rest(&ledger, in);
    figure_add(workload, "taken/asked", name, "ratio",
               (double)(ledger.pages - found) / (double)n->pages_held);
    ledger_close(&ledger);
}

static void replay_at(const char *workload, const struct bench_allocator *a, const struct trace *t,
                      double headroom)
{
    struct instance in;
    struct trace_counts counts;
    struct trace_target target = {.loop = a->loops->replay};
    hal_paddr_t *held = calloc(t->allocations, sizeof *held);
    if (held == NULL)
        bench_fail("no memory for %" PRIu32 " addresses", t->allocations);
    memset(held, 0xFF, t->allocations * sizeof *held); /* touched before the clock starts */
    instance_open(&in, a, trace_pages_with_headroom(t, headroom), 1);
    target.ctx = in.self;
    memcpy(target.flags, a->flags, sizeof target.flags);
    trace_replay(t, &target, held, &counts);
    if (counts.refused != 0)
        bench_fail("%s refused %" PRIu64 " frees of a trace", a->name, counts.refused);
    trace_figures(workload, &in, t, held, &counts);
    instance_close(&in);
    free(held);
}

static const struct trace *load_once(const char *data, unsigned which)
{
    static const char *const names[] = {"redis-build", "redis-serve"};
    static struct trace traces[ARRAY_LEN(names)];
    char path[512], error[1024];
    if (traces[which].words != NULL)
        return &traces[which];
    snprintf(path, sizeof path, "%s/traces/%s.pgtrace.gz", data, names[which]);
    if (!trace_load(path, &traces[which], error, sizeof error))
        bench_fail("%s", error);
    return &traces[which];
}

void run_traces(const struct bench_allocator *a, const struct bench_options *o)
{
    static const char *const rows[2][2] = {{"redis-build+2", "redis-build+10"},
                                           {"redis-serve+2", "redis-serve+10"}};
    static const double headroom[2] = {2, 10};
    for (unsigned which = 0; which < 2; which++) {
        for (unsigned h = 0; h < 2; h++) {
            if (a == &bench_idle)
                continue;
            if (a->max_run == 1)
                figure_absent(rows[which][h], a->name, "hands out single pages only");
            else
                replay_at(rows[which][h], a, load_once(o->data, which), headroom[h]);
        }
    }
}

/* --- init ------------------------------------------------------------------------------------- */

struct init_size {
    const char *workload;
    uint64_t bytes;
};

/* Lines of a .map file: type, start, end, attributes. An attribute that is not known ("-") counts
 * as write-back, as everywhere (tests/data/maps). */
static bool add_line(struct memmap *map, const char *line)
{
    unsigned type;
    uint64_t start, end, attributes = 8;
    char word[32];
    if (sscanf(line, "%u %" SCNx64 " %" SCNx64 " %31s", &type, &start, &end, word) != 4)
        return line[0] == '#' || line[0] == '\n';
    if (word[0] != '-')
        attributes = strtoull(word, NULL, 16);
    return memmap_add(map, start, end - start, mem_type_from_uefi(type, attributes, NULL)) == MM_OK;
}

/* The real 12 TiB machine; false where the file is not at hand. */
static bool read_map(const char *path, struct bench_memory *memory)
{
    static struct mem_region storage[1024];
    static struct memmap map;
    char line[256];
    FILE *in = fopen(path, "r");
    if (in == NULL)
        return false;
    memmap_init(&map, storage, ARRAY_LEN(storage));
    while (fgets(line, sizeof line, in) != NULL)
        if (!add_line(&map, line))
            bench_fail("%s has a line that is no map entry: %s", path, line);
    fclose(in);
    if (memmap_normalize(&map) != MM_OK)
        bench_fail("%s cannot be normalized", path);
    memory->map = &map;
    return true;
}

/* Baselines write every page's entry at start: where that would be more than this many bytes they
 * are left out. */
#define INIT_MAX_TOUCHED (2 * GIB)

static bool bounded_start(const struct bench_allocator *a)
{
    return a == &bench_mortise;
}

static void init_at(const struct bench_allocator *a, const struct init_size *size,
                    const struct bench_memory *memory)
{
    struct instance in;
    uint64_t ns, touched;
    if (!bounded_start(a) && a->tables_size(memory, 1) > INIT_MAX_TOUCHED) {
        figure_absent(size->workload, a->name, "writes an entry a page at start: over 2 GiB here");
        return;
    }
    if (!instance_open_fresh(&in, a, memory, 1, &ns, &touched)) {
        figure_absent(size->workload, a->name, "cannot be made for so many pages");
        return;
    }
    figure_add(size->workload, "us", a->name, "us", (double)ns / 1000);
    figure_add(size->workload, "KiB", a->name, "KiB", (double)touched / 1024);
    instance_close(&in);
}

void run_init(const struct bench_allocator *a, const struct bench_options *o)
{
    static const struct init_size sizes[] = {{"init-128M", 128 * MIB},
                                             {"init-4G", 4 * GIB},
                                             {"init-64G", 64 * GIB},
                                             {"init-1T", TIB},
                                             {"init-12T", 12 * TIB}};
    char path[512];
    snprintf(path, sizeof path, "%s/maps/hp-superdome-x-12tb.map", o->data);
    if (a == &bench_idle)
        return;
    for (unsigned i = 0; i < ARRAY_LEN(sizes) - (o->quick ? 3 : 0); i++) {
        struct bench_memory memory = bench_flat_memory(sizes[i].bytes / HAL_PAGE_SIZE);
        if (i == ARRAY_LEN(sizes) - 1)
            read_map(path, &memory);
        init_at(a, &sizes[i], &memory);
    }
}
