#!/usr/bin/env python3
"""Check that every LOG() in kernel/ gives each % of its format an argument of that kind.

usage: log_formats.py FILE.c...

The arguments of LOG() are untagged 8-byte words (kernel/log/log.h), so a text read as a number or the
other way round is found here, not at run time. A format may be a choice between literals: each must
agree with the arguments, of which it may use fewer. Exit 1 with a sentence for each call that is wrong.
"""
import re
import sys

KIND = {"u": "U", "x": "U", "X": "U", "h": "U", "s": "S"}
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')


def calls(text):
    """The text between the parentheses of each LOG(...), and its line."""
    for found in re.finditer(r"\bLOG\(", text):
        depth, at, quoted = 1, found.end(), False
        while depth:
            char = text[at]
            if char == '"' and text[at - 1] != "\\":
                quoted = not quoted
            elif not quoted:
                depth += (char == "(") - (char == ")")
            at += 1
        yield text.count("\n", 0, found.start()) + 1, text[found.end() : at - 1]


def kinds_of_arguments(call):
    """'U' and 'S' at the outer level, in order, and where the first stands."""
    kinds, first, depth, at = "", len(call), 0, 0
    bare = LITERAL.sub(lambda m: '"' + "_" * (len(m.group(0)) - 2) + '"', call)
    for at, char in enumerate(bare):
        if depth == 0 and re.match(r"[US]\(", bare[at:]) and not re.match(r"\w", bare[at - 1]):
            kinds += char
            first = min(first, at)
        depth += (char == "(") - (char == ")")
    return kinds, first


def formats(call, end):
    """The format literals: those of a choice apart, adjacent ones joined; the topic left out."""
    head = call[call.index(",") + 1 : end]
    parts = re.split(r'\?|(?<=")\s*:\s*(?=")', head) if "?" in LITERAL.sub("", head) else [head]
    joined = ["".join(LITERAL.findall(part)) for part in parts]
    return [j for j in joined if j]


def wrong(call):
    kinds, first = kinds_of_arguments(call)
    for text in formats(call, first):
        wanted = "".join(KIND.get(c, "?") for c in re.findall(r"%(.)", text.replace("%%", "")))
        if "?" in wanted or not kinds.startswith(wanted):
            return f'"{text}" wants {wanted or "nothing"} and is given {kinds or "nothing"}'
    return None if formats(call, first) else "no format was found"


def main():
    bad = seen = 0
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group(0)), file.read(), flags=re.S)
        for line, call in calls(text):
            seen += 1
            said = wrong(call)
            if said:
                bad += 1
                print(f"log_formats: {name}:{line}: {said}", file=sys.stderr)
    print(f"log_formats: {seen} calls, {bad} wrong")
    return 1 if bad or not seen else 0


sys.exit(main())
