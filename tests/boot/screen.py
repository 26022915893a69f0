#!/usr/bin/env python3
"""Boot with a screen of a given size, take a picture of it by QMP, and read it.

usage: screen.py [--panic] [--no-serial] [--words "K=V .."] [--machine "QEMU-ARGUMENT .."] [--png FILE]
                 WIDTHxHEIGHT RUN.SH-ARGUMENT...

The text is read back through the kernel's own font and compared with the serial log, exactly; the
zones' bars are measured in pixels against the log's figures; each pixel of the memory map is compared
with one that is worked out here from the log's raw `map:` and `owner:` lines. --panic: the boot is
broken on purpose, and the panic screen is read. --no-serial: the kernel finds no serial port, and the
screen alone must tell the verdict. --png: keep the picture. With --arch aarch64 the screen is ramfb, whose
size is 800x600, and --cpu must name one of CPUS. Ends with "N passed, N failed".
"""
import argparse
import importlib
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
import zlib

from checks import Checks
from monitor import ask

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
KIB, MIB, GIB, PAGE = 1 << 10, 1 << 20, 1 << 30, 4096

# Size of the screen -> (font, scale) of the picture and of the panic screen.
GRIDS = {
    (640, 480): (((8, 16), 1), ((8, 16), 1)),
    (800, 600): (((8, 16), 1), ((8, 16), 1)),
    (1280, 800): (((8, 16), 1), ((12, 24), 1)),
    (1920, 1080): (((12, 24), 1), ((8, 16), 2)),
    (3840, 2160): (((12, 24), 2), ((8, 16), 4)),
}
COLOURS = {
    "black": "101418", "grey": "999999", "shade": "30363c", "green": "009e73", "sky": "56b4e9",
    "yellow": "f0e442", "purple": "cc79a7", "orange": "e69f00", "white": "ffffff", "blue": "0072b2",
    "vermilion": "d55e00",
}
RGB = {name: bytes.fromhex(code) for name, code in COLOURS.items()}

# Kinds from the one that wins a pixel's tie to the one that loses it: name in the legend, colour.
KINDS = [("", "shade"), ("usable", "green"), ("boot services", "sky"), ("Mortise", "yellow"),
         ("ACPI", "purple"), ("runtime", "orange"), ("special", "white"), ("reserved", "grey"),
         ("devices", "blue"), ("bad RAM", "vermilion")]
HOLE, USABLE, BOOT, OURS, ACPI, RUNTIME, SPECIAL, RESERVED, DEVICES, BAD = range(10)
RAM = (USABLE, BOOT, OURS, ACPI, RUNTIME)
NODE_COLOURS = ["orange", "purple", "blue", "green", "vermilion", "white", "yellow", "sky"]
# UEFI type -> (rank: where entries overlap the higher wins, kind).
# As the panic screen names them; and what each CPU is called there, by QEMU's name.
CONTROL = {"x86_64": ["cr0", "cr2", "cr3", "cr4", "efer", "pat"],
           "aarch64": ["el", "sctlr", "tcr", "mair", "ttbr0", "ttbr1", "vbar", "cpacr"]}
CPUS = {"max": "QEMU TCG CPU version 2.5+", "cortex-a72": "Cortex-A72"}
TYPES = {7: (1, USABLE), 3: (2, BOOT), 4: (2, BOOT), 1: (3, BOOT), 2: (3, BOOT), 9: (4, ACPI),
         14: (6, SPECIAL), 15: (7, SPECIAL), 10: (8, ACPI), 5: (9, RUNTIME), 6: (9, RUNTIME),
         11: (11, DEVICES), 12: (11, DEVICES), 8: (12, BAD)}
OTHER = (10, RESERVED)
ZONES = {"DMA": "yellow", "DMA32": "sky", "NORMAL": "white"}


