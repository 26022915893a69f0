/* tests/model/aspace_rig.h: a page source that is suspicious and can run out, and the worst CPU
 * that the manuals allow.
 *
 * The CPU reads tables as the hardware does (mmu.h), and caches every leaf and the name of every
 * table as soon as it can: before each call and at each event that the desk can see (a page taken or
 * given back, a flush), so also right after a flush. It forgets only what a flush tells it to: of a
 * page the translations of that page and the tables above it; nothing else goes with them, as on
 * aarch64 (an INVLPG would drop all names of tables). It is the CPU that edits, or with `remote`
 * another one, which hears of shootdowns alone.
 *
 * A4 holds when at each give-back and at the end of each call nothing that it remembers contradicts
 * the tables, and it remembers no name of a table given back. A8 holds when at each event the tables
 * offer it nothing that it may not hold beside what it remembers. */
#ifndef TESTS_MODEL_ASPACE_RIG_H
#define TESTS_MODEL_ASPACE_RIG_H

#include "hal/host/host.h"
#include "hal/short.h"
#include "mm/aspace.h"
#include "tests/model/mmu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RIG_BASE     MIB
#define RIG_PAGES    8192u
#define RIG_NONSENSE 0xA7   /* a page full of it, read as a table, leads to nonsense */
#define RIG_MEMO     32768u /* rig_remember() knows that 4 of them are 2^17 */

/* A leaf (page != 0) or the name of a table (page 0) as the CPU remembers it. */
struct rig_memo {
    hal_vaddr_t virt;
    uint64_t page;
    uint64_t span; /* bytes that it is used for: `page`, or all that the table translates */
    hal_paddr_t phys;
    uint64_t rights; /* what all levels grant, and from bit 16 on the leaf's memory type */
};

struct rig {
    struct page_source source;
    uint64_t spare; /* pages that it will still give */
    uint64_t in_use;
    uint64_t calls; /* of alloc_page, refused ones too */
    bool used[RIG_PAGES];
    unsigned free_top;
    uint32_t free[RIG_PAGES];
    const char *wrong; /* the first thing that must not be */

    const struct aspace *watched; /* NULL: the CPU sleeps */
    bool remote;                  /* it is not the CPU that edits */
    bool ignore_flushes;          /* for the rig's own proof: a CPU that no flush reaches */
    unsigned memos;
    struct rig_memo memo[RIG_MEMO];
    hal_vaddr_t flushed;         /* the page, if that was the last event; else 0 */
    uint64_t reads;              /* of all tables */
    uint64_t seen[RIG_MEMO];     /* of a memo: the read that found it last */
    uint32_t place[RIG_MEMO];    /* of a memo: its slot */
    uint32_t slot[4 * RIG_MEMO]; /* hash: index of a memo + 1, or 0 */
};

static inline void rig_blame(struct rig *r, const char *what)
{
    if (r->wrong == NULL)
        r->wrong = what;
}

/* --- the CPU ---------------------------------------------------------------------------------- */

/* What the name of a table lets through goes on downwards. */
static inline uint64_t rig_narrow(uint64_t above, const struct mmu_entry *e)
{
    return (above & e->grants) | (e->leaf ? (e->grants & MMU_G) | e->type << 16 : 0);
}

/* What the hardware finds for `virt`: a page, or nothing (page 0) in all of `span`. */
static inline struct rig_memo rig_translate(struct rig *r, const struct aspace *as,
                                            hal_vaddr_t virt)
{
    hal_paddr_t table = as->tree.root & MMU_ADDRESS;
    uint64_t rights = MMU_W | MMU_U | MMU_X;
    uint64_t span = 0;
    for (unsigned level = as->tree.cpu.levels; level-- > 0;) {
        uint64_t entry = ((const uint64_t *)(host_ram + table))[virt >> (12 + 9 * level) & 511];
        struct mmu_entry e = mmu_read(entry, level, &as->tree.cpu);
        span = mmu_span(level);
        if (!e.valid)
            break;
        if (e.wrong != NULL)
            rig_blame(r, e.wrong);
        rights = rig_narrow(rights, &e);
        if (e.leaf)
            return (struct rig_memo){virt & ~(span - 1), span, span, e.address, rights};
        table = e.address;
    }
    return (struct rig_memo){.virt = virt & ~(span - 1), .span = span};
}

