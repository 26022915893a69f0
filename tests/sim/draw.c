/* `memsim draw`: physical memory as a picture.
 *
 * One panel a zone, rows of equal length in a panel, everything in a row to scale. The length of a
 * row is the smallest power of two that shows the panel in few rows; rows that lie wholly in one
 * hole or one region that is not RAM are left out and a break says what they were and how large. So
 * 128 MiB and 12 TiB with its far-away device windows both fill a screen.
 *
 * Where the text names nodes, a strip above each row says whose memory it is.
 *
 * Colours are those of Okabe and Ito, which people with any colour vision can tell apart; kinds
 * that are rare have stripes.
 */
#include "hal/short.h"
#include "tests/sim/desk.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_WIDTH   1480.0
#define MARGIN       30.0
#define GUTTER       150.0 /* addresses to the left of a row */
#define BAR_WIDTH    (PAGE_WIDTH - 2 * MARGIN - GUTTER)
#define ROW_HEIGHT   34.0
#define ROW_STEP     44.0
#define NODE_HEIGHT  11.0 /* of the strip above a row that says whose node it is */
#define BREAK_STEP   28.0
#define PANEL_STEP   46.0
#define TITLE_HEIGHT 84.0
#define LEGEND_STEP  30.0
#define PNG_SCALE    1.25

struct colour {
    double red, green, blue;
};

struct look {
    uint32_t rgb;
    bool stripes;
    const char *meaning;
};

static const struct look looks[MEM_TYPE_COUNT] = {
    [MEM_NONE] = {0xffffff, false, "nothing is there"},
    [MEM_HOTPLUG] = {0x56b4e9, true, "where memory may be added"},
    [MEM_USABLE] = {0x009e73, false, "free from the start"},
    [MEM_BOOT] = {0x56b4e9, false, "free after reclaim"},
    [MEM_LOADER] = {0x0072b2, false, "free after reclaim"},
    [MEM_BAD] = {0x000000, true, "kept from use"},
    [MEM_ACPI_RECLAIM] = {0xf0e442, false, "kept"},
    [MEM_SPECIFIC] = {0x009e73, true, "shown, never allocated"},
    [MEM_PERSISTENT] = {0x0072b2, true, "never used"},
    [MEM_UNACCEPTED] = {0xe69f00, true, "never used"},
    [MEM_ACPI_NVS] = {0xe69f00, false, "never used"},
    [MEM_RUNTIME] = {0xd55e00, false, "never used"},
    [MEM_RESERVED] = {0x9a9a9a, false, "never used; the first MiB too"},
    [MEM_MMIO] = {0xcc79a7, false, "windows of devices"},
    [MEM_UNUSABLE] = {0x000000, false, "never used"},
};

/* A stretch of the address space: a region, or the hole between two. */
struct piece {
    uint64_t base, end;
    enum mem_type type;
};

enum item_kind { ITEM_PANEL, ITEM_ROW, ITEM_BREAK };

/* What stands below one another on the page. */
struct item {
    enum item_kind kind;
    enum pmm_zone zone;
    uint64_t base, end; /* ROW: the whole row; PANEL: the zone's share; BREAK: the piece left out */
    uint64_t row;       /* bytes in a row of this panel */
    enum mem_type type; /* BREAK */
    unsigned merged;    /* BREAK: further stretches without RAM that it stands for */
};

struct picture {
    cairo_t *cr;
    const struct desk *desk;
    const struct reader *reader;
    const char *path;
    struct piece *pieces;
    size_t piece_count;
    struct item *items;
    size_t item_count;
};

#define ROWS_DMA    1
#define ROWS_DMA32  8
#define ROWS_NORMAL 10
#define BREAKS_MAX  4 /* between two rows; what follows is merged into the last of them */
#define ITEMS_MAX   (3 + (BREAKS_MAX + 1) * (ROWS_DMA + ROWS_DMA32 + ROWS_NORMAL + 3))

/* ---- what to show ---- */

static void add_piece(struct picture *p, uint64_t base, uint64_t end, enum mem_type type)
{
    struct piece *last = p->piece_count > 0 ? &p->pieces[p->piece_count - 1] : NULL;
    if (base >= end)
        return;
    if (last != NULL && last->type == type && last->end == base)
        last->end = end;
    else
        p->pieces[p->piece_count++] = (struct piece){base, end, type};
}

