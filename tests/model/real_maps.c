/* Real machines' memory maps (tests/data/maps) through memmap and pmm: each class comes to exactly
 * the pages of expected.tsv, which totals.py works out by itself, and every page of RAM is either
 * owned by the page allocator or by one labelled owner.
 *
 * Usage: real_maps [FOLDER]; without it tests/data/maps is looked for here and in the folders
 * above. Ends with "N passed, N failed". */
#include "hal/host/host.h"
#include "hal/short.h"
#include "mm/memmap.h"
#include "mm/pmm.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE    512
#define OWNERS       8
#define UEFI_WB      8
#define IMAGE_PAGES  3
#define TABLES_PAGES 100

/* What is wrong with the map at hand, a sentence; empty while nothing is. The first one counts. */
static char wrong[LINE_SIZE];
static uint64_t passed, failed;

static bool check(bool ok, const char *format, ...)
{
    va_list args;
    if (ok || wrong[0] != '\0')
        return ok;
    va_start(args, format);
    vsnprintf(wrong, sizeof wrong, format, args);
    va_end(args);
    return false;
}

static bool equal(const char *what, uint64_t is, uint64_t expected)
{
    return check(is == expected, "%s: %" PRIu64 ", but expected %" PRIu64, what, is, expected);
}

static void finish(const char *name)
{
    if (wrong[0] == '\0') {
        passed++;
        return;
    }
    failed++;
    printf("FAIL real_maps %s: %s\n", name, wrong);
    wrong[0] = '\0';
}

/* --- reading ---------------------------------------------------------------------------------- */

struct entry {
    uint32_t type;
    uint64_t base, end, attributes;
};

/* The whole of `text` as a number, with 0x before it when `base` is 16. */
static bool read_number(const char *text, int base, uint64_t max, uint64_t *value)
{
    const char *digits = text;
    if (base == 16) {
        if (strncmp(text, "0x", 2) != 0)
            return false;
        digits += 2;
    }
    if (!(base == 16 ? isxdigit((unsigned char)*digits) : isdigit((unsigned char)*digits)))
        return false;
    if (strlen(digits) > (base == 16 ? 16u : 10u))
        return false;
    char *end;
    *value = strtoull(digits, &end, base);
    return *end == '\0' && *value <= max;
}

/* NULL, or what is wrong with a line of a .map file. `line` is taken apart. */
static const char *read_line(char *line, struct entry *e)
{
    char *field[5];
    size_t fields = 0;
    uint64_t type;
    for (char *p = strtok(line, " \t\r\n"); p != NULL && fields < 5; p = strtok(NULL, " \t\r\n"))
        field[fields++] = p;
    if (fields != 4)
        return "a line must be TYPE START END ATTR";
    if (!read_number(field[0], 10, UINT32_MAX, &type))
        return "TYPE must be a decimal number of 32 bits";
    if (!read_number(field[1], 16, UINT64_MAX, &e->base))
        return "START must be a hex number of 64 bits, 0x...";
    if (!read_number(field[2], 16, UINT64_MAX, &e->end))
        return "END must be a hex number of 64 bits, 0x...";
    if (e->end < e->base)
        return "END must not be below START";
    e->type = (uint32_t)type;
    e->attributes = UEFI_WB;
    if (strcmp(field[3], "-") != 0 && !read_number(field[3], 16, UINT64_MAX, &e->attributes))
        return "ATTR must be a hex number of 64 bits, 0x..., or - for unknown";
    return NULL;
}

/* Entries of a .map file, to be freed; NULL when it cannot be used. */
static struct entry *read_map(const char *path, size_t *count)
{
    char line[LINE_SIZE];
    struct entry *entries = NULL;
    FILE *f = fopen(path, "r");
    if (!check(f != NULL, "%s cannot be read; run this from the project's folder", path))
        return NULL;
    *count = 0;
    for (unsigned number = 1; fgets(line, sizeof line, f) != NULL; number++) {
        check(strchr(line, '\n') != NULL || feof(f), "%s:%u: the line is longer than %d characters",
              path, number, LINE_SIZE - 2);
        if (line[0] == '#' || line[strspn(line, " \t\r\n")] == '\0')
            continue;
        entries = realloc(entries, (*count + 1) * sizeof *entries);
        if (entries == NULL)
            abort();
        const char *error = read_line(line, &entries[*count]);
        check(error == NULL, "%s:%u: %s", path, number, error);
        (*count)++;
    }
    fclose(f);
    check(*count > 0, "%s holds no memory descriptor", path);
    return entries;
}

/* --- what is expected ------------------------------------------------------------------------- */

