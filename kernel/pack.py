#!/usr/bin/env python3
"""Make the image small: what is not needed before the kernel is at home comes packed.

usage: pack.py --words OBJECT
       pack.py IN OUT

The first form is for an object (COFF) whose code will be packed, before it is linked: its constants go
where they will be packed too, from `.rdata` to `.words`, and so does the unwind data of its functions,
from `.xdata`. Sections that hold addresses stay. String constants, which the linker merges by name with
equal ones of other objects, get another name: no code that runs early is given a packed one.

The second form packs `.tests` (code) and `.words` of a linked and stripped image. The contents, calls
made alike in code, go as raw LZMA data, after their own Adler-32, into a new section, `.packed` for
`.tests` and `.packedw` for `.words`; of the old one the first 512 bytes stay in the file. Where it lies
in memory does not change. kernel/packed.c is the way back.

Refused, with a sentence: an object or image of another kind or cut short; an image without one of the
two sections, or packed already, or with an address in one of them, which the firmware would relocate.
"""
import lzma
import os
import struct
import sys
import zlib

PAGE, FILE_ALIGN = 4096, 512
READ_DATA = 0x40000040  # initialized data, readable
DIR_RELOC = 5
MACHINE_X64 = 0x8664
STRING, PACKED_STRING = b"??_C@", b"??_W@"  # what the compiler's names for string constants begin with, and ours
# The encoder's best; lc, lp and pb are fixed in kernel/unpack.c.
FILTERS = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 20, "lc": 3, "lp": 0, "pb": 0, "mode": lzma.MODE_NORMAL,
            "nice_len": 273, "mf": lzma.MF_BT4, "depth": 1000}]


def up(value, align):
    return -(-value // align) * align


class Image:
    def __init__(self, data):
        self.data = bytearray(data)
        pe = struct.unpack_from("<I", data, 0x3C)[0]
        self.file_header, self.optional = pe + 4, pe + 24
        count, size = struct.unpack_from("<H12xH", data, pe + 6)
        self.table = self.optional + size
        self.headers = struct.unpack_from("<I", data, self.optional + 60)[0]
        self.sections = [self.section(self.table + 40 * i) for i in range(count)]

    def section(self, at):
        name, vsize, va, rawsize, raw, flags = struct.unpack_from("<8s4I12xI", self.data, at)
        if raw + rawsize > len(self.data):
            raise IndexError
        return {"name": name, "vsize": vsize, "va": va, "flags": flags, "raw": bytes(self.data[raw : raw + rawsize])}

    def find(self, name):
        return next((s for s in self.sections if s["name"].rstrip(b"\0") == name), None)

    def relocated_pages(self):
        """(page, offsets) of each block of relocations."""
        rva, size = struct.unpack_from("<II", self.data, self.optional + 112 + 8 * DIR_RELOC)
        home = next(s for s in self.sections if s["va"] <= rva < s["va"] + up(s["vsize"], PAGE))
        at, table = 0, home["raw"][rva - home["va"] :][:size]
        while at + 8 <= len(table):
            page, block = struct.unpack_from("<II", table, at)
            if block < 8:
                raise IndexError
            yield page, [e & 0xFFF for (e,) in struct.iter_unpack("<H", table[at + 8 : at + block]) if e >> 12]
            at += block

    def bytes(self):
        out = bytearray(self.data[: self.headers])
        end = self.table + 40 * len(self.sections)
        if end > self.headers:
            sys.exit("pack.py: the headers have no room for one more section")
        struct.pack_into("<H", out, self.file_header + 2, len(self.sections))
        last = self.sections[-1]
        struct.pack_into("<I", out, self.optional + 56, up(last["va"] + last["vsize"], PAGE))
        for i, s in enumerate(self.sections):
            raw = s["raw"] + bytes(-len(s["raw"]) % FILE_ALIGN)
            where = len(out) if raw else 0
            header = (s["name"], s["vsize"], s["va"], len(raw), where, s["flags"])
            struct.pack_into("<8s4I12xI", out, self.table + 40 * i, *header)
            out += raw
        return bytes(out)


def squeeze(data):
    """Raw LZMA data as kernel/unpack.h expects it."""
    return lzma.compress(data, format=lzma.FORMAT_RAW, filters=FILTERS)


def place_calls(code):
    """After each byte 0xE8 (a call) the place it goes to instead of the distance, which differs from
    call to call: 7 % less when packed. unpack_calls() in kernel/unpack.c is the way back."""
    out, at = bytearray(code), 0
    while at + 5 <= len(out):
        if out[at] == 0xE8:
            place = struct.unpack_from("<I", out, at + 1)[0] + at + 5
            struct.pack_into("<I", out, at + 1, place & 0xFFFFFFFF)
            at += 4
        at += 1
    return bytes(out)


def pack_section(image, name, packed_name, prepare):
    section, last = image.find(name), image.sections[-1]
    if section is None or image.find(packed_name):
        sys.exit(f"pack.py: the image has no section {name.decode()}, or is packed already")
    for page, offsets in image.relocated_pages():
        if any(section["va"] - 8 < page + o < section["va"] + section["vsize"] for o in offsets):
            sys.exit(f"pack.py: {name.decode()} holds relocations; such constants must lie in .rdata")
    contents = section["raw"][: section["vsize"]].ljust(section["vsize"], b"\0")
    packed = struct.pack("<I", zlib.adler32(contents)) + squeeze(prepare(contents))
    section["raw"] = section["raw"][:FILE_ALIGN]
    va = up(last["va"] + last["vsize"], PAGE)
    image.sections.append({"name": packed_name, "vsize": len(packed), "va": va, "flags": READ_DATA, "raw": packed})


def pack(data):
    image = Image(data)
    pack_section(image, b".tests", b".packed", place_calls)
    pack_section(image, b".words", b".packedw", bytes)
    return image.bytes()


def move_words(data):
    """The object with its constants in `.words`. Nothing changes its size or place."""
    out = bytearray(data)
    machine, sections, _, symbols, symbol_count, _ = struct.unpack_from("<HHIIIH", data)
    if machine != MACHINE_X64:
        sys.exit("pack.py: this is no object for x86-64")
    moved = set()
    for number in range(1, sections + 1):
        at = 20 + 40 * (number - 1)
        name, relocations = struct.unpack_from("<8s24xH", data, at)
        if name.rstrip(b"\0") in (b".rdata", b".xdata") and relocations == 0:
            out[at : at + 8] = b".words\0\0"
            moved.add(number)
    names, at = symbols + 18 * symbol_count, symbols
    while at < names:
        zero, name, _, section, _, _, more = struct.unpack_from("<IIIhHBB", data, at)
        if section in moved and zero == 0 and data[names + name :].startswith(STRING):
            out[names + name : names + name + len(STRING)] = PACKED_STRING
        at += 18 * (1 + more)
    return bytes(out)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: pack.py --words OBJECT, or pack.py IN OUT")
    words, to = sys.argv[1] == "--words", sys.argv[2]
    source = to if words else sys.argv[1]
    try:
        with open(source, "rb") as file:
            data = file.read()
        data = move_words(data) if words else pack(data)
        with open(to + ".new", "wb") as file:
            file.write(data)
        os.replace(to + ".new", to)
    except (struct.error, IndexError, StopIteration):
        sys.exit(f"pack.py: {source} is cut short, or of another kind than it should be")
    except OSError as error:
        sys.exit(f"pack.py: {error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
