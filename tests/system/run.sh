#!/usr/bin/env bash
# Tests the Debian package, the units and the installer on machines that really boot: Bookworm and Trixie, in containers.
#
#   sudo bash tests/system/run.sh [--quick] [--suite bookworm|trixie]... [--cuts N] [--arm64] [--figures | PYTEST ARGUMENTS]
#
# It needs root on Debian with half a gigabyte of download and 4 GB of disk, and says which system packages it installs.
# The releases are tested at the same time, as these tests wait more than they work. --cuts: how many power cuts (3;
# before a release 20). --arm64: also emulate a Raspberry Pi, five minutes more the first time. --figures prints times and
# memory instead of testing. --quick is for continuous integration: Bookworm alone, one power cut, without the installer,
# and where this machine cannot boot containers it says so and succeeds. The model is taken from ../shared.
set -euo pipefail
cd "$(dirname "$0")/../.."

[ "$(id -u)" -eq 0 ] || {
    echo "containers are started by root: sudo bash tests/system/run.sh" >&2
    exit 77
}

suites=() suite_options=() figures='' quick='' selected=()
export MOVINET_EDGE_CUTS=3
while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=yes MOVINET_EDGE_CUTS=1 selected=(--deselect tests/system/test_installer.py) && shift ;;
    --suite) suites+=("$2") && shift 2 ;;
    --cuts) MOVINET_EDGE_CUTS=$2 && shift 2 ;;
    --arm64) export MOVINET_EDGE_ARM64=yes && shift ;;
    --figures) figures=yes && shift ;;
    *) break ;;
    esac
done
[ "${#suites[@]}" -gt 0 ] || { [ -n "$quick" ] && suites=(bookworm) || suites=(bookworm trixie); }
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

# Boots a machine that switches itself off again, and mounts a file: a container of CI may be allowed neither.
can_boot() { # ROOT
    local file why=0
    file=$(mktemp) && truncate --size 1M "$file" && losetup --find --show "$file" >"$file.loop" || why=1
    [ "$why" -ne 0 ] || losetup --detach "$(cat "$file.loop")"
    rm -f "$file" "$file.loop"
    [ "$why" -eq 0 ] && timeout 60 systemd-nspawn --register=no --keep-unit --quiet --volatile=overlay --boot \
        --directory="$1" systemd.unit=systemd-poweroff.service </dev/null >/dev/null 2>&1
}

ensure_packages
for suite in "${suites[@]}"; do
    ensure_root "$suite" "$suite"
    suite_options+=(--suite "$suite")
done
if ! can_boot "$MOVINET_EDGE_STAGE/${suites[0]}"; then
    echo "== SKIPPED tests/system: this machine may not boot containers or has no loop devices (see systemd-nspawn, losetup)"
    [ -n "$quick" ] && exit 0 || exit 77
fi

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

# Each line says which of them it is about.
test_on() { # SUITES NAME PYTEST_ARGUMENTS...
    MOVINET_EDGE_SUITES=$1 "$python" -m pytest -p no:cacheprovider "${@:3}" 2>&1 | sed --unbuffered "s/^/$2: /"
}

echo "== pytest on ${suites[*]}"
failed=0 running=()
no_tests=5 # pytest's code where -k chooses none, as it may for one of them
for suite in "${suites[@]}"; do
    test_on "$suite" "$suite" tests/system --ignore tests/system/test_arm64.py "${selected[@]}" "$@" &
    running+=($!)
done
if [ -n "${MOVINET_EDGE_ARM64:-}" ]; then
    test_on bookworm arm64 tests/system/test_arm64.py "$@" &
    running+=($!)
fi
for one in "${running[@]}"; do
    wait "$one" || { code=$? && [ "$code" -eq "$no_tests" ] || failed=$code; }
done
exit "$failed"
