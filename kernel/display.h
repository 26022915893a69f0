/* kernel/display.h: what the screen shows: the log while booting, then the picture (kernel/picture.h)
 * with the log's end below it, and if all goes wrong the panic screen. Without a screen that can be
 * drawn on, nothing here does anything. One CPU.
 *
 * Before display_start() only the panic screen exists: it needs no memory. After it a copy of the
 * screen lies in pages of the allocator's; the framebuffer itself is never read.
 */
#ifndef KERNEL_DISPLAY_H
#define KERNEL_DISPLAY_H

#include "kernel/boot_info.h"
#include "kernel/format.h"
#include "kernel/options.h"
#include "kernel/screen.h"

/* The description is kept by address, so this is called again when the image has moved. The screen
 * is used where the firmware has it mapped. After cpu_detect(). */
void display_early(const struct boot_info *);

/* Take the memory, and show the log from now on (and what was logged before). */
void display_start(const struct options *);

/* Go over to the picture, or stay with the log where the options say so or the screen is too small; and bring its zones up to date.
 */
void display_picture(void);

/* Bring the screen up to date with the log, which it otherwise follows ten times a second, and only
 * when a line is logged: before waiting for something. */
void display_update(void);

/* "what: done of total" and its bar; the zones' bars with it. Shown ten times a second at most. */
void display_progress(const char *what, uint64_t done, uint64_t total);

/* Something went wrong for good, before the first line about it is logged; display_end() will show
 * `what`, the state of the machine, and the log from here on. The first call counts. */
void display_panic(const char *what);

/* What the boot is doing, for the panic screen; a constant. */
void display_step(const char *what);

/* Show the panic screen, or the verdict. A panic can still come after a verdict. */
void display_end(bool pass);

/* Between the two halves: display.c, whose code comes packed (kernel/packed.h), and
 * panic_screen.c, which must work before that is unpacked. */

/* Row `which` of what people want to know of a machine. */
#define DISPLAY_FACTS 4u
void display_fact(struct format_line *, unsigned which);

bool display_open_fonts(void);

/* Is there room for at least a few words? */
bool display_fits(const struct screen_grid *);

/* Show the verdict; false when display_start() has not made a screen. */
bool display_verdict(const struct format_line *, bool pass);

#endif
