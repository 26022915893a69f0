/* Every invariant of mm/aspace.h broken on purpose: aspace_check() must name it. Every combination
 * of prot through the encoding at each level. And the proof that the worst CPU of aspace_rig.h
 * finds what A4 forbids, since a judge that never complains is no judge.
 *
 * kinds: san aarch64 */
#include "hal/short.h"
#include "tests/model/aspace_rig.h"
#include "tests/model/expect.h"

#include "mm/page_entry.h"

#define UP ((hal_vaddr_t)0xFFFF800000000000u)

static const struct hal_paging all_features = {true,       true, true,         true,
                                               MMU_BREAKS, 4,    MMU_PHYS_BITS};

static struct rig rig;
static struct aspace space, user;

/* A page of each size in both halves, and a space that shares the upper one. */
static void begin(void)
{
    host_set_paging(&all_features);
    rig_init(&rig, RIG_PAGES);
    EXPECT(aspace_init(&space, &rig.source) == MM_OK);
    EXPECT(aspace_map(&space, UP + GIB, GIB, GIB + 2 * MIB + 4096, ASPACE_W) == MM_OK);
    EXPECT(aspace_map(&space, GIB, GIB, GIB + 2 * MIB + 4096, ASPACE_X) == MM_OK);
    EXPECT(aspace_map(&space, 0x1000, 0x1000, 4096, ASPACE_USER) == MM_OK);
    EXPECT(aspace_init_shared(&user, &space, &rig.source) == MM_OK);
    EXPECT(aspace_map(&user, 0x1000, 0x1000, 4096, ASPACE_USER) == MM_OK);
    EXPECT(aspace_check(&space) == NULL && aspace_check(&user) == NULL);
}

static void end(void)
{
    EXPECT(aspace_check(&space) == NULL && aspace_check(&user) == NULL);
    aspace_destroy(&user);
    aspace_destroy(&space);
    EXPECT(rig.in_use == 0);
}

/* The entry of `level` for `virt`, found as the hardware would. */
static uint64_t *entry_of(const struct aspace *as, hal_vaddr_t virt, unsigned level)
{
    uint64_t *entry = NULL;
    uint64_t name = as->tree.root;
    for (unsigned at = as->tree.cpu.levels; at-- > level; name = *entry)
        entry = (uint64_t *)(host_ram + (name & MMU_ADDRESS)) + (virt >> (12 + 9 * at) & 511);
    return entry;
}

static bool names(const struct aspace *as, const char *invariant)
{
    const char *wrong = aspace_check(as);
    return wrong != NULL && strncmp(wrong, invariant, strlen(invariant)) == 0;
}

/* With `value` there the check names the invariant, and with the old value nothing. */
static void breaks(const struct aspace *as, hal_vaddr_t virt, unsigned level, uint64_t value,
                   const char *invariant)
{
    uint64_t *entry = entry_of(as, virt, level);
    uint64_t old = *entry;
    *entry = value;
    if (!EXPECT(names(as, invariant)))
        printf("  %s expected, %s found\n", invariant, aspace_check(as));
    *entry = old;
    EXPECT(aspace_check(as) == NULL);
}

#define BIT(n) ((uint64_t)1 << (n))

static uint64_t value_of(hal_vaddr_t virt, unsigned level)
{
    return *entry_of(&space, virt, level);
}

static void a1(void)
{
    begin();
    for (unsigned level = 0; level < 3; level++) {
        hal_vaddr_t at = UP + GIB + (level == 2 ? 0 : level == 1 ? GIB : GIB + 2 * MIB);
        breaks(&space, at, level, mmu_let_execute(value_of(at, level)), "A1");
        breaks(&space, at - UP, level, mmu_let_write(value_of(at - UP, level)), "A1");
    }
    breaks(&space, 0, 0, value_of(0x1000, 0), "A1"); /* page 0 */
    end();
}

