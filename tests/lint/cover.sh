#!/bin/sh
# tests/lint/cover.sh DIR: branch coverage of mm/ by the desk tests: the unit tests and
# every model, built with --coverage in place of the sanitizers. Prints a line a file and writes
# DIR/cover.html with each branch.
#
# Fails when a branch of the files below is never taken and tests/lint/unreachable.md does not argue
# why, when it argues for one that is taken, and when a test fails.
#
# Works on a copy of the sources in DIR/source: an edit during the run changes nothing, and nothing
# that gcov writes lands in the tree. Needs gcc, gcovr and python3. The searches that a machine can do
# for hours are cut short: a branch that only luck finds has no test.
set -u
cd "$(dirname "$0")/../.." || exit 2
dir=${1:?usage: cover.sh DIR}
for tool in gcc gcov gcovr python3; do
    command -v "$tool" >/dev/null || { echo "cover: $tool is missing; on Debian: apt install gcc gcovr python3" >&2; exit 2; }
done
rm -rf "$dir"
mkdir -p "$dir/source" || exit 2
dir=$(cd "$dir" && pwd) || exit 2
tar -cf - Makefile efi hal kernel mm tests | tar -xf - -C "$dir/source" || exit 2
cd "$dir/source" || exit 2

status=0
run() { # PROGRAM ARGUMENTS...
    local name=$1
    shift
    make -s BUILD="$dir" CC=gcc SAN_FLAGS='-O0 --coverage' "$dir/host/$name" || { status=1; return; }
    "$dir/host/$name" "$@" >"$dir/$name.log" 2>&1 ||
        { status=1; echo "cover: $name failed; the end of $dir/$name.log:" >&2; tail -n 5 "$dir/$name.log" >&2; }
}

run unit
for name in $(make -s programs | grep '^model-'); do
    case $name in
    *_threads*) ;;
    *-pmm_random) run "$name" 1 60000 ;;
    *-pmm_exhaustive) run "$name" 4 ;;
    *-aspace_random*) run "$name" 100 ;;
    *-aspace_exhaustive*) run "$name" 2 ;;
    *) run "$name" ;;
    esac
done
gcovr --root . --filter 'mm/' --branches --print-summary \
    --html-details "$dir/cover.html" --json "$dir/cover.json" --txt - "$dir" || status=1
python3 tests/lint/unreachable.py "$dir/cover.json" tests/lint/unreachable.md || status=1
exit $status
