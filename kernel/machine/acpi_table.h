/* kernel/machine/acpi_table.h: gives the fields and the entries of one sound table, and tells what is
 * wrong with the entries. Pure, as kernel/machine/acpi.h, whose A2 to A4 are cited below. */
#ifndef KERNEL_MACHINE_ACPI_TABLE_H
#define KERNEL_MACHINE_ACPI_TABLE_H

#include "hal/unaligned.h"
#include "kernel/machine/acpi_facts.h"

#define ACPI_HEADER 36u /* bytes of a table's header (ACPI 6.5, 5.2.6) */

struct acpi_table {
    const unsigned char *bytes; /* NULL: there is none */
    uint32_t size;              /* ACPI_HEADER or more */
    hal_paddr_t at;
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

/* Copy the table's first bytes. Tables end at 56, 80, 116, 132, 244 or 256 bytes, by their revision: the
 * copy is cut at the last of these that the table reaches, and zeros follow (A2). All is zero if there
 * is no table. O(ACPI_FIELDS). */
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
    ACPI_FAULT_CPUS,    /* no memory for the list of CPUs */
    ACPI_FAULT_WRAPS,   /* a memory range that goes past 2^64: skipped */
    ACPI_FAULT_RANGES,  /* no memory for the list of memory ranges */
    ACPI_FAULT_TWICE,   /* ranges of one node overlap */
    ACPI_FAULT_OVERLAP, /* ranges of two nodes overlap: the first counts */
    ACPI_FAULT_PAIRS,   /* no memory for what is told of pairs of places */
    ACPI_FAULT_COUNT
};

/* How often each was met in one table. */
struct acpi_faults {
    uint32_t times[ACPI_FAULT_COUNT];
};

/* Get the entry at offset `*at`, and step over it. False at the end of the table, and at an entry of no
 * sound length, which is a fault and ends the table too (A3). O(1). */
bool acpi_next_entry(const struct acpi_table *, uint32_t *at, struct acpi_entry *,
                     struct acpi_faults *);

/* Tell the listener of each kind of fault that was met, with its count (A4). O(1). */
void acpi_tell_faults(const struct acpi_reader *, const struct acpi_table *,
                      const struct acpi_faults *);

/* Tell the listener of one thing that is wrong in a table that is used all the same; `wrong` is a
 * constant sentence. O(1). */
void acpi_complain(const struct acpi_reader *, const struct acpi_table *, const char *wrong);

#endif
