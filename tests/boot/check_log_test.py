#!/usr/bin/env python3
"""check_log.py must turn red: a good log made by hand passes, and each change to it fails.

Ends with "N passed, N failed".
"""
import contextlib
import io
import pathlib
import re
import sys

sys.dont_write_bytecode = True  # a test leaves nothing in the source tree
import check_log
from grammar import Grammar

# Worked out by hand. Usable: [1 MiB, 16 MiB) is 3840 pages, less the reserved page at 2 MiB: 3839;
# [16 MiB, 32 MiB) is 4096; boot services [32 MiB, 33 MiB) 256. In all 8191 pages. The image of
# 32 pages and the tables of 3 are owned: 8156 pages are left.
# RAM that the firmware keeps: 160 pages below 640 KiB, the reserved page and 256 without write-back are
# reserved memory with RAM behind; 256 are special-purpose, 1 is ACPI's: with the 8191, 8865 of 16384.
GOOD = """\
BdsDxe: starting Boot0001
[0.000050] mortise: commit 0123456789ab
[0.000100] map: 7 0x0000000000000000 0x00000000000a0000 0xf
[0.000200] map: 7 0x0000000000100000 0x0000000001000000 0xf
[0.000300] map: 0 0x0000000000200000 0x0000000000201000 0xf
[0.000300] map: 7 0x0000000001000000 0x0000000002000000 0xf
[0.000300] map: 4 0x0000000002000000 0x0000000002100000 0xf
[0.000300] map: 7 0x0000000002100000 0x0000000002200000 0x1
[0.000300] map: 7 0x0000000002200000 0x0000000002300000 0x4000f
[0.000300] map: 9 0x0000000002300000 0x0000000002301000 0xf
[0.000400] owner: 0x0000000001000000 0x0000000001020000 image, 32 pages, loader
[0.000400] owner: 0x0000000000008000 0x0000000000009000 trampoline, 1 pages, reserved
[0.000400] owner: 0x0000000001ffd000 0x0000000002000000 page allocator tables, 3 pages, usable
[0.000500] zones: DMA ends at 0x0000000001000000, DMA32 at 0x0000000100000000
[0.000500] zone: DMA total=3839 free=3839 parked=0
[0.000500] zone: DMA32 total=4317 free=4300 parked=0
[0.000500] zone: NORMAL total=0 free=0 parked=0
[0.000600] pmm: Page allocator ready: 8156 pages
[0.000600] ram: slot 0 "DIMM 0" "BANK 0": 16384 pages, 64.0 MiB, DDR4, 3200 MT/s
[0.000600] ram: slot 0 at 0x0000000000000000 0x0000000004000000
[0.000600] ram: slot 1 "DIMM 1" "": empty
[0.000600] ram: installed 16384 pages, 64.0 MiB, in 1 of 2 slots
[0.000600] ram: mapped 8865 pages, 34.6 MiB
[0.000600] ram: for the page allocator 8191 pages, 31.9 MiB
[0.000600] ram: kept by the firmware, ACPI tables, 1 pages, 4.0 KiB
[0.000600] ram: kept by the firmware, special purpose, 256 pages, 1.0 MiB
[0.000600] ram: kept by the firmware, reserved, 417 pages, 1.6 MiB
[0.000600] ram: missing 7519 pages, 29.3 MiB
[0.000600] ram: no RAM below 4 GiB 1039711 pages, 3.9 GiB
[0.000600] ram: remapped above 4 GiB 0 pages, 0 bytes
[0.000600] ram: less than a module is missing: memory for graphics
[0.000600] audit: 8191 pages of usable RAM = 8139 free + 0 parked + 17 allocated + 0 withheld + 35 owned + 0 bad: exact
[0.000700] space: 1241 pages of 4 KiB, 63 of 2 MiB, 0 of 1 GiB in 16 tables of 4 levels; 0 splits
[0.000700] tables: 16 in use; the image gave 12 (12 in use), early memory 4 (4), the page allocator 0 (0); 16 pages spare
[0.100000] selftest: 40 passed, 0 failed, 2 skipped
[0.100000] space: 1241 pages of 4 KiB, 63 of 2 MiB, 0 of 1 GiB in 16 tables of 4 levels; 7 splits
[0.100000] tables: 16 in use; the image gave 40 (12 in use), early memory 20 (3), the page allocator 10 (1); 15 pages spare
[0.100000] result: {"commit":"0123456789ab","verdict":"pass","us":100000,"cpus":1,"usable":8191,"free":8140,"parked":1,"allocated":15,"withheld":0,"owned":35,"bad":0,"passed":40,"failed":0,"skipped":2,"anomalies":0}
[0.100000] verdict: pass
"""

