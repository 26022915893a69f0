#include "efi/memory/kept.h"
#include "efi/arch/places.h"
#include "efi/memory/map.h"
#include "efi/talk/console.h"
#include "efi/talk/volume.h"
#include "kernel/log/keep.h"

#define PAGES (KEEP_SIZE / HAL_PAGE_SIZE)

static const struct keep *block_at(uint64_t place)
{
    return (const struct keep *)(uintptr_t)place;
}

/* Only memory that could be taken is read. */
static bool take(struct loader *l, uint64_t place, bool empty_too)
{
    size_t length = 0;
    if (!map_take_at(l, place, PAGES))
        return false;
    enum keep_found found = keep_look(block_at(place), &length);
    if (found == KEEP_DAMAGED && !empty_too)
        console_note(l,
                     "A log of an earlier boot was found in memory, but it is damaged; ignored.");
    if (found == KEEP_GOOD || empty_too) {
        l->info->keep = place;
        l->kept_length = length;
        return true;
    }
    (void)l->boot->FreePages(place, PAGES);
    return false;
}

void kept_find(struct loader *l)
{
    for (unsigned round = 0; round < 2; round++)
        for (size_t i = 0; places_kept(i) != 0; i++)
            if (take(l, places_kept(i), round == 1))
                return;
    console_note(l, "No memory at a known place: the log will not outlive a restart.");
}

const char *kept_text(const struct loader *l)
{
    return l->kept_length != 0 ? block_at(l->info->keep)->text : "";
}

void kept_write(struct loader *l)
{
    static struct volume_file f;
    if (l->kept_length == 0)
        return;
    console_note(l, "The log of an earlier boot was found in memory.");
    volume_create(l, &f, KEPT_NAME);
    volume_write(&f, block_at(l->info->keep)->text, l->kept_length);
    volume_finish(l, &f);
    if (efi_ok(f.status))
        l->kept_length = 0;
}
