/* efi/base/clock.h: how long a second is, and waiting.
 *
 * UEFI offers Stall to wait with (2.10 section 7.5), and there is firmware whose Stall is 80 to 120
 * times too short. So it is measured with the CPU's counter (hal_cycles()), and so is the machine's own
 * source of time (hal/machine.h: CPUID or the PIT on a PC), which counts where the two disagree.
 */
#ifndef EFI_BASE_CLOCK_H
#define EFI_BASE_CLOCK_H

#include "efi/base/loader.h"

/* Measure both: boot_info.stall_hz is what Stall says, boot_info.tsc_hz what is believed, in ticks of
 * hal_cycles() a second. Stall is believed only without a source of the machine's own, and only between
 * 100 MHz and 20 GHz. Returns NULL, or a sentence for a note when nothing can be believed or the two are
 * more than four times apart; it lasts as TEXT() does. Takes 60 ms of Stall, and as long as
 * machine_rate() for each source that it asks. */
const char *clock_measure(const struct loader *);

/* Wait `us` microseconds, at most a second. Stall is asked for as much more or less as it is known to be
 * wrong, at most 1000 times as much; what it leaves of the time is waited for by the CPU's counter.
 * False: nothing is known of that, and Stall fails, so no time has passed. */
bool clock_wait(const struct loader *, uint32_t us);

#endif
