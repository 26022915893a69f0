/* mm/aspace against a plain list of pages, on the machine itself: after each random call the space
 * is what the list says, as the CPU reads its tables. (The desk does much more of this, with
 * another size of `long`.) */
#include "hal/short.h"
#include "mm/aspace.h"
#include "hal/hal.h"
#include "tests/kernel/selftest.h"
#include "kernel/memory/space.h"
#include "kernel/memory/tables.h"
#include "tests/kernel/walk.h"

#define PAGES  1536u                            /* three 2 MiB pages */
#define BLOCK  512u                             /* pages of one */
#define WINDOW ((hal_vaddr_t)GIB - 2 * MIB)     /* two page directories meet inside */
#define FRAMES ((hal_paddr_t)2 * GIB + 2 * MIB) /* what is mapped is never read */
#define CALLS  250u

struct page {
    uint32_t frame; /* 0: not mapped */
    uint8_t prot;
    bool large; /* seen as part of a 2 MiB page */
};

static struct page want[PAGES], seen[PAGES];
static struct aspace space;
static uint64_t state;

static uint32_t random_below(uint32_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % limit;
}

static void see(void *ctx, const struct walk_leaf *leaf)
{
    uint64_t *outside = ctx;
    for (uint64_t at = 0; at < leaf->size && leaf->virt < SPACE_DIRECT; at += HAL_PAGE_SIZE) {
        uint64_t i = (leaf->virt + at - WINDOW) / HAL_PAGE_SIZE;
        if (i >= PAGES) {
            (*outside)++;
            return;
        }
        uint32_t prot = (leaf->bits & WALK_WRITE) != 0 ? ASPACE_W : ASPACE_R;
        prot |= hal_paging_features().nx && (leaf->bits & WALK_EXECUTE) != 0 ? ASPACE_X : 0;
        prot |= (leaf->bits & WALK_USER) != 0 ? ASPACE_USER : 0;
        seen[i] = (struct page){(uint32_t)((leaf->phys + at) / HAL_PAGE_SIZE), (uint8_t)prot,
                                leaf->size == 2 * MIB};
    }
}

/* Must these 512 pages be one? */
static bool is_whole(const struct page *block)
{
    for (unsigned i = 0; i < BLOCK; i++)
        if (block[i].frame != block[0].frame + i || block[i].prot != block[0].prot)
            return false;
    return block[0].frame != 0 && block[0].frame % BLOCK == 0;
}

static bool same(const struct page *a, const struct page *b)
{
    uint32_t visible = hal_paging_features().nx ? ~0u : ~ASPACE_X;
    return a->frame == b->frame && (a->prot & visible) == (b->prot & visible);
}

/* Pages that the CPU sees differently, or in pages of another size than they should be. */
static uint64_t differences(void)
{
    uint64_t wrong = 0;
    for (unsigned i = 0; i < PAGES; i++)
        seen[i] = (struct page){0, 0, false};
    walk_live(see, &wrong);
    for (unsigned block = 0; block < PAGES; block += BLOCK) {
        bool whole = is_whole(&want[block]);
        for (unsigned i = block; i < block + BLOCK; i++)
            wrong += !same(&want[i], &seen[i]) || seen[i].large != whole;
    }
    return wrong;
}

struct call {
    uint32_t first, end; /* pages */
    uint32_t frame;
    uint8_t prot;
    uint32_t kind; /* 0 map, 1 unmap, 2 protect */
};

/* Mostly one that must succeed: to the next page that is mapped, or is not, as the first one. */
static struct call random_call(void)
{
    static const uint8_t prots[] = {ASPACE_R, ASPACE_W, ASPACE_X, ASPACE_W | ASPACE_USER};
    uint32_t step = random_below(4) == 0 ? 1 : BLOCK;
    bool fits = random_below(8) != 0;
    struct call c = {.first = random_below(PAGES / step) * step, .kind = random_below(3)};
    bool mapped = want[c.first].frame != 0;
    if (fits)
        c.kind = mapped ? random_below(4) == 0 ? 1 : 2 : 0;
    uint32_t most = c.first + (1 + random_below((PAGES - c.first) / step)) * step;
    for (c.end = c.first + 1; c.end < most; c.end++)
        if (fits && (want[c.end].frame != 0) != mapped)
            break;
    c.frame = (uint32_t)(FRAMES / HAL_PAGE_SIZE) + c.first + (random_below(8) == 0 ? 1 : 0);
    c.prot = prots[random_below(ARRAY_LEN(prots))];
    return c;
}

/* What must become of it by the list; which is changed only where the answer is MM_OK. */
static mm_status_t foretell(const struct call *c)
{
    for (uint32_t i = c->first; i < c->end; i++)
        if ((want[i].frame != 0) == (c->kind == 0))
            return c->kind == 0 ? MM_OVERLAP : MM_UNMAPPED;
    for (uint32_t i = c->first; i < c->end; i++) {
        if (c->kind != 2)
            want[i].frame = c->kind == 0 ? c->frame + i - c->first : 0;
        want[i].prot = c->kind == 1 ? 0 : c->prot;
    }
    return MM_OK;
}

static mm_status_t make(const struct call *c)
{
    hal_vaddr_t at = WINDOW + c->first * HAL_PAGE_SIZE;
    uint64_t size = (c->end - c->first) * HAL_PAGE_SIZE;
    if (c->kind == 0)
        return aspace_map(&space, at, c->frame * HAL_PAGE_SIZE, size, c->prot);
    return c->kind == 1 ? aspace_unmap(&space, at, size)
                        : aspace_protect(&space, at, size, c->prot);
}

TEST("aspace.random calls leave what a plain list says")
{
    uint64_t tables = tables_in_use();
    uint64_t good = 0;
    state = 0x9E3779B97F4A7C15u;
    __builtin_memset(want, 0, sizeof want); /* the monitor runs this again */
    if (!CHECK(aspace_init_shared(&space, &space_kernel, &tables_source) == MM_OK))
        return;
    aspace_activate(&space);
    for (unsigned i = 0; i < CALLS && t->failures == 0; i++) {
        struct call c = random_call();
        mm_status_t expected = foretell(&c);
        good += expected == MM_OK;
        CHECK_EQ(make(&c), expected);
        CHECK_EQ(differences(), 0);
        CHECK_STR(aspace_check(&space), NULL);
    }
    aspace_activate(&space_kernel);
    CHECK(good > CALLS / 2 && space.tree.stats.splits > 9 && space.tree.stats.merges > 9);
    aspace_destroy(&space);
    CHECK_EQ(tables_in_use(), tables);
    TEST_END;
}

TEST_SUITE(aspace);
