#!/usr/bin/env python3
"""The code in mm/README.md is the code of tests/embed: every block of C there stands, as it is, in
the file that the line before the block names in backquotes; where the block has an empty line, the
file may have more. And this program would see it if not."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"([^\n]*)\n+```c\n(.*?)```", re.S)


def strays(text):
    """The blocks that do not stand where they say, with the reason; and how many blocks there are."""
    found, blocks = [], BLOCK.findall(text)
    for before, code in blocks:
        names = re.findall(r"`(tests/embed/[a-z_/.]+)`", before)
        if len(names) != 1:
            found.append(f"no file of tests/embed is named before the block {code[:60]!r}")
        else:
            source = (ROOT / names[0]).read_text()
            found += [f"this is not in {names[0]}:\n{part}"
                      for part in code.rstrip().split("\n\n") if part + "\n" not in source]
    return found, len(blocks)


def main():
    text = (ROOT / "mm/README.md").read_text()
    wrong, blocks = strays(text)
    for what in wrong:
        print("mm/README.md:", what)
    missed = 0
    for match in BLOCK.finditer(text):  # planted: one letter of each block is another
        at = match.start(2) + text[match.start(2):match.end(2)].index("(")
        missed += not strays(text[:at] + "{" + text[at + 1:])[0]
    print(f"{blocks} blocks of code, {missed} of {blocks} planted errors missed")
    print(f"{2 * blocks - len(wrong) - missed} passed, {len(wrong) + missed} failed")
    return 1 if wrong or missed or blocks == 0 else 0


sys.exit(main())
