# shellcheck shell=bash
# shellcheck disable=SC2034 # IMAGE is for kvm.sh
# tests/boot/suite.sh: what ./run.sh test, quick and matrix run, as steps (steps.sh). Sourced by run.sh.

# shellcheck source=tests/boot/steps.sh
. "$BOOT_LIB/steps.sh"
# shellcheck source=tests/boot/matrix.sh
. "$BOOT_LIB/matrix.sh"
# shellcheck source=tests/boot/proof.sh
. "$BOOT_LIB/proof.sh"

TAKES=([build-desk]=115 [image]=55 [tidy]=25 [harness-mutate]=25 [harness-steps]=12 [layers]=10 [layers-proof]=20 [portable]=13
    [embed-desk]=7 [embed-bare]=20 [soak]=7 [sim]=14 [page]=8 [count]=7 [fuzz]=5 [fuzz-memmap]=13 [fuzz-plant]=7 [dist]=3
    [dist-files]=13 [reproducible]=10 [boot]=5 [screen]=5 [plant]=3 [plant-hang]=21 [options]=4 [machine]=4 [mute]=3
    [firmware]=20 [secure]=14 [monitor]=6 [monitor-5]=27 [monitor-whole]=30 [monitor-bare]=16 [monitor-bad]=15 [report]=35
    [bad-loop]=25 [shim]=55 [again]=6)

make_here() {
    make -s -C "$ROOT" -j"$(nproc)" BUILD="$MAKE_BUILD" "$@"
}

# The names of the desk programs of a folder, as the Makefile knows them.
desk_programs() { # model or fuzz
    make_here programs | sed -n "s/^$1-//p"
}

# What the steps run: no step runs bench (the step tidy compiles it), and the matrix runs the example under ASan.
build_desk() {
    local -a names
    mapfile -t names < <(make_here programs | grep -vxE 'bench|embed')
    make_here "${names[@]/#/$MAKE_BUILD/host/}"
}

# mm/ in another kernel: on threads under TSan, and as an image that embed-boot boots.
run_embed() {
    make_here "$MAKE_BUILD/embed.efi" && "$BUILD/host/embed-embed_tsan"
}

