/* kernel/screen/picture.h: one screen that is a report: facts, zones, the memory map drawn to scale, the
 * self-test's progress, the verdict, and below them the log's last lines. Pure but for its canvas,
 * which the caller shows: context as kernel/boot_info.h. Drawing is O(pixels of the rows drawn).
 *
 * The map: rows of `map_width` pixels, address from left to right and on in the next row, each
 * pixel `scale` bytes and shown as the kind that has most of them (on a tie as a hole, else as the
 * kind that the legend has first). Rows with nothing in them are left out and replaced by one that
 * says how large the hole is. Below each row the zones.
 */
#ifndef KERNEL_SCREEN_PICTURE_H
#define KERNEL_SCREEN_PICTURE_H

#include "kernel/screen/canvas.h"
#include "kernel/log/format.h"
#include "mm/memmap.h"
#include "mm/pmm.h"

#define PICTURE_FACTS 4u /* rows of facts at the top */

struct picture {
    struct canvas *canvas;
    const struct memmap *map;
    /* Rows of characters; one at or beyond the grid's last is not shown. */
    uint32_t zone_row, map_row, map_rows, legend_row, progress_row, verdict_row, log_row;
    uint32_t map_x, map_width; /* pixels */
    uint64_t scale;            /* bytes a pixel: a power of two >= PAGE_SIZE */
};

/* Decide what goes where. Works at any size; what does not fit is not shown. Canvas and map stay
 * while the picture is used. O(regions) for each scale tried, 41 at most. */
void picture_init(struct picture *, struct canvas *, const struct memmap *);

/* Row `row` of the facts, below PICTURE_FACTS. */
void picture_fact(struct picture *, uint32_t row, const struct format_line *);

/* The map and its legend. O(regions + pixels). */
void picture_map(struct picture *);

/* A zone's bar: of its width, free and parked / total are green (rounded down), the rest yellow; of
 * a zone without memory all is grey. */
void picture_zone(struct picture *, enum pmm_zone, const struct pmm_stats *);

/* "what: done of total" and its bar. */
void picture_progress(struct picture *, const char *what, uint64_t done, uint64_t total);

/* One line over the whole width: green ground, or vermilion. */
void picture_verdict(struct picture *, const struct format_line *, bool good);

#endif
