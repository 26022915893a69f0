/* kernel/monitor/command.h: reads a line as a command and its arguments. Pure: any context.
 *
 * A command says what it wants in its usage line:
 *
 *     "alloc PAGES [dma|zero] - take pages"
 *
 * The first word is the command's name. Each word that follows is an argument: a number when it is
 * in capitals, else one of the words between the bars. Arguments in brackets can be left out, and
 * come last. What the command does stands after " - ". Numbers are below 2^64, in decimal, or 0x
 * and hexadecimal. Spaces separate words. A usage line has COMMAND_ARGUMENTS arguments at most,
 * since more could never be given.
 */
#ifndef KERNEL_MONITOR_COMMAND_H
#define KERNEL_MONITOR_COMMAND_H

#include "kernel/log/format.h"

#define COMMAND_ARGUMENTS 3u

struct command_call {
    uint64_t value[COMMAND_ARGUMENTS]; /* a number, or which word, from 1 on; 0: not given */
    unsigned given;                    /* the number of arguments on the line */
};

struct command {
    const char *usage;
    void (*run)(const struct command_call *);
};

/* Find the command that `line` (ends with NUL) names, among the `count` of `table`, and put its
 * arguments into `*call`. NULL when there is none or its arguments are wrong: then the sentence in
 * `*wrong` says why (it is empty when the line is blank), and `*call` means nothing. `*wrong` need
 * not be clear. Any text is legal. O(count + bytes). */
const struct command *command_find(const struct command *table, size_t count, const char *line,
                                   struct command_call *call, struct format_line *wrong);

#endif
