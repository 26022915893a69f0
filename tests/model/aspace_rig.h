/* tests/model/aspace_rig.h: a page source that is suspicious and can run out, and the worst CPU
 * that the manual allows.
 *
 * The CPU reads tables as the hardware does (Intel SDM vol. 3A, 4.5), by code of its own, and
 * caches every leaf and the name of every table as soon as it can: before each call and at each
 * event that the desk can see (a page taken or given back, a flush), so also right after a flush.
 * It forgets only what a flush tells it to. A4 holds when at each give-back and at the end of each
 * call nothing that it remembers contradicts the tables, and it remembers no name of a table given
 * back. */
#ifndef TESTS_MODEL_ASPACE_RIG_H
#define TESTS_MODEL_ASPACE_RIG_H

#include "hal/host/host.h"
#include "mm/aspace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RIG_BASE     MIB
#define RIG_PAGES    8192u
#define RIG_NONSENSE 0xA7   /* a page full of it, read as a table: present, and large pages */
#define RIG_MEMO     32768u /* rig_remember() knows that 4 of them are 2^17 */

/* A leaf (page != 0) or the name of a table (page 0) as the CPU remembers it. */
struct rig_memo {
    vaddr_t virt;
    uint64_t page;
    paddr_t phys;
    uint64_t rights; /* effective W, U and NX of all levels; G, and the memory type's PAT index */
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
    bool ignore_flushes;          /* for the rig's own proof: a CPU that no flush reaches */
    unsigned memos;
    struct rig_memo memo[RIG_MEMO];
    uint32_t slot[4 * RIG_MEMO]; /* hash: index of a memo + 1, or 0 */
};

static inline void rig_blame(struct rig *r, const char *what)
{
    if (r->wrong == NULL)
        r->wrong = what;
}

/* --- the CPU ---------------------------------------------------------------------------------- */

static inline unsigned rig_pat(uint64_t entry, unsigned level)
{
    uint64_t pat = entry >> (level > 0 ? 12 : 7) & 1;
    return (unsigned)(pat << 2 | (entry >> 4 & 1) << 1 | (entry >> 3 & 1));
}

#define RIG_W  ((uint64_t)1 << 1)
#define RIG_U  ((uint64_t)1 << 2)
#define RIG_G  ((uint64_t)1 << 8)
#define RIG_NX ((uint64_t)1 << 63)

static inline uint64_t rig_rights(uint64_t above, uint64_t entry)
{
    return (above & entry & (RIG_W | RIG_U)) | ((above | entry) & RIG_NX);
}

/* What the hardware finds for `virt`: a page, or nothing (page 0). Reserved bits are a fault that
 * the tests must not see. */
static inline struct rig_memo rig_translate(struct rig *r, const struct aspace *as, vaddr_t virt)
{
    uint64_t entry = (as->root & 0x000FFFFFFFFFF000u) | 1;
    uint64_t rights = RIG_W | RIG_U;
    for (unsigned level = as->cpu.levels; level-- > 0;) {
        const uint64_t *table = (const uint64_t *)(host_ram + (entry & 0x000FFFFFFFFFF000u));
        entry = table[virt >> (12 + 9 * level) & 511];
        if ((entry & 1) == 0)
            break;
        rights = rig_rights(rights, entry);
        if ((entry & RIG_NX) != 0 && !as->cpu.nx)
            rig_blame(r, "the NX bit is set on a CPU without NX");
        if (level > 0 && (entry & 128) == 0)
            continue;
        uint64_t span = (uint64_t)4096 << (9 * level);
        uint64_t reserved = level > 0 ? span - 0x2000 : 0; /* bits 13 and up to the page's size */
        if (level > 2 || (level == 2 && !as->cpu.pages_1g) || (entry & reserved) != 0)
            rig_blame(r, "a reserved bit is set in the entry of a large page");
        return (struct rig_memo){virt & ~(span - 1), span,
                                 entry & 0x000FFFFFFFFFF000u & ~(span - 1),
                                 rights | (entry & RIG_G) | (uint64_t)rig_pat(entry, level) << 16};
    }
    return (struct rig_memo){.page = 0};
}

static inline void rig_remember(struct rig *r, struct rig_memo m)
{
    uint64_t hash = (m.virt ^ m.page << 1 ^ m.phys << 3 ^ m.rights) * 0x9E3779B97F4A7C15u;
    uint32_t *slot = &r->slot[hash >> 47];
    for (; *slot != 0; slot = slot + 1 == r->slot + 4 * RIG_MEMO ? r->slot : slot + 1)
        if (memcmp(&r->memo[*slot - 1], &m, sizeof m) == 0)
            return;
    if (r->memos == RIG_MEMO) {
        puts("the CPU's memory is too small; raise RIG_MEMO");
        exit(1);
    }
    r->memo[r->memos++] = m;
    *slot = r->memos;
}

static inline void rig_forget_all(struct rig *r)
{
    if (r->memos != 0)
        memset(r->slot, 0, sizeof r->slot);
    r->memos = 0;
}

