#!/usr/bin/env python3
"""memory.html in a browser: every real map, every report and log of tests/data, nonsense, keys, a dropped file.

usage: test.py MEMORY.html MEMSIM [SCREENSHOT.png]

What the page reads must be, figure by figure, what memsim prints with --json (which tests/sim/test.py holds
against figures that mm/ had no part in), and its sentences must be memsim's. Pixels are read from a
screenshot. Ends with "N passed, N failed".
"""
import base64
import json
import os
import subprocess
import sys
import tempfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.join(HERE, "..", "..")
sys.path[:0] = [HERE, os.path.join(TREE, "tests", "boot")]
sys.dont_write_bytecode = True
from browser import Browser, find  # noqa: E402
from checks import Checks  # noqa: E402

TIMES = ("init_ns", "normalize_ns", "reclaim_ns", "file")
REPORT = """# Mortise 0123456789ab; firmware: EDK II
# ram: slot 0 "DIMM A1" "BANK 0": 65536 pages, 256.0 MiB, DDR4, 3200 MT/s
# ram: slot 1 "DIMM A2" "": empty
bad: 0x0000000005000000 0x0000000005001000, 1 page kept from use
exercise: BAD page at 0x0000000006000000, bits 0x0000000000000400
bad: 2 bad pages together, from 0x0000000007000000 to 0x0000000007001000
bad: Linux, on its command line:
bad:     memmap=0x1000$0x5000000 memmap=0x2000$0x7000000
bad: Windows, as administrator:
bad:     bcdedit /set {badmemory} badmemorylist 0x5000 0x7000 0x7001
owner: 0x0000000000200000 0x0000000000400000 kernel image, 512 pages, loader
7 0x100000 0x8000000 0xf
0 0x8000000 0x9000000 0xf
11 0xe0000000 0xf0000000 0x1
"""


