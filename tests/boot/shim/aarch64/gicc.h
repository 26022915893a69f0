/* tests/boot/shim/aarch64/gicc.h: the MADT of a board whose redistributors are told CPU by CPU. */
#ifndef SHIM_AARCH64_GICC_H
#define SHIM_AARCH64_GICC_H

/* Change the firmware's MADT: each GICC gets the address of its redistributor on `virt`, and the structures with
 * ranges of them (GICR) become such as nobody knows. Its sum is right again. */
void gicc_tell(void);

#endif
