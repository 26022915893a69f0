#include "kernel/ram/ram_tell.h"
#include "kernel/log/format.h"

struct teller {
    ram_tell_fn *tell;
    void *ctx;
};

#define TELL(t, format, ...)                                                                       \
    say((t), (format), (const union log_arg[]){__VA_ARGS__},                                       \
        sizeof((const union log_arg[]){__VA_ARGS__}) / sizeof(union log_arg))

static void say(const struct teller *t, const char *format, const union log_arg *args, size_t count)
{
    struct format_line line = {.used = 0};
    format_add(&line, format, args, count);
    line.text[hal_min_u64(line.used, LOG_LINE - 1)] = '\0';
    t->tell(t->ctx, line.text);
}

/* "WHAT N pages, SIZE". */
static void say_pages(const struct teller *t, const char *what, uint64_t bytes)
{
    TELL(t, "%s %u pages, %h", S(what), U(bytes / HAL_PAGE_SIZE), U(bytes));
}

static void say_slot(const struct teller *t, const struct slots *s, uint32_t i)
{
    const struct slot *slot = &s->slot[i];
    const char *kind = slots_kind_name(slot->kind);
    struct format_line line = {.used = 0};
    FORMAT(&line, "slot %u \"%s\" \"%s\": ", U(i), S(slot->place), S(slot->bank));
    if (slot->unknown)
        FORMAT(&line, "%s", S("a module of unknown size"));
    else if (slot->size == 0)
        FORMAT(&line, "%s", S("empty"));
    else
        FORMAT(&line, "%u pages, %h", U(slot->size / HAL_PAGE_SIZE), U(slot->size));
    if (kind != NULL && (slot->size != 0 || slot->unknown))
        FORMAT(&line, ", %s", S(kind));
    if (slot->speed != 0 && slot->size != 0)
        FORMAT(&line, ", %u MT/s", U(slot->speed));
    line.text[hal_min_u64(line.used, LOG_LINE - 1)] = '\0';
    t->tell(t->ctx, line.text);
}

static void say_slots(const struct teller *t, const struct slots *s)
{
    struct slot_range r;
    uint64_t listed = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        say_slot(t, s, i);
        listed += s->slot[i].size;
        for (uint32_t n = 0; slots_range(s, i, n, &r); n++)
            TELL(t, "slot %u at %X %X", U(i), U(r.base), U(r.end));
    }
    if (s->total > s->count)
        TELL(t, "%u more slots hold %u pages, %h", U(s->total - s->count),
             U((s->installed - listed) / HAL_PAGE_SIZE), U(s->installed - listed));
    if (s->lost_ranges > 0)
        TELL(t, "%u more address ranges of slots are not kept", U(s->lost_ranges));
}

static void say_installed(const struct teller *t, const struct ram *ram, const struct slots *s)
{
    const char *why = s->wrong;
    if (why == NULL && s->filled == 0)
        why = "it tells of no filled slot";
    if (why == NULL && s->broken)
        why = "it ends before its last structure";
    if (why == NULL && s->unknown > 0)
        why = "it does not tell the size of every module";
    if (ram->known)
        TELL(t, "installed %u pages, %h, in %u of %u slots", U(ram->installed / HAL_PAGE_SIZE),
             U(ram->installed), U(s->filled), U(s->total));
    else
        TELL(t, "what is installed is not known: the SMBIOS: %s", S(why));
}

static void say_kept(const struct teller *t, const struct ram *ram)
{
    for (unsigned type = 0; type < MEM_TYPE_COUNT; type++)
        if (ram->kept[type] != 0)
            TELL(t, "kept %s, %s, %u pages, %h",
                 S(type == MEM_BAD ? "from use" : "by the firmware"),
                 S(mem_type_name((enum mem_type)type)), U(ram->kept[type] / HAL_PAGE_SIZE),
                 U(ram->kept[type]));
}

/* The smallest module; UINT64_MAX: there is none. */
static uint64_t smallest(const struct slots *s)
{
    uint64_t size = UINT64_MAX;
    for (uint32_t i = 0; i < s->count; i++)
        if (s->slot[i].size != 0)
            size = hal_min_u64(size, s->slot[i].size);
    return size;
}

/* Which slot it is that is missing, as far as anything tells. */
static void explain(const struct teller *t, const struct ram *ram, const struct memmap *m,
                    const struct slots *s)
{
    uint32_t lacking = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->slot[i].size == 0 || !ram_lacks_slot(m, s, i))
            continue;
        TELL(t, "slot %u is filled, and nothing of its module is in the map", U(i));
        lacking++;
    }
    if (lacking > 0 || ram->missing == 0)
        return;
    t->tell(t->ctx,
            ram->missing >= smallest(s)
                ? "as much as a whole module is missing: look whether each sits firmly in its "
                  "slot, and whether the firmware's setup shows them all"
                : "less than a module is missing: memory for graphics, for SMM or for the "
                  "firmware itself, which its map does not list");
}

void ram_tell(const struct ram *ram, const struct memmap *m, const struct slots *s,
              ram_tell_fn *tell, void *ctx)
{
    const struct teller t = {tell, ctx};
    say_slots(&t, s);
    say_installed(&t, ram, s);
    say_pages(&t, "mapped", ram->mapped);
    say_pages(&t, "for the page allocator", ram->allocatable);
    say_kept(&t, ram);
    if (ram->known && ram->surplus == 0)
        say_pages(&t, "missing", ram->missing);
    if (ram->surplus != 0)
        say_pages(&t, "in the map and in no slot", ram->surplus);
    say_pages(&t, "no RAM below 4 GiB", ram->low_gap);
    say_pages(&t, "remapped above 4 GiB", ram->remapped);
    explain(&t, ram, m, s);
}
