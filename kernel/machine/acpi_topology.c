#include "kernel/machine/acpi_topology.h"
#include "hal/short.h"
#include "kernel/machine/heap.h"
#include "kernel/machine/tree/cpu_list.h"

#define MADT_ENTRIES 44u
#define MADT_BASE    36u
#define SRAT_ENTRIES 48u
#define SLIT_COUNT   36u
#define SLIT_MATRIX  44u
#define REVISION     8u

enum {
    MADT_APIC = 0,
    MADT_IO_APIC = 1,
    MADT_BASE_64 = 5,
    MADT_X2APIC = 9,
    MADT_GICC = 11,
    MADT_GICD = 12,
    MADT_GICR = 14,
    MADT_WAKEUP = 16
};
enum { SRAT_APIC = 0, SRAT_MEMORY = 1, SRAT_X2APIC = 2, SRAT_GICC = 3 };

#define ENABLED       1u
#define CAN_BE_LATER  2u /* in a CPU's flags */
#define HOT_PLUG      2u
#define APIC_NOBODY   0xFFu /* broadcast: the id of no CPU */
#define X2APIC_NOBODY 0xFFFFFFFFu

/* --- the list of CPUs: filled in the table's order, then sorted --- */

/* Until the list is complete `node` is 1 for an x2APIC entry and 0 for any other. */
static void add_cpu(struct acpi *a, uint32_t flags, struct acpi_cpu cpu)
{
    if ((flags & ENABLED) != 0) {
        if (a->cpu != NULL)
            a->cpu[a->cpu_count++] = cpu;
        else
            a->cpus++;
    } else if (a->cpu == NULL) {
        if (a->cpus_spare < ACPI_SPARE_MAX)
            a->spare[a->cpus_spare] = cpu.id;
        a->cpus_spare++;
        a->cpus_later += (flags & CAN_BE_LATER) != 0;
    }
}

static void add_mailbox(struct acpi *a, hal_paddr_t at)
{
    if (a->mailbox == 0)
        a->mailbox = at;
}

static struct acpi_cpu cpu_of_gicc(const unsigned char *entry)
{
    return (struct acpi_cpu){.id = cpu_list_id(load64(entry + 68)),
                             .uid = load32(entry + 8),
                             .redistributor = load64(entry + 60)};
}

/* Up to ACPI 5.0 the version was not told, and there was no other. */
static void set_gicd(struct acpi *a, const unsigned char *entry)
{
    a->gic_distributor = load64(entry + 8);
    a->gic_version = entry[20] != 0 ? entry[20] : 2;
}

static void add_gicr(struct acpi *a, const unsigned char *entry)
{
    if (a->redistributors < ACPI_REDISTRIBUTORS_MAX)
        a->redistributor[a->redistributors] =
            (struct acpi_gicr){load64(entry + 4), load32(entry + 12)};
    a->redistributors++;
}

static void add_io_apic(struct acpi *a, hal_paddr_t at)
{
    if (a->io_apics < ACPI_IO_APICS_MAX)
        a->io_apic[a->io_apics] = at;
    a->io_apics++;
}

static enum acpi_fault madt_cpu(struct acpi *a, const struct acpi_entry *e)
{
    static const uint8_t least[MADT_GICC + 1] = {
        [MADT_APIC] = 8, [MADT_X2APIC] = 16, [MADT_GICC] = 76};
    const unsigned char *b = e->bytes;
    if (e->type >= ARRAY_LEN(least) || least[e->type] == 0)
        return ACPI_FAULT_NONE;
    if (e->size < least[e->type])
        return ACPI_FAULT_SHORT;
    if (e->type == MADT_APIC && b[3] != APIC_NOBODY)
        add_cpu(a, load32(b + 4), (struct acpi_cpu){.id = b[3]});
    if (e->type == MADT_X2APIC && load32(b + 4) != X2APIC_NOBODY)
        add_cpu(a, load32(b + 8), (struct acpi_cpu){.id = load32(b + 4), .node = 1});
    if (e->type == MADT_GICC)
        add_cpu(a, load32(b + 12), cpu_of_gicc(b));
    return ACPI_FAULT_NONE;
}

/* Of an entry that is long enough for its type. */
static void take_rest(struct acpi *a, uint8_t type, const unsigned char *b)
{
    switch (type) {
    case MADT_IO_APIC:
        add_io_apic(a, load32(b + 4));
        break;
    case MADT_BASE_64:
        a->apic_base = load64(b + 4);
        break;
    case MADT_GICC:
        a->gic_cpu_interface = load64(b + 32);
        break;
    case MADT_GICD:
        set_gicd(a, b);
        break;
    case MADT_GICR:
        add_gicr(a, b);
        break;
    case MADT_WAKEUP:
        add_mailbox(a, load64(b + 8));
        break;
    default:
        break;
    }
}