static bool make_pieces(struct picture *p)
{
    const struct memmap *map = &p->desk->map;
    uint64_t reached = 0;
    p->pieces = calloc(2 * map->count + 1, sizeof *p->pieces);
    p->items = calloc(ITEMS_MAX, sizeof *p->items);
    if (p->pieces == NULL || p->items == NULL)
        return false;
    for (size_t i = 0; i < map->count; i++) {
        const struct mem_region *r = &map->regions[i];
        add_piece(p, reached, r->base, MEM_NONE);
        add_piece(p, r->base, mem_region_end(r), r->type);
        reached = mem_region_end(r);
    }
    return true;
}

/* Rows of `row` bytes that [base, end) of a piece makes worth drawing: all it touches if it is RAM,
 * else only those that it shares with a neighbour. */
static bool row_is_dull(const struct piece *piece, uint64_t index, uint64_t row)
{
    return !mem_type_is_allocatable(piece->type) && index * row >= piece->base &&
           (index + 1) * row <= piece->end;
}

struct row_range {
    uint64_t first, last; /* of the rows that a piece touches within a panel */
};

static struct row_range rows_of(const struct piece *piece, uint64_t from, uint64_t to, uint64_t row)
{
    return (struct row_range){hal_max_u64(piece->base, from) / row,
                              (hal_min_u64(piece->end, to) - 1) / row};
}

static bool piece_in(const struct piece *piece, uint64_t from, uint64_t to)
{
    return piece->base < to && piece->end > from;
}

/* Rows that the panel [from, to) needs. Counts no further than `most` + 1. */
static uint64_t count_rows(const struct picture *p, uint64_t from, uint64_t to, uint64_t row,
                           uint64_t most)
{
    uint64_t rows = 0, next = 0;
    for (size_t i = 0; i < p->piece_count && rows <= most; i++) {
        const struct piece *piece = &p->pieces[i];
        if (!piece_in(piece, from, to))
            continue;
        struct row_range r = rows_of(piece, from, to, row);
        uint64_t first = hal_max_u64(r.first, next);
        if (first > r.last)
            continue;
        if (mem_type_is_allocatable(piece->type)) {
            rows += r.last - first + 1;
        } else {
            rows += row_is_dull(piece, first, row) ? 0 : 1;
            rows += first < r.last && !row_is_dull(piece, r.last, row) ? 1 : 0;
        }
        next = r.last + 1;
    }
    return rows;
}

static uint64_t choose_row(const struct picture *p, uint64_t from, uint64_t to, uint64_t most)
{
    uint64_t row = MIB;
    while (count_rows(p, from, to, row, most) > most && row < (uint64_t)1 << 52)
        row *= 2;
    return row;
}

static void add_item(struct picture *p, const struct item *item)
{
    if (p->item_count < ITEMS_MAX)
        p->items[p->item_count++] = *item;
}

/* A stretch that is not shown in rows. */
static void add_break(struct picture *p, const struct piece *piece, const struct item *row)
{
    size_t n = 0;
    while (n < p->item_count && p->items[p->item_count - 1 - n].kind == ITEM_BREAK)
        n++;
    if (n == BREAKS_MAX) {
        p->items[p->item_count - 1].end = piece->end;
        p->items[p->item_count - 1].merged++;
        return;
    }
    struct item item = *row;
    item.kind = ITEM_BREAK;
    item.base = piece->base;
    item.end = piece->end;
    item.type = piece->type;
    add_item(p, &item);
}

/* The rows of a piece in a panel that no piece before it has: full rows it spans are one break. */
static void add_rows(struct picture *p, const struct piece *piece, struct item item,
                     struct row_range r)
{
    bool left_out = false;
    for (uint64_t index = r.first; index <= r.last; index++) {
        if (row_is_dull(piece, index, item.row)) {
            if (!left_out)
                add_break(p, piece, &item);
            left_out = true;
            index = hal_max_u64(index, hal_min_u64(r.last, piece->end / item.row - 1));
            continue;
        }
        item.base = index * item.row;
        item.end = item.base + item.row;
        add_item(p, &item);
    }
}