static void a2(void)
{
    begin();
    uint64_t spare = RIG_BASE + 100 * HAL_PAGE_SIZE;
    memset(host_ram + spare, 0, HAL_PAGE_SIZE);
    *entry_of(&space, UP + 9 * GIB, 3) += MMU_COUNT;
    *entry_of(&space, UP + 9 * GIB, 2) = mmu_empty_table(spare, true);
    EXPECT(names(&space, "A2: a table is empty")); /* and counted in the one above */
    *entry_of(&space, UP + 9 * GIB, 2) = 0;
    *entry_of(&space, UP + 9 * GIB, 3) -= MMU_COUNT;
    breaks(&space, TIB, 3, mmu_empty_table(spare, false), "A2"); /* an empty table */
    breaks(&space, UP + GIB, 2, 0, "A2");                        /* fewer than counted */
    breaks(&space, UP + GIB, 3, value_of(UP + GIB, 3) + MMU_COUNT, "A2");
    breaks(&space, UP + GIB, 3, value_of(UP + GIB, 3) - MMU_COUNT, "A2");
    breaks(&space, 0x2000, 0, value_of(0x1000, 0), "A2"); /* more than counted */
    space.tree.root += MMU_COUNT;
    EXPECT(names(&space, "A2"));
    space.tree.root -= MMU_COUNT;
    EXPECT(aspace_unmap(&space, UP + GIB, GIB + 2 * MIB + 4096) == MM_OK);
    EXPECT(aspace_check(&space) == NULL); /* the shared half's own tables may be empty */
    end();
}

static void a3_to_a5(void)
{
    begin();
    space.tree.stats.tables++; /* as if one had been taken and lost */
    EXPECT(names(&space, "A3"));
    space.tree.stats.tables--;
    uint64_t *names_table = entry_of(&space, 0x1000, 1);
    uint64_t *count = entry_of(&space, 0x1000, 2);
    EXPECT(names_table[1] == 0);
    names_table[1] = names_table[0]; /* the same table twice: one of them is stale */
    *count += MMU_COUNT;
    EXPECT(names(&space, "A4"));
    names_table[1] = 0;
    *count -= MMU_COUNT;
    for (unsigned level = 0; level < 3; level++) {
        space.tree.stats.pages[level]++; /* as if a mapped page had been written over */
        EXPECT(names(&space, "A5"));
        space.tree.stats.pages[level] -= 2;
        EXPECT(names(&space, "A5"));
        space.tree.stats.pages[level]++;
    }
    end();
}

static void a6(void)
{
    begin();
    breaks(&user, UP + GIB, 3, 0, "A6");
    breaks(&user, UP + TIB, 3, value_of(UP + GIB, 3), "A6");
    breaks(&user, UP + GIB, 3, value_of(UP + GIB, 3) ^ BIT(20), "A6");
    *entry_of(&user, UP + GIB, 3) ^= 7 * MMU_COUNT; /* a copy's count means nothing */
    EXPECT(aspace_check(&user) == NULL);
    for (unsigned i = 0; i < 256; i++) /* all of the lower half is its own, and counted */
        breaks(&user, i * 512 * GIB, 3, i == 0 ? 0 : value_of(0, 3), "A2");
    for (unsigned level = 0; level < 3; level++) {
        hal_vaddr_t at = UP + GIB + (level == 2 ? 0 : level == 1 ? GIB : GIB + 2 * MIB);
        breaks(&space, at, level, mmu_let_user(value_of(at, level)), "A6");
        breaks(&space, at - UP, level, mmu_make_global(value_of(at - UP, level)), "A6");
    }
    end();
}

static void a7(void)
{
    begin();
    for (unsigned level = 0; level < 3; level++) {
        hal_vaddr_t at = UP + GIB + (level == 2 ? 0 : level == 1 ? GIB : GIB + 2 * MIB);
        for (unsigned i = 0; i < ARRAY_LEN(mmu_leaf_bits); i++)
            if ((mmu_leaf_bits[i].levels >> level & 1) != 0)
                breaks(&space, at, level, value_of(at, level) ^ mmu_leaf_bits[i].bit, "A7");
    }
    for (unsigned i = 0; i < ARRAY_LEN(mmu_name_bits); i++)
        for (unsigned upper = 0; upper < 2; upper++) {
            hal_vaddr_t at = upper * UP + 2 * GIB + 2 * MIB;
            breaks(&space, at, 1, value_of(at, 1) ^ mmu_name_bits[i].bit, "A7");
        }
    breaks(&space, TIB, 3, MMU_TOO_LARGE, "A7");
    breaks(&space, TIB, 3, MMU_TOO_LARGE | BIT(12), "A7");
    space.tree.cpu.phys_bits = 30; /* pages from 1 GiB on lie beyond that */
    EXPECT(names(&space, "A7"));
    space.tree.cpu.phys_bits = MMU_PHYS_BITS;
    space.tree.cpu.pages_1g = false;
    EXPECT(names(&space, "A7"));
    space.tree.cpu.pages_1g = true;
    space.tree.cpu.nx = false;
    EXPECT(names(&space, MMU_NX_OPTIONAL ? "A7" : "") == MMU_NX_OPTIONAL);
    space.tree.cpu.nx = true;
    end();
}

