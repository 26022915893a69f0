#include "mm/aspace.h"

#include "mm/page_entry.h"

#define HALF (PTE_ENTRIES / 2)

/* An empty root, and the space around it. */
static status_t make(struct aspace *as, const struct page_source *source)
{
    paddr_t root = page_source_take(source);
    if (root == PADDR_NONE)
        return STATUS_NO_MEMORY;
    *as = (struct aspace){.root = pte_name(root, 0, 0),
                          .source = source,
                          .cpu = hal_paging_features(),
                          .stats = {.tables = 1}};
    return STATUS_OK;
}

status_t aspace_init(struct aspace *as, const struct page_source *source)
{
    return make(as, source);
}

status_t aspace_init_shared(struct aspace *as, struct aspace *kernel,
                            const struct page_source *source)
{
    if (kernel->root == 0 || kernel->kernel != NULL)
        return STATUS_INVALID;
    status_t s = make(as, source);
    if (s != STATUS_OK)
        return s;
    const uint64_t *theirs = pte_table(kernel->root);
    uint64_t *ours = pte_table(as->root);
    for (unsigned i = HALF; i < PTE_ENTRIES; i++)
        ours[i] = theirs[i];
    as->kernel = kernel;
    as->link = &kernel->next;
    as->next = kernel->next;
    if (as->next != NULL)
        as->next->link = &as->next;
    kernel->next = as;
    return STATUS_OK;
}

paddr_t aspace_root(const struct aspace *as)
{
    return as->root & PTE_ADDRESS;
}

void aspace_activate(const struct aspace *as)
{
    if (as->root == 0)
        HAL_PANIC("an address space that was not made is to be loaded");
    hal_load_root(as->root & PTE_ADDRESS);
}

unsigned aspace_path(const struct aspace *as, vaddr_t virt, uint64_t entries[ASPACE_LEVELS])
{
    unsigned level = as->cpu.levels;
    unsigned count = 0;
    uint64_t entry = as->root;
    if (as->root == 0 || pte_canonical(virt, level) != virt)
        return 0;
    do {
        level--;
        entry = pte_table(entry)[pte_index(virt, level)];
        entries[count++] = entry;
    } while (entry != 0 && !pte_is_leaf(entry, level));
    return count;
}

status_t aspace_query(const struct aspace *as, vaddr_t virt, struct mapping *out)
{
    unsigned level = as->cpu.levels;
    uint64_t entry = as->root;
    if (entry == 0)
        return STATUS_INVALID;
    if (pte_canonical(virt, level) != virt)
        return STATUS_NOT_CANONICAL;
    do {
        level--;
        entry = pte_table(entry)[pte_index(virt, level)];
        if (entry == 0)
            return STATUS_UNMAPPED;
    } while (!pte_is_leaf(entry, level));
    *out = (struct mapping){.virt = align_down(virt, pte_span(level)),
                            .phys = pte_address(entry, level),
                            .size = pte_span(level),
                            .page = pte_span(level),
                            .prot = pte_prot(entry, level)};
    return STATUS_OK;
}

/* Give back the table and all tables below its first `entries`. */
static void give_back(const struct aspace *as, uint64_t name, unsigned level, unsigned entries)
{
    const uint64_t *table = pte_table(name);
    for (unsigned i = 0; level > 0 && i < entries; i++)
        if (table[i] != 0 && !pte_is_leaf(table[i], level))
            give_back(as, table[i], level - 1, PTE_ENTRIES);
    as->source->free_page(as->source->ctx, name & PTE_ADDRESS);
}

void aspace_destroy(struct aspace *as)
{
    if (as->root == 0)
        return;
    paddr_t root = as->root & PTE_ADDRESS;
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
    hal_tlb_shootdown(root, 0, 0);
    give_back(as, as->root, as->cpu.levels - 1u, as->kernel != NULL ? HALF : PTE_ENTRIES);
    *as = (struct aspace){.root = 0};
}
