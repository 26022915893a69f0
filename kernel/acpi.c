#include "kernel/acpi.h"
#include "kernel/acpi_table.h"
#include "kernel/firmware.h"

/* Firmware lists a few dozen tables, and the largest is a DSDT of some hundred KiB. */
#define LISTED_MAX 1024u
#define TABLE_MAX  (16 * MIB)

/* Offsets in the root pointer, the FADT, the HPET's table and the SPCR. */
#define RSDP_REVISION 15u
#define RSDP_RSDT     16u
#define RSDP_LENGTH   20u
#define RSDP_XSDT     24u
#define FADT_DSDT     40u
#define FADT_X_DSDT   140u
#define HPET_ADDRESS  40u
#define SPCR_KIND     36u
#define SPCR_ADDRESS  40u
#define SPCR_BAUD     58u

enum wanted { MADT, SRAT, FADT, HPET, SPCR, WANTED_COUNT };
static const char wanted_names[WANTED_COUNT][5] = {"APIC", "SRAT", "FACP", "HPET", "SPCR"};

struct walk {
    struct acpi_reader reader;
    struct acpi *acpi;
    struct acpi_table wanted[WANTED_COUNT];
};

uint64_t acpi_get(const unsigned char *at, unsigned width)
{
    uint64_t value = 0;
    while (width-- > 0)
        value = value << 8 | at[width];
    return value;
}

uint64_t acpi_field(const struct acpi_table *t, uint32_t offset, unsigned width)
{
    return t->size >= offset + width ? acpi_get(t->bytes + offset, width) : 0;
}

struct acpi_address acpi_field_address(const struct acpi_table *t, uint32_t offset)
{
    return (struct acpi_address){.address = acpi_field(t, offset + 4, 8),
                                 .space = (uint8_t)acpi_field(t, offset, 1),
                                 .bits = (uint8_t)acpi_field(t, offset + 1, 1),
                                 .access = (uint8_t)acpi_field(t, offset + 3, 1)};
}

static bool is_called(const unsigned char *bytes, const char *name)
{
    return bytes[0] == (unsigned char)name[0] && bytes[1] == (unsigned char)name[1] &&
           bytes[2] == (unsigned char)name[2] && bytes[3] == (unsigned char)name[3];
}

static void tell(const struct acpi_reader *r, const unsigned char *header, paddr_t at,
                 const char *wrong)
{
    char signature[5] = {0};
    for (unsigned i = 0; header != NULL && i < 4; i++)
        signature[i] = (char)header[i];
    r->note(r->ctx, signature, at, header != NULL ? (uint32_t)acpi_get(header + 4, 4) : 0, wrong);
}

void acpi_complain(const struct acpi_reader *r, const struct acpi_table *t, const char *wrong)
{
    tell(r, t->bytes, t->at, wrong);
}

/* A2. */
static const char *refuse(const struct acpi_reader *r, const unsigned char *header, paddr_t at)
{
    uint64_t size = acpi_get(header + 4, 4);
    if (size < ACPI_HEADER || size > TABLE_MAX)
        return "its length is out of range";
    const unsigned char *bytes = r->view->read(r->view->ctx, at, size);
    if (bytes == NULL)
        return "it reaches out of RAM";
    uint8_t sum = 0;
    for (uint64_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum != 0 ? "its checksum is wrong" : NULL;
}

/* The sound table at `at`, or none, and the listener knows why. */
static struct acpi_table open_table(struct walk *w, paddr_t at)
{
    const unsigned char *header = w->reader.view->read(w->reader.view->ctx, at, ACPI_HEADER);
    const char *wrong =
        header != NULL ? refuse(&w->reader, header, at) : "it does not lie in RAM";
    tell(&w->reader, header, at, wrong);
    if (wrong != NULL) {
        w->acpi->refused++;
        return (struct acpi_table){.bytes = NULL};
    }
    w->acpi->tables++;
    return (struct acpi_table){header, (uint32_t)acpi_get(header + 4, 4), at};
}

static void look_for_s5(struct acpi *a, const struct acpi_table *t)
{
    if (!a->has_s5 && t->bytes != NULL)
        a->has_s5 = acpi_find_s5(t->bytes + ACPI_HEADER, t->size - ACPI_HEADER, a->s5);
}

static void meet_table(struct walk *w, paddr_t at)
{
    struct acpi_table t = open_table(w, at);
    if (t.bytes == NULL)
        return;
    if (is_called(t.bytes, "SSDT"))
        look_for_s5(w->acpi, &t);
    for (unsigned i = 0; i < WANTED_COUNT; i++) {
        if (!is_called(t.bytes, wanted_names[i]))
            continue;
        if (w->wanted[i].bytes == NULL)
            w->wanted[i] = t;
        else
            acpi_complain(&w->reader, &t, "it is the second of its kind; the first is used");
    }
}

struct list {
    struct acpi_table table;
    unsigned width; /* bytes of an entry */
    uint32_t count;
};

static paddr_t listed(const struct list *l, uint32_t i)
{
    return acpi_get(l->table.bytes + ACPI_HEADER + (size_t)i * l->width, l->width);
}

static struct list open_list(struct walk *w, paddr_t at, const char *name, unsigned width)
{
    struct list l = {.width = width};
    if (at == 0)
        return l;
    l.table = open_table(w, at);
    if (l.table.bytes == NULL)
        return l;
    w->acpi->tables--; /* a list is none of the tables */
    if (!is_called(l.table.bytes, name)) {
        acpi_complain(&w->reader, &l.table, "it is not the list that the root pointer promises");
        l.table.bytes = NULL;
        return l;
    }
    l.count = (l.table.size - ACPI_HEADER) / width;
    if (l.count > LISTED_MAX) {
        acpi_complain(&w->reader, &l.table, "it lists more than 1024 tables; the rest is not read");
        l.count = LISTED_MAX;
    }
    return l;
}

static bool lists(const struct list *l, uint32_t count, paddr_t at)
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
        paddr_t at = listed(l, i);
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
    paddr_t at = rsdp[RSDP_REVISION] >= 2 ? acpi_get(rsdp + RSDP_XSDT, 8) : 0;
    struct list none = {.width = 8};
    struct list x = open_list(w, at, "XSDT", 8);
    struct list r = open_list(w, acpi_get(rsdp + RSDP_RSDT, 4), "RSDT", 4);
    if (x.table.bytes == NULL && r.table.bytes == NULL)
        return "neither XSDT nor RSDT can be used";
    w->acpi->xsdt = x.table.bytes != NULL;
    meet_all(w, &x, &none);
    if (meet_all(w, &r, &x) > 0 && w->acpi->xsdt)
        acpi_complain(&w->reader, &r.table, "it lists tables that the XSDT does not");
    return NULL;
}

