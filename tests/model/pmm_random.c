/* Millions of random operations on several shapes of memory, on two virtual CPUs, against the naive
 * model. Usage: model-pmm_random [SEED [OPERATIONS-A-SHAPE]]. Every page of a run carries its
 * owner's stamp in fake RAM, so a page given to two owners is seen in the contents as well.
 *
 * needs: -O1
 * takes: 5 s
 * brief: 1 100000
 */
#include "hal/short.h"
#include "tests/model/pmm_model.h"

#include "hal/hal.h"
#include "hal/host/host.h"

#include <inttypes.h>

#define HIGH     (4 * GIB)
#define CPUS     2u
#define MAX_LIVE 60000u

struct shape {
    const char *name;
    size_t count;
    struct mem_region regions[MODEL_REGIONS];
};

static const struct shape shapes[] = {
    {"islands",
     9,
     {RAM(1 * MIB, 4 * KIB), RAM(1 * MIB + 8 * KIB, 4 * KIB), RAM(2 * MIB - 4 * KIB, 8 * KIB),
      RAM(3 * MIB + 4 * KIB, 60 * KIB), RAM(20 * MIB, 4 * KIB), RAM(22 * MIB - 20 * KIB, 40 * KIB),
      RAM(HIGH, 4 * KIB), RAM(HIGH + 12 * KIB, 12 * KIB), RAM(HIGH + 2 * MIB + 4 * KIB, 2 * MIB)}},
    {"zone borders",
     2,
     {RAM(13 * MIB + 12 * KIB, 7 * MIB), RAM(HIGH - 5 * MIB - 4 * KIB, 12 * MIB + 8 * KIB)}},
    {"reclaim",
     8,
     {RAM(1 * MIB, 3 * MIB + 4 * KIB), BOOT(4 * MIB + 4 * KIB, 5 * MIB),
      RAM(9 * MIB + 4 * KIB, 1 * MIB), OURS(10 * MIB + 4 * KIB, 60 * KIB),
      BOOT(10 * MIB + 64 * KIB, 12 * MIB), BOOT(30 * MIB, 4 * KIB),
      RAM(30 * MIB + 4 * KIB, 8 * KIB), BOOT(HIGH - 1 * MIB, 2 * MIB)}},
    {"holes",
     6,
     {RAM(16 * MIB + 4 * KIB, 6 * MIB - 8 * KIB), RAM(24 * MIB, 1 * MIB), RAM(26 * MIB, 1 * MIB),
      RAM(HIGH + 508 * 4 * KIB, 5 * MIB), BOOT(HIGH + 508 * 4 * KIB + 5 * MIB, 3 * MIB),
      RAM(HIGH + 16 * MIB, 20 * MIB + 4 * KIB)}},
    {"bad from the start",
     9,
     {RAM(2 * MIB, 3 * MIB), BAD(5 * MIB, 4 * KIB), RAM(5 * MIB + 4 * KIB, 11 * MIB - 8 * KIB),
      BAD(16 * MIB - 4 * KIB, 8 * KIB), BOOT(16 * MIB + 4 * KIB, 5 * MIB),
      BAD(21 * MIB + 4 * KIB, 4 * MIB), BOOT(25 * MIB + 4 * KIB, 8 * MIB),
      BAD(33 * MIB + 4 * KIB, 12 * KIB), RAM(33 * MIB + 16 * KIB, 70 * MIB)}},
    {"windows",
     5,
     {RAM(2 * MIB, 3 * MIB), WINDOW(6 * MIB, 22 * MIB), RAM(HIGH, 8 * MIB),
      WINDOW(HIGH + 10 * MIB, 90 * MIB), WINDOW(HIGH + 104 * MIB, 2 * MIB)}},
    {"large",
     5,
     {RAM(8 * MIB, 16 * MIB), RAM(HIGH, 96 * MIB + 12 * KIB),
      BOOT(HIGH + 96 * MIB + 12 * KIB, 5 * MIB), RAM(HIGH + 101 * MIB + 12 * KIB, 27 * MIB),
      BOOT(HIGH + 130 * MIB, 8 * MIB)}},
};

struct run {
    struct model m;
    struct pmm *pmm;
    uint32_t live[MAX_LIVE];
    uint32_t live_count;
    uint64_t rng;
    uint64_t op;
    unsigned fill; /* of 16 operations, how many take: drifts, so memory fills and empties */
    uint64_t taken, refused, misuses, stolen, splits, retired, plugged;
    struct pmm_retiring *later; /* for each page */
};

static struct run run;

static uint64_t next_random(void)
{
    run.rng ^= run.rng << 13;
    run.rng ^= run.rng >> 7;
    run.rng ^= run.rng << 17;
    return run.rng * 0x2545F4914F6CDD1Du >> 16;
}

