/* mm/aspace_edit.c: map, unmap and protect.
 *
 * Each call is made in three steps. plan() looks at the range and at nothing else: it refuses the
 * call, or says how many tables it needs. reserve() takes these from the source; up to here nothing
 * has changed (A3). edit_table() then writes and cannot fail: it meets the same entries as plan()
 * in the same order, and takes a table wherever plan() counted one. What it removes or changes is
 * noted and flushed at the end, or earlier when the list of unlinked tables is full; then these go
 * back to the source (A4).
 */
#include "mm/aspace.h"

#include "mm/page_entry.h"

#define DEAD_TABLES 32u

enum kind { MAP, UNMAP, PROTECT };

struct edit {
    struct aspace *as;
    enum kind kind;
    uint32_t prot;
    uint64_t shift;  /* MAP: phys - virt */
    uint64_t tables; /* that plan() counted */
    paddr_t spare;   /* zeroed pages taken for them; each holds the address of the next */
    bool upper;      /* the range lies in the shared half */
    bool full;       /* to be flushed: the whole half */
    uint64_t noted;  /* to be flushed: so many pages from `low` on */
    vaddr_t low;
    unsigned dead_count;
    paddr_t dead[DEAD_TABLES]; /* tables that nothing names any more, not yet flushed */
};

/* The last address of [at, last] that an entry of `level` at `at` spans. */
static vaddr_t piece_end(unsigned level, vaddr_t at, vaddr_t last)
{
    return min_u64(last, at | (pte_span(level) - 1));
}

static bool is_whole(unsigned level, vaddr_t at, vaddr_t end)
{
    return end - at == pte_span(level) - 1;
}

static unsigned largest_leaf(const struct aspace *as)
{
    return as->cpu.pages_1g ? 2 : 1;
}

/* MAP: the bytes from `at` on that leaves of `level` can map; what is left is less than one leaf.
 */
static uint64_t fitting(const struct edit *e, unsigned level, vaddr_t at, vaddr_t last)
{
    bool aligned = ((at | e->shift) & (pte_span(level) - 1)) == 0;
    if (e->kind != MAP || level > largest_leaf(e->as) || !aligned)
        return 0;
    return align_down(last - at + 1, pte_span(level));
}

/* Entry `i` of what `parent` leads to. Below a leaf: the entry that splitting would put there. */
static uint64_t child(const struct edit *e, uint64_t parent, unsigned level, unsigned i)
{
    if (parent == 0)
        return 0;
    if (!pte_is_leaf(parent, level + 1))
        return pte_table(parent)[i];
    paddr_t phys = pte_address(parent, level + 1) + i * pte_span(level);
    return pte_encode(phys, pte_prot(parent, level + 1), level, &e->as->cpu);
}

static status_t plan(struct edit *e, uint64_t parent, unsigned level, vaddr_t at, vaddr_t last);

/* PROTECT: this leaf allows already what it shall. */
static bool is_done(const struct edit *e, uint64_t entry, unsigned level)
{
    return e->kind == PROTECT && pte_prot(entry, level) == e->prot;
}

/* A leaf in the way: may it change as asked, and is it split for that? */
static status_t plan_leaf(struct edit *e, uint64_t entry, unsigned level, vaddr_t at, vaddr_t end)
{
    if (e->kind == MAP)
        return STATUS_OVERLAP;
    if (e->kind == PROTECT && ((pte_prot(entry, level) ^ e->prot) & ASPACE_TYPE) != 0)
        return STATUS_TYPE;
    if (is_done(e, entry, level) || is_whole(level, at, end))
        return STATUS_OK;
    e->tables++;
    return plan(e, entry, level - 1, at, end);
}

static status_t plan_entry(struct edit *e, uint64_t entry, unsigned level, vaddr_t at, vaddr_t end)
{
    if (entry != 0 && pte_is_leaf(entry, level))
        return plan_leaf(e, entry, level, at, end);
    if (entry == 0 && e->kind != MAP)
        return STATUS_UNMAPPED;
    if (entry == 0 && fitting(e, level, at, end) != 0)
        return STATUS_OK;
    e->tables += entry == 0;
    return plan(e, entry, level - 1, at, end);
}

/* Level 0: below `parent` each entry may change as the call wants, and none is split. */
static bool is_plain(const struct edit *e, uint64_t parent)
{
    return pte_is_leaf(parent, 1) || (e->kind == UNMAP && pte_used(parent) == PTE_ENTRIES);
}

