#include "kernel/unpack.h"

#define STATES       12u
#define LITERAL_ONLY 7u /* in states below this one the last symbol was a literal */
#define TOP          ((uint32_t)1 << 24)
#define EVEN         1024u /* of 2048: as likely 0 as 1 */
#define SLOT_ALIGN   14u   /* from this slot on the lowest bits of a distance have a code in common */
#define END_DISTANCE UINT32_MAX

struct length_code {
    uint16_t above_7, above_15;
    uint16_t low[8], middle[8], high[256];
};

/* How likely the next bit is 0, of 2048, for each thing that a bit can mean. */
struct model {
    uint16_t match[STATES], repeat[STATES], not_last[STATES], not_short[STATES];
    uint16_t not_second[STATES], not_third[STATES];
    struct length_code match_length, repeat_length;
    uint16_t slot[4][64], within[SLOT_ALIGN][32], align[16];
    uint16_t literal[8][3 * 256];
};

struct stream {
    const unsigned char *in;
    unsigned char *out;
    size_t in_size, out_size, in_at, out_at;
    uint32_t range, code;
    uint32_t back[4]; /* the last distances less 1, newest first */
    unsigned state;
    bool bad; /* what follows makes no sense */
    struct model model;
};

static void refill(struct stream *s)
{
    if (s->range >= TOP)
        return;
    s->range <<= 8;
    s->code <<= 8;
    if (s->in_at == s->in_size)
        s->bad = true;
    else
        s->code |= s->in[s->in_at++];
}

static uint32_t bit(struct stream *s, uint16_t *zero)
{
    refill(s);
    uint32_t bound = (s->range >> 11) * *zero;
    if (s->code < bound) {
        s->range = bound;
        *zero = (uint16_t)(*zero + ((2048u - *zero) >> 5));
        return 0;
    }
    s->range -= bound;
    s->code -= bound;
    *zero = (uint16_t)(*zero - (*zero >> 5));
    return 1;
}

/* `count` bits that are as likely 0 as 1. */
static uint32_t even_bits(struct stream *s, unsigned count)
{
    uint32_t value = 0;
    for (; count > 0; count--) {
        refill(s);
        s->range >>= 1;
        uint32_t one = s->code >= s->range;
        s->code -= one * s->range;
        value = value << 1 | one;
    }
    return value;
}

/* `count` bits, the highest first; `tree` has one place for each way to begin. */
static uint32_t tree_bits(struct stream *s, uint16_t *tree, unsigned count)
{
    uint32_t at = 1;
    for (unsigned i = 0; i < count; i++)
        at = at << 1 | bit(s, tree + at);
    return at - (1u << count);
}

/* The same, the lowest first. */
static uint32_t turned_bits(struct stream *s, uint16_t *tree, unsigned count)
{
    uint32_t at = 1;
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        uint32_t one = bit(s, tree + at);
        at = at << 1 | one;
        value |= one << i;
    }
    return value;
}

static void put(struct stream *s, unsigned char byte)
{
    if (s->out_at == s->out_size)
        s->bad = true;
    else
        s->out[s->out_at++] = byte;
}

/* After a copy, the byte that would have gone on with it helps until its first bit that is wrong. */
static void literal(struct stream *s)
{
    uint16_t *tree = s->model.literal[s->out_at == 0 ? 0 : s->out[s->out_at - 1] >> 5];
    uint32_t help = s->state < LITERAL_ONLY ? 0 : 0x100;
    uint32_t byte = help == 0 ? 0 : s->out[s->out_at - s->back[0] - 1];
    uint32_t at = 1;
    while (at < 0x100) {
        byte <<= 1;
        uint32_t expected = byte & help;
        uint32_t one = bit(s, tree + help + expected + at);
        help &= one != 0 ? expected : ~expected;
        at = at << 1 | one;
    }
    put(s, (unsigned char)at);
    s->state = s->state < 4 ? 0 : s->state < 10 ? s->state - 3 : s->state - 6;
}

static uint32_t length(struct stream *s, struct length_code *c)
{
    if (bit(s, &c->above_7) == 0)
        return 2 + tree_bits(s, c->low, 3);
    if (bit(s, &c->above_15) == 0)
        return 10 + tree_bits(s, c->middle, 3);
    return 18 + tree_bits(s, c->high, 8);
}

static uint32_t distance(struct stream *s, uint32_t run)
{
    uint32_t slot = tree_bits(s, s->model.slot[run < 6 ? run - 2 : 3], 6);
    if (slot < 4)
        return slot;
    unsigned more = slot / 2 - 1;
    uint32_t base = (2 + slot % 2) << more;
    if (slot < SLOT_ALIGN)
        return base + turned_bits(s, s->model.within[slot], more);
    base += even_bits(s, more - 4) << 4;
    return base + turned_bits(s, s->model.align, 4);
}

/* Make the distance before `age` others the newest. */
static void renew(struct stream *s, unsigned age, uint32_t back)
{
    for (; age > 0; age--)
        s->back[age] = s->back[age - 1];
    s->back[0] = back;
}

/* One of the last distances again; the length of the copy. */
static uint32_t repeat(struct stream *s)
{
    struct model *m = &s->model;
    unsigned age = 0;
    if (bit(s, &m->not_last[s->state]) == 0) {
        if (bit(s, &m->not_short[s->state]) == 0) {
            s->state = s->state < LITERAL_ONLY ? 9 : 11;
            return 1;
        }
    } else {
        age = 1;
        if (bit(s, &m->not_second[s->state]) != 0)
            age = 2 + bit(s, &m->not_third[s->state]);
    }
    renew(s, age, s->back[age]);
    s->state = s->state < LITERAL_ONLY ? 8 : 11;
    return length(s, &m->repeat_length);
}

static uint32_t match(struct stream *s)
{
    uint32_t run = length(s, &s->model.match_length);
    renew(s, 3, distance(s, run));
    s->state = s->state < LITERAL_ONLY ? 7 : 10;
    return run;
}

/* False when that was the end. */
static bool copy(struct stream *s)
{
    uint32_t run = bit(s, &s->model.repeat[s->state]) != 0 ? repeat(s) : match(s);
    if (s->back[0] == END_DISTANCE)
        return false;
    if (s->back[0] >= s->out_at)
        s->bad = true;
    for (; run > 0 && !s->bad; run--)
        put(s, s->out[s->out_at - s->back[0] - 1]);
    return true;
}

static void start(struct stream *s)
{
    uint16_t *zero = (uint16_t *)&s->model;
    for (size_t i = 0; i < sizeof s->model / sizeof *zero; i++)
        zero[i] = EVEN;
    __builtin_memset(s->back, 0, sizeof s->back);
    s->in_at = s->out_at = 0;
    s->state = 0;
    s->code = s->range = 0;
    refill(s);
    s->bad = s->bad || s->code != 0; /* the first byte is 0 */
    for (unsigned i = 0; i < 4; i++)
        refill(s);
    s->range = UINT32_MAX;
}

const char *unpack_lzma(const unsigned char *in, size_t in_size, unsigned char *out,
                        size_t out_size)
{
    static struct stream s; /* 15 KiB: too much for a stack */
    bool more = true;
    s.in = in;
    s.in_size = in_size;
    s.out = out;
    s.out_size = out_size;
    s.bad = false;
    start(&s);
    while (more && !s.bad)
        if (bit(&s, &s.model.match[s.state]) == 0)
            literal(&s);
        else
            more = copy(&s);
    refill(&s);
    if (s.bad || s.code != 0 || s.in_at != s.in_size)
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
