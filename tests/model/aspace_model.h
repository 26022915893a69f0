/* tests/model/aspace_model.h: what an address space should be, naively: a sorted list of ranges.
 *
 * The list says which addresses lead where. From it alone follow, by the rules of mm/aspace.h and
 * none of its code: the answer of every call, the pages of each size, and which tables exist, since
 * what can be one large page is one. Included by one program each. */
#ifndef TESTS_MODEL_ASPACE_MODEL_H
#define TESTS_MODEL_ASPACE_MODEL_H

#include "mm/aspace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL_RUNS   4096u
#define MODEL_TABLES 65536u

/* Pages [virt, last] lead to phys and so on; `last` is the last byte. */
struct model_run {
    hal_vaddr_t virt, last;
    hal_paddr_t phys;
    uint32_t prot;
};

struct model {
    struct hal_paging cpu;
    bool shares; /* the upper half belongs to another space */
    unsigned count;
    struct model_run run[MODEL_RUNS];
    bool shared_entry[256]; /* of the root's upper half: made once, never taken back */
};

/* A table is known by its level and the first address that it translates. */
struct model_tables {
    uint64_t pages[PAGE_TREE_SIZES];
    unsigned count;
    uint64_t id[MODEL_TABLES]; /* address | level; in the order of a walk */
};

static struct model_tables model_before, model_after; /* scratch of model_judge */

static inline void model_init(struct model *m, const struct hal_paging *cpu, bool shares)
{
    m->cpu = *cpu;
    m->shares = shares;
    m->count = 0;
    memset(m->shared_entry, 0, sizeof m->shared_entry);
}

static inline uint64_t model_span(unsigned level)
{
    return (uint64_t)4096 << (9 * level);
}

static inline unsigned model_root_index(const struct model *m, hal_vaddr_t virt)
{
    return (unsigned)(virt / model_span(m->cpu.levels - 1u) % 512);
}

/* --- the list --------------------------------------------------------------------------------- */

static inline void model_put(struct model *m, struct model_run r)
{
    struct model_run *p = m->count > 0 ? &m->run[m->count - 1] : NULL;
    if (p != NULL && p->last + 1 == r.virt && p->phys + (r.virt - p->virt) == r.phys &&
        p->prot == r.prot && p->virt >> 63 == r.virt >> 63) {
        p->last = r.last;
        return;
    }
    if (m->count == MODEL_RUNS) {
        puts("the model's list is too short; raise MODEL_RUNS");
        exit(1);
    }
    m->run[m->count++] = r;
}

/* The list without [virt, last], and with `with` in its place when not NULL: one run, or with
 * `keep_phys` the old runs under its prot. */
static inline void model_replace(struct model *m, hal_vaddr_t virt, hal_vaddr_t last,
                                 const struct model_run *with, bool keep_phys)
{
    static struct model_run old[MODEL_RUNS];
    unsigned count = m->count;
    bool done = with == NULL || keep_phys;
    memcpy(old, m->run, count * sizeof *old);
    m->count = 0;
    for (unsigned i = 0; i < count; i++) {
        struct model_run r = old[i];
        if (r.virt < virt)
            model_put(
                m, (struct model_run){r.virt, r.last < virt ? r.last : virt - 1, r.phys, r.prot});
        if (!done && r.last >= virt) {
            model_put(m, *with);
            done = true;
        }
        hal_vaddr_t from = r.virt > virt ? r.virt : virt;
        hal_vaddr_t to = r.last < last ? r.last : last;
        if (keep_phys && from <= to)
            model_put(m, (struct model_run){from, to, r.phys + (from - r.virt), with->prot});
        if (r.last > last) {
            from = r.virt > last ? r.virt : last + 1;
            model_put(m, (struct model_run){from, r.last, r.phys + (from - r.virt), r.prot});
        }
    }
    if (!done)
        model_put(m, *with);
}

static inline const struct model_run *model_find(const struct model *m, hal_vaddr_t virt)
{
    for (unsigned i = 0; i < m->count; i++)
        if (m->run[i].virt <= virt && virt <= m->run[i].last)
            return &m->run[i];
    return NULL;
}

