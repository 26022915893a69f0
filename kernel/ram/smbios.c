#include "kernel/ram/smbios.h"
#include "hal/unaligned.h"

#define TABLE_MAX (16 * MIB)

#define ENTRY_2     31u /* bytes of the 2.1 entry point */
#define ENTRY_2_OLD 30u /* what its length field says on some firmware (5.2.1) */
#define ENTRY_3     24u
#define ENTRY_MAX   255u
#define HEADER      4u
#define END_MARK    127u

static bool begins(const unsigned char *bytes, const char *mark)
{
    while (*mark != '\0')
        if (*bytes++ != (unsigned char)*mark++)
            return false;
    return true;
}

static bool sums_to_zero(const unsigned char *bytes, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += bytes[i];
    return (uint8_t)sum == 0;
}

/* What an entry point says. */
struct claim {
    hal_paddr_t at;
    uint64_t size;
};

static const char *read_3(struct smbios_table *t, const struct smbios_view *v, hal_paddr_t entry,
                          struct claim *claim)
{
    const char *why = NULL;
    const unsigned char *p = v->read(v->ctx, entry, ENTRY_3, &why);
    if (p == NULL)
        return why;
    uint8_t length = p[6];
    if (length < ENTRY_3)
        return "its length is out of range";
    p = v->read(v->ctx, entry, length, &why);
    if (p == NULL)
        return why;
    if (!sums_to_zero(p, length))
        return "its checksum is wrong";
    t->major = p[7];
    t->minor = p[8];
    *claim = (struct claim){load64(p + 16), load32(p + 12)};
    return NULL;
}

static const char *read_2(struct smbios_table *t, const struct smbios_view *v, hal_paddr_t entry,
                          struct claim *claim)
{
    const char *why = NULL;
    const unsigned char *p = v->read(v->ctx, entry, ENTRY_2, &why);
    if (p == NULL)
        return why;
    if (p[5] != ENTRY_2 && p[5] != ENTRY_2_OLD)
        return "its length is out of range";
    if (!sums_to_zero(p, ENTRY_2))
        return "its checksum is wrong";
    if (!begins(p + 16, "_DMI_") || !sums_to_zero(p + 16, ENTRY_2 - 16))
        return "its second half is damaged";
    t->major = p[6];
    t->minor = p[7];
    t->structures = load16(p + 28);
    *claim = (struct claim){load32(p + 24), load16(p + 22)};
    return NULL;
}

/* The size is the most that the table may have, so what can be read of it will do. */
static const char *take_table(struct smbios_table *t, const struct smbios_view *v,
                              const struct claim *claim)
{
    const char *why = "the table is empty";
    for (uint64_t size = hal_min_u64(claim->size, TABLE_MAX); size >= HEADER; size -= size / 2) {
        t->bytes = v->read(v->ctx, claim->at, size, &why);
        t->size = (uint32_t)size;
        if (t->bytes != NULL)
            return NULL;
        if (size < 2 * HEADER)
            break;
    }
    return why;
}

const char *smbios_open(struct smbios_table *t, const struct smbios_view *v, hal_paddr_t entry)
{
    const char *why = NULL;
    struct claim claim = {.size = 0};
    *t = (struct smbios_table){.size = 0};
    if (entry == 0)
        return "the firmware gave none";
    const unsigned char *mark = v->read(v->ctx, entry, 5, &why);
    if (mark == NULL)
        return why;
    if (begins(mark, "_SM3_"))
        why = read_3(t, v, entry, &claim);
    else if (begins(mark, "_SM_"))
        why = read_2(t, v, entry, &claim);
    else
        why = "it does not begin with \"_SM3_\" or \"_SM_\"";
    return why != NULL ? why : take_table(t, v, &claim);
}

/* Bytes up to and with the two zeros that end the strings; 0: they do not end. */
static uint32_t bytes_of(const unsigned char *p, uint32_t left)
{
    for (uint32_t end = p[1]; end + 1 < left; end++)
        if (p[end] == 0 && p[end + 1] == 0)
            return end + 2;
    return 0;
}

bool smbios_next(struct smbios_cursor *c, struct smbios_item *item)
{
    const struct smbios_table *t = c->table;
    uint32_t left = t->size - c->at;
    const unsigned char *p = t->bytes + c->at;
    if ((t->structures != 0 && c->met == t->structures) || (left >= HEADER && p[0] == END_MARK))
        return false;
    uint32_t bytes = left < HEADER || p[1] < HEADER || p[1] > left ? 0 : bytes_of(p, left);
    c->broken = bytes == 0;
    if (c->broken)
        return false;
    *item = (struct smbios_item){p, bytes - p[1], p[0], p[1], load16(p + 2)};
    c->at += bytes;
    c->met++;
    return true;
}

uint64_t smbios_field(const struct smbios_item *item, unsigned offset, unsigned width)
{
    uint64_t value = 0;
    if (offset + width > item->length)
        return 0;
    for (unsigned i = width; i-- > 0;)
        value = value << 8 | item->bytes[offset + i];
    return value;
}

static char printable(unsigned char c)
{
    return (char)(c >= ' ' && c <= '~' && c != '"' ? c : '?');
}

void smbios_text(const struct smbios_item *item, unsigned offset, char *text, size_t size)
{
    uint64_t number = smbios_field(item, offset, 1);
    const unsigned char *p = item->bytes + item->length, *end = p + item->text_size;
    size_t used = 0;
    for (; number > 1 && p < end; p++)
        number -= *p == 0;
    for (; number == 1 && p < end && *p != 0 && used + 1 < size; p++)
        text[used++] = printable(*p);
    while (used > 0 && text[used - 1] == ' ')
        used--;
    text[used] = '\0';
}
