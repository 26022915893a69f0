/* Random calls on address spaces of every kind of CPU, compared with the naive model after each
 * one: the answer, every translation, every page's size, every table, the pages of the source, and
 * what the worst CPU would still remember. Usage: model-aspace_random [CALLS [SEED]]. (Where
 * entries break before they are made, the CPU looks three times as often: half the calls then.)
 *
 * needs: -O1
 * kinds: san aarch64
 * takes: 4 s
 * brief: 400
 */
#include "hal/short.h"
#include "tests/model/aspace_model.h"
#include "tests/model/aspace_rig.h"

#include <inttypes.h>

struct machine {
    const char *name;
    struct hal_paging cpu;
    bool watched; /* small ranges, and a CPU that caches all it can */
    uint64_t spare;
};

#define BITS MMU_PHYS_BITS

static const struct machine machines[] = {
    {"all features", {true, true, true, true, MMU_BREAKS, 4, BITS}, false, 6000},
    {"watched", {true, true, true, true, MMU_BREAKS, 4, 46}, true, 6000},
    {"watched, few pages", {true, true, true, true, MMU_BREAKS, 4, 46}, true, 14},
    {"watched, break-before-make turned over",
     {true, true, true, true, !MMU_BREAKS, 4, 46},
     true,
     6000},
    {"no NX", {false, true, true, true, MMU_BREAKS, 4, 40}, true, 6000},
    {"no 1 GiB pages", {true, false, true, true, MMU_BREAKS, 4, BITS}, true, 6000},
    {"no PAT", {true, true, false, false, MMU_BREAKS, 4, 36}, true, 6000},
    {"five levels", {true, true, true, true, MMU_BREAKS, MMU_LEVELS, BITS}, false, 6000},
    {"five levels, watched", {true, false, false, false, MMU_BREAKS, MMU_LEVELS, BITS}, true, 40},
};

static struct rig rig;
static struct model model;
static uint64_t chance;
static uint64_t answers[MM_TYPE + 1];

static uint64_t random_below(uint64_t below)
{
    chance ^= chance >> 12;
    chance ^= chance << 25;
    chance ^= chance >> 27;
    return (chance * 0x2545F4914F6CDD1Du >> 16) % below;
}

static bool one_in(uint64_t n)
{
    return random_below(n) == 0;
}

/* Windows begin at borders of every kind. */
static hal_vaddr_t window(void)
{
    hal_vaddr_t half = model_span(model.cpu.levels - 1u) * 256;
    switch (random_below(8)) {
    case 0:
        return 0;
    case 1:
        return half - 2 * GIB;
    case 2:
        return (hal_vaddr_t)0 - half;
    case 3:
        return (hal_vaddr_t)0 - 2 * GIB;
    case 4:
        return 512 * GIB - 2 * GIB;
    default:
        return (hal_vaddr_t)0 - half / 2;
    }
}

static hal_vaddr_t some_address(void)
{
    hal_vaddr_t at = window() + random_below(4) * GIB;
    at += random_below(3) * random_below(512) / 128 * 2 * MIB;
    return one_in(3) ? at : at + random_below(6) * 4096;
}

static uint64_t some_size(bool small)
{
    static const uint64_t large[] = {2 * MIB, 2 * MIB, 4 * MIB, GIB, 2 * GIB, 512 * GIB};
    uint64_t size = one_in(2) ? (1 + random_below(8)) * 4096 : large[random_below(small ? 3 : 6)];
    return one_in(4) ? size + random_below(512) * 4096 : size;
}

static uint32_t some_prot(hal_vaddr_t virt)
{
    uint32_t prot = (one_in(3) ? (uint32_t)random_below(3) : ASPACE_W) |
                    (virt >> 63 != 0 ? ASPACE_GLOBAL : ASPACE_USER);
    if (one_in(4))
        prot ^= virt >> 63 != 0 ? ASPACE_GLOBAL : ASPACE_USER;
    if (one_in(6))
        prot |= 16u << random_below(2);
    return prot;
}

