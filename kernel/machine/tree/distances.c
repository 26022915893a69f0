#include "kernel/machine/tree/distances.h"
#include "kernel/machine/tree/fdt.h"

#define PAIR   12u /* bytes */
#define LOCAL  10u
#define REMOTE 20u

struct pair {
    uint32_t from, to, distance;
};

static struct pair pair_at(const unsigned char *at)
{
    return (struct pair){(uint32_t)fdt_cells(at, 1), (uint32_t)fdt_cells(at + 4, 1),
                         (uint32_t)fdt_cells(at + 8, 1)};
}

static bool is_sound(struct pair p)
{
    bool known = p.from < ACPI_PLACES_MAX && p.to < ACPI_PLACES_MAX;
    return known &&
           (p.from == p.to ? p.distance == LOCAL : p.distance >= LOCAL && p.distance <= UINT8_MAX);
}

/* One more than the highest number of a node; 0: a pair is not sound, or there is none, or half a one. */
static uint32_t count_places(const unsigned char *matrix, uint32_t size)
{
    uint32_t places = 0;
    if (size % PAIR != 0)
        return 0;
    for (uint32_t at = 0; at < size; at += PAIR) {
        struct pair p = pair_at(matrix + at);
        if (!is_sound(p))
            return 0;
        places = (uint32_t)hal_max_u64(places, hal_max_u64(p.from, p.to) + 1);
    }
    return places;
}

bool distances_read(struct acpi *a, const unsigned char *matrix, uint32_t size)
{
    uint32_t places = count_places(matrix, size);
    a->places = places;
    for (uint32_t i = 0; i < places * places; i++)
        a->distance[i] = i % (places + 1) == 0 ? LOCAL : REMOTE;
    for (unsigned told = 0; told < 2;
         told++) { /* back first: what is told for itself counts more */
        for (uint32_t at = 0; places != 0 && at < size; at += PAIR) {
            struct pair p = pair_at(matrix + at);
            uint32_t from = told != 0 ? p.from : p.to, to = told != 0 ? p.to : p.from;
            a->distance[from * places + to] = (uint8_t)p.distance;
        }
    }
    return places != 0;
}
