#!/usr/bin/env python3
"""Make the kernel's fonts out of Spleen, which the build machine has: a C file.

usage: font.py OUT.c

Spleen is a bitmap font by Frederic Cambus (BSD-2-Clause; the notice is kernel/screen/font-licence.txt), in
Debian's package fonts-spleen. Of the sizes 8x16 and 12x24 the characters 32 to 126 are taken,
row by row from the top, each row (width + 7) / 8 bytes, its first pixel in the highest bit. The environment's FONT_DIR is looked into first.
Console fonts (PSF 1 and 2, with their Unicode table) and BDF are read, compressed with gzip or not.
"""
import gzip
import os
import struct
import sys
import zlib

sys.dont_write_bytecode = True  # nothing is left in the source tree
SIZES = ((8, 16), (12, 24))
CHARACTERS = range(32, 127)
FOLDERS = (
    "/usr/share/consolefonts",
    "/usr/share/kbd/consolefonts",
    "/usr/lib/kbd/consolefonts",
    "/usr/share/fonts/misc",
    "/usr/share/fonts/X11/misc",
    "/usr/share/fonts/spleen",
)
ENDINGS = (".psfu.gz", ".psfu", ".psf.gz", ".psf", ".bdf.gz", ".bdf")


def read_psf1(data):
    count, size = 512 if data[2] & 1 else 256, data[3]
    table, glyph, where = data[4 + count * size :], 0, {}
    if not data[2] & 6:
        raise ValueError("it has no Unicode table")
    sequence = False
    for (code,) in struct.iter_unpack("<H", table[: len(table) // 2 * 2]):
        if code == 0xFFFF:
            glyph, sequence = glyph + 1, False
        elif code == 0xFFFE:
            sequence = True
        elif not sequence:
            where.setdefault(code, glyph)
    return (8, size), {c: data[4 + g * size :][:size] for c, g in where.items()}


def read_psf2(data):
    _, _, start, flags, count, size, height, width = struct.unpack_from("<8I", data)
    if not flags & 1:
        raise ValueError("it has no Unicode table")
    where = {}
    for glyph, entry in enumerate(data[start + count * size :].split(b"\xff")[:count]):
        for char in entry.split(b"\xfe")[0].decode("utf-8"):
            where.setdefault(ord(char), glyph)
    return (width, height), {c: data[start + g * size :][:size] for c, g in where.items()}


def read_bdf(data):
    size, glyphs, code, rows = None, {}, None, None
    for line in data.decode("latin-1").split("\n"):
        words = line.split()
        if line.startswith("FONTBOUNDINGBOX"):
            size = int(words[1]), int(words[2])
        elif line.startswith("ENCODING"):
            code = int(words[1])
        elif line.startswith("BITMAP"):
            rows = []
        elif line.startswith("ENDCHAR"):
            glyphs[code], rows = b"".join(rows), None
        elif rows is not None and words:
            rows.append(bytes.fromhex(words[0]))
    return size, glyphs


def read_font(path):
    """((width, height), {character code: bytes of its rows})"""
    with open(path, "rb") as file:
        data = file.read()
    if path.endswith(".gz"):
        data = gzip.decompress(data)
    if data[:2] == b"\x36\x04":
        return read_psf1(data)
    if data[:4] == b"\x72\xb5\x4a\x86":
        return read_psf2(data)
    if data[:9] == b"STARTFONT":
        return read_bdf(data)
    raise ValueError("it is neither PSF nor BDF")


def find(size):
    """The glyphs of one size, 32 to 126 in order."""
    name = f"spleen-{size[0]}x{size[1]}"
    folders = [f for f in (os.environ.get("FONT_DIR"),) if f] + list(FOLDERS)
    for path in (os.path.join(f, name + e) for f in folders for e in ENDINGS):
        if not os.path.exists(path):
            continue
        found, glyphs = read_font(path)
        want = (size[0] + 7) // 8 * size[1]
        bad = [c for c in CHARACTERS if len(glyphs.get(c, b"")) != want]
        if found != size or bad:
            raise ValueError(f"{path} has not all of 32 to 126 as {size[0]} by {size[1]} pixels")
        return [glyphs[c] for c in CHARACTERS]
    raise ValueError(f"{name} is missing; on Debian: apt install fonts-spleen (or set FONT_DIR)")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: font.py OUT.c")
    try:
        fonts = [(size, b"".join(find(size))) for size in SIZES]
    except (OSError, ValueError, IndexError, TypeError, struct.error, EOFError, zlib.error) as error:
        sys.exit(f"font.py: {error}")
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write("/* Made by kernel/screen/font.py out of Spleen, Copyright 2018-2020 Frederic Cambus,\n"
                  " * BSD-2-Clause: kernel/screen/font-licence.txt. */\n#include \"kernel/screen/font.h\"\n")
        for (width, height), data in fonts:
            out.write(f"\nconst unsigned char font_{width}x{height}[{len(data)}] = {{\n")
            for at in range(0, len(data), 16):
                out.write("    " + " ".join(f"{byte}," for byte in data[at : at + 16]) + "\n")
            out.write("};\n")


if __name__ == "__main__":
    main()
