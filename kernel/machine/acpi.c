#include "kernel/machine/acpi.h"
#include "hal/short.h"
#include "kernel/machine/acpi_power.h"
#include "kernel/machine/acpi_table.h"
#include "kernel/machine/acpi_topology.h"
#include "kernel/machine/hmat/hmat.h"
#include "kernel/machine/rsdp.h"

/* Firmware lists a few dozen tables, and the largest is a DSDT of some hundred KiB. */
#define LISTED_MAX 1024u
#define TABLE_MAX  (16 * MIB)

/* Offsets in the root pointer, the FADT, the HPET's table and the SPCR. */
#define RSDP_REVISION 15u
#define RSDP_RSDT     16u
#define RSDP_XSDT     24u
#define FADT_DSDT     40u
#define FADT_X_DSDT   140u
#define HPET_ADDRESS  40u
#define SPCR_KIND     36u
#define SPCR_ADDRESS  40u
#define SPCR_BAUD     58u
#define DBG2_FIRST    36u /* where its first device begins, and how many there are */
#define DBG2_COUNT    40u
#define DBG2_DEVICE   22u /* bytes of a device, and fields of it */
#define DBG2_LENGTH   1u
#define DBG2_PORT     12u
#define DBG2_KIND     14u
#define DBG2_ADDRESS  18u
#define DBG2_SERIAL   0x8000u

enum wanted { MADT, SRAT, SLIT, HMAT, FADT, HPET, SPCR, DBG2, WANTED_COUNT };

struct walk {
    struct acpi_reader reader;
    struct acpi *acpi;
    struct acpi_table wanted[WANTED_COUNT];
};

/* A signature as a number. */
#define NAME(a, b, c, d)                                                                           \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

static uint32_t name_of(const struct acpi_table *t)
{
    return load32(t->bytes);
}

/* A2. The table's bytes are in `*t` when nothing is wrong; its header is as soon as it can be read. */
static const char *read_table(const struct acpi_view *v, struct acpi_table *t)
{
    const char *why;
    t->bytes = v->read(v->ctx, t->at, ACPI_HEADER, &why);
    if (t->bytes == NULL)
        return why;
    t->size = load32(t->bytes + 4);
    if (t->size < ACPI_HEADER || t->size > TABLE_MAX)
        return "its length is out of range";
    const unsigned char *whole = v->read(v->ctx, t->at, t->size, &why);
    if (whole == NULL)
        return why;
    t->bytes = whole;
    uint8_t sum = 0;
    for (uint32_t i = 0; i < t->size; i++)
        sum = (uint8_t)(sum + t->bytes[i]);
    return sum != 0 ? "its checksum is wrong" : NULL;
}

/* The sound table at `at`, or none, and the listener knows why. */
static struct acpi_table open_table(struct walk *w, hal_paddr_t at)
{
    struct acpi_table t = {.at = at};
    const char *wrong = read_table(w->reader.view, &t);
    w->reader.note(w->reader.ctx, t.bytes, at, wrong, 1);
    if (wrong != NULL) {
        w->acpi->refused++;
        return (struct acpi_table){.bytes = NULL};
    }
    w->acpi->tables++;
    return t;
}

static void look_for_s5(struct acpi *a, const struct acpi_table *t)
{
    if (!a->has_s5 && t->bytes != NULL)
        a->has_s5 = acpi_find_s5(t->bytes + ACPI_HEADER, t->size - ACPI_HEADER, a->s5);
}

static const uint32_t wanted_names[WANTED_COUNT] = {
    [MADT] = NAME('A', 'P', 'I', 'C'), [SRAT] = NAME('S', 'R', 'A', 'T'),
    [FADT] = NAME('F', 'A', 'C', 'P'), [HPET] = NAME('H', 'P', 'E', 'T'),
    [SLIT] = NAME('S', 'L', 'I', 'T'), [SPCR] = NAME('S', 'P', 'C', 'R'),
    [DBG2] = NAME('D', 'B', 'G', '2'), [HMAT] = NAME('H', 'M', 'A', 'T'),
};

static void meet_table(struct walk *w, hal_paddr_t at)
{
    struct acpi_table t = open_table(w, at);
    if (t.bytes == NULL)
        return;
    if (name_of(&t) == NAME('S', 'S', 'D', 'T'))
        look_for_s5(w->acpi, &t);
    for (unsigned i = 0; i < WANTED_COUNT; i++) {
        if (name_of(&t) != wanted_names[i])
            continue;
        if (w->wanted[i].bytes == NULL)
            w->wanted[i] = t;
        else
            acpi_complain(&w->reader, &t, "the second of its kind; not used");
    }
}

struct list {
    struct acpi_table table;
    unsigned width; /* bytes of an entry */
    uint32_t count;
};

static hal_paddr_t listed(const struct list *l, uint32_t i)
{
    const unsigned char *entry = l->table.bytes + ACPI_HEADER + (size_t)i * l->width;
    return l->width == 8 ? load64(entry) : load32(entry);
}

static struct list open_list(struct walk *w, hal_paddr_t at, uint32_t name, unsigned width)
{
    struct list l = {.width = width};
    if (at == 0)
        return l;
    l.table = open_table(w, at);
    if (l.table.bytes == NULL)
        return l;
    w->acpi->tables--; /* a list is none of the tables */
    if (name_of(&l.table) != name) {
        acpi_complain(&w->reader, &l.table, "not the list that the root pointer promises");
        l.table.bytes = NULL;
        return l;
    }
    l.count = (l.table.size - ACPI_HEADER) / width;
    if (l.count > LISTED_MAX) {
        acpi_complain(&w->reader, &l.table, "more than 1024 tables; the rest is not read");
        l.count = LISTED_MAX;
    }
    return l;
}