/* A row of expected.tsv; classes in the order of its columns. */
static const struct {
    const char *column;
    enum mem_type type;
} classes[] = {
    {"conventional", MEM_USABLE},   {"boot", MEM_BOOT},         {"loader", MEM_LOADER},
    {"acpi", MEM_ACPI_RECLAIM},     {"specific", MEM_SPECIFIC}, {"persistent", MEM_PERSISTENT},
    {"unaccepted", MEM_UNACCEPTED}, {"nvs", MEM_ACPI_NVS},      {"runtime", MEM_RUNTIME},
    {"reserved", MEM_RESERVED},     {"device", MEM_MMIO},       {"faulty", MEM_UNUSABLE},
};

struct expected {
    char file[128];
    uint64_t entries, runs, usable;
    uint64_t pages[ARRAY_LEN(classes)];
};

#define EXPECTED_HEAD                                                                              \
    "file\tpartial\tentries\truns\tusable\tconventional\tboot\tloader\tacpi\tspecific\tpersistent" \
    "\tunaccepted\tnvs\truntime\treserved\tdevice\tfaulty\t"

static bool read_expected(const char *line, struct expected *e)
{
    int used = 0;
    if (sscanf(line, "%127s %*s %" SCNu64 " %" SCNu64 " %" SCNu64 "%n", e->file, &e->entries,
               &e->runs, &e->usable, &used) != 4)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        int more = 0;
        if (sscanf(line + used, "%" SCNu64 "%n", &e->pages[i], &more) != 1)
            return false;
        used += more;
    }
    return true;
}

/* --- the map ---------------------------------------------------------------------------------- */

static void check_classes(const struct memmap *map, const struct expected *e)
{
    uint64_t ram = 0;
    for (size_t c = 0; c < ARRAY_LEN(classes); c++) {
        uint64_t pages = 0;
        for (size_t i = 0; i < map->count; i++)
            pages +=
                map->regions[i].type == classes[c].type ? map->regions[i].size / HAL_PAGE_SIZE : 0;
        equal(classes[c].column, pages, e->pages[c]);
        ram += mem_type_is_allocatable(classes[c].type) ? pages : 0;
    }
    equal("usable", ram, e->usable);
    equal("runs", map->count, e->runs);
}

static bool make_map(struct memmap *map, const struct entry *entries, size_t count)
{
    size_t capacity = memmap_capacity_for(count, OWNERS);
    struct mem_region *storage = malloc(capacity * sizeof *storage);
    if (storage == NULL)
        abort();
    memmap_init(map, storage, capacity);
    for (size_t i = 0; i < count; i++)
        check(memmap_add_uefi(map, entries[i].base, entries[i].end - entries[i].base,
                              entries[i].type, entries[i].attributes) == MM_OK,
              "memmap_add_uefi refuses entry %zu", i);
    check(memmap_normalize(map) == MM_OK, "memmap_normalize does not answer MM_OK");
    const char *broken = memmap_check(map);
    return check(broken == NULL, "%s", broken);
}

/* --- owners ----------------------------------------------------------------------------------- */

static uint64_t labelled_ram_pages(const struct memmap *map)
{
    uint64_t pages = 0;
    for (size_t i = 0; i < map->count; i++)
        if (map->regions[i].label != NULL && mem_type_is_allocatable(map->regions[i].type))
            pages += map->regions[i].size / HAL_PAGE_SIZE;
    return pages;
}

/* An image inside the largest loader region, and tables where they fit: as a kernel would. */
static uint64_t take_owners(struct memmap *map)
{
    const struct mem_region *loader = NULL;
    uint64_t taken = 0;
    for (size_t i = 0; i < map->count; i++)
        if (map->regions[i].type == MEM_LOADER &&
            (loader == NULL || map->regions[i].size > loader->size))
            loader = &map->regions[i];
    if (loader != NULL && loader->size > 2 * IMAGE_PAGES * HAL_PAGE_SIZE) {
        check(memmap_reserve(map, loader->base + HAL_PAGE_SIZE, IMAGE_PAGES * HAL_PAGE_SIZE,
                             "image") == MM_OK,
              "memmap_reserve refuses memory of the loader");
        taken += IMAGE_PAGES;
    }
    if (memmap_early_alloc(map, TABLES_PAGES * HAL_PAGE_SIZE, HAL_PAGE_SIZE, 0, "page tables") !=
        HAL_PADDR_NONE)
        taken += TABLES_PAGES;
    return taken;
}

/* --- the allocator ---------------------------------------------------------------------------- */

struct walk {
    const struct memmap *map;
    uint64_t pages[PMM_RUN_COUNT];
    hal_paddr_t reached;
};

