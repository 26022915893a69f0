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

/* A little-endian number of `width` bytes (at most 8) at any alignment. */
uint64_t acpi_get(const unsigned char *at, unsigned width);

/* The same from a table; 0 for a field that does not lie in it wholly. */
uint64_t acpi_field(const struct acpi_table *, uint32_t offset, unsigned width);
struct acpi_address acpi_field_address(const struct acpi_table *, uint32_t offset);

/* Say what is wrong in a table that is used all the same. */
void acpi_complain(const struct acpi_reader *, const struct acpi_table *, const char *wrong);

/* The parts of acpi_read(): from a sound table into `*a`. */
void acpi_madt(struct acpi *, const struct acpi_table *, const struct acpi_reader *);
void acpi_srat(struct acpi *, const struct acpi_table *, const struct acpi_reader *);
void acpi_fadt(struct acpi *, const struct acpi_table *);

#endif