# The same sources in another folder give the same bytes as here, where the build was a growing one. With
# names, of the objects of the image of x86-64 these are compiled again, the others are those of here, and so is
# the image of aarch64: in the matrix both are compiled whole.
check_reproducible() { # [FOLDER-OF-OBJECTS...]
    local folder=$SUITE_LOGS/another-and-longer/name status
    local -a given=()
    mkdir -p "$folder/build" && cp "$BUILD/BOOTAA64.EFI" "$folder/build/" || return 1
    if [ $# -gt 0 ]; then
        given=(-o build/BOOTAA64.EFI -o build/efi/flags -o build/page/flags)
        cp -a "$BUILD/efi" "$BUILD/page" "$folder/build/" && rm -r "${@/#/$folder/build/efi/}" || return 1
    fi
    make -s -C "$folder" BUILD=build COMMIT="$(cat "$BUILD/commit")" SOURCE_DATE_EPOCH="$(cat "$folder.epoch")" "${given[@]}" dist &&
        cmp "$BUILD/BOOTX64.EFI" "$folder/build/BOOTX64.EFI" &&
        cmp "$BUILD/BOOTAA64.EFI" "$folder/build/BOOTAA64.EFI" &&
        cmp "$BUILD/dist/SHA256SUMS" "$folder/build/dist/SHA256SUMS" &&
        echo "two folders, the same $(wc -c <"$BUILD/BOOTX64.EFI") bytes, the same downloads"
    status=$?
    rm -rf "$folder"
    return $status
}

check_image_size() {
    local size name
    for name in BOOTX64.EFI BOOTAA64.EFI; do
        size=$(wc -c <"$BUILD/$name") && echo "$name has $size bytes (limit 524288)" &&
            [ "$size" -lt 524288 ] || return 1
    done
}

run_fuzz() { # TARGET SECONDS
    BUILD="$BUILD" bash "$ROOT/tests/fuzz/run.sh" run "$1" "$2"
}

# The analyzers of Debian 12: others have other checks, and another opinion of good code.
have_tidy() {
    clang-tidy --version 2>/dev/null | grep -q 'version 14\.' &&
        cppcheck --version 2>/dev/null | grep -q ' 2\.10'
}

tidy_step() { # NAME MAKE-ARGUMENTS...
    local name=$1
    shift
    if have_tidy; then
        step "$name" make_here tidy "$@"
    else
        skip_step "$name" "clang-tidy 14 or cppcheck 2.10 is not on this machine"
    fi
}

# Whatever needs no machine. Those that need build-desk come behind it.
desk_steps() {
    local name seconds
    after
    step layers make_here layers
    step layers-proof counted python3 "$ROOT/tests/lint/layers_test.py"
    step matrix-rows check_matrix
    step harness-matrix counted bash "$BOOT_LIB/matrix_test.sh"
    step harness-verdict counted bash "$BOOT_LIB/verdict_test.sh"
    step harness-steps counted bash "$BOOT_LIB/steps_test.sh"
    step harness-usage counted bash "$BOOT_LIB/usage_test.sh"
    step behaviours-check counted python3 "$ROOT/tests/lint/behaviours_test.py"
    step docs python3 "$ROOT/tests/lint/docs.py"
    step docs-check counted python3 "$ROOT/tests/lint/docs_test.py"
    step log-checker counted python3 "$BOOT_LIB/check_log_test.py"
    step pe-lint counted python3 "$ROOT/tests/lint/pe_lint_test.py"
    step font counted python3 "$ROOT/tests/lint/font_test.py"
    step cover-list counted python3 "$ROOT/tests/lint/unreachable_test.py"
    step harness-mutate counted python3 "$ROOT/tests/mutate/mutate_test.py"
    step map-totals python3 "$ROOT/tests/data/maps/totals.py" --check
    step portable-gcc counted env BUILD="$MAKE_BUILD" bash "$BOOT_LIB/portable.sh" --quick gcc
    tidy_step tidy DEPTH=30000
    after portable-gcc
    step unit-gcc counted "$BUILD/portable/gcc/host/unit"
    after image # one make at a time in one folder
    step build-desk build_desk
    after build-desk
    step unit counted "$BUILD/host/unit"
    # The frames of the desk's tests are themselves programs under test.
    step test-frame counted "$BUILD/host/frame_test"
    step model-frame counted "$BUILD/host/expect_test"
    for name in $(desk_programs model); do
        model_step "$name"
    done
    step embed-desk counted run_embed
    step embed-bare counted env BUILD="$BUILD" bash "$ROOT/tests/embed/bare.sh" brief
    step embed-readme counted python3 "$ROOT/tests/embed/readme.py"
    step sim counted python3 "$ROOT/tests/sim/test.py" brief "$BUILD/host/memsim"
    if have_browser; then
        step page counted python3 "$ROOT/tests/page/test.py" "$BUILD/memory.html" "$BUILD/host/memsim" "$SUITE_LOGS/page.png"
    else
        skip_step page "no Chromium is on this machine (package chromium)"
    fi
    if have_counted_compiler; then
        step count counted python3 "$ROOT/tests/count/count.py" "$BUILD/host/count" --check
    else
        skip_step count "the instructions were counted with clang 14, and the compiler is another one"
    fi
    step soak counted make_here TIME=5 soak-desk
    step fuzz-plant counted env BUILD="$BUILD" python3 "$ROOT/tests/fuzz/plant.py" options format
    for name in $(desk_programs fuzz); do
        if [ "$name" = memmap ]; then seconds=12; else seconds=4; fi
        step "fuzz-$name" run_fuzz "$name" "$seconds"
    done
}

# Another compiler makes other instructions.
have_counted_compiler() {
    "${CC:-clang}" --version | grep -q 'clang version 14\.'
}

model_step() { # NAME
    TAKES[model-$1]=$(model_takes "$1")
    # shellcheck disable=SC2046 # words
    step "model-$1" counted "$BUILD/host/model-$1" $(model_brief "$1")
}

# The models that ./run.sh test runs in part, whole, and what it does not run.
whole_models() {
    local name
    local -a names=()
    for name in $(desk_programs model); do
        [ -z "$(model_brief "$name")" ] || names+=("model-$name")
    done
    step build-models make_here "${names[@]/#/$MAKE_BUILD/host/}" "$MAKE_BUILD"/host/{bench,embed}
    after build-models
    step embed-asan counted "$BUILD/host/embed"
    step embed-bare counted env BUILD="$BUILD" bash "$ROOT/tests/embed/bare.sh"
    for name in "${names[@]}"; do step "$name" counted "$BUILD/host/$name"; done
}

# What is booted, in one make; a copy of the sources as they are now; and whether KVM will do.
build_image() {
    local copy=$SUITE_LOGS/another-and-longer/name
    SOURCE_DATE_EPOCH=$(git -C "$ROOT" log -1 --format=%ct 2>/dev/null || echo 0)
    export SOURCE_DATE_EPOCH
    make_here image dist shim "$MAKE_BUILD/BOOTAA64.EFI" && mkdir -p "$copy" && echo "$SOURCE_DATE_EPOCH" >"$copy.epoch" &&
        tar -C "$ROOT" -cf - LICENSE Makefile efi hal kernel mm tests | tar -C "$copy" -xf - || return 1
    IMAGE=$BUILD/BOOTX64.EFI
    choose_accel
}

image_steps() {
    after
    step image build_image
    after image
    step reproducible check_reproducible efi hal gen kernel/version.c.obj kernel/screen
    step image-size check_image_size
    step dist-files counted python3 "$ROOT/tests/dist/dist_test.py" "$BUILD/memory.html" "$BUILD"/BOOT{X64,AA64,IA32}.EFI
}

# How many tests the kernel must have run: those of the desk, and its own, which are counted in the
# sources (a test begins with `TEST("what.sentence")`).
kernel_tests() { # ARCHITECTURE
    local passed failed skipped own
    own=$(cat "$ROOT"/tests/kernel/*.c "$ROOT/tests/kernel/$1"/*.c | grep -cE '^TEST\("[a-z]+\.')
    read -r passed failed skipped <"$SUITE_LOGS/unit.count" && echo $((passed + failed + skipped + own))
}

# The same once more for its times alone.
run_again() { # MEMORY
    "$ROOT/run.sh" --no-install --image "$BUILD/BOOTX64.EFI" --timeout 150 --memory "$1" \
        --firmware ovmf-rom --log "$SUITE_LOGS/again-$1.serial" --options selftest=off
}

# The example of mm/ in another kernel, on a machine of its own.
run_embed_boot() {
    "$ROOT/run.sh" --no-install --image "$BUILD/embed.efi" --timeout 150 --memory 128M --firmware u-boot
}

# The base of the kernel is chosen by chance: no two of these boots have the same.
BASES='48M 64M 128M 3G 8G 64G u-boot bare-cpu'
check_bases() {
    local boot
    local -a bases=()
    for boot in $BASES; do
        mapfile -t -O "${#bases[@]}" bases < <(sed -n 's/.*image: at \(0x[0-9a-f]*\).*/\1/p' "$SUITE_LOGS/boot-$boot.serial")
    done
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
    said=$("$ROOT/run.sh" --no-install --image "$BUILD/BOOTX64.EFI" --timeout 150 --memory 128M --firmware u-boot \
        --options 'serial=0x2f8 selftest=off' --qemu '-vga none' 2>&1)
    printf '%s\n' "$said"
    [[ $said == *'the exit port says pass, but the last line of the log is not'* ]]
}

screen() { # NAME SCREEN.PY-ARGUMENTS...
    local name=$1
    shift
    [[ " $* " == *' --firmware '* ]] || set -- "$@" --firmware ovmf-rom
    step "screen-$name" counted python3 "$BOOT_LIB/screen.py" "$@" --image "$BUILD/BOOTX64.EFI" --timeout 150
}

TWO_NODES='-object memory-backend-ram,id=n0,size=2G,reserve=off -object memory-backend-ram,id=n1,size=1G,reserve=off
    -numa node,nodeid=0,cpus=0,memdev=n0 -numa node,nodeid=1,memdev=n1'

# Once with the whole self-test, and the firmware's flash in the map; the sizes differ in nothing that it could tell.
screen_steps() {
    screen 1280x800 1280x800 --memory 512M --firmware ovmf
    screen 640x480 --words selftest=off 640x480 --memory 64G
    screen 800x600 --words 'selftest=off bad=0x40000000' --machine "$TWO_NODES" 800x600 --memory 3G
    screen 3840x2160 --words 'selftest=off exercise=1' 3840x2160 --memory 64M --smp 2
    screen log --words "screen=log selftest=off" 1280x800 --memory 128M
    screen panic --panic 1280x800
    screen no-serial --no-serial --words selftest=off 800x600
    step mute check_mute
}

# Like these, larger or between them.
more_screen_steps() {
    screen 1920x1080 --words selftest=off 1920x1080 --memory 6G
    screen panic-4k --panic 3840x2160 --memory 1T
}

# A firmware that plays tricks.
step_shim() { # NAME ARCHITECTURE CASES AT-A-TIME [ARGUMENTS...]
    step "$1" counted env BUILD="$BUILD" python3 "$BOOT_LIB/shim/shim_test.py" --arch "$2" --jobs "$4" "${@:5}" "$3"
}

firmware_steps() {
    step firmware-32-bit counted python3 "$ROOT/tests/dist/firmware_test.py" ia32 "$BUILD"
    step secure-boot counted python3 "$ROOT/tests/dist/firmware_test.py" secure "$BUILD"
    step secure-boot-shim counted python3 "$ROOT/tests/dist/firmware_test.py" shim "$BUILD"
    step_shim shim x86_64 core 1 --firmware ovmf-rom
}

monitor_steps() {
    local kind
    step monitor counted python3 "$BOOT_LIB/monitor.py" --image "$BUILD/BOOTX64.EFI" --memory 3G --timeout 150 --firmware u-boot
    for kind in whole bare bad; do
        step "monitor-$kind" counted python3 "$BOOT_LIB/monitor_session.py" "$kind" \
            --image "$BUILD/BOOTX64.EFI" --firmware ovmf-rom --memory 128M --smp 2 --timeout 600
    done
}

# What a person sees and types on an Arm machine: screen, monitor, menu and report.
arm_person_steps() {
    local kind
    local -a arm=(--arch aarch64 --cpu cortex-a72 --image "$BUILD/BOOTAA64.EFI" --memory 256M)
    after image
    step screen-arm counted python3 "$BOOT_LIB/screen.py" --words exercise=1 800x600 "${arm[@]}" --smp 2 --timeout 150 \
        --machine '-object memory-backend-ram,id=n0,size=128M -object memory-backend-ram,id=n1,size=128M
            -numa node,nodeid=0,cpus=0,memdev=n0 -numa node,nodeid=1,cpus=1,memdev=n1'
    step screen-arm-panic counted python3 "$BOOT_LIB/screen.py" --panic 800x600 "${arm[@]}" --timeout 150
    for kind in whole bare bad; do
        step "monitor-arm-$kind" counted python3 "$BOOT_LIB/monitor_session.py" "$kind" "${arm[@]}" --smp 2 --timeout 600
    done
    after image build-models # one make at a time in one folder
    step build-memsim make_here "$MAKE_BUILD/host/memsim"
    after image build-memsim
    step sim-whole counted python3 "$ROOT/tests/sim/test.py" "$BUILD/host/memsim"
    step report-arm counted python3 "$BOOT_LIB/report.py" --memsim "$BUILD/host/memsim" "${arm[@]}"
}

# The boots alone, so that nothing else disturbs the times that are compared.
time_steps() {
    step_alone again-64M run_again 64M
    step_alone again-1T run_again 1T
    step_alone time-ratio python3 "$BOOT_LIB/time_ratio.py" \
        "$SUITE_LOGS/boot-64M.serial,$SUITE_LOGS/again-64M.serial" \
        "$SUITE_LOGS/boot-1T.serial,$SUITE_LOGS/again-1T.serial"
}

boot_steps() {
    after image unit # the kernel must run as many tests as the desk
    matrix_boot fast
    # shellcheck disable=SC2046,SC2086 # words
    after $(printf 'boot-%s ' $BASES)
    step bases check_bases
    after boot-1T
    step sparse check_sparse 1024
    after image
    firmware_steps
    screen_steps
    monitor_steps
    proof_steps
    if have_command clang-19; then
        step portable-clang-19 counted env BUILD="$MAKE_BUILD" bash "$BOOT_LIB/portable.sh" --quick clang-19
    else
        skip_step portable-clang-19 "clang-19 is not on this machine; make portability C=clang-19 where it is"
    fi
    after image build-desk
    step report counted python3 "$BOOT_LIB/report.py" --memsim "$BUILD/host/memsim" \
        --image "$BUILD/BOOTX64.EFI" --firmware ovmf-rom --memory 256M
    step bad-loop counted python3 "$BOOT_LIB/bad_loop.py" --image "$BUILD/BOOTX64.EFI" --firmware ovmf-rom --memory 128M
    after embed-desk
    step embed-boot run_embed_boot
    time_steps
}

# After an edit: what tells most in a minute. The machines are the plainest one and one with four CPUs.
quick_main() {
    local name
    local -a fast=(unit)
    suite_begin
    for name in $(desk_programs model); do
        [ -n "$(model_takes "$name")" ] || fast+=("model-$name")
    done
    after
    step layers make_here layers
    step build make_here image "${fast[@]/#/$MAKE_BUILD/host/}"
    after build
    for name in "${fast[@]}"; do step "$name" counted "$BUILD/host/$name"; done
    after unit
    matrix_boot fast 128M smp-4
    run_steps
    suite_end
}

test_main() {
    suite_begin
    name_matrix_steps
    image_steps
    desk_steps
    boot_steps
    step_alone behaviours python3 "$ROOT/tests/lint/behaviours.py" "$ROOT/tests/BEHAVIOURS.md" \
        "$SUITE_LOGS" "$ROOT"/tests/kernel/*.c "$ROOT"/tests/kernel/*/*.c
    run_steps
    head -n 2 "$SUITE_LOGS/time-ratio.log"
    suite_end
}

matrix_steps() { # [NAME...]
    after
    step image build_image
    after image
    step layouts make_layouts
    step build-unit make_here "$MAKE_BUILD/host/unit"
    after build-unit
    step unit counted "$BUILD/host/unit"
    after unit layouts
    matrix_boot 'fast|full' "$@"
    [ $# -eq 0 ] || return 0
    step_shim shim x86_64 all "$AT_A_TIME"
    step_shim shim-arm aarch64 all "$AT_A_TIME"
    arm_proof_steps
    more_screen_steps
    # QEMU itself takes most of a minute for five levels.
    step monitor-5 counted python3 "$BOOT_LIB/monitor.py" --image "$BUILD/BOOTX64.EFI" --memory 128M \
        --timeout 400 --firmware u-boot --options levels=5
    step reproducible check_reproducible
    tidy_step tidy-deep
    after build-unit # one make at a time in one folder
    whole_models
    arm_person_steps
}

# The steps of the matrix, for the list of behaviours.
name_matrix_steps() {
    (
        STEPS=()
        skip_step() { STEPS+=("$1"); } # it would leave a log here
        matrix_steps
        printf '%s\n' "${STEPS[@]}"
    ) >"$SUITE_LOGS/matrix.steps"
}

# ./run.sh matrix [NAME...]
matrix_main() {
    suite_begin
    matrix_steps "$@"
    run_steps
    suite_end
}
