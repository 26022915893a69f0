#include "kernel/machine/hmat/hmat.h"
#include "hal/short.h"

#define REVISION   8u
#define STRUCTURES 40u /* where the first begins */
#define HEAD       8u  /* of a structure: its type, and its length at LENGTH */
#define LENGTH     4u

/* A structure of type ATTRIBUTES: what memory is attached to. */
#define ATTRIBUTES      0u
#define ATTRIBUTES_SIZE 40u
#define FLAGS           8u
#define INITIATOR       12u
#define MEMORY          16u
#define INITIATOR_VALID 1u
#define MEMORY_VALID    2u /* of revision 1 alone */

/* A structure of type MATRIX: places that ask, places that are asked, and a number for each pair. */
#define MATRIX         1u
#define MATRIX_SIZE    32u
#define CONDITIONS     8u /* the level of a cache, and others: 0 is the memory itself, without any */
#define KIND           9u
#define ACCESS_LATENCY 0u
#define READ_LATENCY   1u
#define ASKING         12u
#define ASKED          16u
#define UNIT           24u
#define UNREACHABLE    0xFFFFu

#define PICOSECONDS_OF_1 100u /* in revision 1 latencies are tenths of nanoseconds */

struct structure {
    const unsigned char *bytes;
    uint32_t type, size;
};

/* As acpi_next_entry(), but that lengths have four bytes here. */
static bool next_structure(const struct acpi_table *t, uint32_t *at, struct structure *s,
                           struct acpi_faults *faults)
{
    uint32_t left = *at < t->size ? t->size - *at : 0;
    if (left == 0)
        return false;
    s->bytes = t->bytes + *at;
    s->size = left < HEAD ? 0 : load32(s->bytes + LENGTH);
    if (s->size < HEAD || s->size > left) {
        faults->times[ACPI_FAULT_CUT]++;
        return false;
    }
    s->type = load16(s->bytes);
    *at += s->size;
    return true;
}

static enum acpi_fault take_attributes(struct acpi *a, const struct structure *s, uint32_t needed)
{
    if (s->size < ATTRIBUTES_SIZE)
        return ACPI_FAULT_SHORT;
    uint32_t memory = load32(s->bytes + MEMORY);
    if ((load16(s->bytes + FLAGS) & needed) != needed)
        return ACPI_FAULT_NONE;
    if (memory >= ACPI_PLACES_MAX)
        return ACPI_FAULT_PLACES;
    if (a->attached[memory] == 0 && load32(s->bytes + INITIATOR) != ACPI_NO_NODE)
        a->attached[memory] = load32(s->bytes + INITIATOR) + 1;
    return ACPI_FAULT_NONE;
}

/* In picoseconds; 0: not told, or so much that it means nothing. */
static uint32_t latency_of(uint16_t entry, uint64_t unit)
{
    if (entry == UNREACHABLE || unit > UINT32_MAX || entry * unit > UINT32_MAX)
        return 0;
    return (uint32_t)(entry * unit);
}

static bool tells_latency(const struct structure *s)
{
    uint8_t kind = s->bytes[KIND];
    return s->bytes[CONDITIONS] == 0 && (kind == ACCESS_LATENCY || kind == READ_LATENCY);
}

/* Each pair of one place that asks. */
static enum acpi_fault take_row(struct acpi *a, uint32_t from, const unsigned char *asked,
                                const unsigned char *entries, uint32_t count, uint64_t unit)
{
    enum acpi_fault worst = from < ACPI_PLACES_MAX ? ACPI_FAULT_NONE : ACPI_FAULT_PLACES;
    for (uint32_t j = 0; from < ACPI_PLACES_MAX && j < count; j++) {
        uint32_t to = load32(asked + (size_t)4 * j);
        if (to >= ACPI_PLACES_MAX) {
            worst = ACPI_FAULT_PLACES;
            continue;
        }
        uint32_t *told = &a->latency[from * ACPI_PLACES_MAX + to];
        if (*told == 0)
            *told = latency_of(load16(entries + (size_t)2 * j), unit);
    }
    return worst;
}

static enum acpi_fault take_matrix(struct acpi *a, const struct structure *s, uint32_t picoseconds)
{
    if (s->size < MATRIX_SIZE)
        return ACPI_FAULT_SHORT;
    uint64_t rows = load32(s->bytes + ASKING), columns = load32(s->bytes + ASKED);
    uint64_t room =
        s->size - MATRIX_SIZE; /* of both lists first, so that no product is too large */
    if (4 * rows + 4 * columns > room || 4 * rows + 4 * columns + 2 * rows * columns > room)
        return ACPI_FAULT_SHORT;
    uint64_t unit = load64(s->bytes + UNIT);
    unit = unit > UINT32_MAX ? UINT64_MAX : unit * picoseconds;
    const unsigned char *asking = s->bytes + MATRIX_SIZE, *asked = asking + 4 * rows;
    enum acpi_fault worst = ACPI_FAULT_NONE;
    for (uint32_t i = 0; tells_latency(s) && i < rows; i++) {
        const unsigned char *row = asked + 4 * columns + 2 * columns * i;
        enum acpi_fault fault =
            take_row(a, load32(asking + (size_t)4 * i), asked, row, (uint32_t)columns, unit);
        worst = fault != ACPI_FAULT_NONE ? fault : worst;
    }
    return worst;
}

void acpi_hmat(struct acpi *a, const struct acpi_table *t, const struct acpi_reader *r)
{
    bool first = t->bytes[REVISION] < 2;
    uint32_t needed = INITIATOR_VALID | (first ? MEMORY_VALID : 0);
    struct acpi_faults faults = {{0}};
    struct structure s;
    for (uint32_t at = STRUCTURES; next_structure(t, &at, &s, &faults);) {
        enum acpi_fault fault = ACPI_FAULT_NONE;
        if (s.type == ATTRIBUTES)
            fault = take_attributes(a, &s, needed);
        else if (s.type == MATRIX)
            fault = take_matrix(a, &s, first ? PICOSECONDS_OF_1 : 1);
        faults.times[fault]++;
    }
    acpi_tell_faults(r, t, &faults);
}
