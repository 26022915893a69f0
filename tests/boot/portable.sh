#!/usr/bin/env bash
# tests/boot/portable.sh [--quick] [COMPILER...]: other compilers, and other headers of gnu-efi.
#
# For each compiler (gcc, and every clang-N of N 14 and 19 unless some are named): build the desk
# programs with all warnings as errors and run them; with a clang also build the image by it and by
# the lld-link of its version, and boot that. --quick is the part in ./run.sh test: of the desk the
# unit tests alone, by gcc, with -O2, where a compiler's own opinion shows most, and without the
# sanitizers, which every other build has. GNU_EFI=FOLDER[:FOLDER...] names more folders with an efi.h:
# the image is built against each and booted. What is not on this machine is a skipped test with its
# reason.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 2
OUT=${BUILD:-build}/portable
case $OUT in /*) ;; *) OUT=$ROOT/$OUT ;; esac
PASSED=0 FAILED=0 SKIPPED=0 QUICK=0
# shellcheck source=tests/boot/common.sh
. "$ROOT/tests/boot/common.sh"

check() { # NAME COMMAND...: its output is shown when it fails
    local name=$1 log
    log=$OUT/${name//[^a-z0-9]/-}.log
    shift
    if "$@" >"$log" 2>&1 </dev/null; then
        PASSED=$((PASSED + 1))
        echo "pass  $name"
    else
        FAILED=$((FAILED + 1))
        echo "FAIL  $name; the end of $log:"
        tail -n 20 "$log" | cut -c 1-240
    fi
}

skip() { # NAME REASON
    SKIPPED=$((SKIPPED + 1))
    echo "skip  $1, for $2"
}

have() {
    command -v "$1" >/dev/null 2>&1
}

make_with() { # FOLDER MAKE-ARGUMENTS...
    local folder=$1
    shift
    local -a plain=()
    [ "$QUICK" = 0 ] || plain=(SAN_FLAGS=-O2 TEST_FLAGS=)
    make -s -C "$ROOT" -j2 BUILD="$folder" "${plain[@]}" "$@"
}

programs() { # model or fuzz: their names
    make -s -C "$ROOT" programs | sed -n "s/^$1-//p"
}

desk() { # COMPILER
    local folder=$OUT/$1 name
    local -a names=(unit)
    [ "$QUICK" = 1 ] || mapfile -t names < <(printf '%s\n' unit embed; programs model | sed 's/^/model-/')
    check "$1 builds the desk programs" make_with "$folder" CC="$1" "${names[@]/#/$folder/host/}"
    [ "$QUICK" = 1 ] || check "$1 builds bench and memsim" make_with "$folder" CC="$1" \
        "$folder/host/bench" "$folder/host/memsim"
    [ "$QUICK" = 1 ] || [[ $1 != clang* ]] || fuzz_targets "$1"
    for name in "${names[@]}"; do
        check "$1: $name" "$folder/host/$name"
    done
}

fuzz_targets() { # COMPILER: built, and run on nothing
    local name
    for name in $(programs fuzz); do
        check "$1: fuzz-$name" make_with "$OUT/$1" CC="$1" "$OUT/$1/host/fuzz-$name"
        check "$1: fuzz-$name runs" "$OUT/$1/host/fuzz-$name" -runs=100
    done
}

boot() { # FOLDER
    "$ROOT/run.sh" --no-install --image "$1/BOOTX64.EFI" --memory 256M --timeout 150
}

image() { # NAME FOLDER MAKE-ARGUMENTS...
    local name=$1 folder=$2
    shift 2
    check "$name builds the image" make_with "$folder" "$@" image "$folder/embed.efi"
    check "the image of $name boots" boot "$folder"
}

compiler() { # COMPILER
    local version=${1#clang} suffix
    if ! have "$1"; then
        skip "$1" "it is not on this machine (package $1)"
        return
    fi
    case $1 in
    clang*)
        suffix=$version
        have "lld-link$suffix" || suffix=''
        have "lld-link$suffix" || { skip "$1" "lld-link is not on this machine (package lld$version)"; return; }
        [ "$QUICK" = 1 ] || desk "$1"
        image "$1" "$OUT/$1" EFI_CC="$1" EFI_LD="lld-link$suffix"
        ;;
    *) desk "$1" ;;
    esac
}

headers() { # FOLDER NUMBER
    if [ ! -r "$1/efi.h" ]; then
        skip "headers of $1" "there is no efi.h"
        return
    fi
    image "headers number $2" "$OUT/headers-$2" EFI_DIRS="$1"
}

main() {
    local -a compilers=() folders
    local name number=0
    for name in "$@"; do
        case $name in --quick) QUICK=1 ;; *) compilers+=("$name") ;; esac
    done
    [ ${#compilers[@]} -gt 0 ] || compilers=(gcc clang-14 clang-19)
    mkdir -p "$OUT" || exit 2
    for name in "${compilers[@]}"; do compiler "$name"; done
    IFS=: read -r -a folders <<<"${GNU_EFI:-}"
    for name in "${folders[@]}"; do headers "$name" $((number += 1)); done
    echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
    [ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ]
}

main "$@"
