/* kernel/monitor/command.h: a line, taken for a command and its arguments. Pure: any context.
 *
 * A command says what it wants in its usage line:
 *
 *     "alloc PAGES [dma|zero] - take pages"
 *
 * the name; then an argument a word: a number (capitals), or one of some words; in brackets those
 * that can be left out, which come last; and after " - " what it does. Numbers: decimal, or 0x and
 * hexadecimal, below 2^64. Words stand between spaces. A usage line has COMMAND_ARGUMENTS arguments
 * at most; more could never be given.
 */
#ifndef KERNEL_MONITOR_COMMAND_H
#define KERNEL_MONITOR_COMMAND_H

#include "kernel/log/format.h"

#define COMMAND_ARGUMENTS 3u

struct command_call {
    uint64_t value[COMMAND_ARGUMENTS]; /* a number; or which word, from 1 on; 0: not given */
    unsigned given;                    /* arguments that the line has */
};

struct command {
    const char *usage;
    void (*run)(const struct command_call *);
};

/* The command of the `count` in `table` that `line` (ends with NUL) names, with its arguments in
 * `call`; or NULL, and the sentence in `*wrong` says why: nothing there (`used` 0) when the line is
 * blank. `*wrong` need not be clear; after NULL `*call` means nothing. Any text is legal. O(count +
 * bytes). */
const struct command *command_find(const struct command *table, size_t count, const char *line,
                                   struct command_call *call, struct format_line *wrong);

#endif
