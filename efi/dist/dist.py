#!/usr/bin/env python3
"""Make what people download: mortise.zip, mortise.img, mortise.iso, memory.html and SHA256SUMS.

usage: dist.py OUT-FOLDER COMMIT MEMORY.HTML PROGRAM.EFI...

The first three hold the same files, those of tree(), memory.html among them. The image is for a stick: GPT, and a FAT32 file
system. The ISO is for a CD, a virtual machine or Ventoy, and boots from a stick too: its EFI system
partition, which El Torito names, stands also in a GPT. Times are SOURCE_DATE_EPOCH, so the same
programs and commit give the same bytes.
"""
import datetime
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import disk  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
# El Torito counts 512-byte sectors in 16 bits, so this one must stay below 32 MiB: a FAT16.
ISO_ESP_MIB = 8


def read(path):
    with open(path, "rb") as file:
        return file.read()


def for_windows(text):
    """Line ends that every editor of the last 40 years shows."""
    return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def tree(page, programs, commit):
    """What is on the stick: {path: bytes}."""
    date = datetime.datetime.fromtimestamp(disk.epoch(), datetime.timezone.utc).strftime("%Y-%m-%d")
    readme = read(os.path.join(HERE, "README.txt")).replace(b"@COMMIT@", commit.encode()).replace(b"@DATE@", date.encode())
    files = {
        **{"EFI/BOOT/" + os.path.basename(program): read(program) for program in programs},
        "EFI/BOOT/mortise.cfg": for_windows(read(os.path.join(HERE, "mortise.cfg"))),
        "README.txt": for_windows(readme),
        "memory.html": read(page),
        "LICENSE.txt": for_windows(read(os.path.join(ROOT, "LICENSE"))),
        "FONT-LICENSE.txt": for_windows(read(os.path.join(ROOT, "kernel", "screen", "font-licence.txt"))),
    }
    files["SHA256SUMS"] = sums(files)
    return files


def sums(files):
    return "".join(f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n" for path in sorted(files)).encode()


def make_zip(out, files):
    stamp = datetime.datetime.fromtimestamp(disk.epoch(), datetime.timezone.utc).timetuple()[:6]
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, stamp)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, files[path], zipfile.ZIP_DEFLATED, 9)


def write_tree(folder, files):
    for path, content in files.items():
        target = os.path.join(folder, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(content)


def iso_command(out, esp, folder):
    """One copy of the EFI system partition behind the ISO 9660 files: El Torito and the GPT name it.

    The identifiers are xorriso's own, which it makes of SOURCE_DATE_EPOCH.
    """
    return ["xorriso", "-report_about", "WARNING", "-as", "mkisofs", "-quiet", "-o", out, "-V", "MORTISE", "-r", "-J",
            "--set_all_file_dates", f"={disk.epoch()}",
            "-append_partition", "2", str(disk.ESP_TYPE), esp, "-appended_part_as_gpt",
            "-c", "boot.cat", "-e", "--interval:appended_partition_2:all::", "-no-emul-boot", folder]  # fmt: skip


def make_iso(out, files):
    with tempfile.TemporaryDirectory() as work:
        esp, folder = os.path.join(work, "esp.img"), os.path.join(work, "tree")
        disk.write_sparse(esp, disk.fat(files, ISO_ESP_MIB, 16))
        write_tree(folder, files)
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(disk.epoch())}
        try:
            subprocess.run(iso_command(out, esp, folder), check=True, env=environment, stderr=subprocess.PIPE)
        except FileNotFoundError:
            sys.exit("dist.py: xorriso is missing; on Debian: apt install xorriso")
        except subprocess.CalledProcessError as error:
            sys.exit(f"dist.py: xorriso ended with status {error.returncode}: {error.stderr.decode()}")


def main():
    if len(sys.argv) < 5:
        sys.exit("usage: dist.py OUT-FOLDER COMMIT MEMORY.HTML PROGRAM.EFI...")
    out, commit, page, *programs = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    files = tree(page, programs, commit)
    names = {name: os.path.join(out, name) for name in ("mortise.img", "mortise.iso", "mortise.zip", "memory.html")}
    for path in names.values():
        if os.path.exists(path):
            os.remove(path)
    disk.write_sparse(names["mortise.img"], disk.make_disk("gpt", files))
    make_iso(names["mortise.iso"], files)
    make_zip(names["mortise.zip"], files)
    shutil.copyfile(page, names["memory.html"])
    with open(os.path.join(out, "SHA256SUMS"), "wb") as file:
        file.write(sums({name: read(path) for name, path in names.items()}))
    for name, path in names.items():
        print(f"{path}: {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
