/* Single pages nearly always go to and fro between the caller and this CPU's magazines: that way is
 * short, has no lock, and stands in the entry points themselves. Nearly everything else goes through
 * take_plainly(), give_page() and give_run(), which are kept out of line so that the short way needs
 * few registers; take() is for what must not fail before all zones have been asked. */
#include "pmm.h"

#include "pmm_parked.h"
#include "pmm_state.h"
#include "zone_bad.h"

#define MAX_ALIGN ((uint64_t)1 << 30)
#define MAX_SHIFT 18u /* the same in pages */

/* The short way through take(): as separate functions its parts would cost a third more. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Where the two entry points happen to begin in a cache line made a pair of calls 6 % dearer or cheaper. */
#define CACHE_LINE __attribute__((aligned(64)))

static enum block_class class_of(size_t pages, uint32_t flags)
{
    if (flags & PMM_KERNEL)
        return pages == 1 ? CLASS_KERNEL_PAGES : CLASS_KERNEL_RUNS;
    return pages == 1 ? CLASS_PAGES : CLASS_RUNS;
}

/* --- taking --- */

static enum pmm_zone highest_zone(uint32_t flags)
{
    if (flags & PMM_DMA)
        return PMM_ZONE_DMA;
    return (flags & PMM_DMA32) ? PMM_ZONE_DMA32 : PMM_ZONE_NORMAL;
}

/* What few requests name: only where `narrow` is set it means something. Alignments are shifts in pages,
 * limit and boundary page numbers and pages, 0 for none. */
struct bounds {
    uint64_t limit, boundary;
    uint32_t node;
    unsigned listed_shift; /* an alignment that keeps to the boundary too, for the lists */
};

struct request {
    size_t pages;
    unsigned align_shift;
    uint32_t flags;
    struct zone **order; /* in which zones are looked into */
    uint8_t top;         /* enum pmm_zone: the highest that will do */
    uint8_t class;       /* enum block_class */
    bool narrow;         /* it names what few requests name */
    bool parked; /* a CPU owned a block of a zone while that was searched: not all was seen */
    struct bounds bounds;
};

/* The limit inside the zone, or 0. */
static uint64_t limit_in(const struct zone *z, const struct request *q)
{
    const struct region *last = &z->lists.regions[z->lists.region_count - 1];
    return q->bounds.limit < last->first_page + last->pages ? q->bounds.limit : 0;
}

static bool is_wide_enough(const struct zone *z, const struct request *q)
{
    return ((q->flags & PMM_HERE) == 0 || z->node == q->bounds.node) &&
           (q->bounds.limit == 0 || z->lists.regions[0].first_page < q->bounds.limit);
}

/* The next zone of a row that will do, from `low` up to the highest; or NULL. */
static inline struct zone *next_zone(struct zone ***row, const struct request *q, enum pmm_zone low)
{
    for (;;) {
        struct zone *z = *(*row)++;
        if (z == NULL || (z->id - (uint32_t)low <= q->top - (uint32_t)low &&
                          (!q->narrow || is_wide_enough(z, q))))
            return z;
    }
}

/* Only a request for the DMA zone may use what is kept there in reserve. Zone locked. */
static bool has_enough(const struct zone *z, struct request *q)
{
    q->parked |= zone_is_parked_in(z);
    uint64_t keep = (q->flags & PMM_DMA) ? 0 : z->reserve;
    return z->free >= keep && z->free - keep >= q->pages;
}

static ALWAYS_INLINE hal_paddr_t take_shown(struct zone *z, struct request *q, unsigned shift)
{
    struct place at;
    hal_paddr_t base = HAL_PADDR_NONE;
    hal_lock(&z->lock);
    if (has_enough(z, q) && zone_take_run(z, q->pages, shift, (enum block_class)q->class, &at))
        base = lists_open_page(&z->lists, at) << HAL_PAGE_SHIFT;
    hal_unlock(&z->lock);
    return base;
}

/* They know nothing of a limit, and of no alignment beyond MAX_SHIFT. */
static __attribute__((noinline)) hal_paddr_t take_narrow(struct zone *z, struct request *q)
{
    if (limit_in(z, q) != 0 || q->bounds.listed_shift > MAX_SHIFT)
        return HAL_PADDR_NONE;
    return take_shown(z, q, q->bounds.listed_shift);
}

