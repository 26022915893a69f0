#!/usr/bin/env bash
# tests/boot/steps_test.sh: steps.sh on steps made here: what waits for what, which goes first, what is
# counted, and what the lines say; and on the lists of the suite itself. Ends with "N passed, N failed".
# shellcheck disable=SC2016,SC2031 # quoted words are for other shells; cases run in shells of their own
set -u -o pipefail # as run.sh has it
BOOT_LIB=$(cd "$(dirname "$0")" && pwd)
FOLDER=$(mktemp -d) || exit 1
trap 'rm -rf "$FOLDER"' EXIT
BUILD=$FOLDER STATUS_PASS=0 STATUS_FAIL=1 STATUS_NO_VERDICT=3 STATUS_NO_START=4
export STATUS_PASS STATUS_FAIL STATUS_NO_VERDICT STATUS_NO_START
# shellcheck source=tests/boot/common.sh
. "$BOOT_LIB/common.sh"
passed=0 failed=0

expect() { # WHAT ACTUAL EXPECTED
    if [ "$2" = "$3" ]; then passed=$((passed + 1)); return; fi
    failed=$((failed + 1))
    echo "FAIL $1: is '$2', expected '$3'"
}

# Each case in a shell of its own, with its lines in OUT and what its steps noted in EVENTS.
run_case() { # AT-A-TIME FUNCTION
    rm -rf "$FOLDER/test" "$FOLDER/events"
    mkdir "$FOLDER/test"
    : >"$FOLDER/events"
    OUT=$(
        # shellcheck source=tests/boot/steps.sh
        . "$BOOT_LIB/steps.sh"
        AT_A_TIME=$1
        "$2" && run_steps && suite_total
    )
    EVENTS=$(tr '\n' ' ' <"$FOLDER/events")
}

note() { # NAME [SECONDS]: a step that says when it begins and ends
    printf "+%s\n" "$1" >>"$FOLDER/events"
    sleep "${2:-0.05}"
    printf -- "-%s\n" "$1" >>"$FOLDER/events"
}

chain() {
    step a note a 1
    after a
    step b note b
    after
    step c note c
}
run_case 2 chain
expect "a step waits for its need" "$(tr -d ' c+-' <<<"$EVENTS")" "aabb"
expect "one without a need does not wait" "$([[ $EVENTS == *+c*-a* ]] && echo beside)" beside
expect "the last line is the count" "$(tail -n 1 <<<"$OUT")" "3 passed, 0 failed"

weights() {
    TAKES=([long]=9 [build]=1 [deep]=20)
    step short note short
    step long-one note long-one
    step build note build
    after build
    step deep note deep
}
run_case 1 weights
expect "the longest chain goes first" "$EVENTS" "+build -build +deep -deep +long-one -long-one +short -short "

crowd() { for name in a b c d e f; do step "$name" note "$name" 0.2; done; }
most() { # of the events: how many ran at once
    local now=0 most=0 event
    for event in $EVENTS; do
        case $event in +*) now=$((now + 1)) ;; *) now=$((now - 1)) ;; esac
        [ "$now" -le "$most" ] || most=$now
    done
    echo "$most"
}
run_case 3 crowd
expect "as many at a time as may be" "$(most)" 3
run_case 1 crowd
expect "one at a time" "$(most)" 1

lonely() {
    step_alone x note x
    step_alone y note y
    step b note b
    step a note a 1
}
run_case 4 lonely
expect "alone comes last and alone" "${EVENTS: -15}" "-a +x -x +y -y "

lost() {
    step build sh -c 'echo it does not compile; exit 2'
    step half sh -c 'echo 3 passed, 1 failed; exit 1'
    after build
    step user note user
    after half
    step other note other
}
run_case 2 lost
expect "what needs a build that failed is not run, what needs a count is" "$EVENTS" "+other -other "
expect "and has failed" "$(tail -n 1 <<<"$OUT")" "4 passed, 3 failed"
expect "with the reason" "$(grep -c '| not run, for build has failed' <<<"$OUT")" 1
expect "a failure shows the end of its log" "$(grep -c '| it does not compile' <<<"$OUT")" 1

