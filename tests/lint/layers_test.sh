#!/bin/sh
# tests/lint/layers_test.sh: layers.sh must turn red. Each row plants one violation in a copy of the
# sources and expects the rule's sentence and the planted file in the answer; what is allowed is
# planted too, and must not be named.
# Ends with "N passed, N failed".
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d) || exit 1
trap 'rm -rf "$copy"' EXIT
passed=0
failed=0

mkdir "$copy/tests"
for folder in efi kernel mm hal tests/lint tests/unit tests/test.h tests/test.c; do
    [ ! -e "$root/$folder" ] || cp -R "$root/$folder" "$copy/$folder"
done

# All plants stand in one copy, each in a file of its own, and layers.sh runs once.
planted=0
red() { # SENTENCE FILE LINE...: the % of FILE makes the name unique; no % means an existing file
    planted=$((planted + 1))
    file=$copy/$(echo "$2" | sed "s/%/plant$planted/")
    mkdir -p "$(dirname "$file")"
    printf '%s|%s\n' "$1" "$(basename "$file" | sed 's/\.c$//')" >>"$copy/expected"
    shift 2
    printf '%s\n' "$@" >>"$file"
}

green() { # FILE LINE...: no word about the file
    red - "$@"
}

check() { # SENTENCE NAME
    if [ "$1" = - ]; then
        ! grep -q "$2[.]" "$copy/out"
    else
        sed -n "/^layers: $1/,/^layers:/p" "$copy/out" | grep -q "^    .*$2"
    fi
}

check_all() {
    sh "$copy/tests/lint/layers.sh" >"$copy/out" 2>&1
    [ $? -eq 1 ] || { failed=$((failed + 1)); echo "FAIL layers.sh did not end with status 1"; }
    while IFS='|' read -r sentence name; do
        if check "$sentence" "$name"; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "FAIL $name: expected '$sentence'; layers.sh says of it:"
            grep "${name}[.]" "$copy/out"
        fi
    done <"$copy/expected"
}

red "efi. may not include" efi/%.c '#include <stdio.h>'
red "efi. may not include" efi/%.c '#include "tests/test.h"'
red "efi.base. may not include" efi/base/%.c '#include "efi/talk/console.h"'
red "efi.talk. may not include" efi/talk/%.c '#include "efi/memory/map.h"'
red "efi.arch. may not include" efi/arch/%.h '#include "efi/memory/map.h"'
red "efi.x86_64. may not include" efi/x86_64/%.c '#include "efi/machine/tables.h"'
red "efi.memory. may not include" efi/memory/%.c '#include "efi/menu.h"'
red "efi.machine. may not include" efi/machine/%.c '#include "efi/report.h"'
red "kernel. may not include" kernel/%.c '#include "efi/base/loader.h"'
red "kernel. may not include" kernel/%.c '#include "tests/test.h"'
red "kernel. may not include" kernel/%.c '#include <efi.h>'
red "mm. may not include" mm/%.c '#include "kernel/boot_info.h"'
red "mm. may not include" mm/%.c '#include "hal/host/host.h"'
red "mm. may not include" mm/%.c '#  include <string.h>'
red "hal. may include nothing above" hal/%.h '#include "mm/pmm.h"'
red "hal. may include nothing above" hal/host/%.c '#include "kernel/boot_info.h"'
red "hal.x86_64. may use only" hal/x86_64/%.c '#include <stdlib.h>'
red "no header of hal" mm/%.c '#include "port.h"'
red "kernel. and mm. know no port" kernel/%.c '#include "hal/host/host.h"'
red "only efi.base.uefi.h may include UEFI" tests/unit/%.c '#include <efilib.h>'
red "only efi.base.uefi.h may include UEFI" efi/%.c '#include <efi.h>'
red "UEFI types stop" kernel/boot_info.h 'EFI_HANDLE image;'
red "UEFI types stop" mm/%.h 'UINTN pages(void);'
red "mm. does not print" mm/%.c 'void f(void);' 'void f(void) { printf("x"); }'
red "mm. holds no assembly" mm/%.c 'static inline void f(void) { __asm__ volatile("cli"); }'
red "mm. holds no assembly" mm/%.S 'cli'
red "long has 32 bits" kernel/%.c 'unsigned long x;'
red "long has 32 bits" tests/unit/%.c 'long long x;'
red "the suffixes L and UL" mm/%.h '#define X 1UL'
red "the suffixes L and UL" mm/%.h '#define X 0x10ull'
red "mm. has no variable" mm/%.c 'int counter;'
red "mm. has no variable" mm/%.c 'int f(void);' 'int f(void) { static int n = 4; return ++n; }'
red "mm. calls nothing outside" mm/%.c 'int f(void);' 'int rand(void);' 'int f(void) { return rand(); }'
red "functions of mm. have at most 50" mm/%.c 'int f(int x);' 'int f(int x) {' \
    "$(i=0; while [ $i -lt 50 ]; do echo '    x++;'; i=$((i + 1)); done)" '    return x; }'
red "functions of mm. have at most McCabe" mm/%.c 'int f(int x);' 'int f(int x) {' \
    "$(i=0; while [ $i -lt 10 ]; do echo "    if (x == $i) x++;"; i=$((i + 1)); done)" '    return x; }'

green mm/%.c '/* a long story, printf() and 1UL' ' * EFI_HANDLE asm */' \
    'extern const char text[];' 'const char text[] = "long 1UL asm printf(";' 'enum { C = '"'\"'"', D };'
green mm/%.c '#include <stdint.h>' '#include "mm/status.h"' '#include "hal/hal.h"' \
    'static const char *const names[] = {"a", "b"};' 'const char *f(uint32_t i);' \
    'const char *f(uint32_t i) { return names[i & 1]; }'
green efi/%.c '#include "efi/base/uefi.h"' '#include "kernel/boot_info.h"'
red "kernel. may not include" kernel/log/%.c '#include "tests/unit/suites.h"'

check_all
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
