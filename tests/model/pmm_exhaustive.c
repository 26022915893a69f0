/* Every sequence of operations to a given depth on small regions, against the naive model. After
 * every step everything that can be seen is compared, and every misuse that the state allows is
 * tried: it must be named exactly and leave the tables byte for byte as they were.
 * Usage: model-pmm_exhaustive [DEPTH], 7 by default; shapes with more misuses go one step less.
 *
 * needs: -O1
 * takes: 5 s
 * brief: 6
 */
#include "hal/short.h"
#include "tests/model/pmm_model.h"

#include <inttypes.h>
#include <string.h>

#define MAX_DEPTH 12
#define MAX_PAGES 16

/* What an operation is; frees of each live run come on top of these. */
enum op_kind { OP_ALLOC, OP_CLAIM, OP_RECLAIM, OP_SPLIT, OP_RETIRE, OP_COUNT };
struct op {
    enum op_kind kind;
    size_t pages;
    uint64_t align;
    uint32_t flags;
    unsigned
        at; /* OP_CLAIM: index of the first page; OP_RECLAIM: region; OP_RETIRE: page; OP_SPLIT:
                    the page before which the run is cut */
};

struct shape {
    const char *name;
    size_t regions;
    struct mem_region region[4];
    size_t ops;
    struct op op[8];
    bool shallow; /* one step less than the others */
};

static const struct shape shapes[] = {
    {"six pages over a block border",
     1,
     {RAM(34 * MIB - 12 * KIB, 24 * KIB)},
     5,
     {{.kind = OP_ALLOC, .pages = 1, .align = HAL_PAGE_SIZE},
      {.kind = OP_ALLOC, .pages = 2, .align = HAL_PAGE_SIZE},
      {.kind = OP_ALLOC, .pages = 4, .align = HAL_PAGE_SIZE, .flags = PMM_KERNEL},
      {.kind = OP_ALLOC, .pages = 2, .align = 8 * KIB, .flags = PMM_DMA32},
      {.kind = OP_CLAIM, .pages = 2, .at = 2}},
     false},
    {"DMA reserve, a hole, memory to reclaim",
     3,
     {RAM(16 * MIB - 16 * KIB, 20 * KIB), BOOT(16 * MIB + 4 * KIB, 4 * KIB),
      RAM(16 * MIB + 12 * KIB, 4 * KIB)},
     6,
     {{.kind = OP_ALLOC, .pages = 1, .align = HAL_PAGE_SIZE},
      {.kind = OP_ALLOC, .pages = 3, .align = HAL_PAGE_SIZE},
      {.kind = OP_ALLOC, .pages = 3, .align = HAL_PAGE_SIZE, .flags = PMM_DMA},
      {.kind = OP_ALLOC, .pages = 1, .align = 16 * KIB, .flags = PMM_DMA | PMM_KERNEL},
      {.kind = OP_CLAIM, .pages = 2, .at = 1},
      {.kind = OP_RECLAIM, .at = 1}},
     false},
    {"runs that are split, over a block border",
     1,
     {RAM(34 * MIB - 12 * KIB, 20 * KIB)},
     5,
     {{.kind = OP_ALLOC, .pages = 5, .align = HAL_PAGE_SIZE},
      {.kind = OP_CLAIM, .pages = 3, .at = 1},
      {.kind = OP_SPLIT, .at = 2},
      {.kind = OP_SPLIT, .at = 3},
      {.kind = OP_SPLIT, .at = 4}},
     true},
    {"bad pages, free, in use and withheld",
     2,
     {RAM(34 * MIB - 8 * KIB, 16 * KIB), BOOT(34 * MIB + 8 * KIB, 8 * KIB)},
     6,
     {{.kind = OP_ALLOC, .pages = 1, .align = HAL_PAGE_SIZE},
      {.kind = OP_ALLOC, .pages = 3, .align = HAL_PAGE_SIZE},
      {.kind = OP_RETIRE, .at = 1},
      {.kind = OP_RETIRE, .at = 2},
      {.kind = OP_RETIRE, .at = 4},
      {.kind = OP_RECLAIM, .at = 1}},
     true},
};

/* One level of the search: what to put back before the next operation is tried. */
struct level {
    unsigned char *tables;
    struct model m;
    uint32_t owner[MAX_PAGES], length[MAX_PAGES];
    bool waits[MAX_PAGES];
    struct pmm_retiring later[MAX_PAGES];
};

