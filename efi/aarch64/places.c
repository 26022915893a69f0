#include "efi/arch/places.h"
#include "kernel/log/keep.h"
#include "hal/short.h"

/* PSCI starts a CPU at any address. */
uint64_t places_trampoline(void)
{
    return 0;
}

/* RAM begins at 0, 1, 2 or 4 GiB on most boards. Its first and last megabytes are the firmware's. */
uint64_t places_kept(size_t index)
{
    static const uint64_t places[] = {GIB + 32 * MIB - KEEP_SIZE, GIB + 64 * MIB - KEEP_SIZE,
                                      GIB + 96 * MIB - KEEP_SIZE, 2 * GIB + 64 * MIB - KEEP_SIZE,
                                      64 * MIB - KEEP_SIZE,       4 * GIB + 64 * MIB - KEEP_SIZE};
    return index < ARRAY_LEN(places) ? places[index] : 0;
}

bool places_tables(uint64_t address, uint64_t size)
{
    (void)address;
    (void)size;
    return false;
}