/* Below `parent`: the name of a table, or a leaf that will be split, or 0, where a table is made.
 */
static status_t plan(struct edit *e, uint64_t parent, unsigned level, vaddr_t at, vaddr_t last)
{
    if (level == 0 && is_plain(e, parent))
        return STATUS_OK;
    for (;;) {
        at += parent == 0 ? fitting(e, level, at, last) : 0;
        if (at - 1 == last)
            return STATUS_OK;
        vaddr_t end = piece_end(level, at, last);
        status_t s = plan_entry(e, child(e, parent, level, pte_index(at, level)), level, at, end);
        if (s != STATUS_OK || end == last)
            return s;
        at = end + 1;
    }
}

static paddr_t take_spare(struct edit *e)
{
    paddr_t page = e->spare;
    uint64_t *words = hal_phys_to_virt(page);
    e->spare = words[0];
    words[0] = 0;
    return page;
}

static status_t reserve(struct edit *e)
{
    const struct page_source *source = e->as->source;
    for (uint64_t i = 0; i < e->tables; i++) {
        paddr_t page = page_source_take(source);
        if (page == PADDR_NONE) {
            while (e->spare != PADDR_NONE)
                source->free_page(source->ctx, take_spare(e));
            return STATUS_NO_MEMORY;
        }
        *(uint64_t *)hal_phys_to_virt(page) = e->spare;
        e->spare = page;
    }
    return STATUS_OK;
}

static void flush_pages(const struct edit *e)
{
    for (uint64_t i = 0; i < e->noted; i++)
        hal_tlb_flush_page(e->low + i * PAGE_SIZE);
    hal_tlb_shootdown(e->as->root & PTE_ADDRESS, e->low, e->noted * PAGE_SIZE);
    e->as->stats.flushed_pages += e->noted;
}

static void flush_half(const struct edit *e)
{
    if (e->upper)
        hal_tlb_flush_all();
    else
        hal_tlb_flush_local();
    hal_tlb_shootdown(e->as->root & PTE_ADDRESS, 0, 0);
    e->as->stats.full_flushes++;
}

/* A4: what was noted is flushed here and elsewhere, then the unlinked tables go back. INVLPG of one
 * page also drops all that the CPU remembers of tables, whatever the address (SDM 4.10.4.1). */
static void flush(struct edit *e)
{
    const struct page_source *source = e->as->source;
    if (e->full || e->noted > hal_tlb_page_limit())
        flush_half(e);
    else if (e->noted > 0)
        flush_pages(e);
    for (unsigned i = 0; i < e->dead_count; i++)
        source->free_page(source->ctx, e->dead[i]);
    e->as->stats.tables -= e->dead_count;
    e->dead_count = 0;
    e->noted = 0;
    e->full = false;
}

/* The translation of the page at `at` is removed or changed, or a table above it unlinked. A call
 * goes upwards. */
static void note(struct edit *e, vaddr_t at)
{
    if (e->noted == 0)
        e->low = at;
    e->noted = (at - e->low) / PAGE_SIZE + 1;
}

/* Nothing names this table any more. It was unlinked after what was flushed before, so this call is
 * made after the note for it. */
static void bury(struct edit *e, uint64_t name)
{
    e->dead[e->dead_count++] = name & PTE_ADDRESS;
    if (e->dead_count == DEAD_TABLES)
        flush(e);
}

/* A new entry of an owner's upper half goes into every space that shares it (A6). */
static void publish(const struct edit *e, uint64_t entry, vaddr_t at)
{
    unsigned top = e->as->cpu.levels - 1u;
    for (const struct aspace *as = e->as->next; as != NULL; as = as->next)
        pte_store(&pte_table(as->root)[pte_index(at, top)], entry);
}

static void link_table(struct edit *e, uint64_t *entry, unsigned level, vaddr_t at)
{
    pte_store(entry, pte_name(take_spare(e), 0, at));
    e->as->stats.tables++;
    if (e->upper && level == e->as->cpu.levels - 1u)
        publish(e, *entry, at);
}

/* The table says what the leaf said, so nothing is flushed for that (SDM 4.10.2.3: only the page
 * size changes here; what else changes is written and noted afterwards). */
