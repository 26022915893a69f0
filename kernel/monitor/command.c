#include "kernel/monitor/command.h"

/* A piece of text; none when `size` is 0. */
struct word {
    const char *at;
    size_t size;
};

static struct word next_word(const char **text)
{
    while (**text == ' ')
        (*text)++;
    struct word w = {*text, 0};
    while (**text != ' ' && **text != '\0') {
        (*text)++;
        w.size++;
    }
    return w;
}

static bool same(struct word a, struct word b)
{
    return a.size == b.size && __builtin_memcmp(a.at, b.at, a.size) == 0;
}

static uint64_t digit(char c)
{
    char small = (char)(c | 0x20);
    return c >= '0' && c <= '9'           ? (uint64_t)(c - '0')
           : small >= 'a' && small <= 'f' ? (uint64_t)(small - 'a') + 10
                                          : 16;
}

static bool parse_number(struct word w, uint64_t *value)
{
    uint64_t base = 10;
    uint64_t sum = 0;
    if (w.size > 2 && w.at[0] == '0' && (w.at[1] | 0x20) == 'x') {
        base = 16;
        w.at += 2;
        w.size -= 2;
    }
    for (size_t i = 0; i < w.size; i++) {
        uint64_t d = digit(w.at[i]);
        if (d >= base || sum > (UINT64_MAX - d) / base)
            return false;
        sum = sum * base + d;
    }
    *value = sum;
    return true;
}

/* Which of the choices, such as "dma|dma32|zero", the word is: `*value` counts from 1 on. */
static bool parse_choice(struct word w, struct word choices, uint64_t *value)
{
    struct word one = {choices.at, 0};
    uint64_t number = 1;
    for (size_t i = 0; i <= choices.size; i++) {
        if (i < choices.size && choices.at[i] != '|') {
            one.size++;
            continue;
        }
        if (same(w, one)) {
            *value = number;
            return true;
        }
        number++;
        one = (struct word){choices.at + i + 1, 0};
    }
    return false;
}

static bool parse_argument(struct word w, struct word wanted, uint64_t *value)
{
    if (wanted.at[0] == '[')
        wanted = (struct word){wanted.at + 1, wanted.size - 2};
    return wanted.at[0] >= 'A' && wanted.at[0] <= 'Z' ? parse_number(w, value)
                                                      : parse_choice(w, wanted, value);
}

static void quote(struct format_line *l, struct word w)
{
    char text[32];
    size_t size = w.size < sizeof text ? w.size : sizeof text - 1;
    __builtin_memcpy(text, w.at, size);
    text[size] = '\0';
    FORMAT(l, size < w.size ? "\"%s...\"" : "\"%s\"", S(text));
}

/* The next argument of a usage line; its `size` is 0 when there are no more. */
static struct word next_wanted(const char **usage)
{
    static const struct word end = {"-", 1};
    struct word wanted = next_word(usage);
    return same(wanted, end) ? (struct word){wanted.at, 0} : wanted;
}

/* When it is false, `*wrong` says why. */
static bool parse_arguments(const char *usage, const char *line, struct command_call *call,
                            struct format_line *wrong)
{
    const char *rest = usage;
    next_word(&rest);
    for (;;) {
        struct word wanted = next_wanted(&rest);
        struct word w = next_word(&line);
        bool more = wanted.size != 0 && call->given < COMMAND_ARGUMENTS;
        if (w.size == 0 && (!more || wanted.at[0] == '['))
            return true;
        if (w.size == 0 || !more) {
            FORMAT(wrong,
                   w.size == 0 ? "an argument is missing; usage: %s"
                               : "too many arguments; usage: %s",
                   S(usage));
            return false;
        }
        if (!parse_argument(w, wanted, &call->value[call->given++])) {
            quote(wrong, w);
            FORMAT(wrong, " does not fit (numbers are decimal, or 0x and hexadecimal); usage: %s",
                   S(usage));
            return false;
        }
    }
}

const struct command *command_find(const struct command *table, size_t count, const char *line,
                                   struct command_call *call, struct format_line *wrong)
{
    struct word name = next_word(&line);
    *call = (struct command_call){.given = 0};
    wrong->used = 0;
    wrong->cut = false;
    for (size_t i = 0; i < count && name.size > 0; i++) {
        const char *usage = table[i].usage;
        if (same(name, next_word(&usage)))
            return parse_arguments(table[i].usage, line, call, wrong) ? &table[i] : NULL;
    }
    if (name.size > 0) {
        quote(wrong, name);
        FORMAT(wrong, " is not a command; help lists the commands", U(0));
    }
    return NULL;
}
