#!/usr/bin/env python3
"""Check that a UEFI image is one that strict firmware starts.

usage: pe_lint.py [--sbat NAME] [--machine NAME] IMAGE

Newer firmware refuses sections that are both writable and executable, images without NX_COMPAT, or
images that cannot be moved; other firmware enters with SSE off, so that one compiler-made SSE store
ends in a triple fault; shim starts nothing without a sound .sbat section. The build fails here
instead. With --sbat there must be an .sbat section with a line for NAME. Prints one sentence for
each fault.

Exit status: 0 clean, 1 at least one fault, 2 wrong usage. Standard library only; llvm-objdump does
the disassembly (another one: environment variable OBJDUMP).
"""
import os
import re
import shutil
import struct
import subprocess
import sys

SIZE_LIMIT = 512 * 1024
PAGE = 4096

MACHINES = {"x86_64": 0x8664, "aarch64": 0xAA64}
MAGIC_PE32PLUS = 0x20B
SUBSYSTEM_EFI_APPLICATION = 10
FILE_RELOCS_STRIPPED = 0x0001
DLL_DYNAMIC_BASE = 0x0040
DLL_NX_COMPAT = 0x0100
SCN_DISCARDABLE = 0x02000000
SCN_EXECUTE = 0x20000000
SCN_WRITE = 0x80000000
DIR_RELOC = 5
DIR_DEBUG = 6
DEBUG_TYPE_REPRO = 16
RELOC_DIR64 = 10


class Malformed(Exception):
    """The file cannot be read as a PE image at all."""


class Section:
    def __init__(self, raw):
        name, self.vsize, self.va, self.rawsize, self.raw, _, _, self.relocations, _, self.flags = \
            struct.unpack("<8sIIIIIIHHI", raw)
        self.name = name.rstrip(b"\0").decode("ascii", "replace")

    def memory_size(self):
        return self.vsize or self.rawsize


class Image:
    """The fields of the headers that the rules need; offsets are those of the PE specification."""

    def __init__(self, data):
        self.data = data
        if data[:2] != b"MZ":
            raise Malformed("it does not begin with MZ: this is no PE image")
        pe = self.u32(0x3C)
        if data[pe:pe + 4] != b"PE\0\0":
            raise Malformed("the PE signature is missing: this is no PE image")
        (self.machine, count, self.timestamp, _, _, optional_size, self.characteristics) = \
            self.unpack("<HHIIIHH", pe + 4)
        optional = pe + 24
        self.magic = self.u16(optional)
        self.entry = self.u32(optional + 16)
        self.section_alignment = self.u32(optional + 32)
        self.image_size = self.u32(optional + 56)
        self.header_size = self.u32(optional + 60)
        self.subsystem = self.u16(optional + 68)
        self.dll = self.u16(optional + 70)
        directories = min(self.u32(optional + 108), 16)
        self.directories = [self.unpack("<II", optional + 112 + 8 * i) for i in range(directories)]
        at = optional + optional_size
        self.sections = [Section(self.bytes(at + 40 * i, 40)) for i in range(count)]

    def bytes(self, at, size):
        if at < 0 or size < 0 or at + size > len(self.data):
            raise Malformed("a header points beyond the end: the file is cut short or damaged")
        return self.data[at:at + size]

    def unpack(self, form, at):
        return struct.unpack(form, self.bytes(at, struct.calcsize(form)))

    def u16(self, at):
        return self.unpack("<H", at)[0]

    def u32(self, at):
        return self.unpack("<I", at)[0]

    def directory(self, index):
        """The bytes a data directory names, b"" when there are none."""
        rva, size = self.directories[index] if index < len(self.directories) else (0, 0)
        if size == 0:
            return b""
        for s in self.sections:
            if s.va <= rva and rva + size <= s.va + max(s.memory_size(), s.rawsize):
                return self.bytes(s.raw + rva - s.va, size)
        raise Malformed("data directory %d lies in no section" % index)


def check_kind(image, machine):
    if image.machine != MACHINES[machine]:
        yield "the machine is 0x%04x, not 0x%04x (%s): check --target" % (image.machine, MACHINES[machine], machine)
    if image.magic != MAGIC_PE32PLUS:
        yield "the optional header is not PE32+ (0x%x)" % image.magic
    if image.subsystem != SUBSYSTEM_EFI_APPLICATION:
        yield ("the subsystem is %d, not 10 (EFI application): link with /subsystem:efi_application"
               % image.subsystem)


