/* The firmware's page tables: rights for the image, and what may be overwritten after the exit.
 *
 * Rights are set in the tables themselves, page by page, not by the memory attribute protocol,
 * which the firmware of Debian 12 does not have. Any number of levels, and large pages, as they come. */
#include "arch.h"
#include "hal/short.h"
#include "shim.h"

#define KEPT_MAX 16384u

static uint64_t kept[KEPT_MAX]; /* pages that must stay as they are */
static size_t kept_count;

static unsigned levels(void)
{
    return (arch_bits() - HAL_PAGE_SHIFT + 8) / 9;
}

static uint64_t *table_of(uint64_t entry)
{
    return (uint64_t *)(uintptr_t)arch_address(entry);
}

/* A large page becomes 512 smaller ones with the same rights. */
static void split(uint64_t *entry, unsigned level)
{
    EFI_PHYSICAL_ADDRESS page = 0;
    if (!ok(st->BootServices->AllocatePages(AllocateAnyPages, EfiBootServicesData, 1, &page)))
        stop("no page for a page table of level", level);
    uint64_t size = HAL_PAGE_SIZE << (9 * (level - 1));
    uint64_t first = arch_piece(*entry, level);
    for (uint64_t i = 0; i < 512; i++)
        ((uint64_t *)(uintptr_t)page)[i] = first + i * size;
    *entry = arch_table(page, *entry);
}

struct found {
    uint64_t *entry; /* NULL: nothing is mapped */
    unsigned level;
};

/* The page of 4 KiB at `address`, made if need be; or, if not `make`, the page of any size there. */
static struct found find(uint64_t address, bool make)
{
    uint64_t *table = arch_root();
    for (unsigned level = levels(); level-- > 0;) {
        uint64_t *entry = &table[address >> (HAL_PAGE_SHIFT + 9 * level) & 511];
        if (!arch_is_present(*entry))
            break;
        if (level == 0 || (arch_is_leaf(*entry, level) && !make))
            return (struct found){entry, level};
        if (arch_is_leaf(*entry, level)) {
            split(entry, level);
            arch_flush(address);
        }
        table = table_of(*entry);
    }
    return (struct found){NULL, 0};
}

static void set_rights(uint64_t base, uint64_t size, bool write, bool execute)
{
    for (uint64_t at = hal_align_down(base, HAL_PAGE_SIZE); at < base + size; at += HAL_PAGE_SIZE) {
        uint64_t *entry = find(at, true).entry;
        if (entry == NULL)
            continue;
        *entry = arch_with_rights(*entry, write, execute);
        arch_flush(at);
    }
}

static void protect_image(void)
{
    unsigned count = 0;
    const struct section *s = sections(&count);
    set_rights(strict_base, HAL_PAGE_SIZE, false, false);
    for (unsigned i = 0; i < count; i++) {
        bool write = (s[i].flags & 0x80000000u) != 0 && config.broken != 1;
        bool execute = (s[i].flags & 0x20000000u) != 0 && config.broken != 2;
        set_rights(strict_base + s[i].rva, s[i].size, write, execute);
    }
}

static bool is_data(uint64_t type)
{
    return type != EfiLoaderCode && type != EfiBootServicesCode && type != EfiRuntimeServicesCode;
}

/* Nothing but code can be executed: also what the image will allocate. */
static void protect_data(void)
{
    UINTN key;
    if (!ok(map_read_real(st->BootServices->GetMemoryMap, &key)))
        stop("the map cannot be read", 0);
    for (size_t i = 0; i < real.count; i++)
        if (is_data(real.at[i].type))
            set_rights(real.at[i].base, real.at[i].pages * HAL_PAGE_SIZE, true, false);
}

/* Pages of 4 KiB for all that is free, so that hide_free() needs no memory. */
static void split_free(void)
{
    UINTN key;
    if (!ok(map_read_real(st->BootServices->GetMemoryMap, &key)))
        stop("the map cannot be read", 0);
    for (size_t i = 0; i < real.count; i++)
        for (uint64_t page = 0; real.at[i].type == EfiConventionalMemory && page < real.at[i].pages;
             page++)
            (void)find(real.at[i].base + page * HAL_PAGE_SIZE, true);
}

/* A firmware that maps what it has allocated and nothing else. */
static void hide_free(void)
{
    for (size_t i = 0; i < real.count; i++) {
        for (uint64_t page = 0; real.at[i].type == EfiConventionalMemory && page < real.at[i].pages;
             page++) {
            uint64_t at = real.at[i].base + page * HAL_PAGE_SIZE;
            struct found f = find(at, false);
            if (f.entry != NULL && f.level == 0)
                *f.entry = arch_absent(*f.entry);
            arch_flush(at);
        }
    }
}

