/* tests/sim/reader_line.h: takes one line of text apart. It is what the files of the reader share:
 *
 *   reader_text.c     bytes of a line to plain text: entities, tags, quoted-printable
 *   reader_scan.c     numbers and words
 *   reader_names.c    names of types, flags and e820 kinds, as every system spells them
 *   reader_formats.c  the formats, a row each, and what reads the rows
 *   reader_fields.c   the fields of these rows
 *   reader_columns.c  TYPE START END ATTR of .map files and our own log
 *   reader_table.c    markdown tables
 *   reader_lists.c    where a list ends
 *   reader_slots.c    lines that tell of memory modules
 *   reader_choice.c   which list is the map
 *   reader.c          text to lines, lines that go on in the next, files
 */
#ifndef TESTS_SIM_READER_LINE_H
#define TESTS_SIM_READER_LINE_H

#include "tests/sim/reader.h"

enum reader_verdict { LINE_OTHER, LINE_BROKEN, LINE_RANGE, LINE_ENTRY };

struct reader_line {
    struct reader_entry entry;
    struct reader_range range; /* LINE_RANGE, in place of the entry */
    enum reader_style style;
    const char *why;    /* LINE_BROKEN: the reason, a clause */
    const char *remark; /* LINE_ENTRY: NULL, or what is odd about it */
    bool ends_early;    /* LINE_BROKEN: the text ended too early, and the next line may go on */
    bool open_flags;    /* LINE_ENTRY: it ends in flags, and the next line may have more */
};

/* What the parsers share: where they are, what they have read, and why they gave up. */
struct scan {
    const char *at;
    const char *why;
    struct reader_line *out;
    uint64_t start, end, size; /* bytes */
    bool has_end, has_size, inclusive;
};

/* ---- reader_text.c ---- */

/* Make plain text of a line, in place; it does not grow. True when it ends in a soft line break of
 * quoted-printable, which is dropped. */
bool reader_clean(char *line);

/* ---- reader_scan.c: take_* return false with `why` set and `at` at what is wrong ---- */

int hex_value(char); /* -1 when it is not a hexadecimal digit */
bool is_digit(char);
bool is_blank(char);
bool is_name_char(char); /* a letter or a digit */
char to_lower(char);
const char *skip_blanks(const char *);
bool has_hex_prefix(const char *);
bool is_address(const char *); /* 0x and a digit, or at least 8 hexadecimal digits */

bool give_up(struct scan *, const char *why);
bool take_text(struct scan *, const char *text); /* in either case; does not set `why` */
bool take_hex(struct scan *, uint64_t *);        /* with 0x or without */
bool take_decimal(struct scan *, uint64_t *);
bool take_number(struct scan *, uint64_t *); /* decimal, or hexadecimal with 0x */
bool take_type_number(struct scan *);

/* Make the entry's range of start, end and size; reader.h says which of them wins. */
bool settle_range(struct scan *);

/* ---- reader_names.c: names in [from, to); case, blanks and punctuation do not matter ---- */

bool type_of_name(const char *from, const char *to, uint32_t *type);
uint64_t flag_of_name(const char *from, const char *to); /* 0 when it is unknown */

/* The UEFI type and attributes of an e820 entry, by the text of its kind. */
bool kind_of_e820(const char *text, struct reader_entry *);

/* ---- reader_fields.c ---- */

typedef bool take_fn(struct scan *);

struct reader_field {
    char letter; /* as in the rows of reader_formats.c */
    take_fn *take;
};
take_fn *reader_field(char letter);      /* NULL when there is none */
bool take_name_and_start(struct scan *); /* the first two columns of most tables */

/* ---- the formats ---- */

/* Say what a line is that has been cleaned. */
enum reader_verdict reader_line(const char *text, struct reader_line *out);

enum reader_verdict reader_columns(const char *text, struct reader_line *out);

/* The same for a line that may belong to a markdown table; `r` remembers the table's head. */
enum reader_verdict reader_table_line(struct reader *r, const char *text, struct reader_line *out);

/* Does the line consist of flags alone? Then `*attributes` has them. */
bool reader_flags_line(const char *text, uint64_t *attributes);

/* ---- reader_lists.c ---- */

void reader_watch_clock(struct reader *, const char *line); /* call it for every line */

/* Call it for every line that is not an entry. True when the line separates lists, so that it
 * cannot be a part of an entry. */
bool reader_watch_marks(struct reader *, const char *line);

/* Is the line the last entry once more? Two consoles on one wire print every line twice. */
bool reader_repeats_last(const struct reader *, const struct reader_line *);

bool reader_same_entry(const struct reader_entry *, const struct reader_entry *);
bool reader_add_entry(struct reader *, const struct reader_line *, uint32_t line);

/* An entry of this number was there, and is broken. */
void reader_lose_entry(struct reader *, enum reader_style, uint64_t index);

/* ---- reader_slots.c ---- */

/* Take what the line tells of memory modules. Such a line is no entry of a map. */
void reader_slots_line(struct reader *, const char *line);

/* There are no more lines. */
void reader_slots_end(struct reader *);

/* ---- reader_choice.c ---- */

/* There are no more lines: choose the map and leave it in `entries` and `ranges`. */
void reader_choose(struct reader *);

/* ---- reader.c ---- */

/* Make room for one more item; false when there is no memory. */
bool reader_grow(struct reader *, void **items, size_t *capacity, size_t count, size_t item);

/* Add a note on the list as a whole. */
void reader_about(struct reader *, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
