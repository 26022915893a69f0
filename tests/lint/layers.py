#!/usr/bin/env python3
"""Prove who may include whom, and the house rules that need no compiler.

usage: layers.py

Everything that it goes by stands in the tables below: a row a room. A file belongs to the deepest room
that its path begins with, and may always include its own room. Each violation is a line below the
sentence of its rule; the exit status is then 1.
"""
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

from csource import read_tree

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PRODUCT = ("efi", "kernel", "mm", "hal")

# The rooms and what each may include besides itself, from the ground up: nobody includes a room below his.
ROOMS = {
    "hal": "",
    "hal/any": "hal",
    "hal/host": "hal",
    "hal/x86_64": "hal",
    "hal/x86_64/pc": "hal hal/x86_64",
    "hal/x86_64/mtrr": "hal hal/x86_64",
    "hal/x86_64/start": "hal hal/x86_64 hal/x86_64/mtrr",
    "hal/aarch64": "hal",
    "hal/aarch64/board": "hal hal/aarch64",
    "hal/aarch64/start": "hal hal/aarch64",
    "mm": "hal",
    "kernel": "hal mm",
    "kernel/log": "hal kernel",
    "kernel/early": "hal mm kernel kernel/log",
    "kernel/memory/bad.h": "hal mm",
    "kernel/monitor/bad_words.h": "hal kernel/log",
    "kernel/memory": "hal mm kernel kernel/log kernel/early kernel/memory/bad.h",
    "kernel/machine/acpi_facts.h": "hal",
    "kernel/machine/acpi_table.h": "hal kernel/machine/acpi_facts.h",
    "kernel/machine/tree": "hal kernel/machine/acpi_facts.h",
    "kernel/machine/hmat": "hal kernel/machine/acpi_facts.h kernel/machine/acpi_table.h",
    "kernel/machine": "hal mm kernel kernel/log kernel/memory kernel/machine/acpi_facts.h kernel/machine/acpi_table.h kernel/machine/tree"
    " kernel/machine/hmat",
    "kernel/serial": "hal mm kernel kernel/log kernel/machine kernel/machine/acpi_facts.h kernel/machine/tree",
    "kernel/ram": "hal mm kernel kernel/log kernel/machine",
    "kernel/screen": "hal mm kernel kernel/log kernel/early kernel/memory kernel/machine",
    "kernel/trap": "hal mm kernel kernel/log kernel/early kernel/memory kernel/screen",
    "kernel/cpus": "hal mm kernel kernel/log kernel/early kernel/memory kernel/machine kernel/trap",
    "kernel/monitor": "hal mm kernel kernel/log kernel/monitor/bad_words.h kernel/memory kernel/machine kernel/screen kernel/trap kernel/cpus",
    "kernel/main.c": "hal mm kernel kernel/log kernel/early kernel/memory kernel/machine kernel/serial kernel/ram kernel/screen kernel/trap"
    " kernel/cpus kernel/monitor",
    "efi/base": "hal mm kernel kernel/log kernel/early",
    "efi/talk": "hal mm kernel kernel/log kernel/monitor/bad_words.h efi/base",
    "efi/arch": "hal efi/base efi/talk",
    "efi/x86_64": "hal hal/x86_64 mm kernel kernel/log efi/base efi/talk efi/arch",
    "efi/aarch64": "hal hal/aarch64 mm kernel kernel/log efi/base efi/talk efi/arch",
    "efi/memory": "hal mm kernel kernel/log efi/base efi/talk efi/arch",
    "efi/machine": "hal mm kernel kernel/log kernel/memory/bad.h kernel/machine kernel/ram efi/base efi/talk efi/arch efi/memory",
    "efi": "hal mm kernel kernel/log efi/base efi/talk efi/arch efi/memory efi/machine",
    "efi/ia32": "efi/base",
    "tests": "hal hal/host mm kernel kernel/log kernel/early kernel/memory kernel/memory/bad.h kernel/monitor/bad_words.h kernel/machine kernel/machine/tree kernel/machine/hmat kernel/ram kernel/screen kernel/trap"
    " kernel/cpus kernel/monitor efi efi/base efi/talk efi/arch efi/memory efi/machine tests/kernel",
    "tests/kernel": "hal mm kernel kernel/log kernel/early kernel/memory kernel/machine kernel/screen kernel/trap"
    " kernel/cpus tests",
    "tests/kernel/x86_64": "hal hal/x86_64 tests tests/kernel kernel kernel/cpus",
    "tests/kernel/aarch64": "hal hal/aarch64 tests tests/kernel",
    "tests/boot/shim": "hal efi/base tests",
    "tests/boot/shim/x86_64": "hal hal/x86_64 efi/base tests/boot/shim",
    "tests/boot/shim/aarch64": "hal hal/aarch64 efi/base tests/boot/shim",
    # The desk's tests of one architecture.
    "tests/model/refuse.c": "hal hal/x86_64 efi/arch efi/x86_64 tests",
    "tests/model/mtrr.c": "hal hal/x86_64/mtrr tests",
    "tests/model/unfit.c": "hal hal/x86_64/pc mm kernel kernel/log kernel/memory kernel/machine tests",
    "tests/model/apic.c": "hal hal/x86_64 tests",
    "tests/model/pl011.c": "hal hal/any tests",
    "tests/model/early_console.c": "hal kernel kernel/log kernel/machine kernel/machine/tree kernel/serial tests",
    "tests/model/serial.c": "hal hal/any hal/x86_64 hal/x86_64/pc kernel/machine kernel/serial tests",
}
# Of hal/, mm/ knows these alone: other kernels take it with them.
MM_KNOWS = ("hal/base.h", "hal/hal.h")
# What stands in no folder of the tree: the include path chooses it, or the build makes it.
MADE = ("port.h", "wide.h")
# A library of C for WebAssembly, with its names; nobody else includes it.
LIBRARY = ("tests/page/libc",)
# Headers of no library: all that the product may use. The desk may use any.
FREESTANDING = "stdalign stdarg stdatomic stdbool stddef stdint limits stdnoreturn".split()
DESK = ("hal/host", "tests")
# It undoes what gnu-efi does to __attribute__, so nobody else may include UEFI headers.
UEFI = "efi/base/uefi.h"

