/* kernel/machine/acpi_table.h: one sound table: its fields, its entries, and what is wrong with them.
 * Pure, as kernel/machine/acpi.h; A2 to A4 there are meant below. */
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

/* An entry of the MADT or the SRAT: its type, its length, and all its bytes. */
struct acpi_entry {
    const unsigned char *bytes;
    uint8_t type, size;
};

/* What can be wrong with the entries of a table that is used all the same. */
enum acpi_fault {
    ACPI_FAULT_NONE,
    ACPI_FAULT_CUT,     /* an entry whose length is not sound: the table ends there */
    ACPI_FAULT_SHORT,   /* an entry shorter than its type wants: skipped */
    ACPI_FAULT_CPUS,    /* more CPUs than are kept */
    ACPI_FAULT_WRAPS,   /* a memory range that goes past 2^64: skipped */
    ACPI_FAULT_RANGES,  /* more memory ranges than are kept */
    ACPI_FAULT_TWICE,   /* ranges of one node overlap */
    ACPI_FAULT_OVERLAP, /* ranges of two nodes overlap: the first counts */
    ACPI_FAULT_COUNT
};

/* How often each was met in one table. */
struct acpi_faults {
    uint32_t times[ACPI_FAULT_COUNT];
};

/* The entry at `*at`, which moves on; false at the end, and where the table ends early, which is a
 * fault (A3). */
bool acpi_next_entry(const struct acpi_table *, uint32_t *at, struct acpi_entry *,
                     struct acpi_faults *);

/* Tell each fault that was met once, with its count (A4). */
void acpi_tell_faults(const struct acpi_reader *, const struct acpi_table *,
                      const struct acpi_faults *);

/* Say what is wrong in a table that is used all the same; `wrong` is a constant. */
void acpi_complain(const struct acpi_reader *, const struct acpi_table *, const char *wrong);

#endif
