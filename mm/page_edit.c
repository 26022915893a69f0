/* A change is made in steps, so that what can fail comes before anything is written:
 *
 *     unmap [a, b) out of one 2 MiB page
 *
 *     before       level 1   ... |            2 MiB page, W            | ...
 *     1 plan       one table is needed; the entries are only read
 *     2 reserve    it is taken from the source; here the call can fail, and nothing has changed
 *     3 split      level 1   ... |                table                | ...
 *                  level 0       |W|W|W|W|W|W|W|W|W|W|W|W|W|W|W|W|W|W|W|   the same rights
 *                  flush         no TLB holds the 2 MiB page any more (A8)
 *     4 edit       level 0       |W|W|W|-|-|-|-|-|W|W|W|W|W|W|W|W|W|W|W|
 *                                      a         b
 *                  flush         no TLB holds the pages [a, b) any more (A4)
 *     5 merge      tables that came to hold 512 pages alike become one large page: not here
 *
 * plan() meets the same entries as the steps after it, and counts a table wherever one of them takes
 * one; so these cannot fail. Only a large page that sticks out of the range is split, so there are at
 * most two places, at the ends of the range.
 */
#include "page_edit.h"

#include "page_entry.h"
#include "tlb_gather.h"

struct edit {
    struct page_tree *tree;
    enum page_edit_kind kind;
    uint32_t prot;
    hal_vaddr_t virt, last;
    uint64_t offset;      /* PAGE_MAP: phys - virt, the same for each page of the range */
    uint64_t tables;      /* that plan() counted */
    hal_paddr_t reserved; /* pages taken for them, zeroed; each holds the address of the next */
    bool may_merge;       /* a table that was edited is full */
    struct tlb_gather gather;
};

/* The last address of [at, last] that the entry of `level` at `at` spans. */
static hal_vaddr_t span_end(unsigned level, hal_vaddr_t at, hal_vaddr_t last)
{
    return hal_min_u64(last, at | (pte_span(level) - 1));
}

/* Is [at, end] all that an entry of `level` spans? */
static bool is_whole(unsigned level, hal_vaddr_t at, hal_vaddr_t end)
{
    return end - at == pte_span(level) - 1;
}

/* The bytes from `at` on that leaves of `level` can map (PAGE_MAP), or could have mapped (PAGE_UNMAP). What
 * is left of [at, last] then is less than one leaf; 0 when no leaf fits. */
static uint64_t leaf_bytes(const struct edit *e, unsigned level, hal_vaddr_t at, hal_vaddr_t last)
{
    uint64_t unaligned = at | (e->kind == PAGE_MAP ? e->offset : 0);
    if (e->kind == PAGE_PROTECT || level > page_tree_largest_leaf(e->tree) ||
        (unaligned & (pte_span(level) - 1)) != 0)
        return 0;
    return hal_align_down(last - at + 1, pte_span(level));
}

/* How many entries in a row, from this one of `level` on, can change as a whole? They are empty (PAGE_MAP), or
 * leaves (PAGE_UNMAP). [at, last] ends in their table. */
static unsigned row(const struct edit *e, const uint64_t *entry, unsigned level, hal_vaddr_t at,
                    hal_vaddr_t last)
{
    uint64_t most = leaf_bytes(e, level, at, last) / pte_span(level);
    bool leaves = e->kind == PAGE_UNMAP;
    unsigned n = 0;
    while (n < most && (entry[n] != 0) == leaves && (!leaves || pte_is_leaf(entry[n], level)))
        n++;
    return n;
}

/* PAGE_PROTECT: does this leaf allow already what it shall? Then it is neither split nor written. */
static bool has_prot(const struct edit *e, uint64_t leaf, unsigned level)
{
    return e->kind == PAGE_PROTECT && pte_prot(leaf, level) == e->prot;
}

/* Entry `i` of what `parent`, an entry of the level above `level`, leads to. Below a leaf it is the
 * entry that splitting would put there; below 0 there is nothing. */
