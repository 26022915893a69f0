#!/usr/bin/env python3
"""Tests of memsim: every real map, every style of log, hostile input, pictures, traces.

    tests/sim/test.py [brief] [MEMSIM]    MEMSIM is build/host/memsim when not given (make sim)

brief: each map but one in a third of the styles, and the next map in another third.

Expected totals are those of tests/data/maps/expected.tsv, worked out without mm/. The styles are
written here from the lists of raw descriptors, with the names that the systems print, so a reader
that misreads one gets other totals. The last line is `N passed, N failed`.
"""
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import textwrap
import xml.etree.ElementTree
import zlib

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BRIEF = sys.argv[1:2] == ["brief"]
MEMSIM = sys.argv[1 + BRIEF] if len(sys.argv) > 1 + BRIEF else os.path.join(TREE, "build/host/memsim")
MAPS = os.path.join(TREE, "tests/data/maps")
LARGEST = "hp-superdome"
TRACES = os.path.join(TREE, "tests/data/traces")
NODES = os.path.join(TREE, "tests/data/nodes")
sys.path.insert(0, os.path.join(TREE, "tests/boot"))
sys.dont_write_bytecode = True  # a test leaves nothing in the source tree
import where  # noqa: E402
LOGS = os.path.join(TREE, "tests/data/logs")
TOP = 1 << 64

LINUX_NAMES = ["Reserved", "Loader Code", "Loader Data", "Boot Code", "Boot Data", "Runtime Code",
               "Runtime Data", "Conventional Memory", "Unusable Memory", "ACPI Reclaim Memory",
               "ACPI Memory NVS", "Memory Mapped I/O", "MMIO Port Space", "PAL Code",
               "Persistent Memory", "Unaccepted Memory"]
LINUX_NEW = ["Reserved", "Loader Code", "Loader Data", "Boot Code", "Boot Data", "Runtime Code",
             "Runtime Data", "Conventional", "Unusable", "ACPI Reclaim", "ACPI Mem NVS", "MMIO",
             "MMIO Port", "PAL Code", "Persistent", "Unaccepted"]
SHELL_NAMES = ["Reserved", "LoaderCode", "LoaderData", "BS_Code", "BS_Data", "RT_Code", "RT_Data",
               "Available", "Unusable", "ACPI_Recl", "ACPI_NVS", "MMIO", "MMIO_Port", "PalCode",
               "Persistent", "Unaccepted"]
FLAGS_NEW = [("RUN", 1 << 63), ("MR", 0x10000), ("CC", 0x80000), ("SP", 0x40000), ("NV", 0x8000),
             ("XP", 0x4000), ("RP", 0x2000), ("WP", 0x1000), ("RO", 0x20000), ("UCE", 0x10),
             ("WB", 8), ("WT", 4), ("WC", 2), ("UC", 1)]
FLAGS_OLD = [("RUN", 1 << 63), ("XP", 0x4000), ("RP", 0x2000), ("WP", 0x1000), ("UCE", 0x10),
             ("WB", 8), ("WT", 4), ("WC", 2), ("UC", 1)]

# Other systems' spellings, by type number, and flags in the order in which they print them.
UBOOT_NAMES = ["RESERVED", "LOADER CODE", "LOADER DATA", "BOOT CODE", "BOOT DATA", "RUNTIME CODE",
               "RUNTIME DATA", "CONVENTIONAL", "UNUSABLE MEM", "ACPI RECLAIM MEM", "ACPI NVS", "IO",
               "IO PORT", "PAL", "PERSISTENT"]
UEFI_NAMES = ["ReservedMemory", "LoaderCode", "LoaderData", "BootServicesCode", "BootServicesData",
              "RuntimeServicesCode", "RuntimeServicesData", "ConventionalMemory", "UnusableMemory",
              "ACPIReclaimMemory", "ACPIMemoryNVS", "MemoryMappedIO", "MemoryMappedIOPortSpace",
              "PalCode", "PersistentMemory", "UnacceptedMemoryType"]
GRUB_NAMES = ["reserved", "ldr-code", "ldr-data", "BS-code ", "BS-data ", "RT-code ", "RT-data ",
              "conv-mem", "unusable", "ACPI-rec", "ACPI-nvs", "MMIO    ", "IO-ports", "PAL-code",
              "persist "]
RUST_NAMES = ["RESERVED", "LOADER_CODE", "LOADER_DATA", "BOOT_SERVICES_CODE", "BOOT_SERVICES_DATA",
              "RUNTIME_SERVICES_CODE", "RUNTIME_SERVICES_DATA", "CONVENTIONAL", "UNUSABLE",
              "ACPI_RECLAIM", "ACPI_NON_VOLATILE", "MMIO", "MMIO_PORT_SPACE", "PAL_CODE",
              "PERSISTENT_MEMORY", "UNACCEPTED"]
BITS = {"UC": 1, "WC": 2, "WT": 4, "WB": 8, "UCE": 0x10, "WP": 0x1000, "RP": 0x2000, "XP": 0x4000,
        "NV": 0x8000, "MORE_RELIABLE": 0x10000, "REL": 0x10000, "RO": 0x20000, "SP": 0x40000,
        "RT": 1 << 63, "RUNTIME": 1 << 63}
RUST_BITS = {"UNCACHEABLE": 1, "WRITE_COMBINE": 2, "WRITE_THROUGH": 4, "WRITE_BACK": 8,
             "UNCACHABLE_EXPORTED": 0x10, "WRITE_PROTECT": 0x1000, "READ_PROTECT": 0x2000,
             "EXECUTE_PROTECT": 0x4000, "NON_VOLATILE": 0x8000, "MORE_RELIABLE": 0x10000,
             "READ_ONLY": 0x20000, "SPECIAL_PURPOSE": 0x40000, "CPU_CRYPTO": 0x80000,
             "RUNTIME": 1 << 63}

passed = failed = 0       # tests
checks = broken = 0       # of the test that runs


def check(ok, what, detail=""):
    global checks, broken
    checks += 1
    if not ok:
        broken += 1
        print(f"FAILED: {what} {detail}")
    return ok


def end_test(name):
    """A test is over; one that checked nothing has failed."""
    global passed, failed, checks, broken
    good = broken == 0 and checks > 0
    print(f"{'ok' if good else 'FAILED'}: {name} ({checks} checks)")
    passed += good
    failed += not good
    checks = broken = 0


