#!/usr/bin/env python3
"""Check what `make dist` makes, on the desk, by the eyes of other programs.

usage: dist_test.py MEMORY.HTML BOOTX64.EFI BOOTAA64.EFI BOOTIA32.EFI

fsck.vfat judges the file systems, sgdisk the partition tables, xorriso and mtools read the files
back, sha256sum the checksums. Everything is made twice, under another clock, time zone, language and
umask, and must be the same to the byte. Ends with "N passed, N failed".
"""
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "boot"))
# pylint: disable=wrong-import-position
from checks import Checks  # noqa: E402

MAKERS = os.path.join(ROOT, "efi", "dist")
EPOCH = 1700000000  # 2023-11-14 22:13:20 UTC
MIB = 1 << 20
NAMES = ["EFI/BOOT/BOOTAA64.EFI", "EFI/BOOT/BOOTIA32.EFI", "EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/mortise.cfg", "FONT-LICENSE.txt",
         "LICENSE.txt", "README.txt", "SHA256SUMS", "memory.html"]  # fmt: skip
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def run(*command, **options):
    """Status and output, errors included."""
    environment = {**os.environ, "PATH": PATH, "LC_ALL": "C.UTF-8", "MTOOLSRC": os.devnull, "TZ": "UTC"}
    options = {"env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options}
    done = subprocess.run(command, check=False, **options)
    return done.returncode, done.stdout


def read(path):
    with open(path, "rb") as file:
        return file.read()


def make(out, programs, environment=None):
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH), **(environment or {})}
    umask = environment.pop("UMASK", "022")
    status, output = run("sh", "-c", 'umask "$0" && exec "$@"', umask, sys.executable, os.path.join(MAKERS, "dist.py"),
                         out, "0123456789ab", *programs, env=environment)  # fmt: skip
    if status != 0:
        sys.exit(f"dist.py ended with status {status}: {output.decode()}")


def check_reproducible(checks, work, programs):
    time.sleep(2.1)  # FAT counts in steps of two seconds
    other = os.path.join(work, "other")
    make(other, programs, {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "UMASK": "077", "HOME": work})
    for name in sorted(os.listdir(work + "/dist")):
        checks.check(read(f"{work}/dist/{name}") == read(f"{other}/{name}"), f"{name} is the same when it is made again")
    make(other, programs, {"SOURCE_DATE_EPOCH": str(EPOCH + 86400)})
    checks.check(read(f"{work}/dist/mortise.img") != read(f"{other}/mortise.img"), "another commit has another date")
    make(other, programs, {"SOURCE_DATE_EPOCH": "0"})
    listing = run("mdir", "-i", f"{other}/mortise.img@@{MIB}", "::/README.txt")[1].decode()
    checks.check("1980-01-01" in listing, f"no time before 1980, where FAT begins: {listing}")


def read_zip(checks, path):
    with zipfile.ZipFile(path) as archive:
        checks.equal(sorted(archive.namelist()), NAMES, "the files in the zip")
        checks.equal({entry.date_time for entry in archive.infolist()}, {(2023, 11, 14, 22, 13, 20)}, "times in the zip")
        return {name: archive.read(name) for name in archive.namelist()}


def check_texts(checks, files):
    readme = files["README.txt"].decode("ascii")
    checks.check(readme.startswith("Mortise 0123456789ab (2023-11-14)\r\n"), "the README says commit and date")
    checks.check("@" not in readme, "no placeholder is left in the README")
    for name in NAMES[3:7]:
        lines = files[name].split(b"\n")
        checks.check(all(line.endswith(b"\r") for line in lines[:-1]) and lines[-1] == b"", f"line ends of {name}")
        checks.check(max(map(len, lines)) <= 101, f"{name} fits a window of 100 columns")
    checks.check(b"MIT License" in files["LICENSE.txt"], "the licence is there")
    checks.check(b"Redistribution" in files["FONT-LICENSE.txt"], "the font's licence is there")
    for name in [name for name in NAMES if name != "README.txt"]:
        checks.check(name in readme, f"the README says what {name} is")


def check_config(checks, text):
    """Nothing is switched on, and every option that is offered is one that the kernel knows."""
    lines = text.decode("ascii").split("\r\n")
    checks.equal([line for line in lines if line and not line.startswith("#")], [], "options that are on in mortise.cfg")
    offered = [line[1:] for line in lines if re.match(r"#[a-z]", line)]
    checks.check(len(offered) >= 5, "mortise.cfg offers options")
    checks.equal(unknown_words(["nonsense", *offered]), ["nonsense"], "words that the kernel does not know")


