#include "efi/arch/places.h"
#include "hal/short.h"
#include "kernel/log/keep.h"

/* An AP starts in real mode, and below the BIOS area at 640 KiB. */
uint64_t places_trampoline(void)
{
    return 0x9efff;
}

uint64_t places_kept(size_t index)
{
    static const uint64_t places[] = {MIB, 8 * MIB - KEEP_SIZE, 16 * MIB - KEEP_SIZE,
                                      32 * MIB - KEEP_SIZE, 64 * MIB - KEEP_SIZE};
    return index < ARRAY_LEN(places) ? places[index] : 0;
}

/* A BIOS and some hypervisors keep tables between 640 KiB and 1 MiB, which maps leave out. */
bool places_tables(uint64_t address, uint64_t size)
{
    return address >= 0xa0000 && address < MIB && size <= MIB - address;
}
