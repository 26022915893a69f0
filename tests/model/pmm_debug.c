/* mm/pmm_debug.h: what each mode sees, what it writes to, and what it leaves alone. A stray write
 * and a broken invariant must panic, and say so. */
#include "hal/short.h"
#include "tests/model/pmm_desk.h"

#include <setjmp.h>
#include <string.h>

#define JUNK 0x6b

static void fill(hal_paddr_t at, size_t pages, int byte)
{
    memset(hal_phys_to_virt(at), byte, pages * HAL_PAGE_SIZE);
}

static bool reads(hal_paddr_t at, size_t pages, int byte)
{
    const unsigned char *p = hal_phys_to_virt(at);
    for (size_t i = 0; i < pages * HAL_PAGE_SIZE; i++)
        if (p[i] != (unsigned char)byte)
            return false;
    return true;
}

static const struct mem_region debug_map[] = {RAM(HIGH, 128 * MIB),
                                              BOOT(HIGH + 128 * MIB, 64 * KIB)};

/* Turned on while pages are parked, allocated and withheld: free pages become junk, no others. */
static void junk_while_in_use(void)
{
    const struct pmm_debug on = {.junk = true};
    struct desk d;
    struct pmm_stats s;
    DESK_MAKE(&d, debug_map);
    hal_paddr_t page = desk_take(&d, 1);
    hal_paddr_t run = desk_take(&d, 3);
    hal_paddr_t parked = page + (page % (2 * MIB) == 0 ? HAL_PAGE_SIZE : 0 - HAL_PAGE_SIZE);
    fill(page, 1, 1);
    fill(run, 3, 2);
    fill(parked, 1, 3);
    fill(HIGH + 64 * MIB, 1, 3);
    fill(HIGH + 128 * MIB, 16, 4);
    pmm_stats(d.p, PMM_ZONE_NORMAL, &s);
    EXPECT(s.parked > 0);
    pmm_set_debug(d.p, &on);
    EXPECT(reads(page, 1, 1) && reads(run, 3, 2) && reads(HIGH + 128 * MIB, 16, 4));
    EXPECT(reads(parked, 1, JUNK) && reads(HIGH + 64 * MIB, 1, JUNK));
    desk_give(&d, page, 1); /* back into the magazine */
    EXPECT(reads(page, 1, JUNK));
    desk_give(&d, run, 3);
    EXPECT(reads(run, 3, JUNK));
    EXPECT(pmm_reclaim(d.p, &debug_map[1]) == MM_OK);
    model_reclaim(&d.m, 1);
    EXPECT(reads(HIGH + 128 * MIB, 16, JUNK));
    desk_end(&d);
}

/* A page freed in a debug mode goes where it goes without: to the magazine that owns its block, or
 * to the zone; and what cannot be freed is left alone. */
static void frees_in_a_debug_mode(void)
{
    const struct pmm_debug on = {.junk = true};
    struct desk d;
    DESK_MAKE(&d, debug_map);
    pmm_set_debug(d.p, &on);
    desk_claim(&d, HIGH + 100 * MIB, 1); /* puts back what is parked */
    hal_paddr_t page = desk_take(&d, 1);
    EXPECT(pmm_free(d.p, page, 2) == MM_WRONG_LENGTH);
    desk_give(&d, page, 1);
    EXPECT(pmm_free(d.p, page, 1) == MM_PARKED);
    desk_give(&d, HIGH + 100 * MIB, 1);
    EXPECT(pmm_free(d.p, HIGH + 100 * MIB, 1) == MM_ALREADY_FREE);
    EXPECT(pmm_free(d.p, 20 * MIB, 1) == MM_FOREIGN);
    EXPECT(pmm_free(d.p, HIGH + 128 * MIB, 16) == MM_RESERVED);
    EXPECT(pmm_alloc(d.p, 1 << 20, 0) == HAL_PADDR_NONE);
    model_count_failure(&d.m, 0);
    desk_take(&d, 1);
    desk_end(&d);
}