def unknown_words(words):
    """Those that kernel/options.c, compiled for this machine, does not know."""
    source = """#include "kernel/options.c"
        #include <stdio.h>
        static void say(const char *word) { puts(word); }
        int main(int count, char **words) {
            struct options o;
            for (int i = 1; i < count; i++)
                options_parse(words[i], 100, &o, say);
            return 0;
        }"""
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "words")
        subprocess.run(["clang", "-std=c11", "-I", ROOT, "-I", os.path.join(ROOT, "hal", "host"), "-x", "c", "-", "-o", program],
                       input=source.encode(), check=True)  # fmt: skip
        return subprocess.run([program, *words], check=True, capture_output=True, text=True).stdout.split()


def check_ia32(checks, data):
    """What 32-bit firmware asks of an image, strict firmware included."""
    pe = struct.unpack_from("<I", data, 0x3C)[0]
    machine, count, size, flags = struct.unpack_from("<HH12xHH", data, pe + 4)
    magic, subsystem, dll = (struct.unpack_from("<H", data, pe + 24 + at)[0] for at in (0, 68, 70))
    checks.equal((machine, magic, subsystem), (0x14C, 0x10B, 10), "machine, magic and subsystem of BOOTIA32.EFI")
    checks.equal(dll & 0x140, 0x140, "BOOTIA32.EFI may be moved and has NX_COMPAT")
    checks.equal(flags & 1, 0, "relocations are not marked as stripped")
    sections = [struct.unpack_from("<8s4I12xI", data, pe + 24 + size + 40 * i) for i in range(count)]
    checks.check(not any(s[5] & 0x20000000 and s[5] & 0x80000000 for s in sections), "no section is writable and executable")
    rva, length = struct.unpack_from("<2I", data, pe + 24 + 96 + 8 * 5)
    home = next(s for s in sections if s[2] <= rva < s[2] + s[1])
    entries = struct.unpack_from(f"<{(length - 8) // 2}H", data, home[4] + rva - home[2] + 8)
    checks.check(any(entry >> 12 == 3 for entry in entries), "BOOTIA32.EFI has relocations")
    checks.check(len(data) <= 2560, f"BOOTIA32.EFI has about 2 KiB: {len(data)}")


def check_fat(checks, image, offset, size, kind, files, what):
    """`image` holds a file system of `size` bytes at `offset`; fsck and mtools look at it."""
    with open(image, "rb") as file:
        file.seek(offset)
        data = file.read(size)
    with tempfile.NamedTemporaryFile() as alone:
        alone.write(data)
        alone.flush()
        status, output = run("fsck.vfat", "-n", "-v", alone.name)
    checks.equal(status, 0, f"{what}: fsck.vfat finds no fault ({output.decode()[-200:]})")
    found = re.search(rb"(\d+) data clusters", output)
    clusters = int(found[1]) if found else 0
    # The number of clusters alone decides what firmware takes it for.
    checks.equal(32 if clusters >= 65525 else 16 if clusters >= 4085 else 12, kind, f"{what}: FAT kind")
    for name, content in files.items():
        status, output = run("mtype", "-i", f"{image}@@{offset}", "::/" + name)
        checks.check(status == 0 and output == content, f"{what}: {name} is what it should be")
    status, output = run("mdir", "-/", "-b", "-i", f"{image}@@{offset}", "::")
    names = sorted(line[3:] for line in output.decode().split("\n") if line.startswith("::/") and not line.endswith("/"))
    checks.equal(names, sorted(files), f"{what}: the files")
    return struct.unpack_from("<I", data, 28)[0]


def esp_offset(image):
    status, output = run(sys.executable, os.path.join(ROOT, "tests", "boot", "esp_offset.py"), image)
    return int(output) if status == 0 else -1


def check_gpt(checks, image, what):
    """sgdisk finds no fault; (first sector, sectors) of the EFI system partition."""
    status, output = run("sgdisk", "-v", image)
    checks.check(status == 0 and b"No problems found" in output, f"{what}: sgdisk -v: {output.decode()}")
    status, output = run("sgdisk", "-p", image)
    esp = re.findall(r"^ +\d+ +(\d+) +(\d+) +\S+ \S+ +EF00 ", output.decode(), re.M)
    checks.equal(len(esp), 1, f"{what}: EFI system partitions")
    return (int(esp[0][0]), int(esp[0][1]) - int(esp[0][0]) + 1) if esp else (0, 0)


