#!/usr/bin/env python3
"""Work out expected.tsv: what each map in this folder must come to, from the raw lists alone.

    totals.py            write expected.tsv
    totals.py --check    compare with expected.tsv; exit 1 and say so when they differ

Independent of mm/ on purpose: no sweep over change points, but painting. The classes are painted in
the order of their rank, the least usable first, each only where nothing is painted yet. Standard
library only.

A .e820 file is what Linux made of the same machine: a second witness. Every page above 1 MiB where
it and we differ needs an explanation, or the script refuses to write anything.
"""
import os
import sys

PAGE = 4096
MIB = 1 << 20
WB, RP, SP = 0x8, 0x2000, 0x40000

# The least usable first; the same order as the rows of the table in the design: RAM comes last.
RANK = ["faulty", "device", "reserved", "runtime", "nvs", "unaccepted", "persistent", "specific",
        "acpi", "loader", "boot", "conventional"]
RAM = ("loader", "boot", "conventional")
UEFI = {1: "loader", 2: "loader", 3: "boot", 4: "boot", 5: "runtime", 6: "runtime",
        7: "conventional", 8: "faulty", 9: "acpi", 10: "nvs", 11: "device", 12: "device",
        14: "persistent", 15: "unaccepted"}
COLUMNS = (["file", "partial", "entries", "runs", "usable"] + RANK[::-1] +
           ["linux", "only_ours", "only_linux", "why"])


def classify(uefi_type, attributes):
    kind = UEFI.get(uefi_type, "reserved")
    if kind not in RAM:
        return kind
    if not attributes & WB or attributes & RP:
        return "reserved"
    return "specific" if attributes & SP else kind


def union(ranges):
    result = []
    for start, end in sorted(r for r in ranges if r[0] < r[1]):
        if result and start <= result[-1][1]:
            result[-1][1] = max(end, result[-1][1])
        else:
            result.append([start, end])
    return result


def minus(ranges, holes):
    """`ranges` without `holes`; both sorted and disjoint."""
    result = []
    for start, end in ranges:
        for low, high in holes:
            if high <= start or low >= end:
                continue
            if low > start:
                result.append([start, low])
            start = high
        if start < end:
            result.append([start, end])
    return result


def inward(ranges):
    cut = [[-(-a // PAGE) * PAGE, b // PAGE * PAGE] for a, b in ranges]
    return [r for r in cut if r[0] < r[1]]


def outward(ranges):
    return union([[a // PAGE * PAGE, -(-b // PAGE) * PAGE] for a, b in ranges])


def pages(ranges):
    total = sum(b - a for a, b in ranges)
    assert total % PAGE == 0
    return total // PAGE


def paint(entries):
    """Class -> the ranges it holds in the end."""
    painted, held = [], {}
    for kind in RANK:
        mine = union([a, b] for k, a, b in entries if k == kind)
        if kind not in RAM:
            mine = outward(mine)
        held[kind] = minus(mine, painted)
        painted = union(painted + held[kind])
    low = []
    for kind in RAM:
        whole = inward(held[kind])
        held[kind] = minus(whole, [[0, MIB]])
        low += minus(whole, held[kind])
    held["reserved"] = union(held["reserved"] + low)
    return held


def read(path):
    """Header dictionary and the fields of each line."""
    header, rows = {}, []
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.startswith("#"):
                key, _, value = line[1:].partition(":")
                header.setdefault(key.strip(), value.strip())
            elif line.strip():
                rows.append(line.split(None, 3))
    header.setdefault("partial", "no")
    return header, rows


def attributes(text):
    return WB if text == "-" else int(text, 16)


def compare(path, header, entries, ours):
    """The four Linux columns."""
    if not os.path.exists(path):
        return ["-", "-", "-", "-"]
    _, rows = read(path)
    usable = union([int(r[0], 16), int(r[1], 16)] for r in rows if " ".join(r[2:]).strip() == "usable")
    linux = minus(inward(usable), [[0, MIB]])
    only_ours, only_linux = minus(ours, linux), minus(linux, ours)
    why = "equal"
    if only_ours or only_linux:
        why = "map-cut"  # the log lost descriptors: what Linux has more, no descriptor speaks of
        listed = union([a, b] for _, a, b in entries)
        if only_ours or header["partial"] != "yes" or minus(only_linux, listed) != only_linux:
            sys.exit(f"totals.py: {path}: Linux and the map differ and nothing explains it: "
                     f"only ours {only_ours}, only Linux {only_linux}")
    return [pages(linux), pages(only_ours), pages(only_linux), why]


def row(folder, name):
    header, rows = read(os.path.join(folder, name))
    if "source" not in header or header.get("arch") not in ("x86_64", "aarch64", "riscv64"):
        sys.exit(f"totals.py: {name}: the header must name `source:` and `arch:`")
    entries = [(classify(int(t), attributes(x.strip())), int(a, 16), int(b, 16)) for t, a, b, x in rows]
    held = paint(entries)
    ours = union(sum((held[k] for k in RAM), []))
    counts = [pages(held[k]) for k in RANK[::-1]]
    runs = sum(len(union(held[k])) for k in RANK)
    linux = compare(os.path.join(folder, name[:-4] + ".e820"), header, entries, ours)
    return [name, header["partial"], len(rows), runs, pages(ours)] + counts + linux


def main():
    folder = os.path.dirname(os.path.abspath(__file__))
    names = sorted(n for n in os.listdir(folder) if n.endswith(".map"))
    lines = [COLUMNS] + [row(folder, n) for n in names]
    text = "".join("\t".join(map(str, line)) + "\n" for line in lines)
    target = os.path.join(folder, "expected.tsv")
    if sys.argv[1:] == ["--check"]:
        with open(target, encoding="utf-8") as f:
            if f.read() != text:
                sys.exit("totals.py: expected.tsv is not what the maps come to; run totals.py and look at the difference")
        print(f"{len(names)} maps, expected.tsv is up to date")
        return
    if sys.argv[1:]:
        sys.exit("usage: totals.py [--check]")
    with open(target, "w", encoding="utf-8") as f:
        f.write(text)


if __name__ == "__main__":
    main()