static uint64_t entry_below(const struct edit *e, uint64_t parent, unsigned level, unsigned i)
{
    if (parent == 0)
        return 0;
    if (!pte_is_leaf(parent, level + 1))
        return pte_table(parent)[i];
    hal_paddr_t phys = pte_address(parent, level + 1) + i * pte_span(level);
    return pte_encode(phys, pte_prot(parent, level + 1), level, &e->tree->cpu);
}

/* --- 1. plan ---------------------------------------------------------------------------------- */

static mm_status_t plan(struct edit *e, uint64_t parent, unsigned level, hal_vaddr_t at,
                        hal_vaddr_t last);

/* A leaf in the way: may it change as asked, and is it split for that? */
static mm_status_t plan_leaf(struct edit *e, uint64_t leaf, unsigned level, hal_vaddr_t at,
                             hal_vaddr_t end)
{
    if (e->kind == PAGE_MAP)
        return MM_OVERLAP;
    if (e->kind == PAGE_PROTECT && ((pte_prot(leaf, level) ^ e->prot) & ASPACE_TYPE) != 0)
        return MM_TYPE;
    if (has_prot(e, leaf, level) || is_whole(level, at, end))
        return MM_OK;
    e->tables++;
    return plan(e, leaf, level - 1, at, end);
}

/* An empty entry has no room for a leaf: easy_bytes() has gone over those that have. */
static mm_status_t plan_entry(struct edit *e, uint64_t entry, unsigned level, hal_vaddr_t at,
                              hal_vaddr_t end)
{
    if (entry != 0 && pte_is_leaf(entry, level))
        return plan_leaf(e, entry, level, at, end);
    if (entry == 0 && e->kind != PAGE_MAP)
        return MM_UNMAPPED;
    e->tables += entry == 0;
    return plan(e, entry, level - 1, at, end);
}

/* Level 0: may each page below `parent` change as the call wants, without a look at it? Below 0 none is
 * mapped, below a leaf all are, and so they are in a full table. */
static bool is_uniform(const struct edit *e, uint64_t parent)
{
    return parent == 0 || pte_is_leaf(parent, 1) ||
           (e->kind == PAGE_UNMAP && pte_used(parent) == PTE_ENTRIES);
}

/* Bytes from `at` on that can change as the call wants, and need no table. */
static uint64_t easy_bytes(const struct edit *e, uint64_t parent, unsigned level, hal_vaddr_t at,
                           hal_vaddr_t last)
{
    if (parent == 0)
        return leaf_bytes(e, level, at, last);
    if (pte_is_leaf(parent, level + 1))
        return 0;
    return row(e, &pte_table(parent)[pte_index(at, level)], level, at, last) * pte_span(level);
}

/* Of [at, last], which lies below `parent`: a leaf that will be split, the name of a table, or 0,
 * where a table will be made. */
static mm_status_t plan(struct edit *e, uint64_t parent, unsigned level, hal_vaddr_t at,
                        hal_vaddr_t last)
{
    if (level == 0 && is_uniform(e, parent))
        return MM_OK;
    for (;;) {
        at += easy_bytes(e, parent, level, at, last);
        if (at - 1 == last)
            return MM_OK;
        hal_vaddr_t end = span_end(level, at, last);
        uint64_t entry = entry_below(e, parent, level, pte_index(at, level));
        mm_status_t s = plan_entry(e, entry, level, at, end);
        if (s != MM_OK || end == last)
            return s;
        at = end + 1;
    }
}

/* --- 2. reserve ------------------------------------------------------------------------------- */

static hal_paddr_t take_reserved(struct edit *e)
{
    hal_paddr_t page = e->reserved;
    uint64_t *words = hal_phys_to_virt(page);
    e->reserved = words[0];
    words[0] = 0;
    return page;
}

