#!/usr/bin/env python3
"""kernel/pack.py: what it packs is unpacked by kernel/unpack.c to what it was, all else of a built image
stays, constants of an object are moved and nothing else is, and what it cannot do is refused.

usage: pack_test.py IMAGE.full     Ends with "N passed, N failed". The compiler is clang, or CC.
"""
import ctypes
import os
import random
import struct
import subprocess
import sys
import tempfile
import zlib

sys.dont_write_bytecode = True  # a test leaves nothing in the source tree
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "kernel"))
import pack

passed = failed = 0


def check(ok, what):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print("FAIL", what)


class Unpacker:
    """kernel/unpack.c, on the desk."""

    def __init__(self, folder):
        library = os.path.join(folder, "unpack.so")
        flags = ["-std=c11", "-O1", "-shared", "-fPIC", "-I" + ROOT, "-I" + os.path.join(ROOT, "hal", "host")]
        source = os.path.join(ROOT, "kernel", "unpack.c")
        subprocess.run([os.environ.get("CC", "clang"), *flags, source, "-o", library], check=True)
        self.code = ctypes.CDLL(library)
        self.code.unpack_lzma.restype = ctypes.c_char_p

    def __call__(self, packed, size, calls=False):
        """The contents, or what is wrong."""
        out = ctypes.create_string_buffer(b"\xa5" * (size + 1), size + 1)
        wrong = self.code.unpack_lzma(packed, ctypes.c_size_t(len(packed)), out, ctypes.c_size_t(size))
        check(out.raw[size:] == b"\xa5", "nothing is written behind the end")
        if calls:
            self.code.unpack_calls(out, ctypes.c_size_t(size))
        return out.raw[:size] if wrong is None else wrong.decode()


def check_streams(unpack):
    """Python's own output, with distances and lengths of all kinds."""
    chance = random.Random(1)
    noise = chance.randbytes(300000)
    words = b" ".join(chance.choice((b"page", b"zone", b"map", b"of", b"a")) for _ in range(20000))
    near = b"".join(noise[i : i + 40] + noise[i % 700 : i % 700 + 25] for i in range(0, 60000, 40))
    kinds = {"nothing": b"", "one byte": b"\xff", "zeros": bytes(100000), "noise": noise, "twice": noise + noise,
             "words": words, "near and far": near, "all bytes": bytes(range(256)) * 3}
    for name, data in kinds.items():
        packed = pack.squeeze(data)
        check(unpack(packed, len(data)) == data, f"{name} comes back")
        check(unpack(packed, len(data) + 1) == "the packed data is shorter than it should be", f"{name} and a byte")
        check(not data or unpack(packed, len(data) - 1) == "the packed data is damaged", f"{name} less a byte")
        check(unpack(packed + b"\0", len(data)) == "the packed data is damaged", f"a byte after {name}")
    packed, data = pack.squeeze(words[:4000]), words[:4000]
    for at in range(len(packed)):
        check(unpack(packed[:at], 4000) == "the packed data is damaged", f"cut at {at}")
        check(unpack(packed[:at] + bytes([packed[at] ^ 1 << at % 8]) + packed[at + 1 :], 4000) != data, f"damaged at {at}")


def refused(data, word, what=pack.pack):
    try:
        what(bytes(data))
    except SystemExit as end:
        return word in str(end)
    return False


def check_section(full, image, names, calls, unpack):
    name, packed = full.find(names[0]), image.find(names[1])
    want = name["raw"][: name["vsize"]].ljust(name["vsize"], b"\0")
    data = packed["raw"][: packed["vsize"]]
    check(unpack(data[4:], name["vsize"], calls) == want, f"{names[1]} unpacks to {names[0]}")
    check(struct.unpack_from("<I", data)[0] == zlib.adler32(want), f"the Adler-32 of {names[0]} is right")
    check(packed["flags"] == 0x40000040, f"{names[1]} can only be read")
    head = image.find(names[0])["raw"]
    check(len(head) == 512 and name["raw"].startswith(head), f"the head of {names[0]} stays")


def check_image(full, data, unpack):
    one, two = pack.Image(full), pack.Image(data)
    names = [s["name"].rstrip(b"\0") for s in two.sections]
    old = [s["name"].rstrip(b"\0") for s in one.sections]
    check(names == old + [b".packed", b".packedw"], "two sections more, the last")
    for a, b in zip(one.sections, two.sections):
        same = all(a[k] == b[k] for k in ("name", "vsize", "va", "flags"))
        check(same, f"{a['name']} lies where it lay, with its rights")
        check(a["raw"] == b["raw"] or a["name"].rstrip(b"\0") in (b".tests", b".words"), f"{a['name']} is unchanged")
    check_section(one, two, (b".tests", b".packed"), True, unpack)
    check_section(one, two, (b".words", b".packedw"), False, unpack)
    check(len(data) < len(full) * 0.7, "the image is at least a third smaller")
    check(data == pack.pack(full), "the same input gives the same bytes")


