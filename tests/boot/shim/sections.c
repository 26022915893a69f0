/* The sections of the image that was loaded, by its own headers. */
#include "shim.h"

const struct section *sections(unsigned *count)
{
    const uint8_t *image = (const uint8_t *)(uintptr_t)strict_base;
    const uint8_t *pe = image + *(const uint32_t *)(const void *)(image + 0x3c);
    *count = *(const uint16_t *)(const void *)(pe + 6);
    return (const void *)(pe + 24 + *(const uint16_t *)(const void *)(pe + 20));
}

void sections_spoil_bss(void)
{
    unsigned count = 0;
    const struct section *s = sections(&count);
    for (unsigned i = 0; config.bss != 0 && i < count; i++)
        for (uint64_t at = s[i].raw; at < s[i].size; at++)
            *(uint8_t *)(uintptr_t)(strict_base + s[i].rva + at) = 0xff;
}
