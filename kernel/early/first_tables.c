#include "kernel/early/first_tables.h"
#include "hal/cpu.h"
#include "kernel/early/pool.h"

#define ENTRY_PRESENT ((uint64_t)1 << 0)
#define ENTRY_WRITE   ((uint64_t)1 << 1)
#define ENTRY_NX      ((uint64_t)1 << 63)
#define ENTRIES       512u

_Static_assert(FIRST_SPAN / PAGE_SIZE == ENTRIES, "one table maps the image");

static uint64_t no_execute(void)
{
    return hal_paging_features().nx ? ENTRY_NX : 0;
}

static uint64_t *new_table(struct first_tables *f)
{
    paddr_t page = pool_take();
    f->pages[f->count++] = page;
    hal_zero_pages(page, 1);
    return hal_phys_to_virt(page);
}

/* Entries for the image's pages from `offset` on: with `bits`, or 0 for none. */
static void set_pages(const struct first_tables *f, uint64_t offset, uint64_t size, uint64_t bits)
{
    uint64_t *table = hal_phys_to_virt(f->pages[f->count - 1]);
    for (uint64_t at = offset; at < offset + size; at += PAGE_SIZE)
        table[(f->base + at) / PAGE_SIZE % ENTRIES] = bits == 0 ? 0 : (f->phys + at) | bits;
}

void first_build(struct first_tables *f, vaddr_t base, paddr_t phys, uint64_t size)
{
    *f = (struct first_tables){.base = base, .phys = phys, .size = size};
    uint64_t *table = new_table(f);
    cpu_keep_lower_half(f->pages[0]);
    for (unsigned level = hal_paging_features().levels - 1u; level > 0; level--) {
        uint64_t *next = new_table(f);
        table[base >> (12 + 9 * level) & (ENTRIES - 1)] =
            f->pages[f->count - 1] | ENTRY_PRESENT | ENTRY_WRITE;
        table = next;
    }
    set_pages(f, 0, size, ENTRY_PRESENT | ENTRY_WRITE | no_execute());
}

void first_protect(const struct first_tables *f, const struct pe_image *image)
{
    set_pages(f, 0, f->size, 0);
    set_pages(f, 0, PAGE_SIZE, ENTRY_PRESENT | no_execute());
    for (unsigned i = 0; i < image->section_count; i++) {
        const struct pe_section *s = &image->sections[i];
        uint64_t bits = ENTRY_PRESENT | ((s->flags & PE_EXECUTE) != 0 ? 0 : no_execute());
        bits |= (s->flags & PE_WRITE) != 0 ? ENTRY_WRITE : 0;
        set_pages(f, s->address, pe_section_size(s), bits);
    }
}

void first_forget(struct first_tables *f)
{
    while (f->count > 0)
        pool_give(f->pages[--f->count]);
}