static void read_serial(struct acpi *a, const struct acpi_table *t)
{
    a->serial = acpi_field_address(t, SPCR_ADDRESS);
    a->serial_kind = (uint8_t)acpi_field(t, SPCR_KIND, 1);
    a->serial_baud = (uint8_t)acpi_field(t, SPCR_BAUD, 1);
}

static void read_dsdt(struct walk *w, const struct acpi_table *fadt)
{
    paddr_t at = acpi_field(fadt, FADT_X_DSDT, 8);
    if (at == 0)
        at = acpi_field(fadt, FADT_DSDT, 4);
    struct acpi_table dsdt = {.bytes = NULL};
    if (at != 0)
        dsdt = open_table(w, at);
    look_for_s5(w->acpi, &dsdt);
}

static void read_wanted(struct walk *w)
{
    struct acpi *a = w->acpi;
    const struct acpi_table *t = w->wanted;
    if (t[MADT].bytes != NULL)
        acpi_madt(a, &t[MADT], &w->reader);
    if (t[SRAT].bytes != NULL)
        acpi_srat(a, &t[SRAT], &w->reader);
    if (t[HPET].bytes != NULL)
        a->hpet = acpi_field_address(&t[HPET], HPET_ADDRESS);
    if (t[SPCR].bytes != NULL)
        read_serial(a, &t[SPCR]);
    if (t[FADT].bytes == NULL)
        return;
    acpi_fadt(a, &t[FADT]);
    read_dsdt(w, &t[FADT]);
}

/* The root pointer's bytes: as many as its revision has and can be read. */
static const unsigned char *read_root(const struct acpi_view *v, paddr_t at, uint64_t *size)
{
    const unsigned char *bytes = at != 0 ? v->read(v->ctx, at, RSDP_LENGTH) : NULL;
    *size = RSDP_LENGTH;
    if (bytes == NULL || bytes[RSDP_REVISION] < 2 || v->read(v->ctx, at, ACPI_HEADER) == NULL)
        return bytes;
    uint64_t length = acpi_get(bytes + RSDP_LENGTH, 4);
    *size = ACPI_HEADER; /* the extended pointer has 36 bytes too */
    if (length > ACPI_HEADER && length <= PAGE_SIZE && v->read(v->ctx, at, length) != NULL)
        *size = length;
    return bytes;
}

const char *acpi_read(struct acpi *a, const struct acpi_view *view, paddr_t rsdp,
                      acpi_note_fn *note, void *ctx)
{
    struct walk w = {.reader = {view, note, ctx}, .acpi = a};
    uint64_t size;
    *a = (struct acpi){.tables = 0};
    const unsigned char *root = read_root(view, rsdp, &size);
    if (root == NULL)
        return rsdp == 0 ? "the firmware gave no root pointer"
                         : "the root pointer does not lie in RAM";
    const char *wrong = firmware_refuse_rsdp(root, size);
    if (wrong == NULL)
        wrong = meet_lists(&w, root);
    if (wrong == NULL)
        read_wanted(&w);
    else
        *a = (struct acpi){.tables = 0};
    return wrong;
}