def human(size):
    units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    power = 0
    while power + 1 < len(units) and size >> (10 * (power + 1)):
        power += 1
    tenth = (size & ((1 << 10 * power) - 1)) * 10 >> (10 * power) if power else 0
    return f"{size >> 10 * power}" + (f".{tenth}" if power else "") + f" {units[power]}"


class Picture:
    """A PPM file, in squares of `scale` pixels."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
        self.size = int(head[1]), int(head[2])
        self.data, self.scale = data[head.end() :], 1

    def at(self, x, y):
        start = (y * self.size[0] + x) * self.scale * 3
        return self.data[start : start + 3]

    def line(self, y):
        return [self.at(x, y) for x in range(self.size[0] // self.scale)]

    def squares_are_even(self):
        """Is each square of one colour? The lines are compared whole, the columns in them."""
        width, step = self.size[0] * 3, self.scale
        for y in range(0, self.size[1] // step * step, step):
            line = self.data[y * width : (y + 1) * width]
            if any(self.data[(y + i) * width : (y + i + 1) * width] != line for i in range(step)):
                return False
            if any(line[i * 3 :: step * 3] != line[:: step * 3] for i in range(step)):
                return False
        return True

    def png(self, path):
        width, height = self.size
        rows = b"".join(b"\0" + self.data[y * width * 3 : (y + 1) * width * 3] for y in range(height))
        chunks = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")
        with open(path, "wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n")
            for name, body in chunks:
                file.write(struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)))


def load_font(size):
    """Bits of a cell, row by row -> its character."""
    sys.path.insert(0, os.path.join(ROOT, "kernel", "screen"))
    font = importlib.import_module("font")
    width, height = size
    cells = {}
    for code, glyph in zip(font.CHARACTERS, font.find(size)):
        step = (width + 7) // 8
        rows = [int.from_bytes(glyph[i : i + step], "big") >> (step * 8 - width) for i in range(0, len(glyph), step)]
        assert len(rows) == height and rows[0] >> (width - 1) == 0, "the top left pixel must be paper"
        assert tuple(rows) not in cells, "two characters look the same"
        cells[tuple(rows)] = chr(code)
    return cells


def read_text(picture, font):
    """The rows of the screen as text; what is no character becomes U+FFFD."""
    width, height = font
    cells = load_font(font)
    columns, rows = picture.size[0] // picture.scale // width, picture.size[1] // picture.scale // height
    out = []
    for row in range(rows):
        lines = [picture.line(y) for y in range(row * height, (row + 1) * height)]
        text = ""
        for column in range(columns):
            start, bits, seen = column * width, [], set()
            for line in lines:
                value = 0
                for pixel in line[start : start + width]:
                    value = value << 1 | (pixel != lines[0][start])
                    seen.add(pixel)
                bits.append(value)
            text += cells.get(tuple(bits), "\ufffd") if len(seen) <= 2 else "\ufffd"
        out.append(text.rstrip(" "))
    return out


def wrap(lines, columns):
    return [line[i : i + columns] for line in lines for i in range(0, max(len(line), 1), columns)]


class Log:
    def __init__(self, lines):
        self.lines = [line for line in lines if re.match(r"\[\d+\.\d{6}\] ", line)]
        self.plain = [line.split("] ", 1)[1] for line in self.lines]
        ends = self.find(r"zones: DMA ends at 0x(\w+), DMA32 at 0x(\w+)$")
        self.starts = [(0, "DMA"), (int(ends[1], 16), "DMA32"), (int(ends[2], 16), "NORMAL")] if ends else []

    def find(self, pattern):
        found = [m for m in (re.match(pattern, line) for line in self.plain) if m]
        return found[0] if found else None

    def ranges(self):
        """(start, end, kind) in order and disjoint, as the kernel must see memory."""
        entries = []
        for m in (re.match(r"map: (\d+) 0x(\w+) 0x(\w+) 0x(\w+)$", line) for line in self.plain):
            if m:
                rank, kind = TYPES.get(int(m[1]), OTHER)
                if kind in (USABLE, BOOT) and not int(m[4], 16) & 8:
                    rank, kind = OTHER
                entries.append((int(m[2], 16), int(m[3], 16), rank, kind))
        owners = []
        for m in (re.match(r"owner: 0x(\w+) 0x(\w+) .*, (\S.*)$", line) for line in self.plain):
            if m and m[3] in ("usable", "boot services", "loader"):
                owners.append((int(m[1], 16), int(m[2], 16)))
        bad = [(int(m[1], 16), int(m[2], 16)) for m in (re.match(r"bad: 0x(\w+) 0x(\w+), ", line) for line in self.plain) if m]
        points = sorted({p for e in entries for p in e[:2]} | {p for o in owners + bad for p in o} | {MIB})
        assert all(p % PAGE == 0 for p in points), "this reader of maps knows whole pages only"
        out = []
        for start, end in zip(points, points[1:]):
            cover = [e[2:] for e in entries if e[0] <= start and end <= e[1]]
            if not cover:
                continue
            kind = max(cover)[1]
            if kind in (USABLE, BOOT) and start < MIB:
                kind = RESERVED
            if any(a <= start and end <= b for a, b in owners):
                kind = OURS
            if any(a <= start and end <= b for a, b in bad):
                kind = BAD
            out.append((start, end, kind))
        return out

    def zone_of(self, at):
        return [name for start, name in self.starts if start <= at][-1]

    def nodes(self):
        """The nodes' numbers in order, and their ranges (start, end, number); a machine of one has none."""
        ranges = [(int(m[2], 16), int(m[3], 16), int(m[1])) for m in
                  (re.match(r"node: (\d+), \d+ CPUs: 0x(\w+) 0x(\w+),", line) for line in self.plain) if m]
        names = {int(m[1]) for m in (re.match(r"node: (\d+), \d+ CPUs[:,]", line) for line in self.plain) if m}
        return (sorted(names), ranges) if len(names) > 1 else ([], [])

    def work(self):
        """Pages that each CPU has written or verified in the last round of the exerciser."""
        found = [m for m in (re.match(r"exercise: pages written or verified by each CPU:((?: \d+)+)$", line) for line in self.plain) if m]
        return [int(n) for n in found[-1][1].split()] if found else []

    def zones(self):
        """name -> (total, free) pages when the picture is drawn, which is right after the audit. The screen's copy
        is taken by then, and what other CPUs and page tables need is of the same zone."""
        copy = self.find(r"screen: .* copy in (\d+) pages at 0x(\w+)$")
        mine = self.zone_of(int(copy[2], 16))
        found = [m for m in (re.match(r"zone: (\w+) total=(\d+) free=(\d+) parked=(\d+)", line) for line in self.plain) if m]
        out = {m[1]: (int(m[2]), int(m[3]) + int(m[4])) for m in found}
        audit = self.find(r"audit: .* = (\d+) free \+ (\d+) parked")
        taken = sum(free for _, free in out.values()) - int(audit[1]) - int(audit[2])
        assert taken >= int(copy[1]), "the screen's copy at least is taken"
        out[mine] = out[mine][0], out[mine][1] - taken
        return out

    def running(self):
        """CPUs that run."""
        found = self.find(r"cpus: (\d+) of \d+ running")
        return int(found[1]) if found else 1


