/* The allocator under test, as mm/pmm.h offers it: all checks on. */
#include "mm/pmm.h"
#include "tests/bench/loops.h"

static size_t tables_size(const struct bench_memory *memory, unsigned cpus)
{
    return pmm_tables_size(memory->map, cpus);
}

static void *create(const struct bench_memory *memory, unsigned cpus, void *tables, size_t bytes)
{
    struct pmm *pmm;
    return pmm_create_in(memory->map, cpus, tables, bytes, &pmm) == MM_OK ? pmm : NULL;
}

static hal_paddr_t mortise_alloc(void *self, size_t pages, uint64_t align, uint32_t flags)
{
    return align <= HAL_PAGE_SIZE ? pmm_alloc(self, pages, flags)
                                  : pmm_alloc_aligned(self, pages, align, flags);
}

static bool mortise_free(void *self, hal_paddr_t base, size_t pages)
{
    return pmm_free(self, base, pages) == MM_OK;
}

static void drain(void *self)
{
    pmm_drain(self);
}

/* The bench never touches pages, so PMM_ZERO is left out; its memory lies above 4 GiB, so PMM_DMA
 * could only fail. An unmovable single page is a kernel page (tests/data/traces/README.md). */
static const uint32_t pmm_flags[BENCH_KINDS] = {
    [BENCH_SINGLE] = PMM_KERNEL,
    [BENCH_SINGLE | BENCH_ZEROED] = PMM_KERNEL,
    [BENCH_SINGLE | BENCH_DMA] = PMM_KERNEL,
    [BENCH_SINGLE | BENCH_DMA | BENCH_ZEROED] = PMM_KERNEL,
};

BENCH_LOOPS(mortise, mortise_alloc, mortise_free);

const struct bench_allocator bench_mortise = {
    .name = "mortise",
    .tables_size = tables_size,
    .create = create,
    .alloc = mortise_alloc,
    .free = mortise_free,
    .loops = &mortise_loops,
    .drain = drain,
    .taken = bench_taken_exactly,
    .flags = pmm_flags,
};
