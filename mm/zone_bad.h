/* mm/zone_bad.h: the bad pages of a zone.
 *
 * A bad page reads PAGE_WITHHELD in an open block, so nothing is ever found there, and no CPU comes to
 * own the block; all other pages of the block are used as before. A page that cannot be taken yet,
 * because somebody uses it or the firmware does, waits in a list, in records of the caller's. It
 * becomes bad when it is given back. No CPU owns a block with such a page either, so each free of it
 * comes here.
 *
 * Every function wants the zone's lock held. `page` is a page number.
 */
#ifndef MORTISE_MM_ZONE_BAD_H
#define MORTISE_MM_ZONE_BAD_H

#include "zone.h"

/* A free page of a block without an owner becomes bad. O(1). */
void zone_retire(struct zone *, struct place);

/* A page in use, of a block without an owner, becomes bad when it is given back. O(1). */
void zone_retire_later(struct zone *, uint64_t page, struct pmm_retiring *);

/* Does one of these pages wait? O(waiting). */
bool zone_awaits(const struct zone *, uint64_t page, uint64_t pages);

/* These pages of a region are free from now on: those that waited become bad. O(waiting). */
void zone_retire_given(struct zone *, const struct region *, uint64_t page, uint64_t pages);

/* Pages of a region that is being set up are bad. O(pages / 512). */
void zone_add_bad(struct zone *, const struct region *, uint64_t page, uint64_t pages);

#endif
