/* kernel/screen/display.h: decides what the screen shows: the log while the kernel boots, then the
 * picture (kernel/screen/picture.h) with the end of the log below it, and the panic screen
 * (kernel/screen/panic_screen.h) when the kernel stops. When no screen can be drawn on, the
 * functions do nothing. Context: as kernel/boot_info.h; display_end() may be called from any
 * context, traps included. Drawing is O(pixels that change).
 *
 * Before display_start() only the panic screen can be shown: it needs no memory. After it a copy of
 * the screen lies in pages of the allocator; the framebuffer itself is never read.
 */
#ifndef KERNEL_SCREEN_DISPLAY_H
#define KERNEL_SCREEN_DISPLAY_H

#include "kernel/boot_info.h"
#include "kernel/options.h"

/* Take note of the screen, so that a panic can be shown. It is used where the firmware has mapped
 * it (physical equals virtual). The address of the struct is kept, so call this again when the
 * image has moved. Returns NULL, or a constant that says why the screen cannot be used. After
 * cpu_detect(). */
const char *display_early(const struct boot_info *);

/* Use the screen where the kernel's own space has it. When the space does not have it, there is no
 * screen from now on. After space_enter(). */
void display_move(void);

/* Take the memory, a byte for each square of the grid, and show the log from now on, with what was
 * logged before. When there is no memory, when the screen has too few rows or columns (rows_fit()),
 * or with screen=off, only the verdict or a panic will be shown. Once, after memory_make_pmm() and
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

/* Draw how much of the work each of `count` CPUs has done (picture_cpus()). The next thing that is shown
 * brings it to the screen. */
void display_cpus(const uint64_t done[], uint32_t count, uint64_t total);

/* Show the panic screen when panic_screen_begin() was called, else the verdict. A panic can still
 * come after a verdict. Once the panic screen has been begun, nothing else is shown. */
void display_end(bool pass);

#endif
