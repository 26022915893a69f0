/* tests/embed/embed.h: a kernel that is not Mortise and uses mm/: a worked example.
 *
 *   one_cpu/port.h   its port of the hal, on a machine of one CPU
 *   threads/port.h   the same for several CPUs
 *   port.c           the rest of the port, as far as all machines share it
 *   embed.c          what it does with mm/: the part to read
 *   desk.c           its machine as a Linux process whose threads are CPUs: memory without an MMU
 *   bare.c           the same without threads and without any library, for three kinds of CPU
 *   pc.c             its machine as a UEFI program: serial port, debug-exit port, page tables
 *
 * A machine supplies the functions below and those of hal/hal.h that are about page tables.
 */
#ifndef TESTS_EMBED_EMBED_H
#define TESTS_EMBED_EMBED_H

#include "hal/base.h"
#include "mm/aspace.h"

/* One entry of the firmware's memory map, in bytes. */
struct embed_range {
    hal_paddr_t base;
    uint64_t size;
    uint64_t attributes;
    uint32_t type; /* as UEFI numbers them */
};

/* What the machine knows when the kernel starts. The image lies in memory of the map, and `code`,
 * whole pages of it, is what must stay executable. */
struct embed_boot {
    const struct embed_range *ranges;
    size_t count;
    uint32_t cpus;
    hal_paddr_t image, code;
    uint64_t image_size, code_size;
};

struct embed_result {
    unsigned passed, failed;
};

/* Run the example, and print what it found. Passed: nothing failed and something passed. */
struct embed_result embed_run(const struct embed_boot *);

/* The machine: run `work` on each of its CPUs at the same time, and return when all are done; write a text
 * ('\n' ends a line); end with this verdict; and a pointer by which the kernel, `space` being loaded, reaches
 * `virt`, which is mapped there. */
void machine_everywhere(void (*work)(uint32_t cpu));
void machine_print(const char *text);
_Noreturn void machine_stop(bool pass);
void *machine_at(const struct aspace *space, hal_vaddr_t virt);

#endif
