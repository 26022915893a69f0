/* All CPUs at once, on the machine itself: that each runs what it is given, is set up like the
 * first one, drops translations that another CPU takes away (A4 of mm/aspace.h), and that the page
 * allocator keeps every page apart and loses none while all of them use it. With one CPU the same
 * holds of one. */
#include "hal/cpu.h"
#include "hal/short.h"
#include "kernel/cpus/calls.h"
#include "kernel/cpus/cpus.h"
#include "kernel/cpus/shootdown.h"
#include "kernel/machine/platform.h"
#include "kernel/memory/memory.h"
#include "kernel/memory/space.h"
#include "kernel/memory/tables.h"
#include "mm/aspace.h"
#include "tests/kernel/selftest.h"

#define REMAPS 40u
#define ROUNDS 3u
#define STEPS  6000u /* of all CPUs together in a round: an emulated CPU is slow */
#define HELD   24u
#define SHARED 64u

static uint32_t *seen; /* by CPU */

static bool take_seen(void)
{
    seen = test_memory(cpus_count() * sizeof *seen);
    for (uint32_t i = 0; seen != NULL && i < cpus_count(); i++)
        seen[i] = 0;
    return seen != NULL;
}

static void count_here(void *arg)
{
    UNUSED(arg);
    seen[hal_cpu_index()]++;
}

TEST("cpus.each CPU that runs does a job once, and answers a call once")
{
    if (!CHECK(take_seen()))
        return;
    cpus_run(count_here, NULL);
    for (uint32_t i = 0; i < cpus_count(); i++)
        CHECK_EQ(seen[i], cpus_is_running(i));
    CHECK_EQ(calls_run(NULL, count_here, NULL), cpus_running() - 1);
    for (uint32_t i = 0; i < cpus_count(); i++)
        CHECK_EQ(seen[i], i == 0 ? 1 : 2 * (uint32_t)cpus_is_running(i));
    for (uint32_t i = 0; i < cpus_count(); i++)
        CHECK_EQ(cpus_run_on(i, count_here, NULL), cpus_is_running(i));
    TEST_END;
}

/* Registers that differ from the first CPU's; of those that hold addresses only that they are set.
 */
static struct cpu_register first_cpu[CPU_REGISTERS];
static size_t registers;

static bool is_own(const char *name)
{
    return name[0] == 'c' && name[1] == 'r' && name[2] == '2';
}

static void compare_registers(void *arg)
{
    struct cpu_register here[CPU_REGISTERS];
    UNUSED(arg);
    size_t n = cpu_control_registers(here);
    uint32_t differ = n != registers;
    for (size_t i = 0; i < n && i < registers; i++)
        differ += !is_own(here[i].name) && here[i].value != first_cpu[i].value;
    seen[hal_cpu_index()] = differ;
}

TEST("cpus.each CPU has the control registers of the first")
{
    if (!CHECK(take_seen()))
        return;
    registers = cpu_control_registers(first_cpu);
    CHECK(registers > 0);
    cpus_run(compare_registers, NULL);
    for (uint32_t i = 0; i < cpus_count(); i++)
        CHECK_EQ(seen[i], 0);
    TEST_END;
}

static void look_at_stack(void *arg)
{
    volatile uint8_t here = 0;
    struct space_stack_place p;
    UNUSED(arg);
    hal_vaddr_t at = (hal_vaddr_t)(uintptr_t)&here;
    seen[hal_cpu_index()] = space_stack_at(at, &p) && p.mapped ? p.cpu + 1 : 0;
}

