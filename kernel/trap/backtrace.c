#include "kernel/trap/backtrace.h"
#include "hal/x86_64/cpu.h"
#include "kernel/log/log.h"

#define FRAMES_MAX 32u

/* PE and unwind formats: Microsoft, "PE Format" and "x64 exception handling". */
#define PE_OFFSET_AT     0x3Cu
#define PE_EXCEPTION_DIR (24u + 112u + 3u * 8u) /* from "PE\0\0": file header, optional header */
#define RSP_INDEX        4u

struct function { /* RUNTIME_FUNCTION; addresses are offsets into the image */
    uint32_t begin, end, unwind;
};
_Static_assert(sizeof(struct function) == 12, "an entry of .pdata has 12 bytes");

struct range {
    vaddr_t base;
    uint64_t size;
};

struct walker {
    uint64_t rip;
    uint64_t reg[16]; /* numbered as the CPU does: rax rcx rdx rbx rsp rbp rsi rdi r8... */
};

static struct range image, stacks[BACKTRACE_STACKS];
static unsigned stack_count;

void backtrace_setup(vaddr_t image_base, uint64_t image_size)
{
    image = (struct range){image_base, image_size};
}

void backtrace_add_stack(vaddr_t base, uint64_t size)
{
    if (stack_count < BACKTRACE_STACKS)
        stacks[stack_count++] = (struct range){base, size};
}

vaddr_t backtrace_image_base(void)
{
    return image.base;
}

void backtrace_forget_stacks(void)
{
    stack_count = 0;
}

static bool holds(struct range r, vaddr_t at, uint64_t size)
{
    return at >= r.base && size <= r.size && at - r.base <= r.size - size;
}

static const void *in_image(uint64_t offset, uint64_t size)
{
    return holds(image, image.base + offset, size) ? (const void *)(uintptr_t)(image.base + offset)
                                                   : NULL;
}

bool backtrace_in_image(vaddr_t addr, uint64_t *offset)
{
    bool inside = holds(image, addr, 1);
    *offset = inside ? addr - image.base : addr;
    return inside;
}

static bool read_stack(uint64_t at, uint64_t *value)
{
    bool known = holds(image, at, 8);
    for (unsigned i = 0; i < stack_count; i++)
        known |= holds(stacks[i], at, 8);
    if (at % 8 != 0 || !known)
        return false;
    *value = *(const uint64_t *)(uintptr_t)at;
    return true;
}

static const struct function *function_at(uint32_t offset)
{
    const uint32_t *pe = in_image(PE_OFFSET_AT, 4);
    const uint32_t *dir = pe != NULL ? in_image((uint64_t)*pe + PE_EXCEPTION_DIR, 8) : NULL;
    const struct function *table = dir != NULL ? in_image(dir[0], dir[1]) : NULL;
    size_t low = 0;
    size_t high = table != NULL ? dir[1] / sizeof *table : 0;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (offset < table[mid].begin)
            high = mid;
        else if (offset >= table[mid].end)
            low = mid + 1;
        else
            return &table[mid];
    }
    return NULL;
}

/* Slots of 16 bits that an unwind code takes, itself included. */
static unsigned code_slots(unsigned op, unsigned info)
{
    switch (op) {
    case 1: /* ALLOC_LARGE */
        return info == 0 ? 2 : 3;
    case 4: /* SAVE_NONVOL */
        return 2;
    case 5: /* SAVE_NONVOL_FAR */
        return 3;
    default:
        return 1;
    }
}

/* Undo one prologue operation. `more` points at the slots after the code's own. */
static bool undo(struct walker *w, unsigned op, unsigned info, const uint16_t *more, uint8_t frame)
{
    uint64_t *rsp = &w->reg[RSP_INDEX];
    switch (op) {
    case 0: /* PUSH_NONVOL */
        if (!read_stack(*rsp, &w->reg[info]))
            return false;
        *rsp += 8;
        return true;
    case 1: /* ALLOC_LARGE */
        *rsp += info == 0 ? more[0] * (uint64_t)8 : more[0] + ((uint64_t)more[1] << 16);
        return true;
    case 2: /* ALLOC_SMALL */
        *rsp += info * (uint64_t)8 + 8;
        return true;
    case 3: /* SET_FPREG */
        *rsp = w->reg[frame & 15u] - (frame >> 4) * (uint64_t)16;
        return true;
    case 4: /* SAVE_NONVOL */
        return read_stack(*rsp + more[0] * (uint64_t)8, &w->reg[info]);
    default: /* nothing else is made without SSE */
        return false;
    }
}

static bool undo_prologue(struct walker *w, const struct function *f, uint32_t offset)
{
    const uint8_t *info = in_image(f->unwind, 4);
    const uint16_t *codes =
        info != NULL ? in_image((uint64_t)f->unwind + 4, info[2] * (uint64_t)2) : NULL;
    if (codes == NULL)
        return false;
    unsigned count = info[2];
    for (unsigned i = 0; i < count;) {
        unsigned op = codes[i] >> 8 & 15u;
        unsigned arg = codes[i] >> 12;
        unsigned slots = code_slots(op, arg);
        if (i + slots > count)
            return false;
        bool done = offset - f->begin >= (codes[i] & 0xFFu); /* fault inside the prologue */
        if (done && !undo(w, op, arg, &codes[i + 1], info[3]))
            return false;
        i += slots;
    }
    return true;
}

/* `first`: a jump to a wild address is as good as a call from where its return address says. */
static bool step(struct walker *w, bool first)
{
    uint64_t offset;
    bool inside = backtrace_in_image(w->rip, &offset);
    if (!inside && !first)
        return false;
    const struct function *f = inside ? function_at((uint32_t)offset) : NULL;
    if (f != NULL && !undo_prologue(w, f, (uint32_t)offset))
        return false;
    if (!read_stack(w->reg[RSP_INDEX], &w->rip))
        return false;
    w->reg[RSP_INDEX] += 8;
    return w->rip != 0;
}

static void walk(struct walker *w)
{
    for (unsigned i = 0; i < FRAMES_MAX; i++) {
        uint64_t offset;
        bool inside = backtrace_in_image(w->rip, &offset);
        LOG("backtrace", inside ? "#%u %X = image+%x" : "#%u %X, not in the image", U(i), U(w->rip),
            U(offset));
        if (!step(w, i == 0))
            return;
    }
}

void backtrace_trap(const struct trap_frame *f)
{
    struct walker w = {.rip = f->rip,
                       .reg = {f->rax, f->rcx, f->rdx, f->rbx, f->rsp, f->rbp, f->rsi, f->rdi,
                               f->r8, f->r9, f->r10, f->r11, f->r12, f->r13, f->r14, f->r15}};
    walk(&w);
}

/* Registers as they are here; the first frame shown is this function itself. */
void backtrace_here(void)
{
    struct walker w = {.rip = 0};
    __asm__ volatile("leaq 0f(%%rip), %%rax\n0:\n\t"
                     "movq %%rax, (%0)\n\t"
                     "movq %%rbx, 32(%0)\n\t"
                     "movq %%rsp, 40(%0)\n\t"
                     "movq %%rbp, 48(%0)\n\t"
                     "movq %%rsi, 56(%0)\n\t"
                     "movq %%rdi, 64(%0)\n\t"
                     "movq %%r12, 104(%0)\n\t"
                     "movq %%r13, 112(%0)\n\t"
                     "movq %%r14, 120(%0)\n\t"
                     "movq %%r15, 128(%0)"
                     :
                     : "c"(&w)
                     : "rax", "memory");
    walk(&w);
}
