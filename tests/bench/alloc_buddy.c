/* A binary buddy with per-CPU page lists, in the manner of Linux 6.x (mm/page_alloc.c), written for
 * this bench. The ideas are Linux's, the code is not.
 *
 *   memmap       one struct page for each page, links as pointers
 *   free areas   orders 0..10, one doubly linked list per mobility type
 *   pageblocks   2 MiB; each has a mobility type; an allocation that finds its own type empty takes
 *                the largest free piece of the other type and, where the rules say so, the whole
 *                pageblock with it
 *   pcp lists    for each CPU, orders 0..3 and both types; pages move in batches of 63 that grow
 *                with use; the cold end goes back first; all are drained before a request fails
 *   merging      by the order kept in the buddy's struct page; a page whose next-larger buddy is
 *                free goes to the tail of its list, so that the pair has time to become whole
 *
 * It has no watermarks, cpusets, statistics or checks of tail pages, which is in its favour. As on
 * Linux, a page is checked when it is freed: it must head an allocated run that is at least as
 * long, so a double free is refused.
 *
 * There are two allocators, which differ in lengths that are not a power of two: `buddy` rounds up
 * (alloc_pages); `buddy-exact` rounds up and gives the tail back at once (alloc_pages_exact). */
#include "hal/hal.h"
#include "tests/bench/loops.h"

#ifndef BUDDY_PAGE_BYTES
#define BUDDY_PAGE_BYTES                                                                           \
    64 /* Linux's struct page on x86-64; -DBUDDY_PAGE_BYTES=40 is a leaner one */
#endif
#define ORDERS          11u
#define PAGEBLOCK_ORDER 9u
#define PAGEBLOCK_PAGES ((uint64_t)1 << PAGEBLOCK_ORDER)
#define PCP_ORDERS      4u
#define PCP_BATCH       63u
#define PCP_HIGH        (6u * PCP_BATCH)
#define PCP_SCALE_MAX   5u
#define DEFER_MAX       6u

enum mobility { UNMOVABLE, MOVABLE, TYPES };
enum page_state { PAGE_TAIL, PAGE_FREE, PAGE_PCP, PAGE_ALLOCATED };

struct list {
    struct list *next, *prev;
};

struct page {
    struct list link;
    uint8_t state;
    uint8_t order;
    uint8_t type; /* list that a page in a pcp belongs to */
    uint8_t flags;
    uint32_t references;
    uint64_t owner;
    uint64_t rest[(BUDDY_PAGE_BYTES - 32) / 8]; /* what Linux keeps there: mapping, counts, memcg */
};
_Static_assert(sizeof(struct page) == BUDDY_PAGE_BYTES, "no padding");

struct pcp {
    struct hal_lock lock;
    uint32_t count, free_count;
    uint32_t alloc_factor;
    struct list lists[PCP_ORDERS][TYPES];
};

/* CPUs do not share cache lines, nor the pairs of lines that are fetched together. */
struct cpu {
    struct pcp pcp;
    unsigned char apart[128];
};

struct area {
    struct list lists[TYPES];
};

struct buddy {
    struct hal_lock lock;
    unsigned cpus;
    uint32_t defer, defer_shift; /* failures to let pass before the next drain */
    hal_paddr_t base;
    uint64_t pages;
    struct page *memmap;
    uint8_t *pageblocks;
    struct area areas[ORDERS];
    struct cpu cpu[];
};

/* --- lists ------------------------------------------------------------------------------------ */

static void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static bool list_empty(const struct list *head)
{
    return head->next == head;
}

static void list_insert(struct list *item, struct list *after)
{
    item->next = after->next;
    item->prev = after;
    after->next->prev = item;
    after->next = item;
}

static void list_remove(struct list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
}

static struct page *page_of(struct list *link)
{
    return (struct page *)(void *)link;
}

/* --- the free areas; the zone lock is held ---------------------------------------------------- */

