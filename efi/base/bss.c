#include "efi/base/bss.h"
#include "kernel/early/pe.h"

void bss_clear(void *image, uint64_t size)
{
    struct pe_image pe;
    if (pe_open(&pe, image, size) != NULL)
        return;
    for (unsigned i = 0; i < pe.section_count; i++) {
        const struct pe_section *s = &pe.sections[i];
        for (uint64_t at = s->raw_size; at < s->virtual_size; at++)
            pe.bytes[s->address + at] = 0;
    }
}
