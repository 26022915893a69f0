/* Every map of up to three entries on a small grid, against the naive model: all ranges between 7
 * edges half a page apart, around the border at 1 MiB, of three types (usable, boot, reserved), in
 * every order; then every reservation on the grid, with room for both cuts, for one, for none. Ends
 * with "N passed, N failed", N maps. */
#include "tests/model/memmap_naive.h"

#include <inttypes.h>
#include <stdio.h>

#define EDGES  7
#define RANGES (EDGES * (EDGES - 1) / 2)
#define KINDS  3
#define SHAPES (RANGES * KINDS)
#define START  (MIB - PAGE_SIZE)
#define STEP   (PAGE_SIZE / 2)
#define CANARY 0x5a5a5a5a5a5a5a5au

static struct naive_entry shapes[SHAPES];
static uint64_t passed, failed;

static void make_shapes(void)
{
    static const enum mem_type kinds[KINDS] = {MEM_USABLE, MEM_BOOT, MEM_RESERVED};
    size_t at = 0;
    for (size_t kind = 0; kind < KINDS; kind++)
        for (size_t from = 0; from < EDGES; from++)
            for (size_t to = from + 1; to < EDGES; to++)
                shapes[at++] =
                    (struct naive_entry){START + from * STEP, START + to * STEP, kinds[kind]};
}

/* Every range on the grid reserved in a copy of the map, with `room` slots left for it. */
static const char *reserve_each(const struct naive *n, const struct memmap *map, size_t room)
{
    static struct naive naive;
    for (size_t i = 0; i < RANGES; i++) {
        struct mem_region storage[8 + 2];
        struct memmap copy = *map;
        memcpy(storage, map->regions, map->count * sizeof *storage);
        copy.regions = storage;
        copy.capacity = map->count + room;
        naive = *n;
        uint64_t size = shapes[i].end - shapes[i].base;
        if (memmap_reserve(&copy, shapes[i].base, size, "owner") !=
            naive_reserve(&naive, shapes[i].base, size, "owner", room))
            return "memmap_reserve answers otherwise";
        const char *wrong = naive_compare(&naive, &copy);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static const char *try_map(const size_t *chosen, size_t count)
{
    static struct naive n;
    struct mem_region storage[2 * 3 + 1];
    struct memmap map;
    memmap_init(&map, storage, 2 * count);
    naive_init(&n, map.limit);
    storage[2 * count].size = CANARY;
    for (size_t i = 0; i < count; i++) {
        const struct naive_entry *e = &shapes[chosen[i]];
        naive_add(&n, e->base, e->end - e->base, e->type);
        if (memmap_add(&map, e->base, e->end - e->base, e->type) != STATUS_OK)
            return "memmap_add refuses an entry that fits";
    }
    naive_normalize(&n);
    if (memmap_normalize(&map) != STATUS_OK || storage[2 * count].size != CANARY)
        return "memmap_normalize needs more than two regions for each entry";
    const char *wrong = naive_compare(&n, &map);
    /* Of the many maps of three entries, one in 16 is enough to reserve in. */
    if (wrong != NULL || (count == 3 && (chosen[0] + chosen[1] + chosen[2]) % 16 != 0))
        return wrong;
    for (size_t room = 0; room <= 2 && wrong == NULL; room++)
        wrong = reserve_each(&n, &map, room);
    return wrong;
}

static void count_map(const size_t *chosen, size_t count)
{
    const char *wrong = try_map(chosen, count);
    if (wrong == NULL) {
        passed++;
        return;
    }
    failed++;
    printf("FAIL memmap_exhaustive:");
    for (size_t i = 0; i < count; i++)
        printf(" [%#" PRIx64 ", %#" PRIx64 ") %s", shapes[chosen[i]].base, shapes[chosen[i]].end,
               mem_type_name(shapes[chosen[i]].type));
    printf(": %s\n", wrong);
}

int main(void)
{
    size_t c[3];
    make_shapes();
    for (c[0] = 0; c[0] < SHAPES; c[0]++) {
        count_map(c, 1);
        for (c[1] = 0; c[1] < SHAPES; c[1]++) {
            count_map(c, 2);
            for (c[2] = 0; c[2] < SHAPES && failed < 20; c[2]++)
                count_map(c, 3);
        }
    }
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", passed, failed);
    return failed != 0 || passed == 0;
}
