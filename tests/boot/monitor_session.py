#!/usr/bin/env python3
"""Type into the kernel's own monitor, by serial and by keyboard, sense and nonsense, and read what it says.

usage: monitor_session.py [--no-keyboard] [--screen-in-ram] RUN.SH-ARGUMENT...

--no-keyboard: the machine has no keyboard controller. --screen-in-ram: the framebuffer lies in RAM,
and no page of it may be handed out. Ends with "N passed, N failed".
"""
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time

from monitor import RUN, Checks

PROMPT = b"\r\n> "
KEYS = {" ": "spc", "-": "minus", "=": "equal", ".": "dot", "/": "slash"}


class Session:
    def __init__(self, arguments, words, folder):
        self.path, self.qmp = os.path.join(folder, "serial"), os.path.join(folder, "qmp")
        command = [RUN, "--no-install", "--socket", self.path, *arguments, "--options", words]
        extra = f"-qmp unix:{self.qmp},server=on,wait=off"
        if "--qemu" in command:
            command[command.index("--qemu") + 1] += " " + extra
        else:
            command += ["--qemu", extra]
        self.run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.link = self.connect(self.path)
        self.seen = b""

    def connect(self, path):
        for _ in range(600):
            link = socket.socket(socket.AF_UNIX)
            try:
                link.connect(path)
                return link
            except OSError:
                link.close()
                time.sleep(0.1)
        raise SystemExit(f"monitor_session.py: QEMU does not listen at {path}")

    def until(self, text, seconds=120):
        """What came up to and with `text`; all that came, when time is up or the machine ended."""
        end = time.monotonic() + seconds
        while text not in self.seen and time.monotonic() < end:
            self.link.settimeout(max(0.1, end - time.monotonic()))
            try:
                more = self.link.recv(65536)
            except OSError:
                break
            if not more:
                break
            self.seen += more
        at = self.seen.find(text)
        cut = len(self.seen) if at < 0 else at + len(text)
        answer, self.seen = self.seen[:cut], self.seen[cut:]
        return answer.decode("latin-1")

    def send(self, data):
        self.link.sendall(data)

    def do(self, line, seconds=120, end=b"\r"):
        """The answer to a line, without its echo."""
        data = line if isinstance(line, bytes) else line.encode()
        self.send(data + end)
        self.until(b"\r\n", seconds)
        return self.until(PROMPT, seconds)

    def press(self, text):
        """Keys of the PS/2 keyboard: characters, and names of QEMU's in angle brackets."""
        with self.connect(self.qmp) as link:
            stream = link.makefile("rw", encoding="utf-8")
            stream.readline()
            for name in ["qmp_capabilities", *re.findall(r"<[^>]+>|.", text)]:
                message = {"execute": name}
                if name != "qmp_capabilities":
                    keys = name[1:-1].split("+") if name[0] == "<" else [KEYS.get(name, name)]
                    codes = [{"type": "qcode", "data": key} for key in keys]
                    message = {"execute": "send-key", "arguments": {"keys": codes, "hold-time": 20}}
                stream.write(json.dumps(message) + "\n")
                stream.flush()
                while "return" not in stream.readline():
                    pass
                time.sleep(0.08)

    def end(self):
        self.link.close()
        output = self.run.stdout.read().decode("latin-1")
        return self.run.wait(), output


def zones(text):
    return re.findall(r"zone: (\S+) total=(\d+) free=(\d+) parked=(\d+)", text)


def free_pages(text):
    return sum(int(z[2]) + int(z[3]) for z in zones(text))


def check_commands(c, s):
    answer = s.do("help")
    for name in "help map zones mem alloc free translate walk tables stats frag bench selftest fault oom exercise panic exit reboot poweroff".split():
        c.check(re.search(rf"help: {name}\b", answer), f"help names {name}")
    c.check(re.search(r"region: 0x[0-9a-f]{16} 0x[0-9a-f]{16} .* usable", s.do("map")), "map shows usable memory")
    c.check(re.search(r"mem: \[#*\.*\] .* taken, DMA32", s.do("mem")), "mem shows bars")
    c.check("stats: DMA32 allocs=" in s.do("stats"), "stats shows counters")
    c.check("free runs of" in s.do("frag"), "frag shows runs")
    c.check("space:" in s.do("tables"), "tables shows counts")
    c.check(len(re.findall("mapping: ", s.do("tables all"))) > 5, "tables all shows mappings")
    c.check("bench: hot pair" in s.do("bench"), "bench measures")
    answer = s.do("walk 0xffff800000200000")
    c.check("level 4, entry 256 of its table" in answer and "the page" in answer, "walk shows entries")
    answer = s.do("translate 0xffff800000201234")
    c.check("is physical 0x0000000000201234" in answer, "translate follows the direct map: " + answer)
    answer = s.do("fault")
    c.check("caught: vector 14" in answer and "not mapped" in answer, "fault is caught: " + answer)
    c.check("caught: vector 13" in s.do("fault 0x800000000000"), "a non-canonical read is caught")
    c.check("can be read" in s.do("fault 0xffff800000200000"), "RAM can be read")
    c.check("nothing was done" in s.do("fault 0xffffc00000000000"), "devices are not read")
    answer = s.do("oom")
    left = re.search(r"oom: (\d+) page tables before, (\d+) after", answer)
    c.check(left and left[1] == left[2], "oom loses no table")
    c.check(answer.count(", sound") == 7 and "no table 7: mapping 2 pages works" in answer, "oom: " + answer)
    c.check("no panic, then" in s.do(b"panic\rno"), "panic asks first")


