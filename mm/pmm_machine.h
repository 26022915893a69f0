/* mm/pmm_machine.h: what an allocator must know of a machine when it is made: CPUs, the limits of the
 * zones, and nodes. Part of mm/pmm.h, which says what the words mean.
 *
 * A node is CPUs and memory that lie near each other. It may have no memory, or no CPU.
 */
#ifndef MORTISE_MM_PMM_MACHINE_H
#define MORTISE_MM_PMM_MACHINE_H

#include "pmm_types.h"

/* So many that no table's size overflows; nothing is made for more nodes than there are. */
#define PMM_NODES_MAX 65536u

/* Memory of a node: whole pages, [base, end). */
struct pmm_node_range {
    hal_paddr_t base, end;
    uint32_t node;
};

struct pmm_machine {
    uint32_t cpus;  /* at least 1: those that will really run, for each may park pages */
    uint32_t nodes; /* 1 to PMM_NODES_MAX */
    /* The first address above the zone DMA, and above DMA32, which begins where DMA ends: multiples of
     * 4 KiB, in this order. Where DMA ends at 0, or both at one address, the zone is empty. */
    hal_paddr_t dma_end, dma32_end;
    /* Whose memory is whose: in address order, none overlaps another. Memory in no range is node 0's. The
     * array stays as it is as long as the allocator lives. */
    const struct pmm_node_range *ranges;
    size_t range_count;
    /* By CPU, its node; NULL: all are on node 0. For creation alone. */
    const uint32_t *cpu_nodes;
    /* From node i to node j it is distance[i * distance_row + j] far; NULL: nodes are as far from each
     * other as their numbers. For creation alone. */
    const uint8_t *distance;
    size_t distance_row;
};

/* A PC of one node: DMA ends at 16 MiB, DMA32 at 4 GiB. */
static inline struct pmm_machine pmm_machine_pc(uint32_t cpus)
{
    return (struct pmm_machine){
        .cpus = cpus, .nodes = 1, .dma_end = PMM_DMA_LIMIT, .dma32_end = PMM_DMA32_LIMIT};
}

/* Are all numbers in their ranges? O(ranges + CPUs). */
bool pmm_machine_is_sound(const struct pmm_machine *);

/* The zone of a page, by its address alone, and the first page above that zone. O(1). */
enum pmm_zone pmm_machine_zone(const struct pmm_machine *, uint64_t page, uint64_t *end);

/* The node of a page; the answer is the same up to the page `*end`, which is above `page`, and another from
 * there on, or `*end` is UINT64_MAX. O(log ranges + ranges of the node that touch). */
uint32_t pmm_machine_node(const struct pmm_machine *, uint64_t page, uint64_t *end);

/* Fill `order`, an entry a node, with the nodes in the order in which requests of `node` look: it itself first,
 * then by distance, then by number; nodes without a CPU come behind all that have one. O(nodes ^ 2 +
 * nodes * CPUs). */
struct pmm_machine_rank {
    uint32_t rank, node;
};
void pmm_machine_order(const struct pmm_machine *, uint32_t node, struct pmm_machine_rank *order);

#endif