static struct level saved[MAX_DEPTH + 1];
static struct model model;
static struct pmm *pmm;
static struct pmm_retiring later[MAX_PAGES]; /* for each page */
static void *tables;
static size_t table_bytes;
static const struct shape *shape;
static int trail[MAX_DEPTH];
static unsigned depth_limit;
static uint64_t sequences, states, misuses;

static bool wrong(const char *what, unsigned depth)
{
    printf("%s: %s after", shape->name, what);
    for (unsigned i = 0; i <= depth && i < MAX_DEPTH; i++)
        printf(trail[i] < 16 ? " op%d" : " free%d", trail[i] % 16);
    printf("\n(opN: operation N of the shape, freeN: the run that starts at page N)\n");
    return false;
}

static void save(unsigned depth)
{
    struct level *l = &saved[depth];
    memcpy(l->tables, tables, table_bytes);
    memcpy(l->owner, model.owner, model.pages * sizeof *l->owner);
    memcpy(l->length, model.length, model.pages * sizeof *l->length);
    memcpy(l->waits, model.waits, model.pages * sizeof *l->waits);
    memcpy(l->later, later, sizeof later);
    l->m = model;
}

static void restore(unsigned depth)
{
    const struct level *l = &saved[depth];
    memcpy(tables, l->tables, table_bytes);
    model = l->m;
    memcpy(model.owner, l->owner, model.pages * sizeof *l->owner);
    memcpy(model.length, l->length, model.pages * sizeof *l->length);
    memcpy(model.waits, l->waits, model.pages * sizeof *l->waits);
    memcpy(later, l->later, sizeof later);
}

/* Highest zone first: nothing is parked here, so a higher zone that fits must have been taken. */
static bool higher_zone_fits(hal_paddr_t got, const struct op *o)
{
    for (unsigned z = PMM_ZONE_NORMAL; z > (unsigned)model_zone(got); z--)
        if (model_allowed(&model, o->pages, o->flags, (enum pmm_zone)z) &&
            model_zone_fits(&model, o->pages, o->align, (enum pmm_zone)z))
            return true;
    return false;
}

static const char *do_alloc(const struct op *o)
{
    hal_paddr_t got = pmm_alloc_aligned(pmm, o->pages, o->align, o->flags);
    if (got != HAL_PADDR_NONE)
        return higher_zone_fits(got, o) ? "a lower zone was taken while a higher one fits"
                                        : model_accept(&model, got, o->pages, o->align, o->flags);
    model_count_failure(&model, o->flags);
    return model_can_alloc(&model, o->pages, o->align, o->flags) ? "P6: a run fits, none was given"
                                                                 : NULL;
}

static const char *do_claim(const struct op *o)
{
    mm_status_t s = pmm_claim(pmm, model.address[o->at], o->pages);
    if (!model_claim_ok(&model, model.address[o->at], o->pages, s))
        return "pmm_claim answers wrongly";
    if (s == MM_OK)
        model_take(&model, o->at, o->pages);
    return NULL;
}

static const char *do_reclaim(const struct op *o)
{
    mm_status_t must = model.reclaimed[o->at] ? MM_ALREADY_FREE : MM_OK;
    if (pmm_reclaim(pmm, &model.regions[o->at]) != must)
        return "pmm_reclaim answers wrongly";
    if (must == MM_OK)
        model_reclaim(&model, o->at);
    return NULL;
}

/* The run that holds page `at`; of a page that is in none, the answer is the free page's. */
static const char *do_split(const struct op *o)
{
    uint32_t owner = model.owner[o->at];
    uint32_t first = owner >= MODEL_OWNED ? owner - MODEL_OWNED : o->at;
    size_t pages = owner >= MODEL_OWNED ? model.length[first] : 1;
    mm_status_t must = model_split_status(&model, model.address[first], pages, o->at - first);
    if (!model_same_status(pmm_split(pmm, model.address[first], pages, o->at - first), must))
        return "pmm_split answers wrongly";
    if (must == MM_OK)
        model_split(&model, first, o->at - first);
    return NULL;
}

/* A page in use is first asked for without a record, which changes nothing. */
static const char *do_retire(const struct op *o)
{
    hal_paddr_t at = model.address[o->at];
    mm_status_t must = model_retire_status(&model, at, true);
    if (model.owner[o->at] != MODEL_FREE &&
        pmm_retire(pmm, at, NULL) != model_retire_status(&model, at, false))
        return "pmm_retire of a page in use answers wrongly";
    if (pmm_retire(pmm, at, model.waits[o->at] ? NULL : &later[o->at]) != must)
        return "pmm_retire answers wrongly";
    if (must == MM_OK)
        model_retire(&model, o->at);
    return pmm_retires_later(&later[o->at]) != model.waits[o->at]
               ? "a record does not say truly whether its page waits"
               : NULL;
}

