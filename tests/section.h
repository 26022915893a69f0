/* tests/section.h: included before all else where code for tests is built for the kernel, and code that
 * runs once (the Makefile's PACKED): it lies in a section of its own, which kernel/pack.py packs and
 * selftest_unpack() unpacks. */
#pragma code_seg(".tests")
