#include "efi/arch/protect.h"
#include "efi/base/text.h"
#include "hal/cpu.h"

#define TABLES_MAX 65536u /* tables that are walked: enough for 8 TiB in pages of 2 MiB */
#define ADDRESS    0x000ffffffffff000u

#define EXECUTE 2u
#define ALL     3u

#define PLACES 5u /* whose rights are told one by one */

struct protect {
    const struct rawmap *map;
    unsigned tables, unread;
    uint64_t bytes[4]; /* mapped, by rights */
    const void *places[PLACES];
    unsigned rights[PLACES]; /* 4: not mapped */
};

static void count(struct protect *p, uint64_t virt, uint64_t size, unsigned rights)
{
    p->bytes[rights] += size;
    for (unsigned i = 0; i < PLACES; i++)
        if ((uintptr_t)p->places[i] - virt < size)
            p->rights[i] = rights;
}

/* An entry may hold any number, so a table is read only where the map says that memory is. */
static void walk(struct protect *p, uint64_t from, unsigned level, uint64_t virt, unsigned rights)
{
    const uint64_t *table = (const uint64_t *)(uintptr_t)(from & ADDRESS);
    if (p->tables == TABLES_MAX || !rawmap_covers(p->map, from & ADDRESS, HAL_PAGE_SIZE)) {
        p->unread++;
        return;
    }
    p->tables++;
    uint64_t size = HAL_PAGE_SIZE << (9 * level);
    for (unsigned i = 0; i < 512; i++, virt += size) {
        uint64_t entry = table[i];
        unsigned here = rights & ((entry >> 1 & 1) | (entry >> 63 != 0 ? 0 : EXECUTE));
        if ((entry & 1) == 0)
            continue;
        if (level == 0 || (level < 3 && (entry & 0x80) != 0))
            count(p, virt, size, here);
        else
            walk(p, entry, level - 1, virt, here);
    }
}

void protect_report(const struct loader *l, struct volume_file *f)
{
    static const char *const words[] = {"r--", "rw-", "r-x", "rwx", "---"};
    struct cpu_protection on = cpu_protection();
    struct cpu_register r[CPU_REGISTERS];
    size_t registers = cpu_control_registers(r);
    hal_paddr_t root = hal_root();
    struct protect p = {
        .map = &l->map,
        .places = {(const void *)(uintptr_t)&protect_report, words, l->info, &p,
                   (const void *)(uintptr_t)root},
        .rights = {4, 4, 4, 4, 4},
    };
    walk(&p, root, hal_paging_features().levels - 1u, 0, ALL);
    volume_line(f, TEXT("# protection: read-only is%s enforced, no-execute is %s",
                        S(on.no_write ? "" : " not"), S(on.no_execute ? "on" : "off")));
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
