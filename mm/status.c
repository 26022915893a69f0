#include "status.h"

#include "../hal/base.h"

static const char *const texts[] = {
    [MM_OK] = "is done",
    [MM_INVALID] = "has an argument out of range",
    [MM_OVERFLOW] = "goes past the end of the address space",
    [MM_FULL] = "does not fit in the storage given",
    [MM_NO_MEMORY] = "finds no run of free pages that fits",
    [MM_NOT_PAGE] = "is not the address of a page",
    [MM_FOREIGN] = "is not memory of this allocator",
    [MM_RESERVED] = "belongs to another owner",
    [MM_ALREADY_FREE] = "is already free",
    [MM_PARKED] = "is already free (parked with a CPU)",
    [MM_INTERIOR] = "lies inside an allocated run",
    [MM_WRONG_LENGTH] = "starts a run of another length",
    [MM_BAD] = "is bad memory, which is kept from use",
    [MM_BUSY] = "has pages that are allocated",
    [MM_OVERLAP] = "already has an owner",
    [MM_UNMAPPED] = "has a page that is not mapped",
    [MM_NOT_CANONICAL] = "has an address that the CPU cannot translate",
    [MM_WX] = "would be writable and executable",
    [MM_TYPE] = "would change the memory type of mapped memory",
};

const char *mm_status_text(mm_status_t status)
{
    size_t index = (size_t)status;
    return index < (sizeof texts / sizeof texts[0]) ? texts[index] : "has an unknown status";
}
