/* What the page tables forbid is tried, and the trap is caught; what they allow is counted again by
 * a walk of the live tables that knows nothing of mm/aspace. */
#include "hal/cpu.h"
#include "hal/short.h"
#include "kernel/main.h"
#include "kernel/trap/fault.h"
#include "kernel/early/image.h"
#include "kernel/memory/memory.h"
#include "tests/kernel/selftest.h"
#include "kernel/memory/space.h"
#include "kernel/memory/tables.h"
#include "tests/kernel/walk.h"

#define READING   0u
#define WRITING   TRAP_WRITE
#define EXECUTING TRAP_FETCH

static const uint32_t constant = 42;
static uint32_t variable = 0xC3C3C3C3u; /* ret */

static void do_read(void *at)
{
    (void)*(volatile uint32_t *)at;
}

static void do_write(void *at)
{
    *(volatile uint32_t *)at = 0;
}

static void do_call(void *at)
{
    void (*fn)(void);
    __builtin_memcpy(&fn, &at, sizeof fn);
    fn();
}

/* The access must end in exactly one kind of page fault, and the report must know the place. */
static void check_fault(struct test_state *t, uint64_t at, uint32_t access, const char *what,
                        const char *name)
{
    void (*fn)(void *) = (access & TRAP_FETCH) != 0   ? do_call
                         : (access & TRAP_WRITE) != 0 ? do_write
                                                      : do_read;
    if (!CHECK(!cpu_try(fn, (void *)(uintptr_t)at)))
        return;
    struct trap seen = trap_caught();
    CHECK_EQ(seen.kind, TRAP_ACCESS);
    CHECK_EQ(seen.address, at);
    CHECK_EQ(seen.access, access);
    struct fault_place place = fault_place(at);
    CHECK_STR(place.what, what);
    CHECK_STR(place.name, name);
}

static bool can_read(uint64_t at)
{
    return cpu_try(do_read, (void *)(uintptr_t)at);
}

TEST("space.page 0 is mapped nowhere")
{
    check_fault(t, 0, READING, "page 0 (a null pointer)", "");
    check_fault(t, 8, WRITING, "page 0 (a null pointer)", "");
    /* A firmware's map need not say anything of page 0. */
    if (memmap_find(&memory_map, 0) != NULL)
        check_fault(t, SPACE_DIRECT, READING, "direct map: ", space_null_label);
    else
        check_fault(t, SPACE_DIRECT, READING, "direct map, outside RAM", "");
    TEST_END;
}

TEST("space.the firmware's identity map is gone")
{
    check_fault(t, image.phys, READING, "user half", "");
    check_fault(t, image.phys, WRITING, "user half", "");
    CHECK(can_read(SPACE_DIRECT + image.phys));
    TEST_END;
}

TEST("space.text, constants and headers cannot be written")
{
    check_fault(t, (uint64_t)(uintptr_t)&constant, WRITING | TRAP_MAPPED, "kernel constants", "");
    check_fault(t, (uint64_t)(uintptr_t)&kernel_enter, WRITING | TRAP_MAPPED, "kernel text", "");
    check_fault(t, image.base, WRITING | TRAP_MAPPED, "kernel headers", "");
    check_fault(t, SPACE_DIRECT + image_phys(&constant), WRITING | TRAP_MAPPED,
                "direct map: ", "kernel image");
    CHECK(can_read(image.base));
    TEST_END;
}

TEST("space.data, stack and direct map cannot be executed")
{
    if (!hal_paging_features().nx)
        SKIP("this CPU has no NX bit");
    hal_paddr_t pages = pmm_alloc(memory_pmm, 2, 0);
    if (!CHECK(pages != HAL_PADDR_NONE))
        return;
    uint32_t access = EXECUTING | TRAP_MAPPED;
    check_fault(t, (uint64_t)(uintptr_t)&variable, access, "kernel data", "");
    check_fault(t, (uint64_t)(uintptr_t)&constant, access, "kernel constants", "");
    check_fault(t, image.base, access, "kernel headers", "");
    check_fault(t, (uint64_t)(uintptr_t)&t, access, "", "boot stack");
    check_fault(t, SPACE_DIRECT + image.phys, access, "direct map: ", "kernel image");
    check_fault(t, SPACE_DIRECT + pages, access, "direct map: ", "an allocated page");
    CHECK_EQ(pmm_free(memory_pmm, pages, 2), MM_OK);
    pmm_drain(memory_pmm);
    check_fault(t, SPACE_DIRECT + pages, access, "direct map: ", "a free page");
    TEST_END;
}

