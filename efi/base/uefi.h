/* efi/base/uefi.h: the UEFI headers of gnu-efi, and the only place that includes them.
 *
 * gnu-efi defines `__attribute__` away for compilers of Microsoft's kind, and clang calls itself one
 * on the targets of this program (_MSC_EXTENSIONS). Every attribute written after the include would
 * then mean nothing, without a word: a packed struct would have holes. So the macro goes at once.
 * tests/lint/layers.py sees to it that nobody includes <efi.h> past this file.
 *
 * Types and constants only: nothing of gnu-efi is linked, and numbers that its versions disagree about
 * are our own.
 */
#ifndef EFI_BASE_UEFI_H
#define EFI_BASE_UEFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h> /* gnu-efi makes its own types where this was not included first */

#include <efi.h>

#undef __attribute__

/* Did a service succeed? Warnings count as success, as UEFI has it (appendix D: an error has the top bit
 * set). */
static inline bool efi_ok(EFI_STATUS status)
{
    return (status & EFI_ERROR_MASK) == 0;
}

struct uefi_packed_probe {
    uint8_t first;
    uint64_t second;
} __attribute__((packed));
_Static_assert(sizeof(struct uefi_packed_probe) == 9, "attributes mean something after <efi.h>");

#endif
