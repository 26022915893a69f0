#include "tests/sim/trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#define MAGIC       "PGTRACE1"
#define MAGIC_SIZE  8u
#define HEADER_SIZE 24u
#define KNOWN_BITS  (TRACE_ALLOC_BIT | 0x7FFu)
#define CHUNK_BYTES ((size_t)1 << 20)

struct reader {
    const char *path;
    char *error;
    size_t error_size;
    gzFile file;
};

/* Always false, so that a caller can return it. */
static bool complain(const struct reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool complain(const struct reader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int at = snprintf(r->error, r->error_size, "%s: ", r->path);
    if (at >= 0 && (size_t)at < r->error_size)
        vsnprintf(r->error + at, r->error_size - (size_t)at, format, args);
    va_end(args);
    return false;
}

static uint32_t little32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Exactly `bytes`, at most CHUNK_BYTES. */
static bool read_exactly(const struct reader *r, void *to, size_t bytes, const char *what)
{
    int got = gzread(r->file, to, (unsigned)bytes);
    if (got == (int)bytes)
        return true;
    int code;
    const char *reason = gzerror(r->file, &code);
    if (got < 0 || code < 0)
        return complain(r, "cannot be unpacked in its %s (%s); fetch the file again", what, reason);
    return complain(r, "ends in the middle of its %s; fetch the file again", what);
}

static bool read_header(const struct reader *r, struct trace *t)
{
    unsigned char header[HEADER_SIZE];
    if (!read_exactly(r, header, sizeof header, "header"))
        return false;
    if (memcmp(header, MAGIC, MAGIC_SIZE) != 0)
        return complain(r,
                        "is no page trace: it does not begin with %s; tests/data/traces/README.md "
                        "has the format",
                        MAGIC);
    t->count = little32(header + 8);
    t->allocations = little32(header + 12);
    t->peak_pages = little32(header + 16) | (uint64_t)little32(header + 20) << 32;
    if (t->count == 0 || t->count > TRACE_MAX_WORDS)
        return complain(r, "claims %" PRIu32 " operations; from 1 to %" PRIu32 " can be replayed",
                        t->count, TRACE_MAX_WORDS);
    return true;
}

/* Grow as data comes: a header that lies cannot make us take memory for words that are not there.
 */
static bool read_words(const struct reader *r, struct trace *t)
{
    const uint32_t step = CHUNK_BYTES / sizeof(uint32_t);
    for (uint32_t have = 0, room = 0; have < t->count;) {
        uint32_t now = t->count - have < step ? t->count - have : step;
        if (have + now > room) {
            room = room == 0 ? step : room * 2;
            uint32_t *grown = realloc(t->words, (size_t)room * sizeof *grown);
            if (grown == NULL)
                return complain(r, "needs more memory than there is; close other programs");
            t->words = grown;
        }
        if (!read_exactly(r, t->words + have, now * sizeof(uint32_t), "operations"))
            return false;
        have += now;
    }
    unsigned char extra;
    if (gzread(r->file, &extra, 1) != 0)
        return complain(r, "goes on after its last operation; it is damaged or of another version");
    return true;
}

static void fix_byte_order(struct trace *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        unsigned char bytes[4];
        memcpy(bytes, &t->words[i], 4);
        t->words[i] = little32(bytes);
    }
}

/* --- checking --------------------------------------------------------------------------------- */

struct check {
    unsigned char *orders; /* of each allocation so far; 0xFF when freed */
    uint32_t allocations;
    uint64_t pages, peak;
};

#define FREED 0xFFu

static bool check_alloc(const struct reader *r, struct check *c, uint32_t word, uint32_t at)
{
    unsigned order = word & 0xFFu;
    if (order >= TRACE_ORDERS || (word & ~KNOWN_BITS) != 0)
        return complain(r,
                        "operation %" PRIu32 " (0x%08" PRIx32 ") asks for order %u or sets unknown "
                        "bits; orders 0 to %u can be replayed",
                        at, word, order, TRACE_ORDERS - 1);
    c->orders[c->allocations++] = (unsigned char)order;
    c->pages += (uint64_t)1 << order;
    c->peak = hal_max_u64(c->peak, c->pages);
    return true;
}

