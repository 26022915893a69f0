/* Frames are unwound by the chain of x29 that the compiler keeps (AAPCS64, 6.4.6): at x29 lie the caller's
 * x29 and where it goes on. Only the copying routines of memory.S make no frame; there x30 says it. */
#include "hal/cpu.h"
#include "hal/aarch64/trap.h"

enum { FRAME, LINK }; /* of `registers`; LINK 0: the chain says it */

_Static_assert(offsetof(struct unwind, pc) == 0 && offsetof(struct unwind, registers) == 8 &&
                   offsetof(struct unwind, depth) == 136,
               "unwind_here() in start.S writes them");

extern const unsigned char memory_begin[], memory_end[]; /* memory.S */

static bool is_leaf(hal_vaddr_t pc)
{
    return pc - (hal_vaddr_t)(uintptr_t)memory_begin < (hal_vaddr_t)(memory_end - memory_begin);
}

/* A jump to a wild address is as good as a call from where x30 says. */
bool unwind_step(struct unwind *u, const struct unwind_memory *m)
{
    bool inside = u->pc - m->image < m->size;
    uint64_t frame = u->registers[FRAME], caller;
    if (!inside && u->depth > 0)
        return false;
    if (u->registers[LINK] != 0) {
        u->pc = u->registers[LINK];
        u->registers[LINK] = 0;
    } else if (!m->read(frame, &caller) || !m->read(frame + 8, &u->pc)) {
        return false;
    } else {
        u->registers[FRAME] = caller;
    }
    u->depth++;
    return u->pc != 0;
}

struct unwind unwind_trap(const struct trap_frame *f)
{
    return (struct unwind){.pc = f->pc, .registers = {f->x[29], is_leaf(f->pc) ? f->x[30] : 0}};
}
