#!/usr/bin/env python3
"""Type into the kernel's own monitor, by serial and by keyboard, sense and nonsense, and compare what it
says with the boot's log and with what QEMU knows.

usage: monitor_session.py whole|bare|bad RUN.SH-ARGUMENT...

  whole  every command, line editing, nonsense, the PS/2 keyboard; the end by `exit`
  bare   no keyboard controller, the framebuffer in RAM, the exerciser by option; the end by `poweroff`
  bad    while the exerciser runs, QEMU's gdbstub changes a bit of RAM; the end by `reboot`; then a boot
         with the word bad= that the exerciser gave

With --arch aarch64 there is no PS/2 keyboard: all is typed by serial. Ends with "N passed, N failed".
"""
import json
import os
import random
import re
import select
import socket
import subprocess
import sys
import tempfile
import time

import screen
from checks import Checks
from monitor import RUN

PROMPT = b"\r\n> "
KEYS = {" ": "spc", "-": "minus", "=": "equal", ".": "dot", "/": "slash"}
PAGE, ALL = 4096, (1 << 64) - 1
DIRECT, APIC_WINDOW = 0xFFFF800000000000, 0xFFFFC00000000000
ARM = "aarch64" in sys.argv
RAM = 0x40000000 if ARM else 0  # where it begins
USED = 0 if ARM else 0x60  # bits of an entry that the CPU sets by itself
CAUGHT = "caught: page fault (37, code 0x" if ARM else "caught: page fault (14, code 0x0)"  # a read of what is not mapped
NAMES = "help map zones mem alloc free translate walk tables stats frag cpus on bench selftest fault oom exercise panic exit reboot poweroff"


def connect(path):
    for _ in range(600):
        link = socket.socket(socket.AF_UNIX)
        try:
            link.connect(path)
            return link
        except OSError:
            link.close()
            time.sleep(0.1)
    raise SystemExit(f"monitor_session.py: QEMU does not listen at {path}")


class Session:
    """A boot with the serial port on two named pipes, and QEMU's own monitor and gdbstub at hand."""

    def __init__(self, arguments, words, folder, more=""):
        self.path, self.qmp = os.path.join(folder, "serial"), None
        for end in (".in", ".out"):
            os.mkfifo(self.path + end)
        # The reading end is open before there is a writer, so that nothing is missed.
        self.out = os.open(self.path + ".out", os.O_RDONLY | os.O_NONBLOCK)
        self.into = os.open(self.path + ".in", os.O_RDWR)
        extra = f"-qmp unix:{self.path}.qmp,server=on,wait=off -gdb unix:{self.path}.gdb,server=on,wait=off {more}"
        command = [RUN, "--no-install", "--socket", self.path, *arguments, "--options", words, "--qemu", extra]
        with open(self.path + ".run", "wb") as output:
            self.run = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.seen = b""

    def until(self, text, seconds=200):
        """What came up to and with `text`; all that came, when time is up or the machine ended."""
        end = time.monotonic() + seconds
        while text not in self.seen and time.monotonic() < end:
            if not select.select([self.out], [], [], 0.2)[0]:
                continue
            more = os.read(self.out, 65536)
            self.seen += more
            if not more and self.run.poll() is not None:
                break
            if not more:
                time.sleep(0.1)
        at = self.seen.find(text)
        cut = len(self.seen) if at < 0 else at + len(text)
        answer, self.seen = self.seen[:cut], self.seen[cut:]
        return answer.decode("latin-1")

    def send(self, data):
        os.write(self.into, data)

    def do(self, line, seconds=120):
        """The answer to a line, without its echo."""
        self.send((line if isinstance(line, bytes) else line.encode()) + b"\r")
        self.until(b"\r\n", seconds)
        return self.until(PROMPT, seconds)

    def call(self, execute, **arguments):
        if self.qmp is None:
            self.qmp = connect(self.path + ".qmp").makefile("rw", encoding="utf-8")
            self.qmp.readline()
            self.call("qmp_capabilities")
        self.qmp.write(json.dumps({"execute": execute, "arguments": arguments}) + "\n")
        self.qmp.flush()
        while True:
            answer = json.loads(self.qmp.readline())
            if "event" not in answer:
                return answer.get("return")

    def qemu(self, line):
        """QEMU's answer to a line of its own monitor."""
        return self.call("human-monitor-command", **{"command-line": line})

    def press(self, text):
        """Keys of the PS/2 keyboard: characters, and names of QEMU's in angle brackets."""
        for name in re.findall(r"<[^>]+>|.", text):
            keys = name[1:-1].split("+") if name[0] == "<" else [KEYS.get(name, name)]
            self.call("send-key", keys=[{"type": "qcode", "data": key} for key in keys], **{"hold-time": 20})
            time.sleep(0.08)

    def end_reason(self):
        """Why QEMU ends, by its own event."""
        for line in self.qmp:
            event = json.loads(line)
            if event.get("event") == "SHUTDOWN":
                return event["data"]["reason"]
        return "none"

    def end(self):
        """run.sh's status and output."""
        self.until(b"there is no such text", 60)
        status = self.run.wait()
        with open(self.path + ".run", "rb") as output:
            return status, output.read().decode("latin-1")