# A .c implements the header of its name. Where it lies in another folder: who implements whose headers.
IMPLEMENTS = {
    "hal/any": "hal hal/any/uart.h",
    "hal/x86_64": "hal hal/x86_64/port.h",
    "hal/aarch64": "hal hal/aarch64/port.h",
    "hal/host": "hal hal/host",
    "efi/x86_64": "efi/arch",
    "efi/aarch64": "efi/arch",
    "tests/boot/shim/x86_64": "tests/boot/shim",
    "tests/boot/shim/aarch64": "tests/boot/shim",
    "tests/kernel": "kernel tests tests/kernel",
}
# What the kernel supplies to the port below it, as those headers ask.
SUPPLIED = "hal_panic trap_fatal cpu_kicked cpu_struck hal_tlb_shootdown hal_call_others".split()
ENTRY = {"efi/ia32/main.c": ["efi_main"]}  # a program of its own

MODULES_MOST = 12  # a .c with its header, in a folder
LINES_MOST, LINES_MEDIAN, MCCABE_MOST = 50, 12, 10

# Folders of an architecture: assembly, and what only this one has.
ARCH = ("hal/x86_64", "hal/aarch64", "hal/host", "efi/x86_64", "efi/aarch64", "efi/ia32", "tests")
DATA = ("efi/sbat.S",)  # no instruction in it
# They choose by the compiler's word: the format of page tables, and what a CPU has no instruction for.
CHOICES = ("mm/page_entry.h", "mm/bits.h")

HAL_FOR_MM = (
    "hal_zero_pages hal_panic hal_paging_features hal_load_root hal_root hal_tlb_flush_page hal_tlb_flush_local"
    " hal_tlb_flush_all hal_tlb_added hal_tlb_page_limit hal_tlb_shootdown hal_call_others"
).split()
# hal/host's inline functions and the compiler call these.
CALLED_BY_OTHERS = (
    "host_cpu_index host_ram host_lock_wait clock_gettime memcpy memset memmove memcmp __tls_get_addr"
    " _GLOBAL_OFFSET_TABLE_"
).split()

violations = []


def bad(rule, found):
    for line in found:
        violations.append((rule, line))


def room_of(path):
    while path and path not in ROOMS:
        path = os.path.dirname(path)
    return path


def inside(path, folders):
    return any(path == f or path.startswith(f + "/") for f in folders)


# ---- includes ----


def resolve(source, name):
    """The same with the path from the top of the tree, where it is written from the folder of the file."""
    target = os.path.normpath(os.path.join(source.folder, name[1:-1]))
    return f'"{target}"' if name[0] == '"' and os.path.exists(os.path.join(TOP, target)) else name


