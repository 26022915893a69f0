/* memsim: Mortise's memory map and page allocator on your desk. `memsim --help` is its manual.
 *
 * needs: tests/sim/ kernel/machine/nodes.c kernel/ram/slots.c kernel/ram/smbios.c kernel/ram/ram.c kernel/ram/ram_tell.c kernel/log/format.c -lcairo -lz -lm
 */
#include "hal/short.h"
#include "tests/sim/desk.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: memsim map FILE [--json]\n"
    "           clean a machine's map, run the page allocator on it, account for every page\n"
    "       memsim draw FILE -o OUT.png|OUT.svg\n"
    "           draw the physical memory\n"
    "       memsim replay TRACE --memory SIZE|--headroom PERCENT [--json]\n"
    "           replay a real page-allocation trace (tests/data/traces)\n"
    "FILE: a .map file, a Linux dmesg with `efi: mem..` lines (boot with efi=debug), a log of Xen\n"
    "      or esx-boot, the table of the UEFI shell's memmap, U-Boot's `efidebug memmap`, GRUB's\n"
    "      lsefimmap or FreeBSD (boot -v), uefi-rs debug lines, a markdown table, Mortise's own\n"
    "      log or report; for want of these an e820 list. Lines `SRAT: Node N PXM N [..]` say "
    "which\n"
    "      node has what; our own `ram: slot` lines, dmidecode's memory devices and Linux's count "
    "of slots\n"
    "      say what is installed. - is standard input. SIZE: digits and K, M, G or T.\n"
    "Exit status: 0 done, 1 the input holds nothing usable (a sentence says why), 2 wrong usage.\n";

int sim_usage(void)
{
    fputs(usage, stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int, char **);
    } commands[] = {{"map", sim_map}, {"draw", sim_draw}, {"replay", sim_replay}};
    if (argc < 2)
        return sim_usage();
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return sim_usage();
}
