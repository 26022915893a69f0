#include "kernel/early/move.h"
#include "hal/cpu.h"
#include "kernel/early/first_tables.h"
#include "kernel/early/image.h"
#include "kernel/early/pool.h"
#include "kernel/log/log.h"

static struct first_tables first;
static hal_paddr_t fifth; /* the root that move_use_five_levels() made */

hal_vaddr_t move_base(void)
{
    return first.base;
}

/* The finalizer of splitmix64: each input bit reaches each output bit. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static hal_vaddr_t choose(const struct boot_info *info, bool random)
{
    if (!random)
        return IMAGE_WINDOW;
    uint64_t chance = mix(info->exit_tsc ^ mix(info->image_base ^ mix(info->tsc_hz)));
    chance = mix(chance ^ cpu_random() ^ hal_cycles());
    uint64_t slot = (chance >> 32) % (IMAGE_WINDOW_SIZE / FIRST_SPAN);
    uint64_t page = (chance & 0xFFFFFFFFu) % ((FIRST_SPAN - image.size) / HAL_PAGE_SIZE + 1);
    return IMAGE_WINDOW + slot * FIRST_SPAN + page * HAL_PAGE_SIZE;
}

void move_use_five_levels(void)
{
    image.phys = image.base; /* not moved yet: the pool lies where it runs */
    fifth = pool_take();
    hal_zero_pages(fifth, 1);
    if (!cpu_use_five_levels(fifth))
        SAY("cpu", "five levels of page tables cannot be had here");
}

_Noreturn void move_image(const struct boot_info *info, bool random, void (*entry)(void *))
{
    const char *wrong = image_open(info->image_base, info->image_base, info->image_size);
    if (wrong == NULL && image.size > FIRST_SPAN)
        wrong = "the image is larger than 2 MiB";
    if (wrong != NULL)
        HAL_PANIC(wrong);
    first_build(&first, choose(info, random), image.phys, image.size);
    hal_load_root(first.pages[0]);
    struct pe_image there = image.pe;
    there.bytes = (unsigned char *)(uintptr_t)first.base; /* the firmware's view may be read-only */
    wrong = pe_relocate(&there, image.base, first.base, &image.sites);
    if (wrong != NULL)
        HAL_PANIC(wrong);
    first_protect(&first, &image.pe);
    hal_load_root(first.pages[0]);
    hal_vaddr_t start = (hal_vaddr_t)(uintptr_t)entry - image.base + first.base;
    cpu_call_on_stack(info->stack_base + info->stack_size, (void (*)(void *))(uintptr_t)start,
                      NULL);
}

void move_forget_tables(void)
{
    first_forget(&first);
    if (fifth != HAL_PADDR_NONE)
        pool_give(fifth);
}
