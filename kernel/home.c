#include "kernel/home.h"
#include "hal/hal.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/cpu.h"
#include "kernel/log.h"
#include "kernel/tables.h"

#define ENTRY_PRESENT ((uint64_t)1 << 0)
#define ENTRY_WRITE   ((uint64_t)1 << 1)
#define ENTRY_NX      ((uint64_t)1 << 63)
#define SLOT          (2 * MIB) /* what one page table maps */

struct home home;

static struct {
    vaddr_t base;
    paddr_t pages[5]; /* root first */
    unsigned count;
} first;

const char *home_open(vaddr_t base, paddr_t phys, uint64_t size)
{
    home.base = base;
    home.phys = phys;
    home.size = align_up(size, PAGE_SIZE);
    return pe_open(&home.image, (void *)(uintptr_t)base, size);
}

vaddr_t home_chosen(void)
{
    return first.base;
}

paddr_t home_phys(const void *at)
{
    return (vaddr_t)(uintptr_t)at - home.base + home.phys;
}

/* The finalizer of splitmix64: each input bit reaches each output bit. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static vaddr_t choose(const struct boot_info *info, bool random)
{
    if (!random)
        return HOME_WINDOW;
    uint64_t chance = mix(info->exit_tsc ^ mix(info->image_base ^ mix(info->tsc_hz)));
    chance = mix(chance ^ cpu_random() ^ hal_cycles());
    uint64_t slot = (chance >> 32) % (HOME_WINDOW_SIZE / SLOT);
    uint64_t page = (chance & 0xFFFFFFFFu) % ((SLOT - home.size) / PAGE_SIZE + 1);
    return HOME_WINDOW + slot * SLOT + page * PAGE_SIZE;
}

static uint64_t *new_table(void)
{
    paddr_t page = tables_pool_take();
    first.pages[first.count++] = page;
    return hal_phys_to_virt(page);
}

/* Entries that map the image's pages from `offset` on with `bits`, or 0 for none. */
static void set_pages(uint64_t *table, uint64_t offset, uint64_t size, uint64_t bits)
{
    for (uint64_t at = offset; at < offset + size; at += PAGE_SIZE)
        table[(first.base + at) / PAGE_SIZE % 512] = bits == 0 ? 0 : (home.phys + at) | bits;
}

/* A copy of the firmware's root, and below its last entry tables down to one that maps the image,
 * writable and not executable yet. The table of 4 KiB pages is returned. */
static uint64_t *build(uint64_t no_execute)
{
    const uint64_t *theirs = hal_phys_to_virt(hal_root());
    uint64_t *table = new_table();
    for (unsigned i = 0; i < 256; i++)
        table[i] = theirs[i];
    for (unsigned level = cpu.la57 ? 4 : 3; level > 0; level--) {
        uint64_t *next = new_table();
        table[first.base >> (12 + 9 * level) & 511u] =
            first.pages[first.count - 1] | ENTRY_PRESENT | ENTRY_WRITE;
        table = next;
    }
    set_pages(table, 0, home.size, ENTRY_PRESENT | ENTRY_WRITE | no_execute);
    return table;
}

/* Section by section; what lies in none of them is not mapped. */
static void protect(uint64_t *table, uint64_t no_execute)
{
    set_pages(table, PAGE_SIZE, home.size - PAGE_SIZE, 0);
    set_pages(table, 0, PAGE_SIZE, ENTRY_PRESENT | no_execute);
    for (unsigned i = 0; i < home.image.section_count; i++) {
        const struct pe_section *s = &home.image.sections[i];
        uint64_t bits = ENTRY_PRESENT | ((s->flags & PE_EXECUTE) != 0 ? 0 : no_execute);
        bits |= (s->flags & PE_WRITE) != 0 ? ENTRY_WRITE : 0;
        set_pages(table, s->address, pe_section_size(s), bits);
    }
}

_Noreturn void home_move(const struct boot_info *info, bool random, void (*entry)(void *))
{
    const char *wrong = home_open(info->image_base, info->image_base, info->image_size);
    if (wrong == NULL && home.size > SLOT)
        wrong = "the image is larger than 2 MiB";
    if (wrong != NULL)
        HAL_PANIC(wrong);
    first.base = choose(info, random);
    uint64_t no_execute = cpu.nx ? ENTRY_NX : 0;
    uint64_t *table = build(no_execute);
    hal_load_root(first.pages[0]);
    struct pe_image image = home.image;
    image.bytes = (unsigned char *)(uintptr_t)first.base; /* the firmware's view may be read-only */
    wrong = pe_relocate(&image, home.base, first.base, &home.sites);
    if (wrong != NULL)
        HAL_PANIC(wrong);
    protect(table, no_execute);
    hal_load_root(first.pages[0]);
    vaddr_t there = (vaddr_t)(uintptr_t)entry - home.base + first.base;
    cpu_call_on_stack(info->stack_base + info->stack_size, (void (*)(void *))(uintptr_t)there,
                      NULL);
}

void home_forget_tables(void)
{
    while (first.count > 0)
        tables_pool_give(first.pages[--first.count]);
}
