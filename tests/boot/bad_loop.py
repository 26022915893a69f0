#!/usr/bin/env python3
"""A bad page from the exerciser to the next boot, as the owner of a PC would do it: with the keyboard alone.

usage: bad_loop.py --image BOOTX64.EFI RUN.SH-ARGUMENT...

One machine that starts three times, its memory and its disk as they were. In the first boot a bit of RAM
changes while the exerciser waits to verify it: the page is named, in words too. The second start finds them
in the kept log; k in its menu keeps the page from use, now and in a list on the disk. In the third, which
finds the list, f forgets it. Between the starts mtools reads the disk: no other file may have changed. Ends
with "N passed, N failed".
"""
import argparse
import os
import re
import sys
import tempfile

from checks import Checks
from monitor_session import ALL, PAGE, SMALL, Gdb, flip, value_of
from report import LOG, MENU, REPORT, Machine, changed, files, make_disk

LIST = "mortise-bad.txt"
WORDS = "exit=0 monitor=on selftest=off menu=100"
PROMPT = "\r\n> "
AGAIN = "Boots by itself in 60 s."  # after a command


def do(machine, line):
    machine.press(line + "\r")
    machine.until(line + "\r\n")
    return machine.until(PROMPT) or ""


def regions(text):
    """The usable memory without an owner, the largest first."""
    found = [(int(a, 16), int(b, 16)) for a, b in re.findall(r"region: (0x\S+) (0x\S+) \S+ \S+ usable\r", text)]
    return sorted(found, key=lambda r: r[0] - r[1])


def page_lies(checks, machine):
    """The page that lied, or None."""
    machine.until(MENU)
    machine.press("b")
    log = machine.until(PROMPT) or ""
    checks.check(re.search(r"audit: .* \+ 0 bad: exact", log), "no page is bad at first")
    base, end = regions(do(machine, "map"))[0]
    places = [base + (end - base) // 64 // PAGE * PAGE * i for i in range(64)]
    for seed in range(20, 28):  # a machine that is slow to stop has written all pages by then
        machine.press(f"exercise 1 {seed}")
        machine.press("\r", 0)
        at = flip(os.path.join(machine.folder, "gdb"), places, seed)
        answer = machine.until(PROMPT) or ""
        if at is not None:
            break
    checks.check(at is not None, "a page was changed")
    checks.check(at and f"bad=0x{at:x}\r" in answer and "exercise: verdict: FAIL" in answer, "it is found and named: " + answer[-300:])
    machine.press("reboot\r")
    return at


def page_is_kept_out(checks, machine, at, seed, bad):
    """The boot from the menu on, with so many bad pages."""
    machine.press("b")
    log = machine.until(PROMPT) or ""
    checks.equal(f"bad: 0x{at:016x} 0x{at + PAGE:016x}, 1 pages kept from use" in log, bad == 1, "the page is kept from use")
    checks.check(re.search(rf"audit: .* \+ {bad} bad: exact", log), "the audit's bad pages")
    answer = do(machine, f"exercise 1 {seed}")
    checks.check("exercise: verdict: pass" in answer, "the exerciser passes: " + answer[-300:])
    stub = Gdb(os.path.join(machine.folder, "gdb"))
    checks.equal(stub.word(at) == value_of(at, seed) ^ ALL, bad == 0, "the page is written")
    stub.leave()
    machine.tell("cont")
    machine.press("reboot\r")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--image", required=True)
    options, arguments = parser.parse_known_args()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder, Machine(folder, make_disk(folder, options.image), arguments, WORDS, 300, SMALL) as machine:
        before = files(machine.copy("before"))
        machine.tell("cont")
        at = page_lies(checks, machine) or 0
        menu = machine.until(MENU) or ""
        checks.check(f"The last run found bad memory: bad=0x{at:x}\r\n" in menu, "the next start has found it: " + menu[-400:])
        checks.equal([name for name in changed(before, files(machine.copy("one"))) if name not in (REPORT, LOG)], [], "no list before it is asked for")
        machine.press("k")
        checks.check(machine.until(f"Wrote {LIST} to the disk this came from, and nothing else."), "k writes the list")
        checks.check(f"Kept from use by {LIST}: bad=0x{at:x}\r\n" in (machine.until(AGAIN) or ""), "and the menu shows it")
        page_is_kept_out(checks, machine, at, 3, 1)
        menu = machine.until(MENU) or ""
        checks.check(f"Kept from use by {LIST}: bad=0x{at:x}\r\n" in menu and "found bad memory" not in menu, "the third start has the list: " + menu[-400:])
        after = files(machine.copy("two"))
        checks.equal(after.get(LIST), f"bad=0x{at:x}\n".encode(), "the list on the disk")
        report = after.get(REPORT, b"").decode("latin-1")
        checks.check(f"\n# bad: 0x{at:016x} 0x{at + PAGE:016x}, 1 pages kept from use\n" in report and "\n# ram: kept from use, bad, 1 pages, 4.0 KiB\n" in report, "the report shows the page as bad")
        checks.equal(changed(before, after), sorted([LIST, LOG, REPORT]), "files that differ")
        machine.press("f")
        checks.check(machine.until(f"Removed {LIST} from the disk this came from."), "f forgets it")
        machine.until(AGAIN)
        page_is_kept_out(checks, machine, at, 4, 0)
        checks.check(machine.until(MENU), "it starts again")
        checks.equal(changed(before, files(machine.copy("three"))), sorted([LOG, REPORT]), "files that differ in the end")
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
