/* How large the structs of the page allocator's tables are where pointers have 64 bits: the Makefile reads it from
 * what the compiler makes of this. They are the machine's; those of a page of the browser are smaller. */
#include "mm/pmm_struct.h"
#include "mm/zone.h"

unsigned char wide_pmm[sizeof(struct pmm)];
unsigned char wide_zone[sizeof(struct zone)];
unsigned char wide_cpu[sizeof(struct magazine_cpu)];
unsigned char wide_region[sizeof(struct region)];
unsigned char wide_withheld[sizeof(struct withheld)];
