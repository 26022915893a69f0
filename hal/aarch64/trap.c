/* Exceptions and interrupts: what each is, and whether someone waits for it (Arm ARM: ESR_EL1, D17.2.37, and
 * its exception classes). */
#include "hal/aarch64/trap.h"
#include "hal/aarch64/gic.h"
#include "hal/aarch64/percpu.h"
#include "hal/short.h"

/* Exception classes. */
enum {
    FETCH_EL0 = 0x20,
    FETCH = 0x21,
    PC_ALIGNMENT = 0x22,
    DATA_EL0 = 0x24,
    DATA = 0x25,
    SERROR = 0x2F
};

/* Kinds of vectors, in each of the four groups; group 0 is what came while SP_EL0 was in use. */
enum { SYNCHRONOUS, IRQ, FIQ, SYSTEM_ERROR };

#define ISS          0x1FFFFFFu
#define ISS_WRITE    (1u << 6)
#define ISS_CACHE_OP (1u << 8)
#define ISS_NO_FAR   (1u << 10)

/* Fault status codes, the level in their low two bits (ISS encoding for an exception from a data abort). */
enum { SIZE = 0x00, TRANSLATION = 0x04, ACCESS_FLAG = 0x08, PERMISSION = 0x0C };

#define MASKED_SP_EL0 0x3C4u /* SPSR: EL1 on SP_EL0, all masked; trap_try() puts the masks back */

extern const unsigned char trap_try_failed[]; /* trap.S */
bool trap_try(void (*fn)(void *), void *arg);

uint64_t trap_spurious(void)
{
    return percpu_self()->spurious;
}

struct trap trap_caught(void)
{
    return percpu_self()->caught;
}

static uint32_t class_of(const struct trap_frame *f)
{
    return f->vector % 4 == SYNCHRONOUS ? (uint32_t)(f->esr >> 26) & 63u : SERROR;
}

static bool is_abort(uint32_t class)
{
    return class == FETCH || class == FETCH_EL0 || class == DATA || class == DATA_EL0;
}

/* Is it the page tables that refuse? Then its status, without the level. */
static bool is_refused(const struct trap_frame *f, uint32_t *status)
{
    *status = (uint32_t)f->esr & 0x3Cu;
    return is_abort(class_of(f)) && *status <= PERMISSION && (f->esr & ISS_NO_FAR) == 0;
}

static const char *name_of(const struct trap_frame *f)
{
    static const char *const names[64] = {
        [0x00] = "undefined instruction",
        [0x01] = "trapped wait for an interrupt",
        [0x07] = "use of the FPU or SIMD",
        [0x0E] = "illegal state of execution",
        [0x15] = "SVC",
        [0x16] = "HVC",
        [0x17] = "SMC",
        [0x18] = "trapped system register",
        [0x19] = "use of SVE",
        [FETCH_EL0] = "instruction abort from EL0",
        [FETCH] = "instruction abort",
        [PC_ALIGNMENT] = "misaligned program counter",
        [DATA_EL0] = "data abort from EL0",
        [DATA] = "data abort",
        [0x26] = "misaligned stack pointer",
        [SERROR] = "SError",
        [0x31] = "breakpoint",
        [0x33] = "software step",
        [0x35] = "watchpoint",
        [0x3C] = "BRK instruction",
    };
    uint32_t status;
    const char *name = names[class_of(f)];
    if (is_refused(f, &status))
        return "page fault";
    if (is_abort(class_of(f)) && (f->esr & 0x3Fu) == 0x21)
        return "misaligned access";
    return name != NULL ? name : "exception of a reserved class";
}

/* The page that the stack pointer is in, or the one below it, is not mapped. */
static bool is_overflow(const struct trap_frame *f, uint32_t status)
{
    uint64_t page = hal_align_down(f->sp, HAL_PAGE_SIZE);
    return f->vector == SYNCHRONOUS && status == TRANSLATION && class_of(f) == DATA &&
           f->far - (page - HAL_PAGE_SIZE) < 2 * HAL_PAGE_SIZE;
}

