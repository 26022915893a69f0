#!/usr/bin/env python3
"""Compare the branches that no test takes with those argued for, one by one, in unreachable.md.

    unreachable.py COVER.JSON UNREACHABLE.MD

COVER.JSON is gcovr's. An entry of the list is a line

    * `mm/file.c`: `the line of code, as it stands there` (N branches): why no test can take them.

The text of the line is the key, for its number changes with every edit. Exits 1, with a sentence for
each, when a branch is neither taken nor listed, or listed and taken, when a listed line does not
exist, and when there is nothing to compare at all. Standard library only.
"""
import collections
import json
import re
import sys

ENTRY = re.compile(r"^\* `([^`]+)`: `([^`]+)` \((\d+) branch(?:es)?\): \S")


def read_list(path):
    listed = {}
    wrong = []
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if not line.startswith("* "):
                continue
            entry = ENTRY.match(line)
            if entry is None:
                wrong.append(f"{path}:{number}: not an entry: write it as unreachable.py says")
            elif entry.group(1, 2) in listed:
                wrong.append(f"{path}:{number}: the line is listed twice; add up its branches")
            else:
                listed[entry.group(1, 2)] = int(entry.group(3))
    return listed, wrong


def read_cover(path):
    """Untaken branches by (file, text of the line), their line numbers, and all branches."""
    untaken = collections.Counter()
    where = collections.defaultdict(list)
    branches = 0
    with open(path, encoding="utf-8") as f:
        files = json.load(f)["files"]
    for file in files:
        with open(file["file"], encoding="utf-8") as f:
            source = f.read().split("\n")
        for line in file["lines"]:
            branches += len(line["branches"])
            missing = sum(branch["count"] == 0 for branch in line["branches"])
            if missing:
                key = (file["file"], source[line["line_number"] - 1].strip())
                untaken[key] += missing
                where[key].append(str(line["line_number"]))
    return untaken, where, branches


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: unreachable.py COVER.JSON UNREACHABLE.MD")
    untaken, where, branches = read_cover(sys.argv[1])
    listed, wrong = read_list(sys.argv[2])
    if branches == 0:
        wrong.append("no branch was measured at all: the tests did not run")
    for key in sorted(set(untaken) | set(listed)):
        name, text = key
        if untaken[key] > listed.get(key, 0):
            wrong.append(f"{name}:{','.join(where[key])}: {untaken[key]} branches of `{text}` are "
                         f"never taken, {listed.get(key, 0)} are argued for: write a test, or argue")
        elif untaken[key] < listed[key]:
            wrong.append(f"{name}: {listed[key]} branches of `{text}` are listed as unreachable, "
                         f"{untaken[key]} are: correct the list")
    for sentence in wrong:
        print(f"cover: {sentence}", file=sys.stderr)
    print(f"{branches} branches: {branches - sum(untaken.values())} taken, {sum(listed.values())} "
          f"argued for, {len(wrong)} complaints")
    sys.exit(1 if wrong else 0)


main()
