/* From a file to a cleaned map, or to the sentences that say why there is none. Contract: desk.h. */
#include "tests/sim/desk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

int sim_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("memsim: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return 1;
}

static void no_map(const struct reader *r, const char *path)
{
    for (size_t i = 0; i < r->note_count; i++)
        fprintf(stderr, "memsim: line %u %s\n", r->notes[i].line, r->notes[i].text);
    if (r->skipped > 0)
        sim_fail("%s holds no usable memory map: none of its %" PRIu64 " map lines can be read",
                 path, r->skipped);
    else
        sim_fail("%s holds no memory map in its %" PRIu64
                 " lines; Linux prints one when booted with "
                 "efi=debug, the UEFI shell with the command memmap",
                 path, r->lines);
}

bool sim_read(struct reader *r, struct desk *d, const char *path)
{
    char error[512];
    memset(d, 0, sizeof *d);
    const char *problem = reader_file(r, path, error, sizeof error);
    if (problem != NULL)
        sim_fail("%s", problem);
    else if (r->count == 0)
        no_map(r, path);
    else if ((problem = desk_clean(d, r)) != NULL || (problem = desk_place(d, r)) != NULL)
        sim_fail("cannot use the map in %s: %s", path, problem);
    return problem == NULL && r->count > 0;
}