def check_moves(source, number, name):
    """Other kernels put mm/ and its two headers of hal/ below a path of their own."""
    if name[0] == '"' and name != '"port.h"' and resolve(source, name) == name:
        bad("mm/ names its headers from its own folder", [f"{source.path}:{number}:{name}"])


def may_include(source, room, name):
    if name.startswith("<"):
        header = name[1:-1]
        return inside(source.path, DESK) or header.rsplit(".", 1)[0] in FREESTANDING or header.startswith("efi")
    target = name[1:-1]
    if room == "mm" and target.startswith("hal/"):
        return target in MM_KNOWS
    if "/" not in target:
        return target in MADE or os.path.exists(os.path.join(TOP, os.path.dirname(source.path), target))
    return room_of(target) in [room, *ROOMS[room].split()]


def check_includes(tree):
    for source in tree:
        room = room_of(source.path)
        for number, name in source.includes:
            if room == "mm" or source.path in MM_KNOWS:
                check_moves(source, number, name)
            name = resolve(source, name)
            where = f"{source.path}:{number}:{name}"
            if not may_include(source, room, name):
                bad(f"{room}/ may not include this", [where])
            if re.search(r'["/]port\.h"$', name) and source.path != "hal/hal.h" and not source.path.startswith("tests/embed/"):
                bad("no header but hal/hal.h includes port.h; nobody else may", [where])
            if re.match(r"[<\"]efi[a-z]*\.h", name) and source.path != UEFI:
                bad(f"only {UEFI} may include UEFI headers", [where])


def check_rooms():
    """What the table allows has no circle: so no includes among rooms have one."""
    order = list(ROOMS)
    for room in order:
        for other in ROOMS[room].split():
            if other not in ROOMS:
                bad("the table names a room that does not exist", [f"{room}: {other}"])
            elif order.index(other) >= order.index(room) and not room.startswith("tests"):
                bad("the table of rooms has a circle", [f"{room}: {other}"])


def module_of(path):
    return path.rsplit(".", 1)[0]


def check_circles(tree):
    """No circle among modules, a .c and its header being one."""
    arrows = {}
    for source in tree:
        if source.path.startswith(PRODUCT):
            targets = {module_of(resolve(source, name)[1:-1]) for _, name in source.includes if name[0] == '"'}
            arrows.setdefault(module_of(source.path), set()).update(targets)
    state = {}

    def visit(module, path):
        state[module] = "open"
        for other in sorted(arrows.get(module, ())):
            if other == module or state.get(other) == "done" or other not in arrows:
                continue
            if state.get(other) == "open":
                circle = path[path.index(other) :] + [other]
                bad("modules include each other in a circle", [" -> ".join(circle)])
            else:
                visit(other, path + [other])
        state[module] = "done"

    for module in sorted(arrows):
        if module not in state:
            visit(module, [module])


# ---- headers and folders ----


def check_headers(tree):
    declared = {}
    for source in tree:
        if source.ending == ".h" and not inside(source.path, LIBRARY):
            for name in source.functions(";"):
                declared.setdefault(name, []).append(source.path)
    for source in tree:
        if source.ending != ".c" or not inside(source.path, (*PRODUCT, "tests/kernel")):
            continue
        room = room_of(source.path)
        others = next((IMPLEMENTS[f] for f in IMPLEMENTS if inside(source.path, [f])), "").split()
        for name in source.functions("{"):
            where = declared.get(name)
            if where is None or name in SUPPLIED and room.startswith("kernel") or name in ENTRY.get(source.path, ()):
                continue
            own = source.path[:-2] + ".h"
            if own not in where and not any(w in others or os.path.dirname(w) in others for w in where):
                bad("a .c implements its own header and no other", [f"{source.path}: {name}() of {', '.join(where)}"])


def check_folders(tree):
    folders = {}
    for source in tree:
        if source.ending == ".c" and inside(source.path, ("efi", "kernel", "hal")):
            folders.setdefault(source.folder, []).append(source.stem)
    for folder, modules in folders.items():
        if len(modules) > MODULES_MOST:
            bad(f"a folder holds at most {MODULES_MOST} modules", [f"{folder}: {len(modules)}"])


# ---- words ----

LONG = r"(^|[^\w])long([^\w]|$)"
SUFFIX = r"(^|[^\w])(0[xX][0-9a-fA-F]+|[0-9]+)([uU]?[lL]{1,2}|[lL]{1,2}[uU])([^\w]|$)"
ASSEMBLY = r"(^|[^\w])(asm|__asm|__asm__)([^\w]|$)"
PRINT = r"(^|[^\w])(v?f?printf|v?s?n?printf|puts|putchar|log_[a-z]+|kprintf)\s*\("
UEFI_TYPE = r"(^|[^\w])(EFI_[A-Z_]+|UINTN|CHAR16|EFIAPI)([^\w]|$)"
MACHINE = r"(__x86_64__|__aarch64__|__riscv|_M_X64|_M_ARM64|__i386__)"


