#include "kernel/unpack.h"

#define CODE_BITS 15u
#define LENGTHS   288u /* codes for literals and lengths */
#define DISTANCES 30u
#define END       256u

/* A canonical code: how many codes of each length there are, and their symbols in code order. */
struct code {
    uint16_t count[CODE_BITS + 1];
    uint16_t symbol[LENGTHS];
};

struct stream {
    const unsigned char *in;
    unsigned char *out;
    size_t in_size, out_size, in_at, out_at;
    uint32_t bits; /* read from `in` and not used yet, the next one lowest */
    unsigned bit_count;
    bool bad; /* what follows makes no sense; reads give 0 */
};

static uint32_t take(struct stream *s, unsigned count)
{
    while (s->bit_count < count) {
        if (s->in_at == s->in_size) {
            s->bad = true;
            return 0;
        }
        s->bits |= (uint32_t)s->in[s->in_at++] << s->bit_count;
        s->bit_count += 8;
    }
    uint32_t value = s->bits & ((1u << count) - 1);
    s->bits >>= count;
    s->bit_count -= count;
    return value;
}

static void put(struct stream *s, unsigned char byte)
{
    if (s->out_at == s->out_size)
        s->bad = true;
    else
        s->out[s->out_at++] = byte;
}

/* More codes than their lengths leave room for are refused; fewer are not: what has no code is
 * found when it is read. */
static bool make_code(struct code *c, const uint8_t *lengths, unsigned symbols)
{
    uint16_t at[CODE_BITS + 1];
    int32_t room = 1;
    for (unsigned i = 0; i <= CODE_BITS; i++)
        c->count[i] = 0;
    for (unsigned i = 0; i < symbols; i++)
        c->count[lengths[i]]++;
    c->count[0] = 0;
    at[0] = 0;
    for (unsigned i = 1; i <= CODE_BITS; i++) {
        at[i] = (uint16_t)(at[i - 1] + c->count[i - 1]);
        room = 2 * room - c->count[i];
        if (room < 0)
            return false;
    }
    for (unsigned i = 0; i < symbols; i++)
        if (lengths[i] != 0)
            c->symbol[at[lengths[i]]++] = (uint16_t)i;
    return true;
}

static unsigned symbol(struct stream *s, const struct code *c)
{
    uint32_t code = 0; /* the bits so far, and the first code of this length */
    uint32_t first = 0;
    uint32_t index = 0;
    for (unsigned i = 1; i <= CODE_BITS; i++) {
        code |= take(s, 1);
        if (code - first < c->count[i])
            return c->symbol[index + code - first];
        index += c->count[i];
        first = (first + c->count[i]) << 1;
        code <<= 1;
    }
    s->bad = true;
    return END;
}

/* Lengths 3 to 257 in groups that double: `codes` each, `bits` more bits; the same for distances.
 */
static uint32_t grown(struct stream *s, unsigned number, unsigned codes, uint32_t base)
{
    if (number < 2 * codes)
        return base + number;
    unsigned bits = number / codes - 1;
    return base + ((codes + number % codes) << bits) + take(s, bits);
}

static void copy(struct stream *s, unsigned length_code, const struct code *distances)
{
    uint32_t length = length_code == 28 ? 258 : grown(s, length_code, 4, 3);
    unsigned far = symbol(s, distances);
    if (length_code > 28 || far >= DISTANCES) {
        s->bad = true;
        return;
    }
    uint32_t distance = grown(s, far, 2, 1);
    if (distance > s->out_at)
        s->bad = true;
    for (; length > 0 && !s->bad; length--)
        put(s, s->out[s->out_at - distance]);
}

static void unpack_block(struct stream *s, const struct code *lengths, const struct code *distances)
{
    while (!s->bad) {
        unsigned n = symbol(s, lengths);
        if (n == END)
            return;
        if (n < END)
            put(s, (unsigned char)n);
        else
            copy(s, n - END - 1, distances);
    }
}