class Gdb:
    """QEMU's gdbstub: the machine stands still but for go()."""

    def __init__(self, path):
        self.link, self.seen = connect(path), b""
        answer = self.ask("Qqemu.PhyMemMode:1")
        assert answer == "OK", answer

    def packet(self):
        while not re.search(rb"\$[^#]*#..", self.seen, re.S):
            self.seen += self.link.recv(4096)
        match = re.search(rb"\$([^#]*)#..", self.seen, re.S)
        self.seen = self.seen[match.end() :]
        self.link.sendall(b"+")
        return match[1].decode()

    def put(self, text):
        self.link.sendall(b"$%s#%02x" % (text.encode(), sum(text.encode()) % 256))

    def ask(self, text):
        """The answer; that the machine stands still is told whenever it happens."""
        self.put(text)
        answer = self.packet()
        while answer.startswith("T"):
            answer = self.packet()
        return answer

    def word(self, at):
        return int.from_bytes(bytes.fromhex(self.ask(f"m{at:x},8")), "little")

    def set_word(self, at, value):
        assert self.ask(f"M{at:x},8:" + value.to_bytes(8, "little").hex()) == "OK"

    def go(self, seconds):
        self.put("c")
        time.sleep(seconds)
        self.link.sendall(b"\x03")
        assert self.packet()[0] in "TS"

    def leave(self):
        self.ask("D")
        self.link.close()


def zones(text):
    """name: (total, free and parked pages, runs, largest run)"""
    found = re.findall(r"zone: (\S+) total=(\d+) free=(\d+) parked=(\d+) largest_run=(\d+) runs=(\d+)", text)
    return {z[0]: (int(z[1]), int(z[2]) + int(z[3]), int(z[5]), int(z[4])) for z in found}


def free_pages(text):
    return sum(z[1] for z in zones(text).values())


def human(size):
    unit = 0
    while size >> (10 * unit) >= 1024:
        unit += 1
    scale = 1 << (10 * unit)
    return f"{size // scale}.{size % scale * 10 // scale} {('bytes', 'KiB', 'MiB', 'GiB')[unit]}" if unit else f"{size} bytes"