/* A3: every page that the call needs, or none. */
static mm_status_t reserve(struct edit *e)
{
    const struct page_source *source = e->tree->source;
    for (uint64_t i = 0; i < e->tables; i++) {
        hal_paddr_t page = page_source_take(source);
        if (page == HAL_PADDR_NONE) {
            while (e->reserved != HAL_PADDR_NONE)
                source->free_page(source->ctx, take_reserved(e));
            return MM_NO_MEMORY;
        }
        *(uint64_t *)hal_phys_to_virt(page) = e->reserved;
        e->reserved = page;
    }
    return MM_OK;
}

/* --- live entries ----------------------------------------------------------------------------- */

/* What the entry of `level` at `at` translated has changed. */
static void gather_span(struct edit *e, unsigned level, hal_vaddr_t at)
{
    if (level > 0)
        tlb_gather_everything(&e->gather);
    else
        tlb_gather_page(&e->gather, at);
}

/* Put `value` in place of a live entry that leads to the same pages in another way: as pages of
 * another size, or global. Some CPUs must not hold both in their TLB; for these the entry is 0, and
 * flushed everywhere, in between, and for that moment its addresses cannot be used (A8). Otherwise
 * the old entry is left to the next flush. */
static void replace(struct edit *e, uint64_t *entry, uint64_t value, unsigned level, hal_vaddr_t at)
{
    if (!e->tree->cpu.break_before_make) {
        pte_store(entry, value);
        gather_span(e, level, at);
        return;
    }
    pte_store(entry, 0);
    gather_span(e, level, at);
    tlb_gather_flush(&e->gather);
    pte_store(entry, value);
    hal_tlb_added(at, pte_span(level));
}

/* --- 3. split --------------------------------------------------------------------------------- */

/* A table of pages takes the place of one large page, and says what that said. */
static void split(struct edit *e, uint64_t *entry, unsigned level, hal_vaddr_t at)
{
    hal_paddr_t page = take_reserved(e);
    uint64_t *table = hal_phys_to_virt(page);
    for (unsigned i = 0; i < PTE_ENTRIES; i++)
        table[i] = entry_below(e, *entry, level - 1, i);
    replace(e, entry, pte_name(page, PTE_ENTRIES, at), level, hal_align_down(at, pte_span(level)));
    e->tree->stats.tables++;
    e->tree->stats.splits++;
    e->tree->stats.pages[level]--;
    e->tree->stats.pages[level - 1] += PTE_ENTRIES;
}

/* Does the leaf of `level` that maps `at` reach beyond the range? */
static bool sticks_out(const struct edit *e, unsigned level, hal_vaddr_t at)
{
    hal_vaddr_t first = hal_align_down(at, pte_span(level));
    return first < e->virt || first + (pte_span(level) - 1) > e->last;
}

/* Split the leaf that maps `at`, and then the smaller one, until none there sticks out. */
static void split_at(struct edit *e, hal_vaddr_t at)
{
    uint64_t *entry = &e->tree->root;
    for (unsigned level = e->tree->cpu.levels - 1u;; level--) {
        entry = &pte_table(*entry)[pte_index(at, level)];
        if (!pte_is_leaf(*entry, level))
            continue;
        if (has_prot(e, *entry, level) || !sticks_out(e, level, at))
            return;
        split(e, entry, level, at);
    }
}

/* A8: the pages have the same rights before and after, and the large ones are flushed before
 * anything else is written. */
static void split_ends(struct edit *e)
{
    split_at(e, e->virt);
    split_at(e, e->last);
    tlb_gather_flush(&e->gather);
}

/* --- 4. edit ---------------------------------------------------------------------------------- */

static void link_table(struct edit *e, uint64_t *entry, hal_vaddr_t at)
{
    pte_store(entry, pte_name(take_reserved(e), 0, at));
    e->tree->stats.tables++;
}

/* A2: the table that *entry names was edited up to `end`. If it is empty it goes, but for those that
 * the root's upper half names: other roots name them too (A6). The change in the number of used
 * entries. */
