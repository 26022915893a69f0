/* A magazine is a block that a CPU owns: see mm/block.h for why that needs no locked instruction.
 *
 * A CPU owns at most one block for each kind of single pages that it takes, and a few that it gives
 * pages back to. A block comes from the file and goes back to it under the zone's lock. */
#include "mm/pmm_internal.h"

void magazine_clear(struct magazine *m, const struct pmm *p)
{
    m->bits = p->no_block;
    m->base = BASE_NONE;
    m->held = 0;
    m->zone = NULL;
    m->allocs = m->frees = 0;
}

static void copy(struct magazine *to, const struct magazine *from)
{
    to->bits = from->bits;
    to->base = from->base;
    to->held = from->held;
    to->block = from->block;
    to->zone = from->zone;
    to->allocs = from->allocs;
    to->frees = from->frees;
    for (unsigned i = 0; i < from->held; i++)
        to->hand[i] = from->hand[i];
}

bool magazine_draw(struct magazine *m)
{
    for (unsigned i = 0; i < BLOCK_WORDS && m->held == 0; i++) {
        const struct page_bits *w = &m->bits->word[i];
        uint64_t parked = __atomic_load_n(&w->zone, __ATOMIC_ACQUIRE) & ~bits_load(&w->own);
        while (parked != 0) { /* highest first, so that the lowest lies on top */
            unsigned bit = 63u - (unsigned)__builtin_clzll(parked);
            m->hand[m->held++] = (uint16_t)(i * 64 + bit);
            parked &= ~((uint64_t)1 << bit);
        }
    }
    return m->held != 0;
}

/* Owning a block and giving it back costs as much as taking a few pages singly. */
#define WORTH_OWNING 2u

/* Pages a CPU may park without starving the others of a zone that runs low. */
static bool may_park(const struct zone *z, uint64_t pages)
{
    return pages <= z->free / (4 * (uint64_t)z->cpus);
}

/* The block leaves the file and belongs to the CPU; all its free pages are parked. Zone locked. */
static void own_block(struct zone *z, uint32_t block, const struct pmm_cpu *cpu, struct magazine *m)
{
    struct summary *s = &z->summaries[block];
    struct block_bits *bits = &z->bits[block];
    zone_unfile(z, block);
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        uint64_t own = bits_load(&bits->word[i].own);
        uint64_t zone = bits_load(&bits->word[i].zone);
        uint64_t free = own & ~zone;
        bits_store(&bits->word[i].own, own & ~free);
        bits_store(&bits->word[i].zone, zone | free);
    }
    z->free -= s->free;
    if (z->free < z->low_water)
        z->low_water = z->free;
    s->free = 0;
    s->owner = (uint16_t)(cpu->index + 1);
    m->bits = bits;
    m->base = (paddr_t)s->frame << (BLOCK_SHIFT + PAGE_SHIFT);
    m->held = 0;
    m->block = block;
    m->zone = z;
}

/* The block goes back to the file with what is loose in it: parked, or returned by another CPU.
 * Zone locked. */
static void disown_block(struct pmm *p, struct magazine *m)
{
    struct zone *z = m->zone;
    struct summary *s = &z->summaries[m->block];
    uint64_t any = 0;
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        struct page_bits *w = &m->bits->word[i];
        uint64_t own = bits_load(&w->own);
        uint64_t zone = bits_load(&w->zone);
        any |= own ^ zone;
        bits_store(&w->own, own | zone);
        bits_store(&w->zone, zone & own);
    }
    s->owner = 0;
    if (any != 0)
        zone_refile(z, m->block);
    z->free += s->free;
    z->allocs += m->allocs;
    z->frees += m->frees;
    magazine_clear(m, p);
}

static void release(struct pmm *p, struct magazine *m)
{
    struct zone *z = m->zone;
    if (z == NULL)
        return;
    hal_lock(&z->lock);
    disown_block(p, m);
    hal_unlock(&z->lock);
}

