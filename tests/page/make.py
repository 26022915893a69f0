#!/usr/bin/env python3
"""Make memory.html, one file: page.html with its style, its script, and memsim as WebAssembly.

usage: make.py OUT.html MEMORY.wasm COMMIT
"""
import base64
import os
import sys
import textwrap

HERE = os.path.dirname(os.path.abspath(__file__))


def read(name):
    with open(os.path.join(HERE, name), encoding="ascii") as file:
        return file.read().strip()


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: make.py OUT.html MEMORY.wasm COMMIT")
    out, machine, commit = sys.argv[1:]
    with open(machine, "rb") as file:
        code = textwrap.fill(base64.b64encode(file.read()).decode(), 120)
    parts = {"STYLE": read("page.css"), "SCRIPT": read("page.js"), "COMMIT": commit, "MACHINE": code}
    text = read("page.html") + "\n"
    for name, part in parts.items():
        if text.count(f"@{name}@") != 1:
            sys.exit(f"make.py: @{name}@ stands not once in page.html")
        text = text.replace(f"@{name}@", part)
    with open(out, "w", encoding="ascii") as file:
        file.write(text)


if __name__ == "__main__":
    main()
