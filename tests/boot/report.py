#!/usr/bin/env python3
"""What the loader does before it leaves the firmware: its menu, by the keyboard; the report on the disk;
the log of one boot, found in memory by the next.

usage: report.py --memsim FILE --image BOOTX64.EFI RUN.SH-ARGUMENT...
       report.py --memsim FILE --image BOOTAA64.EFI --arch aarch64 --cpu cortex-a72 RUN.SH-ARGUMENT...

One machine that starts six times, its memory as it was. First it is led through the menu, writes its
report over a longer one, and restarts itself by the kernel's own hand. The second start finds that log.
The third restarts by itself (then=), and its report has the result of the second. Before the fifth a bit
of the log in memory is flipped, by QEMU's debugger, and the disk is filled. The sixth has report=off, and
not a byte of the disk may change. Between the starts mtools reads the disk; memsim reads the report. Ends with "N passed, N failed".
"""
import argparse
import glob
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import where
from check_log import sweep
from checks import Checks
from monitor import RUN
from monitor_session import KEYS, Gdb, connect

REPORT, LOG = "mortise-report.txt", "mortise-log.txt"
FOUND = "The log of an earlier boot was found in memory."
DAMAGED = "A log of an earlier boot was found in memory, but it is damaged; ignored."
MENU = "Boots by itself in 100 s."
WORDS = "exit=0 monitor=off selftest=off menu=100 colour=red"
ARM = "aarch64" in sys.argv
KEPT = 0x41FF0000 if ARM else 0x100000  # where the log lies on this firmware, as the log itself says
PROGRAM = "BOOTAA64.EFI" if ARM else "BOOTX64.EFI"
KEYBOARD = " -device qemu-xhci -device usb-kbd" if ARM else ""  # a PC has one anyway
# What is told of each architecture's CPU, and of its screen.
TOPICS = ("cpu: Cortex-A72, 44 physical address bits, 4 paging levels; NX yes", "id: 0x0 ", "id: 0x9 ", "register: sctlr 0x", "register: mair 0x") if ARM else (
    "cpu: QEMU TCG CPU version 2.5+, 40 physical address bits, 4 paging levels; NX yes", "cpuid: 0x1 ", "cpuid: 0x80000001 ",
    "register: pat 0x7040600070406\n", "register: cr0 0x", "register: efer 0x")  # fmt: skip
MODE = "800x600, pitch 800, format 1" if ARM else "1280x800, pitch 1280, format 1"
SECONDS = 100
OLD = {REPORT: b"an older report, longer than any\n" * 9000, LOG: b"an older log\n" * 9000}


class Machine:
    """A run of run.sh: its log, a keyboard, and its disk while it runs."""

    def __init__(self, folder, disk, arguments, words=WORDS, seconds=SECONDS, more=""):
        self.folder, self.text, self.at, self.seconds = folder, "", 0, seconds
        self.news = threading.Condition()
        path = os.path.join(folder, "qmp")
        command = [RUN, "--no-install", *arguments, "--disk", disk, "--timeout", str(8 * seconds), "--options", words,
                   "--qemu", f"-S -qmp unix:{path},server=on,wait=off -gdb unix:{folder}/gdb,server=on,wait=off -action reboot=reset{KEYBOARD} {more}"]  # fmt: skip
        self.run = subprocess.Popen(command, env={**os.environ, "TMPDIR": folder}, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE)  # fmt: skip
        threading.Thread(target=self.listen, daemon=True).start()
        self.qmp = connect(path).makefile("rw", encoding="utf-8")
        self.qmp.readline()
        self.tell("qmp_capabilities")

    def listen(self):
        for data in iter(lambda: os.read(self.run.stdout.fileno(), 65536), b""):
            with self.news:
                self.text += data.decode("latin-1")
                self.news.notify()

    def tell(self, command, **arguments):
        self.qmp.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.qmp.flush()
        while True:
            answer = json.loads(self.qmp.readline() or '{"error": "the machine has ended"}')
            if "return" in answer or "error" in answer:
                return answer

    def until(self, mark):
        """What came up to and with the mark, or None: it did not come in time."""
        end, begin = time.monotonic() + self.seconds, self.at
        with self.news:
            while mark not in self.text[begin:]:
                if not self.news.wait(end - time.monotonic()):
                    print(f"     waited for {mark!r}; the end of what came: {self.text[-300:]!r}")
                    return None
            self.at = self.text.index(mark, begin) + len(mark)
            return self.text[begin : self.at]

    def press(self, text, rest=0.15 if ARM else 0.05):
        """Type it on the keyboard, with so many seconds behind each key: a USB keyboard is asked less often."""
        for key in text:
            names = {"\r": "ret", "\b": "backspace", ":": "shift+semicolon", **KEYS}.get(key, key).split("+")
            self.tell("send-key", keys=[{"type": "qcode", "data": name} for name in names], **{"hold-time": 30})
            time.sleep(rest)

    def disk(self):
        return glob.glob(os.path.join(self.folder, "mortise.*", "esp.img"))[0]

    def copy(self, name):
        """The disk as the guest has left it."""
        return shutil.copyfile(self.disk(), os.path.join(self.folder, name))

    def flip(self, address):
        """Flip a bit of memory."""
        stub = Gdb(os.path.join(self.folder, "gdb"))
        stub.set_word(address, stub.word(address) ^ 4)
        stub.leave()
        self.tell("cont")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.tell("quit")
        except OSError:
            pass
        self.run.wait(30)


