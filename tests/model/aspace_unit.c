/* Each sentence of mm/aspace.h and mm/page_source.h. What is expected is written down here or read
 * from the tables as the hardware reads them; what follows from long sequences of calls is tested
 * in the other aspace programs.
 *
 * kinds: san aarch64 */
#include "hal/short.h"
#include "tests/model/aspace_rig.h"
#include "tests/model/expect.h"

#define UP  ((hal_vaddr_t)0xFFFF800000000000u) /* the first address of the shared half, 4 levels */
#define TOP ((hal_vaddr_t)0xFFFFFFFFFFFFF000u) /* the last page of all */

static const struct hal_paging all_features = {true,       true, true,         true,
                                               MMU_BREAKS, 4,    MMU_PHYS_BITS};

static struct rig rig;
static struct aspace space;

static void begin_on(const struct hal_paging *cpu)
{
    host_set_paging(cpu);
    rig_init(&rig, RIG_PAGES);
    EXPECT(aspace_init(&space, &rig.source) == MM_OK);
    rig_watch(&rig, &space);
}

static void begin(void)
{
    begin_on(&all_features);
}

static void end(void)
{
    const char *wrong = rig_verdict(&rig);
    if (!EXPECT(wrong == NULL && aspace_check(&space) == NULL))
        printf("  %s\n", wrong != NULL ? wrong : aspace_check(&space));
    rig_watch(&rig, NULL);
    aspace_destroy(&space);
    EXPECT(rig.in_use == 0 && rig.wrong == NULL);
}

static bool leads(hal_vaddr_t virt, hal_paddr_t phys, uint64_t page, uint32_t prot)
{
    struct aspace_mapping m;
    return aspace_query(&space, virt, &m) == MM_OK && m.virt <= virt &&
           virt - m.virt < m.size && m.phys + (virt - m.virt) == phys && m.page == page &&
           m.size == page && m.prot == prot && rig_agrees(&rig, &space, virt, phys, prot) == NULL;
}

static bool missing(hal_vaddr_t virt)
{
    struct aspace_mapping m;
    return aspace_query(&space, virt, &m) == MM_UNMAPPED &&
           rig_translate(&rig, &space, virt).page == 0;
}

static bool pages_are(uint64_t small, uint64_t medium, uint64_t large)
{
    return space.tree.stats.pages[0] == small && space.tree.stats.pages[1] == medium &&
           space.tree.stats.pages[2] == large;
}

/* --- map -------------------------------------------------------------------------------------- */

static void map_one_page(void)
{
    begin();
    EXPECT(aspace_map(&space, 0x1000, 0x7000, 4096, ASPACE_W) == MM_OK);
    EXPECT(leads(0x1000, 0x7000, 4096, ASPACE_W) && leads(0x1FFF, 0x7FFF, 4096, ASPACE_W));
    EXPECT(missing(0xFFF) && missing(0x2000));
    EXPECT(pages_are(1, 0, 0) && space.tree.stats.tables == 4 && rig.in_use == 4);
    end();
}

static void largest_pages_that_fit(void)
{
    static const struct {
        hal_vaddr_t virt;
        hal_paddr_t phys;
        uint64_t size, small, medium, large, tables;
    } row[] = {
        {UP + GIB, 2 * GIB, GIB, 0, 0, 1, 2},
        {UP + GIB, 2 * GIB, GIB - 4096, 511, 511, 0, 4},
        {UP + GIB, 2 * MIB, GIB, 0, 512, 0, 3},
        {UP + GIB, 4096, GIB, 262144, 0, 0, 515},
        {UP + 2 * MIB, 0, 2 * MIB, 0, 1, 0, 3},
        {UP + 2 * MIB, 4096, 2 * MIB, 512, 0, 0, 4},
        {UP + 2 * MIB - 4096, 4 * MIB - 4096, 2 * MIB + 8192, 2, 1, 0, 5},
        {UP + GIB - 2 * MIB, 3 * GIB - 2 * MIB, GIB + 4 * MIB, 0, 2, 1, 4},
        {UP, 0, TIB, 0, 0, 1024, 3},
        {UP + 512 * GIB - GIB, 0, 2 * GIB, 0, 0, 2, 3},
    };
    for (unsigned i = 0; i < ARRAY_LEN(row); i++) {
        begin();
        rig_watch(&rig, NULL);
        EXPECT(aspace_map(&space, row[i].virt, row[i].phys, row[i].size, ASPACE_W) == MM_OK);
        EXPECT(pages_are(row[i].small, row[i].medium, row[i].large));
        EXPECT(space.tree.stats.tables == row[i].tables && rig.in_use == row[i].tables);
        EXPECT(aspace_unmap(&space, row[i].virt, row[i].size) == MM_OK);
        EXPECT(pages_are(0, 0, 0));
        end();
    }
}

static void without_large_pages(void)
{
    static const struct hal_paging cpu = {true, false, true, true, MMU_BREAKS, 4, MMU_PHYS_BITS};
    begin_on(&cpu);
    EXPECT(aspace_map(&space, UP, 0, 2 * GIB, ASPACE_X) == MM_OK);
    EXPECT(pages_are(0, 1024, 0) && leads(UP + GIB, GIB, 2 * MIB, ASPACE_X));
    end();
}

static void edges_of_the_address_space(void)
{
    begin();
    EXPECT(aspace_map(&space, TOP, 0x5000, 4096, ASPACE_W) == MM_OK);
    EXPECT(leads(UINT64_MAX, 0x5FFF, 4096, ASPACE_W));
    EXPECT(aspace_map(&space, UP - ((hal_vaddr_t)0xFFFF << 48) - 4096, 0, 4096, 0) == MM_OK);
    EXPECT(leads(0x7FFFFFFFFFFFu, 0xFFF, 4096, 0));
    EXPECT(aspace_map(&space, (hal_vaddr_t)0 - GIB, 0, GIB - 4096, ASPACE_W) == MM_OK);
    EXPECT(aspace_protect(&space, (hal_vaddr_t)0 - GIB, GIB, ASPACE_R) == MM_OK);
    EXPECT(leads(UINT64_MAX, 0x5FFF, 4096, 0));
    EXPECT(aspace_unmap(&space, (hal_vaddr_t)0 - GIB, GIB) == MM_OK && missing(UINT64_MAX));
    rig_watch(&rig, NULL);
    EXPECT(aspace_map(&space, UP, 0, 64 * TIB, 0) == MM_OK);
    EXPECT(pages_are(1, 0, 65536));
    end();
}

static void five_levels(void)
{
    static const struct hal_paging cpu = {true,       true,       true,         true,
                                          MMU_BREAKS, MMU_LEVELS, MMU_PHYS_BITS};
    hal_vaddr_t up = 0xFF00000000000000u;
    struct aspace_mapping m;
    uint64_t entries[ASPACE_LEVELS];
    begin_on(&cpu);
    EXPECT(aspace_map(&space, up, 0, 3 * GIB, ASPACE_W) == MM_OK);
    EXPECT(aspace_map(&space, ((hal_vaddr_t)1 << 56) - 4096, 0x9000, 4096, ASPACE_USER) == MM_OK);
    EXPECT(aspace_map(&space, UP, 4 * GIB, GIB, ASPACE_W) == MM_OK);
    EXPECT(leads(up + 2 * GIB, 2 * GIB, GIB, ASPACE_W) && leads(UP, 4 * GIB, GIB, ASPACE_W));
    EXPECT(leads(((hal_vaddr_t)1 << 56) - 1, 0x9FFF, 4096, ASPACE_USER));
    EXPECT(space.tree.stats.tables == 1 + 2 + 4 + 2);
    EXPECT(aspace_query(&space, up - 1, &m) == MM_NOT_CANONICAL);
    EXPECT(aspace_query(&space, (hal_vaddr_t)1 << 56, &m) == MM_NOT_CANONICAL);
    EXPECT(aspace_map(&space, (hal_vaddr_t)1 << 56, 0, 4096, 0) == MM_NOT_CANONICAL);
    EXPECT(aspace_path(&space, up, entries) == 3 && mmu_read(entries[2], 2, &cpu).leaf);
    EXPECT(aspace_path(&space, ((hal_vaddr_t)1 << 56) - 1, entries) == 5);
    end();
}