/* What the lists of a zone show, which is nearly everything. Interrupts disabled. */
static ALWAYS_INLINE hal_paddr_t take_listed(struct zone *z, struct request *q)
{
    return q->narrow ? take_narrow(z, q) : take_shown(z, q, q->align_shift);
}

/* A single page from any zone comes from a magazine. */
static inline bool is_plain_page(const struct request *q)
{
    return q->pages == 1 && q->align_shift == 0 && !q->narrow && q->top == PMM_ZONE_NORMAL;
}

static inline enum magazine_kind magazine_for(uint32_t flags)
{
    return (flags & PMM_KERNEL) ? MAGAZINE_KERNEL : MAGAZINE_PAGES;
}

/* A page that this CPU has for itself. */
static inline hal_paddr_t take_own(struct magazine_cpu *cpu, enum magazine_kind kind)
{
    hal_paddr_t base = magazine_take_parked(&cpu->magazines[kind]);
    if (base == HAL_PADDR_NONE && kind == MAGAZINE_PAGES)
        base = stash_take_page(&cpu->stash);
    return base;
}

/* From one zone, as quickly as it goes. Interrupts disabled. */
static ALWAYS_INLINE hal_paddr_t take_from(struct magazine_cpu *cpu, struct zone *z,
                                           struct request *q)
{
    if (is_plain_page(q) && magazine_is_for(cpu, z)) {
        hal_paddr_t base = magazine_refill(cpu, magazine_for(q->flags), z);
        if (base != HAL_PADDR_NONE)
            return base;
    }
    return take_listed(z, q);
}

/* DMA memory, which comes last, is for requests that name it, so it is left out here otherwise.
 * Interrupts disabled. */
static ALWAYS_INLINE hal_paddr_t take_quickly(struct magazine_cpu *cpu, struct request *q)
{
    struct zone **row = q->order;
    enum pmm_zone low = q->top == PMM_ZONE_DMA ? PMM_ZONE_DMA : PMM_ZONE_DMA32;
    struct zone *z;
    while ((z = next_zone(&row, q, low)) != NULL) {
        hal_paddr_t base = take_from(cpu, z, q);
        if (base != HAL_PADDR_NONE)
            return base;
    }
    return HAL_PADDR_NONE;
}

/* What this CPU has parked pins blocks, and is not counted as free: before a request fails it goes
 * back to the zones, and when that changed anything they are asked again. */
static ALWAYS_INLINE hal_paddr_t take_at_once(struct pmm *p, struct request *q)
{
    hal_irq_t irq = hal_irq_save();
    struct magazine_cpu *cpu = &p->cpus[hal_cpu_index()];
    hal_paddr_t base = HAL_PADDR_NONE;
    q->order = q->narrow ? pmm_order(p, q->bounds.node) : cpu->order;
    if (is_plain_page(q))
        base = take_own(cpu, magazine_for(q->flags));
    if (base == HAL_PADDR_NONE)
        do
            base = take_quickly(cpu, q);
        while (base == HAL_PADDR_NONE && magazine_release_all(cpu));
    hal_irq_restore(irq);
    return base;
}

/* Every run of a zone, which may take long: interrupts and other CPUs come in between the pieces.
 */
static hal_paddr_t search_zone(struct zone *z, struct request *q)
{
    struct scan scan = {
        .pages = q->pages,
        .align_shift = q->align_shift,
    };
    if (q->narrow) {
        scan.boundary = q->bounds.boundary;
        scan.limit = limit_in(z, q);
    }
    enum scan_result result = SCAN_MORE;
    struct place at;
    hal_paddr_t base = HAL_PADDR_NONE;
    while (result == SCAN_MORE) {
        hal_irq_t irq = hal_irq_save();
        hal_lock(&z->lock);
        result = has_enough(z, q) ? zone_scan_run(z, &scan, (enum block_class)q->class, &at)
                                  : SCAN_NOTHING;
        if (result == SCAN_FOUND)
            base = lists_open_page(&z->lists, at) << HAL_PAGE_SHIFT;
        hal_unlock(&z->lock);
        hal_irq_restore(irq);
    }
    return base;
}

