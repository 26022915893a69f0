/* kernel/screen.h: not a console: one coloured bar, so that a machine without a serial port does
 * not end on a black screen. Green: pass, red: fail. */
#ifndef KERNEL_SCREEN_H
#define KERNEL_SCREEN_H

#include "kernel/boot_info.h"

/* NULL when the description can be used, else what is wrong with it. `limit` is the first address
 * beyond the physical address width. */
const char *screen_refuse(const struct boot_framebuffer *, uint64_t limit);

/* Where the framebuffer can be written; before this, screen_verdict() does nothing. */
void screen_use(const struct boot_framebuffer *, vaddr_t at);

void screen_verdict(bool pass);

#endif