static inline bool model_touches(const struct model *m, hal_vaddr_t virt, hal_vaddr_t last)
{
    for (unsigned i = 0; i < m->count; i++)
        if (m->run[i].virt <= last && m->run[i].last >= virt)
            return true;
    return false;
}

/* MM_OK, or what is found first in address order: a page missing, or one of another type. */
static inline mm_status_t model_all_mapped(const struct model *m, hal_vaddr_t virt,
                                           hal_vaddr_t last, uint32_t type, bool any_type)
{
    for (;;) {
        const struct model_run *r = model_find(m, virt);
        if (r == NULL)
            return MM_UNMAPPED;
        if (!any_type && (r->prot & ASPACE_TYPE) != type)
            return MM_TYPE;
        if (r->last >= last)
            return MM_OK;
        virt = r->last + 1;
    }
}

/* --- the tree --------------------------------------------------------------------------------- */

static inline void model_note_table(struct model_tables *t, hal_vaddr_t virt, unsigned level)
{
    if (t->count == MODEL_TABLES) {
        puts("too many tables for the model; raise MODEL_TABLES");
        exit(1);
    }
    t->id[t->count++] = virt | level;
}

/* The table of `level` at `base`, in which runs [first, end) have a part. */
static inline void model_table(const struct model *m, struct model_tables *t, unsigned level,
                               hal_vaddr_t base, unsigned first, unsigned end)
{
    hal_vaddr_t top = base + (model_span(level) * 512 - 1);
    unsigned largest = m->cpu.pages_1g ? 2 : 1;
    model_note_table(t, base, level);
    for (unsigned i = first; level == 0 && i < end; i++) {
        hal_vaddr_t from = m->run[i].virt > base ? m->run[i].virt : base;
        hal_vaddr_t to = m->run[i].last < top ? m->run[i].last : top;
        t->pages[0] += (to - from + 1) / 4096;
    }
    if (level == 0)
        return;
    for (unsigned i = 0; i < 512; i++) {
        hal_vaddr_t at = base + i * model_span(level);
        hal_vaddr_t last = at + (model_span(level) - 1);
        while (first < end && m->run[first].last < at)
            first++;
        unsigned stop = first;
        while (stop < end && m->run[stop].virt <= last)
            stop++;
        if (stop == first)
            continue;
        const struct model_run *r = &m->run[first];
        if (level <= largest && r->virt <= at && r->last >= last &&
            (r->phys + (at - r->virt)) % model_span(level) == 0)
            t->pages[level]++;
        else
            model_table(m, t, level - 1, at, first, stop);
    }
}

/* All tables. The root's entries are gone through here, since its upper half is special. */
static inline void model_tree(const struct model *m, struct model_tables *t)
{
    unsigned top = m->cpu.levels - 1u;
    unsigned first = 0;
    memset(t->pages, 0, sizeof t->pages);
    t->count = 0;
    model_note_table(t, 0, top);
    for (unsigned i = 0; i < 512; i++) {
        hal_vaddr_t at = i * model_span(top);
        if (i >= 256)
            at -= model_span(top) * 512; /* canonical; 5 levels: 2^57 */
        hal_vaddr_t last = at + (model_span(top) - 1);
        while (first < m->count && m->run[first].last < at)
            first++;
        unsigned stop = first;
        while (stop < m->count && m->run[stop].virt <= last)
            stop++;
        if (stop != first)
            model_table(m, t, top - 1, at, first, stop);
        else if (i >= 256 && m->shared_entry[i - 256])
            model_note_table(t, at, top - 1);
    }
}

static inline int model_order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Tables of `wanted` that `have` lacks. */
static inline unsigned model_missing(struct model_tables *wanted, struct model_tables *have)
{
    unsigned missing = 0;
    qsort(have->id, have->count, sizeof have->id[0], model_order);
    for (unsigned i = 0; i < wanted->count; i++)
        missing +=
            bsearch(&wanted->id[i], have->id, have->count, sizeof have->id[0], model_order) == NULL;
    return missing;
}