/* Each zone in turn, for good, before the next one. DMA is the last, and all that is left for ordinary
 * requests. */
static hal_paddr_t take_anywhere(struct request *q)
{
    struct zone **row = q->order;
    struct zone *z;
    while ((z = next_zone(&row, q, PMM_ZONE_DMA)) != NULL) {
        hal_irq_t irq = hal_irq_save();
        hal_paddr_t base = take_listed(z, q);
        hal_irq_restore(irq);
        if (base == HAL_PADDR_NONE)
            base = search_zone(z, q);
        if (base != HAL_PADDR_NONE)
            return base;
    }
    return HAL_PADDR_NONE;
}

/* A page that another CPU's block has only because it was given back there. */
static hal_paddr_t take_returned(const struct request *q)
{
    struct zone **row = q->order;
    hal_paddr_t base = HAL_PADDR_NONE;
    for (struct zone *z; base == HAL_PADDR_NONE && (z = next_zone(&row, q, PMM_ZONE_DMA)) != NULL;)
        base = !q->narrow || limit_in(z, q) == 0 ? parked_take_returned(z) : HAL_PADDR_NONE;
    return base;
}

/* What all CPUs have parked is within reach now (P6). */
static hal_paddr_t take_parked(struct pmm *p, struct request *q)
{
    bool all = parked_begin(p);
    hal_paddr_t base = take_anywhere(q);
    if (base == HAL_PADDR_NONE && !all && q->pages == 1 && q->align_shift == 0)
        base = take_returned(q);
    parked_end(p);
    return base;
}

/* Each failed call is counted once, also when the machine has no memory where it had to be. */
static void count_failure(struct pmm *p, const struct request *q)
{
    struct zone **row = q->order;
    struct zone *z = next_zone(&row, q, PMM_ZONE_DMA);
    if (z == NULL) {
        (void)pmm_count(p, &p->failures);
        return;
    }
    hal_irq_t irq = hal_irq_save();
    hal_lock(&z->lock);
    z->failures++;
    hal_unlock(&z->lock);
    hal_irq_restore(irq);
}

#define FLAGS_ALL (PMM_DMA | PMM_DMA32 | PMM_ZERO | PMM_KERNEL | PMM_HERE | PMM_NODE)

static inline unsigned shift_of(uint64_t bytes)
{
    return bits_ctz(bytes) - HAL_PAGE_SHIFT;
}

static inline bool is_alignment(uint64_t bytes, uint64_t most)
{
    return hal_is_power_of_two(bytes) && bytes >= HAL_PAGE_SIZE && bytes <= most;
}

/* A run that is no longer than its alignment, a power of two, crosses no boundary that is as long. */
static void set_boundary(struct request *q, uint64_t boundary)
{
    unsigned shift = q->align_shift;
    while ((uint64_t)1 << shift < q->pages)
        shift++;
    if (shift == q->align_shift)
        return;
    q->bounds.boundary = boundary >> HAL_PAGE_SHIFT;
    q->bounds.listed_shift = shift;
}

/* What few requests name, `r` NULL: PMM_HERE alone. False: an argument is out of range. */
static __attribute__((noinline)) bool narrow(const struct pmm *p, struct request *q,
                                             const struct pmm_request *r)
{
    q->bounds = (struct bounds){.listed_shift = q->align_shift};
    q->narrow = true;
    hal_irq_t irq = hal_irq_save();
    q->bounds.node = p->cpus[hal_cpu_index()].node;
    hal_irq_restore(irq);
    if (r == NULL)
        return (q->flags & PMM_NODE) == 0;
    if ((r->limit != 0 && r->limit < HAL_PAGE_SIZE) ||
        ((r->flags & PMM_NODE) != 0 && r->node >= p->machine.nodes))
        return false;
    q->bounds.limit = r->limit >> HAL_PAGE_SHIFT;
    if ((r->flags & PMM_NODE) != 0)
        q->bounds.node = r->node;
    if (r->boundary == 0)
        return true;
    if (!is_alignment(r->boundary, UINT64_MAX) || r->boundary >> HAL_PAGE_SHIFT < r->pages)
        return false;
    set_boundary(q, r->boundary);
    return true;
}