TEST("space.what is not mapped faults, and the report knows where")
{
    uint64_t limit = (uint64_t)1 << hal_paging_features().phys_bits;
    if (limit < SPACE_DIRECT_SIZE)
        check_fault(t, SPACE_DIRECT + limit, READING, "direct map, outside RAM", "");
    check_fault(t, SPACE_DEVICES - 8, READING, "direct map, outside RAM", "");
    check_fault(t, SPACE_DEVICES + 63 * GIB, READING, "device window, no device", "");
    check_fault(t, SPACE_SCRATCH, WRITING, "window of stacks and scratch mappings", "");
    check_fault(t, IMAGE_WINDOW + IMAGE_WINDOW_SIZE, READING, "image window, outside the image",
                "");
    TEST_END;
}

TEST("space.each stack lies between guard pages")
{
    for (unsigned i = 0; i < STACK_COUNT; i++) {
        const struct space_range *s = &space_stacks[i];
        CHECK(can_read(s->base) && can_read(s->base + s->size - 4));
        check_fault(t, s->base - 4, WRITING, "guard page of the ", s->name);
        check_fault(t, s->base + s->size, WRITING, "guard page of the ", s->name);
    }
    TEST_END;
}

/* Without end; each call needs the result of the next. */
static uint64_t deeper(volatile uint64_t depth)
{
    return depth == UINT64_MAX ? 0 : deeper(depth + 1) + depth;
}

static void overflow_stack(void *at)
{
    UNUSED(at);
    deeper(0);
}

TEST("space.a stack overflow is caught on a stack of its own")
{
    const struct space_range *s = &space_stacks[STACK_TRAPS];
    const struct space_range *boot = &space_stacks[STACK_BOOT];
    CHECK(!cpu_try_overflow(overflow_stack, NULL));
    struct trap seen = trap_caught();
    CHECK_EQ(seen.kind, TRAP_OVERFLOW);
    CHECK(seen.address < boot->base && seen.address >= boot->base - HAL_PAGE_SIZE);
    hal_vaddr_t frame = (hal_vaddr_t)(uintptr_t)seen.frame;
    CHECK(frame >= s->base && frame < s->base + s->size);
    CHECK_STR(fault_place(seen.address).name, "boot stack");
    TEST_END;
}

static volatile uint32_t *word(hal_vaddr_t at)
{
    return (volatile uint32_t *)(uintptr_t)at;
}

/* A page mapped, narrowed, taken away and mapped to another, each seen at once by the CPU, which
 * has just used the old translation. */
TEST("space.a page narrowed, unmapped and remapped is seen at once")
{
    static const char where[] = "window of stacks and scratch mappings";
    const hal_vaddr_t at = SPACE_SCRATCH + 5 * HAL_PAGE_SIZE;
    struct aspace *s = &space_kernel;
    hal_paddr_t pages = pmm_alloc(memory_pmm, 2, PMM_ZERO);
    if (!CHECK(pages != HAL_PADDR_NONE))
        return;
    *(volatile uint32_t *)hal_phys_to_virt(pages + HAL_PAGE_SIZE) = 22;
    CHECK_EQ(aspace_map(s, at, pages, HAL_PAGE_SIZE, ASPACE_W), MM_OK);
    *word(at) = 11;
    CHECK_EQ(*(volatile uint32_t *)hal_phys_to_virt(pages), 11);
    CHECK_EQ(aspace_protect(s, at, HAL_PAGE_SIZE, ASPACE_R), MM_OK);
    check_fault(t, at, WRITING | TRAP_MAPPED, where, "");
    CHECK_EQ(*word(at), 11);
    CHECK_EQ(aspace_unmap(s, at, HAL_PAGE_SIZE), MM_OK);
    check_fault(t, at, READING, where, "");
    CHECK_EQ(aspace_map(s, at, pages + HAL_PAGE_SIZE, HAL_PAGE_SIZE, ASPACE_R | ASPACE_GLOBAL),
             MM_OK);
    CHECK_EQ(*word(at), 22);
    CHECK_EQ(aspace_unmap(s, at, HAL_PAGE_SIZE), MM_OK);
    check_fault(t, at, READING, where, "");
    CHECK_EQ(pmm_free(memory_pmm, pages, 2), MM_OK);
    TEST_END;
}

