# shellcheck shell=bash
# tests/boot/verdict.sh: what counts as a pass. Sourced by run.sh.
#
# A pass needs all of: the debug-exit port's status for "pass", `verdict: pass` as the last line of
# the log, a line `selftest: N passed, 0 failed` with N above 0, and all that within the time limit.
# isa-debug-exit ends QEMU with 2 * value + 1; QEMU's own 0 (also a triple fault under -no-reboot)
# and 1 (it did not start) are never a pass.

readonly QEMU_PASS=33 # the guest wrote 0x10 to the port
readonly QEMU_FAIL=35 # the guest wrote 0x11
readonly QEMU_TIMEOUT=124 # from timeout(1)

# The log without carriage returns, escape sequences and `[seconds] ` stamps.
plain_log() {
    tr -d '\r\000' <"$1" | sed -e 's/\x1b\[[0-9;=?]*[A-Za-z]//g' -e 's/^\[ *[0-9][0-9.]*\] *//'
}

last_line() {
    plain_log "$1" | grep -a -v '^[[:space:]]*$' | tail -n 1
}

log_agrees() { # LOG: print what is wrong, or nothing
    local last
    last=$(last_line "$1")
    [ "$last" = "verdict: pass" ] ||
        { echo "the last line of the log is not 'verdict: pass' but '${last:0:120}'"; return 1; }
    # Not -q: grep would leave early, and the end of its writer by SIGPIPE would count as no match.
    plain_log "$1" | grep -a -E '^selftest: [1-9][0-9]* passed, 0 failed' >/dev/null ||
        { echo "the log has no line 'selftest: N passed, 0 failed' with N above 0"; return 1; }
}

# Explain how the machine ended and return run.sh's exit status.
judge() { # QEMU_STATUS LOG HOW-LONG
    local why
    case $1 in
    "$QEMU_PASS")
        if why=$(log_agrees "$2"); then
            say "pass after $3"
            return "$STATUS_PASS"
        fi
        say "FAIL: the exit port says pass, but $why"
        return "$STATUS_FAIL"
        ;;
    "$QEMU_FAIL")
        say "FAIL: the kernel's verdict is fail, after $3"
        return "$STATUS_FAIL"
        ;;
    "$QEMU_TIMEOUT" | 137)
        say "FAIL: no verdict within $TIMEOUT s; the last line was: '$(last_line "$2")'"
        return "$STATUS_NO_VERDICT"
        ;;
    esac
    judge_odd_end "$1" "$2"
}

judge_odd_end() { # QEMU_STATUS LOG
    if [ "$1" -eq 0 ]; then
        say "FAIL: the machine ended without a verdict (a triple fault, a reset, or it was closed)"
        return "$STATUS_NO_VERDICT"
    fi
    if [ -s "$2" ]; then
        say "FAIL: QEMU ended with status $1 in the middle of the run, without a verdict"
        return "$STATUS_NO_VERDICT"
    fi
    say "FAIL: QEMU did not start (status $1)"
    return "$STATUS_NO_START"
}
