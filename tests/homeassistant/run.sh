#!/usr/bin/env bash
# Installs a real Home Assistant and tests with it what it makes of our MQTT messages.
#
#   bash tests/homeassistant/run.sh [PYTEST ARGUMENTS]
#
# It needs Python 3.13, mosquitto (which tests/run.sh installs), and about 1.2 GB for packages in .venv-test-ha, which are
# kept. Where there is no such Python, or the package cannot be had, it says so and succeeds without testing anything.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=.venv-test-ha
requirements=tests/homeassistant/requirements.txt

skip() {
    echo "== SKIPPED tests/homeassistant: $1"
    exit 0
}

python_313() {
    local candidate
    for candidate in "$(command -v python3.13 || true)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13.*/bin/python; do
        # A command of pyenv may be there although its Python is not chosen.
        if [ -x "$candidate" ] && "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

# One package alone, without what it needs: if even that fails, the package cannot be had here.
can_be_had() {
    local folder had=0
    folder=$(mktemp -d)
    "$venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --dest "$folder" \
        "$(grep '^homeassistant' "$requirements")" || had=1
    rm -r "$folder"
    return "$had"
}

python=$(python_313) || skip "Home Assistant needs Python 3.13, which is not here"
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
echo "== $("$python" --version): Home Assistant into $venv"
if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements" --editable .; then
    can_be_had || skip "Home Assistant cannot be downloaded here"
    echo "== Home Assistant can be downloaded, but not installed beside movinet-edge" >&2
    exit 1
fi
echo "== pytest tests/homeassistant"
exec "$venv/bin/python" -m pytest tests/homeassistant "$@"
