#!/usr/bin/env bash
# tests/boot/usage_test.sh: run.sh's answers to wrong usage and to missing programs. No QEMU is
# started here. Ends with "N passed, N failed".
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
FOLDER=$(mktemp -d) || exit 1
trap 'rm -rf "$FOLDER"' EXIT
passed=0 failed=0

answers() { # STATUS TEXT ARGUMENT...
    local want=$1 text=$2 status
    shift 2
    "$ROOT/run.sh" "$@" >"$FOLDER/out" 2>&1 </dev/null
    status=$?
    if [ "$status" -eq "$want" ] && grep -qF -e "$text" "$FOLDER/out"; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "FAIL run.sh $*: status $status (expected $want), '$text' expected in:"
    sed 's/^/  | /' "$FOLDER/out"
}

answers 0 "usage: ./run.sh" --help
answers 0 "./run.sh quick" --help
answers 2 "neither an option" tests
answers 2 "neither an option" quick 128M
answers 2 "unknown" --colour red
answers 2 "needs a value" --memory
answers 2 "is not a size" --memory lots
answers 2 "out of range" --memory 32M
answers 2 "out of range" --memory 9T
answers 2 "1 to 255" --smp 0
answers 2 "1 to 255" --smp two
answers 2 "1 to 86400" --timeout 0
answers 2 "1 to 86400" --timeout -5
answers 2 "is none of ovmf" --firmware bios
answers 2 "is none of aavmf, u-boot" --arch aarch64 --firmware ovmf
answers 2 "neither x86_64 nor aarch64" --arch riscv64
answers 2 "is none of auto" --accel fast
answers 2 "is none of virtio" --attach floppy
answers 2 "is no folder" --add /nowhere
answers 2 "longer than 64 KiB" --options "$(printf '%70000s' x)"
answers 4 "does not exist or is empty" --no-install --image "$FOLDER/none.efi"
answers 4 "does not exist or is empty" --no-install --disk "$FOLDER/none.img"
: >"$FOLDER/empty.efi"
answers 4 "does not exist or is empty" --no-install --image "$FOLDER/empty.efi"

# A machine without QEMU, lld and mtools: every other command is still there.
mkdir "$FOLDER/bin"
for folder in /usr/bin /bin /usr/sbin; do
    for file in "$folder"/*; do
        case ${file##*/} in qemu-system-* | lld-link* | mformat | apt-get) ;; *)
            ln -sf "$file" "$FOLDER/bin/${file##*/}" ;;
        esac
    done
done
printf '#!/bin/sh\necho apt was called; exit 1\n' >"$FOLDER/bin/apt-get"
chmod +x "$FOLDER/bin/apt-get"
PATH=$FOLDER/bin
answers 2 "lld qemu-system-x86 mtools" --no-install
answers 2 "apt-get install --no-install-recommends" --no-install
answers 2 "lld qemu-system-arm mtools" --arch aarch64 --no-install
answers 2 "qemu-system-x86" test --no-install
answers 2 "qemu-system-x86" quick --no-install
grep -q "apt was called" "$FOLDER/out" && { failed=$((failed + 1)); echo "FAIL --no-install called apt"; }
if [ "$(id -u)" -eq 0 ]; then
    answers 4 "apt did not install" --memory 128M
fi
rm "$FOLDER/bin/apt-get"
answers 2 "this system has no apt" --memory 128M

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
