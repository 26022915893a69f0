/* tests/unit/memmap_rig.h: maps made in a line, and what they must come to. For the unit tests of
 * mm/memmap.h, which are also linked into the kernel: nothing here needs a C library. Storage comes
 * in exactly the size that the header promises to be enough, from test_memory(), where ASan sees one
 * region too many. */
#ifndef TESTS_UNIT_MEMMAP_RIG_H
#define TESTS_UNIT_MEMMAP_RIG_H

#include "hal/short.h"
#include "mm/memmap.h"
#include "tests/test.h"

#define PG HAL_PAGE_SIZE

struct raw {
    hal_paddr_t base;
    hal_paddr_t end;
    enum mem_type type;
};

struct want {
    hal_paddr_t base;
    hal_paddr_t end;
    enum mem_type type;
    const char *label;
};

#define RAWS(...)           (const struct raw[]){__VA_ARGS__}, COUNT_OF(struct raw, __VA_ARGS__)
#define WANTS(...)          (const struct want[]){__VA_ARGS__}, COUNT_OF(struct want, __VA_ARGS__)
#define COUNT_OF(type, ...) (sizeof((const type[]){__VA_ARGS__}) / sizeof(type))

/* What the listener was told. */
struct told {
    uint64_t calls;
    enum memmap_anomaly kind;
    hal_paddr_t base;
    uint64_t size;
};

static inline void listen(void *ctx, enum memmap_anomaly kind, hal_paddr_t base, uint64_t size)
{
    struct told *told = ctx;
    *told = (struct told){told->calls + 1, kind, base, size};
}

static inline bool start(struct test_state *t, struct memmap *map, size_t capacity)
{
    struct mem_region *storage = test_memory(capacity == 0 ? 1 : capacity * sizeof *storage);
    memmap_init(map, storage, capacity);
    return CHECK(storage != NULL);
}

static inline void add_all(struct test_state *t, struct memmap *map, const struct raw *raw,
                           size_t count)
{
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(memmap_add(map, raw[i].base, raw[i].end - raw[i].base, raw[i].type), MM_OK);
}

/* A normalized map of these entries with room for `owners`. */
static inline bool make(struct test_state *t, struct memmap *map, size_t owners,
                        const struct raw *raw, size_t count)
{
    if (!start(t, map, memmap_capacity_for(count, owners)))
        return false;
    add_all(t, map, raw, count);
    return CHECK_EQ(memmap_normalize(map), MM_OK);
}

static inline void expect(struct test_state *t, const struct memmap *map, const struct want *want,
                          size_t count)
{
    CHECK_STR(memmap_check(map), NULL);
    if (!CHECK_EQ(map->count, count))
        return;
    for (size_t i = 0; i < count; i++) {
        CHECK_EQ(map->regions[i].base, want[i].base);
        CHECK_EQ(mem_region_end(&map->regions[i]), want[i].end);
        CHECK_EQ(map->regions[i].type, want[i].type);
        CHECK_STR(map->regions[i].label, want[i].label);
    }
}

static inline uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static inline void shuffle(struct raw *raw, size_t count, uint64_t *state)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = next_random(state) % i;
        struct raw kept = raw[i - 1];
        raw[i - 1] = raw[j];
        raw[j] = kept;
    }
}

/* Whatever the order of the entries, the map comes to this. */
static inline void becomes(struct test_state *t, const struct raw *raw, size_t count,
                           const struct want *want, size_t wanted)
{
    struct raw order[16];
    uint64_t state = 42;
    if (!CHECK(count <= ARRAY_LEN(order)))
        return;
    for (size_t i = 0; i < count; i++)
        order[i] = raw[i];
    for (unsigned round = 0; round < 12; round++) {
        struct memmap map;
        if (!make(t, &map, 0, order, count))
            return;
        expect(t, &map, want, wanted);
        shuffle(order, count, &state);
    }
}

#endif
