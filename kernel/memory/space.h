/* kernel/memory/space.h: the kernel's own address space. All others share its upper half.
 *
 *   SPACE_DIRECT   the direct map: every page of RAM at its own place, WB RW NX, the largest pages
 *                  that fit; holes and device memory are not in it; the image's text and
 *                  constants are read-only here too
 *   SPACE_DEVICES  device memory, 1 GiB a slot: interrupt controller uncached, framebuffer
 *                  write-combining, a serial port that is in use and lies in memory, uncached
 *   SPACE_STACKS   stacks, each in a slot of its own whose other pages are its guard
 *   SPACE_SCRATCH  for whoever maps something for a while
 *   IMAGE_WINDOW    the image (kernel/early/image.h): text RX, constants R, data RW NX
 *
 * The lower half is empty. Context: as kernel/boot_info.h.
 *
 *   S1  no RAM is mapped with two memory types: a framebuffer in RAM is not in the direct map
 *   S2  what the image's sections keep from being written can be written nowhere
 *   S3  below each stack lies a page that is not mapped
 *   S4  no mapping shows page 0
 */
#ifndef KERNEL_MEMORY_SPACE_H
#define KERNEL_MEMORY_SPACE_H

#include "hal/cpu.h"
#include "hal/short.h"
#include "kernel/boot_info.h"
#include "kernel/memory/space_edit.h"
#include "mm/memmap.h"

#define SPACE_DIRECT      ((hal_vaddr_t)0xFFFF800000000000u)
#define SPACE_DIRECT_SIZE (64 * TIB) /* RAM beyond is not used */
#define SPACE_DEVICES     ((hal_vaddr_t)0xFFFFC00000000000u)
#define SPACE_STACKS      ((hal_vaddr_t)0xFFFFE00000000000u)
#define SPACE_STACK_SLOT  (256 * KIB)
#define SPACE_SCRATCH     (SPACE_STACKS + TIB)

/* The boot stack, and the trap stacks of hal/cpu.h. */
enum space_stack { STACK_BOOT, STACK_TRAPS, STACK_COUNT = STACK_TRAPS + CPU_TRAP_STACKS };
enum space_device { DEVICE_INTERRUPTS, DEVICE_SCREEN, DEVICE_SERIAL, DEVICE_COUNT };

struct space_range {
    const char *name;
    hal_vaddr_t base;
    uint64_t size; /* 0: not mapped */
};

extern struct space_range space_stacks[STACK_COUNT], space_devices[DEVICE_COUNT];

/* The owner of a framebuffer that lies in RAM: such memory is left out of the direct map, so that
 * it is never mapped with two memory types. Compared by address. */
extern const char space_screen_label[];

/* The owner of page 0, where the map has it: whatever the firmware keeps there, no mapping shows
 * it, so that a null pointer faults in the direct map too. Compared by address. */
extern const char space_null_label[];

/* Is this region in the direct map, as far as it lies below SPACE_DIRECT_SIZE? It holds RAM
 * (mem_type_is_ram), but for a framebuffer there and for page 0. */
bool space_holds(const struct mem_region *);

/* Make the space, not loaded yet. The stacks: `info`'s boot stack and the trap stacks. `map` is
 * normalized, `screen`: the framebuffer can be used and is mapped. After image_open() and
 * tables_begin(), from which the tables come. A panic when they run out. O(regions + tables). */
void space_make(const struct boot_info *info, const struct memmap *map, bool screen);

/* Map a stack of another CPU than the one that booted: `which` of its STACK_COUNT, `size` bytes of
 * whole pages, at most SPACE_STACK_SLOT less two pages. Its end, or 0: there is no page for a
 * table. After memory_make_pmm(). */
hal_vaddr_t space_map_stack(uint32_t cpu, unsigned which, hal_paddr_t phys, uint64_t size);

/* Which stack lies around an address of that window: its name, its CPU, and whether the address is
 * mapped or one of the guard pages. False: none has its place there. */
struct space_stack_place {
    const char *name;
    uint32_t cpu;
    bool mapped;
};
bool space_stack_at(hal_vaddr_t at, struct space_stack_place *out);

/* Load it for good and go on with `entry`, which is passed NULL, on the boot stack at its own
 * place, the direct map in use. A serial port in memory is used at its new place, or no more where it has none.
 * What was on the stack before is lost. Once, after space_make(). */
_Noreturn void space_enter(void (*entry)(void *));

/* Has space_enter() loaded it? */
extern bool space_entered;

/* Does the aligned 8-byte word at `at` lie on a stack that is mapped? Any context, without a lock.
 */
bool space_is_stack(hal_vaddr_t at);

/* Log pages by size, tables and flushes. With `runs` also every run of its mappings: O(tables). */
void space_log(bool runs);

#endif
