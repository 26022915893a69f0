/* The formats, a row each, and what reads the rows. Contract: reader_line.h. */
#include "hal/short.h"
#include "tests/sim/reader_line.h"

#include <string.h>

/* A row says how a line goes on from some word of it:
 *
 *   letters   themselves, in either case
 *   ' '       blanks and commas, also none       ';'  at least one blank
 *   ^         the line begins here
 *   !         up to here a line of another kind may look the same; one that does not go on as the
 *             row says from here on is broken
 *   %         a field:
 *             %s start  %S start that looks like an address  %d start in decimal  %h arm64's
 *             %e end    %x exclusive end  %E end behind the start  %) the bracket that tells which
 *             %p pages  %P pages in decimal  %l length  %L length in hex  %z size with its unit
 *             %t type   %T type's name up to a comma  %w a name that nobody knows
 *             %k kind of e820  %K its number  %b [type|flags]  %a attributes  %f flags
 *             %i index  %N node  %H hot-plug or not  %v virtual address  %u a number not used
 *             %~ all up to "range="  %- what stood there is lost  %$ the end of the line
 */
struct format {
    enum reader_style style;
    enum reader_verdict verdict;
    bool inclusive; /* its ends, unless the numbers say otherwise */
    const char *row;
};

#define ENTRY     LINE_ENTRY, false
#define INCLUSIVE LINE_ENTRY, true

static const struct format formats[] = {
    {STYLE_LINUX, ENTRY, "mem%i: [!%b range=[%s-%e%)"},
    {STYLE_LINUX, ENTRY, "mem%i: type=!%t attr=%a range=[%s-%e%)"},
    {STYLE_LINUX, ENTRY, "mem%i:%~!%-"},
    {STYLE_MMAP, INCLUSIVE, "MMap[%i]:! %s - %e len=%l type=%t attr=%a"},
    {STYLE_XEN, INCLUSIVE, "%S-%e type!=%t attr=%a"},
    {STYLE_ARM64, INCLUSIVE, "efi: %h!-%e [%b"},
    {STYLE_UEFI_RS, ENTRY,
     "MemoryDescriptor {! ty: %T phys_start: %d virt_start: %u page_count: %P att: %f}"},
    {STYLE_UEFI_RS, ENTRY,
     "MemoryDescriptor {! ty: %T padding: %u phys_start: %d virt_start: %u page_count: %P att: "
     "%f}"},
    {STYLE_E820, INCLUSIVE, "BIOS-e820: [mem !%s-%e] %k"},
    {STYLE_E820, INCLUSIVE, "Xen: [mem !%s-%e] %k"},
    {STYLE_E820, ENTRY, "BIOS-e820: %S! - %e (%k"},
    {STYLE_E820, ENTRY, "%S - %e (%k"},
    {STYLE_E820, INCLUSIVE, "[%S, %e] (%k"},
    {STYLE_E820, ENTRY, "SMAP type=!%K base=%s len=%L"},
    {STYLE_E820, ENTRY, "^%S;%e;%k"},
    {STYLE_COUNT, LINE_RANGE, true, "SRAT: Node !%N PXM %u [mem %s-%e]%H"},
    {STYLE_COUNT, LINE_RANGE, true, "SRAT: Node !%N PXM %u [%s, %e]%H"},
    {STYLE_COUNT, LINE_RANGE, false, "SRAT: Node !%N PXM %u %s-%e%H"},
};

/* The same for tables, whose lines all begin with a type's name and a start ("%n;%S"). */
static const struct format tables[] = {
    {STYLE_SHELL, INCLUSIVE, "-!%e;%p;%a"},  {STYLE_UBOOT, ENTRY, "-!%x%f"},
    {STYLE_GRUB, INCLUSIVE, "-!%e;%p;%z%f"}, {STYLE_GRUB, INCLUSIVE, "-!%e;%p;%f"},
    {STYLE_FREEBSD, ENTRY, ";%v;!%p%f"},     {STYLE_TABLE, ENTRY, ";%E!;%p;%a"},
    {STYLE_TABLE, ENTRY, ";%E!;%p;%f"},      {STYLE_TABLE, ENTRY, ";%E!;%a%$"},
    {STYLE_TABLE, ENTRY, ";%E!;%f"},         {STYLE_TABLE, ENTRY, ";%v;!%p;%a%$"},
};

/* A name that nobody knows makes a line of the shell's table only when all its columns are there. */
static const struct format nameless[] = {
    {STYLE_SHELL, INCLUSIVE, "%w;%S-%e;%p;%a"},
};

/* What Linux says of its e820 map looks like an entry and is none: "Remove mem95: MMIO range=[..". */
static bool is_no_entry(const char *text)
{
    return strstr(text, "MMIO range=") != NULL;
}

/* ---- reading a row ---- */

