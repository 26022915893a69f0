#!/usr/bin/env python3
"""unreachable.py must turn red for each way in which list and branches can differ, and only then.

Ends with "N passed, N failed". Standard library only.
"""
import json
import os
import subprocess
import sys
import tempfile

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "unreachable.py")
SOURCE = "int f(int a)\n{\n    if (a > 0)\n        return 1;\n    if (a < 0)\n        return 2;\n}\n"
ENTRY = "* `f.c`: `{}` ({} branch): nobody calls it so.\n"


def run(folder, counts, text):
    """`counts`: of the branches of lines 3 and 5. Exit status and complaints."""
    lines = [{"line_number": n, "branches": [{"count": c} for c in count]}
             for n, count in zip((1, 3, 5), ([], *counts))]
    with open(os.path.join(folder, "f.c"), "w", encoding="utf-8") as f:
        f.write(SOURCE)
    with open(os.path.join(folder, "cover.json"), "w", encoding="utf-8") as f:
        json.dump({"files": [{"file": "f.c", "lines": lines}]}, f)
    with open(os.path.join(folder, "list.md"), "w", encoding="utf-8") as f:
        f.write("# A list\n\nProse.\n" + text)
    done = subprocess.run([sys.executable, SCRIPT, "cover.json", "list.md"], cwd=folder,
                          capture_output=True, text=True)
    return done.returncode, done.stderr


CASES = [
    ("all taken, nothing listed", ([1, 2], [3, 4]), "", 0, ""),
    ("untaken and not listed", ([1, 0], [3, 4]), "", 1, "f.c:3: 1 branches of `if (a > 0)`"),
    ("untaken and listed", ([1, 0], [3, 4]), ENTRY.format("if (a > 0)", 1), 0, ""),
    ("more untaken than listed", ([0, 0], [3, 4]), ENTRY.format("if (a > 0)", 1), 1, "1 are argued"),
    ("listed and taken", ([1, 2], [3, 4]), ENTRY.format("if (a > 0)", 1), 1, "correct the list"),
    ("listed, another line untaken", ([1, 2], [0, 4]), ENTRY.format("if (a > 0)", 1), 1, "f.c:5"),
    ("listed line that does not exist", ([1, 2], [3, 4]), ENTRY.format("if (b)", 1), 1, "`if (b)`"),
    ("listed twice", ([0, 0], [3, 4]), 2 * ENTRY.format("if (a > 0)", 1), 1, "listed twice"),
    ("an entry without a reason", ([1, 0], [3, 4]), "* `f.c`: `if (a > 0)` (1 branch):\n", 1,
     "not an entry"),
    ("nothing measured", ([], []), "", 1, "no branch was measured"),
]


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, counts, text, status, words in CASES:
            got, said = run(folder, counts, text)
            if got != status or words not in said or (status == 0 and said):
                failed += 1
                print(f"FAIL {name}: status {got}, said: {said}")
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