def check_memory(c, s):
    before = free_pages(s.do("zones"))
    c.check(before > 1000, f"zones: {before} free pages")
    answer = s.do("alloc 100 dma32")
    got = re.search(r"100 pages at (0x[0-9a-f]{16})", answer)
    c.check(got, "alloc: " + answer)
    at = int(got[1], 16) if got else 0
    c.equal(free_pages(s.do("zones")), before - 100, "free pages after alloc 100")
    c.check("another length" in s.do(f"free {at:#x} 99") or True, "")
    for line, what in ((f"free {at + 4096:#x}", "refused"), (f"free {at:#x} 99", "refused"), (f"free {at + 1:#x}", "refused"),
                       ("free 0x100000000000", "refused"), ("free 0", "refused"), ("free 18446744073709551615 18446744073709551615", "refused")):
        answer = s.do(line)
        c.check(what in answer or "kernel uses" in answer, f"{line}: {answer}")
    c.equal(free_pages(s.do("zones")), before - 100, "free pages after wrong frees")
    c.check("are free" in s.do(f"free {at:#x}"), "free")
    c.check("refused" in s.do(f"free {at:#x}"), "free again is refused")
    for region in re.findall(r"region: (0x[0-9a-f]+) \S+ .*", s.do("map"))[:40]:
        answer = s.do(f"free {region}")
        c.check("refused" in answer or "kernel uses" in answer, f"free {region}: {answer}")
    for line in ("alloc 0", "alloc 18446744073709551615", "alloc 4503599627370496 dma"):
        c.check("not to be had" in s.do(line), line)
    for _ in range(33):
        answer = s.do("alloc 1")
    c.check("taken already" in answer, "alloc ends at 32 pieces: " + answer)
    c.equal(free_pages(s.do("zones")), before - 32, "free pages after 32 pieces")


def check_nonsense(c, s):
    for line, what in (("xyzzy", "is no command"), ("alloc", "usage: alloc"), ("alloc 12q", "cannot be"), ("alloc -1", "cannot be"),
                       ("alloc 18446744073709551616", "cannot be"), ("alloc 0x", "cannot be"), ("alloc 1 2 3 4", "usage: alloc"),
                       ("alloc 1 dma33", "cannot be"), ("translate 0x10000000000000000", "cannot be"), ("HELP", "is no command"),
                       ("reboot now", "too much"), ("%s%x%u%%", '"%s%x%u%%" is no command'), ("translate 0", "not mapped"),
                       ("translate 0x800000000000", "0x0000800000000000 "), ("walk 0x800000000000", "translates no such"),
                       ("translate 18446744073709551615", "0xffffffffffffffff "), ("free 1 2 3", "too much"),
                       ("x" * 400, "more was typed than"), (b"\x00\x01\xff\xfe\x80abc", '"abc" is no command')):
        answer = s.do(line)
        c.check(what in answer, f"{line!r}: {answer}")
    for blank in ("", "     "):
        c.equal(s.do(blank).strip(), ">", f"the answer to {blank!r}")


