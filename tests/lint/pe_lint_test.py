#!/usr/bin/env python3
"""Every rule of pe_lint.py must turn red.

usage: pe_lint_test.py [IMAGE...]

Builds a small sound image here, byte by byte from the PE specification, sees that it is clean, then
breaks it in one way at a time and sees the sentence for it. Each IMAGE given is broken in the same
ways. Prints "N passed, M failed"; exit status 0 only when nothing failed. Standard library only.
"""
import os
import struct
import sys
import tempfile

sys.dont_write_bytecode = True  # a test leaves nothing in the source tree
import pe_lint

SECTION_HEADER = 40


def section(name, vsize, va, rawsize, raw, flags):
    return struct.pack("<8sIIIIIIHHI", name, vsize, va, rawsize, raw, 0, 0, 0, 0, flags)


SBAT = b"sbat,1,SBAT Version,sbat,1,https://example.org/SBAT.md\nmortise,1,M,m,1,https://example.org\n"


def sound_image():
    """Five sections of a page: code, constants with a debug directory, data, one relocation, .sbat."""
    code = bytes.fromhex("4889c8" "c3") + b"\xcc" * 12        # mov rax, rcx; ret
    debug = struct.pack("<IIHHIIII", 0, 0x12345678, 0, 0, 16, 0, 0, 0)
    reloc = struct.pack("<IIHH", 0x3000, 12, 10 << 12 | 8, 0)
    directories = [(0, 0)] * 16
    directories[5] = (0x4000, len(reloc))
    directories[6] = (0x2000, len(debug))
    coff = struct.pack("<HHIIIHH", 0x8664, 5, 0x12345678, 0, 0, 240, 0x22)
    optional = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20B, 14, 0, 512, 1536, 0, 0x1000,
                           0x1000, 0x140000000, 4096, 512, 6, 0, 0, 0, 6, 0, 0, 0x6000, 1024, 0, 10,
                           0x8160, 0x100000, 4096, 0x100000, 4096, 0, 16)
    optional += b"".join(struct.pack("<II", *d) for d in directories)
    headers = (section(b".text", 16, 0x1000, 512, 1024, 0x60000020) +
               section(b".rdata", 28, 0x2000, 512, 1536, 0x40000040) +
               section(b".data", 4096, 0x3000, 512, 2048, 0xC0000040) +
               section(b".reloc", 12, 0x4000, 512, 2560, 0x40000040) +
               section(b".sbat", len(SBAT), 0x5000, 512, 3072, 0x40000040))
    dos = b"MZ" + b"\0" * 58 + struct.pack("<I", 64)
    parts = [dos + b"PE\0\0" + coff + optional + headers, code, debug, b"\0", reloc, SBAT]
    return b"".join(part.ljust(512 * -(-len(part) // 512), b"\0") for part in parts)


class Patch:
    """An image to be broken. Names are those of the PE specification; values are offsets."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.pe = struct.unpack_from("<I", data, 0x3C)[0]
        self.optional = self.pe + 24
        self.sections = self.optional + struct.unpack_from("<H", data, self.pe + 20)[0]
        self.count = struct.unpack_from("<H", data, self.pe + 6)[0]

    def put(self, form, at, value):
        struct.pack_into(form, self.data, at, value)

    def get(self, form, at):
        return struct.unpack_from(form, self.data, at)[0]

    def clear(self, form, at, bits):
        self.put(form, at, self.get(form, at) & ~bits)

    def set(self, form, at, bits):
        self.put(form, at, self.get(form, at) | bits)

    def header(self, name):
        for i in range(self.count):
            at = self.sections + SECTION_HEADER * i
            if self.data[at:at + 8].rstrip(b"\0") == name:
                return at
        raise KeyError(name)

    def rename(self, old, new):
        at = self.header(old)
        self.data[at:at + 8] = new.ljust(8, b"\0")

    def code(self, hexbytes):
        """Instructions at the entry point, which is the border of an instruction."""
        text = self.header(b".text")
        at = self.get("<I", self.optional + 16) - self.get("<I", text + 12) + \
            self.get("<I", text + 20)
        new = bytes.fromhex(hexbytes)
        self.data[at:at + len(new)] = new

    def debug_kinds(self, kind):
        rva = self.get("<I", self.optional + 112 + 8 * 6)
        size = self.get("<I", self.optional + 112 + 8 * 6 + 4)
        rdata = self.header(b".rdata")
        at = rva - self.get("<I", rdata + 12) + self.get("<I", rdata + 20)
        for entry in range(at, at + size, 28):
            self.put("<I", entry + 12, kind)

    def sbat(self, old, new):
        """Change the first `old` in .sbat, which is as long as `new`."""
        at = self.data.index(old, self.get("<I", self.header(b".sbat") + 20))
        self.data[at:at + len(old)] = new


def break_reloc_block(p):
    reloc = p.header(b".reloc")
    p.put("<I", p.get("<I", reloc + 20) + 4, 7)


def swell(p):
    p.data += b"\0" * pe_lint.SIZE_LIMIT


def cut(p):
    del p.data[p.sections + 20:]


CASES = [  # (what is broken, how, a part of the sentence that must come)
    ("text writable", lambda p: p.set("<I", p.header(b".text") + 36, 0x80000000),
     ".text is writable and executable"),
    ("data executable", lambda p: p.set("<I", p.header(b".data") + 36, 0x20000000),
     ".data is writable and executable"),
    ("NX_COMPAT off", lambda p: p.clear("<H", p.optional + 70, 0x0100), "NX_COMPAT is not set"),
    ("DYNAMIC_BASE off", lambda p: p.clear("<H", p.optional + 70, 0x40), "DYNAMIC_BASE is not set"),
    ("entry in data", lambda p: p.put("<I", p.optional + 16, p.get("<I", p.header(b".data") + 12)),
     "entry point"),
    ("alignment 512", lambda p: p.put("<I", p.optional + 32, 512), "aligned to 512 bytes"),
    ("section off its page", lambda p: p.put("<I", p.header(b".data") + 12,
                                             p.get("<I", p.header(b".data") + 12) + 0x200),
     ".data starts at"),
    ("sections overlap", lambda p: p.put("<I", p.header(b".rdata") + 12,
                                         p.get("<I", p.header(b".text") + 12)), "overlaps"),
    ("section beyond the file", lambda p: p.put("<I", p.header(b".data") + 16, 0x1000000),
     "beyond the end of the file"),
    ("SizeOfImage short", lambda p: p.put("<I", p.optional + 56, 0x3000), "SizeOfImage is 0x3000"),
    ("wrong machine", lambda p: p.put("<H", p.pe + 4, 0xAA64), "the machine is 0xaa64"),
    ("wrong subsystem", lambda p: p.put("<H", p.optional + 68, 3), "the subsystem is 3"),
    ("PE32", lambda p: p.put("<H", p.optional, 0x10B), "not PE32+"),
    ("no .reloc", lambda p: p.put("<Q", p.optional + 112 + 8 * 5, 0), ".reloc is empty"),
    (".reloc without entries", lambda p: p.put("<I", p.optional + 112 + 8 * 5 + 4, 4),
     ".reloc is empty"),
    (".reloc damaged", break_reloc_block, "block of a wrong size"),
    (".reloc nowhere", lambda p: p.put("<I", p.optional + 112 + 8 * 5, 0x7000000),
     "lies in no section"),
    ("relocations stripped", lambda p: p.set("<H", p.pe + 22, 1), "marked as stripped"),
    ("no .sbat", lambda p: p.rename(b".sbat", b".zbat"), "there are 0 sections .sbat"),
    ("two of .sbat", lambda p: p.rename(b".reloc", b".sbat"), "there are 2 sections .sbat"),
    (".sbat writable", lambda p: p.set("<I", p.header(b".sbat") + 36, 0x80000000),
     ".sbat is writable or executable"),
    (".sbat executable", lambda p: p.set("<I", p.header(b".sbat") + 36, 0x20000000),
     ".sbat is writable or executable"),
    (".sbat relocated", lambda p: p.put("<H", p.header(b".sbat") + 32, 1), ".sbat has relocations"),
    (".sbat empty", lambda p: p.put("<I", p.header(b".sbat") + 8, 0), ".sbat is empty"),
    (".sbat cut", lambda p: p.put("<I", p.header(b".sbat") + 16, 16), "not all in the file"),
    (".sbat with its last line open", lambda p: p.put("<I", p.header(b".sbat") + 8, 20),
     "not lines of ASCII"),
    (".sbat with a NUL", lambda p: p.sbat(b"SBAT", b"\0BAT"), "not lines of ASCII"),
    (".sbat with five fields", lambda p: p.sbat(b"1,SBAT", b"1.SBAT"), "is not six fields"),
    (".sbat with an empty field", lambda p: p.sbat(b"mortise,1,M", b"mortise,1,,"), "is not six fields"),
    (".sbat, generation 0", lambda p: p.sbat(b"mortise,1", b"mortise,0"), "is not six fields"),
    (".sbat without its format", lambda p: p.sbat(b"sbat,", b"zbat,"), "does not begin with the line"),
    (".sbat for another", lambda p: p.sbat(b"\nmortise,", b"\nmortice,"), "no line for 'mortise'"),
    (".reloc discardable", lambda p: p.set("<I", p.header(b".reloc") + 36, 0x02000000),
     ".reloc may be discarded"),
    ("a build time", lambda p: p.debug_kinds(2), "holds a build time"),
    ("512 KiB", swell, "must stay below 524288"),
    ("SSE: movaps", lambda p: p.code("0f28c0"), "first is at"),
    ("SSE2: movntdq", lambda p: p.code("660fe708"), "movntdq"),
    ("AVX: vaddps", lambda p: p.code("c5f458c2"), "vaddps"),
    ("AVX: vzeroupper", lambda p: p.code("c5f877"), "vzeroupper"),
    ("AVX-512: vpxord", lambda p: p.code("62f17d48efc0"), "vpxord"),
    ("MMX: pxor", lambda p: p.code("0fefc0"), "pxor"),
    ("MMX: emms", lambda p: p.code("0f77"), "emms"),
    ("x87: fld1", lambda p: p.code("d9e8"), "fld1"),
    ("state: fxsave", lambda p: p.code("0fae01"), "fxsave"),
    ("state: ldmxcsr", lambda p: p.code("0fae11"), "ldmxcsr"),
    ("no MZ", lambda p: p.put("<H", 0, 0), "does not begin with MZ"),
    ("no PE", lambda p: p.put("<I", p.pe, 0), "PE signature is missing"),
    ("cut short", cut, "cut short"),
    ("empty file", lambda p: p.data.clear(), "does not begin with MZ"),
]

ALLOWED = [  # instructions that need no vector state and must not turn red
    ("movnti", "480fc301"), ("lock incq", "f048ff01"), ("rep stosb", "f3aa"), ("mfence", "0faef0"),
    ("pause", "f390"), ("verr", "0f00e0"),
]


class Totals:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, ok, name, detail):
        self.passed += bool(ok)
        self.failed += not ok
        if not ok:
            print("FAIL %s: %s" % (name, detail))


def faults_of(data, folder):
    path = os.path.join(folder, "image.efi")
    with open(path, "wb") as f:
        f.write(data)
    return pe_lint.lint(path, "mortise")


def try_image(name, good, folder, totals):
    faults = faults_of(good, folder)
    totals.check(not faults, "%s as it is" % name, faults)
    for what, damage, sentence in CASES:
        patch = Patch(good)
        damage(patch)
        faults = faults_of(patch.data, folder)
        totals.check(any(sentence in fault for fault in faults), "%s, %s" % (name, what),
                     "no sentence with '%s' among %s" % (sentence, faults))


def try_allowed(folder, totals):
    for what, code in ALLOWED:
        patch = Patch(sound_image())
        patch.code(code + "c3")
        faults = faults_of(patch.data, folder)
        totals.check(not faults, "%s is allowed" % what, faults)


def try_without_sbat(folder, totals):
    """Only who asks for .sbat must have one."""
    path, patch = os.path.join(folder, "image.efi"), Patch(sound_image())
    patch.rename(b".sbat", b".zbat")
    with open(path, "wb") as f:
        f.write(patch.data)
    faults = pe_lint.lint(path)
    totals.check(not faults, "no .sbat asked for", faults)


LISTING = [  # of llvm-objdump -d for aarch64: does the line use vector state?
    ("140001000: stp q0, q1, [x0]", True), ("140001000: fmov d0, xzr", True), ("140001000: movi v0.2d, #0", True),
    ("140001000: ldr b3, [x1]", True), ("140001000: ptrue p0.b", True), ("140001000: ld1d {z0.d}, p0/z, [x0]", True),
    ("140001000: stp x29, x30, [sp, #-16]!", False), ("140001000: b 0x140001100", False),
    ("140001000: mov w8, #208", False), ("140001000: dsb sy", False), ("140001000: adrp x0, 0x140005000", False),
]


def try_other_machine(folder, totals):
    """An image is for the machine that it is said to be for; each has its own vector registers."""
    path = os.path.join(folder, "image.efi")
    with open(path, "wb") as f:
        f.write(sound_image())
    faults = pe_lint.lint(path, "mortise", "aarch64")
    totals.check(any("the machine is 0x8664, not 0xaa64" in fault for fault in faults), "another machine", faults)
    for line, vector in LISTING:
        found = list(pe_lint.vector_instructions(line, "aarch64"))
        totals.check(bool(found) == vector, line, found)


def try_without_objdump(folder, totals):
    before = os.environ.get("OBJDUMP")
    os.environ["OBJDUMP"] = "no-such-objdump"
    faults = faults_of(sound_image(), folder)
    if before is None:
        del os.environ["OBJDUMP"]
    else:
        os.environ["OBJDUMP"] = before
    totals.check(any("llvm-objdump is missing" in fault for fault in faults), "no objdump", faults)


def main(paths):
    totals = Totals()
    with tempfile.TemporaryDirectory() as folder:
        try_image("the sound image", sound_image(), folder, totals)
        try_allowed(folder, totals)
        try_without_sbat(folder, totals)
        try_other_machine(folder, totals)
        try_without_objdump(folder, totals)
        for path in paths:
            with open(path, "rb") as f:
                try_image(path, f.read(), folder, totals)
    totals.check(pe_lint.lint("/nonexistent/image") != [], "no such file", "no sentence")
    print("%d passed, %d failed" % (totals.passed, totals.failed))
    return 1 if totals.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
