/* Text in any pieces to lines, lines to maps, and which map to take. Contract: reader.h. */
#include "tests/sim/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT (512 * MIB) /* a log that large is not a log; endless input must end */

const char *reader_style_name(enum reader_style style)
{
    static const char *const names[STYLE_COUNT] = {
        "plain map", "Mortise serial log", "Linux dmesg",       "Linux arm64 dmesg",
        "Xen log",   "MMap log",           "UEFI shell memmap",
    };
    return (unsigned)style < STYLE_COUNT ? names[style] : "?";
}

void reader_init(struct reader *r)
{
    memset(r, 0, sizeof *r);
}

void reader_free(struct reader *r)
{
    free(r->entries);
    free(r->pieces);
    reader_init(r);
}

/* Room for one more item. */
static bool grow(struct reader *r, void **items, size_t *capacity, size_t count, size_t item)
{
    if (count < *capacity)
        return true;
    size_t larger = *capacity == 0 ? 256 : *capacity * 2;
    void *p = realloc(*items, larger * item);
    if (p == NULL) {
        r->no_memory = true;
        return false;
    }
    *items = p;
    *capacity = larger;
    return true;
}

static uint32_t line_number(const struct reader *r)
{
    return r->lines > UINT32_MAX ? UINT32_MAX : (uint32_t)r->lines;
}

/* ---- notes ---- */

static void add_note(struct reader *r, const char *what, const char *reason)
{
    if (r->note_count == READER_NOTES)
        return;
    struct reader_note *note = &r->notes[r->note_count++];
    char shown[64];
    size_t n = 0;
    for (const char *p = r->line; *p != '\0' && n + 1 < sizeof shown; p++)
        shown[n++] = (char)(*p >= ' ' && *p <= '~' ? *p : '?');
    shown[n] = '\0';
    note->line = line_number(r);
    snprintf(note->text, sizeof note->text, "%s: %s: \"%s%s\"", what, reason, shown,
             r->line[n] == '\0' ? "" : "...");
}

/* ---- where one map ends and the next begins ---- */

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

/* Lines that are no descriptors, and stand between the maps of two boots. */
static bool is_boundary(const char *line)
{
    static const char *const marks[] = {
        "EFI memory map", "Linux version ", "verdict: ", "# machine:", "# Pages", "Xen version ",
    };
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (strstr(line, marks[i]) != NULL)
            return true;
    return false;
}

static void watch_clock(struct reader *r)
{
    double now = 0;
    r->timed = time_of(r->line, &now);
    if (!r->timed)
        return;
    if (now < r->last_time)
        r->boundary = true;
    r->last_time = now;
}

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
    if (l->index != UINT64_MAX)
        return l->index <= r->last_index;
    if (l->style == STYLE_MAP || (l->style == STYLE_SERIAL && r->timed))
        return false;
    return first->base == l->entry.base && first->type == l->entry.type;
}

/* A machine with two consoles on one wire prints every line twice. */
static bool repeats_last_line(const struct reader *r, const struct reader_line *l)
{
    if (r->count == 0 || l->index == UINT64_MAX || l->index != r->last_index)
        return false;
    const struct reader_entry *last = &r->entries[r->count - 1];
    return last->base == l->entry.base && last->size == l->entry.size &&
           last->type == l->entry.type && last->attributes == l->entry.attributes;
}

static void remark(struct reader *r, const char *what, const char *text)
{
    if (r->odd++ < READER_NOTES / 2)
        add_note(r, what, text);
}

static void add_entry(struct reader *r, const struct reader_line *l)
{
    if (!grow(r, (void **)&r->entries, &r->capacity, r->count, sizeof *r->entries) ||
        !grow(r, (void **)&r->pieces, &r->piece_capacity, r->piece_count, sizeof *r->pieces))
        return;
    if (starts_piece(r, l))
        r->pieces[r->piece_count++] = (struct reader_piece){.first = r->count, .style = l->style};
    r->pieces[r->piece_count - 1].count++;
    r->boundary = false;
    r->last_index = l->index;
    r->entries[r->count] = l->entry;
    r->entries[r->count++].line = line_number(r);
    if (l->remark != NULL)
        remark(r, "taken", l->remark);
}