def check_image(checks, image, files):
    first, count = check_gpt(checks, image, "mortise.img")
    checks.equal((first, count), (2048, 131072), "mortise.img: where the partition lies")
    checks.equal(esp_offset(image), MIB, "esp_offset.py knows a GPT")
    hidden = check_fat(checks, image, MIB, 64 * MIB, 32, files, "mortise.img")
    checks.equal(hidden, 2048, "mortise.img: hidden sectors")


def check_iso(checks, image, files, work):
    first, count = check_gpt(checks, image, "mortise.iso")
    checks.equal(esp_offset(image), first * 512, "esp_offset.py knows an ISO with a GPT")
    check_fat(checks, image, first * 512, count * 512, 16, files, "mortise.iso")
    _, output = run("xorriso", "-indev", image, "-report_el_torito", "plain")
    boot = re.findall(r"^El Torito boot img : +\d+ +UEFI +y +none +0x0000 +0x00 +(\d+) +(\d+)$", output.decode(), re.M)
    checks.equal(boot, [(str(count), str(first // 4))], "El Torito names the same file system (sectors, block)")
    checks.check(count < 65536, "El Torito can count its sectors")
    tree = os.path.join(work, "tree")
    run("xorriso", "-osirrox", "on", "-indev", image, "-extract", "/", tree)
    for name, content in files.items():
        path = os.path.join(tree, name)
        checks.check(os.path.exists(path) and read(path) == content, f"mortise.iso: {name} in ISO 9660")


def check_layouts(checks, work, program):
    """The other two ways to lay out a stick, which the boot tests use."""
    for layout, offset, hidden in (("mbr", MIB, 2048), ("bare", 0, 0)):
        image = os.path.join(work, layout + ".img")
        status, output = run(sys.executable, os.path.join(MAKERS, "disk.py"), layout, image, program + "=EFI/BOOT/BOOTX64.EFI")
        checks.equal(status, 0, f"disk.py makes {layout}: {output.decode()}")
        checks.equal(esp_offset(image), offset, f"esp_offset.py knows {layout}")
        files = {"EFI/BOOT/BOOTX64.EFI": read(program)}
        checks.equal(check_fat(checks, image, offset, 64 * MIB, 32, files, layout), hidden, f"{layout}: hidden sectors")


def check_sums(checks, work):
    checks.equal(run("sha256sum", "--strict", "-c", "SHA256SUMS", cwd=work + "/dist")[0], 0, "the checksums of the downloads")
    with zipfile.ZipFile(work + "/dist/mortise.zip") as archive:
        archive.extractall(work + "/zip")
    checks.equal(run("sha256sum", "--strict", "-c", "SHA256SUMS", cwd=work + "/zip")[0], 0, "the checksums in the zip")
    listed = [line.split("  ")[1] for line in read(work + "/zip/SHA256SUMS").decode().splitlines()]
    checks.equal(listed, [name for name in NAMES if name != "SHA256SUMS"], "what the checksums of the zip cover")


def check_sentences(checks, work, program):
    """A tool that is missing, and files that are no disks, are named."""
    script = os.path.join(MAKERS, "disk.py")
    status, output = run(sys.executable, script, "gpt", work + "/no.img", program + "=A", env={"PATH": work})
    checks.check(status == 1 and b"apt install mtools" in output, f"a missing mformat is named: {output.decode()}")
    checks.equal(esp_offset(program), -1, "esp_offset.py refuses a program")


def main():
    if len(sys.argv) != 5:
        sys.exit("usage: dist_test.py MEMORY.HTML BOOTX64.EFI BOOTAA64.EFI BOOTIA32.EFI")
    page, *programs = files_given = [os.path.abspath(word) for word in sys.argv[1:]]
    checks = Checks()
    with tempfile.TemporaryDirectory() as work:
        make(work + "/dist", files_given)
        files = read_zip(checks, work + "/dist/mortise.zip")
        check_texts(checks, files)
        check_config(checks, files["EFI/BOOT/mortise.cfg"])
        checks.check(files["memory.html"] == read(page) == read(work + "/dist/memory.html"), "memory.html, on the stick and beside it")
        check_ia32(checks, files["EFI/BOOT/BOOTIA32.EFI"])
        check_sums(checks, work)
        check_image(checks, work + "/dist/mortise.img", files)
        check_iso(checks, work + "/dist/mortise.iso", files, work)
        check_layouts(checks, work, programs[0])
        check_sentences(checks, work, programs[0])
        check_reproducible(checks, work, files_given)
    sys.exit(checks.end())


if __name__ == "__main__":
    main()