/* `base`: what was taken at once. */
static __attribute__((noinline)) hal_paddr_t take_slowly(struct pmm *p, struct request *q,
                                                         hal_paddr_t base, const void *caller)
{
    if (base == HAL_PADDR_NONE)
        base = take_anywhere(q);
    if (base == HAL_PADDR_NONE && q->parked)
        base = take_parked(p, q);
    if (base == HAL_PADDR_NONE)
        count_failure(p, q);
    if (p->debugging)
        pmm_debug_taken(p, base, q->pages, q->flags, caller);
    if ((q->flags & PMM_ZERO) && base != HAL_PADDR_NONE)
        hal_zero_pages(base, q->pages);
    return base;
}

/* `more`: the request with what the other arguments cannot name, or NULL. */
static __attribute__((noinline)) hal_paddr_t take(struct pmm *p, size_t pages, unsigned align_shift,
                                                  uint32_t flags, const void *caller,
                                                  const struct pmm_request *more)
{
    if (pages - 1 >= UINT64_MAX >> HAL_PAGE_SHIFT || (flags & ~FLAGS_ALL) != 0)
        return HAL_PADDR_NONE;
    struct request q;
    q.pages = pages;
    q.align_shift = align_shift;
    q.flags = flags;
    q.top = (uint8_t)highest_zone(flags);
    q.class = (uint8_t)class_of(pages, flags);
    q.narrow = false;
    q.parked = false;
    if ((more != NULL || (flags & (PMM_HERE | PMM_NODE)) != 0) && !narrow(p, &q, more))
        return HAL_PADDR_NONE;
    hal_paddr_t base = take_at_once(p, &q);
    if (base != HAL_PADDR_NONE && (flags & PMM_ZERO) == 0 && !p->debugging)
        return base;
    return take_slowly(p, &q, base, caller);
}

/* For anywhere, and no debug mode is on. */
static inline bool is_plain(const struct pmm *p, uint32_t flags)
{
    return (flags & ~PMM_KERNEL) == 0 && !p->debugging;
}

/* The zone that plain requests of the CPU look into first. NULL: there is none but for DMA. */
static inline struct zone *first_zone(const struct magazine_cpu *cpu)
{
    struct zone *z = cpu->order[0];
    return z != NULL && z->id != PMM_ZONE_DMA ? z : NULL;
}

/* A run that is aligned, or that no partly used block of the class has. Zone locked until then. */
static __attribute__((noinline)) hal_paddr_t
take_other_run(struct zone *z, size_t pages, unsigned align_shift, enum block_class class)
{
    struct place at;
    bool taken = pages - 1 < z->free && zone_take_run(z, pages, align_shift, class, &at);
    hal_unlock(&z->lock);
    return taken ? lists_open_page(&z->lists, at) << HAL_PAGE_SHIFT : HAL_PADDR_NONE;
}

/* A run of the zone that the lists show, `pages` any number. Interrupts disabled. */
static ALWAYS_INLINE hal_paddr_t take_listed_run(struct zone *z, size_t pages, unsigned align_shift,
                                                 uint32_t flags)
{
    enum block_class class = class_of(pages, flags);
    struct place at;
    hal_lock(&z->lock);
    if (align_shift != 0 || pages - 1 >= BLOCK_PAGES - 1 ||
        !zone_take_within(z, class, (unsigned)pages, &at))
        return take_other_run(z, pages, align_shift, class);
    z->allocs++;
    hal_unlock(&z->lock);
    return lists_open_page(&z->lists, at) << HAL_PAGE_SHIFT;
}

/* The CPU's own run, if it has the length, or one of the first zone. Interrupts disabled. */
static ALWAYS_INLINE hal_paddr_t take_run_at(struct magazine_cpu *cpu, size_t pages,
                                             unsigned align_shift, uint32_t flags)
{
    struct zone *z = first_zone(cpu);
    if (z == NULL)
        return HAL_PADDR_NONE;
    hal_paddr_t base = (flags & PMM_KERNEL) == 0 ? own_run_take(&cpu->stash.run, pages, align_shift)
                                                 : HAL_PADDR_NONE;
    if (base == HAL_PADDR_NONE)
        base = take_listed_run(z, pages, align_shift, flags);
    if ((flags & PMM_KERNEL) == 0)
        cpu->stash.last_run = base >> HAL_PAGE_SHIFT;
    return base;
}