static void split(struct edit *e, uint64_t *entry, unsigned level, vaddr_t at)
{
    paddr_t page = take_spare(e);
    uint64_t *table = hal_phys_to_virt(page);
    for (unsigned i = 0; i < PTE_ENTRIES; i++)
        table[i] = child(e, *entry, level - 1, i);
    pte_store(entry, pte_name(page, PTE_ENTRIES, at));
    e->as->stats.tables++;
    e->as->stats.splits++;
    e->as->stats.pages[level]--;
    e->as->stats.pages[level - 1] += PTE_ENTRIES;
}

/* If the full table that *entry names is 512 alike leaves in a row, one leaf takes its place. */
static void merge(struct edit *e, uint64_t *entry, unsigned level)
{
    uint64_t name = *entry;
    const uint64_t *table = pte_table(name);
    uint64_t first = table[0];
    paddr_t phys = pte_address(first, level - 1);
    if (level > largest_leaf(e->as) || !pte_is_leaf(first, level - 1) ||
        (phys & (pte_span(level) - 1)) != 0)
        return;
    for (unsigned i = 1; i < PTE_ENTRIES; i++)
        if (table[i] != first + i * pte_span(level - 1))
            return;
    pte_store(entry, pte_encode(phys, pte_prot(first, level - 1), level, &e->as->cpu));
    e->as->stats.merges++;
    e->as->stats.pages[level]++;
    e->as->stats.pages[level - 1] -= PTE_ENTRIES;
    e->full = true;
    bury(e, name);
}

/* After the table that *entry names was edited up to `end`: -1 when the entry went with it. */
static int settle(struct edit *e, uint64_t *entry, unsigned level, vaddr_t end)
{
    uint64_t name = *entry;
    if (pte_used(name) == PTE_ENTRIES)
        merge(e, entry, level);
    if (pte_used(name) != 0 || (e->upper && level == e->as->cpu.levels - 1u)) /* A2, A6 */
        return 0;
    pte_store(entry, 0);
    note(e, align_down(end, PAGE_SIZE));
    bury(e, name);
    return -1;
}

/* A leaf of which all is to change; the change in the number of used entries. */
static int edit_leaf(struct edit *e, uint64_t *entry, unsigned level, vaddr_t at)
{
    paddr_t phys = pte_address(*entry, level);
    if (level > 0)
        e->full = true;
    note(e, at);
    if (e->kind == PROTECT) {
        pte_store(entry, pte_encode(phys, e->prot, level, &e->as->cpu));
        return 0;
    }
    pte_store(entry, 0);
    e->as->stats.pages[level]--;
    return -1;
}

/* UNMAP of all that a full table of 4 KiB pages maps: it goes as it is. */
static int drop_table(struct edit *e, uint64_t *entry)
{
    uint64_t name = *entry;
    pte_store(entry, 0);
    e->as->stats.pages[0] -= PTE_ENTRIES;
    e->full = true;
    bury(e, name);
    return -1;
}

static void edit_table(struct edit *e, uint64_t *name, unsigned level, vaddr_t at, vaddr_t last);

/* The change in the number of used entries. */
static int edit_entry(struct edit *e, uint64_t *entry, unsigned level, vaddr_t at, vaddr_t end)
{
    int change = 0;
    if (*entry == 0) {
        link_table(e, entry, level, at);
        change = 1;
    } else if (pte_is_leaf(*entry, level)) {
        if (is_done(e, *entry, level))
            return 0;
        if (is_whole(level, at, end))
            return edit_leaf(e, entry, level, at);
        split(e, entry, level, at);
    } else if (e->kind == UNMAP && level == 1 && is_whole(level, at, end)) {
        return drop_table(e, entry);
    }
    edit_table(e, entry, level - 1, at, end);
    return change + settle(e, entry, level, end);
}

/* MAP: leaves from `at` on, as many as fit; nothing is there yet. Their number. */
static unsigned fill(struct edit *e, uint64_t *entry, unsigned level, vaddr_t at, vaddr_t last)
{
    uint64_t span = pte_span(level);
    unsigned count = (unsigned)(fitting(e, level, at, last) / span);
    if (count == 0)
        return 0;
    uint64_t leaf = pte_encode(at + e->shift, e->prot, level, &e->as->cpu);
    for (unsigned i = 0; i < count; i++)
        pte_store(&entry[i], leaf + i * span);
    e->as->stats.pages[level] += count;
    return count;
}

