/* kernel/machine/tree/distances.h: how far nodes are from each other, by a device tree's
 * distance-map. Pure: any context.
 *
 * Source: the binding numa.txt that Linux keeps below Documentation/devicetree/bindings, chapter 3.
 */
#ifndef KERNEL_MACHINE_TREE_DISTANCES_H
#define KERNEL_MACHINE_TREE_DISTANCES_H

#include "kernel/machine/acpi_facts.h"

/* Fill `places` and `distance` of `*a`, as if by a SLIT, from the `size` bytes of a
 * distance-matrix: from, to and distance, of 32 bits each, in any number and order. A pair that is
 * told in one direction is as far in the other; one that is not told is 20 apart, and a node 10
 * from itself. False, and no place is known: there is no pair, half a one, a number of a node above
 * 63, or a distance that cannot be (a node's from itself is 10, any other 10 to 255). O(size +
 * nodes^2). */
bool distances_read(struct acpi *a, const unsigned char *matrix, uint32_t size);

#endif
