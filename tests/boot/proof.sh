# shellcheck shell=bash
# tests/boot/proof.sh: the harness's own proof: what is planted must turn red. Sourced by suite.sh.
#
# The kernel's option plant=... breaks a boot on purpose, under U-Boot, which comes to it in a quarter of
# the time that OVMF takes. Each row names the exit status that run.sh must answer with and a text that
# the output must hold, so that the right alarm has rung. The text is looked for in the output as a whole,
# so it may run over several lines.

run_expecting() { # STATUS TEXT RUN.SH-ARGUMENTS...
    local want=$1 text=$2 status output
    shift 2
    output=$(mktemp) || return 1
    "$ROOT/run.sh" --no-install --image "$BUILD/BOOTX64.EFI" --memory 128M --firmware u-boot "$@" >"$output" 2>&1
    status=$?
    tail -n 15 "$output"
    echo "run.sh answered $status, to be $want; the output must hold '$text'"
    [ "$status" -eq "$want" ] && grep -a -z -qE "$text" "$output"
    status=$?
    rm -f "$output"
    return $status
}

plant() { # NAME STATUS TEXT RUN.SH-ARGUMENTS...
    local name=$1
    shift
    step "plant-$name" run_expecting "$@"
}

# The same on the other architecture.
plant_arm() { # NAME STATUS TEXT RUN.SH-ARGUMENTS...
    local name=$1 status=$2 text=$3
    shift 3
    plant "arm-$name" "$status" "$text" --arch aarch64 --image "$BUILD/BOOTAA64.EFI" --memory 256M "$@"
}

# Bad options are said and passed over: unknown words, of which eight are named, bytes that are no text, and more
# than is read. The firmware has words of its own under U-Boot.
bad_options() {
    step options-bad run_expecting "$STATUS_PASS" \
        'note: mortise.cfg: only the first.*"nonsense" is not an option of this kernel; ignored.*"w7" is not[^"]*: 5 more words are not options.*a character that is not ASCII' \
        --firmware ovmf-rom --options "selftest=off nonsense $(printf 'w%u ' {1..12})$(printf 'a\377\001=\033[2J %%s %%n%20000s' '' | tr ' ' x)"
}

# Another kind of machine: what its tables and clocks make of it must stand in the log.
machine() { # NAME TEXT RUN.SH-ARGUMENTS...
    local name=$1 text=$2
    shift 2
    step "machine-$name" run_expecting "$STATUS_PASS" "$text" --firmware ovmf-rom --options selftest=off "$@"
}

# The only serial port is at 0x2f8, and a table says so: a 16550 of type 0x12, which is as good as 0.
machines() {
    local spcr
    spcr=$(qemu_escape "$ROOT/tests/data/acpi/spcr-type-18.bin")
    machine spcr 'acpi: serial console of type 18 at port 0x2f8.*acpi: the log goes on there, whole' --qemu \
        "-acpitable 'sig=SPCR,rev=2,data=$spcr' -global isa-serial.iobase=0x2f8 -global isa-serial.irq=3"
}

# What a full run plants on aarch64 beside the three of every run.
arm_proof_steps() {
    plant_arm failtest "$STATUS_FAIL" 'test: FAIL plant\.fails on purpose' --options plant=failtest
    plant_arm panic "$STATUS_FAIL" 'panic: planted.*backtrace: #2 ' --options plant=panic
    plant_arm text "$STATUS_FAIL" 'trap: kernel text is not writable' --options plant=text
    plant_arm hang "$STATUS_NO_VERDICT" 'no verdict within 40 s' --options plant=hang --timeout 40
    plant_arm reset "$STATUS_NO_VERDICT" 'ended without a verdict' --options plant=reset
    plant_arm cpu-lost "$STATUS_PASS" 'cpus: the CPU with id 2 does not come.*cpus: 2 of 3 running' --smp 3 \
        --options 'selftest=off plant=cpu-lost'
    plant_arm cpu-late "$STATUS_PASS" 'cpus: 3 of 3 running' --smp 3 --options 'selftest=off plant=cpu-late'
    plant_arm cpu-fault "$STATUS_PASS" 'cpus: 1 of 3 running' --smp 3 --options 'selftest=off plant=cpu-fault'
    plant_arm cpu-deaf "$STATUS_FAIL" 'panic: CPU 2 does not answer a call from CPU 0' --smp 3 --options plant=cpu-deaf
    plant_arm cpu-panic "$STATUS_FAIL" 'panic: planted .* on CPU 2' --smp 3 --options plant=cpu-panic
}

