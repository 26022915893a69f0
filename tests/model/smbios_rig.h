/* tests/model/smbios_rig.h: an SMBIOS for kernel/ram on the desk, built field by field from the
 * specification, in the memory of tests/model/acpi_rig.h. */
#ifndef TESTS_MODEL_SMBIOS_RIG_H
#define TESTS_MODEL_SMBIOS_RIG_H

#include "kernel/ram/slots.h"
#include "tests/model/acpi_rig.h"

#define DMI_ENTRY 0xF0000u
#define DMI_TABLE 0x7654321u

static const struct smbios_view dmi_view = {rig_read, NULL};

static unsigned char dmi_bytes[65536];
static size_t dmi_size;
static unsigned dmi_count;

/* Begin a structure of `length` bytes; gives its bytes, all zero but for the header. */
static inline unsigned char *dmi_add(unsigned type, unsigned length, unsigned handle)
{
    unsigned char *p = dmi_bytes + dmi_size;
    memset(p, 0, length + 2);
    p[0] = (unsigned char)type;
    p[1] = (unsigned char)length;
    rig_put(p + 2, handle, 2);
    dmi_size += length + 2;
    dmi_count++;
    return p;
}

/* Give the last structure a string; the first one takes the place of the two zeros. */
static inline void dmi_string(const char *text, bool first)
{
    size_t length = strlen(text);
    dmi_size -= first ? 2 : 1;
    memcpy(dmi_bytes + dmi_size, text, length);
    dmi_bytes[dmi_size + length] = dmi_bytes[dmi_size + length + 1] = 0;
    dmi_size += length + 2;
}

static inline void dmi_clear(void)
{
    dmi_size = dmi_count = 0;
    rig_clear();
}

/* The table in memory, and an entry point of 3.0 that says it has `claim` bytes at most. */
static inline unsigned char *dmi_enter_3(size_t claim)
{
    memcpy(rig_place(DMI_TABLE, dmi_size), dmi_bytes, dmi_size);
    unsigned char *p = rig_place(DMI_ENTRY, 24);
    memcpy(p, "_SM3_", 5);
    p[6] = 24;
    p[7] = 3;
    p[8] = 4;
    rig_put(p + 12, claim, 4);
    rig_put(p + 16, DMI_TABLE, 8);
    rig_sum(p, 24, 5);
    return p;
}

/* The same by the entry point of 2.1, which counts the structures. */
static inline unsigned char *dmi_enter_2(unsigned count)
{
    memcpy(rig_place(DMI_TABLE, dmi_size), dmi_bytes, dmi_size);
    unsigned char *p = rig_place(DMI_ENTRY, 31);
    memcpy(p, "_SM_", 4);
    p[5] = 31;
    p[6] = 2;
    p[7] = 8;
    memcpy(p + 16, "_DMI_", 5);
    rig_put(p + 22, dmi_size, 2);
    rig_put(p + 24, DMI_TABLE, 4);
    rig_put(p + 28, count, 2);
    rig_sum(p + 16, 15, 5);
    rig_sum(p, 31, 4);
    return p;
}

static inline void dmi_array(unsigned handle, unsigned use)
{
    dmi_add(16, 15, handle)[5] = (unsigned char)use;
}

/* A memory device of SMBIOS 2.7: `size` as its word says, `large` its extended size. */
static inline void dmi_slot(unsigned handle, unsigned array, unsigned size, uint32_t large,
                            const char *place, const char *bank)
{
    unsigned char *p = dmi_add(17, 34, handle);
    rig_put(p + 4, array, 2);
    rig_put(p + 12, size, 2);
    p[16] = 1;
    p[17] = bank[0] != '\0' ? 2 : 0; /* an empty string would end them all */
    p[18] = 0x1A;
    rig_put(p + 21, 3200, 2);
    rig_put(p + 28, large, 4);
    dmi_string(place, true);
    if (bank[0] != '\0')
        dmi_string(bank, false);
}

/* The addresses of an array (type 19) or a device (type 20), in KiB, the last one included. */
static inline void dmi_address(unsigned type, unsigned handle, uint64_t first, uint64_t last)
{
    unsigned char *p = dmi_add(type, type == 19 ? 31 : 35, 0x9000);
    rig_put(p + 4, first, 4);
    rig_put(p + 8, last, 4);
    rig_put(p + 12, handle, 2);
}

/* The same in bytes. */
static inline void dmi_far_address(unsigned type, unsigned handle, uint64_t first, uint64_t last)
{
    dmi_address(type, handle, 0xFFFFFFFFu, 0xFFFFFFFFu);
    unsigned char *p = dmi_bytes + dmi_size - (type == 19 ? 33 : 37);
    rig_put(p + (type == 19 ? 15 : 19), first, 8);
    rig_put(p + (type == 19 ? 23 : 27), last, 8);
}

static inline void dmi_end(void)
{
    dmi_add(127, 4, 0xFEFF);
}

#endif
