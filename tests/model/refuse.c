/* Which guests the loader refuses (efi/arch/refuse.h): efi/x86_64/refuse.c as it is, with a CPU of our
 * own below it. Ends with "N passed, N failed".
 *
 * needs: tests/test.c
 */
#include "hal/short.h"
#include "hal/x86_64/asm.h"
#include "tests/desk_suite.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

static struct {
    uint32_t last, last_extended;
    struct cpuid sev, tdx; /* leaves 0x8000001f and 0x21 */
    uint64_t status;       /* MSR 0xc0010131 */
    unsigned msrs;         /* that were read */
    bool is_bad; /* a question that a real CPU answers with a fault, or with another leaf */
} fake;

static struct cpuid fake_cpuid(uint32_t leaf, uint32_t subleaf)
{
    uint32_t last = leaf < 0x80000000 ? fake.last : fake.last_extended;
    fake.is_bad |= leaf > last && (leaf & 0x7fffffff) != 0;
    fake.is_bad |= subleaf != 0;
    if ((leaf & 0x7fffffff) == 0)
        return (struct cpuid){.eax = last};
    return leaf == 0x8000001f ? fake.sev : fake.tdx;
}

static uint64_t fake_rdmsr(uint32_t index)
{
    fake.is_bad |=
        index != 0xc0010131 || fake.last_extended < 0x8000001f || (fake.sev.eax & 2) == 0;
    fake.msrs++;
    return fake.status;
}

#define asm_cpuid fake_cpuid
#define asm_rdmsr fake_rdmsr
#include "efi/x86_64/refuse.c"

static struct cpuid tdx_name(void)
{
    struct cpuid r = {0};
    memcpy(&r.ebx, "Inte", 4);
    memcpy(&r.edx, "lTDX", 4);
    memcpy(&r.ecx, "    ", 4);
    return r;
}

TEST("refuse.SEV and TDX guests are refused by name, hosts and other CPUs are not")
{
    static const struct {
        uint32_t last, last_extended, sev_eax;
        uint64_t status;
        bool tdx;
        const char *word; /* NULL: it starts */
        unsigned msrs;
    } rows[] = {
        {0x0d, 0x80000008, 0, 0, false, NULL, 0},
        {0x20, 0x8000001e, 3, 1, true, NULL, 0},     /* neither leaf is there */
        {0x10, 0x8000001f, 0, 1, false, NULL, 0},    /* an AMD CPU without */
        {0x10, 0x80000021, 0x1b, 0, false, NULL, 1}, /* a host, or a guest without encryption */
        {0x10, 0x8000001f, 1, 1, false, NULL, 0},    /* SME alone: no SEV, and no such register */
        {0x10, 0x8000001f, 2, 1, false, "AMD SEV", 1},
        {0x10, 0x80000021, 0x1b, 7, false, "AMD SEV", 1}, /* SEV-SNP */
        {0x10, 0x80000021, 0x1b, 6, false, NULL, 1},
        {0x21, 0x80000008, 0, 0, true, "Intel TDX", 0},
        {0x24, 0x80000008, 0, 0, false, NULL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        memset(&fake, 0, sizeof fake);
        fake.last = rows[i].last;
        fake.last_extended = rows[i].last_extended;
        fake.sev.eax = rows[i].sev_eax;
        fake.status = rows[i].status;
        fake.tdx = rows[i].tdx ? tdx_name() : (struct cpuid){.ebx = 0x65746e49};
        const char *why = refuse_machine();
        CHECK_EQ(why == NULL, rows[i].word == NULL);
        CHECK(why == NULL || rows[i].word == NULL || strstr(why, rows[i].word) != NULL);
        CHECK_EQ(fake.msrs, rows[i].msrs);
        CHECK(!fake.is_bad);
    }
    TEST_END;
}

TEST_SUITE(refuse);

int main(void)
{
    return desk_suite_run(&refuse_suite);
}