/* Mostly the same distance for every address, so that ranges meet and become one again. */
static hal_paddr_t some_phys(hal_vaddr_t virt)
{
    hal_paddr_t phys = virt % (8 * GIB) + 16 * GIB;
    if (one_in(8))
        phys += 2 * MIB;
    if (one_in(16))
        phys += 4096;
    return phys;
}

/* A part of what is mapped, often with an edge in common. */
static void aim_at_run(struct model_call *c)
{
    const struct model_run *r = &model.run[random_below(model.count)];
    uint64_t pages = (r->last - r->virt) / 4096 + 1;
    uint64_t from = one_in(2) ? 0 : random_below(pages);
    uint64_t left = pages - from;
    uint64_t take = one_in(3) ? left : 1 + random_below(left < 1030 ? left : 1030);
    c->virt = r->virt + from * 4096;
    c->size = take * 4096;
    if (c->kind == MODEL_PROTECT && !one_in(10))
        c->prot = (c->prot & ~ASPACE_TYPE) | (r->prot & ASPACE_TYPE);
}

/* Go on where a run ends, as it is: to the next border of a large page, or to the next run. */
static void go_on(struct model_call *c)
{
    const struct model_run *r = &model.run[random_below(model.count)];
    uint64_t border = one_in(4) && model.cpu.pages_1g ? GIB : 2 * MIB;
    if (one_in(2)) {
        c->virt = r->last + 1;
        c->phys = r->phys + (c->virt - r->virt);
        c->size = border - c->virt % border;
        if (r + 1 < &model.run[model.count] && r[1].virt - c->virt < c->size)
            c->size = r[1].virt - c->virt;
    } else {
        c->size = r->virt % border;
        c->virt = r->virt - c->size;
        c->phys = r->phys - c->size;
        if (r > model.run && r[-1].last >= c->virt)
            c->size = 0; /* refused; another time */
    }
    c->prot = r->prot;
}

static void spoil(struct model_call *c)
{
    switch (random_below(8)) {
    case 0:
        c->virt += 1 + random_below(4095);
        break;
    case 1:
        c->size = random_below(3) * 2047;
        break;
    case 2:
        c->phys ^= (uint64_t)1 << random_below(64);
        break;
    case 3:
        c->prot = (uint32_t)random_below(130);
        break;
    case 4:
        c->size = (hal_vaddr_t)0 - c->virt + random_below(3) * 4096;
        break;
    case 5:
        c->virt ^= (uint64_t)1 << (40 + random_below(24));
        break;
    case 6:
        c->prot |= ASPACE_W | ASPACE_X;
        break;
    default:
        c->phys = (hal_paddr_t)0 - random_below(4) * 4096;
        break;
    }
}

static struct model_call some_call(bool small)
{
    struct model_call c = {.kind = (enum model_kind)random_below(3)};
    c.virt = some_address();
    c.size = some_size(small);
    c.prot = some_prot(c.virt);
    c.phys = some_phys(c.virt);
    if (model.count > 0 && (c.kind != MODEL_MAP || one_in(20)) && !one_in(12))
        aim_at_run(&c);
    else if (model.count > 0 && c.kind == MODEL_MAP && one_in(2))
        go_on(&c);
    if (one_in(16))
        spoil(&c);
    return c;
}

static const char *hardware_agrees(const struct aspace *as)
{
    for (unsigned i = 0; i < model.count; i++) {
        const struct model_run *r = &model.run[i];
        uint64_t into = random_below((r->last - r->virt) / 4096 + 1) * 4096;
        const char *wrong = rig_agrees(&rig, as, r->virt + into, r->phys + into, r->prot);
        if (wrong != NULL)
            return wrong;
    }
    return rig.wrong;
}

