/* kernel/monitor/bad_words.h: bad pages in the words of the systems that can leave them alone. Pure: any
 * context.
 *
 *   Mortise   bad=0x1234000-0x1235000                  first and last page (kernel/options.h)
 *   Linux     memmap=0x2000$0x1234000                  size and start; a word for each range
 *   GRUB      GRUB_CMDLINE_LINUX="memmap=0x2000\\\$0x1234000"   the same in /etc/default/grub, where the
 *                                                      shell takes one backslash and GRUB the other two
 *   GRUB      GRUB_BADRAM="0x1234000,0xfffffffffffff000,..."    address and mask: pages whose bits in the
 *                                                      mask are those of the address
 *   Windows   bcdedit /set {badmemory} badmemorylist 0x1234 0x1235    page frame numbers, one by one
 *   FreeBSD   vm.blacklist="0x1234000,0x1235000"       pages, one by one, in /boot/loader.conf
 *
 * Each is one line. Where ranges do not fit on it, they are rounded outward to larger pieces until they
 * do; where pages do not, the line is left out.
 */
#ifndef KERNEL_MONITOR_BAD_WORDS_H
#define KERNEL_MONITOR_BAD_WORDS_H

#include "kernel/log/format.h"

#define BAD_LINE 320u /* characters: what the log has room for behind a stamp */

/* Pages that lie together. */
struct bad_range {
    hal_paddr_t base; /* of the first */
    uint64_t pages;   /* at least 1 */
};

/* Sort the ranges, and make one of those that touch or overlap. How many are left. O(count^2). */
size_t bad_join(struct bad_range *, size_t count);

/* Round each range outward to whole pieces of `grain` bytes (a power of two), and join them. */
size_t bad_round(struct bad_range *, size_t count, uint64_t grain);

enum bad_system {
    BAD_MORTISE,
    BAD_LINUX,
    BAD_GRUB_LINUX,
    BAD_GRUB_BADRAM,
    BAD_WINDOWS,
    BAD_FREEBSD,
    BAD_SYSTEMS
};

/* Whose words they are, and where they belong: a constant. */
const char *bad_system_name(enum bad_system);

/* The ranges, joined, in the words of a system. `cut` says that they take more than BAD_LINE. */
struct format_line bad_words(enum bad_system, const struct bad_range *, size_t count);

/* The same, but where they do not fit, and the system has words for ranges, these are rounded outward in
 * place to the least grain with which they do. `*grain` is HAL_PAGE_SIZE where nothing was rounded. */
struct format_line bad_words_rounded(enum bad_system, struct bad_range *, size_t *count,
                                     uint64_t *grain);

#endif
