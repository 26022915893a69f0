#include "kernel/machine/acpi_table.h"
#include "hal/short.h"

/* Cut where a revision of some table ends: half a field is none. */
void acpi_fields(const struct acpi_table *t, unsigned char fields[ACPI_FIELDS])
{
    static const uint16_t ends[] = {56, 80, 116, 132, 244, ACPI_FIELDS};
    uint32_t end = 0;
    for (unsigned i = 0; i < ARRAY_LEN(ends) && ends[i] <= t->size; i++)
        end = ends[i];
    for (uint32_t i = 0; i < ACPI_FIELDS; i++)
        fields[i] = i < end ? t->bytes[i] : 0;
}

bool acpi_next_entry(const struct acpi_table *t, uint32_t *at, struct acpi_entry *e,
                     struct acpi_faults *faults)
{
    uint32_t left = *at < t->size ? t->size - *at : 0;
    if (left == 0)
        return false;
    e->bytes = t->bytes + *at;
    if (left < 2 || e->bytes[1] < 2 || e->bytes[1] > left) {
        faults->times[ACPI_FAULT_CUT]++;
        return false;
    }
    e->type = e->bytes[0];
    e->size = e->bytes[1];
    *at += e->size;
    return true;
}

void acpi_tell_faults(const struct acpi_reader *r, const struct acpi_table *t,
                      const struct acpi_faults *faults)
{
    static const char *const texts[ACPI_FAULT_COUNT] = {
        [ACPI_FAULT_CUT] = "an entry of no sound length ends it",
        [ACPI_FAULT_SHORT] = "an entry is too short for its type",
        [ACPI_FAULT_CPUS] =
            "no memory for the list of its CPUs, of which only the one that runs is used",
        [ACPI_FAULT_WRAPS] = "a memory range wraps",
        [ACPI_FAULT_RANGES] = "no memory for the list of its memory ranges, and none is used",
        [ACPI_FAULT_TWICE] = "memory ranges of one node overlap; each page counts once",
        [ACPI_FAULT_OVERLAP] = "memory ranges of two nodes overlap; the first in the table counts",
        [ACPI_FAULT_PAIRS] = "no memory for what it says of pairs of nodes, and none is used",
    };
    for (unsigned i = 0; i < ACPI_FAULT_COUNT; i++)
        if (texts[i] != NULL && faults->times[i] > 0)
            r->note(r->ctx, t->bytes, t->at, texts[i], faults->times[i]);
}

void acpi_complain(const struct acpi_reader *r, const struct acpi_table *t, const char *wrong)
{
    r->note(r->ctx, t->bytes, t->at, wrong, 1);
}
