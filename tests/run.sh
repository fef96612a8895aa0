#!/usr/bin/env bash
# Installs what testing needs and runs everything: linters, types, import rules and all tests; on a second Python all but the
# slow tests and those of training.
#
#   bash tests/run.sh [PYTEST ARGUMENTS]
#
# With MOVINET_EDGE_ALL_TIERS=1 it goes on with the tiers that need gigabytes (see tests/README.md), as CI does.
# It needs Debian (or anything with Python 3.11 or newer and its venv module). Virtual environments are made in
# .venv-test-*; besides these only the system packages stay that it says it installs.
set -euo pipefail
cd "$(dirname "$0")/.."

# Fails where this is no Debian, or root's rights cannot be had.
install_packages() {
    local as_root=(env DEBIAN_FRONTEND=noninteractive)
    if [ "$(id -u)" -ne 0 ]; then as_root=(sudo "${as_root[@]}"); fi
    "${as_root[@]}" apt-get update -q && "${as_root[@]}" apt-get install -q -y --no-install-recommends "$@"
}

ensure_venv() {
    command -v python3 >/dev/null && python3 -c 'import ensurepip, venv' 2>/dev/null && return
    echo "== Python's venv module is missing: installing the system packages python3 and python3-venv"
    install_packages python3 python3-venv
}

# What tests talk to: an RTSP camera made of GStreamer, an MQTT broker, and the tool that judges rules for Prometheus.
ensure_peers() {
    local package missing=()
    for package in python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-{base,good,bad,ugly} mosquitto \
        prometheus; do
        dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
            missing+=("$package")
    done
    if [ "${#missing[@]}" -eq 0 ]; then return; fi
    echo "== Servers for the tests are missing: installing the system packages ${missing[*]}"
    install_packages "${missing[@]}" ||
        echo "== They could not be installed; what needs them is skipped (with CI=true it fails)" >&2
}

# 3.11 and 3.13 are what Raspberry Pi OS ships. A command of that name may also be found among pyenv's versions; where
# there is neither, python3 is tested.
pythons() {
    local version candidate found=0
    for version in 3.11 3.13; do
        for candidate in "$(command -v "python$version" || true)" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python; do
            if [ -x "$candidate" ] && "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
                echo "$candidate"
                found=1
                break
            fi
        done
    done
    if [ "$found" -eq 0 ]; then
        echo "== neither python3.11 nor python3.13 is here: testing with $(python3 --version) alone" >&2
        python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
            echo "movinet-edge needs Python 3.11 or newer, this is $(python3 --version)" >&2
            exit 1
        }
        echo python3
    fi
}

# Boots machines in containers, where root may. These tests wait more than they work, so they run beside others.
begin_system_tier() {
    if [ "$(id -u)" -ne 0 ]; then
        echo "== SKIPPED tests/system: only root can start its containers"
        return
    fi
    system_log=$(mktemp)
    bash tests/system/run.sh --quick >"$system_log" 2>&1 &
    system_tier=$!
    trap wait EXIT # its containers would outlive us
}

end_system_tier() {
    local failed=0
    if [ -z "$system_tier" ]; then return; fi
    echo "== tests/system"
    wait "$system_tier" || failed=$?
    cat "$system_log"
    rm "$system_log"
    return "$failed"
}

ensure_venv
ensure_peers
first=1
system_tier=''
selected=()
chosen=$(pythons)
for python in $chosen; do
    venv=".venv-test-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    echo "== $("$python" --version): packages into $venv"
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[test]'
    if [ "$first" -eq 1 ]; then
        echo "== ruff, mypy, import-linter"
        "$venv/bin/ruff" check .
        "$venv/bin/ruff" format --check .
        "$venv/bin/mypy"
        "$venv/bin/lint-imports" --no-cache >/dev/null || "$venv/bin/lint-imports" --no-cache
        first=0
    fi
    echo "== pytest on $("$python" --version)"
    "$venv/bin/python" -m pytest "${selected[@]}" "$@"
    if [ -n "${MOVINET_EDGE_ALL_TIERS:-}" ] && [ "${#selected[@]}" -eq 0 ]; then begin_system_tier; fi
    # What takes long (faults by the dozen, simulated hours) does not depend on the version of Python, and training runs
    # on no Raspberry Pi.
    selected=(-m "not slow" --ignore=tests/training)
done
if [ -n "${MOVINET_EDGE_ALL_TIERS:-}" ]; then
    bash tests/homeassistant/run.sh
    bash tests/web/run.sh
    bash tests/training/run.sh
    end_system_tier
fi
