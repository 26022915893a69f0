/* The screen on the desk: descriptions of framebuffers, pixel formats, fonts, text, the copy in RAM and
 * the picture. Expected values are literals, or come from the naive drawings below.
 *
 * needs: kernel/screen/canvas.c kernel/screen/font.c kernel/screen/picture.c kernel/screen/rows.c
 * needs: kernel/screen/screen.c kernel/log/format.c kernel/machine/nodes.c gen/font_data.c
 */
#include "hal/short.h"
#include "kernel/log/format.h"
#include "kernel/screen/picture.h"
#include "kernel/screen/rows.h"
#include "kernel/screen/screen.h"
#include "tests/model/expect.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT ((uint64_t)1 << 40)
#define JUNK  0xABCD1234u

static uint64_t seed = 1;

static uint32_t chance(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

static struct boot_framebuffer sound(uint32_t width, uint32_t height, uint32_t pitch)
{
    return (struct boot_framebuffer){.base = 0xC0000000u,
                                     .size = (uint64_t)pitch * height * 4,
                                     .width = width,
                                     .height = height,
                                     .pitch = pitch,
                                     .red_mask = 0xFF0000,
                                     .green_mask = 0xFF00,
                                     .blue_mask = 0xFF};
}

#define EXPECT_REFUSED(change)                                                                     \
    do {                                                                                           \
        struct boot_framebuffer fb = sound(1280, 800, 1280);                                       \
        change;                                                                                    \
        EXPECT(screen_refuse(&fb, LIMIT) != NULL);                                                 \
    } while (0)

static void hostile_descriptions(void)
{
    struct boot_framebuffer good = sound(1280, 800, 1280);
    EXPECT(screen_refuse(&good, LIMIT) == NULL);
    good.base = LIMIT - good.size;
    EXPECT(screen_refuse(&good, LIMIT) == NULL);
    EXPECT_REFUSED(fb.base = 0);
    EXPECT_REFUSED(fb.base += 2);
    EXPECT_REFUSED(fb.base = LIMIT - fb.size + 4);
    EXPECT_REFUSED(fb.base = UINT64_MAX - 3);
    EXPECT_REFUSED(fb.width = 0);
    EXPECT_REFUSED(fb.height = 0);
    EXPECT_REFUSED(fb.pitch = 1279);
    EXPECT_REFUSED(fb.size -= 1);
    EXPECT_REFUSED(fb.size = GIB);
    EXPECT_REFUSED(fb.height = UINT32_MAX; fb.pitch = UINT32_MAX);
    EXPECT_REFUSED(fb.pitch = 1u << 31);
    EXPECT_REFUSED(fb.red_mask = 0);
    EXPECT_REFUSED(fb.green_mask = 0);
    EXPECT_REFUSED(fb.blue_mask = 0);
}

/* A framebuffer of exactly the pixels that its description promises, full of junk. */
static uint32_t *memory;
static size_t memory_count;

static void use(const struct boot_framebuffer *fb)
{
    free(memory);
    memory_count = ((size_t)fb->height - 1) * fb->pitch + fb->width;
    memory = malloc(memory_count * 4);
    for (size_t i = 0; i < memory_count; i++)
        memory[i] = JUNK;
    screen_use(fb, (hal_vaddr_t)(uintptr_t)memory);
}

static uint32_t pixel_in(uint8_t colour, uint32_t red, uint32_t green, uint32_t blue)
{
    struct boot_framebuffer fb = sound(1, 1, 1);
    fb.red_mask = red;
    fb.green_mask = green;
    fb.blue_mask = blue;
    use(&fb);
    screen_put(1, 0, 0, &colour, 1);
    return memory[0];
}

/* INK_ORANGE is E69F00, INK_SKY 56B4E9. */
static void pixel_formats(void)
{
    EXPECT(pixel_in(INK_ORANGE, 0xFF0000, 0xFF00, 0xFF) == 0xE69F00);
    EXPECT(pixel_in(INK_ORANGE, 0xFF, 0xFF00, 0xFF0000) == 0x009FE6);
    EXPECT(pixel_in(INK_SKY, 0xFF000000u, 0xFF0000, 0xFF00) == 0x56B4E900);
    EXPECT(pixel_in(INK_SKY, 0xF800, 0x7E0, 0x1F) == (0x56u >> 3 << 11 | 0xB4u >> 2 << 5 | 0xE9u >> 3));
    EXPECT(pixel_in(INK_SKY, 0x3FF00000, 0xFFC00, 0x3FF) == (0x56u << 22 | 0xB4u << 12 | 0xE9u << 2));
    EXPECT(pixel_in(INK_WHITE, 1, 2, 4) == 7);
    EXPECT(pixel_in(INK_BLACK, 1, 2, 4) == 0);
    EXPECT(pixel_in(INK_WHITE, 0x80000000u, 1, 0x7FFFFFFE) == (0x80000001u | 0xFFu << 23));
}

static uint32_t pixel_of(uint8_t colour)
{
    static const uint32_t rgb[INK_COUNT] = {0x101418, 0xE8E8E8, 0x999999, 0x0072B2,
                                            0x009E73, 0x56B4E9, 0xF0E442, 0xE69F00,
                                            0xD55E00, 0xCC79A7, 0xFFFFFF, 0x30363C};
    return rgb[colour];
}

/* Every pixel outside what was put keeps its junk; ASan sees those outside the memory. */
static void put_stays_inside(void)
{
    uint8_t colours[64];
    memset(colours, INK_GREEN, sizeof colours);
    for (unsigned round = 0; round < 3000; round++) {
        uint32_t width = 1 + chance(40);
        struct boot_framebuffer fb = sound(width, 1 + chance(20), width + chance(3) * 7);
        uint32_t scale = 1 + chance(4);
        uint32_t x = chance(50);
        uint32_t y = chance(50);
        uint32_t count = chance(64);
        use(&fb);
        screen_put(scale, x, y, colours, count);
        bool right = true;
        for (uint32_t i = 0; i < memory_count; i++) {
            uint32_t column = i % fb.pitch;
            uint32_t row = i / fb.pitch;
            bool inside = column < fb.width / scale * scale && row < fb.height / scale * scale &&
                          row / scale == y && column / scale >= x && column / scale - x < count;
            right &= memory[i] == (inside ? pixel_of(INK_GREEN) : JUNK);
        }
        EXPECT(right);
    }
    struct boot_framebuffer fb = sound(7, 5, 9);
    use(&fb);
    screen_clear(INK_SKY);
    for (uint32_t i = 0; i < memory_count; i++)
        EXPECT(memory[i] == (i % 9 < 7 ? pixel_of(INK_SKY) : JUNK));
    screen_use(&fb, 0);
    screen_put(1, 0, 0, colours, 1);
    screen_clear(INK_SKY);
    EXPECT(!screen_usable());
}

static void grids(void)
{
    static const struct {
        uint32_t width, height, columns, rows; /* wanted */
        uint32_t font, scale, got_columns, got_rows;
    } table[] = {
        {640, 480, 128, 36, 8, 1, 80, 30},      {800, 600, 128, 36, 8, 1, 100, 37},
        {1280, 800, 128, 36, 8, 1, 160, 50},    {1920, 1080, 128, 36, 12, 1, 160, 45},
        {2560, 1440, 128, 36, 8, 2, 160, 45},   {3840, 2160, 128, 36, 12, 2, 160, 45},
        {7680, 4320, 128, 36, 12, 5, 128, 36},  {1080, 1920, 128, 36, 8, 1, 135, 120},
        {1366, 768, 128, 36, 8, 1, 170, 48},    {3440, 1440, 128, 36, 8, 2, 215, 45},
        {32768, 16, 128, 36, 8, 1, 4096, 1},    {1, 1, 128, 36, 8, 1, 0, 0},
        {1280, 800, 80, 32, 12, 1, 106, 33},    {1920, 1080, 80, 32, 8, 2, 120, 33},
        {640, 480, 20, 10, 12, 2, 26, 10},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct boot_framebuffer fb = sound(table[i].width, table[i].height, table[i].width);
        uint32_t nothing;
        screen_use(&fb, (hal_vaddr_t)(uintptr_t)&nothing); /* not drawn on */
        struct screen_grid g = screen_grid(table[i].columns, table[i].rows);
        bool right = g.font->width == table[i].font && g.scale == table[i].scale &&
                     g.columns == table[i].got_columns && g.rows == table[i].got_rows;
        EXPECT(right);
        if (!right)
            printf("  %ux%u: font %u, scale %u, %ux%u\n", table[i].width, table[i].height,
                   g.font->width, g.scale, g.columns, g.rows);
    }
}

/* From the package's own files, read by hand. */
static void glyphs(void)
{
    static const uint8_t a[16] = {0, 0, 0x7C, 0xC6, 0xC6, 0xC6, 0xFE, 0xC6, 0xC6, 0xC6, 0xC6, 0xC6};
    static const uint16_t g[24] = {0,      0,      0,      0,      0,      0,      0,     0,
                                   0x1FE0, 0x3060, 0x6060, 0x6060, 0x6060, 0x6060, 0x6060, 0x6060,
                                   0x6060, 0x3060, 0x1FC0, 0x00C0, 0x0060, 0x0060, 0x00C0, 0x3F80};
    uint8_t out[24], query[24];
    for (uint32_t y = 0; y < 16; y++) {
        font_row(&fonts[0], y, " A", 2, 5, 7, out);
        for (uint32_t x = 0; x < 16; x++)
            EXPECT(out[x] == (x >= 8 && (a[y] >> (15 - x) & 1) != 0 ? 5 : 7));
    }
    for (uint32_t y = 0; y < 24; y++) {
        font_row(&fonts[1], y, "g", 1, 1, 0, out);
        for (uint32_t x = 0; x < 12; x++)
            EXPECT(out[x] == (g[y] >> (15 - x) & 1));
        font_row(&fonts[1], y, "\x1F", 1, 1, 0, out);
        font_row(&fonts[1], y, "?", 1, 1, 0, query);
        EXPECT(memcmp(out, query, 12) == 0);
        font_row(&fonts[1], y, "\xFF", 1, 1, 0, out);
        EXPECT(memcmp(out, query, 12) == 0);
    }
}

static struct canvas make_canvas(const struct boot_framebuffer *fb)
{
    struct canvas c;
    use(fb);
    struct screen_grid g = screen_grid(128, 36);
    canvas_init(&c, &g, malloc((size_t)g.width * g.height));
    return c;
}

/* Rectangles and text anywhere, against a drawing made pixel by pixel; then what the screen shows. */
static void canvas_against_naive(void)
{
    for (unsigned round = 0; round < 300; round++) {
        struct boot_framebuffer fb = sound(1 + chance(100), 1 + chance(300), 120);
        struct canvas c = make_canvas(&fb);
        uint8_t *naive = malloc((size_t)fb.width * fb.height);
        memset(naive, INK_BLACK, (size_t)fb.width * fb.height);
        for (unsigned step = 0; step < 10; step++) {
            uint32_t x = chance(110), y = chance(310), w = chance(60), h = chance(60);
            canvas_fill(&c, x, y, w, h, INK_GREEN);
            for (uint32_t i = 0; i < fb.width * fb.height; i++)
                if (i % fb.width >= x && i % fb.width - x < w && i / fb.width >= y &&
                    i / fb.width - y < h)
                    naive[i] = INK_GREEN;
            uint32_t column = chance(14), row = chance(20), length = chance(14);
            canvas_text(&c, column, row, "AAAAAAAAAAAAAA", length, INK_TEXT, INK_BLUE);
            for (uint32_t i = 0; i < length * 8; i++)
                for (uint32_t line = 0; line < 16; line++) {
                    uint8_t a[8];
                    font_row(&fonts[0], line, "A", 1, INK_TEXT, INK_BLUE, a);
                    if (column * 8 + i < c.grid.columns * 8 && row < c.grid.rows)
                        naive[(row * 16 + line) * fb.width + column * 8 + i] = a[i % 8];
                }
            canvas_show(&c);
            bool right = memcmp(naive, c.pixels, (size_t)fb.width * fb.height) == 0;
            for (uint32_t i = 0; i < memory_count; i++)
                right &= i % 120 >= fb.width ? memory[i] == JUNK
                                             : memory[i] == pixel_of(naive[i / 120 * fb.width + i % 120]);
            EXPECT(right);
        }
        free(naive);
        free(c.pixels);
    }
}

static void only_changed_lines_are_shown(void)
{
    struct boot_framebuffer fb = sound(1280, 800, 1280);
    struct canvas c = make_canvas(&fb);
    canvas_show(&c);
    use(&fb);
    canvas_clear(&c, 3, 1, INK_BLUE);
    canvas_show(&c);
    uint32_t first = UINT32_MAX, last = 0;
    for (uint32_t i = 0; i < memory_count; i++)
        if (memory[i] != JUNK) {
            first = first < i / 1280 ? first : i / 1280;
            last = i / 1280;
        }
    EXPECT(first > 40 && first <= 48 && last >= 63 && last < 72);
    use(&fb);
    canvas_show(&c);
    for (uint32_t i = 0; i < memory_count; i++)
        EXPECT(memory[i] == JUNK);
    free(c.pixels);
}

static void straight_text(void)
{
    struct boot_framebuffer fb = sound(1001, 37, 1001);
    use(&fb);
    struct screen_grid g = screen_grid(80, 1);
    char text[300];
    memset(text, 'A', sizeof text);
    screen_text(&g, 1, text, sizeof text, INK_TEXT, INK_BLUE);
    EXPECT(g.font->width == 12 && g.scale == 1);
    for (uint32_t i = 0; i < memory_count; i++) {
        uint8_t a[12];
        uint32_t x = i % 1001, y = i / 1001;
        if (y >= 24)
            font_row(&fonts[1], y - 24, "A", 1, INK_TEXT, INK_BLUE, a);
        EXPECT(memory[i] == (y < 24 ? JUNK : pixel_of(x < 83 * 12 ? a[x % 12] : INK_BLUE)));
    }
    fb = sound(8192, 20, 8192);
    use(&fb);
    g = screen_grid(5000, 1);
    screen_text(&g, 0, text, 1, INK_TEXT, INK_BLUE);
    EXPECT(memory[4095] == pixel_of(INK_BLUE) && memory[4096] == JUNK);
}

static const char *stream;

static char read_stream(uint64_t position)
{
    return stream[position];
}

static void expect_rows(const char *text, uint32_t columns, const char *const *want, uint32_t count)
{
    stream = text;
    struct rows r = {read_stream, 0, strlen(text), columns};
    char row[ROWS_COLUMNS_MAX];
    uint32_t length;
    uint32_t seen = 0;
    for (; rows_next(&r, row, &length); seen++)
        EXPECT(seen < count && length == strlen(want[seen]) && memcmp(row, want[seen], length) == 0);
    EXPECT(seen == count);
    for (uint32_t keep = 0; keep <= count + 1; keep++) {
        struct rows tail = {read_stream, 0, strlen(text), columns};
        uint32_t left = keep < count ? keep : count;
        EXPECT(rows_keep_last(&tail, keep) == left);
        for (uint32_t i = count - left; rows_next(&tail, row, &length); i++)
            EXPECT(length == strlen(want[i]) && memcmp(row, want[i], length) == 0);
    }
}

static void broken_into_rows(void)
{
    expect_rows("", 3, NULL, 0);
    expect_rows("\r\n", 3, (const char *const[]){""}, 1);
    expect_rows("abc\r\nde\n", 3, (const char *const[]){"abc", "de"}, 2);
    expect_rows("abcd\r\n\nabc", 3, (const char *const[]){"abc", "d", "", "abc"}, 4);
    expect_rows("abcdefg", 1, (const char *const[]){"a", "b", "c", "d", "e", "f", "g"}, 7);
    expect_rows("ab\001\200\377", 2, (const char *const[]){"ab", "\001\200", "\377"}, 3);
    expect_rows("ab\bc\b\b\bd", 9, (const char *const[]){"d"}, 1);
    expect_rows("\n\n", 9, (const char *const[]){"", ""}, 2);
}

static const char *formatted(const char *format, union log_arg a)
{
    static char text[LOG_LINE + 1];
    struct format_line l = {.used = 0};
    format_add(&l, format, &a, 1);
    memcpy(text, l.text, l.used);
    text[l.used] = '\0';
    return text;
}

#define EXPECT_TEXT(format, arg, want) EXPECT(strcmp(formatted((format), (arg)), (want)) == 0)

static void formats(void)
{
    EXPECT_TEXT("%u", U(UINT64_MAX), "18446744073709551615");
    EXPECT_TEXT("<%x>", U(0xAB), "<0xab>");
    EXPECT_TEXT("%X", U(0xAB), "0x00000000000000ab");
    EXPECT_TEXT("%s %s", S("a\n\x80"), "a?? (missing)");
    EXPECT_TEXT("%s", S(NULL), "(none)");
    EXPECT_TEXT("100%%%", S("unused"), "100%%");
    EXPECT_TEXT("%h", U(1023), "1023 bytes");
    EXPECT_TEXT("%h", U(1024), "1.0 KiB");
    EXPECT_TEXT("%h", U(1048575), "1023.9 KiB");
    EXPECT_TEXT("%h", U(3 * GIB / 2), "1.5 GiB");
    EXPECT_TEXT("%h", U(MIB + 104858), "1.1 MiB"); /* a tenth is 104857.6 bytes */
    EXPECT_TEXT("%h", U(UINT64_MAX), "16383.9 PiB");
    struct format_line l = {.used = 0};
    for (unsigned i = 0; i < 101; i++)
        FORMAT(&l, "%s", S("four"));
    EXPECT(l.used == LOG_LINE && l.cut);
}

/* ---- the picture ---- */

static struct mem_region storage[400];
static const struct nodes one_node = {.count = 1};

static struct memmap make_map(uint32_t entries, uint64_t most)
{
    struct memmap m;
    memmap_init(&m, storage, ARRAY_LEN(storage));
    for (uint32_t i = 0; i < entries; i++) {
        uint64_t base = (((uint64_t)chance(1u << 30) << 22) % most) & ~(HAL_PAGE_SIZE - 1);
        uint64_t size = ((uint64_t)chance(1000) + 1) << (12 + chance(18));
        EXPECT(memmap_add(&m, base, size, (enum mem_type)(1 + chance(MEM_TYPE_COUNT - 1))) ==
               MM_OK);
    }
    EXPECT(memmap_normalize(&m) == MM_OK);
    for (size_t i = 0; i < m.count && i < 3; i++)
        if (memmap_reserve(&m, m.regions[i].base, HAL_PAGE_SIZE, "ours") != MM_OK)
            EXPECT(false);
    return m;
}

/* The colour and its place among those that share a pixel; README of the picture in picture.h. */
static unsigned naive_kind(const struct mem_region *r)
{
    static const unsigned kinds[MEM_TYPE_COUNT] = {0, 0, 1, 2, 2, 9, 4, 6, 6, 6, 4, 5, 7, 8, 9};
    return r->label != NULL && r->type <= MEM_LOADER && r->type != MEM_HOTPLUG ? 3 : kinds[r->type];
}

static uint8_t naive_pixel(const struct memmap *m, uint64_t base, uint64_t size)
{
    static const uint8_t inks[10] = {INK_SHADE,  INK_GREEN, INK_SKY,  INK_YELLOW, INK_PURPLE,
                                     INK_ORANGE, INK_WHITE, INK_GREY, INK_BLUE,   INK_VERMILION};
    uint64_t bytes[10] = {size};
    for (size_t i = 0; i < m->count; i++) {
        const struct mem_region *r = &m->regions[i];
        uint64_t from = hal_max_u64(base, r->base),
                 to = hal_min_u64(base + size, mem_region_end(r));
        if (from < to) {
            bytes[naive_kind(r)] += to - from;
            bytes[0] -= to - from;
        }
    }
    unsigned best = 0;
    for (unsigned k = 1; k < 10; k++)
        best = bytes[k] > bytes[best] ? k : best;
    if (bytes[9] != 0)
        best = 9;
    return inks[best];
}

/* No zone ends where a PC's does, so that the picture has to look. */
static const struct pmm_machine machine = {
    .cpus = 1, .nodes = 1, .dma_end = 48 * MIB, .dma32_end = 3 * GIB};
static const struct pmm_machine two_cpus = {
    .cpus = 2, .nodes = 1, .dma_end = 48 * MIB, .dma32_end = 3 * GIB};

static uint8_t naive_zone(uint64_t at)
{
    return at < 48 * MIB ? INK_YELLOW : at < 3 * GIB ? INK_SKY : INK_WHITE;
}

static bool row_is_used(const struct memmap *m, uint64_t base, uint64_t size)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->regions[i].type != MEM_HOTPLUG && m->regions[i].base < base + size &&
            mem_region_end(&m->regions[i]) > base)
            return true;
    return false;
}

