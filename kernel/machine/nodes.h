/* kernel/machine/nodes.h: says which node each address and each CPU belongs to, whatever the SRAT,
 * the SLIT and the HMAT claim. A node is CPUs and memory that lie near each other. The firmware
 * gives each node a number, its domain, which may be any; here nodes are counted from 0 in the
 * order of their domains. Pure: it does no I/O; any context.
 *
 *   N1  the ranges are sorted and disjoint, each holds one page or more and only whole pages, and two
 *       ranges of one node never touch
 *   N2  a page belongs to the node of the first range, in the order of the SRAT, that holds its first
 *       byte. A page that no range holds belongs to node 0, and so does a CPU that the SRAT does not place
 *   N3  a window for memory that may be plugged in later places no RAM: its node has those pages alone
 *       that the map has as MEM_HOTPLUG and that no other range holds
 *   N4  there is always at least one node. A node that a range, a page of N3 or a CPU names counts, even if
 *       it has no RAM, or no CPU
 *   N5  the distance from a node to itself is 10; to another node it is what the SLIT says, 10 or more.
 *       Where the SLIT says nothing, and the HMAT tells how long CPUs of the node wait for its own memory
 *       and for the other's, it is ten times their ratio, 11 to 254; else 15 to memory that the HMAT says
 *       is attached to the CPUs of the node; or else 20. Of two entries about one pair the first counts
 *
 * If the SRAT cannot be believed, or has more than PMM_NODES_MAX nodes, there is one node, and `wrong` says
 * why.
 */
#ifndef KERNEL_MACHINE_NODES_H
#define KERNEL_MACHINE_NODES_H

#include "kernel/machine/acpi_facts.h"
#include "mm/memmap.h"
#include "mm/pmm_machine.h"

/* Memory for as many nodes and ranges as there are; see nodes_make(). */
struct nodes {
    const char *wrong; /* a constant sentence, or NULL */
    uint32_t count;    /* of nodes, at least 1 */
    uint32_t range_count;
    uint32_t stray_cpus; /* CPUs of struct acpi that belong to no node */
    uint64_t unplaced;   /* bytes of RAM that no range holds; ram[0] counts them too */
    struct pmm_node_range *range;
    uint32_t *domain;  /* the firmware's number */
    uint32_t *cpus;    /* cpus[0] counts the stray ones too */
    uint64_t *ram;     /* bytes of RAM (mem_type_is_ram) */
    uint8_t *distance; /* from node i to node j: distance[i * count + j] */
    /* By the HMAT; both are NULL where all is in one node. In picoseconds, as `distance`, 0: not told; and by
     * node the domain that its memory is attached to, ACPI_NO_NODE: not told. */
    uint32_t *latency, *attached;
    struct { /* where all is in one */
        uint64_t ram;
        uint32_t domain, cpus;
        uint8_t distance;
    } one;
};

/* Fill `*n`, which need not be clear and must stay where it is, from what acpi_read() has found (tables may
 * be missing) and from the normalized map. take() gives `size` bytes (1 or more), aligned to 8, that stay
 * as long as `*n`, or NULL: then all is in one node, and `wrong` says so. It is called twice at most, and
 * may reserve what it gives in the map. O((ranges + CPUs + pairs that are told) * log(ranges) +
 * regions * windows + nodes^2). */
void nodes_make(struct nodes *n, const struct acpi *, const struct memmap *,
                void *(*take)(uint64_t size));

/* Returns the node of the page that holds `at`. The answer is the same for every address up to `*until`,
 * which must not be NULL and becomes a multiple of 4 KiB beyond `at`, or UINT64_MAX. O(log(ranges)). */
uint32_t nodes_at(const struct nodes *, hal_paddr_t at, hal_paddr_t *until);

/* Returns the node of a domain, or node 0 if the domain is not known. O(log(nodes)). */
uint32_t nodes_of(const struct nodes *, uint32_t domain);

#endif
