#include "hal/x86_64/features.h"
#include "hal/cpu.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/percpu.h"

struct features features;

static bool bit(uint32_t word, unsigned number)
{
    return (word >> number & 1u) != 0;
}

static void detect_extended(void)
{
    uint32_t top = asm_cpuid(0x80000000u, 0).eax;
    if (top >= 0x80000001u) {
        uint32_t edx = asm_cpuid(0x80000001u, 0).edx;
        features.nx = bit(edx, 20);
        features.pages_1g = bit(edx, 26);
    }
    unsigned bits = top >= 0x80000008u ? asm_cpuid(0x80000008u, 0).eax & 0xFFu : 36;
    features.phys_bits = bits < 32 ? 32 : bits > 52 ? 52 : bits;
}

void cpu_detect(void)
{
    struct cpuid id = asm_cpuid(0, 0);
    const uint32_t words[3] = {id.ebx, id.edx, id.ecx};
    for (unsigned i = 0; i < 12; i++)
        features.maker[i] = (char)(words[i / 4] >> (i % 4 * 8));
    struct cpuid leaf = asm_cpuid(1, 0);
    features.rdrand = bit(leaf.ecx, 30);
    features.virtual = bit(leaf.ecx, 31);
    features.apic = bit(leaf.edx, 9);
    features.x2apic = bit(leaf.ecx, 21);
    features.mtrr = bit(leaf.edx, 12);
    features.pat = bit(leaf.edx, 16);
    features.global_pages = bit(leaf.edx, 13);
    features.five_levels = id.eax >= 7 && bit(asm_cpuid(7, 0).ecx, 16);
    features.la57 = (asm_read_cr4() & CR4_LA57) != 0;
    detect_extended();
    percpu_load(&percpu_boot);
}

struct hal_paging hal_paging_features(void)
{
    return (struct hal_paging){.nx = features.nx,
                               .pages_1g = features.pages_1g,
                               .pat = features.pat,
                               .global = features.global_pages,
                               .levels = features.la57 ? 5 : 4,
                               .phys_bits = (uint8_t)features.phys_bits};
}

const char *cpu_maker(void)
{
    return features.maker;
}

const char *cpu_name(void)
{
    static union {
        struct cpuid part[3];
        char text[49];
    } name;
    if (asm_cpuid(0x80000000u, 0).eax < 0x80000004u)
        return features.maker;
    for (uint32_t i = 0; i < 3; i++)
        name.part[i] = asm_cpuid(0x80000002u + i, 0);
    const char *text = name.text;
    while (*text == ' ')
        text++;
    return *text != '\0' ? text : features.maker;
}

/* Every leaf of both ranges, as the CPU gives it: names are for the desk. */
void cpu_identify(cpu_tell_fn *tell, void *ctx)
{
    for (uint32_t base = 0;; base = 0x80000000u) {
        uint32_t last = asm_cpuid(base, 0).eax;
        for (uint32_t leaf = base; leaf <= last && leaf < base + 0x20; leaf++) {
            struct cpuid r = asm_cpuid(leaf, 0);
            tell(ctx, "cpuid", (const uint32_t[]){leaf, r.eax, r.ebx, r.ecx, r.edx});
        }
        if (base != 0)
            return;
    }
}

/* The SDM asks for ten tries; the flag says whether one has worked. */
uint64_t cpu_random(void)
{
    uint64_t value = 0;
    uint8_t good = 0;
    for (unsigned i = 0; features.rdrand && good == 0 && i < 10; i++)
        __asm__ volatile("rdrand %0\n\tsetc %1" : "=r"(value), "=qm"(good) : : "cc");
    return good != 0 ? value : 0;
}
