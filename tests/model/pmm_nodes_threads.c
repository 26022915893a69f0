/* Two nodes with two CPUs each, at once: every CPU takes and gives back runs, of its own node, of the other, and
 * what others have passed on, and splits and retires some. A fifth thread adds blocks of both nodes'
 * windows and removes them again. A map of owners with atomic entries proves that no page is given out
 * twice, none while it is absent, and none of the wrong node; at the end all is counted, node by node. Built
 * with TSan. Usage: model-pmm_nodes_threads [OPERATIONS-A-THREAD].
 *
 * takes: 8 s
 */
#include "hal/short.h"
#include "mm/pmm.h"
#include "tests/model/expect.h"
#include "tests/model/maps.h"

#include "hal/hal.h"
#include "hal/host/host.h"

#include <pthread.h>
#include <stdlib.h>

#define HIGH    (4 * GIB)
#define CPUS    4u
#define NODES   2u
#define RAM_OF  (160 * MIB) /* of a node, and then its window */
#define BLOCKS  8u          /* of a window */
#define NODE_OF (RAM_OF + BLOCKS * BLOCK)
#define BLOCK   (2 * MIB)
#define PAGES   (NODES * NODE_OF / HAL_PAGE_SIZE)
#define HELD    300u
#define SHARED  64u
#define LOCKED                                                                                     \
    (RAM_OF - 16 * MIB) /* of a node's RAM is taken from the start, so that windows are used */
#define ABSENT 0xFFu
#define SPOILT 0xFEu

static struct mem_region regions[] = {RAM(HIGH, RAM_OF), WINDOW(HIGH + RAM_OF, BLOCKS *BLOCK),
                                      RAM(HIGH + NODE_OF, RAM_OF),
                                      WINDOW(HIGH + NODE_OF + RAM_OF, BLOCKS *BLOCK)};
static const struct pmm_node_range ranges[] = {{HIGH, HIGH + NODE_OF, 0},
                                               {HIGH + NODE_OF, HIGH + 2 * NODE_OF, 1}};
static const uint32_t cpu_nodes[CPUS + 1] = {0, 0, 1, 1, 0}; /* the last adds and removes */
static const struct pmm_machine machine = {.cpus = CPUS + 1,
                                           .nodes = NODES,
                                           .dma32_end = HIGH,
                                           .ranges = ranges,
                                           .range_count = NODES,
                                           .cpu_nodes = cpu_nodes};

struct held {
    hal_paddr_t base;
    size_t pages;
};

struct worker {
    pthread_t thread;
    uint32_t cpu;
    uint64_t rng;
    struct held held[HELD];
    unsigned count;
    uint64_t taken, local;
};

static struct pmm *pmm;
static uint8_t owner[PAGES]; /* 0, 1 + the CPU that took the page, or one of the above */
static struct held shared[SHARED];
static unsigned shared_count;
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static struct pmm_retiring retiring[CPUS]; /* one page each, once */
static uint64_t operations = 150000, plugged, unplugged, busy;
static uint32_t errors;
static bool working = true;

static void wrong(const char *what, hal_paddr_t base, size_t pages)
{
    if (__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED) < 10)
        printf("  CPU %u: %s (0x%" PRIx64 ", %zu pages)\n", hal_cpu_index(), what, base, pages);
}

static uint64_t below(uint64_t *rng, uint64_t limit)
{
    *rng ^= *rng << 13;
    *rng ^= *rng >> 7;
    *rng ^= *rng << 17;
    return (*rng >> 11) % limit;
}

/* Each page of the run was `from`'s and is `to`'s. */
static void pass(hal_paddr_t base, size_t pages, uint8_t from, uint8_t to, const char *what)
{
    for (size_t i = 0; i < pages; i++) {
        uint8_t was =
            __atomic_exchange_n(&owner[(base - HIGH) / HAL_PAGE_SIZE + i], to, __ATOMIC_RELAXED);
        if (was != from)
            wrong(what, base + i * HAL_PAGE_SIZE, pages);
    }
}

static void touch(struct held h, uint64_t value)
{
    for (size_t i = 0; i < h.pages; i++)
        *(uint64_t *)hal_phys_to_virt(h.base + i * HAL_PAGE_SIZE) = value;
}

/* --- what a CPU does --- */

static void take(struct worker *w)
{
    uint64_t kind = below(&w->rng, 16);
    struct pmm_request r = {.pages = kind < 11 ? 1 : kind < 15 ? 2 + below(&w->rng, 60) : 512};
    uint32_t node = cpu_nodes[w->cpu];
    if (below(&w->rng, 4) == 0) {
        node = (uint32_t)below(&w->rng, NODES);
        r = (struct pmm_request){.pages = r.pages, .flags = PMM_NODE | PMM_HERE, .node = node};
    }
    hal_paddr_t got = pmm_alloc_request(pmm, &r);
    if (got == HAL_PADDR_NONE)
        return;
    struct held h = {got, r.pages};
    bool local = pmm_node_of(pmm, got) == node;
    if (!local && (r.flags & PMM_HERE) != 0)
        wrong("a page of another node", got, r.pages);
    pass(got, r.pages, 0, (uint8_t)(1 + w->cpu), "a page was given out twice, or while absent");
    touch(h, w->cpu);
    w->held[w->count++] = h;
    w->taken++;
    w->local += local;
}