TEST("cpus.each CPU runs on a stack of its own, between guard pages")
{
    struct space_stack_place p;
    if (!CHECK(take_seen()))
        return;
    cpus_run(look_at_stack, NULL);
    for (uint32_t i = 0; i < cpus_count(); i++) {
        if (!cpus_is_running(i))
            continue;
        CHECK_EQ(seen[i], i + 1);
        for (unsigned which = 0; which < STACK_COUNT; which++) {
            hal_vaddr_t slot =
                SPACE_STACKS + ((uint64_t)i * STACK_COUNT + which) * SPACE_STACK_SLOT;
            CHECK(space_stack_at(slot, &p) && !p.mapped && p.cpu == i);
            CHECK(space_stack_at(slot + SPACE_STACK_SLOT - HAL_PAGE_SIZE, &p) && !p.mapped);
            CHECK(space_stack_at(slot + SPACE_STACK_SLOT - HAL_PAGE_SIZE - 8, &p) && p.mapped);
        }
    }
    TEST_END;
}

static void raise_trap(void *arg)
{
    *(volatile uint32_t *)arg = 0;
}

static void try_trap(void *arg)
{
    bool ended = !cpu_try(raise_trap, arg);
    seen[hal_cpu_index()] = ended && trap_caught().address == (hal_vaddr_t)(uintptr_t)arg;
}

TEST("cpus.all CPUs can be trapped at once, each on its own")
{
    if (!CHECK(take_seen()))
        return;
    cpus_run(try_trap, (void *)(uintptr_t)SPACE_SCRATCH);
    for (uint32_t i = 0; i < cpus_count(); i++)
        CHECK_EQ(seen[i], cpus_is_running(i));
    TEST_END;
}

static void read_there(void *arg)
{
    seen[hal_cpu_index()] = *(const volatile uint32_t *)arg;
}

/* Every CPU has read through the old translation before it is taken away. */
TEST("cpus.no CPU keeps a translation that another one took away")
{
    hal_vaddr_t at = SPACE_SCRATCH + 8 * MIB;
    hal_paddr_t page[2] = {pmm_alloc(memory_pmm, 1, 0), pmm_alloc(memory_pmm, 1, 0)};
    if (!CHECK(take_seen()) || !CHECK(page[0] != HAL_PADDR_NONE && page[1] != HAL_PADDR_NONE))
        return;
    uint64_t rounds = shootdown_stats().rounds;
    for (uint32_t i = 0; i < REMAPS; i++) {
        hal_paddr_t now = page[i % 2];
        *(volatile uint32_t *)hal_phys_to_virt(now) = 1000 + i;
        CHECK_EQ(space_map(at, now, HAL_PAGE_SIZE, ASPACE_R | ASPACE_GLOBAL), MM_OK);
        cpus_run(read_there, (void *)(uintptr_t)at);
        for (uint32_t c = 0; c < cpus_count(); c++)
            CHECK_EQ(seen[c], cpus_is_running(c) ? 1000 + i : 0);
        CHECK_EQ(space_unmap(at, HAL_PAGE_SIZE), MM_OK);
    }
    bool asked = cpus_running() > 1 && !cpu_flushes_everywhere();
    CHECK_EQ(shootdown_stats().rounds - rounds, asked ? REMAPS : 0);
    for (unsigned i = 0; i < 2; i++)
        CHECK_EQ(pmm_free(memory_pmm, page[i], 1), MM_OK);
    TEST_END;
}

/* --- only CPUs that may hold a translation are asked --- */

#define LOWER ((hal_vaddr_t)GIB)

static struct aspace two[2]; /* spaces that share the kernel's half */

static void enter_space(void *arg)
{
    aspace_activate(arg);
}

static bool make_two(hal_paddr_t page)
{
    bool made = true;
    for (unsigned i = 0; i < 2; i++) {
        hal_irq_t irq = space_lock();
        made &= aspace_init_shared(&two[i], &space_kernel, &tables_source) == MM_OK;
        space_unlock(irq);
        made &= aspace_map(&two[i], LOWER, page, 64 * HAL_PAGE_SIZE, ASPACE_W) == MM_OK;
    }
    return made;
}

static void drop_two(void)
{
    hal_irq_t irq = space_lock();
    for (unsigned i = 0; i < 2; i++)
        aspace_destroy(&two[i]);
    space_unlock(irq);
}

