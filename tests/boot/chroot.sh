#!/usr/bin/env bash
# tests/boot/chroot.sh SUITE DIR [COMMAND...]: the two commands on a bare Debian.
#
# Makes a minimal Debian SUITE (bookworm, trixie) in DIR with debootstrap, unless one is there, from
# the mirror that this machine's own apt uses; clones the committed tree into it, and runs there
# `./run.sh --memory 128M` and `./run.sh test`, or COMMAND in the clone. Needs root and debootstrap.
# The mounts are taken away at the end; DIR stays, to be looked at or removed.
set -eu
[ $# -ge 2 ] || { echo "usage: $0 SUITE DIR [COMMAND...]" >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "$0: a chroot needs root" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "$0: debootstrap is missing (apt install debootstrap)" >&2; exit 2; }
SUITE=$1
DIR=$2
shift 2
ROOT=$(cd "$(dirname "$0")/../.." && pwd)

# The first archive of this machine's sources that is a Debian main archive.
mirror() {
    # shellcheck disable=SC2016 # apt's own placeholders
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 -E '/debian/?$' ||
        echo http://deb.debian.org/debian
}

make_root() {
    [ ! -e "$DIR/usr/bin/git" ] || return 0
    debootstrap --variant=minbase --include=git,ca-certificates "$SUITE" "$DIR" "$(mirror)"
}

# The way to the network is this machine's: name service, proxy, what apt shall not insist on.
lend_network() {
    cp -L /etc/resolv.conf "$DIR/etc/resolv.conf"
    apt-config dump Acquire | grep -E '^Acquire::(http|https|Check-|Retries|ForceIPv)' \
        >"$DIR/etc/apt/apt.conf.d/90machine" || true
}

unmount() {
    local point
    for point in "$DIR/dev" "$DIR/proc"; do
        if mountpoint -q "$point"; then umount -l "$point"; fi
    done
}

mount_devices() {
    trap unmount EXIT
    mountpoint -q "$DIR/proc" || mount -t proc proc "$DIR/proc"
    mountpoint -q "$DIR/dev" || mount --bind /dev "$DIR/dev"
}

clone_tree() {
    rm -rf "$DIR/root/mortise"
    git -c safe.directory="$ROOT" clone -q "$ROOT" "$DIR/root/mortise"
}

inside() {
    env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        chroot "$DIR" /bin/bash -c 'cd /root/mortise && exec "$@"' chroot.sh "$@"
}

make_root
lend_network
mount_devices
clone_tree
if [ $# -gt 0 ]; then
    inside "$@"
else
    inside ./run.sh --memory 128M
    inside ./run.sh test
fi