/* A run anywhere in the CPU's first zone, when no debug mode is on: nearly all requests for runs end
 * here. What does not goes the way of all others. */
static __attribute__((noinline)) hal_paddr_t
take_run(struct pmm *p, size_t pages, unsigned align_shift, uint32_t flags, const void *caller)
{
    hal_paddr_t base = HAL_PADDR_NONE;
    if (is_plain(p, flags)) {
        hal_irq_t irq = hal_irq_save();
        base = take_run_at(&p->cpus[hal_cpu_index()], pages, align_shift, flags);
        hal_irq_restore(irq);
    }
    return base != HAL_PADDR_NONE ? base : take(p, pages, align_shift, flags, caller, NULL);
}

/* A page that the CPU has neither in the hand of its magazine nor in its stash. Interrupts disabled until
 * it is found. */
static __attribute__((noinline)) hal_paddr_t
take_page_slowly(struct magazine_cpu *cpu, uint32_t flags, hal_irq_t irq, const void *caller)
{
    enum magazine_kind kind = magazine_for(flags);
    hal_paddr_t base = take_own(cpu, kind);
    if (base == HAL_PADDR_NONE) {
        struct zone *z = first_zone(cpu);
        base = z != NULL && magazine_is_for(cpu, z) ? magazine_refill(cpu, kind, z)
                                                    : take_run_at(cpu, 1, 0, flags);
    }
    hal_irq_restore(irq);
    return base != HAL_PADDR_NONE ? base : take(cpu->pmm, 1, 0, flags, caller, NULL);
}

/* After the hand of the CPU's magazine has run out, pages mostly come from the stash. */
static __attribute__((noinline)) hal_paddr_t take_page(struct magazine_cpu *cpu, uint32_t flags,
                                                       hal_irq_t irq, const void *caller)
{
    if (cpu->stash.count == 0 || cpu->magazines[MAGAZINE_PAGES].words != 0 ||
        magazine_for(flags) != MAGAZINE_PAGES)
        return take_page_slowly(cpu, flags, irq, caller);
    hal_paddr_t base = stash_take_page(&cpu->stash);
    hal_irq_restore(irq);
    return base;
}

/* The shortest way: one page, from any zone, out of this CPU's magazine. */
static ALWAYS_INLINE hal_paddr_t take_single(struct pmm *p, uint32_t flags, const void *caller)
{
    hal_paddr_t base;
    hal_irq_t irq = hal_irq_save();
    struct magazine_cpu *cpu = &p->cpus[hal_cpu_index()];
    if (__builtin_expect(!magazine_take(&cpu->magazines[magazine_for(flags)], &base), 0))
        return take_page(cpu, flags, irq, caller);
    hal_irq_restore(irq);
    return base;
}

CACHE_LINE hal_paddr_t pmm_alloc(struct pmm *p, size_t pages, uint32_t flags)
{
    if (pages == 1 && is_plain(p, flags))
        return take_single(p, flags, __builtin_return_address(0));
    return take_run(p, pages, 0, flags, __builtin_return_address(0));
}

hal_paddr_t pmm_alloc_aligned(struct pmm *p, size_t pages, uint64_t align, uint32_t flags)
{
    const void *caller = __builtin_return_address(0);
    if (pages == 1 && align == HAL_PAGE_SIZE && is_plain(p, flags))
        return take_single(p, flags, caller);
    if (!is_alignment(align, MAX_ALIGN))
        return HAL_PADDR_NONE;
    return take_run(p, pages, shift_of(align), flags, caller);
}

hal_paddr_t pmm_alloc_request(struct pmm *p, const struct pmm_request *r)
{
    uint64_t align = r->align != 0 ? r->align : HAL_PAGE_SIZE;
    if (!is_alignment(align, MAX_ALIGN))
        return HAL_PADDR_NONE;
    return take(p, r->pages, shift_of(align), r->flags, __builtin_return_address(0), r);
}

/* --- giving --- */

static inline bool is_page_address(hal_paddr_t base)
{
    return base % HAL_PAGE_SIZE == 0 && base != HAL_PADDR_NONE;
}

