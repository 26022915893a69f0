#!/bin/sh
# tests/lint/layers.sh: prove the layer rule and the house rules that a grep can see.
#
#   efi/     may include kernel/ mm/ hal/, and efi/base/uefi.h is the only place that includes the
#            UEFI headers; a room of it knows only the rooms below: base, talk, arch, memory, machine
#   kernel/  may include mm/ hal/, and never tests/: tests/kernel supplies its self-test
#   mm/      may include mm/, hal/base.h, hal/hal.h and the C headers that need no library;
#            no printing, no assembly, no variable that can change
#   hal/     may include hal/ only
#
# Everywhere: no `long`, no UL suffix (the kernel is LLP64, the desk LP64). In mm/: functions of at
# most 50 lines and McCabe 10. Run from anywhere; says each violation and ends with status 1.
set -u
cd "$(dirname "$0")/../.." || exit 2

status=0
bad() { # RULE VIOLATIONS
    [ -n "$2" ] || return 0
    status=1
    echo "layers: $1:" >&2
    printf '%s\n' "$2" | sed 's/^/    /' >&2
}

sources() { # FOLDER...: every C, header and assembly file below
    find "$@" -type f \( -name '*.c' -o -name '*.h' -o -name '*.S' \) 2>/dev/null | sort
}

# The sources without comments and without what stands in quotes, as FILE:LINE:CODE, so that a word
# in prose is no finding; and the includes as FILE:LINE:NAME, the name with its quotes or brackets.
# Both are made once; code and includes print the part of some folders.
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
sources efi kernel mm hal tests >"$work/list"
# shellcheck disable=SC2016
xargs awk '
    FNR == 1 { comment = 0 }
    /^[ \t]*#[ \t]*include[ \t]*["<]/ {
        name = $0
        sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name)
        sub(/[">][^">]*$/, substr(name, 1, 1) == "<" ? ">" : "\"", name)
        print FILENAME ":" FNR ":" name >>includes
        next
    }
    {
        out = ""; quote = ""; n = length($0)
        if (!comment && $0 !~ /["\047\/]/) { print FILENAME ":" FNR ":" $0; next }
        for (i = 1; i <= n; i++) {
            c = substr($0, i, 1); two = substr($0, i, 2)
            if (comment) { if (two == "*/") { comment = 0; i++ }; continue }
            if (quote != "") {
                if (c == "\\") i++
                else if (c == quote) { quote = ""; out = out c }
                continue
            }
            if (two == "/*") { comment = 1; i++; out = out " "; continue }
            if (two == "//") break
            if (c == "\"" || c == "\047") quote = c
            out = out c
        }
        print FILENAME ":" FNR ":" out
    }' includes="$work/includes" <"$work/list" >"$work/code"
touch "$work/includes"

code() { # FOLDER...
    for folder in "$@"; do grep "^$folder/" "$work/code"; done
}

includes() { # FOLDER...
    for folder in "$@"; do grep "^$folder/" "$work/includes"; done
}

may_include() { # FOLDER ALLOWED-REGEX
    bad "$1/ may not include this" "$(includes "$1" | grep -vE ":($2)\$")"
}

freestanding='<(stdarg|stdatomic|stdbool|stddef|stdint|stdnoreturn|stdalign|limits)\.h>'

may_include efi '"(efi|kernel|mm|hal)/[^"]*"|<efi[a-z]*\.h>|'"$freestanding"
may_include efi/base '"(efi/base|kernel|mm|hal)/[^"]*"|<efi\.h>|'"$freestanding"
may_include efi/talk '"(efi/(base|talk)|kernel|mm|hal)/[^"]*"'
may_include efi/arch '"(efi/(base|talk)|kernel|mm|hal)/[^"]*"'
may_include efi/x86_64 '"(efi/(base|talk|arch)|kernel|mm|hal)/[^"]*"'
may_include efi/memory '"(efi/(base|talk|arch|memory)|kernel|mm|hal)/[^"]*"'
may_include efi/machine '"(efi/(base|talk|arch|memory|machine)|kernel|mm|hal)/[^"]*"'
bad "kernel/ may not include this" "$(includes kernel |
    grep -vE ":(\"(kernel|mm|hal)/[^\"]*\"|$freestanding)\$")"
may_include mm '"mm/[^"]*"|"hal/(base|hal)\.h"|'"$freestanding"
bad "hal/ may include nothing above it" "$(includes hal | grep -E ':"(efi|kernel|mm|tests)/')"
bad "hal/x86_64/ may use only the C headers that need no library" \
    "$(includes hal/x86_64 | grep ':<' | grep -vE ":$freestanding\$")"
bad "no header of hal/ or mm/ but hal/hal.h includes port.h; nobody else may" \
    "$(includes efi kernel mm tests | grep -E ':"(hal/(host|x86_64)/)?port\.h"')"
bad "kernel/ and mm/ know no port of hal/ but through hal/hal.h" \
    "$(includes mm | grep -E ':"hal/(host|x86_64)/'; includes kernel | grep -E ':"hal/host/')"

# It undoes what gnu-efi does to __attribute__. Programs of their own use it too: the example in
# tests/embed, and the firmware in the middle, tests/boot/shim.
bad "only efi/base/uefi.h may include UEFI headers" \
    "$(includes efi kernel mm hal tests | grep -v '^efi/base/uefi\.h:' | grep -E ':[<"](efi|efi[a-z]*/?[^">]*)[">]$' | grep -v ':"efi/')"
bad "only efi/ may include efi/" "$(includes kernel mm hal | grep -E ':"efi/')"
bad "UEFI types stop at kernel/boot_info.h" \
    "$(code kernel mm hal | grep -E '[^A-Za-z0-9_](EFI_[A-Z_]+|UINTN|CHAR16|EFIAPI)([^A-Za-z0-9_]|$)')"

bad "mm/ does not print" \
    "$(code mm | grep -E '(^|[^A-Za-z0-9_])(v?f?printf|v?s?n?printf|puts|putchar|log_[a-z]+|kprintf)[[:space:]]*\(')"
bad "mm/ holds no assembly" \
    "$(code mm | grep -E '(^|[^A-Za-z0-9_])(asm|__asm|__asm__)([^A-Za-z0-9_]|$)'; find mm -name '*.[sS]')"
bad "long has 32 bits in the kernel and 64 on the desk: use a fixed width" \
    "$(code efi kernel mm hal tests | grep -E '(^|[^A-Za-z0-9_])long([^A-Za-z0-9_]|$)')"
bad "the suffixes L and UL mean long" \
    "$(code efi kernel mm hal tests |
        grep -E '(^|[^A-Za-z0-9_])(0[xX][0-9a-fA-F]+|[0-9]+)([uU]?[lL]{1,2}|[lL]{1,2}[uU])([^A-Za-z0-9_]|$)')"

