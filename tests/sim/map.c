/* `memsim map`: what the allocator makes of a map, for people and as JSON. */
#include "tests/sim/desk.h"

#include <inttypes.h>
#include <string.h>

/* ---- for people ---- */

static void print_styles(FILE *f, uint32_t styles, const char *between)
{
    const char *before = "";
    for (unsigned s = 0; s < STYLE_COUNT; s++) {
        if ((styles & 1u << s) == 0)
            continue;
        fprintf(f, "%s%s", before, reader_style_name((enum reader_style)s));
        before = between;
    }
}

static void print_source(const struct reader *r, const char *path)
{
    printf("file: %s\n", path);
    if (r->machine[0] != '\0')
        printf("machine: %s\n", r->machine);
    printf("style: ");
    print_styles(stdout, r->styles, ", ");
    printf("\nlines: %" PRIu64 " in all, %zu entries taken (lines %u to %u), %" PRIu64
           " ignored, %" PRIu64 " skipped\n",
           r->lines, r->count, r->first_line, r->last_line, r->ignored, r->skipped);
    if (r->taken != 0 && r->maps > 1)
        printf("maps: %zu lists in the file that overlap (boots, one map twice, what Linux keeps): "
               "number %zu was taken\n",
               r->maps, r->taken);
    if (r->taken == 0)
        printf("maps: %zu pieces that do not overlap, joined to one map\n", r->parts);
    if (r->partial)
        printf("partial: %s\n", r->missing > 0 ? "lines of the list are missing, see below"
                                               : "the file says that its log was cut");
}

static void print_notes(const struct reader *r)
{
    for (size_t i = 0; i < r->note_count; i++)
        printf("line %u %s\n", r->notes[i].line, r->notes[i].text);
    uint64_t shown = r->note_count - r->about_count;
    if (r->skipped + r->odd > shown)
        printf("... and %" PRIu64 " lines more like these\n", r->skipped + r->odd - shown);
}

static void print_regions_of_map(const struct desk *d)
{
    printf("\ncleaned map: %zu regions\n", d->map.count);
    for (size_t i = 0; i < d->map.count; i++) {
        const struct mem_region *r = &d->map.regions[i];
        if (i > 0 && mem_region_end(r - 1) != r->base)
            printf("  %34s %12s  (hole)\n", "", HUMAN(r->base - mem_region_end(r - 1)));
        printf("  %016" PRIx64 "  %016" PRIx64 " %10s  %s%s%s\n", r->base, mem_region_end(r),
               HUMAN(r->size), mem_type_name(r->type), r->label != NULL ? ": " : "",
               r->label != NULL ? r->label : "");
    }
}

static void print_anomalies(const struct desk *d)
{
    uint64_t total = 0;
    for (unsigned k = 0; k < MEMMAP_ANOMALY_COUNT; k++)
        total += k != MEMMAP_LOW ? d->map.anomalies[k] : 0;
    printf("\nentries with RAM in the first MiB, which is not used: %" PRIu64 "\n",
           d->map.anomalies[MEMMAP_LOW]);
    printf("anomalies: %" PRIu64 "\n", total);
    for (unsigned k = 0; k < MEMMAP_ANOMALY_COUNT; k++)
        if (d->map.anomalies[k] != 0 && k != MEMMAP_LOW)
            printf("  %6" PRIu64 "  %s\n", d->map.anomalies[k],
                   memmap_anomaly_text((enum memmap_anomaly)k));
    for (size_t i = 0; i < d->anomaly_count; i++)
        printf("  %s: base %016" PRIx64 ", size %" PRIx64 "\n",
               memmap_anomaly_text(d->anomalies[i].kind), d->anomalies[i].base,
               d->anomalies[i].size);
    if (total > d->anomaly_count)
        printf("  ... and %" PRIu64 " more\n", total - d->anomaly_count);
}

static void print_kinds(const struct desk *d)
{
    printf("\nkinds:\n");
    for (unsigned t = 0; t < MEM_TYPE_COUNT; t++)
        if (d->type_pages[t] != 0)
            printf("  %-18s %14" PRIu64 " pages %10s\n", mem_type_name((enum mem_type)t),
                   d->type_pages[t], HUMAN(d->type_pages[t] * HAL_PAGE_SIZE));
}

