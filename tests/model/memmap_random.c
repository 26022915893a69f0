/* Random maps and owners against the naive model (memmap_naive.h). Usage: [ROUNDS [SEED]]. A
 * failure prints the seed of its round, and `1 SEED` repeats it.
 *
 * needs: -O1
 */
#include "hal/short.h"
#include "tests/model/expect.h"
#include "tests/model/memmap_naive.h"

/* What is compared, each a test of its own with its cases. */
enum property { NORMALIZE, RESERVE, EARLY_ALLOC, PROPERTIES };
static const char *const property_names[PROPERTIES] = {
    "normalize: random maps", "reserve: random ranges", "early_alloc: random sizes and alignments"};
static uint64_t cases[PROPERTIES], broken[PROPERTIES];

static uint64_t state;

static const char *count_case(enum property property, const char *wrong)
{
    cases[property]++;
    broken[property] += wrong != NULL;
    return wrong;
}

static uint64_t random64(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 2685821657736338717u;
}

static uint64_t below(uint64_t n)
{
    return (random64() >> 11) % n;
}

/* Addresses meet often: few places, small offsets; now and then any number at all. */
static uint64_t random_address(void)
{
    static const uint64_t places[] = {0,       MIB,      2 * MIB,           16 * MIB,
                                      4 * GIB, 64 * GIB, (uint64_t)1 << 52, 0 - 4 * HAL_PAGE_SIZE};
    if (below(40) == 0)
        return random64();
    uint64_t place = places[below(10) < 8 ? 1 + below(2) : below(ARRAY_LEN(places))];
    uint64_t offset = below(24) * HAL_PAGE_SIZE + (below(3) == 0 ? below(HAL_PAGE_SIZE) : 0);
    return below(3) == 0 ? place - offset : place + offset;
}

static uint64_t random_size(void)
{
    switch (below(12)) {
    case 0:
        return below(3);
    case 1:
        return random64();
    case 2:
        return below(2 * HAL_PAGE_SIZE);
    case 3:
        return below(64) * MIB;
    default:
        return below(16) * HAL_PAGE_SIZE;
    }
}

static const char *random_label(void)
{
    static const char again[] = "stack"; /* the same text elsewhere */
    static const char *const labels[] = {"image", "stack", "tables", again, "buffer", "", NULL};
    return labels[below(20) == 0 ? below(ARRAY_LEN(labels)) : below(5)];
}

static const char *add_random(struct naive *n, struct memmap *map, size_t entries)
{
    while (n->count < entries) {
        hal_paddr_t base = random_address();
        uint64_t size = random_size();
        uint32_t type = (uint32_t)(below(3) != 0 ? 1 + below(3) : below(MEM_TYPE_COUNT + 1));
        naive_add(n, base, size, type);
        if (memmap_add(map, base, size, (enum mem_type)type) != MM_OK)
            return "memmap_add refuses an entry that fits";
    }
    naive_normalize(n);
    if (memmap_normalize(map) != MM_OK)
        return "memmap_normalize refuses storage of the size that the header promises to be enough";
    return naive_compare(n, map);
}

static const char *reserve_random(struct naive *n, struct memmap *map)
{
    size_t room = map->capacity - map->count;
    uint64_t size = random_size();
    const char *label = random_label();
    hal_paddr_t base = random_address();
    if (memmap_reserve(map, base, size, label) != naive_reserve(n, base, size, label, room))
        return "memmap_reserve answers otherwise";
    return naive_compare(n, map);
}

static const char *alloc_random(struct naive *n, struct memmap *map)
{
    size_t room = map->capacity - map->count;
    uint64_t size = random_size();
    const char *label = random_label();
    uint64_t align = below(20) == 0 ? random64() : HAL_PAGE_SIZE << below(10);
    hal_paddr_t limit = below(2) == 0 ? 0 : random_address();
    if (memmap_early_alloc(map, size, align, limit, label) !=
        naive_alloc(n, size, align, limit, label, room))
        return "memmap_early_alloc answers otherwise";
    return naive_compare(n, map);
}

static const char *one_owner(struct naive *n, struct memmap *map)
{
    if (below(2) == 0)
        return count_case(RESERVE, reserve_random(n, map));
    return count_case(EARLY_ALLOC, alloc_random(n, map));
}

static const char *round_with(struct mem_region *storage, size_t entries, size_t owners,
                              size_t capacity)
{
    struct naive n;
    struct memmap map;
    unsigned bits = below(4) == 0 ? (unsigned)below(60) : 52;
    hal_paddr_t floor = below(4) != 0 ? MEMMAP_FLOOR : below(2) == 0 ? below(4 * MIB) : random64();
    memmap_init(&map, storage, capacity);
    memmap_set_width(&map, bits);
    naive_init(&n, (uint64_t)1 << (bits < 32 ? 32 : bits > 52 ? 52 : bits));
    memmap_set_floor(&map, floor);
    n.floor = floor > (uint64_t)1 << 52 ? (uint64_t)1 << 52 : (floor + 4095) / 4096 * 4096;
    n.floor = n.floor == 0 ? 4096 : n.floor;
    const char *wrong = count_case(NORMALIZE, add_random(&n, &map, entries));
    /* More tries than the storage was sized for: MM_FULL must come just when it should. */
    for (size_t i = 0; i < owners + 6 && n.owner_count < NAIVE_OWNERS && wrong == NULL; i++)
        wrong = one_owner(&n, &map);
    return wrong;
}

static const char *one_round(void)
{
    size_t entries = below(NAIVE_ENTRIES + 1) / (1 + below(4));
    size_t owners = below(12);
    size_t capacity = memmap_capacity_for(entries, owners);
    /* Exactly so much, so that ASan sees a region too many. */
    struct mem_region *storage = malloc(capacity * sizeof *storage);
    if (storage == NULL && capacity != 0)
        return "the host has no memory for the test";
    const char *wrong = round_with(storage, entries, owners, capacity);
    free(storage);
    return wrong;
}

int main(int argc, char **argv)
{
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 0) : 20000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    uint64_t wrong_rounds = 0;
    for (uint64_t i = 0; i < rounds && wrong_rounds < EXPECT_SHOWN; i++) {
        state = (seed + i) * 0x9e3779b97f4a7c15u | 1;
        const char *wrong = one_round();
        if (wrong == NULL)
            continue;
        wrong_rounds++;
        printf("  seed %" PRIu64 ": %s\n", seed + i, wrong);
    }
    for (unsigned i = 0; i < PROPERTIES; i++)
        expect_tally(property_names[i], cases[i], broken[i]);
    return expect_total();
}