proof_steps() {
    machines
    plant failtest "$STATUS_FAIL" 'test: FAIL plant\.fails on purpose' --options plant=failtest
    plant panic "$STATUS_FAIL" 'panic: planted.*backtrace: #3 ' --options plant=panic
    plant fault "$STATUS_FAIL" 'trap: user half is not mapped' --options plant=fault
    plant text "$STATUS_FAIL" 'trap: kernel text is not writable' --options plant=text
    plant stack "$STATUS_FAIL" 'trap: guard page of the boot stack is not mapped' --options plant=stack
    plant nmi "$STATUS_FAIL" 'trap: NMI .2, code 0x0. on CPU 0' --options plant=nmi
    plant cpu-lost "$STATUS_PASS" 'cpus: the CPU with id 2 does not come.*cpus: 2 of 3 running' --smp 3 \
        --options 'selftest=off plant=cpu-lost'
    plant cpu-late "$STATUS_PASS" 'cpus: 3 of 3 running' --smp 3 --options 'selftest=off plant=cpu-late'
    plant cpu-fault "$STATUS_PASS" 'cpus: 1 of 3 running' --smp 3 --options 'selftest=off plant=cpu-fault'
    plant cpu-mailbox "$STATUS_PASS" 'orders in the mailbox.*cpus: 3 of 3 running' --smp 3 \
        --options 'selftest=off plant=cpu-mailbox'
    plant cpu-slow "$STATUS_PASS" 'CPU 2 has answered a call late; after a second it was at 0x' --smp 3 \
        --options 'selftest=off plant=cpu-slow'
    plant cpu-deaf "$STATUS_FAIL" \
        'panic: CPU 2 does not answer a call from CPU 0.*CPU 2 was stopped at .*; it had not answered.*CPU 2 was at .* for a second.*cpus: rax' \
        --smp 3 --options plant=cpu-deaf
    plant cpu-panic "$STATUS_FAIL" 'panic: planted .* on CPU 2' --smp 3 --options plant=cpu-panic
    plant triple "$STATUS_NO_VERDICT" 'ended without a verdict' --options plant=triple
    plant hang "$STATUS_NO_VERDICT" 'no verdict within 20 s' --options plant=hang --timeout 20
    plant reset "$STATUS_NO_VERDICT" 'ended without a verdict' --options plant=reset
    # If it restarted instead, it would go on for ever.
    plant off "$STATUS_NO_VERDICT" 'ended without a verdict' --options plant=off \
        --qemu '-action reboot=reset'
    plant_arm fault "$STATUS_FAIL" 'trap: page fault .37, code 0x[0-9a-f]*. on CPU 0.*backtrace: #1 .*trap: user half is not mapped' \
        --options plant=fault
    plant_arm stack "$STATUS_FAIL" 'trap: guard page of the boot stack is not mapped' --options plant=stack
    plant_arm off "$STATUS_NO_VERDICT" 'ended without a verdict' --options plant=off --qemu '-action reboot=reset'
    plant no-qemu "$STATUS_NO_START" 'QEMU did not start' --qemu -no-such-argument
    plant no-image "$STATUS_NO_START" 'does not exist' --image /nowhere/BOOTX64.EFI
    bad_options
}
