#include "kernel/screen/picture.h"
#include "hal/short.h"

#define LABEL_COLUMNS 16u /* "0x" and the 13 digits of a 52-bit address */
#define ZONE_COLUMNS  8u
#define TEXT_COLUMNS  55u /* the longest "... free of ..., largest run ..." */
#define BAR_COLUMNS   24u /* of the progress */
#define LEGEND_WIDTH  26u /* columns of an entry */
#define SWATCH        2u  /* of these, columns that show the colour */
#define NODE_ROWS     2u  /* of the legend, at most */

enum kind {
    KIND_HOLE,
    KIND_USABLE,
    KIND_BOOT,
    KIND_OURS,
    KIND_ACPI,
    KIND_RUNTIME,
    KIND_SPECIAL,
    KIND_RESERVED,
    KIND_MMIO,
    KIND_BAD,
    KIND_COUNT
};

static const struct {
    const char *name;
    uint8_t colour;
} kinds[KIND_COUNT] = {
    {"hole", INK_SHADE},        {"usable", INK_GREEN},  {"boot services", INK_SKY},
    {"Mortise", INK_YELLOW},    {"ACPI", INK_PURPLE},   {"runtime", INK_ORANGE},
    {"special", INK_WHITE},     {"reserved", INK_GREY}, {"devices", INK_BLUE},
    {"bad RAM", INK_VERMILION},
};

static const uint8_t kind_of_type[MEM_TYPE_COUNT] = {
    [MEM_USABLE] = KIND_USABLE,
    [MEM_BOOT] = KIND_BOOT,
    [MEM_LOADER] = KIND_BOOT,
    [MEM_ACPI_RECLAIM] = KIND_ACPI,
    [MEM_SPECIFIC] = KIND_SPECIAL,
    [MEM_PERSISTENT] = KIND_SPECIAL,
    [MEM_UNACCEPTED] = KIND_SPECIAL,
    [MEM_ACPI_NVS] = KIND_ACPI,
    [MEM_RUNTIME] = KIND_RUNTIME,
    [MEM_RESERVED] = KIND_RESERVED,
    [MEM_MMIO] = KIND_MMIO,
    [MEM_UNUSABLE] = KIND_BAD,
    [MEM_BAD] = KIND_BAD,
};

static const uint8_t zone_colours[PMM_ZONE_COUNT] = {INK_YELLOW, INK_SKY, INK_WHITE};
static const uint8_t node_colours[] = {INK_ORANGE,    INK_PURPLE, INK_BLUE,   INK_GREEN,
                                       INK_VERMILION, INK_WHITE,  INK_YELLOW, INK_SKY};

static enum kind kind_of(const struct mem_region *r)
{
    return r->label != NULL && mem_type_is_free_ram(r->type) ? KIND_OURS
                                                             : (enum kind)kind_of_type[r->type];
}

static uint64_t row_bytes(const struct picture *p)
{
    return p->scale * p->map_width;
}

/* The number of rows that the map takes at this scale. */
static uint64_t rows_needed(const struct picture *p)
{
    uint64_t rows = 0;
    uint64_t next = 0; /* the first row of the address space that is not counted yet */
    for (size_t i = 0; i < p->map->count; i++) {
        const struct mem_region *r = &p->map->regions[i];
        uint64_t first = r->base / row_bytes(p);
        uint64_t last = (mem_region_end(r) - 1) / row_bytes(p);
        if (r->type == MEM_HOTPLUG) /* a hole as yet, however large */
            continue;
        if (first > next)
            rows++; /* the hole */
        if (last >= next)
            rows += last - hal_max_u64(first, next) + 1;
        next = hal_max_u64(next, last + 1);
    }
    return rows;
}

static uint32_t entries_across(const struct picture *p)
{
    return p->canvas->grid.columns / LEGEND_WIDTH;
}

static uint32_t legend_rows(const struct picture *p)
{
    uint32_t across = entries_across(p);
    return across > 0 ? (KIND_COUNT - 2 + across) / across : 0;
}

static bool has_nodes(const struct picture *p)
{
    return p->nodes->count > 1 && entries_across(p) > 0;
}

static uint32_t node_rows(const struct picture *p)
{
    if (!has_nodes(p))
        return 0;
    return (uint32_t)hal_min_u64((p->nodes->count - 1) / entries_across(p) + 1, NODE_ROWS);
}

static uint32_t cpu_rows(const struct picture *p)
{
    return p->machine->cpus > 1 ? 1 : 0;
}

