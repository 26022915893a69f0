/* Another CPU runs in a space while it is edited: a thread that walks the live tables as the hardware
 * does, with atomic loads, at random addresses near what is edited; it keeps what it finds in a TLB, and answers a
 * shootdown, which empties it, only between two walks. Under TSan this shows that
 *   - no table is written or given back while a CPU may still be reading it (A4),
 *   - a table is complete before it is named (split, merge, map),
 *   - what the TLB holds and what a walk finds for the same address never differ in size and in
 *     something else, or with break-before-make in size at all (A8), and
 *   - a page that no call touches is translated at every moment, also while the large page that it
 *     was part of is split, and while its table becomes a large page again; with break-before-make
 *     an access to it may fault meanwhile, and never goes wrong.
 * Desk threads show orders of memory that the PC has not; they are stricter than it.
 *
 * kinds: tsan aarch64_tsan */
#include "hal/host/host.h"
#include "hal/short.h"
#include "mm/aspace.h"
#include "tests/model/expect.h"
#include "tests/model/mmu.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define UP     ((hal_vaddr_t)0xFFFF800000000000u)
#define ROUNDS 1000u
#define PAGES  64u
#define LEVELS 4u

/* --- few pages, so that one that was given back is soon another table --------------------------- */

static hal_paddr_t stack[PAGES];
static unsigned left;

static hal_paddr_t pop(void *ctx)
{
    UNUSED(ctx);
    return left == 0 ? HAL_PADDR_NONE : stack[--left];
}

static void push(void *ctx, hal_paddr_t page)
{
    UNUSED(ctx);
    memset(host_ram + page, 0xFF, HAL_PAGE_SIZE); /* a race with a CPU that still reads it */
    stack[left++] = page;
}

static const struct page_source source = {pop, push, NULL};
static const struct hal_paging cpu = {true, true, true, true, MMU_BREAKS, LEVELS, MMU_PHYS_BITS};

/* --- the other CPU ------------------------------------------------------------------------------ */

static struct aspace space;
static uint64_t asked, answered; /* shootdowns */
static uint64_t spot;            /* what is edited: an offset into the gigabyte */
static bool stop, ignore;

struct translation {
    hal_vaddr_t virt;
    uint64_t page; /* 0: none, a fault */
    hal_paddr_t phys;
    uint64_t grants;
};

#define TLB_ENTRIES 64u

static struct {
    struct translation tlb[TLB_ENTRIES];
    unsigned held;
    uint64_t walks, faults, wrong, mixed;
} other;

static struct translation walk(hal_paddr_t root, hal_vaddr_t virt)
{
    uint64_t grants = MMU_W | MMU_U | MMU_X;
    hal_paddr_t table = root;
    for (unsigned level = LEVELS; level-- > 0;) {
        uint64_t *entries = (uint64_t *)(host_ram + table);
        uint64_t entry =
            __atomic_load_n(&entries[virt >> (12 + 9 * level) & 511], __ATOMIC_ACQUIRE);
        struct mmu_entry e = mmu_read(entry, level, &cpu);
        if (!e.valid)
            break;
        other.wrong += e.wrong != NULL;
        grants = (grants & e.grants) | (e.leaf ? e.grants & MMU_G : 0);
        if (e.leaf)
            return (struct translation){virt & ~(mmu_span(level) - 1), mmu_span(level), e.address,
                                        grants};
        table = e.address;
    }
    return (struct translation){.page = 0};
}

/* May a TLB hold both, of one address? */
static bool may_mix(const struct translation *a, const struct translation *b)
{
    bool same_place = a->phys + (b->virt - a->virt) == b->phys;
    if (MMU_BREAKS)
        return a->page == b->page && same_place && ((a->grants ^ b->grants) & MMU_G) == 0;
    return a->page == b->page || (same_place && a->grants == b->grants);
}

/* A random walk; what it finds comes into the TLB beside what is there. */
static struct translation use(hal_paddr_t root, hal_vaddr_t virt)
{
    struct translation t = walk(root, virt);
    other.walks++;
    other.faults += t.page == 0;
    for (unsigned i = 0; t.page != 0 && i < other.held; i++)
        if (virt - other.tlb[i].virt < other.tlb[i].page)
            other.mixed += !may_mix(&other.tlb[i], &t);
    if (t.page != 0 && other.held < TLB_ENTRIES)
        other.tlb[other.held++] = t;
    return t;
}

/* `phys` is where the address leads if it leads anywhere; `always`: it must, but for a moment where
 * entries are broken. */
