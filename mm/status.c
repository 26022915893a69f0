#include "mm/status.h"

#include "hal/base.h"

static const char *const texts[] = {
    [STATUS_OK] = "is done",
    [STATUS_INVALID] = "has an argument out of range",
    [STATUS_OVERFLOW] = "goes past the end of the address space",
    [STATUS_FULL] = "does not fit in the storage given",
    [STATUS_NO_MEMORY] = "finds no run of free pages that fits",
    [STATUS_NOT_PAGE] = "is not the address of a page",
    [STATUS_FOREIGN] = "is not memory of this allocator",
    [STATUS_RESERVED] = "belongs to another owner",
    [STATUS_ALREADY_FREE] = "is already free",
    [STATUS_PARKED] = "is already free (parked with a CPU)",
    [STATUS_INTERIOR] = "lies inside an allocated run",
    [STATUS_WRONG_LENGTH] = "starts a run of another length",
    [STATUS_BUSY] = "has pages that are allocated",
    [STATUS_OVERLAP] = "already has an owner",
    [STATUS_UNMAPPED] = "has a page that is not mapped",
    [STATUS_NOT_CANONICAL] = "has an address that the CPU cannot translate",
    [STATUS_WX] = "would be writable and executable",
    [STATUS_TYPE] = "would change the memory type of mapped memory",
};

const char *status_text(status_t status)
{
    size_t index = (size_t)status;
    return index < ARRAY_LEN(texts) ? texts[index] : "has an unknown status";
}
