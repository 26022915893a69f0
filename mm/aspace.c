#include "aspace.h"

#include "page_check.h"
#include "page_edit.h"
#include "page_entry.h"
#include "tlb_gather.h"

#define HALF (PTE_ENTRIES / 2)

/* --- making and sharing ----------------------------------------------------------------------- */

mm_status_t aspace_init(struct aspace *as, const struct page_source *source)
{
    struct aspace made = {.kernel = NULL};
    mm_status_t s = page_tree_init(&made.tree, source);
    if (s == MM_OK)
        *as = made;
    return s;
}

/* The root's upper half is copied, not the tables below: what the owner changes there is changed
 * here too, and only a new entry of the owner's root must follow (share_new_entries). */
mm_status_t aspace_init_shared(struct aspace *as, struct aspace *kernel,
                               const struct page_source *source)
{
    if (kernel->tree.root == 0 || kernel->kernel != NULL)
        return MM_INVALID;
    mm_status_t s = aspace_init(as, source);
    if (s != MM_OK)
        return s;
    const uint64_t *theirs = pte_table(kernel->tree.root);
    uint64_t *ours = pte_table(as->tree.root);
    for (unsigned i = HALF; i < PTE_ENTRIES; i++)
        ours[i] = theirs[i];
    as->tree.own = HALF;
    as->kernel = kernel;
    as->link = &kernel->next;
    as->next = kernel->next;
    if (as->next != NULL)
        as->next->link = &as->next;
    kernel->next = as;
    return MM_OK;
}

/* A6: the owner's root has new entries for [virt, last]; every space that shares gets them. Their
 * counts of used entries go stale there, and nobody asks for them. */
static void share_new_entries(const struct aspace *kernel, hal_vaddr_t virt, hal_vaddr_t last)
{
    unsigned top = kernel->tree.cpu.levels - 1u;
    const uint64_t *ours = pte_table(kernel->tree.root);
    for (const struct aspace *as = kernel->next; as != NULL; as = as->next)
        for (unsigned i = pte_index(virt, top); i <= pte_index(last, top); i++)
            pte_store(&pte_table(as->tree.root)[i], ours[i]);
}

hal_paddr_t aspace_root(const struct aspace *as)
{
    return page_tree_root(&as->tree);
}

void aspace_activate(const struct aspace *as)
{
    if (as->tree.root == 0)
        HAL_PANIC("an address space that was not made is to be loaded");
    hal_load_root(page_tree_root(&as->tree));
}

/* Nobody can reach the tables of a space that is loaded nowhere, but CPUs may remember them. */
void aspace_destroy(struct aspace *as)
{
    if (as->tree.root == 0)
        return;
    hal_paddr_t root = page_tree_root(&as->tree);
    hal_vaddr_t half = as->kernel != NULL ? 0 : TLB_GATHER_UPPER; /* the upper one: on all CPUs */
    if (hal_root() == root)
        HAL_PANIC("an address space is to be destroyed while this CPU runs in it");
    if (as->kernel == NULL && as->next != NULL)
        HAL_PANIC("a kernel's address space is to be destroyed while others share its upper half");
    if (as->kernel != NULL) {
        *as->link = as->next;
        if (as->next != NULL)
            as->next->link = as->link;
        hal_tlb_flush_local();
    } else {
        hal_tlb_flush_all();
    }
    hal_tlb_shootdown(root, half, 0);
    page_tree_give_back(&as->tree);
    *as = (struct aspace){.kernel = NULL};
}

/* --- editing: the arguments are looked at here, the tables in page_edit() ---------------------- */

static mm_status_t check_range(const struct aspace *as, hal_vaddr_t virt, uint64_t size)
{
    hal_vaddr_t last = virt + size - 1;
    if (as->tree.root == 0 || size == 0)
        return MM_INVALID;
    if (virt == 0 || (virt | size) % HAL_PAGE_SIZE != 0)
        return MM_NOT_PAGE;
    if (last < virt)
        return MM_OVERFLOW;
    if (!page_tree_is_canonical(&as->tree, virt, last))
        return MM_NOT_CANONICAL;
    if (pte_is_upper(virt) && as->kernel != NULL)
        return MM_RESERVED;
    return MM_OK;
}

static mm_status_t check_prot(hal_vaddr_t virt, uint32_t prot)
{
    uint32_t foreign = pte_is_upper(virt) ? ASPACE_USER : ASPACE_GLOBAL;
    if ((prot & (~ASPACE_ALL | foreign)) != 0 || (prot & ASPACE_TYPE) == ASPACE_TYPE)
        return MM_INVALID;
    if ((prot & (ASPACE_W | ASPACE_X)) == (ASPACE_W | ASPACE_X))
        return MM_WX;
    return MM_OK;
}

static mm_status_t check_phys(const struct aspace *as, hal_paddr_t phys, uint64_t size)
{
    hal_paddr_t last = phys + size - 1;
    if (phys % HAL_PAGE_SIZE != 0)
        return MM_NOT_PAGE;
    if (last < phys)
        return MM_OVERFLOW;
    return last >> as->tree.cpu.phys_bits != 0 ? MM_INVALID : MM_OK;
}