/* The map row by row from address 0 on, holes stepped over. */
static void compare_map(const struct picture *p)
{
    const struct canvas *c = p->canvas;
    uint64_t size = p->scale * p->map_width;
    uint64_t top = 0;
    uint32_t row = p->map_row;
    bool hole = false;
    for (size_t i = 0; i < p->map->count; i++) /* a window without memory is a hole */
        top = p->map->regions[i].type != MEM_HOTPLUG ? mem_region_end(&p->map->regions[i]) : top;
    for (uint64_t base = 0; base < top; base += size) {
        if (!row_is_used(p->map, base, size)) {
            row += hole ? 0 : 1;
            hole = true;
            continue;
        }
        hole = false;
        bool right = row < p->legend_row;
        const uint8_t *line = c->pixels + (size_t)(row * 16 + 8) * c->grid.width + p->map_x;
        const uint8_t *below = line + (size_t)5 * c->grid.width;
        for (uint32_t x = 0; right && x < p->map_width; x++)
            right = line[x] == naive_pixel(p->map, base + x * p->scale, p->scale) &&
                    below[x] == naive_zone(base + x * p->scale);
        EXPECT(right);
        row++;
    }
    EXPECT(row <= p->legend_row);
}

static void map_against_naive(void)
{
    static const uint64_t tops[] = {64 * MIB, GIB, 16 * GIB, 256 * GIB};
    struct boot_framebuffer fb = sound(640, 480, 640);
    struct canvas c = make_canvas(&fb);
    for (unsigned round = 0; round < 40; round++) {
        struct memmap m = make_map(1 + chance(12), tops[round % 4]);
        struct picture p;
        picture_init(&p, &c, &m, &machine, &one_node);
        EXPECT(p.map_width == 512 && p.map_x == 128 && hal_is_power_of_two(p.scale));
        picture_map(&p);
        compare_map(&p);
    }
    free(c.pixels);
}

