#!/usr/bin/env python3
"""Boot with a firmware that plays tricks (tests/boot/shim/shim.h), and compare what the kernel then says,
line by line, with what is worked out here from the firmware's real map and the tricks.

usage: shim_test.py [--arch NAME] [--image FILE] [--shim FILE] [--firmware NAME] [--jobs N] [--keep FOLDER] core|all|list|NAME...

core: the part that ./run.sh test boots; all: every case, the maps of that architecture's real machines
in tests/data/maps included. Every case must end in the right verdict or in the right sentence. Ends with
"N passed, N failed".
"""
import argparse
import concurrent.futures
import contextlib
import dataclasses
import glob
import io
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", "..", ".."))
sys.path.insert(0, os.path.dirname(HERE))
# pylint: disable=wrong-import-position
import check_log  # noqa: E402
from checks import Checks  # noqa: E402

PAGE, MIB, GIB = 4096, 1 << 20, 1 << 30
TOP = 1 << 64
RAM = {1, 2, 3, 4, 7}
LEFT_OUT = 256  # acpi-type
WB, RP, SP = 0x8, 0x2000, 0x40000

# How a boot can end: the kernel's verdict (run.sh's exit status 0 and 1), or the loader gives the
# machine back to the firmware with a sentence, or restarts it (both end the machine: status 3), or,
# where the shim has broken the image on purpose, the firmware's handler tells a fault.
PASS, FAIL, BACK, RESTART, FAULTS = "pass", "fail", "back", "restart", "faults"
STATUS = {PASS: 0, FAIL: 1, BACK: 3, RESTART: 3, FAULTS: 143}

NO_LOW = "No free page below 640 KiB: other processors cannot be started."
NOT_ASCII = "LoadOptions: reading stopped at a character that is not ASCII."
NO_IMAGE = "The firmware does not describe this image: no mortise.cfg, no LoadOptions."
NO_FOLDER = "The folder this program came from cannot be read: no mortise.cfg."
NO_REPORT = "mortise-report.txt is not written: unsupported. It goes on without."
NO_SCREEN = "No screen that can be drawn on; the serial port is the only output."
NO_ACPI = "The firmware names no usable ACPI tables; going on without."
STALL = re.compile(r"The firmware's Stall waits [2-7]\d times too short, by the PIT, which counts\.")
WRONG_BASE = "The firmware is wrong about where this image lies; its own headers count."
CANNOT_READ = "Mortise cannot start: the memory map cannot be read. A firmware update may help."
READ_ONCE = "Mortise cannot start: the memory map could be read once and no more. A firmware update may help."
NO_STACK = "Mortise cannot start: no memory for a stack and the first page tables. Start it on a machine with 48 MiB or more."
TOO_SMALL = "The firmware's answer: 0x8000000000000005 (buffer too small)."
COMPROMISED = "The firmware's answer: 0x8000000000000021 (compromised data)."
NO_MEMORY = "The firmware's answer: 0x8000000000000009 (out of resources)."
LAST_LINE = "by itself after half a minute."
MONITOR = "monitor: type help"
# By the firmware's handler, which then waits for ever.
FAULT = {"x86_64": "X64 Exception Type - 0E", "aarch64": "Synchronous Exception at 0x"}
BOOT_NAME = {"x86_64": "BOOTX64.EFI", "aarch64": "BOOTAA64.EFI"}


@dataclasses.dataclass
class Case:
    """One boot. `words` are those of shim.cfg; entries are (type, start, pages, attributes)."""

    name: str
    words: str = ""
    core: bool | str = False  # "u-boot": ./run.sh test boots it under U-Boot, which takes half the time
    memory: str = "256M"
    options: str = "selftest=off"
    add: tuple = ()
    overlay: tuple = ()  # (type, start, end, attributes)
    load_options: bytes = b""
    machine: tuple = ()  # more arguments for run.sh
    ends: str = PASS
    exits: int = 1  # calls of ExitBootServices
    attempts: int = 0  # tries of the loader to make one, if they are more
    notes: tuple = ()
    seconds: tuple = ()  # least and most from the image's start to its first try to exit
    says: tuple = ()  # sentences that must stand in the log, in this order
    unsaid: tuple = ()  # and texts that must not
    arch: str = "x86_64"

    def word(self, name, default=0):
        found = re.search(rf"(?:^| ){name}(?:=(\S+))?(?: |$)", self.words)
        if not found:
            return default
        return int(found[1], 0) if found[1] else 1


# ---- what the image must have been told ----


def end_of(base, pages):
    """As efi/base/rawmap.h promises: an end that passes 2^64 wraps, but not so that it says nothing."""
    if pages < TOP // PAGE:
        return (base + pages * PAGE) % TOP
    return TOP - PAGE if base == 0 else 0