#define LARGE_PAGES 512u

static unsigned readable(hal_vaddr_t at)
{
    unsigned count = 0;
    for (unsigned i = 0; i < LARGE_PAGES; i++)
        count += can_read(at + i * HAL_PAGE_SIZE);
    return count;
}

/* A large page at `at`, used, split, used and taken away: what was in the TLB is gone each time. */
static void check_large(struct test_state *t, struct aspace *s, hal_vaddr_t at, uint32_t prot)
{
    hal_paddr_t pages = pmm_alloc_aligned(memory_pmm, LARGE_PAGES, 2 * MIB, 0);
    if (!CHECK(pages != HAL_PADDR_NONE))
        return;
    CHECK_EQ(aspace_map(s, at, pages, 2 * MIB, prot | ASPACE_W), MM_OK);
    CHECK(cpu_try(do_write, (void *)(uintptr_t)(at + 7 * HAL_PAGE_SIZE)));
    CHECK_EQ(aspace_protect(s, at + 7 * HAL_PAGE_SIZE, HAL_PAGE_SIZE, prot), MM_OK);
    CHECK(!cpu_try(do_write, (void *)(uintptr_t)(at + 7 * HAL_PAGE_SIZE)));
    CHECK(cpu_try(do_write, (void *)(uintptr_t)(at + 8 * HAL_PAGE_SIZE)));
    CHECK_EQ(readable(at), LARGE_PAGES);
    CHECK_EQ(aspace_unmap(s, at, 2 * MIB), MM_OK);
    CHECK_EQ(readable(at), 0);
    CHECK_EQ(pmm_free(memory_pmm, pages, LARGE_PAGES), MM_OK);
}

TEST("space.a large page split and unmapped is seen at once")
{
    static struct aspace s;
    check_large(t, &space_kernel, SPACE_SCRATCH + 4 * MIB, ASPACE_GLOBAL);
    CHECK_EQ(aspace_init_shared(&s, &space_kernel, &tables_source), MM_OK);
    aspace_activate(&s);
    check_large(t, &s, 6 * MIB, ASPACE_USER);
    aspace_activate(&space_kernel);
    aspace_destroy(&s);
    TEST_END;
}

struct count {
    uint64_t leaves[3]; /* 4 KiB, 2 MiB, 1 GiB */
    uint64_t odd_type;  /* not write-back outside the device window */
    uint64_t low, write_execute, user, executable_outside;
    uint64_t ram;     /* pages of the direct map */
    uint64_t not_ram; /* of these, pages at a wrong place or that are no RAM */
    uint64_t scratch; /* leaves that were to be there for a while */
    hal_vaddr_t last;
};

/* Is all of it RAM by the map of memory? */
static bool is_ram(hal_paddr_t at, hal_paddr_t end)
{
    while (at < end) {
        const struct mem_region *r = memmap_find(&memory_map, at);
        if (r == NULL || !space_holds(r))
            return false;
        at = mem_region_end(r);
    }
    return true;
}

/* Executable memory is not writable by way of the direct map either. */
static void meet_text(void *ctx, const struct walk_leaf *leaf)
{
    uint64_t *writable = ctx;
    if ((leaf->bits & WALK_EXECUTE) == 0 || leaf->virt < image.base)
        return;
    *writable += walk_may_write(SPACE_DIRECT + leaf->phys);
}