/* Runs come in order, do not overlap, and lie in RAM without an owner. */
static void visit(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run run)
{
    struct walk *w = ctx;
    hal_paddr_t end = base + pages * HAL_PAGE_SIZE;
    check(base >= w->reached && pages > 0, "pmm_walk is out of order at %#" PRIx64, base);
    w->reached = end;
    w->pages[run] += pages;
    for (hal_paddr_t at = base; at < end;) {
        const struct mem_region *r = memmap_find(w->map, at);
        if (!check(r != NULL && r->label == NULL && mem_type_is_allocatable(r->type),
                   "pmm_walk shows %#" PRIx64 ", which is not free RAM of the map", at))
            return;
        at = mem_region_end(r);
    }
}

static uint64_t zone_total(struct pmm *pmm)
{
    uint64_t total = 0;
    for (unsigned zone = 0; zone < PMM_ZONE_COUNT; zone++) {
        struct pmm_stats stats;
        pmm_stats(pmm, (enum pmm_zone)zone, &stats);
        equal("free of a zone that nobody has used", stats.free, stats.total);
        total += stats.total;
    }
    return total;
}

/* The allocator has `free` pages, and knows of `withheld` more; both by two ways of counting. */
static void account(struct pmm *pmm, const struct memmap *map, uint64_t free_pages,
                    uint64_t withheld)
{
    struct walk w = {.map = map};
    const char *broken = pmm_check(pmm);
    check(broken == NULL, "%s", broken);
    equal("sum of the zone totals", zone_total(pmm), free_pages);
    pmm_walk(pmm, visit, &w);
    equal("free pages of the walk", w.pages[PMM_RUN_FREE], free_pages);
    equal("withheld pages of the walk", w.pages[PMM_RUN_WITHHELD], withheld);
    equal("allocated and parked pages", w.pages[PMM_RUN_ALLOCATED] + w.pages[PMM_RUN_PARKED], 0);
}

static uint64_t free_pages_of(const struct memmap *map, bool withheld)
{
    uint64_t pages = 0;
    for (size_t i = 0; i < map->count; i++) {
        const struct mem_region *r = &map->regions[i];
        bool mine = withheld ? r->type == MEM_BOOT || r->type == MEM_LOADER : r->type == MEM_USABLE;
        pages += mine && r->label == NULL ? r->size / HAL_PAGE_SIZE : 0;
    }
    return pages;
}

static void reclaim_all(struct pmm *pmm, const struct memmap *map)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct mem_region *r = &map->regions[i];
        bool withheld = (r->type == MEM_BOOT || r->type == MEM_LOADER) && r->label == NULL;
        equal("first pmm_reclaim of a region", pmm_reclaim(pmm, r), withheld ? MM_OK : MM_FOREIGN);
        if (withheld)
            equal("second pmm_reclaim of a region", pmm_reclaim(pmm, r), MM_ALREADY_FREE);
    }
}

/* From a fresh allocator to the last page reclaimed. `usable` comes from expected.tsv. */
static void use_allocator(struct pmm *pmm, const struct memmap *map, uint64_t usable)
{
    uint64_t withheld = free_pages_of(map, true);
    account(pmm, map, free_pages_of(map, false), withheld);
    reclaim_all(pmm, map);
    account(pmm, map, usable - labelled_ram_pages(map), 0);
    equal("zone totals and owners", zone_total(pmm) + labelled_ram_pages(map), usable);
}

static void with_own_tables(const struct memmap *map, uint64_t usable)
{
    size_t bytes = pmm_tables_size(map, 4);
    struct pmm *pmm = NULL;
    void *tables = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (tables == NULL)
        abort();
    memset(tables, 0xA5, bytes);
    if (equal("pmm_create_in", pmm_create_in(map, 4, tables, bytes, &pmm), MM_OK))
        use_allocator(pmm, map, usable);
    free(tables);
}

/* The tables in the map's own memory: sparse fake RAM up to its last usable byte. */
static void with_tables_in_the_map(struct memmap *map, uint64_t usable)
{
    struct pmm *pmm = NULL;
    hal_paddr_t top = HAL_PAGE_SIZE;
    for (size_t i = 0; i < map->count; i++)
        if (mem_type_is_allocatable(map->regions[i].type))
            top = mem_region_end(&map->regions[i]);
    host_ram_create(top);
    uint64_t owned = labelled_ram_pages(map);
    if (!equal("pmm_create", pmm_create(map, 4, &pmm), MM_OK))
        return;
    equal("pages owned by the tables", labelled_ram_pages(map) - owned,
          (pmm_table_bytes(pmm) + HAL_PAGE_SIZE - 1) / HAL_PAGE_SIZE);
    use_allocator(pmm, map, usable);
}

/* --- one map ---------------------------------------------------------------------------------- */

