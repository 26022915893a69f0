#include "tests/bench/space_walk.h"

#include "hal/hal.h"

#define LEVELS  4u
#define PRESENT 0x23u /* present, writable, accessed */
#define LEAF    ((uint64_t)1 << 63 | 0x63u)
#define LARGE   0x80u
#define ADDRESS 0x000FFFFFFFFFF000u
#define ONE     ((uint64_t)1 << 52)
#define USED(e) ((e) >> 52 & 0x3FFu)

static uint64_t *table_at(uint64_t entry)
{
    return hal_phys_to_virt(entry & ADDRESS);
}

static unsigned index_of(hal_vaddr_t virt, unsigned level)
{
    return (unsigned)(virt >> (HAL_PAGE_SHIFT + 9 * level)) & 511u;
}

static void store(uint64_t *entry, uint64_t value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

bool space_walk_init(struct space_walk *s, const struct page_source *source)
{
    *s = (struct space_walk){.root = page_source_take(source), .source = source};
    return s->root != HAL_PADDR_NONE;
}

bool space_walk_map(struct space_walk *s, hal_vaddr_t virt, hal_paddr_t phys, unsigned level)
{
    uint64_t *parent = NULL;
    uint64_t *table = table_at(s->root);
    for (unsigned at = LEVELS - 1; at > level; at--) {
        uint64_t *entry = &table[index_of(virt, at)];
        if (*entry == 0) {
            hal_paddr_t page = page_source_take(s->source);
            if (page == HAL_PADDR_NONE)
                return false;
            store(entry, page | PRESENT);
            if (parent != NULL)
                store(parent, *parent + ONE);
        } else if ((*entry & LARGE) != 0) {
            return false;
        }
        parent = entry;
        table = table_at(*entry);
    }
    uint64_t *leaf = &table[index_of(virt, level)];
    if (*leaf != 0)
        return false;
    store(leaf, phys | LEAF | (level > 0 ? LARGE : 0));
    store(parent, *parent + ONE);
    return true;
}

bool space_walk_unmap(struct space_walk *s, hal_vaddr_t virt, unsigned level)
{
    uint64_t *path[LEVELS]; /* by level, the entry that was followed there */
    uint64_t *table = table_at(s->root);
    for (unsigned at = LEVELS - 1;; at--) {
        path[at] = &table[index_of(virt, at)];
        if (*path[at] == 0)
            return false;
        if (at == level)
            break;
        table = table_at(*path[at]);
    }
    store(path[level], 0);
    hal_tlb_flush_page(virt);
    for (unsigned at = level + 1; at < LEVELS; at++) {
        store(path[at], *path[at] - ONE);
        if (USED(*path[at]) != 0)
            break;
        hal_paddr_t page = *path[at] & ADDRESS;
        store(path[at], 0);
        hal_tlb_flush_page(virt);
        s->source->free_page(s->source->ctx, page);
    }
    return true;
}

bool space_walk_query(const struct space_walk *s, hal_vaddr_t virt, hal_paddr_t *phys)
{
    uint64_t *table = table_at(s->root);
    for (unsigned at = LEVELS - 1;; at--) {
        uint64_t entry = table[index_of(virt, at)];
        if (entry == 0)
            return false;
        if (at == 0 || (entry & LARGE) != 0) {
            uint64_t mask = (HAL_PAGE_SIZE << 9 * at) - 1;
            *phys = (entry & ADDRESS & ~mask) | (virt & mask);
            return true;
        }
        table = table_at(entry);
    }
}
