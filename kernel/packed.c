#include "kernel/packed.h"
#include "kernel/log.h"
#include "kernel/unpack.h"

#define ADLER_BASE 65521u /* Adler-32: RFC 1950 */

static const struct pe_section *section(const struct pe_image *image, const char name[8])
{
    for (unsigned i = 0; i < image->section_count; i++)
        if (__builtin_memcmp(image->sections[i].name, name, 8) == 0)
            return &image->sections[i];
    return NULL;
}

static uint32_t adler(const unsigned char *bytes, size_t size)
{
    uint32_t a = 1;
    uint32_t b = 0;
    for (size_t i = 0; i < size; i++) {
        a = (a + bytes[i]) % ADLER_BASE;
        b = (b + a) % ADLER_BASE;
    }
    return b << 16 | a;
}

static const char *unpack(const struct pe_image *image, const char from[8], const char to[8],
                          bool code)
{
    const struct pe_section *packed = section(image, from);
    const struct pe_section *target = section(image, to);
    if (packed == NULL || target == NULL)
        return NULL;
    const unsigned char *in = image->bytes + packed->address;
    unsigned char *out = image->bytes + target->address;
    uint32_t size = target->virtual_size;
    bool sound = packed->virtual_size > 4 &&
                 unpack_lzma(in + 4, packed->virtual_size - 4, out, size) == NULL;
    if (code)
        unpack_calls(out, size);
    if (!sound || adler(out, size) != *(const uint32_t *)(const void *)in)
        return "the packed part of the image is damaged; copy the file again";
    LOG("image", "%u bytes of %s unpacked from %u", U(size), S(code ? "code" : "constants"),
        U(packed->virtual_size));
    return NULL;
}

const char *packed_open(const struct pe_image *image)
{
    const char *wrong = unpack(image, ".packed\0", ".tests\0\0", true);
    return wrong != NULL ? wrong : unpack(image, ".packedw", ".words\0\0", false);
}
