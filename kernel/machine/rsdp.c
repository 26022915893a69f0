#include "kernel/machine/rsdp.h"
#include "hal/unaligned.h"

/* ACPI 6.5, section 5.2.5.3. */
#define RSDP_SIZE_1    20u /* revision 0 */
#define RSDP_SIZE_2    36u /* revision 2 and later, at least */
#define RSDP_REVISION  15u
#define RSDP_LENGTH    20u
#define RSDP_SIZE_SANE 4096u

static uint8_t sum(const unsigned char *bytes, uint64_t size)
{
    unsigned total = 0;
    for (uint64_t i = 0; i < size; i++)
        total += bytes[i];
    return (uint8_t)total;
}

static const char *refuse_extended(const unsigned char *bytes, uint64_t size)
{
    if (size < RSDP_SIZE_2)
        return "its memory ends before it does";
    uint64_t length = load32(bytes + RSDP_LENGTH);
    if (length < RSDP_SIZE_2 || length > RSDP_SIZE_SANE || length > size)
        return "its length is out of range";
    return sum(bytes, length) != 0 ? "its extended checksum is wrong" : NULL;
}

const char *rsdp_refuse(const unsigned char *bytes, uint64_t size)
{
    static const char signature[] = "RSD PTR ";
    if (size < RSDP_SIZE_1)
        return "its memory ends before it does";
    for (unsigned i = 0; signature[i] != '\0'; i++)
        if (bytes[i] != (unsigned char)signature[i])
            return "it does not begin with the signature \"RSD PTR \"";
    if (sum(bytes, RSDP_SIZE_1) != 0)
        return "its checksum is wrong";
    return bytes[RSDP_REVISION] >= 2 ? refuse_extended(bytes, size) : NULL;
}
