/* kernel/machine/acpi_parts.c: CPUs and nodes (MADT, SRAT), and what the FADT and AML say of reset and
 * power. */
#include "kernel/machine/acpi_table.h"

/* An entry of the MADT or the SRAT: type, length, and what is in it. */
struct entry {
    const unsigned char *bytes;
    uint8_t type, size;
};

/* The entry at `*at`, which moves on; false at the end, and where the table ends early (A3). */
static bool next_entry(const struct acpi_reader *r, const struct acpi_table *t, uint32_t *at,
                       struct entry *e)
{
    uint32_t left = *at < t->size ? t->size - *at : 0;
    if (left == 0)
        return false;
    e->bytes = t->bytes + *at;
    if (left < 2 || e->bytes[1] < 2 || e->bytes[1] > left) {
        acpi_complain(r, t, "an entry of no sound length ends it");
        return false;
    }
    e->type = e->bytes[0];
    e->size = e->bytes[1];
    *at += e->size;
    return true;
}

#define MADT_ENTRIES 44u
#define MADT_BASE    36u
#define SRAT_ENTRIES 48u
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

static bool madt_entry(struct acpi *a, const struct entry *e)
{
    static const uint8_t least[10] = {
        [MADT_APIC] = 8, [MADT_IO_APIC] = 12, [MADT_BASE_64] = 12, [MADT_X2APIC] = 16};
    if (e->type >= ARRAY_LEN(least) || least[e->type] == 0)
        return true;
    if (e->size < least[e->type])
        return false;
    if (e->type == MADT_APIC && e->bytes[3] != APIC_NOBODY)
        add_cpu(a, e->bytes[3], load32(e->bytes + 4), false);
    if (e->type == MADT_X2APIC && load32(e->bytes + 4) != X2APIC_NOBODY)
        add_cpu(a, load32(e->bytes + 4), load32(e->bytes + 8), true);
    if (e->type == MADT_IO_APIC)
        a->io_apics++;
    if (e->type == MADT_BASE_64)
        a->apic_base = load64(e->bytes + 4);
    return true;
}

static const char too_short[] = "an entry is too short for its type";

void acpi_madt(struct acpi *a, const struct acpi_table *t, const struct acpi_reader *r)
{
    struct entry e;
    a->has_madt = true;
    a->apic_base = t->size >= MADT_ENTRIES ? load32(t->bytes + MADT_BASE) : 0;
    for (uint32_t at = MADT_ENTRIES; next_entry(r, t, &at, &e);)
        if (!madt_entry(a, &e))
            acpi_complain(r, t, too_short);
    if (a->cpus > a->cpu_count)
        acpi_complain(r, t, "more than 1024 CPUs; the ids of the rest are not kept");
}

static const char *add_range(struct acpi *a, const struct entry *e, uint32_t node)
{
    uint32_t flags = load32(e->bytes + 28);
    struct acpi_range n = {.base = load64(e->bytes + 8),
                           .size = load64(e->bytes + 16),
                           .node = node,
                           .hot_plug = (flags & HOT_PLUG) != 0};
    if ((flags & ENABLED) == 0 || n.size == 0)
        return NULL;
    if (n.base + n.size < n.base)
        return "a memory range wraps";
    if (a->range_count == ACPI_RANGES_MAX)
        return "more than 128 memory ranges; one is not kept";
    const char *wrong = NULL;
    for (uint32_t i = 0; i < a->range_count; i++) {
        const struct acpi_range *o = &a->range[i];
        if (o->base < n.base + n.size && n.base < o->base + o->size && o->node != node)
            wrong = "two nodes overlap; the first counts";
    }
    a->range[a->range_count++] = n;
    return wrong;
}

static void place_cpu(struct acpi *a, uint32_t id, uint32_t flags, uint32_t node)
{
    struct acpi_cpu *cpu = find_cpu(a, id);
    if ((flags & ENABLED) != 0 && cpu != NULL)
        cpu->node = node;
}

/* Up to revision 1 a node number has one byte; what follows it was reserved, and is not always 0. */
static const char *srat_entry(struct acpi *a, const struct entry *e, uint32_t node_mask)
{
    static const uint8_t least[3] = {16, 40, 24};
    if (e->type >= ARRAY_LEN(least))
        return NULL;
    if (e->size < least[e->type])
        return too_short;
    const unsigned char *b = e->bytes;
    if (e->type == SRAT_MEMORY)
        return add_range(a, e, load32(b + 2) & node_mask);
    if (e->type == SRAT_X2APIC)
        place_cpu(a, load32(b + 8), load32(b + 12), load32(b + 4) & node_mask);
    else
        place_cpu(a, b[3], load32(b + 4), (b[2] | (load32(b + 8) & 0xFFFFFF00u)) & node_mask);
    return NULL;
}

