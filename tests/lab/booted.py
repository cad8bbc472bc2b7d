"""A Debian that has booted (tests/system/booted), as one administers it."""

import itertools
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess

from lab.feed import until
from lab.process import Process, children
from lab.world import ROOT

BOOTED = ROOT / "tests/system/booted"
_numbers = itertools.count(1)
BUILD_SECONDS = 900
BOOT_SECONDS = 60
COMMAND_SECONDS = 300
# systemd's for "power off".
SIGPOWEROFF = signal.SIGRTMIN + 4

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
               "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}


class Failed(AssertionError):
    """A command inside ended badly: how, and what it said."""


def _names(pid):
    """Its numbers in all namespaces of processes that it is in, ours first; none: it has ended."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return re.search(r"(?m)^NSpid:\s+(.*)$", status)[1].split()


class Booted:
    """Owns it from the boot on. packages: what it has beside the least that an installation has.
    Its network is ours: what listens on our loopback does on its."""

    def __init__(self, lab, suite, packages=()):
        root = subprocess.run([BOOTED, "build", suite, *packages], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True, timeout=BUILD_SECONDS, check=True)
        self.suite = suite
        self.directory = lab.directory / f"booted-{suite}-{next(_numbers)}"
        self._process = Process(lab, f"booted {suite}",
                                [BOOTED, "boot", root.stdout.strip(), self.directory])
        self._leader = None
        try:
            self._leader = until(self._find_leader, BOOT_SECONDS, "a first process")
            # The bus that systemctl asks is there a little later.
            until(lambda: self.say("systemctl", "is-system-running", "--wait")
                  in ("running", "degraded"), BOOT_SECONDS, "a boot")
        except BaseException:
            self.close()
            raise

    def _find_leader(self, pid=None):
        """Of all below our process, the one that is the first in two namespaces of processes."""
        for child in children(pid or self._process.pid):
            names = _names(child)
            if len(names) == len(_names("self")) + 2 and names[-1] == "1":
                return child
            if found := self._find_leader(child):
                return found
        return None

    def run(self, *words, within=COMMAND_SECONDS, stdin=None):
        """As root inside; what became of it, with the text of both its outputs together."""
        return subprocess.run(
            ["nsenter", f"--target={self._leader}", "--mount", "--uts", "--ipc", "--net", "--pid",
             "--cgroup", "--root", "--wd", "--", *map(str, words)],
            input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT, timeout=within,
            check=False)

    def status(self, *words, **options):
        return self.run(*words, **options).returncode

    def say(self, *words, **options):
        """What it says, whatever becomes of it."""
        return self.run(*words, **options).stdout.decode(errors="replace").strip()

    def do(self, *words, **options):
        """What it says; a Failed if that is not all."""
        done = self.run(*words, **options)
        text = done.stdout.decode(errors="replace").strip()
        if done.returncode != 0:
            raise Failed(f"{shlex.join(map(str, words))}: status {done.returncode}\n{text}")
        return text

    def shell(self, script, **options):
        return self.do("sh", "-ec", script, **options)

    def write(self, path, content, mode=None):
        """A file as an administrator makes it, with those before it on its way."""
        content = content if isinstance(content, bytes) else content.encode()
        self.do("sh", "-ec", 'mkdir -p "${1%/*}"; cat >"$1"', "sh", path, stdin=content)
        if mode is not None:
            self.do("chmod", f"{mode:o}", path)

    def put(self, source, target):
        """A file of this machine's."""
        self.write(target, pathlib.Path(source).read_bytes(),
                   os.stat(source).st_mode & 0o777)

    def fetch(self, source, target):
        """The files of a directory, to this machine."""
        target.mkdir()
        packed = self.run("tar", "--create", "--directory", source, ".")
        subprocess.run(["tar", "--extract", "--no-same-owner", "--directory", target],
                       input=packed.stdout, check=True)

    def journal(self, *words):
        """Its messages, with all that was said before now."""
        self.do("journalctl", "--sync")
        return self.do("journalctl", "--no-pager", "--output=cat", *words)

    def close(self):
        if self._leader and self._process.is_alive():
            os.kill(self._leader, SIGPOWEROFF)
        self._process.stop(within=60)
        shutil.rmtree(self.directory, ignore_errors=True)