static const char *do_free(uint32_t first)
{
    if (pmm_free(pmm, model.address[first], model.length[first]) != MM_OK)
        return "a right free was refused";
    model_give(&model, first);
    return NULL;
}

static const char *(*const do_op[OP_COUNT])(const struct op *) = {[OP_ALLOC] = do_alloc,
                                                                  [OP_CLAIM] = do_claim,
                                                                  [OP_RECLAIM] = do_reclaim,
                                                                  [OP_SPLIT] = do_split,
                                                                  [OP_RETIRE] = do_retire};

/* Frees that are wrong here: every page with every length, and addresses beside the regions. */
static const char *try_misuse(void)
{
    for (uint32_t i = 0; i < model.pages + 2; i++) {
        hal_paddr_t at = i < model.pages    ? model.address[i]
                         : i == model.pages ? model.address[0] - HAL_PAGE_SIZE
                                            : model.address[model.pages - 1] + HAL_PAGE_SIZE;
        for (size_t n = 0; n <= model.pages; n++) {
            mm_status_t must = model_free_status(&model, at, n);
            if (must == MM_OK)
                continue;
            misuses++;
            if (!model_same_status(pmm_free(pmm, at, n), must))
                return "a wrong free was answered wrongly";
            if (n == 2 && !model_same_status(pmm_split(pmm, at, n, 1), must))
                return "a wrong split was answered wrongly";
        }
        if (!model_same_length(&model, pmm, at))
            return "the length of a run, or why there is none, was told wrongly";
    }
    return NULL;
}

/* The misuses are tried twice: the first time may move a hint of where to look first, which is no
 * state that can be seen; the second time must find the tables so and leave them so. */
static const char *judge(void)
{
    static unsigned char before[1 << 16];
    const char *error = try_misuse();
    if (error == NULL)
        error = model_compare(&model, pmm);
    if (error != NULL)
        return error;
    memcpy(before, tables, table_bytes);
    error = try_misuse();
    if (error == NULL && memcmp(before, tables, table_bytes) != 0)
        error = "P8: a wrong free or split changed the tables";
    return error;
}

static bool descend(unsigned depth);

static bool go_on(const char *error, unsigned depth)
{
    states++;
    if (error == NULL)
        error = judge();
    if (error != NULL)
        return wrong(error, depth);
    return descend(depth + 1);
}

static bool descend(unsigned depth)
{
    if (depth == depth_limit) {
        sequences++;
        return true;
    }
    save(depth);
    for (unsigned i = 0; i < shape->ops; i++) {
        const struct op *o = &shape->op[i];
        trail[depth] = (int)i;
        if (!go_on(do_op[o->kind](o), depth))
            return false;
        restore(depth);
    }
    for (uint32_t first = 0; first < model.pages; first++) {
        if (model.owner[first] != MODEL_OWNED + first)
            continue;
        trail[depth] = 16 + (int)first;
        if (!go_on(do_free(first), depth))
            return false;
        restore(depth);
    }
    return true;
}

static bool run_shape(const struct shape *s, unsigned depth)
{
    shape = s;
    depth_limit = s->shallow && depth > 1 ? depth - 1 : depth;
    sequences = states = misuses = 0;
    memset(later, 0, sizeof later);
    model_init(&model, s->region, s->regions);
    pmm = model_create(&model, 1, &tables, &table_bytes);
    for (unsigned i = 0; i <= depth_limit; i++)
        saved[i].tables = model_memory(table_bytes);
    const char *error = table_bytes > 1 << 16 ? "the tables are too large to search" : judge();
    bool ok = (error == NULL || wrong(error, 0)) && descend(0);
    printf("%s: depth %u, %" PRIu64 " sequences, %" PRIu64 " states, %" PRIu64 " misuses\n",
           s->name, depth_limit, sequences, states, misuses);
    for (unsigned i = 0; i <= depth_limit; i++)
        free(saved[i].tables);
    free(tables);
    model_destroy(&model);
    return ok && sequences > 0;
}

int main(int argc, char **argv)
{
    unsigned failed = 0;
    unsigned depth = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 7;
    if (depth < 1 || depth > MAX_DEPTH) {
        fprintf(stderr, "the depth must be 1 to %d\n", MAX_DEPTH);
        return 1;
    }
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        failed += !run_shape(&shapes[i], depth);
    printf("%zu passed, %u failed\n", ARRAY_LEN(shapes) - failed, failed);
    return failed != 0;
}
