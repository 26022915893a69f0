/* Frames are unwound with the image's own .pdata and .xdata, which the compiler always writes: on
 * this target the frame pointer does not chain, for the Microsoft ABI puts it anywhere in the
 * frame. Formats: Microsoft, "PE Format" and "x64 exception handling". Every table access is
 * checked against the image.
 */
#include "hal/cpu.h"
#include "hal/x86_64/trap.h"

#define PE_OFFSET_AT     0x3Cu
#define PE_EXCEPTION_DIR (24u + 112u + 3u * 8u) /* from "PE\0\0": file header, optional header */

enum { RSP = 4 }; /* numbered as the CPU does: rax rcx rdx rbx rsp rbp rsi rdi r8... */

_Static_assert(offsetof(struct unwind, pc) == 0 && offsetof(struct unwind, registers) == 8 &&
                   offsetof(struct unwind, depth) == 136,
               "unwind_here() in stack.S writes them");

struct function { /* RUNTIME_FUNCTION; addresses are offsets into the image */
    uint32_t begin, end, unwind;
};
_Static_assert(sizeof(struct function) == 12, "an entry of .pdata has 12 bytes");

static const void *in_image(const struct unwind_memory *m, uint64_t offset, uint64_t size)
{
    bool inside = offset <= m->size && size <= m->size - offset;
    return inside ? (const void *)(uintptr_t)(m->image + offset) : NULL;
}

static const struct function *function_at(const struct unwind_memory *m, uint64_t offset)
{
    const uint32_t *pe = in_image(m, PE_OFFSET_AT, 4);
    const uint32_t *dir = pe != NULL ? in_image(m, (uint64_t)*pe + PE_EXCEPTION_DIR, 8) : NULL;
    const struct function *table = dir != NULL ? in_image(m, dir[0], dir[1]) : NULL;
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
static bool undo(struct unwind *u, const struct unwind_memory *m, unsigned op, unsigned info,
                 const uint16_t *more, uint8_t frame)
{
    uint64_t *rsp = &u->registers[RSP];
    switch (op) {
    case 0: /* PUSH_NONVOL */
        if (!m->read(*rsp, &u->registers[info]))
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
        *rsp = u->registers[frame & 15u] - (frame >> 4) * (uint64_t)16;
        return true;
    case 4: /* SAVE_NONVOL */
        return m->read(*rsp + more[0] * (uint64_t)8, &u->registers[info]);
    default: /* nothing else is made without SSE */
        return false;
    }
}

static bool undo_prologue(struct unwind *u, const struct unwind_memory *m, const struct function *f,
                          uint64_t offset)
{
    const uint8_t *info = in_image(m, f->unwind, 4);
    const uint16_t *codes =
        info != NULL ? in_image(m, (uint64_t)f->unwind + 4, info[2] * (uint64_t)2) : NULL;
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
        if (done && !undo(u, m, op, arg, &codes[i + 1], info[3]))
            return false;
        i += slots;
    }
    return true;
}

/* A jump to a wild address is as good as a call from where its return address says. */
bool unwind_step(struct unwind *u, const struct unwind_memory *m)
{
    uint64_t offset = u->pc - m->image;
    bool inside = offset < m->size;
    if (!inside && u->depth > 0)
        return false;
    const struct function *f = inside ? function_at(m, offset) : NULL;
    if (f != NULL && !undo_prologue(u, m, f, offset))
        return false;
    if (!m->read(u->registers[RSP], &u->pc))
        return false;
    u->registers[RSP] += 8;
    u->depth++;
    return u->pc != 0;
}

struct unwind unwind_trap(const struct trap_frame *f)
{
    return (struct unwind){.pc = f->rip,
                           .registers = {f->rax, f->rcx, f->rdx, f->rbx, f->rsp, f->rbp, f->rsi,
                                         f->rdi, f->r8, f->r9, f->r10, f->r11, f->r12, f->r13,
                                         f->r14, f->r15}};
}