/* The most rows that the map may take: of every five that are left the log keeps two. */
static uint32_t map_rows_most(const struct picture *p)
{
    uint32_t rows = p->canvas->grid.rows;
    uint32_t others =
        PICTURE_FACTS + PMM_ZONE_COUNT + 1 + legend_rows(p) + node_rows(p) + cpu_rows(p) + 2;
    return rows > others + 2 ? (rows - others) * 3 / 5 : 1;
}

static void choose_scale(struct picture *p)
{
    uint32_t most = map_rows_most(p);
    while (rows_needed(p) > most && p->scale < (uint64_t)1 << 52)
        p->scale *= 2;
    p->map_rows = (uint32_t)hal_min_u64(rows_needed(p), most);
}

void picture_init(struct picture *p, struct canvas *c, const struct memmap *map,
                  const struct pmm_machine *machine, const struct nodes *nodes)
{
    const struct font *f = c->grid.font;
    *p = (struct picture){
        .canvas = c, .map = map, .machine = machine, .nodes = nodes, .scale = HAL_PAGE_SIZE};
    p->map_x = LABEL_COLUMNS * f->width;
    uint32_t room = c->grid.width > p->map_x ? c->grid.width - p->map_x : 1;
    p->map_width = room >= 512 ? room / 512 * 512 : room;
    choose_scale(p);
    p->zone_row = PICTURE_FACTS;
    p->map_row = p->zone_row + PMM_ZONE_COUNT + 1;
    p->legend_row = p->map_row + p->map_rows;
    p->node_row = p->legend_row + legend_rows(p);
    p->progress_row = p->node_row + node_rows(p);
    p->cpu_row = p->progress_row + 1;
    p->verdict_row = p->cpu_row + cpu_rows(p);
    p->log_row = p->verdict_row + 1;
}

void picture_fact(struct picture *p, uint32_t row, const struct format_line *l)
{
    uint8_t paper = row == 0 ? INK_BLUE : INK_BLACK;
    canvas_clear(p->canvas, row, 1, paper);
    canvas_text(p->canvas, 1, row, l->text, l->used, row == 0 ? INK_WHITE : INK_TEXT, paper);
}

#define NO_MEMORY UINT64_MAX

/* A place in the map. It only moves forward: ranges are asked for by rising address. */
struct cursor {
    const struct memmap *map;
    size_t next;        /* the first region that ends behind all ranges asked for so far */
    hal_paddr_t memory; /* the first memory in the range that was asked for last, or NO_MEMORY */
};

/* The kind that most bytes of [base, base + size) are; bad, if any is: one bad page shall be seen. */
static enum kind most_of(struct cursor *c, uint64_t base, uint64_t size)
{
    uint64_t bytes[KIND_COUNT] = {size};
    enum kind best = KIND_HOLE;
    c->memory = NO_MEMORY;
    for (; c->next < c->map->count; c->next++) {
        const struct mem_region *r = &c->map->regions[c->next];
        uint64_t from = hal_max_u64(r->base, base);
        uint64_t to = hal_min_u64(mem_region_end(r), base + size);
        if (from < to) {
            bytes[kind_of(r)] += to - from;
            bytes[KIND_HOLE] -= to - from;
            if (r->type != MEM_HOTPLUG)
                c->memory = hal_min_u64(c->memory, from);
        }
        if (mem_region_end(r) > base + size)
            break;
    }
    if (bytes[KIND_BAD] != 0)
        return KIND_BAD;
    for (unsigned k = 1; k < KIND_COUNT; k++)
        if (bytes[k] > bytes[best])
            best = (enum kind)k;
    return best;
}

static uint8_t zone_colour(const struct picture *p, uint64_t at)
{
    uint64_t end;
    return zone_colours[pmm_machine_zone(p->machine, at / HAL_PAGE_SIZE, &end)];
}

static uint8_t node_colour(uint32_t node)
{
    return node_colours[node % ARRAY_LEN(node_colours)];
}

static uint8_t colour_of_node_at(const struct picture *p, hal_paddr_t memory)
{
    hal_paddr_t until;
    return memory == NO_MEMORY ? INK_BLACK : node_colour(nodes_at(p->nodes, memory, &until));
}

