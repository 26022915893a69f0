/* tests/boot/shim/arch.h: what the shim must know of the CPU and the board. A folder for each architecture
 * implements it. */
#ifndef SHIM_ARCH_H
#define SHIM_ARCH_H

#include "hal/base.h"

/* ---- the board ---- */

void arch_put(char c); /* on the first serial port, as the firmware has set it up */

/* Seconds since midnight by the real-time clock, which runs whatever the firmware does. */
uint64_t arch_seconds(void);

/* Before the image is started: tricks with the CPU. A trick that this architecture has not ends the run. */
void arch_begin(void);

/* After the exit, when all else is done. */
void arch_after_exit(void);

/* ---- what the CPU and the loader stand on until the kernel has its own, page tables left out ---- */

/* Have `keep` called for each run of bytes of it. */
void arch_keep(void (*keep)(uint64_t base, uint64_t size));

/* A sum of it: the same before and after memory was overwritten. */
uint64_t arch_sum(void);

/* ---- the firmware's page tables, in use as they are ---- */

/* Bits of an address that are translated; each level takes nine above the twelve of a page, and the first
 * what is left. */
unsigned arch_bits(void);
uint64_t *arch_root(void);

/* An entry of level 0 (pages of 4 KiB) or above. A leaf is a page of any size. */
bool arch_is_present(uint64_t entry);
bool arch_is_leaf(uint64_t entry, unsigned level);
uint64_t arch_address(uint64_t entry); /* of the table that it names */

/* The first of the 512 leaves into which a leaf of `level` above 0 is cut, with its rights; and the entry that
 * puts their table in its place. */
uint64_t arch_piece(uint64_t leaf, unsigned level);
uint64_t arch_table(uint64_t page, uint64_t leaf);

uint64_t arch_with_rights(uint64_t leaf, bool write, bool execute);
bool arch_writes(uint64_t leaf);
bool arch_executes(uint64_t leaf);
uint64_t arch_absent(uint64_t leaf);
void arch_flush(uint64_t address);

/* Let read-only pages bind the firmware too, or not; the answer is what was so before. Where they always bind (Arm)
 * this changes nothing, and the tables themselves can be written to. */
bool arch_bind(bool binds);

void arch_interrupts_off(void);

/* Fills what is overwritten: as code it stops, and as an address it leads nowhere. */
extern const uint64_t arch_junk;

#endif