static inline bool is_in_near_region(const struct magazine_cpu *cpu, uint64_t page)
{
    return page - cpu->region.first_page < cpu->region.pages;
}

/* Make the region that has the page the one that is at hand. `page` may be what magazine_page() makes of
 * an address that is no page's. */
static __attribute__((noinline)) mm_status_t find_region(struct magazine_cpu *cpu, uint64_t page)
{
    const struct pmm *p = cpu->pmm;
    if (page == 0 || page > UINT64_MAX >> HAL_PAGE_SHIFT)
        return MM_NOT_PAGE;
    uint32_t number = cpu->region.number;
    const struct region *r = pmm_region(p, page, &number);
    if (r == NULL)
        return pmm_judge_outside(p, page);
    cpu->region = (struct near_region){
        .first_page = r->first_page,
        .pages = r->pages,
        .zone = p->zones[r->zone],
        .skew = (uint32_t)(r->first_page >> BLOCK_SHIFT) - r->first_block,
        .number = number,
    };
    return MM_OK;
}

static inline struct place near_place(const struct near_region *r, uint64_t page)
{
    return (struct place){(uint32_t)(page >> BLOCK_SHIFT) - r->skew,
                          (uint32_t)(page % BLOCK_PAGES)};
}

/* What the bits do not say: which pages wait to become bad, and what a page that is kept is. Zone
 * locked. */
static mm_status_t settle(const struct pmm *p, const struct region *r, uint64_t page, size_t pages,
                          mm_status_t status)
{
    struct zone *z = p->zones[r->zone];
    if (status == MM_OK && z->retiring != NULL)
        zone_retire_given(z, r, page, pages);
    return status == MM_RESERVED ? pmm_judge_kept(p, r, page) : status;
}

/* In the region at hand, whatever it is. Its zone's lock is held, and given back. */
static __attribute__((noinline)) mm_status_t give_any(struct magazine_cpu *cpu, uint64_t page,
                                                      size_t pages)
{
    const struct pmm *p = cpu->pmm;
    const struct region *r = &p->regions[cpu->region.number];
    struct zone *z = cpu->region.zone;
    struct place at = region_place(r, page);
    mm_status_t status = zone_give(z, r, at, pages);
    if (status == MM_PARKED && parked_settle(p, z))
        status = zone_give(z, r, at, pages);
    status = settle(p, r, page, pages, status);
    hal_unlock(&z->lock);
    return status;
}

/* The same, and then the interrupts are as they were. */
static __attribute__((noinline)) mm_status_t
give_run_locked(struct magazine_cpu *cpu, uint64_t page, size_t pages, hal_irq_t irq)
{
    mm_status_t status = give_any(cpu, page, pages);
    hal_irq_restore(irq);
    return status;
}

/* What was given back may have made its block's longest free run longer. Zone locked until then. */
static __attribute__((noinline)) mm_status_t give_grown(struct magazine_cpu *cpu, uint64_t page,
                                                        unsigned length, hal_irq_t irq)
{
    struct zone *z = cpu->region.zone;
    struct place at = near_place(&cpu->region, page);
    if (length == RUN_GOES_ON)
        zone_grew_around(z, at);
    else
        zone_grew(z, at.block, length);
    hal_unlock(&z->lock);
    hal_irq_restore(irq);
    return MM_OK;
}

/* Of a plain block: the run that this CPU took last becomes its own, others may be longer than a word of
 * the bits. Zone locked until then. */
static __attribute__((noinline)) mm_status_t
give_longer_run(struct magazine_cpu *cpu, uint64_t page, size_t pages, hal_irq_t irq)
{
    struct zone *z = cpu->region.zone;
    struct place at = near_place(&cpu->region, page);
    if (page == cpu->stash.run.page)
        (void)(own_run_settle(&cpu->stash.run, z));
    if (!(page == cpu->stash.last_run && stash_run(&cpu->stash, z, at, page, pages)) &&
        !zone_give_long_run(z, at, pages))
        return give_run_locked(cpu, page, pages, irq);
    hal_unlock(&z->lock);
    hal_irq_restore(irq);
    return MM_OK;
}

