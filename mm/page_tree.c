#include "page_tree.h"

#include "page_entry.h"

/* A CPU may be wider than the format is (52 bits of aarch64 need other entries). */
mm_status_t page_tree_init(struct page_tree *tree, const struct page_source *source)
{
    hal_paddr_t root = page_source_take(source);
    if (root == HAL_PADDR_NONE)
        return MM_NO_MEMORY;
    *tree = (struct page_tree){.root = pte_name(root, 0, 0),
                               .own = PTE_ENTRIES,
                               .source = source,
                               .cpu = hal_paging_features(),
                               .stats = {.tables = 1}};
    tree->cpu.phys_bits = (uint8_t)hal_min_u64(tree->cpu.phys_bits, PTE_PHYS_BITS);
    return MM_OK;
}

hal_paddr_t page_tree_root(const struct page_tree *tree)
{
    return pte_named(tree->root);
}

unsigned page_tree_largest_leaf(const struct page_tree *tree)
{
    return tree->cpu.pages_1g ? 2 : 1;
}

/* Both ends are canonical, and the gap between the halves does not lie between them. */
bool page_tree_is_canonical(const struct page_tree *tree, hal_vaddr_t virt, hal_vaddr_t last)
{
    unsigned levels = tree->cpu.levels;
    return pte_canonical(virt, levels) == virt && pte_canonical(last, levels) == last &&
           pte_is_upper(virt) == pte_is_upper(last);
}

/* From the root down, until an entry is 0 or a leaf. `entries` is NULL, or takes every one. */
static inline uint64_t descend(const struct page_tree *tree, hal_vaddr_t virt, unsigned *level,
                               uint64_t *entries)
{
    uint64_t entry = tree->root;
    unsigned at = tree->cpu.levels;
    do {
        at--;
        entry = pte_table(entry)[pte_index(virt, at)];
        if (entries != NULL)
            *entries++ = entry;
    } while (entry != 0 && !pte_is_leaf(entry, at));
    *level = at;
    return entry;
}

uint64_t page_tree_find(const struct page_tree *tree, hal_vaddr_t virt, unsigned *level)
{
    return descend(tree, virt, level, NULL);
}

unsigned page_tree_path(const struct page_tree *tree, hal_vaddr_t virt,
                        uint64_t entries[PAGE_TREE_LEVELS])
{
    unsigned level;
    (void)descend(tree, virt, &level, entries);
    return tree->cpu.levels - level;
}

struct walk {
    const struct page_visitor *visitor;
    void *ctx;
    unsigned levels;
};

static const char *walk_table(const struct walk *w, uint64_t name, unsigned level, hal_vaddr_t base,
                              unsigned entries);

static const char *walk_entry(const struct walk *w, uint64_t entry, unsigned level, hal_vaddr_t at)
{
    const char *answer =
        w->visitor->entry == NULL ? NULL : w->visitor->entry(w->ctx, entry, level, at);
    if (answer != NULL || pte_is_leaf(entry, level))
        return answer;
    return walk_table(w, entry, level - 1, at, PTE_ENTRIES);
}

/* At most five deep. `base` is what the table's first entry spans; of the root's upper half the
 * canonical form. */
static const char *walk_table(const struct walk *w, uint64_t name, unsigned level, hal_vaddr_t base,
                              unsigned entries)
{
    const uint64_t *table = pte_table(name);
    unsigned used = 0;
    if (level == 0 && w->visitor->entry == NULL)
        entries = 0;
    for (unsigned i = 0; i < entries; i++) {
        hal_vaddr_t at = pte_canonical(base + i * pte_span(level), w->levels);
        const char *answer = table[i] == 0 ? NULL : walk_entry(w, table[i], level, at);
        if (answer != NULL)
            return answer;
        used += table[i] != 0;
    }
    return w->visitor->table == NULL ? NULL : w->visitor->table(w->ctx, name, level, used);
}

const char *page_tree_walk(const struct page_tree *tree, unsigned entries,
                           const struct page_visitor *visitor, void *ctx)
{
    struct walk w = {.visitor = visitor, .ctx = ctx, .levels = tree->cpu.levels};
    return walk_table(&w, tree->root, w.levels - 1, 0, entries);
}

/* After the tables below it, of which nothing is read any more. */
static const char *give_back_table(void *ctx, uint64_t name, unsigned level, unsigned used)
{
    const struct page_source *source = ctx;
    (void)(level);
    (void)(used);
    source->free_page(source->ctx, pte_named(name));
    return NULL;
}

void page_tree_give_back(const struct page_tree *tree)
{
    static const struct page_visitor visitor = {.table = give_back_table};
    struct page_source source = *tree->source;
    (void)page_tree_walk(tree, tree->own, &visitor, &source);
}
