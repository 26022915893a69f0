/* Memory that comes and goes, against the naive model: every sequence of a few operations on a window of three
 * blocks, from nothing and from all of it. Runs are taken, split, given back and retired in between, over
 * the border of memory that stays too. After each step everything that can be seen is compared.
 * Usage: model-pmm_windows [DEPTH], 4 by default.
 *
 * needs: -O1
 * takes: 6 s
 */
#include "hal/short.h"
#include "tests/model/expect.h"
#include "tests/model/pmm_model.h"

#include "hal/host/host.h"

#include <string.h>

#define HIGH   (4 * GIB)
#define BLOCK  (2 * MIB)
#define PAGES  (4 + 3 * 512)
#define DEPTHS 8u

static const struct mem_region regions[] = {
    {.base = HIGH - 16 * KIB, .size = 16 * KIB, .type = MEM_USABLE},
    {.base = HIGH, .size = 3 * BLOCK, .type = MEM_HOTPLUG}};

enum kind { ADD, REMOVE, ALLOC, CLAIM, RETIRE, SPLIT };

/* Frees of each run come on top of these. */
static const struct op {
    enum kind kind;
    hal_paddr_t at;
    size_t pages;
} ops[] = {
    {ADD, HIGH, 512},
    {ADD, HIGH + BLOCK, 512},
    {ADD, HIGH + BLOCK, 1024},
    {ADD, HIGH, 1536},
    {REMOVE, HIGH, 512},
    {REMOVE, HIGH + BLOCK, 512},
    {REMOVE, HIGH, 1024},
    {ALLOC, 0, 512},
    {ALLOC, 0, 700},
    {CLAIM, HIGH + BLOCK - HAL_PAGE_SIZE, 2},
    {CLAIM, HIGH - HAL_PAGE_SIZE, 2}, /* over the border of the window, and of a zone */
    {RETIRE, HIGH + BLOCK + 5 * HAL_PAGE_SIZE, 1},
    {SPLIT, 0, 300},
};

struct state {
    struct model m;
    uint32_t owner[PAGES], length[PAGES];
    bool waits[PAGES];
    struct pmm_retiring later;
    unsigned char *tables;
};

static struct state saved[DEPTHS + 1];
static struct model model;
static struct pmm *pmm;
static struct pmm_retiring later; /* of the one page that is retired */
static void *tables;
static size_t table_bytes;
static unsigned depth_limit = 4;
static const char *error; /* the first */

static void save(struct state *s)
{
    s->m = model;
    memcpy(s->owner, model.owner, sizeof s->owner);
    memcpy(s->length, model.length, sizeof s->length);
    memcpy(s->waits, model.waits, sizeof s->waits);
    memcpy(s->tables, tables, table_bytes);
    s->later = later;
}

static void restore(const struct state *s)
{
    model = s->m;
    memcpy(model.owner, s->owner, sizeof s->owner);
    memcpy(model.length, s->length, sizeof s->length);
    memcpy(model.waits, s->waits, sizeof s->waits);
    memcpy(tables, s->tables, table_bytes);
    later = s->later;
}

static const char *do_plug(const struct op *o)
{
    hal_paddr_t must_name, named = HAL_PADDR_NONE;
    bool add = o->kind == ADD;
    mm_status_t must = model_plug_status(&model, o->at, o->pages, add, &must_name);
    mm_status_t is = add ? pmm_add(pmm, o->at, o->pages) : pmm_remove(pmm, o->at, o->pages, &named);
    if (is != must || (!add && named != must_name))
        return "pmm_add or pmm_remove answers wrongly";
    if (is == MM_OK)
        model_plug(&model, o->at, o->pages, add);
    return NULL;
}

static const char *do_alloc(const struct op *o)
{
    bool fits = model_can_alloc(&model, o->pages, HAL_PAGE_SIZE, 0);
    hal_paddr_t got = pmm_alloc(pmm, o->pages, 0);
    if ((got != HAL_PADDR_NONE) != fits)
        return "P6: a run fits and none was given, or the other way round";
    if (!fits)
        model_count_failure(&model, 0);
    return fits ? model_accept(&model, got, o->pages, HAL_PAGE_SIZE, 0) : NULL;
}

