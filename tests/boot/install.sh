# shellcheck shell=bash
# tests/boot/install.sh: what must be on this machine, and how to get it. Sourced by run.sh.
#
# Presence is looked for by command and file, never by the package database, so a toolchain from
# elsewhere will do. A row of the tables below: what is needed, and the Debian package that has it.

# shellcheck disable=SC2034 # used by machine.sh
OVMF_DIRS=(/usr/share/OVMF /usr/share/ovmf /usr/share/edk2/ovmf /usr/share/edk2/x64
    /usr/share/edk2-ovmf/x64 /usr/share/qemu /usr/share/AAVMF /usr/share/edk2/aarch64)

have_command() {
    command -v "$1" >/dev/null 2>&1
}

# Debian's clang can come without the run-time libraries of the sanitizers: only linking shows it.
have_sanitizers() {
    have_command clang || return 1
    local folder status
    folder=$(mktemp -d) || return 1
    echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, __SIZE_TYPE__ n);
          int LLVMFuzzerTestOneInput(const unsigned char *d, __SIZE_TYPE__ n) { return n && *d ? 0 : 0; }' \
        >"$folder/t.c"
    clang -fsanitize=fuzzer,address,undefined "$folder/t.c" -o "$folder/t" 2>/dev/null &&
        echo 'int main(void) { return 0; }' >"$folder/m.c" &&
        clang -fsanitize=thread "$folder/m.c" -o "$folder/m" 2>/dev/null
    status=$?
    rm -rf "$folder"
    return $status
}

have_header() {
    [ -r "/usr/include/$1" ] || [ -r "/usr/local/include/$1" ] ||
        { have_command clang && echo "#include <$1>" | clang -E -x c - >/dev/null 2>&1; }
}

have_cairo() { # the desk tool draws with it
    pkg-config --exists cairo 2>/dev/null
}

have_font() { # what is in the image is made of it
    python3 "$ROOT/kernel/screen/font.py" /dev/null 2>/dev/null
}

have_ovmf() {
    firmware_code ovmf >/dev/null
}

have_window() {
    "$QEMU_COMMAND" -display help 2>/dev/null | grep -qE '^(gtk|sdl|cocoa)$'
}

# PACKAGE TEST...: note the package when the test fails.
MISSING=()
want() {
    local package=$1
    shift
    "$@" || MISSING+=("$package")
}

find_missing_boot() {
    [ -z "$DISK" ] || want python3 have_command python3
    if [ -z "$IMAGE$DISK" ]; then
        want make have_command make
        want clang have_command clang
        want lld have_command lld-link
        want llvm have_command llvm-objcopy
        want python3 have_command python3
        want git have_command git
        want gnu-efi have_header efi/efi.h
        want fonts-spleen have_font
    fi
    want "$QEMU_PACKAGE" have_command "$QEMU_COMMAND"
    want mtools have_command mformat
    if [ "$FIRMWARE" = u-boot ]; then
        want u-boot-qemu test -r "$UBOOT_ROM"
    elif [ "$FIRMWARE" = ovmf32 ]; then
        want ovmf-ia32 firmware_code ovmf32 >/dev/null
    elif [ "$FIRMWARE" = aavmf ]; then
        want qemu-efi-aarch64 firmware_code aavmf >/dev/null
    else
        want ovmf have_ovmf
    fi
    [ "$DISPLAY_ON" = 0 ] || want qemu-system-gui have_window
}

find_missing_quick() {
    want libc6-dev have_header stdio.h
    want libclang-rt-dev have_sanitizers
    want zlib1g-dev have_header zlib.h
    want libfdt-dev have_header libfdt.h
    want pmccabe have_command pmccabe
}

# For memory.html. Where it is not there and apt has none, or nothing shall be installed, the step is skipped.
have_browser() {
    have_command chromium || have_command chromium-browser || have_command google-chrome
}

find_missing_test() {
    [ "$INSTALL" = 0 ] || ! apt-cache show chromium >/dev/null 2>&1 || want chromium have_browser
    want u-boot-qemu test -r "$UBOOT_ROM"
    want qemu-system-arm have_command qemu-system-aarch64
    want qemu-efi-aarch64 firmware_code aavmf >/dev/null
    want gcc have_command gcc
    want gcc-aarch64-linux-gnu have_command aarch64-linux-gnu-gcc
    want gcc-riscv64-linux-gnu have_command riscv64-linux-gnu-gcc
    want qemu-user have_command qemu-riscv64
    want pkg-config have_command pkg-config
    want libcairo2-dev have_cairo
    want valgrind have_command valgrind
    want_test_dist
}

# The images for other people, and those who look at them. Some live where only root looks.
want_test_dist() {
    local PATH=$PATH:/usr/sbin:/sbin
    want xorriso have_command xorriso
    want dosfstools have_command fsck.vfat
    want gdisk have_command sgdisk
    want sbsigntool have_command sbsign
    want openssl have_command openssl
    want shim-unsigned test -r /usr/lib/shim/shimx64.efi
    want ovmf-ia32 firmware_code ovmf32 >/dev/null
}

find_missing() { # SET...: boot, quick, test
    local set
    MISSING=()
    for set in "$@"; do
        "find_missing_$set"
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

apt_install() {
    say "installing through apt: $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >&2 &&
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -q -y --no-install-recommends "$@" >&2
}

refuse_to_install() {
    say "missing, by the names of their Debian packages: ${MISSING[*]}"
    if have_command apt-get; then
        die "$STATUS_USAGE" "install them: apt-get install --no-install-recommends ${MISSING[*]}"
    fi
    die "$STATUS_USAGE" "this system has no apt: look for packages with like names" \
        "(QEMU, OVMF or edk2-ovmf, AAVMF for aarch64, clang with compiler-rt, lld, llvm, mtools, gnu-efi)"
}

require_programs() { # SET...
    find_missing "$@"
    [ ${#MISSING[@]} -gt 0 ] || return 0
    if [ "$INSTALL" = 0 ] || ! have_command apt-get; then
        refuse_to_install
    fi
    [ "$(id -u)" -eq 0 ] || have_command sudo || refuse_to_install
    apt_install "${MISSING[@]}" ||
        die "$STATUS_NO_START" "apt did not install ${MISSING[*]}; its message is above"
    find_missing "$@"
    [ ${#MISSING[@]} -eq 0 ] ||
        die "$STATUS_NO_START" "still missing after the installation: ${MISSING[*]}"
}
