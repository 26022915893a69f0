#include "kernel/options.h"

#define WORD_SIZE    64 /* no option is that long; a longer word is cut, and so not understood */
#define MENU_DEFAULT 3u
#define MENU_MAX     600u
#define MENU_UNSAID  (MENU_MAX + 1)

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

const char options_help[] =
    "keepbs selftest=on|off screen=map|log|off serial=off|0xPORT sp=use menu=off|SECONDS\n"
    "report=on|off kaslr=on|off tables=log exit=0|1 help; a later word wins\n";

/* "serial=0x3f8"; the ports below 0x100 belong to the board, and a UART takes eight. */
static bool parse_serial(const char *word, struct options *o)
{
    static const char key[] = "serial=0x";
    for (size_t i = 0; key[i] != '\0'; i++)
        if (word[i] != key[i])
            return false;
    uint32_t port = 0;
    for (const char *p = word + sizeof key - 1; *p != '\0'; p++) {
        if (hex_digit(*p) == 16 || port > 0xFFFu)
            return false;
        port = port * 16 + hex_digit(*p);
    }
    if (port < 0x100u || port > 0xFFF8u)
        return false;
    o->serial = (uint16_t)port;
    return true;
}

/* "menu=5" */
static bool parse_menu(const char *word, struct options *o)
{
    static const char key[] = "menu=";
    for (size_t i = 0; key[i] != '\0'; i++)
        if (word[i] != key[i])
            return false;
    const char *p = word + sizeof key - 1;
    uint32_t seconds = 0;
    for (; *p >= '0' && *p <= '9' && seconds <= MENU_MAX; p++)
        seconds = seconds * 10 + (uint32_t)(*p - '0');
    if (same(word, "menu=off"))
        seconds = 0;
    else if (*p != '\0' || p == word + sizeof key - 1 || seconds > MENU_MAX)
        return false;
    o->menu = (uint16_t)seconds;
    return true;
}

static bool parse_plant(const char *word, struct options *o)
{
    static const struct {
        const char *word;
        enum plant plant;
    } plants[] = {
        {"plant=panic", PLANT_PANIC},   {"plant=fault", PLANT_FAULT},
        {"plant=stack", PLANT_STACK},   {"plant=text", PLANT_TEXT},
        {"plant=triple", PLANT_TRIPLE}, {"plant=hang", PLANT_HANG},
        {"plant=reset", PLANT_RESET},   {"plant=off", PLANT_OFF},
        {"plant=failtest", PLANT_FAILTEST},
    };
    for (size_t i = 0; i < ARRAY_LEN(plants); i++) {
        if (same(word, plants[i].word)) {
            o->plant = plants[i].plant;
            return true;
        }
    }
    return false;
}

static bool parse_monitor(const char *word, struct options *o)
{
    bool on = same(word, "monitor=on");
    if (on || same(word, "monitor=off")) {
        o->monitor = on ? MONITOR_ON : MONITOR_OFF;
        return true;
    }
    return false;
}

static bool parse_exercise(const char *word, struct options *o)
{
    static const char key[] = "exercise=";
    for (size_t i = 0; key[i] != '\0'; i++)
        if (word[i] != key[i])
            return false;
    uint32_t rounds = 0;
    const char *p = word + sizeof key - 1;
    for (; *p >= '0' && *p <= '9' && rounds <= EXERCISE_MAX; p++)
        rounds = rounds * 10 + (uint32_t)(*p - '0');
    if (*p != '\0' || p == word + sizeof key - 1 || rounds > EXERCISE_MAX)
        return false;
    o->exercise = rounds;
    return true;
}

static bool parse_screen(const char *word, struct options *o)
{
    static const char *const words[] = {
        [SCREEN_MAP] = "screen=map", [SCREEN_LOG] = "screen=log", [SCREEN_OFF] = "screen=off"};
    for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
        if (same(word, words[i])) {
            o->screen = (enum screen_use)i;
            return true;
        }
    }
    return false;
}

static bool parse_switch(const char *word, struct options *o)
{
    const struct {
        const char *word;
        bool *target;
        bool value;
    } switches[] = {
        {"keepbs", &o->keepbs, true},          {"keepbs=1", &o->keepbs, true},
        {"keepbs=0", &o->keepbs, false},       {"exit=1", &o->exit, true},
        {"exit=0", &o->exit, false},           {"selftest=on", &o->selftest, true},
        {"selftest=off", &o->selftest, false}, {"sp=use", &o->sp_use, true},
        {"kaslr=on", &o->kaslr, true},         {"kaslr=off", &o->kaslr, false},
        {"tables=log", &o->tables, true},      {"levels=5", &o->five_levels, true},
        {"report=on", &o->report, true},       {"report=off", &o->report, false},
        {"help", &o->help, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
        if (same(word, switches[i].word)) {
            *switches[i].target = switches[i].value;
            return true;
        }
    }
    return false;
}

static void parse_word(const char *word, struct options *o, options_unknown_fn *unknown)
{
    if (parse_switch(word, o) || parse_plant(word, o) || parse_serial(word, o) ||
        parse_screen(word, o) || parse_monitor(word, o) || parse_exercise(word, o) ||
        parse_menu(word, o))
        return;
    if (same(word, "serial=off"))
        o->serial = 0;
    else if (unknown != NULL)
        unknown(word);
}

void options_parse(const char *text, size_t size, struct options *o, options_unknown_fn *unknown)
{
    *o = (struct options){
        .selftest = true, .kaslr = true, .report = true, .serial = 0x3F8, .menu = MENU_UNSAID};
    char word[WORD_SIZE];
    size_t used = 0;
    for (size_t i = 0; i <= size; i++) {
        bool end = i == size || text[i] == '\0';
        if (!end && (unsigned char)text[i] > ' ') {
            if (used < WORD_SIZE - 1)
                word[used++] = text[i];
            continue;
        }
        word[used] = '\0';
        if (used > 0)
            parse_word(word, o, unknown);
        used = 0;
        if (end)
            break;
    }
    if (o->menu == MENU_UNSAID)
        o->menu = o->exit ? 0 : MENU_DEFAULT;
}