static int drop_if_empty(struct edit *e, uint64_t *entry, unsigned level, hal_vaddr_t end)
{
    uint64_t name = *entry;
    e->may_merge |= pte_used(name) == PTE_ENTRIES && level <= page_tree_largest_leaf(e->tree);
    if (pte_used(name) != 0 || (e->gather.upper && level == e->tree->cpu.levels - 1u))
        return 0;
    pte_store(entry, 0);
    tlb_gather_page(&e->gather, hal_align_down(end, HAL_PAGE_SIZE));
    tlb_gather_dropped(&e->gather, pte_named(name));
    return -1;
}

/* PAGE_PROTECT: a leaf of which all is to change. Rights alone change in one store; a page that becomes
 * global, or is no more, is another translation (A8). */
static void protect_leaf(struct edit *e, uint64_t *entry, unsigned level, hal_vaddr_t at)
{
    uint64_t leaf = pte_encode(pte_address(*entry, level), e->prot, level, &e->tree->cpu);
    if (((pte_prot(*entry, level) ^ e->prot) & ASPACE_GLOBAL) != 0) {
        replace(e, entry, leaf, level, at);
        return;
    }
    pte_store(entry, leaf);
    gather_span(e, level, at);
}

/* PAGE_UNMAP of all that a table of 4 KiB pages maps, which plan() saw to be full: the table goes as
 * a whole. */
static int drop_full_table(struct edit *e, uint64_t *entry)
{
    hal_paddr_t table = pte_named(*entry);
    pte_store(entry, 0);
    e->tree->stats.pages[0] -= PTE_ENTRIES;
    tlb_gather_everything(&e->gather);
    tlb_gather_dropped(&e->gather, table);
    return -1;
}

static void edit_table(struct edit *e, uint64_t *name, unsigned level, hal_vaddr_t at,
                       hal_vaddr_t last);

/* The change in the number of used entries. */
static int edit_entry(struct edit *e, uint64_t *entry, unsigned level, hal_vaddr_t at,
                      hal_vaddr_t end)
{
    int change = 0;
    if (*entry == 0) {
        link_table(e, entry, at);
        change = 1;
    } else if (pte_is_leaf(*entry, level)) {
        if (!has_prot(e, *entry, level))
            protect_leaf(e, entry, level, at);
        return 0;
    } else if (e->kind == PAGE_UNMAP && level == 1 && is_whole(level, at, end)) {
        return drop_full_table(e, entry);
    }
    edit_table(e, entry, level - 1, at, end);
    return change + drop_if_empty(e, entry, level, end);
}

/* PAGE_MAP: leaves from `at` on, as many as fit; nothing is there yet. Their number. */
static unsigned fill(struct edit *e, uint64_t *entry, unsigned level, hal_vaddr_t at,
                     hal_vaddr_t last)
{
    unsigned count = (unsigned)(leaf_bytes(e, level, at, last) / pte_span(level));
    if (count == 0)
        return 0;
    uint64_t leaf = pte_encode(at + e->offset, e->prot, level, &e->tree->cpu);
    for (unsigned i = 0; i < count; i++)
        pte_store(&entry[i], leaf + i * pte_step(level));
    e->tree->stats.pages[level] += count;
    return count;
}

/* PAGE_UNMAP: leaves in a row go. A leaf that is left does not reach into the range: it was split. Their
 * number. */
static unsigned clear(struct edit *e, uint64_t *entry, unsigned level, hal_vaddr_t at,
                      hal_vaddr_t last)
{
    unsigned count = row(e, entry, level, at, last);
    if (count == 0)
        return 0;
    for (unsigned i = 0; i < count; i++) {
        pte_store(&entry[i], 0);
        gather_span(e, level, at + i * pte_span(level));
    }
    e->tree->stats.pages[level] -= count;
    return count;
}

