/* efi/aarch64/efibind.h: what gnu-efi's headers ask of an architecture; its package for another one does not
 * have this. <efi.h> includes it as "aarch64/efibind.h". UEFI 2.10, 2.3.1 and 2.3.6: there is one calling
 * convention, and native words have 64 bits. */
#ifndef EFI_AARCH64_EFIBIND_H
#define EFI_AARCH64_EFIBIND_H

#include <stdint.h>

typedef uint64_t UINT64;
typedef int64_t INT64;
typedef uint32_t UINT32;
typedef int32_t INT32;
typedef uint16_t UINT16;
typedef int16_t INT16;
typedef uint8_t UINT8;
typedef int8_t INT8;
typedef int64_t INTN;
typedef uint64_t UINTN;
typedef __WCHAR_TYPE__ WCHAR;

#define VOID void
#define EFIAPI
#define BOOTSERVICE
#define RUNTIMESERVICE
#define RUNTIMEFUNCTION
#define VOLATILE             volatile
#define EFIERR(code)         (0x8000000000000000u | (code))
#define EFIERR_OEM(code)     (0xC000000000000000u | (code))
#define EFI_ERROR_MASK       0x8000000000000000u
#define INTERFACE_DECL(name) struct name

#endif
