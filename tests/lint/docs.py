#!/usr/bin/env python3
"""Hold the pages of this tree to what they promise: docs.py [FOLDER], by default the whole tree.

  * README.md has at most 20480 bytes and 250 lines, kernel/README.md (for newcomers) at most 80 lines
  * every relative link in a page (*.md) leads to a file or folder, and to a heading where it names one
  * every figure (tests/figures/*.md) begins with its command, commit and day; every file of figures
    and every page is linked from another page
  * efi/README.md has every option of kernel/options.h and every command of the monitor, and
    kernel/README.md every room of kernel/

Says each violation and ends with status 1; with 0 and the number of links when there is none.
"""
import os
import re
import sys

LIMITS = {"README.md": (20480, 250), "kernel/README.md": (None, 80)}
FIGURES = "tests/figures"
ORIGIN = re.compile(r"`[^`\n]+` \(commit [0-9a-f]{12}, \d{4}-\d\d-\d\d, [^\n]+\):?\n")
# [text](target), [text](target "title") and [label]: target
LINK = re.compile(r'\]\(\s*([^()\s]+)(?:\s+"[^"]*")?\s*\)|^\[[^\]]+\]:\s+(\S+)', re.M)
CODE = re.compile(r"^```.*?^```$|^ {4}[^\n]*$|`[^`\n]*`", re.M | re.S)
# What a page must name, in backquotes: where it is listed, and how it is found there.
LISTED = (("efi/README.md", "kernel/options.h", re.compile(r"^ \*   ([a-z]+)[= ]", re.M), "option"),
          ("efi/README.md", "kernel/monitor/monitor.c", re.compile(r'^    \{"([a-z]+)', re.M), "command"))
# Nothing that is built counts, nor what belongs to git.
SKIPPED = ("build", ".git")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def find_pages(root):
    """Every page below `root`, by its path from there."""
    pages = {}
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED)
        for name in sorted(names):
            if name.endswith(".md"):
                path = os.path.join(folder, name)
                pages[os.path.relpath(path, root)] = read(path)
    return pages


def anchors(text):
    """The names under which a page's headings can be reached."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M):
        found.add(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
    return found


def check_size(name, text):
    size, lines = LIMITS[name]
    wrong = []
    if size is not None and len(text.encode()) > size:
        wrong.append(f"{name} has {len(text.encode())} bytes; at most {size} are asked for")
    if text.count("\n") > lines:
        wrong.append(f"{name} has {text.count(chr(10))} lines; at most {lines} are asked for")
    return wrong


def check_link(root, pages, page, link, linked):
    """What is wrong with one link, or None; where it leads goes into `linked`."""
    path, _, anchor = link.partition("#")
    target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
    if not os.path.exists(os.path.join(root, target)):
        return f"{page}: the link {link} leads nowhere"
    if anchor and anchor not in anchors(pages.get(target, "")):
        return f"{page}: the link {link} names a heading that is not there"
    if target != page:
        linked.add(target)
    return None


def check_links(root, pages):
    wrong, linked, count = [], set(), 0
    for page, text in pages.items():
        for link in (a or b for a, b in LINK.findall(CODE.sub("", text))):
            if re.match(r"[a-z]+:", link):
                continue
            count += 1
            wrong.append(check_link(root, pages, page, link, linked))
    return [w for w in wrong if w is not None], linked, count


def check_figures(pages):
    """Every figure says where it comes from."""
    return [f"{page} does not begin with its command, commit and day"
            for page, text in pages.items()
            if os.path.dirname(page) == FIGURES and page != FIGURES + "/README.md" and not ORIGIN.match(text)]


def check_reached(root, pages, linked):
    wanted = {page for page in pages if page != "README.md"}
    folder = os.path.join(root, FIGURES)
    if os.path.isdir(folder):
        wanted |= {f"{FIGURES}/{name}" for name in os.listdir(folder) if name.endswith(".png")}
    reached = linked | {os.path.join(target, "README.md") for target in linked}
    return [f"no page links to {name}" for name in sorted(wanted - reached)]


def check_listed(root, pages):
    """Options, commands and rooms that a page does not name."""
    wrong = []
    for page, source, pattern, kind in LISTED:
        path = os.path.join(root, source)
        names = sorted(set(pattern.findall(read(path)))) if os.path.exists(path) else []
        if not names:
            wrong.append(f"{source} lists no {kind} that could be looked for in {page}")
        wrong += [f"{page} does not have the {kind} `{name}`" for name in names
                  if not re.search(f"`{name}[ =`]", pages.get(page, ""))]
    rooms = sorted(e.name for e in os.scandir(os.path.join(root, "kernel")) if e.is_dir())
    wrong += [f"kernel/README.md does not have the room `kernel/{room}/`" for room in rooms
              if f"`kernel/{room}/`" not in pages.get("kernel/README.md", "")]
    return wrong


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    pages = find_pages(root)
    wrong = [f"{name} is missing" for name in LIMITS if name not in pages]
    for name in LIMITS:
        wrong += check_size(name, pages[name]) if name in pages else []
    broken, linked, count = check_links(root, pages)
    wrong += broken + check_figures(pages) + check_reached(root, pages, linked) + check_listed(root, pages)
    if count == 0:
        wrong.append("there is nothing to check: no page has a link")
    for sentence in wrong:
        print("FAIL", sentence)
    print(f"{len(pages)} pages, {count} links")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
