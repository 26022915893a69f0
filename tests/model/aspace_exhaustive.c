/* Every sequence of calls to a depth (4, or the argument), on ranges whose edges lie where pages of
 * all sizes begin: six ranges, each mapped, unmapped and protected in two ways, with plenty of
 * table pages and with few. After each call the naive model is compared, and the worst CPU judges
 * A4. A call that is refused must change nothing, so nothing is tried after it.
 *
 * needs: -O1
 * kinds: san aarch64
 * takes: 2 s
 * brief: 3
 */
#include "hal/short.h"
#include "tests/model/aspace_model.h"
#include "tests/model/aspace_rig.h"
#include "tests/model/expect.h"

#define MAX_DEPTH 8u
#define KINDS     4u /* map, unmap, protect writable, protect read-only */
#define UP        ((hal_vaddr_t)0xFFFF800000000000u)

struct shape {
    const char *name;
    struct hal_paging cpu;
    hal_vaddr_t base; /* a multiple of 1 GiB */
    uint64_t spare;
    uint32_t prot;
    bool remote; /* the CPU that is watched is not the one that edits */
};

#define BITS MMU_PHYS_BITS

static const struct shape shapes[] = {
    {.name = "all page sizes, lower half",
     .cpu = {true, true, true, true, MMU_BREAKS, 4, BITS},
     .base = GIB,
     .spare = 100,
     .prot = ASPACE_USER},
    {.name = "end of the shared half",
     .cpu = {true, true, true, true, MMU_BREAKS, 4, BITS},
     .base = (hal_vaddr_t)0 - GIB,
     .spare = 100,
     .prot = ASPACE_WC,
     .remote = true},
    {.name = "few pages",
     .cpu = {true, true, true, true, !MMU_BREAKS, 4, BITS},
     .base = 512 * GIB,
     .spare = 4},
    {.name = "no 1 GiB pages, five levels",
     .cpu = {true, false, true, true, MMU_BREAKS, MMU_LEVELS, BITS},
     .base = UP,
     .spare = 100,
     .prot = ASPACE_GLOBAL},
};

static const struct {
    int64_t from; /* from the base on */
    uint64_t size;
} ranges[] = {
    {0, HAL_PAGE_SIZE}, {HAL_PAGE_SIZE, 2 * MIB - HAL_PAGE_SIZE},
    {0, 2 * MIB},       {2 * MIB, GIB - 2 * MIB},
    {-4096, 2 * 4096},  {0, GIB},
};

struct frame {
    struct aspace space;
    unsigned char source[offsetof(struct rig, watched)]; /* the rig, but for what the CPU knows */
    unsigned runs;
    struct model_run run[16];
    bool shared_entry[256];
    unsigned pages; /* tables saved */
    unsigned char table[32][HAL_PAGE_SIZE];
};

static unsigned depth_limit = 4;
static const struct shape *shape;
static struct rig rig;
static struct model model;
static struct aspace space;
static struct frame *frames;
static uint64_t sequences, states, refused;

static void save(struct frame *f)
{
    f->space = space;
    memcpy(f->source, &rig, sizeof f->source);
    f->runs = model.count;
    memcpy(f->run, model.run, sizeof f->run);
    memcpy(f->shared_entry, model.shared_entry, sizeof f->shared_entry);
    f->pages = 0;
    for (unsigned i = 0; i < 64 && f->pages < 32; i++)
        if (rig.used[i])
            memcpy(f->table[f->pages++], host_ram + RIG_BASE + i * HAL_PAGE_SIZE, HAL_PAGE_SIZE);
}

static void restore(const struct frame *f)
{
    space = f->space;
    memcpy(&rig, f->source, sizeof f->source);
    model.count = f->runs;
    memcpy(model.run, f->run, sizeof f->run);
    memcpy(model.shared_entry, f->shared_entry, sizeof f->shared_entry);
    for (unsigned i = 0, n = 0; n < f->pages; i++)
        if (rig.used[i])
            memcpy(host_ram + RIG_BASE + i * HAL_PAGE_SIZE, f->table[n++], HAL_PAGE_SIZE);
    rig_watch(&rig, &space);
}

static struct model_call call_number(unsigned i)
{
    static const enum model_kind kinds[KINDS] = {MODEL_MAP, MODEL_UNMAP, MODEL_PROTECT,
                                                 MODEL_PROTECT};
    struct model_call c = {.kind = kinds[i % KINDS]};
    c.virt = shape->base + (hal_vaddr_t)ranges[i / KINDS].from;
    c.size = ranges[i / KINDS].size;
    c.phys = 4 * GIB + (hal_paddr_t)ranges[i / KINDS].from;
    c.prot = shape->prot | (i % KINDS == 3 ? ASPACE_R : ASPACE_W);
    return c;
}

static bool wrong(const char *what, const unsigned *trail, unsigned depth)
{
    printf("%s: %s after the calls", shape->name, what);
    for (unsigned i = 0; i <= depth; i++)
        printf(" %u", trail[i]);
    printf("\n");
    return false;
}

static bool descend(unsigned *trail, unsigned depth)
{
    if (depth == depth_limit) {
        sequences++;
        return true;
    }
    save(&frames[depth]);
    for (unsigned i = 0; i < ARRAY_LEN(ranges) * KINDS; i++) {
        struct model_call c = call_number(i);
        trail[depth] = i;
        mm_status_t want = model_call(&model, &c, rig.spare);
        mm_status_t got = model_do(&space, &c);
        const char *error = got != want ? "another answer than the model's" : rig_verdict(&rig);
        if (error == NULL)
            error = rig.in_use != space.tree.stats.tables ? "A3: a page is kept" : NULL;
        if (error == NULL)
            error = model_compare(&model, &space);
        if (error != NULL)
            return wrong(error, trail, depth);
        states++;
        refused += got != MM_OK;
        if (got != MM_OK)
            continue;
        if (!descend(trail, depth + 1))
            return false;
        restore(&frames[depth]);
    }
    return true;
}

static void run_shape(const struct shape *s)
{
    unsigned trail[MAX_DEPTH];
    shape = s;
    sequences = states = refused = 0;
    host_set_paging(&s->cpu);
    rig_init(&rig, s->spare);
    rig.remote = s->remote;
    model_init(&model, &s->cpu, false);
    bool ok = aspace_init(&space, &rig.source) == MM_OK;
    rig_watch(&rig, &space);
    ok = ok && descend(trail, 0);
    expect_tally(s->name, states, !ok);
    printf("  depth %u, %" PRIu64 " sequences, %" PRIu64 " calls, %" PRIu64 " of them refused\n",
           depth_limit, sequences, states, refused);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        depth_limit = (unsigned)strtoul(argv[1], NULL, 10);
    if (depth_limit < 1 || depth_limit > MAX_DEPTH) {
        fprintf(stderr, "the depth must be 1 to %u\n", MAX_DEPTH);
        return 1;
    }
    host_ram_create(RIG_BASE + RIG_PAGES * HAL_PAGE_SIZE);
    frames = calloc(MAX_DEPTH, sizeof *frames);
    for (size_t i = 0; frames != NULL && i < ARRAY_LEN(shapes); i++)
        run_shape(&shapes[i]);
    free(frames);
    return expect_total();
}