def check_figures(c, s, log):
    """The commands that show memory, against the boot's log and each other."""
    now = zones(s.do("zones"))
    c.equal([(n, z[0]) for n, z in now.items()], [(n, z[0]) for n, z in zones(log).items()], "zones and their totals in the log")
    audit = re.search(r"audit: (\d+) pages of usable RAM = (\d+) free \+ (\d+) parked", log)
    c.equal(sum(z[1] for z in now.values()), int(audit[2]) + int(audit[3]), "free pages, and those of the boot's audit")
    bars = re.findall(r"mem: \[(#*)(\.*)\] (\S+ \S+) of (\S+ \S+) taken, (\S+)", s.do("mem"))
    expected = []
    for name, (total, free, _, _) in now.items():
        filled = -(-(total - free) * 40 // total) if total else 0
        expected.append(("#" * filled, "." * (40 - filled), human((total - free) * PAGE), human(total * PAGE), name))
    c.equal(bars, expected, "bars of mem, worked out from zones")
    frag = re.findall(r"frag: (\d+) free runs of (\S+ \S+) or more", s.do("frag"))
    c.equal(sum(int(n) for n, _ in frag), sum(z[2] for z in now.values()), "runs of frag and of zones")
    largest = max(z[3] for z in now.values())
    c.equal(frag[-1][1] if frag else "", human(PAGE << (largest.bit_length() - 1)), "the longest run of frag")
    regions = re.findall(r"region: (0x\S+) (0x\S+) \S+ \S+ ([^:\r]+)(?:: ([^\r]*))?", s.do("map"))
    edges = [(int(r[0], 16), int(r[1], 16)) for r in regions]
    c.check(edges and all(a < b for a, b in edges) and all(a[1] <= b[0] for a, b in zip(edges, edges[1:])), "map is in order")
    owners = re.findall(r"owner: (0x\S+) (0x\S+) (.*), \d+ pages, ([^\r]*)", log)
    c.equal([(r[0], r[1], r[3], r[2]) for r in regions if r[3]], owners, "map's owners and the log's")
    for name, pages in re.findall(r"memory: ([^:]+): (\d+) pages", log):
        of_type = sum(b - a for r, (a, b) in zip(regions, edges) if r[2] == name) // PAGE
        c.equal(of_type, int(pages), f"pages of {name} in map and in the log")
    for topic in ("space", "tables"):
        line = rf"{topic}: \d+[^\r]*"
        c.equal(re.findall(line, s.do("tables")), re.findall(line, log)[-1:], f"{topic} of tables and of the log")
    return [(a, b, r[2]) for r, (a, b) in zip(regions, edges)]


def walk_by_hand(s, at, root, seen):
    """(level, index, entry) down to a page or to nothing, as QEMU reads its memory. Of a root that QEMU does not tell
    (None) the entry is the one that the kernel has seen, and all below it is read."""
    table, expected = root, []
    for level in (4, 3, 2, 1):
        index = at >> (12 + 9 * (level - 1)) & 511
        if table is None:
            entry = int(seen[0][2], 16) if seen else 0
        else:
            entry = int(s.qemu(f"xp /1gx {table + 8 * index:#x}").split()[1], 16)
        expected.append((level, index, entry & ~USED))
        if not entry & 1 or (level > 1 and (not entry & 2 if ARM else entry & 0x80)):
            break
        table = entry & 0xFFFFFFFFFF000
    return expected


def check_translation(c, s, log):
    """translate and walk, against QEMU's own walk of the tables."""
    image = int(re.search(r"image: at (0x\S+)", log)[1], 16)
    root = None if ARM else int(re.search(r"CR3=([0-9a-f]+)", s.qemu("info registers"))[1], 16)
    mappings = re.findall(r"mapping: (0x\S+) (0x\S+) (0x\S+) ", s.do("tables all"))
    c.check(len(mappings) > 5, f"{len(mappings)} mappings of tables all")
    places = [0, 0xDEAD000, DIRECT + RAM, DIRECT + RAM + 0x201234, image + 0x1005, APIC_WINDOW + 0x20, 0x7FFFFFFFFFFF, ALL]
    places += [int(m[0], 16) for m in mappings[::4]] + [int(m[1], 16) - 1 for m in mappings[1::4]]
    for at in places:
        told = re.search(r"gpa: 0x([0-9a-f]+)", s.qemu(f"gva2gpa {at:#x}"))
        answer = s.do(f"translate {at:#x}")
        ours = re.search(r"is physical (0x[0-9a-f]{16}), in a page", answer)
        c.equal(int(ours[1], 16) if ours else None, int(told[1], 16) if told else None, f"translate {at:#x} and gva2gpa: {answer}")
        c.check(ours or "not mapped" in answer, f"translate {at:#x}: {answer}")
        seen = re.findall(r"level (\d), entry (\d+) of its table: (0x\S{16})", s.do(f"walk {at:#x}"))
        expected = walk_by_hand(s, at, root, seen)
        c.equal([(int(a), int(b), int(e, 16) & ~USED) for a, b, e in seen], expected, f"walk {at:#x} and QEMU's memory")


def check_cpus(c, s, log):
    running, listed = (int(n) for n in re.findall(r"cpus: (\d+) of (\d+) running", log)[-1])
    lines = re.findall(r"cpus: CPU (\d+): id (\d+), (running|lost)", s.do("cpus"))
    c.equal([int(index) for index, _, _ in lines], list(range(listed)), "cpus lists each")
    c.equal([state for _, _, state in lines].count("running"), running, "cpus: those that run")
    c.equal(len({number for _, number, _ in lines}), listed, "cpus: each has an id of its own")
    for cpu in range(running):
        c.check(CAUGHT in s.do(f"on {cpu} fault"), f"a fault on CPU {cpu} is caught there")
    where = re.search(r"is physical (0x\S+),", s.do(f"on {running - 1} translate {DIRECT + RAM + 0x200000:#x}"))
    c.check(where and int(where[1], 16) == RAM + 0x200000, "translate on the last CPU")
    c.check(f"there is no CPU {listed} that runs" in s.do(f"on {listed} stats"), "a CPU that is none")
    c.check("begins on CPU 0" in s.do("on 0 selftest"), "what uses all CPUs is not run on one")
    c.check("which command?" in s.do("on 0"), "on without a command")


def check_others(c, s, log):
    c.equal(re.findall(r"help: (\w+)", s.do("help")), NAMES.split(), "help")
    answer = s.do("bench")
    bench = re.search(r"bench: hot pair (\d+) ticks, 64-page run (\d+) ticks", answer)
    c.check(bench and int(bench[1]) > 0 and int(bench[2]) > 0, "bench measures")
    running = re.findall(r"cpus: (\d+) of \d+ running", log)[-1]
    for what in (r"run of 1 pages on %s CPUs at once", r"run of 64 pages on %s CPUs at once", r"map and unmap of a page on %s CPUs"):
        found = re.search(f"bench: {what % running}: median (\\d+) ticks, worst (\\d+) ticks", answer)
        c.check(found and 0 < int(found[1]) <= int(found[2]), f"bench, {what % running}: {answer}")
    answer = s.do("fault")
    c.check(CAUGHT in answer and "reading 0x000000000dead000" in answer and "not mapped" in answer, "fault: " + answer)
    c.check((CAUGHT if ARM else "caught: general protection (13") in s.do("fault 0x800000000000"), "a non-canonical read is caught")
    c.check(f"{DIRECT + RAM + 0x200000:#x} can be read" in s.do(f"fault {DIRECT + RAM + 0x200000:#x}"), "RAM can be read")
    c.check("nothing was done" in s.do(f"fault {APIC_WINDOW:#x}"), "devices are not read")
    answer = s.do("oom")
    left = re.search(r"oom: (\d+) page tables before, (\d+) after", answer)
    c.check(left and left[1] == left[2] == re.findall(r"tables: (\d+) in use", log)[-1], "oom loses no table: " + answer)
    refused = re.findall(r"no table (\d): mapping 2 pages (.*?); (\d) tables in use, sound", answer)
    c.equal([r[0] for r in refused], list("1234567"), "oom's cases")
    c.check(all("no run of free pages" in r[1] and r[2] == "1" for r in refused[:6]) and refused[6:] == [("7", "works", "7")], f"oom: {refused}")
    for count in ("0", "8", str(ALL)):
        c.check("works; 7 tables in use, sound" in s.do(f"oom {count}"), f"oom {count}")
    c.check("no panic, then" in s.do(b"panic\rno"), "panic asks first")
    c.equal(re.findall(r"selftest: .*failed", s.do("selftest")), re.findall(r"selftest: .*failed", log), "selftest, again as in the boot")


def stats(text):
    found = re.findall(r"stats: (\S+) allocs=(\d+) frees=(\d+) failures=(\d+)", text)
    return {f[0]: [int(n) for n in f[1:]] for f in found}


def check_memory(c, s, regions):
    at_first, counts = zones(s.do("zones")), stats(s.do("stats"))
    before = sum(z[1] for z in at_first.values())
    answer = s.do("alloc 100 dma32")
    got = re.search(r"100 pages at (0x[0-9a-f]{16})", answer)
    c.check(got and int(got[1], 16) % PAGE == 0 and any(a <= int(got[1], 16) < b for a, b, _ in regions), "alloc: " + answer)
    at = int(got[1], 16) if got else 0
    c.check("direct map: an allocated page" in s.do(f"translate {DIRECT + at:#x}"), "what alloc gave is allocated")
    c.equal(free_pages(s.do("zones")), before - 100, "free pages after alloc 100")
    for line in (f"{at + PAGE:#x}", f"{at:#x} 99", f"{at:#x} 101", f"{at:#x} 0", f"{at + 1:#x}", "0x100000000000", "0", f"{ALL} {ALL}", f"{at:#x} {ALL}", f"{DIRECT + at:#x}"):
        answer = s.do("free " + line)
        c.check(" refused: 0x" in answer, f"free {line}: {answer}")
    c.equal(free_pages(s.do("zones")), before - 100, "free pages after wrong frees")
    c.check(f"100 pages at {got[1]} are free" in s.do(f"free {at:#x}"), "free")
    c.check("refused" in s.do(f"free {at:#x}"), "free again is refused")
    c.equal(zones(s.do("zones")), at_first, "zones after alloc and free")
    now = stats(s.do("stats"))
    zone = "DMA32" if at >= 16 << 20 else "DMA"
    c.equal([b - a for a, b in zip(counts[zone], now[zone])][:2], [1, 1], "one more alloc, one more free in stats")
    # The screen's copy is the largest piece that the kernel holds: one in 200 pages meets it. What is no RAM is large.
    steps = {"reserved": 5000, "device": 5000}
    answers = [s.do(f"free {at:#x}") for start, end, name in regions if end < 1 << 32 for at in range(start, end, steps.get(name, 200) * PAGE)]
    c.check(any("the kernel uses that memory" in answer for answer in answers), "the kernel's own memory cannot be freed")
    c.check(all("refused" in answer or "the kernel uses that memory" in answer for answer in answers), "free all over RAM")
    c.equal(zones(s.do("zones")), at_first, "zones after that")
    for line in ("alloc 0", f"alloc {ALL}", f"alloc {1 << 52} dma", "alloc 4503599627370495 zero"):
        c.check("there is no free run" in s.do(line), line)
    pieces = [re.search(r"1 pages at (0x\S+)", s.do("alloc 1 zero")) for _ in range(32)]
    c.equal(len({p[1] for p in pieces if p}), 32, "32 different pages")
    c.check("no more runs can be held" in s.do("alloc 1"), "no more than 32 pieces")
    c.equal(free_pages(s.do("zones")), before - 32, "free pages after 32 pieces")
    for piece in pieces:
        s.do(f"free {piece[1]} 1")
    c.equal(free_pages(s.do("zones")), before, "free pages when all are given back")


def check_nonsense(c, s):
    for line, what in (("xyzzy", "is not a command"), ("alloc", "usage: alloc"), ("alloc 12q", "does not fit"), ("alloc -1", "does not fit"),
                       ("alloc 18446744073709551616", "does not fit"), ("alloc 0x", "does not fit"), ("alloc 1 2 3 4", "usage: alloc"),
                       ("alloc 1 dma33", "does not fit"), ("translate 0x10000000000000000", "does not fit"), ("HELP", "is not a command"),
                       ("reboot now", "too many arguments"), ("poweroff 1", "too many arguments"), ("exit maybe", "does not fit"),
                       ("%s%x%u%%", '"%s%x%u%%" is not a command'), ("free 1 2 3", "too many arguments"), ("exercise 0", "it was stopped"),
                       ("translate 0x800000000000", "address that the CPU cannot translate"), ("walk 0x800000000000", "is not canonical"),
                       ("walk 0xffff7fffffffffff", "is not canonical"), (f"fault {ALL}", CAUGHT),
                       ("x" * 400, "more was typed than"), ("help" + " " * 80, "more was typed than"),
                       (b"\x00\x01\xff\xfe\x80abc", '"abc" is not a command')):
        answer = s.do(line)
        c.check(what in answer, f"{line!r}: {answer}")
    for blank in ("", "     "):
        s.send(blank.encode() + b"\r")
        c.equal(s.until(PROMPT, 60), blank + PROMPT.decode(), f"the answer to {blank!r}")


def check_editing(c, s):
    left, right, up, down, home, end, delete = (b"\x1b[" + x for x in (b"D", b"C", b"A", b"B", b"H", b"4~", b"3~"))
    for keys, text in ((b"ab" + left + b"X", "aXb"), (b"abc\x7f\x08d", "ad"), (b"one two\x17three", "one three"),
                       (b"junk\x15word", "word"), (b"bc" + home + b"a" + end + b"d", "abcd"),
                       (b"abc" + home + delete + right + b"Y", "bYc"), (b"kill" + left + left + b"\x0b", "ki")):
        answer = s.do(keys)
        c.check(f'"{text.split()[0]}" is not a command' in answer, f"{keys!r} is {text}: {answer}")
    s.do("first")
    s.do("second")
    c.check('"first"' in s.do(up + up), "up twice is the line before last")
    c.check('"second"' in s.do(up + up + down + up), "down comes back")
    c.check('"mine"' in s.do(b"mine" + up + up + down + down), "the line that was begun comes back")
    s.send(b"garbage\x03")
    c.check("^C\r\n> " in s.until(b"^C" + PROMPT, 60), "Ctrl-C drops a line")
    c.check("help: mem" in s.do("help"), "and the next is read")


def check_rubbish(c, s):
    """Bytes by chance, sequences cut short; what is left of a line is wiped out before it ends."""
    chaos = random.Random(5)
    for _ in range(60):
        line = bytes(chaos.choice((chaos.randrange(256), 0x1B, 0x5B, 0x41 + chaos.randrange(8))) for _ in range(chaos.randrange(60)))
        s.send(line.replace(b"\r", b"r").replace(b"\n", b"n") + b"\x15\x1b[F\x15\r")
    s.send(b"still-here\r")
    c.check("still-here" in s.until(b'"still-here" is not a command'), "alive after rubbish")
    s.until(PROMPT)
    s.send(b"".join(b"alloc 9q%d\r" % i for i in range(40)))
    answer = s.until(b'"9q39" does not fit')
    c.equal(answer.count("does not fit"), 40, "lines pasted at once, and their answers")
    s.until(PROMPT)


def check_keyboard(c, s):
    s.press("xy<shift+minus>z<left><backspace>/<end>-<ret>")
    answer = s.until(b"is not a command")
    c.check('"xy/z-" is not a command' in answer, "the keyboard's keys: " + answer)
    s.until(PROMPT)
    s.press("<caps_lock>q<caps_lock>q<shift+a><ret>")
    c.check('"QqA" is not a command' in s.until(b"is not a command"), "Caps Lock and Shift")
    s.until(PROMPT)
    s.press("<up><ctrl+u><kp_enter>")
    c.equal(s.until(PROMPT).count("no command"), 0, "Ctrl-U on the keyboard")
    s.press("<pause>zonex<backspace>s<ret>")
    answer = s.until(PROMPT)
    c.check(zones(answer), "a command by keyboard")
    # What was erased came and went in the log: "x\b \b".
    return ("> " + answer.replace("x\b \b", "")).split("\r\n")


def by_serial(s):
    """A command and its answer, as they stand on the screen."""
    s.send(b"zones\r")
    return ("> " + s.until(PROMPT)).split("\r\n")


def check_screen(c, s, lines):
    """The screen ends with these lines, as far as people can read: through the kernel's own font."""
    size, tail = (800, 600) if ARM else (640, 480), []
    font, scale = screen.GRIDS[size][0]
    expected = [line.rstrip() for line in screen.wrap(lines, size[0] // scale // font[0])]
    for _ in range(20):
        s.qemu(f"screendump {s.path}.ppm")
        picture = screen.Picture(s.path + ".ppm")
        picture.scale = scale
        tail = [row for row in screen.read_text(picture, font) if row][-len(expected) :] if picture.size == size else []
        if tail == expected:
            break
        time.sleep(0.5)
    c.equal(tail, expected, "the end of the screen")


def check_exercise(c, s):
    before = zones(s.do("zones"))
    answer = s.do("exercise 2 7", 300)
    rounds = re.findall(r"exercise: \d+ CPUs, (\d+) pages in (\d+) runs, .*; (\d+) free pages left out, (\d+) words failed", answer)
    c.equal([(int(r[0]), *r[2:]) for r in rounds], [(sum(z[1] for z in before.values()), "0", "0")] * 2, "pages exercised")
    c.check("round 1 of 2, seed 0x7" in answer and "round 2 of 2, seed 0x8" in answer, "rounds and seeds")
    c.check("exercise: verdict: pass" in answer and "BAD" not in answer, "the exerciser's verdict: " + answer[-300:])
    after = zones(s.do("zones"))
    c.equal({n: z[:2] for n, z in after.items()}, {n: z[:2] for n, z in before.items()}, "zones after the exerciser")
    s.send(b"exercise 1000000\r")
    answer = s.until(b" a second", 60)
    c.check(re.search(r"exercise: \w+.*: \d+ of \d+ pages, [1-9]\S* .iB a second", answer), "progress and rate: " + answer[-200:])
    s.send(b"\x03")
    answer = s.until(PROMPT)
    c.check("none, for it was stopped; so far nothing failed" in answer, "Ctrl-C ends the exerciser: " + answer[-300:])
    c.equal({n: z[:2] for n, z in zones(s.do("zones")).items()}, {n: z[:2] for n, z in before.items()}, "zones after it was stopped")


def whole(c, s):
    log = s.until(PROMPT)
    c.check("verdict: pass" in log, "the verdict comes before the first prompt: " + log[-300:])
    c.check(f"console: serial yes, keyboard controller {'no' if ARM else 'yes'}" in log, "serial and keyboard")
    regions = check_figures(c, s, log)
    check_translation(c, s, log)
    check_cpus(c, s, log)
    check_others(c, s, log)
    check_memory(c, s, regions)
    check_nonsense(c, s)
    check_editing(c, s)
    check_rubbish(c, s)
    check_screen(c, s, by_serial(s) if ARM else check_keyboard(c, s))
    s.send(b"exit\r")
    status, output = s.end()
    c.equal(status, 0, "run.sh's status after exit: " + output[-400:])


def bare(c, s):
    log = s.until(PROMPT)
    c.check("console: serial yes, keyboard controller no" in log, "no keyboard controller")
    c.equal(re.findall(r"exercise: (.*) of 1, |exercise: (verdict: pass)", log)[-1][1], "verdict: pass", "exercise=1 has run")
    owners = re.findall(r"owner: (0x\S+) (0x\S+) \S.*, \d+ pages, [^\r]*", log)
    screen = re.search(r"owner: (0x\S+) (0x\S+) [^\r]*(screen|framebuffer)", log)
    c.check(screen and screen.groups()[:2] in owners, "a framebuffer in RAM has an owner")
    info = re.search(r"mapping: 0xffffc000\S+ \S+ (0x\S+) ", s.do("tables all"))
    c.check(info, "the devices' window")
    s.press("garbage<ret>")
    c.check("no command" not in s.until(b"no command", 3), "no keyboard controller, no keys")
    check_exercise(c, s)
    s.call("query-status")
    s.send(b"poweroff\r")
    c.equal(s.end_reason(), "guest-shutdown", "QEMU's reason after poweroff")
    status, output = s.end()
    c.check(status == 3 and "ended without a verdict" not in output.splitlines()[0], f"run.sh's status {status} after poweroff")


def value_of(at, seed):
    return (at ^ seed) * 0x9E3779B97F4A7C15 & ALL


def flip(path, places, seed, begin=None):
    """Change a bit of a page that has just been written, while others still wait for it; None if all were written
    already. What is to happen first happens when the machine stands still already."""
    stub = Gdb(path)
    if begin is not None:
        begin()
    for _ in range(2000):
        words = {at: stub.word(at) for at in places}
        written = [at for at in places if words[at] == value_of(at, seed)]
        # Where the inverse is written already, the value will not be looked at again.
        if written and all(words[at] != value_of(at, seed) ^ ALL for at in places) and len(written) < len(places):
            at = written[-1]
            stub.set_word(at + 16, stub.word(at + 16) ^ 0x1000)
            stub.leave()
            return at
        if not written and any(words[at] == value_of(at, seed) ^ ALL for at in places):
            break
        stub.go(0.01)
    stub.leave()
    return None


def bad(c, s):
    log = s.until(PROMPT)
    c.check("console: serial yes" in log, "the monitor")
    s.do("exercise 1 1")
    region = max(re.findall(r"region: (0x\S+) (0x\S+) \S+ \S+ usable\r", s.do("map")), key=lambda r: int(r[1], 16) - int(r[0], 16))
    base, end = (int(r, 16) for r in region)
    stub = Gdb(s.path + ".gdb")
    places = [base + (end - base) // 64 // PAGE * PAGE * i for i in range(64)]
    places = [at for at in places if stub.word(at) == value_of(at, 1) ^ ALL]
    stub.leave()
    c.check(len(places) > 10, f"{len(places)} free pages hold the last pattern")
    at = flip(s.path + ".gdb", places, 2, lambda: s.send(b"exercise 1 2\r"))
    answer = s.until(PROMPT)
    c.check(at is not None, "a page was changed")
    lines = re.findall(r"BAD page at (0x\S+), bits (0x[0-9a-f]+), 1 words so far", answer)
    c.equal(lines, [(f"0x{at or 0:016x}", f"0x{0x1000:016x}")] * 2, "the bad page, when found and before the verdict")
    c.check("1 words failed" in answer and "exercise: verdict: FAIL" in answer, "the exerciser's verdict: " + answer[-400:])
    words = re.findall(r"bad:  +(bad=\S+)\r", answer)
    c.equal(words, [f"bad=0x{at or 0:x}"], "the page in our own words")
    c.check(f"bad:     memmap=0x1000$0x{at or 0:x}\r" in answer, "the page in Linux's words")
    c.check(f"bad:     bcdedit /set {{badmemory}} badmemorylist 0x{(at or 0) // PAGE:x}\r" in answer, "the page in Windows' words")
    c.check(f"page 0x{at or 0:016x} is kept from use from now on" in answer, "the page is retired at once")
    before = sum(z[0] for z in zones(log).values())
    c.equal(sum(z[0] for z in zones(s.do("zones")).values()), before - 1, "the allocator has a page less")
    answer = s.do("exercise 1 3")
    c.check("exercise: verdict: pass" in answer, "without the page memory is sound: " + answer[-300:])
    stub = Gdb(s.path + ".gdb")
    c.check(stub.word(at) != value_of(at, 3) ^ ALL, "the page was not written again")
    stub.leave()
    s.call("query-status")
    s.send(b"reboot\r")
    c.equal(s.end_reason(), "guest-reset", "QEMU's reason after reboot")
    c.equal(s.end()[0], 3, "run.sh's status after reboot")
    return at


def kept_out(c, s, at):
    """The next boot, with the word that the exerciser gave: it passes, and nobody writes the page."""
    log = s.until(PROMPT)
    c.check("verdict: pass" in log, "the verdict: " + log[-300:])
    c.check(f"bad: 0x{at:016x} 0x{at + PAGE:016x}, 1 pages kept from use" in log, "the page is named")
    c.check(re.search(r"audit: .* \+ 1 bad: exact", log), "the audit has it")
    c.check(re.search(f"region: 0x{at:016x} 0x{at + PAGE:016x} .* bad\r", s.do("map")), "the map has it")
    answer = s.do("exercise 1 4")
    c.check("exercise: verdict: pass" in answer, "the exerciser's verdict: " + answer[-300:])
    stub = Gdb(s.path + ".gdb")
    c.check(stub.word(at) != value_of(at, 4) ^ ALL, "the page was not written")
    stub.leave()
    s.send(b"exit\r")
    c.equal(s.end()[0], 0, "run.sh's status after exit")


# Each line of the monitor moves the whole picture, so it is the smallest that there is.
SMALL = "" if ARM else "-vga none -device VGA,xres=640,yres=480"
KINDS = {
    "whole": (whole, "monitor=on", SMALL),
    "bare": (bare, "monitor=on exercise=1", ("" if ARM else "-machine i8042=off ") + "-vga none -device ramfb"),
    "bad": (bad, "monitor=on", SMALL),
}


def run(c, words, more, kind):
    with tempfile.TemporaryDirectory() as folder:
        s = Session(sys.argv[2:], words + " exit=1 selftest=off", folder, more)
        try:
            return kind(c, s)
        finally:
            if s.run.poll() is None:
                s.run.terminate()
                s.run.wait()


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in KINDS:
        raise SystemExit(__doc__)
    kind, words, more = KINDS[sys.argv[1]]
    c = Checks()
    found = run(c, words, more, kind)
    if kind is bad and found is not None:
        run(c, f"{words} bad=0x{found:x}", more, lambda c, s: kept_out(c, s, found))
    return c.end()


if __name__ == "__main__":
    sys.exit(main())
