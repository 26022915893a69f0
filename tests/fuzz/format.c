/* libFuzzer over the log: the input becomes lines of valid formats with any arguments, and the same
 * text is made here by snprintf; what comes out must be that, in the ring (kernel/log/log.h) and in the
 * kept log (K1 and K2 of kernel/log/keep.h). The input is also looked at as a kept log itself; zlib's
 * CRC judges that.
 *
 * needs: kernel/log/ -lz
 */
#include "hal/hal.h"
#include "hal/machine.h"
#include "hal/short.h"
#include "kernel/log/keep.h"
#include "kernel/log/log.h"

#include "hal/host/host.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLOCK   MIB
#define ARGS    6u
#define TEXT    4000u
#define HISTORY (512 * KIB)

static char said[HISTORY]; /* all that this input has logged */
static size_t said_length;

/* No serial port: the port's driver is not under test here. */
void serial_put(char c)
{
    UNUSED(c);
}

bool serial_init(struct serial_port port)
{
    UNUSED(port);
    return false;
}

static void must(bool ok)
{
    if (!ok)
        abort();
}

struct input {
    const uint8_t *at;
    size_t left;
};

static uint64_t number(struct input *in, unsigned bytes)
{
    uint64_t value = 0;
    for (; bytes > 0 && in->left > 0; bytes--, in->left--)
        value = value << 8 | *in->at++;
    return value;
}

struct line {
    char format[256], want[TEXT], texts[ARGS][300];
    union log_arg args[ARGS];
    size_t count;
};

static void want_text(struct line *l, const char *text)
{
    char *to = l->want + strlen(l->want);
    for (; *text != '\0'; text++)
        *to++ = *text >= ' ' && *text <= '~' ? *text : '?';
    *to = '\0';
}

static void want_size(struct line *l, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
    unsigned unit = 0;
    char text[64];
    while (unit < 5 && bytes >> (10 * (unit + 1)) != 0)
        unit++;
    unsigned __int128 tenths = (unsigned __int128)bytes * 10 >> (10 * unit);
    if (unit == 0)
        snprintf(text, sizeof text, "%" PRIu64 " bytes", bytes);
    else
        snprintf(text, sizeof text, "%" PRIu64 ".%u %s", (uint64_t)(tenths / 10),
                 (unsigned)(tenths % 10), units[unit]);
    want_text(l, text);
}

static void add_number(struct line *l, char kind, uint64_t value)
{
    char text[32] = "";
    if (kind == 'u')
        snprintf(text, sizeof text, "%" PRIu64, value);
    else if (kind == 'x')
        snprintf(text, sizeof text, "0x%" PRIx64, value);
    else if (kind == 'X')
        snprintf(text, sizeof text, "0x%016" PRIx64, value);
    if (kind == 'h')
        want_size(l, value);
    want_text(l, text);
    l->args[l->count++].u = value;
}

static void add_string(struct line *l, struct input *in)
{
    char *text = l->texts[l->count];
    size_t length = number(in, 1) + (in->left > 0 && in->at[0] == 0 ? 40 : 0);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)(number(in, 1) | (in->left == 0 ? 'x' : 0));
    text[length] = '\0';
    l->args[l->count++].s = length == 255 ? NULL : text;
    want_text(l, length == 255 ? "(none)" : text);
}

/* One piece of the format: an argument, a percent sign, or a character. */
static void add_piece(struct line *l, struct input *in)
{
    static const char kinds[] = "uxXhs";
    char piece[3] = "%?";
    unsigned what = (unsigned)number(in, 1) % 8;
    if (what < 5 && l->count < ARGS) {
        piece[1] = kinds[what];
        if (what == 4)
            add_string(l, in);
        else
            add_number(l, kinds[what], number(in, 8) >> number(in, 1) % 64);
    } else if (what == 5) {
        piece[1] = '%';
        want_text(l, "%");
    } else {
        piece[0] = (char)(1 + number(in, 1) % 255);
        piece[0] = piece[0] == '%' ? 'p' : piece[0];
        piece[1] = '\0';
        want_text(l, piece);
    }
    strcat(l->format, piece);
}

