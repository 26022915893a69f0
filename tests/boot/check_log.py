#!/usr/bin/env python3
"""Read the serial log of a boot and check its figures with equality, independently of mm/.

usage: check_log.py [--tests N] [--keepbs] [--installed MIB] LOG

What is usable is worked out here from the raw `map:` lines alone: RAM of types 1, 2, 3, 4 and 7
with write-back, neither special-purpose (unless the log says that the option sp=use was given) nor
read-protected, above the first MiB, where every entry that covers a page agrees. The kernel's own
numbers must then add up to that, page by page:
pages of the allocator + pages with an owner + bad pages = usable pages; with --keepbs also + those pages of types
1, 2, 3 and 4 that have no owner. The block "where is my RAM" is compared in the same way (where.py). Ends with "N passed, N failed".
"""
import argparse
import json
import re
import sys

import where
from checks import Checks
from grammar import Grammar

PAGE = 4096
MIB = 1 << 20
WB, RP, SP = 0x8, 0x2000, 0x40000
RAM_TYPES = {1, 2, 3, 4, 7}

STAMP = re.compile(r"^\[ *(\d+\.\d+)\] (.*)$")
ESCAPE = re.compile(r"\x1b\[[0-9;=?]*[A-Za-z]")
MAP = re.compile(r"^map: (\d+) 0x([0-9a-f]{16}) 0x([0-9a-f]{16}) 0x([0-9a-f]+)$")
WIDTH = re.compile(r"^cpu: .*, (\d+) physical address bits")
OWNER = re.compile(r"^owner: 0x([0-9a-f]{16}) 0x([0-9a-f]{16}) (\S.*), (\d+) pages, (\S.*)$")
LIMITS = re.compile(r"^zones: DMA ends at 0x([0-9a-f]{16}), DMA32 at 0x([0-9a-f]{16})$")
ZONE = re.compile(r"^zone: (\S+) total=(\d+) free=(\d+)")
NODE_ZONE = re.compile(r"^zone: (\S+) of node (\d+) total=(\d+) free=(\d+) parked=(\d+) largest_run=(\d+)")
NODE = re.compile(r"^node: (\d+), \d+ CPUs(?:: 0x([0-9a-f]{16}) 0x([0-9a-f]{16}), |, no memory$)")
READY = re.compile(r"\bPage allocator ready: (\d+) pages")
SELFTEST = re.compile(r"^selftest: (\d+) passed, (\d+) failed(?:, (\d+) skipped)?")
AUDIT = re.compile(
    r"^audit: (\d+) pages of usable RAM = (\d+) free \+ (\d+) parked \+ (\d+) allocated"
    r" \+ (\d+) withheld \+ (\d+) owned \+ (\d+) bad: exact$"
)
BAD = re.compile(r"^bad: 0x([0-9a-f]{16}) 0x([0-9a-f]{16}), (\d+) pages? kept from use$")
PAGES_OF_RESULT = ("free", "parked", "allocated", "withheld", "owned", "bad")
RESULT = ("commit", "verdict", "us", "cpus", "usable", *PAGES_OF_RESULT, "passed", "failed", "skipped", "anomalies")
SPACE = re.compile(
    r"^space: (\d+) pages of 4 KiB, (\d+) of 2 MiB, (\d+) of 1 GiB in (\d+) tables of ([45]) levels;"
)
TABLES = re.compile(
    r"^tables: (\d+) in use; the image gave (\d+) \((\d+) in use\), early memory (\d+) \((\d+)\),"
    r" the page allocator (\d+) \((\d+)\); \d+ pages spare$"
)


class Log:
    """The kernel's lines, without stamps, and the stamps."""

    def __init__(self, data):
        text = ESCAPE.sub("", data.decode("latin-1").replace("\r", ""))
        self.lines, self.times = [], []
        for line in text.split("\n"):
            found = STAMP.match(line)
            if found:
                self.times.append(float(found.group(1)))
                self.lines.append(found.group(2))
        self.last = text.rstrip().split("\n")[-1]

    def all(self, pattern):
        """Every match; a topic in the middle of a line counts where the pattern says so."""
        return [m for m in map(pattern.search, self.lines) if m]

    def topic(self, name):
        return [line for line in self.lines if line.startswith(name + ":")]


