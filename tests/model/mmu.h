/* tests/model/mmu.h: what the hardware makes of one entry of a page table, by code that shares nothing
 * with mm/: mmu_x86_64.h or mmu_aarch64.h, each written from its manual. MODEL_MMU names the one that
 * goes with MM_PAGE_FORMAT (Makefile); without it, that of the desk's own machine.
 *
 * Each defines
 *   mmu_read          what an entry that is in use means
 *   mmu_type          the memory type that a prot must come out as
 *   MMU_PHYS_BITS, MMU_LEVELS   the widest that the format can do
 *   MMU_BREAKS        does a CPU of this kind, at its worst, need break-before-make?
 *   MMU_NAME          a name for the log
 *   MMU_COUNT         one more used entry, in the name of a table
 *   MMU_NX_OPTIONAL   are there CPUs that cannot forbid execution?
 *   MMU_TABLES_NARROW do the names of tables above a page of the upper half keep users out?
 *   mmu_leaf_bits, mmu_name_bits   bits of which each, turned over, makes an entry wrong
 *   mmu_let_write, mmu_let_execute, mmu_let_user, mmu_make_global, mmu_empty_table, MMU_TOO_LARGE
 *                     what a test breaks or plants
 */
#ifndef TESTS_MODEL_MMU_H
#define TESTS_MODEL_MMU_H

#include "hal/hal.h"
#include "mm/aspace_prot.h"

/* What a leaf grants, or the name of a table lets through. */
#define MMU_W 1u
#define MMU_X 2u
#define MMU_U 4u
#define MMU_G 8u /* a leaf alone */

struct mmu_entry {
    bool valid; /* or an access is a fault */
    bool leaf;
    hal_paddr_t address;
    uint64_t grants;
    uint64_t type;     /* a leaf's: the index of its memory type */
    const char *wrong; /* NULL, or what no test may see */
};

#define MMU_ENTRIES 512u

static inline uint64_t mmu_span(unsigned level)
{
    return (uint64_t)4096 << (9 * level);
}

/* A bit of an entry that makes it wrong when it is turned over. */
struct mmu_bit {
    uint64_t bit;
    unsigned levels; /* of a leaf: a bit each for 4 KiB, 2 MiB and 1 GiB */
};

#ifdef MODEL_MMU
#include MODEL_MMU
#elif defined(__aarch64__)
#include "tests/model/mmu_aarch64.h"
#else
#include "tests/model/mmu_x86_64.h"
#endif

#endif
