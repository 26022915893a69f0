#!/usr/bin/env bash
# tests/dist/boots.sh BUILD: boot what `make dist` made from every bus that QEMU has, to verdict pass.
#
# Each layout (GPT, MBR, bare FAT, ISO) on each bus (virtio, USB stick on xhci, AHCI, NVMe; the ISO also
# as a CD), and under U-Boot; the log of each boot is checked like every other. One line a boot; ends
# with "N passed, N failed". `make boots-disks` runs it; the suite boots two of them.
set -u
[ $# -eq 1 ] || { echo "usage: $0 BUILD-FOLDER" >&2; exit 2; }
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=$(cd "$1" && pwd) || exit 2
WORK=$(mktemp -d) || exit 1
trap 'rm -rf "$WORK"' EXIT
passed=0 failed=0

boot() { # NAME DISK RUN.SH-ARGUMENTS...
    local name=$1 log=$WORK/serial start=$SECONDS
    shift
    if "$ROOT/run.sh" --no-install --timeout 150 --log "$log" --disk "$@" >"$WORK/output" 2>&1 </dev/null &&
        python3 "$ROOT/tests/boot/check_log.py" "$log" >"$WORK/checks"; then
        passed=$((passed + 1))
        printf 'ok   %-16s %3d s\n' "$name" $((SECONDS - start))
    else
        failed=$((failed + 1))
        printf 'FAIL %-16s %3d s\n' "$name" $((SECONDS - start))
        tail -n 12 "$WORK/output" "$WORK/checks" | tr -d '\r\033' | sed 's/^/     | /'
    fi
}

make_layout() { # LAYOUT
    python3 "$ROOT/efi/dist/disk.py" "$1" "$WORK/$1.img" "$BUILD/BOOTX64.EFI=EFI/BOOT/BOOTX64.EFI" \
        "$ROOT/efi/dist/mortise.cfg=EFI/BOOT/mortise.cfg"
}

make_layout mbr && make_layout bare || exit 1
for bus in virtio usb ahci nvme; do
    boot "gpt-$bus" "$BUILD/dist/mortise.img" --attach "$bus"
    boot "mbr-$bus" "$WORK/mbr.img" --attach "$bus"
    boot "bare-$bus" "$WORK/bare.img" --attach "$bus"
    boot "iso-$bus" "$BUILD/dist/mortise.iso" --attach "$bus"
done
boot iso-cd "$BUILD/dist/mortise.iso" --attach cd
boot iso-cd-pc "$BUILD/dist/mortise.iso" --attach cd --machine pc
boot gpt-usb-pc "$BUILD/dist/mortise.img" --attach usb --machine pc
boot gpt-usb-2m "$BUILD/dist/mortise.img" --attach usb --firmware ovmf-2m
boot gpt-u-boot "$BUILD/dist/mortise.img" --firmware u-boot --memory 512M
boot mbr-u-boot "$WORK/mbr.img" --firmware u-boot --memory 512M
boot bare-u-boot "$WORK/bare.img" --firmware u-boot --memory 512M
boot iso-u-boot "$BUILD/dist/mortise.iso" --firmware u-boot --memory 512M

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
