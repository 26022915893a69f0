#include "pmm_machine.h"

#define PAGE_MASK (HAL_PAGE_SIZE - 1)

static bool has_sound_ranges(const struct pmm_machine *m)
{
    hal_paddr_t end = 0;
    for (size_t i = 0; i < m->range_count; i++) {
        const struct pmm_node_range *r = &m->ranges[i];
        if (r->node >= m->nodes || r->base < end || r->base >= r->end ||
            ((r->base | r->end) & PAGE_MASK) != 0)
            return false;
        end = r->end;
    }
    return true;
}

static bool has_sound_cpus(const struct pmm_machine *m)
{
    for (uint32_t i = 0; m->cpu_nodes != NULL && i < m->cpus; i++)
        if (m->cpu_nodes[i] >= m->nodes)
            return false;
    return true;
}

bool pmm_machine_is_sound(const struct pmm_machine *m)
{
    bool counts = m->cpus != 0 && m->nodes != 0 && m->nodes <= PMM_NODES_MAX;
    bool limits = m->dma_end <= m->dma32_end && ((m->dma_end | m->dma32_end) & PAGE_MASK) == 0;
    return counts && limits && has_sound_ranges(m) && has_sound_cpus(m);
}

enum pmm_zone pmm_machine_zone(const struct pmm_machine *m, uint64_t page, uint64_t *end)
{
    uint64_t ends[PMM_ZONE_COUNT] = {m->dma_end >> HAL_PAGE_SHIFT, m->dma32_end >> HAL_PAGE_SHIFT,
                                     UINT64_MAX};
    unsigned zone = PMM_ZONE_DMA;
    while (zone < PMM_ZONE_NORMAL && page >= ends[zone])
        zone++;
    *end = ends[zone];
    return (enum pmm_zone)zone;
}

/* The node of a page that range i, or the gap before it, has, and where that ends; then `*i` is the range
 * behind it. */
static uint32_t piece(const struct pmm_machine *m, size_t *i, uint64_t page, uint64_t *end)
{
    *end = UINT64_MAX;
    if (*i == m->range_count)
        return 0;
    const struct pmm_node_range *r = &m->ranges[*i];
    bool inside = r->base >> HAL_PAGE_SHIFT <= page;
    *end = (inside ? r->end : r->base) >> HAL_PAGE_SHIFT;
    *i += inside;
    return inside ? r->node : 0;
}

uint32_t pmm_machine_node(const struct pmm_machine *m, uint64_t page, uint64_t *end)
{
    size_t low = 0;
    size_t high = m->range_count;
    while (low < high) { /* the first range that ends above the page */
        size_t middle = low + (high - low) / 2;
        if (m->ranges[middle].end >> HAL_PAGE_SHIFT <= page)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t node = piece(m, &low, page, end);
    uint64_t next;
    while (*end != UINT64_MAX && piece(m, &low, *end, &next) == node)
        *end = next;
    return node;
}

static bool has_cpu(const struct pmm_machine *m, uint32_t node)
{
    if (m->cpu_nodes == NULL)
        return node == 0;
    for (uint32_t i = 0; i < m->cpus; i++)
        if (m->cpu_nodes[i] == node)
            return true;
    return false;
}

/* What comes first is smaller. No node is PMM_NODES_MAX far or more. */
static uint32_t rank(const struct pmm_machine *m, uint32_t from, uint32_t to)
{
    if (from == to)
        return 0;
    uint32_t by_number = from < to ? to - from : from - to;
    uint32_t far = m->distance != NULL ? m->distance[from * m->distance_row + to] : by_number;
    return 1 + far + (has_cpu(m, to) ? 0 : PMM_NODES_MAX);
}

/* Insertion into what is sorted already; equals stay in the order of their numbers. */
void pmm_machine_order(const struct pmm_machine *m, uint32_t node, struct pmm_machine_rank *order)
{
    for (uint32_t n = 0; n < m->nodes; n++) {
        struct pmm_machine_rank mine = {rank(m, node, n), n};
        uint32_t at = n;
        for (; at > 0 && order[at - 1].rank > mine.rank; at--)
            order[at] = order[at - 1];
        order[at] = mine;
    }
}
