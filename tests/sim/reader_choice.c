/* Which of the lists is the map, and what it tells of itself: gaps in its numbers, what an e820 list
 * cannot know, whose node ranges belong to it. Contract: reader.h, reader_line.h. */
#include "tests/sim/reader_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists that are no map ---- */

static bool is_e820(const struct reader_piece *piece)
{
    return piece->style == STYLE_E820;
}

static bool any_uefi(const struct reader *r)
{
    for (size_t p = 0; p < r->piece_count; p++)
        if (!is_e820(&r->pieces[p]) && !r->pieces[p].runtime)
            return true;
    return false;
}

/* Lists to leave out: they go from the pieces and the entries, and their lines are ignored. */
static void drop_pieces(struct reader *r, bool (*drop)(const struct reader_piece *))
{
    size_t kept = 0, entries = 0;
    for (size_t p = 0; p < r->piece_count; p++) {
        struct reader_piece piece = r->pieces[p];
        if (drop(&piece)) {
            r->ignored += piece.count;
            continue;
        }
        memmove(&r->entries[entries], &r->entries[piece.first], piece.count * sizeof *r->entries);
        piece.first = entries;
        entries += piece.count;
        r->pieces[kept++] = piece;
    }
    r->piece_count = kept;
    r->count = entries;
}

static bool is_runtime(const struct reader_piece *piece)
{
    return piece->runtime;
}

static void drop_runtime(struct reader *r)
{
    for (size_t p = 0; p < r->piece_count; p++) {
        if (!r->pieces[p].runtime)
            continue;
        reader_about(r, r->entries[r->pieces[p].first].line,
                     "the list of %zu entries after \"EFI runtime memory map\" is what Linux keeps "
                     "for later, not the map: it is left out",
                     r->pieces[p].count);
    }
    drop_pieces(r, is_runtime);
}

/* ---- do two lists overlap? ---- */

struct span {
    uint64_t base, last;
    size_t piece;
};

static int by_base(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->base != y->base)
        return x->base < y->base ? -1 : 1;
    return x->last < y->last ? -1 : x->last > y->last;
}

static size_t collect_spans(const struct reader *r, struct span *spans)
{
    size_t n = 0;
    for (size_t p = 0; p < r->piece_count; p++) {
        for (size_t i = 0; i < r->pieces[p].count; i++) {
            const struct reader_entry *e = &r->entries[r->pieces[p].first + i];
            if (e->size != 0 && e->base + (e->size - 1) >= e->base)
                spans[n++] = (struct span){e->base, e->base + (e->size - 1), p};
        }
    }
    return n;
}

/* Whether an entry of one piece overlaps an entry of another; a piece may overlap itself. As long
 * as none has, whoever reaches highest is the only one that a later span can run into. */
static bool spans_collide(const struct span *spans, size_t n)
{
    const struct span *highest = n > 0 ? &spans[0] : NULL;
    for (size_t i = 1; i < n; i++) {
        if (spans[i].piece != highest->piece && spans[i].base <= highest->last)
            return true;
        if (spans[i].last > highest->last)
            highest = &spans[i];
    }
    return false;
}

static bool pieces_overlap(struct reader *r)
{
    struct span *spans = malloc((r->count + 1) * sizeof *spans);
    if (spans == NULL) {
        r->no_memory = true;
        return false;
    }
    size_t n = collect_spans(r, spans);
    qsort(spans, n, sizeof *spans, by_base);
    bool collide = spans_collide(spans, n);
    free(spans);
    return collide;
}

/* ---- which list is the map ---- */

/* Entries of a piece; 0 when it has no conventional memory: such a list says nothing of the
 * machine's RAM. */
static size_t weight_of(const struct reader *r, const struct reader_piece *piece)
{
    for (size_t i = 0; i < piece->count; i++)
        if (r->entries[piece->first + i].type == 7)
            return piece->count;
    return 0;
}

static size_t longest_piece(const struct reader *r)
{
    size_t longest = 0;
    for (size_t p = 1; p < r->piece_count; p++)
        if (weight_of(r, &r->pieces[p]) > weight_of(r, &r->pieces[longest]))
            longest = p;
    return longest;
}

