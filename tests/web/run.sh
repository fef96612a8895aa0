#!/usr/bin/env bash
# Drives the page with a real Chromium: looks at it, clicks, logs in, and lends it a camera.
#
#   bash tests/web/run.sh [PYTEST ARGUMENTS]
#
# It needs Debian's chromium and chromium-driver (half a gigabyte, installed where they are missing), Selenium in
# .venv-test-web, and npm for axe-core, which looks for accessibility faults. Where Chromium cannot be had, it says so and
# succeeds without testing anything. Pictures of every view are left in .venv-test-web/screenshots, to be looked at.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=.venv-test-web
axe_version=4.14.1
axe_sha256=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c

skip() {
    echo "== SKIPPED tests/web/browser: $1"
    exit 0
}

install_packages() {
    local as_root=(env DEBIAN_FRONTEND=noninteractive)
    if [ "$(id -u)" -ne 0 ]; then as_root=(sudo "${as_root[@]}"); fi
    "${as_root[@]}" apt-get update -q && "${as_root[@]}" apt-get install -q -y --no-install-recommends "$@"
}

# One file, and the one that was looked at: a changed package is not run.
fetch_axe() {
    local folder
    folder=$(mktemp -d)
    (cd "$folder" && npm pack --silent "axe-core@$axe_version" >/dev/null && tar xzf axe-core-*.tgz package/axe.min.js) &&
        echo "$axe_sha256  $folder/package/axe.min.js" | sha256sum --check --quiet &&
        mv "$folder/package/axe.min.js" "$venv/axe.min.js" || echo "== axe-core could not be fetched" >&2
    rm -r "$folder"
}

if ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; then
    echo "== installing the system packages chromium and chromium-driver"
    install_packages chromium chromium-driver || skip "Chromium cannot be installed here"
fi
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
echo "== $("$venv/bin/python" --version), $(chromium --version): packages into $venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[test]' 'selenium>=4.30,<5'
[ -f "$venv/axe.min.js" ] || fetch_axe
echo "== pytest tests/web/browser"
MOVINET_EDGE_AXE="$PWD/$venv/axe.min.js" MOVINET_EDGE_SCREENSHOTS="$PWD/$venv/screenshots" \
    exec "$venv/bin/python" -m pytest tests/web/browser "$@"