static void stored_block(struct stream *s)
{
    s->bits = 0; /* up to the end of the byte */
    s->bit_count = 0;
    uint32_t size = take(s, 16);
    if (take(s, 16) != (size ^ 0xFFFFu))
        s->bad = true;
    for (; size > 0 && !s->bad; size--)
        put(s, (unsigned char)take(s, 8));
}

/* RFC 1951, 3.2.6. */
static void fixed_lengths(uint8_t *lengths)
{
    for (unsigned i = 0; i < LENGTHS + DISTANCES; i++)
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : i < LENGTHS ? 8 : 5;
}

/* RFC 1951, 3.2.7: the code for the lengths of the other two. */
static bool read_own_code(struct stream *s, struct code *c)
{
    static const uint8_t order[] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                    11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t own[sizeof order] = {0};
    unsigned given = take(s, 4) + 4;
    for (unsigned i = 0; i < given; i++)
        own[order[i]] = (uint8_t)take(s, 3);
    return make_code(c, own, sizeof order);
}

/* How often the length that symbol `n` stands for is repeated. */
static unsigned repeats(struct stream *s, unsigned n)
{
    static const uint8_t bits[] = {2, 3, 7};
    if (n < 16)
        return 1;
    return (n == 18 ? 11 : 3) + take(s, n <= 18 ? bits[n - 16] : 0);
}

/* The length that `n` stands for after the first `i`; 16 is the one before. */
static uint8_t length_of(unsigned n, const uint8_t *lengths, unsigned i)
{
    return n < 16 ? (uint8_t)n : n == 16 ? lengths[i - 1] : 0;
}

static void read_lengths(struct stream *s, uint8_t *lengths, unsigned total, struct code *c)
{
    if (!read_own_code(s, c))
        s->bad = true;
    for (unsigned i = 0; i < total && !s->bad;) {
        unsigned n = symbol(s, c);
        unsigned times = repeats(s, n);
        if (times > total - i || (n == 16 && i == 0)) {
            s->bad = true;
            return;
        }
        for (uint8_t value = length_of(n, lengths, i); times > 0; times--)
            lengths[i++] = value;
    }
}

static void coded_block(struct stream *s, bool fixed)
{
    uint8_t lengths[LENGTHS + 32];
    struct code literals, distances;
    unsigned literal_count = LENGTHS;
    unsigned distance_count = DISTANCES;
    if (fixed) {
        fixed_lengths(lengths);
    } else {
        literal_count = take(s, 5) + 257;
        distance_count = take(s, 5) + 1;
        if (literal_count > LENGTHS)
            s->bad = true;
        else
            read_lengths(s, lengths, literal_count + distance_count, &literals);
    }
    if (!s->bad && make_code(&literals, lengths, literal_count) &&
        make_code(&distances, lengths + literal_count, distance_count))
        unpack_block(s, &literals, &distances);
    else
        s->bad = true;
}

const char *unpack_deflate(const unsigned char *in, size_t in_size, unsigned char *out,
                           size_t out_size)
{
    struct stream s = {.in = in, .in_size = in_size, .out = out, .out_size = out_size};
    bool last = false;
    while (!last && !s.bad) {
        last = take(&s, 1) != 0;
        uint32_t kind = take(&s, 2);
        if (kind == 3)
            s.bad = true;
        else if (kind == 0)
            stored_block(&s);
        else
            coded_block(&s, kind == 1);
    }
    if (s.bad)
        return "the packed data is damaged";
    return s.out_at == out_size ? NULL : "the packed data is shorter than it should be";
}

void unpack_calls(unsigned char *code, size_t size)
{
    for (size_t i = 0; i + 5 <= size; i++) {
        uint32_t place;
        if (code[i] != 0xE8)
            continue;
        __builtin_memcpy(&place, code + i + 1, sizeof place);
        place -= (uint32_t)i + 5;
        __builtin_memcpy(code + i + 1, &place, sizeof place);
        i += 4;
    }
}
