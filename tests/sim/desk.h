/* tests/sim/desk.h: a machine on the desk: mm/memmap cleans a map that was read, mm/pmm makes an
 * allocator of it for one CPU, and firmware memory is reclaimed, all as the kernel does it.
 *
 * The allocator's tables lie in the desk's own memory; the pages that they would take on the
 * machine are taken from its map all the same, so every figure is the machine's.
 *
 * RAM beyond the kernel's direct map (SPACE_DIRECT_SIZE of kernel/memory/space.h) has an owner and
 * is never handed out.
 *
 * desk_audit() checks what must hold: usable pages = those of the allocator + its tables + those
 * beyond the direct map, with equality; the runs that pmm_walk() visits add up to what the zones
 * say; and pmm_check() finds nothing wrong.
 */
#ifndef TESTS_SIM_DESK_H
#define TESTS_SIM_DESK_H

#include "kernel/machine/nodes.h"
#include "mm/memmap.h"
#include "mm/pmm.h"
#include "tests/sim/reader.h"

#include <stdio.h>

#define DESK_ANOMALIES 64 /* listed, without MEMMAP_LOW; all are counted in map.anomalies */

struct desk_anomaly {
    enum memmap_anomaly kind;
    uint64_t base, size;
};

/* A region of the allocator: memory without a hole, in one zone. */
struct desk_region {
    uint64_t base, pages;
    enum pmm_zone zone;
};

/* The nodes, as the text's SRAT gives them. */
struct desk_nodes {
    struct nodes kernel;
    uint64_t *usable_pages; /* by node: what the allocator may get, at once or at reclaim */
    uint64_t disputed;      /* ranges that claim memory which an earlier one gave to another node */
};

struct desk {
    struct memmap map;
    struct pmm *pmm;
    uint64_t type_pages[MEM_TYPE_COUNT]; /* of the cleaned map, before anything has an owner */
    uint64_t usable_pages;               /* of type usable, boot and loader together */
    uint64_t beyond_pages;               /* how many of those the direct map does not reach */
    uint64_t metadata_pages, pages, walked_pages;
    uint64_t zone_pages[PMM_ZONE_COUNT];
    uint64_t normalize_ns, reclaim_ns;
    uint64_t init_ns; /* the median of DESK_INITS calls of pmm_create_in */
    struct desk_anomaly anomalies[DESK_ANOMALIES];
    size_t anomaly_count; /* listed */
    struct desk_region *regions;
    size_t region_count;
    struct desk_nodes *nodes; /* NULL: the text names none */

    /* Private. */
    struct mem_region *storage;
    size_t region_capacity;
    void *tables;
    size_t tables_bytes;
    bool no_memory;
};

#define DESK_INITS 9

/* Clean the map of a reader that has found one. NULL, or a clause that says why not. */
const char *desk_clean(struct desk *, const struct reader *);

/* Place the cleaned map's memory in the nodes that the text names. After desk_clean(). NULL, or a
 * clause. */
const char *desk_place(struct desk *, const struct reader *);

/* Make the allocator and reclaim firmware memory. Once, after desk_clean(). NULL, or a clause. */
const char *desk_start(struct desk *);

/* NULL, or a clause that names the sum that does not agree. */
const char *desk_audit(const struct desk *);

/* Free what the desk has; after desk_clean(), or on a zeroed struct. */
void desk_free(struct desk *);

/* Print the nodes, as a section of `memsim map` and as a member of its JSON. */
void desk_print_nodes(const struct desk *);
void desk_json_nodes(const struct desk *);

/* The same for where the RAM is, if the text tells of memory modules. */
void desk_print_ram(const struct desk *, const struct reader *);
void desk_json_ram(const struct desk *, const struct reader *);

/* Write a size for people: "128 MiB", "3.91 GiB". Returns `out`. */
const char *human_size(uint64_t bytes, char *out, size_t size);
#define HUMAN(bytes) human_size((bytes), (char[24]){0}, 24)

/* Read a size in bytes: digits and one of K, M, G, T (with or without iB). 0 when it is not one. */
uint64_t parse_size(const char *text);

/* Print `text` as a JSON string, in quotation marks; bytes that are not ASCII become '?'. */
void print_json_string(FILE *, const char *text);

/* The sub-commands. argv[0] is the command's name. They return the exit status. */
int sim_map(int argc, char **argv);
int sim_draw(int argc, char **argv);
int sim_replay(int argc, char **argv);

/* Print "memsim: " and a sentence on standard error. Returns 1. */
int sim_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print how memsim is called. Returns 2. */
int sim_usage(void);

/* Read a map for a sub-command. When there is none, print a sentence on standard error and return
 * false. */
bool sim_read(struct reader *, struct desk *, const char *path);

#endif
