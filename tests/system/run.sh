#!/usr/bin/env bash
# Tests the Debian package, the units and the installer on machines that really boot: Bookworm and Trixie, in containers.
#
#   sudo bash tests/system/run.sh [--suite bookworm|trixie]... [--cuts N] [--arm64] [--figures | PYTEST ARGUMENTS]
#
# It needs root on Debian with half a gigabyte of download and 4 GB of disk, and says which system packages it installs.
# --cuts: how many power cuts (3; before a release 20). --arm64: also emulate a Raspberry Pi, five minutes more the first
# time. --figures prints times and memory instead of testing. The model is taken from ../shared, as in the other tests.
set -euo pipefail
cd "$(dirname "$0")/../.."

[ "$(id -u)" -eq 0 ] || {
    echo "containers are started by root: sudo bash tests/system/run.sh" >&2
    exit 77
}

suites=() suite_options=() figures=''
export MOVINET_EDGE_CUTS=3
while [ $# -gt 0 ]; do
    case $1 in
    --suite) suites+=("$2") && shift 2 ;;
    --cuts) MOVINET_EDGE_CUTS=$2 && shift 2 ;;
    --arm64) export MOVINET_EDGE_ARM64=yes && shift ;;
    --figures) figures=yes && shift ;;
    *) break ;;
    esac
done
[ "${#suites[@]}" -gt 0 ] || suites=(bookworm trixie)
export MOVINET_EDGE_SUITES="${suites[*]}"

# Kept between runs: the roots take longer to make than to test.
export MOVINET_EDGE_STAGE=${MOVINET_EDGE_STAGE:-/var/tmp/movinet-edge-system}
mkdir -p "$MOVINET_EDGE_STAGE"

ensure_packages() {
    local package missing=() emulator=()
    [ -z "${MOVINET_EDGE_ARM64:-}" ] || emulator=(qemu-user-static binfmt-support)
    for package in mmdebstrap systemd-container debian-archive-keyring e2fsprogs python3-venv "${emulator[@]}"; do
        dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
            missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    echo "== installing the system packages ${missing[*]}"
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# Where this machine gets Debian from, whatever its release, and how.
mirror() {
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)' 'Identifier: Packages' |
        awk '$1 == "Debian" && $2 == "Debian" && $3 == "main" { print $4; exit }'
}

ensure_root() { # SUITE NAME MMDEBSTRAP_OPTIONS...
    local root=$MOVINET_EDGE_STAGE/$2 include=init,dbus,ca-certificates,python3,python3-venv,libstdc++6,zlib1g
    [ ! -e "$root.made" ] || return 0
    echo "== making $root"
    rm -rf "$root"
    apt-config dump --format '%f "%v";%n' Acquire | grep -E '^Acquire::(https?|Check-)' >"$root.apt" || true
    mmdebstrap --quiet --variant=apt --components=main --include="$include" --aptopt="$root.apt" \
        "${@:3}" "$1" "$root" "$(mirror | grep . || echo http://deb.debian.org/debian)"
    touch "$root.made"
}

ensure_packages
for suite in "${suites[@]}"; do
    ensure_root "$suite" "$suite"
    suite_options+=(--suite "$suite")
done

python=${PYTHON:-$(find .venv-test-3.*/bin/python 2>/dev/null | head -n 1)}
if [ -z "$python" ]; then
    python3 -m venv .venv-test-system
    python=.venv-test-system/bin/python
    "$python" -m pip install --quiet --disable-pip-version-check --editable '.[test]'
fi

echo "== building the packages"
rm -rf "$MOVINET_EDGE_STAGE/debs"
systemd/build-deb.sh --quick --arch "$(dpkg --print-architecture)" --output "$MOVINET_EDGE_STAGE/debs" \
    "${suite_options[@]}" ${MOVINET_EDGE_WHEEL:+"$MOVINET_EDGE_WHEEL"}

if [ -n "${MOVINET_EDGE_ARM64:-}" ]; then
    [ -e /proc/sys/fs/binfmt_misc/status ] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    update-binfmts --enable qemu-aarch64
    ensure_root bookworm bookworm-arm64 --architectures=arm64
    systemd/build-deb.sh --quick --arch arm64 --suite bookworm --output "$MOVINET_EDGE_STAGE/debs/arm64" \
        ${MOVINET_EDGE_WHEEL:+"$MOVINET_EDGE_WHEEL"}
fi
if [ -n "$figures" ]; then
    PYTHONPATH=tests/system exec "$python" tests/benchmarks/service.py
fi
echo "== pytest on ${suites[*]}"
exec "$python" -m pytest tests/system -p no:cacheprovider "$@"