static uint64_t below(uint64_t limit)
{
    return next_random() % limit;
}

static bool wrong(const char *what, uint64_t a, uint64_t b, uint64_t c)
{
    printf("operation %" PRIu64 " on CPU %u: %s (0x%" PRIx64 " %" PRIu64 " %" PRIu64 ")\n", run.op,
           hal_cpu_index(), what, a, b, c);
    return false;
}

/* ---- contents ---- */

static uint64_t stamp_of(uint32_t first)
{
    return run.m.address[first] * 31 + 0xC0FFEE;
}

static void stamp(uint32_t first)
{
    for (uint32_t k = 0; k < run.m.length[first]; k++)
        *(uint64_t *)hal_phys_to_virt(run.m.address[first + k] + 8 * (k % 500)) = stamp_of(first);
}

static bool stamp_stands(uint32_t first)
{
    for (uint32_t k = 0; k < run.m.length[first]; k++)
        if (*(uint64_t *)hal_phys_to_virt(run.m.address[first + k] + 8 * (k % 500)) !=
            stamp_of(first))
            return false;
    return true;
}

static bool reads_zero(hal_paddr_t base, size_t pages)
{
    const uint64_t *words = hal_phys_to_virt(base);
    uint64_t all = 0;
    for (size_t i = 0; i < pages * 512; i++)
        all |= words[i];
    return all == 0;
}

/* ---- operations ---- */

static size_t pick_length(void)
{
    uint64_t kind = below(100);
    if (kind < 60)
        return 1;
    if (kind < 80)
        return 2 + below(15);
    if (kind < 95)
        return 17 + below(130);
    return kind < 99 ? 400 + below(300) : 1 + below(3000);
}

/* Pages parked with the other CPU may be in the way: send them home, then it must succeed. */
static hal_paddr_t alloc_again(size_t n, uint64_t align, uint32_t flags)
{
    uint32_t here = hal_cpu_index();
    for (uint32_t c = 0; c < CPUS; c++) {
        host_set_cpu(c);
        pmm_drain(run.pmm);
    }
    host_set_cpu(here);
    run.stolen++;
    return pmm_alloc_aligned(run.pmm, n, align, flags);
}

static bool accept(hal_paddr_t got, size_t n, uint64_t align, uint32_t flags)
{
    const char *error = model_accept(&run.m, got, n, align, flags);
    if (error != NULL)
        return wrong(error, got, n, flags);
    if ((flags & PMM_ZERO) != 0 && !reads_zero(got, n))
        return wrong("PMM_ZERO memory is not zero", got, n, flags);
    run.live[run.live_count++] = model_index(&run.m, got);
    stamp(model_index(&run.m, got));
    run.taken++;
    return true;
}

static bool op_alloc(void)
{
    size_t n = pick_length();
    uint64_t align = below(4) == 0 ? HAL_PAGE_SIZE << below(11) : HAL_PAGE_SIZE;
    uint32_t flags = below(3) != 0 ? 0 : (uint32_t)below(16);
    bool plain = below(2) == 0 && align == HAL_PAGE_SIZE;
    hal_paddr_t got =
        plain ? pmm_alloc(run.pmm, n, flags) : pmm_alloc_aligned(run.pmm, n, align, flags);
    if (got != HAL_PADDR_NONE)
        return accept(got, n, align, flags);
    run.refused++;
    model_count_failure(&run.m, flags);
    if (!model_can_alloc(&run.m, n, align, flags))
        return true;
    got = alloc_again(n, align, flags);
    if (got == HAL_PADDR_NONE)
        return wrong("P6: a run fits and was refused", n, align, flags);
    return accept(got, n, align, flags);
}

static bool op_free(void)
{
    if (run.live_count == 0)
        return true;
    uint64_t which = below(run.live_count);
    uint32_t first = run.live[which];
    if (!stamp_stands(first))
        return wrong("a live page was written by someone else", run.m.address[first],
                     run.m.length[first], 0);
    mm_status_t s = pmm_free(run.pmm, run.m.address[first], run.m.length[first]);
    if (s != MM_OK)
        return wrong("a right free was refused", run.m.address[first], run.m.length[first], s);
    model_give(&run.m, first);
    run.live[which] = run.live[--run.live_count];
    return true;
}

static hal_paddr_t pick_address(void)
{
    uint64_t kind = below(16);
    hal_paddr_t at = run.m.address[below(run.m.pages)];
    if (kind == 0)
        return at + 1 + below(4095);
    if (kind == 1)
        return at + below(64 * MIB) / HAL_PAGE_SIZE * HAL_PAGE_SIZE;
    if (kind == 2)
        return next_random() << 12;
    return kind == 3 ? below(4) * 2048 : at;
}

