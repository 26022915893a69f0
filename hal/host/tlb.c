/* hal/host/tlb.c: a desk has no TLB to flush; every call is counted and told to a listener. */
#include "hal/host/host.h"

uint64_t host_flushes[HOST_FLUSH_KINDS];
uint32_t host_tlb_limit = 32;

static struct hal_paging paging = {
    .nx = true, .pages_1g = true, .pat = true, .global = true, .levels = 4, .phys_bits = 52};
static hal_paddr_t loaded;
static host_flush_fn *listener;
static void *listener_ctx;

void host_set_paging(const struct hal_paging *features)
{
    paging = *features;
}

void host_listen_flushes(host_flush_fn *listen, void *ctx)
{
    listener = listen;
    listener_ctx = ctx;
}

static void note(enum host_flush kind, hal_paddr_t root, hal_vaddr_t base, uint64_t size)
{
    host_flushes[kind]++;
    if (listener != NULL)
        listener(listener_ctx, kind, root, base, size);
}

struct hal_paging hal_paging_features(void)
{
    return paging;
}

void hal_load_root(hal_paddr_t root)
{
    loaded = root;
    note(HOST_LOAD, root, 0, 0);
}

hal_paddr_t hal_root(void)
{
    return loaded;
}

void hal_tlb_flush_page(hal_vaddr_t virt)
{
    note(HOST_FLUSH_PAGE, 0, virt, HAL_PAGE_SIZE);
}

void hal_tlb_flush_local(void)
{
    note(HOST_FLUSH_LOCAL, 0, 0, 0);
}

void hal_tlb_flush_all(void)
{
    note(HOST_FLUSH_ALL, 0, 0, 0);
}

void hal_tlb_added(hal_vaddr_t base, uint64_t size)
{
    note(HOST_ADDED, 0, base, size);
}

uint32_t hal_tlb_page_limit(void)
{
    return host_tlb_limit;
}

void hal_tlb_shootdown(hal_paddr_t root, hal_vaddr_t base, uint64_t size)
{
    note(HOST_SHOOTDOWN, root, base, size);
}