static uint64_t page_index(const struct buddy *b, const struct page *page)
{
    return (uint64_t)(page - b->memmap);
}

static enum mobility block_type(const struct buddy *b, uint64_t index)
{
    return (enum mobility)b->pageblocks[index >> PAGEBLOCK_ORDER];
}

static void area_add(struct buddy *b, struct page *page, unsigned order, enum mobility type,
                     bool tail)
{
    struct list *head = &b->areas[order].lists[type];
    page->state = PAGE_FREE;
    page->order = (uint8_t)order;
    list_insert(&page->link, tail ? head->prev : head);
}

static void area_remove(struct page *page)
{
    list_remove(&page->link);
    page->state = PAGE_TAIL;
}

/* The free buddy of the piece at `index`, or NULL. */
static struct page *free_buddy(const struct buddy *b, uint64_t index, unsigned order)
{
    uint64_t other = index ^ ((uint64_t)1 << order);
    if (other >= b->pages)
        return NULL;
    struct page *page = &b->memmap[other];
    return page->state == PAGE_FREE && page->order == order ? page : NULL;
}

static bool merge_likely(const struct buddy *b, uint64_t index, unsigned order)
{
    return order + 2 < ORDERS &&
           free_buddy(b, index & ~(((uint64_t)1 << (order + 1)) - 1), order + 1) != NULL;
}

static void free_one(struct buddy *b, struct page *page, unsigned order, enum mobility type)
{
    uint64_t index = page_index(b, page);
    page->state = PAGE_TAIL;
    for (; order < ORDERS - 1; order++) {
        struct page *other = free_buddy(b, index, order);
        if (other == NULL)
            break;
        area_remove(other);
        index &= ~((uint64_t)1 << order);
    }
    area_add(b, &b->memmap[index], order, type, merge_likely(b, index, order));
}

/* Cut a piece of order `high` down to `low`; the upper halves go back. */
static void expand(struct buddy *b, struct page *page, unsigned low, unsigned high,
                   enum mobility type)
{
    while (high > low) {
        high--;
        area_add(b, page + ((uint64_t)1 << high), high, type, false);
    }
    page->order = (uint8_t)low;
}

static struct page *take_smallest(struct buddy *b, unsigned order, enum mobility type)
{
    for (unsigned at = order; at < ORDERS; at++) {
        struct list *head = &b->areas[at].lists[type];
        if (list_empty(head))
            continue;
        struct page *page = page_of(head->next);
        area_remove(page);
        expand(b, page, order, at, type);
        return page;
    }
    return NULL;
}

/* Move the free pieces of a pageblock to `type`'s lists, or only count them. */
static uint64_t move_block(struct buddy *b, uint64_t first, enum mobility type, bool move)
{
    uint64_t free_pages = 0;
    uint64_t end = hal_min_u64(first + PAGEBLOCK_PAGES, b->pages);
    for (uint64_t i = first; i < end;) {
        struct page *page = &b->memmap[i];
        if (page->state != PAGE_FREE) {
            i++;
            continue;
        }
        unsigned order = page->order;
        if (move) {
            area_remove(page);
            area_add(b, page, order, type, false);
        }
        free_pages += (uint64_t)1 << order;
        i += (uint64_t)1 << order;
    }
    return free_pages;
}

/* `page` (free, of `order`) lies in a pageblock of the other type: decide who gets the block. */
static void steal(struct buddy *b, struct page *page, unsigned order, enum mobility type,
                  bool whole_block)
{
    uint64_t index = page_index(b, page);
    if (order >= PAGEBLOCK_ORDER) {
        for (uint64_t i = 0; i < (uint64_t)1 << (order - PAGEBLOCK_ORDER); i++)
            b->pageblocks[(index >> PAGEBLOCK_ORDER) + i] = (uint8_t)type;
        whole_block = false;
    }
    uint64_t first = index & ~(PAGEBLOCK_PAGES - 1);
    if (whole_block && move_block(b, first, type, false) >= PAGEBLOCK_PAGES / 2) {
        move_block(b, first, type, true);
        b->pageblocks[first >> PAGEBLOCK_ORDER] = (uint8_t)type;
        return;
    }
    area_remove(page);
    area_add(b, page, order, type, false);
}

