#include "kernel/options.h"
#include "hal/short.h"
#include "mm/pmm_types.h"

#define WORD_SIZE    64 /* no option is that long; a longer word is cut, and so not understood */
#define MENU_DEFAULT 3u
#define MENU_MAX     600u
#define MENU_UNSAID  (MENU_MAX + 1)
#define THEN_DEFAULT 10u
#define THEN_MAX     3600u

static bool same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 16;
}

#define PLANTS                                                                                     \
    "panic|fault|triple|hang|failtest|stack|text|reset|off|nmi" /* as enum plant has them */
#define CPU_PLANTS                                                                                 \
    "cpu-lost|cpu-late|cpu-fault|cpu-mailbox|cpu-slow|cpu-deaf|cpu-panic" /* as they follow there */
#define SCREENS "map|log|off"                                             /* as enum screen_use */

const char options_help[] =
    "keepbs selftest=on|off screen=" SCREENS " serial=off|0xPORT sp=use\n"
    "menu=off|SECONDS report=on|off monitor=on|off exercise=ROUNDS kaslr=on|off\n"
    "then=reboot then=reboot:SECONDS then=off then=off:SECONDS after the verdict\n"
    "plant=" PLANTS "\n"
    "plant=" CPU_PLANTS "\n"
    "cpus=N levels=5 tables=log exit=0|1 help; a later word wins\n"
    "bad=0xADDRESS bad=0xFIRST-0xLAST keep bad pages from use; all of them count\n"
    "dma=0xEND the zone DMA ends there, where a board's devices do not reach\n";

/* What stands behind `key` where a word begins with it, or NULL. */
static const char *value_of(const char *word, const char *key)
{
    while (*key != '\0')
        if (*word++ != *key++)
            return NULL;
    return word;
}

/* Which of the choices "a|b|c" a value is, from 1 on; 0: none. */
static unsigned choice(const char *value, const char *choices)
{
    for (unsigned n = 1; value != NULL; n++) {
        const char *v = value;
        for (; *v == *choices && *v != '\0' && *v != '|'; v++)
            choices++;
        if (*v == '\0' && (*choices == '|' || *choices == '\0'))
            return n;
        while (*choices != '|')
            if (*choices++ == '\0')
                return 0;
        choices++;
    }
    return 0;
}

/* A decimal number of at most `max`. */
static bool number(const char *value, uint32_t max, uint32_t *to)
{
    uint32_t n = 0;
    const char *p = value;
    for (; *p >= '0' && *p <= '9' && n <= max; p++)
        n = n * 10 + (uint32_t)(*p - '0');
    if (*p != '\0' || p == value || n > max)
        return false;
    *to = n;
    return true;
}

/* "0x" and hexadecimal digits, of a number below 2^52, the end of physical memory; what follows. NULL:
 * there is no such number. */
static const char *hex_number(const char *value, uint64_t *to)
{
    const char *digits = value_of(value, "0x");
    const char *p = digits;
    uint64_t n = 0;
    for (; p != NULL && hex_digit(*p) < 16 && n >> 48 == 0; p++)
        n = n * 16 + hex_digit(*p);
    *to = n;
    return p != digits && hex_digit(*p) == 16 ? p : NULL;
}

/* "0x1000", or "0x1000-0x2000". */
static bool parse_bad(const char *value, struct options_bad *to)
{
    const char *p = hex_number(value, &to->first);
    if (p == NULL)
        return false;
    to->last = to->first;
    if (*p == '-')
        p = hex_number(p + 1, &to->last);
    return p != NULL && *p == '\0' && to->last >= to->first;
}

/* "0x3f8"; the ports below 0x100 belong to the board, and a UART takes eight. */
static bool parse_serial(const char *value, struct options *o)
{
    uint32_t port = 0;
    const char *p = value_of(value, "0x");
    if (same(value, "off"))
        o->serial = 0;
    if (p == NULL)
        return same(value, "off");
    for (; *p != '\0'; p++) {
        if (hex_digit(*p) == 16 || port > 0xFFFu)
            return false;
        port = port * 16 + hex_digit(*p);
    }
    if (port < 0x100u || port > 0xFFF8u)
        return false;
    o->serial = (uint16_t)port;
    return true;
}

/* Whether the zone can end there is options_refuse_dma()'s to say. */
static bool parse_dma(const char *value, struct options *o)
{
    uint64_t end;
    const char *rest = hex_number(value, &end);
    if (rest == NULL || *rest != '\0')
        return false;
    o->dma = end;
    return true;
}

const char *options_refuse_dma(hal_paddr_t end)
{
    if (end % HAL_PAGE_SIZE != 0)
        return "it is no multiple of 4 KiB";
    return end > PMM_DMA32_LIMIT ? "it lies above 4 GiB, where the zone DMA32 ends" : NULL;
}

/* "reboot", "off", and a colon with seconds behind them. */
static bool parse_then(const char *value, struct options *o)
{
    const char *reboot = value_of(value, "reboot"), *off = value_of(value, "off");
    const char *rest = reboot != NULL ? reboot : off;
    uint32_t seconds = THEN_DEFAULT;
    if (rest == NULL || (*rest != '\0' && (*rest != ':' || !number(rest + 1, THEN_MAX, &seconds))))
        return false;
    o->then = reboot != NULL ? THEN_REBOOT : THEN_OFF;
    o->then_seconds = (uint16_t)seconds;
    return true;
}

