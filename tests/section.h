/* tests/section.h: included before all else where code for tests is built for the kernel, and code that
 * is not needed before the image is at home (the Makefile's PACKED): it lies in a section of its own,
 * which kernel/pack.py packs and packed_open() unpacks. */
#pragma code_seg(".tests")
