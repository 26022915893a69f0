#include "kernel/early/first_tables.h"
#include "hal/cpu.h"
#include "kernel/early/pool.h"
#include "mm/page_entry.h"

_Static_assert(FIRST_SPAN / HAL_PAGE_SIZE == PTE_ENTRIES, "one table maps the image");

static uint64_t *new_table(struct first_tables *f)
{
    hal_paddr_t page = pool_take();
    f->pages[f->count++] = page;
    hal_zero_pages(page, 1);
    return hal_phys_to_virt(page);
}

static uint64_t *image_table(const struct first_tables *f)
{
    return hal_phys_to_virt(f->pages[f->count - 1]);
}

/* Map the image's pages from `offset` on. */
static void map_pages(const struct first_tables *f, uint64_t offset, uint64_t size, uint32_t prot)
{
    struct hal_paging cpu = hal_paging_features();
    for (uint64_t at = offset; at < offset + size; at += HAL_PAGE_SIZE)
        image_table(f)[pte_index(f->base + at, 0)] = pte_encode(f->phys + at, prot, 0, &cpu);
}

static void unmap_all(const struct first_tables *f)
{
    for (uint64_t at = 0; at < f->size; at += HAL_PAGE_SIZE)
        image_table(f)[pte_index(f->base + at, 0)] = 0;
}

void first_build(struct first_tables *f, hal_vaddr_t base, hal_paddr_t phys, uint64_t size)
{
    *f = (struct first_tables){.base = base, .phys = phys, .size = size};
    uint64_t *table = new_table(f);
    cpu_keep_lower_half(f->pages[0]);
    for (unsigned level = hal_paging_features().levels - 1u; level > 0; level--) {
        uint64_t *next = new_table(f);
        table[pte_index(base, level)] = pte_name(f->pages[f->count - 1], 0, base);
        table = next;
    }
    map_pages(f, 0, size, ASPACE_W);
}

void first_protect(const struct first_tables *f, const struct pe_image *pe)
{
    unmap_all(f);
    map_pages(f, 0, HAL_PAGE_SIZE, ASPACE_R);
    for (unsigned i = 0; i < pe->section_count; i++) {
        const struct pe_section *s = &pe->sections[i];
        map_pages(f, s->address, pe_section_size(s),
                  (s->flags & PE_EXECUTE) != 0 ? ASPACE_X
                  : (s->flags & PE_WRITE) != 0 ? ASPACE_W
                                               : ASPACE_R);
    }
}

void first_forget(struct first_tables *f)
{
    while (f->count > 0)
        pool_give(f->pages[--f->count]);
}