static void add_panel(struct picture *p, enum pmm_zone zone, uint64_t from, uint64_t to,
                      uint64_t most)
{
    uint64_t next = 0;
    if (from >= to)
        return;
    struct item item = {ITEM_PANEL, zone, from, to, choose_row(p, from, to, most), MEM_NONE, 0};
    if (zone == PMM_ZONE_DMA)
        item.row = PMM_DMA_LIMIT;
    add_item(p, &item);
    item.kind = ITEM_ROW;
    for (size_t i = 0; i < p->piece_count; i++) {
        if (!piece_in(&p->pieces[i], from, to))
            continue;
        struct row_range r = rows_of(&p->pieces[i], from, to, item.row);
        r.first = hal_max_u64(r.first, next);
        next = hal_max_u64(next, r.last + 1);
        if (r.first <= r.last)
            add_rows(p, &p->pieces[i], item, r);
    }
}

static void make_items(struct picture *p)
{
    uint64_t top = p->piece_count == 0 ? 0 : p->pieces[p->piece_count - 1].end;
    add_panel(p, PMM_ZONE_DMA, 0, hal_min_u64(top, PMM_DMA_LIMIT), ROWS_DMA);
    add_panel(p, PMM_ZONE_DMA32, PMM_DMA_LIMIT, hal_min_u64(top, PMM_DMA32_LIMIT), ROWS_DMA32);
    add_panel(p, PMM_ZONE_NORMAL, PMM_DMA32_LIMIT, top, ROWS_NORMAL);
}

/* ---- pen and paper ---- */

static struct colour colour_of(enum mem_type type)
{
    uint32_t rgb = looks[type].rgb;
    return (struct colour){(rgb >> 16 & 255) / 255.0, (rgb >> 8 & 255) / 255.0,
                           (rgb & 255) / 255.0};
}

static void set_grey(cairo_t *cr, double level)
{
    cairo_set_source_rgb(cr, level, level, level);
}

static void set_font(cairo_t *cr, double size, bool bold)
{
    cairo_select_font_face(cr, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

/* Printable ASCII only: cairo stops at text that is not UTF-8. */
static void clean(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (; *text != '\0' && n + 1 < size; text++)
        out[n++] = (char)(*text >= ' ' && *text <= '~' ? *text : '?');
    out[n] = '\0';
}

static double text_width(cairo_t *cr, const char *text)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cr, text, &extents);
    return extents.x_advance;
}

/* `align`: 0 text begins at x, 0.5 is centred there, 1 ends there. */
static void put_text(cairo_t *cr, double x, double y, double align, const char *text)
{
    cairo_move_to(cr, x - align * text_width(cr, text), y);
    cairo_show_text(cr, text);
}

static void fill_kind(cairo_t *cr, enum mem_type type, double x, double y, double w, double h)
{
    struct colour c = colour_of(type);
    cairo_rectangle(cr, x, y, w, h);
    if (!looks[type].stripes) {
        cairo_set_source_rgb(cr, c.red, c.green, c.blue);
        cairo_fill(cr);
        return;
    }
    cairo_save(cr);
    cairo_clip(cr);
    set_grey(cr, 1);
    cairo_paint(cr);
    cairo_set_source_rgb(cr, c.red, c.green, c.blue);
    cairo_set_line_width(cr, 4);
    for (double s = x - h; s < x + w; s += 9) {
        cairo_move_to(cr, s, y + h);
        cairo_line_to(cr, s + h, y);
    }
    cairo_stroke(cr);
    cairo_restore(cr);
}

/* A hole: white with fine dots, so that it does not look like something forgotten. */
static void fill_hole(cairo_t *cr, double x, double y, double w, double h)
{
    cairo_rectangle(cr, x, y, w, h);
    set_grey(cr, 0.965);
    cairo_fill(cr);
    cairo_save(cr);
    cairo_rectangle(cr, x, y, w, h);
    cairo_clip(cr);
    set_grey(cr, 0.84);
    cairo_set_line_width(cr, 0.8);
    for (double s = floor((x - h) / 8) * 8; s < x + w; s += 8) {
        cairo_move_to(cr, s, y + h);
        cairo_line_to(cr, s + h, y);
    }
    cairo_stroke(cr);
    cairo_restore(cr);
}

/* ---- rows ---- */

static bool is_dark(enum mem_type type)
{
    struct colour c = colour_of(type);
    return !looks[type].stripes && 0.3 * c.red + 0.59 * c.green + 0.11 * c.blue < 0.5;
}

