# shellcheck shell=bash
# tests/boot/machine.sh: firmware, disk and QEMU for one boot. Sourced by run.sh.

# shellcheck disable=SC2034 # FIRMWARES and what follows from ARCH is for run.sh and install.sh, too
set_arch() {
    case $ARCH in
    x86_64)
        QEMU_COMMAND=qemu-system-x86_64 QEMU_PACKAGE=qemu-system-x86
        BOOT_NAME=BOOTX64.EFI DWARF=mortise.efi GDB_NAME=gdb
        FIRMWARES=(ovmf ovmf-rom ovmf-2m secboot snakeoil ovmf32 u-boot)
        UBOOT_ROM=/usr/lib/u-boot/qemu-x86_64/u-boot.rom
        ;;
    aarch64)
        QEMU_COMMAND=qemu-system-aarch64 QEMU_PACKAGE=qemu-system-arm
        BOOT_NAME=BOOTAA64.EFI DWARF=mortise-aarch64.efi GDB_NAME=gdb-multiarch
        FIRMWARES=(aavmf u-boot)
        UBOOT_ROM=/usr/lib/u-boot/qemu_arm64/u-boot.bin
        MACHINE=${MACHINE:-virt,gic-version=3}
        ;;
    *) return 1 ;;
    esac
    FIRMWARE=${FIRMWARE:-${FIRMWARES[0]}}
}

firmware_files() { # KIND NAME...: the candidates in every folder
    local folder name
    for folder in "${OVMF_DIRS[@]}"; do
        for name in "$@"; do
            printf '%s/%s\n' "$folder" "$name"
        done
    done
}

firmware_named() {
    local -a files
    mapfile -t files < <(firmware_files "$@")
    first_file "${files[@]}"
}

# Where there are no 4 MiB builds, the distribution's plain names hold what it has.
firmware_code() {
    case $1 in
    ovmf | ovmf-rom) firmware_named OVMF_CODE_4M.fd OVMF_CODE.4m.fd OVMF_CODE.fd ovmf-x86_64-code.bin ;;
    ovmf-2m) firmware_named OVMF_CODE.fd ;;
    secboot | snakeoil) firmware_named OVMF_CODE_4M.secboot.fd OVMF_CODE.secboot.4m.fd OVMF_CODE.secboot.fd ;;
    ovmf32) firmware_named OVMF32_CODE_4M.secboot.fd ;;
    aavmf) firmware_named AAVMF_CODE.fd ;;
    esac
}

# Without enrolled keys also for secboot: an unsigned image boots there in setup mode. snakeoil has
# Debian's test key enrolled, and Secure Boot on.
firmware_vars() {
    case $1 in
    ovmf-2m) firmware_named OVMF_VARS.fd ;;
    ovmf32) firmware_named OVMF32_VARS_4M.fd ;;
    snakeoil) firmware_named OVMF_VARS_4M.snakeoil.fd ;;
    aavmf) firmware_named AAVMF_VARS.fd ;;
    *) firmware_named OVMF_VARS_4M.fd OVMF_VARS.4m.fd OVMF_VARS.fd ovmf-x86_64-vars.bin ;;
    esac
}

# The words of the options file.
boot_words() {
    local words=$OPTIONS
    # Of two words the later wins, so --options can still say exit=0.
    [ "$DISPLAY_ON$GDB" != 00 ] || words="exit=1 $words"
    [ "$GDB" = 0 ] || words="kaslr=off $words"
    printf '%s\n' "$words"
}

