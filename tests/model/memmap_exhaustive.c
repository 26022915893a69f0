/* Every map of up to three entries on a small grid, against the naive model: all ranges between 7
 * edges half a page apart, around the border at 1 MiB, of three types (usable, boot, reserved), in
 * every order; then every reservation on the grid, with room for both cuts, for one, for none.
 *
 * needs: -O1
 */
#include "hal/short.h"
#include "tests/model/expect.h"
#include "tests/model/memmap_naive.h"

#define EDGES  7
#define RANGES (EDGES * (EDGES - 1) / 2)
#define KINDS  3
#define SHAPES (RANGES * KINDS)
#define START  (MIB - HAL_PAGE_SIZE)
#define STEP   (HAL_PAGE_SIZE / 2)
#define CANARY 0x5a5a5a5a5a5a5a5au

static struct naive_entry shapes[SHAPES];
static struct naive naive;

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

/* A case of which `wrong` says what is wrong, or NULL, in the map of these entries. */
static void judge(const char *wrong, const size_t *chosen, size_t count)
{
    expect_case(wrong == NULL);
    if (wrong == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        printf(" [%#" PRIx64 ", %#" PRIx64 ") %s", shapes[chosen[i]].base, shapes[chosen[i]].end,
               mem_type_name(shapes[chosen[i]].type));
    printf(": %s\n", wrong);
}

static const char *make_map(struct memmap *map, struct mem_region *storage, const size_t *chosen,
                            size_t count)
{
    memmap_init(map, storage, 2 * count);
    naive_init(&naive, map->limit);
    storage[2 * count].size = CANARY;
    for (size_t i = 0; i < count; i++) {
        const struct naive_entry *e = &shapes[chosen[i]];
        naive_add(&naive, e->base, e->end - e->base, e->type);
        if (memmap_add(map, e->base, e->end - e->base, e->type) != MM_OK)
            return "memmap_add refuses an entry that fits";
    }
    naive_normalize(&naive);
    if (memmap_normalize(map) != MM_OK || storage[2 * count].size != CANARY)
        return "memmap_normalize needs more than two regions for each entry";
    return naive_compare(&naive, map);
}

static void try_normalize(const size_t *chosen, size_t count)
{
    struct mem_region storage[2 * 3 + 1];
    struct memmap map;
    judge(make_map(&map, storage, chosen, count), chosen, count);
}

/* Shape i's range reserved in a copy of the map, with `room` slots left for it. */
static const char *reserve_one(const struct memmap *map, size_t i, size_t room)
{
    static struct naive owned;
    struct mem_region storage[8 + 2];
    struct memmap copy = *map;
    memcpy(storage, map->regions, map->count * sizeof *storage);
    copy.regions = storage;
    copy.capacity = map->count + room;
    owned = naive;
    uint64_t size = shapes[i].end - shapes[i].base;
    if (memmap_reserve(&copy, shapes[i].base, size, "owner") !=
        naive_reserve(&owned, shapes[i].base, size, "owner", room))
        return "memmap_reserve answers otherwise";
    return naive_compare(&owned, &copy);
}

static void try_reserve(const size_t *chosen, size_t count)
{
    struct mem_region storage[2 * 3 + 1];
    struct memmap map;
    /* Of the many maps of three entries, one in 16 is enough to reserve in. */
    if (count == 3 && (chosen[0] + chosen[1] + chosen[2]) % 16 != 0)
        return;
    const char *wrong = make_map(&map, storage, chosen, count);
    for (size_t room = 0; room <= 2 && wrong == NULL; room++)
        for (size_t i = 0; i < RANGES; i++)
            judge(reserve_one(&map, i, room), chosen, count);
}

typedef void try_fn(const size_t *chosen, size_t count);

/* Every choice of `count` entries, in every order; an end to it when much is wrong. */
static void each_map(size_t count, try_fn *try)
{
    size_t chosen[3] = {0};
    for (size_t at = 0; at < count && expect_counts.broken < 20;) {
        try(chosen, count);
        for (at = 0; at < count && ++chosen[at] == SHAPES; at++)
            chosen[at] = 0;
    }
}

static void normalize_1(void)
{
    each_map(1, try_normalize);
}

static void normalize_2(void)
{
    each_map(2, try_normalize);
}

static void normalize_3(void)
{
    each_map(3, try_normalize);
}

static void reserve_1(void)
{
    each_map(1, try_reserve);
}

static void reserve_2(void)
{
    each_map(2, try_reserve);
}

static void reserve_3(void)
{
    each_map(3, try_reserve);
}

/* Twice the sum of both does not fit in a size_t. */
static void capacity_out_of_range(void)
{
    static const size_t large[] = {SIZE_MAX / 3, SIZE_MAX / 2, SIZE_MAX - 8, SIZE_MAX};
    for (size_t i = 0; i < ARRAY_LEN(large); i++) {
        EXPECT(memmap_capacity_for(SIZE_MAX / 4, large[i]) == SIZE_MAX);
        EXPECT(memmap_capacity_for(large[i], SIZE_MAX / 4) == SIZE_MAX);
    }
    EXPECT(memmap_capacity_for(SIZE_MAX / 4, SIZE_MAX / 4) == SIZE_MAX / 4 * 4);
}

int main(void)
{
    make_shapes();
    expect_run("normalize: every map of one entry", normalize_1);
    expect_run("normalize: every map of two entries", normalize_2);
    expect_run("normalize: every map of three entries", normalize_3);
    expect_run("reserve: every range in maps of one entry", reserve_1);
    expect_run("reserve: every range in maps of two entries", reserve_2);
    expect_run("reserve: every range in one in 16 maps of three entries", reserve_3);
    expect_run("capacity: what does not fit is SIZE_MAX", capacity_out_of_range);
    return expect_total();
}