def make_disk(folder, image):
    """The program, and files that are nobody's business: bytes, in the root and in a folder."""
    path, source = os.path.join(folder, "disk.img"), os.path.join(folder, "source")
    chance = random.Random(5)
    own = {"photo.jpg": chance.randbytes(70000), "mortise-report.txt.bak": b"mine\n", "EFI/BOOT/mortise.cfg": b"",
           "EFI/mortise-report.txt": b"in another folder\n"}  # fmt: skip
    with open(image, "rb") as file:
        own["EFI/BOOT/" + PROGRAM] = file.read()
    with open(path, "wb") as file:
        file.truncate(40 << 20)
    subprocess.run(["mformat", "-i", path, "-F", "-v", "STICK", "::"], check=True)
    subprocess.run(["mmd", "-i", path, "::/EFI", "::/EFI/BOOT"], check=True)
    for name, data in {**own, **OLD}.items():
        with open(source, "wb") as file:
            file.write(data)
        subprocess.run(["mcopy", "-i", path, source, "::/" + name], check=True)
    return path


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


def fill(image, folder):
    """Take the two files away, and give all the room there is to others."""
    subprocess.run(["mdel", "-i", image, "::/" + REPORT, "::/" + LOG], check=True)
    filler = os.path.join(folder, "filler")
    for number, size in enumerate([1 << n for n in range(24, 8, -1) for _ in range(3)]):
        with open(filler, "wb") as file:
            file.write(b"f" * size)
        subprocess.run(["mcopy", "-i", image, filler, f"::/filler.{number}"], check=False, stderr=subprocess.DEVNULL)
    said = subprocess.run(["mdir", "-i", image, "::/"], check=True, capture_output=True, text=True).stdout
    return said.rstrip().endswith(" 0 bytes free")


def kernel_log(text, end):
    """The kernel's log in what the serial port said: up to and with the line that holds `end`."""
    found = re.search(rf"^\[0\.\d{{6}}\] mortise: commit .*?^\[\d+\.\d{{6}}\] {end}.*?\r\n", text or "", re.M | re.S)
    return found[0] if found else ""


def entries(text):
    """The raw map in a report or in a log: (type, start, end, attributes), in the order given."""
    pattern = r"^(?:\[\d+\.\d+\] map: )?(\d+) 0x([0-9a-f]+) 0x([0-9a-f]+) 0x([0-9a-f]+)\r?$"
    return [(int(kind), *(int(n, 16) for n in rest)) for kind, *rest in re.findall(pattern, text, re.M)]


def judged_by_memsim(memsim, folder, text):
    """What memsim says of a text, but for its name, its times, and how RAM is split that the firmware gives back."""
    path = os.path.join(folder, "for-memsim")
    with open(path, "w", encoding="latin-1", newline="") as file:
        file.write(text)
    run = subprocess.run([memsim, "map", path, "--json"], stdout=subprocess.PIPE, text=True, check=False)
    said = json.loads(run.stdout) if run.returncode == 0 else {}
    kinds = {kind: pages for kind, pages in said.get("kinds", {}).items() if kind not in ("usable", "boot services")}
    keys = ("usable_pages", "pages", "metadata_pages", "zones", "ram", "nodes", "anomalies", "audit")
    return run.returncode, kinds, {key: said.get(key) for key in keys}


def settled(entries):
    """A map as it must be in report and log: what the firmware gives out and takes back meanwhile (BootServices and
    free memory) by the pages that it has, all else entry by entry."""
    moving = [e for e in entries if e[0] in (3, 4, 7)]
    runs = []
    for _, start, end, attributes in sorted(moving, key=lambda e: e[1]):
        if runs and runs[-1][1:] == [start, attributes]:
            runs[-1][1] = end
        else:
            runs.append([start, end, attributes])
    return runs, [e for e in entries if e not in moving]


