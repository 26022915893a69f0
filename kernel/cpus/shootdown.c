#include "kernel/cpus/shootdown.h"
#include "hal/cpu.h"
#include "kernel/cpus/calls.h"
#include "kernel/cpus/cpus.h"

static struct shootdown_stats stats; /* under the lock */
static struct hal_lock lock;

struct shot {
    hal_paddr_t root;
    hal_vaddr_t base;
    uint64_t size; /* 0: everything */
};

static bool is_upper(hal_vaddr_t at)
{
    return at >> 63 != 0;
}

/* Every space has the kernel's upper half; the lower half belongs to the root alone. */
static bool may_hold(void *arg, uint32_t cpu)
{
    const struct shot *s = arg;
    return is_upper(s->base) || cpus_may_hold(cpu, s->root);
}

/* No page of the lower half is global. */
static void flush_here(void *arg)
{
    const struct shot *s = arg;
    if (s->size == 0 || s->size / HAL_PAGE_SIZE > hal_tlb_page_limit()) {
        if (is_upper(s->base))
            hal_tlb_flush_all();
        else
            hal_tlb_flush_local();
        return;
    }
    for (uint64_t at = 0; at < s->size; at += HAL_PAGE_SIZE)
        hal_tlb_flush_page(s->base + at);
}

/* The fence: entries that were written are seen before it is looked who has the root. */
void hal_tlb_shootdown(hal_paddr_t root, hal_vaddr_t base, uint64_t size)
{
    if (cpu_flushes_everywhere())
        return;
    struct shot s = {root, base, size};
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint64_t begin = hal_cycles();
    uint32_t asked = calls_run(may_hold, flush_here, &s);
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
