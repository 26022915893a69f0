#!/usr/bin/env python3
"""Boot, let the kernel log every run of mappings that it sees in its own tables (tables=log) and halt,
and compare them page by page with what QEMU's monitor says (`info tlb`, `info mem`).

usage: monitor.py RUN.SH-ARGUMENT...

QEMU walks the tables by itself, from CR3 on, in code that is not ours. Ends with
"N passed, N failed".
"""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile

from checks import Checks

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "run.sh")
MAPPING = re.compile(
    r"mapping: 0x([0-9a-f]{16}) 0x([0-9a-f]{16}) 0x([0-9a-f]{16}) (\d)\.0 ([KMG])iB"
    r" ([w-])([x-])([u-])([g-])(WB|WC|WT|UC-?|odd)$"
)
SPACE = re.compile(r"space: (\d+) pages of 4 KiB, (\d+) of 2 MiB, (\d+) of 1 GiB")
TLB = re.compile(r"^([0-9a-f]{16}): ([0-9a-f]{16}) ([X-])([G-])([P-])([D-])([A-])([C-])([T-])([U-])([W-])$")
MEM = re.compile(r"^([0-9a-f]{16})-([0-9a-f]{16}) ([0-9a-f]{16}) ([u-])r([w-])$")
MAP = re.compile(r"map: (\d+) 0x([0-9a-f]{16}) 0x([0-9a-f]{16}) 0x([0-9a-f]+)$")
TRAMPOLINE = re.compile(r"reserve: trampoline 0x([0-9a-f]{16}) ")
FREE_RAM, KEPT_RAM = {1, 2, 3, 4, 7}, {5, 6, 9, 10}  # UEFI types; kept: runtime, ACPI
MIB = 1 << 20
DIRECT, DEVICES = 0xFFFF800000000000, 0xFFFFC00000000000
UNIT = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
HALF = 1 << 63
TOP = 1 << 64


def ask(path, commands, end=True):
    """What the human monitor answers, by way of QMP; at the end QEMU is told to end."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(path)
        stream = link.makefile("rw", encoding="utf-8")

        def call(message):
            stream.write(json.dumps(message) + "\n")
            stream.flush()
            while True:
                answer = json.loads(stream.readline())
                if "return" in answer or "error" in answer:
                    return answer.get("return")

        stream.readline()  # the greeting
        call({"execute": "qmp_capabilities"})
        answers = [
            call({"execute": "human-monitor-command", "arguments": {"command-line": c}}) for c in commands
        ]
        if end:
            call({"execute": "quit"})
    return [a.replace("\r", "").split("\n") for a in answers]


def boot(arguments, path):
    """The log up to the verdict, and the monitor's answers."""
    words = "exit=0 tables=log"
    if "--options" in arguments:
        at = arguments.index("--options")
        words += " " + arguments[at + 1]
        arguments = arguments[:at] + arguments[at + 2 :]
    command = [RUN, "--no-install", *arguments, "--options", words]
    command += ["--qemu", f"-qmp unix:{path},server=on,wait=off"]
    log, answers = [], [[], []]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as run:
        for raw in run.stdout:
            line = raw.decode("latin-1").rstrip()
            log.append(line)
            if re.search(r"\] verdict: ", line):
                answers = ask(path, ["info tlb", "info mem"])
                break
        for _ in run.stdout:
            pass
    return log, answers


def leaves_of_log(log):
    """virt -> (phys, size, write, execute, user, global, type), in address order."""
    leaves = {}
    for found in filter(None, map(MAPPING.search, log)):
        start, end, phys = (int(found[i], 16) for i in (1, 2, 3))
        size = int(found[4]) * UNIT[found[5]]
        flags = tuple(found[i] != "-" for i in (6, 7, 8, 9))
        for at in range(start, end, size):
            assert at not in leaves
            leaves[at] = (phys + at - start, size, *flags, found[10])
    return leaves


def expected_tlb(leaf, cpu_has_nx):
    """Address and flags as `info tlb` shows them, which leaves the PAT bit out."""
    phys, size, write, execute, user, global_page, kind = leaf
    large = size > 4096
    letters = (
        (not execute and cpu_has_nx, "X"),
        (global_page, "G"),
        (large, "P"),
        (kind in ("UC", "UC-"), "C"),
        (kind in ("UC", "WT"), "T"),
        (user, "U"),
        (write, "W"),
    )
    return phys, "".join(letter if on else "-" for on, letter in letters)