/* --- calls ------------------------------------------------------------------------------------ */

enum model_kind { MODEL_MAP, MODEL_UNMAP, MODEL_PROTECT };

struct model_call {
    enum model_kind kind;
    hal_vaddr_t virt;
    hal_paddr_t phys;
    uint64_t size;
    uint32_t prot;
};

static inline mm_status_t model_refuse_range(const struct model *m, const struct model_call *c)
{
    hal_vaddr_t half = model_span(m->cpu.levels - 1u) * 256;
    hal_vaddr_t last = c->virt + c->size - 1;
    if (c->size == 0)
        return MM_INVALID;
    if (c->virt == 0 || c->virt % 4096 != 0 || c->size % 4096 != 0)
        return MM_NOT_PAGE;
    if ((unsigned __int128)c->virt + c->size > (unsigned __int128)1 << 64)
        return MM_OVERFLOW;
    if (last >= half && c->virt < (hal_vaddr_t)0 - half)
        return MM_NOT_CANONICAL;
    if (last >= half && m->shares)
        return MM_RESERVED;
    return MM_OK;
}

static inline mm_status_t model_refuse_prot(const struct model_call *c)
{
    bool upper = c->virt >= (hal_vaddr_t)1 << 63;
    if (c->prot > 63 || (c->prot & 48) == 48 || (upper && (c->prot & ASPACE_USER) != 0) ||
        (!upper && (c->prot & ASPACE_GLOBAL) != 0))
        return MM_INVALID;
    return (c->prot & 3) == 3 ? MM_WX : MM_OK;
}

static inline mm_status_t model_refuse_phys(const struct model *m, const struct model_call *c)
{
    unsigned __int128 end = (unsigned __int128)c->phys + c->size;
    if (c->phys % 4096 != 0)
        return MM_NOT_PAGE;
    if (end > (unsigned __int128)1 << 64)
        return MM_OVERFLOW;
    return end > (unsigned __int128)1 << m->cpu.phys_bits ? MM_INVALID : MM_OK;
}

static inline mm_status_t model_refuse(const struct model *m, const struct model_call *c)
{
    mm_status_t s = model_refuse_range(m, c);
    if (s == MM_OK && c->kind != MODEL_UNMAP)
        s = model_refuse_prot(c);
    if (s == MM_OK && c->kind == MODEL_MAP)
        s = model_refuse_phys(m, c);
    if (s != MM_OK)
        return s;
    hal_vaddr_t last = c->virt + c->size - 1;
    if (c->kind == MODEL_MAP)
        return model_touches(m, c->virt, last) ? MM_OVERLAP : MM_OK;
    return model_all_mapped(m, c->virt, last, c->prot & ASPACE_TYPE, c->kind == MODEL_UNMAP);
}

static inline void model_apply(struct model *m, const struct model_call *c)
{
    hal_vaddr_t last = c->virt + c->size - 1;
    struct model_run r = {c->virt, last, c->phys, c->prot};
    model_replace(m, c->virt, last, c->kind == MODEL_UNMAP ? NULL : &r, c->kind == MODEL_PROTECT);
    if (c->kind != MODEL_MAP || c->virt < (hal_vaddr_t)1 << 63)
        return;
    for (unsigned i = model_root_index(m, c->virt); i <= model_root_index(m, last); i++)
        m->shared_entry[i - 256] = true;
}

/* Tables that a call which is not refused must take from the source. */
static inline unsigned model_need(const struct model *m, const struct model_call *c)
{
    static struct model other;
    model_tree(m, &model_before);
    if (c->kind == MODEL_MAP)
        model_init(&other, &m->cpu, m->shares); /* the range alone */
    else
        other = *m;
    model_apply(&other, c);
    model_tree(&other, &model_after);
    return model_missing(&model_after, &model_before);
}

/* What the call must answer when `spare` pages are left; the model is then as it shall be. */
static inline mm_status_t model_call(struct model *m, const struct model_call *c, uint64_t spare)
{
    mm_status_t s = model_refuse(m, c);
    if (s == MM_OK && model_need(m, c) > spare)
        s = MM_NO_MEMORY;
    if (s == MM_OK)
        model_apply(m, c);
    return s;
}

