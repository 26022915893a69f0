#include "kernel/machine/tree/device_tree.h"
#include "hal/short.h"
#include "kernel/machine/tree/cpu_list.h"
#include "kernel/machine/tree/distances.h"
#include "kernel/machine/tree/fdt.h"

#define DEPTH_MAX 12u /* nodes within nodes: what lies deeper is passed over */
#define PATH_MAX  128u

struct property {
    const unsigned char *value; /* NULL: there is none */
    uint32_t size;
};

/* A node on the way from the root to where the reader is. */
struct node {
    const char *name;
    uint32_t address_cells, size_cells; /* of its children's `reg` */
    bool met;                           /* its properties are complete, and were looked at */
    struct property reg, ranges, compatible, type, status, method, domain, regions, matrix, shift;
};

struct reader {
    struct acpi *acpi;
    const struct device_tree_view *view;
    struct node node[DEPTH_MAX];
    uint32_t depth; /* of the node that is open; 0: none, 1: the root */
    bool filling;   /* the second time: what was counted, into its list */
    bool far_off;   /* distances that cannot be used */
    uint32_t pairs; /* distances that can */
    char console[PATH_MAX];
};

/* --- text --- */

static bool same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* A node's name without what follows '@'. */
static bool is_named(const struct node *n, const char *name)
{
    const char *p = n->name;
    while (*name != '\0' && *p == *name) {
        p++;
        name++;
    }
    return *name == '\0' && (*p == '\0' || *p == '@');
}

/* Does a list of texts, one NUL after the other, have this one? */
static bool lists(struct property p, const char *word)
{
    for (uint32_t at = 0; at < p.size;) {
        uint32_t length = 0;
        while (at + length < p.size && p.value[at + length] != '\0')
            length++;
        if (at + length == p.size)
            return false;
        if (same((const char *)p.value + at, word))
            return true;
        at += length + 1;
    }
    return false;
}

static bool is_enabled(const struct node *n)
{
    return n->status.value == NULL || lists(n->status, "okay") || lists(n->status, "ok");
}

static uint32_t number(struct property p, uint32_t without)
{
    return p.size == 4 ? (uint32_t)fdt_cells(p.value, 1) : without;
}

/* --- addresses --- */

/* An address of the bus that node `at` is, as its parent has it. */
static bool translate_once(const struct reader *r, uint32_t at, uint64_t *address)
{
    const struct node *bus = &r->node[at];
    uint32_t parent = r->node[at - 1].address_cells;
    uint32_t own = bus->address_cells, bytes = 4 * (own + parent + bus->size_cells);
    if (bus->ranges.value == NULL || bytes == 0)
        return false;
    if (bus->ranges.size == 0) /* the same addresses */
        return true;
    for (uint32_t i = 0; bus->ranges.size - i >= bytes; i += bytes) {
        const unsigned char *range = bus->ranges.value + i;
        uint64_t offset = *address - fdt_cells(range, own);
        if (offset >= fdt_cells(range + 4 * (own + parent), bus->size_cells))
            continue;
        *address = fdt_cells(range + 4 * own, parent) + offset;
        return true;
    }
    return false;
}

/* Entry `which` of the open node's `reg`, as the CPU sees it. */
static bool take_reg(const struct reader *r, uint32_t which, uint64_t *base, uint64_t *size)
{
    const struct node *n = &r->node[r->depth - 1];
    if (r->depth < 2)
        return false;
    const struct node *parent = n - 1;
    uint64_t entry = 4 * ((uint64_t)parent->address_cells + parent->size_cells);
    if (entry == 0 || (which + (uint64_t)1) * entry > n->reg.size)
        return false;
    const unsigned char *at = n->reg.value + which * entry;
    *base = fdt_cells(at, parent->address_cells);
    *size = fdt_cells(at + 4 * (size_t)parent->address_cells, parent->size_cells);
    bool seen = true;
    for (uint32_t i = r->depth - 2; i > 0 && seen; i--)
        seen = translate_once(r, i, base);
    return seen && *base + *size >= *base;
}

