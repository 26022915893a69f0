#include "tests/bench/harness.h"
#include "hal/short.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define BLOCK_PAGES 512u
#define LARGE_PAGE  (2 * MIB)

const uint32_t bench_no_flags[BENCH_KINDS] = {0};

_Noreturn void bench_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

/* --- clocks ----------------------------------------------------------------------------------- */

static uint64_t clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t bench_cpu_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t bench_wall_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t bench_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return bench_wall_ns();
#endif
}

double bench_tick_ns(void)
{
    static double known;
    if (known > 0)
        return known;
    uint64_t wall = bench_wall_ns(), ticks = bench_ticks();
    while (bench_wall_ns() - wall < 50000000u)
        ;
    known = (double)(bench_wall_ns() - wall) / (double)(bench_ticks() - ticks);
    return known;
}

/* --- instances -------------------------------------------------------------------------------- */

struct bench_memory bench_flat_memory(uint64_t pages)
{
    static struct mem_region storage[64];
    static struct memmap map;
    memmap_init(&map, storage, ARRAY_LEN(storage));
    if (memmap_add(&map, BENCH_BASE, pages * HAL_PAGE_SIZE, MEM_USABLE) != MM_OK ||
        memmap_normalize(&map) != MM_OK)
        bench_fail("a flat map of %" PRIu64 " pages is refused by memmap; see mm/memmap.h", pages);
    return (struct bench_memory){.base = BENCH_BASE, .pages = pages, .map = &map};
}

static void *map_tables(size_t bytes, int advice)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p == MAP_FAILED)
        bench_fail("cannot map %zu bytes for tables; free some memory or lift ulimit -v", bytes);
    (void)madvise(p, bytes, advice); /* a host without large pages serves all from small ones */
    return p;
}

void instance_open(struct instance *in, const struct bench_allocator *allocator, uint64_t pages,
                   unsigned cpus)
{
    *in = (struct instance){.allocator = allocator, .memory = bench_flat_memory(pages)};
    in->table_bytes = hal_align_up(allocator->tables_size(&in->memory, cpus), LARGE_PAGE);
    in->tables = map_tables(in->table_bytes, MADV_HUGEPAGE);
    memset(in->tables, 0, in->table_bytes);
    in->self = allocator->create(&in->memory, cpus, in->tables, in->table_bytes);
    if (in->self == NULL)
        bench_fail("%s cannot be made for %" PRIu64 " pages", allocator->name, pages);
}

static uint64_t resident_bytes(void *at, size_t bytes)
{
    size_t pages = (bytes + HAL_PAGE_SIZE - 1) / HAL_PAGE_SIZE;
    unsigned char *resident = malloc(pages);
    uint64_t touched = 0;
    if (resident == NULL || mincore(at, bytes, resident) != 0)
        bench_fail("cannot count the touched pages of %zu bytes of tables", bytes);
    for (size_t i = 0; i < pages; i++)
        touched += (resident[i] & 1u) ? HAL_PAGE_SIZE : 0;
    free(resident);
    return touched;
}

bool instance_open_fresh(struct instance *in, const struct bench_allocator *allocator,
                         const struct bench_memory *memory, unsigned cpus, uint64_t *ns,
                         uint64_t *touched)
{
    *in = (struct instance){.allocator = allocator, .memory = *memory};
    in->table_bytes = hal_align_up(allocator->tables_size(memory, cpus), HAL_PAGE_SIZE);
    in->tables = map_tables(in->table_bytes, MADV_NOHUGEPAGE);
    uint64_t start = bench_cpu_ns();
    in->self = allocator->create(memory, cpus, in->tables, in->table_bytes);
    *ns = bench_cpu_ns() - start;
    *touched = resident_bytes(in->tables, in->table_bytes);
    if (in->self == NULL)
        instance_close(in);
    return in->self != NULL;
}

void instance_close(struct instance *in)
{
    munmap(in->tables, in->table_bytes);
    in->tables = NULL;
}

/* --- the ledger ------------------------------------------------------------------------------- */

void ledger_open(struct ledger *l, const struct instance *in)
{
    *l = (struct ledger){.instance = in, .pages = in->memory.pages};
    l->bits = calloc((l->pages + BLOCK_PAGES) / 64 + 1, sizeof *l->bits);
    if (l->bits == NULL)
        bench_fail("no memory for a ledger of %" PRIu64 " pages", l->pages);
}

void ledger_close(struct ledger *l)
{
    free(l->bits);
}

void ledger_mark(struct ledger *l, hal_paddr_t base, size_t pages)
{
    const char *name = l->instance->allocator->name;
    uint64_t first = (base - l->instance->memory.base) / HAL_PAGE_SIZE;
    uint64_t count = l->instance->allocator->taken(pages);
    if (base % HAL_PAGE_SIZE != 0 || base < l->instance->memory.base || first + count > l->pages)
        bench_fail("%s handed out 0x%" PRIx64 " for %zu pages, which is not in its memory", name,
                   base, pages);
    for (uint64_t i = first; i < first + count; i++) {
        if (l->bits[i / 64] >> (i % 64) & 1)
            bench_fail("%s handed out page 0x%" PRIx64 " twice", name,
                       l->instance->memory.base + i * HAL_PAGE_SIZE);
        l->bits[i / 64] |= (uint64_t)1 << (i % 64);
    }
    l->marked += count;
}

uint64_t ledger_free_blocks(const struct ledger *l)
{
    uint64_t blocks = 0;
    for (uint64_t at = 0; at + BLOCK_PAGES <= l->pages; at += BLOCK_PAGES) {
        uint64_t any = 0;
        for (unsigned word = 0; word < BLOCK_PAGES / 64; word++)
            any |= l->bits[at / 64 + word];
        blocks += any == 0;
    }
    return blocks;
}

uint64_t ledger_take_rest(struct ledger *l, struct instance *in)
{
    const struct bench_allocator *a = in->allocator;
    uint64_t found = 0;
    for (hal_paddr_t p;
         (p = a->alloc(in->self, 1, HAL_PAGE_SIZE, a->flags[BENCH_SINGLE | BENCH_MOVABLE]));
         found++)
        ledger_mark(l, p, 1);
    if (l->marked != l->pages)
        bench_fail("%s lost pages: %" PRIu64 " of %" PRIu64 " are neither held nor to be had",
                   a->name, l->pages - l->marked, l->pages);
    return found;
}