class Run(Checks):
    def __init__(self, page, memsim, shot):
        self.page, self.memsim, self.shot, self.named = page, memsim, shot, []

    def test(self, name, what):
        before = self.failed
        what()
        print(f"{'ok' if self.failed == before else 'FAIL'}: {name}")

    def desk(self, path):
        run = subprocess.run([self.memsim, "map", path, "--json"], capture_output=True, check=False)
        return run.returncode, run.stderr.decode("latin-1"), json.loads(run.stdout) if run.returncode == 0 else None

    def read(self, data):
        text = base64.b64encode(data).decode()
        return self.browser.run(f"read(Uint8Array.from(atob('{text}'), (c) => c.charCodeAt(0)))")

    def compare(self, path):
        with open(path, "rb") as file:
            got = self.read(file.read())
        status, errors, want = self.desk(path)
        name = os.path.basename(path)
        self.equal(got["status"], status, f"{name}: status")
        self.equal(got["errors"].replace("this text", path), errors, f"{name}: sentences")
        if want is None or got["map"] is None:
            self.equal(got["map"], want, f"{name}: a map or none")
            return
        for j in (want, got["map"]):
            for key in TIMES:
                del j[key]
        self.equal(sorted(got["map"]), sorted(want), f"{name}: the figures there are")
        for key in want:
            self.equal(got["map"].get(key), want[key], f"{name}: {key}")

    def maps(self):
        folder = os.path.join(TREE, "tests", "data", "maps")
        names = [n for n in sorted(os.listdir(folder)) if n.endswith((".map", ".e820"))]
        self.check(len(names) > 60, "there are maps")
        for name in names:
            self.compare(os.path.join(folder, name))

    def logs(self):
        folder = os.path.join(TREE, "tests", "data", "logs")
        for name in sorted(os.listdir(folder)):
            self.compare(os.path.join(folder, name))
        self.compare_text(REPORT.encode())
        self.compare_text(REPORT.replace("\n", "\r\n").encode("utf-16"))

    def compare_text(self, data):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            self.compare(file.name)

    def nonsense(self):
        for data in (b"", b"hello\n", b"\0" * 5000, bytes(range(256)) * 40, b"7 0x0 0x1000\n", b"7 0x100000 0x8000000 0x1\n",
                     b"mem00: [Conventional", b"<html>" * 1000, REPORT.encode()[:300], b"\xff\xfe" + b"\xd8\x00" * 99):  # fmt: skip
            self.compare_text(data)
        got = self.read(b"7 0x100000 0x3c0000000000 0xf\n")
        self.check(got["map"] is None and "memory" in got["errors"] and len(got["errors"]) > 30, f"60 TiB: {got['errors']}")
        self.check(self.read(REPORT.encode())["status"] == 0, "the page goes on after that")

    def text_of(self, selector):
        return self.browser.run(f"document.querySelector('{selector}').textContent")

    def show(self, data):
        with tempfile.NamedTemporaryFile(suffix=".txt") as file:
            file.write(data)
            file.flush()
            self.browser.run("document.getElementById('said').textContent = 'nothing yet'")
            self.browser.choose_file("#file", file.name)
            self.browser.wait_for("!['nothing yet', 'Reading...'].includes(document.getElementById('said').textContent)")

    def page_of_report(self):
        self.show(REPORT.encode())
        self.check(not self.browser.run("document.getElementById('result').hidden"), "the result is shown")
        self.equal(self.text_of("#said"), "", "no complaint")
        lines = self.browser.run("[...document.querySelectorAll('#ram li')].map((x) => x.textContent)")
        self.equal(lines[:3], ['slot 0 "DIMM A1" "BANK 0": 65536 pages, 256.0 MiB, DDR4, 3200 MT/s', 'slot 1 "DIMM A2" "": empty',
                               "installed 65536 pages, 256.0 MiB, in 1 of 2 slots"], "where the RAM is")  # fmt: skip
        titles = self.browser.run("[...document.querySelectorAll('#picture title')].map((x) => x.textContent)")
        for start in ("0x200000 to 0x400000, 2.0 MiB: usable, ", "0x400000 to 0x1000000, 12.0 MiB: usable, ", "0x1000000 to 0x2000000, 16.0 MiB: usable, ",
                      "0x8000000 to 0x9000000, 16.0 MiB: reserved, ", "0xe0000000 to 0xe1000000, 16.0 MiB: device, "):  # fmt: skip
            self.equal(len([t for t in titles if t.startswith(start)]), 1, f"one part says {start}")
        self.check(any("zone DMA; owner: kernel image" in t for t in titles), "the owner of a part")
        # A row is 16 MiB on 850 of 1000 units, behind 150 for the address.
        for start, x, width in (("0x200000 to 0x400000", 150 + 850 / 8, 850 / 8), ("0x1000000 to 0x2000000", 150, 850)):
            got = self.browser.run(f"(() => {{ const t = [...document.querySelectorAll('#picture title')].find((x) => x.textContent.startsWith('{start}'));"
                                   "return ['x', 'width'].map((n) => Number(t.parentNode.getAttribute(n))); })()")  # fmt: skip
            self.check(abs(got[0] - x) < 0.01 and abs(got[1] - width) < 0.01, f"where {start} stands: {got}, expected {x}, {width}")
        self.equal(sorted(t for t in titles if t.startswith("bad: ")), ["bad: 0x0000000005000000 0x0000000005001000, 1 page kept from use",
                   "bad: 2 bad pages together, from 0x0000000007000000 to 0x0000000007001000",
                   "bad: BAD page at 0x0000000006000000, bits 0x0000000000000400"], "the bad pages in the picture")  # fmt: skip
        self.equal(self.browser.run("[...document.querySelectorAll('#bad-words code')].map((x) => x.textContent)"),
                   ["memmap=0x1000$0x5000000 memmap=0x2000$0x7000000", "bcdedit /set {badmemory} badmemorylist 0x5000 0x7000 0x7001"],
                   "the words to copy")  # fmt: skip
        self.equal(self.text_of("#zones"), "zonepagesDMA384015.0 MiBDMA3228667111.9 MiBNORMAL00 bytes", "the zones: 5 pages are the allocator's tables")

    def keys(self):
        self.show(REPORT.encode())
        self.browser.run("document.getElementById('picture').focus()")
        said = []
        for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "Home"):
            self.browser.press(key)
            said.append(self.text_of("#detail"))
        self.check(said[0].startswith("0x100000 to 0x200000") and said[1].startswith("0x200000 to 0x400000"), f"right: {said}")
        self.equal((said[2], said[4]), (said[0], said[0]), "left, and home")
        self.check(said[3] not in said[:3], "end")
        self.equal(self.browser.run("document.querySelectorAll('.chosen').length"), 1, "one part is chosen")

    def bad_input(self):
        self.show(b"no map here\n")
        self.check("holds no memory map in its 1 lines" in self.text_of("#said"), f"memsim's sentence: {self.text_of('#said')}")
        self.check(self.browser.run("document.getElementById('result').hidden"), "no result is shown")
        self.browser.run("(document.getElementById('text').value = '7 0x100000 0x8000000 0xf', document.getElementById('text').dispatchEvent(new Event('input')))")
        self.browser.wait_for("!document.getElementById('result').hidden")
        self.check("32512 pages" in self.text_of("#facts") or "usable" in self.text_of("#facts"), "a text that was pasted is read")
        drop = ("(() => { const d = new DataTransfer(); d.items.add(new File([`{}`], 'dropped.txt'));"
                "document.dispatchEvent(new DragEvent('drop', {dataTransfer: d, bubbles: true, cancelable: true})); })()")  # fmt: skip
        self.browser.run(drop.replace("{}", "7 0x100000 0x4000000 0xf"))
        self.browser.wait_for("document.getElementById('name').textContent === 'dropped.txt'")

    def pixels(self):
        """Of the picture: each kind's colour stands there, as large as its share."""
        self.browser.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
        self.show(REPORT.encode())
        got = self.browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        data = base64.b64decode(got["data"])
        if self.shot:
            with open(self.shot, "wb") as file:
                file.write(data)
        count = count_colours(data)
        green, grey, red = count.get((0x00, 0x9E, 0x73), 0), count.get((0x80, 0x80, 0x80), 0), count.get((0xFF, 0, 0), 0)
        self.check(red > 20, f"the bad page is red: {red} pixels")
        self.check(7.5 < green / max(grey, 1) < 8.5, f"127 MiB are usable and 16 reserved: {green} and {grey} pixels")
        self.browser.call("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=2, mobile=True)
        self.check(self.browser.run("document.documentElement.scrollWidth <= 360"), "it fits a phone")

    def quiet(self):
        asked = [e["params"]["request"]["url"] for e in self.browser.events if e.get("method") == "Network.requestWillBeSent"]
        self.equal([url for url in asked if not url.startswith(("file:", "data:", "about:"))], [], "what the page asked of a network")
        wrong = [e["params"]["entry"]["text"] for e in self.browser.events if e.get("method") == "Log.entryAdded" and e["params"]["entry"]["level"] == "error"]
        self.equal(wrong, [], "errors of the console")
        with open(self.page, encoding="ascii") as file:
            text = file.read()
        self.check("http:" not in text.replace("http://www.w3.org/2000/svg", "") and "https:" not in text, "no address stands in the page")
        self.check(len(text) < 1 << 20, f"the page has {len(text)} bytes")

    def main(self, path):
        self.browser = Browser(path, self.page)
        try:
            for name, what in (("page.every map comes to memsim's figures", self.maps), ("page.reports and logs come to memsim's figures", self.logs),
                               ("page.nonsense gets memsim's sentences", self.nonsense), ("page.a report is shown with owners, slots and bad pages", self.page_of_report),
                               ("page.the keyboard goes through the picture", self.keys), ("page.text is pasted and files are dropped", self.bad_input),
                               ("page.the picture is to scale, and fits a phone", self.pixels), ("page.nothing is asked of a network", self.quiet)):  # fmt: skip
                self.test(name, what)
        finally:
            self.browser.close()
        return self.end()


def count_colours(png):
    """How many pixels of each colour; for 8-bit RGB and RGBA without interlacing."""
    width, height = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    step, at, data = {2: 3, 6: 4}[png[25]], 8, b""
    while at < len(png):
        size = int.from_bytes(png[at : at + 4], "big")
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + size]
        at += size + 12
    raw, above, count = zlib.decompress(data), bytearray(width * step), {}
    for y in range(height):
        line = bytearray(raw[y * (width * step + 1) + 1 : (y + 1) * (width * step + 1)])
        unfilter(raw[y * (width * step + 1)], line, above, step)
        for x in range(0, len(line), step):
            pixel = tuple(line[x : x + 3])
            count[pixel] = count.get(pixel, 0) + 1
        above = line
    return count


def unfilter(kind, line, above, step):
    for i in range(len(line)):
        left = line[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        up = above[i]
        if kind == 4:
            guess = left + up - corner
            near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))
            line[i] = (line[i] + near[2]) & 255
        else:
            line[i] = (line[i] + (0, left, up, (left + up) // 2)[kind]) & 255


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: test.py MEMORY.html MEMSIM [SCREENSHOT.png]")
    path = find()
    if path is None:
        print("skip page: chromium is not on this machine (package chromium)\n0 passed, 0 failed, 1 skipped")
        return 1
    return Run(os.path.abspath(sys.argv[1]), sys.argv[2], (sys.argv[3:] or [None])[0]).main(path)


if __name__ == "__main__":
    sys.exit(main())