/* What lies of the range in one table. The change in the number of used entries. */
static int edit_entries(struct edit *e, uint64_t *table, unsigned level, hal_vaddr_t at,
                        hal_vaddr_t last)
{
    for (int change = 0;;) {
        uint64_t *entry = &table[pte_index(at, level)];
        bool unmap = e->kind == PAGE_UNMAP;
        unsigned count = unmap ? clear(e, entry, level, at, last) : fill(e, entry, level, at, last);
        change += unmap ? -(int)count : (int)count;
        at += count * pte_span(level);
        if (at - 1 == last)
            return change;
        hal_vaddr_t end = span_end(level, at, last);
        change += edit_entry(e, &table[pte_index(at, level)], level, at, end);
        if (end == last)
            return change;
        at = end + 1;
    }
}

static void edit_table(struct edit *e, uint64_t *name, unsigned level, hal_vaddr_t at,
                       hal_vaddr_t last)
{
    int change = edit_entries(e, pte_table(*name), level, at, last);
    pte_store(name, pte_recount(*name, (unsigned)((int)pte_used(*name) + change)));
}

/* --- 5. merge --------------------------------------------------------------------------------- */

/* If the table that *entry names holds 512 leaves in a row, alike and aligned, one leaf takes its
 * place. */
static void merge(struct edit *e, uint64_t *entry, unsigned level, hal_vaddr_t at)
{
    const uint64_t *table = pte_table(*entry);
    uint64_t first = table[0];
    if (pte_used(*entry) != PTE_ENTRIES || !pte_is_leaf(first, level - 1))
        return;
    hal_paddr_t phys = pte_address(first, level - 1);
    if ((phys & (pte_span(level) - 1)) != 0)
        return;
    for (unsigned i = 1; i < PTE_ENTRIES; i++)
        if (table[i] != first + i * pte_step(level - 1))
            return;
    hal_paddr_t unlinked = pte_named(*entry);
    uint64_t leaf = pte_encode(phys, pte_prot(first, level - 1), level, &e->tree->cpu);
    replace(e, entry, leaf, level, hal_align_down(at, pte_span(level)));
    e->tree->stats.merges++;
    e->tree->stats.pages[level]++;
    e->tree->stats.pages[level - 1] -= PTE_ENTRIES;
    tlb_gather_table(&e->gather, unlinked);
}

/* Merge what can be of the tables that entries of this one name, from the smallest pages up. */
static void merge_entries(struct edit *e, uint64_t *table, unsigned level, hal_vaddr_t at,
                          hal_vaddr_t last)
{
    for (;;) {
        hal_vaddr_t end = span_end(level, at, last);
        uint64_t *entry = &table[pte_index(at, level)];
        if (*entry != 0 && !pte_is_leaf(*entry, level)) {
            if (level > 1)
                merge_entries(e, pte_table(*entry), level - 1, at, end);
            if (level <= page_tree_largest_leaf(e->tree))
                merge(e, entry, level, at);
        }
        if (end == last)
            return;
        at = end + 1;
    }
}

/* --- the whole call --------------------------------------------------------------------------- */

/* Splits come before the edit and merges after it, with a flush in between, so that a page never
 * changes its size and its rights at once (A8). */
static void carry_out(struct edit *e)
{
    unsigned top = e->tree->cpu.levels - 1u;
    if (e->kind != PAGE_MAP && e->tables != 0)
        split_ends(e);
    edit_table(e, &e->tree->root, top, e->virt, e->last);
    tlb_gather_flush(&e->gather);
    if (e->may_merge)
        merge_entries(e, pte_table(e->tree->root), top, e->virt, e->last);
    tlb_gather_flush(&e->gather);
}

mm_status_t page_edit(struct page_tree *tree, const struct page_edit *call)
{
    struct edit e = {.tree = tree,
                     .kind = call->kind,
                     .prot = call->prot,
                     .virt = call->virt,
                     .last = call->last,
                     .offset = call->phys - call->virt,
                     .gather = {.tree = tree, .upper = pte_is_upper(call->virt)}};
    mm_status_t s = plan(&e, tree->root, tree->cpu.levels - 1u, call->virt, call->last);
    if (s == MM_OK)
        s = reserve(&e);
    if (s == MM_OK)
        carry_out(&e);
    return s;
}
