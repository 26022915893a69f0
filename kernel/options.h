/* kernel/options.h: what the user asked for: words "k=v" between blanks.
 *
 *   keepbs          do not reclaim BootServices and Loader memory
 *   exit=0|1        1: leave QEMU through its debug-exit port when done; 0 (default): halt
 *   selftest=on|off
 *   serial=off|0xPORT   I/O port of the serial console, 0x3f8 by default
 *   sp=use          hand out special-purpose memory (EFI_MEMORY_SP) too
 *   kaslr=on|off    choose the kernel's base by chance (default), or take the lowest
 *   levels=5        switch to five levels of page tables, where the CPU has them
 *   tables=log      log every run of mappings
 *   plant=panic|fault|stack|text|triple|hang|failtest   break this boot on purpose; the harness's
 * own proof
 *
 * A later word wins over an earlier one.
 */
#ifndef KERNEL_OPTIONS_H
#define KERNEL_OPTIONS_H

#include "hal/base.h"

enum plant {
    PLANT_NONE,
    PLANT_PANIC,
    PLANT_FAULT,
    PLANT_TRIPLE,
    PLANT_HANG,
    PLANT_FAILTEST,
    PLANT_STACK,
    PLANT_TEXT
};

struct options {
    bool keepbs, exit, selftest, sp_use, kaslr, tables, five_levels;
    uint16_t serial; /* 0: none */
    enum plant plant;
};

/* Told of each word that is not understood, cut to a bounded length; it is ignored. */
typedef void options_unknown_fn(const char *word);

/* Parse at most `size` bytes of `text`, or up to its NUL. Any bytes are legal. `unknown` may be
 * NULL. Sets every field. Pure but for `unknown`. */
void options_parse(const char *text, size_t size, struct options *, options_unknown_fn *unknown);

#endif