def sweep(entries, types=frozenset(RAM_TYPES)):
    """Runs (start, end) of whole usable pages of these types, from (type, start, end, attributes)."""
    sound = [e for e in entries if e[1] < e[2]]
    points = sorted({p for e in sound for p in (e[1], e[2])} | {MIB})
    runs = []
    for start, end in zip(points, points[1:]):
        cover = [e for e in sound if e[1] <= start and end <= e[2]]
        if start < MIB or not cover or not all(is_ram(e) and e[0] in types for e in cover):
            continue
        if runs and runs[-1][1] == start:
            runs[-1][1] = end
        else:
            runs.append([start, end])
    return [(s, e) for s, e in ((-(-s // PAGE) * PAGE, e // PAGE * PAGE) for s, e in runs) if s < e]


def pages_of_nodes(runs, taken, ranges):
    """Pages of the runs that are not taken, node by node; what lies in no range is the first node's."""
    sizes = dict.fromkeys((node for node, *_ in ranges), 0)
    for node, start, end in ranges:
        inside = [(max(s, start), min(e, end)) for s, e in runs if s < end and start < e]
        sizes[node] += sum(e - s for s, e in inside) // PAGE - pages_inside(inside, taken)
    everywhere = sum(e - s for s, e in runs) // PAGE - pages_inside(runs, taken)
    sizes[min(sizes)] += everywhere - sum(sizes.values())
    return sizes


def is_ram(entry):
    return entry[0] in RAM_TYPES and entry[3] & WB and not entry[3] & (RP | SP)


def pages_inside(runs, owners):
    """Pages of the owners that lie in the runs, each page once."""
    total, at = 0, 0
    for start, end in sorted(owners):
        start = max(start, at)
        for low, high in runs:
            total += max(0, min(end, high) - max(start, low)) // PAGE
        at = max(at, end)
    return total


class Checker(Checks):
    def __init__(self, log, tests, keepbs=False, installed=None):
        self.log, self.tests, self.keepbs, self.installed = log, tests, keepbs, installed

    def run(self):
        self.check_lines()
        self.check_map()
        self.check_pages()
        self.check_audit()
        self.check_ram()
        self.check_space()
        self.check_result()
        self.check_end()
        return self.end() == 0

    def check_lines(self):
        self.check(self.log.lines, "the log has lines `[seconds] topic: text`")
        self.check(self.log.times == sorted(self.log.times), "the stamps never go back")
        grammar = Grammar()
        wrong = [(line, why) for line in self.log.lines for why in [grammar.wrong(line)] if why]
        self.equal(wrong[:5], [], "lines that tests/boot/GRAMMAR.md does not have")

    def check_map(self):
        lines = self.log.topic("map")
        entries = self.log.all(MAP)
        self.check(entries, "the log holds the raw map")
        self.equal(len(entries), len(lines), "`map:` lines that are `TYPE START END ATTR`")
        # What lies beyond the CPU's address width is no memory.
        limit = 1 << int(([m[1] for m in self.log.all(WIDTH)] or ["52"])[0])
        unseen = SP if "memory: special-purpose memory is used like any other, as the option sp=use asks" in self.log.lines else 0
        self.entries = [
            (int(m[1]), int(m[2], 16), min(int(m[3], 16), limit), int(m[4], 16) & ~unseen) for m in entries
        ]

    def check_pages(self):
        runs = sweep(self.entries)
        usable = sum(e - s for s, e in runs) // PAGE
        owners = [(int(m[1], 16), int(m[2], 16)) for m in self.log.all(OWNER)]
        self.equal(len(owners), len(self.log.topic("owner")), "`owner:` lines that can be read")
        for m in self.log.all(OWNER):
            self.equal((int(m[2], 16) - int(m[1], 16)) // PAGE, int(m[4]), f"pages of {m[3]}")
        self.check(owners, "the image, the stack and the tables have owners")
        self.check(all(s < e and s % PAGE == e % PAGE == 0 for s, e in owners), "owners hold whole pages")
        self.check(
            all(a[1] <= b[0] for a, b in zip(sorted(owners), sorted(owners)[1:])), "owners do not overlap"
        )
        ready = [int(m[1]) for m in self.log.all(READY)]
        self.equal(len(ready), 1, "lines `Page allocator ready: N pages`")
        owned = pages_inside(runs, owners)
        spoilt = [(int(m[1], 16), int(m[2], 16)) for m in self.log.all(BAD)]
        for m in self.log.all(BAD):
            self.equal((int(m[2], 16) - int(m[1], 16)) // PAGE, int(m[3]), f"pages of the bad run at {m[1]}")
        bad = pages_inside(runs, spoilt)
        self.equal(sum(e - s for s, e in spoilt) // PAGE, bad, "bad pages are usable pages")
        self.equal(pages_inside(spoilt, owners), 0, "bad pages with an owner")
        withheld = 0
        if self.keepbs:
            free = sweep(self.entries, {7})
            withheld = usable - owned - bad - (sum(e - s for s, e in free) // PAGE - pages_inside(free, owners + spoilt))
        self.equal(sum(ready) + owned + withheld + bad, usable, f"pages of the allocator + {owned} with an owner + {withheld} kept from it + {bad} bad = usable")
        zones = self.log.all(ZONE)
        self.check(zones, "the log holds the zones")
        self.equal(sum(int(m[2]) for m in zones), sum(ready), "the zones' totals")
        self.check(all(int(m[3]) <= int(m[2]) for m in zones), "no zone has more free than it has")
        self.check_zones(zones, sweep(self.entries, {7}) if self.keepbs else runs, owners + spoilt)
        self.sums = usable, sum(ready), owned, withheld, bad
        self.check_nodes(zones, runs if not self.keepbs else None, owners + spoilt)
        print(f"     usable {usable} = {sum(ready)} of the allocator + {owned} with an owner")

    def check_nodes(self, zones, runs, taken):
        """The zones of nodes, against the sums over all nodes and, without keepbs, against the nodes' ranges and the raw map."""
        nodes = self.log.all(NODE)
        ranges = [(int(m[1]), *(int(m[i] or "0", 16) for i in (2, 3))) for m in nodes]
        mine = self.log.all(NODE_ZONE)
        self.equal(len(zones) + len(mine), len(self.log.topic("zone")), "`zone:` lines that can be read")
        if len({node for node, *_ in ranges}) < 2:
            self.equal(mine, [], "zones of nodes on a machine of one")
            return
        for m in zones:
            parts = [[int(n) for n in part.groups()[2:4]] for part in mine if part[1] == m[1]]
            self.equal([sum(column) for column in zip(*parts)] or [0, 0], [int(m[2]), int(m[3])], f"pages of {m[1]}, and of its nodes")
        totals = {}
        for m in mine:
            totals[int(m[2])] = totals.get(int(m[2]), 0) + int(m[3])
        if runs is not None and not any(line.endswith(" more ranges") for line in self.log.topic("node")):
            expected = pages_of_nodes(runs, taken, ranges)
            self.equal(totals, {node: pages for node, pages in expected.items() if pages}, "pages of each node, and of its ranges in the raw map")

    def check_zones(self, zones, runs, others):
        """Each zone has what lies between its ends, by the raw map."""
        limits = self.log.all(LIMITS)
        self.equal(len(limits), 1, "lines that say where the zones end")
        for m in limits:
            ends = [0, int(m[1], 16), int(m[2], 16), 1 << 64]
            self.equal(ends, sorted(ends), "the zones' order")
            for zone, low, high in zip(zones, ends, ends[1:]):
                inside = [(max(s, low), min(e, high)) for s, e in runs if max(s, low) < min(e, high)]
                pages = sum(e - s for s, e in inside) // PAGE - pages_inside(inside, others)
                self.equal(int(zone[2]), pages, f"pages of the zone {zone[1]}")

    def check_audit(self):
        usable, ready, owned, wanted, spoilt = self.sums
        audits = self.log.all(AUDIT)
        self.equal(len(audits), 1, "audits that end in `exact`")
        self.equal(len(self.log.topic("audit")), len(audits), "lines of the audit: no complaint")
        for m in audits:
            total, free, parked, allocated, withheld, kept, bad = (int(n) for n in m.groups())
            self.equal(free + parked + allocated + withheld + kept + bad, total, "the audit's own sum")
            self.equal(total, usable, "usable pages of the audit and of the raw map")
            self.equal(free + parked + allocated, ready, "the audit's pages of the allocator")
            self.equal((withheld, kept, bad), (wanted, owned, spoilt), "the audit's withheld, owned and bad pages")

    def check_ram(self):
        lines = [line.removeprefix("ram: ") for line in self.log.topic("ram")]
        usable, *_, bad = self.sums
        where.check(self, lines, self.entries, self.installed, bad)
        self.equal([f"for the page allocator {usable - bad} pages" in line for line in lines].count(True), 1,
                   "lines `ram: for the page allocator`, with the pages of the audit")  # fmt: skip

    def check_space(self):
        spaces, tables = self.log.all(SPACE), self.log.all(TABLES)
        self.equal(len(spaces), 2, "lines `space: ...`, before and after the tests")
        self.equal(len(tables), 2, "lines `tables: ...`, before and after the tests")
        for space, table in zip(spaces, tables):
            total, *stages = (int(n) for n in table.groups())
            self.equal(sum(stages[1::2]), total, "table pages in use, stage by stage")
            self.check(all(g >= u for g, u in zip(stages[::2], stages[1::2])), "no stage has more in use than given")
            self.equal(int(space[4]), total, "tables of the kernel's space, the only one, and table pages in use")
        self.equal(len({s.groups() for s in spaces}), 1, "different figures of the kernel's space before and after the tests")

    def check_result(self):
        """The counters for scripts, against the lines for people."""
        lines = self.log.topic("result")
        self.equal(len(lines), 1, "lines `result: {...}`")
        for line in lines:
            result = json.loads(line.partition(": ")[2])
            self.equal(sorted(result), sorted(RESULT), "what the result has")
            if sorted(result) != sorted(RESULT):
                continue
            usable, _, owned, withheld, bad = self.sums
            self.equal([result[key] for key in ("usable", "owned", "withheld", "bad")], [usable, owned, withheld, bad], "pages of the result")
            self.equal(sum(result[key] for key in PAGES_OF_RESULT), usable, "the result's own sum")
            tests = [m.groups("0") for m in self.log.all(SELFTEST)]
            self.equal([tuple(str(result[key]) for key in ("passed", "failed", "skipped"))], tests, "the result's tests")
            self.equal([f"verdict: {result['verdict']}", f"mortise: commit {result['commit']}"], [self.log.lines[-1], self.log.lines[0]], "its verdict and commit")
            running = [int(m[1]) for m in self.log.all(re.compile(r"^cpus: (\d+) of \d+ running"))]
            self.check(result["cpus"] in (running or [1]), f"CPUs of the result: {result['cpus']}, of the log {running}")
            self.check(abs(result["us"] / 1e6 - self.log.times[self.log.lines.index(line)]) < 0.5, "the time of the result")
            anomalies = sum(int(m[1]) if m[1] else 1 for m in self.log.all(re.compile(r"^anomaly: .*?(?:: (\d+) more of this kind)?$")))
            self.equal(result["anomalies"], anomalies, "anomalies of the result and of the log")

    def check_end(self):
        results = self.log.all(SELFTEST)
        self.equal(len(results), 1, "lines `selftest: N passed, M failed`")
        for m in results:
            skipped = int(m[3]) if m[3] else len(self.log.topic("skip"))
            self.equal(int(m[2]), 0, "failed tests")
            if self.tests is not None:
                self.equal(int(m[1]) + skipped, self.tests, "tests that the kernel ran")
        self.equal(self.log.lines[-1:], ["verdict: pass"], "the last line of the kernel")
        self.check(self.log.last.endswith("verdict: pass"), "nothing comes after the verdict")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--tests", type=int, help="tests that the kernel must have run")
    parser.add_argument("--keepbs", action="store_true", help="the firmware's memory was not reclaimed")
    parser.add_argument("--installed", type=int, help="MiB that are in the machine's slots")
    parser.add_argument("log")
    arguments = parser.parse_args()
    with open(arguments.log, "rb") as file:
        log = Log(file.read())
    sys.exit(0 if Checker(log, arguments.tests, arguments.keepbs, arguments.installed).run() else 1)


if __name__ == "__main__":
    main()
