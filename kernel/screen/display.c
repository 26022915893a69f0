#include "kernel/screen/display.h"
#include "hal/hal.h"
#include "kernel/log/log.h"
#include "kernel/machine/platform.h"
#include "kernel/memory/memory.h"
#include "kernel/memory/space.h"
#include "kernel/screen/facts.h"
#include "kernel/screen/panic_screen.h"
#include "kernel/screen/picture.h"
#include "kernel/screen/rows.h"
#include "kernel/screen/screen.h"

#define REFRESH_MICROS 100000u /* the log is drawn again this often at most */

_Static_assert(PICTURE_FACTS == FACTS_COUNT, "each fact has its row");

static const struct boot_framebuffer *framebuffer;
static struct canvas canvas; /* pixels are NULL until display_start() has made it */
static struct picture picture;
static bool picture_shown, picture_wanted;
static uint64_t refreshed, progressed;

const char *display_early(const struct boot_info *info)
{
    framebuffer = &info->framebuffer;
    facts_setup(info);
    const char *wrong = screen_refuse(framebuffer, (uint64_t)1 << hal_paging_features().phys_bits);
    if (wrong == NULL)
        screen_use(framebuffer, framebuffer->base);
    return wrong;
}

void display_move(void)
{
    const struct space_range *s = &space_devices[DEVICE_SCREEN];
    screen_use(framebuffer, s->size != 0 ? s->base : 0);
}

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
    uint64_t pages = hal_align_up(bytes, HAL_PAGE_SIZE) / HAL_PAGE_SIZE;
    hal_paddr_t at = rows_fit(g.columns, g.rows) ? pmm_alloc(memory_pmm, (size_t)pages, PMM_KERNEL)
                                                 : HAL_PADDR_NONE;
    LOG("screen",
        at != HAL_PADDR_NONE ? "%u columns, %u rows, each pixel %u by %u; copy in %u pages at %X"
                             : "%u columns, %u rows: too few, or no memory; only the verdict shows",
        U(g.columns), U(g.rows), U(g.scale), U(g.scale), U(pages), U(at));
    if (at == HAL_PADDR_NONE)
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
    for (unsigned i = 0; i < FACTS_COUNT; i++) {
        struct format_line l = {.used = 0};
        facts_line(&l, i);
        picture_fact(&picture, i, &l);
    }
}

void display_picture(void)
{
    if (canvas.pixels == NULL || !picture_wanted)
        return;
    if (!picture_shown) {
        picture_init(&picture, &canvas, &memory_map, &memory_machine, &platform_nodes);
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

void display_cpus(const uint64_t done[], uint32_t count, uint64_t total)
{
    if (picture_shown)
        picture_cpus(&picture, done, count, total);
}

/* On the picture, or in the log, where display_start() has made a screen. */
static bool draw_verdict(const struct format_line *l, bool pass)
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

void display_end(bool pass)
{
    if (panic_screen_show() || !screen_usable())
        return;
    struct format_line l = {.used = 0};
    FORMAT(&l, "verdict: %s", S(pass ? "pass" : "fail"));
    if (draw_verdict(&l, pass))
        return;
    struct screen_grid g = screen_grid(20, 10);
    screen_clear(INK_BLACK);
    screen_text(&g, 0, l.text, l.used, INK_BLACK, pass ? INK_GREEN : INK_VERMILION);
}