/* How many CPUs a shootdown for this root and range asks. */
static uint64_t asks(hal_paddr_t root, hal_vaddr_t base, uint64_t size)
{
    uint64_t before = shootdown_stats().asked;
    hal_tlb_shootdown(root, base, size);
    return shootdown_stats().asked - before;
}

TEST("cpus.a shootdown asks the CPUs that may hold the translations, and no other")
{
    if (cpu_flushes_everywhere())
        SKIP("flushes reach all CPUs here, so none is asked");
    hal_paddr_t page = pmm_alloc(memory_pmm, 64, 0);
    uint32_t others = cpus_running() - 1;
    if (!CHECK(page != HAL_PADDR_NONE) || !CHECK(make_two(page)))
        return;
    hal_paddr_t root[2] = {aspace_root(&two[0]), aspace_root(&two[1])};
    CHECK_EQ(asks(root[0], LOWER, HAL_PAGE_SIZE), 0);
    for (uint32_t i = 1; i < cpus_count();
         i++) /* CPU 1 in one space, all others in the other one */
        CHECK_EQ(cpus_run_on(i, enter_space, &two[i == 1 ? 0 : 1]), cpus_is_running(i));
    uint64_t in_first = cpus_is_running(1);
    CHECK_EQ(asks(root[0], LOWER, HAL_PAGE_SIZE), in_first);
    CHECK_EQ(asks(root[1], LOWER, HAL_PAGE_SIZE), others - in_first);
    CHECK_EQ(asks(root[0], LOWER, 0), in_first);
    CHECK_EQ(asks(root[0], SPACE_SCRATCH, HAL_PAGE_SIZE), others); /* the shared half */
    CHECK_EQ(asks(root[0], SPACE_SCRATCH, 0), others);
    for (uint32_t i = 1; i < cpus_count(); i++)
        CHECK_EQ(cpus_run_on(i, enter_space, &space_kernel), cpus_is_running(i));
    CHECK_EQ(asks(root[0], LOWER, 0) + asks(root[1], LOWER, 0), 0);
    drop_two();
    CHECK_EQ(pmm_free(memory_pmm, page, 64), MM_OK);
    TEST_END;
}

/* What another CPU reads in the lower half of a space, before and after it is changed from here. */
TEST("cpus.no CPU keeps a translation of a space that it runs in")
{
    uint64_t pages[2] = {pmm_alloc(memory_pmm, 64, 0), pmm_alloc(memory_pmm, 64, 0)};
    if (!CHECK(take_seen()) || !CHECK(pages[0] != HAL_PADDR_NONE && pages[1] != HAL_PADDR_NONE) ||
        !CHECK(make_two(pages[0])))
        return;
    for (unsigned i = 0; i < REMAPS / 2; i++)
        for (unsigned k = 0; k < 2; k++)
            *(volatile uint32_t *)hal_phys_to_virt(pages[k] + i * HAL_PAGE_SIZE) =
                100 * (k + 1) + i;
    cpus_run(enter_space, &two[0]);
    for (unsigned i = 0; i < REMAPS / 2; i++) {
        hal_vaddr_t at = LOWER + i * HAL_PAGE_SIZE;
        cpus_run(read_there, (void *)(uintptr_t)at);
        for (uint32_t c = 0; c < cpus_count(); c++)
            CHECK_EQ(seen[c], cpus_is_running(c) ? 100 + i : 0);
        CHECK_EQ(aspace_unmap(&two[0], at, HAL_PAGE_SIZE), MM_OK);
        CHECK_EQ(aspace_map(&two[0], at, pages[1] + i * HAL_PAGE_SIZE, HAL_PAGE_SIZE, ASPACE_R),
                 MM_OK);
        cpus_run(read_there, (void *)(uintptr_t)at);
        for (uint32_t c = 0; c < cpus_count(); c++)
            CHECK_EQ(seen[c], cpus_is_running(c) ? 200 + i : 0);
    }
    cpus_run(enter_space, &space_kernel);
    drop_two();
    for (unsigned i = 0; i < 2; i++)
        CHECK_EQ(pmm_free(memory_pmm, pages[i], 64), MM_OK);
    TEST_END;
}

