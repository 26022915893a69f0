/* kernel/command.h: a line, taken for a command and its arguments. Pure.
 *
 * A command says what it wants in its usage line:
 *
 *     "alloc PAGES [dma|zero] - take pages"
 *
 * the name; then an argument a word: a number (capitals), or one of some words; in brackets those
 * that can be left out, which come last; and after " - " what it does. Numbers: decimal, or 0x and
 * hexadecimal, below 2^64.
 */
#ifndef KERNEL_COMMAND_H
#define KERNEL_COMMAND_H

#include "kernel/format.h"

#define COMMAND_ARGUMENTS 3u

struct command_call {
    uint64_t value[COMMAND_ARGUMENTS]; /* the number, or which of the words from 1 on; 0: not given */
    unsigned given;
};

struct command {
    const char *usage;
    void (*run)(const struct command_call *);
};

/* The command that `line` names, with its arguments in `call`; or NULL, and the sentence in `*wrong`
 * says why: nothing there when the line is blank. Any text is legal. */
const struct command *command_find(const struct command *table, size_t count, const char *line,
                                   struct command_call *call, struct format_line *wrong);

#endif
