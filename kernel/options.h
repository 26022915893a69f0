/* kernel/options.h: what the user asked for: words "k=v" between blanks.
 *
 *   keepbs          do not reclaim BootServices and Loader memory; also keepbs=1, keepbs=0
 *   cpus=N          let N CPUs run at most, 1 to 65535; 1: only the one that booted
 *   exit=0|1        1: leave QEMU through its debug-exit port when done; 0 (default): halt
 *   selftest=on|off the unit tests of mm/ in the self-test (default), or not
 *   serial=off|0xPORT   I/O port of the serial console, 0x100 to 0xfff8, 0x3f8 by default
 *   dma=0xEND       the zone DMA ends there, not at 16 MiB: the first address that a board's devices do not
 *                   reach. A multiple of 4 KiB, 0 (no such zone) to 4 GiB; options_refuse_dma()
 *   sp=use          hand out special-purpose memory (EFI_MEMORY_SP) too
 *   kaslr=on|off    choose the kernel's base by chance (default), or take the lowest
 *   monitor=on|off  after the self-test take commands; by default with exit=0 and without then= only
 *   exercise=N      after the self-test N rounds of kernel/monitor/exercise.h, 0 (default) to 1000000
 *   screen=map|log|off   the memory map picture (default), the log alone, or nothing but the
 *                   verdict and a panic
 *   levels=5        switch to five levels of page tables, where the CPU has them
 *   tables=log      log every run of mappings
 *   menu=off|SECONDS   before the firmware is left: none, or how long it waits for a key (0 to 600;
 *                   3 by default, with exit=1 off)
 *   report=on|off   write mortise-report.txt, and the log that the boot before left, to the disk
 *                   that the program came from
 *   bad=0xADDRESS, bad=0xFIRST-0xLAST   keep the page of that address from use, or the pages from that
 *                   of the first address to that of the last; below 2^52. All such words count
 *   then=reboot|off what follows the verdict, of a panic too: a restart, or switching off, after 10 seconds;
 *                   then=reboot:N, then=off:N after N (0 to 3600). Without the word the machine halts
 *   help            show all options before the firmware is left
 *   plant=panic|fault|stack|text|triple|hang|failtest|reset|off|nmi   break this boot on purpose;
 *                   the harness's own proof
 *   plant=cpu-lost|cpu-late|cpu-fault|cpu-mailbox|cpu-slow|cpu-deaf|cpu-panic   the same for CPUs that
 *                   are started
 *
 * Otherwise a later word wins over an earlier one. Whatever is not above 20h (blanks, control bytes) stands
 * between words.
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
    PLANT_TEXT,
    PLANT_RESET,
    PLANT_OFF,
    PLANT_NMI,
    PLANT_CPU_LOST,    /* the last CPU is never started */
    PLANT_CPU_LATE,    /* it is started by the second try alone */
    PLANT_CPU_FAULT,   /* each CPU faults where it begins */
    PLANT_CPU_MAILBOX, /* the others wait in a mailbox, as firmware would have them */
    PLANT_CPU_SLOW, /* the last CPU answers a shootdown after a second and a half */
    PLANT_CPU_DEAF, /* the last CPU does not answer a call */
    PLANT_CPU_PANIC /* the last CPU panics */
};

enum screen_use { SCREEN_MAP, SCREEN_LOG, SCREEN_OFF };

enum then_use { THEN_HALT, THEN_REBOOT, THEN_OFF };

enum monitor_use { MONITOR_UNSAID, MONITOR_ON, MONITOR_OFF };

#define EXERCISE_MAX   1000000u
#define OPTIONS_SERIAL 0x3F8u /* where the user says nothing of it */
#define CPUS_MOST    65535u

struct options {
    enum monitor_use monitor;
    bool keepbs, exit, selftest, sp_use, kaslr, tables, five_levels;
    hal_paddr_t dma;   /* as given, sound or not; 16 MiB by default */
    uint32_t exercise; /* rounds */
    uint32_t cpus;     /* 0: all */
    bool help, report;
    enum then_use then;
    uint16_t then_seconds; /* with THEN_REBOOT and THEN_OFF */
    uint16_t menu;         /* seconds; 0: none */
    uint16_t serial;       /* 0: none */
    enum screen_use screen;
    enum plant plant;
};

/* All of that in words, for a person; lines ended by '\n'. */
extern const char options_help[];

/* Told of each word that is not understood, cut to 63 characters, valid until it returns; it is
 * ignored. */
typedef void options_unknown_fn(const char *word);

/* Parse at most `size` bytes of `text`, or up to its NUL. Any bytes are legal. `unknown` may be
 * NULL. Sets every field. Pure but for `unknown`; any context; O(size). */
void options_parse(const char *text, size_t size, struct options *, options_unknown_fn *unknown);

/* Why the zone DMA cannot end at `end`: a constant clause, or NULL, for it can. Pure; any context; O(1). */
const char *options_refuse_dma(hal_paddr_t end);

/* Bad pages that the user names, from the page of one address to that of another. */
struct options_bad {
    hal_paddr_t first, last; /* first <= last */
};

/* The next `bad=` of the text from *at (at first 0) on; *at moves behind it. False: there is none. What
 * options_parse() calls unknown is passed over. Pure; any context; O(size). */
bool options_next_bad(const char *text, size_t size, size_t *at, struct options_bad *out);

#endif