def changed(before, after):
    """Names of files that have come, gone or changed."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def check_report(checks, memsim, folder, report, log):
    lines = report.split("\n")
    # Some firmware has no Secure Boot at all, and then no variable that says so.
    first = re.search(r"^# Mortise .*firmware: .*Secure Boot (on|off|unknown)", lines[0])
    checks.check(first, f"the first line: {lines[0]!r}")
    for topic in ("options: exit=1 exit=0 monitor=off ", *TOPICS, "image: 0x", "protection: read-only is", "mapped: r-- ", "this program: code r",
                  "screen: 1 mode 0: ", "acpi: FACP at 0x", "acpi: APIC at 0x"):  # fmt: skip
        checks.check(f"\n# {topic}" in report, f"a line {topic!r}")
    checks.check(re.search(rf"# screen: 1 mode \d: {MODE}, in use\n", report), "the mode in use")
    checks.equal(report.count("not all in the map"), 0, "ACPI tables out of the map")
    checks.check((ARM or "; top page table r-x\n" in report) and "protection: read-only is enforced, no-execute is on" in report, "OVMF's read-only tables are seen")
    wrong = [line for line in lines[:-1] if not re.fullmatch(r"# .*|\d+ 0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+", line)]
    checks.equal((wrong, lines[-1]), ([], ""), "lines that are neither a remark nor an entry")
    block = re.findall(r"^# ram: (.*)$", report, re.M)
    checks.check(len(block) > 8 and any(re.match(r'slot 0 "DIMM 0" "": 65536 pages, 256.0 MiB, RAM', line) for line in block), "the slots")
    checks.equal(block, re.findall(r"^\[[ 0-9.]+\] ram: (.*?)\r?$", log, re.M), "where the RAM is, in the report and in the log")
    where.check(checks, block, entries(report), 256)
    caching = re.findall(r"^# caching: (.*)$", report, re.M)
    checks.check(caching and caching[0].startswith(f"{1 << 20:#018x} ") and caching[0].endswith(" write-back"), f"how memory is cached: {caching}")
    checks.equal(caching, re.findall(r"^\[[ 0-9.]+\] caching: (.*?)\r?$", log, re.M), "the same in the report and in the log")
    runs = sweep(entries(report))
    low, longest = sum(min(end, 16 << 20) - start for start, end in runs if start < 16 << 20), max(runs, key=lambda r: r[1] - r[0])
    free = re.findall(r"^# free: (\d+) pages, .*, below 16 MiB; the longest run (\d+) pages, .*, at (0x\w+)$", report, re.M)
    checks.equal(free, [(str(low // 4096), str((longest[1] - longest[0]) // 4096), f"{longest[0]:#018x}")], "free memory by the raw map")
    checks.check(f"\n# map: {len(entries(report))} entries of 48 bytes\n" in report, "the number of entries")
    checks.check(len(entries(log)) > (20 if ARM else 50), f"the log has a map: {len(entries(log))} entries")
    checks.equal(settled(entries(report)), settled(entries(log)), "the raw map, in the report and in the log")
    drift = [pair for pair in zip(entries(report), entries(log)) if pair[0] != pair[1]]
    checks.check(len(drift) <= 4, f"entries that the firmware has changed between report and exit: {drift}")
    judged = judged_by_memsim(memsim, folder, report)
    checks.equal(judged[0], 0, "memsim's status")
    checks.check(judged[2]["ram"] and judged[2]["usable_pages"] > 60000, "memsim reads map and modules of the report")
    checks.equal(judged, judged_by_memsim(memsim, folder, log), "memsim says the same of report and log")


def walk_menu(checks, machine):
    checks.check("colour=red: not an option; ignored." in (machine.until(MENU) or ""), "unknown words are named")
    machine.press("h")
    checks.check(machine.until("a later word wins"), "h shows the options")
    machine.until("r restart")
    machine.press("m")
    page = machine.until("a key: more") or ""
    checks.equal(len(entries(page.partition("Type, start")[2])), 20, "entries on a page of the map")
    machine.press("q?o")
    checks.check(machine.until("Options: "), "a key that means nothing does nothing; o asks for options")
    machine.press("screen=lox\bg plant=reset form=round\r")


def first_start(checks, memsim, machine):
    """Ends at the next start's menu. Gives the log."""
    machine.copy("before")
    machine.tell("cont")
    walk_menu(checks, machine)
    checks.check(machine.until(f"Wrote {REPORT} to the disk this came from, and nothing else."), "it says what it writes")
    log = kernel_log(machine.until("power: restarting\r\n"), "power: restarting")
    checks.check('"form=round" is not an option' in log and '"screen=lo' not in log, "typed words are understood, corrections too")
    checks.check(f"owner: {KEPT:#018x} {KEPT + 0x10000:#018x} kept log" in log, "the block has an owner")
    checks.check(FOUND not in machine.text, "the first start finds no log")
    checks.check(machine.until(MENU), "it starts again")
    before, after = files(os.path.join(machine.folder, "before")), files(machine.copy("first"))
    checks.equal(changed(before, after), [REPORT], "files that the first start has changed")
    checks.check(len(after.get(REPORT, b"")) < len(OLD[REPORT]), "the older report's end is gone")
    check_report(checks, memsim, machine.folder, after.get(REPORT, b"").decode("latin-1"), log)
    return log


