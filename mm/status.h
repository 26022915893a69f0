/* mm/status.h: what a call can answer. One value per cause; a call that answers anything but
 * STATUS_OK has changed nothing (invariant P8). */
#ifndef MM_STATUS_H
#define MM_STATUS_H

typedef enum {
    STATUS_OK = 0,
    STATUS_INVALID,       /* an argument is out of the range its header gives */
    STATUS_OVERFLOW,      /* base + size does not fit in 64 bits */
    STATUS_FULL,          /* the caller's storage is too small; nothing was dropped */
    STATUS_NO_MEMORY,     /* no run of pages fits */
    STATUS_NOT_PAGE,      /* the address is not a multiple of the page size, or is 0 */
    STATUS_FOREIGN,       /* the address is no memory that this allocator manages */
    STATUS_RESERVED,      /* the memory has another owner: image, tables, firmware */
    STATUS_ALREADY_FREE,  /* the page is free */
    STATUS_PARKED,        /* the page is free and parked with a CPU: freed twice */
    STATUS_INTERIOR,      /* the page lies inside an allocated run, not at its start */
    STATUS_WRONG_LENGTH,  /* the run that starts here has another length */
    STATUS_BUSY,          /* a page of the range is allocated */
    STATUS_OVERLAP,       /* the range already has another owner */
    STATUS_UNMAPPED,      /* a page of the range is not mapped */
    STATUS_NOT_CANONICAL, /* the CPU cannot translate an address of the range */
    STATUS_WX,            /* it would be writable and executable */
    STATUS_TYPE,          /* it would change the memory type of mapped memory */
} status_t;

#define MUST_CHECK __attribute__((warn_unused_result))

/* A sentence fragment for people, never NULL: "is already free". */
const char *status_text(status_t status);

#endif
