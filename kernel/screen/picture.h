/* kernel/screen/picture.h: draws one screen that is a report: facts, zones, the memory map to
 * scale, the progress of the self-test, the CPUs at work and the verdict. The rows below them are left
 * for the end of the log. Nothing but the canvas is changed, and the caller shows it. Context: as
 * kernel/boot_info.h. Drawing is O(pixels of the rows drawn).
 *
 * The map is drawn in rows of `map_width` pixels. Addresses rise from left to right and go on in
 * the next row. A pixel stands for `scale` bytes and has the colour of the kind that most of them
 * are; on a tie a hole wins, else the kind that comes first in the legend. Rows without any memory
 * are left out: one row says how large the hole is. A thin line below each row shows the zones. On a
 * machine of several nodes another one above it has the colour of the node that the first memory of the
 * pixel belongs to; where there is no memory it is black. Colours come again from the ninth node on.
 */
#ifndef KERNEL_SCREEN_PICTURE_H
#define KERNEL_SCREEN_PICTURE_H

#include "kernel/screen/canvas.h"
#include "kernel/log/format.h"
#include "kernel/machine/nodes.h"
#include "mm/memmap.h"
#include "mm/pmm.h"

#define PICTURE_FACTS 4u /* rows of facts at the top */

struct picture {
    struct canvas *canvas;
    const struct memmap *map;
    const struct pmm_machine *machine; /* says where the zones end, and how many CPUs there are */
    const struct nodes *nodes;
    /* Rows of characters. A row at or beyond the grid's number of rows is not shown. */
    uint32_t zone_row, map_row, map_rows, legend_row, node_row, progress_row, cpu_row, verdict_row,
        log_row;
    uint32_t map_x, map_width; /* pixels */
    uint64_t scale;            /* bytes a pixel: a power of two >= HAL_PAGE_SIZE */
};

/* Decide what goes where. Any size of canvas will do; what does not fit is not shown. Canvas, map, machine
 * and nodes must stay while the picture is used. Only where there are several nodes, and several CPUs, do
 * they have rows. O(regions) for each scale that is tried, 41 at most. */
void picture_init(struct picture *, struct canvas *, const struct memmap *,
                  const struct pmm_machine *, const struct nodes *);

/* Draw row `row` of the facts, below PICTURE_FACTS. */
void picture_fact(struct picture *, uint32_t row, const struct format_line *);

/* Draw the map and its legend, nodes too: their numbers are the firmware's, their sizes those of their
 * RAM. Of nodes for which there is no room the last entry says how many they are.
 * O(regions + pixels * log(ranges of nodes)). */
void picture_map(struct picture *);

/* Draw a zone's bar: the share of free and parked pages is green (rounded down), the rest yellow.
 * The bar of a zone without memory is grey. */
void picture_zone(struct picture *, enum pmm_zone, const struct pmm_stats *);

/* Draw "what: done of total" and its bar. */
void picture_progress(struct picture *, const char *what, uint64_t done, uint64_t total);

/* Draw how much of the work, which is `total`, each of `count` CPUs has done: parts of one bar, by turns
 * green and sky, from CPU 0 on. What nobody has done yet is grey. */
void picture_cpus(struct picture *, const uint64_t done[], uint32_t count, uint64_t total);

/* Draw the verdict over the whole width, on green ground when it is good, else on vermilion. */
void picture_verdict(struct picture *, const struct format_line *, bool good);

#endif
