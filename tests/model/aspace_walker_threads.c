/* Another CPU runs in a space while it is edited: a thread that walks the live tables as the
 * hardware does, with atomic loads, and answers a shootdown only between two walks. Under TSan this
 * shows that
 *   - no table is written or given back while a CPU may still be reading it (A4),
 *   - a table is complete before it is named (split, merge, map), and
 *   - a page that no call touches is translated at every moment, also while the large page that it
 *     was part of is split, and while its table becomes a large page again.
 * Desk threads show orders of memory that the PC has not; they are stricter than it. */
#include "hal/host/host.h"
#include "mm/aspace.h"
#include "tests/model/expect.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define UP      ((vaddr_t)0xFFFF800000000000u)
#define ROUNDS  1000u
#define PAGES   64u
#define ADDRESS 0x000FFFFFFFFFF000u

/* --- few pages, so that one that was given back is soon another table ---------------------------
 */

static paddr_t stack[PAGES];
static unsigned left;

static paddr_t pop(void *ctx)
{
    UNUSED(ctx);
    return left == 0 ? PADDR_NONE : stack[--left];
}

static void push(void *ctx, paddr_t page)
{
    UNUSED(ctx);
    memset(host_ram + page, 0xFF, PAGE_SIZE); /* a race with a CPU that still reads it */
    stack[left++] = page;
}

static const struct page_source source = {pop, push, NULL};

/* --- the other CPU ---------------------------------------------------------------------------- */

static struct aspace space;
static uint64_t asked, answered; /* shootdowns */
static bool stop, ignore;
static uint64_t walks, gaps;

/* The physical address, or UINT64_MAX. */
static paddr_t translate(paddr_t root, vaddr_t virt)
{
    uint64_t entry = root;
    for (unsigned level = 4; level-- > 0;) {
        uint64_t *table = (uint64_t *)(host_ram + (entry & ADDRESS));
        entry = __atomic_load_n(&table[virt >> (12 + 9 * level) & 511], __ATOMIC_ACQUIRE);
        if ((entry & 1) == 0)
            return UINT64_MAX;
        if (level == 0 || (entry & 128) != 0) {
            uint64_t mask = ((uint64_t)PAGE_SIZE << 9 * level) - 1;
            return (entry & ADDRESS & ~mask) + (virt & mask);
        }
    }
    return UINT64_MAX;
}

/* The first page of the gigabyte and its last are never touched; what lies between is. */
static void *other_cpu(void *ctx)
{
    paddr_t root = *(paddr_t *)ctx;
    for (uint64_t i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
        uint64_t asks = __atomic_load_n(&asked, __ATOMIC_ACQUIRE);
        __atomic_store_n(&answered, asks, __ATOMIC_RELEASE);
        uint64_t still = i % 2 == 0 ? 0 : GIB - 1;
        gaps += translate(root, UP + still) != GIB + still;
        paddr_t any = translate(root, UP + i * 7919 * PAGE_SIZE % GIB);
        gaps += any != UINT64_MAX && any != GIB + i * 7919 * PAGE_SIZE % GIB;
        gaps += translate(root, GIB + i % 4 * PAGE_SIZE) == 0;
        walks++;
    }
    return NULL;
}

static void shootdown(void *ctx, enum host_flush kind, paddr_t root, vaddr_t base, uint64_t size)
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

/* --- the editing CPU -------------------------------------------------------------------------- */

static bool edit(uint64_t i)
{
    uint64_t at = (1 + i * 31 % 500) * 2 * MIB + i * 13 % 500 * PAGE_SIZE;
    uint64_t size = (1 + i % 40) * PAGE_SIZE;
    bool ok = aspace_protect(&space, UP + at, size, ASPACE_R) == STATUS_OK;
    ok &= aspace_unmap(&space, UP + at + PAGE_SIZE, size) == STATUS_OK;
    ok &=
        aspace_map(&space, UP + at + PAGE_SIZE, GIB + at + PAGE_SIZE, size, ASPACE_W) == STATUS_OK;
    ok &= aspace_map(&space, GIB, 2 * GIB, 4 * PAGE_SIZE, ASPACE_USER) == STATUS_OK;
    ok &= aspace_protect(&space, UP + at, size, ASPACE_W) == STATUS_OK; /* whole again */
    ok &= aspace_unmap(&space, GIB, 4 * PAGE_SIZE) == STATUS_OK;
    return ok && space.stats.pages[2] == 1 && space.stats.pages[0] == 0;
}

static void edited_while_another_cpu_runs(void)
{
    pthread_t thread;
    host_ram_create(MIB);
    for (unsigned i = 0; i < PAGES; i++)
        stack[left++] = (1 + i) * PAGE_SIZE;
    EXPECT(aspace_init(&space, &source) == STATUS_OK);
    EXPECT(aspace_map(&space, UP, GIB, GIB, ASPACE_W) == STATUS_OK);
    paddr_t root = space.root & ADDRESS;
    host_listen_flushes(shootdown, NULL);
    EXPECT(pthread_create(&thread, NULL, other_cpu, &root) == 0);
    for (uint64_t i = 0; i < ROUNDS; i++)
        EXPECT(edit(i));
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    printf("  %" PRIu64 " walks, %" PRIu64 " splits, %" PRIu64 " merges\n", walks,
           space.stats.splits, space.stats.merges);
    EXPECT(gaps == 0 && walks > ROUNDS && space.stats.merges >= ROUNDS);
    EXPECT(aspace_check(&space) == NULL);
    host_listen_flushes(NULL, NULL);
    aspace_destroy(&space);
    EXPECT(left == PAGES);
}

/* With any argument shootdowns are ignored: TSan must then complain, or a gap be seen. */
int main(int argc, char **argv)
{
    UNUSED(argv);
    ignore = argc > 1;
    expect_run("A4: edited while another CPU runs", edited_while_another_cpu_runs);
    return expect_total();
}
