/* kernel/machine/acpi_table.h: one sound table, and its fields; between the files of kernel/acpi*.c. Pure,
 * as kernel/machine/acpi.h; A2 there is meant below. */
#ifndef KERNEL_MACHINE_ACPI_TABLE_H
#define KERNEL_MACHINE_ACPI_TABLE_H

#include "hal/unaligned.h"
#include "kernel/machine/acpi.h"

#define ACPI_HEADER 36u /* bytes of a table's header (ACPI 6.5, 5.2.6) */

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

/* The 12 bytes of a generic address (ACPI 6.5, 5.2.3.2): space at 0, address at 4. */
static inline struct acpi_address acpi_address(const unsigned char *at)
{
    return (struct acpi_address){load64(at + 4), at[0]};
}

/* The table's first bytes, cut after the last of 56, 80, 116, 132, 244 and 256 that it has (where
 * revisions of the tables end), and zeros from there on (A2). No table: all zero. */
#define ACPI_FIELDS 256u
void acpi_fields(const struct acpi_table *, unsigned char fields[ACPI_FIELDS]);

/* Say what is wrong in a table that is used all the same; `wrong` is a constant. */
void acpi_complain(const struct acpi_reader *, const struct acpi_table *, const char *wrong);

/* The parts of acpi_read(): from a sound table, or its ACPI_FIELDS bytes of fields, into `*a`.
 * acpi_srat() gives nodes to the CPUs that acpi_madt() has found, so it comes after it. */
void acpi_madt(struct acpi *, const struct acpi_table *, const struct acpi_reader *);
void acpi_srat(struct acpi *, const struct acpi_table *, const struct acpi_reader *);
void acpi_fadt(struct acpi *, const unsigned char *fields);

#endif
