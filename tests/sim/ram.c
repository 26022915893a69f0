/* Where the RAM is, by the kernel's own count and in its own words (kernel/ram). Contract: desk.h. */
#include "tests/sim/desk.h"
#include "kernel/ram/ram_tell.h"

#include <inttypes.h>

static void print_line(void *ctx, const char *line)
{
    UNUSED(ctx);
    printf("  %s\n", line);
}

void desk_print_ram(const struct desk *d, const struct reader *r)
{
    struct ram ram;
    if (r->slots.source == SLOTS_NONE)
        return;
    printf("\nwhere the RAM is:\n");
    ram_count(&ram, &d->map, &r->slots.slots);
    ram_tell(&ram, &d->map, &r->slots.slots, print_line, NULL);
}

static void json_line(void *ctx, const char *line)
{
    const char **before = ctx;
    printf("%s\n    ", *before);
    print_json_string(stdout, line);
    *before = ",";
}

void desk_json_ram(const struct desk *d, const struct reader *r)
{
    struct ram ram;
    const char *before = "";
    printf("  \"ram\": ");
    if (r->slots.source == SLOTS_NONE) {
        printf("null,\n");
        return;
    }
    ram_count(&ram, &d->map, &r->slots.slots);
    printf("{\"known\": %s, \"installed_pages\": %" PRIu64 ", \"mapped_pages\": %" PRIu64
           ", \"allocatable_pages\": %" PRIu64 ", \"missing_pages\": %" PRIu64
           ", \"surplus_pages\": %" PRIu64 ", \"remapped_pages\": %" PRIu64 ", \"lines\": [",
           ram.known ? "true" : "false", ram.installed / HAL_PAGE_SIZE, ram.mapped / HAL_PAGE_SIZE,
           ram.allocatable / HAL_PAGE_SIZE, ram.missing / HAL_PAGE_SIZE,
           ram.surplus / HAL_PAGE_SIZE, ram.remapped / HAL_PAGE_SIZE);
    ram_tell(&ram, &d->map, &r->slots.slots, json_line, &before);
    printf("]},\n");
}
