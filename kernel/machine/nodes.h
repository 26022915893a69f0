/* kernel/machine/nodes.h: which node each address and each CPU belongs to, out of what the SRAT and
 * the SLIT claim. A node is CPUs and memory that lie near each other; the firmware's number for it,
 * its domain, may be any number, so nodes are counted here from 0 in the order of their domains.
 * Pure: no I/O; any context.
 *
 *   N1  the ranges are sorted and disjoint, none is empty, each is whole pages, and ranges of one
 *       node that touch are one
 *   N2  a page belongs to the node of the first range, in the order of the SRAT, that holds its first
 *       byte; a page that none holds, and a CPU that the SRAT does not place, belong to node 0
 *   N3  a window for memory that may be plugged in later places no page
 *   N4  there is always a node. One that has neither RAM nor CPUs counts, if a range or a CPU names it
 *   N5  a node is 10 from itself, and from each other node 10 or more: what the SLIT says, or 20
 *
 * Where the SRAT cannot be believed there is one node, and `wrong` says why.
 */
#ifndef KERNEL_MACHINE_NODES_H
#define KERNEL_MACHINE_NODES_H

#include "kernel/machine/acpi.h"
#include "mm/memmap.h"

#define NODES_MAX        64u
#define NODES_RANGES_MAX (2 * ACPI_RANGES_MAX) /* n ranges have 2n ends, so fewer pieces */

struct node_range {
    paddr_t base, end; /* end is exclusive */
    uint32_t node;
};

struct nodes {
    const char *wrong; /* a constant sentence, or NULL */
    uint32_t count;    /* of nodes, 1 to NODES_MAX */
    uint32_t range_count;
    uint32_t lost_ranges; /* ranges that name a node beyond NODES_MAX: not kept */
    uint32_t stray_cpus;  /* CPUs, of those that acpi.h keeps, that no known node has */
    uint64_t unplaced;    /* bytes of RAM in no range; node 0 has them too */
    struct node_range range[NODES_RANGES_MAX];
    uint32_t domain[NODES_MAX];             /* the firmware's number */
    uint32_t cpus[NODES_MAX];               /* the stray ones in node 0's */
    uint64_t ram[NODES_MAX];                /* bytes of RAM (mem_type_is_ram) */
    uint8_t distance[NODES_MAX][NODES_MAX]; /* from, to */
};

/* Fill `*n`, which need not be clear, from what acpi_read() has found, or has not, and the
 * normalized map. O(ranges^2 + regions + CPUs * nodes). */
void nodes_make(struct nodes *n, const struct acpi *, const struct memmap *);

/* The node of the page that holds `at`; `*until` (not NULL) is the first address, a multiple of 4 KiB
 * beyond `at`, for which the answer may be another one, or UINT64_MAX. O(log(ranges)). */
uint32_t nodes_at(const struct nodes *, paddr_t at, paddr_t *until);

/* The node of a domain; node 0 for one that is not known. O(nodes). */
uint32_t nodes_of(const struct nodes *, uint32_t domain);

#endif
