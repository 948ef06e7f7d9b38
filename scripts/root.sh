# Clean Debian 12 roots, for clean-root and clean-image to source.  Needs root and mmdebstrap.
# shellcheck shell=bash

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

check_root_tools() {
    ((EUID == 0)) || die "needs root (it makes a chroot); run: sudo $0"
    command -v mmdebstrap >/dev/null || die "needs mmdebstrap; run: apt-get install -y mmdebstrap"
}

# make_root DIR [PACKAGE,...]: a minimal Debian 12 in DIR, an empty folder.
# The archive and the way to it are this machine's: sources and settings (proxy and such) are read from its apt.
make_root() {
    local settings sources
    chmod 755 "$1"
    settings=$(mktemp)
    apt-config dump --format '%F "%v";%n' Acquire | grep -vE 'IndexTargets|Acquire::(Languages|Compression)' >"$settings"
    # shellcheck disable=SC2016 # apt-get expands these
    sources=$(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        grep -E ' bookworm(-updates|-security)? main$' | sort -u)
    mmdebstrap --quiet --variant=minbase ${2:+"--include=$2"} --aptopt="$settings" bookworm "$1" - <<<"$sources" ||
        die "mmdebstrap could not make the root"
    rm -f "$settings"
    cp -L /etc/resolv.conf "$1/etc/resolv.conf"
}

# in_root DIR USER FOLDER COMMAND...: runs a command in the root, with mounts that vanish with it.
in_root() {
    local settings=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8) name
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        if [[ -n ${!name:-} ]]; then settings+=("$name=${!name}"); fi
    done
    # shellcheck disable=SC2016 # the inner shells expand these
    unshare --mount --pid --fork bash -c '
        set -e
        root=$1 user=$2 folder=$3
        shift 3
        mount -t proc proc "$root/proc"
        mount -t sysfs -o ro sysfs "$root/sys"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
        mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
        exec chroot --userspec="$user:$user" "$root" env -i --chdir="$folder" "$@"
    ' in_root "$1" "$2" "$3" "${settings[@]}" "${@:4}" </dev/null
}

# copy_tree DIR true|false: puts the working tree (true) or a clone of the last commit (false) into DIR.
copy_tree() {
    mkdir -p "$1"
    if [[ $2 == true ]]; then
        tar -c --exclude=./build --exclude=./results/runs --exclude=./.venv . | tar -x -C "$1" --no-same-owner
    else
        git clone --quiet --no-hardlinks . "$1"
    fi
}
