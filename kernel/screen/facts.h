/* kernel/screen/facts.h: what people want to know of a machine at a glance: the program, the
 * firmware, the CPU, and how much RAM there is. Context: as kernel/boot_info.h; facts_line() any,
 * traps included.
 */
#ifndef KERNEL_SCREEN_FACTS_H
#define KERNEL_SCREEN_FACTS_H

#include "kernel/boot_info.h"
#include "kernel/log/format.h"

#define FACTS_COUNT 4u

/* Take note of what the loader said. The address of the struct is kept, so call this again when the
 * image has moved. After cpu_detect(). */
void facts_setup(const struct boot_info *);

/* Ask the allocator nothing from now on, since its locks may be held: the RAM stays what it was
 * when it was asked last. */
void facts_freeze(void);

/* Write fact `which`, below FACTS_COUNT, into `*l`, its `cut` being false. After facts_setup(). */
void facts_line(struct format_line *l, unsigned which);

#endif
