/* kernel/machine/tree/distances.h: how far nodes are from each other, by a device tree's
 * distance-map. Pure: any context.
 *
 * Source: the binding numa.txt that Linux keeps below Documentation/devicetree/bindings, chapter 3.
 */
#ifndef KERNEL_MACHINE_TREE_DISTANCES_H
#define KERNEL_MACHINE_TREE_DISTANCES_H

#include "kernel/machine/acpi_facts.h"

/* How many pairs distances_read() adds. 0: the distance-matrix has none, or half a one, or a distance that
 * cannot be (a node's from itself is 10, any other 10 to 255). O(size). */
uint32_t distances_count(const unsigned char *matrix, uint32_t size);

/* Add to the list, which has room, the distances of a sound matrix of `size` bytes: from, to and distance,
 * of 32 bits each, in any number and order. A pair that is told in one direction alone is as far in the
 * other. O(size). */
void distances_read(struct acpi_pairs *, const unsigned char *matrix, uint32_t size);

#endif
