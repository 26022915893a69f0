#!/usr/bin/env python3
"""Print where the FAT file system that firmware boots from begins in a disk image, in bytes.

usage: esp_offset.py IMAGE

Knows GPT (the EFI system partition, also behind an ISO 9660 file system), MBR (the first partition
of type 0xEF) and a bare FAT file system (0). Exit status 1 with a sentence for anything else.
"""
import struct
import sys
import uuid

SECTOR = 512
ESP = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b").bytes_le


def gpt_offset(data):
    table, count, size = struct.unpack_from("<Q2I", data, SECTOR + 72)
    for at in range(table * SECTOR, table * SECTOR + count * size, size):
        if data[at : at + 16] == ESP:
            return struct.unpack_from("<Q", data, at + 32)[0] * SECTOR
    sys.exit("esp_offset.py: the GPT has no EFI system partition")


def esp_offset(data):
    if data[510:512] != b"\x55\xaa":
        sys.exit("esp_offset.py: sector 0 has no signature: this is no disk image")
    if b"FAT" in (data[54:57], data[82:85]):
        return 0
    if data[SECTOR : SECTOR + 8] == b"EFI PART":
        return gpt_offset(data)
    for at in range(446, 510, 16):
        if data[at + 4] == 0xEF:
            return struct.unpack_from("<I", data, at + 8)[0] * SECTOR
    sys.exit("esp_offset.py: no partition of this disk is an EFI system partition")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: esp_offset.py IMAGE")
    with open(sys.argv[1], "rb") as file:
        print(esp_offset(file.read(1 << 20)))


if __name__ == "__main__":
    main()
