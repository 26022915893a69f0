/* tests/embed/pc.c: the example's machine as a UEFI program: it leaves the firmware, keeps the
 * firmware's identity map until the example loads tables of its own, and ends through QEMU's
 * debug-exit port. */
#include "efi/base/uefi.h"
#include "hal/hal.h"
#include "hal/short.h"
#include "tests/embed/embed.h"

#define COM1       0x3F8
#define DEBUG_EXIT 0xF4
#define RANGES     1000u
#define MAP_BYTES  (RANGES * 64)

extern char __ImageBase[]; /* the linker's name for the first byte of the image */

static struct embed_range ranges[RANGES];
static _Alignas(8) unsigned char map[MAP_BYTES];

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

/* The compiler calls these by itself. */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);

void *memcpy(void *to, const void *from, size_t n)
{
    void *at = to;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n) : : "memory");
    return to;
}

void *memset(void *to, int value, size_t n)
{
    void *at = to;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(value) : "memory");
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

static void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

void machine_print(const char *text)
{
    for (; *text != '\0'; text++) {
        while ((in8(COM1 + 5) & 0x20) == 0)
            continue;
        out8(COM1, (uint8_t)*text);
    }
}

_Noreturn void machine_stop(bool pass)
{
    out8(DEBUG_EXIT, pass ? 0x10 : 0x11);
    for (;;)
        __asm__ volatile("hlt");
}

void machine_everywhere(void (*work)(uint32_t cpu))
{
    work(0);
}

bool hal_call_others(void (*fn)(void *arg), void *arg)
{
    UNUSED(fn);
    UNUSED(arg);
    return true; /* there is no other CPU */
}

void *machine_at(const struct aspace *space, hal_vaddr_t virt)
{
    UNUSED(space);
    return (void *)(uintptr_t)virt;
}

static uint32_t cpuid(uint32_t leaf, uint32_t *edx)
{
    uint32_t eax, ebx, ecx;
    __asm__ volatile("cpuid" : "=a"(eax), "=b"(ebx), "=c"(ecx), "=d"(*edx) : "a"(leaf), "c"(0));
    return eax;
}

/* As the firmware left the CPU; what is not needed is not asked for. */
struct hal_paging hal_paging_features(void)
{
    uint64_t cr4;
    uint32_t efer, high, edx;
    __asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("rdmsr" : "=a"(efer), "=d"(high) : "c"(0xC0000080));
    return (struct hal_paging){.nx = (efer >> 11 & 1) != 0,
                               .levels = (cr4 >> 12 & 1) != 0 ? 5 : 4,
                               .phys_bits = (uint8_t)cpuid(0x80000008, &edx)};
}

void hal_load_root(hal_paddr_t root)
{
    __asm__ volatile("movq %0, %%cr3" : : "r"(root) : "memory");
}

hal_paddr_t hal_root(void)
{
    uint64_t cr3;
    __asm__ volatile("movq %%cr3, %0" : "=r"(cr3));
    return cr3;
}

void hal_tlb_flush_page(hal_vaddr_t virt)
{
    __asm__ volatile("invlpg (%0)" : : "r"(virt) : "memory");
}

/* No page is global here, so loading the tables again drops everything. */
void hal_tlb_flush_local(void)
{
    hal_load_root(hal_root());
}

void hal_tlb_added(hal_vaddr_t base, uint64_t size)
{
    UNUSED(base);
    UNUSED(size);
}

void hal_tlb_flush_all(void)
{
    hal_tlb_flush_local();
}

/* No interrupts, and no handlers: an exception resets the machine, which ends the run at once. */
static void forget_interrupts(void)
{
    static const unsigned char none[10];
    __asm__ volatile("cli\n\tlidt %0" : : "m"(none));
}

/* The firmware's map, and out. The first try may change the map. */
static size_t leave_firmware(EFI_HANDLE image, EFI_BOOT_SERVICES *services)
{
    for (unsigned attempt = 0; attempt < 8; attempt++) {
        UINTN bytes = MAP_BYTES, key, stride;
        UINT32 version;
        if (services->GetMemoryMap(&bytes, (EFI_MEMORY_DESCRIPTOR *)(void *)map, &key, &stride,
                                   &version) != EFI_SUCCESS ||
            services->ExitBootServices(image, key) != EFI_SUCCESS)
            continue;
        forget_interrupts();
        size_t count = 0;
        for (; count < RANGES && (count + 1) * stride <= bytes; count++) {
            const EFI_MEMORY_DESCRIPTOR *d = (const void *)(map + count * stride);
            ranges[count] = (struct embed_range){d->PhysicalStart, d->NumberOfPages * HAL_PAGE_SIZE,
                                                 d->Attribute, d->Type};
        }
        return count;
    }
    return 0;
}

static uint32_t image_word(size_t at)
{
    uint32_t value;
    memcpy(&value, __ImageBase + at, sizeof value);
    return value;
}

/* The linker puts .text first, and says in the headers where it and the image end. */
static void find_image(struct embed_boot *boot)
{
    size_t headers = image_word(0x3C);
    size_t section = headers + 24 + (image_word(headers + 20) & 0xFFFF);
    boot->image = (uintptr_t)__ImageBase;
    boot->image_size = image_word(headers + 80);
    boot->code = boot->image + image_word(section + 12);
    boot->code_size = hal_align_up(image_word(section + 8), HAL_PAGE_SIZE);
}

static void print_number(unsigned value)
{
    char digits[] = {' ', ' ', ' ', '\0'};
    unsigned at = 3;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0 && at > 0);
    machine_print(digits + at);
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    struct embed_boot boot = {.ranges = ranges, .cpus = 1};
    find_image(&boot);
    boot.count = leave_firmware(image, system->BootServices);
    if (boot.count == 0) {
        machine_print(
            "the firmware gives no map, or does not let go of the machine\nverdict: fail\n");
        return EFI_ABORTED;
    }
    struct embed_result result = embed_run(&boot);
    bool pass = result.failed == 0 && result.passed > 0;
    machine_print("selftest: ");
    print_number(result.passed);
    machine_print(" passed, ");
    print_number(result.failed);
    machine_print(" failed\n");
    machine_print(pass ? "verdict: pass\n" : "verdict: fail\n");
    machine_stop(pass);
}
