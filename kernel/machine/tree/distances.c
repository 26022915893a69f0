#include "kernel/machine/tree/distances.h"
#include "kernel/machine/tree/fdt.h"

#define PAIR  12u /* bytes */
#define LOCAL 10u

static struct acpi_pair pair_at(const unsigned char *at)
{
    return (struct acpi_pair){(uint32_t)fdt_cells(at, 1), (uint32_t)fdt_cells(at + 4, 1),
                              (uint32_t)fdt_cells(at + 8, 1)};
}

static bool is_sound(struct acpi_pair p)
{
    return p.from == p.to ? p.value == LOCAL : p.value >= LOCAL && p.value <= UINT8_MAX;
}

/* Each pair is told and, behind all that is told, told back. */
uint32_t distances_count(const unsigned char *matrix, uint32_t size)
{
    if (size % PAIR != 0)
        return 0;
    for (uint32_t at = 0; at < size; at += PAIR)
        if (!is_sound(pair_at(matrix + at)))
            return 0;
    return 2 * (size / PAIR);
}

void distances_read(struct acpi_pairs *list, const unsigned char *matrix, uint32_t size)
{
    for (unsigned back = 0; back < 2; back++) {
        for (uint32_t at = 0; at < size; at += PAIR) {
            struct acpi_pair p = pair_at(matrix + at);
            list->pair[list->count++] = back != 0 ? (struct acpi_pair){p.to, p.from, p.value} : p;
        }
    }
}
