/* tests/sim/reader.h: reads a UEFI memory map out of whatever text it stands in.
 *
 * Formats, recognised line by line, with any prefix (time stamp, syslog, quotation marks of a
 * mail), letters of either case:
 *
 *   map       TYPE START END ATTR                                     our `.map` files
 *   serial    map: TYPE START END ATTR                                our own log
 *   Linux     memNN: [Type|flags] range=[a-b)  memNN: [Type|attr=X] ..  x86, all ages
 *             memNN: type=N, attr=X, range=[a-b)
 *   arm64     efi:   a-b [Type|flags]
 *   Xen       a-b type=N attr=X
 *   MMap      MMap[N]: a - b len=N, type=N, attr=X                    esx-boot, mboot
 *   shell     Type a-b PAGES ATTR                                     `memmap` of the UEFI shell
 *   U-Boot    TYPE NAME a-b UC|WB|RT                                  `efidebug memmap`
 *   GRUB      type a-b PAGES 640KiB RT UC WB                          `lsefimmap`
 *   FreeBSD   Type PHYSICAL VIRTUAL PAGES UC WB                       boot -v, machdep.efi_map
 *   uefi-rs   MemoryDescriptor { ty: T, phys_start: N, virt_start: N, page_count: N, att: F }
 *   markdown  | Type | Start | End | ... |                            columns as its head says
 *   e820      BIOS-e820: [mem a-b] usable                             also Xen's, FreeBSD's SMAP
 *
 * Beside the map: ACPI: SRAT: Node N PXM N [mem a-b]                  Linux and Xen: the nodes
 *                 ram: slot N "PLACE" "BANK": ...                     our own log and report: the modules
 *                 Handle 0x1100, DMI type 17, ...                     dmidecode: the same
 *                 DMI: Memory slots populated: 2/4                    Linux: how many there are
 *
 * The text may be UTF-8 or UTF-16 with any line ends, and have terminal escapes, HTML's entities
 * and tags, quoted-printable, or the bars of a markdown table. Lines that a mail has folded, or
 * that Rust's {:#?} has spread over several, are put together again.
 *
 * Rules that hold:
 *   - A format says whether its ends are inclusive; where the numbers say otherwise (a page-aligned
 *     start and an end in 000 or fff, a length that is printed beside them), the numbers win.
 *   - Every line ends up in exactly one count: entries, node ranges, joined (the rest of a folded
 *     line), ignored (not about a map), or skipped (meant to be a map line and broken). The first
 *     skipped ones are kept as notes with number and reason.
 *   - Text may hold several lists (boots, or two formats). Three kinds are no map: what follows the
 *     title "EFI runtime memory map", which is what Linux keeps for later; an e820 list beside a
 *     UEFI one; a list all of whose entries stand in the longest one (a copy that was cut). When the
 *     remaining lists do not overlap, they are parts of one map, and all are taken. Otherwise one
 *     list is taken: the last one without a gap in its numbers that has conventional memory and at
 *     least half as many entries as the longest; or, when all have gaps, the last of that length.
 *     `maps` and `taken` say which.
 *   - Numbers that are missing in memNN or MMap[N], counted from 0, make `partial` true, and a note
 *     names them. The number of a broken line counts as missing. Nobody can see whether a list went
 *     on after its last line.
 *   - An e820 list is taken when there is nothing else; a note says what it cannot know.
 *   - Node ranges are those of the map's own boot, or of the last boot that has any.
 *   - Reading fails only when memory runs out. What a line has beyond READER_LINE bytes is ignored.
 */
#ifndef TESTS_SIM_READER_H
#define TESTS_SIM_READER_H

#include "hal/base.h"
#include "kernel/ram/slots.h"

#define READER_LINE  2048 /* bytes of a line that are looked at */
#define READER_NOTES 32   /* notes on lines; more are counted, but not kept */
#define READER_ABOUT 8    /* notes on the list as a whole, besides those */

enum reader_style {
    STYLE_MAP,
    STYLE_SERIAL,
    STYLE_LINUX,
    STYLE_ARM64,
    STYLE_XEN,
    STYLE_MMAP,
    STYLE_SHELL,
    STYLE_UBOOT,
    STYLE_GRUB,
    STYLE_FREEBSD,
    STYLE_UEFI_RS,
    STYLE_TABLE,
    STYLE_E820,
    STYLE_COUNT,
};

#define READER_TYPE_UNKNOWN 0xffffffffu /* a type name that nobody knows */
#define READER_ATTR_WB      8u          /* what an unknown attribute stands for */
#define READER_NO_INDEX     UINT64_MAX

