/* kernel/log.h: the log: one line a fact, "[seconds] topic: text", on serial and in a ring in RAM.
 *
 * Format: %u decimal, %x hex with 0x and no leading zeros, %X hex with 0x and 16 digits, %h bytes
 * as a human size ("48.2 MiB"), %s text, %% a percent sign. U() and S() name an argument's
 * kind; tests/lint/log_formats.py (in make layers) proves that it is the one the format wants:
 *
 *     LOG("zone", "%s total=%u", S(name), U(total));
 *     SAY("map", "the firmware gave no memory map");
 *
 * Text from outside is made printable. A line longer than LOG_LINE is cut and ends in "...".
 * For one CPU; any context.
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include "kernel/format.h"

#define LOG(topic, format, ...)                                                                    \
    log_line((topic), (format), (const union log_arg[]){__VA_ARGS__},                              \
             sizeof((const union log_arg[]){__VA_ARGS__}) / sizeof(union log_arg))
#define SAY(topic, sentence) log_line((topic), "%s", (const union log_arg[]){S(sentence)}, 1)

void log_line(const char *topic, const char *format, const union log_arg *args, size_t count);

/* Stamps count from the TSC value `start`; `hz` 0 counts as 1 GHz. */
void log_set_clock(uint64_t start, uint64_t hz);

/* Open the serial port (0: none). Lines written before are sent at once. */
void log_open_serial(uint16_t port);

/* Microseconds since the clock's start; and how many of them went into writing the log. */
uint64_t log_micros(void);
uint64_t log_micros_writing(void);

/* One character, as it is and without a stamp, to serial and ring; for a dialogue. Nobody is told. */
void log_put(char c);

/* The ring: characters at positions [log_oldest(), log_written()), lines ended by "\r\n". */
uint64_t log_oldest(void);
uint64_t log_written(void);
char log_char(uint64_t position);

/* Be told after each line (NULL: nobody). The listener must not log. */
void log_on_line(void (*told)(void));

#endif
