/* memsim in a page of the browser. JavaScript makes a machine for each text: it puts the text at
 * page_text(), calls page_map(), and reads the JSON of `memsim map --json`, or the sentences that memsim
 * has where there is nothing to show. */
#include "tests/page/page.h"
#include "hal/hal.h"
#include "tests/page/libc.h"
#include "tests/sim/desk.h"

char *page_text(size_t size)
{
    return page_input(size);
}

int page_map(void)
{
    static char map[] = "map", name[] = "this text", json[] = "--json";
    char *arguments[] = {map, name, json, NULL};
    return sim_map(3, arguments);
}

const char *page_said(bool errors)
{
    size_t size;
    return page_output(errors, &size);
}

size_t page_said_bytes(bool errors)
{
    size_t size;
    (void)page_output(errors, &size);
    return size;
}

int sim_usage(void)
{
    return 2;
}

/* What mm/ asks of its kernel, and the page has no use for. */
_Noreturn void hal_panic(const char *what, const char *file, int line)
{
    fprintf(stderr, "memsim: %s (%s:%d)\n", what, file, line);
    __builtin_trap();
}

bool hal_call_others(void (*what)(void *), void *ctx)
{
    UNUSED(what);
    UNUSED(ctx);
    return true;
}

void hal_zero_pages(hal_paddr_t base, size_t pages)
{
    UNUSED(base);
    UNUSED(pages);
}
