/* The firmware's page tables: rights for the image, and what may be overwritten after the exit.
 *
 * Rights are set in the tables themselves, page by page, not by the memory attribute protocol,
 * which the OVMF of Debian 12 does not have. Four or five levels, and large pages, as they come. */
#include "hal/short.h"
#include "shim.h"

#include "hal/x86_64/asm.h"

#define PRESENT  1u
#define WRITE    2u
#define LARGE    0x80u
#define NX       ((uint64_t)1 << 63)
#define ADDRESS  0x000ffffffffff000u
#define EFER     0xc0000080u
#define EFER_NXE 0x800u
#define CR0_WP   0x10000u
#define KEPT_MAX 16384u

static uint64_t kept[KEPT_MAX]; /* pages that must stay as they are */
static size_t kept_count;

static uint64_t read_cr0(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

static void write_cr0(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static uint64_t read_cr3(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

static unsigned levels(void)
{
    uint64_t cr4;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    return (cr4 & 0x1000) != 0 ? 5 : 4;
}

static void flush(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static uint64_t *table_of(uint64_t entry)
{
    return (uint64_t *)(uintptr_t)(entry & ADDRESS);
}

/* A large page becomes 512 smaller ones with the same rights. */
static void split(uint64_t *entry, unsigned level)
{
    EFI_PHYSICAL_ADDRESS page = 0;
    if (!ok(st->BootServices->AllocatePages(AllocateAnyPages, EfiBootServicesData, 1, &page)))
        stop("no page for a page table of level", level);
    uint64_t size = HAL_PAGE_SIZE << (9 * (level - 1));
    uint64_t low = *entry & ~(level == 1 ? (uint64_t)LARGE : 0);
    for (uint64_t i = 0; i < 512; i++)
        table_of(page)[i] = low + i * size;
    *entry = page | PRESENT | WRITE | (*entry & 4);
}

/* The entry of the page of 4 KiB at `address`, made if need be; or, if not `make`, the entry of the
 * page of any size there. NULL: nothing is mapped. */
static uint64_t *entry_of(uint64_t address, bool make)
{
    uint64_t *table = table_of(read_cr3());
    for (unsigned level = levels(); level-- > 0;) {
        uint64_t *entry = &table[address >> (HAL_PAGE_SHIFT + 9 * level) & 511];
        if ((*entry & PRESENT) == 0)
            return NULL;
        if (level == 0)
            return entry;
        if ((*entry & LARGE) != 0) {
            if (!make)
                return entry;
            split(entry, level);
        }
        table = table_of(*entry);
    }
    return NULL;
}

static void set_rights(uint64_t base, uint64_t size, bool write, bool execute)
{
    for (uint64_t at = hal_align_down(base, HAL_PAGE_SIZE); at < base + size; at += HAL_PAGE_SIZE) {
        uint64_t *entry = entry_of(at, true);
        if (entry == NULL)
            continue;
        *entry = (*entry & ~(NX | WRITE)) | (write ? WRITE : 0) | (execute ? 0 : NX);
        flush(at);
    }
}

struct section {
    char name[8];
    uint32_t size, rva, raw, unused[4];
    uint32_t flags;
} __attribute__((packed));
_Static_assert(sizeof(struct section) == 40, "a section header of a PE file");

static const struct section *sections(unsigned *count)
{
    const uint8_t *image = (const uint8_t *)(uintptr_t)strict_base;
    const uint8_t *pe = image + *(const uint32_t *)(const void *)(image + 0x3c);
    *count = *(const uint16_t *)(const void *)(pe + 6);
    return (const void *)(pe + 24 + *(const uint16_t *)(const void *)(pe + 20));
}

void tables_spoil_bss(void)
{
    unsigned count = 0;
    const struct section *s = sections(&count);
    for (unsigned i = 0; config.bss != 0 && i < count; i++)
        for (uint64_t at = s[i].raw; at < s[i].size; at++)
            *(uint8_t *)(uintptr_t)(strict_base + s[i].rva + at) = 0xff;
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
            (void)entry_of(real.at[i].base + page * HAL_PAGE_SIZE, true);
}

/* A firmware that maps what it has allocated and nothing else. */
static void hide_free(void)
{
    for (size_t i = 0; i < real.count; i++) {
        for (uint64_t page = 0; real.at[i].type == EfiConventionalMemory && page < real.at[i].pages;
             page++) {
            uint64_t at = real.at[i].base + page * HAL_PAGE_SIZE;
            uint64_t *entry = entry_of(at, false);
            if (entry != NULL && (*entry & LARGE) == 0)
                *entry &= ~(uint64_t)PRESENT;
            flush(at);
        }
    }
}

void tables_after_exit(void)
{
    uint64_t cr0 = read_cr0();
    if (config.protect != 3)
        return;
    __asm__ volatile("cli");
    write_cr0(cr0 & ~(uint64_t)CR0_WP);
    hide_free();
    write_cr0(cr0);
}

void tables_protect(void)
{
    uint64_t cr0 = read_cr0();
    if (config.protect == 0)
        return;
    write_cr0(cr0 & ~(uint64_t)CR0_WP);
    asm_wrmsr(EFER, asm_rdmsr(EFER) | EFER_NXE);
    if (config.protect >= 2)
        protect_data();
    if (config.protect == 3)
        split_free();
    protect_image();
    write_cr0(cr0 | CR0_WP);
}

static void say_rights(const char *name, uint64_t at)
{
    const uint64_t *entry = entry_of(at, false);
    char text[9] = {0};
    for (unsigned i = 0; i < 8; i++)
        text[i] = name[i];
    say("shim: rights ");
    say(text);
    say(entry == NULL ? " ---" : (*entry & WRITE) != 0 ? " rw" : " r-");
    say(entry == NULL ? "" : (*entry & NX) != 0 ? "-" : "x");
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

static void keep_tables(uint64_t *table, unsigned level)
{
    keep((uint64_t)(uintptr_t)table, HAL_PAGE_SIZE);
    for (unsigned i = 0; level > 1 && i < 512; i++)
        if ((table[i] & PRESENT) != 0 && (level > 3 || (table[i] & LARGE) == 0))
            keep_tables(table_of(table[i]), level - 1);
}

/* What SGDT writes (Intel SDM vol. 2B). */
struct gdt_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));
_Static_assert(sizeof(struct gdt_register) == 10 && offsetof(struct gdt_register, base) == 2,
               "the layout is the CPU's");

static struct gdt_register read_gdt(void)
{
    struct gdt_register gdt;
    __asm__ volatile("sgdt %0" : "=m"(gdt));
    return gdt;
}

void tables_move_gdt(void)
{
    struct gdt_register gdt = read_gdt();
    EFI_PHYSICAL_ADDRESS page = 0;
    if (config.junk == 0)
        return;
    if (gdt.limit >= HAL_PAGE_SIZE ||
        !ok(st->BootServices->AllocatePages(AllocateAnyPages, EfiBootServicesData, 1, &page)))
        stop("the GDT cannot be moved; its limit is", gdt.limit);
    for (unsigned i = 0; i <= gdt.limit; i++)
        ((uint8_t *)(uintptr_t)page)[i] = ((const uint8_t *)(uintptr_t)gdt.base)[i];
    gdt.base = page;
    __asm__ volatile("lgdt %0" : : "m"(gdt));
}

/* What the CPU and the loader stand on until the kernel has its own. */
static void keep_ours(void)
{
    struct gdt_register gdt = read_gdt();
    uint64_t here = (uint64_t)(uintptr_t)&gdt;
    keep(gdt.base, (uint64_t)gdt.limit + 1);
    keep(here - 16 * KIB, 48 * KIB);
    keep_tables(table_of(read_cr3()), levels());
}

static bool is_kept(uint64_t page)
{
    for (size_t i = 0; i < kept_count; i++)
        if (kept[i] == page)
            return true;
    return false;
}

/* 0xf4f4...: HLT as code, not canonical as a pointer. */
static uint64_t fill(const struct entry *e)
{
    uint64_t pages = 0;
    for (uint64_t i = 0; i < e->pages; i++) {
        uint64_t *page = (uint64_t *)(uintptr_t)(e->base + i * HAL_PAGE_SIZE);
        if (is_kept((uint64_t)(uintptr_t)page) ||
            entry_of((uint64_t)(uintptr_t)page, false) == NULL)
            continue;
        for (unsigned word = 0; word < 512; word++)
            page[word] = 0xf4f4f4f4f4f4f4f4u;
        pages++;
    }
    return pages;
}

/* A sum of what is in the GDT, which is found without struct gdt_register: it has to be right here
 * even if that is wrong. */
static uint64_t sum_of_gdt(void)
{
    uint8_t bytes[16] = {0};
    uint64_t base = 0, sum = 0;
    __asm__ volatile("sgdt %0" : "=m"(bytes));
    for (unsigned i = 0; i < 8; i++)
        base |= (uint64_t)bytes[2 + i] << (8 * i);
    for (unsigned i = 0; i <= (bytes[0] | (unsigned)bytes[1] << 8); i++)
        sum = sum * 31 + ((const uint8_t *)(uintptr_t)base)[i];
    return sum;
}

void tables_junk(void)
{
    uint64_t pages = 0, cr0 = read_cr0(), gdt = sum_of_gdt();
    if (config.junk == 0)
        return;
    __asm__ volatile("cli");
    keep_ours();
    write_cr0(cr0 & ~(uint64_t)CR0_WP);
    for (size_t i = 0; i < real.count; i++) {
        uint64_t type = real.at[i].type;
        if (type == EfiBootServicesCode || type == EfiBootServicesData ||
            (type == EfiConventionalMemory && config.junk == 2))
            pages += fill(&real.at[i]);
    }
    write_cr0(cr0);
    say("shim: overwrote pages");
    say_hex(pages);
    say(" kept");
    say_hex(kept_count);
    say_end();
    say(sum_of_gdt() == gdt ? "shim: GDT as it was" : "shim: GDT overwritten");
    say_end();
}