def check_image_refusals(full, data):
    image = pack.Image(full)
    check(refused(data, "packed already"), "a packed image is refused")
    rva, _ = struct.unpack_from("<II", full, image.optional + 112 + 8 * pack.DIR_RELOC)
    home = next(i for i, s in enumerate(image.sections) if s["va"] == rva)
    raw = struct.unpack_from("<I", full, image.table + 40 * home + 20)[0]
    for name in (b".tests", b".words"):
        other = full.replace(name + b"\0\0", b".other\0\0", 1)
        check(refused(other, f"no section {name.decode()}"), f"an image without {name} is refused")
        moved = bytearray(full)
        struct.pack_into("<I", moved, raw, image.find(name)["va"])
        check(refused(moved, name.decode() + " holds relocations"), f"relocations in {name} are refused")
        struct.pack_into("<I", moved, raw, image.find(name)["va"] - pack.PAGE)
        struct.pack_into("<H", moved, raw + 8, 0xAFFC)
        check(refused(moved, " holds relocations"), f"one that reaches into {name} too")


def make_object(sections, symbols, machine=0x8664):
    """COFF: sections are (name, relocations), symbols (name, section)."""
    names, table = b"", b""
    for name, section in symbols:
        if len(name) <= 8:
            table += name.ljust(8, b"\0")
        else:
            table += struct.pack("<II", 0, 4 + len(names))
            names += name + b"\0"
        table += struct.pack("<IhHBB", 0, section, 0, 2, 1)
        table += struct.pack("<IIIhHBB", 0, 4, 0, 2, 0, 2, 0)  # one more entry each, which looks like a symbol
    heads = b"".join(struct.pack("<8s6I2HI", n, 0, 0, 0, 0, 0, 0, r, 0, 0x40000040) for n, r in sections)
    head = struct.pack("<HHIIIHH", machine, len(sections), 0, 20 + len(heads), 2 * len(symbols), 0, 0)
    return head + heads + table + struct.pack("<I", 4 + len(names)) + names


def check_objects():
    text, same = (b".text", 3), b"??_C@_0BA@equal?$AA@"
    def shape(constants, unwind, string):
        return make_object(
            [text, (constants, 0), (b".rdata", 2), (unwind, 0), (b".xdata", 1), (b".data", 0), (b".rdata", 0x100), (constants, 0)],
            [(same, 1), (string + same[5:], 2), (same, 3), (same, 0), (b"??_C@_", 2), (b"fonts_of_the_kernel", 2),
             (b"??_C_function", 8), (string + b"last", 8), (b"x??_C@_0BA@", 8), (same, -1)])
    before, after = shape(b".rdata", b".xdata", b"??_C@"), shape(b".words", b".words", b"??_W@")
    check(pack.move_words(before) == after, "constants and unwind data without addresses are moved, no more")
    check(pack.move_words(after) == after, "the second time nothing is left to move")
    check(refused(make_object([text], [], 0x14C), "no object for x86-64", pack.move_words), "32 bits are refused")
    check(refused(b"\0\0\xff\xff" + bytes(60), "no object for x86-64", pack.move_words), "a big object is refused")


def run(*arguments):
    done = subprocess.run([sys.executable, os.path.join(ROOT, "kernel", "pack.py"), *arguments], capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


def check_command(folder, full):
    path, out = os.path.join(folder, "cut.obj"), os.path.join(folder, "out")
    data = make_object([(b".rdata", 0)], [(b"??_C@_0BA@equal", 1)])
    for size in (0, 19, 59, 77):
        with open(path, "wb") as file:
            file.write(data[:size])
        status, said = run("--words", path)
        check(status == 1 and "is cut short" in said and "Traceback" not in said, f"an object of {size} bytes: {said}")
        status, said = run(path, out)
        check(status == 1 and "is cut short" in said and "Traceback" not in said, f"an image of {size} bytes: {said}")
        with open(path, "rb") as file:
            check(file.read() == data[:size] and not os.path.exists(out), "what is refused is not touched")
    image = pack.Image(full)
    rva, _ = struct.unpack_from("<II", full, image.optional + 112 + 8 * pack.DIR_RELOC)
    where = full.rindex(image.find(b".reloc")["raw"]) + rva - image.find(b".reloc")["va"]
    for bad in (full[:-1], full[: where + 4] + bytes(4) + full[where + 8 :]):
        with open(path, "wb") as file:
            file.write(bad)
        status, said = run(path, out)
        check(status == 1 and "is cut short" in said and not os.path.exists(out), f"a damaged image: {said}")
    status, said = run(os.path.join(folder, "none"), out)
    check(status == 1 and "No such file" in said and "Traceback" not in said, f"a missing file: {said}")
    check(run()[0] == 1, "usage")


def main():
    with open(sys.argv[1], "rb") as file:
        full = file.read()
    data = pack.pack(full)
    with tempfile.TemporaryDirectory() as folder:
        unpack = Unpacker(folder)
        check_streams(unpack)
        check_image(full, data, unpack)
        check_command(folder, full)
    check_image_refusals(full, data)
    check_objects()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
