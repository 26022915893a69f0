#include "kernel/paging.h"
#include "hal/hal.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/cpu.h"

#define PTE_PRESENT ((uint64_t)1 << 0)
#define PTE_WRITE   ((uint64_t)1 << 1)
#define PTE_PWT     ((uint64_t)1 << 3)
#define PTE_PCD     ((uint64_t)1 << 4)
#define PTE_LARGE   ((uint64_t)1 << 7)  /* in a level-1 or level-2 entry */
#define PTE_PAT_4K  ((uint64_t)1 << 7)  /* the same bit in a 4 KiB entry */
#define PTE_PAT_BIG ((uint64_t)1 << 12) /* in a large page's entry: not an address bit */
#define PTE_NX      ((uint64_t)1 << 63)
#define PTE_ADDRESS 0x000FFFFFFFFFF000u

#define STATIC_TABLES 16u
#define FIRST_CHUNK   16u

const char paging_screen_label[] = "framebuffer";

_Alignas(4096) static uint64_t static_tables[STATIC_TABLES][512];

static struct {
    struct memmap *map;
    paddr_t root;
    paddr_t chunk;        /* next spare page from memmap_early_alloc */
    uint64_t early_taken; /* pages taken from there in all */
    struct paging_counts counts;
} paging;

static uint64_t level_size(unsigned level)
{
    return PAGE_SIZE << (9 * level);
}

static unsigned top_level(void)
{
    return cpu.la57 ? 4 : 3;
}

/* Chunks grow, so that their number (each may take a slot of the map) grows with the logarithm of
 * the RAM only. U-Boot's identity map ends at 4 GiB, so memory below is asked for first. */
static void take_chunk(void)
{
    static const paddr_t limits[2] = {4 * GIB, 0};
    uint64_t want = max_u64(FIRST_CHUNK, paging.early_taken / 2);
    for (; want > 0; want /= 2) {
        for (unsigned i = 0; i < ARRAY_LEN(limits); i++) {
            paging.chunk = memmap_early_alloc(paging.map, want * PAGE_SIZE, PAGE_SIZE, limits[i],
                                              PAGING_TABLES_LABEL);
            if (paging.chunk == PADDR_NONE)
                continue;
            paging.early_taken += want;
            paging.counts.spare = want;
            return;
        }
    }
    HAL_PANIC("no memory is left for page tables; this machine needs more RAM than it reports");
}

static paddr_t new_table(void)
{
    if (paging.counts.from_image < STATIC_TABLES)
        return (paddr_t)(uintptr_t)static_tables[paging.counts.from_image++];
    if (paging.counts.spare == 0)
        take_chunk();
    paddr_t page = paging.chunk;
    paging.chunk += PAGE_SIZE;
    paging.counts.spare--;
    paging.counts.from_early++;
    hal_zero_pages(page, 1);
    return page;
}

static uint64_t leaf_bits(uint32_t prot, unsigned level)
{
    uint64_t bits = PTE_PRESENT | (level > 0 ? PTE_LARGE : 0);
    if ((prot & PAGING_W) != 0)
        bits |= PTE_WRITE;
    if ((prot & PAGING_X) == 0 && cpu.nx)
        bits |= PTE_NX;
    if ((prot & PAGING_UNCACHED) != 0)
        bits |= PTE_PCD | PTE_PWT;
    if ((prot & PAGING_COMBINING) != 0)
        bits |= !cpu.pat ? PTE_PCD : level > 0 ? PTE_PAT_BIG : PTE_PAT_4K;
    return bits;
}

/* The table of `level` that translates `virt`; missing ones on the way are made. */
static uint64_t *table_for(vaddr_t virt, unsigned level)
{
    paddr_t table = paging.root;
    for (unsigned at = top_level(); at > level; at--) {
        uint64_t *entry = (uint64_t *)hal_phys_to_virt(table) + (virt >> (12 + 9 * at) & 511u);
        if (*entry == 0)
            *entry = new_table() | PTE_PRESENT | PTE_WRITE;
        if ((*entry & PTE_LARGE) != 0)
            HAL_PANIC("a range to map lies inside a large page that is mapped already");
        table = *entry & PTE_ADDRESS;
    }
    return hal_phys_to_virt(table);
}

static unsigned largest_level(vaddr_t virt, paddr_t phys, uint64_t size)
{
    for (unsigned level = cpu.pages_1g ? 2 : 1; level > 0; level--)
        if (((virt | phys) & (level_size(level) - 1)) == 0 && size >= level_size(level))
            return level;
    return 0;
}

/* Fill entries of one table from `virt` on; the bytes that were mapped. */
static uint64_t fill(vaddr_t virt, paddr_t phys, uint64_t size, uint32_t prot)
{
    unsigned level = largest_level(virt, phys, size);
    uint64_t step = level_size(level);
    uint64_t *table = table_for(virt, level);
    uint64_t bits = leaf_bits(prot, level);
    uint64_t done = 0;
    for (unsigned i = virt >> (12 + 9 * level) & 511u; i < 512 && size - done >= step; i++) {
        if (largest_level(virt + done, phys + done, size - done) != level)
            break;
        if (table[i] != 0 && (table[i] & PTE_ADDRESS) != phys + done)
            HAL_PANIC("a range to map is already mapped to another place");
        if (table[i] == 0) {
            table[i] = (phys + done) | bits;
            paging.counts.leaves[level]++;
        }
        done += step;
    }
    return done;
}