/* A piece is named where it begins; an arrow says that it goes on in the next row. */
static void label_piece(cairo_t *cr, const struct piece *piece, bool goes_on, double x, double y,
                        double w)
{
    char text[80];
    const char *arrow = goes_on ? " \xe2\x86\x92" : "";
    set_font(cr, 12, false);
    snprintf(text, sizeof text, "%s %s%s", mem_type_name(piece->type),
             HUMAN(piece->end - piece->base), arrow);
    if (text_width(cr, text) + 12 > w)
        snprintf(text, sizeof text, "%s%s", HUMAN(piece->end - piece->base), arrow);
    if (text_width(cr, text) + 10 > w)
        return;
    if (looks[piece->type].stripes)
        fill_kind(cr, MEM_NONE, x + w / 2 - text_width(cr, text) / 2 - 4, y + 8,
                  text_width(cr, text) + 8, ROW_HEIGHT - 16);
    set_grey(cr, is_dark(piece->type) ? 1 : piece->type == MEM_NONE ? 0.4 : 0);
    put_text(cr, x + w / 2, y + ROW_HEIGHT / 2 + 4.5, 0.5, text);
}

struct stretch {
    double x, w;
};

static struct stretch stretch_of(const struct item *row, uint64_t from, uint64_t to)
{
    double scale = BAR_WIDTH / (double)row->row;
    return (struct stretch){MARGIN + GUTTER + (double)(from - row->base) * scale,
                            (double)(to - from) * scale};
}

/* Pass 0 paints holes and RAM, pass 1 what else there is, so that a single page of it stays
 * visible, pass 2 writes. */
static void draw_piece(cairo_t *cr, const struct item *row, const struct piece *piece,
                       uint64_t from, uint64_t to, double y, int pass)
{
    bool ground = piece->type == MEM_NONE || mem_type_is_allocatable(piece->type);
    struct stretch s = stretch_of(row, from, to);
    if (pass == 2 && from == piece->base)
        label_piece(cr, piece, to < piece->end, s.x, y, s.w);
    else if (pass == 0 && piece->type == MEM_NONE)
        fill_hole(cr, s.x, y, s.w, ROW_HEIGHT);
    else if (pass == (ground ? 0 : 1) && piece->type != MEM_NONE)
        fill_kind(cr, piece->type, s.x, y, fmax(s.w, ground ? s.w : 1.2), ROW_HEIGHT);
}

static void draw_frame(cairo_t *cr, const struct item *row, uint64_t from, uint64_t to, double y)
{
    struct stretch s = stretch_of(row, from, to);
    set_grey(cr, 0.25);
    cairo_set_line_width(cr, 1);
    cairo_rectangle(cr, s.x, y, s.w, ROW_HEIGHT);
    cairo_stroke(cr);
    for (unsigned i = 0; i <= 8; i++) {
        double x = MARGIN + GUTTER + BAR_WIDTH * i / 8;
        if (x < s.x - 0.5 || x > s.x + s.w + 0.5)
            continue;
        cairo_move_to(cr, x, y + ROW_HEIGHT);
        cairo_line_to(cr, x, y + ROW_HEIGHT + (i % 4 == 0 ? 6 : 4));
        cairo_stroke(cr);
    }
}

static void draw_row(const struct picture *p, const struct item *row, const struct item *panel,
                     double y)
{
    char text[40];
    uint64_t from = hal_max_u64(row->base, panel->base), to = hal_min_u64(row->end, panel->end);
    for (int pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < p->piece_count; i++) {
            const struct piece *piece = &p->pieces[i];
            if (piece_in(piece, from, to))
                draw_piece(p->cr, row, piece, hal_max_u64(piece->base, from),
                           hal_min_u64(piece->end, to), y, pass);
        }
    }
    draw_frame(p->cr, row, from, to, y);
    set_grey(p->cr, 0.1);
    set_font(p->cr, 13, true);
    put_text(p->cr, MARGIN + GUTTER - 12, y + 15, 1, from == 0 ? "0" : HUMAN(from));
    set_grey(p->cr, 0.35);
    set_font(p->cr, 11, false);
    snprintf(text, sizeof text, "0x%" PRIx64, from);
    put_text(p->cr, MARGIN + GUTTER - 12, y + 30, 1, text);
}

