/* The tables of the first moments (kernel/early/first_tables.h) and the walker that looks at all tables
 * (tests/kernel/walk.h), on the desk: also with 5 levels and without NX, which no emulator here starts
 * with. The walker judges mm/aspace's tables as well.
 *
 * needs: kernel/early/first_tables.c tests/kernel/x86_64/walk.c kernel/early/pe.c tests/test.c
 */
#include "hal/cpu.h"
#include "hal/host/host.h"
#include "hal/short.h"
#include "kernel/early/first_tables.h"
#include "kernel/early/pool.h"
#include "tests/kernel/walk.h"
#include "mm/aspace.h"
#include "tests/desk_suite.h"
#include "tests/test.h"

#include <string.h>

#define POOL_AT  ((hal_paddr_t)0x100000)
#define THEIRS   ((hal_paddr_t)0x80000) /* the firmware's tables: a root, and what it names */
#define PHYS     ((hal_paddr_t)0x7654000)
#define PAGES    9u
#define RUNS_MAX 64u

static unsigned taken;

hal_paddr_t pool_take(void)
{
    return POOL_AT + taken++ * HAL_PAGE_SIZE; /* with any contents */
}

void pool_give(hal_paddr_t page)
{
    UNUSED(page);
    taken--;
}

static uint64_t *words(hal_paddr_t at)
{
    return hal_phys_to_virt(at);
}

/* As a port with one root for both halves. */
void cpu_keep_lower_half(hal_paddr_t root)
{
    for (unsigned i = 0; i < 512; i++)
        words(root)[i] |= i < 256 ? words(hal_root())[i] : 0; /* it comes empty */
}

static struct walk_leaf leaves[RUNS_MAX];
static unsigned leaf_count;

static void see(void *ctx, const struct walk_leaf *leaf)
{
    UNUSED(ctx);
    if (leaf_count < RUNS_MAX)
        leaves[leaf_count] = *leaf;
    leaf_count++;
}

static void look(void)
{
    leaf_count = 0;
    walk_live(see, NULL);
}

/* The firmware maps 1 GiB at 1 GiB, executable, and something in its upper half. */
static void begin(unsigned levels, bool nx)
{
    struct hal_paging cpu = {.nx = nx,
                             .pages_1g = true,
                             .pat = true,
                             .global = true,
                             .levels = (uint8_t)levels,
                             .phys_bits = 46};
    host_ram_create(16 * MIB);
    host_set_paging(&cpu);
    taken = 0;
    memset(words(POOL_AT), 0xA7, 64 * HAL_PAGE_SIZE);
    for (unsigned i = 0; i + 3 < levels; i++)
        words(THEIRS + i * HAL_PAGE_SIZE)[0] = (THEIRS + (i + 1) * HAL_PAGE_SIZE) | 7;
    words(THEIRS + (levels - 3) * HAL_PAGE_SIZE)[1] = GIB | 0x83;
    words(THEIRS)[300] = words(THEIRS)[0];
    words(THEIRS)[511] = words(THEIRS)[0];
    hal_load_root(THEIRS);
}

static bool is_leaf(unsigned i, hal_vaddr_t virt, hal_paddr_t phys, uint64_t size, uint32_t bits,
                    const char *type)
{
    const struct walk_leaf *l = &leaves[i];
    return i < leaf_count && l->virt == virt && l->phys == phys && l->size == size &&
           l->bits == bits && strcmp(l->type, type) == 0;
}

static void check_build(struct test_state *t, unsigned levels, bool nx, hal_vaddr_t base)
{
    static const struct pe_section sections[] = {
        {.address = 0x1000, .virtual_size = 0x1800, .flags = PE_EXECUTE},
        {.address = 0x4000, .virtual_size = 0x1000},
        {.address = 0x5000, .virtual_size = 0x10, .raw_size = 0x2200, .flags = PE_WRITE},
    };
    static const uint32_t allowed[PAGES] = {
        0, WALK_EXECUTE, WALK_EXECUTE, ~0u, 0, WALK_WRITE, WALK_WRITE, WALK_WRITE, ~0u,
    };
    struct pe_image image = {.sections = sections, .section_count = ARRAY_LEN(sections)};
    struct first_tables f;
    uint32_t always = nx ? 0 : WALK_EXECUTE;
    begin(levels, nx);
    first_build(&f, base, PHYS, PAGES * HAL_PAGE_SIZE);
    CHECK_EQ(hal_root(), THEIRS);
    CHECK_EQ(taken, levels);
    hal_load_root(f.pages[0]);
    look();
    CHECK_EQ(leaf_count, 1 + PAGES);
    CHECK(is_leaf(0, GIB, GIB, GIB, WALK_WRITE | WALK_EXECUTE, "WB"));
    for (unsigned i = 0; i < PAGES; i++)
        CHECK(is_leaf(1 + i, base + i * HAL_PAGE_SIZE, PHYS + i * HAL_PAGE_SIZE, HAL_PAGE_SIZE,
                      WALK_WRITE | always, "WB"));
    first_protect(&f, &image);
    look();
    unsigned at = 1;
    for (unsigned i = 0; i < PAGES; i++)
        if (allowed[i] != ~0u)
            CHECK(is_leaf(at++, base + i * HAL_PAGE_SIZE, PHYS + i * HAL_PAGE_SIZE, HAL_PAGE_SIZE,
                          allowed[i] | always, "WB"));
    CHECK_EQ(leaf_count, at);
    uint64_t entries[WALK_LEVELS];
    CHECK_EQ(walk_path(base + 0x4000, entries), levels);
    CHECK_EQ(entries[levels - 1] >> 63, nx); /* reserved where there is no NX: a fault */
    first_forget(&f);
    CHECK_EQ(taken, 0);
    CHECK_EQ(f.count, 0);
}

