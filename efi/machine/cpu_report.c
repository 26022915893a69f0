#include "efi/machine/cpu_report.h"
#include "efi/base/text.h"
#include "efi/memory/early.h"
#include "hal/cpu.h"
#include "hal/short.h"

#define RUNS_TOLD 64u

static const char *yes_no(bool yes)
{
    return yes ? "yes" : "no";
}

static void add_numbers(void *file, const char *kind, const uint32_t numbers[5])
{
    volume_line(file, TEXT("# %s: %x %x %x %x %x", S(kind), U(numbers[0]), U(numbers[1]),
                           U(numbers[2]), U(numbers[3]), U(numbers[4])));
}

static hal_paddr_t end_of_ram(const struct memmap *m)
{
    hal_paddr_t end = 0;
    for (size_t i = 0; i < m->count; i++)
        if (mem_type_is_ram(m->regions[i].type))
            end = mem_region_end(&m->regions[i]);
    return end;
}

static void report_caching(const struct loader *l, struct volume_file *f)
{
    struct memmap clean;
    hal_paddr_t limit = early_clean(l, &clean) ? end_of_ram(&clean) : 0;
    hal_paddr_t at = MIB, until;
    for (unsigned i = 0; at < limit && i < RUNS_TOLD; i++, at = until) {
        struct cpu_caching c = cpu_caching_run(at, limit, &until);
        volume_line(f, TEXT("# caching: %X %X %s", U(at), U(until), S(c.name)));
    }
    if (at < limit)
        volume_line(f, TEXT("# caching: and more ranges from %X on", U(at)));
}

void cpu_report(const struct loader *l, struct volume_file *f)
{
    struct hal_paging p = hal_paging_features();
    volume_line(f, TEXT("# cpu: %s, %u physical address bits, %u paging levels; NX %s, 1 GiB pages "
                        "%s, global pages %s",
                        S(cpu_name()), U(p.phys_bits), U(p.levels), S(yes_no(p.nx)),
                        S(yes_no(p.pages_1g)), S(yes_no(p.global))));
    cpu_identify(add_numbers, f);
    report_caching(l, f);
}
