/* kernel/log/log.h: the log, with one line for each fact: "[seconds] topic: text". It goes to the
 * serial port, to a ring in RAM that holds the last 64 KiB, and to the kept log
 * (kernel/log/keep.h).
 *
 * A format can hold %u (decimal), %x (hexadecimal with 0x and no leading zeros), %X (hexadecimal
 * with 0x and 16 digits), %h (bytes as a size for people, "48.2 MiB"), %s (text) and %% (a percent
 * sign). U() and S() name an argument's kind; tests/lint/log_formats.py (in make layers) proves
 * that it is the kind that the format wants:
 *
 *     LOG("zone", "%s total=%u", S(name), U(total));
 *     SAY("map", "the firmware gave no memory map");
 *
 * Text from outside is made printable. A line longer than LOG_LINE is cut and ends in "...". Any
 * CPU and any context, traps included; a lock keeps the lines of several CPUs apart. A line costs
 * O(characters), and on serial the time that they take (87 us each at 115200 baud). A port that
 * takes no characters is given up (hal/machine.h).
 */
#ifndef KERNEL_LOG_LOG_H
#define KERNEL_LOG_LOG_H

#include "hal/machine.h"
#include "kernel/log/format.h"

#define LOG(topic, format, ...)                                                                    \
    log_line((topic), (format), (const union log_arg[]){__VA_ARGS__},                              \
             sizeof((const union log_arg[]){__VA_ARGS__}) / sizeof(union log_arg))
#define SAY(topic, sentence) log_line((topic), "%s", (const union log_arg[]){S(sentence)}, 1)

/* Bad input can repeat a kind of line without end. The log then has the first LOG_ALIKE lines of
 * the kind and one line with the count of the rest. The module that logs them does the counting. */
#define LOG_ALIKE 8u

/* What the macros call, with `count` arguments. The line ends in "\r\n". */
void log_line(const char *topic, const char *format, const union log_arg *args, size_t count);

/* Let the stamps count from the value `start` of hal_cycles(), at `hz` ticks a second; 0 stands for
 * 1 GHz. */
void log_set_clock(uint64_t start, uint64_t hz);

/* Send the log to the serial port `port` from now on, and all of the ring at once. When no port
 * answers there, nothing goes to serial from then on. */
void log_open_serial(struct serial_port port);

/* Microseconds since the clock's start; and how many of them went into log_line(). */
uint64_t log_micros(void);
uint64_t log_micros_writing(void);

/* Add one character to serial, ring and kept log, as it is and without a stamp. It is for a
 * dialogue, so it is printable, '\b', '\r' or '\n', which kernel/screen/rows.h understands. The
 * listener is not called. */
void log_put(char c);

/* The ring holds the characters at positions [log_oldest(), log_written()), counted from the first
 * one ever logged. Lines end in "\r\n". At any other position log_char() returns some other
 * character. */
uint64_t log_oldest(void);
uint64_t log_written(void);
char log_char(uint64_t position);

/* Call `told` after each log_line(); NULL: nothing is called. It must not log. */
void log_on_line(void (*told)(void));

#endif
