# shellcheck shell=bash
# shellcheck disable=SC2034 # IMAGE is for kvm.sh
# tests/boot/suite.sh: ./run.sh test. Sourced by run.sh.
#
# A step is a command with a name. Its output goes to build/test/NAME.log; its count is the last line
# "N passed, N failed" there, and a step that prints none counts as one test. At most two steps run
# at a time. A step fails when its status is not 0, when it counts a failure, or when it counted no
# test at all; the end of its log is then shown.

# shellcheck source=tests/boot/matrix.sh
. "$BOOT_LIB/matrix.sh"

readonly AT_A_TIME=2
SUITE_LOGS=$BUILD/test

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

# Run one step and leave its count in NAME.count. The report is one write, so that two steps that
# end together do not mix their lines.
run_step() { # NAME COMMAND...
    local name=$1 start=$SECONDS status count report
    shift
    "$@" >"$SUITE_LOGS/$name.log" 2>&1 </dev/null
    status=$?
    count=$(step_count "$status" "$SUITE_LOGS/$name.log")
    echo "$count" >"$SUITE_LOGS/$name.count"
    # shellcheck disable=SC2086 # three words
    report=$(report_step "$name" $((SECONDS - start)) "$status" $count)
    printf '%s\n' "$report"
}

report_step() { # NAME SECONDS STATUS PASSED FAILED SKIPPED
    local word='ok  '
    [ "$5" -eq 0 ] || word=FAIL
    printf '%s %-24s %4d s  %d passed, %d failed' "$word" "$1" "$2" "$4" "$5"
    if [ "$6" -gt 0 ]; then printf ', %d skipped\n' "$6"; else printf '\n'; fi
    [ "$5" -eq 0 ] || {
        echo "     status $3; the end of $SUITE_LOGS/$1.log:"
        tail -n 25 "$SUITE_LOGS/$1.log" | cut -c 1-240 | sed 's/^/     | /'
    }
}

STEPS=()
step() { # NAME COMMAND...: start it as soon as there is room
    while [ "$(jobs -pr | wc -l)" -ge "$AT_A_TIME" ]; do
        wait -n
    done
    STEPS+=("$1")
    run_step "$@" &
}

# A step that cannot run on this machine counts as one skipped test.
skip_step() { # NAME REASON
    STEPS+=("$1")
    echo "skip $1: $2" | tee "$SUITE_LOGS/$1.log"
    echo "0 0 1" >"$SUITE_LOGS/$1.count"
}

step_alone() {
    wait
    step "$@"
    wait
}

# The names of the desk programs of a folder, as the Makefile knows them.
desk_programs() { # model or fuzz
    make_here programs | sed -n "s/^$1-//p"
}

make_here() {
    make -s -C "$ROOT" -j"$AT_A_TIME" BUILD="$MAKE_BUILD" "$@"
}

# The same sources in two folders give the same bytes.
check_reproducible() {
    local folder one two
    folder=$(mktemp -d) || return 1
    one=$folder/a two=$folder/another-and-longer/name
    mkdir -p "$one" "$two"
    tar -C "$ROOT" --exclude=./build --exclude=./.git -cf - . | tee >(tar -C "$two" -xf -) |
        tar -C "$one" -xf -
    sleep 1
    make -s -C "$one" COMMIT=reproducible dist && make -s -C "$two" COMMIT=reproducible dist &&
        cmp "$one/build/BOOTX64.EFI" "$two/build/BOOTX64.EFI" &&
        cmp "$one/build/dist/SHA256SUMS" "$two/build/dist/SHA256SUMS" &&
        echo "two folders, the same $(wc -c <"$one/build/BOOTX64.EFI") bytes, the same downloads"
    local status=$?
    rm -rf "$folder"
    return $status
}

