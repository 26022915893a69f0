/* kernel/log/log.h: the log: one line a fact, "[seconds] topic: text", on serial, in a ring in RAM that
 * holds the last 64 KiB, and in the kept log (kernel/log/keep.h).
 *
 * Format: %u decimal, %x hex with 0x and no leading zeros, %X hex with 0x and 16 digits, %h bytes
 * as a human size ("48.2 MiB"), %s text, %% a percent sign. U() and S() name an argument's
 * kind; tests/lint/log_formats.py (in make layers) proves that it is the one the format wants:
 *
 *     LOG("zone", "%s total=%u", S(name), U(total));
 *     SAY("map", "the firmware gave no memory map");
 *
 * Text from outside is made printable. A line longer than LOG_LINE is cut and ends in "...".
 * Any CPU and any context, traps included: lines of several CPUs come one after another, under a lock. A line costs O(characters), and on serial the time that
 * they take (87 us each at 115200 baud); a port that takes nothing is given up
 * (hal/machine.h).
 */
#ifndef KERNEL_LOG_LOG_H
#define KERNEL_LOG_LOG_H

#include "kernel/log/format.h"

#define LOG(topic, format, ...)                                                                    \
    log_line((topic), (format), (const union log_arg[]){__VA_ARGS__},                              \
             sizeof((const union log_arg[]){__VA_ARGS__}) / sizeof(union log_arg))
#define SAY(topic, sentence) log_line((topic), "%s", (const union log_arg[]){S(sentence)}, 1)

/* Bad input can repeat a kind of line without end. The log then has the first LOG_ALIKE of the kind and
 * one line with the count of the rest; whoever logs them counts. */
#define LOG_ALIKE 8u

/* What the macros call: `count` arguments. The line ends in "\r\n". */
void log_line(const char *topic, const char *format, const union log_arg *args, size_t count);

/* Stamps count from the TSC value `start`; `hz` 0 counts as 1 GHz. */
void log_set_clock(uint64_t start, uint64_t hz);

/* Open the serial port, a 16550 (0: nothing changes). All of the ring is sent at once. Where none
 * answers, nothing goes to serial from then on. */
void log_open_serial(uint16_t port);

/* Microseconds since the clock's start; and how many of them went into log_line(). */
uint64_t log_micros(void);
uint64_t log_micros_writing(void);

/* One character, as it is and without a stamp, to serial, ring and kept log; for a dialogue, so
 * printable, '\b', '\r' or '\n' (kernel/screen/rows.h reads them). Nobody is told. */
void log_put(char c);

/* The ring: characters at positions [log_oldest(), log_written()), lines ended by "\r\n". Positions
 * count from the first character ever; outside of those log_char() gives another's. */
uint64_t log_oldest(void);
uint64_t log_written(void);
char log_char(uint64_t position);

/* Be told after each log_line() (NULL: nobody). The listener must not log. */
void log_on_line(void (*told)(void));

#endif
