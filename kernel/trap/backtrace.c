#include "kernel/trap/backtrace.h"
#include "hal/cpu.h"
#include "kernel/log/log.h"

#define FRAMES_MAX 32u

struct range {
    vaddr_t base;
    uint64_t size;
};

static struct range image, stack;
static bool (*trusted)(vaddr_t at);

void backtrace_setup(vaddr_t image_base, uint64_t image_size)
{
    image = (struct range){image_base, image_size};
}

void backtrace_add_stack(vaddr_t base, uint64_t size)
{
    stack = (struct range){base, size};
    trusted = NULL;
}

vaddr_t backtrace_image_base(void)
{
    return image.base;
}

void backtrace_trust(bool (*is_stack)(vaddr_t at))
{
    stack = (struct range){0, 0};
    trusted = is_stack;
}

static bool holds(struct range r, vaddr_t at, uint64_t size)
{
    return at >= r.base && size <= r.size && at - r.base <= r.size - size;
}

bool backtrace_in_image(vaddr_t addr, uint64_t *offset)
{
    bool inside = holds(image, addr, 1);
    *offset = inside ? addr - image.base : addr;
    return inside;
}

static bool read_stack(uint64_t at, uint64_t *value)
{
    bool known = holds(image, at, 8) || holds(stack, at, 8);
    if (at % 8 != 0 || !(known || (trusted != NULL && trusted(at))))
        return false;
    *value = *(const uint64_t *)(uintptr_t)at;
    return true;
}

static void log_frames(struct unwind *u)
{
    const struct unwind_memory memory = {image.base, image.size, read_stack};
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