static void make_line(struct line *l, struct input *in)
{
    memset(l, 0, sizeof *l);
    for (unsigned pieces = (unsigned)number(in, 1) % 60; pieces > 0; pieces--)
        add_piece(l, in);
    if (number(in, 1) % 8 == 0) { /* one argument too few */
        strcat(l->format, "%s");
        want_text(l, "(missing)");
    }
}

/* The line that the log ends with, without its stamp: "topic: text", cut as kernel/log/log.h says. */
static void check_line(uint64_t from, const char *topic, const char *want)
{
    char whole[TEXT + 64], got[LOG_LINE + 3] = "";
    size_t length = (size_t)(log_written() - from), stamp = 0;
    must(length >= 2 && length <= LOG_LINE + 2);
    for (size_t i = 0; i < length; i++)
        got[i] = log_char(from + i);
    must(got[length - 2] == '\r' && got[length - 1] == '\n');
    memcpy(said + said_length, got, length);
    said_length += length;
    got[length - 2] = '\0';
    unsigned micros = 0;
    uint64_t seconds = 0;
    int used = 0;
    must(sscanf(got, "[%" SCNu64 ".%6u] %n", &seconds, &micros, &used) == 2 && used > 0);
    stamp = (size_t)used;
    snprintf(whole, sizeof whole, "%s: %s", topic, want);
    size_t room = LOG_LINE - stamp;
    if (strlen(whole) > room)
        strcpy(whole + room - 3, "...");
    must(strcmp(got + stamp, whole) == 0);
}

/* K1: after each line the block is whole, and is the end of what was said, of at least half of the
 * block when there was that much. */
static void check_kept(void)
{
    const struct keep *k = hal_phys_to_virt(BLOCK);
    size_t length = 0;
    must(keep_look(k, &length) == KEEP_GOOD && length <= said_length);
    must(memcmp(k->text, said + said_length - length, length) == 0);
    must(length == said_length || length + LOG_LINE + 2 >= sizeof k->text / 2);
    must(length == said_length || said[said_length - length - 1] == '\n');
}

static void check_log(struct input *in)
{
    static struct line l;
    keep_open(BLOCK);
    said_length = 0;
    unsigned repeat = number(in, 1) == 0xFF ? 30 : 1; /* enough to fill the block */
    while (in->left > 0 && said_length + 40 * TEXT < HISTORY) {
        make_line(&l, in);
        for (unsigned i = 0; i < repeat; i++) {
            uint64_t from = log_written();
            log_line("fuzz", l.format, l.args, l.count);
            check_line(from, "fuzz", l.want);
        }
        check_kept();
    }
}

/* K2: believed only if magic, length and CRC agree. Even first byte: the CRC is made right. */
static void check_found(const uint8_t *data, size_t size)
{
    static struct keep k;
    size_t length = 0;
    memset(&k, 0, sizeof k);
    k.magic = KEEP_MAGIC;
    memcpy(&k.state, data + 1, size - 1 < 4 ? size - 1 : 4);
    memcpy(k.text, data, hal_min_u64(size, sizeof k.text));
    uint64_t bytes = k.state & UINT32_MAX;
    bool fits = bytes <= sizeof k.text;
    uint64_t sum = fits ? crc32(0, (const Bytef *)k.text, (uInt)bytes) : 0;
    k.state |= (sum ^ (data[0] % 2u)) << 32;
    enum keep_found want = bytes == 0                     ? KEEP_NONE
                           : !fits || (data[0] % 2u) != 0 ? KEEP_DAMAGED
                                                          : KEEP_GOOD;
    must(keep_look(&k, &length) == want && (want != KEEP_GOOD || length == bytes));
    k.magic ^= (uint64_t)1 << data[0] % 64;
    must(keep_look(&k, &length) == KEEP_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    if (size < 2)
        return 0;
    if (host_ram == NULL)
        host_ram_create(2 * MIB);
    if (data[0] >= 0xC0)
        check_found(data, size);
    else
        check_log(&in);
    return 0;
}
