/* A3: the page source runs dry at the k-th page, for each k from 0 to success. A call that fails
 * must leave everything as it was: every byte of every table, the counts, the pages of the source
 * and the order in which it would give them, and the TLB (nothing is flushed, nothing need be). The
 * same call with one page more than it needs must not keep that page.
 *
 * kinds: san aarch64 */
#include "hal/short.h"
#include "tests/model/aspace_model.h"
#include "tests/model/aspace_rig.h"
#include "tests/model/expect.h"

#define UP   ((hal_vaddr_t)0xFFFF800000000000u)
#define UP_5 ((hal_vaddr_t)0xFF00000000000000u)

static struct rig rig;
static struct model model;
static struct aspace space;

static struct {
    struct aspace space;
    bool used[RIG_PAGES];
    uint32_t free[RIG_PAGES];
    unsigned free_top;
    unsigned char *bytes;
    uint64_t flushes;
} before;

static uint64_t flushes_so_far(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < HOST_FLUSH_KINDS; i++)
        sum += host_flushes[i];
    return sum;
}

static void remember(void)
{
    before.space = space;
    memcpy(before.used, rig.used, sizeof rig.used);
    memcpy(before.free, rig.free, sizeof rig.free);
    before.free_top = rig.free_top;
    before.flushes = flushes_so_far();
    memcpy(before.bytes, host_ram + RIG_BASE, RIG_PAGES * HAL_PAGE_SIZE);
}

/* Contents of pages that the source has do not matter: it may give them with any. */
static bool unchanged(void)
{
    bool same = memcmp(&before.space, &space, sizeof space) == 0 &&
                memcmp(before.used, rig.used, sizeof rig.used) == 0 &&
                before.free_top == rig.free_top &&
                memcmp(before.free, rig.free, before.free_top * sizeof rig.free[0]) == 0 &&
                before.flushes == flushes_so_far();
    for (unsigned i = 0; i < RIG_PAGES; i++)
        same &= !rig.used[i] || memcmp(before.bytes + i * HAL_PAGE_SIZE,
                                       host_ram + RIG_BASE + i * HAL_PAGE_SIZE, HAL_PAGE_SIZE) == 0;
    return same;
}

/* Refuse the call at each k below what the model says it needs; then let it through. */
static void at_each_page(const struct model_call *c)
{
    EXPECT(model_refuse(&model, c) == MM_OK);
    unsigned need = model_need(&model, c);
    rig_watch(&rig, &space);
    remember();
    for (unsigned k = 0; k < need; k++) {
        if (need > 40 && k > 4 && k < need - 4 && k % 61 != 0)
            continue; /* of a long row both ends and some between */
        uint64_t calls = rig.calls;
        rig.spare = k;
        EXPECT(model_do(&space, c) == MM_NO_MEMORY);
        EXPECT(rig.calls == calls + k + 1); /* it stops at the first that it cannot have */
        EXPECT(unchanged() && rig_verdict(&rig) == NULL && model_compare(&model, &space) == NULL);
    }
    rig.spare = need + 1;
    uint64_t calls = rig.calls;
    EXPECT(model_do(&space, c) == MM_OK && rig.calls == calls + need);
    model_apply(&model, c);
    EXPECT(rig.in_use == space.tree.stats.tables && rig_verdict(&rig) == NULL);
    EXPECT(model_compare(&model, &space) == NULL);
    rig.spare = RIG_PAGES;
}

static void script(const struct hal_paging *cpu, const struct model_call *call, unsigned count)
{
    host_set_paging(cpu);
    rig_init(&rig, RIG_PAGES);
    model_init(&model, cpu, false);
    EXPECT(aspace_init(&space, &rig.source) == MM_OK);
    for (unsigned i = 0; i < count; i++)
        at_each_page(&call[i]);
    rig_watch(&rig, NULL);
    aspace_destroy(&space);
    EXPECT(rig.in_use == 0 && rig.wrong == NULL);
}

static const struct hal_paging all_features = {true,       true, true,         true,
                                               MMU_BREAKS, 4,    MMU_PHYS_BITS};

static void mapping(void)
{
    static const struct model_call call[] = {
        {MODEL_MAP, 0x1000, 0, 4096, 0},
        {MODEL_MAP, GIB - 4096, GIB - 4096, GIB + 8192, ASPACE_W},
        {MODEL_MAP, 512 * GIB - 2 * MIB - 4096, 4096, 4 * MIB + 8192, ASPACE_X},
        {MODEL_MAP, UP, 0, 513 * GIB + 2 * MIB + 4096, ASPACE_GLOBAL},
        {MODEL_MAP, (hal_vaddr_t)0 - 4096, 0, 4096, 0},
        {MODEL_MAP, 1024 * GIB, 4096, 90 * MIB, 0},
    };
    script(&all_features, call, ARRAY_LEN(call));
}

static void splitting(void)
{
    static const struct model_call call[] = {
        {MODEL_MAP, 4 * GIB, 0, 4 * GIB, ASPACE_W},
        {MODEL_PROTECT, 4 * GIB + 4096, 0, 4096, 0},
        {MODEL_UNMAP, 6 * GIB - 4096, 0, 8192, 0},                  /* two pages of 1 GiB */
        {MODEL_PROTECT, 7 * GIB + MIB, 0, GIB - 2 * MIB, ASPACE_X}, /* both ends of one */
        {MODEL_UNMAP, 4 * GIB + 3 * MIB, 0, GIB, 0},
        {MODEL_PROTECT, 7 * GIB, 0, GIB, ASPACE_W}, /* all of it alike again: merged */
        {MODEL_UNMAP, 7 * GIB + 2 * MIB, 0, 2 * MIB, 0},
    };
    script(&all_features, call, ARRAY_LEN(call));
}

static void five_levels(void)
{
    static const struct hal_paging cpu = {true,       false,      true,         true,
                                          MMU_BREAKS, MMU_LEVELS, MMU_PHYS_BITS};
    static const struct model_call call[] = {
        {MODEL_MAP, 0x1000, 0, 4096, 0},
        {MODEL_MAP, UP_5, 0, 8 * MIB, ASPACE_W},
        {MODEL_MAP, ((hal_vaddr_t)1 << 48) - 4096, 0, 8192, 0},
        {MODEL_UNMAP, UP_5 + MIB, 0, 4096, 0},
    };
    script(&cpu, call, ARRAY_LEN(call));
}

static void making_a_space(void)
{
    struct aspace other = {.kernel = NULL};
    host_set_paging(&all_features);
    rig_init(&rig, 0);
    EXPECT(aspace_init(&space, &rig.source) == MM_NO_MEMORY && rig.in_use == 0);
    rig.spare = 1;
    EXPECT(aspace_init(&space, &rig.source) == MM_OK && rig.in_use == 1);
    remember();
    EXPECT(aspace_init_shared(&other, &space, &rig.source) == MM_NO_MEMORY);
    EXPECT(other.tree.root == 0 && unchanged());
    aspace_destroy(&space);
    EXPECT(rig.in_use == 0);
}

int main(void)
{
    host_ram_create(RIG_BASE + RIG_PAGES * HAL_PAGE_SIZE);
    before.bytes = malloc(RIG_PAGES * HAL_PAGE_SIZE);
    expect_run("A3: map fails at each page", mapping);
    expect_run("A3: unmap and protect fail at each page", splitting);
    if (MMU_LEVELS >= 5)
        expect_run("A3: the same with five levels and no 1 GiB pages", five_levels);
    else
        puts("skip five levels: the format " MMU_NAME " has four");
    expect_run("A3: a space is not made", making_a_space);
    free(before.bytes);
    return expect_total();
}
