#!/usr/bin/env bash
# tests/boot/verdict_test.sh: verdict.sh and the counting of steps.sh, on logs made by hand.
# Ends with "N passed, N failed".
set -u -o pipefail # as run.sh has it
BOOT_LIB=$(cd "$(dirname "$0")" && pwd)
STATUS_PASS=0 STATUS_FAIL=1 STATUS_NO_VERDICT=3 STATUS_NO_START=4
TIMEOUT=9 BUILD=/nonexistent
export STATUS_PASS STATUS_FAIL STATUS_NO_VERDICT STATUS_NO_START TIMEOUT
# shellcheck source=tests/boot/common.sh
. "$BOOT_LIB/common.sh"
# shellcheck source=tests/boot/verdict.sh
. "$BOOT_LIB/verdict.sh"
# shellcheck source=tests/boot/steps.sh
. "$BOOT_LIB/steps.sh"

FOLDER=$(mktemp -d) || exit 1
trap 'rm -rf "$FOLDER"' EXIT
passed=0 failed=0

expect() { # WHAT ACTUAL EXPECTED
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1: is '$2', expected '$3'"
    fi
}

verdict() { # WHAT EXPECTED QEMU_STATUS LINE...
    local what=$1 want=$2 status=$3
    shift 3
    if [ $# -gt 0 ]; then printf '%b\n' "$@" >"$FOLDER/log"; else : >"$FOLDER/log"; fi
    judge "$status" "$FOLDER/log" 1 >/dev/null 2>&1
    expect "$what" $? "$want"
}

count() { # WHAT EXPECTED STATUS LINE...
    local what=$1 want=$2 status=$3
    shift 3
    printf '%s\n' "$@" >"$FOLDER/log"
    expect "$what" "$(step_count "$status" "$FOLDER/log")" "$want"
}

good='[1.000000] selftest: 42 passed, 0 failed'
end='[1.000001] verdict: pass'

verdict "a good boot" 0 33 "$good" "$end"
verdict "carriage returns and colours change nothing" 0 33 "\\033[0m$good\\r" "$end\\r" "\\r"
verdict "skipped tests are no failure" 0 33 "$good, 2 skipped" "$end"
verdict "a long log after the self-test" 0 33 "$good" "$(printf '[1.0] log: %d\n' {1..20000})" "$end"
verdict "without the end marker" 1 33 "$good"
verdict "with something after the end marker" 1 33 "$good" "$end" "[1.1] trap: page fault"
verdict "the marker inside another line" 1 33 "$good" "[1.0] options: verdict: pass"
verdict "without a self-test" 1 33 "$end"
verdict "a self-test of nothing" 1 33 "[1.0] selftest: 0 passed, 0 failed" "$end"
verdict "a self-test with a failure" 1 33 "[1.0] selftest: 41 passed, 1 failed" "$end"
verdict "ten failures are not none" 1 33 "[1.0] selftest: 41 passed, 10 failed" "$end"
verdict "the port says fail" 1 35 "$good" "$end"
verdict "an empty log with the port's pass" 1 33
verdict "time is up, whatever the log says" 3 124 "$good" "$end"
verdict "killed after the time limit" 3 137 "$good" "$end"
verdict "QEMU's own 0 is no pass" 3 0 "$good" "$end"
verdict "QEMU's own 1 is no pass" 3 1 "$good" "$end"
verdict "QEMU did not start" 4 1
verdict "QEMU is not there" 4 127
verdict "QEMU died of a signal" 3 134 "$good"
verdict "another value at the port" 3 37 "$good" "$end"

count "a step's own count" "5 0 0" 0 "5 passed, 0 failed"
count "the last count holds" "6 0 2" 0 "5 passed, 1 failed" "6 passed, 0 failed, 2 skipped"
count "no count is one test" "1 0 0" 0 "hello"
count "no count and a bad status" "0 1 0" 1 "hello"
count "a failure in the count, status 0" "5 2 0" 0 "5 passed, 2 failed"
count "a good count with a bad status" "5 1 0" 1 "5 passed, 0 failed"
count "a count of nothing" "0 1 0" 0 "0 passed, 0 failed"
count "nothing but skips" "0 1 3" 0 "0 passed, 0 failed, 3 skipped"

ends() { # WHAT EXPECTED COMMAND...
    local what=$1 want=$2
    shift 2
    counted "$@" >/dev/null
    expect "$what" $? "$want"
}

ends "a program with its count" 0 echo "5 passed, 0 failed"
ends "a program without a count" 1 echo "all is well"
ends "a program that stops early" 1 printf '5 passed, 0 failed\n%s\n' "and now the next"
ends "a program without output" 1 true
ends "a bad status stays" 3 sh -c 'echo 5 passed, 0 failed; exit 3'

total() { # WHAT EXPECTED-STATUS EXPECTED-LINE COUNT...
    local what=$1 want=$2 line=$3 n=0 status
    shift 3
    SUITE_LOGS=$FOLDER STEPS=()
    for c in "$@"; do
        n=$((n + 1))
        STEPS+=("s$n")
        rm -f "$FOLDER/s$n.count"
        [ "$c" = gone ] || echo "$c" >"$FOLDER/s$n.count"
    done
    expect "$what: line" "$(suite_total 2>/dev/null)" "$line"
    suite_total >/dev/null 2>&1
    status=$?
    expect "$what: status" "$status" "$want"
}

total "all is well" 0 "7 passed, 0 failed" "5 0 0" "2 0 0"
total "skips are shown" 0 "5 passed, 0 failed, 1 skipped" "5 0 1"
total "one failure" 1 "7 passed, 1 failed" "5 0 0" "2 1 0"
total "no step at all" 1 "0 passed, 0 failed"
total "a step that left no count" 1 "5 passed, 1 failed" "5 0 0" gone

expect "512M" "$(size_in_mib 512M)" 512
expect "3G" "$(size_in_mib 3G)" 3072
expect "1T" "$(size_in_mib 1T)" 1048576
expect "65536K" "$(size_in_mib 65536K)" 64
for bad in '' 0 -1 1.5G 3X 1000K 99999999999T 'M' '1 G'; do
    size_in_mib "$bad" >/dev/null
    expect "size '$bad' is refused" $? 1
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