void tables_after_exit(void)
{
    if (config.protect != 3)
        return;
    arch_interrupts_off();
    bool before = arch_bind(false);
    hide_free();
    arch_bind(before);
}

void tables_protect(void)
{
    if (config.protect == 0)
        return;
    arch_bind(false);
    if (config.protect >= 2)
        protect_data();
    if (config.protect == 3)
        split_free();
    protect_image();
    arch_bind(true);
}

static void say_rights(const char *name, uint64_t at)
{
    const uint64_t *entry = find(at, false).entry;
    char text[9] = {0};
    for (unsigned i = 0; i < 8; i++)
        text[i] = name[i];
    say("shim: rights ");
    say(text);
    say(entry == NULL ? " ---" : arch_writes(*entry) ? " rw" : " r-");
    say(entry == NULL ? "" : arch_executes(*entry) ? "x" : "-");
    say_end();
}

void tables_say_rights(void)
{
    unsigned count = 0;
    const struct section *s = sections(&count);
    if (config.protect == 0)
        return;
    for (unsigned i = 0; i < count; i++)
        say_rights(s[i].name, strict_base + s[i].rva);
    say_rights("headers\0", strict_base);
    say_rights("stack\0\0", (uint64_t)(uintptr_t)&count);
}

static void keep(uint64_t base, uint64_t size)
{
    for (uint64_t at = hal_align_down(base, HAL_PAGE_SIZE); at < base + size; at += HAL_PAGE_SIZE) {
        if (kept_count == KEPT_MAX)
            stop("too many page tables; raise KEPT_MAX, which is", KEPT_MAX);
        kept[kept_count++] = at;
    }
}

/* A table of `entries`, of `level`. */
static void keep_tables(uint64_t *table, unsigned entries, unsigned level)
{
    keep((uint64_t)(uintptr_t)table, HAL_PAGE_SIZE);
    for (unsigned i = 0; level > 0 && i < entries; i++)
        if (arch_is_present(table[i]) && !arch_is_leaf(table[i], level))
            keep_tables(table_of(table[i]), 512, level - 1);
}

static void keep_ours(void)
{
    uint64_t here = 0;
    unsigned top = levels() - 1;
    arch_keep(keep);
    keep((uint64_t)(uintptr_t)&here - 16 * KIB, 48 * KIB);
    keep_tables(arch_root(), 1u << (arch_bits() - HAL_PAGE_SHIFT - 9 * top), top);
}

static bool is_kept(uint64_t page)
{
    for (size_t i = 0; i < kept_count; i++)
        if (kept[i] == page)
            return true;
    return false;
}

/* False: that page is not mapped. Where read-only pages bind whatever arch_bind() is told, it becomes one that
 * is not. */
static bool make_writable(uint64_t at)
{
    uint64_t *entry = find(at, false).entry;
    if (entry != NULL && !arch_writes(*entry)) {
        *entry = arch_with_rights(*entry, true, arch_executes(*entry));
        arch_flush(at);
    }
    return entry != NULL;
}

static uint64_t fill(const struct entry *e)
{
    uint64_t pages = 0;
    for (uint64_t i = 0; i < e->pages; i++) {
        uint64_t at = e->base + i * HAL_PAGE_SIZE;
        uint64_t *page = (uint64_t *)(uintptr_t)at;
        if (is_kept(at) || !make_writable(at))
            continue;
        for (unsigned word = 0; word < 512; word++)
            page[word] = arch_junk;
        pages++;
    }
    return pages;
}

static uint64_t fill_all(void)
{
    uint64_t pages = 0;
    for (size_t i = 0; i < real.count; i++) {
        uint64_t type = real.at[i].type;
        if (type == EfiBootServicesCode || type == EfiBootServicesData ||
            (type == EfiConventionalMemory && config.junk == 2))
            pages += fill(&real.at[i]);
    }
    return pages;
}

void tables_junk(void)
{
    if (config.junk == 0)
        return;
    arch_interrupts_off();
    keep_ours();
    uint64_t sum = arch_sum();
    bool before = arch_bind(false);
    uint64_t pages = fill_all();
    arch_bind(before);
    say("shim: overwrote pages");
    say_hex(pages);
    say(" kept");
    say_hex(kept_count);
    say_end();
    say(arch_sum() == sum ? "shim: ground as it was" : "shim: ground overwritten");
    say_end();
}
