/* The fields of which the rows in reader_formats.c are made. Each takes its text at s->at into the
 * scan or its entry, or gives up with a reason. Contract: reader_line.h. */
#include "hal/short.h"
#include "tests/sim/reader_line.h"

#include <string.h>

/* ---- addresses, lengths, numbers ---- */

static bool take_start(struct scan *s)
{
    return take_hex(s, &s->start);
}

/* Where nothing but its look says that this is an address. */
static bool take_wide_start(struct scan *s)
{
    return is_address(s->at) ? take_hex(s, &s->start) : give_up(s, "the address is missing");
}

/* arm64: "efi: 0x..-", or the end of a line that was cut. Other lines have numbers there too. */
static bool take_arm64_start(struct scan *s)
{
    if (!has_hex_prefix(s->at) || !take_hex(s, &s->start))
        return give_up(s, "the address is missing");
    return *s->at == '-' || *s->at == '\0';
}

static bool take_number_start(struct scan *s)
{
    return take_number(s, &s->start);
}

static bool take_end(struct scan *s)
{
    s->has_end = true;
    return take_hex(s, &s->end);
}

/* In a column of its own, where it could be something else. */
static bool take_end_column(struct scan *s)
{
    return take_end(s) &&
           (s->end > s->start || give_up(s, "its end does not lie behind its start"));
}

/* U-Boot says where the next page begins; a table with other ends is somebody else's. */
static bool take_exclusive_end(struct scan *s)
{
    const char *from = s->at;
    if (!take_end(s))
        return false;
    if ((s->end & (HAL_PAGE_SIZE - 1)) == 0)
        return true;
    s->at = from;
    return give_up(s, "the attributes are missing");
}

static bool take_closing_bracket(struct scan *s)
{
    if (*s->at != ')' && *s->at != ']')
        return give_up(s, "the range does not end in ) or ]");
    s->inclusive = *s->at++ == ']';
    return true;
}

static bool set_pages(struct scan *s, uint64_t pages)
{
    if (pages >> (64 - HAL_PAGE_SHIFT) != 0)
        return give_up(s, "its number of pages does not fit in 64 bits of address");
    s->size = pages << HAL_PAGE_SHIFT;
    s->has_size = true;
    return true;
}

static bool take_pages(struct scan *s)
{
    uint64_t pages = 0;
    if (!take_hex(s, &pages))
        return give_up(s, "the number of pages is broken");
    return set_pages(s, pages);
}

static bool take_number_pages(struct scan *s)
{
    uint64_t pages = 0;
    if (!take_number(s, &pages))
        return give_up(s, "the number of pages is broken");
    return set_pages(s, pages);
}

static bool take_length(struct scan *s)
{
    s->has_size = true;
    return take_decimal(s, &s->size) || give_up(s, "the length is broken");
}

static bool take_hex_length(struct scan *s)
{
    s->has_size = true;
    return take_hex(s, &s->size) || give_up(s, "the length is broken");
}

static bool take_index(struct scan *s)
{
    return take_decimal(s, &s->out->entry.index);
}

static bool take_node(struct scan *s)
{
    uint64_t node = 0;
    if (!take_decimal(s, &node))
        return false;
    if (node > UINT32_MAX)
        return give_up(s, "the node has more than 32 bits");
    s->out->range.node = (uint32_t)node;
    return true;
}

static bool take_unused_number(struct scan *s)
{
    uint64_t unused;
    return take_number(s, &unused);
}

/* FreeBSD's virtual address: nothing, the physical one, or one of the kernel's. */
static bool take_virtual(struct scan *s)
{
    uint64_t virtual = 0;
    if (!take_hex(s, &virtual))
        return false;
    return virtual == 0 || virtual == s->start || virtual >> 63 != 0 ||
           give_up(s, "what its columns are is not known");
}

/* "640KiB", "15MB" */
static bool take_unit_size(struct scan *s)
{
    size_t digits = strspn(s->at, "0123456789");
    const char *unit = s->at + digits;
    size_t letters = strspn(unit, "KMGTPEiB");
    if (digits == 0 || letters < 2 || is_name_char(unit[letters]))
        return give_up(s, "the size with its unit is missing");
    s->at = unit + letters;
    return true;
}

/* ---- types ---- */

static void set_unknown_type(struct reader_line *out)
{
    out->entry.type = READER_TYPE_UNKNOWN;
    out->remark = "its type has a name that this tool does not know: taken as reserved";
}