/* ---- lines ---- */

static void read_header(struct reader *r)
{
    static const char machine[] = "# machine: ";
    if (strncmp(r->line, machine, strlen(machine)) == 0)
        snprintf(r->machine, sizeof r->machine, "%s", r->line + strlen(machine));
    if (strncmp(r->line, "# partial: ", 11) == 0)
        r->partial = strncmp(r->line + 11, "yes", 3) == 0;
}

static void end_line(struct reader *r)
{
    struct reader_line l;
    r->line[r->length] = '\0';
    r->length = 0;
    r->lines++;
    watch_clock(r);
    read_header(r);
    enum reader_verdict v = r->line[0] == '#' ? LINE_OTHER : reader_line(r->line, &l);
    if (v == LINE_ENTRY && repeats_last_line(r, &l)) {
        r->ignored++;
        remark(r, "ignored", "it repeats the entry before it");
    } else if (v == LINE_ENTRY) {
        add_entry(r, &l);
    } else if (v == LINE_BROKEN) {
        r->skipped++;
        add_note(r, "skipped", l.why);
    } else {
        r->ignored++;
        r->boundary = r->boundary || is_boundary(r->line);
    }
}

static void add_char(struct reader *r, char c)
{
    if (r->length + 1 < sizeof r->line)
        r->line[r->length++] = c;
}

/* ESC [ ... letter: a colour vanishes, a cursor movement leaves a blank. */
static bool in_escape(struct reader *r, char c)
{
    if (c == '\033') {
        r->escape = 1;
        return true;
    }
    if (r->escape == 1) {
        r->escape = c == '[' ? 2 : 0;
        return c == '[';
    }
    if (r->escape == 2) {
        if (c >= '@' && c <= '~') {
            r->escape = 0;
            if (c != 'm')
                add_char(r, ' ');
            return true;
        }
        if (c >= ' ' && c < '@')
            return true;
        r->escape = 0;
    }
    return false;
}

static void feed_char(struct reader *r, char c)
{
    if (c == '\0' || in_escape(r, c))
        return;
    if (c == '\r') {
        r->pending_cr = true;
        return;
    }
    if (r->pending_cr || c == '\n')
        end_line(r);
    r->pending_cr = false;
    if (c != '\n')
        add_char(r, c);
}

/* The byte order marks of UTF-16 and UTF-8 would hide the first line's beginning. */
static bool is_bom(const struct reader *r, char c)
{
    return r->lines == 0 && r->length < 3 &&
           (c == '\xff' || c == '\xfe' || c == '\xef' || c == '\xbb' || c == '\xbf');
}

void reader_feed(struct reader *r, const void *text, size_t bytes)
{
    const char *p = text;
    for (size_t i = 0; i < bytes && !r->no_memory; i++)
        if (!is_bom(r, p[i]))
            feed_char(r, p[i]);
}

/* ---- which map to take ---- */

struct span {
    uint64_t base, last;
    size_t piece;
};

static int by_base(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->base != y->base)
        return x->base < y->base ? -1 : 1;
    return x->last < y->last ? -1 : x->last > y->last;
}

static size_t collect_spans(const struct reader *r, struct span *spans)
{
    size_t n = 0;
    for (size_t p = 0; p < r->piece_count; p++) {
        for (size_t i = 0; i < r->pieces[p].count; i++) {
            const struct reader_entry *e = &r->entries[r->pieces[p].first + i];
            if (e->size != 0 && e->base + (e->size - 1) >= e->base)
                spans[n++] = (struct span){e->base, e->base + (e->size - 1), p};
        }
    }
    return n;
}

