#!/usr/bin/env python3
"""Hold tests/BEHAVIOURS.md against what a run of the tests has really passed.

    behaviours.py BEHAVIOURS.md LOGS [SOURCE...]

A behaviour is a row `| identifier | sentence | where | tests |` of a table. Each test is named in
backquotes as `STEP` or `STEP: NAME`: a step of ./run.sh test, and the name that its log gives to one
test (`ok: NAME`); `kernel: NAME` is a test that the kernel alone runs, named in a SOURCE. LOGS is the
folder with each step's STEP.log and STEP.count. `where` is what the tests make true of it: desk,
kernel (a unit test runs in both), boot.

Fails, with a sentence for each, when a behaviour has no test or one that did not pass, when a test
passed that no behaviour names, when an identifier stands twice, when `where` is not true, and when
there is nothing to compare. A test that was skipped, with its reason, does not make a behaviour fail.
"""
import collections
import glob
import os
import re
import sys

ROW = re.compile(r"^\| ([A-Za-z0-9-]+) \| (\S.*?) \| ([a-z, ]+) \| (.*) \|$")
HEAD = re.compile(r"^\|( id |-)")
PASSED = re.compile(r"^ok: (.+?)(?: \(\d+ (?:cases|checks)\)|: \d+ calls.*)?$")
SKIPPED = re.compile(r"^skip (.+?): ")
KERNEL = re.compile(r'^TEST\("((?:[^"\\]|\\.)*)"\)', re.M)
# The boot that runs every test of the kernel, and the beginnings of names of steps that start QEMU.
KERNEL_BOOT = "boot-128M"
BOOTS = ("boot-", "plant-", "options-", "machine-", "screen-", "again-", "firmware-", "secure-boot",
         "monitor", "report", "shim", "portable-clang", "mute", "bases", "sparse", "time-ratio",
         "embed-boot")
# Steps that are one test, whatever their logs name: the names are those of another step, or planted.
# Those of models that are built for another machine too end in its name.
WHOLE = re.compile(r"unit-gcc|model-frame|.*-aarch64(_tsan)?")


def read_step(folder, name):
    """The tests of a step: name -> "passed", "failed" or "skipped"."""
    with open(os.path.join(folder, name + ".count"), encoding="utf-8") as file:
        passed, failed, skipped = (int(n) for n in file.read().split())
    with open(os.path.join(folder, name + ".log"), encoding="latin-1") as file:
        lines = file.read().encode("latin-1").decode("utf-8", "replace").split("\n")
    found = {m[1]: "passed" for m in map(PASSED.match, lines) if m}
    found.update({m[1]: "skipped" for m in map(SKIPPED.match, lines) if m})
    if failed or not set(found) - {name} or WHOLE.fullmatch(name):
        state = "failed" if failed else "passed" if passed else "skipped"
        return {name: state}
    return {f"{name}: {test}": state for test, state in found.items()}


def read_results(folder, sources):
    results = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.count"))):
        results.update(read_step(folder, os.path.basename(path)[: -len(".count")]))
    for path in sources:
        with open(path, encoding="utf-8") as file:
            for name in KERNEL.findall(file.read()):
                results["kernel: " + name] = results.get(KERNEL_BOOT, "failed")
    return results


def places(test):
    """Where a test runs."""
    step = test.split(": ")[0]
    if step == "unit":
        return {"desk", "kernel"}
    return {"kernel"} if step == "kernel" else {"boot"} if step.startswith(BOOTS) else {"desk"}


def check_row(row, results, named):
    """What is wrong with one behaviour."""
    identifier, _, where, tests = row
    keys = re.findall(r"`([^`]+)`", tests)
    wrong = [] if keys else [f"{identifier} names no test"]
    for key in keys:
        named.add(key)
        if results.get(key) not in ("passed", "skipped"):
            wrong.append(f"{identifier}: the test `{key}` {'failed' if key in results else 'did not run'}")
    true = set().union(*map(places, keys)) if keys else set()
    if keys and set(where.split(", ")) != true:
        wrong.append(f"{identifier}: its tests run in {', '.join(sorted(true))}, not in {where}")
    return wrong


def check(rows, results):
    named, wrong = set(), []
    for identifier, count in collections.Counter(row[0] for row in rows).items():
        if count > 1:
            wrong.append(f"the identifier {identifier} stands {count} times")
    for row in rows:
        wrong += check_row(row, results, named)
    wrong += [f"the test `{key}` belongs to no behaviour" for key in sorted(set(results) - named)]
    if not rows or not results:
        wrong.append("there is nothing to compare: no behaviour, or no test that ran")
    return wrong


def read_rows(path):
    rows, wrong = [], []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            row = ROW.match(line.rstrip("\n"))
            if HEAD.match(line):
                continue
            if row:
                rows.append(row.groups())
            elif line.startswith("|"):
                wrong.append(f"{path}:{number}: not a row `| identifier | sentence | where | tests |`")
    return rows, wrong


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    rows, wrong = read_rows(sys.argv[1])
    wrong += check(rows, read_results(sys.argv[2], sys.argv[3:]))
    for sentence in wrong:
        print("FAIL", sentence)
    print(f"{len(rows)} behaviours")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
