/* hal/hal.h: everything that mm/ needs from the machine.
 *
 * There is one header and there are ports: hal/x86_64 (a PC after ExitBootServices) and hal/host
 * (a Linux process). A port supplies "port.h", found on the include path, which defines the types and
 * functions below, and one or more .c files for the rest. To take mm/ into another kernel, write
 * these things; the paging functions at the end are for mm/aspace only.
 *
 * From "port.h". hal/base.h is included before it. The functions are best inline, for they are on the
 * allocator's hot path:
 *
 *   hal_irq_t         a type: what hal_irq_save() remembers
 *   struct hal_lock   a lock; zeroed, it is open
 *   uint32_t hal_cpu_index(void)
 *       Index of this CPU, 0-based and below the `cpus` given to pmm_create(). Called with
 *       interrupts disabled, so the answer stays true until hal_irq_restore(). A kernel whose calls
 *       of mm/ all lie under one lock of its own may answer 0 everywhere.
 *   hal_irq_t hal_irq_save(void);  void hal_irq_restore(hal_irq_t)
 *       Disable interrupts on this CPU; put back what was there. They nest.
 *   void hal_lock(struct hal_lock *);  void hal_unlock(struct hal_lock *)
 *       Spin lock. Called with interrupts disabled, never for a lock that this CPU holds. What a CPU
 *       wrote before it unlocked, the next one that locks sees (acquire and release); mm/ assumes
 *       no other order between CPUs, and reads and writes words that CPUs share by relaxed atomic
 *       loads and stores of at most 64 bits.
 *   void *hal_phys_to_virt(hal_paddr_t)
 *       A pointer through which physical memory can be read and written (the direct map). Valid
 *       for RAM only. A page's address becomes a multiple of HAL_PAGE_SIZE.
 *
 * From the port's .c files, declared here:
 */
#ifndef MORTISE_HAL_HAL_H
#define MORTISE_HAL_HAL_H

#include "base.h"
#include "port.h"

/* Set `pages` page frames from `base` on to zero through the direct map. `base` is page-aligned RAM
 * that the caller owns. Any context. */
void hal_zero_pages(hal_paddr_t base, size_t pages);

/* An invariant is broken: say `what` (a whole sentence) and where, and stop this machine. On the
 * desk a test can catch it. Any context; never returns. */
_Noreturn void hal_panic(const char *what, const char *file, int line);

#define HAL_PANIC(what) hal_panic((what), __FILE__, __LINE__)

/* Run fn(arg) on every other CPU that uses mm/, with interrupts disabled and outside of mm/, and
 * return when it has run on each; what it wrote is visible then. A CPU that waits in hal_lock()
 * runs it there, for it may wait for a lock that the caller holds; mm/ is written so that this does
 * no harm. `fn` takes zone locks, and makes no such call itself. True: it has run everywhere (one
 * CPU has no others). False: this port cannot do it, and it has run nowhere; what holds then,
 * mm/pmm.h says. Called with interrupts disabled and no lock of mm/ held, and only by a call of
 * mm/pmm.h that would fail otherwise. */
bool hal_call_others(void (*fn)(void *arg), void *arg);

/* What the CPU can do with page tables, as it is set up now. */
struct hal_paging {
    bool nx;           /* an entry may forbid execution, and the bit is switched on */
    bool pages_1g;     /* 1 GiB pages */
    bool pat;          /* the PAT exists and its entry 4 is (or will be, once the first own tables
                          are loaded) write-combining; entries 0 and 3 are WB and UC */
    bool global;       /* global pages exist */
    bool break_before_make; /* a live entry that comes to map pages of another size, or becomes
                               global, must be 0 and flushed everywhere in between (Arm ARM R_WHZWS:
                               aarch64 without FEAT_BBML2; x86-64: never) */
    uint8_t levels;    /* 4, or 5 where CR4.LA57 is set */
    uint8_t phys_bits; /* physical address width, 32 to 52 */
};
struct hal_paging hal_paging_features(void);

/* Load page tables on this CPU: `root` is the physical address of the top table. Drops every
 * translation that is not global from this CPU, and from then on a shootdown for `root` reaches it, and
 * none for another root. hal_root() is what is loaded now. */
void hal_load_root(hal_paddr_t root);
hal_paddr_t hal_root(void);

/* Drop translations, and everything the CPU remembers of the tables above them, from this CPU: of
 * the page that holds `virt`, global or not; of all pages but global ones; of all. Entries written
 * before the call count, entries read after it are new. Any context. */
void hal_tlb_flush_page(hal_vaddr_t virt);
void hal_tlb_flush_local(void);
void hal_tlb_flush_all(void);

/* The entries for [base, base + size) that were 0 lead somewhere now: see to it that this CPU and the
 * others may use them from here on. A CPU that never remembers an entry of 0 and walks in order needs
 * nothing (x86-64: SDM vol. 3A, 4.10.2.3); aarch64 needs DSB ISHST and ISB (Arm ARM I_WZCBG). Any
 * context. */
void hal_tlb_added(hal_vaddr_t base, uint64_t size);

/* More single pages than this are dropped sooner by a flush of everything, what it costs to fill
 * the TLB again counted in. The PC's port measures it at boot, each CPU type being different. */
uint32_t hal_tlb_page_limit(void);

/* The same on every other CPU that may hold translations made through `root` (or, in the upper
 * half, through any root): those of [base, base + size); `size` 0: all of the half that `base` lies
 * in, global ones too. Bit 63 of an address says which half it is. Returns when they have done it.
 * It is called after every flush on this CPU, also while only one runs: then there is nothing to do.
 * Any context in which the CPUs waited for can answer. */
void hal_tlb_shootdown(hal_paddr_t root, hal_vaddr_t base, uint64_t size);

#endif