static void count_leaf(void *ctx, const struct walk_leaf *leaf)
{
    struct count *c = ctx;
    bool executable = (leaf->bits & WALK_EXECUTE) != 0;
    bool direct = leaf->virt - SPACE_DIRECT < SPACE_DIRECT_SIZE;
    c->leaves[leaf->size == HAL_PAGE_SIZE ? 0 : leaf->size == GIB ? 2 : 1]++;
    c->low += leaf->virt < SPACE_DIRECT || leaf->virt < c->last;
    c->last = leaf->virt + leaf->size - 1;
    c->write_execute += executable && (leaf->bits & WALK_WRITE) != 0;
    c->odd_type += (leaf->type[0] != 'W' || leaf->type[1] != 'B') &&
                   (leaf->virt < SPACE_DEVICES || leaf->virt >= SPACE_STACKS);
    c->scratch += leaf->virt >= SPACE_SCRATCH && leaf->virt < IMAGE_WINDOW;
    c->user += (leaf->bits & WALK_USER) != 0;
    c->executable_outside += executable && leaf->virt < image.base;
    if (!direct)
        return;
    bool good = leaf->virt - SPACE_DIRECT == leaf->phys &&
                (is_ram(leaf->phys, leaf->phys + leaf->size) || leaf->phys < MIB);
    c->ram += leaf->size / HAL_PAGE_SIZE;
    c->not_ram += good ? 0 : leaf->size / HAL_PAGE_SIZE;
}

/* Pages of RAM by the map of memory, and the trampoline's page. */
static uint64_t ram_pages(void)
{
    uint64_t pages = 0;
    for (size_t i = 0; i < memory_map.count; i++) {
        const struct mem_region *r = &memory_map.regions[i];
        if (space_holds(r))
            pages += (hal_min_u64(mem_region_end(r), SPACE_DIRECT_SIZE) - r->base) / HAL_PAGE_SIZE;
        else if (r->base < MIB && r->label != NULL && r->label != space_null_label)
            pages++;
    }
    return pages;
}

struct types {
    const char *screen;
    uint64_t devices, cached; /* other leaves of the device window; those that are not uncached */
};

static void note_type(void *ctx, const struct walk_leaf *leaf)
{
    struct types *types = ctx;
    if (space_devices[DEVICE_SCREEN].base - leaf->virt < leaf->size)
        types->screen = leaf->type;
    if (leaf->virt < SPACE_DEVICES || leaf->virt >= SPACE_DEVICES + 64 * GIB ||
        leaf->virt / GIB == space_devices[DEVICE_SCREEN].base / GIB)
        return;
    types->devices++;
    types->cached += leaf->type[0] != 'U' || leaf->type[1] != 'C' || leaf->type[2] != '\0';
}

TEST("space.the screen is write-combining, all other devices are uncached")
{
    struct types types = {.screen = NULL};
    walk_live(note_type, &types);
    CHECK_EQ(types.cached, 0);
    CHECK(types.devices > 0 || space_devices[DEVICE_INTERRUPTS].size == 0);
    if (space_devices[DEVICE_SCREEN].size != 0)
        CHECK_STR(types.screen, hal_paging_features().pat ? "WC" : "UC-");
    TEST_END;
}

TEST("space.the live tables hold all RAM once, nothing W+X, no low half")
{
    struct count c = {.last = 0};
    walk_live(count_leaf, &c);
    CHECK_EQ(c.low, 0);
    CHECK_EQ(c.user, 0);
    CHECK_EQ(c.scratch, 0);
    CHECK_EQ(c.odd_type, 0);
    CHECK_EQ(c.not_ram, 0);
    CHECK_EQ(c.ram, ram_pages());
    for (unsigned i = 0; i < ARRAY_LEN(c.leaves); i++)
        CHECK_EQ(c.leaves[i], space_kernel.tree.stats.pages[i]);
    if (hal_paging_features().nx) {
        CHECK_EQ(c.write_execute, 0);
        CHECK_EQ(c.executable_outside, 0);
    }
    uint64_t writable_text = 0;
    walk_live(meet_text, &writable_text);
    CHECK(writable_text == 0 || !hal_paging_features().nx);
    CHECK(c.leaves[2] == 0 || hal_paging_features().pages_1g);
    CHECK_STR(aspace_check(&space_kernel), NULL);
    TEST_END;
}

#define SPACES  3u
#define USER_AT ((hal_vaddr_t)0x400000)

static struct aspace spaces[SPACES];

