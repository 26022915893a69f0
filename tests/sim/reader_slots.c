/* The memory that is installed, out of a text: our own lines "ram: slot ...", what dmidecode prints of memory
 * devices, and how many slots Linux counts. Contract: reader.h, reader_line.h.
 *
 * The last machine's slots count: lines that begin anew, with slot 0 or dmidecode's head, forget the others.
 */
#include "tests/sim/reader_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands behind `what` in the line, or NULL. */
static const char *behind(const char *text, const char *what)
{
    const char *found = strstr(text, what);
    return found == NULL ? NULL : found + strlen(what);
}

static struct slot *last_slot(struct reader_slots *r)
{
    return r->slots.count == 0 ? NULL : &r->slots.slot[r->slots.count - 1];
}

static void forget(struct reader_slots *r, enum reader_slots_source source)
{
    memset(r, 0, sizeof *r);
    r->source = source;
}

/* NULL when there are too many: it counts all the same. */
static struct slot *add_slot(struct reader_slots *r, uint16_t handle)
{
    r->slots.total++;
    r->counted = false;
    if (r->slots.count == SLOTS_MAX)
        return NULL;
    struct slot *slot = &r->slots.slot[r->slots.count++];
    *slot = (struct slot){.handle = handle};
    return slot;
}

/* `size` bytes, in the slot that was added last. */
static void fill(struct reader_slots *r, uint64_t size, bool unknown)
{
    struct slot *slot = last_slot(r);
    if (r->counted)
        return;
    r->counted = true;
    r->slots.filled += size != 0 || unknown;
    r->slots.unknown += unknown;
    r->slots.installed += size;
    if (slot != NULL && r->slots.total == r->slots.count) {
        slot->size = size;
        slot->unknown = unknown;
    }
}

static void copy_text(char *to, const char *from, size_t length)
{
    size_t used = 0;
    for (; used < length && used + 1 < SLOT_TEXT; used++)
        to[used] =
            (char)(from[used] >= ' ' && from[used] <= '~' && from[used] != '"' ? from[used] : '?');
    to[used] = '\0';
}

static uint8_t kind_of(const char *name)
{
    char word[16];
    size_t n = strcspn(name, " ,\t");
    snprintf(word, sizeof word, "%.*s", (int)(n < 15 ? n : 15), name);
    for (unsigned kind = 0; kind < 256; kind++)
        if (slots_kind_name((uint8_t)kind) != NULL &&
            strcmp(slots_kind_name((uint8_t)kind), word) == 0)
            return (uint8_t)kind;
    return 0;
}

/* ---- our own lines ---- */

/* The text between the next two quotation marks; `*at` goes behind them. */
static bool quoted(const char **at, char *text)
{
    const char *begin = strchr(*at, '"'), *end = begin == NULL ? NULL : strchr(begin + 1, '"');
    if (end == NULL)
        return false;
    copy_text(text, begin + 1, (size_t)(end - begin - 1));
    *at = end + 1;
    return true;
}

/* `N "PLACE" "BANK": 2097152 pages, 8.0 GiB, DDR4, 3200 MT/s`, or "empty", or "a module of unknown size". */
static void own_slot(struct reader_slots *r, unsigned number, const char *at)
{
    char place[SLOT_TEXT], bank[SLOT_TEXT];
    char *end;
    if (!quoted(&at, place) || !quoted(&at, bank) || *at != ':')
        return;
    if (number == 0)
        forget(r, SLOTS_OWN);
    struct slot *slot = add_slot(r, (uint16_t)number);
    uint64_t pages = strtoull(at + 1, &end, 10);
    bool known = end != at + 1 && pages <= UINT64_MAX >> HAL_PAGE_SHIFT;
    const char *kind = known ? behind(end, "iB, ") : behind(at, "unknown size, ");
    const char *speed = strstr(end, " MT/s");
    while (speed != NULL && speed > end && is_digit(speed[-1]))
        speed--;
    if (slot != NULL) {
        memcpy(slot->place, place, sizeof place);
        memcpy(slot->bank, bank, sizeof bank);
        slot->kind = kind == NULL ? 0 : kind_of(kind);
        slot->speed = speed == NULL ? 0 : (uint32_t)strtoull(speed, NULL, 10);
    }
    fill(r, known ? pages << HAL_PAGE_SHIFT : 0, strstr(at, "unknown size") != NULL);
}

/* `N at 0xBASE 0xEND`. */
static void own_range(struct reader_slots *r, unsigned number, const char *at)
{
    char *end;
    struct slots *s = &r->slots;
    uint64_t base = strtoull(at, &end, 16), stop = strtoull(end, NULL, 16);
    if (base >= stop)
        return;
    if (s->range_count < SLOTS_RANGES_MAX)
        s->range[s->range_count++] = (struct slot_range){base, stop, (uint16_t)number, false};
    else
        s->lost_ranges++;
}

