/* Which node has which memory, by the kernel's own rules (kernel/machine/nodes.h). Contract:
 * desk.h. */
#include "tests/sim/desk.h"

#include <inttypes.h>
#include <stdlib.h>

static void add_range(struct acpi *acpi, const struct reader_range *r)
{
    if (r->size == 0) /* a filler */
        return;
    acpi->range[acpi->range_count++] = (struct acpi_range){
        .base = r->base,
        .size = hal_min_u64(r->size, UINT64_MAX - r->base),
        .node = r->node,
        .hot_plug = r->hot_plug,
    };
}

/* Pages that the allocator may get, now or at reclaim. */
static void count_region(struct desk_nodes *n, const struct mem_region *r)
{
    hal_paddr_t until;
    for (hal_paddr_t at = r->base; at < mem_region_end(r); at = until) {
        uint32_t node = nodes_at(&n->kernel, at, &until);
        until = hal_min_u64(until, mem_region_end(r));
        n->usable_pages[node] += (until - at) >> HAL_PAGE_SHIFT;
    }
}

/* Does a range claim a page that an earlier one of another node has? */
static bool is_disputed(const struct nodes *n, const struct acpi_range *r)
{
    hal_paddr_t until;
    for (hal_paddr_t at = r->base; at < r->base + r->size && !r->hot_plug; at = until)
        if (n->domain[nodes_at(n, at, &until)] != r->node)
            return true;
    return false;
}

/* Until the program ends. */
static void *take(uint64_t size)
{
    return calloc(1, size);
}

static bool fill(struct desk_nodes *n, const struct acpi *acpi, const struct memmap *map)
{
    nodes_make(&n->kernel, acpi, map, take);
    n->usable_pages = take(n->kernel.count * sizeof *n->usable_pages);
    if (n->usable_pages == NULL)
        return false;
    for (size_t i = 0; i < map->count; i++)
        if (mem_type_is_allocatable(map->regions[i].type))
            count_region(n, &map->regions[i]);
    for (uint32_t i = 0; i < acpi->range_count; i++)
        n->disputed += n->kernel.wrong == NULL && is_disputed(&n->kernel, &acpi->range[i]);
    return true;
}

const char *desk_place(struct desk *d, const struct reader *r)
{
    if (r->range_count == 0)
        return NULL;
    struct acpi *acpi = calloc(1, sizeof *acpi);
    d->nodes = calloc(1, sizeof *d->nodes);
    struct acpi_range *ranges = calloc(r->range_count, sizeof *ranges);
    bool done = acpi != NULL && ranges != NULL && d->nodes != NULL;
    if (done) {
        acpi->has_srat = true;
        acpi->range = ranges;
        for (size_t i = 0; i < r->range_count; i++)
            add_range(acpi, &r->ranges[i]);
        done = fill(d->nodes, acpi, &d->map);
    }
    free(ranges);
    free(acpi);
    return done ? NULL : "its nodes do not fit in this computer's memory";
}

/* ---- for people ---- */

static void print_node(const struct desk_nodes *n, uint32_t node)
{
    const struct nodes *k = &n->kernel;
    printf("  node %-13" PRIu32 " %14" PRIu64 " pages %10s of RAM, %" PRIu64 " of them usable\n",
           k->domain[node], k->ram[node] >> HAL_PAGE_SHIFT, HUMAN(k->ram[node]),
           n->usable_pages[node]);
    for (uint32_t i = 0; i < k->range_count; i++)
        if (k->range[i].node == node)
            printf("    %016" PRIx64 "  %016" PRIx64 " %10s\n", k->range[i].base, k->range[i].end,
                   HUMAN(k->range[i].end - k->range[i].base));
}

void desk_print_nodes(const struct desk *d)
{
    const struct desk_nodes *n = d->nodes;
    if (n == NULL)
        return;
    printf("\nnodes:\n");
    if (n->kernel.wrong != NULL)
        printf("  one only: %s\n", n->kernel.wrong);
    for (uint32_t i = 0; i < n->kernel.count; i++)
        print_node(n, i);
    if (n->kernel.unplaced != 0)
        printf("  no range holds %s of this RAM: node %" PRIu32 " has it\n",
               HUMAN(n->kernel.unplaced), n->kernel.domain[0]);
    if (n->disputed != 0)
        printf("  %" PRIu64 " ranges overlap one of another node: the first counts\n", n->disputed);
}

/* ---- JSON ---- */

static void json_node(const struct desk_nodes *n, uint32_t node)
{
    const struct nodes *k = &n->kernel;
    const char *before = "";
    printf("%s\n    {\"node\": %" PRIu32 ", \"ram_pages\": %" PRIu64 ", \"usable_pages\": %" PRIu64
           ", \"ranges\": [",
           node == 0 ? "" : ",", k->domain[node], k->ram[node] >> HAL_PAGE_SHIFT,
           n->usable_pages[node]);
    for (uint32_t i = 0; i < k->range_count; i++) {
        if (k->range[i].node != node)
            continue;
        printf("%s{\"base\": %" PRIu64 ", \"pages\": %" PRIu64 "}", before, k->range[i].base,
               (k->range[i].end - k->range[i].base) >> HAL_PAGE_SHIFT);
        before = ", ";
    }
    printf("]}");
}

void desk_json_nodes(const struct desk *d)
{
    const struct desk_nodes *n = d->nodes;
    printf("  \"nodes\": [");
    for (uint32_t i = 0; n != NULL && i < n->kernel.count; i++)
        json_node(n, i);
    printf("],\n  \"unplaced_pages\": %" PRIu64 ",\n  \"disputed_ranges\": %" PRIu64 ",\n",
           n == NULL ? 0 : n->kernel.unplaced >> HAL_PAGE_SHIFT, n == NULL ? 0 : n->disputed);
}
