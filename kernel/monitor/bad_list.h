/* kernel/monitor/bad_list.h: which pages have failed, which of their bits, and how often, in an array that the
 * caller supplies. No page is ever lost: where the array is too small, the entries that lie nearest to each
 * other become one, with the pages between them.
 *
 *   B1  each page that was noted lies in an entry, and the words of all entries are the words noted
 *   B2  entries are sorted and disjoint; the first and the last page of each was noted
 *   B3  as long as fewer pages have failed than there is room for, each entry is one page
 *
 * Any CPU, but not in a trap: a lock of the list's own is taken.
 */
#ifndef KERNEL_MONITOR_BAD_LIST_H
#define KERNEL_MONITOR_BAD_LIST_H

#include "hal/hal.h"

struct bad_entry {
    hal_paddr_t base;
    uint64_t pages;
    uint64_t bits;  /* of a 64-bit word, that were ever wrong */
    uint64_t words; /* that were wrong, each as often as it was */
    bool told;      /* bad_list_news() has given it */
};

struct bad_list {
    struct bad_entry *entry;
    size_t count, capacity;
    struct hal_lock lock;
};

/* Begin an empty list in the array, which has room for `capacity` entries, 2 or more. O(1). */
void bad_list_init(struct bad_list *, struct bad_entry *, size_t capacity);

/* `words` words of a page failed, 1 or more, and `bits` of them. O(log(entries)) where the page lies in an
 * entry, else O(entries). */
void bad_list_note(struct bad_list *, hal_paddr_t page, uint64_t words, uint64_t bits);

/* Copy an entry that has not been given yet. False: there is none. O(entries). */
bool bad_list_news(struct bad_list *, struct bad_entry *);

#endif
