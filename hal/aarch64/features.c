#include "hal/aarch64/features.h"
#include "hal/aarch64/percpu.h"
#include "hal/aarch64/registers.h"
#include "hal/short.h"

struct features features;

static unsigned field(uint64_t value, unsigned shift)
{
    return (unsigned)(value >> shift) & 15u;
}

/* Widths beyond 48 bits need another format of page tables. */
static void detect_width(void)
{
    static const uint8_t widths[] = {32, 36, 40, 42, 44, 48};
    features.phys_range = (unsigned)hal_min_u64(field(read_mmfr0(), 0), ARRAY_LEN(widths) - 1);
    features.phys_bits = widths[features.phys_range];
}

void cpu_detect(void)
{
    detect_width();
    features.break_before_make = field(read_mmfr2(), 52) < 2;
    features.random = field(read_isar0(), 60) != 0;
    features.gic_registers = field(read_pfr0(), 24) != 0;
    percpu_load(&percpu_boot);
}

struct hal_paging hal_paging_features(void)
{
    return (struct hal_paging){.nx = true,
                               .pages_1g = true,
                               .pat = true,
                               .global = true,
                               .break_before_make = features.break_before_make,
                               .levels = 4,
                               .phys_bits = (uint8_t)features.phys_bits};
}

/* MIDR_EL1: implementer in bits 24 to 31, part in 4 to 15. Names as their makers have them. */
const char *cpu_maker(void)
{
    static const struct {
        uint8_t code;
        char name[10];
    } makers[] = {{0x41, "Arm"},      {0x42, "Broadcom"},  {0x43, "Cavium"},
                  {0x46, "Fujitsu"},  {0x48, "HiSilicon"}, {0x4E, "NVIDIA"},
                  {0x51, "Qualcomm"}, {0x61, "Apple"},     {0xC0, "Ampere"}};
    uint32_t code = (uint32_t)read_midr() >> 24;
    for (size_t i = 0; i < ARRAY_LEN(makers); i++)
        if (makers[i].code == code)
            return makers[i].name;
    return "unknown";
}

const char *cpu_name(void)
{
    static const struct {
        uint16_t part;
        char name[14];
    } parts[] = {{0xD03, "Cortex-A53"},  {0xD04, "Cortex-A35"},  {0xD05, "Cortex-A55"},
                 {0xD07, "Cortex-A57"},  {0xD08, "Cortex-A72"},  {0xD09, "Cortex-A73"},
                 {0xD0A, "Cortex-A75"},  {0xD0B, "Cortex-A76"},  {0xD0C, "Neoverse-N1"},
                 {0xD0D, "Cortex-A77"},  {0xD40, "Neoverse-V1"}, {0xD41, "Cortex-A78"},
                 {0xD49, "Neoverse-N2"}, {0xD4F, "Neoverse-V2"}};
    uint64_t midr = read_midr();
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (midr >> 24 == 0x41 && parts[i].part == (midr >> 4 & 0xFFFu))
            return parts[i].name;
    return cpu_maker();
}

/* Each register as its number in the order below, and its two halves; names are for the desk. */
void cpu_identify(cpu_tell_fn *tell, void *ctx)
{
    const uint64_t ids[] = {read_midr(),  read_mpidr(), read_ctr(),  read_mmfr0(), read_mmfr1(),
                            read_mmfr2(), read_pfr0(),  read_pfr1(), read_isar0(), read_isar1()};
    for (uint32_t i = 0; i < ARRAY_LEN(ids); i++)
        tell(ctx, "id", (const uint32_t[]){i, (uint32_t)(ids[i] >> 32), (uint32_t)ids[i], 0, 0});
}

/* RNDR sets Z when it has nothing to give (Arm ARM C6.2). */
uint64_t cpu_random(void)
{
    uint64_t value = 0;
    uint32_t empty = 1;
    for (unsigned i = 0; features.random && empty != 0 && i < 10; i++)
        __asm__ volatile("mrs %0, s3_3_c2_c4_0\n\tcset %w1, eq"
                         : "=r"(value), "=r"(empty)
                         :
                         : "cc");
    return empty == 0 ? value : 0;
}
