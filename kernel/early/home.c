#include "kernel/early/home.h"
#include "hal/cpu.h"
#include "kernel/early/first_tables.h"
#include "kernel/log/log.h"
#include "kernel/memory/tables.h"

struct home home;

static struct first_tables first;
static paddr_t fifth; /* the root that home_use_five_levels() made */

const char *home_open(vaddr_t base, paddr_t phys, uint64_t size)
{
    home.base = base;
    home.phys = phys;
    home.size = align_up(size, PAGE_SIZE);
    if ((base | phys) % PAGE_SIZE != 0)
        return "the image does not begin on a page";
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
    uint64_t slot = (chance >> 32) % (HOME_WINDOW_SIZE / FIRST_SPAN);
    uint64_t page = (chance & 0xFFFFFFFFu) % ((FIRST_SPAN - home.size) / PAGE_SIZE + 1);
    return HOME_WINDOW + slot * FIRST_SPAN + page * PAGE_SIZE;
}

void home_use_five_levels(void)
{
    home.phys = home.base; /* not moved yet: the pool lies where it runs */
    fifth = tables_pool_take();
    hal_zero_pages(fifth, 1);
    if (!cpu_use_five_levels(fifth))
        SAY("cpu", "five levels of page tables cannot be had here");
}

_Noreturn void home_move(const struct boot_info *info, bool random, void (*entry)(void *))
{
    const char *wrong = home_open(info->image_base, info->image_base, info->image_size);
    if (wrong == NULL && home.size > FIRST_SPAN)
        wrong = "the image is larger than 2 MiB";
    if (wrong != NULL)
        HAL_PANIC(wrong);
    first_build(&first, choose(info, random), home.phys, home.size);
    hal_load_root(first.pages[0]);
    struct pe_image image = home.image;
    image.bytes = (unsigned char *)(uintptr_t)first.base; /* the firmware's view may be read-only */
    wrong = pe_relocate(&image, home.base, first.base, &home.sites);
    if (wrong != NULL)
        HAL_PANIC(wrong);
    first_protect(&first, &home.image);
    hal_load_root(first.pages[0]);
    vaddr_t there = (vaddr_t)(uintptr_t)entry - home.base + first.base;
    cpu_call_on_stack(info->stack_base + info->stack_size, (void (*)(void *))(uintptr_t)there,
                      NULL);
}

void home_forget_tables(void)
{
    first_forget(&first);
    if (fifth != PADDR_NONE)
        tables_pool_give(fifth);
}