/* A descriptor as it was printed. A range that wraps keeps its wrapped size; memmap_add names it.
 */
struct reader_entry {
    uint64_t base;
    uint64_t size;       /* bytes */
    uint64_t attributes; /* READER_ATTR_WB when the text had none */
    uint64_t index;      /* of memNN and MMap[N]; READER_NO_INDEX when there is none */
    uint32_t type;       /* UEFI type number, or READER_TYPE_UNKNOWN */
    uint32_t line;       /* 1-based; stops at UINT32_MAX */
};

/* A node's memory, as an SRAT gives it. In a hot-pluggable window memory may be added later. */
struct reader_range {
    uint64_t base, size;
    uint32_t node;
    uint32_t line;
    bool hot_plug;
    size_t boot;
};

/* Where the lines that tell of memory modules came from. */
enum reader_slots_source { SLOTS_NONE, SLOTS_OWN, SLOTS_DMIDECODE, SLOTS_LINUX };

struct reader_slots {
    enum reader_slots_source source; /* SLOTS_NONE: no line tells of any */
    struct slots slots;              /* after reader_finish(): as kernel/ram/slots.h has them */
    char why[120];                   /* where the sizes are not told: the reason */

    /* Private. */
    unsigned type; /* of the structure that dmidecode's lines are in */
    bool open, counted;
};

struct reader_note {
    uint32_t line;
    char text[200]; /* printable ASCII */
};

/* A list of entries in the text. */
struct reader_piece {
    size_t first, count; /* into entries */
    enum reader_style style;
    size_t number; /* among all lists, from 1 */
    size_t boot;
    uint64_t lost; /* the highest number of a broken line after its last entry; 0: none */
    bool runtime;  /* what Linux keeps for later, which is not the map */
};

/* A line that began an entry and did not end it. It is held until the next line has come. */
struct reader_held {
    char text[READER_LINE]; /* the line, and what was joined to it */
    size_t own;             /* bytes of the line itself */
    unsigned lines;         /* how many lines it is made of; 0: nothing is held */
    uint32_t line;
    const char *why; /* what is wrong with it when nothing that fits follows */
    enum reader_style style;
    uint64_t index;
    bool soft; /* it ended in a soft line break of quoted-printable */
    bool timed;
};

struct reader {
    struct reader_entry *entries; /* after reader_finish(): the map that was taken */
    size_t count;
    struct reader_range *ranges; /* after reader_finish(): of the map's boot, in the text's order */
    size_t range_count;
    uint64_t lines, range_lines, joined, ignored, skipped;
    uint64_t odd; /* lines with a remark: an end of the other kind, an unknown type, a repetition */
    struct reader_note notes[READER_NOTES + READER_ABOUT];
    size_t note_count, about_count; /* about_count of them are about the list as a whole */
    size_t maps, taken; /* lists in the text; the one taken, from 1 on; 0: `parts` were joined */
    size_t parts;
    uint32_t styles; /* 1 << enum reader_style of the lists taken */
    uint32_t first_line, last_line;
    bool partial;     /* the header says `# partial: yes`, or numbers are missing */
    uint64_t missing; /* how many numbers */
    bool no_memory;
    struct reader_slots slots;
    char machine[128]; /* from `# machine:`, or empty */

    /* Private: where the reader stands. */
    size_t capacity, range_capacity;
    struct reader_piece *pieces;
    size_t piece_count, piece_capacity;
    char line[READER_LINE];
    size_t length;
    struct reader_held held;
    unsigned columns; /* of the markdown table's head; 0: there was none */
    unsigned char column_roles[16];
    int escape;
    bool pending_cr, boundary, runtime_next, timed, open_flags;
    double last_time;
    size_t boot;
    struct reader_note broken_e820; /* the first, in case that list is taken */
    uint64_t broken_e820_lines;
};

void reader_init(struct reader *);

/* Take more of the text in: any bytes, cut anywhere. */
void reader_feed(struct reader *, const void *text, size_t bytes);

/* The text is over: choose the map. `count` is 0 when there was none. False when memory ran out. */
bool reader_finish(struct reader *);

void reader_free(struct reader *);

/* Init, feed and finish for a file; "-" is standard input. Returns NULL, or `error` with a sentence
 * in it. Free the reader in both cases. */
const char *reader_file(struct reader *, const char *path, char *error, size_t error_size);

const char *reader_style_name(enum reader_style);

#endif
