/* Starting the other CPUs (Intel SDM vol. 3A, 8.4.3 and 8.4.4). */
#include "hal/cpu.h"
#include "hal/short.h"
#include "hal/x86_64/apic.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/control.h"
#include "hal/x86_64/features.h"
#include "hal/x86_64/mtrr/mtrr.h"

#define CR4_PAE    (1u << 5)
#define EFER_LME   (1u << 8)
#define EFER_NXE   (1u << 11)
#define CR4_WRONG  (1u << 31)  /* reserved: a general protection fault */
#define CLOSED     0x80000000u /* `ticket` from here on: nobody waits any more */
#define PAGE_LIMIT ((hal_paddr_t)MIB)

/* ap_start.S */
extern const unsigned char ap_start_begin[], ap_start_end[], ap_start_block[], ap_start_faulted[],
    ap_start_wake[];

/* What stands at ap_start_block, in pieces that need no packing. */
struct ap_block {
    uint64_t gdt[4];
    uint16_t gdt_limit, gdt_base[4], unused_gdt[3];
    uint16_t idt_limit, idt_base[4], unused_idt[3];
    uint32_t to_32, selector_32;
    uint32_t to_compatible, selector_compatible;
    uint32_t to_64, selector_64;
    uint32_t root, cr4, efer, count;
    uint64_t ticket, stacks, entry, mailbox; /* addresses */
    uint64_t idt[32];                        /* 32-bit gates */
};
_Static_assert(offsetof(struct ap_block, gdt_limit) == 32 &&
                   offsetof(struct ap_block, idt_limit) == 48 &&
                   offsetof(struct ap_block, to_32) == 64 &&
                   offsetof(struct ap_block, root) == 88 &&
                   offsetof(struct ap_block, ticket) == 104 &&
                   offsetof(struct ap_block, idt) == 136 && sizeof(struct ap_block) == 392,
               "ap_start.S lays it out");

static struct cpu_start start;
static uint32_t ticket; /* the next one */

/* On the stack of its ticket, in the tables of `start.root`. */
static _Noreturn void enter(uint32_t number)
{
    control_own(start.areas[number]);
    hal_load_root(start.kernel);
    cpu_set_memory_types();
    mtrr_restore();
    cpu_use_global_pages();
    apic_join();
    start.entry(number);
    cpu_halt();
}

/* Interrupt gates (SDM vol. 3A, 6.11): code selector 8, present. */
static void fill_idt(uint64_t idt[32], uint32_t target)
{
    for (unsigned i = 0; i < 32; i++)
        idt[i] = (target & 0xFFFFu) | (uint64_t)0x08 << 16 | (uint64_t)0x8E00u << 32 |
                 (uint64_t)(target >> 16) << 48;
}

static void fill(struct ap_block *block, uint32_t at)
{
    uint32_t gdt = at + (uint32_t)(ap_start_block - ap_start_begin);
    block->gdt_base[0] = (uint16_t)gdt;
    block->gdt_base[1] = (uint16_t)(gdt >> 16);
    uint32_t idt = gdt + (uint32_t)offsetof(struct ap_block, idt);
    block->idt_base[0] = (uint16_t)idt;
    block->idt_base[1] = (uint16_t)(idt >> 16);
    fill_idt(block->idt, at + (uint32_t)(ap_start_faulted - ap_start_begin));
    block->to_32 += at;
    block->to_compatible += at;
    block->to_64 += at;
    block->root = (uint32_t)start.root;
    block->cr4 = CR4_PAE | (features.la57 ? CR4_LA57 : 0) | (start.broken ? CR4_WRONG : 0);
    block->efer = EFER_LME | (features.nx ? EFER_NXE : 0);
    block->count = start.count;
    block->ticket = (uint64_t)(uintptr_t)&ticket;
    block->stacks = (uint64_t)(uintptr_t)start.stacks;
    block->entry = (uint64_t)(uintptr_t)enter;
    block->mailbox = (uint64_t)(uintptr_t)start.mailbox;
}

/* It begins in real mode, below 1 MiB. */
const void *cpu_start_code(void)
{
    return NULL;
}

bool cpu_start_open(const struct cpu_start *s)
{
    size_t size = (size_t)(ap_start_end - ap_start_begin);
    if (!apic_usable() || s->page == 0 || s->page + HAL_PAGE_SIZE > PAGE_LIMIT ||
        s->page % HAL_PAGE_SIZE != 0 || s->root >= 4 * GIB)
        return false;
    start = *s;
    mtrr_save();
    unsigned char *to = hal_phys_to_virt(s->page);
    __builtin_memcpy(to, ap_start_begin, size);
    fill((struct ap_block *)(void *)(to + (ap_start_block - ap_start_begin)), (uint32_t)s->page);
    return true;
}

void cpu_start(uint32_t id)
{
    apic_start(id, start.page);
}

hal_paddr_t cpu_start_vector(void)
{
    return start.page + (hal_paddr_t)(ap_start_wake - ap_start_begin);
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
