/* Arm ARM D8.3: descriptors of 4 KiB pages; memory types as MAIR_EL1 has them. The root serves both halves,
 * 256 entries each. */
#include "tests/kernel/walk.h"
#include "hal/aarch64/registers.h"
#include "hal/hal.h"

#define VALID     ((uint64_t)1 << 0)
#define TABLE     ((uint64_t)1 << 1)
#define EL0       ((uint64_t)1 << 6)
#define READ_ONLY ((uint64_t)1 << 7)
#define LOCAL     ((uint64_t)1 << 11)
#define PXN       ((uint64_t)1 << 53)
#define UXN       ((uint64_t)1 << 54)
#define ADDRESS   0x0000FFFFFFFFF000u

struct walk {
    walk_fn *visit;
    void *ctx;
};

static uint64_t level_size(unsigned level)
{
    return HAL_PAGE_SIZE << (9 * level);
}

static bool is_leaf(uint64_t entry, unsigned level)
{
    return level == 0 || (entry & TABLE) == 0;
}

static const uint64_t *table(uint64_t entry)
{
    return hal_phys_to_virt(entry & ADDRESS);
}

static const char *type_of(uint64_t entry)
{
    unsigned index = (unsigned)(entry >> 2) & 7u;
    switch (read_mair() >> (8 * index) & 0xFFu) {
    case 0x00:
        return "UC";
    case 0x44:
        return "WC";
    case 0xFF:
        return (entry >> 8 & 3u) == 3 ? "WB" : "odd"; /* shared with the other CPUs */
    default:
        return "odd";
    }
}

/* A page that EL0 may write is never executable at EL1; what EL0 may reach counts as a user's. */
static uint32_t rights_of(uint64_t entry)
{
    uint32_t rights = (entry & READ_ONLY) == 0 ? WALK_WRITE : 0;
    rights |= (entry & EL0) != 0 ? WALK_USER : 0;
    rights |= (entry & LOCAL) == 0 ? WALK_GLOBAL : 0;
    return rights | ((entry & PXN) == 0 || (entry & UXN) == 0 ? WALK_EXECUTE : 0);
}

static void walk_table(const struct walk *w, uint64_t at, hal_vaddr_t base, unsigned level)
{
    for (unsigned i = 0; i < 512; i++) {
        uint64_t entry = table(at)[i];
        if ((entry & VALID) == 0)
            continue;
        hal_vaddr_t virt = base + i * level_size(level);
        if (level == 3 && i >= 256)
            virt |= 0xFFFF000000000000u;
        if (!is_leaf(entry, level)) {
            walk_table(w, entry, virt, level - 1);
            continue;
        }
        struct walk_leaf leaf = {virt, entry & ADDRESS & ~(level_size(level) - 1),
                                 level_size(level), rights_of(entry), type_of(entry)};
        w->visit(w->ctx, &leaf);
    }
}

void walk_live(walk_fn *visit, void *ctx)
{
    struct walk w = {visit, ctx};
    walk_table(&w, hal_root(), 0, 3);
}

unsigned walk_path(hal_vaddr_t virt, uint64_t entries[WALK_LEVELS])
{
    uint64_t at = hal_root();
    unsigned count = 0;
    for (unsigned level = 3;; level--) {
        at = table(at)[virt / level_size(level) % 512];
        entries[count++] = at;
        if ((at & VALID) == 0 || is_leaf(at, level))
            return count;
    }
}

bool walk_may_write(hal_vaddr_t virt)
{
    uint64_t entries[WALK_LEVELS];
    uint64_t last = entries[walk_path(virt, entries) - 1];
    return (last & VALID) != 0 && (rights_of(last) & WALK_WRITE) != 0;
}
