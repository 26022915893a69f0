#include "kernel/ram/slots.h"

enum type { ARRAY = 16, DEVICE = 17, ARRAY_ADDRESS = 19, DEVICE_ADDRESS = 20 };

#define USE_SYSTEM   3u      /* of an array (7.17.2) */
#define SIZE_UNKNOWN 0xFFFFu /* of a device */
#define SIZE_LARGE   0x7FFFu /* the extended size counts */
#define SIZE_KIB     0x8000u /* in KiB, else in MiB */
#define FAR_ADDRESS  0xFFFFFFFFu
#define SPEED_LARGE  0xFFFFu

/* Arrays of other than system memory. */
struct others {
    uint32_t count;
    uint16_t handle[SLOTS_ARRAYS_MAX];
};

static void meet_array(struct others *o, const struct smbios_item *item)
{
    uint64_t use = smbios_field(item, 5, 1);
    if (use != USE_SYSTEM && item->length > 5 && o->count < SLOTS_ARRAYS_MAX)
        o->handle[o->count++] = item->handle;
}

static bool is_other(const struct others *o, uint16_t array)
{
    for (uint32_t i = 0; i < o->count; i++)
        if (o->handle[i] == array)
            return true;
    return false;
}

static uint64_t size_of(const struct smbios_item *item)
{
    uint64_t size = smbios_field(item, 12, 2);
    if (size == SIZE_LARGE)
        return (smbios_field(item, 28, 4) & 0x7FFFFFFFu) * MIB;
    return (size & SIZE_KIB) != 0 ? (size & ~(uint64_t)SIZE_KIB) * KIB : size * MIB;
}

/* The speed that is set, else the one that the module is made for. */
static uint32_t speed_of(const struct smbios_item *item)
{
    static const struct {
        uint8_t field, extended;
    } speeds[] = {{32, 88}, {21, 84}};
    for (size_t i = 0; i < ARRAY_LEN(speeds); i++) {
        uint64_t speed = smbios_field(item, speeds[i].field, 2);
        if (speed == SPEED_LARGE)
            speed = smbios_field(item, speeds[i].extended, 4) & 0x7FFFFFFFu;
        if (speed != 0)
            return (uint32_t)speed;
    }
    return 0;
}

static void meet_slot(struct slots *s, const struct others *o, const struct smbios_item *item)
{
    struct slot slot = {.handle = item->handle, .array = (uint16_t)smbios_field(item, 4, 2)};
    if (item->length < 14 || is_other(o, slot.array))
        return;
    slot.unknown = smbios_field(item, 12, 2) == SIZE_UNKNOWN;
    slot.size = slot.unknown ? 0 : hal_align_down(size_of(item), HAL_PAGE_SIZE);
    slot.kind = (uint8_t)smbios_field(item, 18, 1);
    slot.speed = speed_of(item);
    smbios_text(item, 16, slot.place, sizeof slot.place);
    smbios_text(item, 17, slot.bank, sizeof slot.bank);
    s->total++;
    s->filled += slot.size != 0 || slot.unknown;
    s->unknown += slot.unknown;
    s->installed += slot.size;
    if (s->count < SLOTS_MAX)
        s->slot[s->count++] = slot;
}

/* The first KiB and the last one, or where they are too far up the first byte and the last. */
static void meet_range(struct slots *s, const struct smbios_item *item)
{
    bool of_array = item->type == ARRAY_ADDRESS;
    unsigned far = of_array ? 15 : 19;
    uint64_t first = smbios_field(item, 4, 4) * KIB,
             last = smbios_field(item, 8, 4) * KIB + KIB - 1;
    if (smbios_field(item, 4, 4) == FAR_ADDRESS) {
        first = smbios_field(item, far, 8);
        last = smbios_field(item, far + 8, 8);
    }
    if (item->length < 14 || last <= first || last == UINT64_MAX)
        return;
    if (s->range_count == SLOTS_RANGES_MAX) {
        s->lost_ranges++;
        return;
    }
    s->range[s->range_count++] =
        (struct slot_range){first, last + 1, (uint16_t)smbios_field(item, 12, 2), of_array};
}

void slots_read(struct slots *s, const struct smbios_view *view, hal_paddr_t entry)
{
    struct smbios_table table;
    struct smbios_item item;
    struct others others = {.count = 0};
    __builtin_memset(s, 0, sizeof *s);
    s->wrong = smbios_open(&table, view, entry);
    if (s->wrong != NULL)
        return;
    s->major = table.major;
    s->minor = table.minor;
    struct smbios_cursor arrays = {.table = &table};
    while (smbios_next(&arrays, &item))
        if (item.type == ARRAY)
            meet_array(&others, &item);
    struct smbios_cursor rest = {.table = &table};
    while (smbios_next(&rest, &item)) {
        if (item.type == DEVICE)
            meet_slot(s, &others, &item);
        else if (item.type == ARRAY_ADDRESS || item.type == DEVICE_ADDRESS)
            meet_range(s, &item);
    }
    s->broken = rest.broken;
}

const char *slots_kind_name(uint8_t kind)
{
    static const char *const names[] = {
        [0x03] = "DRAM",   [0x07] = "RAM",    [0x09] = "flash", [0x0F] = "SDRAM", [0x12] = "DDR",
        [0x13] = "DDR2",   [0x18] = "DDR3",   [0x1A] = "DDR4",  [0x1B] = "LPDDR", [0x1C] = "LPDDR2",
        [0x1D] = "LPDDR3", [0x1E] = "LPDDR4", [0x20] = "HBM",   [0x21] = "HBM2",  [0x22] = "DDR5",
        [0x23] = "LPDDR5", [0x24] = "HBM3",
    };
    return kind < ARRAY_LEN(names) ? names[kind] : NULL;
}

static uint32_t filled_in_array(const struct slots *s, uint16_t array)
{
    uint32_t filled = 0;
    for (uint32_t i = 0; i < s->count; i++)
        filled += s->slot[i].array == array && s->slot[i].size != 0;
    return filled;
}

/* The `n`th range of a slot or an array. */
static bool range_of(const struct slots *s, uint16_t handle, bool of_array, uint32_t n,
                     struct slot_range *found)
{
    for (uint32_t i = 0; i < s->range_count; i++) {
        const struct slot_range *r = &s->range[i];
        if (r->handle != handle || r->of_array != of_array || n-- > 0)
            continue;
        *found = *r;
        return true;
    }
    return false;
}

bool slots_range(const struct slots *s, uint32_t i, uint32_t n, struct slot_range *found)
{
    const struct slot *slot = &s->slot[i];
    if (range_of(s, slot->handle, false, 0, found))
        return range_of(s, slot->handle, false, n, found);
    return filled_in_array(s, slot->array) == 1 && range_of(s, slot->array, true, n, found);
}