CHANGES = [
    ("one page more in the allocator", "ready: 8156", "ready: 8157"),
    ("an owner that is not shown", "[0.000400] owner: 0x0000000001ffd000 0x0000000002000000 page allocator tables, 3 pages, usable\n", ""),
    ("an owner that cannot be read", "0x0000000001020000 image", "0x1020000 image"),
    ("owners that overlap", "0x0000000001ffd000 ", "0x0000000001010000 "),
    ("an owner of part of a page", "0x0000000001020000 image", "0x0000000001020800 image"),
    ("a zone that does not add up", "DMA total=3839", "DMA total=3838"),
    ("more free than there is", "DMA32 total=4317 free=4300", "DMA32 total=4317 free=4318"),
    ("a zone that ends elsewhere", "DMA ends at 0x0000000001000000", "DMA ends at 0x0000000001021000"),
    ("zones in no order", "DMA32 at 0x0000000100000000", "DMA32 at 0x0000000000000000"),
    ("zones without an end", "zones: DMA", "pmm: DMA"),
    ("no zones", "zone:", "area:"),
    ("a map line of another form", "map: 9 0x0000000002300000", "map: 9 0x2300000"),
    ("a hidden map line", "[0.000300] map: 4 0x0000000002000000 0x0000000002100000 0xf\n", ""),
    ("reserved memory taken for RAM", "map: 0 0x0000000000200000", "map: 7 0x0000000000200000"),
    ("no map at all", "map: ", "plan: "),
    ("an audit that does not add up", "17 allocated", "18 allocated"),
    ("an audit of another map", "audit: 8191 pages of usable RAM = 8139", "audit: 8192 pages of usable RAM = 8140"),
    ("an audit that found something", "0 bad: exact", "0 bad: WRONG"),
    ("a complaint of the audit", "[0.000600] audit:", "[0.000600] audit: runs out of order: 1 is not 0\n[0.000600] audit:"),
    ("an owner with a wrong count", "image, 32 pages", "image, 31 pages"),
    ("a table that no stage gave", "16 in use; the image gave 12 (12", "16 in use; the image gave 12 (11"),
    ("a stage that has more in use than given", "gave 12 (12 in use), early memory 4 (4)", "gave 11 (12 in use), early memory 4 (4)"),
    ("a table of a space that is gone", "16 in use; the image gave 40 (12", "17 in use; the image gave 40 (13"),
    ("a mapping that a test left behind", "[0.100000] space: 1241", "[0.100000] space: 1242"),
    ("no figures of the kernel's space", "[0.000700] space: ", "[0.000700] room: "),
    ("tables that cannot be read", "[0.000700] tables: 16", "[0.000700] tables: some"),
    ("no audit", "audit:", "count:"),
    ("a failed test", "40 passed, 0 failed", "40 passed, 1 failed"),
    ("a test too few", "40 passed", "39 passed"),
    ("no self-test", "[0.100000] selftest: 40 passed, 0 failed, 2 skipped\n", ""),
    ("no verdict", "[0.100000] verdict: pass\n", ""),
    ("a failed verdict", "verdict: pass", "verdict: fail"),
    ("a line after the verdict", "verdict: pass\n", "verdict: pass\n[0.2] trap: page fault\n"),
    ("noise after the verdict", "verdict: pass\n", "verdict: pass\nBdsDxe: starting\n"),
    ("a stamp that goes back", "[0.000200]", "[0.900000]"),
    ("a page of RAM that is in no line", "reserved, 417 pages", "reserved, 416 pages"),
    ("a kind of kept memory that is not told", "[0.000600] ram: kept by the firmware, ACPI tables, 1 pages, 4.0 KiB\n", ""),
    ("a missing page too few", "missing 7519", "missing 7518"),
    ("missing memory that nobody tells", "[0.000600] ram: missing 7519 pages, 29.3 MiB\n", ""),
    ("a slot that does not add up", '"BANK 0": 16384', '"BANK 0": 16383'),
    ("a slot's size in other words", "16384 pages, 64.0 MiB, DDR4", "16384 pages, 65.0 MiB, DDR4"),
    ("more installed than the machine has", "installed 16384 pages, 64.0", "installed 16640 pages, 65.0"),
    ("a hole of another size", "4 GiB 1039711 pages", "4 GiB 1039712 pages"),
    ("memory that was not remapped", "above 4 GiB 0 pages, 0 bytes", "above 4 GiB 1 pages, 4.0 KiB"),
    ("another figure for the page allocator", "page allocator 8191 pages", "page allocator 8190 pages"),
    ("a size that is cut another way", "31.9 MiB", "32.0 MiB"),
    ("a line of the block that has no meaning", "ram: less than a module", "ram: about a module"),
    ("nothing about what is installed", "[0.000600] ram: installed 16384 pages, 64.0 MiB, in 1 of 2 slots\n", ""),
    ("a topic that the grammar has not", "[0.000600] audit", "[0.000600] wonder: what\n[0.000600] audit"),
    ("a line without a topic", "[0.000600] audit", "[0.000600] something\n[0.000600] audit"),
    ("another form of a fixed line", "ram: remapped above 4 GiB", "ram: moved above 4 GiB"),
    ("a result that does not add up", '"free":8140', '"free":8141'),
    ("another result than the audit's", '"usable":8191,"free":8140', '"usable":8192,"free":8141'),
    ("a result with other tests", '"passed":40', '"passed":41'),
    ("a result with another verdict", '"verdict":"pass"', '"verdict":"fail"'),
    ("a result without a counter", ',"cpus":1', ""),
    ("a result of another commit", '"commit":"0123', '"commit":"9123'),
    ("an anomaly that the result does not count", "[0.000600] audit", "[0.000600] anomaly: overlap: base 0x0000000000001000, 4096 bytes\n[0.000600] audit"),
    ("no result", "[0.100000] result: ", "[0.100000] test: "),
    ("two lines that say ready", "[0.000600] audit", "[0.000600] pmm: Page allocator ready: 0 pages\n[0.000600] audit"),
]


