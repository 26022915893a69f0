#include "kernel/monitor/bad_list.h"

static hal_paddr_t end_of(const struct bad_entry *e)
{
    return e->base + e->pages * HAL_PAGE_SIZE;
}

void bad_list_init(struct bad_list *l, struct bad_entry *entry, size_t capacity)
{
    *l = (struct bad_list){.entry = entry, .capacity = capacity};
}

/* Index of the first entry that ends above the page. */
static size_t place_of(const struct bad_list *l, hal_paddr_t page)
{
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (end_of(&l->entry[middle]) <= page)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert(struct bad_list *l, size_t at, hal_paddr_t page)
{
    for (size_t i = l->count++; i > at; i--)
        l->entry[i] = l->entry[i - 1];
    l->entry[at] = (struct bad_entry){.base = page, .pages = 1};
}

/* The entry after which the gap is the smallest. */
static size_t nearest(const struct bad_list *l)
{
    size_t best = 0;
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i + 1 < l->count; i++) {
        uint64_t gap = l->entry[i + 1].base - end_of(&l->entry[i]);
        if (gap < least) {
            least = gap;
            best = i;
        }
    }
    return best;
}

static void join_with_next(struct bad_list *l, size_t at)
{
    struct bad_entry *e = &l->entry[at];
    const struct bad_entry *next = e + 1;
    e->pages = (end_of(next) - e->base) / HAL_PAGE_SIZE;
    e->bits |= next->bits;
    e->words += next->words;
    e->told &= next->told;
    l->count--;
    for (size_t i = at + 1; i < l->count; i++)
        l->entry[i] = l->entry[i + 1];
}

/* One place is always free, for the page that comes next. */
static void note(struct bad_list *l, hal_paddr_t page, uint64_t words, uint64_t bits)
{
    size_t at = place_of(l, page);
    if (at == l->count || l->entry[at].base > page)
        insert(l, at, page);
    l->entry[at].bits |= bits;
    l->entry[at].words += words;
    if (l->count == l->capacity)
        join_with_next(l, nearest(l));
}

void bad_list_note(struct bad_list *l, hal_paddr_t page, uint64_t words, uint64_t bits)
{
    hal_irq_t irq = hal_irq_save();
    hal_lock(&l->lock);
    note(l, page, words, bits);
    hal_unlock(&l->lock);
    hal_irq_restore(irq);
}

static bool take_news(struct bad_list *l, struct bad_entry *out)
{
    for (size_t i = 0; i < l->count; i++)
        if (!l->entry[i].told) {
            l->entry[i].told = true;
            *out = l->entry[i];
            return true;
        }
    return false;
}

bool bad_list_news(struct bad_list *l, struct bad_entry *out)
{
    hal_irq_t irq = hal_irq_save();
    hal_lock(&l->lock);
    bool found = take_news(l, out);
    hal_unlock(&l->lock);
    hal_irq_restore(irq);
    return found;
}