check_image_size() {
    local size
    size=$(wc -c <"$BUILD/BOOTX64.EFI") && echo "BOOTX64.EFI has $size bytes (limit 524288)" &&
        [ "$size" -lt 524288 ]
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

run_fuzz() { # TARGET SECONDS
    BUILD="$BUILD" bash "$ROOT/tests/fuzz/run.sh" run "$1" "$2"
}

# The analyzers of Debian 12: others have other checks, and another opinion of good code.
have_tidy() {
    clang-tidy --version 2>/dev/null | grep -q 'version 14\.' &&
        cppcheck --version 2>/dev/null | grep -q ' 2\.10'
}

desk_steps() {
    local name
    step layers make_here layers
    step layers-proof counted python3 "$ROOT/tests/lint/layers_test.py"
    step matrix-rows check_matrix
    step harness-matrix counted bash "$ROOT/tests/boot/matrix_test.sh"
    step harness-verdict counted bash "$ROOT/tests/boot/verdict_test.sh"
    step harness-usage counted bash "$ROOT/tests/boot/usage_test.sh"
    step behaviours-check counted python3 "$ROOT/tests/lint/behaviours_test.py"
    step docs python3 "$ROOT/tests/lint/docs.py"
    step docs-check counted python3 "$ROOT/tests/lint/docs_test.py"
    step log-checker counted python3 "$ROOT/tests/boot/check_log_test.py"
    step pe-lint counted python3 "$ROOT/tests/lint/pe_lint_test.py"
    step font counted python3 "$ROOT/tests/lint/font_test.py"
    step cover-list counted python3 "$ROOT/tests/lint/unreachable_test.py"
    step harness-mutate counted python3 "$ROOT/tests/mutate/mutate_test.py"
    step map-totals python3 "$ROOT/tests/data/maps/totals.py" --check
    if have_tidy; then
        step tidy make_here tidy
    else
        skip_step tidy "clang-tidy 14 or cppcheck 2.10 is not on this machine"
    fi
    step_alone build-desk make_here desk
    # The frames of the desk's tests are themselves programs under test.
    step test-frame counted "$BUILD/host/frame_test"
    step model-frame counted "$BUILD/host/expect_test"
    step unit counted "$BUILD/host/unit"
    step unit-gcc counted make_here CC=gcc BUILD="$MAKE_BUILD/gcc" unit
    for name in $(desk_programs model); do step "model-$name" counted "$BUILD/host/model-$name"; done
    step portable-gcc counted env BUILD="$MAKE_BUILD" bash "$BOOT_LIB/portable.sh" --quick gcc
    step embed-desk counted make_here embed
    step embed-readme counted python3 "$ROOT/tests/embed/readme.py"
    step sim counted python3 "$ROOT/tests/sim/test.py"
    step_alone soak counted make_here TIME=5 soak-desk
    step fuzz-plant counted python3 "$ROOT/tests/fuzz/plant.py" options format
    for name in $(desk_programs fuzz); do
        case $name in memmap) step "fuzz-$name" run_fuzz "$name" 60 ;; *)
            step "fuzz-$name" run_fuzz "$name" 10 ;;
        esac
    done
}

image_steps() {
    step_alone image make_here image
    [ -s "$BUILD/BOOTX64.EFI" ] || return 1
    step image-size check_image_size
    step_alone dist make_here dist shim
    step dist-files counted python3 "$ROOT/tests/dist/dist_test.py" "$BUILD/BOOTX64.EFI" "$BUILD/BOOTIA32.EFI"
    step reproducible check_reproducible
    wait
}

# How many tests the kernel must have run: those of the desk, and its own, which are counted in the
# sources (a test begins with `TEST("what.sentence")`).
kernel_tests() {
    local passed failed skipped own
    own=$(cat "$ROOT"/tests/kernel/*.c "$ROOT"/tests/kernel/*/*.c | grep -cE '^TEST\("[a-z]+\.')
    read -r passed failed skipped <"$SUITE_LOGS/unit.count" && echo $((passed + failed + skipped + own))
}

# The same once more for its times alone.
run_again() { # MEMORY
    "$ROOT/run.sh" --no-install --image "$BUILD/BOOTX64.EFI" --timeout 150 --memory "$1" \
        --log "$SUITE_LOGS/again-$1.serial" --options selftest=off
}

# The example of mm/ in another kernel, on a machine of its own.
run_embed_boot() {
    "$ROOT/run.sh" --no-install --image "$BUILD/embed.efi" --timeout 150 --memory 128M
}

# The base of the kernel is chosen by chance: no two of these boots have the same.
check_bases() {
    local -a bases
    mapfile -t bases < <(sed -n 's/.*image: at \(0x[0-9a-f]*\).*/\1/p' \
        "$SUITE_LOGS"/boot-{48M,128M,512M,3G,5G,8G,u-boot,no-pge}.serial)
    printf '%s\n' "${bases[@]}"
    [ "${#bases[@]}" -eq 8 ] && [ -z "$(printf '%s\n' "${bases[@]}" | sort | uniq -d)" ]
}

# Memory that nobody uses is never touched: a 1 TiB guest costs this machine little.
check_sparse() { # LIMIT-MIB
    local used
    used=$(sed -n 's/.*QEMU used \([0-9]*\) MiB.*/\1/p' "$SUITE_LOGS/boot-1T.log" | tail -n 1)
    echo "QEMU used ${used:-an unknown number of} MiB for a guest of 1 TiB, at most $1 allowed"
    [ -n "$used" ] && [ "$used" -le "$1" ]
}

# Neither screen nor serial port: the exit port alone tells the verdict, and run.sh says so.
check_mute() {
    local said
    said=$("$ROOT/run.sh" --no-install --image "$BUILD/BOOTX64.EFI" --timeout 150 --memory 128M \
        --options 'serial=0x2f8 selftest=off' --qemu '-vga none' 2>&1)
    printf '%s\n' "$said"
    [[ $said == *'the exit port says pass, but the last line of the log is not'* ]]
}

