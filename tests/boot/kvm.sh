# shellcheck shell=bash
# shellcheck disable=SC2034 # ACCEL_REASON is for machine.sh
# tests/boot/kvm.sh: KVM or TCG? Sourced by run.sh.
#
# A /dev/kvm that opens and then dies in the firmware is common on nested hosts, so KVM is used only
# after a short real boot of the image under it has come as far as a verdict. The answer is kept in
# the build folder, a file for each firmware, with the boot of this machine that it is true for;
# "no" also with the image, since a broken image says nothing about KVM. A disk image (--disk) is not
# tried: it uses KVM if an answer is there and says yes.

ACCEL_REASON='asked for'
readonly KVM_PROBE_SECONDS=20

kvm_key() {
    cat /proc/sys/kernel/random/boot_id 2>/dev/null || uname -a | tr ' ' '_'
}

# One boot with the smallest settings, in a process of its own.
kvm_probe() {
    rm -f "$BUILD/kvm-probe.log"
    "$ROOT/run.sh" --arch "$ARCH" --image "$IMAGE" --accel kvm --memory 256M --timeout "$KVM_PROBE_SECONDS" \
        --firmware "$FIRMWARE" --no-install --log "$BUILD/kvm-probe.log" >/dev/null 2>&1
    plain_log "$BUILD/kvm-probe.log" 2>/dev/null | grep -a -E '^verdict: (pass|fail)$' >/dev/null
}

# Prints yes or no.
kvm_answer() {
    local key sum cached file=$BUILD/kvm-answer-$FIRMWARE
    key=$(kvm_key)
    cached=$(cat "$file" 2>/dev/null)
    if [ -n "$DISK" ]; then # its firmware may refuse it by right: a probe would say nothing of KVM
        case $cached in "$key yes"*) echo yes ;; *) echo no ;; esac
        return
    fi
    sum=$(cksum <"$IMAGE" | tr ' ' '-')
    case $cached in
    "$key yes"*) echo yes; return ;;
    "$key no $sum") echo no; return ;;
    esac
    say "trying a short boot under KVM ($KVM_PROBE_SECONDS s at most)"
    if kvm_probe; then cached=yes; else cached=no; fi
    echo "$key $cached $sum" >"$file"
    echo "$cached"
}

# A guest under KVM cannot have wider physical addresses than this machine.
kvm_is_wide_enough() {
    local bits
    [ "$MEMORY_MIB" -ge $((1010 << 10)) ] || return 0
    bits=$(sed -n 's/^address sizes[^:]*: \([0-9]*\) bits physical.*/\1/p' /proc/cpuinfo | head -n 1)
    [ "${bits:-0}" -ge 46 ]
}

choose_accel() {
    [ "$ACCEL" = auto ] || return 0
    ACCEL=tcg
    if [ "$ARCH" != "$(uname -m)" ]; then
        ACCEL_REASON="this machine is no $ARCH"
    elif ! [ -r /dev/kvm ] || ! [ -w /dev/kvm ]; then
        ACCEL_REASON='no usable /dev/kvm'
    elif ! kvm_is_wide_enough; then
        ACCEL_REASON="this machine's addresses are too narrow for KVM"
    else
        mkdir -p "$BUILD"
        # One probe at a time: the others wait for its answer.
        if [ "$(exec 9>"$BUILD/.kvm-lock"; flock 9; kvm_answer 9>&-)" = yes ]; then
            ACCEL=kvm ACCEL_REASON='a short boot under it worked'
        else
            ACCEL_REASON='no short boot under KVM has come to a verdict'
        fi
    fi
}