/* Ranges of nodes by chance, in order, with gaps, some of which touch. */
static struct pmm_node_range node_ranges[20];
static uint32_t node_domains[64];
static uint64_t node_ram[64];

static struct nodes make_nodes(uint32_t count, uint64_t most)
{
    struct nodes n = {.count = count, .range = node_ranges, .domain = node_domains, .ram = node_ram};
    uint64_t at = chance(100) * MIB;
    while (n.range_count < 20 && at < most) {
        uint64_t end = at + (1 + chance(1u << 20)) * most / (1u << 21);
        n.range[n.range_count++] = (struct pmm_node_range){
            hal_align_down(at, HAL_PAGE_SIZE), hal_align_down(end, HAL_PAGE_SIZE) + HAL_PAGE_SIZE, chance(count)};
        at = n.range[n.range_count - 1].end + chance(2) * most / 64;
    }
    for (uint32_t i = 0; i < count; i++) {
        n.domain[i] = 2 * i + 1;
        n.ram[i] = (i + 1) * MIB;
    }
    return n;
}

/* The colour of the node of the first memory from `base` on, byte by byte where it could change. */
static uint8_t naive_node_pixel(const struct picture *p, uint64_t base, uint64_t size)
{
    static const uint8_t inks[8] = {INK_ORANGE,    INK_PURPLE, INK_BLUE,   INK_GREEN,
                                    INK_VERMILION, INK_WHITE,  INK_YELLOW, INK_SKY};
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < p->map->count; i++) {
        const struct mem_region *r = &p->map->regions[i];
        if (r->type != MEM_HOTPLUG && r->base < base + size && mem_region_end(r) > base &&
            hal_max_u64(base, r->base) < first)
            first = hal_max_u64(base, r->base);
    }
    if (first == UINT64_MAX)
        return INK_BLACK;
    uint32_t node = 0;
    for (uint32_t i = 0; i < p->nodes->range_count; i++)
        if (p->nodes->range[i].base <= first && first < p->nodes->range[i].end)
            node = p->nodes->range[i].node;
    return inks[node % 8];
}