def run(*args, stdin=None, timeout=60):
    try:
        return subprocess.run([MEMSIM, *args], capture_output=True, input=stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(args, -999, b"", b"it did not end in time")


def read_json(text, *args):
    """The JSON of `memsim map` on this text, or a word on why there is none."""
    data = text if isinstance(text, bytes) else text.encode("latin-1")
    r = run("map", "-", "--json", *args, stdin=data)
    if r.returncode != 0:
        return f"exit {r.returncode}: {r.stderr[-300:]}"
    return json.loads(r.stdout)


def load_map(name):
    entries = []
    with open(os.path.join(MAPS, name)) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                t, start, end, attr = line.split()
                entries.append((int(t), int(start, 16), int(end, 16),
                                8 if attr == "-" else int(attr, 16)))
    return entries


# ---- the styles ----

def flags(attr, table):
    known = sum(bit for _, bit in table)
    if attr & ~known:
        return f"|attr=0x{attr:016x}"
    return "".join("|" + (name if attr & bit else " " * len(name)).rjust(2) for name, bit in table)


def linux(entries, names, table, inclusive, prefix="[    0.000000] efi: "):
    last, close = (1, "]") if inclusive else (0, ")")
    return [f"{prefix}mem{i:02d}: [{names[t]:<18}{flags(a, table)}] "
            f"range=[0x{s:016x}-0x{(e - last) % TOP:016x}{close} ({(e - s) >> 20}MB)"
            for i, (t, s, e, a) in enumerate(entries)]


def linux_attr(entries):
    return [f"[    0.000000] efi: mem{i:02d}: [{LINUX_NAMES[t]}|attr=0x{a:016x}] "
            f"range=[0x{s:016x}-0x{e:016x}) (0MB)" for i, (t, s, e, a) in enumerate(entries)]


def linux_oldest(entries):
    return [f"EFI: mem{i:02d}: type={t}, attr=0x{a:x}, range=[0x{s:016x}-0x{e:016x}) (0MB)"
            for i, (t, s, e, a) in enumerate(entries)]


def arm64(entries):
    return [f"[    0.000000] efi:   0x{s:012x}-0x{e - 1:012x} [{LINUX_NEW[t]:<12}"
            f"{flags(a, FLAGS_NEW)}]{'*' if t in (1, 2, 3, 4) else ''}" for t, s, e, a in entries]


def xen(entries):
    return ["(XEN) EFI memory map:"] + [
        f"(XEN)  {s:013x}-{e - 1:013x} type={t} attr={a:016x}" for t, s, e, a in entries]


def mmap(entries):
    return [f"MMap[{i}]: 0x{s:x} - 0x{e - 1:x} len={e - s}, type={t}, attr=0x{a:x}"
            for i, (t, s, e, a) in enumerate(entries)]


def shell(entries):
    return ["Type       Start            End              # Pages          Attributes"] + [
        f"{SHELL_NAMES[t]:<10} {s:016X}-{e - 1:016X} {(e - s) >> 12:016X} {a:016X}"
        for t, s, e, a in entries] + ["", "  Reserved  :    25,088 Pages (102,760,448)"]


def words(attr, names, between, table=None):
    return between.join(n for n in names if attr & (table or BITS)[n])


UBOOT_FLAGS = ("UC", "WC", "WT", "WB", "UCE", "WP", "RP", "XP", "NV", "REL", "RO", "SP", "RT")
GRUB_FLAGS = ("RT", "UC", "WC", "WT", "WB", "UCE", "WP", "RP", "XP", "NV", "RO", "SP")
FREEBSD_FLAGS = ("UC", "WC", "WT", "WB", "UCE", "WP", "RP", "XP", "NV", "MORE_RELIABLE", "RO", "SP",
                 "RUNTIME")


def uboot(entries, names=UBOOT_NAMES, width=16):
    return ["=> efidebug memmap", "Type             Start            End              Attributes",
            "================ ================ ================ =========="] + [
        f"{names[t]:<{width}} {s:016x}-{e:016x} {words(a, UBOOT_FLAGS, '|')}".rstrip()
        for t, s, e, a in entries]


def grub_size(size, units):
    for unit in units[:-1]:
        if size < 1024:
            return f"{size:4}{unit}"
        size >>= 10
    return f"{size:4}{units[-1]}"


def grub(entries, units=("KiB", "MiB", "GiB")):
    return ["Type      Physical start  - end             #Pages        Size Attributes"] + [
        f"{GRUB_NAMES[t]}  {s:016x}-{e - 1:016x} {(e - s) >> 12:08x} {grub_size((e - s) >> 10, units)}"
        f" {words(a, GRUB_FLAGS, ' ')}" for t, s, e, a in entries]


def freebsd(entries, virtual=lambda s: f"{s:012x}"):
    return ["                   Type     Physical      Virtual   #Pages Attr"] + [
        f"{'Reserved' if t == 0 else UEFI_NAMES[t]:>23} {s:012x} {virtual(s)} {(e - s) >> 12:08x} "
        f"{words(a, FREEBSD_FLAGS, ' ')}" for t, s, e, a in entries]


def rust_flags(attr, wrap=True):
    text = words(attr, RUST_BITS, " | ", RUST_BITS) or ("0x0" if wrap else "(empty)")
    return f"MemoryAttribute({text})" if wrap else text


def rust(entries, wrap=True, padding=""):
    return [f"[ INFO]:  src/main.rs@031: MemoryDescriptor {{ ty: {RUST_NAMES[t]}, {padding}phys_start: {s}, "
            f"virt_start: 0, page_count: {(e - s) >> 12}, att: {rust_flags(a, wrap)} }}"
            for t, s, e, a in entries]


def rust_spread(entries, number="{}"):
    """Rust's {:#?}, or {:#x?} with number='{:#x}': a field a line, flags on a line of their own."""
    lines = []
    for t, s, e, a in entries:
        lines += ["INFO: MemoryDescriptor {", f"    ty: {RUST_NAMES[t]},",
                  "    phys_start: " + number.format(s) + ",", "    virt_start: 0,",
                  "    page_count: " + number.format((e - s) >> 12) + ",",
                  "    att: MemoryAttribute(", f"        {rust_flags(a)[16:-1]},", "    ),", "}"]
    return lines


def markdown(entries, columns):
    cell = {"Type": lambda t, s, e, a: UEFI_NAMES[t], "No": lambda t, s, e, a: "3",
            "Number": lambda t, s, e, a: str(t), "Start": lambda t, s, e, a: f"`0x{s:x}`",
            "End": lambda t, s, e, a: f"0x{e:x}", "Last": lambda t, s, e, a: f"{e - 1:016X}",
            "Range": lambda t, s, e, a: f"0x{s:x} - 0x{e - 1:x}",
            "Interval": lambda t, s, e, a: f"[0x{s:x}, 0x{e:x})",
            "Pages": lambda t, s, e, a: str((e - s) >> 12),
            "Hex pages": lambda t, s, e, a: f"{(e - s) >> 12:016X}",
            "Bits": lambda t, s, e, a: f"0x{a:x}", "Padded": lambda t, s, e, a: f"{a:016X}",
            "Flags": lambda t, s, e, a: words(a, FREEBSD_FLAGS, ", ") or "0x0"}
    heads = {"Number": "Type", "Last": "End Address", "Interval": "Range", "Hex pages": "# Pages",
             "Bits": "Attributes", "Padded": "Attribute", "Start": "Physical Start", "No": "No."}
    return ["", "| " + " | ".join(heads.get(c, c) for c in columns) + " |", "|---" * len(columns) + "|"] + [
        "| " + " | ".join(cell[c](*x) for c in columns) + " |" for x in entries]


def bars(lines):
    """A table of a console as somebody makes markdown of it: each blank between columns a bar."""
    return ["| " + re.sub(r"(?<=\S) +(?=\S)", " | ", x.strip()) + " |" for x in lines]


def fold(lines, width=72, quote="> "):
    """As a mail program folds and quotes."""
    return [quote + part for x in lines
            for part in textwrap.wrap(x, width, break_long_words=False, break_on_hyphens=False)]


def quoted_printable(lines, width=76):
    """RFC 2045: = is =3D, a blank at the end is =20, and lines end in = wherever they are full."""
    out = []
    for line in (re.sub(r" $", "=20", x.replace("=", "=3D")) for x in lines):
        while len(line) > width:
            cut = width - 1
            cut -= 1 if line[cut - 1] == "=" else 2 if line[cut - 2] == "=" else 0
            out.append(line[:cut] + "=")
            line = line[cut:]
        out.append(line)
    return out


def html(lines):
    entities = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "|": "&#124;", "-": "&#x2d;"}
    return ["<pre>"] + ["<span class=\"l\">" + "".join(entities.get(c, c) for c in x).replace(
        "  ", "&nbsp; ") + "</span><br/>" for x in lines] + ["</pre>"]


def serial(entries, start=0.01):
    return [f"[{start + i / 1e5:.6f}] map: {t} 0x{s:016x} 0x{e:016x} 0x{a:x}"
            for i, (t, s, e, a) in enumerate(entries)]


def plain(entries):
    return [f"{t} 0x{s:016x} 0x{e:016x} 0x{a:x}" for t, s, e, a in entries]


def chatter(lines):
    """Other lines of a log between those of the map."""
    out = ["[    0.000000] Linux version 6.1.0 (gcc) #1 SMP", "random: crng init done 0x1234"]
    for i, line in enumerate(lines):
        out.append(line)
        if i % 7 == 3:
            out.append(f"[    0.000{i:03d}] e820: reserve RAM buffer [mem 0x{i:08x}-0x{i + 5:08x}]")
    return out + ["[    0.1] BIOS-e820: [mem 0x0000000000100000-0x00000000bfffffff] usable"]


SYSLOG = "Nov 12 10:01:02 box kernel: [    0.000000] efi: "
JOURNAL = "Nov 12 10:01:02 box kernel: efi: "