/* Two tints in turn, and the number where there is room for it. */
static void draw_node(const struct picture *p, const struct item *row, const struct pmm_node_range *r,
                      uint64_t from, uint64_t to, double y)
{
    char text[24];
    struct stretch s = stretch_of(row, hal_max_u64(r->base, from), hal_min_u64(r->end, to));
    if (r->node % 2 == 0)
        cairo_set_source_rgb(p->cr, 0.25, 0.25, 0.5);
    else
        cairo_set_source_rgb(p->cr, 0.75, 0.75, 0.95);
    cairo_rectangle(p->cr, s.x, y - NODE_HEIGHT, s.w, NODE_HEIGHT - 1);
    cairo_fill(p->cr);
    snprintf(text, sizeof text, "node %" PRIu32, p->desk->nodes->kernel.domain[r->node]);
    set_font(p->cr, 9, false);
    if (s.w < text_width(p->cr, text) + 6)
        return;
    set_grey(p->cr, r->node % 2 == 0 ? 1 : 0);
    put_text(p->cr, s.x + 3, y - 3, 0, text);
}

/* What no range has is the first node's, and has no strip: so it shows. */
static void draw_nodes(const struct picture *p, const struct item *row, const struct item *panel,
                       double y)
{
    uint64_t from = hal_max_u64(row->base, panel->base), to = hal_min_u64(row->end, panel->end);
    for (uint32_t i = 0; p->desk->nodes != NULL && i < p->desk->nodes->kernel.range_count; i++) {
        const struct pmm_node_range *r = &p->desk->nodes->kernel.range[i];
        if (r->base < to && r->end > from)
            draw_node(p, row, r, from, to, y);
    }
}

static void draw_break(cairo_t *cr, const struct item *item, double y)
{
    char text[160], more[60] = "";
    double x = MARGIN + GUTTER, middle = y + BREAK_STEP / 2 - 5;
    const double dashes[] = {3, 4};
    if (item->merged > 0)
        snprintf(more, sizeof more, " and %u stretches more without RAM", item->merged);
    snprintf(text, sizeof text, "%s%s, %s: 0x%" PRIx64 " to 0x%" PRIx64, mem_type_name(item->type),
             more, HUMAN(item->end - item->base), item->base, item->end);
    set_font(cr, 12, false);
    double w = text_width(cr, text);
    if (item->type == MEM_NONE)
        fill_hole(cr, x + 40, middle - 6, 12, 12);
    else
        fill_kind(cr, item->type, x + 40, middle - 6, 12, 12);
    set_grey(cr, 0.45);
    cairo_set_line_width(cr, 1);
    cairo_rectangle(cr, x + 40, middle - 6, 12, 12);
    cairo_stroke(cr);
    cairo_set_dash(cr, dashes, 2, 0);
    cairo_move_to(cr, x, middle);
    cairo_line_to(cr, x + 34, middle);
    cairo_move_to(cr, x + 66 + w, middle);
    cairo_line_to(cr, x + BAR_WIDTH, middle);
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
    set_grey(cr, 0.3);
    put_text(cr, x + 58, middle + 4.5, 0, text);
}

static uint64_t usable_within(const struct picture *p, uint64_t from, uint64_t to)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < p->piece_count; i++)
        if (mem_type_is_allocatable(p->pieces[i].type) && piece_in(&p->pieces[i], from, to))
            bytes += hal_min_u64(p->pieces[i].end, to) - hal_max_u64(p->pieces[i].base, from);
    return bytes;
}

static void draw_panel_title(const struct picture *p, const struct item *item, double y)
{
    static const char *const ranges[PMM_ZONE_COUNT] = {
        [PMM_ZONE_DMA] = "DMA zone, 0 to 16 MiB",
        [PMM_ZONE_DMA32] = "DMA32 zone, 16 MiB to 4 GiB",
        [PMM_ZONE_NORMAL] = "NORMAL zone, 4 GiB and up",
    };
    char text[120];
    set_grey(p->cr, 0.1);
    cairo_set_line_width(p->cr, 2);
    cairo_move_to(p->cr, MARGIN, y + 10);
    cairo_line_to(p->cr, PAGE_WIDTH - MARGIN, y + 10);
    cairo_stroke(p->cr);
    set_font(p->cr, 15, true);
    put_text(p->cr, MARGIN, y + 32, 0, ranges[item->zone]);
    set_font(p->cr, 13, false);
    snprintf(text, sizeof text, "%s usable   |   a row is %s, a tick %s",
             HUMAN(usable_within(p, item->base, item->end)), HUMAN(item->row),
             HUMAN(item->row / 8));
    put_text(p->cr, PAGE_WIDTH - MARGIN, y + 32, 1, text);
}

/* ---- the page ---- */