static void ring_without_room(void)
{
    static const struct mem_region regions[] = {RAM(HIGH, 1 * MIB)};
    struct pmm_op ring[2] = {{.base = 1}, {.base = 1}};
    const struct pmm_debug no_room = {.ring = ring, .ring_size = 0};
    const struct pmm_debug room = {.ring = ring, .ring_size = 1};
    struct desk d;
    DESK_MAKE(&d, regions);
    pmm_set_debug(d.p, &no_room);
    hal_paddr_t run = desk_take(&d, 2);
    EXPECT(pmm_debug_ring_count(d.p) == 1 && ring[0].base == 1 && ring[1].base == 1);
    pmm_set_debug(d.p, &room);
    desk_give(&d, run, 2);
    EXPECT(pmm_debug_ring_count(d.p) == 1 && ring[0].base == run && ring[1].base == 1);
    desk_end(&d);
}

/* Without a debug mode nothing is recorded; in one each call is, whichever way it takes. */
static void recorded_in_a_debug_mode(void)
{
    struct pmm_op ring[8];
    const struct pmm_debug on = {.ring = ring, .ring_size = ARRAY_LEN(ring)};
    struct desk d;
    DESK_MAKE(&d, debug_map);
    hal_paddr_t page = desk_take(&d, 1);
    desk_give(&d, desk_take(&d, 3), 3);
    desk_claim(&d, HIGH + 64 * MIB, 2);
    desk_give(&d, page, 1);
    EXPECT(pmm_debug_ring_count(d.p) == 0);
    pmm_set_debug(d.p, &on);
    page = desk_take(&d, 1);
    hal_paddr_t second = pmm_alloc_aligned(d.p, 1, HAL_PAGE_SIZE, 0);
    EXPECT(model_accept(&d.m, second, 1, HAL_PAGE_SIZE, 0) == NULL);
    desk_give(&d, page, 1);
    desk_give(&d, HIGH + 64 * MIB, 2);
    EXPECT(pmm_debug_ring_count(d.p) == 4);
    EXPECT(ring[0].base == page && ring[0].kind == 0 && ring[1].base == second);
    EXPECT(ring[2].base == page && ring[2].kind == 1 && ring[3].base == HIGH + 64 * MIB);
    pmm_set_debug(d.p, NULL);
    desk_give(&d, second, 1);
    desk_claim(&d, HIGH + 64 * MIB, 2);
    EXPECT(pmm_debug_ring_count(d.p) == 0);
    desk_end(&d);
}

/* Only the mode that fills free pages writes to them. */
static void free_pages_are_left_alone(void)
{
    struct pmm_op ring[2];
    const struct pmm_debug on = {.ring = ring, .ring_size = ARRAY_LEN(ring)};
    struct desk d;
    DESK_MAKE(&d, debug_map);
    fill(HIGH + 64 * MIB, 1, 3);
    pmm_set_debug(d.p, &on);
    EXPECT(reads(HIGH + 64 * MIB, 1, 3));
    pmm_set_debug(d.p, NULL);
    EXPECT(reads(HIGH + 64 * MIB, 1, 3));
    desk_end(&d);
}

/* Does the next page taken end in a panic? */
static bool panics(struct pmm *p)
{
    if (setjmp(*host_panic_catch()) != 0)
        return true;
    EXPECT(pmm_alloc(p, 1, 0) != HAL_PADDR_NONE);
    host_panic_release();
    return false;
}

/* One word of a free page is written: the next who takes it is told, whichever word it is. Words
 * before and behind the page are somebody else's. */
static void each_word_of_junk_counts(void)
{
    static const struct mem_region regions[] = {RAM(HIGH, 1 * MIB)};
    static const size_t words[] = {0, 1, HAL_PAGE_SIZE / 8 - 1};
    const struct pmm_debug on = {.junk = true};
    for (size_t i = 0; i <= ARRAY_LEN(words); i++) {
        struct desk d;
        DESK_MAKE(&d, regions);
        pmm_set_debug(d.p, &on);
        hal_paddr_t run = desk_take(&d, 3);
        fill(run, 3, 1);
        desk_give(&d, run, 3);
        desk_claim(&d, run, 1);
        desk_claim(&d, run + 2 * HAL_PAGE_SIZE, 1);
        fill(run, 1, 1);
        fill(run + 2 * HAL_PAGE_SIZE, 1, 1);
        uint64_t *page = hal_phys_to_virt(run + HAL_PAGE_SIZE);
        if (i < ARRAY_LEN(words))
            page[words[i]] ^= 1;
        EXPECT(panics(d.p) == (i < ARRAY_LEN(words)));
        desk_drop(&d);
    }
}