static bool set_type(struct scan *s, const char *from, const char *to)
{
    if (!type_of_name(from, to, &s->out->entry.type))
        return false;
    if (s->out->entry.type == READER_TYPE_UNKNOWN)
        set_unknown_type(s->out);
    return true;
}

/* Types without a name: 8 digits of the shell's, "Unk 80" of GRUB's. */
static bool take_nameless_type(struct scan *s, const char *to)
{
    const char *from = s->at;
    struct scan number = {.at = from, .out = s->out};
    uint64_t value = 0;
    if (take_text(&number, "Unk"))
        number.at = skip_blanks(number.at);
    else if (to - from != 8 || has_hex_prefix(from))
        return false;
    if (!take_hex(&number, &value) || number.at != to || value > UINT32_MAX)
        return false;
    s->out->entry.type = (uint32_t)value;
    return true;
}

#define NAME_WORDS 4

/* The words from here to the address that follows; NULL when there are none, or too many. */
static const char *words_before_address(const char *p)
{
    for (unsigned words = 0; words < NAME_WORDS; words++) {
        const char *end = p + strcspn(p, " \t");
        p = skip_blanks(end);
        if (is_address(p))
            return end;
    }
    return NULL;
}

/* "io 0x3f8-0x3ff" stands in any log; U-Boot's addresses have all their digits. */
static bool is_common_word(const char *from, const char *end)
{
    return end - from <= 3 && strspn(skip_blanks(end), "0123456789abcdefABCDEF") < 8;
}

/* A type's name in the first column of a table, all words of it. */
static bool take_name_column(struct scan *s)
{
    const char *end = words_before_address(s->at);
    if (end == NULL || is_common_word(s->at, end) ||
        (!set_type(s, s->at, end) && !take_nameless_type(s, end)))
        return give_up(s, "the type is missing");
    s->at = end;
    return true;
}

bool take_name_and_start(struct scan *s)
{
    if (!take_name_column(s))
        return false;
    s->at = skip_blanks(s->at);
    return take_wide_start(s);
}

static bool take_unknown_column(struct scan *s)
{
    size_t word = strcspn(s->at, " \t");
    if (word == 0 || !is_address(skip_blanks(s->at + word)))
        return give_up(s, "the type is missing");
    set_unknown_type(s->out);
    s->at += word;
    return true;
}

/* "MemoryType(2147483648)" of Rust. */
static bool take_wrapped_number(struct scan *s)
{
    struct scan number = *s;
    if (!take_text(&number, "MemoryType(") || !take_type_number(&number) || *number.at != ')')
        return false;
    s->at = number.at + 1;
    return true;
}

static bool take_type_name(struct scan *s)
{
    size_t length = strcspn(s->at, ",}");
    if (take_wrapped_number(s))
        return true;
    if (length == 0)
        return give_up(s, "the type is missing");
    if (!set_type(s, s->at, s->at + length))
        set_unknown_type(s->out);
    s->at += length;
    return true;
}

static bool take_e820_kind(struct scan *s)
{
    if (!kind_of_e820(s->at, &s->out->entry))
        return give_up(s, *s->at == '\0' ? "the kind of memory is missing"
                                         : "the kind of memory has a name that is not known");
    return true;
}

/* ACPI 6.5 table 15.4. */
static bool take_e820_type(struct scan *s)
{
    static const uint32_t types[] = {READER_TYPE_UNKNOWN, 7, 0, 9, 10, 8, READER_TYPE_UNKNOWN, 14};
    uint64_t number = 0;
    if (!take_decimal(s, &number))
        return give_up(s, "the type is not a decimal number");
    s->out->entry.attributes = READER_ATTR_WB;
    s->out->entry.type = number < ARRAY_LEN(types) ? types[number] : READER_TYPE_UNKNOWN;
    return true;
}

/* ---- attributes ---- */

static bool take_attributes(struct scan *s)
{
    return take_hex(s, &s->out->entry.attributes) ||
           give_up(s, *s->at == '\0' ? "the attributes are missing" : "the attributes are broken");
}

/* One flag: a name, or bits as "attr=0x.." or "0x..". False when it is none. */
static bool add_flag(const char *from, const char *to, uint64_t *attributes)
{
    struct scan number = {.at = from};
    uint64_t bits = flag_of_name(from, to);
    bool known = bits != 0;
    if (take_text(&number, "attr=") || has_hex_prefix(from))
        known = take_hex(&number, &bits);
    *attributes |= known ? bits : 0;
    return known;
}

#define FLAG_BETWEEN " \t|,()"

static const char *skip_between(const char *p)
{
    return p + strspn(p, FLAG_BETWEEN);
}

