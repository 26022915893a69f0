/* kernel/screen/display.h: what the screen shows: the log while booting, then the picture
 * (kernel/screen/picture.h) with the log's end below it, and if all goes wrong the panic screen. Without a
 * screen that can be drawn on, nothing here shows anything. Context: as kernel/boot_info.h;
 * display_panic(), display_step() and display_end() any, traps included. Drawing is O(pixels that
 * change).
 *
 * Before display_start() only the panic screen exists: it needs no memory. After it a copy of the
 * screen lies in pages of the allocator's; the framebuffer itself is never read.
 */
#ifndef KERNEL_SCREEN_DISPLAY_H
#define KERNEL_SCREEN_DISPLAY_H

#include "kernel/boot_info.h"
#include "kernel/log/format.h"
#include "kernel/options.h"
#include "kernel/screen/screen.h"

/* The struct is kept by address, so this is called again when the image has moved. The screen is
 * used where the firmware has it mapped (physical equals virtual). After cpu_detect(). */
void display_early(const struct boot_info *);

/* Take the memory, a byte for each square of the grid, and show the log from now on (and what was
 * logged before). Without memory, on a screen that display_fits() refuses, or with screen=off only
 * the verdict or a panic will be shown. Once, after memory_make_pmm() and memory_use_space(). */
void display_start(const struct options *);

/* Go over to the picture, or stay with the log where the options say so or the screen is too small;
 * and bring its facts and zones up to date. O(regions + pixels). */
void display_picture(void);

/* Bring the screen up to date with the log, which it otherwise follows ten times a second, and only
 * when a line is logged: before waiting for something. */
void display_update(void);

/* "what: done of total" and its bar; the zones' bars with it. Shown ten times a second at most, but
 * always when `done` is `total`. */
void display_progress(const char *what, uint64_t done, uint64_t total);

/* Something went wrong for good, before the first line about it is logged; display_end() will show
 * `what`, a text that stays, the state of the machine, and the log from here on. The first call
 * counts. */
void display_panic(const char *what);

/* What the boot is doing, for the panic screen; a constant. */
void display_step(const char *what);

/* Show the panic screen, or the verdict. A panic can still come after a verdict; after the panic
 * screen has been begun nothing more is shown. */
void display_end(bool pass);

/* Between the two halves, display.c and panic_screen.c. */

/* Make `*l` row `which`, below DISPLAY_FACTS, of what people want to know of a machine. `cut` must
 * be false. After display_early(). */
#define DISPLAY_FACTS 4u
void display_fact(struct format_line *, unsigned which);

/* Is there room for at least a few words: 20 to ROWS_COLUMNS_MAX columns, 10 rows? */
bool display_fits(const struct screen_grid *);

/* Show the verdict; false when display_start() has not made a screen. */
bool display_verdict(const struct format_line *, bool pass);

#endif