static void print_zones(const struct desk *d)
{
    printf("\nzones:\n");
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++)
        printf("  %-18s %14" PRIu64 " pages %10s\n", pmm_zone_name((enum pmm_zone)z),
               d->zone_pages[z], HUMAN(d->zone_pages[z] * HAL_PAGE_SIZE));
    printf("\nregions: %zu\n", d->region_count);
    for (size_t i = 0; i < d->region_count; i++)
        printf("  %016" PRIx64 " %14" PRIu64 " pages %10s  %s\n", d->regions[i].base,
               d->regions[i].pages, HUMAN(d->regions[i].pages * HAL_PAGE_SIZE),
               pmm_zone_name(d->regions[i].zone));
}

static void print_metadata(const struct desk *d)
{
    double bits = d->pages == 0 ? 0 : (double)d->tables_bytes * 8 / (double)d->pages;
    printf("\nmetadata: %" PRIu64 " pages (%s), %.2f bits a page\n", d->metadata_pages,
           HUMAN(d->metadata_pages * HAL_PAGE_SIZE), bits);
    printf("init: %" PRIu64 " ns (median of %d), map cleaned in %" PRIu64 " ns, reclaim %" PRIu64
           " ns\n",
           d->init_ns, DESK_INITS, d->normalize_ns, d->reclaim_ns);
}

static void print_audit(const struct desk *d, const char *problem)
{
    printf("audit: %" PRIu64 " usable = %" PRIu64 " owned by the allocator + %" PRIu64 " tables",
           d->usable_pages, d->pages, d->metadata_pages);
    if (d->beyond_pages > 0)
        printf(" + %" PRIu64 " beyond the direct map, never used", d->beyond_pages);
    printf(": %s\n", problem == NULL ? "equal" : problem);
}

static void print_human(const struct reader *r, const struct desk *d, const char *path,
                        const char *problem)
{
    print_source(r, path);
    print_notes(r);
    print_regions_of_map(d);
    print_anomalies(d);
    print_kinds(d);
    desk_print_ram(d, r);
    desk_print_nodes(d);
    print_zones(d);
    print_metadata(d);
    print_audit(d, problem);
}

/* ---- JSON ---- */

static void json_text(const char *key, const char *text)
{
    printf("  \"%s\": ", key);
    print_json_string(stdout, text);
    printf(",\n");
}

static void json_number(const char *key, uint64_t value)
{
    printf("  \"%s\": %" PRIu64 ",\n", key, value);
}

static void json_source(const struct reader *r, const char *path)
{
    json_text("file", path);
    json_text("machine", r->machine);
    printf("  \"styles\": [\"");
    print_styles(stdout, r->styles, "\", \"");
    printf("\"],\n  \"partial\": %s,\n", r->partial ? "true" : "false");
    json_number("lines", r->lines);
    json_number("entries", r->count);
    json_number("joined_lines", r->joined);
    json_number("ignored_lines", r->ignored);
    json_number("skipped_lines", r->skipped);
    json_number("maps", r->maps);
    json_number("map_taken", r->taken);
    json_number("first_line", r->first_line);
    json_number("last_line", r->last_line);
}

static void json_notes(const struct reader *r)
{
    printf("  \"notes\": [");
    for (size_t i = 0; i < r->note_count; i++) {
        printf("%s{\"line\": %u, \"text\": ", i == 0 ? "" : ", ", r->notes[i].line);
        print_json_string(stdout, r->notes[i].text);
        printf("}");
    }
    printf("],\n");
}

static const struct desk_anomaly *first_of(const struct desk *d, enum memmap_anomaly kind)
{
    for (size_t i = 0; i < d->anomaly_count; i++)
        if (d->anomalies[i].kind == kind)
            return &d->anomalies[i];
    return NULL;
}