static bool row_says(const struct picture *p, uint32_t row, uint32_t column, const char *text)
{
    const struct canvas *c = p->canvas;
    size_t length = strlen(text);
    uint8_t want[80 * 8];
    bool same = true;
    for (uint32_t y = 0; y < 16; y++) {
        font_row(&fonts[0], y, text, length, INK_TEXT, INK_BLACK, want);
        same &= memcmp(c->pixels + (size_t)(row * 16 + y) * c->grid.width + column * 8, want, length * 8) == 0;
    }
    return same;
}

/* Between a row's kinds and its zones; what is drawn of one node alone is drawn without it. */
static void nodes_against_naive(void)
{
    struct boot_framebuffer fb = sound(640, 480, 640);
    struct canvas c = make_canvas(&fb);
    for (unsigned round = 0; round < 40; round++) {
        struct memmap m = make_map(1 + chance(12), GIB << round % 8);
        struct nodes n = make_nodes(2 + chance(20), GIB << round % 8);
        struct picture p;
        picture_init(&p, &c, &m, &machine, &n);
        picture_map(&p);
        compare_map(&p);
        size_t lowest = 0; /* a window is no memory */
        while (lowest < m.count && m.regions[lowest].type == MEM_HOTPLUG)
            lowest++;
        if (lowest == m.count)
            continue;
        uint64_t first = m.regions[lowest].base / (p.scale * 512) * (p.scale * 512);
        uint32_t row = p.map_row + (first != 0 ? 1 : 0);
        for (unsigned y = 10; y < 12; y++)
            for (uint32_t x = 0; x < 512; x++)
                EXPECT(c.pixels[(row * 16 + y) * 640 + 128 + x] ==
                       naive_node_pixel(&p, first + x * p.scale, p.scale));
        /* Three entries in each of two rows, of which the last may stand for all that are left. */
        EXPECT(p.progress_row - p.node_row == (n.count > 3 ? 2 : 1));
        EXPECT(row_says(&p, p.node_row, 3, "node 1 1.0 MiB") && row_says(&p, p.node_row, 29, "node 3 2.0 MiB"));
        char more[30];
        snprintf(more, sizeof more, "and %u more nodes", n.count - 5);
        EXPECT(n.count <= 6 || row_says(&p, p.node_row + 1, 55, more));
        EXPECT(n.count != 6 || row_says(&p, p.node_row + 1, 55, "node 11 6.0 MiB"));
    }
    free(c.pixels);
}

