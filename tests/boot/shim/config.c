/* shim.cfg and shim.map. A word that is not understood ends the run: a trick that is not played
 * would be a test that cannot fail. */
#include "hal/short.h"
#include "shim.h"

struct config config = {.stride = 48,
                        .version = 1,
                        .hurry = 1,
                        .loader_type = 2,
                        .acpi_type = 9,
                        .gop_pitch = UINT64_MAX,
                        .gop_size = UINT64_MAX,
                        .small_from = UINT64_MAX,
                        .small_after = UINT64_MAX,
                        .small_count = UINT64_MAX};
struct list overlay;

static const struct {
    const char *name;
    uint64_t *value;
} words[] = {
    {"exit-fail", &config.exit_fail},
    {"exit-stale", &config.exit_stale},
    {"stride", &config.stride},
    {"version", &config.version},
    {"grow", &config.grow},
    {"small-from", &config.small_from},
    {"small-after", &config.small_after},
    {"small-count", &config.small_count},
    {"shuffle", &config.shuffle},
    {"hurry", &config.hurry},
    {"press", &config.press},
    {"gop-pitch", &config.gop_pitch},
    {"gop-size", &config.gop_size},
    {"lines", &config.lines},
    {"gicc", &config.gicc},
    {"processors", &config.processors},
    {"loader-type", &config.loader_type},
    {"acpi-type", &config.acpi_type},
    {"rsdp-at", &config.rsdp_at},
    {"uncached-at", &config.uncached_at},
    {"no-pages", &config.no_pages},
    {"no-low", &config.no_low},
    {"zero-page", &config.zero_page},
    {"no-loaded", &config.no_loaded},
    {"no-path", &config.no_path},
    {"no-device", &config.no_device},
    {"con-none", &config.con_none},
    {"con-null", &config.con_null},
    {"con-wild", &config.con_wild},
    {"wrong-base", &config.wrong_base},
    {"bss", &config.bss},
    {"junk", &config.junk},
    {"protect", &config.protect},
    {"broken", &config.broken},
};

struct reader {
    const char *at, *end;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && is_blank(*r->at))
        r->at++;
}

/* Is `name` what stands here? Then go past it. */
static bool take(struct reader *r, const char *name)
{
    const char *at = r->at;
    for (; *name != '\0'; name++, at++)
        if (at == r->end || *at != *name)
            return false;
    r->at = at;
    return true;
}

static unsigned digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

static uint64_t number(struct reader *r)
{
    unsigned base = take(r, "0x") ? 16 : 10;
    const char *start = r->at;
    uint64_t value = 0;
    for (; r->at < r->end && digit(*r->at) < base; r->at++)
        value = value * base + digit(*r->at);
    if (r->at == start)
        stop("a number is missing in shim.cfg or shim.map, near the digit", value);
    return value;
}

static void add_entry(struct list *list, struct entry entry)
{
    if (list->count == LIST_MAX)
        stop("too many entries; raise LIST_MAX, which is", LIST_MAX);
    list->at[list->count++] = entry;
}

static void read_added(struct reader *r)
{
    struct entry e = {.virt = 0};
    e.type = number(r);
    e.base = take(r, ",") ? number(r) : 0;
    e.pages = take(r, ",") ? number(r) : 0;
    e.attributes = take(r, ",") ? number(r) : 0;
    add_entry(&config.add, e);
}

static void read_hex(struct reader *r)
{
    for (; r->end - r->at >= 2 && !is_blank(*r->at); r->at += 2) {
        if (config.options_bytes == OPTIONS_MAX)
            stop("load-options is too long; raise OPTIONS_MAX, which is", OPTIONS_MAX);
        config.options[config.options_bytes++] = (uint8_t)(digit(r->at[0]) << 4 | digit(r->at[1]));
    }
}

static bool read_word(struct reader *r)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct reader after = *r;
        if (!take(&after, words[i].name) ||
            (after.at < after.end && *after.at != '=' && !is_blank(*after.at)))
            continue;
        *words[i].value = take(&after, "=") ? number(&after) : 1;
        *r = after;
        return true;
    }
    return false;
}

void config_read(const char *text, size_t length)
{
    struct reader r = {text, text + length};
    for (skip_blanks(&r); r.at < r.end; skip_blanks(&r)) {
        const char *word = r.at;
        if (take(&r, "add="))
            read_added(&r);
        else if (take(&r, "load-options="))
            read_hex(&r);
        else if (!read_word(&r))
            stop("a word of shim.cfg is unknown; it begins at byte", (uint64_t)(word - text));
        if (r.at < r.end && !is_blank(*r.at))
            stop("a word of shim.cfg has too much behind it; it begins at byte",
                 (uint64_t)(word - text));
    }
}

static uint64_t next_number(struct reader *r)
{
    skip_blanks(r);
    return number(r);
}

void overlay_read(const char *text, size_t length)
{
    struct reader r = {text, text + length};
    for (skip_blanks(&r); r.at < r.end; skip_blanks(&r)) {
        struct entry e = {.type = number(&r)};
        e.base = next_number(&r);
        e.pages = (next_number(&r) - e.base) / HAL_PAGE_SIZE;
        e.attributes = next_number(&r);
        add_entry(&overlay, e);
    }
}