def pieces(entry, real):
    """An entry of the overlay without what the firmware uses."""
    kind, start, end, attributes = entry
    marks = {start, end} | {p for _, s, n, _ in real for p in (s, s + n * PAGE) if start < p < end}
    runs = []
    marks = sorted(marks)
    for low, high in zip(marks, marks[1:]):
        holders = {t for t, s, n, _ in real if s <= low < s + n * PAGE}
        if not (holders == {7} or (not holders and kind not in RAM)):
            continue
        if runs and runs[-1][1] == low:
            runs[-1][1] = high
        else:
            runs.append([low, high])
    return [(kind, low, (high - low) // PAGE, attributes) for low, high in runs]


def shuffled(entries, seed):
    entries = list(entries)
    for left in range(len(entries), 1, -1):
        seed = (seed * 6364136223846793005 + 1442695040888963407) % TOP
        chosen = (seed >> 33) % left
        entries[chosen], entries[left - 1] = entries[left - 1], entries[chosen]
    return entries


def told(case, real, readings):
    """The map of the last reading: (type, start, pages, attributes)."""
    entries = list(real)
    if case.overlay:
        entries = [piece for entry in case.overlay for piece in pieces(entry, real)]
        entries += [entry for entry in real if entry[0] != 7]
    entries += case.add
    entries += [(0, 0xE000000000 + i * 2 * PAGE, 1, 0) for i in range(case.word("grow") * readings)]
    if case.word("no-low"):
        entries = [(4 if t == 7 and s < MIB else t, s, n, a) for t, s, n, a in entries]
    loader = case.word("loader-type", 2)
    if loader != 2:
        entries = [(loader if t in (1, 2) else t, s, n, a) for t, s, n, a in entries]
    acpi = case.word("acpi-type", 9)
    if acpi != 9:
        entries = [(acpi if t in (9, 10) else t, s, n, a) for t, s, n, a in entries]
        entries = [entry for entry in entries if entry[0] != LEFT_OUT]
    return shuffled(entries, case.word("shuffle")) if case.word("shuffle") else entries


# ---- what the kernel must make of it, by the words of mm/memmap.h ----

CLASSES = ["hole", "usable", "boot services", "loader", "ACPI tables", "special purpose", "persistent", "unaccepted",
           "ACPI NVS", "runtime services", "reserved", "device", "faulty"]  # fmt: skip
RANK = {name: i for i, name in enumerate(CLASSES)}
UEFI = ["reserved", "loader", "loader", "boot services", "boot services", "runtime services", "runtime services",
        "usable", "faulty", "ACPI tables", "ACPI NVS", "device", "device", "reserved", "persistent",
        "unaccepted"]  # fmt: skip


def class_of(kind, attributes):
    name = UEFI[kind] if kind < len(UEFI) else "reserved"
    if name in ("usable", "boot services", "loader"):
        if not attributes & WB or attributes & RP:
            return "reserved"
        if attributes & SP:
            return "special purpose"
    return name


ANOMALIES = ["unsorted", "overlap", "zero length", "wraps past the end of the address space",
             "beyond the physical address width", "unknown type", "RAM without the write-back attribute"]  # fmt: skip
ALIKE = 8  # lines of one kind; the rest is counted


def anomalies(entries, limit):
    """The lines, and the entries that are kept: (start, end, class)."""
    lines, kept, met = [], [], dict.fromkeys(ANOMALIES, 0)

    def note(text, base, size):
        met[text] += 1
        if met[text] <= ALIKE:
            lines.append(f"{text}: base 0x{base:016x}, {size} bytes")

    for kind, base, pages, attributes in entries:
        size = (end_of(base, pages) - base) % TOP
        if size == 0:
            note("zero length", base, size)
        elif base + size >= TOP:
            note("wraps past the end of the address space", base, size)
        elif base >= limit:
            note("beyond the physical address width", base, size)
        else:
            if kind >= len(UEFI):
                note("unknown type", base, size)
            elif UEFI[kind] in ("usable", "boot services", "loader") and not attributes & WB:
                note("RAM without the write-back attribute", base, size)
            if kept and base < kept[-1][0]:
                note("unsorted", base, size)
            if base + size > limit:
                note("beyond the physical address width", base, size)
            kept.append((base, min(base + size, limit), class_of(kind, attributes)))
    reach = 0
    for base, end, _ in sorted(kept, key=lambda k: (k[0], k[1])):
        if base < reach:
            note("overlap", base, min(reach, end) - base)
        reach = max(reach, end)
    return lines + [f"{text}: {n - ALIKE} more of this kind" for text, n in met.items() if n > ALIKE], kept


def pages_by_class(kept):
    """Where entries overlap the least usable wins; RAM below 1 MiB is reserved."""
    points = sorted({p for start, end, _ in kept for p in (start, end)} | {MIB})
    starts, ends = {}, {}
    for start, end, name in kept:
        starts.setdefault(start, []).append(name)
        ends.setdefault(end, []).append(name)
    cover, total = dict.fromkeys(CLASSES, 0), dict.fromkeys(CLASSES, 0)
    for low, high in zip(points, points[1:]):
        for name in ends.get(low, []):
            cover[name] -= 1
        for name in starts.get(low, []):
            cover[name] += 1
        name = max((n for n in CLASSES if cover[n]), key=RANK.get, default="hole")
        if high <= MIB and name in ("usable", "boot services", "loader"):
            name = "reserved"
        total[name] += (high - low) // PAGE
    return {name: pages for name, pages in total.items() if pages and name != "hole"}


# ---- the machine ----


def write(folder, name, data):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def read(path):
    with open(path, "rb") as file:
        return file.read()


def make_files(case, folder, arguments):
    boot = os.path.join(folder, "EFI", "BOOT")
    os.makedirs(boot)
    words = [case.words] + ["add=" + ",".join(hex(n) for n in entry) for entry in case.add]
    if case.load_options:
        words.append("load-options=" + case.load_options.hex())
    write(boot, BOOT_NAME[case.arch], read(arguments.shim))
    write(boot, "MORTISE.EFI", read(arguments.image))
    write(boot, "shim.cfg", "\n".join(words))
    if case.overlay:
        write(boot, "shim.map", "".join(f"{t} {s:#x} {e:#x} {a:#x}\n" for t, s, e, a in case.overlay))


def boot_case(case, arguments):
    """run.sh's status and the guest's log."""
    with tempfile.TemporaryDirectory() as folder:
        make_files(case, folder, arguments)
        command = [os.path.join(ROOT, "run.sh"), "--no-install", "--arch", case.arch, "--image", arguments.image, "--add", folder,
                   "--memory", case.memory, "--options", case.options, "--timeout", "120", *arguments.firmware, *case.machine]  # fmt: skip
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
            output = b""
            for data in iter(lambda: run.stdout.read1(65536), b""):
                output += data
                if MONITOR.encode() in output or FAULT[case.arch].encode() in output:
                    run.terminate()  # nothing comes after these
            status = run.wait()
    if arguments.keep:
        write(arguments.keep, case.name + ".log", output)
    return status, output


# ---- the checks ----


class Boot:
    def __init__(self, case, status, output, image):
        self.case, self.status, self.image = case, status, image
        # The monitor comes after the verdict, where nobody has told the kernel to exit.
        self.log = check_log.Log(re.split(rb"\n\[ *[0-9.]+\] console: ", output)[0])
        self.text = check_log.ESCAPE.sub("", output.decode("latin-1").replace("\r", ""))
        self.lines = self.text.split("\n")
        self.checks = Checks()

    def shim(self, topic):
        return [line[len(topic) + 7 :] for line in self.lines if line.startswith(f"shim: {topic} ")]

    def equal(self, actual, expected, what):
        self.checks.equal(actual, expected, f"{self.case.name}: {what}")

    def topic(self, name):
        return [line[len(name) + 2 :] for line in self.log.topic(name)]

    def run(self):
        self.check_end()
        self.check_sentences()
        exits = self.shim("exit")
        if self.case.ends in (PASS, FAIL):
            self.equal(len(exits), self.case.exits, "calls of ExitBootServices")
            self.check_map()
            self.check_rights()
        if self.case.ends == PASS:
            self.check_pass()
        elif self.case.ends == BACK:
            self.equal(exits, [], "calls of ExitBootServices")
        return self.checks

    def check_end(self):
        self.equal(self.status, STATUS[self.case.ends] if MONITOR not in self.text else 143, "exit status of run.sh")
        self.equal(self.shim("called after"), [], "services called after the exit")
        back = [line for line in self.lines if line.startswith("shim: stopped")]
        want = ["shim: stopped: the image came back; status"] if self.case.ends == BACK else []
        self.equal([line.rsplit(" ", 1)[0] for line in back], want, "how the shim was stopped")

    def check_sentences(self):
        at = 0
        for sentence in self.case.says:
            found = self.text.find(sentence, at)
            self.checks.check(found >= 0, f"{self.case.name}: {sentence!r} is said, in its place")
            at = max(at, found)
        for text in self.case.unsaid:
            self.checks.check(text not in self.text, f"{self.case.name}: {text!r} is not said")

    def check_map(self):
        real = [tuple(int(n, 16) for n in line.split()) for line in self.shim("real")]
        bits = re.search(r"(\d+) physical address bits", self.text)
        self.checks.check(real and bits, f"{self.case.name}: the shim tells the real map, the kernel the CPU's width")
        if not bits:
            return
        entries = told(self.case, real, int(self.shim("readings")[0], 16))
        want = [f"{t} 0x{s:016x} 0x{end_of(s, n):016x} {a:#x}" for t, s, n, a in entries]
        self.equal(self.topic("map"), want, "`map:` lines")
        if "sp=use" in self.case.options:
            entries = [(t, s, n, a & ~SP) for t, s, n, a in entries]
        odd, kept = anomalies(entries, 1 << int(bits[1]))
        if self.case.ends == PASS:
            self.equal(self.topic("anomaly"), odd, "`anomaly:` lines")
            said = dict(re.findall(r"\] memory: ([A-Za-z ]+): (\d+) pages", self.text))
            self.equal({name: int(n) for name, n in said.items()}, pages_by_class(kept), "pages by class")

    def check_rights(self):
        if not self.case.word("protect"):
            return
        by_itself = "x" if self.case.arch == "x86_64" else "-"  # a stack as the firmware has it
        stack = "stack rw" + (by_itself if self.case.word("protect") == 1 else "-")
        want = section_rights(self.image) + ["headers r--", stack]
        self.equal(self.shim("rights"), want, "rights of the image's sections at the exit")

    def check_pass(self):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            sound = check_log.Checker(self.log, None).run()
        self.checks.check(sound, f"{self.case.name}: check_log.py agrees:\n{said.getvalue()}")
        notes = self.topic("loader")
        same = [w if isinstance(w, str) else n if w.fullmatch(n) else w.pattern for w, n in zip(self.case.notes, notes + [""] * 9)]
        self.equal(notes, same, "the loader's notes")
        self.check_time()
        firmware = f"descriptors of {self.case.word('stride', 48)} bytes, left in {self.case.attempts or self.case.exits} attempts"
        self.checks.check(firmware in self.text, f"{self.case.name}: the log says {firmware!r}")
        low = [line for line in self.log.topic("reserve") if "trampoline" in line]
        needed = self.case.arch == "x86_64" and NO_LOW not in self.case.notes
        self.equal(len(low), 1 if needed else 0, "trampoline pages")
        if self.case.word("junk"):
            self.checks.check(int((self.shim("overwrote pages") or ["0"])[0].split()[0], 16) > 1000, f"{self.case.name}: junk")
            self.equal(self.shim("ground"), ["as it was"], "what the CPU and the loader stand on, amid the junk")

    def check_time(self):
        begin, end = (int(line, 16) for line in self.shim("seconds"))
        least, most = self.case.seconds or (0, 120)
        took = (end - begin) % 86400
        self.checks.check(least <= took <= most, f"{self.case.name}: {took} s to the first exit, {least} to {most} expected")


def section_rights(path):
    """Name and rights of each section, from the headers of the file."""
    data = read(path)
    pe = struct.unpack_from("<I", data, 0x3C)[0]
    count, optional = struct.unpack_from("<H", data, pe + 6)[0], struct.unpack_from("<H", data, pe + 20)[0]
    rights = []
    for i in range(count):
        at = pe + 24 + optional + 40 * i
        flags = struct.unpack_from("<I", data, at + 36)[0]
        name = data[at : at + 8].rstrip(b"\0").decode()
        rights.append(f"{name} r{'w' if flags >> 31 else '-'}{'x' if flags >> 29 & 1 else '-'}")
    return rights


# ---- the cases ----


def utf16(text):
    return text.encode("utf-16-le")


def at_mib(kind, mib, pages=16, attributes=0xF):
    return (kind, mib * MIB, pages, attributes)


# In a guest of 256 MiB the firmware uses neither 72 to 120 MiB nor anything beyond 2^32.
ODD = (
    at_mib(7, 72, 0), at_mib(0, 73, 0), (7, 0, 0, 0xF),  # zero length
    at_mib(0, 74), at_mib(7, 76), at_mib(9, 76), at_mib(9, 78, 512), at_mib(10, 79, 1),  # overlaps
    (7, TOP - PAGE, 2, 0xF), (0, TOP - PAGE, 1, 0xF), (7, 80 * MIB, TOP // PAGE, 0xF),  # wrapping
    (7, 0x1000, TOP // PAGE - 1, 0xF), (7, 1 << 45, 16, 0xF), (0, (1 << 40) - PAGE, 2, 0),  # too high
)  # fmt: skip
KINDS = (
    at_mib(15, 72, 256), at_mib(14, 74, 256), at_mib(16, 76, 256), at_mib(0x6FFFFFFF, 78, 3),
    at_mib(0x70000001, 80, 4), at_mib(0x80000001, 82, 5), at_mib(0xFFFFFFFF, 84, 6), at_mib(13, 86, 7),
    at_mib(7, 88, 256, 0xF | SP), at_mib(7, 90, 8, 0xF | RP), at_mib(7, 92, 9, 7), at_mib(8, 94, 10),
    at_mib(4, 96, 11, 0xF | SP), at_mib(12, 98, 12), at_mib(7, 100, 13, 0xF | 0x4000 | 0x20000 | 1 << 40),
)  # fmt: skip
# The same as a firmware would tell them: nothing overlaps.
TIDY_KINDS = tuple(
    (7, low * MIB, high * MIB, 0xF) if kind is None else (kind, low * MIB, high * MIB, attributes)
    for low, high, kind, attributes in (
        (1, 72, None, 0), (72, 76, 15, 0xF), (76, 80, None, 0), (80, 84, 7, 0xF | SP), (84, 85, 0x70000001, 0),
        (85, 86, 0x80000001, 0xF), (86, 90, 14, 0x800F), (90, 91, 8, 0xF), (91, 4096, None, 0),
    )  # fmt: skip
)


def many(first, at):
    """450 entries of one to four pages from `at` on, every other one reserved, and the rest from `first` on."""
    return tuple(
        (0 if i % 2 else 7, at + i * 4 * PAGE, at + (i * 4 + 1 + i % 4) * PAGE, 0xF) for i in range(450)
    ) + ((7, first, at, 0xF), (7, at + 8 * MIB, 4 * GIB, 0xF))


MANY = many(MIB, 72 * MIB)
RUBBISH = utf16("\\EFI\\x.efi selftest=off plant=panic") + bytes.fromhex("ffd80001ee7f0000deadbeef13")


def real_map(path):
    entries = []
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for kind, start, end, attributes in re.findall(r"^(\d+) (0x\w+) (0x\w+) (\S+)", text, re.M):
        entries.append((int(kind), int(start, 16), int(end, 16), 0xF if attributes == "-" else int(attributes, 16)))
    return tuple(entries), re.search(r"arch: (\w+)", text)[1]


def map_cases():
    """Every PC of tests/data/maps, in a guest whose RAM lies below 2 GiB and from 4 to 8 GiB."""
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "data", "maps", "*.map"))):
        entries, arch = real_map(path)
        if arch == "x86_64":
            name = os.path.basename(path)[:-4]
            yield Case("map-" + name, overlay=entries, memory="6G", core=name == "dell-inspiron-7520-8g")


def stride_cases():
    for size in (40, 56, 64, 4096):
        yield Case(f"stride-{size}", f"stride={size}", memory="128M")
    yield Case("stride-65536", "stride=65536 press=3", memory="128M", ends=BACK, says=(CANNOT_READ, TOO_SMALL))
    for size in (0, 39, 41, 44, 1 << 32):
        yield Case(f"stride-{size}", f"stride={size} press=3", core=size == 39, memory="128M", ends=BACK,
                   says=(CANNOT_READ, COMPROMISED))  # fmt: skip
    for version in (0, 2, 0xFFFFFFFF):
        yield Case(f"version-{version}", f"version={version}", memory="128M")


def exit_cases():
    forever = "exit-fail=0xffffffff"
    yield Case("exits", "exit-fail=3 exit-stale=2 stride=40 con-wild grow=6", core="u-boot", memory="128M", exits=6)
    yield Case("exit-at-the-last", "exit-fail=63 con-null", memory="128M", exits=64)
    yield Case("exit-stale", "exit-stale=20", memory="128M", exits=21)
    yield Case("exit-never", forever, memory="128M", ends=RESTART, says=(LAST_LINE, "shim: exit 0x40\n"),
               unsaid=("shim: exit 0x41", "mortise: commit"))  # fmt: skip
    yield Case("grow-slowly", "grow=6 exit-fail=60", memory="128M", exits=61)
    yield Case("grow-too-fast", "grow=150 " + forever, memory="128M", ends=RESTART, says=(LAST_LINE, "shim: exit 0x"),
               unsaid=("mortise: commit",))  # fmt: skip
    yield Case("never-large-enough", "small-from=2 press=3", memory="128M", ends=BACK, says=(CANNOT_READ, TOO_SMALL))
    yield Case("read-once", "small-from=3 press=3", core=True, memory="128M", ends=BACK, says=(READ_ONCE,))
    yield Case("small-for-a-while", "exit-fail=1 small-after=1 small-count=40", memory="128M", exits=2, attempts=42)
    yield Case("read-then-never", "small-after=2 " + forever, memory="128M", ends=RESTART,
               says=(LAST_LINE, "shim: exit 0x2\n"), unsaid=("shim: exit 0x3", "mortise: commit"))  # fmt: skip


def list_cases():
    yield Case("odd-entries", "stride=64 shuffle=7", core="u-boot", add=ODD)
    yield Case("odd-entries-in-order", add=ODD)
    # With the self-test, which must find page 0 unmapped, and hear nothing of the timer that still ticks.
    yield Case("kinds", "version=2 con-null lines", core=True, options="", add=(*KINDS, (10, 0, 1, 0xF)),
               says=("owner: 0x0000000000000000 0x0000000000001000 page 0, 1 pages, ACPI NVS",
                     "acpi: 2 lines of 1 I/O APICs were open, and are masked"))  # fmt: skip
    yield Case("kinds-apart", overlay=TIDY_KINDS)
    yield Case("many", "no-low", core="u-boot", overlay=MANY, load_options=RUBBISH, notes=(NOT_ASCII, NO_LOW))
    yield Case("many-shuffled", "shuffle=12345 stride=56", overlay=MANY)
    yield Case("shuffled", "shuffle=99", memory="3G")
    yield Case("shuffled-large", "shuffle=5", memory="8G")
    yield Case("little-ram", overlay=((7, 72 * MIB, 72 * MIB + 16 * PAGE, 0xF),))
    yield Case("least-ram", overlay=((7, 72 * MIB, 72 * MIB + PAGE, 0xF),), ends=FAIL,
               says=("pmm_create finds no run of free pages that fits",
                     "panic: no free memory in the firmware's map is large enough for the page allocator"))  # fmt: skip
    # Page 0 as something that is RAM and not for the allocator: nothing may map it all the same.
    for kind in (5, 6, 9, 10):
        yield Case(f"page-0-as-{kind}", options="", memory="128M", add=((kind, 0, 1, 0xF),),
                   says=(f"owner: 0x0000000000000000 0x0000000000001000 page 0, 1 pages, {UEFI[kind]}",))
    yield Case("low-ram", overlay=((7, 0, 16 * MIB, 0xF),))
    yield Case("high-ram", overlay=((7, 4 * GIB, 8 * GIB, 0xF),), memory="6G")
    beyond = ((7, 64 << 40, 1 << 18, 0xF), (4, 80 << 40, 1 << 18, 0xF), (2, 81 << 40, 3, 0xF))
    yield Case("beyond-direct-map", core=True, add=beyond, notes=(NO_SCREEN,),
               # OVMF takes minutes for that width.
               machine=("--firmware", "u-boot", "--cpu", "max,phys-bits=48", "--qemu", "-vga none"),
               says=("reserve: beyond the direct map 0x0000400000000000 0x0000400040000000, 262144 pages",
                     "reserve: beyond the direct map 0x0000500000000000 0x0000500040000000, 262144 pages",
                     "reserve: beyond the direct map 0x0000510000000000 0x0000510000003000, 3 pages"))
    yield Case("loader-as-free", "loader-type=7")
    for kind in (0, 11, 0x80000000):
        yield Case(f"loader-as-{kind}", f"loader-type={kind}", memory="128M", ends=FAIL,
                   says=("panic: the firmware's map says that this program lies in no RAM",))  # fmt: skip
    yield Case("loader-as-runtime", "loader-type=6")
    yield Case("no-ram", overlay=((0, MIB, 4 * GIB, 0xF),), memory="128M", ends=FAIL,
               says=("panic: the firmware's map has no free RAM",))  # fmt: skip
    for attributes, sentence in ((7, "says of none of its free RAM that it can be cached write-back"),
                                 (0xF | SP, "keeps all free RAM for a special purpose; the option sp=use")):
        yield Case(f"ram-with-{attributes:x}", overlay=((7, MIB, 4 * GIB, attributes),), memory="128M", ends=FAIL,
                   core=attributes == 7 and "u-boot", says=("panic: the firmware's map " + sentence,))  # fmt: skip
    yield Case("ram-special-used", overlay=((7, MIB, 4 * GIB, 0xF | SP),), options="sp=use selftest=off", memory="128M")


def random_cases(low, high, count):
    """Entries of every kind, anywhere but on what the image and the firmware stand on."""
    for seed in range(1, count + 1):
        chance = random.Random(seed)
        add = []
        for _ in range(50 * seed):
            kind = chance.choice([*range(17), 7, 7, 7, 0x70000000 + seed, 0xFFFFFFFF])
            start = chance.randrange(low, high, PAGE)
            pages = chance.choice([0, 1, 2, chance.randrange(512), chance.randrange(2048), TOP // PAGE + seed])
            add.append((kind, start, pages, chance.choice([0xF, 0xF, 0xF, 8, 7, 0, 0xF | SP, 0xF | RP])))
        yield Case(f"random-{seed}", f"shuffle={seed} stride={40 + 8 * seed}", add=tuple(add))


# What an OVMF with its tables read says, and what it says when nothing of them can be.
WITH_ACPI = ("acpi: XSDT at 0x", "acpi: FACP at 0x", "acpi: DSDT at 0x", "root pointer 0x", ": sound", "acpi: 2 CPUs",
             "power: off by space 1, address 0x604", "by HPET;")  # fmt: skip
WITHOUT_ACPI = ("power: reset without ACPI", "power: off by the button", "by PIT;")


def acpi_cases():
    """ACPI's tables in memory of every type, and in none."""
    smp = ("--smp", "2")
    # As it was seen (shared/cases): all but the last pages of OVMF's tables in reserved memory.
    yield Case("acpi-reserved-in-part", memory="128M", machine=smp, add=((0, 0x7770000, 16, 0xF),),
               says=WITH_ACPI, unsaid=("it touches",))
    for kind in (0, 13, 14, 99, LEFT_OUT):
        yield Case(f"acpi-as-{kind}", f"acpi-type={kind}", core=kind == LEFT_OUT, memory="128M", machine=smp,
                   says=WITH_ACPI, unsaid=("it touches",))  # fmt: skip
    for kind, why in ((8, "memory that is faulty"), (11, "what the firmware's map calls device memory"),
                      (12, "what the firmware's map calls device memory"), (15, "memory that has not been accepted")):
        yield Case(f"acpi-as-{kind}", f"acpi-type={kind}", memory="128M", machine=smp, unsaid=("acpi: 2 CPUs",),
                   says=("acpi: root pointer 0x", ": it touches " + why, *WITHOUT_ACPI))  # fmt: skip
    # One page of the tables belongs to a device: the tables there are lost and named, no others.
    # And 16 MiB are uncached, of which caching_cases() has more.
    yield Case("acpi-page-of-a-device", "uncached-at=0x2000000", core=True, memory="128M", machine=smp,
               add=((11, 0x7777000, 1, 1),),
               says=("acpi: a table at 0x0000000007777000: it touches what the firmware's map calls device memory",
                     "root pointer 0x", ": sound",
                     "reserve: not write-back 0x0000000002000000 0x0000000003000000, 4096 pages",
                     "power: off by space 1, address 0x604", "by HPET;"),
               unsaid=("acpi: 2 CPUs",))  # fmt: skip
    yield Case("acpi-above-4g", "rsdp-at=0x100001000", memory="6G", machine=smp, says=WITH_ACPI)
    yield Case("acpi-vga-area", "rsdp-at=0xa0000", memory="128M", machine=smp,
               says=("acpi: root pointer 0x00000000000a0", ": sound", *WITH_ACPI[5:]))
    # U-Boot leaves the BIOS area writable.
    for name, words in (("acpi-bios-area", "rsdp-at=0xf0000"), ("acpi-u-boot", f"acpi-type={LEFT_OUT}")):
        yield Case(name, words, memory="512M", notes=(NO_SCREEN,), machine=(*smp, "--firmware", "u-boot"),
                   says=("acpi: FACP at 0x", ": sound", "acpi: 2 CPUs"))  # fmt: skip


def caching_cases():
    """RAM that an MTRR makes uncached, as firmware leaves a tail of it; nobody gets it."""
    yield Case("uncached", "uncached-at=0x2000000", memory="128M",
               says=("caching: 0x0000000000100000 0x0000000002000000 write-back",
                     "caching: 0x0000000002000000 0x0000000003000000 uncached",
                     "caching: 0x0000000003000000 0x0000000008000000 write-back",
                     "reserve: not write-back 0x0000000002000000 0x0000000003000000, 4096 pages",
                     "owner: 0x0000000002000000 0x0000000003000000 not write-back, 4096 pages, usable"))  # fmt: skip
    # The image, its stack and the tables lie in it: they stay, and the rest is kept from the allocator.
    yield Case("uncached-image", "uncached-at=0x5000000", memory="128M", options="", says=("reserve: not write-back 0x",))
    yield Case("uncached-large", "uncached-at=0x100000000", memory="6G",
               says=("reserve: not write-back 0x0000000100000000 0x0000000101000000, 4096 pages",))  # fmt: skip


def image_cases():
    lost = (NO_IMAGE, NO_FOLDER, NO_REPORT)
    # The proof that the rights are in force.
    for broken in (1, 2):
        yield Case(f"protect-broken-{broken}", f"protect=1 broken={broken}", memory="128M", ends=FAULTS, says=(FAULT["x86_64"],))
    yield Case("protect-image", "protect=1", memory="128M")
    yield Case("protect-all", "protect=2 junk=2 no-path bss", core=True, memory="128M")
    yield Case("protect-free", "protect=3", memory="128M")
    yield Case("protect-free-large", "protect=3 junk=1", memory="3G")
    yield Case("protect-large", "protect=2", memory="3G")
    yield Case("junk", "junk=1", memory="128M")
    yield Case("junk-3G", "junk=1", memory="3G")
    yield Case("junk-smp", "junk=2", machine=("--smp", "4"))
    yield Case("junk-secboot", "junk=2 protect=2", machine=("--firmware", "secboot"))
    yield Case("junk-u-boot", "junk=2 stride=40 exit-fail=2", exits=3, notes=(NO_SCREEN,),
               machine=("--firmware", "u-boot"))  # fmt: skip
    yield Case("junk-self-test", "junk=2", options="")
    yield Case("no-loaded-image", "no-loaded", notes=lost, says=("verdict: pass",))
    yield Case("no-device", "no-device", load_options=utf16("exit=1 selftest=off"), notes=(NO_FOLDER, NO_REPORT))
    yield Case("no-path", "no-path", memory="128M")
    yield Case("wrong-base", "wrong-base", memory="128M", notes=(WRONG_BASE,))
    yield Case("load-options", memory="128M", load_options=utf16("\ufefffs0:\\m.efi colour=red selftest=off\0\0x"),
               says=('options: "colour=red" is not an option of this kernel; ignored',))  # fmt: skip
    yield Case("load-options-8-bit", memory="128M", load_options=bytes(range(255, 0, -1)), notes=(NOT_ASCII,))
    yield Case("no-low-page", "no-low", memory="128M", notes=(NO_LOW,))
    yield Case("page-zero", "zero-page", memory="128M")
    yield Case("page-zero-only", "zero-page no-low", memory="128M", notes=(NO_LOW,))
    yield Case("no-pages", "no-pages=1 press=3", memory="128M", ends=BACK, says=(NO_STACK, NO_MEMORY))
    # Trampoline, two for the map, stack, cleaned map, page tables: each may be the first that fails.
    for count in range(2, 7):
        yield Case(f"no-pages-{count}", f"no-pages={count} press=3", memory="128M", ends=BACK, says=(NO_STACK, NO_MEMORY))
    # The seconds of the menu, and the log's clock: the machine's own timer counts.
    yield Case("hurry", "hurry=79", core=True, memory="128M", options="menu=4 selftest=off", seconds=(4, 19), notes=(STALL,),
               machine=("--machine", "q35,acpi=off"), says=("by PIT; by the firmware's Stall",
                                                            "the firmware's Stall is more than four times off; PIT counts"))  # fmt: skip
    yield Case("hurry-hopeless", "hurry=100000", memory="128M", options="menu=10 selftest=off", seconds=(10, 25),
               notes=(re.compile(r"The firmware's Stall waits \d{2,} times too short, by the PIT, which counts\."),))  # fmt: skip
    # A screen as some firmware tells it: no pitch, and the size of a whole BAR, which here reaches into RAM. And
    # what is free is not mapped after the exit.
    yield Case("screen-odd", "gop-pitch=0 gop-size=0x180000000 protect=3", core=True, memory="3G", options="selftest=off tables=log",
               says=("screen: 1280x800, pitch 1280, at 0x00000000c0000000",
                     "mapping: 0xffffc00040200000 0xffffc000403e8000 0x00000000c0200000"))  # fmt: skip
    yield Case("screen-whole-bar", "gop-size=0x180000000", memory="3G", says=("screen: 1280x800, pitch 1280, at 0x00000000c0000000",))
    yield Case("screen-small", "gop-size=0x100000", memory="128M", says=("screen: 1280x204, pitch 1280",))
    yield Case("processors", "processors=5", memory="128M", machine=("--smp", "2"),
               says=("acpi: 2 CPUs (", "acpi: the firmware counts 5 processors, 4 of them enabled; the table APIC has another number"))  # fmt: skip
    yield Case("processors-agree", "processors=3", memory="128M", machine=("--smp", "2"),
               says=("acpi: the firmware counts 3 processors, 2 of them enabled\n",), unsaid=("has another number",))  # fmt: skip
    yield Case("no-console", "con-none", memory="128M", unsaid=("It runs from RAM",))
    yield Case("console-gone", "con-wild exit-fail=1", memory="128M", exits=2)


# QEMU's `virt` has RAM from 1 GiB on. With 256 MiB of it AAVMF uses nothing from 128 to 190 MiB behind that,
# and the kept log's places are below.
SHIFT = GIB + 56 * MIB
NARROW = ("--cpu", "cortex-a72")  # 44 bits of physical address
EL2 = (*NARROW, "--machine", "virt,gic-version=2,virtualization=on")


def shifted(entries):
    """What lies in a PC's RAM, in that of `virt`."""
    return tuple((k, s + SHIFT if 64 * MIB <= s < 4 * GIB else s, n, a) for k, s, n, a in entries)


def arm_exit_cases():
    yield Case("exits", "exit-fail=3 exit-stale=2 stride=40 con-wild grow=6", exits=6)
    yield Case("exit-never", "exit-fail=0xffffffff", ends=RESTART, says=(LAST_LINE, "shim: exit 0x40\n"),
               unsaid=("shim: exit 0x41", "mortise: commit"))  # fmt: skip
    yield Case("exits-el2", "exit-fail=2 grow=20", exits=3, machine=EL2)
    yield Case("read-once", "small-from=3 press=3", ends=BACK, says=(READ_ONCE,))
    yield Case("small-for-a-while", "exit-fail=1 small-after=1 small-count=40", exits=2, attempts=42)
    yield Case("stride-64", "stride=64 version=2")
    yield Case("stride-39", "stride=39 press=3", ends=BACK, says=(CANNOT_READ, COMPROMISED))
    yield Case("no-pages", "no-pages=1 press=3", ends=BACK, says=(NO_STACK, NO_MEMORY))


def arm_list_cases():
    yield Case("odd-entries", "stride=64 shuffle=7", add=shifted(ODD), machine=NARROW)
    # With the self-test, which must find page 0 unmapped, and hear nothing of the timer that still ticks.
    for name, machine in (("kinds", NARROW), ("kinds-el2", EL2)):
        yield Case(name, "version=2 con-null lines", options="", add=(*shifted(KINDS), (10, 0, 1, 0xF)), machine=machine,
                   says=("owner: 0x0000000000000000 0x0000000000001000 page 0, 1 pages, ACPI NVS",))  # fmt: skip
    yield Case("many", overlay=many(GIB, 72 * MIB + SHIFT), load_options=RUBBISH, notes=(NOT_ASCII,))
    yield Case("shuffled-large", "shuffle=5", memory="8G")
    yield Case("loader-as-free", "loader-type=7")
    yield Case("loader-as-0", "loader-type=0", ends=FAIL, says=("panic: the firmware's map says that this program lies in no RAM",))
    yield Case("no-ram", overlay=((0, MIB, 4 * GIB, 0xF),), ends=FAIL, says=("panic: the firmware's map has no free RAM",))
    for case in random_cases(GIB + 128 * MIB, GIB + 180 * MIB, 3):
        yield dataclasses.replace(case, machine=NARROW)


def arm_acpi_cases():
    sound = ("acpi: XSDT at 0x", "root pointer 0x", ": sound", "acpi: 2 CPUs", "cpus: 2 of 2 running")
    for kind in (0, 14, LEFT_OUT):
        yield Case(f"acpi-as-{kind}", f"acpi-type={kind}", machine=("--smp", "2"), says=sound)
    yield Case("acpi-above-4g", "rsdp-at=0x100001000", memory="6G", machine=("--smp", "2"), says=sound)
    yield Case("gicc", "gicc", machine=("--smp", "4"), options="",
               says=("gic: version 3 at 0x0000000008000000, 4 ranges of redistributors, a CPU each", "cpus: 4 of 4 running"))  # fmt: skip
    yield Case("processors", "processors=5", machine=("--smp", "2"),
               says=("acpi: 2 CPUs (", "acpi: the firmware counts 5 processors, 4 of them enabled; the table APIC has another number"))  # fmt: skip


def arm_image_cases():
    for broken in (1, 2):
        yield Case(f"protect-broken-{broken}", f"protect=1 broken={broken}", ends=FAULTS, says=(FAULT["aarch64"],))
    yield Case("protect-all", "protect=2 junk=2 no-path bss")
    yield Case("protect-el2", "protect=2 junk=1", machine=EL2)
    yield Case("protect-free", "protect=3")
    yield Case("junk-smp", "junk=2", machine=("--smp", "4"))
    yield Case("junk-u-boot", "junk=2 stride=40 exit-fail=2", exits=3, memory="512M", notes=(NO_SCREEN, NO_ACPI), machine=("--firmware", "u-boot"))
    yield Case("junk-self-test", "junk=2", options="")
    yield Case("no-loaded-image", "no-loaded", notes=(NO_IMAGE, NO_FOLDER, NO_REPORT), says=("verdict: pass",))
    yield Case("wrong-base", "wrong-base", notes=(WRONG_BASE,))
    yield Case("screen-odd", "gop-pitch=0 gop-size=0x180000000", says=("screen: 800x600, pitch 800",))
    yield Case("console-gone", "con-wild exit-fail=1", exits=2)


def arm_map_cases():
    """Every Arm machine of tests/data/maps, in a guest whose RAM lies from 1 to 65 GiB: a board whose RAM begins
    lower is moved up as a whole."""
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "data", "maps", "*.map"))):
        entries, arch = real_map(path)
        up = GIB if min(start for kind, start, *_ in entries if kind in RAM) < GIB else 0
        entries = tuple((kind, start + up, end + up, attributes) for kind, start, end, attributes in entries)
        if arch == "aarch64":
            yield Case("map-" + os.path.basename(path)[:-4], overlay=entries, memory="64G", machine=NARROW)