# The same machine with keepbs: the 256 pages of boot services are withheld.
KEPT = GOOD
for old, new in (('"free":8140', '"free":7884'), ('"withheld":0', '"withheld":256'), ("total=4317 free=4300", "total=4061 free=4044"), ("ready: 8156", "ready: 7900"),
                 ("8139 free", "7883 free"), ("0 withheld", "256 withheld")):
    assert old in KEPT
    KEPT = KEPT.replace(old, new)


# The same machine with a bad page.
BAD = "[0.000300] bad: 0x0000000001100000 0x0000000001101000, 1 pages kept from use\n"
SPOILT = GOOD.replace("[0.000400] owner", BAD + "[0.000400] owner", 1)
for old, new in (("total=4317 free=4300", "total=4316 free=4299"), ("ready: 8156", "ready: 8155"),
                 ("8139 free", "8138 free"), ("0 bad", "1 bad"), ('"free":8140', '"free":8139'), ('"bad":0', '"bad":1'),
                 ("page allocator 8191 pages, 31.9 MiB\n", "page allocator 8190 pages, 31.9 MiB\n[0.000600] ram: kept from use, bad, 1 pages, 4.0 KiB\n")):
    assert old in SPOILT
    SPOILT = SPOILT.replace(old, new)


# The same machine with two nodes, which the firmware calls 3 and 5: 5 has [16 MiB, 31 MiB), 3 the rest. The image's
# 32 pages lie on 5, so 3840 - 32 are left to it of the zone's 4317.
NODES = GOOD
for old, new in (("[0.000600] pmm", "[0.000500] zone: DMA of node 3 total=3839 free=3839 parked=0 largest_run=1 runs=1\n"
                  "[0.000500] zone: DMA32 of node 3 total=509 free=500 parked=0 largest_run=1 runs=1\n"
                  "[0.000500] zone: DMA32 of node 5 total=3808 free=3800 parked=0 largest_run=1 runs=1\n[0.000600] pmm"),
                 ("[0.000300] map", "[0.000300] node: 3, 1 CPUs: 0x0000000000000000 0x0000000001000000, 16.0 MiB of it RAM\n"
                  "[0.000300] node: 5, 1 CPUs: 0x0000000001000000 0x0000000001f00000, 15.0 MiB of it RAM\n"
                  "[0.000300] node: 7, 1 CPUs, no memory\n"
                  "[0.000300] node: 3 too: 4.0 MiB of RAM in no range\n[0.000300] map")):
    assert old in NODES
    NODES = NODES.replace(old, new, 1)


