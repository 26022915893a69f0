/* The firmware's own protections: its control registers, and what its page tables allow (Arm ARM D8.3). */
#include "efi/arch/protect.h"
#include "efi/base/text.h"
#include "hal/aarch64/registers.h"
#include "hal/cpu.h"

#define TABLES_MAX     65536u /* tables that are walked: enough for 8 TiB in pages of 2 MiB */
#define ADDRESS        0x0000fffffffff000u
#define VALID          1u
#define TABLE          2u
#define READ_ONLY      ((uint64_t)1 << 7)
#define NO_EXECUTE     ((uint64_t)1 << 53) /* at EL1 */
#define NO_EXECUTE_EL2 ((uint64_t)1 << 54)

#define WRITE   1u
#define EXECUTE 2u

#define PLACES 5u /* whose rights are told one by one */

struct protect {
    const struct rawmap *map;
    uint64_t no_execute;
    unsigned tables, unread;
    uint64_t bytes[4]; /* mapped, by rights */
    const void *places[PLACES];
    unsigned rights[PLACES]; /* 4: not mapped */
};

static void count(struct protect *p, uint64_t virt, uint64_t size, uint64_t entry)
{
    unsigned rights =
        ((entry & READ_ONLY) != 0 ? 0 : WRITE) | ((entry & p->no_execute) != 0 ? 0 : EXECUTE);
    p->bytes[rights] += size;
    for (unsigned i = 0; i < PLACES; i++)
        if ((uintptr_t)p->places[i] - virt < size)
            p->rights[i] = rights;
}

/* Nobody vouches for what a table says: it is read only if it is memory that the map knows. */
static void walk(struct protect *p, uint64_t from, unsigned entries, unsigned level, uint64_t virt)
{
    const uint64_t *table = (const uint64_t *)(uintptr_t)(from & ADDRESS);
    if (p->tables == TABLES_MAX || !rawmap_covers(p->map, from & ADDRESS, entries * (uint64_t)8)) {
        p->unread++;
        return;
    }
    p->tables++;
    uint64_t size = HAL_PAGE_SIZE << (9 * level);
    for (unsigned i = 0; i < entries; i++, virt += size) {
        uint64_t entry = table[i];
        if ((entry & VALID) == 0)
            continue;
        if (level == 0 || (entry & TABLE) == 0)
            count(p, virt, size, entry);
        else
            walk(p, entry, 512, level - 1, virt);
    }
}

/* The first level, and the entries of its table, follow from the bits that are translated (D8.2.7). */
static void walk_all(struct protect *p, uint64_t root, uint64_t tcr)
{
    unsigned bits = 64 - (unsigned)(tcr & 63);
    unsigned level = (bits - 13) / 9;
    walk(p, root, 1u << (bits - 12 - 9 * level), level, 0);
}

void protect_report(const struct loader *l, struct volume_file *f)
{
    static const char *const words[] = {"r--", "rw-", "r-x", "rwx", "---"};
    struct cpu_register r[CPU_REGISTERS];
    size_t registers = cpu_control_registers(r);
    hal_paddr_t root = hal_root();
    struct protect p = {
        .map = &l->map,
        .no_execute = is_el2() ? NO_EXECUTE_EL2 : NO_EXECUTE,
        .places = {(const void *)(uintptr_t)&protect_report, words, l->info, &p,
                   (const void *)(uintptr_t)root},
        .rights = {4, 4, 4, 4, 4},
    };
    walk_all(&p, root, is_el2() ? read_tcr_el2() : read_tcr());
    volume_line(f, "# protection: read-only is enforced, no-execute is on");
    for (size_t i = 0; i < registers; i++)
        volume_line(f, TEXT("# register: %s %x", S(r[i].name), U(r[i].value)));
    volume_line(f, TEXT("# mapped: r-- %h, rw- %h, r-x %h, rwx %h; %u tables, %u not read",
                        U(p.bytes[0]), U(p.bytes[1]), U(p.bytes[2]), U(p.bytes[3]), U(p.tables),
                        U(p.unread)));
    volume_line(f,
                TEXT("# this program: code %s, constants %s, data %s, stack %s; top page table %s",
                     S(words[p.rights[0]]), S(words[p.rights[1]]), S(words[p.rights[2]]),
                     S(words[p.rights[3]]), S(words[p.rights[4]])));
}
