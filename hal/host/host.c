#include "hal/host/host.h"
#include "hal/cpu.h"
#include "hal/short.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

uint64_t host_skipped;

_Thread_local uint32_t host_cpu_index;
#ifdef HOST_INTERRUPTS
_Thread_local hal_irq_t host_irq_off;
#endif
unsigned char *host_ram;

static uint64_t ram_bytes;
static _Thread_local jmp_buf panic_target;
static _Thread_local bool panic_armed;
static _Thread_local char panic_message[256];

void host_ram_create(uint64_t bytes)
{
    if (host_ram != NULL)
        munmap(host_ram, ram_bytes);
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p == MAP_FAILED) {
        perror("host: cannot reserve address space for the fake RAM (try ulimit -v unlimited)");
        exit(1);
    }
    host_ram = p;
    ram_bytes = bytes;
}

uint64_t host_ram_touched(void)
{
    const uint64_t step = 64 * MIB;
    static unsigned char resident[64 * 256];
    uint64_t touched = 0;
    for (uint64_t at = 0; at < ram_bytes; at += step) {
        uint64_t size = hal_min_u64(step, ram_bytes - at);
        if (mincore(host_ram + at, size, resident) != 0)
            continue;
        for (uint64_t i = 0; i < (size + HAL_PAGE_SIZE - 1) / HAL_PAGE_SIZE; i++)
            touched += (resident[i] & 1u) ? HAL_PAGE_SIZE : 0;
    }
    return touched;
}

void host_set_cpu(uint32_t index)
{
    host_cpu_index = index;
}

void host_lock_wait(struct hal_lock *lock)
{
    for (unsigned spins = 1;; spins++) {
        while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED) != 0) {
            host_interrupt();
            if (spins++ % 128 == 0)
                sched_yield();
        }
        if (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) == 0)
            return;
    }
}

void hal_zero_pages(hal_paddr_t base, size_t pages)
{
    memset(hal_phys_to_virt(base), 0, pages * HAL_PAGE_SIZE);
}

void (*host_on_write_back)(const void *from, size_t size);

void cpu_write_back(const void *from, size_t size)
{
    if (host_on_write_back != NULL)
        host_on_write_back(from, size);
}

jmp_buf *host_panic_catch(void)
{
    panic_armed = true;
    return &panic_target;
}

void host_panic_release(void)
{
    panic_armed = false;
}

const char *host_panic_text(void)
{
    return panic_message;
}

_Noreturn void hal_panic(const char *what, const char *file, int line)
{
    snprintf(panic_message, sizeof panic_message, "%s (%s:%d)", what, file, line);
    if (panic_armed) {
        panic_armed = false;
        longjmp(panic_target, 1);
    }
    fprintf(stderr, "panic: %s\n", panic_message);
    abort();
}