static inline void rig_remember(struct rig *r, struct rig_memo m)
{
    uint64_t hash = (m.virt ^ m.page << 1 ^ m.phys << 3 ^ m.rights) * 0x9E3779B97F4A7C15u;
    uint32_t *slot = &r->slot[hash >> 47];
    for (; *slot != 0; slot = slot + 1 == r->slot + 4 * RIG_MEMO ? r->slot : slot + 1)
        if (memcmp(&r->memo[*slot - 1], &m, sizeof m) == 0) {
            r->seen[*slot - 1] = r->reads;
            return;
        }
    if (r->memos == RIG_MEMO) {
        puts("the CPU's memory is too small; raise RIG_MEMO");
        exit(1);
    }
    r->seen[r->memos] = r->reads;
    r->place[r->memos] = (uint32_t)(slot - r->slot);
    r->memo[r->memos++] = m;
    *slot = r->memos;
}

static inline void rig_forget_all(struct rig *r)
{
    while (r->memos > 0)
        r->slot[r->place[--r->memos]] = 0;
}

static inline void rig_read_table(struct rig *r, hal_paddr_t table, unsigned level,
                                  hal_vaddr_t base, uint64_t rights)
{
    const uint64_t *entries = (const uint64_t *)(host_ram + table);
    const struct hal_paging *cpu = &r->watched->tree.cpu;
    uint64_t span = mmu_span(level);
    rig_remember(r, (struct rig_memo){base, 0, span * 512, table, rights});
    for (unsigned i = 0; i < 512; i++) {
        if (entries[i] == 0)
            continue;
        struct mmu_entry e = mmu_read(entries[i], level, cpu);
        hal_vaddr_t at = base + i * span;
        if (level == cpu->levels - 1u && i >= 256)
            at -= span * 512;
        if (!e.valid)
            continue;
        uint64_t now = rig_narrow(rights, &e);
        if (e.leaf)
            rig_remember(r, (struct rig_memo){at, span, span, e.address, now});
        else
            rig_read_table(r, e.address, level - 1, at, now);
    }
}

/* Only what leads to one address. */
static inline void rig_read_path(struct rig *r, hal_vaddr_t virt)
{
    const struct hal_paging *cpu = &r->watched->tree.cpu;
    hal_paddr_t table = r->watched->tree.root & MMU_ADDRESS;
    uint64_t rights = MMU_W | MMU_U | MMU_X;
    for (unsigned level = cpu->levels; level-- > 0;) {
        uint64_t span = mmu_span(level);
        hal_vaddr_t base = level == cpu->levels - 1u ? 0 : virt & ~(span * 512 - 1);
        rig_remember(r, (struct rig_memo){base, 0, span * 512, table, rights});
        uint64_t entry = ((const uint64_t *)(host_ram + table))[virt / span % 512];
        struct mmu_entry e = mmu_read(entry, level, cpu);
        if (!e.valid)
            return;
        rights = rig_narrow(rights, &e);
        if (e.leaf) {
            rig_remember(r, (struct rig_memo){virt & ~(span - 1), span, span, e.address, rights});
            return;
        }
        table = e.address;
    }
}

/* May the CPU hold this beside the translation `now` of an address of it? */
static inline bool rig_may_mix(const struct rig *r, const struct rig_memo *m,
                               const struct rig_memo *now, uint64_t into)
{
    const uint64_t kept = MMU_G | ~(uint64_t)0xFFFF; /* GLOBAL and the memory type */
    bool same_place = m->phys + (now->virt + into - m->virt) == now->phys + into;
    if (now->page == 0)
        return true;
    if (r->watched->tree.cpu.break_before_make)
        return m->page == now->page && same_place && ((m->rights ^ now->rights) & kept) == 0;
    return m->page == now->page || m->page == 0 || (same_place && m->rights == now->rights);
}

