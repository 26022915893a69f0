#!/usr/bin/env python3
"""Compare the time from the exit of boot services to `Page allocator ready` of two boots.

usage: time_ratio.py SMALL-LOG LARGE-LOG

Prints both and their ratio. The figure that is asked for is "near 1"; a large machine that takes
more than LIMIT times as long as a small one is a failure. Ends with "N passed, N failed".
"""
import re
import sys

LIMIT = 3.0
TIME = re.compile(r"time: .*?(\d+) (?:us|microseconds)")


def microseconds(path):
    with open(path, "rb") as file:
        found = TIME.findall(file.read().decode("latin-1"))
    if not found:
        sys.exit(f"FAIL {path} holds no line `time: ... N us`\n0 passed, 1 failed")
    return int(found[0])


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: time_ratio.py SMALL-LOG LARGE-LOG")
    small, large = (microseconds(path) for path in sys.argv[1:])
    ratio = large / max(small, 1)
    print(f"exit of boot services to page allocator ready: {small} us and {large} us, ratio {ratio:.2f}")
    good = 0 < small and ratio <= LIMIT
    print("1 passed, 0 failed" if good else "0 passed, 1 failed")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
