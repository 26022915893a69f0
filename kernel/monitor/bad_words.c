#include "kernel/monitor/bad_words.h"

static hal_paddr_t end_of(const struct bad_range *r)
{
    return r->base + r->pages * HAL_PAGE_SIZE;
}

static void sort(struct bad_range *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct bad_range r = list[i];
        size_t at = i;
        for (; at > 0 && list[at - 1].base > r.base; at--)
            list[at] = list[at - 1];
        list[at] = r;
    }
}

size_t bad_join(struct bad_range *list, size_t count)
{
    size_t left = 0;
    sort(list, count);
    for (size_t i = 0; i < count; i++) {
        if (left == 0 || end_of(&list[left - 1]) < list[i].base) {
            list[left++] = list[i];
            continue;
        }
        hal_paddr_t end = hal_max_u64(end_of(&list[left - 1]), end_of(&list[i]));
        list[left - 1].pages = (end - list[left - 1].base) / HAL_PAGE_SIZE;
    }
    return left;
}

size_t bad_round(struct bad_range *list, size_t count, uint64_t grain)
{
    for (size_t i = 0; i < count; i++) {
        hal_paddr_t end = hal_align_up(end_of(&list[i]), grain);
        list[i].base = hal_align_down(list[i].base, grain);
        list[i].pages = (end - list[i].base) / HAL_PAGE_SIZE;
    }
    return bad_join(list, count);
}

/* --- a range in words; `first`: nothing stands before it --- */

static void mortise(struct format_line *l, const struct bad_range *r, bool first)
{
    FORMAT(l, "%sbad=%x", S(first ? "" : " "), U(r->base));
    if (r->pages > 1)
        FORMAT(l, "-%x", U(end_of(r) - HAL_PAGE_SIZE));
}

static void linux_word(struct format_line *l, const struct bad_range *r, bool first)
{
    FORMAT(l, "%smemmap=%x$%x", S(first ? "" : " "), U(r->pages * HAL_PAGE_SIZE), U(r->base));
}

static void grub_linux(struct format_line *l, const struct bad_range *r, bool first)
{
    FORMAT(l, "%smemmap=%x\\\\\\$%x", S(first ? "" : " "), U(r->pages * HAL_PAGE_SIZE), U(r->base));
}

/* The largest pieces that begin at a multiple of their size. */
static void badram(struct format_line *l, const struct bad_range *r, bool first)
{
    for (hal_paddr_t at = r->base; at < end_of(r);) {
        uint64_t size = HAL_PAGE_SIZE;
        while (at % (2 * size) == 0 && at + 2 * size <= end_of(r))
            size *= 2;
        FORMAT(l, "%s%x,%x", S(first ? "" : ","), U(at), U(~(size - 1)));
        first = false;
        at += size;
    }
}

static void windows(struct format_line *l, const struct bad_range *r, bool first)
{
    for (uint64_t i = 0; i < r->pages && !l->cut; i++)
        FORMAT(l, "%s%x", S(first && i == 0 ? "" : " "), U(r->base / HAL_PAGE_SIZE + i));
}

static void freebsd(struct format_line *l, const struct bad_range *r, bool first)
{
    for (uint64_t i = 0; i < r->pages && !l->cut; i++)
        FORMAT(l, "%s%x", S(first && i == 0 ? "" : ","), U(r->base + i * HAL_PAGE_SIZE));
}

/* --- systems --- */

static const struct {
    const char *name, *before, *after;
    void (*add)(struct format_line *, const struct bad_range *, bool first);
} systems[BAD_SYSTEMS] = {
    [BAD_MORTISE] = {"Mortise, in mortise.cfg", "", "", mortise},
    [BAD_LINUX] = {"Linux, on its command line", "", "", linux_word},
    [BAD_GRUB_LINUX] = {"Linux, in /etc/default/grub", "GRUB_CMDLINE_LINUX=\"", "\"", grub_linux},
    [BAD_GRUB_BADRAM] = {"or GRUB, in /etc/default/grub", "GRUB_BADRAM=\"", "\"", badram},
    [BAD_WINDOWS] = {"Windows, as administrator", "bcdedit /set {badmemory} badmemorylist ", "",
                     windows},
    [BAD_FREEBSD] = {"FreeBSD, in /boot/loader.conf", "vm.blacklist=\"", "\"", freebsd},
};

static bool has_ranges(enum bad_system system)
{
    return system != BAD_WINDOWS && system != BAD_FREEBSD;
}

const char *bad_system_name(enum bad_system system)
{
    return (unsigned)system < BAD_SYSTEMS ? systems[system].name : "?";
}

struct format_line bad_words(enum bad_system system, const struct bad_range *list, size_t count)
{
    struct format_line l = {.used = 0};
    FORMAT(&l, "%s", S(systems[system].before));
    for (size_t i = 0; i < count && !l.cut; i++)
        systems[system].add(&l, &list[i], i == 0);
    FORMAT(&l, "%s", S(systems[system].after));
    l.cut |= l.used > BAD_LINE;
    return l;
}

struct format_line bad_words_rounded(enum bad_system system, struct bad_range *list, size_t *count,
                                     uint64_t *grain)
{
    struct format_line l = bad_words(system, list, *count);
    *grain = HAL_PAGE_SIZE;
    while (l.cut && has_ranges(system) && *grain < (uint64_t)1 << 40) {
        *grain *= 2;
        *count = bad_round(list, *count, *grain);
        l = bad_words(system, list, *count);
    }
    return l;
}