/* A8: is there an address for which the tables offer what the CPU may not hold beside what it
 * remembers? After a read, which has found again all that is as it was. */
static inline void rig_judge_mix(struct rig *r)
{
    for (unsigned i = 0; i < r->memos; i++) {
        const struct rig_memo *m = &r->memo[i];
        for (uint64_t at = 0; r->seen[i] != r->reads && at < m->page;) {
            struct rig_memo now = rig_translate(r, r->watched, m->virt + at);
            uint64_t into = m->virt + at - now.virt;
            if (!rig_may_mix(r, m, &now, into)) {
                rig_blame(r, "A8: a TLB could hold two translations that do not go together");
                return;
            }
            at += now.span - into;
        }
    }
}

/* The CPU reads everything, and keeps what it knew. */
static inline void rig_read_all(struct rig *r)
{
    r->reads++;
    rig_read_table(r, r->watched->tree.root & MMU_ADDRESS, r->watched->tree.cpu.levels - 1u, 0,
                   MMU_W | MMU_U | MMU_X);
}

/* What was written since it looked last may not go together with what it knows. */
static inline void rig_look(struct rig *r)
{
    r->flushed = 0;
    if (r->watched == NULL)
        return;
    rig_read_all(r);
    rig_judge_mix(r);
}

/* Does anything that the CPU remembers contradict the tables? A page it remembers may lie in larger
 * or smaller ones now, as long as it leads to the same place with the same rights. */
static inline void rig_judge(struct rig *r)
{
    for (unsigned i = 0; r->watched != NULL && i < r->memos; i++) {
        const struct rig_memo *m = &r->memo[i];
        for (uint64_t at = 0; at < m->page;) {
            struct rig_memo now = rig_translate(r, r->watched, m->virt + at);
            uint64_t into = m->virt + at - now.virt;
            if (now.page == 0 || now.phys + into != m->phys + at || now.rights != m->rights) {
                rig_blame(r, "A4: a translation that was removed or changed is still in the TLB");
                return;
            }
            at += now.page - into;
        }
    }
}

/* Does [base, base + size) touch what the memo is used for? */
static inline bool rig_touches(const struct rig_memo *m, hal_vaddr_t base, uint64_t size)
{
    return base - m->virt < m->span || m->virt - base < size;
}

static inline bool rig_forgets(const struct rig *r, enum host_flush kind, const struct rig_memo *m,
                               hal_vaddr_t base, uint64_t size)
{
    if (r->ignore_flushes)
        return false;
    if (r->remote)
        return kind == HOST_SHOOTDOWN &&
               (size == 0 ? base >> 63 == m->virt >> 63 : rig_touches(m, base, size));
    if (kind == HOST_FLUSH_PAGE)
        return rig_touches(m, base, HAL_PAGE_SIZE);
    return kind == HOST_FLUSH_ALL ||
           (kind == HOST_FLUSH_LOCAL && (m->page == 0 || (m->rights & MMU_G) == 0));
}

/* Of pages that are flushed in a row it looks at the tables once: nothing is written in between, and
 * what would be, is seen at the next event. */
static inline void rig_flush(void *ctx, enum host_flush kind, hal_paddr_t root, hal_vaddr_t base,
                             uint64_t size)
{
    struct rig *r = ctx;
    UNUSED(root);
    if (kind != HOST_FLUSH_PAGE || r->flushed == 0 || r->flushed + HAL_PAGE_SIZE != base)
        rig_look(r);
    r->flushed = kind == HOST_FLUSH_PAGE ? base : 0;
    unsigned forgotten = 0;
    for (unsigned i = 0; i < r->memos; i++)
        forgotten += rig_forgets(r, kind, &r->memo[i], base, size);
    if (forgotten == 0)
        return;
    unsigned count = r->memos;
    rig_forget_all(r);
    for (unsigned i = 0; i < count; i++)
        if (!rig_forgets(r, kind, &r->memo[i], base, size))
            rig_remember(r, r->memo[i]);
    if (kind == HOST_FLUSH_PAGE)
        rig_read_path(r, base);
    else
        rig_read_all(r);
}

