#include "kernel/machine/acpi_topology.h"
#include "hal/short.h"

#define MADT_ENTRIES 44u
#define MADT_BASE    36u
#define SRAT_ENTRIES 48u
#define SLIT_COUNT   36u
#define SLIT_MATRIX  44u
#define REVISION     8u

enum { MADT_APIC = 0, MADT_IO_APIC = 1, MADT_BASE_64 = 5, MADT_X2APIC = 9 };
enum { SRAT_APIC = 0, SRAT_MEMORY = 1, SRAT_X2APIC = 2 };

#define ENABLED       1u
#define HOT_PLUG      2u
#define APIC_NOBODY   0xFFu /* broadcast: the id of no CPU */
#define X2APIC_NOBODY 0xFFFFFFFFu

static struct acpi_cpu *find_cpu(struct acpi *a, uint32_t id)
{
    for (uint32_t i = 0; i < a->cpu_count; i++)
        if (a->cpu[i].id == id)
            return &a->cpu[i];
    return NULL;
}

static void add_cpu(struct acpi *a, uint32_t id, uint32_t flags, bool x2)
{
    if ((flags & ENABLED) == 0) {
        a->cpus_spare++;
        return;
    }
    if (find_cpu(a, id) != NULL)
        return;
    if (a->cpu_count < ACPI_CPUS_MAX)
        a->cpu[a->cpu_count++] = (struct acpi_cpu){id, ACPI_NO_NODE};
    a->cpus++;
    a->cpus_x2 += x2;
}

static void add_io_apic(struct acpi *a, hal_paddr_t at)
{
    if (a->io_apics < ACPI_IO_APICS_MAX)
        a->io_apic[a->io_apics] = at;
    a->io_apics++;
}

static enum acpi_fault madt_entry(struct acpi *a, const struct acpi_entry *e)
{
    static const uint8_t least[10] = {
        [MADT_APIC] = 8, [MADT_IO_APIC] = 12, [MADT_BASE_64] = 12, [MADT_X2APIC] = 16};
    if (e->type >= ARRAY_LEN(least) || least[e->type] == 0)
        return ACPI_FAULT_NONE;
    if (e->size < least[e->type])
        return ACPI_FAULT_SHORT;
    if (e->type == MADT_APIC && e->bytes[3] != APIC_NOBODY)
        add_cpu(a, e->bytes[3], load32(e->bytes + 4), false);
    if (e->type == MADT_X2APIC && load32(e->bytes + 4) != X2APIC_NOBODY)
        add_cpu(a, load32(e->bytes + 4), load32(e->bytes + 8), true);
    if (e->type == MADT_IO_APIC)
        add_io_apic(a, load32(e->bytes + 4));
    if (e->type == MADT_BASE_64)
        a->apic_base = load64(e->bytes + 4);
    return ACPI_FAULT_NONE;
}

void acpi_madt(struct acpi *a, const struct acpi_table *t, const struct acpi_reader *r)
{
    struct acpi_entry e;
    struct acpi_faults faults = {{0}};
    a->has_madt = true;
    a->apic_base = t->size >= MADT_ENTRIES ? load32(t->bytes + MADT_BASE) : 0;
    for (uint32_t at = MADT_ENTRIES; acpi_next_entry(t, &at, &e, &faults);)
        faults.times[madt_entry(a, &e)]++;
    faults.times[ACPI_FAULT_CPUS] = a->cpus - a->cpu_count;
    acpi_tell_faults(r, t, &faults);
}

/* How a range lies to those before it. A window for memory that may be plugged in later places no
 * RAM, so it may lie over anything. */
static enum acpi_fault judge_range(const struct acpi *a, const struct acpi_range *n)
{
    enum acpi_fault worst = ACPI_FAULT_NONE;
    for (uint32_t i = 0; i < a->range_count && !n->hot_plug; i++) {
        const struct acpi_range *o = &a->range[i];
        if (o->hot_plug || o->base >= n->base + n->size || n->base >= o->base + o->size)
            continue;
        if (o->node != n->node)
            return ACPI_FAULT_OVERLAP;
        worst = ACPI_FAULT_TWICE;
    }
    return worst;
}

/* Entries without size are there to fill the table up. */
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
    if (a->range_count == ACPI_RANGES_MAX)
        return ACPI_FAULT_RANGES;
    enum acpi_fault fault = judge_range(a, &n);
    a->range[a->range_count++] = n;
    return fault;
}

static void place_cpu(struct acpi *a, uint32_t id, uint32_t flags, uint32_t node)
{
    struct acpi_cpu *cpu = find_cpu(a, id);
    if ((flags & ENABLED) != 0 && cpu != NULL)
        cpu->node = node;
}

/* Up to revision 1 a node number has one byte; what follows it was reserved, and is not always 0. */
static enum acpi_fault srat_entry(struct acpi *a, const struct acpi_entry *e, uint32_t node_mask)
{
    static const uint8_t least[3] = {16, 40, 24};
    if (e->type >= ARRAY_LEN(least))
        return ACPI_FAULT_NONE;
    if (e->size < least[e->type])
        return ACPI_FAULT_SHORT;
    const unsigned char *b = e->bytes;
    if (e->type == SRAT_MEMORY)
        return add_range(a, e, load32(b + 2) & node_mask);
    if (e->type == SRAT_X2APIC)
        place_cpu(a, load32(b + 8), load32(b + 12), load32(b + 4) & node_mask);
    else
        place_cpu(a, b[3], load32(b + 4), (b[2] | (load32(b + 8) & 0xFFFFFF00u)) & node_mask);
    return ACPI_FAULT_NONE;
}

void acpi_srat(struct acpi *a, const struct acpi_table *t, const struct acpi_reader *r)
{
    uint32_t node_mask = t->bytes[REVISION] < 2 ? 0xFFu : 0xFFFFFFFFu;
    struct acpi_entry e;
    struct acpi_faults faults = {{0}};
    a->has_srat = true;
    for (uint32_t at = SRAT_ENTRIES; acpi_next_entry(t, &at, &e, &faults);)
        faults.times[srat_entry(a, &e, node_mask)]++;
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

void acpi_slit(struct acpi *a, const struct acpi_table *t, const struct acpi_reader *r)
{
    uint64_t count = t->size >= SLIT_MATRIX ? load64(t->bytes + SLIT_COUNT) : 0;
    const unsigned char *matrix = t->bytes + SLIT_MATRIX;
    if (count == 0 || count > ACPI_PLACES_MAX)
        acpi_complain(r, t, "distances of no place, or of more than 64; not used");
    else if (count * count > t->size - SLIT_MATRIX)
        acpi_complain(r, t, "shorter than its matrix of distances; not used");
    else if (!are_distances(matrix, count))
        acpi_complain(r, t, "its distances contradict themselves; not used");
    else {
        a->places = (uint32_t)count;
        __builtin_memcpy(a->distance, matrix, (size_t)(count * count));
    }
}