/* --- what nodes say --- */

static void meet_cpu(struct reader *r, const struct node *n)
{
    struct acpi *a = r->acpi;
    const struct node *cpus = n - 1;
    uint32_t cells = cpus->address_cells;
    if (!lists(n->type, "cpu") || cells == 0 || n->reg.size < 4 * (uint64_t)cells)
        return;
    uint64_t mpidr = fdt_cells(n->reg.value, cells);
    if (!is_enabled(n))
        a->cpus_spare += !r->filling;
    else if (!r->filling)
        a->cpus++;
    else if (a->cpu != NULL)
        a->cpu[a->cpu_count++] =
            (struct acpi_cpu){.id = cpu_list_id(mpidr), .uid = number(n->domain, ACPI_NO_NODE)};
}

static void meet_memory(struct reader *r, const struct node *n)
{
    struct acpi *a = r->acpi;
    struct acpi_range range = {.node = number(n->domain, 0)};
    if (!lists(n->type, "memory") || n->domain.value == NULL || !is_enabled(n))
        return;
    for (uint32_t i = 0; take_reg(r, i, &range.base, &range.size); i++) {
        a->has_srat = true;
        if (range.size == 0 || (r->filling && a->range == NULL))
            continue;
        if (r->filling)
            a->range[a->range_count] = range;
        a->range_count++;
    }
}

static void meet_reserved(struct reader *r)
{
    uint64_t base, size;
    for (uint32_t i = 0; take_reg(r, i, &base, &size); i++)
        if (size != 0)
            r->view->reserve(r->view->ctx, base, size);
}

static void meet_psci(struct acpi *a, const struct node *n)
{
    if (!lists(n->compatible, "arm,psci-0.2") && !lists(n->compatible, "arm,psci-1.0"))
        return;
    a->psci_by_hvc = lists(n->method, "hvc");
    a->psci = a->psci_by_hvc || lists(n->method, "smc");
}

static void meet_gicv3(struct reader *r, const struct node *n)
{
    struct acpi *a = r->acpi;
    uint64_t base, size;
    if (!take_reg(r, 0, &base, &size))
        return;
    a->gic_version = 3;
    a->gic_distributor = base;
    for (uint32_t i = 1; i <= number(n->regions, 1) && take_reg(r, i, &base, &size); i++) {
        if (a->redistributors < ACPI_REDISTRIBUTORS_MAX && size <= UINT32_MAX)
            a->redistributor[a->redistributors] = (struct acpi_gicr){base, (uint32_t)size};
        a->redistributors++;
    }
}

static void meet_gicv2(struct reader *r)
{
    struct acpi *a = r->acpi;
    uint64_t base, interface, size;
    if (!take_reg(r, 0, &base, &size) || !take_reg(r, 1, &interface, &size))
        return;
    a->gic_version = 2;
    a->gic_distributor = base;
    a->gic_cpu_interface = interface;
}

static void meet_controller(struct reader *r, const struct node *n)
{
    static const char *const known[] = {"arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a9-gic",
                                        "arm,cortex-a7-gic"};
    if (r->acpi->gic_version != 0 || !is_enabled(n))
        return;
    if (lists(n->compatible, "arm,gic-v3"))
        meet_gicv3(r, n);
    for (size_t i = 0; i < ARRAY_LEN(known) && r->acpi->gic_version == 0; i++)
        if (lists(n->compatible, known[i]))
            meet_gicv2(r);
}

static void meet_distances(struct reader *r, const struct node *n)
{
    if (!lists(n->compatible, "numa-distance-map-v1"))
        return;
    uint32_t pairs = distances_count(n->matrix.value, n->matrix.size);
    r->far_off |= pairs == 0;
    if (!r->filling)
        r->pairs += pairs;
    else if (r->acpi->distance.pair != NULL)
        distances_read(&r->acpi->distance, n->matrix.value, n->matrix.size);
}