/* Each shows its own page at one address; and the same page of the kernel's half. */
TEST("space.several spaces show their own pages at one address")
{
    static const char where[] = "user half";
    hal_paddr_t pages = pmm_alloc(memory_pmm, SPACES, 0);
    uint64_t tables = tables_in_use();
    uint64_t spare = tables_spare();
    CHECK(tables_complete());
    if (!CHECK(pages != HAL_PADDR_NONE))
        return;
    for (unsigned i = 0; i < SPACES; i++) {
        hal_paddr_t page = pages + i * HAL_PAGE_SIZE;
        *(volatile uint32_t *)hal_phys_to_virt(page) = 100 + i;
        CHECK_EQ(aspace_init_shared(&spaces[i], &space_kernel, &tables_source), MM_OK);
        CHECK_EQ(aspace_map(&spaces[i], USER_AT, page, HAL_PAGE_SIZE, ASPACE_W | ASPACE_USER),
                 MM_OK);
    }
    CHECK_EQ(aspace_map(&space_kernel, SPACE_SCRATCH, pages, HAL_PAGE_SIZE, ASPACE_R), MM_OK);
    for (unsigned i = SPACES; i-- > 0;) {
        aspace_activate(&spaces[i]);
        CHECK(can_read(USER_AT) && *word(USER_AT) == 100 + i);
        CHECK(can_read(SPACE_SCRATCH) && *word(SPACE_SCRATCH) == 100);
        CHECK_EQ(aspace_unmap(&spaces[i], USER_AT, HAL_PAGE_SIZE), MM_OK);
        check_fault(t, USER_AT, READING, where, "");
        CHECK(!fault_report_path(USER_AT)); /* nothing is told of tables that are not ours */
    }
    aspace_activate(&space_kernel);
    for (unsigned i = 0; i < SPACES; i++)
        aspace_destroy(&spaces[i]);
    CHECK_EQ(aspace_unmap(&space_kernel, SPACE_SCRATCH, HAL_PAGE_SIZE), MM_OK);
    CHECK_EQ(tables_in_use(), tables);
    CHECK_EQ(tables_spare(), spare);
    CHECK_EQ(pmm_free(memory_pmm, pages, SPACES), MM_OK);
    TEST_END;
}

static uint64_t free_pages(void)
{
    uint64_t sum = 0;
    pmm_drain(memory_pmm);
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        struct pmm_stats s;
        pmm_stats(memory_pmm, (enum pmm_zone)z, &s);
        sum += s.free;
    }
    return sum;
}

/* Pages of every size, at places that share no table; one is split. The mapped memory is not
 * touched. */
static void fill_space(struct test_state *t, struct aspace *s)
{
    CHECK_EQ(aspace_map(s, USER_AT, image.phys, HAL_PAGE_SIZE, ASPACE_R), MM_OK);
    CHECK_EQ(aspace_map(s, 4 * GIB, 2 * GIB, 2 * GIB, ASPACE_W | ASPACE_USER), MM_OK);
    CHECK_EQ(aspace_unmap(s, 4 * GIB + HAL_PAGE_SIZE, HAL_PAGE_SIZE), MM_OK);
    for (unsigned i = 1; i <= 8; i++)
        CHECK_EQ(aspace_map(s, i * TIB, image.phys, HAL_PAGE_SIZE, ASPACE_X), MM_OK);
}

TEST("space.a hundred spaces leave the pool as it was")
{
    uint64_t tables = tables_in_use();
    uint64_t spare = tables_spare();
    uint64_t before = free_pages();
    uint64_t rounds = 0;
    for (; rounds < 100; rounds++) {
        CHECK_EQ(aspace_init_shared(&spaces[0], &space_kernel, &tables_source), MM_OK);
        fill_space(t, &spaces[0]);
        if (rounds % 10 == 0) {
            aspace_activate(&spaces[0]);
            CHECK_STR(aspace_check(&spaces[0]), NULL);
            CHECK(can_read(USER_AT) && *word(USER_AT) == *word(image.base));
            aspace_activate(&space_kernel);
        }
        aspace_destroy(&spaces[0]);
        if (t->failures != 0)
            return;
    }
    CHECK_EQ(tables_in_use(), tables);
    CHECK_EQ(tables_spare(), spare);
    CHECK_EQ(free_pages(), before);
    CHECK_STR(aspace_check(&space_kernel), NULL);
    CHECK_STR(pmm_check(memory_pmm), NULL);
    TEST_END;
}

TEST_SUITE(space);
