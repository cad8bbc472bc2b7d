"""One directory and what runs in it, torn down together.

    with Lab() as lab:
        postgres = lab.postgres()
        sqs = lab.sqs()
        daemon = lab.daemon(sqs.create_queue("jobs"), postgres.create_database())

Whatever way the block is left, or the script killed, no process and no file stays behind: the
children die with the script (see process), and the keeper removes the directory.
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys

from lab.application import Application
from lab.daemon import Daemon
from lab.feed import Timeout
from lab.postgres import PgBouncer, Postgres, Standby
from lab.sqs import Sqs

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def commit():
    """What is tested: its short name, and "-dirty" where files differ but for tests/LONG.md."""
    def git(*words):
        said = subprocess.run(["git", *words], cwd=ROOT, check=False, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        return said.stdout.strip()

    dirty = git("status", "--porcelain", "--", ".", ":!tests/LONG.md")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("-dirty" if dirty else "")


class Stopped(KeyboardInterrupt):
    """A signal asked the script to end."""


class Lab:
    """Owns the directory, and everything that was started in it, in order."""

    def __init__(self):
        self.build = pathlib.Path(os.environ.get("NEXUS_BUILD", ROOT / "build"))
        self.sanitized = self.build.name.startswith("sanitize")
        self.directory = None
        self.lifeline = None
        self._keeper = None
        self._things = contextlib.ExitStack()

    def __enter__(self):
        for number in ENDING:
            signal.signal(number, _on_signal)
        ours, self.lifeline = os.pipe()
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", pathlib.Path(__file__).with_name("keeper.py")],
            stdin=ours, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(ours)
        with self._keeper.stdout as said:
            self.directory = pathlib.Path(said.read().decode())
        return self

    def __exit__(self, *_):
        # From here on a second signal changes nothing: everything is being ended already.
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        try:
            self._things.close()
        finally:
            os.close(self.lifeline)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._keeper.wait(5)

    def _started(self, thing):
        self._things.callback(thing.close)
        return thing

    def program(self, name):
        """The path of a program that make has built."""
        path = self.build / name
        if not path.exists():
            raise FileNotFoundError(f"{path} is not there: run make all tools")
        return path

    def postgres(self, **options):
        return self._started(Postgres(self, **options))

    def standby(self, primary):
        return self._started(Standby(self, primary))

    def pgbouncer(self, postgres, **options):
        return self._started(PgBouncer(self, postgres, **options))

    def sqs(self, **options):
        return self._started(Sqs(self, **options))

    def application(self, **options):
        return self._started(Application(self, **options))

    def daemon(self, queue, database, **options):
        return self._started(Daemon(self, queue, database, **options))


def run_in_lab(work):
    """What a script ends with: what work(lab) returns, or a line that says why it did not."""
    try:
        with Lab() as lab:
            return work(lab)
    except Stopped as stopped:
        print(f"\nstopped by {stopped}; nothing is left behind")
        return 130
    except (Timeout, FileNotFoundError) as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1


def _on_signal(number, _):
    for other in ENDING:
        signal.signal(other, signal.SIG_IGN)
    raise Stopped(signal.Signals(number).name)