/* Is the open node the one at that path? */
static bool is_at(const struct reader *r, const char *path)
{
    for (uint32_t i = 1; i < r->depth; i++) {
        if (*path++ != '/')
            return false;
        for (const char *name = r->node[i].name; *name != '\0'; name++)
            if (*path++ != *name)
                return false;
    }
    return *path == '\0' && r->depth > 1;
}

/* Codes as an SPCR has them (kernel/serial/spcr.h). Registers of a 16550 lie 1 << reg-shift bytes
 * apart, and are as wide here. */
static void meet_console(struct reader *r, const struct node *n)
{
    uint64_t base, size;
    if (!is_at(r, r->console) || !take_reg(r, 0, &base, &size))
        return;
    r->acpi->serial = (struct acpi_address){base, ACPI_MEMORY};
    r->acpi->serial_kind = lists(n->compatible, "arm,pl011")       ? 0x03
                           : lists(n->compatible, "arm,sbsa-uart") ? 0x0E
                           : lists(n->compatible, "ns16550a")      ? 0x12
                           : lists(n->compatible, "ns16550")       ? 0x12
                                                                   : 0xFF;
    r->acpi->serial_access = (uint8_t)(1 + hal_min_u64(number(n->shift, 0), 3));
}

/* The open node's properties are complete. */
static void meet(struct reader *r)
{
    struct node *n = &r->node[r->depth - 1];
    if (n->met)
        return;
    n->met = true;
    if (r->depth == 3 && is_named(&r->node[1], "cpus"))
        meet_cpu(r, n);
    if (r->depth == 2)
        meet_memory(r, n);
    meet_distances(r, n);
    if (r->filling)
        return;
    if (r->depth == 3 && is_named(&r->node[1], "reserved-memory"))
        meet_reserved(r);
    meet_psci(r->acpi, n);
    meet_controller(r, n);
    meet_console(r, n);
}

/* --- walking --- */

static void note_property(struct node *n, const struct fdt_item *item)
{
    const struct {
        const char *name;
        struct property *to;
    } wanted[] = {
        {"reg", &n->reg},
        {"ranges", &n->ranges},
        {"compatible", &n->compatible},
        {"status", &n->status},
        {"method", &n->method},
        {"device_type", &n->type},
        {"numa-node-id", &n->domain},
        {"#redistributor-regions", &n->regions},
        {"distance-matrix", &n->matrix},
        {"reg-shift", &n->shift},
    };
    struct property p = {item->value, item->size};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        if (same(item->name, wanted[i].name))
            *wanted[i].to = p;
    if (same(item->name, "#address-cells"))
        n->address_cells = (uint32_t)hal_min_u64(number(p, 2), 4);
    if (same(item->name, "#size-cells"))
        n->size_cells = (uint32_t)hal_min_u64(number(p, 1), 4);
}

static void open_node(struct reader *r, const char *name)
{
    if (r->depth > 0 && r->depth <= DEPTH_MAX)
        meet(r);
    if (r->depth < DEPTH_MAX)
        r->node[r->depth] = (struct node){.name = name, .address_cells = 2, .size_cells = 1};
    r->depth++;
}

/* False: no node is open that could end. */
static bool close_node(struct reader *r)
{
    if (r->depth == 0)
        return false;
    if (r->depth <= DEPTH_MAX)
        meet(r);
    r->depth--;
    return true;
}

static const char *walk(struct reader *r, const struct fdt *f)
{
    r->depth = 0;
    for (uint32_t at = 0;;) {
        struct fdt_item item = fdt_next(f, &at);
        bool open = r->depth > 0 && r->depth <= DEPTH_MAX;
        if (item.kind == FDT_ITEM_END && r->depth == 0)
            return NULL;
        if (item.kind == FDT_ITEM_NODE)
            open_node(r, item.name);
        else if (item.kind == FDT_ITEM_PROPERTY && open)
            note_property(&r->node[r->depth - 1], &item);
        else if (item.kind == FDT_ITEM_END_NODE ? !close_node(r) : item.kind != FDT_ITEM_PROPERTY)
            return "it ends before it should; what came before counts";
    }
}