# The disk: a FAT file system with the program and the options file, made without root.
make_disk() { # FILE
    if [ -n "$DISK" ]; then
        copy_disk "$1"
        return
    fi
    boot_words >"$WORK/mortise.cfg" &&
        truncate -s 64M "$1" &&
        mformat -i "$1" -F -v MORTISE :: &&
        mmd -i "$1" ::/EFI ::/EFI/BOOT &&
        mcopy -i "$1" "$IMAGE" "::/EFI/BOOT/$BOOT_NAME" &&
        mcopy -i "$1" "$WORK/mortise.cfg" ::/EFI/BOOT/mortise.cfg &&
        { [ -z "$ADD" ] || mcopy -o -Q -s -i "$1" "$ADD"/* ::/; }
}

# A disk that is given stays as it is: its copy gets the words after those of its own options file.
copy_disk() { # FILE
    local at
    at=$(python3 "$BOOT_LIB/esp_offset.py" "$DISK") && cp --sparse=always -- "$DISK" "$1" &&
        chmod u+w "$1" && mcopy -n -i "$1@@$at" ::/EFI/BOOT/mortise.cfg "$WORK/mortise.cfg" &&
        boot_words >>"$WORK/mortise.cfg" &&
        mcopy -o -i "$1@@$at" "$WORK/mortise.cfg" ::/EFI/BOOT/mortise.cfg
}

# All the words of the command line, in the array QEMU.
QEMU=()

# Untouched memory of the guest costs nothing: no swap or commit is set aside for it.
add_memory() {
    QEMU+=(-m "${MEMORY_MIB}M"
        -object "memory-backend-ram,id=ram0,size=${MEMORY_MIB}M,reserve=off")
}

# From 1010 GiB on RAM reaches beyond 40 bits, which is what QEMU's x86 CPUs have by themselves.
add_cpu() {
    local cpu=$CPU
    if [ "$ARCH" = x86_64 ] && [ "$MEMORY_MIB" -ge $((1010 << 10)) ] && [[ $cpu != *phys-bits=* ]]; then
        if [ "$MEMORY_MIB" -gt $((1 << 20)) ]; then cpu+=,phys-bits=46; else cpu+=,phys-bits=42; fi
    fi
    QEMU+=(-cpu "$cpu" -smp "$SMP")
}

# Nodes bring memory of their own.
backed() { # MACHINE
    if [[ " $QEMU_ARGS " == *' -numa '* ]]; then echo "$1"; else echo "$1,memory-backend=ram0"; fi
}

# U-Boot waits for more than a second at each of the four places of an IDE disk that is empty.
add_uboot() {
    local disk=ide place
    if [ "$ARCH" = x86_64 ]; then
        for place in 1 2 3; do QEMU+=(-drive "driver=null-co,size=65536,read-zeroes=on,if=ide,index=$place"); done
    else
        disk=virtio
    fi
    [ -r "$UBOOT_ROM" ] || die "$STATUS_NO_START" "U-Boot is not at $UBOOT_ROM (u-boot-qemu)"
    QEMU+=(-machine "$(backed "${MACHINE:-pc}")" -bios "$UBOOT_ROM"
        -drive "file=$(qemu_escape "$WORK/esp.img"),format=raw,if=$disk,cache=unsafe")
}

# The disk on the bus that was asked for.
add_disk() {
    local media=disk
    [ "$ATTACH" != cd ] || media=cdrom,readonly=on
    QEMU+=(-drive "if=none,id=esp,format=raw,media=$media,cache=unsafe,file=$(qemu_escape "$WORK/esp.img")")
    case $ATTACH in
    virtio) QEMU+=(-device "virtio-blk-pci,drive=esp,bootindex=0") ;;
    usb) QEMU+=(-device qemu-xhci -device "usb-storage,drive=esp,bootindex=0") ;;
    ahci) QEMU+=(-device "ich9-ahci,id=sata" -device "ide-hd,bus=sata.0,drive=esp,bootindex=0") ;;
    cd) QEMU+=(-device "ich9-ahci,id=sata" -device "ide-cd,bus=sata.0,drive=esp,bootindex=0") ;;
    nvme) QEMU+=(-device "nvme,drive=esp,serial=mortise,bootindex=0") ;;
    esac
}

# OVMF looks for a TPM at 0xfed40000. Where no chip is a PC reads ones, and QEMU zeros, which OVMF takes for a TPM
# that does not answer, and waits for almost four seconds. So here is a ROM that reaches down to that place, with
# ones before the firmware; variables are then in RAM. Flash may have 16 MiB, too few for this.
readonly TPM_TO_4G=$((0x100000000 - 0xfed40000))

make_rom() { # FILE PART...
    local file=$1 size
    shift
    size=$(cat "$@" | wc -c) && { head -c $((TPM_TO_4G - size)) /dev/zero | tr '\0' '\377' && cat "$@"; } >"$file"
}

# Each run has its own copy of the variables.
add_ovmf() {
    local code vars machine=${MACHINE:-q35}
    if ! code=$(firmware_code "$FIRMWARE") || ! vars=$(firmware_vars "$FIRMWARE"); then
        die "$STATUS_NO_START" "this system has no firmware for --firmware $FIRMWARE (package ovmf or qemu-efi-aarch64)"
    fi
    if [ "$FIRMWARE" = ovmf-rom ]; then
        make_rom "$WORK/rom.fd" "$vars" "$code" || die "$STATUS_NO_START" "cannot make a ROM of $code"
        QEMU+=(-machine "$(backed "$machine")" -bios "$WORK/rom.fd")
        add_disk
        return
    fi
    cat "$vars" >"$WORK/vars.fd" || die "$STATUS_NO_START" "cannot copy $vars"
    case $FIRMWARE in secboot | snakeoil | ovmf32)
        machine+=,smm=on
        QEMU+=(-global "driver=cfi.pflash01,property=secure,value=on")
        ;;
    esac
    QEMU+=(-machine "$(backed "$machine")"
        -drive "if=pflash,format=raw,unit=0,readonly=on,file=$(qemu_escape "$code")"
        -drive "if=pflash,format=raw,unit=1,file=$(qemu_escape "$WORK/vars.fd")")
    add_disk
}

# A display adapter is always there (--qemu "-vga none" takes it away), a window only on request.
add_screen() {
    local adapter=VGA
    [ "$ARCH" = x86_64 ] || adapter=ramfb
    [[ " $QEMU_ARGS " == *' -vga '* ]] || QEMU+=(-device "$adapter")
    [ "$DISPLAY_ON" = 1 ] || QEMU+=(-display none)
}

add_extra() {
    local -a words
    [ -n "${QEMU_ARGS//[[:space:]]/}" ] || return 0
    printf '%s\n' "$QEMU_ARGS" | xargs printf '%s\n' >"$WORK/words" 2>/dev/null ||
        die "$STATUS_USAGE" "--qemu has a quote without its partner: $QEMU_ARGS"
    mapfile -t words <"$WORK/words"
    QEMU+=("${words[@]}")
}

# U-Boot counts down two seconds for a key. It gets one, and then the command that the countdown ends with;
# blanks come first, for what comes before it has set up its port is lost.
keys_for_firmware() {
    [ "$FIRMWARE" != u-boot ] || printf '%64s run bootcmd\r' ''
}

# The log as a file, which for U-Boot is QEMU's output; with --socket also a dialogue. A pipe holds what
# nobody has read yet; a socket so little of single bytes that the kernel may take the port for dead.
serial_port() {
    local log
    log=$(qemu_escape "$WORK/serial.log")
    if [ -z "$SOCKET" ] && [ "$FIRMWARE" = u-boot ]; then
        echo "stdio,id=log,signal=off"
    elif [ -z "$SOCKET" ]; then
        echo "file,id=log,path=$log"
    elif [ -p "$SOCKET.in" ] && [ -p "$SOCKET.out" ]; then
        echo "pipe,id=log,path=$(qemu_escape "$SOCKET"),logfile=$log"
    else
        echo "socket,id=log,path=$(qemu_escape "$SOCKET"),server=on,wait=on,logfile=$log"
    fi
}

# How the guest ends QEMU with a status of its own.
add_exit() {
    if [ "$ARCH" = x86_64 ]; then
        QEMU+=(-device "isa-debug-exit,iobase=0xf4,iosize=0x04")
    else
        QEMU+=(-semihosting-config "enable=on,target=native")
    fi
}

make_command() {
    QEMU=("$QEMU_COMMAND" -nodefaults -no-reboot -net none -accel "$ACCEL"
        -pidfile "$WORK/qemu.pid"
        -chardev "$(serial_port)" -serial chardev:log)
    add_exit
    add_memory
    add_cpu
    if [ "$FIRMWARE" = u-boot ]; then add_uboot; else add_ovmf; fi
    add_screen
    [ "$GDB" = 0 ] || QEMU+=(-S -gdb tcp:127.0.0.1:1234)
    add_extra
}

# QEMU's peak of resident memory in KiB, looked at twice a second, into the file `peak`.
watch_memory() {
    local pid key value
    while kill -0 "$QEMU_PID" 2>/dev/null; do
        read -r pid 2>/dev/null <"$WORK/qemu.pid" && while read -r key value _; do
            [ "$key" != VmHWM: ] || echo "$value" >"$WORK/peak"
        done 2>/dev/null <"/proc/$pid/status"
        sleep 0.5
    done
}

peak_text() {
    local kib
    read -r kib 2>/dev/null <"$WORK/peak" && echo ", QEMU used $((kib / 1024)) MiB"
}

# Run the command with the time limit and let the log pass to standard output as it grows.
run_qemu() {
    local -a prefix=()
    local status watcher
    [ -z "$TIMEOUT" ] || prefix=(timeout --foreground -k 5 "$TIMEOUT")
    : >"$WORK/serial.log"
    keys_for_firmware >"$WORK/keys"
    "${prefix[@]}" "${QEMU[@]}" <"$WORK/keys" >>"$WORK/serial.log" 2>"$WORK/qemu.err" &
    QEMU_PID=$!
    watch_memory >/dev/null 2>&1 &
    watcher=$!
    # In the background, so that a signal to run.sh is answered at once.
    tail -n +1 -s 0.05 -f --pid="$QEMU_PID" "$WORK/serial.log" 2>/dev/null &
    wait "$QEMU_PID" 2>/dev/null
    status=$?
    kill "$watcher" 2>/dev/null # it may sleep
    wait
    QEMU_PID=''
    return $status
}

show_plan() {
    local limit="no time limit"
    [ -z "$TIMEOUT" ] || limit="$TIMEOUT s at most"
    say "$ARCH, $FIRMWARE, ${MEMORY}, $SMP CPU(s), $ACCEL ($ACCEL_REASON), $limit"
    # Linked for 0x140000000; with kaslr=off the kernel runs at 0xffffffff80000000. A hardware
    # breakpoint, for nothing is there yet.
    [ "$GDB" = 0 ] || say "waiting for: $GDB_NAME -ex 'symbol-file $BUILD/$DWARF -o 0xfffffffe40000000'" \
        "-ex 'target remote :1234' -ex 'hbreak kernel_main' -ex continue"
}

keep_log() {
    [ -z "$LOG" ] || cp -- "$WORK/serial.log" "$LOG" || say "cannot write the log to '$LOG'"
}

boot_machine() {
    local status start=$SECONDS
    if [ -z "$TIMEOUT" ] && [ "$DISPLAY_ON$GDB" = 00 ]; then TIMEOUT=180; fi
    make_work_folder
    make_disk "$WORK/esp.img" || die "$STATUS_NO_START" "the boot disk could not be made"
    make_command
    show_plan
    run_qemu
    status=$?
    keep_log
    case $status in "$QEMU_PASS" | "$QEMU_FAIL" | "$QEMU_TIMEOUT") ;; *) cat "$WORK/qemu.err" >&2 ;; esac
    judge "$status" "$WORK/serial.log" "$((SECONDS - start)) s$(peak_text)"
}