def all_cases(arch):
    if arch == "x86_64":
        return [*exit_cases(), *stride_cases(), *list_cases(), *acpi_cases(), *caching_cases(), *random_cases(24 * MIB, 170 * MIB, 6), *image_cases(), *map_cases()]
    cases = [*arm_exit_cases(), *arm_list_cases(), *arm_acpi_cases(), *arm_image_cases(), *arm_map_cases()]
    return [dataclasses.replace(case, arch=arch) for case in cases]


def for_core(case):
    if case.core != "u-boot":
        return case
    notes = (*case.notes, NO_SCREEN) if case.ends == PASS else case.notes
    return dataclasses.replace(case, notes=notes, machine=(*case.machine, "--firmware", "u-boot"))


def run_case(case, arguments):
    return Boot(case, *boot_case(case, arguments), arguments.image)


def chosen_cases(arch, names):
    chosen, cases = [], all_cases(arch)
    for name in names:
        found = [for_core(case) for case in cases if case.core] if name == "core" else [case for case in cases if name in ("all", case.name)]
        if not found:
            sys.exit(f"shim_test.py: no case is called {name}; 'list' names them all")
        chosen += found
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    build = os.environ.get("BUILD", os.path.join(ROOT, "build"))
    parser.add_argument("--arch", choices=BOOT_NAME, default="x86_64")
    parser.add_argument("--image")
    parser.add_argument("--shim")
    parser.add_argument("--firmware", help="run.sh's, where the case names none")
    parser.add_argument("--jobs", type=int, default=2, help="boots at a time")
    parser.add_argument("--keep", help="a folder for the logs")
    parser.add_argument("cases", nargs="+", help="core, all, list, or names")
    arguments = parser.parse_args()
    arguments.image = arguments.image or os.path.join(build, BOOT_NAME[arguments.arch])
    arguments.firmware = ("--firmware", arguments.firmware) if arguments.firmware else ()
    arguments.shim = arguments.shim or os.path.join(build, f"shim-{arguments.arch}.efi")
    if arguments.cases == ["list"]:
        print("\n".join(case.name + (" (core)" if case.core else "") for case in all_cases(arguments.arch)))
        return 0
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for boot in pool.map(lambda case: run_case(case, arguments), chosen_cases(arguments.arch, arguments.cases)):
            checks = boot.run()
            print(f"{'FAIL' if checks.failed else 'ok  '} {boot.case.name}: {checks.passed} checks passed, {checks.failed} failed", flush=True)
            passed, failed = passed + checks.passed, failed + checks.failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