/* The first of them has the pixel. */
static void nodes_in_one_pixel(void)
{
    struct boot_framebuffer fb = sound(640, 480, 640);
    struct canvas c = make_canvas(&fb);
    static uint32_t domains[3];
    static uint64_t ram[3];
    struct nodes n = {
        .count = 3, .range_count = 2, .range = node_ranges, .domain = domains, .ram = ram};
    struct memmap m;
    struct picture p;
    memmap_init(&m, storage, ARRAY_LEN(storage));
    for (uint32_t i = 0; i < 2; i++) {
        n.range[i] = (struct pmm_node_range){MIB + i * 64 * KIB, MIB + i * 64 * KIB + HAL_PAGE_SIZE, 1 + i};
        EXPECT(memmap_add(&m, n.range[i].base, HAL_PAGE_SIZE, MEM_USABLE) == MM_OK);
    }
    EXPECT(memmap_add(&m, 64 * GIB, 64 * GIB, MEM_USABLE) == MM_OK && memmap_normalize(&m) == MM_OK);
    picture_init(&p, &c, &m, &machine, &n);
    picture_map(&p);
    EXPECT(p.scale >= 2 * MIB && c.pixels[(p.map_row * 16 + 11) * 640 + 128] == INK_PURPLE);
    EXPECT(c.pixels[(p.map_row * 16 + 11) * 640 + 129] == INK_BLACK);
    free(c.pixels);
}

