/* hal/host/host.h: what a desk program may ask of the host port beyond hal/hal.h. */
#ifndef HAL_HOST_HOST_H
#define HAL_HOST_HOST_H

#include "hal/base.h"
#include "hal/hal.h"

#include <setjmp.h>

/* Reserve `bytes` of sparse, zero-filled fake RAM at physical addresses [0, bytes). Replaces what
 * was there before; untouched pages cost nothing, so 1 TiB is fine. Exits with a sentence when the
 * host cannot give that much address space. */
void host_ram_create(uint64_t bytes);

/* Bytes of the fake RAM that have really been touched (resident pages, in bytes). */
uint64_t host_ram_touched(void);

/* Make this thread CPU `index`. Threads start as CPU 0. */
void host_set_cpu(uint32_t index);

/* Calls among threads (hal_call_others()). Until a thread has joined, the port says that it cannot make
 * them. A thread joins as the CPU that it is, below HOST_CPUS; from then on it calls host_interrupt()
 * between its own calls of mm/ again and again, or is idle: host_idle(true), from which it may never come
 * back. Another thread may go on as that CPU from there, by host_idle(false). */
#define HOST_CPUS 1024u
void host_join(void);
void host_interrupt(void);
void host_idle(bool);

/* Catch the next hal_panic() of this thread:
 *
 *     if (setjmp(*host_panic_catch()) == 0) { ...code that must panic...; host_panic_release(); }
 *     else { host_panic_text() says what it was }
 */
jmp_buf *host_panic_catch(void);
void host_panic_release(void);
const char *host_panic_text(void);

/* What hal_paging_features() answers from now on. At first: everything a CPU can have, 4 levels, 52
 * bits. */
void host_set_paging(const struct hal_paging *);

/* Each cpu_write_back() (hal/cpu.h) is told to it; NULL: to nobody. */
extern void (*host_on_write_back)(const void *from, size_t size);

/* Nanoseconds that have not passed but count in hal_cycles(), 0 at first: a test adds to it instead of
 * waiting. For programs of one thread. */
extern uint64_t host_skipped;

/* The log of TLB flushes, root loads and new entries: counts, and each event as it happens to
 * `listen` (NULL: nobody), before the call returns. `root` is 0 but for a load and a shootdown. */
enum host_flush {
    HOST_FLUSH_PAGE,
    HOST_FLUSH_LOCAL,
    HOST_FLUSH_ALL,
    HOST_LOAD,
    HOST_SHOOTDOWN,
    HOST_ADDED,
    HOST_FLUSH_KINDS
};
typedef void host_flush_fn(void *ctx, enum host_flush, hal_paddr_t root, hal_vaddr_t base,
                           uint64_t size);
extern uint64_t host_flushes[HOST_FLUSH_KINDS];
extern uint32_t host_tlb_limit; /* what hal_tlb_page_limit() answers; 32 at first */
void host_listen_flushes(host_flush_fn *listen, void *ctx);

#endif
