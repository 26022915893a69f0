/* libFuzzer: any bytes as a raw map and calls on it, against the naive model of
 * tests/model/memmap_naive.h. Nothing may crash, and every answer must be the model's.
 *
 * The input: a byte for the physical width, one for the number of entries, one for the storage;
 * then entries of 6 bytes or more and calls until the bytes end. An address is a place (a byte
 * chooses one of 16, or 8 raw bytes) and a 16-bit offset in units of 256 bytes, forward or back: so
 * entries meet often, unaligned too. */
#include "hal/short.h"
#include "tests/model/memmap_naive.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    const uint8_t *at;
    size_t left;
};

static uint8_t byte(struct bytes *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static uint64_t number(struct bytes *in, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value = value << 8 | byte(in);
    return value;
}

static uint64_t address(struct bytes *in)
{
    static const uint64_t places[] = {0,        MIB,     2 * MIB, 16 * MIB,
                                      17 * MIB, 4 * GIB, 0xa0000, 64 * MIB};
    uint8_t how = byte(in);
    if ((how & 15) >= ARRAY_LEN(places))
        return number(in, 8);
    uint64_t offset = number(in, 2) << ((how & 32) != 0 ? 12 : 8);
    return (how & 16) != 0 ? places[how & 15] - offset : places[how & 15] + offset;
}

static uint64_t length(struct bytes *in)
{
    uint8_t how = byte(in);
    return how == 255 ? number(in, 8) : number(in, 1 + how % 2) << how % 24;
}

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "memmap fuzz: %s\n", what);
    abort();
}

static void agree(const struct naive *n, const struct memmap *map)
{
    const char *wrong = naive_compare(n, map);
    must(wrong == NULL, wrong);
}

static void add_entries(struct bytes *in, struct naive *n, struct memmap *map, size_t entries)
{
    for (size_t i = 0; i < entries; i++) {
        hal_paddr_t base = address(in);
        uint64_t size = length(in);
        uint8_t type = byte(in);
        bool full = map->count == map->capacity;
        struct naive before = *n;
        bool kept = naive_add(n, base, size, type);
        mm_status_t status = memmap_add(map, base, size, (enum mem_type)type);
        must(status == (full && kept ? MM_FULL : MM_OK), "memmap_add answers otherwise");
        if (status == MM_FULL)
            *n = before; /* nothing may have changed */
    }
}

static void one_call(struct bytes *in, struct naive *n, struct memmap *map)
{
    static const char *const labels[] = {"image", "stack", "tables", "image ", "", NULL};
    uint8_t how = byte(in);
    const char *label = labels[how / 2 % ARRAY_LEN(labels)];
    size_t room = map->capacity - map->count;
    hal_paddr_t base = address(in);
    uint64_t size = length(in);
    if (how % 2 == 0) {
        must(memmap_reserve(map, base, size, label) == naive_reserve(n, base, size, label, room),
             "memmap_reserve answers otherwise");
    } else {
        uint64_t align = (uint64_t)1 << byte(in) % 64;
        must(memmap_early_alloc(map, size, align, base, label) ==
                 naive_alloc(n, size, align, base, label, room),
             "memmap_early_alloc answers otherwise");
    }
    agree(n, map);
}

static void run(struct bytes *in, struct mem_region *storage, size_t capacity, size_t entries,
                unsigned bits)
{
    static struct naive n;
    struct memmap map;
    memmap_init(&map, storage, capacity);
    memmap_set_width(&map, bits);
    naive_init(&n, map.limit);
    add_entries(in, &n, &map, entries);
    mm_status_t status = memmap_normalize(&map);
    must(status == (2 * n.count > capacity ? MM_FULL : MM_OK),
         "memmap_normalize answers otherwise");
    if (status != MM_OK)
        return;
    naive_normalize(&n);
    agree(&n, &map);
    while (in->left > 0 && n.owner_count < NAIVE_OWNERS)
        one_call(in, &n, &map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {data, size};
    unsigned bits = byte(&in);
    size_t entries = byte(&in) % (NAIVE_ENTRIES + 1);
    uint8_t storage_for = byte(&in);
    /* Mostly what the header promises to be enough, at times less. */
    size_t capacity =
        storage_for < 16 ? storage_for : memmap_capacity_for(entries, storage_for % 8);
    struct mem_region *storage = malloc(capacity * sizeof *storage);
    if (storage == NULL && capacity != 0)
        return 0;
    run(&in, storage, capacity, entries, bits);
    free(storage);
    return 0;
}