/* --- refusals --------------------------------------------------------------------------------- */

static void map_refuses(void)
{
    static const struct {
        hal_vaddr_t virt;
        hal_paddr_t phys;
        uint64_t size;
        uint32_t prot;
        mm_status_t status;
    } row[] = {
        {0x1000, 0, 0, 0, MM_INVALID},
        {0x1000, 0, 4096, 64, MM_INVALID},
        {0x1000, 0, 4096, 0x80000000u, MM_INVALID},
        {0x1000, 0, 4096, ASPACE_WC | ASPACE_UC, MM_INVALID},
        {UP, 0, 4096, ASPACE_USER, MM_INVALID},
        {0x1000, 0, 4096, ASPACE_GLOBAL, MM_INVALID},
        {0x1000, (hal_paddr_t)1 << MMU_PHYS_BITS, 4096, 0, MM_INVALID},
        {0x1000, ((hal_paddr_t)1 << MMU_PHYS_BITS) - 4096, 8192, 0, MM_INVALID},
        {0x1000, 0, 4096, ASPACE_W | ASPACE_X, MM_WX},
        {UP, 0, 4096, ASPACE_ALL & ~(ASPACE_USER | ASPACE_TYPE), MM_WX},
        {0, 0, 4096, 0, MM_NOT_PAGE},
        {0, 0, 2 * MIB, 0, MM_NOT_PAGE},
        {0x1001, 0, 4096, 0, MM_NOT_PAGE},
        {0x1000, 0x800, 4096, 0, MM_NOT_PAGE},
        {0x1000, 0, 4095, 0, MM_NOT_PAGE},
        {0x1000, 0, 1, 0, MM_NOT_PAGE},
        {TOP, 0, 8192, 0, MM_OVERFLOW},
        {0x1000, 0, (uint64_t)0 - 4096, 0, MM_NOT_CANONICAL},
        {0x2000, 0, (uint64_t)0 - 4096, 0, MM_OVERFLOW},
        {0x1000, (hal_paddr_t)0 - 4096, 8192, 0, MM_OVERFLOW},
        {(hal_vaddr_t)1 << 47, 0, 4096, 0, MM_NOT_CANONICAL},
        {((hal_vaddr_t)1 << 47) - 4096, 0, 8192, 0, MM_NOT_CANONICAL},
        {UP - 4096, 0, 4096, 0, MM_NOT_CANONICAL},
        {UP - 4096, 0, 8192, 0, MM_NOT_CANONICAL},
        {((hal_vaddr_t)1 << 47) - 4096, 0, UP + 4096 - (((hal_vaddr_t)1 << 47) - 4096), 0,
         MM_NOT_CANONICAL},
    };
    begin();
    for (unsigned i = 0; i < ARRAY_LEN(row); i++) {
        mm_status_t s = aspace_map(&space, row[i].virt, row[i].phys, row[i].size, row[i].prot);
        if (!EXPECT(s == row[i].status))
            printf("  row %u: %d, expected %d\n", i, (int)s, (int)row[i].status);
        EXPECT(rig.in_use == 1 && pages_are(0, 0, 0));
    }
    EXPECT(rig.calls == 1);
    end();
}

static void nothing_over_a_mapping(void)
{
    begin();
    EXPECT(aspace_map(&space, UP + 4 * MIB, 0, 2 * MIB, 0) == MM_OK);
    EXPECT(aspace_map(&space, UP + 16 * MIB, MIB, 4096, 0) == MM_OK);
    uint64_t taken = rig.calls;
    EXPECT(aspace_map(&space, UP + 4 * MIB, 0, 2 * MIB, 0) == MM_OVERLAP);
    EXPECT(aspace_map(&space, UP + 5 * MIB, 0, 4096, 0) == MM_OVERLAP);
    EXPECT(aspace_map(&space, UP + 2 * MIB, 0, 2 * MIB + 4096, 0) == MM_OVERLAP);
    EXPECT(aspace_map(&space, UP + 16 * MIB, MIB, 4096, 0) == MM_OVERLAP);
    EXPECT(aspace_map(&space, UP, 0, GIB, 0) == MM_OVERLAP);
    EXPECT(aspace_map(&space, UP, 0, TIB, 0) == MM_OVERLAP);
    EXPECT(aspace_map(&space, UP + 14 * MIB, 0, 4 * MIB, 0) == MM_OVERLAP);
    EXPECT(rig.calls == taken); /* refused before any page is asked for */
    EXPECT(aspace_map(&space, UP + 2 * MIB, 0, 2 * MIB, 0) == MM_OK);
    EXPECT(aspace_map(&space, UP + 16 * MIB + 4096, 0, 4096, 0) == MM_OK);
    end();
}

static void order_of_refusals(void)
{
    begin();
    EXPECT(aspace_map(&space, 0, 1, 0, 255) == MM_INVALID); /* size 0 first */
    EXPECT(aspace_map(&space, 0, 1, 4096, 255) == MM_NOT_PAGE);
    EXPECT(aspace_map(&space, TOP, 1, 8192, 255) == MM_OVERFLOW);
    EXPECT(aspace_map(&space, UP - 4096, 1, 4096, 255) == MM_NOT_CANONICAL);
    EXPECT(aspace_map(&space, 4096, 1, 4096, 67) == MM_INVALID); /* prot */
    EXPECT(aspace_map(&space, 4096, 1, 4096, 3) == MM_WX);
    EXPECT(aspace_map(&space, 4096, 1, 4096, 1) == MM_NOT_PAGE); /* phys */
    EXPECT(aspace_map(&space, 4096, 4096, 4096, 1) == MM_OK);
    EXPECT(aspace_map(&space, 4096, (hal_paddr_t)0 - 4096, 4096, 1) == MM_INVALID);
    EXPECT(aspace_map(&space, 4096, (hal_paddr_t)0 - 4096, 8192, 1) == MM_OVERFLOW);
    rig.spare = 0;
    EXPECT(aspace_map(&space, 4096, 4096, GIB, 1) == MM_OVERLAP); /* before the pages */
    EXPECT(aspace_map(&space, GIB, 4096, GIB, 1) == MM_NO_MEMORY);
    rig.spare = RIG_PAGES;
    end();
}

static void whole_ranges_only(void)
{
    begin();
    EXPECT(aspace_map(&space, UP, 0, 4 * MIB, ASPACE_W) == MM_OK);
    EXPECT(aspace_map(&space, UP + 4 * MIB + 4096, 0, 4096, ASPACE_W) == MM_OK);
    static const hal_vaddr_t at[][2] = {{UP + 4 * MIB, 4096},        {UP, 4 * MIB + 4096},
                                    {UP + 2 * MIB, 4 * MIB},     {UP + GIB, 4096},
                                    {UP + 513 * GIB, 2 * MIB},   {0x1000, 4096},
                                    {UP + 4 * MIB + 4096, 8192}, {UP, 16 * TIB}};
    for (unsigned i = 0; i < ARRAY_LEN(at); i++) {
        EXPECT(aspace_unmap(&space, at[i][0], at[i][1]) == MM_UNMAPPED);
        EXPECT(aspace_protect(&space, at[i][0], at[i][1], 0) == MM_UNMAPPED);
        EXPECT(pages_are(1, 2, 0) && leads(UP, 0, 2 * MIB, ASPACE_W));
    }
    EXPECT(aspace_unmap(&space, UP, 0) == MM_INVALID);
    EXPECT(aspace_unmap(&space, UP + 1, 4096) == MM_NOT_PAGE);
    EXPECT(aspace_unmap(&space, TOP, 8192) == MM_OVERFLOW);
    EXPECT(aspace_unmap(&space, UP - 4096, 8192) == MM_NOT_CANONICAL);
    EXPECT(aspace_protect(&space, UP, 4097, 0) == MM_NOT_PAGE);
    EXPECT(aspace_protect(&space, UP, 4096, 99) == MM_INVALID);
    EXPECT(aspace_protect(&space, UP, 4096, ASPACE_W | ASPACE_X) == MM_WX);
    EXPECT(aspace_protect(&space, UP, 4096, ASPACE_USER) == MM_INVALID);
    end();
}

