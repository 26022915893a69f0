/* Starting the other CPUs (PSCI 1.1, 5.6): each begins at an address of our choice, with the MMU off, at the
 * exception level that the firmware gave the CPU that booted. */
#include "hal/aarch64/control.h"
#include "hal/aarch64/features.h"
#include "hal/aarch64/gic.h"
#include "hal/aarch64/percpu.h"
#include "hal/aarch64/psci.h"
#include "hal/aarch64/registers.h"
#include "hal/short.h"

#define CLOSED 0x80000000u /* `ticket` from here on: nobody waits any more */

/* cpu_on_entry.S */
extern const unsigned char cpu_on_entry[], cpu_on_end[];

/* What a CPU reads before it has caches or tables. */
struct block {
    uint64_t root, tcr, mair, sctlr, counter_offset;
    uint64_t ticket, count, stacks, entry; /* addresses in the kernel's half, but for `count` */
    uint64_t gic_registers, broken;
};
_Static_assert(offsetof(struct block, ticket) == 40 &&
                   offsetof(struct block, gic_registers) == 72 && sizeof(struct block) == 88,
               "cpu_on_entry.S reads it");

static struct cpu_start start;
static struct block block;
static uint32_t ticket; /* the next one */

const void *cpu_start_code(void)
{
    return cpu_on_entry;
}

/* On the stack of its ticket, in the tables of `start.root`. */
static _Noreturn void enter(uint32_t number)
{
    hal_load_root(start.kernel);
    control_own(start.areas[number]);
    gic_join();
    start.entry(number);
    cpu_halt();
}

/* No CPU of this architecture waits in a mailbox. */
hal_paddr_t cpu_start_vector(void)
{
    return physical_of(cpu_on_entry);
}

/* It may have been read into a cache that a starting CPU does not look into. */
bool cpu_start_open(const struct cpu_start *s)
{
    if (!psci_usable() || !gic_usable() || s->mailbox != NULL)
        return false;
    start = *s;
    block = (struct block){.root = s->root,
                           .tcr = control_translation(),
                           .mair = read_mair(),
                           .sctlr = CONTROL_SYSTEM,
                           .counter_offset = control_counter_offset(),
                           .ticket = (uint64_t)(uintptr_t)&ticket,
                           .count = s->count,
                           .stacks = (uint64_t)(uintptr_t)s->stacks,
                           .entry = (uint64_t)(uintptr_t)enter,
                           .gic_registers = features.gic_registers,
                           .broken = s->broken};
    cpu_write_back(&block, sizeof block);
    cpu_write_back(cpu_on_entry, (size_t)(cpu_on_end - cpu_on_entry));
    return true;
}

/* PSCI holds CPUs until they are asked for. */
void cpu_hold(uint32_t id)
{
    UNUSED(id);
}

void cpu_start(uint32_t id)
{
    uint64_t mpidr = (uint64_t)(id >> 24) << 32 | (id & 0xFFFFFFu);
    (void)psci_call(PSCI_CPU_ON, mpidr, physical_of(cpu_on_entry), physical_of(&block));
}

uint32_t cpu_started(void)
{
    uint32_t taken = __atomic_load_n(&ticket, __ATOMIC_ACQUIRE) & ~CLOSED;
    return taken < start.count ? taken : start.count;
}

/* CPUs that come later still count up, above CLOSED. */
uint32_t cpu_start_close(void)
{
    uint32_t taken = __atomic_fetch_or(&ticket, CLOSED, __ATOMIC_ACQ_REL) & ~CLOSED;
    return taken < start.count ? taken : start.count;
}
