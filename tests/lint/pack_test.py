#!/usr/bin/env python3
"""kernel/pack.py on a built image: what it writes unpacks to what it read, all else stays, and an image
that it cannot pack is refused.

usage: pack_test.py IMAGE.full     Ends with "N passed, N failed".
"""
import os
import struct
import sys
import zlib

sys.dont_write_bytecode = True  # a test leaves nothing in the source tree
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "kernel"))
import pack

passed = failed = 0


def check(ok, what):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print("FAIL", what)


def refused(data, word):
    try:
        pack.pack(bytes(data))
    except SystemExit as end:
        return word in str(end)
    return False


def check_packed(full, data):
    one, two = pack.Image(full), pack.Image(data)
    names = [s["name"].rstrip(b"\0") for s in two.sections]
    check(names == [s["name"].rstrip(b"\0") for s in one.sections] + [b".packed"], "one section more, the last")
    for a, b in zip(one.sections, two.sections):
        same = all(a[k] == b[k] for k in ("name", "vsize", "va", "flags"))
        check(same, f"{a['name']} lies where it lay, with its rights")
        if a["name"].rstrip(b"\0") == b".tests":
            check(a["raw"].startswith(b["raw"]) and len(b["raw"]) == 512, "the head of .tests stays")
        else:
            check(a["raw"] == b["raw"], f"{a['name']} is unchanged")
    tests, packed = one.find(b".tests"), two.find(b".packed")
    code = tests["raw"][: tests["vsize"]]
    stream = zlib.decompressobj(-15)
    check(stream.decompress(packed["raw"][4 : packed["vsize"]]) == code, ".packed unpacks to .tests")
    check(stream.eof and not stream.unused_data, ".packed ends where its size says")
    check(struct.unpack_from("<I", packed["raw"])[0] == zlib.adler32(code), "the Adler-32 is right")
    check(not packed["flags"] & 0xA0000000, ".packed is neither writable nor executable")
    check(len(data) < len(full) * 0.9, "the image is at least a tenth smaller")


def main():
    with open(sys.argv[1], "rb") as file:
        full = file.read()
    image = pack.Image(full)
    data = pack.pack(full)
    check_packed(full, data)
    check(data == pack.pack(full), "the same input gives the same bytes")
    check(refused(data, "packed already"), "a packed image is refused")
    nameless = full.replace(b".tests\0\0", b".other\0\0", 1)
    check(refused(nameless, "no section .tests"), "an image without .tests is refused")
    rva, _ = struct.unpack_from("<II", full, image.optional + 112 + 8 * pack.DIR_RELOC)
    home = next(i for i, s in enumerate(image.sections) if s["va"] == rva)
    raw = struct.unpack_from("<I", full, image.table + 40 * home + 20)[0]
    moved = bytearray(full)
    struct.pack_into("<I", moved, raw, image.find(b".tests")["va"])
    check(refused(moved, "relocations"), "relocations in .tests are refused")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