static void memory_types_stay(void)
{
    begin();
    EXPECT(aspace_map(&space, UP, 0, 2 * MIB, ASPACE_W | ASPACE_WC) == MM_OK);
    EXPECT(aspace_map(&space, UP + 2 * MIB, 2 * MIB, 4096, ASPACE_UC) == MM_OK);
    EXPECT(aspace_protect(&space, UP, 4096, ASPACE_W) == MM_TYPE);
    EXPECT(aspace_protect(&space, UP, 2 * MIB, ASPACE_UC) == MM_TYPE);
    EXPECT(aspace_protect(&space, UP, 2 * MIB + 4096, ASPACE_WC) == MM_TYPE);
    EXPECT(leads(UP, 0, 2 * MIB, ASPACE_W | ASPACE_WC));
    EXPECT(aspace_protect(&space, UP, 2 * MIB, ASPACE_WC) == MM_OK);
    EXPECT(leads(UP, 0, 2 * MIB, ASPACE_WC));
    end();
}

/* --- split, merge, tables --------------------------------------------------------------------- */

static void split_where_an_edge_falls(void)
{
    begin();
    EXPECT(aspace_map(&space, UP, 0, GIB, ASPACE_W) == MM_OK);
    EXPECT(aspace_protect(&space, UP + 4096, 4096, ASPACE_R) == MM_OK);
    EXPECT(pages_are(512, 511, 0) && space.tree.stats.splits == 2 && space.tree.stats.tables == 4);
    EXPECT(leads(UP, 0, 4096, ASPACE_W) && leads(UP + 4096, 4096, 4096, ASPACE_R));
    EXPECT(leads(UP + 8192, 8192, 4096, ASPACE_W));
    EXPECT(leads(UP + GIB - 1, GIB - 1, 2 * MIB, ASPACE_W));
    EXPECT(aspace_unmap(&space, UP + 2 * MIB, 2 * MIB) == MM_OK); /* no further split */
    EXPECT(pages_are(512, 510, 0) && space.tree.stats.splits == 2);
    EXPECT(aspace_unmap(&space, UP + 8 * MIB - 4096, 8192) == MM_OK); /* two at once */
    EXPECT(pages_are(1534, 508, 0) && space.tree.stats.splits == 4 && missing(UP + 8 * MIB));
    end();
}

/* A whole page goes, and a part of the next one, whose table stays full. No entry leads to page 0. */
static void split_beside_what_goes(void)
{
    begin();
    memset(hal_phys_to_virt(0), 0x23, 4096); /* read as a table, it names others */
    EXPECT(aspace_map(&space, 4 * GIB, 8 * GIB, GIB, ASPACE_W) == MM_OK);
    EXPECT(aspace_map(&space, 5 * GIB, 16 * GIB + 2 * MIB, GIB, ASPACE_W) == MM_OK);
    EXPECT(pages_are(0, 512, 1));
    EXPECT(aspace_unmap(&space, 4 * GIB, GIB + 4096) == MM_OK);
    EXPECT(pages_are(511, 511, 0) && missing(4 * GIB) && missing(5 * GIB));
    EXPECT(leads(5 * GIB + 4096, 16 * GIB + 2 * MIB + 4096, 4096, ASPACE_W));
    memset(hal_phys_to_virt(0), 0, 4096);
    end();
}

static void protect_what_it_is(void)
{
    begin();
    EXPECT(aspace_map(&space, UP, 0, GIB, ASPACE_W) == MM_OK);
    uint64_t events =
        host_flushes[HOST_FLUSH_PAGE] + host_flushes[HOST_FLUSH_ALL] + host_flushes[HOST_SHOOTDOWN];
    EXPECT(aspace_protect(&space, UP + 4096, 4096, ASPACE_W) == MM_OK);
    EXPECT(pages_are(0, 0, 1) && space.tree.stats.splits == 0);
    EXPECT(events == host_flushes[HOST_FLUSH_PAGE] + host_flushes[HOST_FLUSH_ALL] +
                         host_flushes[HOST_SHOOTDOWN]);
    end();
    begin(); /* at one end alone */
    EXPECT(aspace_map(&space, UP, 0, 2 * MIB, ASPACE_W) == MM_OK);
    EXPECT(aspace_map(&space, UP + 2 * MIB, 2 * MIB, 2 * MIB, ASPACE_R) == MM_OK);
    EXPECT(aspace_protect(&space, UP + 4096, 4 * MIB - 8192, ASPACE_W) == MM_OK);
    EXPECT(pages_are(512, 1, 0) && space.tree.stats.splits == 1);
    EXPECT(leads(UP + 4096, 4096, 2 * MIB, ASPACE_W));
    EXPECT(leads(UP + 2 * MIB, 2 * MIB, 4096, ASPACE_W));
    EXPECT(leads(UP + 4 * MIB - 4096, 4 * MIB - 4096, 4096, ASPACE_R));
    end();
}

static void merged_when_alike(void)
{
    begin();
    rig_watch(&rig, NULL); /* a CPU that reads all after each of 512 pages takes its time */
    for (uint64_t i = 0; i < 512; i++) {
        uint64_t page = (i * 5 + 3) % 512 * 4096; /* in no order */
        EXPECT(pages_are(i, 0, 0));
        EXPECT(aspace_map(&space, UP + page, 6 * MIB + page, 4096, ASPACE_X) == MM_OK);
    }
    EXPECT(pages_are(0, 1, 0) && space.tree.stats.merges == 1 && space.tree.stats.tables == 3);
    EXPECT(leads(UP, 6 * MIB, 2 * MIB, ASPACE_X));
    EXPECT(aspace_unmap(&space, UP, 2 * MIB) == MM_OK);
    EXPECT(aspace_map(&space, UP, GIB, GIB / 2, ASPACE_W) == MM_OK);
    EXPECT(aspace_map(&space, UP + GIB / 2, GIB + GIB / 2, GIB / 2, ASPACE_W) == MM_OK);
    EXPECT(pages_are(0, 0, 1) && space.tree.stats.merges == 2 && space.tree.stats.tables == 2);
    rig_watch(&rig, &space);
    EXPECT(aspace_protect(&space, UP + 4096, 4096, ASPACE_R) == MM_OK);
    EXPECT(aspace_protect(&space, UP + 4096, 4096, ASPACE_W) == MM_OK);
    EXPECT(pages_are(0, 0, 1) && space.tree.stats.merges == 4 && space.tree.stats.tables == 2);
    end();
}

/* A full table of pages that are not in a row, not alike, or not aligned stays. */
static void not_merged_when_different(void)
{
    for (unsigned kind = 0; kind < 5; kind++) {
        begin();
        rig_watch(&rig, NULL);
        hal_paddr_t phys = kind == 0 ? 4096 : 0; /* in a row, but 2 MiB do not begin there */
        uint64_t gap = kind == 1 ? GIB : 0;  /* the last page lies elsewhere */
        uint32_t prot = kind == 2   ? ASPACE_X
                        : kind == 3 ? ASPACE_GLOBAL
                        : kind == 4 ? ASPACE_WC
                                    : 0;
        EXPECT(aspace_map(&space, UP, phys, 2 * MIB - 4096, 0) == MM_OK);
        EXPECT(aspace_map(&space, UP + 2 * MIB - 4096, phys + 2 * MIB - 4096 + gap, 4096, prot) ==
               MM_OK);
        EXPECT(pages_are(512, 0, 0) && space.tree.stats.merges == 0 &&
               space.tree.stats.tables == 4);
        end();
    }
}