static bool has_gap(const struct reader *r, const struct reader_piece *piece)
{
    const struct reader_entry *e = &r->entries[piece->first];
    for (size_t i = 0; i < piece->count; i++)
        if (e[i].index != READER_NO_INDEX && e[i].index != i)
            return true;
    return piece->lost > 0;
}

static int by_content(const void *a, const void *b)
{
    const struct reader_entry *x = a, *y = b;
    if (x->base != y->base)
        return x->base < y->base ? -1 : 1;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return x->attributes < y->attributes ? -1 : x->attributes > y->attributes;
}

/* The entries of a piece, sorted; NULL when there is no memory. */
static struct reader_entry *sorted_piece(const struct reader *r, const struct reader_piece *piece)
{
    struct reader_entry *sorted = malloc(piece->count * sizeof *sorted);
    if (sorted == NULL)
        return NULL;
    memcpy(sorted, &r->entries[piece->first], piece->count * sizeof *sorted);
    qsort(sorted, piece->count, sizeof *sorted, by_content);
    return sorted;
}

/* Does every entry of the piece stand in the longer list? Then it is a copy of it that was cut. */
static bool is_part_of(struct reader *r, const struct reader_piece *piece,
                       const struct reader_entry *longer, size_t count)
{
    if (piece->count >= count)
        return false;
    struct reader_entry *part = sorted_piece(r, piece);
    if (part == NULL) {
        r->no_memory = true;
        return false;
    }
    size_t found = 0;
    for (size_t i = 0; i < count && found < piece->count; i++)
        while (found < piece->count && reader_same_entry(&part[found], &longer[i]))
            found++;
    bool all = found == piece->count;
    free(part);
    return all;
}

/* What the lists are measured by. */
struct contest {
    const struct reader_piece *longest;
    struct reader_entry *sorted; /* its entries */
    size_t enough;               /* half its length: less was cut */
};

static bool may_win(struct reader *r, const struct contest *c, const struct reader_piece *piece)
{
    return piece == c->longest || (weight_of(r, piece) >= c->enough &&
                                   !is_part_of(r, piece, c->sorted, c->longest->count));
}

/* The last list that may win; of those without a gap in their numbers if there is one. */
static size_t best_piece(struct reader *r)
{
    size_t longest = longest_piece(r), best = longest;
    struct contest c = {.longest = &r->pieces[longest]};
    c.enough = (weight_of(r, c.longest) + 1) / 2;
    c.sorted = sorted_piece(r, c.longest);
    r->no_memory = r->no_memory || c.sorted == NULL;
    for (size_t p = 0; p < r->piece_count && !r->no_memory; p++) {
        bool gap = has_gap(r, &r->pieces[p]), best_gap = has_gap(r, &r->pieces[best]);
        bool better = gap == best_gap ? p > best : best_gap;
        if (better && may_win(r, &c, &r->pieces[p]))
            best = p;
    }
    free(c.sorted);
    return best;
}

static void take_one_piece(struct reader *r)
{
    size_t best = best_piece(r);
    const struct reader_piece *piece = &r->pieces[best];
    memmove(r->entries, r->entries + piece->first, piece->count * sizeof *r->entries);
    r->count = piece->count;
    r->taken = piece->number;
    r->parts = 1;
    r->styles = 1u << piece->style;
}

static void take_all_pieces(struct reader *r)
{
    r->taken = r->piece_count > 1 ? 0 : r->pieces[0].number;
    r->parts = r->piece_count;
    for (size_t p = 0; p < r->piece_count; p++)
        r->styles |= 1u << r->pieces[p].style;
}

/* ---- what the lists tell of themselves ---- */