static void json_anomalies(const struct desk *d)
{
    const char *before = "";
    printf("  \"anomalies\": [");
    for (unsigned k = 0; k < MEMMAP_ANOMALY_COUNT; k++) {
        if (d->map.anomalies[k] == 0)
            continue;
        const struct desk_anomaly *a = first_of(d, (enum memmap_anomaly)k);
        printf("%s{\"kind\": \"%s\", \"count\": %" PRIu64, before,
               memmap_anomaly_text((enum memmap_anomaly)k), d->map.anomalies[k]);
        if (a != NULL)
            printf(", \"first_base\": %" PRIu64 ", \"first_size\": %" PRIu64, a->base, a->size);
        printf("}");
        before = ", ";
    }
    printf("],\n");
}

static void json_zones(const struct desk *d)
{
    printf("  \"zones\": [");
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++)
        printf("%s{\"name\": \"%s\", \"pages\": %" PRIu64 "}", z == 0 ? "" : ", ",
               pmm_zone_name((enum pmm_zone)z), d->zone_pages[z]);
    printf("],\n");
}

static void json_regions(const struct desk *d)
{
    printf("  \"regions\": [");
    for (size_t i = 0; i < d->region_count; i++)
        printf("%s\n    {\"base\": %" PRIu64 ", \"pages\": %" PRIu64 ", \"zone\": \"%s\"}",
               i == 0 ? "" : ",", d->regions[i].base, d->regions[i].pages,
               pmm_zone_name(d->regions[i].zone));
    printf("],\n");
}

/* The cleaned map with its owners, as it is drawn. */
static void json_map(const struct desk *d)
{
    printf("  \"map\": [");
    for (size_t i = 0; i < d->map.count; i++) {
        const struct mem_region *r = &d->map.regions[i];
        printf("%s\n    {\"base\": %" PRIu64 ", \"pages\": %" PRIu64
               ", \"kind\": \"%s\", \"label\": ",
               i == 0 ? "" : ",", r->base, r->size >> HAL_PAGE_SHIFT, mem_type_name(r->type));
        print_json_string(stdout, r->label != NULL ? r->label : "");
        printf("}");
    }
    printf("],\n");
}

static void json_kinds(const struct desk *d)
{
    const char *before = "";
    printf("  \"kinds\": {");
    for (unsigned t = 0; t < MEM_TYPE_COUNT; t++) {
        if (d->type_pages[t] == 0)
            continue;
        printf("%s\"%s\": %" PRIu64, before, mem_type_name((enum mem_type)t), d->type_pages[t]);
        before = ", ";
    }
    printf("},\n");
}

static void print_json(const struct reader *r, const struct desk *d, const char *path,
                       const char *problem)
{
    printf("{\n");
    json_number("usable_pages", d->usable_pages);
    json_number("pages", d->pages);
    json_number("beyond_pages", d->beyond_pages);
    json_number("metadata_pages", d->metadata_pages);
    json_number("metadata_bytes", d->tables_bytes);
    json_number("init_ns", d->init_ns);
    json_number("normalize_ns", d->normalize_ns);
    json_number("reclaim_ns", d->reclaim_ns);
    json_zones(d);
    json_kinds(d);
    json_map(d);
    desk_json_ram(d, r);
    desk_json_nodes(d);
    json_regions(d);
    json_anomalies(d);
    json_source(r, path);
    json_notes(r);
    printf("  \"audit\": ");
    print_json_string(stdout, problem == NULL ? "equal" : problem);
    printf("\n}\n");
}

/* ---- the command ---- */

static int run_map(struct reader *r, struct desk *d, const char *path, bool json)
{
    if (!sim_read(r, d, path))
        return 1;
    if (d->usable_pages == 0)
        return sim_fail("the map in %s has no usable memory", path);
    const char *problem = desk_start(d);
    if (problem != NULL)
        return sim_fail("no page allocator for the map in %s: %s", path, problem);
    problem = desk_audit(d);
    if (json)
        print_json(r, d, path, problem);
    else
        print_human(r, d, path, problem);
    return problem == NULL ? 0 : sim_fail("the audit failed: %s", problem);
}

int sim_map(int argc, char **argv)
{
    const char *path = NULL;
    bool json = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (path != NULL || (argv[i][0] == '-' && argv[i][1] != '\0'))
            return sim_usage();
        else
            path = argv[i];
    }
    if (path == NULL)
        return sim_usage();
    struct reader r;
    struct desk d;
    int status = run_map(&r, &d, path, json);
    desk_free(&d);
    reader_free(&r);
    return status;
}