/* --- the page source -------------------------------------------------------------------------- */

static inline hal_paddr_t rig_alloc(void *ctx)
{
    struct rig *r = ctx;
    r->calls++;
    rig_look(r);
    if (r->spare == 0 || r->free_top == 0)
        return HAL_PADDR_NONE;
    uint32_t i = r->free[--r->free_top];
    r->spare--;
    r->in_use++;
    r->used[i] = true;
    memset(host_ram + RIG_BASE + i * HAL_PAGE_SIZE, RIG_NONSENSE, HAL_PAGE_SIZE);
    return RIG_BASE + i * HAL_PAGE_SIZE;
}

static inline void rig_free(void *ctx, hal_paddr_t page)
{
    struct rig *r = ctx;
    uint64_t i = (page - RIG_BASE) / HAL_PAGE_SIZE;
    if (page % HAL_PAGE_SIZE != 0 || page < RIG_BASE || i >= RIG_PAGES || !r->used[i]) {
        rig_blame(r, "a page comes back that was not given, or twice");
        return;
    }
    rig_look(r);
    rig_judge(r);
    for (unsigned k = 0; k < r->memos; k++)
        if (r->memo[k].page == 0 && r->memo[k].phys == page)
            rig_blame(r, "A4: a table comes back while the CPU may still read it");
    r->used[i] = false;
    r->free[r->free_top++] = (uint32_t)i;
    r->in_use--;
    r->spare++;
    memset(host_ram + page, RIG_NONSENSE, HAL_PAGE_SIZE);
}

static inline void rig_init(struct rig *r, uint64_t spare)
{
    memset(r, 0, sizeof *r);
    r->source = (struct page_source){rig_alloc, rig_free, r};
    r->spare = spare;
    for (uint32_t i = 0; i < RIG_PAGES; i++)
        r->free[r->free_top++] = RIG_PAGES - 1 - i;
    memset(host_ram, RIG_NONSENSE,
           HAL_PAGE_SIZE); /* address 0 means none: who follows it shall see */
    host_listen_flushes(NULL, NULL);
}

/* From now on a CPU runs in `as` (NULL: it stops). */
static inline void rig_watch(struct rig *r, const struct aspace *as)
{
    r->watched = as;
    rig_forget_all(r);
    host_listen_flushes(as == NULL ? NULL : rig_flush, r);
    rig_look(r);
}

/* After a call. NULL, or what was wrong. */
static inline const char *rig_verdict(struct rig *r)
{
    rig_judge(r);
    rig_look(r);
    return r->wrong;
}

/* What the hardware makes of `virt` must be what `prot` asks for. */
static inline const char *rig_agrees(struct rig *r, const struct aspace *as, hal_vaddr_t virt,
                                     hal_paddr_t phys, uint32_t prot)
{
    struct rig_memo m = rig_translate(r, as, virt);
    uint64_t granted = m.rights & 0xFFFF;
    uint64_t want = ((prot & ASPACE_W) != 0 ? MMU_W : 0) | ((prot & ASPACE_USER) != 0 ? MMU_U : 0) |
                    ((prot & ASPACE_GLOBAL) != 0 ? MMU_G : 0) |
                    ((prot & ASPACE_X) != 0 || (MMU_NX_OPTIONAL && !as->tree.cpu.nx) ? MMU_X : 0);
    if (m.page == 0 || m.phys + (virt - m.virt) != phys)
        return "the hardware finds another page";
    if (((granted ^ want) & ~(uint64_t)MMU_X) != 0)
        return "the hardware finds other rights";
    if (((granted ^ want) & MMU_X) != 0)
        return "the hardware finds another right to execute";
    return m.rights >> 16 == mmu_type(prot, &as->tree.cpu)
               ? r->wrong
               : "the hardware finds another memory type";
}

#endif
