/* Text in any pieces to lines, and lines that go on in the next. Contract: reader.h,
 * reader_line.h. */
#include "hal/short.h"
#include "tests/sim/reader_line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT (512 * MIB) /* a log that large is not a log; endless input must end */
#define FOLD_LINES 12          /* of an entry: Rust's {:#?} needs nine */

const char *reader_style_name(enum reader_style style)
{
    static const char *const names[STYLE_COUNT] = {
        [STYLE_MAP] = "plain map",
        [STYLE_SERIAL] = "Mortise serial log",
        [STYLE_LINUX] = "Linux dmesg",
        [STYLE_ARM64] = "Linux arm64 dmesg",
        [STYLE_XEN] = "Xen log",
        [STYLE_MMAP] = "MMap log",
        [STYLE_SHELL] = "UEFI shell memmap",
        [STYLE_UBOOT] = "U-Boot efidebug memmap",
        [STYLE_GRUB] = "GRUB lsefimmap",
        [STYLE_FREEBSD] = "FreeBSD EFI map",
        [STYLE_UEFI_RS] = "uefi-rs debug lines",
        [STYLE_TABLE] = "table",
        [STYLE_E820] = "e820 list",
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
    free(r->ranges);
    reader_init(r);
}

bool reader_grow(struct reader *r, void **items, size_t *capacity, size_t count, size_t item)
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

static void write_note(struct reader_note *note, uint32_t line, const char *what,
                       const char *reason, const char *text)
{
    char shown[64];
    size_t n = 0;
    for (const char *p = text; *p != '\0' && n + 1 < sizeof shown; p++)
        shown[n++] = (char)(*p >= ' ' && *p <= '~' ? *p : '?');
    shown[n] = '\0';
    note->line = line;
    snprintf(note->text, sizeof note->text, "%s: %s: \"%s%s\"", what, reason, shown,
             text[n] == '\0' ? "" : "...");
}

static void add_note(struct reader *r, uint32_t line, const char *what, const char *reason,
                     const char *text)
{
    if (r->note_count < READER_NOTES)
        write_note(&r->notes[r->note_count++], line, what, reason, text);
}

/* Remarks leave room for lines that were skipped. */
static void remark(struct reader *r, uint32_t line, const char *what, const char *reason,
                   const char *text)
{
    if (r->odd++ < READER_NOTES / 2)
        add_note(r, line, what, reason, text);
}

void reader_about(struct reader *r, uint32_t line, const char *format, ...)
{
    va_list args;
    if (r->about_count == READER_ABOUT)
        return;
    struct reader_note *note = &r->notes[r->note_count++];
    r->about_count++;
    note->line = line;
    va_start(args, format);
    vsnprintf(note->text, sizeof note->text, format, args);
    va_end(args);
}

/* ---- lines that were understood, or not ---- */

static void take_entry(struct reader *r, const struct reader_line *l, uint32_t line,
                       const char *text)
{
    if (reader_repeats_last(r, l)) {
        r->ignored++;
        remark(r, line, "ignored", "it repeats the entry before it", text);
        return;
    }
    if (!reader_add_entry(r, l, line))
        return;
    r->open_flags = l->open_flags;
    if (l->remark != NULL)
        remark(r, line, "taken", l->remark, text);
}

static void take_range(struct reader *r, const struct reader_line *l, uint32_t line)
{
    if (!reader_grow(r, (void **)&r->ranges, &r->range_capacity, r->range_count, sizeof *r->ranges))
        return;
    r->range_lines++;
    r->ranges[r->range_count] = l->range;
    r->ranges[r->range_count].line = line;
    r->ranges[r->range_count++].boot = r->boot;
}

/* A broken line of an e820 list matters only if that list is taken. */
static void skip_line(struct reader *r, enum reader_style style, uint64_t index, uint32_t line,
                      const char *why, const char *text)
{
    reader_lose_entry(r, style, index);
    if (style != STYLE_E820) {
        r->skipped++;
        add_note(r, line, "skipped", why, text);
        return;
    }
    r->ignored++;
    if (r->broken_e820_lines++ == 0)
        write_note(&r->broken_e820, line, "skipped", why, text);
}

/* ---- lines that go on in the next ---- */

static void hold(struct reader *r, const struct reader_line *l, bool soft)
{
    struct reader_held *h = &r->held;
    h->own = strlen(r->line);
    memcpy(h->text, r->line, h->own + 1);
    h->lines = 1;
    h->line = line_number(r);
    h->why = l->why;
    h->style = l->style;
    h->index = l->entry.index;
    h->soft = soft;
    h->timed = r->timed;
}

/* Nothing follows that belongs to it: the first line is broken, and the others are other lines. */
static void let_go(struct reader *r)
{
    struct reader_held *h = &r->held;
    if (h->lines == 0)
        return;
    h->text[h->own] = '\0';
    r->ignored += h->lines - 1;
    skip_line(r, h->style, h->index, h->line, h->why, h->text);
    h->lines = 0;
}

/* Without the marks of a quotation. */
static const char *unquoted(const char *line)
{
    return line + strspn(line, "> \t");
}

static bool join(const struct reader_held *h, const char *between, const char *line, char *out)
{
    int n = snprintf(out, READER_LINE, "%s%s%s", h->text, between, unquoted(line));
    return n > 0 && n < READER_LINE;
}

static void take_joined(struct reader *r, enum reader_verdict v, const struct reader_line *l,
                        const char *text)
{
    struct reader_held *h = &r->held;
    r->joined += h->lines;
    h->lines = 0;
    r->timed = h->timed;
    if (v == LINE_RANGE)
        take_range(r, l, h->line);
    else
        take_entry(r, l, h->line, text);
}

/* The held line is not over yet. */
static bool hold_more(struct reader_held *h, const char *text, bool soft)
{
    if (*text == '\0' || h->lines == FOLD_LINES)
        return false;
    memcpy(h->text, text, strlen(text) + 1);
    h->lines++;
    h->soft = soft;
    return true;
}

/* The held line with this one: an entry, or one that goes on further. Mails fold at a blank, which
 * is lost or not, and quoted-printable anywhere; its sign may have been the text's own. */
static bool goes_on(struct reader *r, bool soft)
{
    struct reader_held *h = &r->held;
    static const char *const plain[] = {" ", "", NULL}, *const soft_break[] = {"", "=", NULL};
    const char *const *between = h->soft ? soft_break : plain;
    char text[READER_LINE], further[READER_LINE] = "";
    for (; *between != NULL; between++) {
        struct reader_line l;
        if (!join(h, *between, r->line, text))
            return false;
        enum reader_verdict v = reader_line(text, &l);
        if (v > LINE_BROKEN) {
            take_joined(r, v, &l, text);
            return true;
        }
        if (v == LINE_BROKEN && l.ends_early && *further == '\0')
            memcpy(further, text, strlen(text) + 1);
    }
    return hold_more(h, further, soft);
}

/* Could this line, which is nothing by itself, be the rest of the held one? */
static bool may_go_on(const struct reader *r)
{
    const char *text = unquoted(r->line);
    return r->held.lines > 0 && *text != '\0' && *r->line != '#';
}

/* FreeBSD, GRUB and U-Boot end a line in flags, so nothing shows that there are more. */
static bool more_flags(struct reader *r)
{
    uint64_t flags = 0;
    if (!r->open_flags || !reader_flags_line(unquoted(r->line), &flags))
        return false;
    r->entries[r->count - 1].attributes |= flags;
    r->joined++;
    return true;
}

/* ---- lines ---- */

static void read_other(struct reader *r, bool soft)
{
    bool mark = reader_watch_marks(r, r->line);
    if (!mark && ((may_go_on(r) && goes_on(r, soft)) || more_flags(r)))
        return;
    let_go(r);
    r->open_flags = false;
    r->ignored++;
}

static void read_line(struct reader *r, bool soft)
{
    struct reader_line l;
    enum reader_verdict v = *r->line == '#' ? LINE_OTHER : reader_table_line(r, r->line, &l);
    if (v == LINE_OTHER) {
        read_other(r, soft);
        return;
    }
    let_go(r);
    r->open_flags = false;
    if (v == LINE_ENTRY)
        take_entry(r, &l, line_number(r), r->line);
    else if (v == LINE_RANGE)
        take_range(r, &l, line_number(r));
    else if (l.ends_early)
        hold(r, &l, soft);
    else
        skip_line(r, l.style, l.entry.index, line_number(r), l.why, r->line);
}

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
    r->line[r->length] = '\0';
    r->length = 0;
    r->lines++;
    bool soft = reader_clean(r->line);
    reader_watch_clock(r, r->line);
    read_header(r);
    reader_slots_line(r, r->line);
    read_line(r, soft);
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

bool reader_finish(struct reader *r)
{
    if (r->length > 0 || r->pending_cr)
        end_line(r);
    let_go(r);
    reader_slots_end(r);
    if (!r->no_memory)
        reader_choose(r);
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