/* --- the kernel's space is edited by all CPUs at once --- */

/* An unmap asks every other CPU: with many CPUs, where each editing would take as many answers as their square,
 * some edit and the others answer. */
#define EDITS   160u  /* of all together */
#define ANSWERS 2048u /* to all of these */

static uint32_t apart; /* CPUs 0, apart, 2 * apart and so on edit */
static uint32_t edits; /* each of them */

static void share_edits(void)
{
    uint32_t all = cpus_count();
    uint32_t most = (uint32_t)hal_min_u64(EDITS, ANSWERS / all + 2);
    apart = (all + most - 1) / most;
    edits = most / ((all + apart - 1) / apart);
}

/* Of CPUs that run. */
static uint32_t count_edits(void)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < cpus_count(); i += apart)
        sum += cpus_is_running(i) ? edits : 0;
    return sum;
}

/* Each maps a page of its own at addresses whose tables it shares with its neighbours. */
static void edit_here(void *arg)
{
    uint32_t self = hal_cpu_index(), wrong = 0;
    UNUSED(arg);
    if (self % apart != 0)
        return;
    hal_paddr_t page = pmm_alloc(memory_pmm, 1, 0);
    for (uint32_t i = 0; page != HAL_PADDR_NONE && i < edits; i++) {
        hal_vaddr_t at =
            SPACE_SCRATCH + 64 * MIB + (uint64_t)(i % 8) * 2 * MIB + self * HAL_PAGE_SIZE;
        uint64_t value = (uint64_t)self << 32 | i;
        struct aspace_mapping m;
        wrong += space_map(at, page, HAL_PAGE_SIZE, ASPACE_W | ASPACE_GLOBAL) != MM_OK;
        *(volatile uint64_t *)(uintptr_t)at = value;
        wrong += *(volatile uint64_t *)hal_phys_to_virt(page) != value;
        wrong += space_query(at, &m) != MM_OK || m.phys != page;
        wrong += space_unmap(at, HAL_PAGE_SIZE) != MM_OK;
        wrong += space_query(at, &m) != MM_UNMAPPED;
    }
    wrong += page == HAL_PADDR_NONE || pmm_free(memory_pmm, page, 1) != MM_OK;
    seen[self] = wrong;
}

TEST("cpus.all CPUs map and unmap in the kernel's space at once")
{
    if (!CHECK(take_seen()))
        return;
    uint64_t tables = tables_in_use();
    uint64_t rounds = shootdown_stats().rounds;
    share_edits();
    cpus_run(edit_here, NULL);
    for (uint32_t i = 0; i < cpus_count(); i++)
        CHECK_EQ(seen[i], 0);
    bool asked = cpus_running() > 1 && !cpu_flushes_everywhere();
    CHECK_EQ(shootdown_stats().rounds - rounds, asked ? count_edits() : 0);
    CHECK_EQ(tables_in_use(), tables);
    CHECK_STR(aspace_check(&space_kernel), NULL);
    TEST_END;
}

/* The storm. Each CPU takes runs, writes its number and the address into every page, and gives them
 * back, its own and those that others have left on the table; whoever frees a run has looked at it.
 */
struct held {
    hal_paddr_t base;
    uint64_t pages;
    uint32_t owner;
};

static struct {
    struct hal_lock lock;
    struct held table[SHARED];
    uint32_t used;
    uint32_t wrong, refused, steps;
    uint64_t seed;
} storm;

static uint64_t next(uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return *random >> 33;
}