static void tables_go_with_their_last_entry(void)
{
    begin();
    EXPECT(aspace_map(&space, 0x1000, 0, 4096, 0) == MM_OK);
    EXPECT(aspace_map(&space, 3 * MIB, 0, 8192, 0) == MM_OK);
    EXPECT(aspace_map(&space, 5 * GIB, 0, 4096, 0) == MM_OK);
    EXPECT(rig.in_use == 1 + 1 + 2 + 3);
    EXPECT(aspace_unmap(&space, 3 * MIB, 4096) == MM_OK && rig.in_use == 7);
    EXPECT(aspace_unmap(&space, 3 * MIB + 4096, 4096) == MM_OK && rig.in_use == 6);
    EXPECT(aspace_unmap(&space, 5 * GIB, 4096) == MM_OK && rig.in_use == 4);
    EXPECT(aspace_unmap(&space, 0x1000, 4096) == MM_OK && rig.in_use == 1);
    EXPECT(aspace_map(&space, UP, 0, 4096, 0) == MM_OK && rig.in_use == 4);
    EXPECT(aspace_unmap(&space, UP, 4096) == MM_OK && rig.in_use == 2); /* A6: made once */
    EXPECT(space.tree.stats.tables == 2);
    EXPECT(aspace_map(&space, GIB, 4096, 4 * MIB, 0) == MM_OK && rig.in_use == 6);
    EXPECT(aspace_unmap(&space, GIB, 2 * MIB) == MM_OK && rig.in_use == 5); /* a full one */
    EXPECT(missing(GIB) && aspace_check(&space) == NULL);
    end();
}

/* More tables at once than the list of those to be given back holds, so that it is emptied between:
 * after the table of the last level, and after the one above it. */
static void many_tables_at_once(void)
{
    for (uint64_t tables = 29; tables < 36; tables++)
        for (uint64_t base = 0; base < 2; base++) {
            begin();
            hal_vaddr_t at = 8 * GIB - tables * 2 * MIB * base;
            EXPECT(aspace_map(&space, at, 4096, tables * 2 * MIB, 0) == MM_OK);
            EXPECT(aspace_unmap(&space, at, tables * 2 * MIB) == MM_OK);
            EXPECT(rig.in_use == 1 && space.tree.stats.pages[0] == 0);
            EXPECT(aspace_map(&space, at, 4096, tables * 2 * MIB - 4096, 0) == MM_OK);
            EXPECT(aspace_unmap(&space, at, tables * 2 * MIB - 4096) == MM_OK);
            EXPECT(rig.in_use == 1 && rig_verdict(&rig) == NULL);
            end();
        }
}

/* The same when pages become alike, and each table is a page again. */
static void many_merged_at_once(void)
{
    for (uint64_t tables = 31; tables < 35; tables++) {
        begin();
        EXPECT(aspace_map(&space, UP, 0, tables * 2 * MIB, ASPACE_W) == MM_OK);
        uint64_t whole = rig.in_use;
        for (uint64_t i = 0; i < tables; i++)
            EXPECT(aspace_protect(&space, UP + i * 2 * MIB, 4096, ASPACE_R) == MM_OK);
        EXPECT(pages_are(tables * 512, 0, 0) && rig.in_use == whole + tables);
        EXPECT(aspace_protect(&space, UP, tables * 2 * MIB, ASPACE_W) == MM_OK);
        EXPECT(pages_are(0, tables, 0) && space.tree.stats.merges == tables);
        EXPECT(rig.in_use == whole && rig_verdict(&rig) == NULL);
        end();
    }
}

/* --- prot as the hardware sees it ------------------------------------------------------------- */

static void each_prot_on(const struct hal_paging *cpu)
{
    static const uint64_t sizes[] = {4096, 2 * MIB, GIB};
    for (uint32_t prot = 0; prot <= ASPACE_ALL; prot++) {
        bool user = (prot & ASPACE_USER) != 0;
        if ((prot & 3) == 3 || (prot & ASPACE_TYPE) == ASPACE_TYPE ||
            (user && (prot & ASPACE_GLOBAL) != 0))
            continue;
        begin_on(cpu);
        for (unsigned i = 0; i < 3; i++) {
            hal_vaddr_t at = (user ? GIB : UP) + 4 * i * GIB;
            uint64_t page = i == 2 && !cpu->pages_1g ? 2 * MIB : sizes[i];
            EXPECT(aspace_map(&space, at, 3 * GIB, sizes[i], prot) == MM_OK);
            EXPECT(leads(at, 3 * GIB, page, prot));
        }
        end();
    }
}

static void each_prot(void)
{
    static const struct hal_paging cpus[] = {
        {true, true, true, true, MMU_BREAKS, 4, MMU_PHYS_BITS},
        {false, true, true, true, MMU_BREAKS, 4, MMU_PHYS_BITS},
        {true, true, false, true, MMU_BREAKS, 4, MMU_PHYS_BITS},
        {false, false, false, false, MMU_BREAKS, MMU_LEVELS, MMU_PHYS_BITS}};
    for (unsigned i = 0; i < ARRAY_LEN(cpus); i++)
        each_prot_on(&cpus[i]);
}

/* Does each of the four entries for `virt` mean what it should, do all together let users in or keep
 * them out, and in the upper half each of them where that is the format's way? */
static bool path_is_sound(hal_vaddr_t virt, bool users)
{
    uint64_t entries[ASPACE_LEVELS];
    bool sound = aspace_path(&space, virt, entries) == 4;
    uint64_t all = ~(uint64_t)0;
    for (unsigned i = 0; i < 4; i++) {
        struct mmu_entry e = mmu_read(entries[i], 3 - i, &space.tree.cpu);
        sound &= e.valid && e.leaf == (i == 3) && e.wrong == NULL;
        sound &= virt < UP || i == 3 || !MMU_TABLES_NARROW || (e.grants & MMU_U) == 0;
        all &= e.grants;
    }
    return sound && ((all & MMU_U) != 0) == users;
}

/* mmu_read() finds every bit wrong that the CPU would set by itself. */
static void bits_are_preset(void)
{
    begin();
    EXPECT(aspace_map(&space, 0x1000, 0, 4096, ASPACE_W | ASPACE_USER) == MM_OK);
    EXPECT(aspace_map(&space, 0x2000, 0, 4096, ASPACE_R) == MM_OK);
    EXPECT(path_is_sound(0x1000, true) && path_is_sound(0x2000, false));
    EXPECT(aspace_protect(&space, 0x1000, 4096, ASPACE_R | ASPACE_USER) == MM_OK);
    EXPECT(path_is_sound(0x1000, true));
    EXPECT(aspace_map(&space, UP, 0, 4096, ASPACE_W) == MM_OK);
    EXPECT(path_is_sound(UP, false));
    end();
}

/* --- query, path, walk ------------------------------------------------------------------------ */

static void query_and_path(void)
{
    uint64_t entries[ASPACE_LEVELS] = {0};
    struct aspace_mapping m = {.virt = 77};
    begin();
    EXPECT(aspace_path(&space, UP, entries) == 1 && entries[0] == 0);
    EXPECT(aspace_map(&space, UP + 2 * MIB, 6 * MIB, 2 * MIB, 0) == MM_OK);
    EXPECT(aspace_query(&space, UP, &m) == MM_UNMAPPED && m.virt == 77);
    EXPECT(aspace_query(&space, UP - 1, &m) == MM_NOT_CANONICAL && m.virt == 77);
    EXPECT(aspace_query(&space, UP + 3 * MIB + 5, &m) == MM_OK);
    EXPECT(m.virt == UP + 2 * MIB && m.phys == 6 * MIB && m.size == 2 * MIB && m.page == 2 * MIB);
    EXPECT(aspace_path(&space, UP + 3 * MIB, entries) == 3);
    struct mmu_entry e = mmu_read(entries[2], 1, &all_features);
    EXPECT(e.valid && e.leaf && e.address == 6 * MIB);
    EXPECT(aspace_path(&space, UP, entries) == 3 && entries[2] == 0);
    EXPECT(aspace_path(&space, UP + GIB, entries) == 2 && entries[1] == 0);
    EXPECT(aspace_path(&space, UP - 1, entries) == 0);
    end();
}

