/* No allocator at all: hands out rising addresses that wrap, takes anything back. What a workload
 * costs with it is the harness's own share of every other figure. */
#include "hal/short.h"
#include "tests/bench/loops.h"

struct idle {
    hal_paddr_t base, next, end;
};

static size_t tables_size(const struct bench_memory *memory, unsigned cpus)
{
    UNUSED(memory);
    UNUSED(cpus);
    return HAL_PAGE_SIZE;
}

static void *create(const struct bench_memory *memory, unsigned cpus, void *tables, size_t bytes)
{
    struct idle *s = tables;
    UNUSED(cpus);
    UNUSED(bytes);
    s->base = s->next = memory->base;
    s->end = memory->base + memory->pages * HAL_PAGE_SIZE;
    return s;
}

static hal_paddr_t idle_alloc(void *self, size_t pages, uint64_t align, uint32_t flags)
{
    struct idle *s = self;
    UNUSED(align);
    UNUSED(flags);
    hal_paddr_t at = s->next;
    s->next = at + pages * HAL_PAGE_SIZE < s->end ? at + pages * HAL_PAGE_SIZE : s->base;
    return at;
}

static bool idle_free(void *self, hal_paddr_t base, size_t pages)
{
    UNUSED(self);
    UNUSED(pages);
    return base != HAL_PADDR_NONE;
}

static void drain(void *self)
{
    UNUSED(self);
}

BENCH_LOOPS(idle, idle_alloc, idle_free);

const struct bench_allocator bench_idle = {
    .name = "idle",
    .tables_size = tables_size,
    .create = create,
    .alloc = idle_alloc,
    .free = idle_free,
    .loops = &idle_loops,
    .drain = drain,
    .taken = bench_taken_exactly,
    .flags = bench_no_flags,
};