static enum acpi_fault madt_rest(struct acpi *a, const struct acpi_entry *e)
{
    static const uint8_t least[MADT_WAKEUP + 1] = {[MADT_IO_APIC] = 12,
                                                   [MADT_BASE_64] = 12,
                                                   [MADT_GICD] = 24,
                                                   [MADT_GICR] = 16,
                                                   [MADT_WAKEUP] = 16};
    bool gicc = e->type == MADT_GICC && e->size >= 76; /* a fault that madt_cpu() counts */
    if (!gicc && (e->type >= ARRAY_LEN(least) || least[e->type] == 0))
        return ACPI_FAULT_NONE;
    if (!gicc && e->size < least[e->type])
        return ACPI_FAULT_SHORT;
    take_rest(a, e->type, e->bytes);
    return ACPI_FAULT_NONE;
}

typedef enum acpi_fault madt_fn(struct acpi *a, const struct acpi_entry *e);

static void each_entry(struct acpi *a, const struct acpi_table *t, madt_fn *fn,
                       struct acpi_faults *faults)
{
    struct acpi_entry e;
    for (uint32_t at = MADT_ENTRIES; acpi_next_entry(t, &at, &e, faults);)
        faults->times[fn(a, &e)]++;
}

/* The CPUs' entries are counted first, and then there is memory for as many. */
void acpi_madt(struct acpi *a, const struct acpi_table *t, const struct acpi_reader *r)
{
    struct acpi_faults faults = {{0}}, again = {{0}}, rest = {{0}};
    a->has_madt = true;
    a->apic_base = t->size >= MADT_ENTRIES ? load32(t->bytes + MADT_BASE) : 0;
    each_entry(a, t, madt_cpu, &faults);
    each_entry(a, t, madt_rest, &rest);
    if (a->cpus != 0)
        a->cpu = r->view->take(r->view->ctx, (uint64_t)a->cpus * sizeof *a->cpu);
    if (a->cpu != NULL) {
        each_entry(a, t, madt_cpu, &again);
        cpu_list_close(a);
    }
    faults.times[ACPI_FAULT_SHORT] += rest.times[ACPI_FAULT_SHORT];
    faults.times[ACPI_FAULT_CPUS] = a->cpus != 0 && a->cpu == NULL;
    acpi_tell_faults(r, t, &faults);
}

/* Counted as long as there is no list. Entries without size are there to fill the table up. */
static enum acpi_fault add_range(struct acpi *a, const struct acpi_entry *e, uint32_t node)
{
    uint32_t flags = load32(e->bytes + 28);
    struct acpi_range n = {.base = load64(e->bytes + 8),
                           .size = load64(e->bytes + 16),
                           .node = node,
                           .hot_plug = (flags & HOT_PLUG) != 0};
    if ((flags & ENABLED) == 0 || n.size == 0)
        return ACPI_FAULT_NONE;
    if (n.base + n.size < n.base)
        return ACPI_FAULT_WRAPS;
    if (a->range != NULL)
        a->range[a->range_count] = n;
    a->range_count++;
    return ACPI_FAULT_NONE;
}

static void place_cpu(struct acpi *a, uint32_t id, uint32_t flags, uint32_t node)
{
    struct acpi_cpu *cpu = cpu_list_find(a, id);
    if ((flags & ENABLED) != 0 && cpu != NULL)
        cpu->node = node;
}

/* Up to revision 1 a node number has one byte; what follows it was reserved, and is not always 0. */
static enum acpi_fault srat_entry(struct acpi *a, const struct acpi_entry *e, uint32_t node_mask)
{
    static const uint8_t least[] = {16, 40, 24, 18};
    if (e->type >= ARRAY_LEN(least))
        return ACPI_FAULT_NONE;
    if (e->size < least[e->type])
        return ACPI_FAULT_SHORT;
    const unsigned char *b = e->bytes;
    if (e->type == SRAT_MEMORY)
        return add_range(a, e, load32(b + 2) & node_mask);
    if (e->type == SRAT_X2APIC)
        place_cpu(a, load32(b + 8), load32(b + 12), load32(b + 4) & node_mask);
    if (e->type == SRAT_APIC)
        place_cpu(a, b[3], load32(b + 4), (b[2] | (load32(b + 8) & 0xFFFFFF00u)) & node_mask);
    return ACPI_FAULT_NONE;
}

/* Entries of GICs name a CPU not by its id, in whose order the list is otherwise. */
static void place_gic_cpus(struct acpi *a, const struct acpi_table *t, uint32_t node_mask)
{
    struct acpi_faults again = {{0}};
    struct acpi_entry e;
    cpu_list_sort(a, true);
    for (uint32_t at = SRAT_ENTRIES; acpi_next_entry(t, &at, &e, &again);) {
        bool placed = e.type == SRAT_GICC && e.size >= 18 && (e.bytes[10] & ENABLED) != 0;
        struct acpi_cpu *cpu = placed ? cpu_list_find_uid(a, load32(e.bytes + 6)) : NULL;
        if (cpu != NULL)
            cpu->node = load32(e.bytes + 2) & node_mask;
    }
    cpu_list_sort(a, false);
}

static bool begins_before(const void *ctx, uint32_t a, uint32_t b)
{
    const struct acpi_range *range = ctx;
    return range[a].base != range[b].base ? range[a].base < range[b].base : a < b;
}

/* The ranges that were met, in the order of their beginnings, reach up to `end`, the farthest of them being
 * one of `node`; those of all other nodes up to `other_end`. */