TEST("first.the image alone above, the firmware's half below, by section after protect")
{
    const hal_vaddr_t bases[] = {
        0xFFFFFFFF80000000u,                         /* the lowest */
        0xFFFFFFFFC0000000u - PAGES * HAL_PAGE_SIZE, /* up to the end of a table of tables */
        0xFFFFFFFFFFE00000u - PAGES * HAL_PAGE_SIZE, /* the highest */
        0xFFFFFFFFC0000000u,
    };
    for (unsigned i = 0; i < ARRAY_LEN(bases); i++) {
        check_build(t, 4, true, bases[i]);
        check_build(t, 5, true, bases[i]);
        check_build(t, 4, false, bases[i]);
        check_build(t, 5, false, bases[i]);
    }
    TEST_END;
}

static hal_paddr_t give_page(void *ctx)
{
    UNUSED(ctx);
    return pool_take();
}

static void take_page(void *ctx, hal_paddr_t page)
{
    UNUSED(ctx);
    pool_give(page);
}

/* What mm/aspace makes is what the walker reads: every size, right and memory type. */
static void check_aspace(struct test_state *t, unsigned levels)
{
    static const struct page_source source = {give_page, take_page, NULL};
    struct aspace as;
    const hal_vaddr_t up = 0xFFFF800000000000u;
    begin(levels, true);
    CHECK_EQ(aspace_init(&as, &source), MM_OK);
    CHECK_EQ(aspace_map(&as, 0x5000, 0x123000, HAL_PAGE_SIZE, ASPACE_X | ASPACE_USER), MM_OK);
    CHECK_EQ(aspace_map(&as, up, 0x40000000, GIB + 2 * MIB, ASPACE_W | ASPACE_GLOBAL), MM_OK);
    CHECK_EQ(aspace_map(&as, up + TIB, 0x200000, 2 * MIB, ASPACE_W | ASPACE_WC), MM_OK);
    CHECK_EQ(aspace_map(&as, 0xFFFFFFFFFFFFF000u, 0x7000, HAL_PAGE_SIZE, ASPACE_UC), MM_OK);
    CHECK_EQ(aspace_map(&as, 0xFFFFFFFFFFFFD000u, 0x9000, HAL_PAGE_SIZE, ASPACE_WC), MM_OK);
    aspace_activate(&as);
    look();
    CHECK_EQ(leaf_count, 6);
    CHECK(is_leaf(0, 0x5000, 0x123000, HAL_PAGE_SIZE, WALK_EXECUTE | WALK_USER, "WB"));
    CHECK(is_leaf(1, up, 0x40000000, GIB, WALK_WRITE | WALK_GLOBAL, "WB"));
    CHECK(is_leaf(2, up + GIB, 0x80000000, 2 * MIB, WALK_WRITE | WALK_GLOBAL, "WB"));
    CHECK(is_leaf(3, up + TIB, 0x200000, 2 * MIB, WALK_WRITE, "WC"));
    CHECK(is_leaf(4, 0xFFFFFFFFFFFFD000u, 0x9000, HAL_PAGE_SIZE, 0, "WC"));
    CHECK(is_leaf(5, 0xFFFFFFFFFFFFF000u, 0x7000, HAL_PAGE_SIZE, 0, "UC"));
    uint64_t entries[WALK_LEVELS];
    CHECK_EQ(walk_path(up + 5 * MIB, entries), levels - 2);
    CHECK_EQ(entries[levels - 3] & 0xFFFFFF000u, 0x40000000);
    CHECK_EQ(walk_path(0x6000, entries), levels);
    CHECK_EQ(entries[levels - 1], 0);
    CHECK_EQ(walk_path(64 * TIB, entries), levels - 3);
    hal_load_root(THEIRS);
    aspace_destroy(&as);
}

/* Of the firmware's 1 GiB page: PWT, PCD and PAT (bits 3, 4, 12) choose an entry of the PAT. */
static void check_types(struct test_state *t)
{
    static const struct {
        uint64_t bits;
        const char *type;
    } rows[] = {{0, "WB"},      {0x8, "WT"},     {0x10, "UC-"},   {0x18, "UC"},
                {0x1000, "WC"}, {0x1008, "odd"}, {0x1010, "odd"}, {0x1018, "odd"}};
    begin(4, true);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        words(THEIRS + HAL_PAGE_SIZE)[1] = GIB | 0x83 | rows[i].bits;
        look();
        CHECK(is_leaf(0, GIB, GIB, GIB, WALK_WRITE | WALK_EXECUTE, rows[i].type));
    }
}

TEST("first.the walker reads every size, right and memory type")
{
    check_aspace(t, 4);
    check_aspace(t, 5);
    check_types(t);
    TEST_END;
}

TEST_SUITE(first);

int main(void)
{
    return desk_suite_run(&first_suite);
}