def sbat_lines(image, section):
    """The lines of the section, which is text and ends with a new line."""
    text = image.bytes(section.raw, section.vsize)
    if not text.endswith(b"\n") or any(c != 10 and not 32 <= c <= 126 for c in text):
        raise Malformed(".sbat is not lines of ASCII, each with its new line")
    return text.decode("ascii").split("\n")[:-1]


def check_sbat_section(section):
    if section.flags & (SCN_WRITE | SCN_EXECUTE):
        yield ".sbat is writable or executable: it is constant data"
    if section.relocations:
        yield ".sbat has relocations: shim refuses it"
    if section.vsize == 0 or section.vsize > section.rawsize:
        yield ".sbat is empty, or not all in the file: shim refuses it"


def check_sbat(image, name):
    """What shim's SBAT.md asks for: six fields a line, the format's own line first."""
    found = [s for s in image.sections if s.name == ".sbat"]
    if len(found) != 1:
        if found or name:
            yield "there are %d sections .sbat, not one: shim would refuse the image" % len(found)
        return
    yield from check_sbat_section(found[0])
    lines = sbat_lines(image, found[0])
    for line in lines:
        fields = line.split(",")
        if len(fields) != 6 or "" in fields or not re.match("[1-9][0-9]*$", fields[1]):
            yield "the line '%s' of .sbat is not six fields with a generation from 1 on" % line
    if not lines[0].startswith("sbat,"):
        yield ".sbat does not begin with the line of its own format"
    for s in image.sections:
        if s.flags & SCN_DISCARDABLE:
            yield "section %s may be discarded, so shim does not load it (/section:%s,R)" % (s.name, s.name)
    if name and not any(line.startswith(name + ",") for line in lines):
        yield ".sbat has no line for '%s'" % name


def check_protection(image):
    for s in image.sections:
        if s.flags & SCN_WRITE and s.flags & SCN_EXECUTE:
            yield ("section %s is writable and executable: strict firmware refuses the image"
                   % s.name)
    if not image.dll & DLL_NX_COMPAT:
        yield "NX_COMPAT is not set: link with lld-link, whose default it is"
    if not any(s.flags & SCN_EXECUTE and s.va <= image.entry < s.va + s.memory_size()
               for s in image.sections):
        yield "the entry point 0x%x lies in no executable section" % image.entry


def check_layout(image):
    if image.section_alignment < PAGE:
        yield "sections are aligned to %d bytes, not 4096" % image.section_alignment
    end = image.header_size
    for s in image.sections:
        if s.va % PAGE != 0:
            yield "section %s starts at 0x%x, which is no page" % (s.name, s.va)
        if s.va < end:
            yield "section %s overlaps what lies before it" % s.name
        if s.rawsize and s.raw + s.rawsize > len(image.data):
            yield "section %s reaches beyond the end of the file" % s.name
        end = max(end, s.va + s.memory_size())
    if image.image_size < end:
        yield ("SizeOfImage is 0x%x but the last section ends at 0x%x: memory behind the image "
               "would be overwritten" % (image.image_size, end))


def count_relocations(data):
    """DIR64 entries in a chain of relocation blocks."""
    at, found = 0, 0
    while at + 8 <= len(data):
        _, size = struct.unpack_from("<II", data, at)
        if size < 8 or at + size > len(data):
            raise Malformed(".reloc holds a block of a wrong size")
        for (entry,) in struct.iter_unpack("<H", data[at + 8:at + size - size % 2]):
            found += entry >> 12 == RELOC_DIR64
        at += size
    return found


def check_relocation(image):
    if not image.dll & DLL_DYNAMIC_BASE:
        yield "DYNAMIC_BASE is not set: firmware must be allowed to move the image"
    if image.characteristics & FILE_RELOCS_STRIPPED:
        yield "relocations are marked as stripped: the image could not be moved"
    if count_relocations(image.directory(DIR_RELOC)) == 0:
        yield ".reloc is empty or missing: some loaders refuse such an image"