/* --- the encoding ----------------------------------------------------------------------------- */

static const hal_paddr_t frames[] = {0, GIB, (hal_paddr_t)1 << (MMU_PHYS_BITS - 1),
                                     ((hal_paddr_t)1 << MMU_PHYS_BITS) - GIB};

/* Every prot at every level on every kind of CPU, also those that aspace_map refuses. */
static void encoding_on(const struct hal_paging *cpu, unsigned level)
{
    uint64_t seen[64];
    for (uint32_t prot = 0; prot <= ASPACE_ALL; prot++) {
        if ((prot & ASPACE_TYPE) == ASPACE_TYPE)
            continue; /* no memory type */
        for (unsigned i = 0; i < ARRAY_LEN(frames); i++) {
            uint64_t entry = pte_encode(frames[i], prot, level, cpu);
            EXPECT(pte_prot(entry, level) == prot && pte_address(entry, level) == frames[i]);
            struct mmu_entry e = mmu_read(entry, level, cpu);
            EXPECT(pte_is_leaf(entry, level) && e.valid && e.leaf && e.wrong == NULL);
            EXPECT(e.address == frames[i]);
            seen[prot] = entry - frames[i];
        }
        for (uint32_t other = 0; other < prot; other++)
            EXPECT((other & ASPACE_TYPE) == ASPACE_TYPE || seen[other] != seen[prot]);
    }
}

static void encoding_round_trip(void)
{
    for (unsigned kind = 0; kind < 4; kind++) {
        struct hal_paging cpu = all_features;
        cpu.nx = kind % 2 == 0;
        cpu.pat = kind / 2 == 0;
        for (unsigned level = 0; level < 3; level++)
            encoding_on(&cpu, level);
    }
}

/* Any bits whatever: decoding what was decoded changes nothing, and an address never has a bit that
 * is none at its level. */
static void decoding_any_bits(void)
{
    uint64_t bits = 1;
    for (unsigned i = 0; i < 200000; i++) {
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        for (unsigned level = 0; level < 3; level++) {
            uint64_t entry = bits ^ bits >> 29;
            uint32_t prot = pte_prot(entry, level);
            hal_paddr_t phys = pte_address(entry, level);
            uint64_t again = pte_encode(phys, prot, level, &all_features);
            EXPECT(prot <= ASPACE_ALL && pte_prot(again, level) == prot);
            EXPECT(phys % ((uint64_t)4096 << 9 * level) == 0 && phys >> MMU_PHYS_BITS == 0);
            EXPECT(pte_address(again, level) == phys);
        }
    }
}

static void names_of_tables(void)
{
    for (unsigned used = 0; used <= 512; used++)
        for (unsigned i = 1; i < 4; i++) {
            hal_paddr_t table = MMU_ADDRESS >> i & ~(hal_paddr_t)4095;
            uint64_t name = pte_name(table, used, UP * (i & 1));
            struct mmu_entry e = mmu_read(name, 1, &all_features);
            EXPECT(pte_used(name) == used && pte_named(name) == table);
            EXPECT(pte_recount(name, 512 - used) == pte_name(table, 512 - used, UP * (i & 1)));
            EXPECT(e.valid && !e.leaf && e.address == table && e.wrong == NULL);
            EXPECT(!pte_is_leaf(name, 1) && (e.grants & (MMU_W | MMU_X)) == (MMU_W | MMU_X));
            EXPECT(((e.grants & MMU_U) != 0) == ((i & 1) == 0 || !MMU_TABLES_NARROW));
        }
}

