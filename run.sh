#!/usr/bin/env bash
# run.sh: the one place that knows how to start a machine.
#
#   ./run.sh        build the image and boot it in QEMU; the guest's log goes to standard output
#   ./run.sh quick  a minute of tests, for after an edit
#   ./run.sh test   build and pass every test; both end with one line "N passed, N failed"
#   ./run.sh matrix boot every machine of tests/boot/matrix
#
# The parts lie in tests/boot: install.sh (what must be there), machine.sh (QEMU, firmware, disk),
# verdict.sh (what counts as a pass), steps.sh, suite.sh and proof.sh (./run.sh test). Several runs at a time
# do not disturb each other; only processes started here are ever stopped.
set -u -o pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 4
MAKE_BUILD=${BUILD:-build} # as make sees it, from ROOT
case $MAKE_BUILD in /*) BUILD=$MAKE_BUILD ;; *) BUILD=$ROOT/$MAKE_BUILD ;; esac
BOOT_LIB=$ROOT/tests/boot

# Exit statuses, the same everywhere.
readonly STATUS_PASS=0 STATUS_FAIL=1 STATUS_USAGE=2 STATUS_NO_VERDICT=3 STATUS_NO_START=4
export STATUS_PASS STATUS_FAIL STATUS_USAGE STATUS_NO_VERDICT STATUS_NO_START

usage() {
    cat <<'TEXT'
usage: ./run.sh [option...]         build Mortise and boot it in QEMU
       ./run.sh quick [option...]   after an edit: unit tests, fast models, layers, two boots
       ./run.sh test [option...]    build and pass every test
       ./run.sh matrix [NAME...]    boot every machine of tests/boot/matrix, or these

  --arch NAME        x86_64 (default) or aarch64: which image, on which machine
  --memory SIZE      RAM of the guest: 48M to 8T; K, M, G, T (default 256M); big guests stay sparse
  --smp N            CPUs (default 1)
  --timeout S        seconds to wait for the verdict (default 180; none with --display or --gdb)
  --display          show the guest's screen; the kernel stays up until you close it
  --firmware NAME    ovmf (default), ovmf-rom (the same without flash, in half the time), ovmf-2m, secboot,
                     snakeoil (Secure Boot is on), ovmf32, u-boot; for aarch64: aavmf (default), u-boot
  --options "K=V .." words for the options file, EFI/BOOT/mortise.cfg beside the program
  --log FILE         also keep the serial log in FILE
  --gdb              wait for gdb on port 1234
  --qemu "ARGS"      more arguments for QEMU; quotes work as in a shell
  --machine NAME     QEMU machine (default q35; pc under u-boot; virt,gic-version=3 for aarch64)
  --cpu NAME         QEMU CPU (default max)
  --accel NAME       auto (default: KVM if a short boot under it has worked, else TCG), kvm, tcg
  --image FILE       boot this .EFI instead of building one
  --disk FILE        boot a copy of this disk image (what make dist made): .img or .iso
  --add FOLDER       copy this folder's files onto the disk, over what is there
  --attach BUS       where the disk is: virtio (default), usb, ahci, nvme, cd
  --socket FILE      serial input too: wait for a connection to this Unix socket; or, where they
                     exist, use the named pipes FILE.in and FILE.out
  --no-install       do not install what is missing: name it, and exit with status 2
  --help             this text

Exit status: 0 the kernel's verdict is pass; 1 it is fail, or the evidence does not agree; 2 wrong
usage, or programs are missing; 3 no verdict within the time limit; 4 QEMU or the image could not
be started.
TEXT
}

# The words of the command line, with their defaults.
COMMAND=boot ARCH=x86_64 MEMORY=256M SMP=1 TIMEOUT='' DISPLAY_ON=0 FIRMWARE='' OPTIONS='' LOG='' GDB=0
QEMU_ARGS='' MACHINE='' CPU=max ACCEL=auto IMAGE='' DISK='' ADD='' ATTACH=virtio SOCKET='' INSTALL=1
MACHINES=()

# shellcheck source=tests/boot/common.sh
. "$BOOT_LIB/common.sh"
# shellcheck source=tests/boot/install.sh
. "$BOOT_LIB/install.sh"
# shellcheck source=tests/boot/verdict.sh
. "$BOOT_LIB/verdict.sh"
# shellcheck source=tests/boot/machine.sh
. "$BOOT_LIB/machine.sh"
# shellcheck source=tests/boot/kvm.sh
. "$BOOT_LIB/kvm.sh"

set_option() { # NAME VALUE
    case $1 in
    --arch) ARCH=$2 ;;
    --memory) MEMORY=$2 ;;
    --smp) SMP=$2 ;;
    --timeout) TIMEOUT=$2 ;;
    --firmware) FIRMWARE=$2 ;;
    --options) OPTIONS=$2 ;;
    --log) LOG=$2 ;;
    --qemu) QEMU_ARGS=$2 ;;
    --machine) MACHINE=$2 ;;
    --cpu) CPU=$2 ;;
    --accel) ACCEL=$2 ;;
    --image) IMAGE=$2 ;;
    --disk) DISK=$2 ;;
    --attach) ATTACH=$2 ;;
    --add) ADD=$2 ;;
    --socket) SOCKET=$2 ;;
    *) die "$STATUS_USAGE" "unknown option $1; ./run.sh --help lists the options" ;;
    esac
}

parse_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
        quick | test | matrix) COMMAND=$1 ;;
        --help | -h) usage; exit 0 ;;
        --display) DISPLAY_ON=1 ;;
        --gdb) GDB=1 ;;
        --no-install) INSTALL=0 ;;
        --*=*) set_option "${1%%=*}" "${1#*=}" ;;
        --*)
            [ $# -ge 2 ] || die "$STATUS_USAGE" "$1 is unknown or needs a value; see ./run.sh --help"
            set_option "$1" "$2"
            shift
            ;;
        *)
            [ "$COMMAND" = matrix ] || die "$STATUS_USAGE" "'$1' is neither an option nor 'quick', 'test' or 'matrix'; see ./run.sh --help"
            MACHINES+=("$1")
            ;;
        esac
        shift
    done
}

is_count() { # TEXT LIMIT: a decimal number from 1 to LIMIT
    [[ $1 =~ ^[1-9][0-9]{0,8}$ ]] && [ "$1" -le "$2" ]
}

check_arguments() {
    MEMORY_MIB=$(size_in_mib "$MEMORY") ||
        die "$STATUS_USAGE" "--memory '$MEMORY' is not a size; write it like 512M, 3G or 1T"
    if [ "$MEMORY_MIB" -lt 48 ] || [ "$MEMORY_MIB" -gt $((8 << 20)) ]; then
        die "$STATUS_USAGE" "--memory $MEMORY is out of range: 48M (the firmware needs that) to 8T"
    fi
    is_count "$SMP" 255 || die "$STATUS_USAGE" "--smp '$SMP' is not a number from 1 to 255"
    [ -z "$TIMEOUT" ] || is_count "$TIMEOUT" 86400 ||
        die "$STATUS_USAGE" "--timeout '$TIMEOUT' is not a number of seconds from 1 to 86400"
    set_arch || die "$STATUS_USAGE" "--arch '$ARCH' is neither x86_64 nor aarch64"
    [[ " ${FIRMWARES[*]} " == *" $FIRMWARE "* ]] ||
        die "$STATUS_USAGE" "--firmware '$FIRMWARE' is none of $(printf '%s, ' "${FIRMWARES[@]}" | sed 's/, $//')"
    case $ATTACH in virtio | usb | ahci | nvme | cd) ;; *)
        die "$STATUS_USAGE" "--attach '$ATTACH' is none of virtio, usb, ahci, nvme, cd" ;;
    esac
    if [ -n "$ADD" ] && { [ ! -d "$ADD" ] || [ -n "$DISK" ]; }; then
        die "$STATUS_USAGE" "--add '$ADD' is no folder, or there is a --disk, which stays as it is"
    fi
    case $ACCEL in auto | kvm | tcg) ;; *)
        die "$STATUS_USAGE" "--accel '$ACCEL' is none of auto, kvm, tcg" ;;
    esac
    [ "${#OPTIONS}" -le 65536 ] || die "$STATUS_USAGE" "--options is longer than 64 KiB"
}

# An image that is given is taken as it is; else it is built. One build at a time in one folder.
prepare_image() {
    if [ -n "$DISK" ]; then
        [ -s "$DISK" ] || die "$STATUS_NO_START" "the disk image '$DISK' does not exist or is empty"
        return
    fi
    if [ -n "$IMAGE" ]; then
        [ -s "$IMAGE" ] || die "$STATUS_NO_START" "the image '$IMAGE' does not exist or is empty"
        return
    fi
    IMAGE=$BUILD/$BOOT_NAME
    mkdir -p "$BUILD" || die "$STATUS_NO_START" "cannot make the folder $BUILD"
    flock "$BUILD/.lock" make -s -C "$ROOT" -j"$(nproc)" BUILD="$MAKE_BUILD" ARCH="$ARCH" image >&2 ||
        die "$STATUS_NO_START" "the image was not built; make's message is above"
}

main() {
    parse_arguments "$@"
    check_arguments
    if [ "$COMMAND" != boot ]; then
        if [ "$COMMAND" = quick ]; then require_programs boot quick; else require_programs boot quick test; fi
        # shellcheck source=tests/boot/suite.sh
        . "$BOOT_LIB/suite.sh"
        "${COMMAND}_main" "${MACHINES[@]}"
        return
    fi
    require_programs boot
    prepare_image
    choose_accel
    boot_machine
}

main "$@"