/* Would the plan of this call, or the model's tables, outgrow this test? Then it is left out. */
static bool too_large(const struct aspace *as, const struct model_call *c, const struct machine *m)
{
    bool odd = (c->phys ^ c->virt) % (2 * MIB) != 0;
    uint64_t most = m->watched ? 4 * MIB : odd ? 64 * MIB : 520 * GIB;
    if (m->watched && as->tree.stats.pages[0] > 8000)
        return c->kind != MODEL_UNMAP;
    if (c->kind == MODEL_MAP && model_refuse(&model, c) == MM_OK)
        return c->size > most || (!m->cpu.pages_1g && c->size > 2 * GIB);
    return false;
}

static const char *step(struct aspace *as, const struct machine *m)
{
    struct model_call c = some_call(m->watched);
    if (too_large(as, &c, m))
        return NULL;
    uint64_t before = rig.in_use;
    mm_status_t want = model_call(&model, &c, rig.spare);
    mm_status_t got = model_do(as, &c);
    answers[got]++;
    const char *wrong = got != want ? "the answer is not the model's" : rig_verdict(&rig);
    if (wrong == NULL && got != MM_OK && rig.in_use != before)
        wrong = "A3: a call that failed kept pages, or gave too many back";
    if (wrong == NULL)
        wrong = model_compare(&model, as);
    if (wrong == NULL)
        wrong = hardware_agrees(as);
    if (wrong != NULL)
        printf("kind %d virt %#" PRIx64 " phys %#" PRIx64 " size %#" PRIx64
               " prot %u: got %d, the model says %d\n",
               (int)c.kind, c.virt, c.phys, c.size, c.prot, (int)got, (int)want);
    return wrong;
}

#define SPACES 4u /* the kernel's, and three that share its upper half */

static struct aspace spaces[SPACES];
static struct model models[SPACES];

/* Every space is what its own model says, and in the upper half what the kernel's says. */
static const char *compare_all(void)
{
    uint64_t tables = 0;
    const char *wrong = NULL;
    for (unsigned i = 0; i < SPACES && wrong == NULL; i++) {
        tables += spaces[i].tree.stats.tables;
        wrong = model_compare(&models[i], &spaces[i]);
        for (unsigned r = 0; r < models[0].count && wrong == NULL; r++) {
            const struct model_run *run = &models[0].run[r];
            if (run->virt >> 63 != 0)
                wrong = rig_agrees(&rig, &spaces[i], run->virt, run->phys, run->prot);
        }
    }
    return wrong == NULL && tables != rig.in_use ? "A3: pages taken are not the tables" : wrong;
}

/* Calls on any of the spaces, while a CPU runs in one; now and then one goes and comes again. */
static const char *share(const struct machine *m, uint64_t calls)
{
    const char *wrong = NULL;
    for (uint64_t n = 0; n < calls && wrong == NULL; n++) {
        unsigned i = (unsigned)random_below(SPACES);
        if (i > 0 && one_in(30)) {
            rig_watch(&rig, NULL);
            aspace_destroy(&spaces[i]);
            models[i].count = 0;
            if (aspace_init_shared(&spaces[i], &spaces[0], &rig.source) != MM_OK)
                return "a space that was destroyed cannot be made again";
        }
        rig.remote = one_in(2);
        rig_watch(&rig, &spaces[random_below(SPACES)]);
        model = models[i];
        wrong = step(&spaces[i], m);
        models[i] = model;
        if (wrong == NULL)
            wrong = compare_all();
    }
    return wrong;
}

