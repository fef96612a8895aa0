#!/usr/bin/env bash
# Builds the Debian packages: one for each release of Debian or Raspberry Pi OS and each kind of processor.
#
#   systemd/build-deb.sh [--suite bookworm|trixie]... [--arch amd64|arm64]... [--output DIR] [--quick] [WHEEL]
#
# Without --suite and --arch all four are built, into dist/. Without WHEEL one is made from this checkout. --quick
# compresses little, for tests. It needs dpkg-deb and Python's venv module, and any machine will do: nothing of the
# target is run. Why there is one package per release: .github/adr/0009-debian-package.md.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$(dirname "$here")

die() {
    echo "build-deb.sh: $*" >&2
    exit 64
}

suites=() arches=() output=$project/dist wheel='' compression=(-Zxz)
while [ $# -gt 0 ]; do
    case $1 in
    --suite) suites+=("${2-}") && shift ;;
    --arch) arches+=("${2-}") && shift ;;
    --output) output=${2:?} && shift ;;
    --quick) compression=(-Zgzip -z1) ;;
    --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" && exit ;;
    -*) die "no option is called $1; see --help" ;;
    *) wheel=$(realpath "$1") ;;
    esac
    shift
done
[ "${#suites[@]}" -gt 0 ] || suites=(bookworm trixie)
[ "${#arches[@]}" -gt 0 ] || arches=(amd64 arm64)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# uv and not pip: pip reads the conditions of requirements ("python_version < 3.12") for the machine that it runs on.
python3 -m venv "$work/tools"
"$work/tools/bin/pip" install --quiet --disable-pip-version-check uv
uv=$work/tools/bin/uv
if [ -z "$wheel" ]; then
    "$uv" build --quiet --wheel --out-dir "$work/wheel" "$project"
    wheel=$(echo "$work"/wheel/*.whl)
fi
# movinet_edge-1.2.0rc1-py3-none-any.whl: Debian sorts 1.2.0~rc1 before 1.2.0.
version=$(basename "$wheel" | cut -d- -f2 | sed -E 's/(a|b|rc|\.dev)/~\1/')

# A virtual environment of the target's own Python, made without running it.
environment() { # ROOT PYTHON_VERSION PLATFORM REQUIREMENTS...
    local home=$1/usr/lib/movinet-edge site
    site=$home/lib/python$2/site-packages
    mkdir -p "$home/bin" "$site"
    ln -s /usr/bin/python3 "$home/bin/python3"
    # The system's packages come after our own; picamera2 is there and nowhere else.
    printf 'home = /usr/bin\ninclude-system-site-packages = true\nversion = %s\n' "$2" >"$home/pyvenv.cfg"
    "$uv" pip install --quiet --no-config --link-mode copy --only-binary :all: --target "$site" \
        --python-version "$2" --python-platform "$3" "$wheel" "${@:4}"
    # Plugins for other makers' processors, and tools: 30 MB that nothing here uses.
    rm -rf "${site:?}"/bin "$site"/.lock "$site"/ai_edge_litert/{vendors,tools,libLiteRtWebGpuAccelerator.so}
    cat >"$home/bin/movinet-edge" <<'PYTHON'
#!/usr/lib/movinet-edge/bin/python3
"""The command `movinet-edge`."""

import sys

from movinet_edge.cli.main import console_main

sys.exit(console_main())
PYTHON
    chmod 755 "$home/bin/movinet-edge"
}

install_files() { # ROOT
    local doc=$1/usr/share/doc/movinet-edge
    mkdir -p "$1"/usr/bin "$1"/usr/lib/{systemd/system,sysusers.d,tmpfiles.d} "$doc/examples"
    ln -s ../lib/movinet-edge/bin/movinet-edge "$1/usr/bin/movinet-edge"
    install -m 644 "$here"/movinet-edge{,@}.service "$1/usr/lib/systemd/system/"
    install -m 644 "$here/sysusers.conf" "$1/usr/lib/sysusers.d/movinet-edge.conf"
    install -m 644 "$here/tmpfiles.conf" "$1/usr/lib/tmpfiles.d/movinet-edge.conf"
    install -m 644 "$project"/config/*.yaml "$here/libcamera.conf" "$doc/examples/"
    install -m 644 "$project/config/README.md" "$doc/configuration.md"
    install -m 644 "$here/README.md" "$doc/systemd.md"
    install -m 644 "$project"/{README,CHANGELOG}.md "$doc/"
    install -m 644 "$here/debian/copyright" "$doc/copyright"
}

control() { # ROOT ARCH VERSION PYTHON_VERSION
    mkdir "$1/DEBIAN"
    sed -e "s/@VERSION@/$3/" -e "s/@ARCH@/$2/" -e "s/@PYTHON@/$4/" -e "s/@NEXT_PYTHON@/3.$((${4#3.} + 1))/" \
        -e "s/@SIZE@/$(du -sk --exclude=DEBIAN "$1" | cut -f1)/" \
        -e "s/@MAINTAINER@/${DEBFULLNAME:-movinet-edge} <${DEBEMAIL:-root@localhost}>/" \
        "$here/debian/control" >"$1/DEBIAN/control"
    install -m 755 "$here"/debian/{preinst,postinst,prerm,postrm} "$1/DEBIAN/"
    (cd "$1" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
}

build() { # SUITE ARCH
    local python release machine glibc also=() root=$work/$1-$2
    case $1 in
    # Bookworm's picamera2 is compiled for numpy 1.
    bookworm) python=3.11 release=12 glibc=2_36 also=('numpy<2' 'opencv-python-headless<4.12') ;;
    trixie) python=3.13 release=13 glibc=2_40 ;; # the newest that uv knows; its own is 2.41
    *) die "the suite is bookworm or trixie, not '$1'" ;;
    esac
    case $2 in
    amd64) machine=x86_64 ;;
    arm64) machine=aarch64 ;;
    *) die "the architecture is amd64 or arm64, not '$2'" ;;
    esac
    environment "$root" "$python" "$machine-manylinux_$glibc" ${also[@]+"${also[@]}"}
    install_files "$root"
    chmod -R go-w,a+rX "$root"
    control "$root" "$2" "$version+deb$release" "$python"
    mkdir -p "$output"
    dpkg-deb --root-owner-group "${compression[@]}" --build "$root" \
        "$output/movinet-edge_$version+deb${release}_$2.deb"
    rm -rf "$root"
}

for suite in "${suites[@]}"; do
    for arch in "${arches[@]}"; do
        build "$suite" "$arch"
    done
done