/* Copy a path up to ':' or its end; "" where it does not fit or has no end. */
static void copy_path(char to[PATH_MAX], const struct fdt_item *item)
{
    uint32_t i = 0;
    while (i < item->size && i + 1 < PATH_MAX && item->value[i] != '\0' && item->value[i] != ':') {
        to[i] = (char)item->value[i];
        i++;
    }
    to[i < item->size && i + 1 < PATH_MAX ? i : 0] = '\0';
}

/* The value of a property of a node below the root. */
static void find_path(const struct fdt *f, const char *node, const char *property,
                      char to[PATH_MAX])
{
    uint32_t depth = 0;
    bool inside = false;
    struct fdt_item item;
    for (uint32_t at = 0;;) {
        item = fdt_next(f, &at);
        if (item.kind == FDT_ITEM_DAMAGED || item.kind == FDT_ITEM_END)
            return;
        if (item.kind == FDT_ITEM_NODE)
            inside = ++depth == 2 && same(item.name, node);
        else if (item.kind == FDT_ITEM_END_NODE)
            inside = false, depth--;
        else if (inside && depth == 2 && same(item.name, property))
            copy_path(to, &item);
    }
}

/* A path, or the name of an alias for one. */
static void find_console(struct reader *r, const struct fdt *f)
{
    char named[PATH_MAX] = "";
    find_path(f, "chosen", "stdout-path", named);
    r->console[0] = '\0';
    if (named[0] == '/')
        __builtin_memcpy(r->console, named, PATH_MAX);
    else if (named[0] != '\0')
        find_path(f, "aliases", named, r->console);
}

static void *take_list(const struct reader *r, uint64_t count, uint64_t size)
{
    return count != 0 ? r->view->take(r->view->ctx, count * size) : NULL;
}

/* CPUs, ranges and distances are counted first, and then there is memory for as many. False: for the
 * latter two there is not. */
static bool fill_lists(struct reader *r, const struct fdt *f)
{
    struct acpi *a = r->acpi;
    uint32_t ranges = a->range_count, pairs = r->far_off ? 0 : r->pairs;
    a->has_madt = a->cpus != 0;
    a->cpu = take_list(r, a->cpus, sizeof *a->cpu);
    a->range = take_list(r, ranges, sizeof *a->range);
    a->distance.pair = take_list(r, pairs, sizeof *a->distance.pair);
    a->range_count = 0;
    r->filling = true;
    (void)walk(r, f);
    if (a->cpu != NULL)
        cpu_list_close(a);
    for (uint32_t i = 0; a->cpu != NULL && i < a->cpu_count; i++)
        a->cpu[i].node = a->cpu[i].uid;
    return a->range_count == ranges && a->distance.count == pairs;
}

const char *device_tree_read(struct acpi *a, const struct device_tree_view *view,
                             const unsigned char *bytes, uint32_t size)
{
    struct fdt f;
    struct reader r = {.acpi = a, .view = view};
    *a = (struct acpi){.tables = 0};
    const char *wrong = fdt_open(&f, bytes, size);
    if (wrong != NULL)
        return wrong;
    find_console(&r, &f);
    for (uint32_t i = 0; i < f.reservation_count; i++) {
        struct fdt_reservation v = fdt_reservation(&f, i);
        if (v.size != 0 && v.base + v.size > v.base)
            view->reserve(view->ctx, v.base, v.size);
    }
    wrong = walk(&r, &f);
    if (!fill_lists(&r, &f) && wrong == NULL)
        wrong = "there is no memory for its lists of nodes; all else counts";
    if (r.far_off && wrong == NULL)
        wrong = "its distances of nodes contradict themselves and are not used; all else counts";
    return wrong;
}
