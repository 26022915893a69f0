# shellcheck shell=bash
# tests/boot/matrix.sh: reads tests/boot/matrix and boots its rows. Sourced by suite.sh.

MATRIX=$BOOT_LIB/matrix

# The rows, without comments.
matrix_rows() {
    grep -vE '^[[:space:]]*(#|$)' "$MATRIX"
}

# The screen of a row as arguments for QEMU.
matrix_screen() { # SCREEN
    case $1 in
    -) ;;
    none) echo '-vga none' ;;
    blt) echo '-vga none -device virtio-gpu-pci' ;;
    ramfb) echo '-vga none -device ramfb' ;;
    *x*) echo "-vga none -device VGA,xres=${1%x*},yres=${1#*x},vgamem_mb=64" ;;
    *) return 1 ;;
    esac
}

# The disk image of a layout.
layout_image() { # LAYOUT
    case $1 in
    gpt | iso) echo "$BUILD/dist/mortise.$([ "$1" = iso ] && echo iso || echo img)" ;;
    mbr | bare) echo "$SUITE_LOGS/$1.img" ;;
    *) return 1 ;;
    esac
}

# Those that make dist does not make.
make_layouts() {
    local layout
    for layout in mbr bare; do
        python3 "$ROOT/efi/dist/disk.py" "$layout" "$SUITE_LOGS/$layout.img" \
            "$BUILD/BOOTX64.EFI=EFI/BOOT/BOOTX64.EFI" "$ROOT/efi/dist/mortise.cfg=EFI/BOOT/mortise.cfg" || return 1
    done
}

# A row as arguments for run.sh, in the array ROW; the text that its log must hold in SAYS, its
# architecture in ARCH_OF_ROW.
read_row() { # ROW
    local columns qemu name memory smp cpu machine firmware disk screen words image
    IFS='|' read -r columns qemu SAYS <<<"$1"
    read -r name _ memory smp cpu machine firmware disk screen words <<<"$columns"
    read -r SAYS <<<"$SAYS"
    screen=$(matrix_screen "$screen") || return 1
    words=${words//quick/selftest=off}
    ARCH_OF_ROW=x86_64 image=BOOTX64.EFI
    [[ $machine != virt* ]] || ARCH_OF_ROW=aarch64 image=BOOTAA64.EFI
    ROW=(--no-install --timeout 150 --log "$SUITE_LOGS/boot-$name.serial" --arch "$ARCH_OF_ROW")
    row_option --memory "$memory"
    row_option --smp "$smp"
    row_option --cpu "$cpu"
    row_option --machine "$machine"
    row_option --firmware "$firmware"
    row_option --options "${words//,/ }"
    # %data% is tests/data, for run.sh in quotes and for QEMU with its commas doubled.
    ROW+=(--qemu "$screen ${qemu//%data%/\"$(qemu_escape "$ROOT/tests/data")\"}")
    if [ "$disk" = - ]; then
        ROW+=(--image "$BUILD/$image")
    else
        image=$(layout_image "${disk%:*}") && ROW+=(--disk "$image" --attach "${disk#*:}")
    fi
}

row_option() { # NAME VALUE
    [ "$2" = - ] || ROW+=("$1" "$2")
}

# One machine, and what its log must say.
boot_row() { # NAME ROW
    local log=$SUITE_LOGS/boot-$1.serial
    local -a ROW checks=()
    local SAYS ARCH_OF_ROW memory
    read_row "$2" || return 1
    [[ ${ROW[*]} != *keepbs* ]] || checks=(--keepbs)
    [[ ${ROW[*]} == *selftest=off* ]] || checks+=(--tests "$(kernel_tests "$ARCH_OF_ROW")")
    read -r _ _ memory _ <<<"$2"
    [[ ${ROW[*]} == *u-boot* ]] || checks+=(--installed "$(size_in_mib "${memory/#-/256M}")")
    "$ROOT/run.sh" "${ROW[@]}" && python3 "$BOOT_LIB/check_log.py" "${checks[@]}" "$log" &&
        { [ -z "$SAYS" ] || grep -a -qE -- "$SAYS" "$log" || { echo "the log has no line '$SAYS'"; false; }; }
}

# A step for every row for which the condition holds: a regular expression for the column `when`, or names.
matrix_boot() { # WHEN [NAME...]
    local row name when
    local -a rows
    mapfile -t rows < <(matrix_rows)
    for row in "${rows[@]}"; do
        read -r name when _ <<<"$row"
        [[ $when =~ ^($1)$ ]] || continue
        [ $# -eq 1 ] || [[ " ${*:2} " == *" $name "* ]] || continue
        step "boot-$name" boot_row "$name" "$row"
    done
}

# By the names of steps tests/BEHAVIOURS.md knows where a behaviour is shown: arm... is aarch64.
names_arch() { # NAME
    if [[ $1 == arm* ]]; then [ "$ARCH_OF_ROW" = aarch64 ]; else [ "$ARCH_OF_ROW" = x86_64 ]; fi
}

# The file is sound: known words in each column, no name twice, every row can be read.
check_matrix() {
    local row name when count=0 bad=0
    local -a rows ROW
    local SAYS ARCH_OF_ROW
    mapfile -t rows < <(matrix_rows)
    for row in "${rows[@]}"; do
        read -r name when _ <<<"$row"
        count=$((count + 1))
        [[ $row =~ ^([^|[:space:]]+[[:space:]]+){9}[^|[:space:]]+[[:space:]]*\|[^|]*\|[^|]*$ ]] &&
            [[ $when =~ ^(fast|full)$ ]] && read_row "$row" && names_arch "$name" && continue
        echo "the row '$name' of tests/boot/matrix cannot be read: see the columns at its top"
        bad=$((bad + 1))
    done
    name=$(printf '%s\n' "${rows[@]}" | awk '{print $1}' | sort | uniq -d)
    [ -z "$name" ] || { echo "a name stands twice in tests/boot/matrix: $name"; bad=$((bad + 1)); }
    echo "$((count - bad)) passed, $bad failed"
    [ "$count" -gt 0 ] && [ "$bad" -eq 0 ]
}
