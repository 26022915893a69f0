#include "kernel/screen/panic_screen.h"
#include "hal/cpu.h"
#include "kernel/early/image.h"
#include "kernel/log/log.h"
#include "kernel/screen/facts.h"
#include "kernel/screen/rows.h"
#include "kernel/screen/screen.h"

static const char *step = "the start";
static const char *panic_what; /* NULL: no panic */
static uint64_t panic_from;

void panic_screen_step(const char *what)
{
    step = what;
}

void panic_screen_begin(const char *what)
{
    if (panic_what != NULL)
        return;
    panic_what = what;
    facts_freeze();
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
    FORMAT(&l, "It was at: %s. Image at %X, in memory at %X;", S(step), U(image.base),
           U(image.phys));
    put_control_registers(&l);
    put_lines(g, row, &l, INK_TEXT, INK_BLACK);
    for (unsigned i = 0; i < FACTS_COUNT; i++) {
        facts_line(&l, i);
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
    if (!rows_fit(g.columns, g.rows))
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

bool panic_screen_show(void)
{
    static bool begun;
    if (panic_what == NULL)
        return false;
    if (!begun && screen_usable()) {
        begun = true;
        put_panic();
    }
    return true;
}
