/* Address spaces: mm/aspace beside the mapper that walks from the root for each page. Only tables
 * are touched, never the memory that is mapped. */
#include "hal/short.h"
#include "tests/bench/figures.h"
#include "tests/bench/harness.h"
#include "tests/bench/space_walk.h"
#include "tests/bench/workload.h"

#include "hal/host/host.h"
#include "mm/aspace.h"

#include <string.h>
#include <sys/mman.h>

#define RAM     (16 * MIB)
#define UP      ((hal_vaddr_t)0xFFFF800000000000u)
#define REPEAT  8u
#define QUERIES 1000000u
#define WALK    "walk" /* the baseline's column */

/* Pages for tables: a stack. */
static struct stack {
    unsigned left;
    hal_paddr_t page[RAM / HAL_PAGE_SIZE];
} stack;

static hal_paddr_t pop(void *ctx)
{
    struct stack *s = ctx;
    return s->left == 0 ? HAL_PADDR_NONE : s->page[--s->left];
}

static void push(void *ctx, hal_paddr_t page)
{
    struct stack *s = ctx;
    s->page[s->left++] = page;
}

static const struct page_source source = {pop, push, &stack};

/* Fresh, touched, on large pages where the host has them: the same for both. */
static void begin(void)
{
    if (host_ram == NULL) {
        host_ram_create(RAM);
        (void)madvise(host_ram, RAM, MADV_HUGEPAGE);
        memset(host_ram, 0, RAM);
    }
    stack.left = 0;
    for (hal_paddr_t page = RAM - HAL_PAGE_SIZE; page > 0; page -= HAL_PAGE_SIZE)
        push(&stack, page);
}

static void must(bool ok, const char *what)
{
    if (!ok)
        bench_fail("address spaces: %s", what);
}

struct times {
    uint64_t map, unmap;
};

static struct times ours(uint64_t size, hal_paddr_t phys, uint64_t page)
{
    struct aspace as;
    struct times t = {0, 0};
    begin();
    must(aspace_init(&as, &source) == MM_OK, "no space");
    for (unsigned i = 0; i < REPEAT; i++) {
        uint64_t start = bench_cpu_ns();
        mm_status_t mapped = aspace_map(&as, UP, phys, size, ASPACE_W);
        uint64_t middle = bench_cpu_ns();
        struct aspace_mapping last;
        must(mapped == MM_OK && aspace_query(&as, UP + size - 1, &last) == MM_OK &&
                 last.page == page && last.phys == phys + size - page,
             "mm/aspace does not map");
        uint64_t again = bench_cpu_ns();
        mm_status_t unmapped = aspace_unmap(&as, UP, size);
        t.unmap += bench_cpu_ns() - again;
        t.map += middle - start;
        must(unmapped == MM_OK && as.tree.stats.pages[0] + as.tree.stats.pages[2] == 0,
             "mm/aspace does not unmap");
    }
    aspace_destroy(&as);
    return t;
}

static struct times theirs(uint64_t size, hal_paddr_t phys, unsigned level)
{
    struct space_walk s;
    struct times t = {0, 0};
    uint64_t page = HAL_PAGE_SIZE << 9 * level;
    begin();
    must(space_walk_init(&s, &source), "no space for the baseline");
    unsigned left = stack.left;
    for (unsigned i = 0; i < REPEAT; i++) {
        bool ok = true;
        uint64_t start = bench_cpu_ns();
        for (uint64_t at = 0; at < size; at += page)
            ok &= space_walk_map(&s, UP + at, phys + at, level);
        uint64_t middle = bench_cpu_ns();
        for (uint64_t at = 0; at < size; at += page)
            ok &= space_walk_unmap(&s, UP + at, level);
        t.unmap += bench_cpu_ns() - middle;
        t.map += middle - start;
        must(ok && stack.left == left, "the baseline does not map and unmap");
    }
    return t;
}

static void add(const char *workload, const char *metric, const char *who, const char *unit,
                uint64_t ns, double per)
{
    figure_add(workload, metric, who, unit, (double)ns / per);
}