def second_start(checks, machine, log):
    machine.press("b")
    checks.check(machine.until("note: " + FOUND) and machine.until(f"Wrote {LOG}"), "the log is found and written")
    text = kernel_log(machine.until("verdict: ") and machine.until("\r\n") and machine.text, "verdict: ")
    checks.check("verdict: pass" in text and "loader: " + FOUND in machine.text, "the second start, with a note")
    before, after = files(os.path.join(machine.folder, "before")), files(machine.copy("second"))
    checks.check(log and after.get(LOG) == log.encode("latin-1"), "the kept log is what the serial port said, to the byte")
    checks.check(f"# note: {FOUND}\n".encode() in after.get(REPORT, b""), "the report says it too")
    checks.equal(changed(before, after), [LOG, REPORT], "files that differ after the second start")
    checks.check(b'\n# result: {"verdict":"none"}\n' in after.get(REPORT, b""), "the first start came to no verdict, and the report says so")
    found = re.search(r"\] result: (\{.*\})\r\n", text)
    return json.loads(found[1]) if found else {}


def self_restart(checks, machine, result):
    """A start that comes back by itself, without a hand: what a script that reads the stick goes by."""
    machine.tell("system_reset")
    machine.until(MENU)
    machine.press("othen=reboot:1\r")
    text = machine.until("power: restarting\r\n") or ""
    checks.check("end: this machine restarts after the next line" in text and text.rstrip().split("\r\n")[-2].endswith("] verdict: pass"), "it says that it restarts, and its verdict")
    checks.check(machine.until(MENU), "and it starts again by itself")
    report = files(machine.copy("restarted")).get(REPORT, b"").decode("latin-1")
    lines = re.findall(r"^# result: (.*)$", report, re.M)
    checks.equal(len(lines), 1, "lines `# result: {...}` in the report of the next start")
    checks.equal([json.loads(line) for line in lines], [result], "they are the counters that the start before has logged")
    checks.equal((result.get("verdict"), result.get("failed")), ("pass", 0), "the verdict for scripts")


def third_start(checks, machine):
    machine.flip(KEPT + 0x900)
    checks.check(fill(machine.disk(), machine.folder), "the disk is full")
    before = files(machine.copy("full"))
    machine.tell("system_reset")
    checks.check(machine.until("note: " + DAMAGED), "a damaged log is refused")
    machine.until(MENU)
    machine.press("b")
    checks.check(machine.until(f"note: {REPORT} is not written: volume full. It goes on without."), "a full disk is a sentence")
    checks.check(machine.until("verdict: pass\r\n"), "and the boot goes on")
    checks.equal(changed(before, files(machine.copy("third"))), [], "files that the third start has changed")


def fourth_start(checks, machine):
    subprocess.run(["mdel", "-i", machine.disk(), "::/filler.0"], check=True)
    before = machine.copy("room")
    machine.tell("system_reset")
    machine.until(MENU)
    machine.press("oreport=off\r")
    checks.check(machine.until("report=off: nothing is written.") and machine.until("verdict: pass\r\n"), "report=off is said")
    with open(before, "rb") as one, open(machine.copy("fourth"), "rb") as two:
        checks.check(one.read() == two.read(), "report=off leaves every byte of the disk as it was")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--memsim", required=True)
    parser.add_argument("--image", required=True)
    options, arguments = parser.parse_known_args()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder, Machine(folder, make_disk(folder, options.image), arguments) as machine:
        log = first_start(checks, options.memsim, machine)
        result = second_start(checks, machine, log)
        self_restart(checks, machine, result)
        third_start(checks, machine)
        fourth_start(checks, machine)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