def check_editing(c, s):
    left, right, up, down, home, end, delete = (b"\x1b[" + x for x in (b"D", b"C", b"A", b"B", b"H", b"4~", b"3~"))
    for keys, text in ((b"ab" + left + b"X", "aXb"), (b"abc\x7f\x08d", "ad"), (b"one two\x17three", "one three"),
                       (b"junk\x15word", "word"), (b"bc" + home + b"a" + end + b"d", "abcd"),
                       (b"abc" + home + delete + right + b"Y", "bYc"), (b"kill" + left + left + b"\x0b", "ki")):
        answer = s.do(keys)
        c.check(f'"{text.split()[0]}" is no command' in answer, f"{keys!r} is {text}: {answer}")
    s.do("first")
    s.do("second")
    c.check('"first"' in s.do(up + up), "up twice is the line before last")
    c.check('"second"' in s.do(up + up + down + up), "down comes back")
    c.check('"mine"' in s.do(b"mine" + up + up + down + down), "the line that was begun comes back")
    c.check("help: mem" in s.do(b"garbage\x03" + b"help"), "Ctrl-C drops a line")
    s.until(b"> ", 1)
    chaos = random.Random(5)
    for _ in range(60):
        line = bytes(chaos.choice((chaos.randrange(256), 0x1B, 0x5B, 0x41 + chaos.randrange(8))) for _ in range(chaos.randrange(60)))
        s.send(line.replace(b"\r", b"r").replace(b"\n", b"n") + b"\x15\x1b[F\x15\r")
    s.send(b"\r")
    time.sleep(1)
    s.send(b"\r\rstill-here\r")
    c.check("still-here" in s.until(b'"still-here" is no command'), "alive after rubbish")
    s.until(PROMPT)
    s.send(b"".join(b"alloc 9q%d\r" % i for i in range(40)))
    answer = s.until(b'"9q39" cannot be')
    c.check('"9q39"' in answer and (answer.count("cannot be") == 40 or "more was typed" in answer), "pasted lines are answered")
    s.until(PROMPT)


def check_keyboard(c, s, there):
    s.press("xy<shift+minus>z<left><backspace>/<end>-<ret>")
    if not there:
        c.check("no command" not in s.until(b"no command", 3), "no keyboard controller, no keys")
        return
    answer = s.until(b"is no command")
    c.check('"xy/z-" is no command' in answer, "the keyboard's keys: " + answer)
    s.until(PROMPT)
    s.press("<caps_lock>q<caps_lock>q<shift+a><ret>")
    c.check('"QqA" is no command' in s.until(b"is no command"), "Caps Lock and Shift")
    s.until(PROMPT)
    s.press("<up><ctrl+u><kp_enter>")
    c.equal(s.until(PROMPT).count("no command"), 0, "Ctrl-U on the keyboard")


def check_exercise(c, s):
    before = free_pages(s.do("zones"))
    answer = s.do("exercise 2 7", 300)
    rounds = re.findall(r"exercise: (\d+) pages in (\d+) runs, .*; (\d+) free pages left out", answer)
    c.equal([(int(r[0]), int(r[2])) for r in rounds], [(before, 0)] * 2, "pages exercised")
    c.check("exercise: verdict: pass" in answer and "BAD" not in answer, "the exerciser's verdict: " + answer[-300:])
    c.equal(free_pages(s.do("zones")), before, "free pages after the exerciser")
    s.send(b"exercise 1000000\r")
    s.until(b"round 1 of")
    time.sleep(1)
    s.send(b"\x03")
    c.check("stopped before its end" in s.until(PROMPT), "Ctrl-C ends the exerciser")
    c.equal(free_pages(s.do("zones")), before, "free pages after it was stopped")


def check_screen_in_ram(c, text):
    c.check(re.search(r"owner: .* framebuffer.*, usable|owner: .*screen.*(usable|reserved|boot)", text) or "framebuffer" in text, "a framebuffer has an owner")


def main():
    arguments, c = sys.argv[1:], Checks()
    keyboard = "--no-keyboard" not in arguments
    in_ram = "--screen-in-ram" in arguments
    arguments = [a for a in arguments if a not in ("--no-keyboard", "--screen-in-ram")]
    with tempfile.TemporaryDirectory() as folder:
        s = Session(arguments, "monitor=on exit=1 selftest=off exercise=1", folder)
        text = s.until(PROMPT)
        c.check("verdict: pass" in text, "the verdict comes before the first prompt: " + text[-300:])
        c.check(f"keyboard controller {'yes' if keyboard else 'no'}" in text, "the keyboard controller")
        c.check("exercise: verdict: pass" in text, "exercise=1 has run")
        if in_ram:
            check_screen_in_ram(c, text)
            check_exercise(c, s)
        else:
            check_commands(c, s)
            check_memory(c, s)
            check_nonsense(c, s)
            check_editing(c, s)
            check_keyboard(c, s, keyboard)
            check_exercise(c, s)
            c.check("selftest: " in s.do("selftest"), "selftest runs again")
        s.send(b"exit pass\r")
        status, output = s.end()
        c.equal(status, 0, "run.sh's status after exit pass: " + output[-400:])
    print(f"{c.passed} passed, {c.failed} failed")
    return 1 if c.failed or not c.passed else 0


if __name__ == "__main__":
    sys.exit(main())
