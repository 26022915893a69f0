#!/usr/bin/env bash
# tests/fuzz/run.sh: what `make fuzz` and ./run.sh test do with a fuzz target that is built.
#
#   run TARGET SECONDS   fuzz, from the seeds in tests/fuzz/corpus/TARGET and what earlier runs have
#                        found; new inputs go to $BUILD/corpus/TARGET, one that fails to $BUILD. Ends
#                        with a line of executions and coverage; fails when nothing was executed.
#   keep TARGET          make the seeds anew from these and what was found: those inputs that cover
#                        most, each one per cent more than those before it
#
# Coverage is libFuzzer's: edges of the program with all of mm/ in it, so it is compared with itself.
set -u -o pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 2
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$ROOT/$BUILD ;; esac
SEED_BYTES=4096 SEEDS=16

fuzz() { # TARGET SECONDS
    local found=$BUILD/corpus/$1 log status runs edges
    local -a folders=("$found")
    [ ! -d "$ROOT/tests/fuzz/corpus/$1" ] || folders+=("$ROOT/tests/fuzz/corpus/$1")
    mkdir -p "$found" && log=$(mktemp) || return 1
    "$BUILD/host/fuzz-$1" "-max_total_time=$2" -rss_limit_mb=4096 -print_final_stats=1 \
        "-artifact_prefix=$BUILD/fuzz-$1-" "${folders[@]}" 2>&1 | tee "$log"
    status=$?
    runs=$(sed -n 's/^Done \([1-9][0-9]*\) runs.*/\1/p' "$log")
    edges=$(sed -n 's/^#.*DONE  *cov: \([1-9][0-9]*\) .*/\1/p' "$log")
    rm -f "$log"
    if [ "$status" -ne 0 ]; then
        echo "fuzz $1: it failed; the input is the file named after 'Test unit written to' above"
        return 1
    fi
    if [ -z "$runs" ] || [ -z "$edges" ]; then
        echo "fuzz $1: nothing was executed, or nothing of it covered"
        return 1
    fi
    echo "fuzz $1: $runs executions in $2 s, $edges edges covered, $(find "$found" -type f | wc -l) inputs found by now and before"
}

# What the inputs of a folder cover, in libFuzzer's features (edges and how often they were taken).
features() { # TARGET FOLDER
    "$BUILD/host/fuzz-$1" -runs=0 "$2" 2>&1 | sed -n 's/.*INITED cov: [0-9]* ft: \([0-9]*\) .*/\1/p'
}

# The inputs of a folder that are small enough, those that cover most first.
by_worth() { # TARGET FOLDER
    local file one
    one=$(mktemp -d) || return 1
    find "$2" -type f -size "-$((SEED_BYTES / 2 + 1))c" | while read -r file; do
        cp "$file" "$one/input"
        echo "$(features "$1" "$one") $file"
    done | sort -rn | cut -d ' ' -f 2-
    rm -rf "$one"
}

keep() { # TARGET
    local seeds=$ROOT/tests/fuzz/corpus/$1 work had=0 has size file count=0 total=0
    work=$(mktemp -d) && mkdir -p "$seeds" "$work/all" "$work/kept" "$BUILD/corpus/$1" || return 1
    "$BUILD/host/fuzz-$1" -merge=1 "$work/all" "$seeds" "$BUILD/corpus/$1" 2>&1 | tail -n 1
    while read -r file; do
        size=$(wc -c <"$file")
        if [ $((total + size)) -gt "$SEED_BYTES" ] || [ "$count" -ge "$SEEDS" ]; then continue; fi
        cp "$file" "$work/kept/"
        has=$(features "$1" "$work/kept")
        if [ "${has:-0}" -gt $((had + had / 100)) ]; then
            had=$has count=$((count + 1)) total=$((total + size))
        else
            rm "$work/kept/${file##*/}"
        fi
    done < <(by_worth "$1" "$work/all" | head -n 80)
    rm -f "$seeds"/*
    for file in "$work"/kept/*; do cp "$file" "$seeds/$(basename "$file" | cut -c 1-12)"; done
    rm -rf "$work"
    echo "$count seeds of $total bytes in $seeds cover $had features"
}

case ${1:-}:$# in
run:3) fuzz "$2" "$3" ;;
keep:2) keep "$2" ;;
*)
    echo "usage: $0 run TARGET SECONDS | keep TARGET" >&2
    exit 2
    ;;
esac
