#include "page_check.h"

#include "page_entry.h"

struct recount {
    const struct page_tree *tree;
    uint64_t pages[PAGE_TREE_SIZES];
    uint64_t tables;
};

/* A leaf is right when making it anew from what it says gives the same bits: this sees every bit that
 * has no business there. */
static const char *check_leaf(struct recount *r, uint64_t entry, unsigned level, hal_vaddr_t at)
{
    const struct hal_paging *cpu = &r->tree->cpu;
    uint32_t prot = pte_prot(entry, level);
    hal_paddr_t phys = pte_address(entry, level);
    if ((prot & (ASPACE_W | ASPACE_X)) == (ASPACE_W | ASPACE_X))
        return "A1: a page is writable and executable";
    if (at == 0)
        return "A1: page 0 is mapped";
    if ((prot & (pte_is_upper(at) ? ASPACE_USER : ASPACE_GLOBAL)) != 0)
        return "A6: a page is open to users in the shared half, or global outside it";
    if (level > page_tree_largest_leaf(r->tree) || phys >> cpu->phys_bits != 0 ||
        entry != pte_encode(phys, prot, level, cpu))
        return "A7: an entry has bits that make no page of its level on this CPU";
    r->pages[level]++;
    return NULL;
}

/* Seen before the walk follows the entry, so a name that is none leads nowhere. */
static const char *check_entry(void *ctx, uint64_t entry, unsigned level, hal_vaddr_t at)
{
    struct recount *r = ctx;
    bool top = level == r->tree->cpu.levels - 1u;
    if (pte_is_leaf(entry, level))
        return check_leaf(r, entry, level, at);
    if (entry != pte_name(pte_named(entry), pte_used(entry), at))
        return "A7: an entry has bits that make no name of a table";
    if (pte_used(entry) == 0 && !(top && pte_is_upper(at)))
        return "A2: a table is empty";
    return NULL;
}

static const char *check_table(void *ctx, uint64_t name, unsigned level, unsigned used)
{
    struct recount *r = ctx;
    (void)(level);
    r->tables++;
    return used == pte_used(name) ? NULL : "A2: the count of a table's used entries is wrong";
}

/* A table that was taken and lost, one that was freed and is named still, and a page that was mapped
 * over another all leave the counts wrong. */
static const char *check_counts(const struct recount *r)
{
    const struct page_tree_stats *stats = &r->tree->stats;
    if (r->tables < stats->tables)
        return "A3: a table was taken that nothing names";
    if (r->tables > stats->tables)
        return "A4: a table is named that was not taken, or twice";
    for (unsigned i = 0; i < PAGE_TREE_SIZES; i++)
        if (r->pages[i] != stats->pages[i])
            return "A5: the pages mapped are not those that were counted: one was written over";
    return NULL;
}

const char *page_check(const struct page_tree *tree)
{
    static const struct page_visitor visitor = {.entry = check_entry, .table = check_table};
    struct recount r = {.tree = tree};
    const char *wrong = page_tree_walk(tree, tree->own, &visitor, &r);
    return wrong != NULL ? wrong : check_counts(&r);
}