static int by_index(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The numbers of the entries that were taken, sorted. */
static size_t sorted_numbers(const struct reader *r, uint64_t *numbers)
{
    size_t n = 0;
    for (size_t i = 0; i < r->count; i++)
        if (r->entries[i].index != READER_NO_INDEX)
            numbers[n++] = r->entries[i].index;
    qsort(numbers, n, sizeof *numbers, by_index);
    return n;
}

/* "3", "7 to 9", with what stands between two of them. Full: an ellipsis, once. */
static void tell_gap(char *text, size_t size, uint64_t from, uint64_t to)
{
    char one[64];
    size_t length = strlen(text);
    snprintf(one, sizeof one, from == to ? "%s%" PRIu64 : "%s%" PRIu64 " to %" PRIu64,
             length > 0 ? ", " : "", from, to);
    if (length + strlen(one) + sizeof ", ..." <= size)
        memcpy(text + length, one, strlen(one) + 1);
    else if (length > 0 && text[length - 1] != '.')
        memcpy(text + length, ", ...", sizeof ", ...");
}

/* Numbers [next, number) are missing. */
static void miss(struct reader *r, char *gaps, size_t size, uint64_t next, uint64_t number)
{
    if (number <= next)
        return;
    tell_gap(gaps, size, next, number - 1);
    r->missing += number - next;
}

/* The highest number of a broken line behind the last entry of what was taken; 0: none. */
static uint64_t lost_number(const struct reader *r)
{
    uint64_t lost = 0;
    for (size_t p = 0; p < r->piece_count; p++)
        if (r->taken == 0 || r->pieces[p].number == r->taken)
            lost = hal_max_u64(lost, r->pieces[p].lost);
    return lost;
}

static void tell_missing(struct reader *r, const uint64_t *numbers, size_t n)
{
    char gaps[100] = "";
    uint64_t next = 0;
    for (size_t i = 0; i < n; i++) {
        miss(r, gaps, sizeof gaps, next, numbers[i]);
        next = numbers[i] + 1; /* READER_NO_INDEX is none of them */
    }
    if (n > 0)
        miss(r, gaps, sizeof gaps, next, lost_number(r) + 1);
    if (r->missing == 0)
        return;
    r->partial = true;
    reader_about(r, r->entries[0].line,
                 "%" PRIu64 " of the list's numbers are missing, and their memory with them: %s",
                 r->missing, gaps);
}

static void find_missing(struct reader *r)
{
    uint64_t *numbers = malloc((r->count + 1) * sizeof *numbers);
    if (numbers == NULL) {
        r->no_memory = true;
        return;
    }
    tell_missing(r, numbers, sorted_numbers(r, numbers));
    free(numbers);
}

static void tell_e820(struct reader *r)
{
    reader_about(r, r->entries[0].line,
                 "an e820 list: it cannot tell the firmware's boot services and loaders from free "
                 "memory, nor runtime services and devices from reserved memory, nor attributes");
}

/* Lines that were meant for an e820 list count when there is nothing better. */
static void tell_broken_e820(struct reader *r)
{
    if (r->broken_e820_lines == 0)
        return;
    r->skipped += r->broken_e820_lines;
    r->ignored -= r->broken_e820_lines;
    reader_about(r, r->broken_e820.line, "%s", r->broken_e820.text);
}

/* ---- nodes ---- */

/* The boot of the map, or the last boot that has ranges. */
static size_t boot_of_ranges(const struct reader *r)
{
    size_t last = r->range_count > 0 ? r->ranges[r->range_count - 1].boot : 0;
    for (size_t p = 0; p < r->piece_count; p++)
        if (r->pieces[p].number == r->taken)
            for (size_t i = 0; i < r->range_count; i++)
                if (r->ranges[i].boot == r->pieces[p].boot)
                    return r->pieces[p].boot;
    return last;
}

static void keep_ranges(struct reader *r)
{
    size_t boot = boot_of_ranges(r), kept = 0;
    for (size_t i = 0; i < r->range_count; i++)
        if (r->ranges[i].boot == boot)
            r->ranges[kept++] = r->ranges[i];
    r->range_count = kept;
}

void reader_choose(struct reader *r)
{
    if (any_uefi(r))
        drop_pieces(r, is_e820);
    else
        tell_broken_e820(r);
    for (size_t p = 0; p < r->piece_count; p++)
        r->pieces[p].number = p + 1;
    r->maps = r->piece_count;
    drop_runtime(r);
    if (r->count == 0)
        return;
    if (r->piece_count > 1 && pieces_overlap(r))
        take_one_piece(r);
    else
        take_all_pieces(r);
    if (r->no_memory)
        return;
    keep_ranges(r);
    find_missing(r);
    if (r->styles == 1u << STYLE_E820)
        tell_e820(r);
    r->first_line = r->entries[0].line;
    r->last_line = r->entries[r->count - 1].line;
}
