#include "kernel/machine/tree/cpu_list.h"

typedef bool order_fn(const struct acpi_cpu *x, const struct acpi_cpu *y);

static bool by_id(const struct acpi_cpu *x, const struct acpi_cpu *y)
{
    return x->id != y->id ? x->id < y->id : x->node < y->node;
}

static bool by_uid(const struct acpi_cpu *x, const struct acpi_cpu *y)
{
    return x->uid < y->uid;
}

static void swap(struct acpi_cpu *x, struct acpi_cpu *y)
{
    struct acpi_cpu was = *x;
    *x = *y;
    *y = was;
}

/* In a heap with the last one on top. */
static void sink(struct acpi_cpu *heap, uint32_t at, uint32_t count, order_fn *comes_first)
{
    uint32_t child = 2 * at + 1;
    while (child < count) {
        if (child + 1 < count && comes_first(&heap[child], &heap[child + 1]))
            child++;
        if (!comes_first(&heap[at], &heap[child]))
            return;
        swap(&heap[at], &heap[child]);
        at = child;
        child = 2 * at + 1;
    }
}

/* Heapsort, for a table may be a million entries in the worst order. */
static void sort(struct acpi_cpu *cpu, uint32_t count, order_fn *comes_first)
{
    for (uint32_t i = count / 2; i-- > 0;)
        sink(cpu, i, count, comes_first);
    for (uint32_t n = count; n-- > 1;) {
        swap(&cpu[0], &cpu[n]);
        sink(cpu, 0, n, comes_first);
    }
}

void cpu_list_sort(struct acpi *a, bool uid)
{
    sort(a->cpu, a->cpu_count, uid ? by_uid : by_id);
}

void cpu_list_close(struct acpi *a)
{
    uint32_t kept = 0;
    cpu_list_sort(a, false);
    for (uint32_t i = 0; i < a->cpu_count; i++) {
        const struct acpi_cpu c = a->cpu[i];
        if (kept != 0 && a->cpu[kept - 1].id == c.id)
            continue;
        a->cpus_x2 += c.node;
        a->cpu[kept++] = (struct acpi_cpu){c.id, ACPI_NO_NODE, c.uid, c.redistributor};
    }
    a->cpus = a->cpu_count = kept;
}

/* The first CPU that does not come before `wanted`. */
static struct acpi_cpu *first_from(struct acpi *a, const struct acpi_cpu *wanted,
                                   order_fn *comes_first)
{
    uint32_t low = 0, high = a->cpu_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (comes_first(&a->cpu[middle], wanted))
            low = middle + 1;
        else
            high = middle;
    }
    return low < a->cpu_count ? &a->cpu[low] : NULL;
}

struct acpi_cpu *cpu_list_find(struct acpi *a, uint32_t id)
{
    struct acpi_cpu *c = first_from(a, &(struct acpi_cpu){.id = id}, by_id);
    return c != NULL && c->id == id ? c : NULL;
}

struct acpi_cpu *cpu_list_find_uid(struct acpi *a, uint32_t uid)
{
    struct acpi_cpu *c = first_from(a, &(struct acpi_cpu){.uid = uid}, by_uid);
    return c != NULL && c->uid == uid ? c : NULL;
}

uint32_t cpu_list_id(uint64_t mpidr)
{
    return (uint32_t)(mpidr >> 32 & 0xFFu) << 24 | ((uint32_t)mpidr & 0xFFFFFFu);
}
