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

/* Counted as long as there is no list. */
static void tell(struct acpi_pairs *pairs, uint32_t from, uint32_t to, uint32_t value)
{
    if (pairs->pair != NULL)
        pairs->pair[pairs->count] = (struct acpi_pair){from, to, value};
    pairs->count++;
}

static enum acpi_fault take_attributes(struct acpi *a, const struct structure *s, uint32_t needed)
{
    if (s->size < ATTRIBUTES_SIZE)
        return ACPI_FAULT_SHORT;
    if ((load16(s->bytes + FLAGS) & needed) == needed)
        tell(&a->attached, load32(s->bytes + MEMORY), load32(s->bytes + INITIATOR), 0);
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
static void take_row(struct acpi *a, uint32_t from, const unsigned char *asked,
                     const unsigned char *entries, uint32_t count, uint64_t unit)
{
    for (uint32_t j = 0; j < count; j++) {
        uint32_t latency = latency_of(load16(entries + (size_t)2 * j), unit);
        if (latency != 0)
            tell(&a->latency, from, load32(asked + (size_t)4 * j), latency);
    }
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
    for (uint32_t i = 0; tells_latency(s) && i < rows; i++)
        take_row(a, load32(asking + (size_t)4 * i), asked, asked + 4 * columns + 2 * columns * i,
                 (uint32_t)columns, unit);
    return ACPI_FAULT_NONE;
}

static void each_structure(struct acpi *a, const struct acpi_table *t, struct acpi_faults *faults)
{
    bool first = t->bytes[REVISION] < 2;
    uint32_t needed = INITIATOR_VALID | (first ? MEMORY_VALID : 0);
    struct structure s;
    a->latency.count = a->attached.count = 0;
    for (uint32_t at = STRUCTURES; next_structure(t, &at, &s, faults);) {
        enum acpi_fault fault = ACPI_FAULT_NONE;
        if (s.type == ATTRIBUTES)
            fault = take_attributes(a, &s, needed);
        else if (s.type == MATRIX)
            fault = take_matrix(a, &s, first ? PICOSECONDS_OF_1 : 1);
        faults->times[fault]++;
    }
}

/* Pairs are counted first, and then there is memory for as many. */
void acpi_hmat(struct acpi *a, const struct acpi_table *t, const struct acpi_reader *r)
{
    struct acpi_faults faults = {{0}}, again = {{0}};
    each_structure(a, t, &faults);
    uint64_t latencies = a->latency.count, count = latencies + a->attached.count;
    struct acpi_pair *pair = count != 0 ? r->view->take(r->view->ctx, count * sizeof *pair) : NULL;
    if (pair != NULL) {
        a->latency.pair = pair;
        a->attached.pair = pair + latencies;
        each_structure(a, t, &again);
    } else {
        faults.times[ACPI_FAULT_PAIRS] = count != 0;
        a->latency.count = a->attached.count = 0;
    }
    acpi_tell_faults(r, t, &faults);
}
