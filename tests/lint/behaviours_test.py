#!/usr/bin/env python3
"""behaviours.py must turn red. Ends with "N passed, N failed"."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = "# Behaviours\n\n| id | behaviour | tests |\n|---|---|---|\n"
ROWS = [
    "| a1 | It adds. | unit `sum.adds` |",
    "| a2 | It takes. | model-sum `takes, \"once\"; or` `gives`; lint |",
    "| a3 | It starts. | boot-128M |",
    "| a4 | It faults. | kernel `space.f` |",
    "| a5 | Not here. | other; skipped |",
    "| a6 | By gcc. | unit-gcc |",
    "| a7 | For another machine. | model-sum-aarch64 |",
]
LOGS = {
    "unit": ("ok: sum.adds\n1 passed, 0 failed\n", "1 0 0"),
    "model-sum": ('ok: takes, "once"; or twice (12 cases)\nok: gives\nok: gives more\n', "3 0 0"),
    "lint": ("fine\n", "1 0 0"),
    "boot-128M": ("40 passed, 0 failed\n", "40 0 0"),
    "other": ("no such compiler\n0 passed, 0 failed, 1 skipped\n", "0 0 1"),
    "skipped": ("skip skipped: no such compiler\n", "0 0 1"),
    "unit-gcc": ("ok: sum.adds\n1 passed, 0 failed\n", "1 0 0"),
    "model-sum-aarch64": ('ok: takes, "once" (12 cases)\n', "1 0 0"),
}
SOURCE = 'TEST("space.faults")\n{\n    TEST_END;\n}\n\nTEST_SUITE(space);\n'
FAILURES = 0
TESTS = 0


def run(rows, logs, source=SOURCE, head=HEAD, room=".", matrix=""):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "matrix.steps"), "w", encoding="utf-8") as file:
            file.write(matrix)
        for name, (text, count) in logs.items():
            with open(os.path.join(folder, name + ".log"), "w", encoding="utf-8") as file:
                file.write(text)
            with open(os.path.join(folder, name + ".count"), "w", encoding="utf-8") as file:
                file.write(count)
        os.makedirs(os.path.join(folder, room), exist_ok=True)
        paths = os.path.join(folder, "LIST.md"), os.path.join(folder, room, "space_test.c")
        for path, text in zip(paths, (head + "\n".join(rows) + "\n", source)):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run([sys.executable, os.path.join(HERE, "behaviours.py"), paths[0], folder, paths[1]],
                              stdout=subprocess.PIPE, check=False)
        return done.returncode, done.stdout.decode()


def expect(what, text, rows, logs, **more):
    """Red with just one sentence, which holds the text; green when there is none."""
    global FAILURES, TESTS
    TESTS += 1
    status, output = run(rows, logs, **more)
    said = [line for line in output.split("\n") if line.startswith("FAIL")]
    good = status == 0 and not said if text is None else status == 1 and len(said) == 1 and text in said[0]
    if not good:
        FAILURES += 1
        print(f"FAIL {what}: status {status}, {output}")


def changed(at, old, new):
    rows = list(ROWS)
    assert old in rows[at]
    rows[at] = rows[at].replace(old, new)
    return rows


def with_log(name, text, count):
    return {**LOGS, name: (text, count)}


expect("a whole name that begins another", "belongs to no behaviour", ROWS, LOGS)
ROWS[1] = ROWS[1].replace("; lint", " `gives more`; lint")
expect("all is well", None, ROWS, LOGS)
expect("a behaviour without its test", "cannot be read", changed(1, 'model-sum `takes, "once"; or` `gives` `gives more`; lint', "?"),
       {k: v for k, v in LOGS.items() if k not in ("model-sum", "lint")})
expect("a test that did not run", "did not run", ROWS, {k: v for k, v in LOGS.items() if k != "lint"})
expect("a test that failed", "`lint` failed", ROWS, with_log("lint", "oh\n", "0 1 0"))
expect("a kernel test that no boot ran", "`boot-128M` did not run", ROWS[:3] + ROWS[4:],
       {k: v for k, v in LOGS.items() if k != "boot-128M"}, source="")
expect("a kernel test in a boot that failed", "`kernel: space.faults` failed", ROWS[:2] + ROWS[3:],
       {k: v for k, v in LOGS.items() if k != "boot-128M"})
OTHER = {**LOGS, "boot-arm": ("39 passed, 0 failed\n", "39 0 0")}
NAMED = [row.replace("kernel `", "kernel-aarch64 `") for row in ROWS] + ["| a9 | The other boots. | boot-arm |"]
expect("a kernel test of the other architecture", None, NAMED, OTHER, room="aarch64")
expect("a kernel test of the other architecture, and no boot of it", "`kernel-aarch64: space.faults` failed", NAMED[:-1] + ["| a9 | x | lint |"],
       LOGS, room="aarch64")
expect("a kernel test that is gone", "did not run", ROWS, LOGS, source="")
expect("a test without a behaviour", "`extra` belongs to no behaviour", ROWS, with_log("extra", "", "1 0 0"))
expect("a new test in a step", "`unit: sum.halves` belongs", ROWS,
       with_log("unit", "ok: sum.adds\nok: sum.halves\n", "2 0 0"))
expect("a beginning that fits two tests", "the beginning of 2 tests", changed(0, "sum.adds", "sum.") + ["| a8 | Both. | unit `sum.adds` `sum.halves` |"],
       with_log("unit", "ok: sum.adds\nok: sum.halves\n", "2 0 0"))
expect("a beginning that fits none", "`unit: sum.adds two` did not run", ROWS + ["| a8 | Two. | unit `sum.adds two` |"], LOGS)
expect("a step that counts whole", "`unit-gcc` failed", ROWS,
       with_log("unit-gcc", "ok: sum.adds\nFAIL: sum.halves\n", "1 1 0"))
LARGE = ROWS + ["| a8 | Large. | boot-128M; matrix/boot-8T |"]
expect("a step that the matrix alone runs", None, LARGE, LOGS, matrix="boot-8T\nboot-4T\n")
expect("a step that the matrix does not run", "`matrix/boot-8T` did not run", LARGE, LOGS, matrix="boot-4T\n")
expect("an identifier twice", "stands 2 times", ROWS + [ROWS[0]], LOGS)
expect("a line that is long", "not a short line", changed(2, "It starts.", "It starts" + " and starts" * 11), LOGS)
expect("a line that is just short", None, changed(2, "It starts.", "x" * 120), LOGS)
expect("a row that cannot be read", "not a row", ROWS + ["| a8 | It has no tests |"], LOGS)
expect("a row of the old kind", "cannot be read", ROWS + ["| a8 | It adds. | desk | `unit: sum.adds` |"], LOGS)
expect("nothing at all", "nothing to compare", [], {}, source="")
expect("no behaviours", "nothing to compare", [], {}, source="", head="# empty\n")

print(f"{TESTS - FAILURES} passed, {FAILURES} failed")
sys.exit(FAILURES != 0)
