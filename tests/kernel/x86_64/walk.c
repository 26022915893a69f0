/* Intel SDM vol. 3A, 4.5; memory types as the PAT is programmed, 11.12. */
#include "tests/kernel/walk.h"
#include "hal/hal.h"

#define PRESENT ((uint64_t)1 << 0)
#define WRITE   ((uint64_t)1 << 1)
#define USER    ((uint64_t)1 << 2)
#define PWT     ((uint64_t)1 << 3)
#define PCD     ((uint64_t)1 << 4)
#define LARGE   ((uint64_t)1 << 7)
#define PAT_4K  ((uint64_t)1 << 7)
#define GLOBAL  ((uint64_t)1 << 8)
#define PAT_BIG ((uint64_t)1 << 12)
#define NX      ((uint64_t)1 << 63)
#define ADDRESS 0x000FFFFFFFFFF000u

struct walk {
    walk_fn *visit;
    void *ctx;
    unsigned top; /* level of the root */
};

static uint64_t level_size(unsigned level)
{
    return HAL_PAGE_SIZE << (9 * level);
}

static bool is_leaf(uint64_t entry, unsigned level)
{
    return level == 0 || (level <= 2 && (entry & LARGE) != 0);
}

static const uint64_t *table(uint64_t entry)
{
    return hal_phys_to_virt(entry & ADDRESS);
}

static const char *type_of(uint64_t entry, unsigned level)
{
    static const char *const names[] = {"WB", "WT", "UC-", "UC"};
    bool upper = (entry & (level == 0 ? PAT_4K : PAT_BIG)) != 0 && hal_paging_features().pat;
    if (upper)
        return (entry & (PWT | PCD)) == 0 ? "WC" : "odd";
    return names[(entry & (PWT | PCD)) / PWT];
}

static uint32_t narrow(uint32_t allowed, uint64_t entry)
{
    allowed &= (entry & WRITE) != 0 ? ~0u : ~WALK_WRITE;
    allowed &= (entry & USER) != 0 ? ~0u : ~WALK_USER;
    return allowed & ((entry & NX) != 0 ? ~WALK_EXECUTE : ~0u);
}

/* At most WALK_LEVELS deep. */
static void walk_table(const struct walk *w, uint64_t at, hal_vaddr_t base, unsigned level,
                       uint32_t allowed)
{
    for (unsigned i = 0; i < 512; i++) {
        uint64_t entry = table(at)[i];
        if ((entry & PRESENT) == 0)
            continue;
        hal_vaddr_t virt = base + i * level_size(level);
        if (level == w->top && i >= 256) /* canonical: bit 47 or 56 goes on upward */
            virt |= ~(level_size(level) * 512 - 1);
        uint32_t now = narrow(allowed, entry);
        if (!is_leaf(entry, level)) {
            walk_table(w, entry, virt, level - 1, now);
            continue;
        }
        struct walk_leaf leaf = {virt, entry & ADDRESS & ~(level_size(level) - 1),
                                 level_size(level), now | ((entry & GLOBAL) != 0 ? WALK_GLOBAL : 0),
                                 type_of(entry, level)};
        w->visit(w->ctx, &leaf);
    }
}

void walk_live(walk_fn *visit, void *ctx)
{
    struct walk w = {visit, ctx, hal_paging_features().levels - 1u};
    walk_table(&w, hal_root(), 0, w.top, WALK_WRITE | WALK_EXECUTE | WALK_USER);
}

unsigned walk_path(hal_vaddr_t virt, uint64_t entries[WALK_LEVELS])
{
    uint64_t at = hal_root();
    unsigned count = 0;
    for (unsigned level = hal_paging_features().levels - 1u;; level--) {
        at = table(at)[virt / level_size(level) % 512];
        entries[count++] = at;
        if ((at & PRESENT) == 0 || is_leaf(at, level))
            return count;
    }
}

bool walk_may_write(hal_vaddr_t virt)
{
    uint64_t entries[WALK_LEVELS];
    unsigned count = walk_path(virt, entries);
    uint32_t allowed = WALK_WRITE;
    for (unsigned i = 0; i < count; i++)
        allowed = narrow(allowed, entries[i]);
    return (entries[count - 1] & PRESENT) != 0 && allowed != 0;
}
