#!/usr/bin/env python3
"""What the loader does before it leaves the firmware: its menu, by serial; the report on the disk; and
the log of one boot, found in memory by the next.

usage: report.py --memsim FILE RUN.SH-ARGUMENT...

Two machines. The first is led through the menu, boots with words that were typed in, is reset with its
memory as it is, and boots again by itself; its disk is looked at by mtools before, between and after,
and memsim reads the report. The second is told report=off, and not a byte of its disk may change. Ends
with "N passed, N failed".
"""
import argparse
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from monitor import RUN, Checks

REPORT, LOG = "mortise-report.txt", "mortise-log.txt"
FOUND = "The log of an earlier boot was found in memory."
SECONDS = 120


class Machine:
    """A run of run.sh in a folder of its own, read and written by its serial port."""

    def __init__(self, folder, words, arguments):
        self.folder, self.text, self.at = folder, "", 0
        serial, self.qmp_path = os.path.join(folder, "serial"), os.path.join(folder, "qmp")
        command = [RUN, "--no-install", *arguments, "--timeout", "400", "--socket", serial, "--options", words,
                   "--qemu", f"-S -qmp unix:{self.qmp_path},server=on,wait=off"]  # fmt: skip
        self.run = subprocess.Popen(command, env={**os.environ, "TMPDIR": folder}, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        self.serial = self.connect(serial)
        self.qmp = self.connect(self.qmp_path).makefile("rw", encoding="utf-8")
        self.qmp.readline()
        self.tell("qmp_capabilities")

    def connect(self, path):
        for _ in range(SECONDS * 10):
            link = socket.socket(socket.AF_UNIX)
            try:
                link.connect(path)
                return link
            except OSError:
                link.close()
                time.sleep(0.1)
        raise OSError(f"QEMU does not listen at {path}")

    def tell(self, command, **arguments):
        self.qmp.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.qmp.flush()
        while True:
            answer = json.loads(self.qmp.readline() or '{"error": "the machine has ended"}')
            if "return" in answer or "error" in answer:
                return answer

    def until(self, mark):
        """Whether the mark came in time. The next search begins behind it."""
        end = time.monotonic() + SECONDS
        while mark not in self.text[self.at :]:
            self.serial.settimeout(max(0.1, end - time.monotonic()))
            try:
                data = self.serial.recv(65536)
            except OSError:
                data = b""
            if not data:
                print(f"     waited for {mark!r}; the end of what came: {self.text[-300:]!r}")
                return False
            self.text += data.decode("latin-1")
        self.at = self.text.index(mark, self.at) + len(mark)
        return True

    def send(self, text):
        self.serial.sendall(text.encode())

    def disk(self, name):
        """A copy of the disk as the guest has left it."""
        copy = os.path.join(self.folder, name)
        shutil.copyfile(glob.glob(os.path.join(self.folder, "mortise.*", "esp.img"))[0], copy)
        return copy

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.tell("quit")
        except OSError:
            pass
        self.run.wait(30)


def files(image):
    """Path -> bytes of every file on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mcopy", "-i", image, "-s", "-Q", "-n", "::*", folder], check=True, stdout=subprocess.DEVNULL)
        found = {}
        for path in glob.glob(os.path.join(folder, "**"), recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    found[os.path.relpath(path, folder)] = file.read()
        return found


def log_of(text):
    """The kernel's log in what the serial port said, up to the verdict's line."""
    found = re.search(r"^\[0\.\d{6}\] mortise: commit .*?^\[\d+\.\d{6}\] verdict: .*?\r\n", text, re.M | re.S)
    return found[0] if found else ""


def ram(text):
    """Pages of RAM in lines "TYPE START END ATTR", the kinds that change hands while firmware runs together."""
    pages = {}
    for kind, start, end, attributes in re.findall(r"^(?:\[.*?\] map: )?(\d+) 0x(\w+) 0x(\w+) (0x\w+)\r?$", text, re.M):
        kind = "ram" if kind in "123447" else kind
        pages[kind, attributes] = pages.get((kind, attributes), 0) + (int(end, 16) - int(start, 16)) // 4096
    return pages


def usable_by(memsim, folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="latin-1", newline="") as file:
        file.write(text)
    run = subprocess.run([memsim, "map", path], stdout=subprocess.PIPE, text=True, check=False)
    return run.returncode, run.stdout


def walk_menu(checks, machine):
    before = machine.disk("before")
    machine.tell("cont")
    checks.check(machine.until("Boots by itself in 30 s."), "the menu counts down")
    machine.send("h")
    checks.check(machine.until("report=on|off"), "h shows the options")
    machine.send("m")
    checks.check(machine.until("a key: more"), "m shows the map, page by page")
    page = machine.text[machine.text.index("Type, start") :]
    checks.equal(len(re.findall(r"^\d+ 0x\w+ 0x\w+ 0x\w+\r$", page, re.M)), 20, "lines of a page")
    machine.send("q?o")
    checks.check(machine.until("Options: "), "a key that means nothing does nothing; o asks for options")
    machine.send("screen=lox\x08g colour=red\r")
    return before


def check_report(checks, memsim, folder, report, log):
    lines = report.split("\n")
    checks.check(lines[0].startswith("# Mortise ") and "EDK II" in lines[0] and "Secure Boot o" in lines[0], "the first line")
    for topic in ("options: ", "cpuid: 0x1 ", "cpuid: 0x80000001 ", "protection: CR0 0x", "mapped: r-- ", "this program: code r-x",
                  "screen: 1 mode 0: ", "acpi: FACP at 0x", "acpi: APIC at 0x"):  # fmt: skip
        checks.check(f"\n# {topic}" in report, f"a line {topic!r}")
    checks.check(", in use\n" in report, "the mode in use is marked")
    checks.check("not all in the map" not in report, "ACPI tables lie in the map")
    checks.check(all(line.startswith("# ") or re.fullmatch(r"\d+ 0x\w+ 0x\w+ 0x\w+", line) for line in lines if line), "each line is a remark or an entry")
    checks.check(len(ram(report)) > 3, "the map has several kinds")
    checks.equal(ram(report), ram(log), "pages of each kind, in the report and in the log")
    (status, said), (status_log, said_log) = (usable_by(memsim, folder, n, t) for n, t in (("report.map", report), ("log", log)))
    checks.equal((status, status_log), (0, 0), "memsim reads both")
    figures = [re.findall(r"(?m)^.*usable.*$", text)[:1] for text in (said, said_log)]
    print("     memsim:", figures)
    return said, said_log


def first_machine(checks, memsim, folder, arguments):
    with Machine(folder, "exit=0 monitor=off selftest=off menu=30", arguments) as machine:
        before = walk_menu(checks, machine)
        checks.check(machine.until(f"Wrote {REPORT}"), "it says what it writes")
        checks.check(machine.until("verdict: ") and machine.until("\n"), "the first boot ends")
        first, end = log_of(machine.text), len(machine.text)
        between = machine.disk("between")
        machine.tell("set-action", reboot="reset")
        machine.tell("system_reset")
        checks.check(machine.until(FOUND) and machine.until(f"Wrote {LOG}"), "the log is found by the next boot")
        checks.check(machine.until("Boots by itself in 30 s."), "the menu comes again") if False else None
        machine.until("Boots by itself")
        machine.send("b")
        checks.check(machine.until("verdict: ") and machine.until("\n"), "the second boot ends")
        second, after = log_of(machine.text[end:]), machine.disk("after")
    old, middle, new = files(before), files(between), files(after)
    checks.check('"colour=red" is not an option' in first, "a typed word that is unknown is named")
    checks.check('"screen=lo' not in first, "a typed word is understood, corrections too")
    checks.equal(sorted(set(middle) - set(old)), [REPORT], "files that the first boot makes")
    checks.equal(sorted(set(new) - set(old)), [LOG, REPORT], "files that the second boot makes")
    checks.equal([name for name in old if old[name] != new.get(name)], [], "files that were changed")
    checks.check(first and new.get(LOG) == first.encode("latin-1"), "the kept log is the first boot's, to the byte")
    checks.check(FOUND in second, "the kernel's log says it too")
    checks.check("owner: 0x0000000000100000 0x0000000000110000 kept log" in first, "the block has an owner")
    check_report(checks, memsim, folder, middle.get(REPORT, b"").decode("latin-1"), first)


def second_machine(checks, folder, arguments):
    with Machine(folder, "exit=0 monitor=off selftest=off menu=off report=off", arguments) as machine:
        before = machine.disk("before")
        machine.tell("cont")
        checks.check(machine.until("verdict: ") and machine.until("\n"), "it boots with report=off")
        after = machine.disk("after")
        checks.check("Boots by itself" not in machine.text, "menu=off shows no menu")
    with open(before, "rb") as one, open(after, "rb") as two:
        checks.check(one.read() == two.read(), "report=off leaves every byte of the disk as it was")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--memsim", required=True)
    options, arguments = parser.parse_known_args()
    checks = Checks()
    for number, machine in enumerate((first_machine, second_machine)):
        with tempfile.TemporaryDirectory() as folder:
            if number == 0:
                machine(checks, options.memsim, folder, arguments)
            else:
                machine(checks, folder, arguments)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed or not checks.passed else 0


if __name__ == "__main__":
    sys.exit(main())