/* CPU after CPU, each as long as its share; nobody's part is grey. */
static void shares_of_cpus(void)
{
    struct boot_framebuffer fb = sound(640, 480, 640);
    struct canvas c = make_canvas(&fb);
    struct memmap m = make_map(3, GIB);
    struct picture p;
    picture_init(&p, &c, &m, &two_cpus, &one_node);
    EXPECT(p.cpu_row == p.progress_row + 1 && p.verdict_row == p.cpu_row + 1);
    picture_cpus(&p, (const uint64_t[]){100, 0, 50, 6}, 4, 256);
    const uint8_t *line = c.pixels + (size_t)(p.cpu_row * 16 + 8) * 640 + 128;
    for (uint32_t x = 0; x < 512; x++)
        EXPECT(line[x] == (x < 300 ? INK_GREEN : x < 312 ? INK_SKY : INK_SHADE));
    picture_cpus(&p, (const uint64_t[]){0, UINT32_MAX, 1, 1}, 4, 2);
    for (uint32_t x = 0; x < 512; x++)
        EXPECT(line[x] == INK_SKY);
    picture_cpus(&p, (const uint64_t[]){0, 0, 0, 0}, 4, 0);
    EXPECT(line[0] == INK_SHADE && line[511] == INK_SHADE);
    EXPECT(row_says(&p, p.cpu_row, 1, "CPUs at work"));
    picture_init(&p, &c, &m, &machine, &one_node);
    EXPECT(p.verdict_row == p.progress_row + 1 && p.node_row == p.progress_row);
    free(c.pixels);
}