void magazine_release_all(struct pmm *p, struct pmm_cpu *cpu)
{
    for (unsigned kind = 0; kind < MAGAZINE_COUNT; kind++)
        release(p, &cpu->magazines[kind]);
}

static bool may_own(const struct zone *z, uint32_t block)
{
    const struct summary *s = &z->summaries[block];
    return s->owner == 0 && !s->withheld && may_park(z, s->free) && zone_has_singles_only(z, block);
}

/* The partly used block with the least to lose, or a whole one. Zone locked. */
static uint32_t choose_block(struct zone *z, enum block_class class)
{
    uint32_t block = zone_best_block(z, class);
    if (block != BLOCK_NONE)
        return z->summaries[block].free >= WORTH_OWNING && may_own(z, block) ? block : BLOCK_NONE;
    return may_park(z, BLOCK_PAGES) ? zone_open_smallest(z, class) : BLOCK_NONE;
}

/* What was given back serves before the file is asked. */
static bool take_over(struct pmm *p, struct magazine *m, struct magazine *give,
                      enum block_class class, const struct zone *z)
{
    if (give->zone != z || z->summaries[give->block].class != class)
        return false;
    if (give->held == 0 && !magazine_draw(give))
        return false;
    release(p, m);
    copy(m, give);
    magazine_clear(give, p);
    return true;
}

/* A page of a block that is not worth owning. Zone locked. */
static paddr_t take_single(struct zone *z, enum block_class class)
{
    struct place at;
    if (!zone_take_page(z, class, &at))
        return PADDR_NONE;
    return zone_open_page_of(z, at) << PAGE_SHIFT;
}

paddr_t magazine_refill(struct pmm *p, struct pmm_cpu *cpu, enum magazine_kind kind, struct zone *z)
{
    struct magazine *m = &cpu->magazines[kind];
    enum block_class class = kind == MAGAZINE_KERNEL ? CLASS_KERNEL_PAGES : CLASS_PAGES;
    for (unsigned i = MAGAZINE_GIVE; i < MAGAZINE_COUNT; i++)
        if (take_over(p, m, &cpu->magazines[i], class, z))
            return magazine_take(m);
    if (m->zone != z)
        release(p, m);
    paddr_t base = PADDR_NONE;
    hal_lock(&z->lock);
    if (m->zone != NULL)
        disown_block(p, m);
    uint32_t block = choose_block(z, class);
    if (block != BLOCK_NONE)
        own_block(z, block, cpu, m);
    else
        base = take_single(z, class);
    hal_unlock(&z->lock);
    if (block == BLOCK_NONE)
        return base;
    UNUSED(magazine_draw(m)); /* finds WORTH_OWNING pages at least */
    return magazine_take(m);
}

/* Own the block of a page that was just freed. */
static void adopt(struct pmm *p, struct pmm_cpu *cpu, struct zone *z, uint32_t block)
{
    struct magazine *give = &cpu->magazines[MAGAZINE_GIVE + cpu->next_give];
    cpu->next_give = (cpu->next_give + 1) % MAGAZINE_GIVES;
    release(p, give);
    hal_lock(&z->lock);
    if (zone_block_is_open(z, block) && may_own(z, block))
        own_block(z, block, cpu, give);
    hal_unlock(&z->lock);
}

/* Where one page was freed, its neighbours often follow. */
void magazine_saw_free(struct pmm *p, struct pmm_cpu *cpu, const struct region *r, uint64_t page)
{
    struct zone *z = p->zones[r->zone];
    uint64_t frame = page >> BLOCK_SHIFT;
    if (zone_has_magazines(z) && (cpu->last_freed[0] == frame || cpu->last_freed[1] == frame))
        adopt(p, cpu, z, zone_place_of(r, page).block);
    cpu->last_freed[1] = cpu->last_freed[0];
    cpu->last_freed[0] = frame;
}
