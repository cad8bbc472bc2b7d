"""A child process: its lines, its signals, its end.

Every child dies with the thread that started it, even if that is killed (PR_SET_PDEATHSIG): so
start them from the main thread. Each has a session of its own, so that Ctrl-C at the terminal
reaches the script alone, which then tears down in order.
"""

import contextlib
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import threading

from lab.feed import Feed, Timeout

# How a sanitizer's report begins, which is some line's end for UBSan.
REPORT = re.compile("(Address|Leak|Thread)Sanitizer: |: runtime error: ")


def unprivileged():
    """The account that servers run under which refuse to be root; None: we are not root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("there is neither a user postgres nor a user nobody")


def command_as(account, argv, death=signal.SIGKILL):
    """argv as that account (None: as we are), to get the signal death when its parent ends."""
    setpriv = [shutil.which("setpriv") or "setpriv", f"--pdeathsig={death.name[3:]}"]
    if account is not None:
        setpriv += [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    return setpriv + ["--"] + [str(word) for word in argv]


def is_alive(pid):
    """Not once it has ended, whoever is yet to reap it."""
    try:
        after_name = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return after_name.split()[0] not in "ZX"


def children(pid):
    """Those that are alive, of all its threads."""
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield from map(int, path.read_text(encoding="utf-8").split())


class Process:
    """Owns one child from its start to its end, and the text of both its outputs."""

    def __init__(self, lab, name, argv, account=None, environment=None, death=signal.SIGKILL,
                 on_line=None):
        self.name = name
        self.feed = Feed(name)
        self._on_line = on_line
        self.child = subprocess.Popen(
            command_as(account, argv, death), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True, cwd=lab.directory,
            env=environment, pass_fds=[lab.lifeline])
        self.pid = self.child.pid
        self._reader = threading.Thread(target=self._read, name=f"{name} output", daemon=True)
        self._reader.start()

    def _read(self):
        with self.child.stdout as output:
            for raw in output:
                line = raw.decode(errors="replace").rstrip("\n")
                self.feed.append(line)
                if self._on_line:
                    self._on_line(line)
        self.feed.end()

    def wait_line(self, pattern, within=10.0, start=0, times=1):
        """The match of the regular expression in a line, the times-th from line start on."""
        return self.feed.wait(re.compile(pattern), within, start, times)

    def lines(self, pattern, start=0):
        """Every match so far."""
        return self.feed.find(re.compile(pattern), start)

    def send(self, number):
        self.child.send_signal(number)

    def is_alive(self):
        return self.child.poll() is None

    def wait(self, within=10.0):
        """Its exit status (negative: the signal that ended it), and all its lines are there. What a
        sanitizer has found is an error whatever the status."""
        try:
            status = self.child.wait(within)
        except subprocess.TimeoutExpired:
            raise Timeout(f"{self.name} did not end within {within:g} s; its last lines:\n"
                          + "\n".join(self.feed.lines[-15:])) from None
        self._reader.join(within)
        if self.feed.find(REPORT):
            raise AssertionError(f"{self.name}:\n" + "\n".join(self.feed.lines))
        return status

    def stop(self, number=signal.SIGTERM, within=10.0):
        """Ends it, by force if the signal does not."""
        if self.is_alive():
            self.send(number)
        try:
            return self.wait(within)
        except Timeout:
            self.child.kill()
            return self.wait(within)