static void own_line(struct reader_slots *r, const char *text)
{
    char *end = NULL;
    const char *at = behind(text, "slot "), *why = behind(text, "is not known: the SMBIOS: ");
    unsigned number = at == text + 5 ? (unsigned)strtoull(at, &end, 10) : 0;
    const char *more = behind(text, " more slots hold ");
    if (at == text + 5 && strncmp(end, " \"", 2) == 0)
        own_slot(r, number, end);
    else if (at == text + 5 && strncmp(end, " at ", 4) == 0)
        own_range(r, number, end + 4);
    else if (more != NULL) {
        uint64_t slots = strtoull(text, NULL, 10), pages = strtoull(more, NULL, 10);
        r->slots.total += (uint32_t)slots;
        r->slots.filled += (uint32_t)slots;
        r->slots.installed += pages << HAL_PAGE_SHIFT;
    } else if (why != NULL) {
        if (r->source != SLOTS_OWN || r->slots.total == 0)
            forget(r, SLOTS_OWN);
        snprintf(r->why, sizeof r->why, "%s", why);
    }
}

/* ---- dmidecode ---- */

static uint64_t dmidecode_size(const char *text)
{
    static const struct {
        const char *name;
        unsigned shift;
    } units[] = {{"bytes", 0}, {"kB", 10}, {"KB", 10},  {"MB", 20},
                 {"GB", 30},   {"TB", 40}, {"MiB", 20}, {"GiB", 30}};
    char *end;
    uint64_t number = strtoull(text, &end, 10);
    const char *unit = skip_blanks(end);
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strncmp(unit, units[i].name, strlen(units[i].name)) == 0)
            return number <= UINT64_MAX >> units[i].shift
                       ? hal_align_down(number << units[i].shift, HAL_PAGE_SIZE)
                       : 0;
    return 0;
}

/* "Handle 0x1100, DMI type 17, 92 bytes". */
static bool dmidecode_head(struct reader_slots *r, const char *text)
{
    const char *type = behind(text, ", DMI type ");
    if (strncmp(text, "Handle 0x", 9) != 0 || type == NULL)
        return false;
    unsigned number = (unsigned)strtoull(type, NULL, 10);
    if (r->source != SLOTS_DMIDECODE && (number == 16 || number == 17))
        forget(r, SLOTS_DMIDECODE);
    r->type = number;
    r->open = number == 17 && add_slot(r, (uint16_t)strtoull(text + 7, NULL, 16)) != NULL;
    return true;
}

static void dmidecode_field(struct reader_slots *r, const char *text)
{
    const char *value = behind(text, ": ");
    struct slot *slot = last_slot(r);
    if (value == NULL || r->type != 17)
        return;
    if (strncmp(text, "Size: ", 6) == 0)
        fill(r, dmidecode_size(value), strncmp(value, "Unknown", 7) == 0);
    else if (!r->open)
        return;
    else if (strncmp(text, "Locator: ", 9) == 0)
        copy_text(slot->place, value, strlen(value));
    else if (strncmp(text, "Bank Locator: ", 14) == 0)
        copy_text(slot->bank, value, strlen(value));
    else if (strncmp(text, "Type: ", 6) == 0)
        slot->kind = kind_of(value);
    else if (strstr(text, "Speed: ") != NULL && is_digit(*value))
        slot->speed = (uint32_t)strtoull(value, NULL, 10);
}

/* ---- any line ---- */

/* "DMI: Memory slots populated: 2/4", of Linux. */
static void linux_line(struct reader_slots *r, const char *at)
{
    char *end;
    uint64_t filled = strtoull(at, &end, 10);
    uint64_t total = *end == '/' ? strtoull(end + 1, NULL, 10) : 0;
    if (r->source != SLOTS_NONE || total == 0)
        return;
    r->source = SLOTS_LINUX;
    snprintf(r->why, sizeof r->why, "%u of %u slots are filled, and no line tells with how much",
             (unsigned)filled, (unsigned)total);
}

void reader_slots_line(struct reader *r, const char *line)
{
    struct reader_slots *slots = &r->slots;
    const char *own = behind(line, "ram: "), *count = behind(line, "DMI: Memory slots populated: ");
    const char *text = line + strspn(line, "> \t");
    if (own != NULL && (own == line + 5 || own[-6] == ' '))
        own_line(slots, own);
    else if (count != NULL)
        linux_line(slots, count);
    else if (!dmidecode_head(slots, text) && slots->source == SLOTS_DMIDECODE)
        dmidecode_field(slots, text);
}

void reader_slots_end(struct reader *r)
{
    struct reader_slots *s = &r->slots;
    s->slots.wrong = s->why[0] != '\0' ? s->why : NULL;
}
