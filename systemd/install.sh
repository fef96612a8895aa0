#!/bin/sh
# Installs movinet-edge from this checkout or from a wheel, as a service that starts at boot. The Debian package does the
# same, see README.md; use one of the two.
#
#   sudo sh systemd/install.sh [--dry-run] [--python PYTHON] [WHEEL]
#   sudo sh systemd/install.sh [--dry-run] --uninstall
#
# It can be run again, to upgrade. It makes a virtual environment in /opt/movinet-edge, links it to
# /usr/local/bin/movinet-edge, and writes the units, a group and the folders in /etc/movinet-edge. No configuration is ever
# written, changed or removed, and --uninstall leaves events and models too; it says where they are. With --dry-run the
# commands are shown and nothing is done. --python (/usr/bin/python3) is what the environment is made with.
set -eu

PREFIX=/opt/movinet-edge
COMMAND=/usr/local/bin/movinet-edge
UNITS=/etc/systemd/system

here=$(cd "$(dirname "$0")" && pwd)
python=/usr/bin/python3 wheel='' dry='' uninstall=''

die() {
    echo "install.sh: $2" >&2
    exit "$1"
}

run() {
    if [ -n "$dry" ]; then
        echo "$@"
    else
        "$@"
    fi
}

# In a chroot or an image that is being built there is nobody to tell.
systemctl_if_running() {
    if [ -n "$dry" ] || [ -d /run/systemd/system ]; then run systemctl "$@"; fi
}

while [ $# -gt 0 ]; do
    case $1 in
    --dry-run) dry=yes ;;
    --uninstall) uninstall=yes ;;
    --python)
        [ $# -gt 1 ] || die 64 "--python needs a path"
        python=$2
        shift
        ;;
    --help)
        sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
        exit 0
        ;;
    -*) die 64 "no option is called $1; see --help" ;;
    *) wheel=$1 ;;
    esac
    shift
done

check() {
    [ -n "$dry" ] || [ "$(id -u)" -eq 0 ] || die 77 "this installs for the whole machine: sudo sh $0"
    if dpkg-query --show --showformat='${db:Status-Abbrev}' movinet-edge 2>/dev/null | grep -q '^.i'; then
        die 1 "the Debian package movinet-edge is installed; upgrade that one, or first: sudo apt remove movinet-edge"
    fi
}

check_python() {
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        die 1 "$python is not Python 3.11 or newer; name another one with --python"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        die 1 "$python has no venv module: sudo apt install python3-venv"
    [ -z "$wheel" ] || [ -f "$wheel" ] || die 66 "there is no wheel $wheel"
}

install_all() {
    # Made anew when it does not fit: after an upgrade of Debian, its Python is another one.
    if ! "$PREFIX/bin/python" -c 'import sys; sys.exit(sys.argv[1] != sys.version)' \
        "$("$python" -c 'import sys; print(sys.version)')" 2>/dev/null; then
        # The system's packages are seen after its own; picamera2 is there and nowhere else.
        run "$python" -m venv --clear --system-site-packages "$PREFIX"
    fi
    set --
    # Bookworm's picamera2 is compiled for numpy 1.
    case $("$python" --version) in *' 3.11.'*) set -- 'numpy<2' 'opencv-python-headless<4.12' ;; esac
    # pip compiles what it installs, as it must be: the daemon may not write here.
    run "$PREFIX/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "${wheel:-$(dirname "$here")}" "$@"
    if [ -n "$wheel" ]; then
        # Another build of the same version is new too.
        run "$PREFIX/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$wheel"
    fi
    run mkdir -p /usr/local/bin
    run ln -sfn "$PREFIX/bin/movinet-edge" "$COMMAND"
    for unit in movinet-edge.service movinet-edge@.service; do
        run install -D -m 644 "$here/$unit" "$UNITS/$unit"
    done
    run install -D -m 644 "$here/sysusers.conf" /etc/sysusers.d/movinet-edge.conf
    run install -D -m 644 "$here/tmpfiles.conf" /etc/tmpfiles.d/movinet-edge.conf
    run systemd-sysusers /etc/sysusers.d/movinet-edge.conf
    run systemd-tmpfiles --create /etc/tmpfiles.d/movinet-edge.conf
    systemctl_if_running daemon-reload
    run systemctl enable --quiet movinet-edge.service
    # Whatever keeps it from starting, it is installed; systemctl says how to learn more.
    systemctl_if_running restart movinet-edge.service || true
    systemctl_if_running try-restart 'movinet-edge@*.service'
    if [ -z "$dry" ] && [ ! -e /etc/movinet-edge/config.yaml ]; then
        echo "Installed. Write /etc/movinet-edge/config.yaml ($(dirname "$here")/config has examples), then:"
        echo "  sudo systemctl start movinet-edge"
    fi
}

uninstall_all() {
    systemctl_if_running stop movinet-edge.service 'movinet-edge@*.service'
    if [ -e "$UNITS/movinet-edge.service" ]; then run systemctl disable --quiet movinet-edge.service movinet-edge@.service; fi
    run rm -rf "$PREFIX"
    run rm -f "$COMMAND" "$UNITS/movinet-edge.service" "$UNITS/movinet-edge@.service" \
        /etc/sysusers.d/movinet-edge.conf /etc/tmpfiles.d/movinet-edge.conf
    systemctl_if_running daemon-reload
    [ -z "$dry" ] || return 0
    echo "Removed. What is yours is still there: /etc/movinet-edge, /var/lib/movinet-edge (events), /var/cache/movinet-edge"
    echo "(models; with DynamicUser= the last two are links into /var/lib/private and /var/cache/private)."
}

check
if [ -n "$uninstall" ]; then
    uninstall_all
else
    check_python
    install_all
fi
