/* tests/sim/reader.h: a UEFI memory map out of whatever text it reached us in.
 *
 * Styles, recognised line by line, with any prefix (time stamp, syslog, quotation marks of a mail):
 *
 *   map      TYPE START END ATTR                                        our `.map` files
 *   serial   map: TYPE START END ATTR                                   our own log
 *   Linux    memNN: [Type|flags] range=[a-b)  memNN: [Type|attr=X] ..   x86, all ages
 *            memNN: type=N, attr=X, range=[a-b)
 *   arm64    efi:   a-b [Type|flags]
 *   Xen      a-b type=N attr=X
 *   MMap     MMap[N]: a - b len=N, type=N, attr=X                       esx-boot, mboot
 *   shell    Type a-b PAGES ATTR                                        `memmap` of the UEFI shell
 *
 * Rules that hold:
 *   - A style says whether its ends are inclusive; where the numbers say otherwise (a page-aligned
 *     start and an end in 000 or fff, a length that is printed beside them), the numbers win.
 *   - Every line ends up in exactly one count: entries, ignored (not about a map), or skipped
 *     (meant to be a map line and broken). The first skipped ones are kept as notes with number
 *     and reason.
 *   - Text may hold several maps (boots, or two styles). Pieces that do not overlap are parts of
 *     one map and are all taken. Else one is taken: the last that has conventional memory and at
 *     least half as many entries as the largest such, so that neither a log that was cut nor
 *     Linux's later list of runtime memory wins. `maps` and `taken` say which.
 *   - NULs are dropped (so UTF-16 from the shell can be read), terminal escapes too; of a line
 *     longer than READER_LINE bytes the rest is ignored. No input makes it fail but want of memory.
 */
#ifndef TESTS_SIM_READER_H
#define TESTS_SIM_READER_H

#include "hal/base.h"

#define READER_LINE  1024 /* bytes of a line that are looked at */
#define READER_NOTES 32   /* notes that are kept; all are counted */

enum reader_style {
    STYLE_MAP,
    STYLE_SERIAL,
    STYLE_LINUX,
    STYLE_ARM64,
    STYLE_XEN,
    STYLE_MMAP,
    STYLE_SHELL,
    STYLE_COUNT,
};

#define READER_TYPE_UNKNOWN 0xffffffffu /* a type name that nobody knows */
#define READER_ATTR_WB      8u          /* what an unknown attribute stands for */

/* A descriptor as it was printed. A range that wraps keeps its wrapped size; memmap_add names it.
 */
struct reader_entry {
    uint64_t base;
    uint64_t size;       /* bytes */
    uint64_t attributes; /* READER_ATTR_WB when the text had none */
    uint32_t type;       /* UEFI type number, or READER_TYPE_UNKNOWN */
    uint32_t line;       /* 1-based; stops at UINT32_MAX */
};

struct reader_note {
    uint32_t line;
    char text[200]; /* printable ASCII */
};

struct reader_piece {
    size_t first, count; /* into entries */
    enum reader_style style;
};

struct reader {
    struct reader_entry *entries; /* after reader_finish(): the map that was taken */
    size_t count;
    uint64_t lines, ignored, skipped;
    uint64_t odd; /* lines with a remark: an end of the other kind, an unknown type, a repetition */
    struct reader_note notes[READER_NOTES];
    size_t note_count;
    size_t maps, taken; /* maps in the text; which one was taken (1-based), 0: all pieces joined */
    uint32_t styles;    /* 1 << enum reader_style of the pieces taken */
    uint32_t first_line, last_line;
    bool partial; /* the header says `# partial: yes` */
    bool no_memory;
    char machine[128]; /* from `# machine:`, or empty */

    /* Private: where the reader stands. */
    size_t capacity;
    struct reader_piece *pieces;
    size_t piece_count, piece_capacity;
    char line[READER_LINE];
    size_t length;
    int escape;
    bool pending_cr, boundary, timed;
    double last_time;
    uint64_t last_index;
};

void reader_init(struct reader *);

/* More of the text; any bytes, cut anywhere. */
void reader_feed(struct reader *, const void *text, size_t bytes);

/* No more text: choose the map. False when memory ran out. `count` is 0 when there was no map. */
bool reader_finish(struct reader *);

void reader_free(struct reader *);

/* init, feed and finish for a file ("-": standard input). NULL, or a sentence in `error`. The
 * reader is to be freed in both cases. */
const char *reader_file(struct reader *, const char *path, char *error, size_t error_size);

const char *reader_style_name(enum reader_style);

/* One line of text, cleaned, taken apart: what it is. For reader.c and its tests. */
enum reader_verdict { LINE_OTHER, LINE_ENTRY, LINE_BROKEN };
struct reader_line {
    struct reader_entry entry;
    enum reader_style style;
    uint64_t index;     /* of memNN and MMap[N]; UINT64_MAX when there is none */
    const char *why;    /* LINE_BROKEN: the reason, a clause */
    const char *remark; /* LINE_ENTRY: NULL, or what was odd about it */
};
enum reader_verdict reader_line(const char *text, struct reader_line *out);

#endif
