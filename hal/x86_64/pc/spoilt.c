#include "hal/machine.h"
#include "hal/short.h"

/* The graphics of Intel's Sandy Bridge, device 2 of bus 0, reads and writes five pages of RAM by
 * itself; most firmware keeps them out of its map, but not all. */
#define GRAPHICS_DEVICE 2u

static const uint32_t graphics[] = {0x01028086u, 0x01128086u, 0x01228086u, 0x01068086u,
                                    0x01168086u, 0x01268086u, 0x010A8086u};
static const hal_paddr_t pages[] = {0x20050000u, 0x20110000u, 0x20130000u, 0x20138000u,
                                    0x40004000u};

struct machine_spoilt machine_spoilt(unsigned which)
{
    struct machine_spoilt none = {.size = 0};
    if (which >= ARRAY_LEN(pages))
        return none;
    uint32_t id = machine_read_pci(GRAPHICS_DEVICE, 0, 0); /* device and maker */
    for (unsigned i = 0; i < ARRAY_LEN(graphics); i++)
        if (id == graphics[i])
            return (struct machine_spoilt){pages[which], HAL_PAGE_SIZE, "Sandy Bridge graphics"};
    return none;
}