/* The pixel at column `x`, for memory from `at` on: its kind, its node, its zone, one below the other. */
static void draw_pixel(struct picture *p, struct cursor *c, uint32_t x, uint32_t y, uint64_t at)
{
    uint32_t height = p->canvas->grid.font->height;
    uint8_t colour = kinds[most_of(c, at, p->scale)].colour;
    uint32_t parts = has_nodes(p) ? 8 : 11; /* sixteenths of the row */
    canvas_fill(p->canvas, x, y + height / 16, 1, height * parts / 16, colour);
    if (has_nodes(p))
        canvas_fill(p->canvas, x, y + height * 10 / 16, 1, height / 8,
                    colour_of_node_at(p, c->memory));
    canvas_fill(p->canvas, x, y + height * 13 / 16, 1, height / 8, zone_colour(p, at));
}

static void draw_row(struct picture *p, struct cursor *c, uint32_t row, uint64_t base)
{
    uint32_t y = row * p->canvas->grid.font->height;
    struct format_line l = {.used = 0};
    FORMAT(&l, "%x", U(base));
    canvas_text(p->canvas, 1, row, l.text, l.used, INK_TEXT, INK_BLACK);
    for (uint32_t x = 0; x < p->map_width; x++)
        draw_pixel(p, c, p->map_x + x, y, base + x * p->scale);
}

static void draw_hole(struct picture *p, uint32_t row, uint64_t bytes)
{
    struct format_line l = {.used = 0};
    FORMAT(&l, "nothing for %h", U(bytes));
    canvas_text(p->canvas, LABEL_COLUMNS, row, l.text, l.used, INK_GREY, INK_BLACK);
}

static void draw_rows(struct picture *p)
{
    struct cursor c = {.map = p->map};
    uint64_t next = 0;
    uint32_t row = p->map_row;
    for (size_t i = 0; i < p->map->count && row < p->legend_row; i++) {
        const struct mem_region *r = &p->map->regions[i];
        uint64_t first = r->base / row_bytes(p);
        if (r->type == MEM_HOTPLUG)
            continue;
        if (first > next) {
            draw_hole(p, row++, (first - next) * row_bytes(p));
            next = first;
        }
        for (; next * row_bytes(p) < mem_region_end(r) && row < p->legend_row; next++)
            draw_row(p, &c, row++, next * row_bytes(p));
    }
}

/* Draw entry `which` of those that begin in row `row`. */
static void draw_entry(struct picture *p, uint32_t row, uint32_t which, uint8_t colour,
                       const struct format_line *l)
{
    const struct font *f = p->canvas->grid.font;
    uint32_t column = which % entries_across(p) * LEGEND_WIDTH + 1;
    row += which / entries_across(p);
    canvas_fill(p->canvas, column * f->width, row * f->height + f->height / 8,
                SWATCH * f->width - f->width / 2, f->height * 3 / 4, colour);
    canvas_text(p->canvas, column + SWATCH, row, l->text, l->used, INK_TEXT, INK_BLACK);
}

static void draw_legend(struct picture *p)
{
    uint64_t bytes[KIND_COUNT] = {0};
    uint32_t entry = 0;
    for (size_t i = 0; i < p->map->count; i++)
        bytes[kind_of(&p->map->regions[i])] += p->map->regions[i].size;
    for (unsigned k = 1; k < KIND_COUNT && entries_across(p) > 0; k++) {
        struct format_line l = {.used = 0};
        FORMAT(&l, "%s %h", S(kinds[k].name), U(bytes[k]));
        if (bytes[k] != 0)
            draw_entry(p, p->legend_row, entry++, kinds[k].colour, &l);
    }
}

static void draw_nodes(struct picture *p)
{
    uint32_t room = node_rows(p) * entries_across(p);
    for (uint32_t i = 0; i < p->nodes->count && i < room; i++) {
        struct format_line l = {.used = 0};
        bool last = i + 1 == room && p->nodes->count > room;
        if (last)
            FORMAT(&l, "and %u more nodes", U(p->nodes->count - i));
        else
            FORMAT(&l, "node %u %h", U(p->nodes->domain[i]), U(p->nodes->ram[i]));
        draw_entry(p, p->node_row, i, last ? INK_BLACK : node_colour(i), &l);
    }
}

void picture_map(struct picture *p)
{
    struct format_line l = {.used = 0};
    FORMAT(&l, "Physical memory, %h a pixel; %s: %sDMA, DMA32, NORMAL", U(p->scale),
           S(has_nodes(p) ? "below it" : "the line below it"),
           S(has_nodes(p) ? "node, then " : ""));
    canvas_clear(p->canvas, p->map_row - 1, p->progress_row - p->map_row + 1, INK_BLACK);
    canvas_text(p->canvas, 1, p->map_row - 1, l.text, l.used, INK_GREY, INK_BLACK);
    draw_rows(p);
    draw_legend(p);
    draw_nodes(p);
}