def nodes_of_pixels(ranges, nodes, base, scale, count):
    """The colour of the node that the first memory of each pixel belongs to."""
    names, places = nodes
    colours = []
    for at in range(base, base + scale * count, scale):
        memory = min((max(start, at) for start, end, _ in ranges if start < at + scale and at < end), default=None)
        node = next((n for start, end, n in places if memory is not None and start <= memory < end), names[0])
        colours.append(RGB["black" if memory is None else NODE_COLOURS[names.index(node) % len(NODE_COLOURS)]])
    return colours


def kinds_of_pixels(ranges, base, scale, count):
    """The kind that has most of each pixel; bad, if any of it is."""
    kinds, first = [], 0
    for at in range(base, base + scale * count, scale):
        while first < len(ranges) and ranges[first][1] <= at:
            first += 1
        size = [0] * len(KINDS)
        for start, end, kind in ranges[first:]:
            if start >= at + scale:
                break
            size[kind] += min(end, at + scale) - max(start, at)
        size[HOLE] = scale - sum(size)
        kinds.append(BAD if size[BAD] else size.index(max(size)))
    return kinds


class Reader(Checks):
    def __init__(self, picture, font, log, arguments):
        self.picture, self.font, self.log = picture, font, log
        self.cpu, self.arch = option(arguments, "--cpu", "max"), option(arguments, "--arch", "x86_64")
        self.text = read_text(picture, font)
        self.columns = picture.size[0] // picture.scale // font[0]

    def row(self, text):
        return self.text.index(text) if text in self.text else None

    def check_log_tail(self, row):
        want = wrap(self.log.lines, self.columns)[row - len(self.text) :]
        self.equal(self.text[row:], [line.rstrip(" ") for line in want], "the log's end on the screen")

    def facts(self):
        firmware = self.log.find(r"firmware: (.*), revision (0x\w+), descriptors of (\d+) bytes")
        maps = sum(line.startswith("map: ") for line in self.log.plain)
        pages = self.log.find(r"pmm: Page allocator ready: (\d+) pages")
        bits = self.log.find(r"cpu: \S+, (\d+) physical address bits")
        size = "x".join(map(str, self.picture.size))
        return [
            self.log.find(r"mortise: (commit \S+)") and "Mortise, " + self.log.find(r"mortise: (commit \S+)")[1],
            f"Firmware: {firmware[1]}, revision {firmware[2]}; {maps} descriptors of {firmware[3]} bytes",
            f"CPU: {CPUS[self.cpu]}, {bits[1]} physical address bits",
            f"RAM: {human(int(pages[1]) * PAGE)} for the page allocator; screen {size}",
        ]

    def check_facts(self):
        want = [(" " + fact)[: self.columns] for fact in self.facts()]
        self.equal(self.text[:4], want, "the facts")

    def check_zones(self):
        width, height = self.font
        bar = self.columns - 8 - 55
        for i, (name, (total, free)) in enumerate(self.log.zones().items()):
            text = f"{human(free * PAGE)} free of {human(total * PAGE)}, largest run "
            self.check(self.text[4 + i].startswith(f" {name}"), f"the bar of {name} is in its place")
            self.check(text in self.text[4 + i], f"{name}: {text!r} is on the screen: {self.text[4 + i]!r}")
            line = self.picture.line((4 + i) * height + height // 2)[8 * width : (8 + bar) * width]
            green = free * bar * width // total if total else 0
            rest = "yellow" if total else "shade"
            self.equal((line.count(RGB["green"]), line.count(RGB[rest])), (green, bar * width - green), f"pixels of the bar of {name}")

    def expected_map(self, ranges, scale, width):
        """The rows of the map: an address, or -(size of a hole)."""
        step = scale * width
        used = sorted({i for a, b, _ in ranges for i in range(a // step, (b - 1) // step + 1)})
        rows, nxt = [], 0
        for i in used:
            if i > nxt:
                rows.append(-(i - nxt) * step)
            rows.append(i * step)
            nxt = i + 1
        return rows

    def check_map(self, ranges):
        width, height = self.font
        room = self.picture.size[0] // self.picture.scale - 16 * width
        pixels = room // 512 * 512
        head = re.match(r" Physical memory, (\d+)\.0 ([KMG])iB a pixel", self.text[7])
        self.check(head, f"the map's title: {self.text[7]!r}")
        scale = int(head[1]) * {"K": KIB, "M": MIB, "G": GIB}[head[2]]
        rows = self.expected_map(ranges, scale, pixels)
        finer = len(self.expected_map(ranges, scale // 2, pixels)) if scale > PAGE else 1 << 30
        most = (len(self.text) - 4 - 3 - 1 - self.legend_rows - self.node_rows - self.cpu_rows - 2) * 3 // 5
        self.check(len(rows) <= most < finer, f"{human(scale)} is the finest scale that fits {most} rows: {len(rows)} rows, {finer} at half of it")
        self.equal(self.legend, 8 + len(rows), "the row of the legend, right below the map")
        for row, base in enumerate(rows, 8):
            if base < 0:
                self.equal(self.text[row].strip(" "), f"nothing for {human(-base)}", f"row {row}, a hole")
                continue
            self.equal(self.text[row][:16].strip(" "), hex(base), f"address of row {row}")
            line = self.picture.line(row * height + height // 2)[16 * width : 16 * width + pixels]
            want = [RGB[KINDS[k][1]] for k in kinds_of_pixels(ranges, base, scale, pixels)]
            wrong = [i for i in range(pixels) if line[i] != want[i]]
            self.equal(wrong, [], f"pixels of row {row} of the map that have another kind than the log says")
            line = self.picture.line(row * height + height * 13 // 16)[16 * width : 16 * width + pixels]
            want = [RGB[ZONES[self.log.zone_of(a)]] for a in range(base, base + pixels * scale, scale)]
            self.check(line == want, f"the zones below row {row}")
            if self.nodes[0]:
                line = self.picture.line(row * height + height * 11 // 16)[16 * width : 16 * width + pixels]
                self.check(line == nodes_of_pixels(ranges, self.nodes, base, scale, pixels), f"the nodes below row {row}")

    def check_nodes(self, ranges):
        """The legend's entries of nodes: number, RAM, colour."""
        width, height = self.font
        names, places = self.nodes
        for i, name in enumerate(names):
            mine = [(start, end) for start, end, node in places if node == name]
            ram = sum(max(0, min(end, high) - max(start, low)) for start, end, kind in ranges if kind in RAM for low, high in mine)
            row, column = self.legend + self.legend_rows + i // (self.columns // 26), i % (self.columns // 26) * 26 + 1
            self.equal(self.text[row][column + 2 : column + 25].rstrip(" "), f"node {name} {human(ram)}", "an entry of the legend, a node")
            self.equal(self.picture.at(column * width + 2, row * height + height // 2), RGB[NODE_COLOURS[i]], f"the colour of node {name}")

    def check_cpus(self):
        """The CPUs' shares of the exerciser's work, by the log's figures."""
        work, row = self.log.work(), self.legend + self.legend_rows + self.node_rows + 1
        if not self.cpu_rows or not work:
            return
        width, height = self.font
        pixels = (self.picture.size[0] // self.picture.scale - 16 * width) // 512 * 512
        ends = [sum(work[: i + 1]) * pixels // sum(work) for i in range(len(work))]
        want = [RGB["sky" if sum(end <= x for end in ends) % 2 else "green"] for x in range(pixels)]
        self.check(all(work), f"each CPU has done its part: {work}")
        self.check(self.text[row].startswith(" CPUs at work"), f"the CPUs' row: {self.text[row]!r}")
        self.check(self.picture.line(row * height + height // 2)[16 * width : 16 * width + pixels] == want, f"the CPUs' shares on the screen are those of the log: {work}")
        rounds = self.log.find(r"exercise: (\d+) CPUs, (\d+) pages in .* 0 free pages left out")
        self.check(rounds and 4 * (int(rounds[2]) - 600) < sum(work) < 4 * int(rounds[2]), f"{work} is all pages four times, but for the exerciser's book")

    def check_legend(self, ranges):
        width, height = self.font
        size = [0] * len(KINDS)
        for start, end, kind in ranges:
            size[kind] += end - start
        across = self.columns // 26
        for i, kind in enumerate(k for k in range(1, len(KINDS)) if size[k]):
            row, column = self.legend + i // across, i % across * 26 + 1
            name = f"{KINDS[kind][0]} {human(size[kind])}"
            self.equal(self.text[row][column + 2 : column + 25].rstrip(" "), name, "an entry of the legend")
            self.equal(self.picture.at(column * width + 2, row * height + height // 2), RGB[KINDS[kind][1]], f"the colour of {name}")

    def check_picture(self):
        verdict = self.row(" verdict: pass")
        self.check(verdict is not None, "the verdict's row is there")
        if verdict is None:
            return
        across = self.columns // 26
        self.legend_rows = (len(KINDS) - 2 + across) // across
        self.nodes = self.log.nodes()
        self.node_rows = min(2, -(-len(self.nodes[0]) // across))
        self.cpu_rows = int(self.log.running() > 1)
        self.legend = verdict - 1 - self.legend_rows - self.node_rows - self.cpu_rows
        self.check(all(p == RGB["green"] for p in self.picture.line(verdict * self.font[1])), "its ground is green")
        tests = self.log.find(r"selftest: (\d+) passed, 0 failed(?:, (\d+) skipped)?")
        count = int(tests[1]) + int(tests[2] or 0)
        progress = self.text[verdict - 1 - self.cpu_rows]
        end = r"freeing: (\d+) of \1" if self.log.work() else f"self-test: {count} of {count}"
        self.check(re.search(f" {end}$", progress), f"progress: {progress!r}")
        ranges = self.log.ranges()
        self.check_facts()
        self.check_zones()
        self.check_map(ranges)
        self.check_legend(ranges)
        self.check_nodes(ranges)
        self.check_cpus()
        self.check_log_tail(verdict + 1)
        order = [self.log.plain.index(self.log.find(p)[0]) for p in (r"pmm: Page allocator ready.*", r"screen: \d+ columns.*")]
        self.check(order == sorted(order), "nothing is drawn before the allocator is ready")

    def check_progress(self, halfway):
        """The picture while the unit tests run: all is there but the verdict."""
        done = re.search(r"self-test: (\d+) of (\d+)$", halfway.text[self.legend + self.legend_rows + self.node_rows])
        self.check(done and 0 < int(done[1]) < int(done[2]), f"progress while the self-test runs: {done and done[0]}")
        self.equal(halfway.text[:4] + halfway.text[7 : self.legend], self.text[:4] + self.text[7 : self.legend], "the rest of the picture then")
        self.check(" verdict: pass" not in halfway.text, "no verdict before the end")

    def check_panic(self):
        facts = wrap(self.facts(), self.columns)
        self.equal(self.text[0], "Mortise has stopped: page fault", "the title")
        self.equal(self.picture.at(self.picture.size[0] // self.picture.scale - 1, 0), RGB["vermilion"], "its ground")
        state = [self.log.find(rf"trap: .*\b{name} (\S+)")[1] for name in CONTROL[self.arch]]
        image = self.log.find(r"image: at (\S+) .*in memory at (\S+) ")
        line = f"It was at: the self-test. Image at {image[1]}, in memory at {image[2]};"
        line += "".join(f" {name} {int(value, 16):#x}" for name, value in zip(CONTROL[self.arch], state))
        want = wrap([line], self.columns) + facts
        self.equal(self.text[1 : 1 + len(want)], want, "state and facts")
        rest = self.text[1 + len(want) :]
        rows = [line.rstrip(" ") for line in wrap(self.log.lines, self.columns)]
        first = next(i for i, line in enumerate(rows) if "] trap: page fault" in line)
        start = min(first, len(rows) - len(rest))
        self.equal(rest, rows[start : start + len(rest)], "the log from the fault on")
        self.check(any("backtrace: #1" in line for line in rest), "the backtrace is on the screen")


def option(arguments, name, otherwise):
    """What stands behind an option of run.sh."""
    return arguments[arguments.index(name) + 1] if name in arguments else otherwise


def shoot(path, folder):
    """The screen, when it has stopped changing."""
    before = b""
    for _ in range(40):
        file = os.path.join(folder, "screen.ppm")
        ask(path, [f"screendump {file}"], end=False)
        with open(file, "rb") as shot:
            now = shot.read()
        if now == before:
            return Picture(file)
        before = now
        time.sleep(0.5)
    sys.exit("screen.py: the screen never stops changing")


def boot(arguments, words, machine, folder, size, silent):
    """The log up to the verdict, and the picture."""
    path = os.path.join(folder, "qmp")
    screen = f"-vga none -device VGA,xres={size[0]},yres={size[1]},vgamem_mb=64,refresh_rate=30000"
    if option(arguments, "--arch", "x86_64") != "x86_64":
        screen = "-vga none -device ramfb"
    command = [os.path.join(ROOT, "run.sh"), "--no-install", "--log", os.path.join(folder, "serial"), *arguments,
               "--options", "exit=0 menu=off monitor=off " + words,
               "--qemu", f"{screen} {machine} -qmp unix:{path},server=on,wait=off"]
    log, picture, halfway = [], None, None
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as run:
        if silent:
            picture = wait_for_verdict(path, folder, size)
            ask(path, [])
        for raw in run.stdout:
            log.append(raw.decode("latin-1").rstrip("\r\n"))
            if halfway is None and re.search(r"\] test: skip pmm\.", log[-1]):
                file = os.path.join(folder, "halfway.ppm")
                ask(path, [f"screendump {file}"], end=False)
                halfway = Picture(file)
            if picture is None and re.search(r"\] verdict: ", log[-1]):
                picture = shoot(path, folder)
                ask(path, [])
    return log, picture, halfway


def wait_for_verdict(path, folder, size):
    font, scale = GRIDS[size][0]
    for _ in range(60):
        time.sleep(2)
        if not os.path.exists(path):
            continue
        picture = shoot(path, folder)
        picture.scale = scale
        if picture.size == size and " verdict: pass" in read_text(picture, font):
            return picture
    sys.exit("screen.py: the screen shows no verdict")


def silent_checks(picture, log, font, arguments):
    reader = Reader(picture, font, Log([]), arguments)
    kernel = [line for line in log if re.match(r"\[\d+\.\d{6}\] ", line)]
    reader.equal(kernel, [], "lines of the kernel on the serial port")
    reader.check(re.match(r"\[\d+\.\d{6}\] verdict: pass$", reader.text[-1]), f"the last row: {reader.text[-1]!r}")
    return reader


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--panic", action="store_true")
    parser.add_argument("--no-serial", action="store_true")
    parser.add_argument("--png")
    parser.add_argument("--words", default="")
    parser.add_argument("--machine", default="")
    parser.add_argument("size")
    known, arguments = parser.parse_known_args()
    size = tuple(map(int, known.size.split("x")))
    words = known.words + (" plant=fault" if known.panic else "") + (" serial=0x2f8" if known.no_serial else "")
    with tempfile.TemporaryDirectory() as folder:
        log, picture, halfway = boot(arguments, words, known.machine, folder, size, known.no_serial)
    if picture is None:
        print("\n".join(log[-20:]))
        sys.exit("screen.py: the boot came to no verdict")
    font, picture.scale = GRIDS[size][known.panic]
    if known.png:
        picture.png(known.png)
    if known.no_serial:
        reader = silent_checks(picture, log, font, arguments)
    else:
        reader = Reader(picture, font, Log(log), arguments)
        reader.equal(picture.size, size, "the screen's size")
        reader.check(picture.squares_are_even(), "each square is of one colour")
        if known.panic:
            reader.check_panic()
        elif "screen=log" in words:
            reader.check_log_tail(0)
        else:
            reader.check_picture()
            if "selftest=off" not in words and hasattr(reader, "legend"):
                halfway.scale = picture.scale
                reader.check_progress(Reader(halfway, font, Log(log), arguments))
    return reader.end()


if __name__ == "__main__":
    sys.exit(main())
