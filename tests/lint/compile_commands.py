#!/usr/bin/env python3
"""compile_commands.json for clangd and friends, on standard output.

usage: compile_commands.py 'FLAGS' FILE...   (what `make compile_commands.json` calls)

The desk's files get the flags given. The rest of the tree (efi/, kernel/, hal/x86_64) is added with
the target of the image, so that an editor knows every file.
"""
import glob
import json
import os
import shlex
import sys

IMAGE_FLAGS = (
    "--target=x86_64-unknown-windows -std=c11 -ffreestanding -fshort-wchar -mgeneral-regs-only"
    " -mno-red-zone -I. -Ihal/x86_64 -isystem /usr/include/efi -isystem /usr/include/efi/x86_64"
    " -DGNU_EFI_USE_MS_ABI"
)


def entry(path, flags):
    return {
        "directory": os.getcwd(),
        "file": path,
        "arguments": ["clang", *shlex.split(flags), "-c", path],
    }


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: compile_commands.py 'FLAGS' FILE...")
    desk = sys.argv[2:] + [p for p in glob.glob("tests/**/*.c", recursive=True)]
    image = [p for pattern in ("efi/*.c", "efi/[!id]*/*.c", "kernel/*.c", "kernel/*/*.c", "tests/kernel/*.c", "tests/kernel/*/*.c", "hal/x86_64/*.c", "hal/x86_64/*/*.c") for p in glob.glob(pattern)]
    commands = [entry(p, sys.argv[1]) for p in sorted(set(desk))]
    commands += [entry(p, IMAGE_FLAGS) for p in sorted(image)]
    json.dump(commands, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