void paging_map(vaddr_t virt, paddr_t phys, uint64_t size, uint32_t prot)
{
    for (uint64_t done = 0; done < size;)
        done += fill(virt + done, phys + done, size - done, prot);
}

void paging_begin(struct memmap *map)
{
    paging.map = map;
    paging.root = new_table();
}

bool paging_is_ram(enum mem_type type)
{
    switch (type) {
    case MEM_USABLE:
    case MEM_BOOT:
    case MEM_LOADER:
    case MEM_ACPI_RECLAIM:
    case MEM_SPECIFIC:
    case MEM_ACPI_NVS:
    case MEM_RUNTIME:
        return true;
    default:
        return false;
    }
}

static bool belongs_in_direct_map(const struct mem_region *r)
{
    return paging_is_ram(r->type) && r->label != paging_screen_label &&
           r->base < PAGING_DIRECT_SIZE;
}

/* Index of the first region that ends after `at`. */
static size_t region_after(const struct memmap *map, paddr_t at)
{
    size_t low = 0;
    size_t high = map->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (map->regions[mid].base + map->regions[mid].size <= at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Regions are merged first, so that a border between two kinds of RAM splits no large page. Table
 * pages taken meanwhile split regions, so each run is looked up by address; being RAM themselves,
 * they do not change what is mapped. */
void paging_map_ram(const struct memmap *map, paddr_t trampoline)
{
    for (size_t i = 0; i < map->count;) {
        const struct mem_region *r = &map->regions[i];
        paddr_t base = r->base;
        paddr_t end = r->base + r->size;
        bool wanted = belongs_in_direct_map(r);
        for (i++; i < map->count && map->regions[i].base == end &&
                  belongs_in_direct_map(&map->regions[i]) == wanted;
             i++)
            end += map->regions[i].size;
        if (!wanted)
            continue;
        end = min_u64(end, PAGING_DIRECT_SIZE);
        paging_map(PAGING_DIRECT + base, base, end - base, PAGING_W);
        i = region_after(map, end);
    }
    if (trampoline != 0)
        paging_map(PAGING_DIRECT + trampoline, trampoline, PAGE_SIZE, PAGING_W);
}

/* PE format: Microsoft, "PE Format". All offsets checked against the image. */
struct pe_section {
    char name[8];
    uint32_t virtual_size, address, raw_size, raw_offset, unused[3], flags;
};
_Static_assert(sizeof(struct pe_section) == 40, "a PE section header has 40 bytes");
#define PE_EXECUTE 0x20000000u
#define PE_WRITE   0x80000000u

static const char *map_section(vaddr_t base, uint64_t size, const struct pe_section *s)
{
    uint64_t length = align_up(max_u64(s->virtual_size, s->raw_size), PAGE_SIZE);
    if (s->address % PAGE_SIZE != 0 || length == 0 || s->address > size ||
        length > align_up(size, PAGE_SIZE) - s->address)
        return "a section of the image is not page-aligned or lies outside the image";
    if ((s->flags & (PE_EXECUTE | PE_WRITE)) == (PE_EXECUTE | PE_WRITE))
        return "a section of the image is writable and executable";
    uint32_t prot = (s->flags & PE_EXECUTE) != 0 ? PAGING_X
                    : (s->flags & PE_WRITE) != 0 ? PAGING_W
                                                 : PAGING_R;
    paging_map(base + s->address, base + s->address, length, prot);
    return NULL;
}

const char *paging_map_image(vaddr_t base, uint64_t size)
{
    const unsigned char *bytes = (const unsigned char *)(uintptr_t)base;
    uint64_t pe = *(const uint32_t *)(bytes + 0x3C);
    if (base % PAGE_SIZE != 0 || size < PAGE_SIZE || pe > PAGE_SIZE - 24)
        return "the image does not begin with the headers it was loaded with";
    unsigned sections = *(const uint16_t *)(bytes + pe + 6);
    uint64_t table = pe + 24 + *(const uint16_t *)(bytes + pe + 20);
    if (sections == 0 || table + sections * (uint64_t)sizeof(struct pe_section) > PAGE_SIZE)
        return "the image has no section table in its first page";
    paging_map(base, base, PAGE_SIZE, PAGING_R); /* the headers: the backtrace reads them */
    const struct pe_section *s = (const void *)(bytes + table);
    for (unsigned i = 0; i < sections; i++) {
        const char *wrong = map_section(base, size, &s[i]);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

vaddr_t paging_map_device(unsigned slot, paddr_t base, uint64_t size, uint32_t prot)
{
    vaddr_t window = PAGING_DEVICES + slot * GIB;
    paddr_t from = align_down(base, PAGE_SIZE);
    paddr_t end = align_up(base + size, PAGE_SIZE);
    uint64_t shift = from & (2 * MIB - 1); /* keeps 2 MiB pages possible */
    paging_map(window + shift, from, end - from, prot);
    return window + shift + (base - from);
}

void paging_switch(void)
{
    asm_write_cr3(paging.root);
    hal_direct_base = PAGING_DIRECT;
    cpu_set_memory_types();
}

struct paging_counts paging_counted(void)
{
    return paging.counts;
}
