/* libFuzzer over kernel/unpack.h: the input as packed data, and what zlib packs of the input; zlib
 * judges both. */
#include "kernel/unpack.c"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX 4096u

/* Unpacked into a block of exactly that size, so that ASan sees one byte more. */
static void compare(const uint8_t *in, size_t in_size, const uint8_t *want, size_t size)
{
    uint8_t *out = malloc(size + 1);
    out = realloc(out, size != 0 ? size : 1);
    if (unpack_deflate(in, in_size, out, size) != NULL || memcmp(out, want, size) != 0)
        abort();
    if (size > 0 && unpack_deflate(in, in_size, out, size - 1) == NULL)
        abort();
    free(out);
}

/* What zlib accepts must be accepted, and be the same bytes. */
static void judge(const uint8_t *data, size_t size)
{
    uint8_t want[OUT_MAX];
    uint8_t *out = malloc(OUT_MAX);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data,
                  .avail_in = (uInt)size,
                  .next_out = want,
                  .avail_out = sizeof want};
    if (inflateInit2(&z, -15) != Z_OK)
        abort();
    if (inflate(&z, Z_FINISH) == Z_STREAM_END)
        compare(data, size, want, z.total_out);
    inflateEnd(&z);
    (void)unpack_deflate(data, size, out, OUT_MAX);
    free(out);
}

static void round_trip(const uint8_t *data, size_t size, int level, int strategy)
{
    size_t room = size + size / 2 + 64;
    uint8_t *packed = malloc(room);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data,
                  .avail_in = (uInt)size,
                  .next_out = packed,
                  .avail_out = (uInt)room};
    if (deflateInit2(&z, level, Z_DEFLATED, -15, 9, strategy) != Z_OK ||
        deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    compare(packed, z.total_out, data, size);
    deflateEnd(&z);
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

/* First byte: the level and the strategy (of zlib, 0 to 4). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    judge(data + 1, size - 1);
    calls(data + 1, size - 1);
    round_trip(data + 1, size - 1, data[0] % 10, data[0] / 10 % 5);
    return 0;
}
