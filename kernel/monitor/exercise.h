/* kernel/monitor/exercise.h: takes all of the allocator's memory, writes and verifies it, gives it
 * back.
 *
 * One round takes every free page, in runs of up to 128 MiB, the longest first. It writes a pattern, a
 * value for each word, and only then verifies all of them. It does the same with all bits inverted, and
 * from the last word of each piece of 4 MiB to the first, so that what a write does to the words beside
 * it is seen on both sides. Then it gives the runs back in random order, bad pages too. Writing
 * and verifying is shared among CPUs, piece by piece: each piece is verified by whichever CPU comes
 * first. Afterwards the zones' figures must be what they were, but for `failures`, `low_water`, and
 * `allocs` and `frees`, which have grown by the same number. The book of what was taken lies in
 * pages of the allocator too (513 at most). Each of them has passed the same patterns first, if
 * only in the CPU's caches.
 *
 * Memory with an owner (a framebuffer in RAM, the image) is never handed out, so it is never
 * blamed. A device that writes into memory without having been asked looks like bad memory. Nothing
 * else may use the allocator meanwhile. Of the machine only hal_phys_to_virt() is used. Not to be
 * called from a trap, since the allocator's locks are taken. O(1) unless a cost is named.
 */
#ifndef KERNEL_MONITOR_EXERCISE_H
#define KERNEL_MONITOR_EXERCISE_H

#include "kernel/monitor/bad_list.h"
#include "mm/pmm.h"

/* What stands in a word of 64 bits. Each bit is 0 once and 1 once, so bits that stick are found by all. */
enum exercise_pattern {
    EXERCISE_ADDRESS, /* made of the word's address and the seed: no two are alike, which shows lines of
                         the address that stick or touch */
    EXERCISE_MOVING, /* one bit, a place further in each word and with each seed: bits that touch */
    EXERCISE_STRIDE, /* all ones and all zeroes in turn, for 1 << (seed % 16) words each: words and rows
                         that touch */
    EXERCISE_PATTERNS
};
/* A constant; "?" for any other number. */
const char *exercise_pattern_name(enum exercise_pattern);

#define EXERCISE_CPUS 512u

struct exercise_result {
    uint64_t runs, pages; /* what was taken; `pages` counts the book's pages too */
    uint64_t work;        /* pages to write and to verify, in the four passes together */
    /* Those that each CPU has done, by its index; where there are more CPUs, by what is left of it after
     * division by EXERCISE_CPUS. If nothing stopped the round, the sum is `work`. */
    uint64_t by_cpu[EXERCISE_CPUS];
    uint64_t left_out;  /* free pages not taken: the book was full, or `step` stopped it */
    uint64_t bad_words; /* words of 64 bits that failed, in both passes together */
    bool stopped;       /* `step` answered false */
};

enum exercise_phase {
    EXERCISE_TAKE,
    EXERCISE_WRITE,
    EXERCISE_VERIFY,
    EXERCISE_WRITE_INVERSE,
    EXERCISE_VERIFY_INVERSE,
    EXERCISE_GIVE,
    EXERCISE_PHASES
};
/* The name of a phase for people, a constant; "?" for any other number. */
const char *exercise_phase_name(enum exercise_phase);

/* Called on the CPU that does the round when a phase begins, then after each piece of 4 MiB or less
 * that it has done itself, and while taking and giving after each run: `done` of `total` pages of
 * the phase are done, by all. It answers false to stop the round: then everything is given back,
 * and it is not called again. It may look at the allocator, but must not change it. */
typedef bool exercise_step_fn(void *ctx, enum exercise_phase, uint64_t done, uint64_t total);

/* Run fn(arg) on all CPUs that shall help, the one that calls too, and return when it has returned
 * on each. The allocator is used by the caller alone, before and after. */
typedef void exercise_all_fn(void (*fn)(void *), void *arg);

/* Do one round of a pattern, with any seed, on the CPUs of `all`. Returns NULL, or a constant sentence
 * when the allocator or the book has failed. (Memory that fails is told in `bad_words` and `*bad` alone.)
 * `*r` is filled anew, to `*bad` is added. O(pages * entries of the list) at worst, O(pages) on sound
 * memory. */
const char *exercise_round(struct pmm *, enum exercise_pattern, uint64_t seed, exercise_all_fn *all,
                           exercise_step_fn *step, void *ctx, struct exercise_result *,
                           struct bad_list *bad);

#endif