static bool all_bytes(const unsigned char *p, size_t n, unsigned char value)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != value)
            return false;
    return true;
}

static struct pmm *debug_make(struct model *m, void **tables, size_t *bytes)
{
    static const struct mem_region map[] = {RAM(HIGH, 16 * MIB)};
    model_init(m, map, 1);
    return model_create(m, 1, tables, bytes);
}

static bool taking_all_panics(struct pmm *p)
{
    if (setjmp(*host_panic_catch()) != 0)
        return true;
    UNUSED(pmm_alloc(p, 4096, 0));
    host_panic_release();
    return false;
}

static void junk_panics_on_a_stray_write(void)
{
    for (size_t n = 1; n < 700; n += 233) {
        struct model m;
        void *tables;
        size_t bytes;
        struct pmm *p = debug_make(&m, &tables, &bytes);
        const struct pmm_debug on = {.junk = true};
        pmm_set_debug(p, &on);
        hal_paddr_t got = pmm_alloc(p, n, 0);
        EXPECT(pmm_free(p, got, n) == MM_OK);
        EXPECT(pmm_alloc(p, n, 0) == got && pmm_free(p, got, n) == MM_OK); /* no false alarm */
        ((uint8_t *)hal_phys_to_virt(got))[n * HAL_PAGE_SIZE - 3] ^= 1;
        EXPECT(taking_all_panics(p));
        free(tables);
        model_destroy(&m);
    }
}

/* A wrong free must not fill what others own. */
static void junk_spares_live_pages(void)
{
    struct model m;
    void *tables;
    size_t bytes;
    struct pmm *p = debug_make(&m, &tables, &bytes);
    const struct pmm_debug on = {.junk = true};
    pmm_set_debug(p, &on);
    hal_paddr_t got = pmm_alloc(p, 8, PMM_ZERO);
    EXPECT(pmm_free(p, got, 7) == MM_WRONG_LENGTH);
    EXPECT(pmm_free(p, got, 9) == MM_WRONG_LENGTH);
    EXPECT(pmm_free(p, got + HAL_PAGE_SIZE, 7) == MM_INTERIOR);
    EXPECT(all_bytes(hal_phys_to_virt(got), 8 * HAL_PAGE_SIZE, 0));
    EXPECT(pmm_free(p, got, 8) == MM_OK);
    EXPECT(!all_bytes(hal_phys_to_virt(got), 8 * HAL_PAGE_SIZE, 0));
    free(tables);
    model_destroy(&m);
}

/* The invariant P7 is broken from outside, through the map; the next check must panic with it. */
static void check_every_panics(void)
{
    struct model m;
    void *tables;
    size_t bytes;
    struct pmm *volatile p = debug_make(&m, &tables, &bytes);
    const struct pmm_debug on = {.check_every = 3};
    volatile bool caught = false;
    volatile unsigned calls = 0;
    pmm_set_debug(p, &on);
    m.regions[0].label = "image";
    if (setjmp(*host_panic_catch()) == 0) {
        for (; calls < 10; calls++)
            UNUSED(pmm_alloc(p, 2, 0));
        host_panic_release();
    } else {
        caught = true;
    }
    EXPECT(caught && calls == 2); /* the third call, numbered from 0 */
    EXPECT(strncmp(host_panic_text(), "P7", 2) == 0);
    free(tables);
    model_destroy(&m);
}

int main(void)
{
    host_ram_create(HIGH + 256 * MIB);
    expect_run("junk fills what is free or parked, no more", junk_while_in_use);
    expect_run("frees in a debug mode", frees_in_a_debug_mode);
    expect_run("a ring without room records nothing", ring_without_room);
    expect_run("a call is recorded in a debug mode, and else not", recorded_in_a_debug_mode);
    expect_run("without junk free pages are left alone", free_pages_are_left_alone);
    expect_run("each word of a free page is looked at", each_word_of_junk_counts);
    expect_run("junk: a stray write panics", junk_panics_on_a_stray_write);
    expect_run("junk: a wrong free fills nothing", junk_spares_live_pages);
    expect_run("check_every: a broken invariant panics", check_every_panics);
    return expect_total();
}