/* Linux's rule: unmovable requests, and large pieces, take the largest and may claim its block; a
 * small movable request takes the smallest instead, since its pages can be moved out again. */
static bool fall_back(struct buddy *b, unsigned order, enum mobility type)
{
    enum mobility other = type == MOVABLE ? UNMOVABLE : MOVABLE;
    for (unsigned at = ORDERS; at-- > order;) {
        if (list_empty(&b->areas[at].lists[other]))
            continue;
        bool claim = at >= PAGEBLOCK_ORDER / 2 || type == UNMOVABLE;
        if (!claim && at > order)
            for (at = order; list_empty(&b->areas[at].lists[other]);)
                at++;
        steal(b, page_of(b->areas[at].lists[other].next), at, type, claim);
        return true;
    }
    return false;
}

static struct page *take(struct buddy *b, unsigned order, enum mobility type)
{
    struct page *page = take_smallest(b, order, type);
    if (page == NULL && fall_back(b, order, type))
        page = take_smallest(b, order, type);
    return page;
}

/* --- per-CPU lists; the pcp's lock is held ---------------------------------------------------- */

/* Pages to fetch: the batch grows while a CPU only takes, up to what still fits under the high
 * mark. */
static uint32_t refill_pages(struct pcp *pcp)
{
    uint32_t room = pcp->count + PCP_BATCH < PCP_HIGH ? PCP_HIGH - pcp->count - PCP_BATCH : 0;
    uint32_t most = room > PCP_BATCH ? room : PCP_BATCH;
    uint32_t pages = PCP_BATCH << pcp->alloc_factor;
    if (pages <= most && pcp->alloc_factor < PCP_SCALE_MAX)
        pcp->alloc_factor++;
    return pages < most ? pages : most;
}

static void refill(struct buddy *b, struct pcp *pcp, unsigned order, enum mobility type)
{
    uint32_t count = refill_pages(pcp) >> order;
    struct list *list = &pcp->lists[order][type];
    count = count > 2 ? count : 2;
    hal_lock(&b->lock);
    for (uint32_t i = 0; i < count; i++) {
        struct page *page = take(b, order, type);
        if (page == NULL)
            break;
        page->state = PAGE_PCP;
        page->type = (uint8_t)type;
        list_insert(&page->link, list->prev);
        pcp->count += 1u << order;
    }
    hal_unlock(&b->lock);
}

/* Give `count` pages back from the cold ends, round robin over the lists. */
static void give_back(struct buddy *b, struct pcp *pcp, uint32_t count)
{
    hal_lock(&b->lock);
    for (unsigned at = 0; count > 0 && pcp->count > 0; at = (at + 1) % (PCP_ORDERS * TYPES)) {
        unsigned order = at / TYPES;
        struct list *list = &pcp->lists[order][at % TYPES];
        /* The last list that holds anything is emptied in one go. */
        while (count > 0 && !list_empty(list)) {
            struct page *page = page_of(list->prev);
            list_remove(&page->link);
            pcp->count -= 1u << order;
            count -= count < (1u << order) ? count : 1u << order;
            free_one(b, page, order, block_type(b, page_index(b, page)));
        }
    }
    hal_unlock(&b->lock);
}

/* How much to give back: at least a batch, more when a CPU only frees, a batch always stays. */
static uint32_t spill_pages(const struct pcp *pcp)
{
    uint32_t most = PCP_HIGH - PCP_BATCH;
    uint32_t pages = pcp->free_count > PCP_BATCH ? pcp->free_count : PCP_BATCH;
    return pages < most ? pages : most;
}