struct reach {
    hal_paddr_t end, other_end;
    uint32_t node;
};

static void extend(struct reach *r, const struct acpi_range *n)
{
    hal_paddr_t end = n->base + n->size;
    if (n->node != r->node && end > r->end)
        *r = (struct reach){end, r->end, n->node};
    else if (n->node != r->node)
        r->other_end = hal_max_u64(r->other_end, end);
    else
        r->end = hal_max_u64(r->end, end);
}

/* A range overlaps one that does not begin behind it. A window for memory that may be plugged in later
 * places no RAM, so it may lie over anything. */
static void judge_ranges(const struct acpi *a, uint32_t *by_base, struct acpi_faults *faults)
{
    struct reach reach = {0, 0, ACPI_NO_NODE};
    for (uint32_t i = 0; i < a->range_count; i++)
        by_base[i] = i;
    heap_sort(by_base, a->range_count, begins_before, a->range);
    for (uint32_t i = 0; i < a->range_count; i++) {
        const struct acpi_range *n = &a->range[by_base[i]];
        if (n->hot_plug)
            continue;
        if (n->base < (n->node == reach.node ? reach.other_end : reach.end))
            faults->times[ACPI_FAULT_OVERLAP]++;
        else if (n->base < reach.end)
            faults->times[ACPI_FAULT_TWICE]++;
        extend(&reach, n);
    }
}

static void each_srat_entry(struct acpi *a, const struct acpi_table *t, struct acpi_faults *faults)
{
    uint32_t node_mask = t->bytes[REVISION] < 2 ? 0xFFu : 0xFFFFFFFFu;
    struct acpi_entry e;
    a->range_count = 0;
    for (uint32_t at = SRAT_ENTRIES; acpi_next_entry(t, &at, &e, faults);)
        faults->times[srat_entry(a, &e, node_mask)]++;
}

/* Memory ranges are counted first, and then there is memory for as many, and to sort them. */
static void list_ranges(struct acpi *a, const struct acpi_table *t, const struct acpi_reader *r,
                        struct acpi_faults *faults)
{
    struct acpi_faults again = {{0}};
    uint64_t count = a->range_count, bytes = count * sizeof *a->range;
    if (count != 0)
        a->range = r->view->take(r->view->ctx, bytes + count * sizeof(uint32_t));
    if (a->range != NULL) {
        each_srat_entry(a, t, &again);
        judge_ranges(a, (uint32_t *)(void *)&a->range[count], faults);
    } else {
        faults->times[ACPI_FAULT_RANGES] = count != 0;
        a->range_count = 0;
    }
}

void acpi_srat(struct acpi *a, const struct acpi_table *t, const struct acpi_reader *r)
{
    struct acpi_faults faults = {{0}};
    a->has_srat = true;
    each_srat_entry(a, t, &faults);
    list_ranges(a, t, r, &faults);
    if (a->gic_version != 0)
        place_gic_cpus(a, t, t->bytes[REVISION] < 2 ? 0xFFu : 0xFFFFFFFFu);
    a->srat_cut = faults.times[ACPI_FAULT_CUT] != 0;
    acpi_tell_faults(r, t, &faults);
}

/* A place is 10 from itself; 0 to 9 are reserved. */
static bool is_distance(uint8_t value, bool itself)
{
    return itself ? value == 10 : value >= 10;
}

static bool are_distances(const unsigned char *matrix, uint64_t count)
{
    bool sound = true;
    for (uint64_t i = 0; i < count * count; i++)
        sound &= is_distance(matrix[i], i % (count + 1) == 0);
    return sound;
}

/* Of a place to itself nothing need be kept. */
static void take_distances(struct acpi_pairs *pairs, const unsigned char *matrix, uint32_t places)
{
    for (uint32_t i = 0; i < places; i++)
        for (uint32_t j = 0; j < places; j++)
            if (i != j)
                pairs->pair[pairs->count++] =
                    (struct acpi_pair){i, j, matrix[(size_t)i * places + j]};
}

void acpi_slit(struct acpi *a, const struct acpi_table *t, const struct acpi_reader *r)
{
    uint64_t count = t->size >= SLIT_MATRIX ? load64(t->bytes + SLIT_COUNT) : 0;
    const unsigned char *matrix = t->bytes + SLIT_MATRIX;
    if (count == 0)
        acpi_complain(r, t, "distances of no place; not used");
    else if (count > UINT16_MAX || count * count > t->size - SLIT_MATRIX)
        acpi_complain(r, t, "shorter than its matrix of distances; not used");
    else if (!are_distances(matrix, count))
        acpi_complain(r, t, "its distances contradict themselves; not used");
    else if (count > 1) {
        struct acpi_faults faults = {{0}};
        a->distance.pair =
            r->view->take(r->view->ctx, count * (count - 1) * sizeof *a->distance.pair);
        if (a->distance.pair != NULL)
            take_distances(&a->distance, matrix, (uint32_t)count);
        faults.times[ACPI_FAULT_PAIRS] = a->distance.pair == NULL;
        acpi_tell_faults(r, t, &faults);
    }
}
