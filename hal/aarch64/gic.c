#include "hal/aarch64/gic.h"
#include "hal/aarch64/features.h"
#include "hal/aarch64/percpu.h"
#include "hal/aarch64/registers.h"
#include "hal/short.h"

/* Of the distributor, in words. */
enum { D_CONTROL = 0x000 / 4, D_TYPE = 0x004 / 4, D_CLEAR_ENABLE = 0x180 / 4, D_SGI = 0xF00 / 4 };
/* The same offsets in the distributor of a GICv2 and in the second frame of a redistributor. */
enum { GROUP = 0x080 / 4, SET_ENABLE = 0x100 / 4, CLEAR_ENABLE = 0x180 / 4, PRIORITY = 0x400 / 4 };
enum { D_TARGETS = 0x800 / 4 };
/* Of a redistributor. */
enum { R_TYPE = 0x08 / 4, R_WAKER = 0x14 / 4, R_SECOND_FRAME = 0x10000 / 4 };
/* Of the CPU interface of a GICv2. */
enum { C_CONTROL = 0x00 / 4, C_MASK = 0x04 / 4, C_TAKE = 0x0C / 4, C_END = 0x10 / 4 };

#define D_ON_V2        3u                  /* both groups */
#define C_ON_V2        7u                  /* both, and both are taken by one register (AckCtl) */
#define D_ON_V3        (1u << 4 | 3u)      /* affinity routing, non-secure group 1 and group 0 */
#define D_PENDING      (1u << 31)          /* a write is under way */
#define R_LAST         (1u << 4)           /* the last frame of its range */
#define R_VIRTUAL      (1u << 1)           /* two frames more */
#define R_ASLEEP       (1u << 1 | 1u << 2) /* shall sleep; sleeps */
#define R_FRAME        (0x20000u / 4)
#define OURS           (1u << GIC_KICK | 1u << GIC_STRIKE)
#define ALL_PRIORITIES 0xFFu
#define WAITS          1000000u
#define V2_CPUS        8u

static struct machine_gic gic;

/* GICv2 names CPUs by bits of its own. */
static struct {
    uint32_t id, bit;
} v2_cpu[V2_CPUS];
static uint32_t v2_cpus;

bool gic_usable(void)
{
    return gic.distributor != NULL;
}

static bool is_v3(void)
{
    return gic.redistributors != 0;
}

void gic_open(const struct machine_gic *g)
{
    bool whole = g->redistributors != 0 ? features.gic_registers : g->cpu_interface != NULL;
    if (g->distributor == NULL || !whole)
        return;
    gic = *g;
    gic.distributor[D_CONTROL] = 0;
    uint32_t words = (gic.distributor[D_TYPE] & 31u) + 1;
    for (uint32_t i = 1; i < words; i++) /* word 0 is each CPU's own */
        gic.distributor[D_CLEAR_ENABLE + i] = 0xFFFFFFFFu;
    for (unsigned i = 0; i < WAITS && (gic.distributor[D_CONTROL] & D_PENDING) != 0; i++)
        continue;
    gic.distributor[D_CONTROL] = is_v3() ? D_ON_V3 : D_ON_V2;
    gic_join();
}

/* Private interrupts of this CPU: ours alone, in group 1, at the highest priority that every GIC has. */
static void open_private(volatile uint32_t *registers)
{
    registers[CLEAR_ENABLE] = 0xFFFFFFFFu;
    registers[GROUP] = 0xFFFFFFFFu;
    registers[PRIORITY] = 0x80808080u;
    registers[SET_ENABLE] = OURS;
}

/* The frame of this CPU among those of a range, by affinity in the upper half of its type. */
static volatile uint32_t *find_in(const struct machine_range *r)
{
    volatile uint32_t *frame = r->at;
    for (uint64_t left = r->size / 4; left >= R_FRAME;) {
        uint32_t type = frame[R_TYPE];
        if (frame[R_TYPE + 1] == cpu_id())
            return frame;
        uint32_t step = (type & R_VIRTUAL) != 0 ? 2 * R_FRAME : R_FRAME;
        if ((type & R_LAST) != 0 || step > left)
            return NULL;
        frame += step;
        left -= step;
    }
    return NULL;
}

