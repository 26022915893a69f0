#!/usr/bin/env python3
"""Disk images that UEFI boots from, made without root and the same to the byte each time.

usage: disk.py LAYOUT OUT FILE=PATH-ON-DISK...

LAYOUT is gpt, mbr (one partition of type 0xEF) or bare (no partitions). The file system is FAT32 of
64 MiB: small enough to write in a moment, large enough to be a true FAT32 (65525 clusters and more),
which is what firmware knows best. mtools makes it; the tables around it are made here.

Every time on the disk is SOURCE_DATE_EPOCH, every identifier is a hash of the contents.
"""
import hashlib
import os
import struct
import subprocess
import sys
import tempfile
import uuid
import zlib

SECTOR = 512
MIB = 1 << 20
START = MIB  # of the partition: aligned to every flash block and 4 KiB sector
ESP_MIB = 64
ESP_TYPE = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
ENTRIES, ENTRY_SIZE = 128, 128
TABLE_SECTORS = ENTRIES * ENTRY_SIZE // SECTOR
HEADER_SIZE = 92


def epoch():
    """FAT knows no time before 1980."""
    return max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), 315532800)


def mtools(*command):
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch()), "TZ": "UTC", "MTOOLSRC": os.devnull}
    try:
        subprocess.run(command, check=True, env=environment)
    except FileNotFoundError:
        sys.exit(f"disk.py: {command[0]} is missing; on Debian: apt install mtools")
    except subprocess.CalledProcessError as error:
        sys.exit(f"disk.py: {command[0]} ended with status {error.returncode}")


def serial(files):
    return hashlib.sha256(b"".join(files[path] for path in sorted(files))).hexdigest()[:8]


def fat(files, mib, kind, hidden=0):
    """A FAT file system with `files` ({path: bytes}); kind 16 or 32; `hidden` sectors lie before it."""
    with tempfile.TemporaryDirectory() as folder:
        image, source = os.path.join(folder, "fat.img"), os.path.join(folder, "file")
        with open(image, "wb") as file:
            file.truncate(mib * MIB)
        mtools("mformat", "-i", image, *(["-F"] if kind == 32 else []), "-c", "1", "-T", str(mib * MIB // SECTOR),
               "-h", "64", "-s", "32", "-H", str(hidden), "-N", serial(files), "-v", "MORTISE", "::")  # fmt: skip
        for folders in sorted({path[:i] for path in files for i, c in enumerate(path) if c == "/"}):
            mtools("mmd", "-i", image, "::/" + folders)
        for path, content in sorted(files.items()):
            with open(source, "wb") as file:
                file.write(content)
            mtools("mcopy", "-i", image, source, "::/" + path)
        with open(image, "rb") as file:
            return file.read()


def guid(what, data):
    """An identifier that the contents decide."""
    return uuid.UUID(bytes=hashlib.sha256(what + data).digest()[:16], version=4)


def mbr(kind, start, sectors):
    """Sector 0 with one partition; heads and cylinders are given up, as for every large disk."""
    entry = struct.pack("<B3sB3s2I", 0, b"\0\2\0" if kind == 0xEE else b"\xfe\xff\xff", kind, b"\xff\xff\xff", start, sectors)
    return bytes(446) + entry + bytes(48) + b"\x55\xaa"


def gpt_header(own, other, table, last, disk, entries):
    def pack(crc):
        return struct.pack("<8s4I4Q16sQ3I", b"EFI PART", 0x10000, HEADER_SIZE, crc, 0, own, other, 2 + TABLE_SECTORS,
                           last, disk.bytes_le, table, ENTRIES, ENTRY_SIZE, zlib.crc32(entries))  # fmt: skip

    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")


def gpt_disk(esp):
    """Protective MBR, GPT, the ESP at 1 MiB, the second GPT in the last sectors."""
    first, count = START // SECTOR, len(esp) // SECTOR
    total = first + count + MIB // SECTOR
    last = total - TABLE_SECTORS - 2  # the last sector for partitions
    disk, partition = guid(b"disk", esp), guid(b"partition", esp)
    name = "EFI system partition".encode("utf-16le")
    entry = struct.pack("<16s16s3Q72s", ESP_TYPE.bytes_le, partition.bytes_le, first, first + count - 1, 0, name)
    entries = entry.ljust(ENTRIES * ENTRY_SIZE, b"\0")
    head = mbr(0xEE, 1, total - 1) + gpt_header(1, total - 1, 2, last, disk, entries) + entries
    tail = entries + gpt_header(total - 1, 1, last + 1, last, disk, entries)
    return head.ljust(START, b"\0") + esp + tail.rjust(MIB, b"\0")


def mbr_disk(esp):
    return mbr(0xEF, START // SECTOR, len(esp) // SECTOR).ljust(START, b"\0") + esp


def make_disk(layout, files):
    esp = fat(files, ESP_MIB, 32, 0 if layout == "bare" else START // SECTOR)
    return {"gpt": gpt_disk, "mbr": mbr_disk, "bare": bytes}[layout](esp)


def write_sparse(path, data):
    with open(path, "wb") as file:
        for at in range(0, len(data), MIB):
            if any(data[at : at + MIB]):
                file.seek(at)
                file.write(data[at : at + MIB])
        file.truncate(len(data))


def main():
    if len(sys.argv) < 4 or sys.argv[1] not in ("gpt", "mbr", "bare"):
        sys.exit("usage: disk.py gpt|mbr|bare OUT FILE=PATH-ON-DISK...")
    files = {}
    for word in sys.argv[3:]:
        source, _, path = word.partition("=")
        with open(source, "rb") as file:
            files[path] = file.read()
    write_sparse(sys.argv[2], make_disk(sys.argv[1], files))


if __name__ == "__main__":
    main()