/* Draw a bar of `columns` columns from `column` on; `part` of `whole` is green, the rest `rest`. */
static void draw_bar(struct picture *p, uint32_t column, uint32_t columns, uint32_t row,
                     uint64_t part, uint64_t whole, uint8_t rest)
{
    const struct font *f = p->canvas->grid.font;
    uint32_t width = columns * f->width;
    uint32_t filled = whole != 0 ? (uint32_t)(hal_min_u64(part, whole) * width / whole) : 0;
    uint32_t y = row * f->height + f->height / 8;
    uint32_t height = f->height * 3 / 4;
    canvas_fill(p->canvas, column * f->width, y, filled, height, INK_GREEN);
    canvas_fill(p->canvas, column * f->width + filled, y, width - filled, height, rest);
}

void picture_zone(struct picture *p, enum pmm_zone zone, const struct pmm_stats *s)
{
    uint32_t row = p->zone_row + (uint32_t)zone;
    uint32_t columns = p->canvas->grid.columns;
    uint32_t bar =
        columns > ZONE_COLUMNS + TEXT_COLUMNS ? columns - ZONE_COLUMNS - TEXT_COLUMNS : 0;
    struct format_line name = {.used = 0};
    struct format_line l = {.used = 0};
    uint64_t free_pages = s->free + s->parked;
    FORMAT(&name, "%s", S(pmm_zone_name(zone)));
    FORMAT(&l, "%h free of %h, largest run %h", U(free_pages * HAL_PAGE_SIZE),
           U(s->total * HAL_PAGE_SIZE), U(s->largest_run * HAL_PAGE_SIZE));
    canvas_clear(p->canvas, row, 1, INK_BLACK);
    canvas_text(p->canvas, 1, row, name.text, name.used, zone_colours[zone], INK_BLACK);
    draw_bar(p, ZONE_COLUMNS, bar, row, free_pages, s->total,
             s->total != 0 ? INK_YELLOW : INK_SHADE);
    canvas_text(p->canvas, ZONE_COLUMNS + bar + 1, row, l.text, l.used, INK_TEXT, INK_BLACK);
}

void picture_progress(struct picture *p, const char *what, uint64_t done, uint64_t total)
{
    struct format_line l = {.used = 0};
    FORMAT(&l, "%s: %u of %u", S(what), U(done), U(total));
    canvas_clear(p->canvas, p->progress_row, 1, INK_BLACK);
    draw_bar(p, 1, BAR_COLUMNS, p->progress_row, done, total, INK_SHADE);
    canvas_text(p->canvas, BAR_COLUMNS + 2, p->progress_row, l.text, l.used, INK_TEXT, INK_BLACK);
}

void picture_cpus(struct picture *p, const uint64_t done[], uint32_t count, uint64_t total)
{
    static const char label[] = "CPUs at work";
    const struct font *f = p->canvas->grid.font;
    uint32_t y = p->cpu_row * f->height + f->height / 8;
    uint32_t height = f->height * 3 / 4, x = 0;
    uint64_t sum = 0;
    if (cpu_rows(p) == 0)
        return;
    canvas_clear(p->canvas, p->cpu_row, 1, INK_BLACK);
    canvas_text(p->canvas, 1, p->cpu_row, label, sizeof label - 1, INK_TEXT, INK_BLACK);
    for (uint32_t i = 0; i < count && total != 0; i++) {
        sum = hal_min_u64(sum + done[i], total);
        uint32_t end = (uint32_t)(sum * p->map_width / total);
        canvas_fill(p->canvas, p->map_x + x, y, end - x, height, i % 2 == 0 ? INK_GREEN : INK_SKY);
        x = end;
    }
    canvas_fill(p->canvas, p->map_x + x, y, p->map_width - x, height, INK_SHADE);
}

void picture_verdict(struct picture *p, const struct format_line *l, bool good)
{
    uint8_t paper = good ? INK_GREEN : INK_VERMILION;
    canvas_clear(p->canvas, p->verdict_row, 1, paper);
    canvas_text(p->canvas, 1, p->verdict_row, l->text, l->used, INK_BLACK, paper);
}