def verdict(text, keepbs):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        good = check_log.Checker(check_log.Log(text.encode()), 42, keepbs, 64).run()
    return good, said.getvalue()


def topics_of_sources():
    """The topics that the kernel's lines can have."""
    found = {"trap"}  # handed to panic_log_registers()
    top = pathlib.Path(__file__).resolve().parents[2]
    for path in [p for room in ("kernel", "tests/kernel") for p in (top / room).rglob("*.c")]:
        found |= set(re.findall(r'\b(?:LOG|SAY)\(\s*"([a-z]+)"', path.read_text(encoding="utf-8")))
    return found


def check_topics():
    grammar = Grammar()
    page, sources = {*grammar.forms, *grammar.free}, topics_of_sources()
    if page != sources:
        print(f"FAIL GRAMMAR.md has not the topics {sorted(sources - page)}, and these are nobody's: {sorted(page - sources)}")
    return page == sources


def main():
    good = check_topics()
    passed, failed = int(good), int(not good)
    rows = [("the good log", GOOD, True), ("carriage returns", GOOD.replace("\n", "\r\n"), True)]
    rows += [("an empty log", "", False)]
    for name, old, new in CHANGES:
        assert old in GOOD, name
        rows.append((name, GOOD.replace(old, new, 1) if old != "map: " else GOOD.replace(old, new), False))
    rows = [(*row, False) for row in rows]
    rows += [("keepbs", KEPT, True, True), ("keepbs that nobody asked for", KEPT, False, False),
             ("a bad page", SPOILT, True, False),
             ("a bad page that where the RAM is has not", SPOILT.replace("[0.000600] ram: kept from use, bad, 1 pages, 4.0 KiB\n", ""), False, False),
             ("a bad page that nobody named", SPOILT.replace(BAD, ""), False, False),
             ("a bad page that is handed out", GOOD.replace("[0.000400] owner", BAD + "[0.000400] owner", 1), False, False),
             ("a bad page with an owner", SPOILT.replace("0x0000000001100000 0x0000000001101000", "0x0000000001010000 0x0000000001011000"), False, False),
             ("a bad page that is no RAM", SPOILT.replace("0x0000000001100000 0x0000000001101000", "0x0000000000200000 0x0000000000201000"), False, False),
             ("bad pages that are not as many as it says", SPOILT.replace(", 1 pages kept", ", 2 pages kept"), False, False),
             ("nodes", NODES, True, False),
             ("a page on another node", NODES.replace("node 3 total=509", "node 3 total=508").replace("node 5 total=3808", "node 5 total=3809"), False, False),
             ("zones of nodes that are not the zone", NODES.replace("node 5 total=3808", "node 5 total=3807"), False, False),
             ("free pages of nodes that are not the zone's", NODES.replace("free=3800", "free=3801"), False, False),
             ("a node that is not told", re.sub(r".*zone: \S+ of node 3.*\n", "", NODES), False, False),
             ("a node with memory that it has not", NODES.replace("of node 5", "of node 7"), False, False),
             ("zones of nodes where there is one node", re.sub(r".*node: [57],.*\n", "", NODES), False, False),
             ("a line of a zone that cannot be read", NODES.replace("DMA32 of node 5 total", "DMA32 on node 5 total"), False, False),
             ("keepbs without effect", GOOD, False, True),
             ("a page of keepbs is lost", KEPT.replace("256 withheld", "255 withheld"), False, True)]
    for name, text, expected, keepbs in rows:
        good, said = verdict(text, keepbs)
        passed, failed = passed + (good == expected), failed + (good != expected)
        if good != expected:
            print(f"FAIL {name}: {'passes' if good else 'fails'}; check_log.py said:\n{said}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
