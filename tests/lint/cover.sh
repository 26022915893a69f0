#!/bin/sh
# tests/lint/cover.sh DIR: branch coverage of mm/ by the desk tests: the unit tests and every model.
# Builds them with --coverage in DIR, runs them and prints gcovr's table, with the branches that
# were never taken. The models in tests/model whose names end in _threads are left out: their order
# is not the same twice. Needs gcc and gcovr.
set -eu
cd "$(dirname "$0")/../.."
dir=${1:?usage: cover.sh DIR}
for tool in gcc gcov gcovr; do
    command -v "$tool" >/dev/null || { echo "cover: $tool is missing; on Debian: apt install gcc gcovr" >&2; exit 2; }
done

flags="-std=c11 -g -O0 --coverage -I. -Ihal/host -D_GNU_SOURCE -pthread"
rm -rf "$dir"
mkdir -p "$dir"

build() { # NAME MAIN-SOURCE...: mm/ and the host port are compiled anew for each program
    name=$1
    shift
    mkdir -p "$dir/$name"
    objects=
    for file in mm/*.c hal/host/*.c "$@"; do
        object=$dir/$name/$(echo "$file" | tr / _ | sed 's/\.c$/.o/')
        # shellcheck disable=SC2086
        gcc $flags -c "$file" -o "$object"
        objects="$objects $object"
    done
    # shellcheck disable=SC2086
    gcc $flags $objects -lm -o "$dir/$name/run"
}

run() { # NAME
    echo "cover: $1"
    "$dir/$1/run" >"$dir/$1.log" 2>&1 || { tail -n 20 "$dir/$1.log"; echo "cover: $1 failed" >&2; exit 1; }
}

units=
for file in tests/unit/*.c; do
    [ "$file" = tests/unit/main.c ] || units="$units $file"
done
# shellcheck disable=SC2086
build unit $units tests/test.c tests/unit/main.c
run unit
for file in tests/model/*.c; do
    name=$(basename "$file" .c)
    case $name in '*' | *_threads) continue ;; esac
    build "model-$name" "$file"
    run "model-$name"
done

gcovr --root . --filter 'mm/' --branches --exclude-unreachable-branches --print-summary "$dir"
