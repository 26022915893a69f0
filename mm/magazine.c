/* A magazine is a block that a CPU owns: see mm/block.h for why that needs no locked instruction.
 *
 * A CPU owns at most one block for each class it takes single pages from, and one that it gives
 * pages back to. A block comes from the file and goes back to it under the zone's lock. */
#include "mm/pmm_internal.h"

void magazine_clear(struct magazine *m, const struct pmm *p)
{
    *m = (struct magazine){.bits = p->no_block, .frame = FRAME_NONE};
}

/* Pages in own-but-not-allocated states: parked, or returned by another CPU. */
static uint64_t loose_pages(const struct page_bits *w)
{
    return bits_load(&w->own) ^ bits_load(&w->zone);
}

uint64_t magazine_parked(const struct magazine *m)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < BLOCK_WORDS; i++)
        n += (uint64_t)__builtin_popcountll(loose_pages(&m->bits->word[i]));
    return n;
}

uint64_t magazine_take(struct magazine *m)
{
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        unsigned at = (m->cursor + i) % BLOCK_WORDS;
        struct page_bits *w = &m->bits->word[at];
        uint64_t own = bits_load(&w->own);
        uint64_t parked = __atomic_load_n(&w->zone, __ATOMIC_ACQUIRE) & ~own;
        if (parked == 0)
            continue;
        unsigned bit = (unsigned)__builtin_ctzll(parked);
        bits_store(&w->own, own | (uint64_t)1 << bit);
        m->cursor = at;
        m->allocs++;
        return (m->frame << BLOCK_SHIFT) + at * 64 + bit;
    }
    return 0;
}

/* Pages a CPU may park without starving the others of a zone that runs low. */
static bool may_park(const struct zone *z, uint64_t pages)
{
    return z->magazines && pages <= z->free / (4 * (uint64_t)z->cpus);
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
    *m = (struct magazine){.bits = bits, .frame = s->frame, .block = block, .zone = z};
}

void magazine_release(struct pmm *p, struct magazine *m)
{
    struct zone *z = m->zone;
    if (m->frame == FRAME_NONE)
        return;
    hal_lock(&z->lock);
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        struct page_bits *w = &m->bits->word[i];
        uint64_t loose = loose_pages(w);
        if (loose == 0)
            continue;
        bits_store(&w->own, bits_load(&w->own) | loose);
        bits_store(&w->zone, bits_load(&w->zone) & ~loose);
    }
    z->summaries[m->block].owner = 0;
    zone_refile(z, m->block);
    z->free += z->summaries[m->block].free;
    z->allocs += m->allocs;
    z->frees += m->frees;
    hal_unlock(&z->lock);
    magazine_clear(m, p);
}

void magazine_release_all(struct pmm *p, struct pmm_cpu *cpu)
{
    for (unsigned i = 0; i < CLASS_COUNT; i++)
        magazine_release(p, &cpu->take[i]);
    magazine_release(p, &cpu->give);
}

/* The partly used block with the least to lose, or a whole one. Zone locked. */
static uint32_t choose_block(struct zone *z, enum block_class class)
{
    uint32_t block = zone_best_block(z, class);
    if (block != BLOCK_NONE) {
        const struct summary *s = &z->summaries[block];
        return !s->withheld && may_park(z, s->free) ? block : BLOCK_NONE;
    }
    return may_park(z, BLOCK_PAGES) ? zone_open_smallest(z, class) : BLOCK_NONE;
}

bool magazine_refill(struct pmm *p, struct pmm_cpu *cpu, enum block_class class, struct zone *z)
{
    struct magazine *take = &cpu->take[class];
    struct magazine *give = &cpu->give;
    magazine_release(p, take);
    if (give->zone == z && z->summaries[give->block].class == class && magazine_parked(give) > 0) {
        *take = *give;
        magazine_clear(give, p);
        return true;
    }
    hal_lock(&z->lock);
    uint32_t block = choose_block(z, class);
    if (block != BLOCK_NONE)
        own_block(z, block, cpu, take);
    hal_unlock(&z->lock);
    return block != BLOCK_NONE;
}

void magazine_adopt(struct pmm *p, struct pmm_cpu *cpu, const struct region *r, uint64_t page)
{
    struct zone *z = p->zones[r->zone];
    uint32_t block = zone_place_of(r, page).block;
    if (!z->magazines)
        return;
    magazine_release(p, &cpu->give);
    hal_lock(&z->lock);
    if (zone_block_is_open(z, block)) {
        const struct summary *s = &z->summaries[block];
        if (s->owner == 0 && !s->withheld && may_park(z, s->free))
            own_block(z, block, cpu, &cpu->give);
    }
    hal_unlock(&z->lock);
}
