/* hal/base.h: the vocabulary every layer shares: fixed-width types, addresses, pages, alignment.
 *
 * Nothing here depends on a machine or an environment. The kernel is LLP64 (`long` has 32 bits)
 * and the desk is LP64, so `long` is never used.
 *
 * A hal_paddr_t is a physical address in bytes and is never dereferenced; hal_phys_to_virt() in
 * hal/hal.h makes a pointer of it. A hal_vaddr_t is a virtual address in bytes.
 *
 * Manuals that any header may cite: UEFI 2.10; ACPI 6.5; Intel SDM, volume 3A by its older numbers,
 * in which paging is chapter 4, the local APIC 10 and memory types 11 (newer editions have more
 * chapters before these); Arm ARM (DDI 0487) by the letters of its rules, which stay when sections
 * move.
 */
#ifndef MORTISE_HAL_BASE_H
#define MORTISE_HAL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t hal_paddr_t;
typedef uint64_t hal_vaddr_t;

#define HAL_PADDR_NONE                                                                             \
    ((hal_paddr_t)0) /* "no page": page 0 is never handed out, so 0 is free to mean none */

#define HAL_PAGE_SHIFT 12
#define HAL_PAGE_SIZE  ((uint64_t)1 << HAL_PAGE_SHIFT)

/* The page of the browser (tests/page) alone has narrower pointers, and reads maps with them. */
#ifndef HAL_NARROW
_Static_assert(sizeof(void *) == 8, "Mortise runs on 64-bit machines only");
#endif

/* `align` is a power of two; the caller knows that `x + align` does not overflow. */
static inline uint64_t hal_align_up(uint64_t x, uint64_t align)
{
    return (x + align - 1) & ~(align - 1);
}

static inline uint64_t hal_align_down(uint64_t x, uint64_t align)
{
    return x & ~(align - 1);
}

static inline bool hal_is_power_of_two(uint64_t x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

static inline uint64_t hal_min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t hal_max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#endif
