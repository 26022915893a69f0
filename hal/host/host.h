/* hal/host/host.h: what a desk program may ask of the host port beyond hal/hal.h. */
#ifndef HAL_HOST_HOST_H
#define HAL_HOST_HOST_H

#include "hal/base.h"

#include <setjmp.h>

/* Reserve `bytes` of sparse, zero-filled fake RAM at physical addresses [0, bytes). Replaces what
 * was there before; untouched pages cost nothing, so 1 TiB is fine. Exits with a sentence when the
 * host cannot give that much address space. */
void host_ram_create(uint64_t bytes);

/* Bytes of the fake RAM that have really been touched (resident pages, in bytes). */
uint64_t host_ram_touched(void);

/* Make this thread CPU `index`. Threads start as CPU 0. */
void host_set_cpu(uint32_t index);

/* Catch the next hal_panic() of this thread:
 *
 *     if (setjmp(*host_panic_catch()) == 0) { ...code that must panic...; host_panic_release(); }
 *     else { host_panic_text() says what it was }
 */
jmp_buf *host_panic_catch(void);
void host_panic_release(void);
const char *host_panic_text(void);

#endif
