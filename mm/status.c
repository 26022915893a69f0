#include "mm/status.h"

const char *status_text(status_t status)
{
    switch (status) {
    case STATUS_OK:
        return "is done";
    case STATUS_INVALID:
        return "has an argument out of range";
    case STATUS_OVERFLOW:
        return "goes past the end of the address space";
    case STATUS_FULL:
        return "does not fit in the storage given";
    case STATUS_NO_MEMORY:
        return "finds no run of free pages that fits";
    case STATUS_NOT_PAGE:
        return "is not the address of a page";
    case STATUS_FOREIGN:
        return "is not memory of this allocator";
    case STATUS_RESERVED:
        return "belongs to another owner";
    case STATUS_ALREADY_FREE:
        return "is already free";
    case STATUS_PARKED:
        return "is already free (parked with a CPU)";
    case STATUS_INTERIOR:
        return "lies inside an allocated run";
    case STATUS_WRONG_LENGTH:
        return "starts a run of another length";
    case STATUS_BUSY:
        return "has pages that are allocated";
    case STATUS_OVERLAP:
        return "already has an owner";
    }
    return "has an unknown status";
}