/* Of any size and any map: nothing is written outside, and the scale comes to an end. */
static void hostile_pictures(void)
{
    static const uint32_t sizes[] = {1, 7, 16, 100, 159, 640, 2000};
    struct format_line l = {.used = 0};
    struct pmm_stats s = {.total = (uint64_t)1 << 40, .free = (uint64_t)1 << 40, .largest_run = 3};
    FORMAT(&l, "%s", S("text"));
    for (size_t i = 0; i < ARRAY_LEN(sizes) * ARRAY_LEN(sizes); i++) {
        struct boot_framebuffer fb = sound(sizes[i % 7], sizes[i / 7], sizes[i % 7]);
        struct canvas c = make_canvas(&fb);
        struct memmap m = make_map((uint32_t)i % 5 * 20, (uint64_t)1 << 52);
        struct nodes n = make_nodes(1 + (uint32_t)i % 3 * 31, GIB);
        struct picture p;
        picture_init(&p, &c, &m, &two_cpus, &n);
        picture_map(&p);
        picture_cpus(&p, (const uint64_t[]){1, 2}, 2, 4);
        picture_fact(&p, 0, &l);
        picture_zone(&p, PMM_ZONE_NORMAL, &s);
        picture_progress(&p, "work", UINT32_MAX, UINT32_MAX);
        picture_verdict(&p, &l, false);
        canvas_show(&c);
        EXPECT(p.scale >= HAL_PAGE_SIZE && p.scale <= (uint64_t)1 << 52);
        free(c.pixels);
    }
}

