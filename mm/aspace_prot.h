/* mm/aspace_prot.h: what a mapping allows, and how it is cached: the bits of `prot`.
 *
 * They are the same for every format of page tables; mm/page_entry.h turns them into an entry.
 */
#ifndef MORTISE_MM_ASPACE_PROT_H
#define MORTISE_MM_ASPACE_PROT_H

/* Every mapped page can be read. */
#define ASPACE_R      0u
#define ASPACE_W      1u
#define ASPACE_X      2u /* never together with W */
#define ASPACE_USER   4u /* by user code too; not in the shared half */
#define ASPACE_GLOBAL 8u /* stays in the TLB when another root is loaded; only in the shared half */
#define ASPACE_WB     0u /* memory type: write-back */
#define ASPACE_WC     16u /* write-combining: framebuffers */
#define ASPACE_UC     32u /* uncached: device registers. WC and UC together are refused */
#define ASPACE_TYPE   (ASPACE_WC | ASPACE_UC)
#define ASPACE_ALL    63u

#endif