static void wake(volatile uint32_t *frame)
{
    frame[R_WAKER] = frame[R_WAKER] & ~R_ASLEEP;
    for (unsigned i = 0; i < WAITS && (frame[R_WAKER] & R_ASLEEP) != 0; i++)
        continue;
}

static void join_v3(void)
{
    volatile uint32_t *frame = NULL;
    for (unsigned i = 0; i < gic.redistributors && frame == NULL; i++)
        frame = find_in(&gic.redistributor[i]);
    if (frame == NULL)
        return;
    wake(frame);
    open_private(frame + R_SECOND_FRAME);
    write_icc_sre(read_icc_sre() | 1);
    barrier_instructions();
    write_icc_pmr(ALL_PRIORITIES);
    write_icc_igrpen1(1);
    barrier_instructions();
}

/* The targets of a private interrupt are the bit of the CPU that reads them. */
static void join_v2(void)
{
    uint32_t bit = gic.distributor[D_TARGETS] & 0xFFu;
    uint32_t slot = __atomic_fetch_add(&v2_cpus, 1, __ATOMIC_RELAXED);
    open_private(gic.distributor);
    gic.cpu_interface[C_MASK] = ALL_PRIORITIES;
    gic.cpu_interface[C_CONTROL] = C_ON_V2;
    if (slot >= V2_CPUS)
        return;
    v2_cpu[slot].id = cpu_id();
    __atomic_store_n(&v2_cpu[slot].bit, bit != 0 ? bit : 1, __ATOMIC_RELEASE);
}

void gic_join(void)
{
    if (!gic_usable())
        return;
    if (is_v3())
        join_v3();
    else
        join_v2();
}

static void send_v2(uint32_t id, enum gic_interrupt which)
{
    for (uint32_t i = 0; i < V2_CPUS; i++) {
        uint32_t bit = __atomic_load_n(&v2_cpu[i].bit, __ATOMIC_ACQUIRE);
        if (bit != 0 && v2_cpu[i].id == id)
            gic.distributor[D_SGI] = bit << 16 | (uint32_t)which;
    }
}

/* Affinities 1 to 3 name a cluster; of its CPUs, sixteen by a bit each, and which sixteen (12.11.15). */
static void send_v3(uint32_t id, enum gic_interrupt which)
{
    uint64_t cluster = (uint64_t)(id >> 24) << 48 | (uint64_t)(id >> 16 & 0xFFu) << 32 |
                       (uint64_t)(id >> 8 & 0xFFu) << 16;
    uint64_t cpu = (uint64_t)(id >> 4 & 15u) << 44 | (uint64_t)1 << (id & 15u);
    write_icc_sgi1r(cluster | cpu | (uint64_t)which << 24);
    barrier_instructions();
}

void gic_send(uint32_t id, enum gic_interrupt which)
{
    if (!gic_usable())
        return;
    barrier_system();
    if (is_v3())
        send_v3(id, which);
    else
        send_v2(id, which);
}

enum gic_interrupt gic_take(void)
{
    if (!gic_usable())
        return GIC_NOTHING;
    uint32_t taken = is_v3() ? (uint32_t)read_icc_iar1() : gic.cpu_interface[C_TAKE];
    uint32_t number = taken & 0x3FFu;
    barrier_system();
    if (number >= 1020)
        return GIC_NOTHING;
    if (is_v3())
        write_icc_eoir1(taken);
    else
        gic.cpu_interface[C_END] = taken;
    barrier_instructions();
    return number == GIC_KICK || number == GIC_STRIKE ? (enum gic_interrupt)number : GIC_NOTHING;
}

/* What the CPUs themselves have of it, the tables tell later (machine_use()); until then DAIF masks. */
hal_paddr_t cpu_interrupt_registers(void)
{
    return 0;
}

void cpu_mask_interrupts(volatile void *registers)
{
    UNUSED(registers);
}

/* Affinities 3 to 0, a byte each. */
uint32_t cpu_id(void)
{
    uint64_t mpidr = read_mpidr();
    return (uint32_t)(mpidr >> 32 & 0xFFu) << 24 | ((uint32_t)mpidr & 0xFFFFFFu);
}

void cpu_kick(uint32_t id)
{
    gic_send(id, GIC_KICK);
}

void cpu_strike(uint32_t id)
{
    gic_send(id, GIC_STRIKE);
}

/* They always have as many. */
bool cpu_use_wide_ids(void)
{
    return true;
}