static uint64_t stamp(const struct held *h, uint64_t page)
{
    return (h->base + page * HAL_PAGE_SIZE) ^ (uint64_t)(h->owner + 1) << 52;
}

static void complain(void)
{
    __atomic_fetch_add(&storm.wrong, 1, __ATOMIC_RELAXED);
}

static void write_stamps(const struct held *h)
{
    for (uint64_t i = 0; i < h->pages; i++)
        *(volatile uint64_t *)hal_phys_to_virt(h->base + i * HAL_PAGE_SIZE) = stamp(h, i);
}

static void give(const struct held *h)
{
    for (uint64_t i = 0; i < h->pages; i++)
        if (*(volatile uint64_t *)hal_phys_to_virt(h->base + i * HAL_PAGE_SIZE) != stamp(h, i))
            complain();
    if (pmm_free(memory_pmm, h->base, h->pages) != MM_OK)
        complain();
}

static bool take(struct held *h, uint64_t *random)
{
    static const uint16_t lengths[] = {1, 1, 1, 1, 1, 1, 1, 1,  1,  1,
                                       2, 2, 3, 3, 8, 8, 8, 64, 64, 512};
    uint32_t flags = next(random) % 4 == 0 ? PMM_KERNEL : 0;
    h->pages = lengths[next(random) % ARRAY_LEN(lengths)];
    h->owner = hal_cpu_index();
    h->base = pmm_alloc(memory_pmm, h->pages, flags | (next(random) % 8 == 0 ? PMM_DMA32 : 0));
    if (h->base == HAL_PADDR_NONE) {
        __atomic_fetch_add(&storm.refused, 1, __ATOMIC_RELAXED);
        return false;
    }
    write_stamps(h);
    return true;
}

/* Leave a run for others, or give back what another one has left. */
static void exchange(struct held *mine, bool leave)
{
    struct held theirs = {.pages = 0};
    hal_irq_t irq = hal_irq_save();
    hal_lock(&storm.lock);
    if (leave && storm.used < SHARED)
        storm.table[storm.used++] = *mine;
    else if (!leave && storm.used > 0)
        theirs = storm.table[--storm.used];
    else if (leave)
        theirs = *mine;
    hal_unlock(&storm.lock);
    hal_irq_restore(irq);
    if (theirs.pages != 0)
        give(&theirs);
}

/* What storms do seldom: a page that was just given back is claimed, if nobody was faster; this CPU's pages
 * go back to the zones; the statistics are read. */
static uint32_t do_something_else(struct held *h, uint64_t *random)
{
    struct pmm_stats s;
    if (next(random) % 4 == 0)
        pmm_drain(memory_pmm);
    pmm_stats(memory_pmm, (enum pmm_zone)(next(random) % PMM_ZONE_COUNT), &s);
    if (s.free + s.parked > s.total)
        complain();
    if (!take(h, random))
        return 0;
    give(h);
    if (pmm_claim(memory_pmm, h->base, h->pages) != MM_OK)
        return 0;
    write_stamps(h);
    return 1;
}

static void leave_or_give(struct held *h, bool leave)
{
    if (leave)
        exchange(h, true);
    else
        give(h);
}

static void storm_here(void *arg)
{
    struct held held[HELD];
    uint32_t used = 0;
    uint64_t random = storm.seed + hal_cpu_index() * 7919u;
    UNUSED(arg);
    for (uint32_t i = 0; i < storm.steps; i++) {
        uint64_t what = next(&random) % 10;
        if (what < 4 && used < HELD) {
            used += take(&held[used], &random);
        } else if (what == 4 && used < HELD) {
            used += do_something_else(&held[used], &random);
        } else if (what == 5 || used == 0) {
            exchange(NULL, false);
        } else {
            uint32_t which = (uint32_t)(next(&random) % used);
            struct held h = held[which];
            held[which] = held[--used];
            leave_or_give(&h, what == 6);
        }
    }
    while (used > 0)
        give(&held[--used]);
    pmm_drain(memory_pmm);
}