def check_words(tree):
    for source in tree:
        path = source.path
        bad("long has 32 bits in the kernel and 64 on the desk: use a fixed width", source.find(LONG))
        bad("the suffixes L and UL mean long", source.find(SUFFIX))
        if inside(path, ("kernel", "mm", "hal")):
            bad("UEFI types stop at kernel/boot_info.h", source.find(UEFI_TYPE))
        if inside(path, ("mm",)):
            bad("mm/ does not print", source.find(PRINT))
        if not inside(path, ARCH):
            bad("assembly stands in the folder of an architecture", source.find(ASSEMBLY))
            bad("assembly stands in the folder of an architecture", [path] if source.ending == ".S" and path not in DATA else [])
            bad("nobody asks for which machine this is compiled", source.find(MACHINE) if path not in CHOICES else [])


# ---- objects of mm/ ----


def symbols_of(tree, folder):
    """(file, name, kind) of each symbol. -fno-pic keeps constant tables of pointers out of .data."""
    nm = shutil.which("llvm-nm") or shutil.which("nm")
    if nm is None:
        bad("objects cannot be looked into", ["llvm-nm is missing (package llvm)"])
        return
    for source in tree:
        if source.folder != "mm" or source.ending != ".c":
            continue
        made = os.path.join(folder, source.stem + ".o")
        flags = "-std=c11 -O1 -fno-pic -I. -Ihal/host -D_GNU_SOURCE -c".split()
        compiler = os.environ.get("LAYERS_CC", "clang")
        if subprocess.run([compiler, *flags, source.path, "-o", made], cwd=TOP, check=False).returncode != 0:
            bad("does not compile", [source.path])
            continue
        for line in subprocess.run([nm, made], capture_output=True, text=True, check=True).stdout.split("\n"):
            words = line.split()
            if len(words) >= 2:
                yield source.path, words[-1], words[-2]


def check_objects(tree):
    """mm/ has no variable that can change, and calls nothing but itself and the hal."""
    with tempfile.TemporaryDirectory() as folder:
        symbols = list(symbols_of(tree, folder))
    known = {name for _, name, kind in symbols if kind in "TRWV"} | {*HAL_FOR_MM, *CALLED_BY_OTHERS}
    for path, name, kind in symbols:
        if kind in "bBdDcCsSgG":
            bad("mm/ has no variable that can change", [f"{path}: {name}"])
        if kind == "U" and name not in known:
            bad("mm/ calls nothing outside but the hal", [f"{path}: {name}"])


# ---- functions ----


def check_functions(tree):
    """Columns of pmccabe: modified McCabe, McCabe, statements, first line, lines, FILE(LINE): NAME."""
    if shutil.which("pmccabe") is None:
        bad("functions cannot be measured", ["pmccabe is missing (package pmccabe)"])
        return
    for folder in PRODUCT:
        files = [s.path for s in tree if s.ending == ".c" and inside(s.path, [folder])]
        said = subprocess.run(["pmccabe", *files], cwd=TOP, capture_output=True, text=True, check=True).stdout
        rows = [line.split("\t") for line in said.strip().split("\n") if line]
        bad(f"functions have at most {LINES_MOST} lines", ["\t".join(r) for r in rows if int(r[4]) > LINES_MOST])
        bad(f"functions have at most McCabe {MCCABE_MOST}", ["\t".join(r) for r in rows if int(r[1]) > MCCABE_MOST])
        median = statistics.median(int(r[4]) for r in rows) if rows else 0
        if median > LINES_MEDIAN:
            bad(f"the median function has at most {LINES_MEDIAN} lines", [f"{folder}: {median}"])


def main():
    tree = read_tree(TOP, (*PRODUCT, "tests"))
    check_rooms()
    for check in (check_includes, check_circles, check_headers, check_folders, check_words, check_objects, check_functions):
        check(tree)
    for rule in dict.fromkeys(rule for rule, _ in violations):
        print(f"layers: {rule}:", file=sys.stderr)
        for line in (line for r, line in violations if r == rule):
            print(f"    {line}", file=sys.stderr)
    if not violations:
        print("layers: every room knows only what it may")
    return 1 if violations else 0


sys.exit(main())
