/* tests/section.h: included before all else where code for tests is built for the kernel: that code
 * lies in a section of its own, which kernel/pack.py packs and selftest_run() unpacks. */
#pragma code_seg(".tests")