static void check_use(hal_paddr_t root, hal_vaddr_t virt, hal_paddr_t phys, bool always)
{
    struct translation t = use(root, virt);
    if (t.page == 0)
        other.wrong += always && !MMU_BREAKS;
    else
        other.wrong += t.phys + (virt - t.virt) != phys;
}

/* The first page of the gigabyte and its last are never touched; what lies between is. */
static void *other_cpu(void *ctx)
{
    hal_paddr_t root = *(hal_paddr_t *)ctx;
    for (uint64_t i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
        uint64_t asks = __atomic_load_n(&asked, __ATOMIC_ACQUIRE);
        if (asks != __atomic_load_n(&answered, __ATOMIC_RELAXED))
            other.held = 0;
        __atomic_store_n(&answered, asks, __ATOMIC_RELEASE);
        uint64_t still = i % 2 == 0 ? 0 : GIB - HAL_PAGE_SIZE;
        uint64_t any = __atomic_load_n(&spot, __ATOMIC_RELAXED) + i * 7919 % 48 * HAL_PAGE_SIZE;
        check_use(root, UP + still, GIB + still, true);
        check_use(root, UP + any, GIB + any, false);
        check_use(root, GIB + i % 4 * HAL_PAGE_SIZE, 2 * GIB + i % 4 * HAL_PAGE_SIZE, false);
    }
    return NULL;
}

static void shootdown(void *ctx, enum host_flush kind, hal_paddr_t root, hal_vaddr_t base,
                      uint64_t size)
{
    UNUSED(ctx);
    UNUSED(root);
    UNUSED(base);
    UNUSED(size);
    if (kind != HOST_SHOOTDOWN || ignore)
        return;
    uint64_t mine = __atomic_add_fetch(&asked, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&answered, __ATOMIC_ACQUIRE) < mine)
        sched_yield();
}

/* --- the editing CPU ---------------------------------------------------------------------------- */

static bool edit(uint64_t i)
{
    uint64_t at = (1 + i * 31 % 500) * 2 * MIB + i * 13 % 500 * HAL_PAGE_SIZE;
    uint64_t size = (1 + i % 40) * HAL_PAGE_SIZE;
    __atomic_store_n(&spot, at, __ATOMIC_RELAXED);
    bool ok = aspace_protect(&space, UP + at, size, ASPACE_R) == MM_OK;
    ok &= aspace_unmap(&space, UP + at + HAL_PAGE_SIZE, size) == MM_OK;
    ok &= aspace_map(&space, UP + at + HAL_PAGE_SIZE, GIB + at + HAL_PAGE_SIZE, size, ASPACE_W) ==
          MM_OK;
    ok &= aspace_map(&space, GIB, 2 * GIB, 4 * HAL_PAGE_SIZE, ASPACE_USER) == MM_OK;
    ok &= aspace_protect(&space, UP + at, size, ASPACE_W) == MM_OK; /* whole again */
    ok &= aspace_unmap(&space, GIB, 4 * HAL_PAGE_SIZE) == MM_OK;
    return ok && space.tree.stats.pages[2] == 1 && space.tree.stats.pages[0] == 0;
}

static void edited_while_another_cpu_runs(void)
{
    pthread_t thread;
    host_ram_create(MIB);
    host_set_paging(&cpu);
    for (unsigned i = 0; i < PAGES; i++)
        stack[left++] = (1 + i) * HAL_PAGE_SIZE;
    EXPECT(aspace_init(&space, &source) == MM_OK);
    EXPECT(aspace_map(&space, UP, GIB, GIB, ASPACE_W) == MM_OK);
    hal_paddr_t root = space.tree.root & MMU_ADDRESS;
    host_listen_flushes(shootdown, NULL);
    EXPECT(pthread_create(&thread, NULL, other_cpu, &root) == 0);
    for (uint64_t i = 0; i < ROUNDS; i++)
        EXPECT(edit(i));
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    printf("  %" PRIu64 " walks, %" PRIu64 " of them faults, %" PRIu64 " splits, %" PRIu64
           " merges\n",
           other.walks, other.faults, space.tree.stats.splits, space.tree.stats.merges);
    EXPECT(other.wrong == 0 && other.mixed == 0);
    EXPECT(other.walks > ROUNDS && space.tree.stats.merges >= ROUNDS);
    EXPECT(aspace_check(&space) == NULL);
    host_listen_flushes(NULL, NULL);
    aspace_destroy(&space);
    EXPECT(left == PAGES);
}

/* With any argument shootdowns are ignored: TSan must then complain, or something wrong be seen. */
int main(int argc, char **argv)
{
    UNUSED(argv);
    ignore = argc > 1;
    expect_run("A4 and A8: edited while another CPU runs", edited_while_another_cpu_runs);
    return expect_total();
}