def check_reproducible(image):
    """/Brepro puts a hash where the time would be, and says so in the debug directory."""
    entries = image.directory(DIR_DEBUG)
    kinds = [struct.unpack_from("<I", entries, at + 12)[0]
             for at in range(0, len(entries) - 27, 28)]
    if image.timestamp != 0 and DEBUG_TYPE_REPRO not in kinds:
        yield "the header holds a build time (0x%08x): link with /Brepro" % image.timestamp


def check_size(image):
    if len(image.data) >= SIZE_LIMIT:
        yield "the file has %d bytes; it must stay below %d" % (len(image.data), SIZE_LIMIT)


# Anything that needs FPU, MMX, SSE or AVX state, or that of SIMD and SVE: its registers, or mnemonics that
# use it unnamed. All x86 mnemonics that begin with f are x87's or save its state.
VECTOR = {
    "x86_64": re.compile(r"%(?:[xyz]mm\d+|mm[0-7]|st\b|k[0-7]\b|bnd\d)"),
    "aarch64": re.compile(r"[ \t,{\[](?:[vqdshbz](?:[12]?[0-9]|3[01])|p(?:[0-9]|1[0-5]))(?=[.,}\]/ ]|$)"),
}
MNEMONIC = re.compile(r"^(?:f[a-z0-9]+|emms|wait|(?:ld|st|vld|vst)mxcsr|vzero(?:all|upper)"
                      r"|xsave\w*|xrstor\w*)$")


def find_objdump():
    names = [os.environ["OBJDUMP"]] if os.environ.get("OBJDUMP") else \
        ["llvm-objdump"] + ["llvm-objdump-%d" % n for n in range(22, 12, -1)]
    return next(filter(None, map(shutil.which, names)), None)


def vector_instructions(listing, machine):
    for line in listing.splitlines():
        match = re.match(r"\s*([0-9a-f]+):\s+(.*)$", line)
        words = match.group(2).split() if match else []
        words = [w for w in words if w not in ("lock", "rep", "repne", "data16")]
        if words and (VECTOR[machine].search(line) or machine == "x86_64" and MNEMONIC.match(words[0])):
            yield "%s: %s" % (match.group(1), " ".join(words))


def check_instructions(path, machine):
    tool = find_objdump()
    if tool is None:
        yield ("llvm-objdump is missing, so SSE instructions cannot be looked for; on Debian: "
               "apt install llvm")
        return
    run = subprocess.run([tool, "-d", "--no-show-raw-insn", path], capture_output=True, text=True)
    if run.returncode != 0 or "<" not in run.stdout:
        yield "%s cannot disassemble the image: %s" % (tool, run.stderr.strip() or "no code found")
        return
    found = list(vector_instructions(run.stdout, machine))
    if found:
        yield ("%d instructions use the FPU, MMX, SSE or AVX, which firmware may have left off "
               "(build with -mgeneral-regs-only); the first is at %s" % (len(found), found[0]))


CHECKS = (check_protection, check_layout, check_relocation, check_reproducible,
          check_size)


def lint(path, sbat=None, machine="x86_64"):
    """All faults of the image at `path`, a sentence each; `sbat` names a line that .sbat must have."""
    try:
        with open(path, "rb") as f:
            image = Image(f.read())
    except OSError as e:
        return ["it cannot be read: %s" % e.strerror]
    except Malformed as e:
        return [str(e)]
    faults = []
    for check in (lambda image: check_kind(image, machine), *CHECKS, lambda image: check_sbat(image, sbat)):
        try:
            faults.extend(check(image))
        except Malformed as e:
            faults.append(str(e))
    faults.extend(check_instructions(path, machine))
    return faults


def main(arguments):
    options = {"--sbat": None, "--machine": "x86_64"}
    while len(arguments) > 2 and arguments[0] in options:
        options[arguments[0]], arguments = arguments[1], arguments[2:]
    if len(arguments) != 1 or options["--machine"] not in MACHINES:
        print("usage: pe_lint.py [--sbat NAME] [--machine NAME] IMAGE", file=sys.stderr)
        return 2
    faults = lint(arguments[0], options["--sbat"], options["--machine"])
    for fault in faults:
        print("pe_lint: %s: %s." % (arguments[0], fault), file=sys.stderr)
    if not faults:
        print("pe_lint: %s: clean, %d bytes" % (arguments[0], os.path.getsize(arguments[0])))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
