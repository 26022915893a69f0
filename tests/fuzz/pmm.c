/* libFuzzer over operation sequences: the input's first bytes choose the shape of memory, the rest
 * are operations of four bytes each. The naive model of tests/model judges every answer. */
#include "hal/short.h"
#include "tests/model/pmm_model.h"

#include "hal/hal.h"
#include "hal/host/host.h"

#define HIGH     (4 * GIB)
#define CPUS     2u
#define MAX_LIVE 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t left;
};

struct run {
    struct model m;
    struct pmm *pmm;
    uint32_t live[MAX_LIVE];
    uint32_t live_count;
    struct pmm_retiring *later; /* by page */
};

static struct run run;

static uint32_t next_byte(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static void judge(const char *error)
{
    if (error == NULL)
        return;
    fprintf(stderr, "the allocator and the model differ: %s\n", error);
    abort();
}

/* Memory that comes later, a few whole blocks. */
static bool is_window(uint32_t kind)
{
    return (kind & 208) == 144;
}

/* Regions from two bytes each: a gap and a length in pages; zone limits lie in between. */
static size_t make_map(struct input *in, struct mem_region *out)
{
    static const hal_paddr_t starts[] = {15 * MIB + 512 * KIB, HIGH - 5 * MIB, 62 * MIB,
                                         HIGH + 1 * GIB};
    uint32_t shape = next_byte(in);
    size_t count = 1 + shape % 6;
    hal_paddr_t at = starts[shape / 64];
    for (size_t i = 0; i < count; i++) {
        uint32_t kind = next_byte(in);
        at += (kind & 15) * (kind & 16 ? 64 : 1) * HAL_PAGE_SIZE;
        uint64_t pages = 1 + next_byte(in) * (kind & 32 ? 5 : 1);
        if (is_window(kind)) {
            at = hal_align_up(at, 2 * MIB);
            pages = 512 * (1 + pages % 4);
        }
        out[i] = (struct mem_region)RAM(at, pages * HAL_PAGE_SIZE);
        if ((kind & 192) == 64)
            out[i].type = MEM_LOADER;
        if ((kind & 192) == 192)
            out[i].label = "image";
        if (is_window(kind))
            out[i].type = MEM_HOTPLUG;
        if (i > 0 && out[i].type == out[i - 1].type && out[i].label == out[i - 1].label &&
            at == out[i - 1].base + out[i - 1].size)
            at += is_window(kind)
                      ? 2 * MIB
                      : HAL_PAGE_SIZE; /* M2: a normalized map would have made them one */
        out[i].base = at;
        at += pages * HAL_PAGE_SIZE;
    }
    return count;
}

static void drain_all(void)
{
    uint32_t here = hal_cpu_index();
    for (uint32_t c = 0; c < CPUS; c++) {
        host_set_cpu(c);
        pmm_drain(run.pmm);
    }
    host_set_cpu(here);
}

static size_t length_of(uint32_t byte)
{
    return byte < 128 ? byte % 8 : byte < 224 ? byte - 112 : (byte - 223) * 64 + byte % 3;
}

static void keep(uint32_t first)
{
    run.live[run.live_count++] = first;
}

static void op_alloc(uint32_t a, uint32_t b, uint32_t c)
{
    size_t n = length_of(a);
    uint64_t align = b & 1 ? HAL_PAGE_SIZE << (b >> 1) % 12 : HAL_PAGE_SIZE;
    uint32_t flags = c % 32 & ~PMM_ZERO;
    hal_paddr_t got = pmm_alloc_aligned(run.pmm, n, align, flags);
    if (got == HAL_PADDR_NONE && model_in_range(n, align, flags))
        model_count_failure(&run.m, flags);
    if (got == HAL_PADDR_NONE && model_can_alloc(&run.m, n, align, flags)) {
        drain_all();
        got = pmm_alloc_aligned(run.pmm, n, align, flags);
        judge(got == HAL_PADDR_NONE ? "P6: a run fits, none was given" : NULL);
    }
    if (got == HAL_PADDR_NONE)
        return;
    judge(model_accept(&run.m, got, n, align, flags));
    keep(model_index(&run.m, got));
}

static void op_free(uint32_t a, uint32_t b)
{
    if (run.live_count == 0)
        return;
    uint32_t which = (a << 8 | b) % run.live_count;
    uint32_t first = run.live[which];
    judge(pmm_free(run.pmm, run.m.address[first], run.m.length[first]) != MM_OK
              ? "a right free was refused"
              : NULL);
    model_give(&run.m, first);
    run.live[which] = run.live[--run.live_count];
}

static hal_paddr_t pick(uint32_t a, uint32_t b)
{
    uint32_t i = (a << 8 | b) % (run.m.pages + 3);
    if (i < run.m.pages)
        return run.m.address[i];
    return i == run.m.pages ? run.m.regions[0].base - HAL_PAGE_SIZE
                            : run.m.regions[0].base + i % 2 * 8;
}

static void op_any_free(uint32_t a, uint32_t b, uint32_t c)
{
    hal_paddr_t at = pick(a, b);
    mm_status_t must = model_free_status(&run.m, at, length_of(c));
    if (must == MM_OK)
        return;
    judge(model_same_status(pmm_free(run.pmm, at, length_of(c)), must)
              ? NULL
              : "a wrong free was answered wrongly");
}

static void op_claim(uint32_t a, uint32_t b, uint32_t c)
{
    hal_paddr_t at = pick(a, b);
    size_t n = length_of(c);
    if (n > 0 && model_zone(at) != model_zone(at + (n - 1) * HAL_PAGE_SIZE))
        return;
    drain_all(); /* what another CPU parks is busy: tests/model/pmm.c */
    mm_status_t s = pmm_claim(run.pmm, at, n);
    judge(model_claim_ok(&run.m, at, n, s) ? NULL : "pmm_claim answers wrongly");
    if (s != MM_OK)
        return;
    model_take(&run.m, model_index(&run.m, at), n);
    keep(model_index(&run.m, at));
}

static void op_reclaim(uint32_t a)
{
    size_t r = a % run.m.map.count;
    bool known = run.m.first[r] != MODEL_NONE && run.m.regions[r].type != MEM_USABLE &&
                 run.m.regions[r].type != MEM_HOTPLUG;
    mm_status_t must = !known ? MM_FOREIGN : run.m.reclaimed[r] ? MM_ALREADY_FREE : MM_OK;
    judge(pmm_reclaim(run.pmm, &run.m.regions[r]) != must ? "pmm_reclaim answers wrongly" : NULL);
    if (must == MM_OK)
        model_reclaim(&run.m, r);
}

/* Of a run that is there, or of any pages. */
static void op_split(uint32_t a, uint32_t b, uint32_t c)
{
    bool there = (c & 1) != 0 && run.live_count > 0;
    hal_paddr_t at = there ? run.m.address[run.live[(a << 8 | b) % run.live_count]] : pick(a, b);
    uint32_t i = model_index(&run.m, at);
    size_t n = there ? run.m.length[i] : length_of(c);
    size_t first = there ? c / 2 % (n + 2) : c / 2;
    mm_status_t must = model_split_status(&run.m, at, n, first);
    judge(model_same_status(pmm_split(run.pmm, at, n, first), must) ? NULL
                                                                    : "pmm_split answers wrongly");
    if (must != MM_OK)
        return;
    model_split(&run.m, i, first);
    keep(i + (uint32_t)first);
}

static void op_retire(uint32_t a, uint32_t b, uint32_t c)
{
    hal_paddr_t at = pick(a, b);
    uint32_t i = model_index(&run.m, at);
    bool later = i != MODEL_NONE && !run.m.waits[i] && (c & 1) != 0;
    mm_status_t must = model_retire_status(&run.m, at, later);
    drain_all();
    judge(pmm_retire(run.pmm, at, later ? &run.later[i] : NULL) != must
              ? "pmm_retire answers wrongly"
              : NULL);
    if (must == MM_OK)
        model_retire(&run.m, i);
}

/* A block or some, of a window or of anything. */
static void op_plug(uint32_t a, uint32_t b, uint32_t c, bool add)
{
    hal_paddr_t named = HAL_PADDR_NONE, must_name;
    hal_paddr_t at = (c & 1) != 0 ? pick(a, b) : hal_align_down(pick(a, b), 2 * MIB);
    size_t n = (c & 2) != 0 ? length_of(c) : 512 * (1 + c / 4 % 3);
    mm_status_t must = model_plug_status(&run.m, at, n, add, &must_name);
    drain_all();
    mm_status_t is = add ? pmm_add(run.pmm, at, n) : pmm_remove(run.pmm, at, n, &named);
    judge(is != must || (!add && named != must_name) ? "pmm_add or pmm_remove answers wrongly"
                                                     : NULL);
    if (must == MM_OK)
        model_plug(&run.m, at, n, add);
}

static void op_length(uint32_t a, uint32_t b, uint32_t c)
{
    bool there = (c & 1) != 0 && run.live_count > 0;
    hal_paddr_t at = there ? run.m.address[run.live[(a << 8 | b) % run.live_count]] : pick(a, b);
    judge(model_same_length(&run.m, run.pmm, at) ? NULL : "pmm_length answers wrongly");
}

static void rare_step(uint32_t op, uint32_t a, uint32_t b, uint32_t c)
{
    if (op / 32 == 1 && run.live_count < MAX_LIVE)
        op_split(a, b, c);
    else if (op / 32 == 2)
        op_retire(a, b, c);
    else if (op / 32 == 3 || op / 32 == 4)
        op_plug(a, b, c, op / 32 == 3);
    else if (op / 32 == 5)
        op_length(a, b, c);
    else
        judge(pmm_check(run.pmm)); /* the whole comparison, at the end, costs O(pages) */
}

static void step(uint32_t op, uint32_t a, uint32_t b, uint32_t c)
{
    bool room = run.live_count < MAX_LIVE;
    if (op % 8 < 3 && room)
        op_alloc(a, b, c);
    else if (op % 8 < 5)
        op_free(a, b);
    else if (op % 8 == 5)
        op_any_free(a, b, c);
    else if (op % 8 == 6 && room)
        op_claim(a, b, c);
    else if (op % 16 == 7)
        host_set_cpu(a % CPUS);
    else if (op % 32 == 15)
        op_reclaim(a);
    else
        rare_step(op, a, b, c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct mem_region regions[8];
    void *tables;
    size_t bytes;
    size_t count = make_map(&in, regions);
    model_init(&run.m, regions, count);
    run.live_count = 0;
    if (run.m.pages == 0) {
        model_destroy(&run.m);
        return 0;
    }
    run.pmm = model_create(&run.m, CPUS, &tables, &bytes);
    run.later = model_memory(run.m.pages * sizeof *run.later);
    host_set_cpu(0);
    for (unsigned ops = 0; in.left > 0 && ops < 400; ops++) {
        uint32_t op = next_byte(&in);
        uint32_t a = next_byte(&in);
        uint32_t b = next_byte(&in);
        step(op, a, b, next_byte(&in));
    }
    judge(model_compare(&run.m, run.pmm));
    free(tables);
    free(run.later);
    model_destroy(&run.m);
    return 0;
}