static struct {
    unsigned count;
    struct aspace_mapping run[8];
} seen;

static void see(void *ctx, const struct aspace_mapping *run)
{
    EXPECT(ctx == &seen);
    if (seen.count < ARRAY_LEN(seen.run))
        seen.run[seen.count] = *run;
    seen.count++;
}

static bool saw(unsigned i, hal_vaddr_t virt, hal_paddr_t phys, uint64_t size, uint64_t page,
                uint32_t prot)
{
    const struct aspace_mapping *m = &seen.run[i];
    return i < seen.count && m->virt == virt && m->phys == phys && m->size == size &&
           m->page == page && m->prot == prot;
}

static void walk_shows_maximal_runs(void)
{
    begin();
    seen.count = 0;
    aspace_walk(&space, see, &seen);
    EXPECT(seen.count == 0);
    EXPECT(aspace_map(&space, TOP - 4096, 0x8000, 8192, 0) == MM_OK);
    EXPECT(aspace_map(&space, 2 * MIB - 8192, 2 * MIB - 8192, 8192 + 4 * MIB, 1) == MM_OK);
    EXPECT(aspace_map(&space, 6 * MIB, 6 * MIB, 4096, 2) == MM_OK);        /* other prot */
    EXPECT(aspace_map(&space, 6 * MIB + 4096, 7 * MIB, 4096, 2) == MM_OK); /* elsewhere */
    EXPECT(aspace_map(&space, 6 * MIB + 12288, 7 * MIB + 4096, 4096, 2) == MM_OK); /* a gap */
    EXPECT(aspace_map(&space, UP, 0, TIB, 1) == MM_OK);
    aspace_walk(&space, see, &seen);
    EXPECT(seen.count == 7);
    EXPECT(saw(0, 2 * MIB - 8192, 2 * MIB - 8192, 8192, 4096, 1));
    EXPECT(saw(1, 2 * MIB, 2 * MIB, 4 * MIB, 2 * MIB, 1));
    EXPECT(saw(2, 6 * MIB, 6 * MIB, 4096, 4096, 2));
    EXPECT(saw(3, 6 * MIB + 4096, 7 * MIB, 4096, 4096, 2));
    EXPECT(saw(4, 6 * MIB + 12288, 7 * MIB + 4096, 4096, 4096, 2));
    EXPECT(saw(5, UP, 0, TIB, GIB, 1));
    EXPECT(saw(6, TOP - 4096, 0x8000, 8192, 4096, 0));
    end();
}

/* --- flushes ---------------------------------------------------------------------------------- */

static uint64_t counted[HOST_FLUSH_KINDS];

static void count_from_here(void)
{
    memcpy(counted, host_flushes, sizeof counted);
}

static bool flushed(uint64_t pages, uint64_t local, uint64_t all, uint64_t shootdowns)
{
    return host_flushes[HOST_FLUSH_PAGE] - counted[HOST_FLUSH_PAGE] == pages &&
           host_flushes[HOST_FLUSH_LOCAL] - counted[HOST_FLUSH_LOCAL] == local &&
           host_flushes[HOST_FLUSH_ALL] - counted[HOST_FLUSH_ALL] == all &&
           host_flushes[HOST_SHOOTDOWN] - counted[HOST_SHOOTDOWN] == shootdowns;
}

static void flushes_are_batched(void)
{
    const uint32_t exec = ASPACE_GLOBAL | ASPACE_X;
    const uint32_t write = ASPACE_GLOBAL | ASPACE_W;
    begin();
    count_from_here();
    EXPECT(aspace_map(&space, UP, 4096, 64 * 4096, ASPACE_GLOBAL) == MM_OK);
    EXPECT(aspace_map(&space, GIB, 4096, 64 * 4096, 0) == MM_OK);
    EXPECT(flushed(0, 0, 0, 0)); /* new translations need none */
    EXPECT(aspace_protect(&space, UP, 32 * 4096, exec) == MM_OK && flushed(32, 0, 0, 1));
    count_from_here();
    EXPECT(aspace_protect(&space, UP, 33 * 4096, write) == MM_OK && flushed(0, 0, 1, 1));
    EXPECT(aspace_protect(&space, GIB, 33 * 4096, ASPACE_W) == MM_OK && flushed(0, 1, 1, 2));
    count_from_here();
    EXPECT(aspace_unmap(&space, GIB, 4096) == MM_OK && flushed(1, 0, 0, 1));
    EXPECT(aspace_map(&space, GIB + 2 * MIB, 2 * MIB, 4 * MIB, 0) == MM_OK);
    EXPECT(aspace_unmap(&space, GIB + 2 * MIB, 2 * MIB) == MM_OK && flushed(1, 1, 0, 2));
    EXPECT(space.tree.stats.flushed_pages == 33 && space.tree.stats.full_flushes == 3);
    host_tlb_limit = 2; /* the port's to say */
    count_from_here();
    EXPECT(aspace_protect(&space, UP, 2 * 4096, exec) == MM_OK && flushed(2, 0, 0, 1));
    EXPECT(aspace_protect(&space, UP, 4 * 4096, exec) == MM_OK && flushed(4, 0, 0, 2));
    EXPECT(aspace_protect(&space, UP, 3 * 4096, write) == MM_OK && flushed(4, 0, 1, 3));
    host_tlb_limit = 32;
    rig_watch(&rig, NULL);
    count_from_here();
    /* however many tables go: 32, 65, 513 */
    EXPECT(aspace_map(&space, 8 * GIB, 4096, 31 * 2 * MIB, 0) == MM_OK);
    EXPECT(aspace_unmap(&space, 8 * GIB, 31 * 2 * MIB) == MM_OK && flushed(0, 1, 0, 1));
    EXPECT(aspace_map(&space, 8 * GIB, 4096, 63 * 2 * MIB, 0) == MM_OK);
    EXPECT(aspace_unmap(&space, 8 * GIB, 63 * 2 * MIB) == MM_OK && flushed(0, 2, 0, 2));
    EXPECT(aspace_map(&space, 8 * GIB, 4096, GIB, 0) == MM_OK);
    EXPECT(space.tree.stats.pages[0] >= 512 * 512);
    EXPECT(aspace_unmap(&space, 8 * GIB, GIB) == MM_OK && flushed(0, 3, 0, 3));
    count_from_here(); /* a page, and tables */
    hal_vaddr_t at = 8 * GIB + 2 * MIB - 4096;
    EXPECT(aspace_map(&space, at, 8192, 31 * 2 * MIB + 4096, 0) == MM_OK);
    EXPECT(aspace_unmap(&space, at, 31 * 2 * MIB + 4096) == MM_OK && flushed(0, 1, 0, 1));
    end();
}

/* What the tables said of an address when the port heard of a flush, or of new entries. */
static struct {
    unsigned count;
    struct {
        enum host_flush kind;
        hal_vaddr_t base;
        uint64_t size;
        uint64_t page; /* that the hardware finds, 0: none */
        uint64_t grants;
    } event[16];
    const struct aspace *as;
    hal_vaddr_t at;
} heard;

static void hear_tables(void *ctx, enum host_flush kind, hal_paddr_t root, hal_vaddr_t base,
                        uint64_t size)
{
    UNUSED(ctx);
    UNUSED(root);
    struct rig_memo m = rig_translate(&rig, heard.as, heard.at);
    unsigned i = heard.count++;
    if (!EXPECT(i < ARRAY_LEN(heard.event)))
        return;
    heard.event[i].kind = kind;
    heard.event[i].base = base;
    heard.event[i].size = size;
    heard.event[i].page = m.page;
    heard.event[i].grants = m.rights & 0xFFFF;
}

