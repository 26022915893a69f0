/* A sweep over the points where an entry starts or ends, in the caller's storage.
 *
 *     entries     usable      |---------------------|
 *                 reserved           |------|
 *                 usable                        |-------------|
 *     points                  S      S      E   S   E         E
 *     covering    usable      1      1      1   2   1         0
 *                 reserved    0      1      0   0   0         0
 *     regions                 |usable|reserv|usable-----------|
 *
 * n entries become 2n points, the points are sorted, and a line is swept over them from the left.
 * It counts, type by type, how many entries cover the place where it is; the least usable type that
 * covers it is the type of the piece up to the next point.
 *
 * Regions are written over points that were passed already. After p points at most p - 1 pieces lie
 * behind the line, and the floor can cut one of them only: never more than p regions, so no point is
 * overwritten before it is read.
 */
#include "mem_sweep.h"

/* A point, kept in a struct mem_region: `base` is where, `type` is what. `size` is: */
enum { POINT_ENDS = 0, POINT_STARTS = 1 };

static bool before(const struct mem_region *a, const struct mem_region *b)
{
    return a->base != b->base ? a->base < b->base : a->size < b->size;
}

/* Below `at` lies a heap, largest on top, but for what stands at `at` itself: let that sink to its
 * place. The children of i are 2i + 1 and 2i + 2. */
static void sift_down(struct mem_region *heap, size_t at, size_t count)
{
    struct mem_region sinking = heap[at];
    size_t child;
    while ((child = 2 * at + 1) < count) {
        if (child + 1 < count && before(&heap[child], &heap[child + 1]))
            child++;
        if (!before(&sinking, &heap[child]))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = sinking;
}

/* Heapsort: a list made to be slow is no slower than any other, and it needs no stack. */
void mem_sweep_sort(struct mem_region *list, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift_down(list, i, count);
    for (size_t end = count; end-- > 1;) {
        struct mem_region last = list[end];
        list[end] = list[0];
        list[0] = last;
        sift_down(list, 0, end);
    }
}

/* Entry i becomes points 2i and 2i + 1, from the last entry on, so that none is overwritten before
 * it is read. What is not allocatable grows outward to whole pages here; what is gets cut inward
 * after the sweep, when its neighbours have merged. */
static void make_points(struct mem_region *list, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        enum mem_type type = list[i].type;
        uint64_t grain = mem_type_is_allocatable(type) ? 1 : HAL_PAGE_SIZE;
        hal_paddr_t start = hal_align_down(list[i].base, grain);
        hal_paddr_t end = hal_align_up(mem_region_end(&list[i]), grain);
        list[2 * i] = (struct mem_region){.base = start, .size = POINT_STARTS, .type = type};
        list[2 * i + 1] = (struct mem_region){.base = end, .size = POINT_ENDS, .type = type};
    }
}

/* The line that is swept over the points, and the regions behind it. */
struct sweep {
    struct mem_region *list; /* regions, then points that are not read yet */
    size_t regions;
    hal_paddr_t floor;
};

/* Append [base, end), or lengthen the last region when it touches and has the same type. */
static void append(struct sweep *s, hal_paddr_t base, hal_paddr_t end, enum mem_type type)
{
    if (base >= end)
        return;
    struct mem_region *last = s->regions > 0 ? &s->list[s->regions - 1] : NULL;
    if (last != NULL && last->type == type && mem_region_end(last) == base)
        last->size = end - last->base;
    else
        s->list[s->regions++] =
            (struct mem_region){.base = base, .size = end - base, .type = type, .label = NULL};
}

/* A piece between two points. Allocatable memory is cut inward to whole pages, and what of it lies
 * below the floor is reserved. */
static void append_piece(struct sweep *s, hal_paddr_t base, hal_paddr_t end, enum mem_type type)
{
    if (!mem_type_is_allocatable(type)) {
        append(s, base, end, type);
        return;
    }
    base = hal_align_up(base, HAL_PAGE_SIZE);
    end = hal_align_down(end, HAL_PAGE_SIZE);
    append(s, base, hal_min_u64(end, s->floor), MEM_RESERVED);
    append(s, hal_max_u64(base, s->floor), end, type);
}

/* `cover` counts, type by type, the entries that cover the place where the line is. The type of the
 * place is the least usable of these, or MEM_NONE. */
static enum mem_type least_usable(const size_t cover[MEM_TYPE_COUNT])
{
    unsigned type = MEM_TYPE_COUNT - 1;
    while (type > MEM_NONE && cover[type] == 0)
        type--;
    return (enum mem_type)type;
}

/* Pass all points at one address, from point i on. The first point behind them. */
static size_t pass_points(size_t cover[MEM_TYPE_COUNT], const struct mem_region *point, size_t i,
                          size_t points)
{
    hal_paddr_t here = point[i].base;
    for (; i < points && point[i].base == here; i++)
        cover[point[i].type] += point[i].size == POINT_STARTS ? 1 : (size_t)-1;
    return i;
}

size_t mem_sweep(struct mem_region *list, size_t count, hal_paddr_t floor)
{
    struct sweep s = {.list = list, .floor = floor};
    size_t cover[MEM_TYPE_COUNT] = {0};
    enum mem_type type = MEM_NONE; /* of the piece that the line is in */
    hal_paddr_t start = 0;         /* where that piece began */
    make_points(list, count);
    mem_sweep_sort(list, 2 * count);
    for (size_t i = 0; i < 2 * count;) {
        hal_paddr_t here = list[i].base;
        i = pass_points(cover, list, i, 2 * count);
        enum mem_type next = least_usable(cover);
        if (next == type)
            continue;
        if (type != MEM_NONE)
            append_piece(&s, start, here, type);
        type = next;
        start = here;
    }
    return s.regions;
}