static inline mm_status_t model_do(struct aspace *as, const struct model_call *c)
{
    switch (c->kind) {
    case MODEL_MAP:
        return aspace_map(as, c->virt, c->phys, c->size, c->prot);
    case MODEL_UNMAP:
        return aspace_unmap(as, c->virt, c->size);
    case MODEL_PROTECT:
        return aspace_protect(as, c->virt, c->size, c->prot);
    }
    return MM_INVALID;
}

/* --- comparison ------------------------------------------------------------------------------- */

struct model_view {
    const struct model *m;
    hal_vaddr_t at; /* so far the same */
    unsigned run;
    const char *wrong;
};

static inline void model_visit(void *ctx, const struct aspace_mapping *g)
{
    struct model_view *v = ctx;
    const struct model_run *r = &v->m->run[v->run];
    if (v->wrong != NULL)
        return;
    if (v->run == v->m->count || g->virt < r->virt || g->virt + (g->size - 1) > r->last ||
        g->virt != (v->at > r->virt ? v->at : r->virt))
        v->wrong = "aspace_walk shows other addresses than were mapped";
    else if (g->phys != r->phys + (g->virt - r->virt))
        v->wrong = "aspace_walk shows another physical address";
    else if (g->prot != r->prot)
        v->wrong = "aspace_walk shows another prot";
    else if ((g->virt | g->phys | g->size) % g->page != 0)
        v->wrong = "aspace_walk shows a page that is not aligned to its size";
    v->at = g->virt + g->size;
    if (v->wrong == NULL && v->at == r->last + 1)
        v->run++;
}

static inline const char *model_query(const struct model *m, const struct aspace *as,
                                      hal_vaddr_t virt)
{
    struct aspace_mapping g = {.size = 1};
    hal_vaddr_t half = model_span(m->cpu.levels - 1u) * 256;
    const struct model_run *r = model_find(m, virt);
    mm_status_t s = aspace_query(as, virt, &g);
    if (virt >= half && virt < (hal_vaddr_t)0 - half)
        return s == MM_NOT_CANONICAL && g.size == 1 ? NULL : "a query that must be refused";
    if (m->shares && virt >= half)
        return NULL;
    if (r == NULL)
        return s == MM_UNMAPPED && g.size == 1 ? NULL : "a query finds a page that is not there";
    if (s != MM_OK || g.virt > virt || virt - g.virt >= g.size || g.page != g.size ||
        g.virt < r->virt || g.virt + (g.size - 1) > r->last)
        return "a query misses a page";
    return g.phys == r->phys + (g.virt - r->virt) && g.prot == r->prot
               ? NULL
               : "a query finds something else than was mapped";
}

/* NULL, or the first difference. Not for a space that shares: its walk shows both halves. */
static inline const char *model_compare(const struct model *m, const struct aspace *as)
{
    struct model_view v = {.m = m};
    const char *wrong = aspace_check(as);
    if (wrong != NULL)
        return wrong;
    if (!m->shares) {
        aspace_walk(as, model_visit, &v);
        if (v.wrong != NULL || v.run != m->count)
            return v.wrong != NULL ? v.wrong : "aspace_walk misses pages";
    }
    model_tree(m, &model_after);
    if (model_after.count != as->tree.stats.tables)
        return "there are more or fewer tables than needed";
    for (unsigned i = 0; i < PAGE_TREE_SIZES; i++)
        if (model_after.pages[i] != as->tree.stats.pages[i])
            return "pages are not as large as they could be, or miscounted";
    for (unsigned i = 0; i < m->count && wrong == NULL; i++) {
        wrong = model_query(m, as, m->run[i].virt);
        if (wrong == NULL)
            wrong = model_query(m, as, m->run[i].last);
        if (wrong == NULL)
            wrong = model_query(m, as, m->run[i].virt - 1);
        if (wrong == NULL)
            wrong = model_query(m, as, m->run[i].last + 1);
    }
    return wrong;
}

#endif