/* Whether an entry of one piece overlaps an entry of another; a piece may overlap itself. As long
 * as none has, whoever reaches highest is the only one that a later span can run into. */
static bool spans_collide(const struct span *spans, size_t n)
{
    const struct span *highest = n > 0 ? &spans[0] : NULL;
    for (size_t i = 1; i < n; i++) {
        if (spans[i].piece != highest->piece && spans[i].base <= highest->last)
            return true;
        if (spans[i].last > highest->last)
            highest = &spans[i];
    }
    return false;
}

static bool pieces_overlap(struct reader *r)
{
    struct span *spans = malloc((r->count + 1) * sizeof *spans);
    if (spans == NULL) {
        r->no_memory = true;
        return false;
    }
    size_t n = collect_spans(r, spans);
    qsort(spans, n, sizeof *spans, by_base);
    bool collide = spans_collide(spans, n);
    free(spans);
    return collide;
}

/* Entries of a piece; 0 when it has no conventional memory: Linux prints a second map, of what the
 * runtime services own, which says nothing of the machine's RAM. */
static size_t weight_of(const struct reader *r, const struct reader_piece *piece)
{
    for (size_t i = 0; i < piece->count; i++)
        if (r->entries[piece->first + i].type == 7)
            return piece->count;
    return 0;
}

/* The last piece with at least half as many entries as the largest. */
static size_t best_piece(const struct reader *r)
{
    size_t largest = 0, best = 0;
    for (size_t p = 0; p < r->piece_count; p++) {
        size_t weight = weight_of(r, &r->pieces[p]);
        largest = weight > largest ? weight : largest;
    }
    for (size_t p = 0; p < r->piece_count; p++)
        if (weight_of(r, &r->pieces[p]) >= (largest + 1) / 2)
            best = p;
    return best;
}

static void take_one_piece(struct reader *r)
{
    size_t best = best_piece(r);
    const struct reader_piece *piece = &r->pieces[best];
    memmove(r->entries, r->entries + piece->first, piece->count * sizeof *r->entries);
    r->count = piece->count;
    r->taken = best + 1;
    r->styles = 1u << piece->style;
}

static void take_all_pieces(struct reader *r)
{
    r->taken = r->piece_count > 1 ? 0 : 1;
    for (size_t p = 0; p < r->piece_count; p++)
        r->styles |= 1u << r->pieces[p].style;
}

bool reader_finish(struct reader *r)
{
    if (r->length > 0 || r->pending_cr)
        end_line(r);
    r->maps = r->piece_count;
    if (r->no_memory || r->count == 0)
        return !r->no_memory;
    if (r->piece_count > 1 && pieces_overlap(r))
        take_one_piece(r);
    else
        take_all_pieces(r);
    r->first_line = r->entries[0].line;
    r->last_line = r->entries[r->count - 1].line;
    return !r->no_memory;
}

/* ---- files ---- */

static const char *feed_stream(struct reader *r, FILE *f)
{
    static char chunk[65536];
    uint64_t total = 0;
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;) {
        total += n;
        if (total > FILE_LIMIT)
            return "is larger than 512 MiB; cut it to the part that holds the memory map";
        reader_feed(r, chunk, n);
    }
    return ferror(f) ? strerror(errno) : NULL;
}

const char *reader_file(struct reader *r, const char *path, char *error, size_t error_size)
{
    bool standard = strcmp(path, "-") == 0;
    reader_init(r);
    FILE *f = standard ? stdin : fopen(path, "rb");
    if (f == NULL) {
        snprintf(error, error_size, "cannot read %s: %s", path, strerror(errno));
        return error;
    }
    const char *problem = feed_stream(r, f);
    if (!standard)
        fclose(f);
    if (problem == NULL && !reader_finish(r))
        problem = "its map does not fit in memory";
    if (problem == NULL)
        return NULL;
    snprintf(error, error_size, "cannot read %s: %s", path, problem);
    return error;
}