static enum trap_kind kind_of(const struct trap_frame *f)
{
    uint32_t status;
    if (class_of(f) == SERROR)
        return TRAP_OUTSIDE;
    if (!is_refused(f, &status))
        return TRAP_OTHER;
    return is_overflow(f, status) ? TRAP_OVERFLOW : TRAP_ACCESS;
}

/* A cache operation counts as a write in ESR, but reads. */
static uint32_t access_of(const struct trap_frame *f)
{
    uint32_t class = class_of(f), status, access = 0;
    if (!is_refused(f, &status))
        return 0;
    if (status != TRANSLATION)
        access |= TRAP_MAPPED;
    if (status == SIZE)
        access |= TRAP_BROKEN;
    if (class == FETCH || class == FETCH_EL0)
        access |= TRAP_FETCH;
    else if ((f->esr & (ISS_WRITE | ISS_CACHE_OP)) == ISS_WRITE)
        access |= TRAP_WRITE;
    return access | (class == FETCH_EL0 || class == DATA_EL0 ? TRAP_USER : 0);
}

static struct trap decode(const struct trap_frame *f)
{
    enum trap_kind kind = kind_of(f);
    return (struct trap){.kind = kind,
                         .access = access_of(f),
                         .name = kind == TRAP_OVERFLOW ? "stack overflow" : name_of(f),
                         .number = class_of(f),
                         .code = f->esr & ISS,
                         .pc = f->pc,
                         .address = f->far,
                         .frame = f};
}

/* Make the frame go on as trap_try() answering false, where that is what is waited for. */
static bool end_try(struct trap_frame *f, const struct trap *t)
{
    struct percpu *me = percpu_self();
    if (me->try_stack == 0 || t->kind == TRAP_OUTSIDE ||
        (t->kind == TRAP_OVERFLOW) != me->overflow_expected || f->vector >= 4)
        return false;
    me->caught = *t;
    f->sp = me->try_stack;
    f->pc = (uint64_t)(uintptr_t)trap_try_failed;
    f->spsr = MASKED_SP_EL0;
    return true;
}

/* Another CPU stops this one. */
static void struck(const struct trap_frame *f)
{
    struct trap t = {.kind = TRAP_OUTSIDE, .name = "stop by another CPU", .pc = f->pc, .frame = f};
    if (!cpu_struck(&t))
        trap_fatal(&t);
}

static void interrupt(const struct trap_frame *f)
{
    switch (gic_take()) {
    case GIC_KICK:
        cpu_kicked();
        break;
    case GIC_STRIKE:
        struck(f);
        break;
    default:
        percpu_self()->spurious++;
    }
}

void trap_handle(struct trap_frame *f)
{
    if (f->vector % 4 == IRQ || f->vector % 4 == FIQ) {
        interrupt(f);
        return;
    }
    struct trap t = decode(f);
    if (!end_try(f, &t) && !(t.kind == TRAP_OUTSIDE && cpu_struck(&t)))
        trap_fatal(&t);
}

bool cpu_try(void (*fn)(void *), void *arg)
{
    percpu_self()->overflow_expected = false;
    return trap_try(fn, arg);
}

bool cpu_try_overflow(void (*fn)(void *), void *arg)
{
    percpu_self()->overflow_expected = true;
    return trap_try(fn, arg);
}

size_t trap_registers(const struct trap_frame *f, struct cpu_register out[CPU_REGISTERS])
{
    static const char names[31][4] = {"x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",  "x7",
                                      "x8",  "x9",  "x10", "x11", "x12", "x13", "x14", "x15",
                                      "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23",
                                      "x24", "x25", "x26", "x27", "x28", "x29", "x30"};
    const struct cpu_register special[] = {
        {"sp", f->sp}, {"pc", f->pc}, {"spsr", f->spsr}, {"esr", f->esr}, {"far", f->far}};
    _Static_assert(ARRAY_LEN(names) + ARRAY_LEN(special) <= CPU_REGISTERS,
                   "the caller's array has room");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        out[i] = (struct cpu_register){names[i], f->x[i]};
    __builtin_memcpy(&out[ARRAY_LEN(names)], special, sizeof special);
    return ARRAY_LEN(names) + ARRAY_LEN(special);
}
