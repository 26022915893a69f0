#!/usr/bin/env python3
"""Pack the sections `.tests` and `.words` of a stripped UEFI image: the kernel unpacks them before it
tests itself.

usage: pack.py IN OUT
       pack.py --words OBJECT

The second form makes ready for that: constants of an object whose code is packed, all but those that
hold addresses, are moved from `.rdata` to `.words`. Those that the linker may merge with others of the
same name get another name, so that no code that runs earlier is given one of them.

The unit tests are nearly half of the image, which must stay below 128 KiB, and not needed to boot.
Their code, calls made alike, goes as raw deflate data (RFC 1951), after its Adler-32, into a new last section
`.packed`; of `.tests` itself only the first 512 bytes stay in the file. Where it lies in memory does
not change. The same with `.words` and `.packedw`. An image without `.tests`, or one whose `.tests` holds relocations, is refused.
"""
import struct
import sys
import zlib

PAGE, FILE_ALIGN = 4096, 512
READ_DATA = 0x40000040  # initialized data, readable
DIR_RELOC = 5


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


def place_calls(code):
    """After each byte 0xE8 (a call) the place it goes to instead of the distance, which differs from
    call to call: a seventh less when packed. unpack_calls() in kernel/unpack.c is the way back."""
    out, at = bytearray(code), 0
    while at + 5 <= len(out):
        if out[at] == 0xE8:
            place = struct.unpack_from("<I", out, at + 1)[0] + at + 5
            struct.pack_into("<I", out, at + 1, place & 0xFFFFFFFF)
            at += 4
        at += 1
    return bytes(out)


def pack_section(image, name, packed_name, prepare):
    tests, last = image.find(name), image.sections[-1]
    if tests is None or image.find(packed_name):
        sys.exit(f"pack.py: the image has no section {name.decode()}, or is packed already")
    for page, offsets in image.relocated_pages():
        if any(tests["va"] - 8 < page + o < tests["va"] + tests["vsize"] for o in offsets):
            sys.exit(f"pack.py: {name.decode()} holds relocations; such constants must lie in .rdata")
    code = tests["raw"][: tests["vsize"]].ljust(tests["vsize"], b"\0")
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    packed = struct.pack("<I", zlib.adler32(code)) + squeeze.compress(prepare(code)) + squeeze.flush()
    tests["raw"] = tests["raw"][:FILE_ALIGN]
    va = up(last["va"] + last["vsize"], PAGE)
    image.sections.append({"name": packed_name, "vsize": len(packed), "va": va, "flags": READ_DATA, "raw": packed})


def pack(data):
    image = Image(data)
    pack_section(image, b".tests", b".packed", place_calls)
    pack_section(image, b".words", b".packedw", bytes)
    return image.bytes()


def move_words(data):
    """An object (COFF) with its constants in `.words`."""
    out = bytearray(data)
    sections, _, symbols, symbol_count, size = struct.unpack_from("<HIIIH", data, 2)
    moved = set()
    for i in range(sections):
        at = 20 + size + 40 * i
        if data[at : at + 8].rstrip(b"\0") == b".rdata" and struct.unpack_from("<H", data, at + 32)[0] == 0:
            out[at : at + 8] = b".words\0\0"
            moved.add(i + 1)
    names, at = symbols + 18 * symbol_count, symbols
    while at < names:
        zero, name, _, section, _, _, more = struct.unpack_from("<IIIhHBB", data, at)
        if section in moved and zero == 0 and data[names + name :].startswith(b"??_C@"):
            out[names + name + 3] = ord("W")
        at += 18 * (1 + more)
    return bytes(out)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: pack.py IN OUT, or pack.py --words OBJECT")
    words = sys.argv[1] == "--words"
    with open(sys.argv[2 if words else 1], "rb") as file:
        data = file.read()
    with open(sys.argv[2], "wb") as file:
        file.write(move_words(data) if words else pack(data))


if __name__ == "__main__":
    main()