STYLES = {
    "plain": plain,
    "plain, 8 digits without 0x": lambda m: [f"{t} {s:08x} {e:08x} {a:08x}" for t, s, e, a in m],
    "plain, numbers as short as they are": lambda m: [f"{t} 0x{s:x} 0x{e:x} 0x{a:x}" for t, s, e, a in m],
    "plain, page-sized comments": lambda m: [x + "   # so" for x in plain(m)],
    "Linux, inclusive, new flags": lambda m: linux(m, LINUX_NEW, FLAGS_NEW, True),
    "Linux, inclusive, old flags": lambda m: linux(m, LINUX_NAMES, FLAGS_OLD, True),
    "Linux, exclusive": lambda m: linux(m, LINUX_NAMES, FLAGS_OLD, False),
    "Linux, no time stamps": lambda m: linux(m, LINUX_NEW, FLAGS_NEW, True, "efi: "),
    "Linux, syslog": lambda m: linux(m, LINUX_NAMES, FLAGS_NEW, True, SYSLOG),
    "Linux, journal, quoted": lambda m: linux(m, LINUX_NAMES, FLAGS_NEW, True, "> " + JOURNAL),
    "Linux, attr in numbers": linux_attr,
    "Linux, type in numbers": linux_oldest,
    "Linux, inclusive and exclusive mixed":
        lambda m: [(linux(m, LINUX_NEW, FLAGS_NEW, i % 2 == 0))[i] for i in range(len(m))],
    "arm64": arm64,
    "Xen": xen,
    "MMap": mmap,
    "shell": shell,
    "U-Boot": uboot,
    "U-Boot, the names of UEFI": lambda m: uboot(m, UEFI_NAMES, 23),
    "GRUB": grub,
    "GRUB, older": lambda m: grub(m, ("KB", "MB", "GB")),
    "FreeBSD": freebsd,
    "FreeBSD's sysctl": lambda m: freebsd(m, lambda s: "         0x0"),
    "uefi-rs": rust,
    "uefi-rs, older": lambda m: rust(m, False, "padding: 0, "),
    "uefi-rs, spread over lines": rust_spread,
    "uefi-rs, spread and in hex": lambda m: rust_spread(m, "{:#x}"),
    "markdown, the usual columns": lambda m: markdown(m, ("Type", "Start", "End", "Pages", "Bits")),
    "markdown, an order of its own":
        lambda m: markdown(m, ("No", "Start", "Last", "Flags", "Hex pages", "Type")),
    "markdown, pages in place of an end": lambda m: markdown(m, ("Start", "Pages", "Number", "Flags")),
    "markdown, pages in hex": lambda m: markdown(m, ("Type", "Start", "Hex pages", "Padded")),
    "markdown, a range": lambda m: markdown(m, ("Range", "Type", "Padded")),
    "markdown, an interval": lambda m: markdown(m, ("Number", "Interval", "Bits")),
    "markdown of a plain map": lambda m: bars(plain(m)),
    "markdown of the shell's table": lambda m: bars(shell(m)[:-2]),
    "markdown of FreeBSD's table": lambda m: bars(freebsd(m)),
    "Linux, in markdown's bars":
        lambda m: ["| " + x.replace("|", "\\|") + " |" for x in linux(m, LINUX_NEW, FLAGS_NEW, True)],
    "Linux, folded and quoted": lambda m: fold(linux(m, LINUX_NEW, FLAGS_NEW, True)),
    "Linux, type in numbers, folded": lambda m: fold(linux_oldest(m), 48, ""),
    "Linux, folded in the middle of words": lambda m: [
        part for i, x in enumerate(linux(m, LINUX_NAMES, FLAGS_OLD, True, "efi: "))
        for part in (x[:60 + i % 18], x[60 + i % 18:])],
    "Linux, quoted-printable": lambda m: quoted_printable(linux(m, LINUX_NEW, FLAGS_NEW, True)),
    "arm64, folded": lambda m: fold(arm64(m), 64),
    "Xen, folded": lambda m: fold(xen(m), 46),
    "MMap, folded": lambda m: fold(mmap(m), 40),
    "shell, folded": lambda m: fold(shell(m)[:-2], 66),
    "GRUB, folded": lambda m: fold(grub(m), 66),
    "FreeBSD, folded": lambda m: fold(freebsd(m), 64),
    "uefi-rs, folded": lambda m: fold(rust(m), 78),
    "Linux, in HTML": lambda m: html(linux(m, LINUX_NEW, FLAGS_NEW, True)),
    "shell, in HTML": lambda m: html(shell(m)),
    "U-Boot, in HTML": lambda m: html(uboot(m)),
    "plain, with tabs": lambda m: [x.replace(" ", "\t") for x in plain(m)],
    "shell, with tabs": lambda m: [x.replace(" ", "\t") for x in shell(m)],
    "FreeBSD, with tabs": lambda m: [re.sub(" +", "\t", x) for x in freebsd(m)],
    "Linux, a word processor's dashes and blanks": lambda m: [
        x.replace("-", "\u2013").replace("  ", " \u00a0").encode().decode("latin-1")
        for x in linux(m, LINUX_NEW, FLAGS_NEW, True)],
    "serial": serial,
    "serial, no time stamps": lambda m: [re.sub(r"^\[.*?\] ", "", x) for x in serial(m)],
    "serial, after a terminal's escapes": lambda m: ["\033[2J\033[01;01H"] + [
        f"\033[0m\033[37m{x}\033[0m" for x in serial(m)],
    "two halves in two styles": lambda m: plain(m[:len(m) // 2]) + xen(m[len(m) // 2:])
        if disjoint(m[:len(m) // 2], m[len(m) // 2:]) else plain(m),
}


def disjoint(a, b):
    return not any(s < e2 and s2 < e for _, s, e, _ in a for _, s2, e2, _ in b)


SAME = ("usable_pages", "pages", "metadata_pages", "zones", "regions", "kinds", "anomalies",
        "entries", "skipped_lines")


def test_styles(name, entries, want, number):
    styles = list(STYLES.items())
    for style, render in styles[number % 3 :: 3] if BRIEF and not name.startswith(LARGEST) else styles:
        got = read_json("\n".join(render(entries)) + "\n")
        check(isinstance(got, dict) and all(got[k] == want[k] for k in SAME),
              f"{name} as {style}", got if isinstance(got, str) else
              {k: (got[k], want[k]) for k in SAME if got[k] != want[k]})
        check(isinstance(got, str) or not got["notes"], f"{name} as {style}: no remarks")
    for ending in ("\r\n", "\r", "\r\r\n"):
        got = read_json(ending.join(chatter(linux(entries, LINUX_NEW, FLAGS_NEW, True))) + ending)
        check(isinstance(got, dict) and all(got[k] == want[k] for k in SAME),
              f"{name} in a log with line ends {ending!r}")
    wide = "\ufeff" + "\r\n".join(shell(entries))
    got = read_json(wide.encode("utf-16-le"))
    check(isinstance(got, dict) and got["usable_pages"] == want["usable_pages"],
          f"{name} as the shell writes a file, in UTF-16")


def expected_totals():
    with open(os.path.join(MAPS, "expected.tsv")) as f:
        head = f.readline().rstrip("\n").split("\t")
        return [dict(zip(head, line.rstrip("\n").split("\t"))) for line in f if line.strip()]


def test_real_maps():
    rows = expected_totals()
    files = sorted(x for x in os.listdir(MAPS) if x.endswith(".map"))
    check(sorted(row["file"] for row in rows) == files and len(files) > 30,
          "expected.tsv names every map")
    end_test("the list of maps")
    for number, row in enumerate(rows):
        name, usable = row["file"], int(row["usable"])
        test_real_map(name, usable, row, number)
        end_test(name)


def test_real_map(name, usable, row, number):
    r = run("map", os.path.join(MAPS, name), "--json")
    if not check(r.returncode == 0, f"{name}: exit 0", r.stderr):
        return
    j = json.loads(r.stdout)
    zones = sum(z["pages"] for z in j["zones"])
    regions = sum(x["pages"] for x in j["regions"])
    check(j["usable_pages"] == usable, f"{name}: usable", (j["usable_pages"], usable))
    check(j["pages"] + j["metadata_pages"] == usable and j["beyond_pages"] == 0 and j["audit"] == "equal",
          f"{name}: every page accounted for", j["audit"])
    check(j["pages"] == zones == regions, f"{name}: zones and regions add up")
    check(j["entries"] == int(row["entries"]) and j["skipped_lines"] == 0,
          f"{name}: every entry read")
    check(j["partial"] == (row["partial"] == "yes"), f"{name}: partial")
    check(j["metadata_pages"] * 32768 <= 2.5 * j["pages"] + 8 * 32768 * 8,
          f"{name}: metadata at most 2.5 bits a page", j["metadata_pages"])
    check(0 < j["init_ns"] < 10**7, f"{name}: init_ns", j["init_ns"])
    human = run("map", os.path.join(MAPS, name))
    check(human.returncode == 0 and b": equal\n" in human.stdout, f"{name}: for people")
    if j["entries"] < 60 or name.startswith(LARGEST):
        test_styles(name, load_map(name), j, number)


# ---- which map, and what is odd about it ----

SMALL = [(7, 0x100000, 0x8000000, 0xf), (0, 0x8000000, 0x9000000, 0xf),
         (4, 0x9000000, 0xa000000, 0xf)]
OTHER = [(7, 0x100000, 0x4000000, 0xf), (0, 0x8000000, 0x9000000, 0xf),
         (7, 0x9000000, 0xa000000, 0xf)]


def pages_of(entries):
    return sum((e - s) >> 12 for t, s, e, _ in entries if t in (1, 2, 3, 4, 7))


def expect(text, want, what, **more):
    got = read_json(text if isinstance(text, bytes) else "\n".join(text) + "\n")
    ok = isinstance(got, dict) and got["usable_pages"] == pages_of(want)
    for key, value in more.items():
        ok = ok and got[key] == value
    check(ok, what, got if isinstance(got, str) else
          {k: got[k] for k in (*more, "usable_pages", "notes", "maps")})


def test_choice():
    for name, render in (("serial", serial), ("Xen", xen), ("shell", shell), ("arm64", arm64),
                         ("Linux", lambda m: linux(m, LINUX_NEW, FLAGS_NEW, True)), ("MMap", mmap)):
        expect(render(SMALL) + render(OTHER), OTHER, f"{name}: of two boots the last", maps=2,
               map_taken=2)
        expect(render(SMALL) + render(OTHER)[:2 if name in ("Xen", "shell") else 1], SMALL,
               f"{name}: a log that was cut does not win", maps=2, map_taken=1)
    untimed = [re.sub(r"^\[.*?\] ", "", x) for x in serial(SMALL)]
    expect(untimed + untimed, SMALL, "serial without a clock: the first line comes again", maps=2)
    expect(serial(SMALL) + ["[1.0] verdict: pass"] + serial(OTHER, 2.0), OTHER,
           "serial: a verdict ends a boot", maps=2)
    expect(["# machine: one"] + plain(SMALL) + ["# machine: two"] + plain(OTHER), OTHER,
           "two .map files in one: the last", maps=2, machine="two")
    expect(plain(SMALL) + xen(OTHER), OTHER, "two styles that overlap: the last", maps=2)
    expect(plain(SMALL[:1]) + xen(SMALL[1:]), SMALL, "two styles that do not overlap: one map",
           map_taken=0)
    runtime = [(6, 0x9000000 + i * 0x2000, 0x9001000 + i * 0x2000, 0xf | 1 << 63) for i in range(9)]
    expect(linux(SMALL, LINUX_NEW, FLAGS_NEW, True) + ["efi: EFI runtime memory map:"] +
           linux(runtime, LINUX_NEW, FLAGS_NEW, True), SMALL, "Linux's runtime map does not win",
           maps=2, map_taken=1)
    test_later_lists(runtime)
    expect([x for x in linux(SMALL, LINUX_NEW, FLAGS_NEW, True) for _ in "12"], SMALL,
           "two consoles on one wire: every line twice", maps=1, entries=3, ignored_lines=3)
    expect(plain(SMALL + SMALL[:1]), SMALL, "a plain map may repeat itself", maps=1, entries=4)


TITLE = "[    0.000000] efi: EFI runtime memory map:"


def test_later_lists(runtime):
    """Linux's list for later holds conventional memory in some boots, and is no map in any."""
    new = lambda m: linux(m, LINUX_NEW, FLAGS_NEW, True)
    mixed = SMALL[:1] + runtime
    expect(new(SMALL) + [TITLE] + new(mixed), SMALL, "a longer list for later does not win", maps=2,
           map_taken=1, entries=3, skipped_lines=0)
    expect(new(SMALL) + [TITLE] + new(mixed) + ["[0.0] Linux version 6.1"] + new(OTHER) + [TITLE] +
           new(mixed), OTHER, "two boots with their lists for later: the last map", maps=4, map_taken=3)
    expect(arm64(SMALL) + ["efi: EFI runtime memory map:"] + arm64(mixed), SMALL,
           "arm64's list for later", maps=2, map_taken=1)
    expect(new(SMALL) + new(SMALL[:2]), SMALL, "without its title: all of it stands in the map", maps=2,
           map_taken=1, partial=False)
    expect(["# options: EFI runtime memory map: verdict: Linux version 1"] + plain(SMALL) +
           ["# Linux version 6"] + plain(OTHER), SMALL, "a remark is no title and ends no list", maps=1)
    expect([TITLE] + plain(SMALL), SMALL, "only Linux has a list for later", maps=1)
    r = run("map", "-", stdin="\n".join([TITLE] + new(mixed)).encode())
    check(r.returncode == 1 and b"what Linux keeps for later" in r.stderr and
          b"efi=debug" in r.stderr and r.stdout == b"", "a list for later alone: exit 1 with a sentence", r.stderr)


def missing_of(got):
    """The numbers that a note names, as text; "" when there is none."""
    notes = [n["text"] for n in got["notes"] if "numbers are missing" in n["text"]] if isinstance(got, dict) else []
    return notes[0].split(": ")[-1] if len(notes) == 1 else ""


def test_missing():
    m = load_map("acer-aspire-v3-571g-4g.map")
    lines = linux(m, LINUX_NEW, FLAGS_NEW, True)
    whole = read_json("\n".join(lines))
    check(not whole["partial"] and not whole["notes"], "nothing is missing", whole["notes"])
    for gone, named in (({0}, "0"), (set(range(7)), "0 to 6"), ({12}, "12"), ({3, 5, 6, 98}, "3, 5 to 6, 98"),
                        (set(range(1, 40)), "1 to 39"), (set(range(1, 80, 2)), None)):
        rest = [x for i, x in enumerate(m) if i not in gone]
        for name, all_lines, after in (("Linux", lines, list), ("MMap", mmap(m), list), ("folded", lines, fold)):
            got = read_json("\n".join(after([x for i, x in enumerate(all_lines) if i not in gone])))
            ok = isinstance(got, dict) and got["partial"] and got["entries"] == len(rest)
            ok = ok and got["skipped_lines"] == 0 and got["usable_pages"] == usable_of(rest)
            check(ok and (missing_of(got) == named if named else missing_of(got).endswith(", ...")),
                  f"{name}: numbers missing: {named}", got if isinstance(got, str) else got["notes"])
    got = read_json("\n".join(lines[:20] + [lines[20][:90]]))
    check(got["partial"] and got["skipped_lines"] == 1 and got["entries"] == 20 and missing_of(got) == "20",
          "the last line is torn: named as broken, and its number is missing", got["notes"])
    got = read_json("\n".join(lines[:20] + [lines[23][:90], lines[21][:90]]))
    check(got["partial"] and got["skipped_lines"] == 2 and missing_of(got) == "20 to 23",
          "two lines are torn: the highest number tells how much is missing", got["notes"])
    got = read_json("\n".join(lines[:20] + [lines[0][:90]] + lines[1:10]))
    check(got["skipped_lines"] == 1 and got["map_taken"] == 1 and not got["partial"],
          "a torn line that begins the next boot", got["notes"])
    got = read_json("\n".join(lines[:20] + [lines[20][:90]] + lines[21:]))
    check(got["partial"] and got["skipped_lines"] == 1 and missing_of(got) == "20",
          "a line in the middle is torn: its number is missing", got["notes"])
    human = run("map", "-", stdin="\n".join(lines[4:]).encode()).stdout
    check(b"partial: lines of the list are missing" in human and b"0 to 3" in human, "for people too", human[:300])
    holes = linux(OTHER * 3, LINUX_NEW, FLAGS_NEW, True)
    expect(linux(SMALL * 3, LINUX_NEW, FLAGS_NEW, True) + holes[:3] + holes[4:], SMALL,
           "of two boots the last that is complete", maps=2, map_taken=1, partial=False)
    expect(linux(SMALL * 3, LINUX_NEW, FLAGS_NEW, True) + holes[:8] + [holes[8][:80]], SMALL,
           "a list whose last line is torn is not complete", maps=2, map_taken=1, partial=False)
    expect(linux(SMALL * 3, LINUX_NEW, FLAGS_NEW, True)[1:] + holes[1:], OTHER,
           "all boots have gaps: the last", maps=2, map_taken=2, partial=True)
    expect(["[9.0] end of a boot"] + linux(SMALL, LINUX_NEW, FLAGS_NEW, True)[2:] +
           linux(SMALL, LINUX_NEW, FLAGS_NEW, True)[:1], [SMALL[0], SMALL[2]],
           "the tail of one boot and the head of the next", map_taken=0, partial=True)


def usable_of(entries):
    """Pages of RAM that no other kind touches, above 1 MiB, as totals.py does it: by painting."""
    ram, other = set(), set()
    for t, s, e, a in entries:
        if t in (1, 2, 3, 4, 7) and a & 8 and not a & 0x42000:
            ram.update(range(max(s, 1 << 20) + 4095 >> 12, e >> 12))
        else:
            other.update(range(s >> 12, min(e, 1 << 40) + 4095 >> 12))
    return len(ram - other)


def test_folds():
    old = linux_oldest(SMALL)
    cut = old[1].index("range=")
    expect([old[0], old[1][:cut], old[1][cut:], old[2]], SMALL, "folded once", joined_lines=1,
           ignored_lines=0, skipped_lines=0)
    expect([old[0], old[1][:cut], "", old[1][cut:], old[2]], [SMALL[0], SMALL[2]],
           "an empty line between: no fold", joined_lines=0, skipped_lines=1)
    expect([old[0], old[1][:cut], "[    0.000000] " + old[1][cut:], old[2]], [SMALL[0], SMALL[2]],
           "a line with a time is no rest of another", joined_lines=0, skipped_lines=1)
    expect([old[0], old[1][:cut], "something else", old[2]], [SMALL[0], SMALL[2]],
           "the rest is something else", joined_lines=0, skipped_lines=1, ignored_lines=1)
    expect([old[0], old[1][:cut], old[2]], [SMALL[0], SMALL[2]], "the next entry is no rest",
           joined_lines=0, skipped_lines=1)
    expect([old[0], old[2], old[1][:cut]], [SMALL[0], SMALL[2]], "nothing follows", joined_lines=0,
           skipped_lines=1)
    expect(plain(SMALL) + ["MemoryDescriptor {"] + ["    ty: CONVENTIONAL,"] * 30, SMALL,
           "what follows is no rest of it", skipped_lines=1, ignored_lines=30)
    flags = ["MemoryDescriptor { ty: CONVENTIONAL, phys_start: 4096, virt_start: 0, page_count: 1,", "att:"]
    expect(plain(SMALL) + flags + ["    WRITE_BACK |"] * 8 + ["}"], SMALL, "many lines of one entry", entries=4,
           skipped_lines=0, joined_lines=10)
    expect(plain(SMALL) + flags + ["    WRITE_BACK |"] * 40 + ["}"], SMALL, "what never ends is given up", entries=3,
           skipped_lines=1, ignored_lines=42, joined_lines=0)
    lines = freebsd([(7, 0x100000, 0x8000000, 0xf), (0, 0x8000000, 0x9000000, 1)])
    expect([lines[0], lines[1][:-6], "WB", lines[2]], [(7, 0x100000, 0x8000000, 0xf)],
           "flags go on in the next line", joined_lines=1, skipped_lines=0)


E820_STYLES = {
    "now": lambda m: [f"[    0.000000] BIOS-e820: [mem 0x{s:016x}-0x{e - 1:016x}] {k}" for s, e, k in m],
    "of 2025": lambda m: [f"BIOS-e820: [mem 0x{s:016x}-0x{e - 1:016x}]  "
                          + {"usable": "System RAM", "reserved": "device reserved"}.get(k, k) for s, e, k in m],
    "with sizes": lambda m: [f"BIOS-e820: [mem 0x{s:016x}-0x{e - 1:016x}] {(e - s) / 1048576:6.1f} MB "
                             + {"usable": "kernel usable RAM"}.get(k, k) for s, e, k in m],
    "before 2012": lambda m: [f" BIOS-e820: {s:016x} - {e:016x} ({k})" for s, e, k in m],
    "32 bits": lambda m: [f"BIOS-e820: [mem 0x{s:08x}-0x{e - 1:08x}] {k}" for s, e, k in m],
    "under Xen": lambda m: [f"[    0.000000] Xen: [mem 0x{s:016x}-0x{e - 1:016x}] {k}" for s, e, k in m],
    "of Xen": lambda m: ["(XEN) Xen-e820 RAM map:"] + [f"(XEN)  {s:016x} - {e:016x} ({k})" for s, e, k in m],
    "of Xen now": lambda m: [f"(XEN)  [{s:016x}, {e - 1:016x}] ({k})" for s, e, k in m],
    "of FreeBSD": lambda m: [f"SMAP type={E820_TYPES.get(k, 2):02d} base={s:016x} len={e - s:016x}"
                             for s, e, k in m],
    ".e820 file": lambda m: ["# machine: one"] + [f"0x{s:016x} 0x{e:016x} {k}" for s, e, k in m],
    "folded": lambda m: fold(E820_STYLES["now"](m), 60),
}
E820_TYPES = {"usable": 1, "reserved": 2, "ACPI data": 3, "ACPI NVS": 4, "unusable": 5}


def load_e820(name):
    with open(os.path.join(MAPS, name)) as f:
        rows = [x.split(None, 2) for x in f if not x.startswith("#")]
    return [(int(a, 16), int(b, 16), k.strip()) for a, b, k in rows]


def test_e820():
    rows = [row for row in expected_totals() if row["linux"] != "-"]
    check(len(rows) > 10, "there are e820 lists")
    for row in rows:
        m = load_e820(row["file"][:-4] + ".e820")
        for style, render in E820_STYLES.items():
            got = read_json("\n".join(render(m)) + "\n")
            ok = isinstance(got, dict) and got["usable_pages"] == int(row["linux"])
            ok = ok and got["entries"] == len(m) and got["skipped_lines"] == 0 and got["styles"] == ["e820 list"]
            check(ok and any("an e820 list: it cannot tell" in n["text"] for n in got["notes"]),
                  f"{row['file']}: e820 {style}", got if isinstance(got, str) else
                  (got["usable_pages"], row["linux"], got["entries"], len(m), got["notes"]))
    kinds_of_e820()
    m = load_e820("asus-x555lb-8g.e820")
    for style, render in E820_STYLES.items():
        expect(plain(SMALL) + render(m), SMALL, f"e820 {style} beside a UEFI map", maps=1, skipped_lines=0,
               notes=[])
        expect(render(m) + linux(SMALL, LINUX_NEW, FLAGS_NEW, True), SMALL, f"e820 {style} before a UEFI map",
               maps=1, skipped_lines=0, notes=[])
    now = E820_STYLES["now"](m)
    expect(plain(SMALL) + [now[3][:50]], SMALL, "a broken e820 line beside a UEFI map", skipped_lines=0, notes=[])
    got = read_json("\n".join(now[:-1] + [now[-1][:50]]))
    check(isinstance(got, dict) and got["skipped_lines"] == 1 and any("skipped" in n["text"] for n in got["notes"]),
          "a broken line of an e820 list is named", got if isinstance(got, str) else got["notes"])
    r = run("map", "-", stdin=now[0][:50].encode())
    check(r.returncode == 1 and b"skipped" in r.stderr, "nothing but a broken e820 line", r.stderr)


def kinds_of_e820():
    base = "BIOS-e820: [mem 0x0000000000100000-0x0000000007ffffff] usable"
    for kind, name in (("ACPI data", "ACPI tables"), ("ACPI NVS", "ACPI NVS"), ("unusable", "faulty"),
                       ("persistent (type 7)", "persistent"), ("persistent RAM (type 12)", "persistent"),
                       ("soft reserved", "special purpose"), ("device reserved", "reserved"),
                       ("reserved", "reserved"), ("type 20", "reserved"), ("usable", "usable")):
        got = kinds([base, f"BIOS-e820: [mem 0x0000000010000000-0x0000000010000fff] {kind}"])
        want = 0x7f00 + 1 if name == "usable" else 1
        check(not isinstance(got, str) and got[0].get(name) == want, f"e820's {kind} is {name}", got)


# ---- nodes ----

# How an SRAT's ranges (node, start, end, hot-plug) reach people.
SRAT_STYLES = {
    "Linux": lambda m: [f"[    0.009731] ACPI: SRAT: Node {n} PXM {n + 3} [mem 0x{s:08x}-0x{e - 1:08x}]"
                        f"{' hotplug' if h else ''}" for n, s, e, h in m],
    "Linux on arm64": lambda m: [f"ACPI: NUMA: SRAT: Node {n} PXM {n} [mem 0x{s:x}-0x{e - 1:x}]{' hotplug' * h}"
                                 for n, s, e, h in m],
    "Linux of 2012": lambda m: [f"SRAT: Node {n} PXM {n} [mem 0x{s:08x}-0x{e - 1:08x}]{' hotplug' * h}"
                                for n, s, e, h in m],
    "Linux before 2012": lambda m: [f"Jan  4 19:36:43 box kernel: SRAT: Node {n} PXM {n} {s:x}-{e:x}"
                                    f"{' (hotplug)' * h}" for n, s, e, h in m],
    "Xen": lambda m: [f"(XEN) SRAT: Node {n} PXM {n} [{s:016x}, {e - 1:016x}]{' (hotplug)' * h}" for n, s, e, h in m],
    "folded": lambda m: fold(SRAT_STYLES["Linux"](m), 52),
    "quoted-printable": lambda m: quoted_printable(SRAT_STYLES["Linux"](m), 66),
    "HTML": lambda m: html(SRAT_STYLES["Linux"](m)),
}
PAGE = 4096
RAM_TYPES = (1, 2, 3, 4, 5, 6, 7, 9, 10)  # with write-back; below 1 MiB the usable ones count as reserved


def load_nodes(name):
    """Claims, RAM, and what was worked out by hand, of a file in tests/data/nodes."""
    memory, ram, want = [], [], {"ranges": [], "nodes": {}}
    with open(os.path.join(NODES, name)) as f:
        for key, *rest in (x.split() for x in f if x.strip() and not x.startswith("#")):
            n = [int(x, 0) for x in rest if x not in ("range", "node", "unplaced")]
            if key == "memory":
                memory.append((n[0], n[1], n[2], False))
            elif key == "ram":
                ram.append((7, n[0], n[1], 0xf))
            elif key == "=" and rest[0] == "range":
                want["ranges"].append(tuple(n))
            elif key == "=" and rest[0] == "node":
                want["nodes"][n[0]] = n[2]
            elif key == "=":
                want["unplaced"] = n[0]
    return memory, ram, want


def nodes_of(got):
    return {n["node"]: (n["ram_pages"], n["usable_pages"]) for n in got["nodes"]}


def test_nodes():
    names = sorted(os.listdir(NODES))
    check(len(names) >= 3, "there are tables of nodes", names)
    for name in names:
        memory, ram, want = load_nodes(name)
        low = sum(min(e, 1 << 20) - min(s, 1 << 20) for _, s, e, _ in ram)  # all of it is node 0's
        for style, render in SRAT_STYLES.items():
            got = read_json("\n".join(plain(ram) + render(memory)))
            if not check(isinstance(got, dict), f"{name} as {style}", got):
                continue
            pages = {n: (b - (low if n == 0 else 0)) // PAGE for n, b in want["nodes"].items()}
            check(nodes_of(got) == {n: (p, p) for n, p in pages.items()}, f"{name} as {style}: RAM", nodes_of(got))
            ranges = [(n["node"], x["base"], x["base"] + x["pages"] * PAGE) for n in got["nodes"] for x in n["ranges"]]
            check(sorted(ranges, key=lambda x: x[1]) == want["ranges"], f"{name} as {style}: ranges", ranges)
            check(got["unplaced_pages"] == want["unplaced"] // PAGE, f"{name} as {style}: in no range")
            check(sum(p for _, p in nodes_of(got).values()) == got["usable_pages"], f"{name} as {style}: all counted")
            check(got["skipped_lines"] == 0 and got["disputed_ranges"] == 0 and not got["notes"],
                  f"{name} as {style}: no remarks", got["notes"])
    test_random_nodes()
    test_which_nodes()


def test_random_nodes():
    """Small claims of any kind, against the rule asked page by page."""
    rng = random.Random(14)
    ram = [(7, 0x100000, 0x120000, 0xf), (4, 0x120000, 0x128000, 0xf), (9, 0x128000, 0x12a000, 0xf),
           (0, 0x12a000, 0x130000, 0xf), (7, 0x130000, 0x140000, 0xf), (7, 0x200000, 0x800000, 0xf)]
    for case in range(60):
        edges = lambda: rng.choice((rng.randrange(0xf8, 0x148) << 12, rng.randrange(0xf8000, 0x148000)))
        claims = [(rng.randrange(4), *sorted((edges(), edges() + 1)), rng.random() < 0.2)
                  for _ in range(rng.randrange(1, 9))]
        known = sorted({n for n, _, _, hot in claims if not hot})
        sums, unplaced = {n: [0, 0] for n in known}, 0
        for t, start, end, _ in ram:
            for page in range(start, end, PAGE):
                mine = [n for n, s, e, hot in claims if not hot and s <= page < e]
                unplaced += t in RAM_TYPES and not mine
                if known and t in RAM_TYPES:
                    sums[mine[0] if mine else known[0]][0] += 1
                    sums[mine[0] if mine else known[0]][1] += t in (4, 7)
        got = read_json("\n".join(plain(ram) + SRAT_STYLES["Linux"](claims)))
        placed = sum(x for x, _ in sums.values()) - unplaced
        if not check(isinstance(got, dict), f"nodes by chance, case {case}", got):
            continue
        if not known or placed == 0:  # nothing to go by: one node has all
            want, unplaced = {0: (got["usable_pages"] + 2, got["usable_pages"])}, 0
        else:
            want = {n: tuple(x) for n, x in sums.items()}
        check(nodes_of(got) == want and got["unplaced_pages"] == unplaced, f"nodes by chance, case {case}",
              (claims, nodes_of(got), want, got["unplaced_pages"], unplaced))


def test_which_nodes():
    two = [(0, 0, 0x4000000, False), (1, 0x4000000, 0xa000000, False)]
    one = [(7, 0, 0xa000000, False)]
    boots = (linux(SMALL, LINUX_NEW, FLAGS_NEW, True) + SRAT_STYLES["Linux"](two) + ["[0.0] Linux version 6"] +
             linux(OTHER, LINUX_NEW, FLAGS_NEW, True) + SRAT_STYLES["Linux"](one))
    got = read_json("\n".join(boots))
    check(list(nodes_of(got)) == [7] and got["map_taken"] == 2, "nodes of the boot that the map is of", nodes_of(got))
    got = read_json("\n".join(boots[:-4] + boots[-1:]))
    check(list(nodes_of(got)) == [0, 1], "of two boots the one with a map", nodes_of(got))
    got = read_json("\n".join(["[0.1] Linux version 6"] + SRAT_STYLES["Linux"](two) + ["# machine: x"] + plain(SMALL)))
    check(list(nodes_of(got)) == [0, 1], "a map of its own beside a log: its nodes", got["nodes"])
    got = read_json("\n".join(plain(SMALL)))
    check(got["nodes"] == [] and got["unplaced_pages"] == 0, "no lines of nodes, no nodes", got["nodes"])
    over = [(0, 0, 0x5000000, False), (1, 0x4000000, 0xa000000, False), (1, 0x4000000, 0x4800000, False)]
    got = read_json("\n".join(plain(SMALL) + SRAT_STYLES["Linux"](over)))
    check(got["disputed_ranges"] == 2 and nodes_of(got)[0][0] == (0x5000000 >> 12) - 256, "the first counts", got["nodes"])
    got = read_json("\n".join(plain(SMALL) + ["SRAT: Node 5 PXM 5 [mem 0x00000000-0xffffffffffffffff]"] +
                              SRAT_STYLES["Linux"](two)))
    check(list(nodes_of(got)) == [0, 1] and nodes_of(got)[0][0] == 0x3f00, "a filler is no range", got["nodes"])
    many = [(n, 0x100000 + n * PAGE, 0x101000 + n * PAGE, False) for n in range(600)]
    got = read_json("\n".join(plain(SMALL) + SRAT_STYLES["Linux"](many)))
    check(len(got["nodes"]) == 600 and got["unplaced_pages"] == got["usable_pages"] - 600 and
          [x for x, _ in nodes_of(got).values()][1:] == [1] * 599, "as many ranges as are told", got["unplaced_pages"])
    human = run("map", "-", stdin="\n".join(plain(SMALL) + SRAT_STYLES["Linux"](over[1:] + [(2, 0x4000000, 0x4100000, False)] + many)).encode()).stdout
    for text in (b"\nnodes:\n", b"  node 1 ", b"of RAM, ", b"no range holds", b"overlap one of another node"):
        check(text in human, f"for people: {text}", human[:1500])
    human = run("map", "-", stdin="\n".join(plain(SMALL) + SRAT_STYLES["Linux"]([(1, 1 << 40, 2 << 40, False)])).encode())
    check(b"one only: no RAM lies in a range" in human.stdout, "nodes without RAM", human.stdout[:900])


def test_logs():
    """Shipped inputs, and what they must come to (tests/data/logs/README.md)."""
    def get(name):
        r = run("map", os.path.join(LOGS, name), "--json")
        return json.loads(r.stdout) if r.returncode == 0 else r.stderr
    got = get("runtime-map-after-the-map.dmesg")
    check(isinstance(got, dict) and got["kinds"] == {"usable": 261888, "ACPI tables": 256, "ACPI NVS": 256,
          "runtime services": 256} and got["map_taken"] == 1 and got["skipped_lines"] == 0,
          "the list for later is not the map", got)
    got = get("remove-lines.dmesg")
    check(isinstance(got, dict) and got["kinds"] == {"usable": 261888, "runtime services": 256, "device": 256}
          and got["skipped_lines"] == 0 and not got["notes"] and got["entries"] == 3, "lines on removal", got)
    with open(os.path.join(LOGS, "remove-lines.dmesg")) as f:
        alone = "".join(x for x in f if "emov" in x)
    r = run("map", "-", stdin=alone.encode())
    check(alone.count("\n") == 2 and r.returncode == 1 and b"efi=debug" in r.stderr and b"skipped" not in r.stderr,
          "lines on removal alone ask for efi=debug", r.stderr)
    got = get("numbers-missing.dmesg")
    check(isinstance(got, dict) and got["partial"] and got["entries"] == 42 and got["skipped_lines"] == 0 and
          missing_of(got) == "19 to 59", "numbers that are missing are named", got)
    with open(os.path.join(LOGS, "numbers-missing.dmesg")) as f:
        rows = re.findall(r"type=(\d+), attr=(\w+), range=\[(\w+)-(\w+)\)", f.read())
    left = [(int(t), int(s, 16), int(e, 16), int(a, 16)) for t, a, s, e in rows]
    check(len(left) == 42 and got["usable_pages"] == usable_of(left), "what is there is read", got["usable_pages"])


def test_ends():
    expect(["efi: mem00: type=7, attr=0xf, range=[0x100000-0x7ffffff) (1MB)"],
           [(7, 0x100000, 0x8000000, 0xf)], "an end in fff is inclusive whatever the bracket")
    expect(["efi: mem00: type=7, attr=0xf, range=[0x100000-0x8000000] (1MB)"],
           [(7, 0x100000, 0x8000000, 0xf)], "an end in 000 is exclusive whatever the bracket")
    expect(["MMap[0]: 0x100000 - 0x8000000 len=133169152, type=7, attr=0xf"],
           [(7, 0x100000, 0x8000000, 0xf)], "a length beside it decides")
    expect(["(XEN)  0000000100000-0000008000000 type=7 attr=000000000000000f"],
           [(7, 0x100000, 0x8000000, 0xf)], "Xen with an exclusive end")
    expect(["Available  0000000000100000-0000000008000000 0000000000007F00 000000000000000F"],
           [(7, 0x100000, 0x8000000, 0xf)], "the shell with an exclusive end")


def kinds(lines):
    got = read_json("\n".join(lines) + "\n")
    return got if isinstance(got, str) else (got["kinds"], {a["kind"]: a["count"]
                                                            for a in got["anomalies"]})


def test_meaning():
    base = "7 0x100000 0x8000000 0xf"
    for text, kind in (("7 0x10000000 0x10001000 0x7", "reserved"), ("7 0x10000000 0x10001000 -",
                       "usable"), ("7 0x10000000 0x10001000 0x4000f", "special purpose"),
                       ("7 0x10000000 0x10001000 0x200f", "reserved"),
                       ("14 0x10000000 0x10001000 0x800f", "persistent"),
                       ("15 0x10000000 0x10001000 0xf", "unaccepted"),
                       ("2147483648 0x10000000 0x10001000 0xf", "reserved"),
                       ("9 0x10000000 0x10001000 0xf", "ACPI tables")):
        got = kinds([base, text])
        want = 0x7f00 + 1 if kind == "usable" else 1
        check(not isinstance(got, str) and got[0].get(kind) == want, f"{text} is {kind}", got)
    for flag, kind in (("SP", "special purpose"), ("RP", "reserved"), ("WB", "usable")):
        line = (f"efi: mem01: [Conventional|   |  |{flag}|WB|  |  |UC] "
                "range=[0x0000000010000000-0x0000000010000fff] (0MB)")
        got = kinds(["efi: mem00: type=7, attr=0xf, range=[0x100000-0x8000000) (1MB)", line])
        check(not isinstance(got, str) and kind in got[0], f"flag {flag} means {kind}", got)
    for bracket, kind in (("Conventional|   |  |UC]", "reserved"), ("Conventional Memory]", "usable"),
                          ("Conventional|   |  |  ]", "reserved"), ("Frobnicated|WB]", "reserved"),
                          ("Conventional|WB|XX]", "usable"), ("type=99|WB]", "reserved")):
        got = kinds(["efi: mem00: type=7, attr=0xf, range=[0x100000-0x101000) (0MB)",
                     "efi: mem01: type=1, attr=0xf, range=[0x9000000-0xa000000) (0MB)",
                     f"efi: mem02: [{bracket} range=[0x10000000-0x1000ffff] (0MB)",
                     "efi: mem03: type=7, attr=0xf, range=[0x20000000-0x21000000) (0MB)"])
        want = 4097 + (16 if kind == "usable" else 0)
        check(not isinstance(got, str) and got[0]["usable"] == want and
              (kind == "usable" or got[0][kind] == 16), f"[{bracket} is {kind}", got)
    for text, anomaly in (("7 0x20000000 0x20000000 0xf", "zero length"),
                          ("7 0x30000000 0x20000000 0xf", "wraps past the end of the address space"),
                          ("7 0x200000 0x300000 0xf", "overlap"),
                          ("7 0x9000001 0x9002000 0xf", "not whole pages"),
                          ("77 0x9000000 0x9002000 0xf", "unknown type"),
                          ("7 0xfff0000000000000 0xfff0000000001000 0xf",
                           "beyond the physical address width"),
                          ("7 0x0 0x1000 0xf", "unsorted")):
        got = kinds([base, text])
        check(not isinstance(got, str) and got[1].get(anomaly) == 1, f"{text}: {anomaly}", got)


DIRECT = 64 << 40  # SPACE_DIRECT_SIZE of kernel/memory/space.h


def test_reach():
    """RAM that the kernel's direct map does not reach is usable, owned, and never handed out."""
    low = "7 0x100000 0x8000000 0xf"
    for text, beyond, more in (
            ([f"7 0x{DIRECT:x} 0x{DIRECT + (1 << 30):x} 0xf"], 1 << 18, 0),
            ([f"7 0x{DIRECT - 0x3000:x} 0x{DIRECT + 0x2000:x} 0xf"], 2, 3),
            ([f"{t} 0x{DIRECT + t * 0x10000:x} 0x{DIRECT + t * 0x10000 + 0x5000:x} 0xf" for t in (1, 2, 3, 4, 7)],
             25, 0), ([f"0 0x{DIRECT:x} 0x{DIRECT + (1 << 30):x} 0xf"], 0, 0),
            ([f"7 0x{DIRECT - 0x1000:x} 0x{DIRECT:x} 0xf"], 0, 1),
            ([f"7 0x{(1 << 52) - 0x7000:x} 0x{1 << 52:x} 0xf"], 7, 0)):
        got = read_json("\n".join([low] + text))
        ok = isinstance(got, dict) and got["beyond_pages"] == beyond and got["audit"] == "equal"
        ok = ok and got["usable_pages"] == 0x7f00 + beyond + more
        ok = ok and got["pages"] == 0x7f00 + more - got["metadata_pages"]
        ok = ok and all(x["base"] + (x["pages"] << 12) <= DIRECT for x in got["regions"])
        check(ok, f"RAM at {text}", got if isinstance(got, str) else
              {k: got[k] for k in ("usable_pages", "pages", "metadata_pages", "beyond_pages", "audit")})
    human = run("map", "-", stdin=f"{low}\n7 0x{DIRECT:x} 0x{DIRECT + 0x1000:x} 0xf".encode()).stdout
    check(b"+ 1 beyond the direct map" in human and b"usable: beyond the direct map" in human, "for people", human)
    r = run("map", "-", stdin=f"7 0x{DIRECT:x} 0x{DIRECT + (1 << 30):x} 0xf".encode())
    check(r.returncode == 1 and is_sentence(r.stderr), "nothing in reach: a sentence", r.stderr)


BROKEN = [
    "7 0x10000000 zzz 0xf", "7 0x10000000 0x20000000", "7 0x10000000", "x7 0x10000000 0x20000000 0xf",
    "7 0x10000000 0x20000000 0xg", "7 0x10000000 0x20000000 -wb", "7 0x1000000000000000a 0x20000000 0xf",
    "99999999999 0x10000000 0x20000000 0xf", "7 0x10000000 0x20000000 0xf 12",
    "[0.1] map: 7 0x10000000 0x2000", "[0.1] map: 7 0x10000000 0x20000000 wb",
    "[    0.000000] efi: mem07: [Conventional Memory|   |WB", "efi: mem07: type=7, attr=0xf",
    "efi: mem07: type=x, attr=0xf, range=[0x1000-0x2000)",
    "efi: mem07: [Boot Data|WB] range=[0x10000000-0x2000", "efi: mem07: [Boot Data|WB] range=[0x1000)",
    "(XEN)  0000000100000-0000008000000 type=7 at", "(XEN)  0000000100000-0000008000000 type=",
    "MMap[3]: 0x1000 - 0x1fff len=99, type=7, attr=0xf", "MMap[3]: 0x1000 - 0x1f",
    "efi:   0x000080000000-0x0000957bffff [Conventional|", "efi:   0x000080000000-0x0000957bffff",
    "Available  0000000010000000-0000000010000FFF 0000000000000007 000000000000000F",
    "Available  0000000010000000-0000000010000FFF 00000000",
    "Available  0000000010000000-0000000010000FFF",
    "efi: mem07: Boot Data|WB] range=[0x0000000010000000-0x0000000010000fff] (0MB)",
    "BOOT DATA        0000000010000000-", "CONVENTIONAL     0000000010000000-0000000010001000 WBX",
    "CONVENTIONAL     0000000010000000-10000000000001000 WB",
    "conv-mem  0000000010000000-0000000010000fff 00000002      4KiB WB",
    "conv-mem  0000000010000000-0000000010000fff 0000000",
    "     ConventionalMemory 000010000000 000010000000 0000000z WB",
    "     ConventionalMemory 000010000000 000010000000 10000000000000 WB",
    "MemoryDescriptor { ty: CONVENTIONAL, phys_start: 4096, virt_start: 0, page_count: 1, att: WRITE_BA",
    "MemoryDescriptor { ty: CONVENTIONAL, phys_start: 1000g, virt_start: 0, page_count: 1, att: 0x8 }",
    "MemoryDescriptor { ty: CONVENTIONAL, phys_start: 4096, page_count: 1, att: WRITE_BACK }",
    "MemoryDescriptor {", "MemoryDescriptor { ty: , phys_start: 4096, virt_start: 0 }",
    "ACPI: SRAT: Node 0 PXM 0 [mem 0x00000000-", "ACPI: SRAT: Node x PXM 0 [mem 0x00000000-0x0009ffff]",
    "ACPI: SRAT: Node 1 PXM 1 [mem 0x80000000-0x7fff0000]", "SRAT: Node 4294967296 PXM 0 0-a0000",
]

# Rows under a head that names type, start, end and attributes.
BROKEN_ROWS = ["| Conventional | 0x10000000 | zzz | 0xf |", "| Conventional | 0x10000000 |",
               "| | 0x10000000 | 0x20000000 | 0xf |", "| Conventional | | 0x20000000 | 0xf |",
               "| Frobnicated | 0x10000000 | 0x20000000 | 0xf |", "| Conventional | 0x20000000 | 0x10000000 | 0xf |",
               "| Conventional | 0x10000000 | 0x20000000 | maybe |", "| 7x | 0x10000000 | 0x20000000 | 0xf |"]

# What stands in any log beside the map.
ORDINARY = [
    "[    0.000000] efi: Remove mem95: MMIO range=[0xe0000000-0xefffffff] (256MB) from e820 map",
    "[    0.000000] efi: Not removing mem66: MMIO range=[0xfec00000-0xfec01fff] (8KB) from e820 map",
    "Nov 12 10:01:02 box kernel: efi: Remove mem71: MMIO", "range=[0xf0000000-0xf7ffffff] (128MB) from e820 map",
    "mem72: MMIO range=[0xfd200000-0xfd2fffff] (1MB) from e820 map",
    "[    0.000000] e820: remove [mem 0xf0000000-0xf7ffffff] device reserved",
    "[    0.000000] e820: update [mem 0x00000000-0x00000fff] System RAM ==> device reserved",
    "[    0.000000] BIOS-e820: [gap 0x00000000d0000000-0x00000000fe00ffff]",
    "[    0.000000] BIOS-e820: [mem 0x0000000000100000-0x00000000a40b6fff]  System RAM",
    "[    0.000000] reserve setup_data: [mem 0x0000000000100000-0x00000000bfffffff] usable",
    "[    0.000000] modified: [mem 0x0000000000100000-0x00000000bfffffff] usable",
    "[    0.000000] NUMA: Node 0 [mem 0x00000000-0x0009ffff] + [mem 0x00100000-0xbfffffff] -> [mem 0x00000000-0xbfffffff]",
    "[    0.000000] SRAT: PXM 0 -> APIC 0x00 -> Node 0",
    "[    0.000000]   DMA32    [mem 0x0000000001000000-0x00000000ffffffff]",
    "[    0.000000]   node   0: [mem 0x0000000000001000-0x000000000009efff]",
    "[    0.410000] pci 0000:00:02.0: reg 0x20: [io  0xf000-0xf03f]",
    "[    0.410000] pci_bus 0000:00: root bus resource [io  0x0000-0x0cf7 window]",
    "[    0.410000] pci_bus 0000:00: root bus resource [mem 0x80000000-0xdfffffff window]",
    "[    1.500000] serial8250: ttyS0 at I/O 0x3f8 (irq = 4, base_baud = 115200) is a 16550A",
    "[    1.500000] resource: I/O 0xf040-0xf05f conflicts with ACPI region",
    "[    2.400000] cxl_mem mem0: at cxl_root_port.0 no parent for dport", "mem: <memory>",
    "  0x80000000 - 0xfbd2ffff,  1981 MB ( 507184 pages)", "00100000-bfffffff : System RAM",
    "ffffffff81000000 T _text", "00000000  7f 45 4c 46 02 01 01 00  00 00 00 00 00 00 00 00  |.ELF............|",
    "| some | other | table |", "|---|---|", "+------+------+", "> > quoted", "=", "<br>", "&lt;&gt;",
]


def test_broken_lines():
    for line in BROKEN:
        got = read_json("\n".join(plain(SMALL[:1]) + ["#", line]) + "\n")
        ok = isinstance(got, dict) and got["skipped_lines"] == 1 and got["entries"] == 1
        ok = ok and got["notes"][0]["line"] == 3 and "skipped" in got["notes"][0]["text"]
        check(ok, f"named as broken: {line}", got if isinstance(got, str) else got["notes"])
        r = run("map", "-", stdin=(line + "\n").encode())
        check(r.returncode == 1 and b"line 1 skipped" in r.stderr and r.stdout == b"",
              f"nothing but a broken line: exit 1: {line}", r.stderr)
    head = ["| Type | Start | End | Attributes |", "|---|---|---|---|"]
    for line in BROKEN_ROWS:
        got = read_json("\n".join(plain(SMALL[:1]) + head + [line]) + "\n")
        ok = isinstance(got, dict) and got["skipped_lines"] == 1 and got["entries"] == 1
        check(ok and got["notes"][0]["line"] == 4, f"named as broken: {line}",
              got if isinstance(got, str) else got["notes"])
    for line in ORDINARY:
        got = read_json("\n".join(plain(SMALL[:1]) + [line]) + "\n")
        check(isinstance(got, dict) and got["skipped_lines"] == 0 and got["ignored_lines"] == 1 and
              not got["notes"], f"not a map line: {line!r}", got if isinstance(got, str) else got["notes"])
    got = read_json("\n".join(plain(SMALL[:1]) + ORDINARY) + "\n")
    check(isinstance(got, dict) and got["ignored_lines"] == len(ORDINARY) and not got["notes"],
          "all these lines in one log", got)
    for line in ("map: 117 descriptors of 48 bytes", "", "   ", "bitmap: 7 0x1000 0x2000 0xf x y z",
                 "0x0000000000000000 0x000000000008e000 usable", "loader: 12 things", "1 2 3 4",
                 "BIOS-e820: [mem 0x0000000000100000-0x00000000bfffffff] usable"):
        got = read_json("\n".join(plain(SMALL[:1]) + [line]) + "\n")
        check(isinstance(got, dict) and got["skipped_lines"] == 0 and got["ignored_lines"] == 1,
              f"not a map line: {line!r}", got if isinstance(got, str) else got["notes"])


# ---- hostile input ----

def is_sentence(err):
    text = err.decode("latin-1").strip()
    return text.startswith("memsim: ") and len(text.split()) > 4 and "panic" not in text


def test_hostile():
    rng = random.Random(7)
    noise = bytes(rng.randrange(256) for _ in range(200000))
    cases = {"empty": b"", "noise": noise, "NULs": b"\0" * 100000, "one huge line": b"A" * 5000000,
             "only ends of lines": b"\n\r" * 100000, "escapes": b"\033[" * 50000,
             "an e820 map": b"0x0000000000000000 0x000000000008e000 usable\n",
             "no RAM": b"0 0x100000 0x200000 0xf\n", "first MiB only": b"7 0x0 0x100000 0xf\n",
             "no room for tables": b"4 0x100000 0x200000 0xf\n", "one page": b"7 0x100000 0x101000 0xf",
             "wraps": b"7 0xfffffffffffff000 0x0 0xf\n", "zero": b"7 0x100000 0x100000 0xf\n",
             "a huge line in a map": b"efi: mem00: [" + b"|" * 3000000}
    for name, data in cases.items():
        r = run("map", "-", stdin=data)
        check(r.returncode == 1 and is_sentence(r.stderr) and r.stdout == b"",
              f"hostile: {name}: exit 1 with a sentence", (r.returncode, r.stderr[-200:]))
    good = "\n".join(plain(SMALL)).encode()
    expect(b"\0\0" + good.replace(b" ", b"\0 \0") + b"\n" + noise.replace(b"map", b""), SMALL,
           "a map among noise and NULs")
    expect(good.replace(b"\n", b" # " + b"x" * 100000 + b"\n"), SMALL, "huge comments")
    expect(b"nothing here\n" * 1000000 + good, SMALL, "a million other lines")
    for path in ("/nonexistent/file", "/"):
        r = run("map", path)
        check(r.returncode == 1 and is_sentence(r.stderr), f"hostile: {path}", r.stderr)
    for fraction in range(1, 40):
        r = run("map", "-", stdin=noise[fraction * 100:fraction * 100 + 50] + good[:fraction * 3])
        check(r.returncode in (0, 1), "a map that was cut anywhere", r.returncode)


def test_many_entries():
    lines = [f"{7 if i % 2 else 0} 0x{(i + 256) << 12:x} 0x{(i + 257) << 12:x} 0xf"
             for i in range(60000)] + ["7 0x100000000 0x200000000 0xf"]
    got = read_json("\n".join(lines))
    check(isinstance(got, dict) and got["usable_pages"] == 30000 + 0x100000 and
          got["entries"] == 60001, "60001 entries", got if isinstance(got, str) else "")


def test_usage():
    for args in ((), ("map",), ("map", "a", "b"), ("map", "--nonsense"), ("draw", "x"), ("what",),
                 ("draw", "x", "-o", "y.gif"), ("replay",), ("replay", "x"),
                 ("replay", "x", "--memory", "12Q"), ("replay", "x", "--headroom", "-3"),
                 ("replay", "x", "--memory", "1G", "--headroom", "2")):
        r = run(*args)
        check(r.returncode == 2 and b"usage" in r.stderr, f"wrong usage {args}: exit 2", r.returncode)
    check(run("--help").returncode == 0, "--help")


# ---- pictures ----

def png_size(data):
    """Width and height of a sound PNG, else None."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return None
    at, size, body = 8, None, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        chunk = data[at + 8:at + 8 + length]
        if zlib.crc32(kind + chunk) != struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0]:
            return None
        if kind == b"IHDR":
            size = struct.unpack(">II", chunk[:8])
        body += chunk if kind == b"IDAT" else b""
        at += 12 + length
    return size if size and len(zlib.decompress(body)) >= size[0] * size[1] * 3 else None


def test_pictures():
    names = ["hp-superdome-x-12tb.map", "qemu-ovmf-128m-shell.map", "qualcomm-arm64-32g.map",
             "acer-baytrail-4g.map"]
    green = "rgb(0%,61.960784%,45.098039%)"
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            out = os.path.join(folder, name)
            for kind in (".png", ".svg"):
                r = run("draw", os.path.join(MAPS, name), "-o", out + kind)
                check(r.returncode == 0, f"draw {name}{kind}", r.stderr)
            with open(out + ".png", "rb") as f:
                size = png_size(f.read())
            check(size is not None and size[0] > 1000 and 400 < size[1] < 4000, f"{name}: PNG", size)
            with open(out + ".svg") as f:
                text = f.read()
            root = xml.etree.ElementTree.fromstring(text)
            check(root.tag.endswith("svg") and green in text.replace(" ", ""), f"{name}: SVG")
        test_odd_pictures(folder)
        test_node_pictures(folder)


def test_node_pictures(folder):
    """A strip a range and row, in the tint of its node."""
    even, odd = "rgb(25%,25%,50%)", "rgb(75%,75%,95%)"
    # Rows of 16 MiB: four up to 64 MiB, four up to 128 MiB, a reserved one left out, and the last.
    low, high, hot = (0, 0, 0x4000000, False), (1, 0x4000000, 0xa000000, False), (1, 0x4000000, 0xa000000, True)
    for claims, want in (([], (0, 0)), ([low], (4, 0)), ([low, high], (4, 5)), ([low, hot], (4, 0)), ([high], (0, 5))):
        out = os.path.join(folder, "nodes.svg")
        r = run("draw", "-", "-o", out, stdin="\n".join(plain(SMALL) + SRAT_STYLES["Linux"](claims)).encode())
        with open(out) as f:
            text = f.read().replace(" ", "")
        found = text.count(even), text.count(odd)
        if claims == [high]:
            found = found[1], found[0]  # the only node there is has the first tint
        check(r.returncode == 0 and found == want, f"draw: strips of nodes {claims}", (found, want, r.stderr))


def test_odd_pictures(folder):
    holes = [f"0 0x{i << 36:x} 0x{(i << 36) + (1 << 35):x} 0x0" for i in range(1, 500)]
    odd = {"many far reserved windows": "\n".join(["7 0x100000 0x8000000 0xf"] + holes),
           "52 bits": "7 0x100000 0x8000000 0xf\n7 0xffffffffff000 0x10000000000000 0xf",
           "only high": "7 0x8000000000 0x9000000000 0xf", "only low": "7 0x0 0x1000 0xf",
           "no RAM": "11 0xf0000000 0xf8000000 0x1", "no WB": "# machine: \xff\x01\n7 0x0 0x200000 1"}
    for name, text in odd.items():
        out = os.path.join(folder, "odd.png")
        r = run("draw", "-", "-o", out, stdin=text.encode("latin-1"))
        with open(out, "rb") as f:
            size = png_size(f.read())
        check(r.returncode == 0 and size is not None and size[1] < 4000, f"draw: {name}",
              (size, r.stderr))
        os.unlink(out)
    r = run("draw", "-", "-o", os.path.join(folder, "x.png"), stdin=b"nothing")
    check(r.returncode == 1 and is_sentence(r.stderr), "draw: no map", r.stderr)
    r = run("draw", os.path.join(MAPS, "acer-baytrail-4g.map"), "-o", folder + "/none/x.png")
    check(r.returncode == 1 and is_sentence(r.stderr), "draw: no folder", r.stderr)


# ---- memory modules ----

# Place, bank, pages, kind, speed: what the lines below are made of.
MODULES = [("DIMM A1", "BANK 0", 1 << 21, "DDR4", 3200), ("DIMM A2", "", 0, None, 0),
           ("DIMM B1", "BANK 2", 1 << 20, "DDR5", 0)]


def own_lines(modules, before="ram: "):
    said = []
    for i, (place, bank, pages, kind, speed) in enumerate(modules):
        what = f"{pages} pages, {where.size_text(pages * 4096)}" + (f", {kind}" if kind else "") + (f", {speed} MT/s" if speed else "")
        said.append(f'{before}slot {i} "{place}" "{bank}": {what if pages else "empty"}')
    return said


def dmidecode_lines(modules):
    said = ["# dmidecode 3.4", "Getting SMBIOS data from sysfs.", "", "Handle 0x1000, DMI type 16, 23 bytes",
            "Physical Memory Array", "\tUse: System Memory", "\tNumber Of Devices: 3", ""]
    for i, (place, bank, pages, kind, speed) in enumerate(modules):
        size = f"{pages >> 18} GB" if pages else "No Module Installed"
        said += [f"Handle 0x11{i:02X}, DMI type 17, 92 bytes", "Memory Device", "\tArray Handle: 0x1000", "\tTotal Width: 64 bits",
                 f"\tSize: {size}", "\tForm Factor: DIMM", f"\tLocator: {place}"]  # fmt: skip
        said += [f"\tBank Locator: {bank}"] * bool(bank) + [f"\tType: {kind or 'Unknown'}", "\tType Detail: Synchronous"]
        said += [f"\tSpeed: {speed} MT/s"] * bool(speed) + ["\tSerial Number: 12345678", "\tVolatile Size: 77 GB", ""]
    return said


def ram_of(lines, entries=None):
    got = read_json("\n".join(plain(entries or SMALL) + lines))
    return got["ram"] if isinstance(got, dict) else got


def check_ram(got, entries, installed, what):
    """The block's lines and the numbers beside them, by the raw map."""
    checks_of = where_checks()
    where.check(checks_of, got["lines"], entries, installed // 256)
    check(checks_of.failed == 0 and checks_of.passed > 5, f"{what}: where.py agrees", got["lines"])
    want = where.figures(entries, installed)
    check((got["installed_pages"], got["mapped_pages"], got["allocatable_pages"], got["remapped_pages"]) ==
          (installed, want["mapped"], want["for the page allocator"], want["remapped above 4 GiB"]) and
          (got["missing_pages"], got["surplus_pages"]) == (want.get("missing", 0), want.get("in the map and in no slot", 0)),
          f"{what}: numbers", got)  # fmt: skip


def where_checks():
    import checks as module
    return module.Checks()


def test_modules():
    installed = sum(pages for _, _, pages, _, _ in MODULES)
    slots = own_lines(MODULES, "")
    for what, lines in (("a log", [f"[0.1] {line}" for line in own_lines(MODULES)]), ("a cut log", own_lines(MODULES)),
                        ("a report", own_lines(MODULES, "# ram: ")), ("dmidecode", dmidecode_lines(MODULES)),
                        ("two boots", own_lines([("X", "Y", 1 << 22, "DDR3", 0)]) + own_lines(MODULES)),
                        ("a mail", ["> " + line for line in dmidecode_lines(MODULES)])):
        got = ram_of(lines)
        if check(isinstance(got, dict), f"{what}: a block", got):
            check(got["lines"][:3] == slots and got["known"], f"{what}: the slots", got["lines"])
            check_ram(got, SMALL, installed, what)
    for name in sorted(n for n in os.listdir(MAPS) if n.endswith(".map")):
        entries, limit = load_map(name), 1 << 52
        got = ram_of(own_lines(MODULES), entries)
        if check(isinstance(got, dict), f"{name}: a block", got):
            check_ram(got, [(t, s, min(e, limit), a) for t, s, e, a in entries], installed, name)
    test_odd_modules()


def test_odd_modules():
    check(ram_of([]) is None, "no line tells of modules")
    got = ram_of(["[    0.000000] DMI: Memory slots populated: 2/4"])
    check(got and not got["known"] and got["missing_pages"] == 0 and got["lines"][0] ==
          "what is installed is not known: the SMBIOS: 2 of 4 slots are filled, and no line tells with how much", "Linux", got)  # fmt: skip
    got = ram_of(["ram: what is installed is not known: the SMBIOS: the firmware gave none"])
    check(got and not got["known"] and got["lines"][0].endswith("the SMBIOS: the firmware gave none"), "a reason", got)
    got = ram_of(own_lines(MODULES) + ["ram: slot 2 at 0x0000000200000000 0x0000000300000000"])
    check(got and "slot 2 is filled, and nothing of its module is in the map" in got["lines"], "a module that is not there", got)
    got = ram_of(own_lines(MODULES) + ["ram: 3 more slots hold 786432 pages, 3.0 GiB"])
    check(got and got["installed_pages"] == sum(m[2] for m in MODULES) + 786432, "slots that are not listed", got)
    got = ram_of(['ram: slot 0 "A" "B": a module of unknown size, DDR4'])
    check(got and not got["known"] and got["lines"][0] == 'slot 0 "A" "B": a module of unknown size, DDR4', "an unknown size", got)
    many = ram_of(own_lines([(f"S{i}", "", 262144, "DDR4", 0) for i in range(500)]))
    check(many and many["installed_pages"] == 500 * 262144 and "372 more slots hold 97517568 pages, 372.0 GiB" in many["lines"], "many", many)
    for line in ('ram: slot', 'ram: slot 0', 'ram: slot 0 "', 'ram: slot 0 "a" "b"', 'ram: slot 0 "a" "b": 99999999999999999999999 pages, 1 GiB',
                 'ram: slot 4294967299 "a" "b": 1 pages', "ram: slot 0 at", "ram: slot 0 at 0x5 0x4", "Handle 0x, DMI type 17", "Handle 0x1, DMI type",
                 "DMI: Memory slots populated: 5", "Handle 0x1, DMI type 17\n\tSize: 5 PB\n\tSpeed: x", "ram: x more slots hold y pages"):  # fmt: skip
        got = read_json("\n".join(plain(SMALL) + [line]))
        check(isinstance(got, dict) and got["entries"] == len(SMALL) and got["skipped_lines"] == 0, f"hostile: {line}", got)


# ---- traces ----

def replay(name, *args):
    r = run("replay", os.path.join(TRACES, name + ".pgtrace.gz"), *args, "--json")
    return json.loads(r.stdout) if r.returncode == 0 else r.stderr


def test_traces():
    for name, allocations in (("redis-build", 904397), ("redis-serve", 192720)):
        for headroom in ("10", "2%"):
            j = replay(name, "--headroom", headroom)
            if not check(isinstance(j, dict), f"replay {name} {headroom}", j):
                continue
            check(j["allocs"] + j["failed"] == allocations, f"{name}: every allocation replayed")
            check(j["failed"] == sum(j["failures"].values()), f"{name}: failures by order add up")
            check(j["ops"] == j["allocs"] + j["failed"] + j["frees"], f"{name}: operations")
            check(j["free_pages"] + j["pages_held"] == j["memory_pages"], f"{name}: pages add up")
            check(j["internal_waste"] == 0 and j["check"] == "sound", f"{name}: no waste, sound")
            check(0 < j["free_blocks_2m"] <= 1 and j["ns_per_op"] > 0, f"{name}: figures")
        tight = replay(name, "--memory", "64M")
        check(isinstance(tight, dict) and tight["memory_pages"] == 16384 and tight["failed"] > 1000,
              f"{name} in 64 MiB: failures are counted", tight)
    r = run("replay", os.path.join(MAPS, "acer-baytrail-4g.map"), "--memory", "1G")
    check(r.returncode == 1 and is_sentence(r.stderr), "replay: not a trace", r.stderr)


def main():
    if not os.access(MEMSIM, os.X_OK):
        print(f"{MEMSIM} is missing; build it with: make sim")
        return 1
    test_real_maps()
    for name, test in (("logs that came out wrong once", test_logs), ("which map a log holds", test_choice),
                       ("numbers that are missing", test_missing), ("lines that were folded", test_folds),
                       ("e820 lists", test_e820), ("nodes", test_nodes), ("memory modules", test_modules), ("RAM out of reach", test_reach), ("ends of ranges", test_ends),
                       ("what entries mean", test_meaning), ("broken lines", test_broken_lines),
                       ("hostile input", test_hostile), ("many entries", test_many_entries),
                       ("usage", test_usage), ("pictures", test_pictures), ("traces", test_traces)):
        test()
        end_test(name)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