static void expect_bar(const struct picture *p, uint32_t row, uint32_t green, uint32_t rest, uint8_t ink)
{
    const uint8_t *line = p->canvas->pixels + (size_t)(row * 16 + 8) * 1280;
    for (uint32_t x = 0; x < green + rest; x++)
        EXPECT(line[64 + x] == (x < green ? INK_GREEN : ink));
    EXPECT(line[64 + green + rest] == INK_BLACK);
}

static void bars(void)
{
    struct boot_framebuffer fb = sound(1280, 800, 1280);
    struct canvas c = make_canvas(&fb);
    struct memmap m = make_map(3, GIB);
    struct picture p;
    picture_init(&p, &c, &m, &machine, &one_node);
    picture_zone(&p, PMM_ZONE_DMA, &(struct pmm_stats){.total = 1000, .free = 300, .parked = 200});
    expect_bar(&p, 4, 388, 388, INK_YELLOW);
    picture_zone(&p, PMM_ZONE_DMA32, &(struct pmm_stats){.total = 777, .free = 776});
    expect_bar(&p, 5, 775, 1, INK_YELLOW);
    picture_zone(&p, PMM_ZONE_NORMAL, &(struct pmm_stats){.total = 0});
    expect_bar(&p, 6, 0, 776, INK_SHADE);
    picture_progress(&p, "more than all", 200, 100);
    const uint8_t *line = c.pixels + (size_t)(p.progress_row * 16 + 8) * 1280;
    for (uint32_t x = 0; x < 16 + 192; x++)
        EXPECT(line[x] == (x >= 8 && x < 8 + 192 ? INK_GREEN : INK_BLACK));
    free(c.pixels);
}

int main(void)
{
    expect_run("a framebuffer that contradicts itself is refused", hostile_descriptions);
    expect_run("pixels of any masks have the right colour", pixel_formats);
    expect_run("nothing is drawn outside the screen, at any pitch and scale", put_stays_inside);
    expect_run("characters have the size that suits the screen", grids);
    expect_run("glyphs are those of the package", glyphs);
    expect_run("the copy and the screen agree with a naive drawing", canvas_against_naive);
    expect_run("only changed lines reach the screen", only_changed_lines_are_shown);
    expect_run("text goes straight to the screen and ends at its edge", straight_text);
    expect_run("text is broken into rows", broken_into_rows);
    expect_run("formats give the text they promise", formats);
    expect_run("the map is drawn as a naive reader of regions draws it", map_against_naive);
    expect_run("nodes are drawn as a naive reader of their ranges draws them", nodes_against_naive);
    expect_run("of several nodes in one pixel the first is shown", nodes_in_one_pixel);
    expect_run("CPUs at work are as long as their shares", shares_of_cpus);
    expect_run("any map on any screen is drawn inside it", hostile_pictures);
    expect_run("bars are as long as their share", bars);
    free(memory);
    return expect_total();
}