static bool lists(const struct list *l, uint32_t count, hal_paddr_t at)
{
    for (uint32_t i = 0; i < count; i++)
        if (listed(l, i) == at)
            return true;
    return false;
}

/* Each address once, those of `before` not at all. How many were new. */
static uint32_t meet_all(struct walk *w, const struct list *l, const struct list *before)
{
    uint32_t met = 0;
    for (uint32_t i = 0; i < l->count; i++) {
        hal_paddr_t at = listed(l, i);
        if (at == 0 || lists(l, i, at) || lists(before, before->count, at))
            continue;
        meet_table(w, at);
        met++;
    }
    return met;
}

/* The XSDT first; what only the RSDT knows is added, for either can be the damaged one. */
static const char *meet_lists(struct walk *w, const unsigned char *rsdp)
{
    hal_paddr_t at = rsdp[RSDP_REVISION] >= 2 ? load64(rsdp + RSDP_XSDT) : 0;
    struct list none = {.width = 8};
    struct list x = open_list(w, at, NAME('X', 'S', 'D', 'T'), 8);
    struct list r = open_list(w, load32(rsdp + RSDP_RSDT), NAME('R', 'S', 'D', 'T'), 4);
    if (x.table.bytes == NULL && r.table.bytes == NULL)
        return "neither XSDT nor RSDT can be used";
    w->acpi->xsdt = x.table.bytes != NULL;
    meet_all(w, &x, &none);
    if (meet_all(w, &r, &x) > 0 && w->acpi->xsdt)
        acpi_complain(&w->reader, &r.table, "lists tables that the XSDT does not");
    return NULL;
}

static void read_dsdt(struct walk *w, const unsigned char *fadt)
{
    hal_paddr_t at = load64(fadt + FADT_X_DSDT);
    if (at == 0)
        at = load32(fadt + FADT_DSDT);
    struct acpi_table dsdt = {.bytes = NULL};
    if (at != 0)
        dsdt = open_table(w, at);
    look_for_s5(w->acpi, &dsdt);
}

/* A debug port of the kinds that PCs do not have is as good as a console; on a PC a debugger may wait there. */
static bool is_console(const unsigned char *device)
{
    uint16_t kind = load16(device + DBG2_KIND);
    return load16(device + DBG2_PORT) == DBG2_SERIAL &&
           (kind == 0x03 || kind == 0x0D || kind == 0x0E);
}

/* The first such port of the table. */
static void read_debug_port(struct acpi *a, const struct acpi_table *t)
{
    if (t->bytes == NULL || t->size < DBG2_COUNT + 4)
        return;
    uint32_t at = load32(t->bytes + DBG2_FIRST);
    for (uint32_t n = load32(t->bytes + DBG2_COUNT); n > 0; n--) {
        uint32_t left = at < t->size ? t->size - at : 0;
        uint32_t size = left < DBG2_DEVICE ? 0 : load16(t->bytes + at + DBG2_LENGTH);
        if (size < DBG2_DEVICE || size > left)
            return;
        const unsigned char *device = t->bytes + at;
        uint32_t address = load16(device + DBG2_ADDRESS);
        if (is_console(device) && address + 12 <= size) {
            a->serial = acpi_address(device + address);
            a->serial_kind = device[DBG2_KIND];
            return;
        }
        at += size;
    }
}

static void read_wanted(struct walk *w)
{
    struct acpi *a = w->acpi;
    unsigned char fields[ACPI_FIELDS];
    if (w->wanted[MADT].bytes != NULL)
        acpi_madt(a, &w->wanted[MADT], &w->reader);
    if (w->wanted[SRAT].bytes != NULL)
        acpi_srat(a, &w->wanted[SRAT], &w->reader);
    if (w->wanted[SLIT].bytes != NULL)
        acpi_slit(a, &w->wanted[SLIT], &w->reader);
    if (w->wanted[HMAT].bytes != NULL)
        acpi_hmat(a, &w->wanted[HMAT], &w->reader);
    acpi_fields(&w->wanted[HPET], fields);
    a->hpet = acpi_address(fields + HPET_ADDRESS);
    acpi_fields(&w->wanted[SPCR], fields);
    a->serial = acpi_address(fields + SPCR_ADDRESS);
    a->serial_kind = fields[SPCR_KIND];
    a->serial_access = fields[SPCR_ADDRESS + 3];
    a->serial_baud = fields[SPCR_BAUD];
    if (a->serial.address == 0)
        read_debug_port(a, &w->wanted[DBG2]);
    acpi_fields(&w->wanted[FADT], fields);
    acpi_fadt(a, fields);
    read_dsdt(w, fields);
}

/* As much as a root pointer of any revision may have and can be read. */
static const unsigned char *read_root(const struct acpi_view *v, hal_paddr_t at, uint64_t *size,
                                      const char **why)
{
    for (*size = 64; *size >= 20; --*size) {
        const unsigned char *bytes = v->read(v->ctx, at, *size, why);
        if (bytes != NULL)
            return bytes;
    }
    return NULL;
}

const char *acpi_read(struct acpi *a, const struct acpi_view *view, hal_paddr_t rsdp,
                      acpi_note_fn *note, void *ctx)
{
    struct walk w = {.reader = {view, note, ctx}, .acpi = a};
    uint64_t size;
    *a = (struct acpi){.tables = 0};
    if (rsdp == 0)
        return "the firmware gave none";
    const char *wrong;
    const unsigned char *root = read_root(view, rsdp, &size, &wrong);
    if (root == NULL)
        return wrong;
    wrong = rsdp_refuse(root, size);
    if (wrong == NULL)
        wrong = meet_lists(&w, root);
    if (wrong == NULL)
        read_wanted(&w);
    else
        *a = (struct acpi){.tables = 0};
    return wrong;
}