static double node_height(const struct picture *p)
{
    return p->desk->nodes != NULL ? NODE_HEIGHT : 0;
}

static double item_height(const struct picture *p, const struct item *item)
{
    static const double heights[] = {
        [ITEM_PANEL] = PANEL_STEP, [ITEM_ROW] = ROW_STEP, [ITEM_BREAK] = BREAK_STEP};
    return heights[item->kind] + (item->kind == ITEM_ROW ? node_height(p) : 0);
}

static unsigned legend_entries(const struct picture *p)
{
    unsigned n = 1;
    for (unsigned t = 0; t < MEM_TYPE_COUNT; t++)
        n += p->desk->type_pages[t] != 0;
    return n;
}

static double legend_height(const struct picture *p)
{
    return 46 + LEGEND_STEP * ((legend_entries(p) + 1) / 2);
}

static double title_height(const struct picture *p)
{
    return TITLE_HEIGHT + (p->desk->nodes != NULL ? 18 : 0);
}

static double page_height(const struct picture *p)
{
    double height = title_height(p) + legend_height(p) + MARGIN;
    for (size_t i = 0; i < p->item_count; i++)
        height += item_height(p, &p->items[i]);
    return height;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* As many as there is room for. */
static void draw_node_sums(const struct picture *p)
{
    char text[200] = "RAM of the nodes:";
    size_t length = strlen(text);
    const struct nodes *k = &p->desk->nodes->kernel;
    for (uint32_t i = 0; i < k->count && length < sizeof text - 40; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s %" PRIu32 ": %s",
                                   i == 0 ? "" : ",", k->domain[i], HUMAN(k->ram[i]));
    if (length >= sizeof text - 40)
        snprintf(text + length, sizeof text - length, ", ...");
    put_text(p->cr, MARGIN, MARGIN + 62, 0, text);
}

static void draw_title(const struct picture *p)
{
    char text[300], name[100], machine[100], beyond[80] = "";
    clean(base_name(p->path), name, sizeof name);
    clean(p->reader->machine, machine, sizeof machine);
    set_grey(p->cr, 0);
    set_font(p->cr, 21, true);
    put_text(p->cr, MARGIN, MARGIN + 20, 0, machine[0] != '\0' ? machine : name);
    set_font(p->cr, 13, false);
    set_grey(p->cr, 0.3);
    if (p->desk->beyond_pages > 0)
        snprintf(beyond, sizeof beyond, ", %s of it out of the direct map's reach",
                 HUMAN(p->desk->beyond_pages * HAL_PAGE_SIZE));
    snprintf(text, sizeof text, "%s   |   %zu descriptors, %" PRIu64 " usable pages (%s)%s%s", name,
             p->reader->count, p->desk->usable_pages, HUMAN(p->desk->usable_pages * HAL_PAGE_SIZE),
             beyond, p->reader->partial ? "   |   partial: the log was cut" : "");
    put_text(p->cr, MARGIN, MARGIN + 44, 0, text);
    if (p->desk->nodes != NULL)
        draw_node_sums(p);
}

static void draw_legend_entry(const struct picture *p, enum mem_type type, double x, double y)
{
    char text[120];
    if (type == MEM_NONE)
        fill_hole(p->cr, x, y, 34, 18);
    else
        fill_kind(p->cr, type, x, y, 34, 18);
    set_grey(p->cr, 0.25);
    cairo_set_line_width(p->cr, 1);
    cairo_rectangle(p->cr, x, y, 34, 18);
    cairo_stroke(p->cr);
    set_font(p->cr, 13, true);
    set_grey(p->cr, 0);
    put_text(p->cr, x + 44, y + 14, 0, mem_type_name(type));
    set_font(p->cr, 13, false);
    put_text(p->cr, x + 190, y + 14, 0, looks[type].meaning);
    uint64_t pages = p->desk->type_pages[type];
    if (type == MEM_NONE)
        return;
    snprintf(text, sizeof text, "%s", HUMAN(pages * HAL_PAGE_SIZE));
    put_text(p->cr, x + 530, y + 14, 1, text);
    set_grey(p->cr, 0.45);
    snprintf(text, sizeof text, "%" PRIu64 " pages", pages);
    put_text(p->cr, x + 670, y + 14, 1, text);
}

static void draw_legend(const struct picture *p, double y)
{
    unsigned n = 0, rows = (legend_entries(p) + 1) / 2;
    set_grey(p->cr, 0.1);
    cairo_set_line_width(p->cr, 2);
    cairo_move_to(p->cr, MARGIN, y + 10);
    cairo_line_to(p->cr, PAGE_WIDTH - MARGIN, y + 10);
    cairo_stroke(p->cr);
    for (unsigned i = 0; i < MEM_TYPE_COUNT; i++) {
        enum mem_type type = (enum mem_type)((i + 1) % MEM_TYPE_COUNT); /* the hole comes last */
        if (type != MEM_NONE && p->desk->type_pages[type] == 0)
            continue;
        draw_legend_entry(p, type, MARGIN + (n / rows) * (PAGE_WIDTH / 2 - MARGIN + 10),
                          y + 28 + LEGEND_STEP * (n % rows));
        n++;
    }
}

static void draw_page(const struct picture *p)
{
    double y = title_height(p);
    const struct item *panel = p->items;
    set_grey(p->cr, 1);
    cairo_paint(p->cr);
    draw_title(p);
    for (size_t i = 0; i < p->item_count; i++) {
        const struct item *item = &p->items[i];
        if (item->kind == ITEM_PANEL) {
            panel = item;
            draw_panel_title(p, item, y);
        } else if (item->kind == ITEM_ROW) {
            draw_row(p, item, panel, y + node_height(p));
            draw_nodes(p, item, panel, y + node_height(p));
        } else {
            draw_break(p->cr, item, y);
        }
        y += item_height(p, item);
    }
    draw_legend(p, y);
}

/* ---- files ---- */

static bool ends_with(const char *text, const char *tail)
{
    size_t n = strlen(text), m = strlen(tail);
    return n > m && strcmp(text + n - m, tail) == 0;
}

static cairo_surface_t *make_surface(const struct picture *p, const char *out)
{
    double height = page_height(p);
    if (ends_with(out, ".svg"))
        return cairo_svg_surface_create(out, PAGE_WIDTH, height);
    return cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(PAGE_WIDTH * PNG_SCALE),
                                      (int)(height * PNG_SCALE));
}