static const char *missing(const char *literal)
{
    static const struct {
        const char *begins, *why;
    } reasons[] = {
        {"range=", "the range=[..] is missing"},
        {"-", "the range has no '-'"},
        {"attr=", "the attributes are broken"},
        {"type=", "the type is broken"},
        {"=", "the type is broken"},
        {"len=", "the length is broken"},
        {"[", "the [type|flags] is missing"},
        {"}", "its closing } is missing"},
        {"(", "the kind of memory is missing"},
        {"]", "the range does not end in ]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (strncmp(literal, reasons[i].begins, strlen(reasons[i].begins)) == 0)
            return reasons[i].why;
    return "it does not go on as such lines do";
}

/* Letters up to the next sign of the row. What fits of them is passed over, for the line may end
 * there. */
static bool take_literal(struct scan *s, const char **row)
{
    size_t n = strcspn(*row, " ;!%");
    const char *literal = *row;
    for (size_t i = 0; i < n; i++, s->at++)
        if (to_lower(*s->at) != to_lower(literal[i]))
            return give_up(s, missing(literal));
    *row += n;
    return true;
}

static bool take_blanks(struct scan *s, const char **row)
{
    bool needed = *(*row)++ == ';';
    bool ok = !needed || is_blank(*s->at);
    while (is_blank(*s->at) || (!needed && *s->at == ','))
        s->at++;
    return ok || give_up(s, "a column is missing");
}

static bool take_row(struct scan *s, const char *row, bool *committed)
{
    while (*row != '\0') {
        bool ok = true;
        if (*row == '!')
            *committed = true, row++;
        else if (*row == ' ' || *row == ';')
            ok = take_blanks(s, &row);
        else if (*row == '%')
            ok = reader_field(row[1])(s), row += 2;
        else
            ok = take_literal(s, &row);
        if (!ok)
            return false;
    }
    return true;
}

/* ---- a line ---- */

static bool settle(struct scan *s, const struct format *format)
{
    const char *remark = s->out->remark;
    if (format->verdict != LINE_RANGE) {
        bool ok = settle_range(s);
        if (format->style == STYLE_TABLE) /* whose ends may be of either kind */
            s->out->remark = remark;
        return ok;
    }
    s->out->range.base = s->start;
    s->out->range.size = s->end - s->start + format->inclusive;
    return s->end >= s->start || s->out->range.size == 0 ||
           give_up(s, "its end lies before its start");
}

/* What has been found in a line so far. */
struct best {
    enum reader_verdict verdict;
    struct reader_line line;
    const char *reached;
};

static enum reader_verdict read_row(const struct format *format, const struct scan *start,
                                    struct reader_line *out, const char **reached)
{
    bool committed = false;
    struct scan s = *start;
    *out = *start->out;
    out->style = format->style;
    s.out = out;
    s.inclusive = format->inclusive;
    bool ok = take_row(&s, format->row + (*format->row == '^'), &committed) && settle(&s, format);
    *reached = s.at;
    out->why = s.why;
    out->ends_early = *skip_blanks(s.at) == '\0';
    return ok ? format->verdict : committed ? LINE_BROKEN : LINE_OTHER;
}

/* Most rows cannot begin at most places. */
static bool may_begin(const char *row, char c, bool first)
{
    if (*row == '^')
        return first;
    return to_lower(*row) == to_lower(c) || *row == ';' || (*row == '%' && is_name_char(c));
}

/* The row that fits, or among those that nearly do the one that gets farthest. */
static void try_rows(const struct format *rows, size_t count, const struct scan *start, bool first,
                     struct best *best)
{
    for (size_t i = 0; i < count && best->verdict <= LINE_BROKEN; i++) {
        struct reader_line line;
        const char *reached;
        if (!may_begin(rows[i].row, *start->at, first))
            continue;
        enum reader_verdict v = read_row(&rows[i], start, &line, &reached);
        if (v > LINE_BROKEN || (v == LINE_BROKEN && reached > best->reached))
            *best = (struct best){v, line, reached};
    }
}

static void try_place(const char *at, bool first, struct best *best)
{
    struct reader_line line = {.entry.index = READER_NO_INDEX};
    struct scan start = {.at = at, .out = &line};
    try_rows(formats, ARRAY_LEN(formats), &start, first, best);
    if (take_name_and_start(&start))
        try_rows(tables, ARRAY_LEN(tables), &start, first, best);
    else
        try_rows(nameless, ARRAY_LEN(nameless), &start, first, best);
}

static enum reader_verdict read_formats(const char *text, struct reader_line *out)
{
    const char *begin = skip_blanks(text);
    struct best best = {.verdict = LINE_OTHER, .reached = text};
    for (const char *p = begin; *p != '\0' && best.verdict <= LINE_BROKEN; p++)
        if (!is_blank(*p) && (p == begin || !is_name_char(p[-1])))
            try_place(p, p == begin, &best);
    if (best.verdict != LINE_OTHER)
        *out = best.line;
    return best.verdict;
}

/* Four columns of numbers are nothing else. What only looks as if they were meant is that when it
 * is nothing else. */
enum reader_verdict reader_line(const char *text, struct reader_line *out)
{
    enum reader_verdict columns = reader_columns(text, out);
    if (columns > LINE_BROKEN)
        return columns;
    enum reader_verdict v = is_no_entry(text) ? LINE_OTHER : read_formats(text, out);
    return v != LINE_OTHER ? v : columns;
}
