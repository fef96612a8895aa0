"""A Debian machine to test on: a root folder booted with systemd-nspawn, spoken to from outside, unplugged at will."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

BOOT_S = 60.0
ENVIRONMENT = ["PATH=/usr/local/bin:/usr/sbin:/usr/bin", "TERM=dumb", "SYSTEMD_COLORS=0"]
CGROUPS = Path("/sys/fs/cgroup")
IN_CGROUPS = 'for group in $1; do echo $$ >"$group/cgroup.procs" || exit; done; shift; exec "$@"'


class Machine:
    """One machine. Unless `online`, it sees no network but its own loopback."""

    def __init__(self, root, *, online=False, binds=(), shows=()):
        """`binds` are folders and files of ours that it sees, as (ours, its); those of `shows` it may only read."""
        self.root = Path(root)
        self._options = [f"--bind={ours}:{its}" for ours, its in binds]
        self._options += [f"--bind-ro={ours}:{its}" for ours, its in shows]
        if not online:
            self._options.append("--private-network")
        self._process = None
        self._leader = 0

    @property
    def on(self):
        return self._process is not None

    def boot(self):
        """Switch it on; returns when systemd has started everything."""
        command = ["sh", "-c", IN_CGROUPS, "sh", " ".join(map(str, self._make_cgroups()))]
        command += ["systemd-nspawn", "--register=no", "--keep-unit", "--quiet", "--boot"]
        with (self.root.parent / f"{self.root.name}.console").open("ab") as console:
            self._process = subprocess.Popen(
                [*command, *self._options, f"--directory={self.root}"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._leader = int(self.wait(self._find_leader, "it does not start", BOOT_S))
        self.wait(lambda: self.run("systemctl is-system-running", check=False) in ("running", "degraded"), "no boot")

    def run(self, command, *, check=True, user="root", timeout_s=120.0):
        """The output of a shell command there, standard error included."""
        entered = ["nsenter", "--target", str(self._leader), "--all", "env", "-i", *ENVIRONMENT]
        as_user = ["runuser", "--user", user, "--"] if user != "root" else []
        done = subprocess.run(
            [*entered, *as_user, "sh", "-c", command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"`{command}` gave {done.returncode}:\n{done.stdout}")
        return done.stdout.strip()

    def ok(self, command, **how):
        """Does the command succeed there?"""
        return self.run(f"if {command} >/dev/null 2>&1; then echo yes; fi", check=False, **how) == "yes"

    def unit(self, name, *properties):
        """Properties of a unit, as text."""
        lines = self.run(f"systemctl show {name} --property={','.join(properties)}").splitlines()
        found = dict(line.split("=", 1) for line in lines)
        return [found[name] for name in properties] if len(properties) > 1 else found[properties[0]]

    def journal(self, unit="movinet-edge"):
        """What the unit and systemd about it have written, as dictionaries of the journal's fields."""
        lines = self.run(f"journalctl --unit={unit} --output=json --no-pager").splitlines()
        return [json.loads(line) for line in lines]

    def wait(self, condition, why, timeout_s=60.0):
        """Wait until the condition gives something that is true, and return it."""
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            found = condition()
            if found:
                return found
            time.sleep(0.05)
        seen = self.run("systemctl status movinet-edge --no-pager --lines=40", check=False) if self._leader else ""
        raise AssertionError(f"{why}, after {timeout_s:g} s\n{seen}")

    def power_off(self):
        """Shut it down as a person would."""
        self.run("systemctl poweroff", check=False)
        self._process.wait(BOOT_S)
        self._gone()

    def unplug(self):
        """Take its power away: nobody in it does anything any more."""
        os.kill(self._leader, signal.SIGKILL)
        self._process.wait(BOOT_S)
        self._gone()

    def _gone(self):
        self._process, self._leader = None, 0
        for group in self._cgroups():
            subprocess.run(["find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+"], check=False)

    def _make_cgroups(self):
        # In those of ours, which systemd-nspawn takes otherwise, machines would get into each other's way.
        groups = self._cgroups()
        for group in groups:
            group.mkdir(exist_ok=True)
        return groups

    def _cgroups(self):
        """Its place in each tree of control groups that systemd uses: version 2, version 1, or both."""
        trees = [CGROUPS / "unified", CGROUPS / "systemd"] if (CGROUPS / "systemd").is_dir() else [CGROUPS]
        names = {"": trees[0], "name=systemd": trees[-1]}
        ours = [line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines()]
        places = [names[name] / path.lstrip("/") for name, path in ours if name in names and names[name].is_dir()]
        return [place / f"movinet-edge-{self.root.name}" for place in dict.fromkeys(places)]

    def _find_leader(self):
        # systemd-nspawn's only child that is called systemd is the machine's process 1.
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for child in children:
            try:
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return child
            except FileNotFoundError:
                continue
        if self._process.poll() is not None:
            raise AssertionError(f"systemd-nspawn ended with {self._process.returncode}; see {self.root}.console")
        return None