static cairo_status_t finish_surface(cairo_surface_t *surface, const char *out)
{
    cairo_status_t status = cairo_surface_status(surface);
    if (status == CAIRO_STATUS_SUCCESS && !ends_with(out, ".svg"))
        status = cairo_surface_write_to_png(surface, out);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    return status;
}

static int write_picture(struct picture *p, const char *out)
{
    cairo_surface_t *surface = make_surface(p, out);
    p->cr = cairo_create(surface);
    if (!ends_with(out, ".svg"))
        cairo_scale(p->cr, PNG_SCALE, PNG_SCALE);
    draw_page(p);
    cairo_status_t status = cairo_status(p->cr);
    cairo_status_t written = finish_surface(surface, out);
    status = status == CAIRO_STATUS_SUCCESS ? written : status;
    cairo_destroy(p->cr);
    cairo_surface_destroy(surface);
    if (status != CAIRO_STATUS_SUCCESS)
        return sim_fail("cannot write %s: %s", out, cairo_status_to_string(status));
    return 0;
}

static int draw_map(const struct reader *r, const struct desk *d, const char *path, const char *out)
{
    struct picture p = {.desk = d, .reader = r, .path = path};
    int status;
    if (d->map.count == 0)
        status = sim_fail("the map in %s has nothing to draw", path);
    else if (!make_pieces(&p))
        status = sim_fail("the picture of %s does not fit in memory", path);
    else {
        make_items(&p);
        status = write_picture(&p, out);
    }
    free(p.pieces);
    free(p.items);
    return status;
}

static bool parse(int argc, char **argv, const char **path, const char **out)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-o") == 0 && i + 1 < argc && *out == NULL)
            *out = argv[++i];
        else if (*path == NULL && (argv[i][0] != '-' || argv[i][1] == '\0'))
            *path = argv[i];
        else
            return false;
    }
    return *path != NULL && *out != NULL;
}

int sim_draw(int argc, char **argv)
{
    const char *path = NULL, *out = NULL;
    if (!parse(argc, argv, &path, &out) || (!ends_with(out, ".png") && !ends_with(out, ".svg")))
        return sim_usage();
    struct reader r;
    struct desk d;
    int status = sim_read(&r, &d, path) ? draw_map(&r, &d, path, out) : 1;
    desk_free(&d);
    reader_free(&r);
    return status;
}