static void hear_from_here(const struct aspace *as, hal_vaddr_t at)
{
    heard.count = 0;
    heard.as = as;
    heard.at = at;
    host_listen_flushes(hear_tables, NULL);
}

/* Was event `i` this one, and did the tables say that then? `page` 0: whatever they granted. */
static bool event_was(unsigned i, enum host_flush kind, hal_vaddr_t base, uint64_t size,
                      uint64_t page, uint64_t grants)
{
    return i < heard.count && heard.event[i].kind == kind && heard.event[i].base == base &&
           heard.event[i].size == size && heard.event[i].page == page &&
           (page == 0 || heard.event[i].grants == grants);
}

#define HALF ((hal_vaddr_t)1 << 63) /* a shootdown of all of the upper half */

static const uint64_t read_global = MMU_G, write_global = MMU_G | MMU_W;

static void begin_breaking(bool breaks)
{
    struct hal_paging cpu = all_features;
    cpu.break_before_make = breaks;
    begin_on(&cpu);
    rig_watch(&rig, NULL);
    EXPECT(aspace_map(&space, UP, 0, 2 * MIB, ASPACE_W | ASPACE_GLOBAL) == MM_OK);
    hear_from_here(&space, UP + 4096);
}

/* The size changes with the same rights, and between that and any other change all is flushed. */
static void sizes_change_alone(void)
{
    begin_breaking(false);
    EXPECT(aspace_protect(&space, UP + 4096, 4096, ASPACE_GLOBAL) == MM_OK);
    EXPECT(event_was(0, HOST_FLUSH_ALL, 0, 0, 4096, write_global));
    EXPECT(event_was(1, HOST_SHOOTDOWN, HALF, 0, 4096, write_global));
    EXPECT(event_was(2, HOST_FLUSH_PAGE, UP + 4096, 4096, 4096, read_global));
    EXPECT(event_was(3, HOST_SHOOTDOWN, UP + 4096, 4096, 4096, read_global));
    EXPECT(aspace_protect(&space, UP + 4096, 4096, ASPACE_W | ASPACE_GLOBAL) == MM_OK);
    EXPECT(event_was(4, HOST_FLUSH_PAGE, UP + 4096, 4096, 4096, write_global));
    EXPECT(event_was(5, HOST_SHOOTDOWN, UP + 4096, 4096, 4096, write_global));
    EXPECT(event_was(6, HOST_FLUSH_ALL, 0, 0, 2 * MIB, write_global));
    EXPECT(event_was(7, HOST_SHOOTDOWN, HALF, 0, 2 * MIB, write_global));
    EXPECT(aspace_protect(&space, UP, 2 * MIB, ASPACE_W) == MM_OK);
    EXPECT(event_was(8, HOST_FLUSH_ALL, 0, 0, 2 * MIB, MMU_W));
    EXPECT(event_was(9, HOST_SHOOTDOWN, HALF, 0, 2 * MIB, MMU_W) && heard.count == 10);
    end();
}

/* The same where the CPU wants the entry to be 0, and flushed, in between. */
static void entries_break_before_they_are_made(void)
{
    begin_breaking(true);
    EXPECT(aspace_protect(&space, UP + 4096, 4096, ASPACE_GLOBAL) == MM_OK);
    EXPECT(event_was(0, HOST_FLUSH_ALL, 0, 0, 0, 0) && event_was(1, HOST_SHOOTDOWN, HALF, 0, 0, 0));
    EXPECT(event_was(2, HOST_ADDED, UP, 2 * MIB, 4096, write_global));
    EXPECT(event_was(3, HOST_FLUSH_PAGE, UP + 4096, 4096, 4096, read_global));
    EXPECT(event_was(4, HOST_SHOOTDOWN, UP + 4096, 4096, 4096, read_global));
    EXPECT(aspace_protect(&space, UP + 4096, 4096, ASPACE_W | ASPACE_GLOBAL) == MM_OK);
    EXPECT(event_was(5, HOST_FLUSH_PAGE, UP + 4096, 4096, 4096, write_global));
    EXPECT(event_was(6, HOST_SHOOTDOWN, UP + 4096, 4096, 4096, write_global));
    EXPECT(event_was(7, HOST_FLUSH_ALL, 0, 0, 0, 0) && event_was(8, HOST_SHOOTDOWN, HALF, 0, 0, 0));
    EXPECT(event_was(9, HOST_ADDED, UP, 2 * MIB, 2 * MIB, write_global));
    EXPECT(aspace_protect(&space, UP, 2 * MIB, ASPACE_W) == MM_OK);
    EXPECT(event_was(10, HOST_FLUSH_ALL, 0, 0, 0, 0) && event_was(11, HOST_SHOOTDOWN, HALF, 0, 0, 0));
    EXPECT(event_was(12, HOST_ADDED, UP, 2 * MIB, 2 * MIB, MMU_W) && heard.count == 13);
    end();
}

/* The port is told when every space that shares the new entry has it. */
static void new_entries_are_told(void)
{
    struct aspace user;
    begin();
    rig_watch(&rig, NULL);
    EXPECT(aspace_init_shared(&user, &space, &rig.source) == MM_OK);
    hear_from_here(&user, UP + TIB);
    EXPECT(aspace_map(&space, UP + TIB, 4096, 8192, ASPACE_W) == MM_OK);
    EXPECT(event_was(0, HOST_ADDED, UP + TIB, 8192, 4096, MMU_W) && heard.count == 1);
    EXPECT(aspace_map(&space, UP + TIB, 4096, 8192, ASPACE_W) == MM_OVERLAP);
    EXPECT(heard.count == 1);
    host_listen_flushes(NULL, NULL);
    aspace_destroy(&user);
    end();
}

static hal_vaddr_t shot_base;
static uint64_t shot_size;
static hal_paddr_t shot_root;

static void hear(void *ctx, enum host_flush kind, hal_paddr_t root, hal_vaddr_t base, uint64_t size)
{
    UNUSED(ctx);
    if (kind != HOST_SHOOTDOWN)
        return;
    shot_base = base;
    shot_size = size;
    shot_root = root;
}

static void other_cpus_are_told(void)
{
    begin();
    rig_watch(&rig, NULL);
    host_listen_flushes(hear, NULL);
    EXPECT(aspace_map(&space, UP, 4096, 64 * 4096, 0) == MM_OK && shot_root == 0);
    aspace_activate(&space);
    EXPECT(aspace_unmap(&space, UP + 3 * 4096, 2 * 4096) == MM_OK);
    EXPECT(shot_root == hal_root() && shot_base == UP + 3 * 4096 && shot_size == 2 * 4096);
    EXPECT(aspace_unmap(&space, UP + 5 * 4096, 59 * 4096) == MM_OK && shot_size == 0);
    EXPECT(shot_root == hal_root() && shot_base == HALF);
    EXPECT(aspace_map(&space, 0x1000, 4096, 64 * 4096, 0) == MM_OK);
    EXPECT(aspace_unmap(&space, 0x1000, 64 * 4096) == MM_OK);
    EXPECT(shot_base == 0 && shot_size == 0 && shot_root == hal_root());
    hal_paddr_t root = hal_root();
    hal_load_root(0);
    shot_root = shot_base = shot_size = 1;
    aspace_destroy(&space);
    EXPECT(shot_root == root && shot_base == HALF && shot_size == 0); /* all, before the tables go */
    EXPECT(rig.in_use == 0 && rig.wrong == NULL);
    host_listen_flushes(NULL, NULL);
}

/* --- several spaces --------------------------------------------------------------------------- */