static bool op_misuse(void)
{
    hal_paddr_t at = pick_address();
    size_t n = below(3) == 0 ? 1 : pick_length();
    mm_status_t must = model_free_status(&run.m, at, n);
    if (must == MM_OK) /* a right free by chance: make it wrong */
        must = model_free_status(&run.m, at, ++n);
    mm_status_t is = pmm_free(run.pmm, at, n);
    run.misuses++;
    return model_same_status(is, must) || wrong("free: wrong answer to misuse", at, n, is);
}

static bool op_claim(void)
{
    hal_paddr_t at = below(8) == 0 ? pick_address() : run.m.address[below(run.m.pages)];
    size_t n = below(2) == 0 ? 1 : pick_length();
    if (n > 0 && at < PMM_DMA32_LIMIT && model_zone(at) != model_zone(at + (n - 1) * HAL_PAGE_SIZE))
        return true; /* see pmm_cpus.c */
    mm_status_t s = pmm_claim(run.pmm, at, n);
    if (s == MM_BUSY && model_claim_ok(&run.m, at, n, MM_OK)) {
        uint32_t here = hal_cpu_index(); /* parked with the other CPU */
        host_set_cpu(1 - here);
        pmm_drain(run.pmm);
        host_set_cpu(here);
        run.stolen++;
        s = pmm_claim(run.pmm, at, n);
    }
    if (!model_claim_ok(&run.m, at, n, s))
        return wrong("claim: wrong answer", at, n, s);
    if (s != MM_OK)
        return true;
    uint32_t first = model_index(&run.m, at);
    model_take(&run.m, first, n);
    run.live[run.live_count++] = first;
    stamp(first);
    return true;
}

static bool op_length(void)
{
    bool run_there = run.live_count > 0 && below(2) == 0;
    hal_paddr_t at = run_there ? run.m.address[run.live[below(run.live_count)]] : pick_address();
    return model_same_length(&run.m, run.pmm, at) || wrong("length: wrong answer", at, 0, MM_OK);
}

/* Half of them right, as far as there is a run to be split. */
static bool op_split(void)
{
    uint64_t which = run.live_count > 0 ? below(run.live_count) : 0;
    bool right = run.live_count > 0 && below(2) == 0;
    hal_paddr_t at = right ? run.m.address[run.live[which]] : pick_address();
    size_t n = right ? run.m.length[run.live[which]] : pick_length();
    size_t first = right ? below(n + 2) : pick_length() - 1;
    mm_status_t must = model_split_status(&run.m, at, n, first);
    mm_status_t is = pmm_split(run.pmm, at, n, first);
    if (!model_same_status(is, must))
        return wrong("split: wrong answer", at, n, is);
    if (must != MM_OK)
        return true;
    uint32_t i = model_index(&run.m, at);
    if (!stamp_stands(i))
        return wrong("split wrote into the run", at, n, first);
    model_split(&run.m, i, first);
    run.live[run.live_count++] = i + (uint32_t)first;
    stamp(i + (uint32_t)first);
    run.splits++;
    return true;
}

/* A page in a block of the other CPU's cannot be retired here: the desk calls no others. */
static mm_status_t retire(hal_paddr_t at, struct pmm_retiring *later)
{
    uint32_t here = hal_cpu_index();
    mm_status_t s = pmm_retire(run.pmm, at, later);
    if (s != MM_BUSY || later == NULL)
        return s;
    host_set_cpu(1 - here);
    pmm_drain(run.pmm);
    host_set_cpu(here);
    return pmm_retire(run.pmm, at, later);
}

static bool op_retire(void)
{
    hal_paddr_t at = below(4) == 0 ? pick_address() : run.m.address[below(run.m.pages)];
    uint32_t i = model_index(&run.m, at);
    struct pmm_retiring *later =
        i != MODEL_NONE && !run.m.waits[i] && below(4) != 0 ? &run.later[i] : NULL;
    mm_status_t must = model_retire_status(&run.m, at, later != NULL);
    mm_status_t is = retire(at, later);
    /* Without a record a parked page may be as busy as one in use. */
    if (is == MM_BUSY && must == MM_OK && later == NULL)
        return true;
    if (is != must)
        return wrong("retire: wrong answer", at, later != NULL, is);
    if (is != MM_OK)
        return true;
    model_retire(&run.m, i);
    run.retired++;
    return later == NULL || pmm_retires_later(later) == run.m.waits[i] ||
           wrong("retire: the record does not say whether the page waits", at, 0, is);
}

/* A page that the other CPU has parked is in the way of a removal. */
static mm_status_t unplug(hal_paddr_t at, size_t n, hal_paddr_t *page)
{
    uint32_t here = hal_cpu_index();
    mm_status_t s = pmm_remove(run.pmm, at, n, page);
    if (s != MM_BUSY)
        return s;
    host_set_cpu(1 - here);
    pmm_drain(run.pmm);
    host_set_cpu(here);
    return pmm_remove(run.pmm, at, n, page);
}

