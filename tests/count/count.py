#!/usr/bin/env python3
"""Count the instructions of pmm_alloc and pmm_free: they repeat to the digit, whatever else runs.

    count.py PROGRAM                  the table: each row of expected.txt beside what was asked for
    count.py PROGRAM --buddy          the same work by the bench's buddy
    count.py PROGRAM --check          the test: no row may be 5 % worse than expected.txt says
    count.py PROGRAM --write          write expected.txt anew
    count.py PROGRAM --lines ROW...   where the instructions of these rows are, line by line

PROGRAM is build/host/count, made by clang 14 as everything here was: another compiler has other numbers.
It is run under callgrind (package valgrind), and once without for the rows `whole-`.
"""
import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EXPECTED = os.path.join(HERE, "expected.txt")
GROWTH = 1.05  # of instructions
LOSS = 2.0  # of whole blocks, in points of a percent


class Wrong(Exception):
    """It cannot be counted; the text says why."""


def run(command, folder=None):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Wrong(f"count: `{' '.join(command)}` ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def rows_of(text):
    """[(row, number)] of what the program printed."""
    return [(line.split()[0], float(line.split()[1])) for line in text.splitlines()]


def collect(program, allocator, folder):
    """[(row, operations, file with what callgrind collected)]"""
    if shutil.which("valgrind") is None:
        raise Wrong("count: valgrind is missing; on Debian: apt install valgrind")
    out = os.path.join(folder, "out")
    inside = [f"--toggle-collect={allocator}_{call}" for call in ("alloc", "free")]
    text = run(["valgrind", "--tool=callgrind", *inside, "--zero-before=counting_begins", "--dump-before=counting_ends",
                "--compress-pos=no", "--compress-strings=no", f"--callgrind-out-file={out}", program, allocator])
    return [(row, count, f"{out}.{i}") for i, (row, count) in enumerate(rows_of(text), 1)]


def lines_in(path):
    """Instructions by (function, file, line), without those of the functions that are called."""
    costs, file, function, skip = collections.Counter(), "", "", False
    with open(path, encoding="utf-8") as text:
        for line in text:
            m = re.match(r"(fl|fi|fe|fn)=(.*)", line)
            if m and m[1] == "fn":
                function = m[2]
            elif m:
                file = m[2]
            elif line.startswith("calls="):
                skip = True  # the next line is the cost of the call
            elif re.match(r"\d+ \d+$", line):
                if not skip:
                    costs[function, file, int(line.split()[0])] += int(line.split()[1])
                skip = False
    return costs


def measure(program, allocator):
    """{row: instructions an operation, or percent}"""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for row, count, path in collect(program, allocator, folder):
            found[row] = sum(lines_in(path).values()) / count
    if allocator == "mortise":
        found.update(rows_of(run([program, "whole"])))
    return found


def read_expected():
    """{row: (expected, to reach or None)}; its lines: ROW EXPECTED TO-REACH"""
    with open(EXPECTED, encoding="utf-8") as text:
        words = [line.split() for line in text if line.strip() and not line.startswith("#")]
    return {w[0]: (float(w[1]), float(w[2])) for w in words}


def is_share(row):
    return row.startswith("whole-")


def show(row, value):
    return f"{value:.1f}" if is_share(row) else f"{value:.0f}"


def print_table(found, expected):
    print(f"{'row':<14}{'expected':>9}{'counted':>9}{'to reach':>9}")
    for row, (old, bound) in expected.items():
        value = found[row]
        good = value >= bound if is_share(row) else round(value) <= bound
        print(f"{row:<14}{show(row, old):>9}{show(row, value):>9}{show(row, bound):>9}  {'PASS' if good else 'MISS'}")


def check(found, expected):
    """The exit status; one test a row."""
    failed = 0
    for row, (old, _) in expected.items():
        value = found.get(row)
        good = value is not None and (value >= old - LOSS if is_share(row) else value <= old * GROWTH)
        said = "nothing was counted" if value is None else f"{show(row, value)}, expected {show(row, old)}"
        print(f"ok: count.{row}" if good else f"FAIL count.{row}: {said}; see tests/count/expected.txt")
        failed += not good
    print(f"{len(expected) - failed} passed, {failed} failed")
    return failed != 0


def write_expected(found, expected):
    with open(EXPECTED, encoding="utf-8") as text:
        head = [line for line in text if line.startswith("#")]
    with open(EXPECTED, "w", encoding="utf-8") as text:
        text.writelines(head)
        for row, (_, bound) in expected.items():
            text.write(f"{row:<14}{show(row, found[row]):>6}{show(row, bound):>6}\n")


def source_line(file, line):
    try:
        with open(os.path.join(ROOT, file), encoding="utf-8") as text:
            return text.readlines()[line - 1].strip()
    except (OSError, IndexError):
        return ""


def print_lines(row, count, costs):
    """The functions that cost most first, their lines in order; less than 0.5 % is left out."""
    total = sum(costs.values())
    by_function = collections.Counter()
    for (function, _, _), cost in costs.items():
        by_function[function] += cost
    print(f"{row}: {total / count:.1f} instructions an operation")
    for function, cost in by_function.most_common():
        if cost < total / 200:
            break
        print(f"{cost / count:8.1f}  {function}")
        for (name, file, line), cost in sorted(costs.items(), key=lambda item: item[0][1:]):
            if name == function and cost >= total / 200:
                print(f"{cost / count:14.1f}  {os.path.basename(file)}:{line}: {source_line(file, line)}")


def print_rows(program, wanted):
    with tempfile.TemporaryDirectory() as folder:
        found = {row: (count, path) for row, count, path in collect(program, "mortise", folder)}
        for row in wanted:
            if row not in found:
                raise Wrong(f"count: there is no row {row}; there are: {' '.join(found)}")
            print_lines(row, found[row][0], lines_in(found[row][1]))


def main():
    parser = argparse.ArgumentParser(description="Count the instructions of pmm_alloc and pmm_free.")
    parser.add_argument("program")
    what = parser.add_mutually_exclusive_group()
    for option in ("--buddy", "--check", "--write"):
        what.add_argument(option, action="store_true")
    what.add_argument("--lines", metavar="ROW", nargs="+")
    args = parser.parse_args()
    program = os.path.abspath(args.program)
    if args.lines:
        print_rows(program, args.lines)
        return 0
    if args.buddy:
        for row, value in measure(program, "buddy").items():
            print(f"{row:<14}{show(row, value):>9}")
        return 0
    found, expected = measure(program, "mortise"), read_expected()
    if args.check:
        return check(found, expected)
    print_table(found, expected)
    if args.write:
        write_expected(found, expected)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Wrong as e:
        sys.exit(str(e))
