/* kernel/screen/display.h: decides what the screen shows: the log while the kernel boots, then the
 * picture (kernel/screen/picture.h) with the end of the log below it, and the panic screen when the
 * kernel stops. When no screen can be drawn on, the functions do nothing. Context: as
 * kernel/boot_info.h; display_panic(), display_step() and display_end() may be called from any
 * context, traps included. Drawing is O(pixels that change).
 *
 * Before display_start() only the panic screen can be shown: it needs no memory. After it a copy of
 * the screen lies in pages of the allocator; the framebuffer itself is never read.
 */
#ifndef KERNEL_SCREEN_DISPLAY_H
#define KERNEL_SCREEN_DISPLAY_H

#include "kernel/boot_info.h"
#include "kernel/log/format.h"
#include "kernel/options.h"
#include "kernel/screen/screen.h"

/* Take note of the screen, so that a panic can be shown. The address of the struct is kept, so call
 * this again when the image has moved. The screen is used where the firmware has mapped it
 * (physical equals virtual). After cpu_detect(). */
void display_early(const struct boot_info *);

/* Take the memory, a byte for each square of the grid, and show the log from now on, with what was
 * logged before. When there is no memory, when display_fits() refuses the screen, or with
 * screen=off, only the verdict or a panic will be shown. Once, after memory_make_pmm() and
 * memory_use_space(). */
void display_start(const struct options *);

/* Show the picture, and bring its facts and zones up to date. The log stays on the screen instead
 * when the options say so or when the screen is too small. O(regions + pixels). */
void display_picture(void);

/* Show the end of the log now. By itself the screen follows the log ten times a second at most, and
 * only when a line is logged; call this before waiting for something. */
void display_update(void);

/* Show "what: done of total" with a bar, and bring the zones' bars up to date; ten times a second
 * at most, but always when `done` is `total`. */
void display_progress(const char *what, uint64_t done, uint64_t total);

/* Take note of a panic, before its first line is logged. display_end() will show `what` (a
 * constant), the state of the machine, and the log from here on. Only the first call counts. */
void display_panic(const char *what);

/* Say what the boot is doing, for the panic screen. `what` is a constant. */
void display_step(const char *what);

/* Show the panic screen when display_panic() was called, else the verdict. A panic can still come
 * after a verdict. Once the panic screen has been begun, nothing else is shown. */
void display_end(bool pass);

/* What display.c and panic_screen.c need of each other: */

/* Write fact `which` about the machine, below DISPLAY_FACTS, into `*l`, whose `cut` must be false.
 * After display_early(). */
#define DISPLAY_FACTS 4u
void display_fact(struct format_line *, unsigned which);

/* Does the grid have 20 to ROWS_COLUMNS_MAX columns and 10 rows or more? */
bool display_fits(const struct screen_grid *);

/* Show the verdict. False when display_start() has not made a screen: then nothing was shown. */
bool display_verdict(const struct format_line *, bool pass);

#endif
