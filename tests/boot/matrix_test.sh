#!/usr/bin/env bash
# tests/boot/matrix_test.sh: what reads tests/boot/matrix must turn red: rows that cannot be read, and
# a machine that boots well but is not the one that was meant. No QEMU is started here.
# Ends with "N passed, N failed".
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
BOOT_LIB=$ROOT/tests/boot
FOLDER=$(mktemp -d) || exit 1
trap 'rm -rf "$FOLDER"' EXIT
BUILD=$FOLDER SUITE_LOGS=$FOLDER
# shellcheck source=tests/boot/common.sh
. "$BOOT_LIB/common.sh"
# shellcheck source=tests/boot/matrix.sh
. "$BOOT_LIB/matrix.sh"
passed=0 failed=0

check() { # WHAT EXPECTED ACTUAL
    if [ "$2" = "$3" ]; then passed=$((passed + 1)); return; fi
    failed=$((failed + 1))
    echo "FAIL $1: '$3', expected '$2'"
}

with_rows() { # TEXT: the matrix is this
    MATRIX=$FOLDER/matrix
    printf '%b\n' "$1" >"$MATRIX"
}

GOOD='one fast 1G 2 max,-nx pc secboot iso:cd 800x600 a=b,quick | -smm no | the text'

reads() { # STATUS ROWS
    with_rows "$2"
    check_matrix >/dev/null
    check "the status for $2" "$1" $?
}

reads 0 "# comment\n\n$GOOD"
reads 1 "$GOOD\n$GOOD"
reads 1 "${GOOD/fast/sometimes}"
reads 1 "${GOOD/a=b,quick/}"
reads 1 "${GOOD/|/}"
reads 1 "$GOOD | more"
reads 1 "${GOOD/iso:/tape:}"
reads 1 "${GOOD/800x600/round}"
reads 1 "${GOOD/pc/virt}"
reads 1 "${GOOD/one/arm-one}"
reads 0 "$(sed 's/one/arm-one/; s/pc/virt/' <<<"$GOOD")"
reads 1 "# nothing"

read_row "$GOOD"
check "the arguments" "--no-install --timeout 150 --log $FOLDER/boot-one.serial --arch x86_64 --memory 1G --smp 2 --cpu max,-nx\
 --machine pc --firmware secboot --options a=b selftest=off --qemu -vga none -device\
 VGA,xres=800,yres=600,vgamem_mb=64  -smm no  --disk $FOLDER/dist/mortise.iso --attach cd" "${ROW[*]}"
check "the text" "the text" "$SAYS"
read_row 'two full - - - - - - - - | |'
check "the defaults" "--no-install --timeout 150 --log $FOLDER/boot-two.serial --arch x86_64 --qemu\
    --image $FOLDER/BOOTX64.EFI" "${ROW[*]}"
read_row 'three full - - - virt,highmem=off - - - - | |'
check "the other architecture" "--no-install --timeout 150 --log $FOLDER/boot-three.serial --arch aarch64 --machine\
 virt,highmem=off --qemu    --image $FOLDER/BOOTAA64.EFI" "${ROW[*]}"

# A boot that went well, made by a run.sh of our own: only the row's text decides.
ROOT=$FOLDER BOOT_LIB=$FOLDER
kernel_tests() { echo 7; }
cat >"$FOLDER/run.sh" <<TEXT
#!/bin/sh
echo NX yes >"$FOLDER/boot-one.serial"
exit "\$(cat "$FOLDER/status")"
TEXT
printf 'import sys\nsys.exit("--tests" in sys.argv and "7" not in sys.argv)\n' >"$FOLDER/check_log.py"
chmod +x "$FOLDER/run.sh"
boots() { # STATUS-OF-RUN.SH EXPECTED TEXT
    echo "$1" >"$FOLDER/status"
    boot_row one "one fast - - - - - - - - | | $3" >/dev/null 2>&1
    check "a boot of status $1 that must say '$3'" "$2" $?
}
boots 0 0 'NX yes'
boots 0 0 ''
boots 0 1 'NX no'
boots 1 1 'NX yes'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
