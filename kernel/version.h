/* kernel/version.h: what was built. The Makefile rebuilds version.c whenever the commit changes. */
#ifndef KERNEL_VERSION_H
#define KERNEL_VERSION_H

/* The commit's first 12 digits, or "unknown". */
extern const char mortise_commit[];

#endif
