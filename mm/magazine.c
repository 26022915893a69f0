#include "magazine.h"

#include "zone_bad.h"

/* Others look at these three for statistics, while this CPU changes them. */
static void set_counted(struct magazine *m, struct zone *z, uint64_t allocs, uint64_t frees)
{
    __atomic_store_n(&m->zone, z, __ATOMIC_RELAXED);
    __atomic_store_n(&m->allocs, allocs, __ATOMIC_RELAXED);
    __atomic_store_n(&m->frees, frees, __ATOMIC_RELAXED);
}

void magazine_add_counts(const struct magazine_cpu *cpu, const struct zone *z, uint64_t *allocs,
                         uint64_t *frees)
{
    const struct own_run *r = &cpu->stash.run;
    if (stash_is_for(&cpu->stash, z)) {
        uint64_t takes = __atomic_load_n(&r->takes, __ATOMIC_RELAXED);
        *allocs += takes;
        *frees += takes; /* the walk has settled runs that were in use */
    }
    for (unsigned kind = 0; kind < MAGAZINE_COUNT; kind++) {
        const struct magazine *m = &cpu->magazines[kind];
        if (__atomic_load_n(&m->zone, __ATOMIC_RELAXED) != z)
            continue;
        *allocs += __atomic_load_n(&m->allocs, __ATOMIC_RELAXED);
        *frees += __atomic_load_n(&m->frees, __ATOMIC_RELAXED);
    }
}

static void clear(struct magazine *m)
{
    m->hand = 0;
    m->word = NULL;
    m->number = MAGAZINE_NOWHERE;
    m->words = 0;
    m->bits = NULL;
    set_counted(m, NULL, 0, 0);
}

/* A block that is gone may stay in `mine` until another one comes: magazine_is_own() knows. */
static void set_mine(struct magazine_cpu *cpu)
{
    uint64_t mine = 0;
    for (unsigned kind = 0; kind < MAGAZINE_COUNT; kind++)
        if (cpu->magazines[kind].zone != NULL)
            mine |= (uint64_t)1 << magazine_frame(&cpu->magazines[kind]) % 64;
    cpu->mine = mine;
}

bool magazine_is_own(const struct magazine_cpu *cpu, uint64_t frame)
{
    for (unsigned kind = 0; kind < MAGAZINE_COUNT; kind++)
        if (magazine_frame(&cpu->magazines[kind]) == frame)
            return true;
    return false;
}

void magazine_init(struct magazine_cpu *cpu, struct pmm *p, uint32_t node)
{
    *cpu = (struct magazine_cpu){
        .near = cpu->magazines, .pmm = p, .node = node, .last_freed = {UINT32_MAX, UINT32_MAX}};
    for (unsigned kind = 0; kind < MAGAZINE_COUNT; kind++)
        clear(&cpu->magazines[kind]);
}

static void copy(struct magazine *to, const struct magazine *from)
{
    to->hand = from->hand;
    to->word = from->word;
    to->number = from->number;
    to->words = from->words;
    to->block = from->block;
    to->bits = from->bits;
    set_counted(to, from->zone, from->allocs, from->frees);
}

static void turn_to(struct magazine *m, unsigned word)
{
    m->word = &m->bits->word[word];
    m->number = magazine_frame(m) * BLOCK_WORDS + word;
}

/* The parked pages of the lowest word that has any. False: nothing is parked. */
static bool fill(struct magazine *m)
{
    while (m->words != 0) {
        unsigned word = bits_ctz(m->words);
        m->hand = block_parked(&m->bits->word[word]);
        if (m->hand != 0) {
            turn_to(m, word);
            return true;
        }
        m->words &= m->words - 1;
    }
    return false;
}

hal_paddr_t magazine_take_from_bits(struct magazine *m)
{
    hal_paddr_t base = HAL_PADDR_NONE;
    if (m->hand != 0 || fill(m))
        (void)(magazine_take(m, &base));
    return base;
}

bool magazine_park_far(struct magazine_cpu *cpu, struct magazine *m, uint64_t page)
{
    unsigned word = (unsigned)(page / 64 % BLOCK_WORDS);
    if (!block_park(&m->bits->word[word], (uint64_t)1 << (page % 64)))
        return false;
    turn_to(m, word);
    magazine_parked(m, page);
    cpu->near = m;
    return true;
}

/* --- blocks come and go --- */

