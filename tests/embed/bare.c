/* tests/embed/bare.c: the example's machine as a process without any library: not the C library's, and not
 * the compiler's own. tests/embed/bare.sh builds it for three kinds of CPU, and runs it. Memory is an array,
 * and there is no MMU: what the CPU would translate is looked up in the tables. */
#include "hal/hal.h"
#include "tests/embed/embed.h"

#define MIB ((uint64_t)1 << 20)
#define RAM (64 * MIB)
#define WB  8u

static _Alignas(4096) unsigned char ram[RAM];
static hal_paddr_t loaded;

/* The compiler calls these three by itself, and nothing else. */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void bare_start(void);

void *memcpy(void *to, const void *from, size_t n)
{
    volatile unsigned char *t = to;
    const unsigned char *f = from;
    for (size_t i = 0; i < n; i++)
        t[i] = f[i];
    return to;
}

void *memset(void *to, int value, size_t n)
{
    volatile unsigned char *t = to;
    for (size_t i = 0; i < n; i++)
        t[i] = (unsigned char)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const volatile unsigned char *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] - y[i];
    return 0;
}

/* --- Linux --- */

#if defined(__x86_64__)
#define CALL_WRITE 1
#define CALL_EXIT  60
#define ENTRY      "and $-16, %rsp\n\tcall bare_start"
static int64_t system_call(int64_t number, int64_t a, int64_t b, int64_t c)
{
    __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return number;
}
#elif defined(__aarch64__)
#define CALL_WRITE 64
#define CALL_EXIT  93
#define ENTRY      "bl bare_start"
static int64_t system_call(int64_t number, int64_t a, int64_t b, int64_t c)
{
    register int64_t x8 __asm__("x8") = number;
    register int64_t x0 __asm__("x0") = a;
    register int64_t x1 __asm__("x1") = b;
    register int64_t x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
#elif defined(__riscv)
#define CALL_WRITE 64
#define CALL_EXIT  93
#define ENTRY      "call bare_start"
static int64_t system_call(int64_t number, int64_t a, int64_t b, int64_t c)
{
    register int64_t a7 __asm__("a7") = number;
    register int64_t a0 __asm__("a0") = a;
    register int64_t a1 __asm__("a1") = b;
    register int64_t a2 __asm__("a2") = c;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
    return a0;
}
#endif

__asm__(".globl _start\n_start:\n\t" ENTRY);

void machine_print(const char *text)
{
    int64_t length = 0;
    while (text[length] != '\0')
        length++;
    system_call(CALL_WRITE, 1, (int64_t)(uintptr_t)text, length);
}

_Noreturn void machine_stop(bool pass)
{
    for (;;)
        system_call(CALL_EXIT, pass ? 0 : 1, 0, 0);
}

/* --- one CPU, no MMU --- */

void machine_everywhere(void (*work)(uint32_t cpu))
{
    work(0);
}

bool hal_call_others(void (*fn)(void *arg), void *arg)
{
    (void)fn;
    (void)arg;
    return true; /* there is no other CPU */
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

void hal_tlb_flush_page(hal_vaddr_t virt)
{
    (void)virt;
}

void hal_tlb_flush_local(void)
{
}

void hal_tlb_flush_all(void)
{
}

void hal_tlb_added(hal_vaddr_t base, uint64_t size)
{
    (void)base;
    (void)size;
}

void *machine_at(const struct aspace *space, hal_vaddr_t virt)
{
    struct aspace_mapping found;
    if (aspace_query(space, virt, &found) != MM_OK)
        HAL_PANIC("nothing is mapped there");
    return hal_phys_to_virt(found.phys + virt % HAL_PAGE_SIZE);
}

void bare_start(void)
{
    static const struct embed_range ranges[] = {
        {0, MIB / 2, WB, 7},
        {MIB, 7 * MIB, WB, 7},
        {8 * MIB, MIB, WB, 1},
        {9 * MIB, 55 * MIB, WB, 7},
    };
    const struct embed_boot boot = {.ranges = ranges,
                                    .count = sizeof ranges / sizeof ranges[0],
                                    .cpus = 1,
                                    .image = 8 * MIB,
                                    .image_size = 300 << 10,
                                    .code = 8 * MIB + HAL_PAGE_SIZE,
                                    .code_size = 100 << 10};
    embed_ram = ram;
    struct embed_result result = embed_run(&boot);
    bool pass = result.failed == 0 && result.passed > 0;
    machine_print(pass ? "verdict: pass\n" : "verdict: fail\n");
    machine_stop(pass);
}
