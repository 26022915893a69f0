#include "kernel/trap/backtrace.h"
#include "hal/cpu.h"
#include "kernel/log/log.h"
#include "kernel/memory/space.h"

#define FRAMES_MAX 32u

struct range {
    hal_vaddr_t base;
    uint64_t size;
};

static struct range code, early_stack;

void backtrace_setup(hal_vaddr_t image_base, uint64_t image_size)
{
    code = (struct range){image_base, image_size};
}

void backtrace_early_stack(hal_vaddr_t base, uint64_t size)
{
    early_stack = (struct range){base, size};
}

hal_vaddr_t backtrace_image_base(void)
{
    return code.base;
}

static bool holds(struct range r, hal_vaddr_t at, uint64_t size)
{
    return at >= r.base && size <= r.size && at - r.base <= r.size - size;
}

bool backtrace_in_image(hal_vaddr_t addr, uint64_t *offset)
{
    bool inside = holds(code, addr, 1);
    *offset = inside ? addr - code.base : addr;
    return inside;
}

static bool read_stack(uint64_t at, uint64_t *value)
{
    bool known =
        holds(code, at, 8) || (space_entered ? space_is_stack(at) : holds(early_stack, at, 8));
    if (at % 8 != 0 || !known)
        return false;
    *value = *(const uint64_t *)(uintptr_t)at;
    return true;
}

static void log_frames(struct unwind *u)
{
    const struct unwind_memory memory = {code.base, code.size, read_stack};
    do {
        uint64_t offset;
        bool inside = backtrace_in_image(u->pc, &offset);
        LOG("backtrace", inside ? "#%u %X = image+%x" : "#%u %X, not in the image", U(u->depth),
            U(u->pc), U(offset));
    } while (u->depth + 1 < FRAMES_MAX && unwind_step(u, &memory));
}

void backtrace_trap(const struct trap_frame *f)
{
    struct unwind u = unwind_trap(f);
    log_frames(&u);
}

void backtrace_here(void)
{
    struct unwind u;
    unwind_here(&u);
    log_frames(&u);
}
