/* mm/pmm_hotplug.h: memory that comes and goes after creation: hot-plugged modules, balloons. Part of
 * mm/pmm.h, which says what the words mean.
 *
 * Where it may come is said to the map, as a window of type MEM_HOTPLUG: so the tables are large enough for
 * it from the start. A window is absent at first, ends where a zone does, and no run crosses its
 * border. Memory is added to it and removed from it in whole blocks of 2 MiB; what of a window is not
 * whole blocks is never used. What is memory from the start and shall go one day is a window too, and
 * is added right after creation.
 *
 * Absent pages are in no figure and no walk, and MM_FOREIGN to every call.
 */
#ifndef MORTISE_MM_PMM_HOTPLUG_H
#define MORTISE_MM_PMM_HOTPLUG_H

#include "pmm_types.h"
#include "status.h"

/* Memory has come: these pages of one window, all of them absent, are free from now on.
 *   MM_INVALID   not whole blocks, or none
 *   MM_FOREIGN   not all in one window
 *   MM_OVERLAP   a page of it is there already
 * Any context but NMI. Takes the zone's lock for O(pages / 512) at most; O(1) where a region of it was
 * never used. */
mm_status_t pmm_add(struct pmm *, hal_paddr_t base, size_t pages) MM_MUST_CHECK;

/* Memory goes: these pages of one window, all of them there and none in use, are absent from now on, the
 * bad ones too: what comes in their place is other memory.
 *   MM_INVALID   not whole blocks, or none
 *   MM_FOREIGN   not all in one window, or a page of it is absent: `*page` is the first
 *   MM_BUSY      a page of it is in use (or parked with a CPU that the port cannot reach): `*page` is the
 *                first
 * `page` may be NULL; without such a page HAL_PADDR_NONE is written. Any context but NMI. Takes the zone's
 * lock for O(pages / 512). Where a CPU owns a block of the zone and a page seems to be in use, it calls the
 * other CPUs. */
mm_status_t pmm_remove(struct pmm *, hal_paddr_t base, size_t pages,
                       hal_paddr_t *page) MM_MUST_CHECK;

#endif
