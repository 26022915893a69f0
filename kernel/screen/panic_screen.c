/* The part of the display that works at any time: the panic screen and the verdict. It draws straight to
 * the screen, with no memory of its own; the rest is in display.c. */
#include "hal/cpu.h"
#include "kernel/screen/display.h"
#include "kernel/early/home.h"
#include "kernel/log/log.h"
#include "kernel/memory/memory.h"
#include "kernel/screen/rows.h"
#include "kernel/version.h"

static const struct boot_info *boot;
static const char *step = "the start";
static const char *panic_what; /* NULL: no panic */
static uint64_t panic_from;

void display_early(const struct boot_info *info)
{
    boot = info;
    if (screen_refuse(&boot->framebuffer, (uint64_t)1 << hal_paging_features().phys_bits) == NULL)
        screen_use(&boot->framebuffer, boot->framebuffer.base);
}

void display_step(const char *what)
{
    step = what;
}

bool display_fits(const struct screen_grid *g)
{
    return g->columns >= 20 && g->columns <= ROWS_COLUMNS_MAX && g->rows >= 10;
}

/* In a panic as it was before: the allocator's locks may be held. */
static uint64_t ram_bytes(void)
{
    static uint64_t pages;
    if (panic_what != NULL || memory_pmm == NULL)
        return pages * PAGE_SIZE;
    pages = 0;
    struct pmm_stats s;
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        pmm_stats(memory_pmm, (enum pmm_zone)z, &s);
        pages += s.total;
    }
    return pages * PAGE_SIZE;
}

void display_fact(struct format_line *l, unsigned which)
{
    l->used = 0;
    switch (which) {
    case 0:
        FORMAT(l, "Mortise, commit %s", S(mortise_commit));
        break;
    case 1:
        FORMAT(l, "Firmware: %s, revision %x; %u descriptors of %u bytes", S(boot->firmware_vendor),
               U(boot->firmware_revision), U(boot->map_count), U(boot->descriptor_size));
        break;
    case 2:
        FORMAT(l, "CPU: %s, %u physical address bits", S(cpu_name()),
               U(hal_paging_features().phys_bits));
        break;
    default:
        FORMAT(l, "RAM: %h for the page allocator; screen %ux%u", U(ram_bytes()),
               U(boot->framebuffer.width), U(boot->framebuffer.height));
    }
}

void display_panic(const char *what)
{
    if (panic_what != NULL)
        return;
    panic_what = what;
    panic_from = log_written();
}

static void put_lines(const struct screen_grid *g, uint32_t *row, const struct format_line *l,
                      uint8_t ink, uint8_t paper)
{
    for (size_t at = 0; at == 0 || at < l->used; at += g->columns, (*row)++) {
        size_t left = l->used - at;
        screen_text(g, *row, l->text + at, left < g->columns ? left : g->columns, ink, paper);
    }
}

static void put_control_registers(struct format_line *l)
{
    struct cpu_register r[CPU_REGISTERS];
    size_t count = cpu_control_registers(r);
    for (size_t i = 0; i < count; i++)
        FORMAT(l, " %s %x", S(r[i].name), U(r[i].value));
}

static void put_panic_facts(const struct screen_grid *g, uint32_t *row)
{
    struct format_line l = {.used = 0};
    FORMAT(&l, "Mortise has stopped: %s", S(panic_what));
    put_lines(g, row, &l, INK_WHITE, INK_VERMILION);
    l.used = 0;
    FORMAT(&l, "It was at: %s. Image at %X, in memory at %X;", S(step), U(home.base), U(home.phys));
    put_control_registers(&l);
    put_lines(g, row, &l, INK_TEXT, INK_BLACK);
    for (unsigned i = 0; i < DISPLAY_FACTS; i++) {
        display_fact(&l, i);
        put_lines(g, row, &l, INK_TEXT, INK_BLACK);
    }
}

/* The log from the panic's first line on; when that leaves room, also what came before it. */
static void put_panic(void)
{
    struct screen_grid g = screen_grid(80, 32);
    char text[ROWS_COLUMNS_MAX];
    uint32_t length;
    uint32_t row = 0;
    if (!display_fits(&g))
        return;
    screen_clear(INK_BLACK);
    put_panic_facts(&g, &row);
    struct rows all = {log_char, log_oldest(), log_written(), g.columns};
    struct rows since = {log_char, panic_from, log_written(), g.columns};
    uint32_t left = g.rows > row ? g.rows - row : 0;
    rows_keep_last(&all, left);
    if (all.from > since.from)
        all = since;
    for (; row < g.rows; row++) {
        if (!rows_next(&all, text, &length))
            length = 0;
        screen_text(&g, row, text, length, INK_TEXT, INK_BLACK);
    }
}

void display_end(bool pass)
{
    static bool panicked; /* drawing may itself fault */
    if (panicked || !screen_usable())
        return;
    panicked = panic_what != NULL;
    struct format_line l = {.used = 0};
    FORMAT(&l, "verdict: %s", S(pass ? "pass" : "fail"));
    if (panicked) {
        put_panic();
    } else if (!display_verdict(&l, pass)) {
        struct screen_grid g = screen_grid(20, 10);
        screen_clear(INK_BLACK);
        screen_text(&g, 0, l.text, l.used, INK_BLACK, pass ? INK_GREEN : INK_VERMILION);
    }
}
