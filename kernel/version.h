/* kernel/version.h: what was built. The Makefile rebuilds version.c whenever the commit changes. */
#ifndef KERNEL_VERSION_H
#define KERNEL_VERSION_H

extern const char mortise_commit[];

#endif
