/* mm/page_entry.h: one entry of a page table: what a format of page tables must say, and the choice of
 * a format.
 *
 * Tables have 512 entries of 64 bits. Level 0 is a table of 4 KiB pages, and an entry one level up
 * spans 512 times as much. An entry is one of three things: 0, where nothing is mapped; a leaf,
 * which maps a page; or the name of a table one level down.
 *
 * A format is a header that defines, for entries that were made by its own functions:
 *   PTE_PHYS_BITS          physical address bits that an entry can hold
 *   pte_is_leaf            a leaf, rather than the name of a table? (never asked of 0)
 *   pte_address, pte_prot  where a leaf leads, and what it allows
 *   pte_encode             the leaf for an address and a prot that aspace_map() accepts
 *   pte_step               what makes a leaf the leaf of the next page, by addition
 *   pte_name, pte_named    the name of a table; the table that a name leads to
 *   pte_used, pte_recount  how many entries of its table a name says are not 0; the same name with
 *                          another such count. 0 to 512, in bits that the CPU ignores
 * and keeps three promises:
 *   - pte_prot(pte_encode(phys, prot, ...)) is prot on every CPU, also where the CPU lacks a feature
 *   - leaves alike but for their address differ in their address bits alone, and the CPU never
 *     writes an entry: accessed and dirty bits, where they exist, are set from the start
 *   - no leaf and no name is 0
 *
 * The format is that of the machine for which mm/ is compiled, or the one that MM_PAGE_FORMAT names
 * (the desk compiles all of them). Only mm/page_*.c and mm/aspace.c include this.
 */
#ifndef MORTISE_MM_PAGE_ENTRY_H
#define MORTISE_MM_PAGE_ENTRY_H

#include "../hal/hal.h"
#include "aspace_prot.h"

#define PTE_ENTRIES 512u

/* Bytes that an entry of a table of `level` spans. The mask is what the CPU's shift does anyway. */
static inline uint64_t pte_span(unsigned level)
{
    return HAL_PAGE_SIZE << (9 * level & 63);
}

static inline unsigned pte_index(hal_vaddr_t virt, unsigned level)
{
    return (unsigned)(virt >> (HAL_PAGE_SHIFT + 9 * level)) & (PTE_ENTRIES - 1);
}

/* The address with the bits above the top level made equal to its highest one: an address that the
 * CPU translates is its own canonical form (SDM vol. 1, 3.3.7.1; on aarch64 with T0SZ = T1SZ). */
static inline hal_vaddr_t pte_canonical(hal_vaddr_t virt, unsigned levels)
{
    unsigned unused = 64 - HAL_PAGE_SHIFT - 9 * levels;
    return (hal_vaddr_t)((int64_t)(virt << unused) >> unused);
}

static inline bool pte_is_upper(hal_vaddr_t virt)
{
    return virt >> 63 != 0;
}

#if defined(MM_PAGE_FORMAT)
#include MM_PAGE_FORMAT
#elif defined(__x86_64__)
#include "format_x86_64.h"
#elif defined(__aarch64__)
#include "format_aarch64.h"
#else
#error "mm/ knows no page-table format for this machine: write one as mm/page_entry.h says"
#endif

static inline uint64_t *pte_table(uint64_t name)
{
    return hal_phys_to_virt(pte_named(name));
}

/* CPUs may be reading the entry: one store, after everything that it leads to. */
static inline void pte_store(uint64_t *entry, uint64_t value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

#endif
