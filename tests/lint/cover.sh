#!/bin/sh
# tests/lint/cover.sh DIR: branch coverage of mm/ by the desk tests: the unit tests and every model.
# The Makefile builds and runs them in DIR with --coverage in place of the sanitizers; gcovr prints
# a line a file with the branches that were never taken, and writes DIR/cover.html with each branch.
# A test that fails is named and does not hide the figures. Needs gcc and gcovr.
set -u
cd "$(dirname "$0")/../.." || exit 2
dir=${1:?usage: cover.sh DIR}
for tool in gcc gcov gcovr; do
    command -v "$tool" >/dev/null || { echo "cover: $tool is missing; on Debian: apt install gcc gcovr" >&2; exit 2; }
done
rm -rf "$dir"
mkdir -p "$dir" || exit 2

status=0
run() { # PROGRAM
    make -s BUILD="$dir" CC=gcc SAN_FLAGS='-O0 --coverage' "$dir/host/$1" || { status=1; return; }
    "$dir/host/$1" >"$dir/$1.log" 2>&1 ||
        { status=1; echo "cover: $1 failed; the end of $dir/$1.log:" >&2; tail -n 5 "$dir/$1.log" >&2; }
}

run unit
for file in tests/model/*.c; do
    case $file in *_threads.c | *'*.c') ;; *) run "model-$(basename "$file" .c)" ;; esac
done
gcovr --root . --filter 'mm/' --branches --print-summary --html-details "$dir/cover.html" \
    --txt - "$dir" || status=1
exit $status