static uint64_t free_in_all(void)
{
    struct pmm_stats s;
    uint64_t sum = 0;
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        pmm_stats(memory_pmm, (enum pmm_zone)z, &s);
        sum += s.free + s.parked;
    }
    return sum;
}

TEST("cpus.all CPUs take and give pages at once: each page has one owner, and none is lost")
{
    uint64_t before = free_in_all();
    storm.wrong = storm.refused = storm.used = 0;
    storm.steps = STEPS / cpus_running() + 1;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        storm.seed = hal_cycles() + round;
        cpus_run(storm_here, NULL);
        while (storm.used > 0)
            give(&storm.table[--storm.used]);
        CHECK_EQ(storm.wrong, 0);
        CHECK_EQ(free_in_all(), before);
        CHECK_STR(pmm_check(memory_pmm), NULL);
    }
    TEST_END;
}

/* Pages that this CPU may have parked: it takes some and gives them back. */
static void park_here(void *arg)
{
    hal_paddr_t page[16];
    UNUSED(arg);
    for (unsigned i = 0; i < ARRAY_LEN(page); i++)
        page[i] = pmm_alloc(memory_pmm, 1, 0);
    for (unsigned i = 0; i < ARRAY_LEN(page); i++)
        if (page[i] == HAL_PADDR_NONE || pmm_free(memory_pmm, page[i], 1) != MM_OK)
            complain();
}

static void drain_here(void *arg)
{
    UNUSED(arg);
    pmm_drain(memory_pmm);
}

static void count_parked(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run kind)
{
    UNUSED(base);
    if (kind == PMM_RUN_PARKED)
        *(uint64_t *)ctx += pages;
}

/* By the statistics, and counted page by page. */
static uint64_t parked_in_all(struct test_state *t)
{
    uint64_t sum = 0, walked = 0;
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        struct pmm_stats s;
        pmm_stats(memory_pmm, (enum pmm_zone)z, &s);
        sum += s.parked;
    }
    pmm_walk(memory_pmm, count_parked, &walked);
    CHECK_EQ(sum, walked);
    return sum;
}

/* A CPU owns blocks of its own node. */
static bool has_memory(uint32_t node)
{
    uint64_t pages = 0;
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        struct pmm_stats s;
        pmm_stats_node(memory_pmm, node, (enum pmm_zone)z, &s);
        pages += s.total;
    }
    return pages != 0;
}

static void take_here(void *arg)
{
    uint32_t node = platform_node_of(cpus_id(hal_cpu_index()));
    hal_paddr_t page = pmm_alloc(memory_pmm, 1, 0);
    UNUSED(arg);
    if (page == HAL_PADDR_NONE || (has_memory(node) && pmm_node_of(memory_pmm, page) != node) ||
        pmm_free(memory_pmm, page, 1) != MM_OK)
        complain();
}

TEST("cpus.each CPU gets pages of its own node")
{
    storm.wrong = 0;
    cpus_run(take_here, NULL);
    CHECK_EQ(storm.wrong, 0);
    TEST_END;
}

TEST("cpus.the magazines of all CPUs hold pages, and the statistics tell them")
{
    storm.wrong = 0;
    cpus_run(drain_here, NULL);
    CHECK_EQ(parked_in_all(t), 0);
    cpus_run(park_here, NULL);
    uint64_t parked = parked_in_all(t);
    if (parked == 0)
        SKIP("no zone is large enough for magazines of so many CPUs");
    for (uint32_t i = 0; i < cpus_count(); i++) {
        if (!cpus_run_on(i, drain_here, NULL))
            continue;
        uint64_t left = parked_in_all(t);
        CHECK(left < parked || !has_memory(platform_node_of(cpus_id(i))));
        parked = left;
    }
    CHECK_EQ(parked, 0);
    CHECK_EQ(storm.wrong, 0);
    TEST_END;
}

TEST_SUITE(cpus);