static bool run_shared(const struct machine *m, uint64_t calls)
{
    bool ok = true;
    host_set_paging(&m->cpu);
    rig_init(&rig, m->spare);
    for (unsigned i = 0; i < SPACES; i++) {
        model_init(&models[i], &m->cpu, i > 0);
        ok &= (i == 0 ? aspace_init(&spaces[0], &rig.source)
                      : aspace_init_shared(&spaces[i], &spaces[0], &rig.source)) == MM_OK;
    }
    const char *wrong = share(m, calls);
    rig_watch(&rig, NULL);
    for (unsigned i = SPACES; i-- > 0;)
        aspace_destroy(&spaces[i]);
    if (wrong == NULL && (rig.in_use != 0 || rig.wrong != NULL))
        wrong = "pages are left when all spaces are gone";
    printf("%s: several spaces: %" PRIu64 " calls%s%s\n", ok && wrong == NULL ? "ok" : "FAIL",
           calls, wrong != NULL ? ": " : "", wrong != NULL ? wrong : "");
    return ok && wrong == NULL;
}

/* The whole machine: many spaces one after another, each as long as it does not grow too large. */
static bool run(const struct machine *m, uint64_t calls, uint64_t seed)
{
    const char *wrong = NULL;
    uint64_t done = 0, made = 0, splits = 0, merges = 0;
    chance = seed * 2 + 1;
    host_set_paging(&m->cpu);
    while (done < calls && wrong == NULL) {
        struct aspace as;
        rig_init(&rig, m->spare);
        model_init(&model, &m->cpu, false);
        if (aspace_init(&as, &rig.source) != MM_OK)
            return false;
        rig.remote = made % 2 != 0; /* the CPU that edits, and another one */
        rig_watch(&rig, m->watched ? &as : NULL);
        for (unsigned i = 0; i < 200 && done < calls && wrong == NULL; i++, done++)
            if ((wrong = step(&as, m)) == NULL && rig.in_use != as.tree.stats.tables)
                wrong = "A3: pages taken from the source are not the tables";
        splits += as.tree.stats.splits;
        merges += as.tree.stats.merges;
        rig_watch(&rig, NULL);
        aspace_destroy(&as);
        if (wrong == NULL && (rig.in_use != 0 || rig.wrong != NULL))
            wrong = rig.wrong != NULL ? rig.wrong : "aspace_destroy keeps pages";
        made++;
    }
    bool met = calls < 1000 || (splits > 0 && merges > 0); /* a short run may miss them */
    printf("%s: %s: %" PRIu64 " calls in %" PRIu64 " spaces, %" PRIu64 " splits, %" PRIu64
           " merges%s%s\n",
           wrong == NULL && met ? "ok" : "FAIL", m->name, done, made, splits, merges,
           wrong != NULL ? ": " : "", wrong != NULL ? wrong : "");
    return wrong == NULL && met;
}

/* Every answer that the manual lists must have been seen. */
static bool all_answers(void)
{
    static const mm_status_t listed[] = {
        MM_OK,      MM_INVALID,  MM_RESERVED,      MM_OVERFLOW, MM_NO_MEMORY, MM_NOT_PAGE,
        MM_OVERLAP, MM_UNMAPPED, MM_NOT_CANONICAL, MM_WX,       MM_TYPE};
    bool all = true;
    for (unsigned i = 0; i < ARRAY_LEN(listed); i++) {
        printf("%8" PRIu64 " %s\n", answers[listed[i]], mm_status_text(listed[i]));
        all &= answers[listed[i]] > 0;
    }
    return all;
}

int main(int argc, char **argv)
{
    uint64_t calls = argc > 1 ? strtoull(argv[1], NULL, 10) : MMU_BREAKS ? 1000 : 2000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    unsigned failed = 0;
    host_ram_create(RIG_BASE + RIG_PAGES * HAL_PAGE_SIZE);
    for (unsigned i = 0; i < ARRAY_LEN(machines); i++)
        failed += !run(&machines[i], calls, seed + i);
    failed += !run_shared(&machines[1], calls / 4);
    if (calls >= 1000)
        failed += !all_answers();
    printf("%u passed, %u failed\n", (unsigned)ARRAY_LEN(machines) + 2 - failed, failed);
    return failed != 0;
}