static int edit_entries(struct edit *e, uint64_t *table, unsigned level, vaddr_t at, vaddr_t last)
{
    for (int change = 0;;) {
        unsigned filled = fill(e, &table[pte_index(at, level)], level, at, last);
        change += (int)filled;
        at += filled * pte_span(level);
        if (at - 1 == last)
            return change;
        vaddr_t end = piece_end(level, at, last);
        change += edit_entry(e, &table[pte_index(at, level)], level, at, end);
        if (end == last)
            return change;
        at = end + 1;
    }
}

/* Everything of the call that lies in the table of `level` that *name names. */
static void edit_table(struct edit *e, uint64_t *name, unsigned level, vaddr_t at, vaddr_t last)
{
    int change = edit_entries(e, pte_table(*name), level, at, last);
    pte_store(name, *name + (uint64_t)(int64_t)change * PTE_COUNT_ONE);
}

static status_t run(struct edit *e, vaddr_t virt, uint64_t size)
{
    unsigned top = e->as->cpu.levels - 1u;
    vaddr_t last = virt + size - 1;
    status_t s = plan(e, e->as->root, top, virt, last);
    if (s == STATUS_OK)
        s = reserve(e);
    if (s != STATUS_OK)
        return s;
    edit_table(e, &e->as->root, top, virt, last);
    flush(e);
    return STATUS_OK;
}

/* Every address of [virt, last] is canonical: both ends are, and the gap does not lie between. */
static bool is_one_half(const struct aspace *as, vaddr_t virt, vaddr_t last)
{
    unsigned levels = as->cpu.levels;
    return pte_canonical(virt, levels) == virt && pte_canonical(last, levels) == last &&
           virt >> 63 == last >> 63;
}

static status_t check_range(const struct aspace *as, vaddr_t virt, uint64_t size)
{
    vaddr_t last = virt + size - 1;
    if (as->root == 0 || size == 0)
        return STATUS_INVALID;
    if (virt == 0 || (virt | size) % PAGE_SIZE != 0)
        return STATUS_NOT_PAGE;
    if (last < virt)
        return STATUS_OVERFLOW;
    if (!is_one_half(as, virt, last))
        return STATUS_NOT_CANONICAL;
    if (virt >> 63 != 0 && as->kernel != NULL)
        return STATUS_RESERVED;
    return STATUS_OK;
}

static status_t check_prot(vaddr_t virt, uint32_t prot)
{
    uint32_t foreign = virt >> 63 != 0 ? ASPACE_USER : ASPACE_GLOBAL;
    if ((prot & (~ASPACE_ALL | foreign)) != 0 || (prot & ASPACE_TYPE) == ASPACE_TYPE)
        return STATUS_INVALID;
    if ((prot & (ASPACE_W | ASPACE_X)) == (ASPACE_W | ASPACE_X))
        return STATUS_WX;
    return STATUS_OK;
}

static status_t check_phys(const struct aspace *as, paddr_t phys, uint64_t size)
{
    paddr_t last = phys + size - 1;
    if (phys % PAGE_SIZE != 0)
        return STATUS_NOT_PAGE;
    if (last < phys)
        return STATUS_OVERFLOW;
    return last >> as->cpu.phys_bits != 0 ? STATUS_INVALID : STATUS_OK;
}

status_t aspace_map(struct aspace *as, vaddr_t virt, paddr_t phys, uint64_t size, uint32_t prot)
{
    struct edit e = {
        .as = as, .kind = MAP, .prot = prot, .shift = phys - virt, .upper = virt >> 63 != 0};
    status_t s = check_range(as, virt, size);
    if (s == STATUS_OK)
        s = check_prot(virt, prot);
    if (s == STATUS_OK)
        s = check_phys(as, phys, size);
    return s != STATUS_OK ? s : run(&e, virt, size);
}

status_t aspace_unmap(struct aspace *as, vaddr_t virt, uint64_t size)
{
    struct edit e = {.as = as, .kind = UNMAP, .upper = virt >> 63 != 0};
    status_t s = check_range(as, virt, size);
    return s != STATUS_OK ? s : run(&e, virt, size);
}

status_t aspace_protect(struct aspace *as, vaddr_t virt, uint64_t size, uint32_t prot)
{
    struct edit e = {.as = as, .kind = PROTECT, .prot = prot, .upper = virt >> 63 != 0};
    status_t s = check_range(as, virt, size);
    if (s == STATUS_OK)
        s = check_prot(virt, prot);
    return s != STATUS_OK ? s : run(&e, virt, size);
}