static void add_times(const char *who, const char *workload, const char *unit, struct times t,
                      double per)
{
    add(workload, "map", who, unit, t.map, per);
    add(workload, "unmap", who, unit, t.unmap, per);
    add(workload, "map+unmap", who, unit, t.map + t.unmap, per);
}

/* `phys` is 4 KiB beside `virt` modulo 2 MiB, so that no large page fits. */
static void small_pages(bool mortise)
{
    double entries = (double)(GIB / HAL_PAGE_SIZE) * REPEAT;
    add_times(mortise ? "mortise" : WALK, "spaces-1G-of-4K", "ns",
              mortise ? ours(GIB, HAL_PAGE_SIZE, HAL_PAGE_SIZE) : theirs(GIB, HAL_PAGE_SIZE, 0),
              entries);
}

static void large_pages(bool mortise)
{
    add_times(mortise ? "mortise" : WALK, "spaces-1T-of-1G", "us",
              mortise ? ours(TIB, 0, GIB) : theirs(TIB, 0, 2), 1000.0 * REPEAT);
}

/* Ask for random pages of 1 GiB that is mapped by 4 KiB pages: four loads for each. */
static void queries(bool mortise)
{
    struct aspace as;
    struct space_walk s;
    uint64_t chance = 1, sum = 0, expected = 0;
    begin();
    must(aspace_init(&as, &source) == MM_OK && space_walk_init(&s, &source), "no space");
    must(aspace_map(&as, UP, HAL_PAGE_SIZE, GIB, ASPACE_W) == MM_OK, "mm/aspace does not map");
    s.root = as.tree.root & 0x000FFFFFFFFFF000u; /* the same tables for both */
    uint64_t start = bench_cpu_ns();
    for (unsigned i = 0; i < QUERIES; i++) {
        hal_vaddr_t virt = UP + (bench_random(&chance) & (GIB - 1));
        struct aspace_mapping m = {.phys = 0};
        hal_paddr_t phys = 0;
        if (mortise && aspace_query(&as, virt, &m) == MM_OK)
            sum += m.phys + (virt - m.virt);
        else if (!mortise && space_walk_query(&s, virt, &phys))
            sum += phys;
    }
    uint64_t took = bench_cpu_ns() - start;
    chance = 1;
    for (unsigned i = 0; i < QUERIES; i++)
        expected += HAL_PAGE_SIZE + (bench_random(&chance) & (GIB - 1));
    must(sum == expected, "a query finds the wrong page");
    add("spaces-query", "query", mortise ? "mortise" : WALK, "ns", took, QUERIES);
    aspace_destroy(&as);
}

/* RAM of a PC with 1 TiB, as firmware reports it: a hole at 640 KiB, one below 4 GiB. */
static void direct_map(const char *metric, bool pages_1g)
{
    static const struct {
        hal_paddr_t from, to;
    } ram[] = {{0x1000, 0xA0000}, {MIB, 3 * GIB - 5 * MIB - 12288}, {4 * GIB, TIB + GIB}};
    struct hal_paging usual = hal_paging_features();
    struct hal_paging cpu = usual;
    struct aspace as;
    cpu.pages_1g = pages_1g;
    begin();
    host_set_paging(&cpu);
    must(aspace_init(&as, &source) == MM_OK, "no space");
    for (unsigned i = 0; i < ARRAY_LEN(ram); i++)
        must(aspace_map(&as, UP + ram[i].from, ram[i].from, ram[i].to - ram[i].from,
                        ASPACE_W | ASPACE_GLOBAL) == MM_OK,
             "mm/aspace does not map the RAM");
    figure_add("spaces-direct-1T", metric, "mortise", "count", (double)as.tree.stats.tables);
    aspace_destroy(&as);
    host_set_paging(&usual);
}

/* The baseline is no allocator, so one of these, mortise, stands for both. */
void run_spaces(const struct bench_allocator *a, const struct bench_options *o)
{
    if (a != &bench_mortise)
        return;
    for (unsigned turn = 0; turn < 2; turn++) {
        bool mortise = (turn + o->round) % 2 == 0;
        small_pages(mortise);
        large_pages(mortise);
        queries(mortise);
    }
    direct_map("tables", true);
    direct_map("tables-without-1G-pages", false);
}