static void shared_half(void)
{
    struct aspace one;
    struct aspace two;
    struct aspace_mapping m;
    begin();
    EXPECT(aspace_map(&space, UP, 0, GIB, ASPACE_GLOBAL) == MM_OK);
    EXPECT(aspace_init_shared(&one, &space, &rig.source) == MM_OK);
    EXPECT(aspace_init_shared(&two, &space, &rig.source) == MM_OK);
    EXPECT(aspace_init_shared(&two, &one, &rig.source) == MM_INVALID);
    EXPECT(aspace_query(&one, UP, &m) == MM_OK && m.prot == ASPACE_GLOBAL);
    EXPECT(aspace_map(&space, UP + TIB, 0, 4096, 0) == MM_OK); /* a new root entry, later */
    EXPECT(aspace_query(&one, UP + TIB, &m) == MM_OK);
    EXPECT(aspace_query(&two, UP + TIB, &m) == MM_OK);
    EXPECT(aspace_map(&one, UP + 2 * TIB, 0, 4096, 0) == MM_RESERVED);
    EXPECT(aspace_unmap(&one, UP, GIB) == MM_RESERVED);
    EXPECT(aspace_protect(&one, UP, GIB, 0) == MM_RESERVED);
    EXPECT(aspace_map(&one, 0x1000, 0x5000, 4096, ASPACE_USER) == MM_OK);
    EXPECT(aspace_map(&two, 0x1000, 0x6000, 4096, ASPACE_USER) == MM_OK);
    EXPECT(aspace_query(&one, 0x1000, &m) == MM_OK && m.phys == 0x5000);
    EXPECT(aspace_query(&two, 0x1000, &m) == MM_OK && m.phys == 0x6000);
    EXPECT(aspace_query(&space, 0x1000, &m) == MM_UNMAPPED);
    EXPECT(aspace_check(&one) == NULL && aspace_check(&two) == NULL);
    EXPECT(one.tree.stats.tables == 4 && one.tree.stats.pages[2] == 0);
    seen.count = 0;
    aspace_walk(&one, see, &seen);
    EXPECT(seen.count == 3 && saw(1, UP, 0, GIB, GIB, ASPACE_GLOBAL));
    rig_watch(&rig, &two); /* what the owner takes away is gone here too */
    EXPECT(aspace_unmap(&space, UP + TIB, 4096) == MM_OK && rig_verdict(&rig) == NULL);
    EXPECT(aspace_query(&two, UP + TIB, &m) == MM_UNMAPPED);
    rig_watch(&rig, NULL);
    aspace_destroy(&one);
    EXPECT(aspace_map(&space, UP + 4 * TIB, 0, 4096, 0) == MM_OK); /* `one` is not written to */
    EXPECT(aspace_query(&two, UP + 4 * TIB, &m) == MM_OK && aspace_check(&two) == NULL);
    aspace_destroy(&two);
    EXPECT(rig.in_use == space.tree.stats.tables && rig.wrong == NULL);
    rig_watch(&rig, &space);
    end();
}

static void list_of_spaces(void)
{
    struct aspace user[6];
    begin();
    rig_watch(&rig, NULL);
    for (unsigned gone = 0; gone < 6; gone++) {
        for (unsigned i = 0; i < 6; i++)
            EXPECT(aspace_init_shared(&user[i], &space, &rig.source) == MM_OK);
        aspace_destroy(&user[gone]);
        EXPECT(aspace_map(&space, UP + gone * TIB, 0, 4096, 0) == MM_OK);
        for (unsigned i = 0; i < 6; i++) {
            EXPECT(i == gone || aspace_check(&user[i]) == NULL);
            aspace_destroy(&user[i]); /* the one that is gone: nothing */
        }
    }
    EXPECT(rig.in_use == space.tree.stats.tables);
    end();
}

static void a_thousand_rounds(void)
{
    struct aspace user;
    begin();
    rig_watch(&rig, NULL);
    EXPECT(aspace_map(&space, UP, 0, GIB + 4096, 0) == MM_OK);
    uint64_t before = rig.in_use;
    static uint32_t order[RIG_PAGES];
    memcpy(order, rig.free, sizeof order);
    for (uint64_t i = 0; i < 1000; i++) {
        EXPECT(aspace_init_shared(&user, &space, &rig.source) == MM_OK);
        EXPECT(aspace_map(&user, 4096 + i * 4096, i * 4096, 3 * MIB, ASPACE_USER) == MM_OK);
        EXPECT(aspace_map(&user, GIB * (1 + i % 4), 0, GIB, ASPACE_USER | ASPACE_X) == MM_OK);
        EXPECT(aspace_protect(&user, GIB * (1 + i % 4) + 4096 * i, 4096, 0) == MM_OK);
        aspace_destroy(&user);
        EXPECT(rig.in_use == before);
    }
    EXPECT(rig.wrong == NULL && aspace_check(&space) == NULL);
    end();
}

static bool panics(void (*what)(void))
{
    if (setjmp(*host_panic_catch()) != 0)
        return true;
    what();
    host_panic_release();
    return false;
}

static struct aspace nothing, sharer;

static void activate_nothing(void)
{
    aspace_activate(&nothing);
}

static void destroy_space(void)
{
    aspace_destroy(&space);
}

static void activation_and_destruction(void)
{
    begin();
    rig_watch(&rig, NULL);
    count_from_here();
    aspace_activate(&space);
    EXPECT(host_flushes[HOST_LOAD] == counted[HOST_LOAD] + 1);
    EXPECT(hal_root() == (space.tree.root & MMU_ADDRESS) && hal_root() != 0);
    EXPECT(panics(destroy_space)); /* it is loaded here */
    hal_load_root(0);
    EXPECT(aspace_init_shared(&sharer, &space, &rig.source) == MM_OK);
    EXPECT(panics(destroy_space)); /* it is shared */
    count_from_here();
    aspace_destroy(&sharer);
    EXPECT(flushed(0, 1, 0, 1) && sharer.tree.root == 0);
    count_from_here();
    aspace_destroy(&space);
    EXPECT(flushed(0, 0, 1, 1) && space.tree.root == 0 && rig.in_use == 0);
    aspace_destroy(&space);
    EXPECT(flushed(0, 0, 1, 1));
}

static void no_space_at_all(void)
{
    struct aspace_mapping m;
    uint64_t entries[ASPACE_LEVELS];
    rig_init(&rig, RIG_PAGES);
    *(uint64_t *)host_ram =
        mmu_empty_table(HAL_PAGE_SIZE, false); /* a root at 0 would lead on to nonsense */
    memset(host_ram + HAL_PAGE_SIZE, RIG_NONSENSE, HAL_PAGE_SIZE);
    EXPECT(aspace_map(&nothing, 0x1000, 0, 4096, 0) == MM_INVALID);
    EXPECT(aspace_unmap(&nothing, 0x1000, 4096) == MM_INVALID);
    EXPECT(aspace_protect(&nothing, 0x1000, 4096, 0) == MM_INVALID);
    EXPECT(aspace_query(&nothing, 0x1000, &m) == MM_INVALID);
    EXPECT(aspace_path(&nothing, 0x1000, entries) == 0 && aspace_path(&nothing, 0, entries) == 0);
    EXPECT(aspace_init_shared(&sharer, &nothing, &rig.source) == MM_INVALID);
    const char *wrong = aspace_check(&nothing);
    EXPECT(wrong != NULL && strstr(wrong, "no address space") != NULL);
    EXPECT(panics(activate_nothing));
    seen.count = 0;
    aspace_walk(&nothing, see, &seen);
    aspace_destroy(&nothing);
    EXPECT(seen.count == 0 && rig.calls == 0);
    EXPECT(aspace_init(&space, &rig.source) == MM_OK);
    rig.spare = 0;
    EXPECT(aspace_init(&nothing, &rig.source) == MM_NO_MEMORY);
    EXPECT(aspace_init_shared(&nothing, &space, &rig.source) == MM_NO_MEMORY);
    EXPECT(nothing.tree.root == 0 && space.next == NULL);
    end();
}

/* --- the page source -------------------------------------------------------------------------- */