static bool parse_menu(const char *value, struct options *o)
{
    uint32_t seconds = 0;
    if (!same(value, "off") && !number(value, MENU_MAX, &seconds))
        return false;
    o->menu = (uint16_t)seconds;
    return true;
}

static bool parse_choice(const char *word, struct options *o)
{
    unsigned plant = choice(value_of(word, "plant="), PLANTS);
    unsigned screen = choice(value_of(word, "screen="), SCREENS);
    unsigned monitor = choice(value_of(word, "monitor="), "on|off");
    unsigned cpu_plant = choice(value_of(word, "plant="), CPU_PLANTS);
    if (plant != 0)
        o->plant = (enum plant)plant;
    if (cpu_plant != 0)
        o->plant = (enum plant)(PLANT_NMI + cpu_plant);
    if (screen != 0)
        o->screen = (enum screen_use)(screen - 1);
    if (monitor != 0)
        o->monitor = (enum monitor_use)monitor;
    return (plant | cpu_plant | screen | monitor) != 0;
}

static bool parse_switch(const char *word, struct options *o)
{
    static const struct {
        char word[13];
        uint8_t target; /* which bool of struct options */
        bool value;
    } switches[] = {
#define SWITCH(word, field, value) {(word), offsetof(struct options, field), (value)}
        SWITCH("keepbs", keepbs, true),
        SWITCH("keepbs=1", keepbs, true),
        SWITCH("keepbs=0", keepbs, false),
        SWITCH("exit=1", exit, true),
        SWITCH("exit=0", exit, false),
        SWITCH("selftest=on", selftest, true),
        SWITCH("selftest=off", selftest, false),
        SWITCH("sp=use", sp_use, true),
        SWITCH("kaslr=on", kaslr, true),
        SWITCH("kaslr=off", kaslr, false),
        SWITCH("tables=log", tables, true),
        SWITCH("levels=5", five_levels, true),
        SWITCH("report=on", report, true),
        SWITCH("report=off", report, false),
        SWITCH("help", help, true),
#undef SWITCH
    };
    for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
        if (same(word, switches[i].word)) {
            *((bool *)o + switches[i].target) = switches[i].value;
            return true;
        }
    }
    return false;
}

static bool parse_count(const char *word, struct options *o)
{
    const char *rounds = value_of(word, "exercise="), *cpus = value_of(word, "cpus=");
    return (rounds != NULL && number(rounds, EXERCISE_MAX, &o->exercise)) ||
           (cpus != NULL && *cpus != '0' && number(cpus, CPUS_MOST, &o->cpus));
}

static bool parse_value(const char *word, struct options *o)
{
    const char *serial = value_of(word, "serial="), *menu = value_of(word, "menu=");
    const char *then = value_of(word, "then="), *dma = value_of(word, "dma=");
    return (serial != NULL && parse_serial(serial, o)) || (menu != NULL && parse_menu(menu, o)) ||
           (then != NULL && parse_then(then, o)) || (dma != NULL && parse_dma(dma, o)) ||
           parse_count(word, o);
}

/* Pages are read by options_next_bad(). */
static bool names_bad(const char *word)
{
    const char *value = value_of(word, "bad=");
    struct options_bad pages;
    return value != NULL && parse_bad(value, &pages);
}

static void parse_word(const char *word, struct options *o, options_unknown_fn *unknown)
{
    if (!parse_switch(word, o) && !parse_choice(word, o) && !parse_value(word, o) &&
        !names_bad(word) && unknown != NULL)
        unknown(word);
}

/* The next word from *at on, cut to what an option can have; *at is behind it then. False: the text is
 * over. */
static bool next_word(const char *text, size_t size, size_t *at, char word[WORD_SIZE])
{
    size_t used = 0;
    size_t i = *at;
    while (i < size && text[i] != '\0' && (unsigned char)text[i] <= ' ')
        i++;
    for (; i < size && (unsigned char)text[i] > ' '; i++)
        if (used < WORD_SIZE - 1)
            word[used++] = text[i];
    word[used] = '\0';
    *at = i;
    return used > 0;
}

bool options_next_bad(const char *text, size_t size, size_t *at, struct options_bad *out)
{
    char word[WORD_SIZE];
    while (next_word(text, size, at, word)) {
        const char *value = value_of(word, "bad=");
        if (value != NULL && parse_bad(value, out))
            return true;
    }
    return false;
}

void options_parse(const char *text, size_t size, struct options *o, options_unknown_fn *unknown)
{
    *o = (struct options){.selftest = true,
                          .kaslr = true,
                          .report = true,
                          .serial = OPTIONS_SERIAL,
                          .menu = MENU_UNSAID,
                          .dma = PMM_DMA_LIMIT};
    char word[WORD_SIZE];
    size_t at = 0;
    while (next_word(text, size, &at, word))
        parse_word(word, o, unknown);
    if (o->menu == MENU_UNSAID)
        o->menu = o->exit ? 0 : MENU_DEFAULT;
}
