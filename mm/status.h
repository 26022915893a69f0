/* mm/status.h: what a call can answer. One value per cause; a call that answers anything but
 * MM_OK has changed nothing (invariant P8). */
#ifndef MORTISE_MM_STATUS_H
#define MORTISE_MM_STATUS_H

typedef enum {
    MM_OK = 0,
    MM_INVALID,       /* an argument is out of the range its header gives */
    MM_OVERFLOW,      /* base + size does not fit in 64 bits */
    MM_FULL,          /* the caller's storage is too small; nothing was dropped */
    MM_NO_MEMORY,     /* no run of pages fits */
    MM_NOT_PAGE,      /* the address is not a multiple of the page size, or is 0 */
    MM_FOREIGN,       /* the address is no memory that this allocator manages */
    MM_RESERVED,      /* the memory has another owner: image, tables, firmware */
    MM_ALREADY_FREE,  /* the page is free */
    MM_PARKED,        /* the page is free and parked with a CPU: freed twice */
    MM_INTERIOR,      /* the page lies inside an allocated run, not at its start */
    MM_WRONG_LENGTH,  /* the run that starts here has another length */
    MM_BAD,           /* the page is bad, and kept from use */
    MM_BUSY,          /* a page of the range is allocated */
    MM_OVERLAP,       /* the range already has another owner */
    MM_UNMAPPED,      /* a page of the range is not mapped */
    MM_NOT_CANONICAL, /* the CPU cannot translate an address of the range */
    MM_WX,            /* it would be writable and executable */
    MM_TYPE,          /* it would change the memory type of mapped memory */
} mm_status_t;

#define MM_MUST_CHECK __attribute__((warn_unused_result))

/* A sentence fragment for people, never NULL: "is already free". */
const char *mm_status_text(mm_status_t status);

#endif
