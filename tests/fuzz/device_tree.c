/* libFuzzer over device trees (kernel/machine/tree/device_tree.h): the input is a tree, in an allocation of its
 * own. What comes out must hold together, and twice the same. */
#include "kernel/machine/tree/cpu_list.c"
#include "kernel/machine/tree/device_tree.c"
#include "kernel/machine/tree/distances.c"
#include "kernel/machine/tree/fdt.c"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *given[2][3];
static unsigned takes;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void *take(const void *ctx, uint64_t size)
{
    void **list = (void **)(uintptr_t)ctx;
    must(takes < 3 && size != 0);
    return list[takes++] = malloc(size);
}

static void reserve(const void *ctx, hal_paddr_t base, uint64_t size)
{
    UNUSED(ctx);
    must(takes == 0 && size != 0 && base + size - 1 >= base);
}

static void check(const struct acpi *a, bool sound)
{
    must(a->cpu_count == a->cpus && (a->cpus == 0 || a->cpu != NULL));
    must(a->range_count == 0 || a->has_srat);
    must(a->gic_version == 0 || a->gic_version == 2 || a->gic_version == 3);
    must(a->gic_version == 3 || a->redistributors == 0);
    must(!a->psci_by_hvc || a->psci);
    for (uint32_t i = 0; i < a->distance.count; i++) {
        const struct acpi_pair *p = &a->distance.pair[i];
        must(p->from == p->to ? p->value == 10 : p->value >= 10 && p->value <= UINT8_MAX);
    }
    for (uint32_t i = 1; i < a->cpu_count; i++)
        must(a->cpu[i - 1].id < a->cpu[i].id);
    for (uint32_t i = 0; i < a->range_count; i++)
        must(a->range[i].size != 0 && a->range[i].base + a->range[i].size > a->range[i].base);
    must(sound || a->tables == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct acpi a[2];
    const char *wrong[2];
    for (unsigned i = 0; i < 2; i++) {
        const struct device_tree_view view = {take, reserve, given[i]};
        unsigned char *copy = malloc(size != 0 ? size : 1);
        memcpy(copy, data, size);
        takes = 0;
        wrong[i] = device_tree_read(&a[i], &view, copy, (uint32_t)size);
        check(&a[i], wrong[i] == NULL);
        free(copy);
    }
    must(wrong[0] == wrong[1] && a[0].cpus == a[1].cpus && a[0].range_count == a[1].range_count);
    must(a[0].distance.count == a[1].distance.count);
    must(a[0].serial.address == a[1].serial.address &&
         a[0].gic_distributor == a[1].gic_distributor);
    for (uint32_t i = 0; i < a[0].cpu_count; i++)
        must(a[0].cpu[i].id == a[1].cpu[i].id && a[0].cpu[i].node == a[1].cpu[i].node);
    for (unsigned i = 0; i < 6; i++) {
        free(given[i / 3][i % 3]);
        given[i / 3][i % 3] = NULL;
    }
    return 0;
}
