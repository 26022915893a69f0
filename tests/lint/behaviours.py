#!/usr/bin/env python3
"""Hold tests/BEHAVIOURS.md against what a run of the tests has really passed.

    behaviours.py BEHAVIOURS.md LOGS [SOURCE...]

A behaviour is a row `| identifier | sentence | tests |` of a table. Tests are steps of ./run.sh test with
`;` between; behind a step, in backquotes, the beginnings of names that its log gives single tests
(`ok: NAME`), each of one test only. The step `kernel` has the tests that the kernel alone runs, by their
names in a SOURCE, and `kernel-aarch64` those in a folder aarch64/. LOGS is the folder with each step's STEP.log and STEP.count.
A step that ./run.sh matrix alone runs is written `matrix/STEP`, and stands in the file LOGS/matrix.steps.

Fails, with a sentence for each, when a behaviour has no test or one that did not pass, when a test
passed that no behaviour names, when a beginning fits several tests, when an identifier stands twice,
when a sentence is longer than 120 characters, and when there is nothing to compare. A test that was
skipped, with its reason, does not make a behaviour fail.
"""
import collections
import glob
import os
import re
import sys

ROW = re.compile(r"^\| ([A-Za-z0-9-]+) \| (\S.*?) \| (\S.*) \|$")
HEAD = re.compile(r"^\|( id |-)")
STEP = re.compile(r"((?:matrix/)?[\w.-]+)((?: `[^`]+`)*)(?:; |$)")
CELL = re.compile(rf"({STEP.pattern})+")
LONGEST = 120
PASSED = re.compile(r"^ok: (.+?)(?: \(\d+ (?:cases|checks)\)|: \d+ calls.*)?$")
SKIPPED = re.compile(r"^skip (.+?): ")
KERNEL = re.compile(r'^TEST\("((?:[^"\\]|\\.)*)"\)', re.M)
# The boots that run every test of the kernel.
KERNEL_BOOT = {"kernel": "boot-128M", "kernel-aarch64": "boot-arm"}
# Steps that are one test, whatever their logs name: the names are those of another step, or planted.
# Those of models that are built for another machine too, or without a sanitizer, end in that.
WHOLE = re.compile(r"unit-gcc|model-frame|.*-aarch64(_tsan)?|.*-fast")


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
    results = read_matrix(folder)
    for path in sorted(glob.glob(os.path.join(folder, "*.count"))):
        results.update(read_step(folder, os.path.basename(path)[: -len(".count")]))
    for path in sources:
        step = "kernel-aarch64" if "/aarch64/" in path else "kernel"
        with open(path, encoding="utf-8") as file:
            for name in KERNEL.findall(file.read()):
                results[f"{step}: {name}"] = results.get(KERNEL_BOOT[step], "failed")
    return results


def read_matrix(folder):
    """The steps of ./run.sh matrix, as a row names them."""
    path = os.path.join(folder, "matrix.steps")
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return {"matrix/" + name: "passed" for name in file.read().split()}


def whole_name(key, results):
    """The test that a key begins, and what is wrong when it begins several."""
    found = [k for k in results if k.startswith(key)]
    if key in results or len(found) == 0:
        return key, []
    return found[0], [] if len(found) == 1 else [f"`{key}` is the beginning of {len(found)} tests"]


def tests_of(cell, results):
    """The tests that a row names, and what is wrong with the naming."""
    if not CELL.fullmatch(cell):
        return [], [f"its tests `{cell}` cannot be read"]
    keys, wrong = [], []
    for step, names in STEP.findall(cell):
        keys += [] if names else [step]
        for name in re.findall("`([^`]+)`", names):
            key, several = whole_name(f"{step}: {name}", results)
            keys.append(key)
            wrong += several
    return keys, wrong


def check_row(row, results, named):
    """What is wrong with one behaviour."""
    identifier, sentence, cell = row
    keys, wrong = tests_of(cell, results)
    wrong = [f"{identifier}: {text}" for text in wrong]
    if len(sentence) > LONGEST:
        wrong.append(f"{identifier} is not a short line: {len(sentence)} characters, {LONGEST} at most")
    for key in keys:
        named.add(key)
        if results.get(key) not in ("passed", "skipped"):
            wrong.append(f"{identifier}: the test `{key}` {'failed' if key in results else 'did not run'}")
    return wrong


def check(rows, results):
    named, wrong = set(), []
    for identifier, count in collections.Counter(row[0] for row in rows).items():
        if count > 1:
            wrong.append(f"the identifier {identifier} stands {count} times")
    for row in rows:
        wrong += check_row(row, results, named)
    mine = {key for key in results if not key.startswith("matrix/")}
    wrong += [f"the test `{key}` belongs to no behaviour" for key in sorted(mine - named)]
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
                wrong.append(f"{path}:{number}: not a row `| identifier | sentence | tests |`")
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
