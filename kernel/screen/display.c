#include "kernel/screen/display.h"
#include "hal/hal.h"
#include "kernel/log/log.h"
#include "kernel/memory/memory.h"
#include "kernel/screen/picture.h"
#include "kernel/screen/rows.h"

#define REFRESH_MICROS 100000u /* the log is drawn again this often at most */

_Static_assert(PICTURE_FACTS == DISPLAY_FACTS, "each fact has its row");

static struct canvas canvas; /* pixels are NULL until display_start() has made it */
static struct picture picture;
static bool picture_shown, picture_wanted;
static uint64_t refreshed, progressed;

/* Fill the canvas from `row` to its end with the last rows of the log. */
static void draw_log(uint32_t row)
{
    char text[ROWS_COLUMNS_MAX];
    uint32_t length;
    struct rows r = {log_char, log_oldest(), log_written(), canvas.grid.columns};
    rows_keep_last(&r, canvas.grid.rows - row);
    for (; rows_next(&r, text, &length); row++) {
        canvas_clear(&canvas, row, 1, INK_BLACK);
        canvas_text(&canvas, 0, row, text, length, INK_TEXT, INK_BLACK);
    }
}

void display_update(void)
{
    if (canvas.pixels == NULL)
        return;
    draw_log(picture_shown ? picture.log_row : 0);
    canvas_show(&canvas);
    refreshed = log_micros();
}

static void line_logged(void)
{
    if (log_micros() - refreshed >= REFRESH_MICROS)
        display_update();
}

void display_start(const struct options *o)
{
    picture_wanted = o->screen == SCREEN_MAP;
    if (!screen_usable() || o->screen == SCREEN_OFF)
        return;
    struct screen_grid g = screen_grid(128, 36);
    uint64_t bytes = (uint64_t)g.width * g.height;
    uint64_t pages = align_up(bytes, PAGE_SIZE) / PAGE_SIZE;
    paddr_t at = display_fits(&g) ? pmm_alloc(memory_pmm, (size_t)pages, PMM_KERNEL) : PADDR_NONE;
    LOG("screen", at != PADDR_NONE ? "%u columns, %u rows, each pixel %u by %u; copy in %u pages at %X"
                                   : "%u columns, %u rows: too few, or no memory; only the verdict",
        U(g.columns), U(g.rows), U(g.scale), U(g.scale), U(pages), U(at));
    if (at == PADDR_NONE)
        return;
    screen_clear(INK_BLACK);
    canvas_init(&canvas, &g, hal_phys_to_virt(at));
    log_on_line(line_logged);
    display_update();
}

static void draw_zones(void)
{
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        struct pmm_stats s;
        pmm_stats(memory_pmm, (enum pmm_zone)z, &s);
        picture_zone(&picture, (enum pmm_zone)z, &s);
    }
}

static void draw_facts(void)
{
    for (unsigned i = 0; i < DISPLAY_FACTS; i++) {
        struct format_line l = {.used = 0};
        display_fact(&l, i);
        picture_fact(&picture, i, &l);
    }
}

void display_picture(void)
{
    if (canvas.pixels == NULL || !picture_wanted)
        return;
    if (!picture_shown) {
        picture_init(&picture, &canvas, &memory_map);
        if (picture.log_row >= canvas.grid.rows) /* a small screen */
            return;
        canvas_clear(&canvas, 0, canvas.grid.rows, INK_BLACK);
        picture_map(&picture);
        picture_shown = true;
    }
    draw_facts();
    draw_zones();
    display_update();
}

void display_progress(const char *what, uint64_t done, uint64_t total)
{
    if (!picture_shown || (done != total && log_micros() - progressed < REFRESH_MICROS))
        return;
    picture_progress(&picture, what, done, total);
    draw_zones();
    canvas_show(&canvas);
    progressed = log_micros();
}

bool display_verdict(const struct format_line *l, bool pass)
{
    if (canvas.pixels == NULL)
        return false;
    if (picture_shown) {
        picture_verdict(&picture, l, pass);
        draw_zones();
    }
    display_update();
    return true;
}