static const char *do_claim(const struct op *o)
{
    mm_status_t is = pmm_claim(pmm, o->at, o->pages);
    bool crosses = o->at < HIGH;
    if (crosses ? is == MM_OK : !model_claim_ok(&model, o->at, o->pages, is))
        return "pmm_claim answers wrongly";
    if (is == MM_OK)
        model_take(&model, model_index(&model, o->at), o->pages);
    return NULL;
}

static const char *do_retire(const struct op *o)
{
    uint32_t i = model_index(&model, o->at);
    struct pmm_retiring *record = model.waits[i] ? NULL : &later;
    mm_status_t must = model_retire_status(&model, o->at, record != NULL);
    if (pmm_retire(pmm, o->at, record) != must)
        return "pmm_retire answers wrongly";
    if (must == MM_OK)
        model_retire(&model, i);
    return NULL;
}

static const char *do_give(uint32_t i)
{
    if (pmm_free(pmm, model.address[i], model.length[i]) != MM_OK)
        return "a right free was refused";
    model_give(&model, i);
    return NULL;
}

/* The first run that is long enough. */
static const char *do_split(const struct op *o)
{
    for (uint32_t i = 0; i < model.pages; i++) {
        if (model.owner[i] != MODEL_OWNED + i || model.length[i] <= o->pages)
            continue;
        if (pmm_split(pmm, model.address[i], model.length[i], o->pages) != MM_OK)
            return "a right split was refused";
        model_split(&model, i, o->pages);
        return NULL;
    }
    return NULL;
}

static const char *(*const do_op[])(const struct op *) = {
    [ADD] = do_plug,    [REMOVE] = do_plug,   [ALLOC] = do_alloc,
    [CLAIM] = do_claim, [RETIRE] = do_retire, [SPLIT] = do_split};

static void descend(unsigned depth);

static void go_on(const char *wrong, unsigned depth, const char *what, size_t which)
{
    if (wrong == NULL)
        wrong = model_compare(&model, pmm);
    expect_case(wrong == NULL);
    if (wrong != NULL && error == NULL) {
        error = wrong;
        printf("  %s, after %s %zu at depth %u\n", wrong, what, which, depth);
    }
    if (wrong == NULL)
        descend(depth + 1);
    restore(&saved[depth]);
}

static void descend(unsigned depth)
{
    if (depth == depth_limit)
        return;
    save(&saved[depth]);
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        go_on(do_op[ops[i].kind](&ops[i]), depth, "operation", i);
    for (uint32_t i = 0; i < model.pages; i++)
        if (model.owner[i] == MODEL_OWNED + i)
            go_on(do_give(i), depth, "the free of page", i);
}

static void begin(void)
{
    model_init(&model, regions, ARRAY_LEN(regions));
    pmm = model_create(&model, 1, &tables, &table_bytes);
    later = (struct pmm_retiring){.next = NULL};
    for (unsigned i = 0; i <= DEPTHS; i++)
        saved[i].tables = model_memory(table_bytes);
}

static void end(void)
{
    for (unsigned i = 0; i <= DEPTHS; i++)
        free(saved[i].tables);
    free(tables);
    model_destroy(&model);
}

static void from_nothing(void)
{
    begin();
    EXPECT(model.pages == PAGES);
    descend(0);
    end();
}

static void from_all_of_it(void)
{
    begin();
    EXPECT(do_plug(&(struct op){ADD, HIGH, 1536}) == NULL && model.free[PMM_ZONE_NORMAL] == 1536);
    descend(0);
    end();
}

int main(int argc, char **argv)
{
    if (argc > 1)
        depth_limit = (unsigned)strtoul(argv[1], NULL, 0);
    if (depth_limit > DEPTHS)
        return 2;
    host_ram_create(HIGH + 3 * BLOCK);
    expect_run("every sequence on a window that is empty at first", from_nothing);
    expect_run("every sequence on a window that is full at first", from_all_of_it);
    return expect_total();
}
