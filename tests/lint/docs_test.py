#!/usr/bin/env python3
"""docs.py must turn red, and figures.py must keep what stands behind a block. Ends with "N passed, N failed"."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "boot"), os.path.join(HERE, "..", "figures")]
# pylint: disable=wrong-import-position
import figures  # noqa: E402
from checks import Checks  # noqa: E402

ORIGIN = "`make x` (commit 0123456789ab, 2026-11-21, 2 CPUs):\n\n```\none\n```\n"
TREE = {
    "README.md": "# Top\n\n## Two words, here\n\n[rooms](kernel/README.md), [below](#two-words-here), [`code`](mm/a.h),\n"
                 "[![picture](tests/figures/p.png)](tests/figures/x.md) [far](https://example.org/nothing) [PC](efi/README.md)\n"
                 "`[no](link)`\n\n    [no](link)\n\n```\n[no](link)\n# no heading\n```\n",
    "kernel/README.md": "# Rooms\n[up](../README.md#top) [figures](../tests/figures) `kernel/early/` `kernel/monitor/`\n",
    "mm/a.h": "/* a */\n",
    "kernel/early/b.h": "/* b */\n",
    "kernel/options.h": "/* words:\n *\n *   keepbs       leave it\n *   cpus=N       so many\n *                of them\n */\n",
    "kernel/monitor/monitor.c": '    {"map - the map", run_map},\n    {"alloc PAGES - take", run_alloc},\n    {"off", run_off},\n',
    "efi/README.md": "# PC\n`keepbs` `cpus=1` and `map` `alloc PAGES`, `off`\n",
    "tests/figures/README.md": "# Figures\n",
    "tests/figures/x.md": ORIGIN,
    "tests/figures/p.png": "",
    "build/left.md": "[nothing](nowhere)\n",
}
CHECKS = Checks()


def run(tree):
    with tempfile.TemporaryDirectory() as root:
        for name, text in tree.items():
            path = os.path.join(root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run([sys.executable, os.path.join(HERE, "docs.py"), root], stdout=subprocess.PIPE, check=False)
        return done.returncode, done.stdout.decode()


def expect(what, text, changes):
    """Red with just one sentence, which holds the text; green when there is none. A change to None
    takes the file away."""
    tree = {name: data for name, data in {**TREE, **changes}.items() if data is not None}
    status, output = run(tree)
    said = [line for line in output.split("\n") if line.startswith("FAIL")]
    good = status == 0 and not said if text is None else status == 1 and len(said) == 1 and text in said[0]
    CHECKS.check(good, f"{what}: status {status}, {output}")


def more(name, text):
    return {name: TREE[name] + text}


def lines_to(name, count):
    return more(name, "x\n" * (count - TREE[name].count("\n")))


def bytes_to(count):
    return more("README.md", "x" * (count - 1 - len(TREE["README.md"])) + "\n")


def check_docs():
    expect("all is well", None, {})
    expect("README as large as it may be", None, bytes_to(20480))
    expect("README is too large", "has 20481 bytes", bytes_to(20481))
    expect("bytes are counted, not letters", "has 20481 bytes", more("README.md", "ä" * 10 + "x" * (20460 - len(TREE["README.md"])) + "\n"))
    expect("README with as many lines as it may have", None, lines_to("README.md", 250))
    expect("README has too many lines", "has 251 lines", lines_to("README.md", 251))
    expect("the newcomers' page as long as it may be", None, lines_to("kernel/README.md", 80))
    expect("the newcomers' page is too long", "has 81 lines", lines_to("kernel/README.md", 81))
    expect("no README", "README.md is missing", {"README.md": None, "kernel/README.md": "[a](../mm/a.h) [x](../tests/figures/x.md) "
           "[p](../tests/figures/p.png) [f](../tests/figures) [k](../kernel) [e](../efi) `kernel/early/` `kernel/monitor/`\n"})
    expect("a link to nothing", "mm/b.h leads nowhere", more("README.md", "[b](mm/b.h)\n"))
    expect("a link with a line break in its text", "mm/b.h leads nowhere", more("README.md", "[b\nc](mm/b.h)\n"))
    expect("a link with a title", "mm/b.h leads nowhere", more("README.md", '[b](mm/b.h "B")\n'))
    expect("a link by a label", "mm/b.h leads nowhere", more("README.md", "[b]: mm/b.h\n"))
    expect("a picture that is not there", "q.png leads nowhere", more("README.md", "![q](tests/figures/q.png)\n"))
    expect("a link from another folder", "kernel/README.md: the link README2.md", more("kernel/README.md", "[b](README2.md)\n"))
    expect("a heading that is not there", "names a heading", more("kernel/README.md", "[b](../README.md#two-words)\n"))
    expect("what looks like a heading in a block", "names a heading", more("README.md", "[b](#no-heading)\n"))
    expect("a figure without its origin", "x.md does not begin", {"tests/figures/x.md": "One.\n" + ORIGIN})
    expect("a figure without its commit", "x.md does not begin", {"tests/figures/x.md": ORIGIN.replace("commit 0123456789ab, ", "")})
    expect("a figure without its command", "x.md does not begin", {"tests/figures/x.md": ORIGIN.replace("`make x`", "make x")})
    expect("a figure that nobody links to", "no page links to tests/figures/y.md", {"tests/figures/y.md": ORIGIN})
    expect("a picture that nobody links to", "no page links to tests/figures/q.png", {"tests/figures/q.png": ""})
    expect("a page that nobody links to", "no page links to mm/README.md", {"mm/README.md": "# mm\n"})
    expect("a page that only itself links to", "no page links to mm/b.md", {"mm/b.md": "[b](b.md)\n"})
    owner = TREE["efi/README.md"]
    expect("an option that is not told", "have the option `cpus`", {"efi/README.md": owner.replace("`cpus=1`", "cpus")})
    expect("an option told under half its name", "have the option `keepbs`", {"efi/README.md": owner.replace("`keepbs`", "`keepbsd`")})
    expect("a command that is not told", "have the command `off`", {"efi/README.md": owner.replace("`off`", "")})
    expect("no list of options", "options.h lists no option", {"kernel/options.h": "/* none */\n"})
    expect("no list of commands", "monitor.c lists no command", {"kernel/monitor/monitor.c": None})
    expect("a room that is not told", "have the room `kernel/log/`", {"kernel/log/log.h": "/* log */\n"})
    expect("a page reached by its folder", None, {"mm/README.md": "# mm\n", **more("README.md", "[mm](mm)\n")})


def figure(old):
    """What figures.py makes of the figure `old` (None: there is none), and what it answers."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.md")
        if old is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(old)
        notes = figures.write_figure(folder, "x", "commit 0123456789ab, 2026-11-21, 2 CPUs", "make x", "one")
        with open(path, encoding="utf-8") as file:
            return file.read(), notes


def check_figures():
    notes = "\nRead it so.\n\n```\nnot captured\n```\n"
    old = ORIGIN.replace("one", "two\nthree").replace("make x", "make old")
    CHECKS.equal(figure(None), (ORIGIN, ""), "a new figure")
    CHECKS.equal(figure(old), (ORIGIN, ""), "a figure captured again")
    CHECKS.equal(figure(old + notes), (ORIGIN + notes, notes), "the notes behind the block stay")
    CHECKS.equal(figure("`make x` (commit 1)\n\n![p](p.png)\n"), (ORIGIN + "\n![p](p.png)\n", "\n![p](p.png)\n"), "a picture as the block")
    try:
        figure("Written by hand.\n")
        CHECKS.check(False, "a page that is no figure was written over")
    except SystemExit as end:
        CHECKS.check("nothing was written" in str(end), "a page that is no figure is refused")


check_docs()
check_figures()
sys.exit(CHECKS.end())
