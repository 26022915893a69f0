/* The memory map that the image is told. shim_test.py works out the same list by another method. */
#include "hal/short.h"
#include "shim.h"

#define CONVENTIONAL 7u
#define BOOT_DATA    4u
#define LEFT_OUT     256u /* no type of UEFI's */
#define BUFFER       (128 * KIB)

struct list real;
static struct list told;

EFI_STATUS map_read_real(EFI_GET_MEMORY_MAP read, UINTN *key)
{
    static uint64_t buffer[BUFFER / 8];
    UINTN bytes = BUFFER, stride = 0;
    UINT32 version = 0;
    EFI_STATUS status =
        read(&bytes, (EFI_MEMORY_DESCRIPTOR *)(void *)buffer, key, &stride, &version);
    if (!ok(status))
        return status;
    real.count = 0;
    for (UINTN at = 0; at + stride <= bytes && real.count < LIST_MAX; at += stride)
        real.at[real.count++] = *(const struct entry *)(const void *)((const uint8_t *)buffer + at);
    for (size_t i = 0; i < real.count; i++)
        real.at[i].type &= UINT32_MAX;
    return status;
}

static void tell(struct entry entry)
{
    if (told.count == LIST_MAX)
        stop("the map to be told is too long; raise LIST_MAX, which is", LIST_MAX);
    told.at[told.count++] = entry;
}

static uint64_t end_of(const struct entry *e)
{
    return e->base + e->pages * HAL_PAGE_SIZE;
}

/* The real entry that holds `address`, or NULL; `*until` is where that answer ends. */
static const struct entry *real_at(uint64_t address, uint64_t *until)
{
    const struct entry *found = NULL;
    for (size_t i = 0; i < real.count; i++) {
        const struct entry *e = &real.at[i];
        if (e->base <= address && address < end_of(e)) {
            found = e;
            *until = hal_min_u64(*until, end_of(e));
        } else if (e->base > address) {
            *until = hal_min_u64(*until, e->base);
        }
    }
    return found;
}

static bool is_ram(uint64_t type)
{
    return (type >= 1 && type <= 4) || type == CONVENTIONAL;
}

/* RAM can be told only where free RAM is; other things also where nothing is. */
static bool allowed(uint64_t type, const struct entry *there)
{
    return there == NULL ? !is_ram(type) : there->type == CONVENTIONAL;
}

/* What the firmware uses is cut out of an entry of the overlay. */
static void overlay_entry(const struct entry *e)
{
    struct entry piece = *e;
    piece.pages = 0;
    for (uint64_t at = e->base; at < end_of(e);) {
        uint64_t until = end_of(e);
        bool good = allowed(e->type, real_at(at, &until));
        if (good && piece.pages == 0)
            piece.base = at;
        if (good)
            piece.pages = (until - piece.base) / HAL_PAGE_SIZE;
        if (piece.pages != 0 && (!good || until == end_of(e))) {
            tell(piece);
            piece.pages = 0;
        }
        at = until;
    }
}

static void tell_overlay(void)
{
    for (size_t i = 0; i < overlay.count; i++)
        overlay_entry(&overlay.at[i]);
    for (size_t i = 0; i < real.count; i++)
        if (overlay.count == 0 || real.at[i].type != CONVENTIONAL)
            tell(real.at[i]);
}

/* As far as the list holds them, which is far more than the image has room for. */
static void grow(uint64_t entries)
{
    for (uint64_t i = 0; i < entries && told.count < LIST_MAX; i++)
        tell((struct entry){.base = (uint64_t)0xe000000000 + i * 2 * HAL_PAGE_SIZE, .pages = 1});
}

static void use_low_memory(void)
{
    for (size_t i = 0; i < told.count; i++)
        if (told.at[i].type == CONVENTIONAL && told.at[i].base < MIB)
            told.at[i].type = BOOT_DATA;
}

static void disguise_loader(void)
{
    for (size_t i = 0; config.loader_type != 2 && i < told.count; i++)
        if (told.at[i].type == 1 || told.at[i].type == 2)
            told.at[i].type = config.loader_type;
}

static bool is_acpi(const struct entry *e)
{
    return e->type == 9 || e->type == 10;
}

/* As another type, or left out. */
static void disguise_acpi(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < told.count; i++) {
        struct entry e = told.at[i];
        if (config.acpi_type != 9 && is_acpi(&e))
            e.type = config.acpi_type;
        if (e.type != LEFT_OUT)
            told.at[kept++] = e;
    }
    told.count = kept;
}

static void shuffle(uint64_t seed)
{
    for (size_t left = told.count; left > 1; left--) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t chosen = (size_t)((seed >> 33) % left);
        struct entry e = told.at[chosen];
        told.at[chosen] = told.at[left - 1];
        told.at[left - 1] = e;
    }
}

const struct list *map_make(uint64_t reading)
{
    told.count = 0;
    tell_overlay();
    for (size_t i = 0; i < config.add.count; i++)
        tell(config.add.at[i]);
    grow(config.grow * reading);
    if (config.no_low != 0)
        use_low_memory();
    disguise_loader();
    disguise_acpi();
    if (config.shuffle != 0)
        shuffle(config.shuffle);
    return &told;
}

void map_say_real(void)
{
    for (size_t i = 0; i < real.count; i++) {
        say("shim: real");
        say_hex(real.at[i].type);
        say_hex(real.at[i].base);
        say_hex(real.at[i].pages);
        say_hex(real.at[i].attributes);
        say_end();
    }
}