static void give(const struct worker *w, struct held h)
{
    pass(h.base, h.pages, (uint8_t)(1 + w->cpu), 0, "a page that we hold is not ours");
    if (pmm_free(pmm, h.base, h.pages) != MM_OK)
        wrong("a right free was refused", h.base, h.pages);
}

static struct held pick(struct worker *w)
{
    uint64_t i = below(&w->rng, w->count);
    struct held h = w->held[i];
    w->held[i] = w->held[--w->count];
    return h;
}

/* Give what another CPU took in its place, which may be of the other node. */
static void swap(struct worker *w)
{
    struct held mine = pick(w), other = {0, 0};
    pass(mine.base, mine.pages, (uint8_t)(1 + w->cpu), CPUS + 1, "a page that we hold is not ours");
    pthread_mutex_lock(&shared_lock);
    if (shared_count == SHARED)
        other = shared[--shared_count];
    shared[shared_count++] = mine;
    pthread_mutex_unlock(&shared_lock);
    if (other.pages == 0)
        return;
    pass(other.base, other.pages, CPUS + 1, (uint8_t)(1 + w->cpu), "a page that was passed on");
    give(w, other);
}

static void split(struct worker *w)
{
    struct held h = pick(w);
    size_t first = h.pages / 2, told = 0;
    if (pmm_length(pmm, h.base, &told) != MM_OK || told != h.pages)
        wrong("a run has another length", h.base, told);
    if (pmm_split(pmm, h.base, h.pages, first) != (h.pages > 1 ? MM_OK : MM_INVALID))
        wrong("split: wrong answer", h.base, h.pages);
    if (h.pages > 1)
        w->held[w->count++] = (struct held){h.base + first * HAL_PAGE_SIZE, h.pages - first};
    w->held[w->count++] = (struct held){h.base, h.pages > 1 ? first : 1};
}

/* Once: a page of this CPU's that becomes bad when it is given back. In RAM, for what is in a window may go. */
static void retire(struct worker *w)
{
    struct held h = pick(w);
    bool stays = (h.base - HIGH) % NODE_OF + h.pages * HAL_PAGE_SIZE <= RAM_OF;
    if (h.pages > 1 || !stays || retiring[w->cpu].page != 0) {
        w->held[w->count++] = h;
        return;
    }
    mm_status_t status = pmm_retire(pmm, h.base, &retiring[w->cpu]);
    if (status == MM_BUSY) { /* in a block that another CPU owns, which the desk cannot call */
        w->held[w->count++] = h;
        return;
    }
    if (status != MM_OK)
        wrong("a page in use cannot be retired", h.base, 1);
    pass(h.base, 1, (uint8_t)(1 + w->cpu), SPOILT, "a page that we hold is not ours");
    if (pmm_free(pmm, h.base, 1) != MM_OK || pmm_free(pmm, h.base, 1) != MM_BAD)
        wrong("a retired page is not bad when it is given back", h.base, 1);
}

static void step(struct worker *w, uint64_t fill)
{
    uint64_t kind = below(&w->rng, 64);
    if (kind == 0)
        pmm_drain(pmm);
    else if (kind < 4 && w->count > 0)
        swap(w);
    else if (kind < 6 && w->count > 0 && w->count < HELD)
        split(w);
    else if (kind == 6 && w->count > 0)
        retire(w);
    else if (w->count < HELD && below(&w->rng, 16) < fill)
        take(w);
    else if (w->count > 0)
        give(w, pick(w));
}

static void *work(void *arg)
{
    struct worker *w = arg;
    host_set_cpu(w->cpu);
    for (uint64_t i = 0; i < operations; i++)
        step(w, i / 3000 % 2 == 0 ? 12 : 4);
    while (w->count > 0)
        give(w, pick(w));
    pmm_drain(pmm);
    return NULL;
}

/* --- memory comes and goes --- */

static hal_paddr_t block_at(unsigned node, unsigned block)
{
    return HIGH + node * NODE_OF + RAM_OF + block * BLOCK;
}

/* Before anybody can get the pages they are nobody's; when they are gone nobody has one. */
static void plug(hal_paddr_t at, bool *there)
{
    hal_paddr_t page = HAL_PADDR_NONE;
    if (!*there)
        pass(at, 512, ABSENT, 0, "a page was had while absent");
    mm_status_t status = *there ? pmm_remove(pmm, at, 512, &page) : pmm_add(pmm, at, 512);
    if (*there && status == MM_BUSY) {
        busy++;
        if (page < at || page >= at + BLOCK)
            wrong("the page in use that is named lies elsewhere", page, 1);
        return;
    }
    if (status != MM_OK)
        wrong("a window's block cannot be added or removed", at, 512);
    if (*there)
        pass(at, 512, 0, ABSENT, "a page in use was removed");
    *there = !*there;
    plugged += *there;
    unplugged += !*there;
}