/* --- the judge -------------------------------------------------------------------------------- */

/* The CPU ignores every flush: each call that removes, changes or merges something must be blamed,
 * by the invariant that this breaks, and no other call. */
static bool blamed(mm_status_t s, const char *invariant)
{
    bool found = s == MM_OK && rig_verdict(&rig) != NULL && strncmp(rig.wrong, invariant, 2) == 0;
    rig.wrong = NULL;
    rig_watch(&rig, &space);
    return found;
}

static bool unblamed(mm_status_t s)
{
    bool quiet = s == MM_OK && rig_verdict(&rig) == NULL;
    rig_watch(&rig, &space);
    return quiet;
}

static void judge_on(bool breaks, bool remote)
{
    struct hal_paging cpu = all_features;
    const char *size = breaks ? "A8" : "A4"; /* of a change of nothing but the size */
    cpu.break_before_make = breaks;
    host_set_paging(&cpu);
    rig_init(&rig, RIG_PAGES);
    EXPECT(aspace_init(&space, &rig.source) == MM_OK);
    rig.ignore_flushes = true;
    rig.remote = remote;
    rig_watch(&rig, &space);
    EXPECT(unblamed(aspace_map(&space, UP, 0, 2 * MIB - 4096, ASPACE_W)));
    EXPECT(blamed(aspace_map(&space, UP + 2 * MIB - 4096, 2 * MIB - 4096, 4096, ASPACE_W), size));
    EXPECT(blamed(aspace_protect(&space, UP, 4096, ASPACE_R), "A8"));
    EXPECT(blamed(aspace_protect(&space, UP, 4096, ASPACE_W), "A8")); /* merged again */
    EXPECT(blamed(aspace_unmap(&space, UP + 8192, 4096), size));
    EXPECT(blamed(aspace_unmap(&space, UP, 8192), "A4"));
    EXPECT(
        blamed(aspace_protect(&space, UP + 2 * MIB - 4096, 4096, ASPACE_W | ASPACE_GLOBAL), size));
    EXPECT(unblamed(aspace_map(&space, GIB, 4096, 4096, ASPACE_W)));
    EXPECT(blamed(aspace_protect(&space, GIB, 4096, ASPACE_X), "A4"));
    EXPECT(unblamed(aspace_protect(&space, GIB, 4096, ASPACE_X)));
    EXPECT(blamed(aspace_unmap(&space, GIB, 4096), "A4"));
    rig_watch(&rig, NULL);
    aspace_destroy(&space);
    EXPECT(rig.in_use == 0 && rig.wrong == NULL);
}

static void the_judge_judges(void)
{
    for (unsigned i = 0; i < 4; i++)
        judge_on((i & 1) != 0, (i & 2) != 0);
}

/* A page that comes back twice, or that was never given, is seen. */
static void the_source_is_suspicious(void)
{
    rig_init(&rig, 4);
    hal_paddr_t page = rig_alloc(&rig);
    EXPECT(page != HAL_PADDR_NONE && rig.in_use == 1);
    rig_free(&rig, page);
    EXPECT(rig.wrong == NULL);
    rig_free(&rig, page);
    EXPECT(rig.wrong != NULL);
    rig.wrong = NULL;
    rig_free(&rig, page + 1);
    EXPECT(rig.wrong != NULL);
}

int main(void)
{
    host_ram_create(RIG_BASE + RIG_PAGES * HAL_PAGE_SIZE);
    expect_run("A1 broken is named", a1);
    expect_run("A2 broken is named", a2);
    expect_run("A3, A4 and A5 broken are named", a3_to_a5);
    expect_run("A6 broken is named", a6);
    expect_run("A7 broken is named", a7);
    expect_run("every prot goes through the encoding and back, at each level", encoding_round_trip);
    expect_run("any bits decode to something", decoding_any_bits);
    expect_run("names of tables count to 512", names_of_tables);
    expect_run("the judge of A4 and A8 finds a CPU that no flush reaches", the_judge_judges);
    expect_run("the page source sees what comes back wrongly", the_source_is_suspicious);
    return expect_total();
}