/* Is the block open, has it no owner, and does no page of the zone wait to become bad? Zone locked. */
static ALWAYS_INLINE bool is_plain_block(const struct zone *z, uint32_t block)
{
    return z->retiring == NULL && lists_is_open(&z->lists, block) &&
           z->lists.summaries[block].owner == 0;
}

static mm_status_t give_run(struct pmm *, hal_paddr_t, size_t pages);

/* A run that does not lie in the region at hand. */
static __attribute__((noinline)) mm_status_t
give_run_elsewhere(struct magazine_cpu *cpu, uint64_t page, size_t pages, hal_irq_t irq)
{
    mm_status_t status = find_region(cpu, page);
    hal_irq_restore(irq);
    return status != MM_OK ? status : give_run(cpu->pmm, page << HAL_PAGE_SHIFT, pages);
}

/* The run that this CPU took last is its own already, or becomes so. */
static __attribute__((noinline)) mm_status_t give_last_run(struct magazine_cpu *cpu, uint64_t page,
                                                           size_t pages, hal_irq_t irq)
{
    if (own_run_give(&cpu->stash.run, page, pages)) {
        hal_irq_restore(irq);
        return MM_OK;
    }
    if (!is_in_near_region(cpu, page))
        return give_run_elsewhere(cpu, page, pages, irq);
    struct zone *z = cpu->region.zone;
    hal_lock(&z->lock);
    if (!is_plain_block(z, near_place(&cpu->region, page).block))
        return give_run_locked(cpu, page, pages, irq);
    return give_longer_run(cpu, page, pages, irq);
}

/* A plain run lies in a word of a plain block. For what is not, there are the functions above: they are
 * the last thing done here, so that nothing has to be kept for afterwards. */
static __attribute__((noinline)) mm_status_t give_run(struct pmm *p, hal_paddr_t base, size_t pages)
{
    hal_irq_t irq = hal_irq_save();
    struct magazine_cpu *cpu = &p->cpus[hal_cpu_index()];
    uint64_t page = magazine_page(base);
    if (page == cpu->stash.last_run)
        return give_last_run(cpu, page, pages, irq);
    if (!is_in_near_region(cpu, page))
        return give_run_elsewhere(cpu, page, pages, irq);
    struct zone *z = cpu->region.zone;
    struct place at = near_place(&cpu->region, page);
    hal_lock(&z->lock);
    if (!is_plain_block(z, at.block))
        return give_run_locked(cpu, page, pages, irq);
    unsigned grown;
    if (!zone_give_short_run(z, &at, pages, &grown))
        return give_longer_run(cpu, page, pages, irq);
    if (grown != 0)
        return give_grown(cpu, page, grown, irq);
    hal_unlock(&z->lock);
    hal_irq_restore(irq);
    return MM_OK;
}

/* A single page whose neighbours may follow brings its block to the CPU. Zone locked until then. */
static __attribute__((noinline)) mm_status_t give_page_locked(struct magazine_cpu *cpu,
                                                              uint64_t page, hal_irq_t irq)
{
    struct zone *z = cpu->region.zone;
    struct place at = near_place(&cpu->region, page);
    bool near = zone_has_magazines(z) && magazine_is_near(cpu, page >> BLOCK_SHIFT);
    mm_status_t status = give_any(cpu, page, 1);
    if (status == MM_OK) {
        magazine_saw_free(cpu, page >> BLOCK_SHIFT);
        if (near)
            magazine_adopt(cpu, z, at.block);
    }
    hal_irq_restore(irq);
    return status;
}

/* Does the CPU own its block, or will it from now on? */
static __attribute__((noinline)) mm_status_t give_page_near(struct magazine_cpu *cpu, uint64_t page,
                                                            hal_irq_t irq)
{
    if (!magazine_give(cpu, page)) {
        hal_lock(&cpu->region.zone->lock);
        return give_page_locked(cpu, page, irq);
    }
    hal_irq_restore(irq);
    return MM_OK;
}

static ALWAYS_INLINE bool is_near(const struct magazine_cpu *cpu, uint64_t page)
{
    uint64_t frame = page >> BLOCK_SHIFT;
    return magazine_owns(cpu, frame) ||
           (magazine_is_near(cpu, frame) && zone_has_magazines(cpu->region.zone));
}