static bool is_flag_wrapping(const char *from, size_t length)
{
    static const char *const words[] = {"MemoryAttribute", "empty"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strlen(words[i]) == length && strncmp(from, words[i], length) == 0)
            return true;
    return false;
}

static bool take_flags(struct scan *s)
{
    const char *unknown = NULL, *p = skip_between(s->at);
    bool known = false;
    s->out->entry.attributes = 0;
    for (size_t length = 0; *p != '\0' && *p != '}'; p = skip_between(p + length)) {
        length = strcspn(p, FLAG_BETWEEN "}");
        if (add_flag(p, p + length, &s->out->entry.attributes))
            known = true;
        else if (!is_flag_wrapping(p, length))
            unknown = p;
    }
    bool wrong = unknown != NULL && (!known || is_digit(*unknown));
    s->at = wrong ? unknown : p;
    if (wrong)
        return give_up(s, "its attributes are none that this tool knows");
    if (unknown != NULL)
        s->out->remark = "it has a flag that this tool does not know";
    s->out->open_flags = *p == '\0';
    return true;
}

bool reader_flags_line(const char *text, uint64_t *attributes)
{
    unsigned words = 0;
    for (const char *p = skip_between(text); *p != '\0'; p = skip_between(p)) {
        size_t length = strcspn(p, FLAG_BETWEEN);
        if (flag_of_name(p, p + length) == 0)
            return false;
        *attributes |= flag_of_name(p, p + length);
        p += length;
        words++;
    }
    return words > 0;
}

/* ---- Linux: the bracket [Type|flags] or [Type|attr=X], from after its '[' ---- */

static bool take_bracket_type(struct scan *s, const char *to)
{
    if (take_text(s, "type="))
        return take_type_number(s);
    if (!set_type(s, s->at, to))
        set_unknown_type(s->out);
    return true;
}

static void take_bracket_flag(const char *from, const char *to, struct reader_line *out)
{
    from = skip_blanks(from);
    if (from < to && !add_flag(from, to, &out->entry.attributes))
        out->remark = "it has a flag that this tool does not know";
}

static bool take_bracket(struct scan *s)
{
    const char *close = s->at + strcspn(s->at, "]");
    const char *p = s->at + strcspn(s->at, "|]");
    if (*close == '\0') {
        s->at = close;
        return give_up(s, "the [type|flags] is not complete");
    }
    if (!take_bracket_type(s, p))
        return false;
    s->out->entry.attributes = *p == '|' ? 0 : READER_ATTR_WB;
    while (p < close) {
        const char *flag = p + 1;
        p = flag + strcspn(flag, "|]");
        take_bracket_flag(flag, p, s->out);
    }
    s->at = close + 1;
    return true;
}

/* ---- what else stands in a line ---- */

/* After a node's range. A window for memory that may be plugged in holds none yet. */
static bool take_node_remarks(struct scan *s)
{
    s->out->range.hot_plug = strstr(s->at, "hotplug") != NULL;
    return true;
}

/* Up to the range of a Linux entry whose beginning was lost. */
static bool skip_to_range(struct scan *s)
{
    const char *range = strstr(s->at, "range=");
    s->at = range != NULL ? range : s->at;
    return range != NULL;
}

static bool lacks_its_type(struct scan *s)
{
    return give_up(s, "the [type|flags] before its range is missing");
}

static bool end_of_text(struct scan *s)
{
    s->at = skip_blanks(s->at);
    return *s->at == '\0' || *s->at == '#' || give_up(s, "there is more than these columns");
}

static const struct reader_field fields[] = {
    {'s', take_start},
    {'S', take_wide_start},
    {'h', take_arm64_start},
    {'d', take_number_start},
    {'e', take_end},
    {'E', take_end_column},
    {'x', take_exclusive_end},
    {')', take_closing_bracket},
    {'p', take_pages},
    {'P', take_number_pages},
    {'l', take_length},
    {'L', take_hex_length},
    {'i', take_index},
    {'N', take_node},
    {'u', take_unused_number},
    {'v', take_virtual},
    {'z', take_unit_size},
    {'t', take_type_number},
    {'w', take_unknown_column},
    {'T', take_type_name},
    {'k', take_e820_kind},
    {'K', take_e820_type},
    {'a', take_attributes},
    {'f', take_flags},
    {'b', take_bracket},
    {'H', take_node_remarks},
    {'~', skip_to_range},
    {'-', lacks_its_type},
    {'$', end_of_text},
};

take_fn *reader_field(char letter)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (fields[i].letter == letter)
            return fields[i].take;
    return NULL;
}
