/* A singly linked list of free pages, as small kernels begin: O(1), one page at a time.
 *
 * A run of two pages or more would need a search through the whole list for neighbours; kernels
 * that are built this way do not offer it, and neither does this one: such requests are refused
 * and shown as "-". The links lie in a table of 4 bytes a page, denser than links inside the pages,
 * because no allocator here may touch pages. */
#include "hal/hal.h"
#include "hal/short.h"
#include "tests/bench/loops.h"

#define END UINT32_MAX

struct freelist {
    struct hal_lock lock;
    uint32_t head;
    hal_paddr_t base;
    uint32_t pages;
    uint32_t next[];
};

static size_t tables_size(const struct bench_memory *memory, unsigned cpus)
{
    UNUSED(cpus);
    return sizeof(struct freelist) + memory->pages * sizeof(uint32_t);
}

static void *create(const struct bench_memory *memory, unsigned cpus, void *tables, size_t bytes)
{
    struct freelist *s = tables;
    if (memory->pages == 0 || memory->pages >= END || bytes < tables_size(memory, cpus))
        return NULL;
    s->lock = (struct hal_lock){0};
    s->base = memory->base;
    s->pages = (uint32_t)memory->pages;
    s->head = 0;
    for (uint32_t i = 0; i < s->pages; i++)
        s->next[i] = i + 1;
    s->next[s->pages - 1] = END;
    return s;
}

static hal_paddr_t freelist_alloc(void *self, size_t pages, uint64_t align, uint32_t flags)
{
    struct freelist *s = self;
    UNUSED(flags);
    if (pages != 1 || align > HAL_PAGE_SIZE)
        return HAL_PADDR_NONE;
    hal_irq_t irq = hal_irq_save();
    hal_lock(&s->lock);
    uint32_t page = s->head;
    if (page != END)
        s->head = s->next[page];
    hal_unlock(&s->lock);
    hal_irq_restore(irq);
    return page == END ? HAL_PADDR_NONE : s->base + page * HAL_PAGE_SIZE;
}

static bool freelist_free(void *self, hal_paddr_t base, size_t pages)
{
    struct freelist *s = self;
    uint64_t page = (base - s->base) / HAL_PAGE_SIZE;
    if (pages != 1 || page >= s->pages)
        return false;
    hal_irq_t irq = hal_irq_save();
    hal_lock(&s->lock);
    s->next[page] = s->head;
    s->head = (uint32_t)page;
    hal_unlock(&s->lock);
    hal_irq_restore(irq);
    return true;
}

static void drain(void *self)
{
    UNUSED(self);
}

BENCH_LOOPS(freelist, freelist_alloc, freelist_free);

const struct bench_allocator bench_freelist = {
    .name = "freelist",
    .max_run = 1,
    .tables_size = tables_size,
    .create = create,
    .alloc = freelist_alloc,
    .free = freelist_free,
    .loops = &freelist_loops,
    .drain = drain,
    .taken = bench_taken_exactly,
    .flags = bench_no_flags,
};