struct stock {
    hal_paddr_t base;
    unsigned left, back;
};

static hal_paddr_t stock_alloc(void *ctx)
{
    struct stock *s = ctx;
    return s->left == 0 ? HAL_PADDR_NONE : s->base + --s->left * HAL_PAGE_SIZE;
}

static void stock_free(void *ctx, hal_paddr_t page)
{
    struct stock *s = ctx;
    EXPECT(page - s->base < 4 * HAL_PAGE_SIZE);
    s->back++;
}

static bool stock_owns(void *ctx, hal_paddr_t page)
{
    return page - ((struct stock *)ctx)->base < 4 * HAL_PAGE_SIZE;
}

static struct page_chain chain;

static void free_foreign(void)
{
    page_chain_free(&chain, 5 * MIB);
}

static void chain_of_sources(void)
{
    struct stock stock[3] = {{MIB, 2, 0}, {2 * MIB, 3, 0}, {3 * MIB, 4, 0}};
    struct page_stage stage[3];
    hal_paddr_t got[9];
    chain.first = NULL;
    EXPECT(page_chain_alloc(&chain) == HAL_PADDR_NONE && panics(free_foreign));
    for (unsigned i = 0; i < 3; i++)
        stage[i] = (struct page_stage){.source = {stock_alloc, stock_free, &stock[i]},
                                       .owns = stock_owns,
                                       .given = 99,
                                       .in_use = 99,
                                       .next = &stage[0]};
    page_chain_add(&chain, &stage[0]);
    page_chain_add(&chain, &stage[1]);
    for (unsigned i = 0; i < 5; i++)
        got[i] = page_chain_alloc(&chain);
    EXPECT(got[0] == MIB + 4096 && got[1] == MIB && got[2] == 2 * MIB + 8192 && got[4] == 2 * MIB);
    EXPECT(page_chain_alloc(&chain) == HAL_PADDR_NONE); /* run out */
    page_chain_add(&chain, &stage[2]);              /* and registered one more */
    for (unsigned i = 5; i < 9; i++)
        got[i] = page_chain_alloc(&chain);
    EXPECT(got[8] == 3 * MIB && page_chain_alloc(&chain) == HAL_PADDR_NONE);
    EXPECT(stage[0].given == 2 && stage[1].given == 3 && stage[2].given == 4);
    for (unsigned i = 9; i-- > 1;)
        page_chain_free(&chain, got[i]);
    EXPECT(stock[0].back == 1 && stock[1].back == 3 && stock[2].back == 4);
    EXPECT(stage[0].in_use == 1 && stage[1].in_use == 0 && stage[2].in_use == 0);
    EXPECT(panics(free_foreign));
    stage[2].owns = NULL; /* all the rest is its own */
    stock[2].base = 5 * MIB;
    page_chain_free(&chain, 5 * MIB);
    EXPECT(stock[2].back == 5 && stage[2].given == 4);
}

static hal_paddr_t bad_alloc(void *ctx)
{
    return *(hal_paddr_t *)ctx;
}

static hal_paddr_t bad_page = MIB + 1;
static const struct page_source bad_source = {bad_alloc, NULL, &bad_page};

static void take_bad(void)
{
    page_source_take(&bad_source);
}

static void pages_are_zeroed_and_judged(void)
{
    rig_init(&rig, RIG_PAGES);
    EXPECT(panics(take_bad));
    bad_page = MIB;
    memset(host_ram + MIB, 0xA7, 4096);
    EXPECT(page_source_take(&bad_source) == MIB);
    for (unsigned i = 0; i < 4096; i++)
        EXPECT(host_ram[MIB + i] == 0);
    bad_page = HAL_PADDR_NONE;
    EXPECT(page_source_take(&bad_source) == HAL_PADDR_NONE);
    EXPECT(host_ram[0] == RIG_NONSENSE && host_ram[4095] == RIG_NONSENSE); /* "none" is no page */
}

/* A space on a chain: the first pages come from the first stage, and all go back there. */
static void space_on_a_chain(void)
{
    struct stock stock[2] = {{RIG_BASE, 3, 0}, {RIG_BASE + MIB, 4, 0}};
    struct page_stage stage[2];
    const struct page_source source = {page_chain_alloc, page_chain_free, &chain};
    chain.first = NULL;
    for (unsigned i = 0; i < 2; i++) {
        stage[i] =
            (struct page_stage){.source = {stock_alloc, stock_free, &stock[i]}, .owns = stock_owns};
        page_chain_add(&chain, &stage[i]);
    }
    EXPECT(aspace_init(&space, &source) == MM_OK);
    EXPECT(aspace_map(&space, 0x1000, 0, 4096, 0) == MM_OK);
    EXPECT(stage[0].in_use == 3 && stage[1].in_use == 1);
    EXPECT(aspace_map(&space, GIB, 0, 4096, 0) == MM_OK);
    EXPECT(aspace_map(&space, 2 * GIB, 0, 4096, 0) == MM_NO_MEMORY);
    EXPECT(stage[0].in_use == 3 && stage[1].in_use == 3 && stock[1].back == 1);
    aspace_destroy(&space);
    EXPECT(stage[0].in_use == 0 && stage[1].in_use == 0 && stock[0].back == 3);
}

int main(void)
{
    host_ram_create(RIG_BASE + RIG_PAGES * HAL_PAGE_SIZE);
    expect_run("one page", map_one_page);
    expect_run("a range gets the largest pages that fit", largest_pages_that_fit);
    expect_run("no 1 GiB pages on a CPU without them", without_large_pages);
    expect_run("the first and last pages of both halves", edges_of_the_address_space);
    if (MMU_LEVELS >= 5)
        expect_run("five levels", five_levels);
    else
        puts("skip five levels: the format " MMU_NAME " has four");
    expect_run("map refuses each bad argument", map_refuses);
    expect_run("A5: nothing is mapped over a mapping", nothing_over_a_mapping);
    expect_run("refusals come in the order of the manual", order_of_refusals);
    expect_run("unmap and protect want whole ranges", whole_ranges_only);
    expect_run("protect keeps the memory type", memory_types_stay);
    expect_run("a large page is split where an edge falls", split_where_an_edge_falls);
    expect_run("a page is split beside one that goes", split_beside_what_goes);
    expect_run("protect leaves alone what is so already", protect_what_it_is);
    expect_run("512 alike pages in a row become one", merged_when_alike);
    expect_run("512 other pages do not", not_merged_when_different);
    expect_run("A2: a table goes with its last entry", tables_go_with_their_last_entry);
    expect_run("A4: more tables at once than are kept for one flush", many_tables_at_once);
    expect_run("A4: more tables merged at once than are kept for one flush", many_merged_at_once);
    expect_run("every prot, as the hardware sees it", each_prot);
    expect_run("accessed, dirty and user bits", bits_are_preset);
    expect_run("query and path", query_and_path);
    expect_run("walk shows maximal runs in address order", walk_shows_maximal_runs);
    expect_run("flushes are batched", flushes_are_batched);
    expect_run("A8: a page's size changes alone, with flushes before and after",
               sizes_change_alone);
    expect_run("A8: with break-before-make an entry is 0, and flushed, in between",
               entries_break_before_they_are_made);
    expect_run("the port is told of new entries", new_entries_are_told);
    expect_run("other CPUs are told what to flush", other_cpus_are_told);
    expect_run("A6: the shared half", shared_half);
    expect_run("A6: any of several sharers may go", list_of_spaces);
    expect_run("a thousand spaces leave the source as it was", a_thousand_rounds);
    expect_run("activate and destroy", activation_and_destruction);
    expect_run("a zeroed struct is no space", no_space_at_all);
    expect_run("a chain of page sources", chain_of_sources);
    expect_run("pages are zeroed, and must be pages", pages_are_zeroed_and_judged);
    expect_run("a space on a chain gives all back", space_on_a_chain);
    return expect_total();
}
