#!/usr/bin/env python3
"""Compare the time from the exit of boot services to `Page allocator ready` of two boots.

usage: time_ratio.py SMALL-LOG,... LARGE-LOG,...

Of several boots of one kind the fastest counts: what else the host does makes a boot slower only.
Prints both, with and without the time that the serial log took, and their ratios. What is asked for
is a ratio near 1: a large machine that takes more than LIMIT times as long as a small one is a
failure. Ends with "N passed, N failed".
"""
import re
import sys

LIMIT = 3.0
TIME = re.compile(r"time: (\d+) us from exit of boot services to Page allocator ready, (\d+) us of it writing")


def times(path):
    with open(path, "rb") as file:
        found = TIME.findall(file.read().decode("latin-1"))
    if len(found) != 1:
        sys.exit(f"FAIL {path} holds {len(found)} lines `time: N us from exit ...`, expected 1\n0 passed, 1 failed")
    total, writing = (int(n) for n in found[0])
    return total, total - writing


def fastest(paths):
    found = [times(path) for path in paths.split(",")]
    return tuple(min(column) for column in zip(*found))


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: time_ratio.py SMALL-LOG,... LARGE-LOG,...")
    small, large = (fastest(paths) for paths in sys.argv[1:])
    ratio = large[0] / max(small[0], 1)
    print(f"exit of boot services to page allocator ready: {small[0]} us and {large[0]} us, ratio {ratio:.2f};")
    print(f"without writing the log: {small[1]} us and {large[1]} us, ratio {large[1] / max(small[1], 1):.2f}")
    good = 0 < small[1] <= small[0] and 0 < large[1] <= large[0] and ratio <= LIMIT
    print("1 passed, 0 failed" if good else "0 passed, 1 failed")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
