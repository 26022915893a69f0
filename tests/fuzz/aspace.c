/* libFuzzer over calls on an address space: the first byte chooses the CPU and the pages that the
 * source has, the rest are calls of six bytes each. The naive model of tests/model judges every
 * answer and the whole space at the end, the worst CPU every flush. */
#include "hal/short.h"
#include "tests/model/aspace_model.h"
#include "tests/model/aspace_rig.h"

#define CALL_BYTES 6
#define MAX_CALLS  40u
#define LEAVES     6000u /* of 4 KiB that may be there at once: the CPU reads them all, often */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rig rig;
static struct model model;

static void judge(const char *error)
{
    if (error == NULL)
        return;
    fprintf(stderr, "the space and the model differ: %s\n", error);
    abort();
}

static const struct hal_paging cpus[] = {
    {true, true, true, true, MMU_BREAKS, 4, MMU_PHYS_BITS},
    {false, false, true, true, MMU_BREAKS, 4, 40},
    {true, true, false, false, MMU_BREAKS, MMU_LEVELS, MMU_PHYS_BITS},
    {true, false, true, true, !MMU_BREAKS, MMU_LEVELS, 46},
};

/* An address from two bytes: a window of 16 GiB, a gigabyte in it, and a page near a border. */
static hal_vaddr_t address(uint8_t a, uint8_t b)
{
    hal_vaddr_t half = model_span(model.cpu.levels - 1u) * 256;
    const hal_vaddr_t windows[] = {0,
                                   512 * GIB - 2 * GIB,
                                   half - 3 * GIB,
                                   half,
                                   (hal_vaddr_t)0 - half - GIB,
                                   (hal_vaddr_t)0 - half,
                                   (hal_vaddr_t)0 - half / 2,
                                   (hal_vaddr_t)0 - 3 * GIB};
    hal_vaddr_t at = windows[a & 7] + (a >> 3 & 3) * GIB + (a >> 5) * MIB;
    return b < 128 ? at + b * HAL_PAGE_SIZE : b < 250 ? at - (b - 127) * HAL_PAGE_SIZE : at + b;
}

static uint64_t length(uint8_t a, uint8_t b)
{
    switch (a >> 5) {
    case 0:
        return 2 * MIB * (a & 3) + b * HAL_PAGE_SIZE;
    case 1:
        return GIB * (a & 3) + b * HAL_PAGE_SIZE;
    case 2:
        return GIB - b * HAL_PAGE_SIZE;
    case 3:
        return 2 * MIB - b * HAL_PAGE_SIZE;
    case 4:
        return a == 159 ? (uint64_t)b << 56 : (uint64_t)b << 12;
    default:
        return (a & 31) * HAL_PAGE_SIZE;
    }
}

static struct model_call decode(const uint8_t *in)
{
    struct model_call c = {.kind = (enum model_kind)(in[0] % 3)};
    c.virt = address(in[1], in[2]);
    c.size = length(in[3], in[4]);
    c.prot = in[0] / 3 & 1 ? in[5] & 127u : (c.virt >> 63 != 0 ? 9u : 5u) - (in[5] & 1u);
    c.phys = 32 * GIB + c.virt % (8 * GIB);
    if (in[5] >= 128)
        c.phys += (in[5] & 1) ? HAL_PAGE_SIZE : 2 * MIB;
    if (in[5] == 255)
        c.phys = (hal_paddr_t)0 - HAL_PAGE_SIZE * in[4];
    return c;
}

/* Ranges that would end up as very many small pages are left out; the plan of a call costs as much.
 */
static bool too_large(const struct model_call *c)
{
    bool odd = (c->phys ^ c->virt) % (2 * MIB) != 0;
    if (model_refuse(&model, c) != MM_OK || c->kind != MODEL_MAP)
        return false;
    return c->size / (odd ? HAL_PAGE_SIZE : 2 * MIB) > 2048;
}

static void step(struct aspace *as, const uint8_t *in)
{
    struct model_call c = decode(in);
    if (too_large(&c) || as->tree.stats.pages[0] + as->tree.stats.pages[1] > LEAVES)
        return;
    uint64_t before = rig.in_use;
    mm_status_t want = model_call(&model, &c, rig.spare);
    mm_status_t got = model_do(as, &c);
    judge(got != want ? "another answer" : rig_verdict(&rig));
    judge(got != MM_OK && rig.in_use != before ? "A3: a failed call changed the source" : NULL);
    judge(rig.in_use != as->tree.stats.tables ? "A3: tables and pages taken differ" : NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aspace as;
    if (size == 0)
        return 0;
    if (host_ram == NULL)
        host_ram_create(RIG_BASE + RIG_PAGES * HAL_PAGE_SIZE);
    host_set_paging(&cpus[data[0] & 3]);
    rig_init(&rig, (data[0] & 4) != 0 ? 5 + data[0] / 8u : RIG_PAGES);
    model_init(&model, &cpus[data[0] & 3], false);
    if (aspace_init(&as, &rig.source) != MM_OK)
        return 0;
    rig.remote = data[0] >= 128; /* the CPU that edits, or another one */
    rig_watch(&rig, &as);
    size_t at = 1;
    for (unsigned i = 0; i < MAX_CALLS && at + CALL_BYTES <= size; i++, at += CALL_BYTES) {
        step(&as, data + at);
        if (i % 8 == 7)
            judge(model_compare(&model, &as));
    }
    judge(model_compare(&model, &as));
    rig_watch(&rig, NULL);
    aspace_destroy(&as);
    judge(rig.in_use != 0 ? "aspace_destroy keeps pages" : rig.wrong);
    return 0;
}
