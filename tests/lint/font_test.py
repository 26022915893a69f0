#!/usr/bin/env python3
"""kernel/screen/font.py under test: PSF 1, PSF 2 and BDF give the same glyphs, and bad files are refused with
a sentence. Glyphs are made up here. Ends with "N passed, N failed"."""
import gzip
import os
import re
import struct
import subprocess
import sys
import tempfile

FONT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "kernel", "screen", "font.py")
SMALL, LARGE = (8, 16), (12, 24)
COUNTS = [0, 0]


def check(ok, what):
    COUNTS[not ok] += 1
    if not ok:
        print("FAIL", what)


def glyph(size, code):
    """Rows that differ from character to character, padding bits clear."""
    width, height = size
    rows = [(code * 2654435761 + row * 40503) % (1 << width) << (-width % 8) for row in range(height)]
    return b"".join(row.to_bytes((width + 7) // 8, "big") for row in rows)


# The glyphs stand in an order of their own, with one that is no ASCII among them.
CODES = [0xE9] + list(range(126, 31, -1))


def psf1(table=True):
    glyphs = b"".join(glyph(SMALL, c) for c in CODES) + bytes(16 * (256 - len(CODES)))
    sequence = struct.pack("<4H", 0xE9, 0xFFFE, 65, 0x301)  # 65 is part of a sequence here, no glyph of its own
    entries = [sequence] + [struct.pack("<H", c) for c in CODES[1:]] + [b""] * (256 - len(CODES))
    return b"\x36\x04" + bytes([2 if table else 0, 16]) + glyphs + (b"\xff\xff".join(entries) + b"\xff\xff" if table else b"")


def psf2(size, codes=CODES, table=True):
    glyphs = b"".join(glyph(size, c) for c in codes)
    step = len(glyph(size, 32))
    head = struct.pack("<8I", 0x864AB572, 0, 36, int(table), len(codes), step, size[1], size[0]) + bytes(4)
    entries = b"".join(chr(c).encode() + (b"\xfe" + b"A" if c == 0xE9 else b"") + b"\xff" for c in codes)
    return head + glyphs + (entries if table else b"")


def bdf(size):
    lines = ["STARTFONT 2.1", f"FONTBOUNDINGBOX {size[0]} {size[1]} 0 -4", f"CHARS {len(CODES)}"]
    for c in CODES:
        data, step = glyph(size, c), (size[0] + 7) // 8
        rows = [data[i : i + step].hex().upper() for i in range(0, len(data), step)]
        lines += [f"STARTCHAR U+{c:04X}", f"ENCODING {c}", "BITMAP", *rows, "ENDCHAR"]
    return "\n".join(lines + ["ENDFONT", ""]).encode()


def run(files):
    """Status, what was said, and the glyphs."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        out = os.path.join(folder, "out.c")
        done = subprocess.run([sys.executable, FONT, out], env={**os.environ, "FONT_DIR": folder}, capture_output=True, text=True, check=False)
        if done.returncode:
            return done.returncode, done.stderr, b""
        with open(out, encoding="ascii") as file:
            text = file.read()
    arrays = re.findall(r"const unsigned char (font_\w+)\[(\d+)\] = {([^}]*)}", text)
    check([name for name, _, _ in arrays] == ["font_8x16", "font_12x24"], "a table for each size, by its name")
    data = [bytes(int(n) for n in re.findall(r"(\d+),", body)) for _, _, body in arrays]
    check([int(size) for _, size, _ in arrays] == [len(d) for d in data], "the size that the file names is the size of its data")
    return 0, done.stderr, b"".join(data)


def refused(files, sentence, what):
    status, said, _ = run(files)
    check(status == 1 and sentence in said and "Traceback" not in said, f"{what}: {status} {said!r}")


def main():
    want = b"".join(glyph(size, c) for size in (SMALL, LARGE) for c in range(32, 127))
    good = {"spleen-8x16.psfu": psf1(), "spleen-12x24.psfu": psf2(LARGE)}
    for name, files in {
        "PSF 1 and 2": good,
        "PSF 2 for both": {"spleen-8x16.psf": psf2(SMALL), "spleen-12x24.psf": psf2(LARGE)},
        "BDF": {"spleen-8x16.bdf": bdf(SMALL), "spleen-12x24.bdf": bdf(LARGE)},
        "gzip": {name + ".gz": gzip.compress(data) for name, data in good.items()},
    }.items():
        status, said, seen = run(files)
        check(status == 0 and not said and seen == want, f"{name}: {status} {said!r}, {len(seen)} bytes")
    for cut in (1, 3, 4, 40, 500, 1000):
        refused({**good, "spleen-12x24.psfu": psf2(LARGE)[:cut]}, "font.py: ", f"PSF 2 cut after {cut} bytes")
        refused({**good, "spleen-8x16.psfu": psf1()[:cut]}, "font.py: ", f"PSF 1 cut after {cut} bytes")
    refused({**good, "spleen-8x16.psfu": psf1(table=False)}, "no Unicode table", "PSF 1 without a table")
    refused({**good, "spleen-12x24.psfu": psf2(LARGE, table=False)}, "no Unicode table", "PSF 2 without a table")
    refused({**good, "spleen-12x24.psfu": psf2(LARGE, CODES[:-1])}, "has not all of 32 to 126", "a character less")
    refused({**good, "spleen-12x24.psfu": psf2((16, 24))}, "as 12 by 24 pixels", "another size than the name says")
    refused({**good, "spleen-8x16.psfu": b"\x7fELF" * 99}, "neither PSF nor BDF", "no font")
    refused({**good, "spleen-8x16.psfu": b"STARTFONT 2.1\nENDCHAR\n"}, "font.py: ", "BDF without a bitmap")
    refused({"spleen-12x24.psfu": psf2(LARGE), "spleen-8x16.psfu.gz": gzip.compress(psf1())[:-9]}, "font.py: ", "gzip cut")
    refused({"spleen-12x24.psfu": psf2(LARGE), "spleen-8x16.psfu.gz": b"\x1f\x8b no gzip"}, "font.py: ", "no gzip")
    print(f"{COUNTS[0]} passed, {COUNTS[1]} failed")
    return 1 if COUNTS[1] else 0


if __name__ == "__main__":
    sys.exit(main())
