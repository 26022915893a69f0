/* libFuzzer over what a person types: bytes of serial and scan codes of a keyboard, through the line
 * editor, and each whole line through the reader of commands. First byte: which of them, bit by bit.
 * L1 and L2 of kernel/monitor/line.h are recomputed; a line is compared with one that was kept beside it.
 *
 * needs: kernel/monitor/line.c kernel/monitor/command.c kernel/monitor/keyboard.c kernel/log/format.c
 */
#include "hal/short.h"
#include "kernel/monitor/command.h"
#include "kernel/monitor/keyboard.h"
#include "kernel/monitor/line.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct command_call *ran;

static void run(const struct command_call *call)
{
    ran = call;
}

static const struct command commands[] = {
    {"plain", run},
    {"help - what a line means", run},
    {"alloc PAGES [dma|dma32|zero] - take pages", run},
    {"two FIRST SECOND [a|b]", run},
    {"some [ONE] [TWO] [THREE] - numbers", run},
};

/* How many arguments a command may have. */
static const unsigned least[] = {0, 0, 1, 2, 0}, most[] = {0, 0, 2, 3, 3};

static void must(bool good)
{
    if (!good)
        abort();
}

static void read_command(const char *text)
{
    struct command_call call;
    struct format_line wrong;
    size_t length = strlen(text);
    char *exact = malloc(length + 1);
    memcpy(exact, text, length + 1);
    const struct command *c = command_find(commands, ARRAY_LEN(commands), exact, &call, &wrong);
    if (c != NULL) {
        size_t which = (size_t)(c - commands);
        must(which < ARRAY_LEN(commands) && call.given >= least[which] && call.given <= most[which]);
        must(which != 2 || call.value[1] <= 3);
        must(which != 3 || call.value[2] <= 2);
    } else {
        must((wrong.used == 0) == (strspn(text, " ") == length));
        must(!wrong.cut && wrong.used <= sizeof wrong.text);
    }
    free(exact);
}

static void check_line(const struct line *l, const char *before, enum line_event event)
{
    must(l->length <= LINE_MAX && l->cursor <= l->length && l->text[l->length] == '\0');
    for (uint32_t i = 0; i < l->length; i++)
        must(l->text[i] >= ' ' && l->text[i] <= '~');
    must(!(event == LINE_DONE && l->lost));
    must(event == LINE_CHANGED || strcmp(before, l->text) == 0);
}

static void feed(struct line *l, unsigned char byte)
{
    char before[LINE_MAX + 1];
    memcpy(before, l->text, sizeof before);
    enum line_event event = line_feed(l, byte);
    check_line(l, before, event);
    if (event == LINE_DONE)
        read_command(l->text);
    if (event <= LINE_CHANGED)
        return;
    line_next(l);
    must(l->length == 0 && l->cursor == 0 && l->text[0] == '\0' && !l->lost);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct line *l = calloc(1, sizeof *l);
    struct keyboard k = {.shifts = 0};
    for (size_t i = 1; i < size; i++) {
        char keys[KEYBOARD_BYTES];
        bool serial = (data[0] >> i % 8 & 1) == 0;
        unsigned count = serial ? 0 : keyboard_decode(&k, data[i], keys);
        must(count <= KEYBOARD_BYTES);
        if (serial)
            feed(l, data[i]);
        for (unsigned j = 0; j < count; j++)
            feed(l, (unsigned char)keys[j]);
    }
    free(l);
    return 0;
}
