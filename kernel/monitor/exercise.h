/* kernel/monitor/exercise.h: all of the allocator's memory taken, written, verified and given back.
 *
 * One round: take every free page, in runs of up to 128 MiB, the longest first; write into each
 * word a value made of its address and the seed, and only then verify all of them; the same with
 * all bits turned over; give the runs back in an order by chance, bad pages too. Afterwards the
 * zones' figures must be what they were, but for `failures`, `low_water`, and `allocs` and `frees`,
 * which have grown by the same number. What was taken is written down in pages of the allocator's
 * too (513 at most), each of which has passed the same patterns first, if only in the CPU's caches.
 *
 * Memory with an owner (a framebuffer in RAM, the image) is never handed out, so it is never
 * blamed. A device that writes into memory without having been asked looks like bad memory. Nothing
 * else may use the allocator meanwhile. Knows no machine but hal_phys_to_virt(). Not to be called
 * from a trap: the allocator's locks are taken. O(1) unless told.
 */
#ifndef KERNEL_MONITOR_EXERCISE_H
#define KERNEL_MONITOR_EXERCISE_H

#include "mm/pmm.h"

#define EXERCISE_LIST 64u

/* Of all rounds since it was zeroed: each page that failed, and which of its bits ever did. */
struct exercise_bad {
    unsigned count;
    bool more; /* there were others, for which the list has no room */
    struct {
        paddr_t page;
        uint64_t bits; /* of a 64-bit word */
    } list[EXERCISE_LIST];
};

struct exercise_result {
    uint64_t runs, pages; /* taken, the book's pages counted in `pages` */
    uint64_t left_out;    /* free pages not taken: no room in the book, or stopped before */
    uint64_t bad_words;   /* of 64 bits, of both passes */
    bool stopped;         /* as `step` wanted */
};

enum exercise_phase {
    EXERCISE_TAKE,
    EXERCISE_WRITE,
    EXERCISE_VERIFY,
    EXERCISE_WRITE_INVERSE,
    EXERCISE_VERIFY_INVERSE,
    EXERCISE_PHASES
};
/* A constant, for people; "?" for a number that is none. */
const char *exercise_phase_name(enum exercise_phase);

/* Told when a phase begins and every 4 MiB or more often, while taking for each run; `done` of
 * `total` pages of the phase. False: stop, give back; it is not asked again. Must not use the
 * allocator but to look. */
typedef bool exercise_step_fn(void *ctx, enum exercise_phase, uint64_t done, uint64_t total);

/* One round, with any seed. NULL, or a constant sentence: the allocator or the book failed (memory
 * that failed is in `bad_words` and the list alone). `*r` is filled anew, `*bad` is added to.
 * O(pages * EXERCISE_LIST) at worst, O(pages) on sound memory. */
const char *exercise_round(struct pmm *, uint64_t seed, exercise_step_fn *step, void *ctx,
                           struct exercise_result *, struct exercise_bad *);

#endif
