#include "kernel/machine/acpi_power.h"
#include "hal/unaligned.h"
#include "kernel/machine/acpi_table.h"

#define FADT_FLAGS    112u
#define FADT_ARM      129u /* ARM_BOOT_ARCH */
#define ARM_PSCI      1u
#define ARM_HVC       2u
#define FLAG_TIMER_32 (1u << 8)
#define FLAG_RESET    (1u << 10)
#define FLAG_REDUCED  (1u << 20)

/* A register block that is given twice: as a generic address, and as a port. */
static struct acpi_address block(const unsigned char *wide, const unsigned char *narrow)
{
    struct acpi_address a = acpi_address(wide);
    if (a.address == 0 || a.space > ACPI_PORT)
        a = (struct acpi_address){load32(narrow), ACPI_PORT};
    return a;
}

void acpi_fadt(struct acpi *a, const unsigned char *f)
{
    uint32_t flags = load32(f + FADT_FLAGS);
    a->hardware_reduced = (flags & FLAG_REDUCED) != 0;
    if ((flags & FLAG_RESET) != 0)
        a->reset = acpi_address(f + 116);
    a->reset_value = f[128];
    a->sleep_control = acpi_address(f + 244);
    a->psci = a->hardware_reduced && (f[FADT_ARM] & ARM_PSCI) != 0; /* reserved on a PC */
    a->psci_by_hvc = (f[FADT_ARM] & ARM_HVC) != 0;
    if (a->hardware_reduced) /* then the blocks below mean nothing */
        return;
    a->pm1a = block(f + 172, f + 64);
    a->pm1b = block(f + 184, f + 68);
    a->pm_timer = block(f + 208, f + 76);
    a->pm_timer_32 = (flags & FLAG_TIMER_32) != 0;
    a->smi_port = load32(f + 48);
    a->acpi_enable = f[52];
}

/* A little-endian number of `width` bytes, 1 to 4. */
static uint32_t bytes_of(const unsigned char *at, unsigned width)
{
    uint32_t value = 0;
    while (width-- > 0)
        value = value << 8 | at[width];
    return value;
}

struct aml {
    const unsigned char *at, *end;
};

/* A constant of AML; false for anything else. */
static bool take_number(struct aml *m, uint32_t *value)
{
    if (m->at == m->end)
        return false;
    uint8_t op = *m->at++;
    *value = op;
    if (op <= 1)
        return true;
    unsigned width = op == 0x0A ? 1 : op == 0x0B ? 2 : op == 0x0C ? 4 : 0;
    if (width == 0 || (size_t)(m->end - m->at) < width)
        return false;
    *value = bytes_of(m->at, width);
    m->at += width;
    return true;
}

/* What is inside a package, after its opcode 0x12; the count of its elements is left in front. */
static bool take_package(struct aml *m)
{
    const unsigned char *begin = m->at;
    if (m->at == m->end)
        return false;
    unsigned more = *m->at >> 6;
    if ((size_t)(m->end - m->at) < more + 2)
        return false;
    uint32_t size = more == 0 ? *m->at & 0x3Fu : (*m->at & 0xFu) | bytes_of(m->at + 1, more) << 4;
    m->at += more + 1;
    if (size < more + 2 || size > (size_t)(m->end - begin))
        return false;
    m->end = begin + size;
    return true;
}

/* Two numbers; or one, whose bytes they are. */
static bool take_types(struct aml m, uint8_t type[2])
{
    uint32_t a, b;
    if (!take_package(&m))
        return false;
    unsigned count = *m.at++;
    if (count == 0 || !take_number(&m, &a))
        return false;
    b = a >> 8 & 0xFFu;
    if (count > 1 && !take_number(&m, &b))
        return false;
    a = count > 1 ? a : a & 0xFFu;
    if (a > 7 || b > 7)
        return false;
    type[0] = (uint8_t)a;
    type[1] = (uint8_t)b;
    return true;
}

/* Name (0x08), an optional root sign, the name itself, package (0x12). */
bool acpi_find_s5(const unsigned char *aml, uint64_t size, uint8_t type[2])
{
    for (uint64_t i = 1; i + 5 <= size; i++) {
        const unsigned char *p = aml + i;
        bool named = p[-1] == 0x08 || (p[-1] == '\\' && i > 1 && p[-2] == 0x08);
        if (named && load32(p) == 0x5F35535Fu && p[4] == 0x12 &&
            take_types((struct aml){p + 5, aml + size}, type))
            return true;
    }
    return false;
}
