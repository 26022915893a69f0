#!/usr/bin/env python3
"""layers.py must turn red. Each row plants a violation in a copy of the sources, in a file of its own, and
expects the planted file below the rule's sentence; what is allowed is planted too, and must not be named.
The table of rooms is broken as well. That the sources as they are pass is shown by `make layers`. Ends with
"N passed, N failed".
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FOLDERS = ("efi", "kernel", "mm", "hal", "tests/lint", "tests/unit", "tests/kernel", "tests/test.h", "tests/test.c")


def body(line, count):
    return ["int f(int x);", "int f(int x)", "{"] + [f"    {line.format(i)}" for i in range(count)] + ["    return x;", "}"]


def many(lines, count):
    """A file of functions, to move a median."""
    text = []
    for i in range(count):
        text += [f"int planted_{i}(int x);", f"int planted_{i}(int x)", "{"] + ["    x++;"] * lines + ["    return x;", "}"]
    return text


# (sentence of the rule, file: its % becomes a number, lines). Without % the lines are added to that file.
RED = [
    ("efi/ may not include", "efi/%.c", ["#include <stdio.h>"]),
    ("efi/ may not include", "efi/%.c", ['#include "tests/test.h"']),
    ("efi/base/ may not include", "efi/base/%.c", ['#include "efi/talk/console.h"']),
    ("efi/talk/ may not include", "efi/talk/%.c", ['#include "efi/memory/map.h"']),
    ("efi/arch/ may not include", "efi/arch/%.h", ['#include "efi/memory/map.h"']),
    ("efi/x86_64/ may not include", "efi/x86_64/%.c", ['#include "efi/machine/tables.h"']),
    ("efi/memory/ may not include", "efi/memory/%.c", ['#include "efi/menu.h"']),
    ("efi/machine/ may not include", "efi/machine/%.c", ['#include "efi/report.h"']),
    ("efi/ may not include", "efi/%.c", ['#include "hal/x86_64/asm.h"']),
    ("kernel/ may not include", "kernel/%.c", ['#include "efi/base/loader.h"']),
    ("kernel/ may not include", "kernel/%.c", ['#include "tests/test.h"']),
    ("kernel/ may not include", "kernel/%.c", ["#include <string.h>"]),
    ("kernel/ may not include", "kernel/%.h", ['#include "kernel/log/log.h"']),
    ("kernel/ may not include", "kernel/%.c", ['#include "hal/host/host.h"']),
    ("kernel/log/ may not include", "kernel/log/%.c", ['#include "kernel/memory/memory.h"']),
    ("kernel/log/ may not include", "kernel/log/%.c", ['#include "tests/unit/suites.h"']),
    ("kernel/early/ may not include", "kernel/early/%.c", ['#include "kernel/memory/tables.h"']),
    ("kernel/memory/ may not include", "kernel/memory/%.c", ['#include "kernel/screen/screen.h"']),
    ("kernel/memory/ may not include", "kernel/memory/%.c", ['#include "kernel/trap/backtrace.h"']),
    ("kernel/machine/ may not include", "kernel/machine/%.c", ['#include "kernel/screen/display.h"']),
    ("kernel/screen/ may not include", "kernel/screen/%.c", ['#include "kernel/trap/panic.h"']),
    ("kernel/trap/ may not include", "kernel/trap/%.c", ['#include "kernel/cpus/cpus.h"']),
    ("kernel/cpus/ may not include", "kernel/cpus/%.c", ['#include "kernel/monitor/line.h"']),
    ("kernel/monitor/ may not include", "kernel/monitor/%.c", ['#include "hal/x86_64/asm.h"']),
    ("kernel/main.c/ may not include", "kernel/main.c", ['#include "tests/kernel/selftest.h"']),
    ("mm/ may not include", "mm/%.c", ['#include "kernel/boot_info.h"']),
    ("mm/ may not include", "mm/%.c", ['#include "hal/host/host.h"']),
    ("mm/ may not include", "mm/%.c", ['#include "hal/cpu.h"']),
    ("mm/ may not include", "mm/%.c", ["#  include <string.h>"]),
    ("hal/ may not include", "hal/%.h", ['#include "mm/pmm.h"']),
    ("hal/ may not include", "hal/%.h", ['#include "hal/x86_64/asm.h"']),
    ("hal/host/ may not include", "hal/host/%.c", ['#include "kernel/boot_info.h"']),
    ("hal/x86_64/ may not include", "hal/x86_64/%.c", ["#include <stdlib.h>"]),
    ("hal/x86_64/ may not include", "hal/x86_64/%.c", ['#include "hal/host/host.h"']),
    ("tests/ may not include", "tests/unit/%.c", ['#include "hal/x86_64/asm.h"']),
    ("tests/kernel/ may not include", "tests/kernel/%.c", ['#include "hal/x86_64/asm.h"']),
    ("no header but hal/hal.h", "mm/%.c", ['#include "port.h"']),
    ("no header but hal/hal.h", "kernel/%.c", ['#include "hal/host/port.h"']),
    ("only efi/base/uefi.h may include UEFI", "tests/unit/%.c", ["#include <efilib.h>"]),
    ("only efi/base/uefi.h may include UEFI", "efi/%.c", ["#include <efi.h>"]),
    ("modules include each other", "mm/status.c", ['#include "planted_circle.h"']),
    ("mm/ names its headers from", "mm/%.c", ['#include "mm/status.h"']),
    ("mm/ names its headers from", "mm/%.h", ['#include "hal/hal.h"']),
    ("mm/ names its headers from", "hal/hal.h", ['#include "hal/base.h"']),
    ("modules include each other", "kernel/log/planted_circle.h", ['#include "kernel/log/log.h"']),
    ("a .c implements its own header", "kernel/log/%.c", ['#include "kernel/log/log.h"', "uint64_t log_micros(void)", "{", "}"]),
    ("a .c implements its own header", "kernel/log/%.c", ['#include "kernel/options.h"', "void options_parse(char *text)", "{", "}"]),
    ("a .c implements its own header", "kernel/log/%.c", ['#include "hal/cpu.h"', "void cpu_own(void)", "{", "}"]),
    ("a .c implements its own header", "mm/%.c", ["struct pmm;", "void pmm_drain(struct pmm *p)", "{", "}"]),
    ("a folder holds at most", "kernel/crowd/m%.c", [""]),
    ("UEFI types stop", "kernel/boot_info.h", ["EFI_HANDLE image;"]),
    ("UEFI types stop", "mm/%.h", ["UINTN pages(void);"]),
    ("mm/ does not print", "mm/%.c", ["void f(void);", 'void f(void) { printf("x"); }']),
    ("assembly stands in", "mm/%.c", ['static inline void f(void) { __asm__ volatile("cli"); }']),
    ("assembly stands in", "mm/%.S", ["cli"]),
    ("assembly stands in", "kernel/trap/%.c", ['static inline void f(void) { __asm__ volatile("cli"); }']),
    ("assembly stands in", "efi/talk/%.c", ['static inline void f(void) { asm("cli"); }']),
    ("nobody asks for which machine", "kernel/log/%.c", ["#ifdef __x86_64__", "#endif"]),
    ("nobody asks for which machine", "mm/%.h", ["#if defined(__aarch64__)", "#endif"]),
    ("long has 32 bits", "kernel/%.c", ["unsigned long x;"]),
    ("long has 32 bits", "tests/unit/%.c", ["long long x;"]),
    ("the suffixes L and UL", "mm/%.h", ["#define X 1UL"]),
    ("the suffixes L and UL", "mm/%.h", ["#define X 0x10ull"]),
    ("mm/ has no variable", "mm/%.c", ["int counter;"]),
    ("mm/ has no variable", "mm/%.c", ["int f(void);", "int f(void) { static int n = 4; return ++n; }"]),
    ("mm/ calls nothing outside", "mm/%.c", ["int f(void);", "int rand(void);", "int f(void) { return rand(); }"]),
    ("does not compile", "mm/%.c", ["int f(void) {"]),
    ("functions have at most 50", "mm/%.c", body("x++;", 50)),
    ("functions have at most 50", "kernel/log/%.c", body("x++;", 50)),
    ("functions have at most 50", "hal/x86_64/pc/%.c", body("x++;", 50)),
    ("functions have at most 50", "efi/talk/%.c", body("x++;", 50)),
    ("functions have at most McCabe", "mm/%.c", body("x += x == {0};\n    if (x == {0}) x++;", 10)),
    ("functions have at most McCabe", "kernel/%.c", body("if (x == {0}) x++;", 10)),
]
GREEN = [
    ("mm/%.c", ["/* a long story, printf() and 1UL", " * EFI_HANDLE asm __x86_64__ */", "extern const char text[];",
                'const char text[] = "long 1UL asm printf(";', "enum { C = '\"', D };"]),
    ("mm/%.c", ["#include <stdint.h>", '#include "status.h"', '#include "../hal/hal.h"',
                'static const char *const names[] = {"a", "b"};', "const char *f(uint32_t i);",
                "const char *f(uint32_t i) { return names[i & 1]; }"]),
    ("mm/%.c", body("x++;", 45)),
    ("efi/%.c", ['#include "efi/base/uefi.h"', '#include "kernel/boot_info.h"']),
    ("kernel/monitor/%.c", ['#include "kernel/cpus/cpus.h"', '#include "hal/machine.h"', '#include "kernel/options.h"']),
    ("kernel/trap/%.c", ['#include "hal/hal.h"', "_Noreturn void hal_panic(const char *what, const char *file, int line)", "{", "}"]),
    ("hal/x86_64/%.c", ['#include "hal/cpu.h"', "void cpu_own(void)", "{", '    __asm__ volatile("cli");', "}"]),
    ("tests/kernel/x86_64/%.c", ['#include "hal/x86_64/asm.h"']),
    ("tests/unit/%.c", ["#include <stdio.h>", '#include "kernel/log/log.h"']),
]  # fmt: skip
# (sentence, what stands in the table, what stands there then); all at once
TABLE = [
    ("the table of rooms has a circle", '"kernel/log": "hal kernel"', '"kernel/log": "hal kernel kernel/monitor"'),
    ("the table names a room", '"hal/any": "hal"', '"hal/any": "hal hal/attic"'),
    ("the median function", "LINES_MOST, LINES_MEDIAN, MCCABE_MOST = 50, 12, 10", "LINES_MOST, LINES_MEDIAN, MCCABE_MOST = 50, 2, 10"),
]

results = []


def check(name, ok, answer):
    results.append(ok)
    if not ok:
        print(f"FAIL {name}\n" + "\n".join(line for line in answer.split("\n") if name.rsplit("/", 1)[-1].split(".")[0] in line))


def copy_tree(to):
    os.makedirs(os.path.join(to, "tests"))
    for name in FOLDERS:
        copy = shutil.copytree if os.path.isdir(os.path.join(ROOT, name)) else shutil.copy
        copy(os.path.join(ROOT, name), os.path.join(to, name))


def plant(to, number, file, lines):
    path = os.path.join(to, file.replace("%", f"plant{number}"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "a", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    return os.path.relpath(path, to)


def run(copy):
    said = subprocess.run([sys.executable, os.path.join(copy, "tests/lint/layers.py")], capture_output=True, text=True, check=False)
    return said.returncode, said.stderr


def below(answer, sentence):
    """The findings below a rule whose sentence begins so."""
    found = re.search(rf"^layers: {re.escape(sentence)}.*\n((?:    .*\n)*)", answer, re.M)
    return found.group(1) if found else ""


def main():
    with tempfile.TemporaryDirectory() as clean:
        copy_tree(clean)
        path = os.path.join(clean, "tests/lint/layers.py")
        with open(path, encoding="utf-8") as file:
            text = broken = file.read()
        for _, old, new in TABLE:
            broken = broken.replace(old, new)
        with open(path, "w", encoding="utf-8") as file:
            file.write(broken)
        status, answer = run(clean)
        for sentence, old, _ in TABLE:
            check(sentence, old in text and status == 1 and below(answer, sentence) != "", answer)
    with tempfile.TemporaryDirectory() as copy:
        copy_tree(copy)
        for i in range(13):
            plant(copy, f"_crowd{i}", "kernel/crowd/m%.c", [""])
        plant(copy, "", "mm/planted_circle.h", ['#include "status.h"'])
        plant(copy, "", "kernel/log/format.h", ['#include "kernel/log/planted_circle.h"'])
        red = [(sentence, plant(copy, i, file, lines)) for i, (sentence, file, lines) in enumerate(RED)]
        green = [plant(copy, f"_green{i}", file, lines) for i, (file, lines) in enumerate(GREEN)]
        status, answer = run(copy)
        check("layers.py ends with status 1", status == 1, answer)
        for sentence, path in red:
            name = os.path.dirname(path) if "crowd" in path else path.rsplit(".", 1)[0]
            check(f"{sentence}: {path}", name in below(answer, sentence), answer)
        for path in green:
            check(f"no word about {path}", path not in answer, answer)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


sys.exit(main())