screen() { # NAME SCREEN.PY-ARGUMENTS...
    local name=$1
    shift
    step "screen-$name" counted python3 "$ROOT/tests/boot/screen.py" "$@" --image "$BUILD/BOOTX64.EFI" \
        --timeout 150
}

# Once with the whole self-test; the sizes differ in nothing that it could tell.
screen_steps() {
    screen 1280x800 1280x800 --memory 512M
    screen 640x480 --words selftest=off 640x480 --memory 64G
    screen 800x600 --words selftest=off 800x600 --memory 3G
    screen 1920x1080 --words selftest=off 1920x1080 --memory 6G
    screen 3840x2160 --words selftest=off 3840x2160 --memory 64M
    screen log --words "screen=log selftest=off" 1280x800 --memory 128M
    screen panic --panic 1280x800
    screen panic-4k --panic 3840x2160 --memory 1T
    screen no-serial --no-serial --words selftest=off 800x600
    step mute check_mute
}

# A firmware that plays tricks.
step_shim() { # CASES AT-A-TIME
    step shim counted python3 "$ROOT/tests/boot/shim/shim_test.py" --image "$BUILD/BOOTX64.EFI" \
        --shim "$BUILD/shim.efi" --jobs "$2" "$1"
}

boot_steps() {
    matrix_boot fast
    step embed-boot run_embed_boot
    if have_command clang-19; then
        step portable-clang-19 counted env BUILD="$MAKE_BUILD" bash "$BOOT_LIB/portable.sh" --quick clang-19
    else
        skip_step portable-clang-19 "clang-19 is not on this machine; make portability C=clang-19 where it is"
    fi
    step firmware-32-bit counted python3 "$ROOT/tests/dist/firmware_test.py" ia32 "$BUILD"
    step secure-boot counted python3 "$ROOT/tests/dist/firmware_test.py" secure "$BUILD"
    if [ -r /usr/lib/shim/shimx64.efi ]; then
        step secure-boot-shim counted python3 "$ROOT/tests/dist/firmware_test.py" shim "$BUILD"
    else
        skip_step secure-boot-shim "the package shim-unsigned is not on this machine"
    fi
    screen_steps
    step_shim core 1
    step monitor-5 counted python3 "$ROOT/tests/boot/monitor.py" --image "$BUILD/BOOTX64.EFI" --memory 128M \
        --timeout 150 --options levels=5
    step monitor counted python3 "$ROOT/tests/boot/monitor.py" --image "$BUILD/BOOTX64.EFI" --memory 3G \
        --timeout 150
    local kind
    for kind in whole bare bad; do
        step "monitor-$kind" counted python3 "$ROOT/tests/boot/monitor_session.py" "$kind" \
            --image "$BUILD/BOOTX64.EFI" --memory 128M --smp 2 --timeout 300
    done
    step report counted python3 "$ROOT/tests/boot/report.py" --memsim "$BUILD/host/memsim" \
        --image "$BUILD/BOOTX64.EFI" --memory 256M
    wait
    # Alone, so that nothing else disturbs the two times that are compared.
    matrix_boot alone
    step_alone again-64M run_again 64M
    step_alone again-1T run_again 1T
    step bases check_bases
    step sparse check_sparse 1024
    step time-ratio python3 "$ROOT/tests/boot/time_ratio.py" \
        "$SUITE_LOGS/boot-64M.serial,$SUITE_LOGS/again-64M.serial" \
        "$SUITE_LOGS/boot-1T.serial,$SUITE_LOGS/again-1T.serial"
    wait
    head -n 2 "$SUITE_LOGS/time-ratio.log"
}

proof_steps() {
    # shellcheck source=tests/boot/proof.sh
    . "$BOOT_LIB/proof.sh"
    proof_all
    wait
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
    say "took $((SECONDS / 60)) min $((SECONDS % 60)) s"
    suite_total
}

suite_main() {
    suite_begin
    desk_steps
    wait
    if image_steps; then
        IMAGE=$BUILD/BOOTX64.EFI
        choose_accel
        boot_steps
        proof_steps
    fi
    step_alone behaviours python3 "$ROOT/tests/lint/behaviours.py" "$ROOT/tests/BEHAVIOURS.md" \
        "$SUITE_LOGS" "$ROOT"/tests/kernel/*.c "$ROOT"/tests/kernel/*/*.c
    suite_end
}

# ./run.sh matrix [NAME...]
matrix_main() {
    suite_begin
    step_alone unit-build make_here "$MAKE_BUILD/host/unit"
    step_alone unit counted "$BUILD/host/unit"
    step_alone dist make_here dist shim
    step_alone layouts make_layouts
    IMAGE=$BUILD/BOOTX64.EFI
    choose_accel
    matrix_boot 'fast|alone|full' "$@"
    [ $# -gt 0 ] || step_shim all "$AT_A_TIME"
    wait
    suite_end
}
