/* tests/boot/shim/x86_64/pc.h: tricks that only a PC has. */
#ifndef SHIM_X86_64_PC_H
#define SHIM_X86_64_PC_H

/* ---- caching.c ---- */

/* Give a variable MTRR that nobody uses to config.uncached_at; in force in emulators and not. */
void caching_change(void);

/* ---- lines.c ---- */

/* After the exit: interrupts of devices come (config.lines). */
void lines_open(void);

/* ---- gdt.c ---- */

/* Put the GDT into memory that will be overwritten (config.junk): not every firmware has it there. Before the
 * image is started. */
void gdt_move(void);

#endif