static bool check_free(const struct reader *r, struct check *c, uint32_t word, uint32_t at)
{
    if (word >= c->allocations)
        return complain(r,
                        "operation %" PRIu32 " frees allocation %" PRIu32
                        ", which has not been made "
                        "yet",
                        at, word);
    if (c->orders[word] == FREED)
        return complain(r, "operation %" PRIu32 " frees allocation %" PRIu32 " a second time", at,
                        word);
    c->pages -= (uint64_t)1 << c->orders[word];
    c->orders[word] = FREED;
    return true;
}

static bool check_words(const struct reader *r, const struct trace *t, struct check *c)
{
    for (uint32_t i = 0; i < t->count; i++) {
        uint32_t word = t->words[i];
        if (!(word & TRACE_ALLOC_BIT ? check_alloc(r, c, word, i) : check_free(r, c, word, i)))
            return false;
    }
    if (c->allocations != t->allocations || c->peak != t->peak_pages)
        return complain(r,
                        "says %" PRIu32 " allocations and a peak of %" PRIu64
                        " pages, but holds %" PRIu32 " and %" PRIu64 "; it is damaged",
                        t->allocations, t->peak_pages, c->allocations, c->peak);
    return true;
}

static bool check_trace(const struct reader *r, const struct trace *t)
{
    struct check c = {.orders = malloc(t->count)};
    if (c.orders == NULL)
        return complain(r, "needs more memory than there is; close other programs");
    bool sound = check_words(r, t, &c);
    free(c.orders);
    return sound;
}

/* --- the calls -------------------------------------------------------------------------------- */

bool trace_load(const char *path, struct trace *t, char *error, size_t error_size)
{
    struct reader r = {.path = path, .error = error, .error_size = error_size};
    *t = (struct trace){0};
    r.file = gzopen(path, "rb");
    if (r.file == NULL)
        return complain(&r, "cannot be opened; is the name right?");
    bool good = read_header(&r, t) && read_words(&r, t);
    gzclose(r.file);
    if (good) {
        fix_byte_order(t);
        good = check_trace(&r, t);
    }
    if (!good)
        trace_unload(t);
    return good;
}

void trace_unload(struct trace *t)
{
    free(t->words);
    *t = (struct trace){0};
}

uint64_t trace_pages_with_headroom(const struct trace *t, double percent)
{
    double pages = (double)t->peak_pages * (100.0 + percent) / 100.0;
    uint64_t whole = (uint64_t)pages;
    return whole + ((double)whole < pages ? 1 : 0);
}

/* Take the orders out of the addresses and count what is held. */
static void settle(const struct trace *t, hal_paddr_t *held, struct trace_counts *counts)
{
    for (uint32_t i = 0; i < t->allocations; i++) {
        if (held[i] == HAL_PADDR_NONE)
            continue;
        counts->pages_held += (uint64_t)1 << (held[i] & (HAL_PAGE_SIZE - 1));
        held[i] = hal_align_down(held[i], HAL_PAGE_SIZE);
    }
}

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void trace_replay(const struct trace *t, const struct trace_target *target, hal_paddr_t *held,
                  struct trace_counts *counts)
{
    *counts = (struct trace_counts){0};
    uint64_t start = cpu_ns();
    target->loop(t, target, held, counts);
    counts->ns = cpu_ns() - start;
    counts->ops = t->allocations + counts->frees;
    counts->frees -= counts->refused;
    counts->allocs = t->allocations - counts->failed;
    settle(t, held, counts);
}

void trace_walk(const struct trace *t, trace_visit_fn *visit, void *ctx)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < t->count; i++)
        if (t->words[i] & TRACE_ALLOC_BIT)
            visit(ctx, next++, t->words[i] & 0xFFu, trace_kind_of(t->words[i]));
}
