#!/usr/bin/env bash
# tests/embed/bare.sh [brief]: mm/ needs nothing of the compiler's own library.
#
# Built by gcc and by clang for three kinds of CPU, from a copy of mm/ below another path, under names
# of its own, the example is linked with -nostdlib: what mm/ calls beside the hal is memcpy, memset and
# memcmp. It runs, on another CPU by QEMU's user mode. And where the CPU counts bits by an
# instruction, the compilers use it. brief: each kind of CPU by one of the compilers. What is not on this
# machine is a skipped test with its reason.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 2
OUT=${BUILD:-build}/bare
case $OUT in /*) ;; *) OUT=$ROOT/$OUT ;; esac
PASSED=0 FAILED=0 SKIPPED=0
FLAGS=(-std=c11 -O2 -ffreestanding -fno-stack-protector -fno-pic -Wall -Wextra -Werror -g0)
MAY='memcpy memset memcmp'

pass() {
    PASSED=$((PASSED + 1))
    echo "pass  $1"
}

fail() { # NAME TEXT
    FAILED=$((FAILED + 1))
    echo "FAIL  $1: $2"
}

skip() { # NAME REASON
    SKIPPED=$((SKIPPED + 1))
    echo "skip  $1, for $2"
}

compiler() { # KIND CPU: its words
    case $1-$2 in
    gcc-x86_64) echo gcc ;;
    gcc-*) echo "$2-linux-gnu-gcc" ;;
    clang-*) echo "clang --target=$2-linux-gnu -fuse-ld=lld -Wno-unused-command-line-argument" ;;
    esac
}

# mm/ has page tables for two kinds of CPU; here any will do, for there is no MMU.
more() { # CPU: flags
    case $1 in
    riscv64) echo '-DMM_PAGE_FORMAT="format_aarch64.h" -mno-relax' ;;
    esac
}

# mm/ and its two headers of hal/, taken to another path.
move() {
    mkdir -p "$OUT/tree/other/place" "$OUT/tree/tests/embed" || return 1
    rm -rf "$OUT/tree/other/place/mm" "$OUT/tree/other/place/hal"
    mkdir -p "$OUT/tree/other/place/hal"
    cp -R "$ROOT/mm" "$OUT/tree/other/place/mm"
    cp "$ROOT/hal/hal.h" "$ROOT/hal/base.h" "$OUT/tree/other/place/hal/"
    cp "$ROOT"/tests/embed/*.[ch] "$OUT/tree/tests/embed/"
    sed -i -E 's|"((mm\|hal)/[a-z_]+\.h)"|"other/place/\1"|' "$OUT"/tree/tests/embed/*.[ch]
}

# Calls of objects that none of them answers, but for those that they may.
missing() { # OBJECT...
    llvm-nm "$@" | awk -v may="$MAY" '
        BEGIN { n = split(may, m, " "); for (i = 1; i <= n; i++) known[m[i]] = 1 }
        NF == 2 && $1 == "U" { asked[$2] = 1 }
        NF == 3 && $2 ~ /[TtRrDdBbWV]/ { known[$3] = 1 }
        END { for (s in asked) if (!(s in known) && s !~ /^(hal_|embed_ram$)/) print s }'
}

build() { # CC CPU FOLDER
    local source object
    local -a words objects=()
    read -r -a words <<<"$1 $(more "$2")"
    rm -rf "$3" && mkdir -p "$3/mm" "$3/embed"
    for source in "$OUT"/tree/other/place/mm/*.c "$OUT"/tree/tests/embed/{embed,port,bare}.c; do
        object=$3/$(basename "${source%/*}")/$(basename "$source" .c).o
        "${words[@]}" "${FLAGS[@]}" "-I$OUT/tree" "-I$ROOT/tests/embed/one_cpu" -c "$source" -o "$object" || return 1
        objects+=("$object")
    done
    "${words[@]}" -static -nostdlib -no-pie "${objects[@]}" -o "$3/bare"
}

run() { # CPU PROGRAM
    if [ "$1" = "$(uname -m)" ]; then "$2"; else "qemu-$1" "$2"; fi
}

try() { # KIND CPU
    local name="$1 for $2" folder=$OUT/$1-$2 cc calls
    cc=$(compiler "$1" "$2")
    command -v "${cc%% *}" >/dev/null || { skip "$name" "${cc%% *} is not on this machine"; return; }
    build "$cc" "$2" "$folder" >"$folder.log" 2>&1 || { fail "$name" "does not link: $(tail -n 1 "$folder.log")"; return; }
    calls=$(missing "$folder"/mm/*.o)
    if [ -z "$calls" ]; then pass "$name links with nothing"; else fail "$name" "calls $calls"; fi
    if [ "$2" != "$(uname -m)" ] && ! command -v "qemu-$2" >/dev/null; then
        skip "$name runs" "qemu-$2 is not on this machine"
    elif run "$2" "$folder/bare" >"$folder.log" 2>&1 && tail -n 1 "$folder.log" | grep -q '^verdict: pass$'; then
        pass "$name runs"
    else
        fail "$name runs" "$(grep -a FAILED "$folder.log" | head -n 1)"
    fi
}

counts() { # KIND CPU FLAG INSTRUCTION
    local name="$1 counts bits by $4 on $2" cc
    local -a words
    cc=$(compiler "$1" "$2")
    command -v "${cc%% *}" >/dev/null || { skip "$name" "${cc%% *} is not on this machine"; return; }
    read -r -a words <<<"$cc $(more "$2") $3"
    if "${words[@]}" "${FLAGS[@]}" "-I$ROOT/tests/embed/one_cpu" -S -o - "$ROOT/mm/block.c" | grep -q "[[:space:]]$4"; then
        pass "$name"
    else
        fail "$name" "the instruction is not there"
    fi
}

move || exit 2
PAIRS='gcc-x86_64 clang-aarch64 gcc-riscv64'
[ "${1:-}" = brief ] || PAIRS+=' clang-x86_64 gcc-aarch64 clang-riscv64'
for pair in $PAIRS; do try "${pair%-*}" "${pair#*-}"; done
for kind in gcc clang; do counts $kind x86_64 -mpopcnt popcnt; done
counts gcc riscv64 -march=rv64gc_zbb cpop
counts gcc aarch64 '' cnt
echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
[ "$FAILED" -eq 0 ]
