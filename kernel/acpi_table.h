/* kernel/acpi_table.h: one sound table, and its fields; between the files of kernel/acpi*.c. */
#ifndef KERNEL_ACPI_TABLE_H
#define KERNEL_ACPI_TABLE_H

#include "kernel/acpi.h"

#define ACPI_HEADER 36u

struct acpi_table {
    const unsigned char *bytes; /* NULL: there is none */
    uint32_t size;              /* ACPI_HEADER or more */
    paddr_t at;
};

struct acpi_reader {
    const struct acpi_view *view;
    acpi_note_fn *note;
    void *ctx;
};

/* A number at any alignment. Tables are little-endian, and so is this CPU. */
static inline uint32_t acpi_32(const unsigned char *at)
{
    uint32_t value;
    __builtin_memcpy(&value, at, sizeof value);
    return value;
}

static inline uint64_t acpi_64(const unsigned char *at)
{
    uint64_t value;
    __builtin_memcpy(&value, at, sizeof value);
    return value;
}

static inline struct acpi_address acpi_address(const unsigned char *at)
{
    return (struct acpi_address){acpi_64(at + 4), at[0]};
}

/* The table's first bytes, and zeros for those it does not have (A2). No table: all zero. */
#define ACPI_FIELDS 256u
void acpi_fields(const struct acpi_table *, unsigned char fields[ACPI_FIELDS]);

/* Say what is wrong in a table that is used all the same. */
void acpi_complain(const struct acpi_reader *, const struct acpi_table *, const char *wrong);

/* The parts of acpi_read(): from a sound table, or its fields, into `*a`. */
void acpi_madt(struct acpi *, const struct acpi_table *, const struct acpi_reader *);
void acpi_srat(struct acpi *, const struct acpi_table *, const struct acpi_reader *);
void acpi_fadt(struct acpi *, const unsigned char *fields);

#endif
