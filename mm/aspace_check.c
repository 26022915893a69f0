/* mm/aspace_check.c: reading a whole space: every run of pages, and the invariants by recount. */
#include "mm/aspace.h"

#include "mm/page_entry.h"

struct walk {
    unsigned levels;
    aspace_visit_fn *visit;
    void *ctx;
    struct mapping run; /* not told yet; size 0: none */
};

static void tell(struct walk *w)
{
    if (w->run.size != 0)
        w->visit(w->ctx, &w->run);
    w->run.size = 0;
}

static void walk_leaf(struct walk *w, uint64_t entry, unsigned level, vaddr_t at)
{
    struct mapping *run = &w->run;
    uint64_t page = pte_span(level);
    paddr_t phys = pte_address(entry, level);
    uint32_t prot = pte_prot(entry, level);
    if (run->virt + run->size != at || run->phys + run->size != phys || run->page != page ||
        run->prot != prot) { /* the first page of all too: run->page is 0 then */
        tell(w);
        *run = (struct mapping){.virt = at, .phys = phys, .page = page, .prot = prot};
    }
    run->size += page;
}

static void walk_table(struct walk *w, uint64_t name, unsigned level, vaddr_t base)
{
    const uint64_t *table = pte_table(name);
    for (unsigned i = 0; i < PTE_ENTRIES; i++) {
        vaddr_t at = pte_canonical(base + i * pte_span(level), w->levels);
        if (table[i] == 0)
            continue;
        if (pte_is_leaf(table[i], level))
            walk_leaf(w, table[i], level, at);
        else
            walk_table(w, table[i], level - 1, at);
    }
}

void aspace_walk(const struct aspace *as, aspace_visit_fn *visit, void *ctx)
{
    struct walk w = {.levels = as->cpu.levels, .visit = visit, .ctx = ctx};
    if (as->root == 0)
        return;
    walk_table(&w, as->root, w.levels - 1, 0);
    tell(&w);
}

struct recount {
    const struct aspace *as;
    uint64_t pages[ASPACE_SIZES];
    uint64_t tables;
};

static const char *check_leaf(struct recount *r, uint64_t entry, unsigned level, vaddr_t at)
{
    const struct hal_paging *cpu = &r->as->cpu;
    uint32_t prot = pte_prot(entry, level);
    paddr_t phys = pte_address(entry, level);
    if ((prot & (ASPACE_W | ASPACE_X)) == (ASPACE_W | ASPACE_X))
        return "A1: a page is writable and executable";
    if (at == 0)
        return "A1: page 0 is mapped";
    if ((prot & (at >> 63 != 0 ? ASPACE_USER : ASPACE_GLOBAL)) != 0)
        return "A6: a page is open to users in the shared half, or global outside it";
    if (level > (cpu->pages_1g ? 2u : 1u) || phys >> cpu->phys_bits != 0 ||
        entry != pte_encode(phys, prot, level, cpu))
        return "A7: an entry has bits that make no page of its level on this CPU";
    r->pages[level]++;
    return NULL;
}

static const char *check_table(struct recount *r, uint64_t name, unsigned level, vaddr_t base);

static const char *check_entry(struct recount *r, uint64_t entry, unsigned level, vaddr_t at)
{
    bool top = level == r->as->cpu.levels - 1u;
    if (pte_is_leaf(entry, level))
        return check_leaf(r, entry, level, at);
    if (entry != pte_name(entry & PTE_ADDRESS, pte_used(entry), at))
        return "A7: an entry has bits that make no name of a table";
    if (pte_used(entry) == 0 && !(top && at >> 63 != 0))
        return "A2: a table is empty";
    return check_table(r, entry, level - 1, at);
}

/* Of a space that shares its upper half, only the lower half of the root is its own. */
static const char *check_table(struct recount *r, uint64_t name, unsigned level, vaddr_t base)
{
    const uint64_t *table = pte_table(name);
    bool shares = level == r->as->cpu.levels - 1u && r->as->kernel != NULL;
    unsigned used = 0;
    r->tables++;
    for (unsigned i = 0; i < (shares ? PTE_ENTRIES / 2 : PTE_ENTRIES); i++) {
        vaddr_t at = pte_canonical(base + i * pte_span(level), r->as->cpu.levels);
        const char *wrong = table[i] == 0 ? NULL : check_entry(r, table[i], level, at);
        if (wrong != NULL)
            return wrong;
        used += table[i] != 0;
    }
    return used == pte_used(name) ? NULL : "A2: the count of a table's used entries is wrong";
}

static bool same_upper_half(const struct aspace *as)
{
    const uint64_t *ours = pte_table(as->root);
    const uint64_t *theirs = pte_table(as->kernel->root);
    for (unsigned i = PTE_ENTRIES / 2; i < PTE_ENTRIES; i++)
        if (((ours[i] ^ theirs[i]) & ~PTE_COUNT_MASK) != 0)
            return false;
    return true;
}

const char *aspace_check(const struct aspace *as)
{
    struct recount r = {.as = as};
    if (as->root == 0)
        return "this is no address space: aspace_init was not called, or failed";
    const char *wrong = check_table(&r, as->root, as->cpu.levels - 1u, 0);
    if (wrong != NULL)
        return wrong;
    if (r.tables < as->stats.tables)
        return "A3: a table was taken that nothing names";
    if (r.tables > as->stats.tables)
        return "A4: a table is named that was not taken, or twice";
    for (unsigned i = 0; i < ASPACE_SIZES; i++)
        if (r.pages[i] != as->stats.pages[i])
            return "A5: the pages mapped are not those that were counted: one was written over";
    if (as->kernel != NULL && !same_upper_half(as))
        return "A6: the shared half differs from its owner's";
    return NULL;
}