skips() {
    skip_step gone "it is not here"
    step a note a
}
run_case 2 skips
expect "a skipped step has its reason and its count" "$(grep -c '^skip gone: it is not here$' <<<"$OUT") $(tail -n 1 <<<"$OUT")" \
    "1 1 passed, 0 failed, 1 skipped"
expect "how far it is" "$(grep -oE '^\[ *[0-9]+/[0-9]+ +[0-9]+:[0-9]{2} of [0-9]+:[0-9]{2}\] ok +a ' <<<"$OUT" | cut -c 1-6)" "[  2/2"

# The limit ends it after a second of processor.
costs() {
    step busy sh -c '(ulimit -t 1; while :; do :; done) || true'
    step idle sleep 1.2
}
run_case 2 costs 2>/dev/null
expect "what a step uses of the processors, however long it takes" \
    "$(sed -nE 's/.* ok +(\w+) .* ([0-9]+) of CPU .*/\1 \2/p' <<<"$OUT" | sort | tr '\n' ' ')" "busy 1 idle 0 "

killed() { step gone sh -c 'kill -KILL $PPID'; }
run_case 2 killed
expect "a step that is killed has failed" "$(tail -n 1 <<<"$OUT")" "0 passed, 1 failed"

nowhere() { after nothing; step a note a; }
run_case 2 nowhere 2>/dev/null
expect "a need that does not exist ends the run" "$EVENTS$OUT" ""

quoted() { step q sh -c 'printf "%s\n" "$@" >>"$0"' "$FOLDER/events" "two words" '$HOME' "it's"; }
run_case 2 quoted
expect "words of a command stay whole" "$EVENTS" "two words \$HOME it's "

# What the suite notes, without running it: NAME and needs, a line a step.
noted() { # MAIN
    ROOT=$(cd "$BOOT_LIB/../.." && pwd) BUILD=$FOLDER MAKE_BUILD=$FOLDER
    # shellcheck source=tests/boot/install.sh
    . "$BOOT_LIB/install.sh"
    # shellcheck source=tests/boot/suite.sh
    . "$BOOT_LIB/suite.sh"
    # shellcheck disable=SC2317 # called by MAIN
    run_steps() { for name in "${STEPS[@]}"; do echo "$name ${AFTER_OF[$name]:-}"; done >"$FOLDER/noted"; }
    # shellcheck disable=SC2317
    suite_end() { :; }
    "$1" >/dev/null 2>&1
}
names() { sed 's/ .*//' "$FOLDER/noted"; }

(noted test_main)
names >"$FOLDER/whole"
expect "no step of the suite stands twice" "$(sort "$FOLDER/whole" | uniq -d)" ""
expect "a step is noted behind what it needs" "$(awk '{ for (i = 2; i <= NF; i++) if (!seen[$i]) print; seen[$1] = 1 }' "$FOLDER/noted")" ""
expect "the last step looks at all others" "$(tail -n 1 "$FOLDER/whole")" behaviours
(noted quick_main)
expect "quick runs nothing but its build that the suite does not" "$(names | grep -vxF -f "$FOLDER/whole")" build
expect "quick boots two machines" "$(names | grep -c '^boot-')" 2
expect "quick runs the unit tests and the layers" "$(names | grep -cx -e unit -e layers)" 2
expect "quick leaves out the models that take long, and no other" \
    "$(grep '^model-' "$FOLDER/whole" | grep -vx -F -e model-frame -f <(names) | sed 's/^model-//; s/-.*//' | sort -u)" \
    "$(grep -l '^ \* takes:' "$BOOT_LIB"/../model/*.c | sed 's/.*\///; s/\.c$//' | sort)"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