static mm_status_t give_page(struct magazine_cpu *, uint64_t page, hal_irq_t);

static __attribute__((noinline)) mm_status_t give_page_elsewhere(struct magazine_cpu *cpu,
                                                                 uint64_t page, hal_irq_t irq)
{
    mm_status_t status = find_region(cpu, page);
    if (status == MM_OK)
        return give_page(cpu, page, irq);
    hal_irq_restore(irq);
    return status;
}

/* A page that was not parked where the CPU parked one last goes into the stash, or back into its block, as
 * a run does. Interrupts disabled until then. */
static __attribute__((noinline)) mm_status_t give_page(struct magazine_cpu *cpu, uint64_t page,
                                                       hal_irq_t irq)
{
    if (!is_in_near_region(cpu, page))
        return give_page_elsewhere(cpu, page, irq);
    if (is_near(cpu, page))
        return give_page_near(cpu, page, irq);
    struct zone *z = cpu->region.zone;
    struct place at = near_place(&cpu->region, page);
    hal_lock(&z->lock);
    if (!is_plain_block(z, at.block))
        return give_page_locked(cpu, page, irq);
    unsigned grown = 0;
    if (!stash_page(&cpu->stash, z, at, page) && !zone_give_short_run(z, &at, 1, &grown))
        return give_page_locked(cpu, page, irq);
    magazine_saw_free(cpu, page >> BLOCK_SHIFT);
    if (grown != 0)
        return give_grown(cpu, page, grown, irq);
    hal_unlock(&z->lock);
    hal_irq_restore(irq);
    return MM_OK;
}

/* In a debug mode the CPU does not try to park the page before: it does so here, under the lock, so
 * that of two CPUs which give back the same page one comes second. */
static mm_status_t give_watched_at(struct magazine_cpu *cpu, uint64_t page, size_t pages)
{
    mm_status_t status = is_in_near_region(cpu, page) ? MM_OK : find_region(cpu, page);
    if (status != MM_OK)
        return status;
    hal_lock(&cpu->region.zone->lock);
    if (pages != 1 || !magazine_give(cpu, page))
        return give_any(cpu, page, pages);
    hal_unlock(&cpu->region.zone->lock);
    return MM_OK;
}

/* What is no page's address is not recorded. */
static __attribute__((noinline)) mm_status_t give_watched(struct pmm *p, hal_paddr_t base,
                                                          size_t pages, const void *caller)
{
    if (!is_page_address(base))
        return MM_NOT_PAGE;
    pmm_debug_before_free(p, base, pages);
    hal_irq_t irq = hal_irq_save();
    mm_status_t status = give_watched_at(&p->cpus[hal_cpu_index()], base >> HAL_PAGE_SHIFT, pages);
    hal_irq_restore(irq);
    struct pmm_op op = {
        .base = base, .pages = pages, .caller = caller, .kind = 1, .status = status};
    pmm_debug_record(p, &op);
    return status;
}

CACHE_LINE mm_status_t pmm_free(struct pmm *p, hal_paddr_t base, size_t pages)
{
    if (p->debugging)
        return give_watched(p, base, pages, __builtin_return_address(0));
    if (pages != 1)
        return give_run(p, base, pages);
    hal_irq_t irq = hal_irq_save();
    struct magazine_cpu *cpu = &p->cpus[hal_cpu_index()];
    uint64_t page = magazine_page(base);
    if (__builtin_expect(!magazine_park_near(cpu, page), 0))
        return give_page(cpu, page, irq);
    hal_irq_restore(irq);
    return MM_OK;
}

/* --- this CPU --- */

void pmm_drain(struct pmm *p)
{
    hal_irq_t irq = hal_irq_save();
    magazine_release_all(&p->cpus[hal_cpu_index()]);
    hal_irq_restore(irq);
}

void pmm_set_node(struct pmm *p, uint32_t node)
{
    hal_irq_t irq = hal_irq_save();
    struct magazine_cpu *cpu = &p->cpus[hal_cpu_index()];
    magazine_release_all(cpu);
    stash_leave(&cpu->stash);
    pmm_use_order(p, cpu, node);
    hal_irq_restore(irq);
}