static struct page *pcp_take(struct buddy *b, unsigned order, enum mobility type)
{
    struct pcp *pcp = &b->cpu[hal_cpu_index()].pcp;
    struct list *list = &pcp->lists[order][type];
    struct page *page = NULL;
    hal_lock(&pcp->lock);
    pcp->free_count >>= 1;
    if (list_empty(list))
        refill(b, pcp, order, type);
    if (!list_empty(list)) {
        page = page_of(list->next);
        list_remove(&page->link);
        pcp->count -= 1u << order;
        page->state = PAGE_ALLOCATED;
    }
    hal_unlock(&pcp->lock);
    return page;
}

static void pcp_put(struct buddy *b, struct page *page, unsigned order)
{
    struct pcp *pcp = &b->cpu[hal_cpu_index()].pcp;
    enum mobility type = block_type(b, page_index(b, page));
    hal_lock(&pcp->lock);
    page->state = PAGE_PCP;
    page->order = (uint8_t)order;
    page->type = (uint8_t)type;
    list_insert(&page->link, &pcp->lists[order][type]);
    pcp->count += 1u << order;
    pcp->alloc_factor >>= 1;
    if (pcp->free_count < PCP_BATCH << PCP_SCALE_MAX)
        pcp->free_count += 1u << order;
    if (pcp->count >= PCP_HIGH)
        give_back(b, pcp, spill_pages(pcp));
    hal_unlock(&pcp->lock);
}

static void drain(void *self)
{
    struct buddy *b = self;
    for (unsigned i = 0; i < b->cpus; i++) {
        struct pcp *pcp = &b->cpu[i].pcp;
        hal_lock(&pcp->lock);
        give_back(b, pcp, pcp->count);
        hal_unlock(&pcp->lock);
    }
}

/* --- the calls -------------------------------------------------------------------------------- */

static unsigned order_for(size_t pages)
{
    return pages <= 1 ? 0 : 64u - (unsigned)__builtin_clzll((uint64_t)pages - 1);
}

static struct page *take_order(struct buddy *b, unsigned order, enum mobility type)
{
    if (order < PCP_ORDERS)
        return pcp_take(b, order, type);
    hal_lock(&b->lock);
    struct page *page = take(b, order, type);
    if (page != NULL)
        page->state = PAGE_ALLOCATED;
    hal_unlock(&b->lock);
    return page;
}

/* Parked pages may be what is missing. A drain that did not help is not repeated at once: the next
 * 2, 4, ... 64 failures go without, as Linux defers a compaction that failed. */
static struct page *drain_and_take(struct buddy *b, unsigned order, enum mobility type)
{
    if (b->defer > 0) {
        b->defer--;
        return NULL;
    }
    drain(b);
    struct page *page = take_order(b, order, type);
    if (page != NULL)
        b->defer_shift = 0;
    else if (b->defer_shift < DEFER_MAX)
        b->defer_shift++;
    b->defer = page != NULL ? 0 : 1u << b->defer_shift;
    return page;
}

static struct page *take_order_or_drain(struct buddy *b, unsigned order, enum mobility type)
{
    struct page *page = take_order(b, order, type);
    return __builtin_expect(page != NULL, 1) ? page : drain_and_take(b, order, type);
}

static void put_order(struct buddy *b, struct page *page, unsigned order)
{
    if (order < PCP_ORDERS) {
        pcp_put(b, page, order);
        return;
    }
    hal_lock(&b->lock);
    free_one(b, page, order, block_type(b, page_index(b, page)));
    hal_unlock(&b->lock);
}

static unsigned order_of_request(size_t pages, uint64_t align)
{
    unsigned order = order_for(pages);
    unsigned align_order = order_for((size_t)(align / HAL_PAGE_SIZE));
    return align_order > order ? align_order : order;
}

