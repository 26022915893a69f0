#!/usr/bin/env python3
"""Does each fuzz target find an error? One is planted in a copy of the sources, the target is built
from that and run from its seeds; it must end with an input that fails.

    plant.py [--seconds S] [TARGET...]      default: all, 60 s at most each

A target without an error in the list below fails, and so does one whose error cannot be planted any
more. Ends with "N passed, N failed".
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Target, and what follows '-' when it has several: the file, what stands there once, and what is to stand there.
PLANTS = {
    "acpi": ("kernel/machine/acpi_table.c", "e->bytes[1] > left", "e->bytes[1] > left + 1"),
    "acpi-hmat": ("kernel/machine/hmat/hmat.c", "4 * rows + 4 * columns + 2 * rows * columns > room", "0 != 0"),
    "aspace": ("mm/tlb_gather.h", "(at - g->first) / HAL_PAGE_SIZE + 1", "(at - g->first) / HAL_PAGE_SIZE"),
    "device_tree": ("kernel/machine/tree/fdt.c", "lies_inside(size, strings, f->strings_size)", "lies_inside(size, strings, 0)"),
    "format": ("kernel/log/format.c", "n < width", "n <= width"),
    "memmap": ("mm/mem_sweep.c", "end = hal_align_down(end, HAL_PAGE_SIZE);", "end = hal_align_up(end, HAL_PAGE_SIZE);"),
    "monitor": ("kernel/monitor/line.c", "l->length == LINE_MAX", "l->length == LINE_MAX + 1"),
    "nodes": ("mm/pmm_machine.c", "if (from == to)", "if (from + 1 == to)"),
    "options": ("kernel/options.c", "used < WORD_SIZE - 1", "used < WORD_SIZE"),
    "pmm": ("mm/pmm.c", "if (pages > inside) {", "if (pages > inside + 1) {"),
    "reader": ("tests/sim/reader.c", "r->skipped++;", ";"),
    "reloc": ("kernel/early/pe.c", "site + 8 > m->image->size", "site + 7 > m->image->size"),
    "report": ("efi/report.c", "U(m.attributes)", "U(m.attributes & UINT32_MAX)"),
    "smbios": ("kernel/ram/smbios.c", "offset + width > item->length", "offset > item->length"),
    "words": ("efi/base/words.c", "r->length + needed >= r->capacity", "r->length + needed > r->capacity"),
}


def make(folder, target):
    return subprocess.run(["make", "-s", "-C", folder, "BUILD=build", f"build/host/fuzz-{target}"], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # fmt: skip


def copy_tree(folder, target):
    """The sources, and what of mm/ and kernel/ is built for fuzzing already; the target itself is built anew."""
    for part in ("Makefile", "efi", "hal", "kernel", "mm", "tests"):
        source = ROOT / part
        shutil.copytree(source, os.path.join(folder, part)) if source.is_dir() else shutil.copy(source, folder)
    built = ROOT / os.environ.get("BUILD", "build") / "desk" / "fuzz"
    if built.is_dir():
        shutil.copytree(built, os.path.join(folder, "build", "desk", "fuzz"))
        pathlib.Path(folder, f"build/desk/fuzz/tests/fuzz/{target}.o").unlink(missing_ok=True)


def find(folder, target, seconds):
    """Whether the target found something, and what it said."""
    found = os.path.join(folder, "found")
    os.mkdir(found)
    seeds = ROOT / "tests/fuzz/corpus" / target
    run = subprocess.run([os.path.join(folder, f"build/host/fuzz-{target}"), f"-max_total_time={seconds}", "-rss_limit_mb=4096",
                          f"-artifact_prefix={folder}/", found, *([str(seeds)] if seeds.is_dir() else [])], check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="latin-1")  # fmt: skip
    return run.returncode != 0 and "Test unit written to" in run.stdout, run.stdout


def plant(error, seconds):
    """None, or why the planted error was not found."""
    if error not in PLANTS:
        return "no error is listed for it in tests/fuzz/plant.py"
    name, old, new = PLANTS[error]
    target = error.partition("-")[0]
    with tempfile.TemporaryDirectory() as folder:
        copy_tree(folder, target)
        path = pathlib.Path(folder, name)
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            return f"{old!r} does not stand once in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")
        built = make(folder, target)
        if built.returncode != 0:
            return "it does not build:\n" + built.stdout[-2000:]
        well, said = find(folder, target, seconds)
        return None if well else f"{new!r} in {name} was not found:\n" + said[-500:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("target", nargs="*")
    arguments = parser.parse_args()
    targets = arguments.target or sorted(path.stem for path in (ROOT / "tests/fuzz").glob("*.c"))
    errors = [e for t in targets for e in sorted(p for p in PLANTS if t in (p, p.partition("-")[0])) or [t]]
    failed = 0
    for error in errors:
        why = plant(error, arguments.seconds)
        failed += why is not None
        print(f"fuzz-{error}: {'its planted error is found' if why is None else 'FAILED: ' + why}", flush=True)
    print(f"{len(errors) - failed} passed, {failed} failed")
    return 1 if failed or not errors else 0


sys.exit(main())
