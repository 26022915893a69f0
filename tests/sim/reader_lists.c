/* Entries to lists: where one ends and the next begins. Contract: reader.h, reader_line.h. */
#include "hal/short.h"
#include "tests/sim/reader_line.h"

#include <stdlib.h>
#include <string.h>

/* ---- where a list ends ---- */

enum mark { MARK_NONE, MARK_LIST, MARK_BOOT, MARK_RUNTIME };

/* Lines that are no descriptors, and stand between two lists. */
static enum mark mark_of(const char *line)
{
    static const struct {
        const char *text;
        enum mark mark;
    } marks[] = {
        {"EFI runtime memory map", MARK_RUNTIME},
        {"EFI memory map", MARK_LIST},
        {"RAM map:", MARK_LIST},
        {"# Pages", MARK_LIST},
        {"Linux version ", MARK_BOOT},
        {"Xen version ", MARK_BOOT},
        {"verdict: ", MARK_BOOT},
    };
    if (*line == '#') /* a remark can hold anything */
        return strncmp(line, "# machine:", 10) == 0 ? MARK_BOOT : MARK_NONE;
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (strstr(line, marks[i].text) != NULL)
            return marks[i].mark;
    return MARK_NONE;
}

/* "[   12.345678]": seconds since the boot. */
static bool time_of(const char *line, double *seconds)
{
    for (const char *p = strchr(line, '['); p != NULL; p = strchr(p + 1, '[')) {
        char *end = NULL;
        const char *digits = p + 1 + strspn(p + 1, " ");
        size_t whole = strspn(digits, "0123456789");
        if (whole == 0 || whole > 9 || digits[whole] != '.')
            continue;
        *seconds = strtod(digits, &end);
        if (*end == ']')
            return true;
    }
    return false;
}

static void new_boot(struct reader *r)
{
    r->boundary = true;
    r->runtime_next = false;
    r->boot++;
}

void reader_watch_clock(struct reader *r, const char *line)
{
    double now = 0;
    r->timed = time_of(line, &now);
    if (r->timed && now < r->last_time)
        new_boot(r);
    if (r->timed)
        r->last_time = now;
}

bool reader_watch_marks(struct reader *r, const char *line)
{
    enum mark mark = mark_of(line);
    if (mark == MARK_BOOT)
        new_boot(r);
    r->boundary = r->boundary || mark != MARK_NONE;
    r->runtime_next = r->runtime_next || mark == MARK_RUNTIME;
    return mark != MARK_NONE;
}

/* ---- entries ---- */

/* A plain map is one table, whatever it repeats, and our own log has a clock. In other logs without
 * numbers the place where the first descriptor began comes again with the next boot. */
static bool starts_piece(const struct reader *r, const struct reader_line *l)
{
    if (r->piece_count == 0 || r->boundary)
        return true;
    const struct reader_piece *piece = &r->pieces[r->piece_count - 1];
    const struct reader_entry *first = &r->entries[piece->first];
    if (piece->style != l->style)
        return true;
    if (l->entry.index != READER_NO_INDEX)
        return l->entry.index <= r->entries[r->count - 1].index;
    if (l->style == STYLE_MAP || (l->style == STYLE_SERIAL && r->timed))
        return false;
    return first->base == l->entry.base && first->type == l->entry.type;
}

bool reader_same_entry(const struct reader_entry *a, const struct reader_entry *b)
{
    return a->base == b->base && a->size == b->size && a->type == b->type &&
           a->attributes == b->attributes;
}

bool reader_repeats_last(const struct reader *r, const struct reader_line *l)
{
    if (r->count == 0 || l->entry.index == READER_NO_INDEX)
        return false;
    const struct reader_entry *last = &r->entries[r->count - 1];
    return l->entry.index == last->index && reader_same_entry(&l->entry, last);
}

static void start_piece(struct reader *r, enum reader_style style)
{
    bool linux_list = style == STYLE_LINUX || style == STYLE_ARM64;
    r->pieces[r->piece_count] = (struct reader_piece){.first = r->count,
                                                      .style = style,
                                                      .number = r->piece_count + 1,
                                                      .boot = r->boot,
                                                      .runtime = r->runtime_next && linux_list};
    r->piece_count++;
    r->runtime_next = false;
}

bool reader_add_entry(struct reader *r, const struct reader_line *l, uint32_t line)
{
    if (!reader_grow(r, (void **)&r->entries, &r->capacity, r->count, sizeof *r->entries) ||
        !reader_grow(r, (void **)&r->pieces, &r->piece_capacity, r->piece_count, sizeof *r->pieces))
        return false;
    if (starts_piece(r, l))
        start_piece(r, l->style);
    r->pieces[r->piece_count - 1].count++;
    r->boundary = false;
    r->entries[r->count] = l->entry;
    r->entries[r->count++].line = line;
    return true;
}

void reader_lose_entry(struct reader *r, enum reader_style style, uint64_t index)
{
    struct reader_piece *piece = r->piece_count > 0 ? &r->pieces[r->piece_count - 1] : NULL;
    if (index == READER_NO_INDEX || piece == NULL || piece->style != style || r->boundary)
        return;
    if (index > r->entries[r->count - 1].index)
        piece->lost = hal_max_u64(piece->lost, index);
}