static hal_paddr_t buddy_alloc(void *self, size_t pages, uint64_t align, uint32_t flags)
{
    struct buddy *b = self;
    unsigned order = order_of_request(pages, align);
    if (__builtin_expect(order >= ORDERS, 0))
        return HAL_PADDR_NONE;
    hal_irq_t irq = hal_irq_save();
    struct page *page = take_order_or_drain(b, order, (enum mobility)(flags & 1));
    hal_irq_restore(irq);
    if (page == NULL)
        return HAL_PADDR_NONE;
    page->references = 1;
    page->owner = 0;
    return b->base + page_index(b, page) * HAL_PAGE_SIZE;
}

/* The head of an allocated run that `order` fits, or NULL. */
static struct page *allocated_head(struct buddy *b, hal_paddr_t base, unsigned order)
{
    uint64_t index = (base - b->base) / HAL_PAGE_SIZE;
    if (index >= b->pages)
        return NULL;
    struct page *page = &b->memmap[index];
    return page->state == PAGE_ALLOCATED && page->order >= order && page->references == 1 ? page
                                                                                          : NULL;
}

static bool buddy_free(void *self, hal_paddr_t base, size_t pages)
{
    struct buddy *b = self;
    struct page *page = allocated_head(b, base, order_for(pages));
    if (page == NULL)
        return false;
    page->references = 0;
    hal_irq_t irq = hal_irq_save();
    put_order(b, page, page->order);
    hal_irq_restore(irq);
    return true;
}

/* Call `piece` for the power-of-two pieces, each naturally aligned, of [from, to). */
typedef void piece_fn(struct buddy *, struct page *, unsigned order);

static void each_piece(struct buddy *b, uint64_t from, uint64_t to, piece_fn *piece)
{
    while (from < to) {
        unsigned fit = 63u - (unsigned)__builtin_clzll(to - from);
        unsigned aligned = from == 0 ? ORDERS - 1 : (unsigned)__builtin_ctzll(from);
        unsigned order = aligned < fit ? aligned : fit;
        piece(b, &b->memmap[from], order);
        from += (uint64_t)1 << order;
    }
}

static hal_paddr_t exact_alloc(void *self, size_t pages, uint64_t align, uint32_t flags)
{
    struct buddy *b = self;
    hal_paddr_t base = buddy_alloc(self, pages, align, flags);
    if (base == HAL_PADDR_NONE || hal_is_power_of_two(pages))
        return base;
    uint64_t first = (base - b->base) / HAL_PAGE_SIZE;
    struct page *page = &b->memmap[first];
    uint64_t end = first + ((uint64_t)1 << page->order);
    page->order = (uint8_t)order_for(pages);
    hal_irq_t irq = hal_irq_save();
    each_piece(b, first + pages, end, put_order);
    hal_irq_restore(irq);
    return base;
}

static bool exact_free(void *self, hal_paddr_t base, size_t pages)
{
    struct buddy *b = self;
    if (hal_is_power_of_two(pages))
        return buddy_free(self, base, pages);
    struct page *page = allocated_head(b, base, order_for(pages));
    if (page == NULL)
        return false;
    uint64_t first = page_index(b, page);
    page->references = 0;
    hal_irq_t irq = hal_irq_save();
    each_piece(b, first, first + pages, put_order);
    hal_irq_restore(irq);
    return true;
}

static size_t taken_rounded(size_t pages)
{
    return (size_t)1 << order_for(pages);
}

/* --- start ------------------------------------------------------------------------------------ */

static uint64_t block_count(const struct bench_memory *memory)
{
    return (memory->pages + PAGEBLOCK_PAGES - 1) / PAGEBLOCK_PAGES + 1;
}

static size_t head_size(unsigned cpus)
{
    return hal_align_up(sizeof(struct buddy) + cpus * sizeof(struct cpu), HAL_PAGE_SIZE);
}

