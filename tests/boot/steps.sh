# shellcheck shell=bash
# tests/boot/steps.sh: run steps, several at a time, and count. Sourced by suite.sh.
#
# A step is a command with a name: `step NAME COMMAND...` notes it, run_steps runs all that were noted.
# Its output goes to build/test/NAME.log; its count is the last line "N passed, N failed" there, and a
# step that prints none counts as one test. It fails when its status is not 0, when it counts a failure,
# or when it counted no test at all; the end of its log is then shown. One whose need has failed
# entirely (a build) is not run, and has failed.
#
# `after NAME...` says what the steps noted from there on wait for. Of those that can run, the one goes
# first that the most seconds hang on: its own, and those of the longest chain that waits for it. Steps
# noted by step_alone come last, one after another, with nothing beside them.

# One more than there are processors: many steps wait for a guest or a key now and then.
AT_A_TIME=$(($(nproc) < 8 ? $(nproc) + 1 : 9))
SUITE_LOGS=$BUILD/test

STEPS=()                                       # all names, as they were noted
ALONE=()                                       # those of step_alone
declare -A COMMAND_OF=() AFTER_OF=() SECONDS_OF=() # by name
declare -A BEGUN=()                             # of those that run: when they began
AFTER=''
# Seconds that steps take on a machine of two cores, by name or by the word before the first dash:
# for the order and for the estimate. Others are taken for a moment.
declare -A TAKES=()

after() { # NAME...
    AFTER=$*
}

step() { # NAME COMMAND...
    local name=$1
    shift
    STEPS+=("$name")
    COMMAND_OF[$name]=$(printf '%q ' "$@")
    AFTER_OF[$name]=$AFTER
    SECONDS_OF[$name]=${TAKES[$name]:-${TAKES[${name%%-*}]:-1}}
}

step_alone() { # NAME COMMAND...
    step "$@"
    ALONE+=("$1")
}

# A step that cannot run on this machine counts as one skipped test.
skip_step() { # NAME REASON
    STEPS+=("$1")
    echo "skip $1: $2" | tee "$SUITE_LOGS/$1.log"
    echo "0 0 1" >"$SUITE_LOGS/$1.count"
}

# The count of one step, as "PASSED FAILED SKIPPED".
step_count() { # STATUS LOG
    local passed=0 failed=0 skipped=0 line
    line=$(grep -a -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$2" | tail -n 1)
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]} skipped=${BASH_REMATCH[4]:-0}
    elif [ "$1" -eq 0 ]; then
        passed=1
    fi
    if [ "$failed" -eq 0 ] && { [ "$1" -ne 0 ] || [ "$passed" -eq 0 ]; }; then failed=1; fi
    echo "$passed $failed $skipped"
}

# ---- running ----

has_ended() { # NAME
    [ -e "$SUITE_LOGS/$1.count" ]
}

can_begin() { # NAME
    local need
    for need in ${AFTER_OF[$1]}; do has_ended "$need" || return 1; done
}

# What the step waits for and cannot have; nothing when all is well.
lost_need() { # NAME
    local need passed failed
    for need in ${AFTER_OF[$1]}; do
        read -r passed failed _ <"$SUITE_LOGS/$need.count"
        [ "$passed" -gt 0 ] || [ "$failed" -eq 0 ] || { echo "$need"; return; }
    done
}

# In a process of its own. NAME.times has what it used of the processors; NAME.status is written when
# it has ended.
run_command() { # NAME
    local need status
    need=$(lost_need "$1")
    if [ -n "$need" ]; then
        echo "not run, for $need has failed" >"$SUITE_LOGS/$1.log"
        false
    else
        eval "${COMMAND_OF[$1]}" >"$SUITE_LOGS/$1.log" 2>&1 </dev/null
    fi
    status=$?
    times >"$SUITE_LOGS/$1.times"
    echo $status >"$SUITE_LOGS/$1.status"
}

# Seconds of processor that steps have used, with all processes that they have waited for. Beside other work
# they tell more than the clock does.
cpu_seconds() { # NAME...
    local name
    for name in "$@"; do cat "$SUITE_LOGS/$name.times" 2>/dev/null; done |
        awk -F '[ms ]+' '{ sum += 60 * ($1 + $3) + $2 + $4 } END { printf "%.0f\n", sum }'
}

begin_step() { # NAME
    BEGUN[$1]=$SECONDS
    run_command "$1" &
}

# Count and tell those that have ended since.
end_steps() {
    local name status count
    for name in "${!BEGUN[@]}"; do
        [ -s "$SUITE_LOGS/$name.status" ] || continue
        read -r status <"$SUITE_LOGS/$name.status"
        count=$(step_count "$status" "$SUITE_LOGS/$name.log")
        echo "$count" >"$SUITE_LOGS/$name.count"
        # shellcheck disable=SC2086 # three words
        report_step "$name" $((SECONDS - BEGUN[$name])) "$status" $count
        unset "BEGUN[$name]"
    done
}