mm_status_t aspace_map(struct aspace *as, hal_vaddr_t virt, hal_paddr_t phys, uint64_t size,
                       uint32_t prot)
{
    struct page_edit call = {
        .kind = PAGE_MAP, .virt = virt, .last = virt + size - 1, .phys = phys, .prot = prot};
    mm_status_t s = check_range(as, virt, size);
    if (s == MM_OK)
        s = check_prot(virt, prot);
    if (s == MM_OK)
        s = check_phys(as, phys, size);
    if (s != MM_OK)
        return s;
    unsigned before = pte_used(as->tree.root);
    s = page_edit(&as->tree, &call);
    if (s != MM_OK)
        return s;
    if (pte_is_upper(virt) && pte_used(as->tree.root) != before)
        share_new_entries(as, virt, call.last);
    hal_tlb_added(virt, size);
    return MM_OK;
}

mm_status_t aspace_unmap(struct aspace *as, hal_vaddr_t virt, uint64_t size)
{
    struct page_edit call = {.kind = PAGE_UNMAP, .virt = virt, .last = virt + size - 1};
    mm_status_t s = check_range(as, virt, size);
    return s != MM_OK ? s : page_edit(&as->tree, &call);
}

mm_status_t aspace_protect(struct aspace *as, hal_vaddr_t virt, uint64_t size, uint32_t prot)
{
    struct page_edit call = {
        .kind = PAGE_PROTECT, .virt = virt, .last = virt + size - 1, .prot = prot};
    mm_status_t s = check_range(as, virt, size);
    if (s == MM_OK)
        s = check_prot(virt, prot);
    return s != MM_OK ? s : page_edit(&as->tree, &call);
}

/* --- asking ----------------------------------------------------------------------------------- */

unsigned aspace_path(const struct aspace *as, hal_vaddr_t virt, uint64_t entries[ASPACE_LEVELS])
{
    if (as->tree.root == 0 || !page_tree_is_canonical(&as->tree, virt, virt))
        return 0;
    return page_tree_path(&as->tree, virt, entries);
}

mm_status_t aspace_query(const struct aspace *as, hal_vaddr_t virt, struct aspace_mapping *out)
{
    unsigned level;
    if (as->tree.root == 0)
        return MM_INVALID;
    if (pte_canonical(virt, as->tree.cpu.levels) != virt)
        return MM_NOT_CANONICAL;
    uint64_t leaf = page_tree_find(&as->tree, virt, &level);
    if (leaf == 0)
        return MM_UNMAPPED;
    *out = (struct aspace_mapping){.virt = hal_align_down(virt, pte_span(level)),
                                   .phys = pte_address(leaf, level),
                                   .size = pte_span(level),
                                   .page = pte_span(level),
                                   .prot = pte_prot(leaf, level)};
    return MM_OK;
}

struct walk {
    aspace_visit_fn *visit;
    void *ctx;
    struct aspace_mapping run; /* not shown yet; size 0: none */
};

static void show_run(struct walk *w)
{
    if (w->run.size != 0)
        w->visit(w->ctx, &w->run);
    w->run.size = 0;
}

/* A leaf lengthens the run or, as the first one also does, begins another. */
static const char *meet_entry(void *ctx, uint64_t entry, unsigned level, hal_vaddr_t at)
{
    struct walk *w = ctx;
    struct aspace_mapping *run = &w->run;
    if (!pte_is_leaf(entry, level))
        return NULL;
    uint64_t page = pte_span(level);
    hal_paddr_t phys = pte_address(entry, level);
    uint32_t prot = pte_prot(entry, level);
    if (run->virt + run->size != at || run->phys + run->size != phys || run->page != page ||
        run->prot != prot) {
        show_run(w);
        *run = (struct aspace_mapping){.virt = at, .phys = phys, .page = page, .prot = prot};
    }
    run->size += page;
    return NULL;
}

void aspace_walk(const struct aspace *as, aspace_visit_fn *visit, void *ctx)
{
    static const struct page_visitor visitor = {.entry = meet_entry};
    struct walk w = {.visit = visit, .ctx = ctx};
    if (as->tree.root == 0)
        return;
    (void)page_tree_walk(&as->tree, PTE_ENTRIES, &visitor, &w);
    show_run(&w);
}

static bool same_upper_half(const struct aspace *as)
{
    const uint64_t *ours = pte_table(as->tree.root);
    const uint64_t *theirs = pte_table(as->kernel->tree.root);
    for (unsigned i = HALF; i < PTE_ENTRIES; i++)
        if (pte_recount(ours[i], 0) != pte_recount(theirs[i], 0))
            return false;
    return true;
}

const char *aspace_check(const struct aspace *as)
{
    if (as->tree.root == 0)
        return "this is no address space: aspace_init was not called, or failed";
    const char *wrong = page_check(&as->tree);
    if (wrong != NULL)
        return wrong;
    if (as->kernel != NULL && !same_upper_half(as))
        return "A6: the shared half differs from its owner's";
    return NULL;
}