void acpi_srat(struct acpi *a, const struct acpi_table *t, const struct acpi_reader *r)
{
    uint32_t node_mask = t->bytes[REVISION] < 2 ? 0xFFu : 0xFFFFFFFFu;
    struct entry e;
    a->has_srat = true;
    for (uint32_t at = SRAT_ENTRIES; next_entry(r, t, &at, &e);) {
        const char *wrong = srat_entry(a, &e, node_mask);
        if (wrong != NULL)
            acpi_complain(r, t, wrong);
    }
}

#define FADT_FLAGS    112u
#define FLAG_TIMER_32 (1u << 8)
#define FLAG_RESET    (1u << 10)
#define FLAG_REDUCED  (1u << 20)

/* A register block that is given twice: as a generic address, and as a port. */
static struct acpi_address block(const unsigned char *wide, const unsigned char *narrow)
{
    struct acpi_address a = acpi_address(wide);
    if (a.address == 0 || a.space > ACPI_PORT)
        a = (struct acpi_address){load32(narrow), ACPI_PORT};
    return a;
}

void acpi_fadt(struct acpi *a, const unsigned char *f)
{
    uint32_t flags = load32(f + FADT_FLAGS);
    a->hardware_reduced = (flags & FLAG_REDUCED) != 0;
    if ((flags & FLAG_RESET) != 0)
        a->reset = acpi_address(f + 116);
    a->reset_value = f[128];
    a->sleep_control = acpi_address(f + 244);
    if (a->hardware_reduced) /* then the blocks below mean nothing */
        return;
    a->pm1a = block(f + 172, f + 64);
    a->pm1b = block(f + 184, f + 68);
    a->pm_timer = block(f + 208, f + 76);
    a->pm_timer_32 = (flags & FLAG_TIMER_32) != 0;
    a->smi_port = load32(f + 48);
    a->acpi_enable = f[52];
}

/* A little-endian number of `width` bytes, 1 to 4. */
static uint32_t bytes_of(const unsigned char *at, unsigned width)
{
    uint32_t value = 0;
    while (width-- > 0)
        value = value << 8 | at[width];
    return value;
}

struct aml {
    const unsigned char *at, *end;
};

/* A constant of AML; false for anything else. */
static bool take_number(struct aml *m, uint32_t *value)
{
    if (m->at == m->end)
        return false;
    uint8_t op = *m->at++;
    *value = op;
    if (op <= 1)
        return true;
    unsigned width = op == 0x0A ? 1 : op == 0x0B ? 2 : op == 0x0C ? 4 : 0;
    if (width == 0 || (size_t)(m->end - m->at) < width)
        return false;
    *value = bytes_of(m->at, width);
    m->at += width;
    return true;
}

/* What is inside a package, after its opcode 0x12; the count of its elements is left in front. */
static bool take_package(struct aml *m)
{
    const unsigned char *begin = m->at;
    if (m->at == m->end)
        return false;
    unsigned more = *m->at >> 6;
    if ((size_t)(m->end - m->at) < more + 2)
        return false;
    uint32_t size = more == 0 ? *m->at & 0x3Fu : (*m->at & 0xFu) | bytes_of(m->at + 1, more) << 4;
    m->at += more + 1;
    if (size < more + 2 || size > (size_t)(m->end - begin))
        return false;
    m->end = begin + size;
    return true;
}

/* Two numbers; or one, whose bytes they are. */
static bool take_types(struct aml m, uint8_t type[2])
{
    uint32_t a, b;
    if (!take_package(&m))
        return false;
    unsigned count = *m.at++;
    if (count == 0 || !take_number(&m, &a))
        return false;
    b = a >> 8 & 0xFFu;
    if (count > 1 && !take_number(&m, &b))
        return false;
    a = count > 1 ? a : a & 0xFFu;
    if (a > 7 || b > 7)
        return false;
    type[0] = (uint8_t)a;
    type[1] = (uint8_t)b;
    return true;
}

/* Name (0x08), an optional root sign, the name itself, package (0x12). */
bool acpi_find_s5(const unsigned char *aml, uint64_t size, uint8_t type[2])
{
    for (uint64_t i = 1; i + 5 <= size; i++) {
        const unsigned char *p = aml + i;
        bool named = p[-1] == 0x08 || (p[-1] == '\\' && i > 1 && p[-2] == 0x08);
        if (named && load32(p) == 0x5F35535Fu && p[4] == 0x12 &&
            take_types((struct aml){p + 5, aml + size}, type))
            return true;
    }
    return false;
}