def compare_tlb(checks, lines, leaves, has_nx):
    seen = {}
    for line in filter(None, lines):
        found = TLB.match(line)
        checks.check(found, f"`info tlb` line {line!r} can be read") if not found else None
        if found:
            seen[int(found[1], 16)] = (int(found[2], 16), "".join(found[i] for i in (3, 4, 5, 8, 9, 10, 11)))
    want = {at: expected_tlb(leaf, has_nx) for at, leaf in leaves.items()}
    wrong = [at for at in sorted(set(seen) | set(want)) if seen.get(at) != want.get(at)]
    for at in wrong[:10]:
        print(f"     {at:#x}: QEMU {seen.get(at)}, kernel {want.get(at)}")
    checks.check(seen, "`info tlb` shows mappings")
    checks.equal(len(wrong), 0, f"pages of {len(want)} that QEMU and the kernel see differently")
    checks.equal(sum(at < HALF for at in seen), 0, "pages in the lower half")
    if has_nx:
        both = [at for at, (_, flags) in seen.items() if flags[0] == "-" and flags[-1] == "W"]
        checks.equal(both, [], "pages writable and executable")
    direct = {at: phys for at, (phys, _) in seen.items() if DIRECT <= at < DEVICES}
    wrong = [at for at, phys in direct.items() if at != DIRECT + phys]
    checks.equal(wrong, [], "pages of the direct map at a wrong place")
    return direct


def compare_mem(checks, lines, leaves):
    want = []
    for at in sorted(leaves):
        _, size, write, _, user, *_ = leaves[at]
        if want and want[-1][1] == at and want[-1][2:] == [user, write]:
            want[-1][1] = at + size
        else:
            want.append([at, at + size, user, write])
    seen = []
    for line in filter(None, lines):
        found = MEM.match(line)
        checks.check(found, f"`info mem` line {line!r} can be read") if not found else None
        if found:
            end = int(found[2], 16) or TOP
            seen.append([int(found[1], 16), end, found[4] == "u", found[5] == "w"])
    checks.equal(seen, want, "ranges of `info mem`")


def merged(runs):
    """Runs that touch made one; overlapping runs stay two and so differ from what is expected."""
    whole = []
    for start, end in sorted(runs):
        if whole and whole[-1][1] == start:
            whole[-1][1] = end
        else:
            whole.append([start, end])
    return whole


def compare_ram(checks, log, leaves, direct):
    """The direct map is the RAM of the firmware's map, worked out here, and the trampoline."""
    want = []
    for kind, start, end, attributes in (m.groups() for m in filter(None, map(MAP.search, log))):
        start, end, good = int(start, 16), int(end, 16), int(attributes, 16) & 8
        if int(kind) in KEPT_RAM:
            want.append((start, end))
        elif int(kind) in FREE_RAM and good and max(start, MIB) < end:
            want.append((max(start, MIB), end))
    want += [(int(a, 16), int(a, 16) + 4096) for a in TRAMPOLINE.findall("\n".join(log))]
    seen = [(phys, phys + leaves[at][1]) for at, phys in direct.items() if at in leaves]
    checks.check(want, "the log holds the firmware's map")
    checks.equal(merged(seen), merged(want), "runs of the direct map, and of RAM in the firmware's map")


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        log, (tlb, mem) = boot(sys.argv[1:], os.path.join(folder, "qmp"))
    text = "\n".join(log)
    checks.check("verdict: pass" in text, "the kernel's verdict is pass")
    leaves = leaves_of_log(log)
    sizes = [sum(leaf[1] == size for leaf in leaves.values()) for size in (4096, 2 << 20, 1 << 30)]
    counted = SPACE.findall(text)
    checks.equal([int(n) for n in counted[-1]] if counted else None, sizes, "pages by size: mm/aspace and the walk")
    direct = compare_tlb(checks, tlb, leaves, "NX yes" in text)
    compare_ram(checks, log, leaves, direct)
    if "5 paging levels" in text and not any(mem):
        print("     `info mem` is empty with five levels: a fault of older QEMU (mended at the end of 2023)")
    else:
        compare_mem(checks, mem, leaves)
    print(f"     {len(leaves)} pages, {sizes} of 4 KiB, 2 MiB and 1 GiB")
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