static bool op_plug(void)
{
    bool add = below(2) == 0;
    hal_paddr_t at = pick_address(), must_name = 0, named = 0;
    at = below(8) != 0 ? hal_align_down(at, 2 * MIB) : at;
    size_t n = below(8) != 0 ? 512 * (1 + below(4)) : below(1500);
    mm_status_t must = model_plug_status(&run.m, at, n, add, &must_name);
    mm_status_t is = add ? pmm_add(run.pmm, at, n) : unplug(at, n, &named);
    if (is != must || (!add && named != must_name))
        return wrong(add ? "add: wrong answer" : "remove: wrong answer", at, n, is);
    if (is == MM_OK)
        model_plug(&run.m, at, n, add);
    run.plugged += is == MM_OK;
    return true;
}

static bool op_reclaim(void)
{
    size_t r = below(run.m.map.count);
    mm_status_t s = pmm_reclaim(run.pmm, &run.m.regions[r]);
    bool known = run.m.first[r] != MODEL_NONE && run.m.regions[r].type != MEM_USABLE &&
                 run.m.regions[r].type != MEM_BAD && run.m.regions[r].type != MEM_HOTPLUG;
    mm_status_t must = !known ? MM_FOREIGN : run.m.reclaimed[r] ? MM_ALREADY_FREE : MM_OK;
    if (s != must)
        return wrong("reclaim: wrong answer", run.m.regions[r].base, r, s);
    if (s == MM_OK)
        model_reclaim(&run.m, r);
    return true;
}

/* Rare events that change what the operations after them meet. */
static void change_conditions(uint64_t kind)
{
    if (kind < 8)
        host_set_cpu((uint32_t)below(CPUS));
    if (kind == 8)
        pmm_drain(run.pmm);
    if (below(4000) == 0)
        run.fill = 4 + (unsigned)below(9);
}

static bool step(void)
{
    uint64_t kind = below(256);
    bool room = run.live_count < MAX_LIVE;
    change_conditions(kind);
    if (kind < 20)
        return op_misuse();
    if (kind < 26 && room)
        return op_claim();
    if (kind >= 27 && kind < 32 && room)
        return op_split();
    if (kind == 32 && below(16) == 0)
        return op_retire();
    if (kind == 33)
        return op_plug();
    if (kind == 34)
        return op_length();
    if (kind == 26 && below(200) == 0)
        return op_reclaim();
    return below(16) < run.fill && room ? op_alloc() : op_free();
}

static bool compare(void)
{
    const char *error = model_compare(&run.m, run.pmm);
    return error == NULL || wrong(error, 0, 0, 0);
}

static bool run_shape(const struct shape *shape, uint64_t seed, uint64_t operations)
{
    void *tables;
    size_t bytes;
    bool ok = true;
    run = (struct run){.rng = seed * 2654435761u + 88172645463325252u, .fill = 11};
    model_init(&run.m, shape->regions, shape->count);
    run.pmm = model_create(&run.m, CPUS, &tables, &bytes);
    run.later = model_memory(run.m.pages * sizeof *run.later);
    host_set_cpu(0);
    uint64_t every = run.m.pages / 4 + 50; /* a comparison costs O(pages) */
    for (run.op = 0; run.op < operations && ok; run.op++)
        ok = step() && (run.op % every != 0 || compare());
    while (ok && run.live_count > 0)
        ok = op_free();
    for (uint32_t c = 0; c < CPUS; c++) {
        host_set_cpu(c);
        pmm_drain(run.pmm);
    }
    ok = ok && compare();
    printf("%s: %" PRIu64 " operations, %" PRIu64 " runs taken, %" PRIu64 " refused (%" PRIu64
           " only for pages parked elsewhere), %" PRIu64 " misuses, %" PRIu64 " splits, %" PRIu64
           " pages retired, %" PRIu64 " times plugged\n",
           shape->name, run.op, run.taken, run.refused, run.stolen, run.misuses, run.splits,
           run.retired, run.plugged);
    free(tables);
    free(run.later);
    model_destroy(&run.m);
    return ok && run.taken > 0 && run.splits > 0 && run.retired > 0;
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    uint64_t operations = argc > 2 ? strtoull(argv[2], NULL, 0) : 600000;
    unsigned failed = 0;
    host_ram_create(HIGH + 256 * MIB);
    printf("seed %" PRIu64 "\n", seed);
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        failed += !run_shape(&shapes[i], seed, operations);
    printf("%zu passed, %u failed\n", ARRAY_LEN(shapes) - failed, failed);
    return failed != 0;
}