/* Zone locked. */
static void own(struct magazine *m, struct magazine_cpu *cpu, struct zone *z, uint32_t block)
{
    m->words = zone_own_block(z, block, hal_cpu_index() + 1);
    m->block = block;
    m->bits = &z->lists.bits[block];
    m->number = (uint64_t)z->lists.summaries[block].frame * BLOCK_WORDS;
    turn_to(m, 0);
    m->hand = 0;
    set_counted(m, z, 0, 0);
    set_mine(cpu);
    (void)(fill(m));
}

/* Zone locked. False: nothing was parked. */
static bool disown(struct magazine *m)
{
    bool any = zone_disown_block(m->zone, m->block);
    m->zone->allocs += m->allocs;
    m->zone->frees += m->frees;
    clear(m);
    return any;
}

static bool release(struct magazine *m)
{
    struct zone *z = m->zone;
    if (z == NULL)
        return false;
    hal_lock(&z->lock);
    bool any = m->zone != z || disown(m);
    hal_unlock(&z->lock);
    return any;
}

bool magazine_release_all(struct magazine_cpu *cpu)
{
    bool any = stash_release(&cpu->stash);
    for (unsigned kind = 0; kind < MAGAZINE_COUNT; kind++)
        any |= release(&cpu->magazines[kind]);
    return any;
}

/* --- which block --- */

/* Owning a block and giving it back costs as much as taking a few pages singly. */
#define WORTH_OWNING 2u

/* Only single pages may be in an owned block (B2), and what is parked or withheld would read as parked
 * by its owner. The zone must hear of each page that is given back while it waits to become bad. */
static bool may_own(const struct zone *z, uint32_t block)
{
    const struct summary *s = &z->lists.summaries[block];
    return s->owner == 0 && zone_may_park(z, s->free) && zone_has_singles_only(z, block) &&
           (z->retiring == NULL || !zone_awaits(z, (uint64_t)s->frame * BLOCK_PAGES, BLOCK_PAGES));
}

/* A block that pages were given back to serves before the zone is asked. */
static bool take_over(struct magazine *m, struct magazine *give, enum block_class class,
                      const struct zone *z)
{
    if (give->zone != z || z->lists.summaries[give->block].class != class)
        return false;
    if (give->hand == 0) /* nothing is parked there */
        return false;
    release(m);
    copy(m, give);
    clear(give);
    return true;
}

/* The partly used block with the least to lose, or a whole one: the CPU owns it from then on, or only
 * takes a page of it. Zone locked. */
static hal_paddr_t take_of_zone(struct magazine *m, struct magazine_cpu *cpu, struct zone *z,
                                enum block_class class)
{
    uint32_t block = lists_tightest(&z->lists, class, 1);
    if (block == BLOCK_NONE && zone_may_park(z, BLOCK_PAGES))
        block = zone_open_block(z, class);
    if (block == BLOCK_NONE)
        return HAL_PADDR_NONE;
    if (z->lists.summaries[block].free < WORTH_OWNING || !may_own(z, block))
        return zone_take_page(z, block);
    own(m, cpu, z, block);
    return magazine_take_parked(m);
}

/* The magazine's own block goes back first: it may be the best one again, with what others returned
 * to it. Usually it is of the same zone, and one hold of the lock does for both. */
hal_paddr_t magazine_refill(struct magazine_cpu *cpu, enum magazine_kind kind, struct zone *z)
{
    struct magazine *m = &cpu->magazines[kind];
    enum block_class class = kind == MAGAZINE_KERNEL ? CLASS_KERNEL_PAGES : CLASS_PAGES;
    for (unsigned i = MAGAZINE_GIVE; i < MAGAZINE_COUNT; i++)
        if (take_over(m, &cpu->magazines[i], class, z))
            return magazine_take_parked(m);
    if (m->zone != z)
        release(m);
    hal_lock(&z->lock);
    if (m->zone != NULL)
        disown(m);
    hal_paddr_t base = take_of_zone(m, cpu, z, class);
    hal_unlock(&z->lock);
    return base;
}

void magazine_adopt(struct magazine_cpu *cpu, struct zone *z, uint32_t block)
{
    if (!magazine_is_for(cpu, z))
        return;
    struct magazine *give = &cpu->magazines[MAGAZINE_GIVE + cpu->next_give];
    cpu->next_give = (cpu->next_give + 1) % MAGAZINE_GIVES;
    release(give);
    hal_lock(&z->lock);
    if (cpu->stash.zone == z)
        stash_release_block(&cpu->stash, block);
    if (lists_is_open(&z->lists, block) && may_own(z, block))
        own(give, cpu, z, block);
    hal_unlock(&z->lock);
}
