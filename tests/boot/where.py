"""Where the RAM is, worked out from a raw map alone: the figures that a log or report has under `ram:`.

Independent of mm/ and kernel/: the classes are painted (tests/data/maps/totals.py). The rule for reserved
memory is that of kernel/ram/ram.h. All figures are pages.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "maps"))
import totals  # noqa: E402

PAGE, GIB = 4096, 1 << 30
LOW_END, RESERVED_MAX = 4 * GIB, 256 << 20
NAMES = {"acpi": "ACPI tables", "specific": "special purpose", "persistent": "persistent", "unaccepted": "unaccepted",
         "nvs": "ACPI NVS", "runtime": "runtime services", "reserved": "reserved", "faulty": "faulty"}  # fmt: skip
CERTAIN = ("conventional", "boot", "loader", "acpi", "specific", "persistent", "unaccepted", "nvs", "runtime", "faulty")
ANCHORS = ("conventional", "boot", "loader", "acpi", "specific", "nvs")

SLOT = re.compile(r'^slot (\d+) "([^"]*)" "([^"]*)": (?:(\d+) pages, (\S+ \S+)(?:, [A-Z0-9a-z]+)?(?:, \d+ MT/s)?|empty|a module of unknown size(?:, \w+)?)$')
AT = re.compile(r"^slot (\d+) at 0x([0-9a-f]{16}) 0x([0-9a-f]{16})$")
MORE = re.compile(r"^(\d+) more slots hold (\d+) pages, (\S+ \S+)$")
INSTALLED = re.compile(r"^installed (\d+) pages, (\S+ \S+), in (\d+) of (\d+) slots$")
UNKNOWN = re.compile(r"^what is installed is not known: the SMBIOS: \S.*$")
FIGURE = re.compile(r"^(mapped|for the page allocator|kept by the firmware, [A-Za-z ]+,|kept from use, bad,|missing|in the map and in no slot"
                    r"|no RAM below 4 GiB|remapped above 4 GiB) (\d+) pages, (\S+ \S+)$")  # fmt: skip
WORDS = re.compile(r"^(slot \d+ is filled, and nothing of its module is in the map|as much as a whole module is missing: .*"
                   r"|less than a module is missing: .*|\d+ more address ranges of slots are not kept)$")  # fmt: skip


def size_text(size):
    """As %h of kernel/log/format.h has it: tenths, cut."""
    units, unit = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"], 0
    while size >> 10 * unit >= 1024 and unit + 1 < len(units):
        unit += 1
    tenths = (size * 10 >> 10 * unit) % 10
    return f"{size >> 10 * unit}.{tenths} {units[unit]}" if unit else f"{size} bytes"


def is_ram(run, top, certain):
    start, end = run
    touches = any(end == c[0] or start == c[1] for c in certain)
    return start < top or (end - start < RESERVED_MAX and touches)


def figures(entries, installed, bad=0):
    """What each line must say, from entries (type, start, end, attributes); `installed` in pages, None: not known;
    `bad` pages of those for the page allocator are kept from use."""
    sound = [(totals.classify(t, a), s, e) for t, s, e, a in entries if s < e]
    held = totals.paint(sound)
    runs = {kind: totals.union(held[kind]) for kind in held}
    certain = [run for kind in CERTAIN for run in runs[kind]]
    top = max([min(e, LOW_END) for kind in ANCHORS for s, e in runs[kind] if s < LOW_END] or [0])
    runs["reserved"] = [run for run in runs["reserved"] if is_ram(run, top, certain)]
    ram = [run for kind in (*CERTAIN, "reserved") for run in runs[kind]]
    mapped = totals.pages(ram)
    low = sum(max(0, min(e, LOW_END) - s) for s, e in ram) // PAGE
    want = {"mapped": mapped, "for the page allocator": sum(totals.pages(runs[k]) for k in totals.RAM)}
    if bad:
        want["for the page allocator"] -= bad
        want["kept from use, bad,"] = bad
    for kind, name in NAMES.items():
        if runs[kind]:
            want[f"kept by the firmware, {name},"] = totals.pages(runs[kind])
    gap = LOW_END // PAGE - low
    want |= {"no RAM below 4 GiB": gap, "remapped above 4 GiB": min(gap, mapped - low)}
    if installed is not None:
        want["missing" if installed >= mapped else "in the map and in no slot"] = abs(installed - mapped)
    return want


def check(checks, lines, entries, installed_mib=None, bad=0):
    """The lines of a block against the map; the installed memory too, where the caller knows it."""
    slots, said, installed, known = 0, {}, [], 0
    for line in lines:
        if found := SLOT.match(line) or MORE.match(line):
            pages = int(found[4] or 0) if found.re is SLOT else int(found[2])
            size = found[5] if found.re is SLOT else found[3]
            checks.check(size is None or size == size_text(pages * PAGE), f"pages and size agree: {line}")
            slots += pages
        elif found := INSTALLED.match(line):
            installed.append(int(found[1]))
            checks.equal(found[2], size_text(installed[-1] * PAGE), f"the size in: {line}")
        elif UNKNOWN.match(line):
            known += 1
        elif found := FIGURE.match(line):
            checks.equal(found[3], size_text(int(found[2]) * PAGE), f"the size in: {line}")
            checks.check(found[1] not in said, f"said once: {line}")
            said[found[1]] = int(found[2])
        else:
            checks.check(AT.match(line) or WORDS.match(line), f"a line of the block: {line}")
    checks.equal(len(installed) + known, 1, "lines that say what is installed, or that nobody knows")
    if installed:
        checks.equal(installed[0], slots, "pages installed, and those of all slots")
    if installed_mib is not None:
        checks.equal(installed, [installed_mib * 256], "pages installed, as the machine was asked for")
    checks.equal(said, figures(entries, installed[0] if installed else None, bad), "the figures of the block, and the raw map")