# Until one or more have ended. With no process left, a step that left no status was killed.
await_steps() {
    local name
    wait -n || [ $? -ne 127 ] || for name in "${!BEGUN[@]}"; do
        [ -s "$SUITE_LOGS/$name.status" ] || echo 137 >"$SUITE_LOGS/$name.status"
    done
    end_steps
}

# Ended steps of all, the time, and what it will come to, by the seconds that were expected so far:
# "[ 37/212  4:10 of 8:40]".
progress() {
    local name ended=0 done=0 left=0 end
    for name in "${STEPS[@]}"; do
        if has_ended "$name"; then
            ended=$((ended + 1)) done=$((done + ${SECONDS_OF[$name]:-0}))
        else
            left=$((left + SECONDS_OF[$name]))
        fi
    done
    end=$((SECONDS + left * (SECONDS + 30) / (done + 60)))
    printf '[%3d/%d %2d:%02d of %d:%02d]' "$ended" "${#STEPS[@]}" $((SECONDS / 60)) $((SECONDS % 60)) \
        $((end / 60)) $((end % 60))
}

report_step() { # NAME SECONDS STATUS PASSED FAILED SKIPPED
    local word='ok  '
    [ "$5" -eq 0 ] || word=FAIL
    printf '%s %s %-24s %3d s, %3d of CPU  %d passed, %d failed' "$(progress)" "$word" "$1" "$2" "$(cpu_seconds "$1")" "$4" "$5"
    if [ "$6" -gt 0 ]; then printf ', %d skipped\n' "$6"; else printf '\n'; fi
    [ "$5" -eq 0 ] || {
        echo "     status $3; the end of $SUITE_LOGS/$1.log:"
        tail -n 25 "$SUITE_LOGS/$1.log" | cut -c 1-240 | sed 's/^/     | /'
    }
}

# The steps that run beside others, those first that most hangs on. A need is noted before its users.
by_weight() {
    local -A chain=()
    local name need at weight
    for ((at = ${#STEPS[@]} - 1; at >= 0; at--)); do
        name=${STEPS[at]}
        [[ -n ${COMMAND_OF[$name]:-} && " ${ALONE[*]} " != *" $name "* ]] || continue
        weight=$((SECONDS_OF[$name] + ${chain[$name]:-0}))
        for need in ${AFTER_OF[$name]}; do
            [ "${chain[$need]:-0}" -ge "$weight" ] || chain[$need]=$weight
        done
        echo "$weight $at $name"
    done | sort -k 1,1nr -k 2,2n | cut -d ' ' -f 3
}

run_steps() {
    local -a waiting left
    local name
    mapfile -t waiting < <(by_weight)
    while [ $((${#waiting[@]} + ${#BEGUN[@]})) -gt 0 ]; do
        left=()
        for name in "${waiting[@]}"; do
            if [ "${#BEGUN[@]}" -lt "$AT_A_TIME" ] && can_begin "$name"; then
                begin_step "$name"
            else
                left+=("$name")
            fi
        done
        waiting=("${left[@]}")
        [ "${#BEGUN[@]}" -gt 0 ] || die "$STATUS_FAIL" "these steps wait for one that does not exist: ${waiting[*]}"
        await_steps
    done
    for name in "${ALONE[@]}"; do
        begin_step "$name"
        await_steps
    done
}

# One line; a suite that ran nothing has failed.
suite_total() {
    local name passed=0 failed=0 skipped=0 p f s
    for name in "${STEPS[@]}"; do
        read -r p f s <"$SUITE_LOGS/$name.count" || { p=0 f=1 s=0; }
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    done
    if [ "$skipped" -gt 0 ]; then
        echo "$passed passed, $failed failed, $skipped skipped"
    else
        echo "$passed passed, $failed failed"
    fi
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

# Every step is a process group of its own (set -m), so that all of it can be stopped, and no more.
stop_steps() {
    local pid
    for pid in $(jobs -p); do kill -TERM -- "-$pid" 2>/dev/null; done
    wait
}

suite_begin() {
    set -m
    trap stop_steps EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    rm -rf "$SUITE_LOGS"
    mkdir -p "$SUITE_LOGS" || die "$STATUS_NO_START" "cannot make the folder $SUITE_LOGS"
}

suite_end() {
    say "took $((SECONDS / 60)) min $((SECONDS % 60)) s, and $(cpu_seconds "${STEPS[@]}") s of CPU"
    suite_total
}

# A program of several tests that stops before it has said its count has failed.
counted() { # COMMAND...
    local output status
    output=$(mktemp) || return 1
    "$@" >"$output" 2>&1
    status=$?
    cat "$output"
    tail -n 1 "$output" | grep -a -qE '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' ||
        { echo "$1 ended with status $status and without its count"; status=1; }
    rm -f "$output"
    return $status
}
