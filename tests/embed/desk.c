/* tests/embed/desk.c: the example's machine as a Linux process whose threads are CPUs. Memory is an array,
 * and there is no MMU: what the CPU would translate is looked up in the tables.
 *
 * needs: tests/embed/embed.c tests/embed/port.c
 * kinds: embed embed_tsan
 */
#include "hal/hal.h"
#include "hal/short.h"
#include "tests/embed/embed.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WB   8u
#define RAM  (256 * MIB) /* so much that CPUs get blocks of their own */
#define CPUS 4u

static hal_paddr_t loaded;
static _Thread_local uint32_t this_cpu;
static void (*everywhere)(uint32_t cpu);

uint32_t embed_cpu(void)
{
    return this_cpu;
}

void embed_wait(void)
{
    sched_yield();
}

/* Nobody can be made to run something on another thread. */
bool hal_call_others(void (*fn)(void *arg), void *arg)
{
    UNUSED(fn);
    UNUSED(arg);
    return false;
}

static void *run_cpu(void *arg)
{
    this_cpu = *(const uint32_t *)arg;
    everywhere(this_cpu);
    return NULL;
}

void machine_everywhere(void (*work)(uint32_t cpu))
{
    pthread_t threads[CPUS];
    uint32_t numbers[CPUS];
    everywhere = work;
    for (uint32_t i = 0; i < CPUS; i++) {
        numbers[i] = i;
        if (pthread_create(&threads[i], NULL, run_cpu, &numbers[i]) != 0)
            HAL_PANIC("a thread cannot be made");
    }
    for (uint32_t i = 0; i < CPUS; i++)
        pthread_join(threads[i], NULL);
}

struct hal_paging hal_paging_features(void)
{
    return (struct hal_paging){.nx = true, .levels = 4, .phys_bits = 40};
}

void hal_load_root(hal_paddr_t root)
{
    loaded = root;
}

hal_paddr_t hal_root(void)
{
    return loaded;
}

/* Nothing remembers a translation here. */
void hal_tlb_flush_page(hal_vaddr_t virt)
{
    UNUSED(virt);
}

void hal_tlb_flush_local(void)
{
}

void hal_tlb_added(hal_vaddr_t base, uint64_t size)
{
    UNUSED(base);
    UNUSED(size);
}

void hal_tlb_flush_all(void)
{
}

void machine_print(const char *text)
{
    fputs(text, stdout);
}

_Noreturn void machine_stop(bool pass)
{
    fflush(stdout);
    exit(pass ? 0 : 1);
}

void *machine_at(const struct aspace *space, hal_vaddr_t virt)
{
    struct aspace_mapping found;
    if (aspace_query(space, virt, &found) != MM_OK)
        HAL_PANIC("nothing is mapped there");
    return hal_phys_to_virt(found.phys + virt % HAL_PAGE_SIZE);
}

int main(void)
{
    static const struct embed_range ranges[] = {
        {0, 640 * KIB, WB, 7},        {MIB, 7 * MIB, WB, 7},
        {8 * MIB, MIB, WB, 1},        {9 * MIB, 30 * MIB + 12 * KIB, WB, 7},
        {40 * MIB, 64 * KIB, WB, 10}, {40 * MIB + 64 * KIB, 3 * MIB, WB, 4},
        {44 * MIB, 212 * MIB, WB, 7},
    };
    const struct embed_boot boot = {.ranges = ranges,
                                    .count = ARRAY_LEN(ranges),
                                    .cpus = CPUS,
                                    .image = 8 * MIB,
                                    .image_size = 300 * KIB,
                                    .code = 8 * MIB + HAL_PAGE_SIZE,
                                    .code_size = 100 * KIB};
    embed_ram = aligned_alloc(HAL_PAGE_SIZE, RAM);
    if (embed_ram == NULL) {
        puts("there is no memory for the example's RAM");
        return 1;
    }
    memset(embed_ram, 0xa5, RAM);
    struct embed_result result = embed_run(&boot);
    free(embed_ram);
    printf("%u passed, %u failed\n", result.passed, result.failed);
    machine_stop(result.failed == 0 && result.passed > 0);
}
