/* tests/page/page.h: what JavaScript calls in memory.wasm. Numbers are 32 bits, addresses are offsets in the
 * machine's memory. A machine serves one text. */
#ifndef TESTS_PAGE_PAGE_H
#define TESTS_PAGE_PAGE_H

#include "hal/base.h"

/* Where the text of `size` bytes goes; 0: there is not that much memory. */
char *page_text(size_t size);

/* memsim's exit status: 0, or 1 with sentences among the errors. A trap is a bug, or memory ran out. */
int page_map(void);

/* What it said, and how many bytes: the JSON, or the errors. */
const char *page_said(bool errors);
size_t page_said_bytes(bool errors);

#endif