static void *come_and_go(void *arg)
{
    bool there[NODES][BLOCKS] = {{false}};
    uint64_t rng = 8172645463325252u;
    UNUSED(arg);
    host_set_cpu(CPUS);
    while (__atomic_load_n(&working, __ATOMIC_RELAXED)) {
        uint64_t node = below(&rng, NODES), block = below(&rng, BLOCKS);
        plug(block_at((unsigned)node, (unsigned)block), &there[node][block]);
    }
    for (unsigned node = 0; node < NODES; node++)
        for (unsigned block = 0; block < BLOCKS; block++)
            if (there[node][block])
                plug(block_at(node, block), &there[node][block]);
    return NULL;
}

/* --- the whole --- */

static struct worker workers[CPUS];

static void make(void)
{
    static struct memmap map;
    map = map_of(regions, ARRAY_LEN(regions));
    size_t bytes = (pmm_tables_size_for(&map, &machine) + 63) / 64 * 64;
    void *tables = aligned_alloc(64, bytes);
    if (tables == NULL || pmm_create_in_for(&map, &machine, tables, bytes, &pmm) != MM_OK)
        abort();
    for (unsigned node = 0; node < NODES; node++) {
        for (unsigned i = 0; i < BLOCKS * 512; i++)
            owner[(block_at(node, 0) - HIGH) / HAL_PAGE_SIZE + i] = ABSENT;
        EXPECT(pmm_claim(pmm, HIGH + node * NODE_OF, LOCKED / HAL_PAGE_SIZE) == MM_OK);
    }
}

static void run_all(void)
{
    pthread_t plugger;
    for (uint32_t i = 0; i < CPUS; i++) {
        workers[i].cpu = i;
        workers[i].rng = 88172645463325252u + i * 7919;
        EXPECT(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    EXPECT(pthread_create(&plugger, NULL, come_and_go, NULL) == 0);
    for (uint32_t i = 0; i < CPUS; i++)
        pthread_join(workers[i].thread, NULL);
    while (shared_count > 0) {
        struct held h = shared[--shared_count];
        pass(h.base, h.pages, CPUS + 1, 1, "a page that was passed on");
        give(&workers[0], h);
    }
    for (uint32_t i = 0; i < CPUS; i++) {
        host_set_cpu(i);
        pmm_drain(pmm);
    }
    __atomic_store_n(&working, false, __ATOMIC_RELAXED);
    pthread_join(plugger, NULL);
}

static void no_page_twice(void)
{
    uint64_t taken = 0, local = 0;
    make();
    run_all();
    for (uint32_t i = 0; i < CPUS; i++) {
        taken += workers[i].taken;
        local += workers[i].local;
    }
    printf("  %" PRIu64 " runs taken, %" PRIu64 " of the node asked for; %" PRIu64
           " blocks added, %" PRIu64 " removed, %" PRIu64 " times busy\n",
           taken, local, plugged, unplugged, busy);
    EXPECT(errors == 0 && local > 0 && local < taken);
    for (unsigned node = 0; node < NODES; node++)
        EXPECT(pmm_free(pmm, HIGH + node * NODE_OF, LOCKED / HAL_PAGE_SIZE) == MM_OK);
    EXPECT(plugged > 10 && unplugged == plugged);
}

/* Each bad page is its node's, and all else is free. */
static void nothing_is_lost(void)
{
    uint64_t bad[NODES] = {0};
    for (uint32_t i = 0; i < CPUS; i++)
        if (retiring[i].page != 0)
            bad[(retiring[i].page * HAL_PAGE_SIZE - HIGH) / NODE_OF]++;
    for (uint32_t node = 0; node < NODES; node++) {
        struct pmm_stats s;
        pmm_stats_node(pmm, node, PMM_ZONE_NORMAL, &s);
        EXPECT(s.total == RAM_OF / HAL_PAGE_SIZE - bad[node] && s.bad == bad[node]);
        EXPECT(s.free == s.total && s.parked == 0 && s.retiring == 0);
    }
    uint64_t pages[4] = {0};
    for (size_t i = 0; i < PAGES; i++)
        pages[owner[i] == 0 ? 0 : owner[i] == ABSENT ? 1 : owner[i] == SPOILT ? 2 : 3]++;
    EXPECT(pages[1] == NODES * BLOCKS * 512 && pages[2] == bad[0] + bad[1] && pages[3] == 0);
    EXPECT(bad[0] + bad[1] > 0 && pmm_check(pmm) == NULL);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        operations = strtoull(argv[1], NULL, 0);
    host_ram_create(HIGH + 2 * NODE_OF);
    expect_run("no page is had twice, or while absent, or of the wrong node", no_page_twice);
    expect_run("in the end each node has what it had, but for its bad pages", nothing_is_lost);
    return expect_total();
}
