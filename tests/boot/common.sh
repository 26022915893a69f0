# shellcheck shell=bash
# tests/boot/common.sh: messages, sizes, names and the folder of this run. Sourced by run.sh.

say() {
    printf 'run.sh: %s\n' "$*" >&2
}

die() { # STATUS SENTENCE
    local status=$1
    shift
    say "$*"
    exit "$status"
}

# 512M, 3G, 1T or plain MiB -> MiB. Fails on anything else, and on what is not whole MiB.
size_in_mib() {
    [[ $1 =~ ^([1-9][0-9]{0,8})([KkMmGgTt]?)(i?[Bb])?$ ]] || return 1
    local n=${BASH_REMATCH[1]}
    case ${BASH_REMATCH[2]} in
    [Kk]) [ $((n % 1024)) -eq 0 ] && echo $((n / 1024)) ;;
    [Gg]) echo $((n << 10)) ;;
    [Tt]) echo $((n << 20)) ;;
    *) echo "$n" ;;
    esac
}

# The seconds that a program of tests/model says it takes ("takes: 22 s" in its first comment), or
# nothing for a moment.
model_takes() { # NAME
    sed -n 's/^[/ ]\* takes: \([0-9]*\) s.*/\1/p' "$ROOT/tests/model/${1%-*}.c"
}

# What it is given in ./run.sh test ("brief: 6"), more than finds what tests/mutate plants; all that it does by
# itself takes longer.
model_brief() { # NAME
    sed -n 's/^[/ ]\* brief: \([ 0-9]*\)$/\1/p' "$ROOT/tests/model/${1%-*}.c"
}

# The first of the given files that exists.
first_file() {
    local file
    for file in "$@"; do
        [ -r "$file" ] && { printf '%s\n' "$file"; return 0; }
    done
    return 1
}

# QEMU splits its option strings at commas; a comma in a file name is written twice.
qemu_escape() {
    printf '%s\n' "${1//,/,,}"
}

# The folder of this run, removed at its end, with every process that was started here.
WORK=''
QEMU_PID=''

make_work_folder() {
    WORK=$(mktemp -d "${TMPDIR:-/tmp}/mortise.XXXXXXXX") ||
        die "$STATUS_NO_START" "cannot make a temporary folder; is there room in ${TMPDIR:-/tmp}?"
    trap end_work EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

end_work() {
    if [ -n "$QEMU_PID" ] && kill -TERM "$QEMU_PID" 2>/dev/null; then
        wait "$QEMU_PID" 2>/dev/null
        wait
    fi
    [ -z "$WORK" ] || rm -rf -- "$WORK"
}
