/* libFuzzer over kernel/unpack.h: the input as packed data, what liblzma packs of the input, and that
 * with one byte damaged. liblzma judges all three; Python's lzma, which kernel/pack.py packs with, is
 * liblzma too (tests/lint/pack_test.py has its turn with Python's own output). */
#include "kernel/unpack.c"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX 4096u

static lzma_options_lzma options;
static const lzma_filter filters[] = {{LZMA_FILTER_LZMA1, &options}, {LZMA_VLI_UNKNOWN, NULL}};

/* A level of liblzma's, but the parameters that are fixed. */
static void set_options(uint32_t level)
{
    if (lzma_lzma_preset(&options, level))
        abort();
    options.dict_size = 1u << 16;
    options.lc = 3;
    options.lp = 0;
    options.pb = 0;
}

/* Unpacked into a block of exactly that size, from one of exactly that size, so that ASan sees one
 * byte more. */
static const char *unpack(const uint8_t *in, size_t in_size, uint8_t **out, size_t out_size)
{
    uint8_t *copy = malloc(in_size != 0 ? in_size : 1);
    *out = malloc(out_size != 0 ? out_size : 1);
    if (in_size != 0)
        memcpy(copy, in, in_size);
    const char *wrong = unpack_lzma(copy, in_size, *out, out_size);
    free(copy);
    return wrong;
}

static bool refused(const uint8_t *in, size_t in_size, size_t out_size)
{
    uint8_t *out;
    const char *wrong = unpack(in, in_size, &out, out_size);
    free(out);
    return wrong != NULL;
}

/* Sound data with these contents: taken in its own size alone, whole, and with nothing after it. */
static void compare(const uint8_t *in, size_t in_size, const uint8_t *want, size_t size)
{
    uint8_t *out;
    if (unpack(in, in_size, &out, size) != NULL || memcmp(out, want, size) != 0)
        abort();
    free(out);
    if (!refused(in, in_size, size + 1) || (size > 0 && !refused(in, in_size, size - 1)) ||
        !refused(in, in_size - 1, size))
        abort();
    uint8_t *longer = calloc(in_size + 1, 1);
    memcpy(longer, in, in_size);
    if (!refused(longer, in_size + 1, size))
        abort();
    free(longer);
}

/* What liblzma takes is taken, and is the same; what it does not take, or not to its last byte, is
 * refused. */
static void judge(const uint8_t *in, size_t in_size)
{
    uint8_t want[OUT_MAX];
    uint8_t *out;
    size_t in_at = 0;
    size_t size = 0;
    lzma_ret r = lzma_raw_buffer_decode(filters, NULL, in, &in_at, in_size, want, &size, OUT_MAX);
    if (r == LZMA_OK && in_at == in_size) {
        compare(in, in_size, want, size);
        return;
    }
    const char *wrong = unpack(in, in_size, &out, OUT_MAX);
    if (wrong == NULL || strcmp(wrong, "the packed data is damaged") != 0)
        abort();
    free(out);
}

static void round_trip(const uint8_t *data, size_t size, uint32_t level, const uint8_t damage[2])
{
    size_t room = size + size / 2 + 64;
    size_t packed_size = 0;
    uint8_t *packed = malloc(room);
    set_options(level);
    if (lzma_raw_buffer_encode(filters, NULL, data, size, packed, &packed_size, room) != LZMA_OK)
        abort();
    compare(packed, packed_size, data, size);
    packed[damage[0] * packed_size / 256] ^= damage[1];
    if (size <= OUT_MAX)
        judge(packed, packed_size);
    free(packed);
}

/* The distance of each call made a place, as kernel/pack.py does, and back. */
static void calls(const uint8_t *data, size_t size)
{
    uint8_t *code = malloc(size + 1);
    memcpy(code, data, size);
    code = realloc(code, size != 0 ? size : 1);
    for (size_t i = 0; i + 5 <= size; i += code[i] == 0xE8 ? 5 : 1) {
        uint64_t place = i + 5;
        for (unsigned k = 0; k < 4 && code[i] == 0xE8; k++)
            place += (uint64_t)data[i + 1 + k] << 8 * k;
        for (unsigned k = 0; k < 4 && code[i] == 0xE8; k++)
            code[i + 1 + k] = (uint8_t)(place >> 8 * k);
    }
    unpack_calls(code, size);
    if (memcmp(code, data, size) != 0)
        abort();
    unpack_calls(code, size);
    free(code);
}

/* First three bytes: the level, and where and how the packed data is damaged. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    set_options(6);
    judge(data + 3, size - 3);
    calls(data + 3, size - 3);
    round_trip(data + 3, size - 3, data[0] % 10, data + 1);
    return 0;
}