static size_t tables_size(const struct bench_memory *memory, unsigned cpus)
{
    return head_size(cpus) + memory->pages * sizeof(struct page) + block_count(memory);
}

static void init_lists(struct buddy *b)
{
    for (unsigned order = 0; order < ORDERS; order++)
        for (unsigned type = 0; type < TYPES; type++)
            list_init(&b->areas[order].lists[type]);
    for (unsigned i = 0; i < b->cpus; i++) {
        struct pcp *pcp = &b->cpu[i].pcp;
        *pcp = (struct pcp){0};
        for (unsigned at = 0; at < PCP_ORDERS * TYPES; at++)
            list_init(&pcp->lists[at / TYPES][at % TYPES]);
    }
}

static void free_piece(struct buddy *b, struct page *page, unsigned order)
{
    free_one(b, page, order < ORDERS ? order : ORDERS - 1, MOVABLE);
}

static void init_pages(struct buddy *b)
{
    for (uint64_t i = 0; i < b->pages; i++)
        b->memmap[i] = (struct page){.state = PAGE_TAIL};
    for (uint64_t i = 0; i < (b->pages + PAGEBLOCK_PAGES - 1) / PAGEBLOCK_PAGES; i++)
        b->pageblocks[i] = MOVABLE;
    const uint64_t largest = (uint64_t)1 << (ORDERS - 1);
    for (uint64_t i = 0; i < b->pages; i += largest)
        each_piece(b, i, hal_min_u64(i + largest, b->pages), free_piece);
}

static void *create(const struct bench_memory *memory, unsigned cpus, void *tables, size_t bytes)
{
    struct buddy *b = tables;
    if (bytes < tables_size(memory, cpus))
        return NULL;
    b->lock = (struct hal_lock){0};
    b->cpus = cpus;
    b->defer = b->defer_shift = 0;
    b->base = memory->base;
    b->pages = memory->pages;
    b->memmap = (struct page *)(void *)((unsigned char *)tables + head_size(cpus));
    b->pageblocks = (uint8_t *)(b->memmap + memory->pages);
    init_lists(b);
    init_pages(b);
    return b;
}

/* A request is movable when the requester says so. */
static const uint32_t mobility_of[BENCH_KINDS] = {
    [BENCH_MOVABLE] = MOVABLE,
    [BENCH_MOVABLE | BENCH_ZEROED] = MOVABLE,
    [BENCH_MOVABLE | BENCH_DMA] = MOVABLE,
    [BENCH_MOVABLE | BENCH_DMA | BENCH_ZEROED] = MOVABLE,
    [BENCH_SINGLE | BENCH_MOVABLE] = MOVABLE,
    [BENCH_SINGLE | BENCH_MOVABLE | BENCH_ZEROED] = MOVABLE,
    [BENCH_SINGLE | BENCH_MOVABLE | BENCH_DMA] = MOVABLE,
    [BENCH_SINGLE | BENCH_MOVABLE | BENCH_DMA | BENCH_ZEROED] = MOVABLE,
};

BENCH_LOOPS(buddy, buddy_alloc, buddy_free);

const struct bench_allocator bench_buddy = {
    .name = "buddy",
    .max_run = (size_t)1 << (ORDERS - 1),
    .tables_size = tables_size,
    .create = create,
    .alloc = buddy_alloc,
    .free = buddy_free,
    .loops = &buddy_loops,
    .drain = drain,
    .taken = taken_rounded,
    .flags = mobility_of,
};

BENCH_LOOPS(exact, exact_alloc, exact_free);

const struct bench_allocator bench_buddy_exact = {
    .name = "buddy-exact",
    .max_run = (size_t)1 << (ORDERS - 1),
    .tables_size = tables_size,
    .create = create,
    .alloc = exact_alloc,
    .free = exact_free,
    .loops = &exact_loops,
    .drain = drain,
    .taken = bench_taken_exactly,
    .flags = mobility_of,
};