static void test_map(const char *folder, const struct expected *e)
{
    char path[LINE_SIZE];
    struct memmap map;
    size_t count = 0;
    snprintf(path, sizeof path, "%s/%s", folder, e->file);
    struct entry *entries = read_map(path, &count);
    if (entries != NULL && equal("entries", count, e->entries) && make_map(&map, entries, count)) {
        check_classes(&map, e);
        uint64_t owned = take_owners(&map);
        equal("pages of the owners", labelled_ram_pages(&map), owned);
        with_own_tables(&map, e->usable);
        with_tables_in_the_map(&map, e->usable);
        const char *broken = memmap_check(&map);
        check(broken == NULL, "%s", broken);
        free(map.regions);
    }
    free(entries);
    finish(e->file);
}

/* --- bad lines -------------------------------------------------------------------------------- */

static void test_bad_lines(void)
{
    static const char *const lines[][2] = {
        {"7 0x0 0x1000", "a line must be TYPE START END ATTR"},
        {"7 0x0 0x1000 0xf 1", "a line must be TYPE START END ATTR"},
        {"x 0x0 0x1000 0xf", "TYPE must be a decimal number of 32 bits"},
        {"-1 0x0 0x1000 0xf", "TYPE must be a decimal number of 32 bits"},
        {"4294967296 0x0 0x1000 0xf", "TYPE must be a decimal number of 32 bits"},
        {"7 0 0x1000 0xf", "START must be a hex number of 64 bits, 0x..."},
        {"7 0x 0x1000 0xf", "START must be a hex number of 64 bits, 0x..."},
        {"7 0x0 0x1000g 0xf", "END must be a hex number of 64 bits, 0x..."},
        {"7 0x0 0x10000000000000000 0xf", "END must be a hex number of 64 bits, 0x..."},
        {"7 0x2000 0x1000 0xf", "END must not be below START"},
        {"7 0x0 0x1000 0x-1", "ATTR must be a hex number of 64 bits, 0x..., or - for unknown"},
        {"7 0x0 0x1000 --", "ATTR must be a hex number of 64 bits, 0x..., or - for unknown"},
    };
    struct entry e;
    char line[LINE_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        snprintf(line, sizeof line, "%s", lines[i][0]);
        const char *error = read_line(line, &e);
        check(error != NULL && strcmp(error, lines[i][1]) == 0, "\"%s\" gives \"%s\"", lines[i][0],
              error != NULL ? error : "no error");
    }
    snprintf(line, sizeof line, "4294967295 0x1000 0xffffffffffffffff -\n");
    check(read_line(line, &e) == NULL, "a good line is refused");
    equal("type", e.type, UINT32_MAX);
    equal("base", e.base, 0x1000);
    equal("end", e.end, UINT64_MAX);
    equal("an unknown attribute", e.attributes, UEFI_WB);
    finish("bad lines");
}

/* --- the folder ------------------------------------------------------------------------------- */

static size_t count_maps(const char *folder)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return 0;
    for (struct dirent *d = readdir(dir); d != NULL; d = readdir(dir)) {
        size_t length = strlen(d->d_name);
        count += length > 4 && strcmp(d->d_name + length - 4, ".map") == 0;
    }
    closedir(dir);
    return count;
}

static FILE *open_expected(const char *folder)
{
    char path[LINE_SIZE];
    snprintf(path, sizeof path, "%s/expected.tsv", folder);
    return fopen(path, "r");
}

static const char *find_folder(int argc, char **argv)
{
    static const char *const places[] = {"tests/data/maps", "../tests/data/maps",
                                         "../../tests/data/maps", "../data/maps"};
    if (argc > 1)
        return argv[1];
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (count_maps(places[i]) > 0)
            return places[i];
    return places[0];
}

static void test_folder(const char *folder, FILE *f)
{
    char line[2 * LINE_SIZE];
    struct expected e;
    size_t rows = 0;
    bool head = fgets(line, sizeof line, f) != NULL &&
                strncmp(line, EXPECTED_HEAD, strlen(EXPECTED_HEAD)) == 0;
    check(head, "expected.tsv has other columns than this program knows; run totals.py");
    while (head && fgets(line, sizeof line, f) != NULL) {
        rows++;
        if (check(read_expected(line, &e), "row %zu of expected.tsv cannot be read", rows))
            test_map(folder, &e);
        else
            finish("expected.tsv");
    }
    equal("maps in the folder, against rows of expected.tsv (run totals.py)", count_maps(folder),
          rows);
    check(rows > 0, "there is no map to test");
    finish("expected.tsv");
}

int main(int argc, char **argv)
{
    const char *folder = find_folder(argc, argv);
    FILE *f = open_expected(folder);
    test_bad_lines();
    if (f != NULL) {
        test_folder(folder, f);
        fclose(f);
    } else {
        check(false, "%s/expected.tsv cannot be read; run this from the project's folder", folder);
        finish(folder);
    }
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", passed, failed);
    return failed != 0 || passed == 0;
}
