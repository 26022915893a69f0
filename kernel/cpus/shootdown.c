#include "kernel/cpus/shootdown.h"
#include "hal/hal.h"
#include "hal/short.h"
#include "kernel/cpus/calls.h"

static struct shootdown_stats stats; /* under the lock */
static struct hal_lock lock;

struct shot {
    hal_vaddr_t base;
    uint64_t size; /* 0: everything */
};

static void flush_here(void *arg)
{
    const struct shot *s = arg;
    if (s->size == 0 || s->size / HAL_PAGE_SIZE > hal_tlb_page_limit()) {
        hal_tlb_flush_all();
        return;
    }
    for (uint64_t at = 0; at < s->size; at += HAL_PAGE_SIZE)
        hal_tlb_flush_page(s->base + at);
}

/* Every CPU runs in the kernel's space or in one that shares its upper half. */
void hal_tlb_shootdown(hal_paddr_t root, hal_vaddr_t base, uint64_t size)
{
    UNUSED(root);
    struct shot s = {base, size};
    uint64_t begin = hal_cycles();
    uint32_t asked = calls_run(NULL, flush_here, &s);
    if (asked == 0)
        return;
    uint64_t ticks = hal_cycles() - begin;
    hal_irq_t irq = hal_irq_save();
    hal_lock(&lock);
    stats.rounds++;
    stats.asked += asked;
    stats.ticks += ticks;
    stats.longest = hal_max_u64(stats.longest, ticks);
    hal_unlock(&lock);
    hal_irq_restore(irq);
}

struct shootdown_stats shootdown_stats(void)
{
    hal_irq_t irq = hal_irq_save();
    hal_lock(&lock);
    struct shootdown_stats s = stats;
    hal_unlock(&lock);
    hal_irq_restore(irq);
    return s;
}