static inline void rig_read_table(struct rig *r, uint64_t name, unsigned level, vaddr_t base,
                                  uint64_t rights)
{
    const uint64_t *table = (const uint64_t *)(host_ram + (name & 0x000FFFFFFFFFF000u));
    rig_remember(r, (struct rig_memo){base, 0, name & 0x000FFFFFFFFFF000u, rights});
    for (unsigned i = 0; i < 512; i++) {
        uint64_t span = (uint64_t)4096 << (9 * level);
        vaddr_t at = base + i * span;
        if (level == r->watched->cpu.levels - 1u && i >= 256)
            at -= span * 512;
        if ((table[i] & 1) == 0)
            continue;
        uint64_t now = rig_rights(rights, table[i]);
        if (level > 0 && (table[i] & 128) == 0)
            rig_read_table(r, table[i], level - 1, at, now);
        else
            rig_remember(r,
                         (struct rig_memo){at, span, table[i] & 0x000FFFFFFFFFF000u & ~(span - 1),
                                           now | (table[i] & RIG_G) |
                                               (uint64_t)rig_pat(table[i], level) << 16});
    }
}

/* The CPU reads everything, and keeps what it knew. */
static inline void rig_look(struct rig *r)
{
    if (r->watched != NULL)
        rig_read_table(r, r->watched->root, r->watched->cpu.levels - 1u, 0, RIG_W | RIG_U);
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

static inline bool rig_forgets(enum host_flush kind, const struct rig_memo *m, vaddr_t virt)
{
    if (kind == HOST_FLUSH_ALL || m->page == 0) /* names of tables go with every flush */
        return true;
    if (kind == HOST_FLUSH_PAGE)
        return virt - m->virt < m->page;
    return (m->rights & RIG_G) == 0;
}

static inline void rig_flush(void *ctx, enum host_flush kind, paddr_t root, vaddr_t base,
                             uint64_t size)
{
    struct rig *r = ctx;
    UNUSED(root);
    UNUSED(size);
    rig_look(r);
    if (kind != HOST_SHOOTDOWN && !r->ignore_flushes) {
        unsigned count = r->memos;
        rig_forget_all(r);
        for (unsigned i = 0; i < count; i++)
            if (!rig_forgets(kind, &r->memo[i], base))
                rig_remember(r, r->memo[i]);
    }
    rig_look(r);
}

/* --- the page source -------------------------------------------------------------------------- */

static inline paddr_t rig_alloc(void *ctx)
{
    struct rig *r = ctx;
    r->calls++;
    rig_look(r);
    if (r->spare == 0 || r->free_top == 0)
        return PADDR_NONE;
    uint32_t i = r->free[--r->free_top];
    r->spare--;
    r->in_use++;
    r->used[i] = true;
    memset(host_ram + RIG_BASE + i * PAGE_SIZE, RIG_NONSENSE, PAGE_SIZE);
    return RIG_BASE + i * PAGE_SIZE;
}

static inline void rig_free(void *ctx, paddr_t page)
{
    struct rig *r = ctx;
    uint64_t i = (page - RIG_BASE) / PAGE_SIZE;
    if (page % PAGE_SIZE != 0 || page < RIG_BASE || i >= RIG_PAGES || !r->used[i]) {
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
    memset(host_ram + page, RIG_NONSENSE, PAGE_SIZE);
}

static inline void rig_init(struct rig *r, uint64_t spare)
{
    memset(r, 0, sizeof *r);
    r->source = (struct page_source){rig_alloc, rig_free, r};
    r->spare = spare;
    for (uint32_t i = 0; i < RIG_PAGES; i++)
        r->free[r->free_top++] = RIG_PAGES - 1 - i;
    memset(host_ram, RIG_NONSENSE, PAGE_SIZE); /* address 0 means none: who follows it shall see */
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
static inline const char *rig_agrees(struct rig *r, const struct aspace *as, vaddr_t virt,
                                     paddr_t phys, uint32_t prot)
{
    struct rig_memo m = rig_translate(r, as, virt);
    unsigned pat = (unsigned)(m.rights >> 16) & 7u;
    unsigned want = (prot & ASPACE_UC) != 0 ? 3 : (prot & ASPACE_WC) == 0 ? 0 : as->cpu.pat ? 4 : 2;
    if (m.page == 0 || m.phys + (virt - m.virt) != phys)
        return "the hardware finds another page";
    if (((m.rights & RIG_W) != 0) != ((prot & ASPACE_W) != 0) ||
        ((m.rights & RIG_U) != 0) != ((prot & ASPACE_USER) != 0) ||
        ((m.rights & RIG_G) != 0) != ((prot & ASPACE_GLOBAL) != 0))
        return "the hardware finds other rights";
    if (as->cpu.nx && ((m.rights & RIG_NX) == 0) != ((prot & ASPACE_X) != 0))
        return "the hardware finds another right to execute";
    return pat == want ? r->wrong : "the hardware finds another memory type";
}

#endif