# mm/ as objects: no symbol in .data or .bss; nothing called that is not in mm/ or the hal, but the
# memory functions that a compiler may call by itself. -fno-pic keeps constant tables of pointers
# out of .data. hal/host's inline functions call clock_gettime and name two variables of the port.
check_objects() {
    folder=$work/objects
    mkdir "$folder"
    for file in mm/*.c; do
        [ -e "$file" ] || continue
        ${LAYERS_CC:-clang} -std=c11 -O1 -fno-pic -I. -Ihal/host -D_GNU_SOURCE -c "$file" \
            -o "$folder/$(basename "$file" .c).o" || bad "does not compile" "$file"
    done
    (cd "$folder" && for o in *.o; do [ ! -e "$o" ] || $nm -A "$o"; done) >"$folder/symbols"
    awk '$(NF - 1) ~ /^[TRWV]$/ { print $NF }' "$folder/symbols" >"$folder/known"
    printf '%s\n' hal_zero_pages hal_panic hal_paging_features hal_load_root \
        hal_root hal_tlb_flush_page hal_tlb_flush_local hal_tlb_flush_all hal_tlb_page_limit hal_tlb_shootdown hal_call_others host_cpu_index host_ram host_lock_wait clock_gettime \
        memcpy memset memmove memcmp __tls_get_addr _GLOBAL_OFFSET_TABLE_ >>"$folder/known"
    bad "mm/ has no variable that can change" "$(grep -E ' [bBdDcCsSgG] ' "$folder/symbols")"
    bad "mm/ calls nothing outside but the hal" "$(awk 'NR == FNR { known[$1] = 1; next }
        $(NF - 1) == "U" && !($NF in known)' "$folder/known" "$folder/symbols")"
}

nm=$(command -v llvm-nm || command -v nm)
if [ -n "$nm" ]; then check_objects; else bad "cannot look into objects" "llvm-nm is missing (package llvm)"; fi

# Columns of pmccabe: modified McCabe, McCabe, statements, first line, lines, FILE(LINE): NAME.
if command -v pmccabe >/dev/null; then
    if ls mm/*.c >/dev/null 2>&1; then
        sizes=$(pmccabe mm/*.c)
        bad "functions of mm/ have at most 50 lines" "$(printf '%s\n' "$sizes" | awk '$5 > 50')"
        bad "functions of mm/ have at most McCabe 10" "$(printf '%s\n' "$sizes" | awk '$2 > 10')"
    fi
else
    bad "cannot measure functions" "pmccabe is missing (package pmccabe)"
fi

[ "$status" -ne 0 ] || echo "layers: every folder knows only what it may"
exit "$status"
