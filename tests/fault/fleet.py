"""Several daemons on one queue, which die and are replaced."""

import contextlib
import os
import pathlib
import signal
import time

from lab.daemon import section
from lab.feed import until
from lab.process import children
from lab.story import MARKED

CONCURRENCY = 8
STOP_WITHIN = 45  # seconds: to drain, and to write what has ended


class Member:
    """One place in the fleet."""

    def __init__(self, number):
        self.number = number
        self.daemon = None
        self.frozen_since = None
        self.frozen_children = []
        self.stopping_since = None

    @property
    def pid(self):
        return self.daemon.process.pid

    def is_up(self):
        return (self.daemon is not None and self.frozen_since is None
                and self.stopping_since is None)


class Fleet:
    """
    breaches: what went wrong, as texts. Daemons are started by start() and end by kill(), stop()
    and close() only; what ends otherwise is a breach. Call look() often.
    """

    def __init__(self, lab, queue, marks, checker, size):
        self._lab = lab
        self._queue = queue
        self._marks = marks
        self._checker = checker
        self.members = [Member(number) for number in range(size)]
        self.started = []
        self.breaches = []
        self.n_left_something = 0

    def start(self, member, database, settings):
        """Where somebody is there already, nobody is needed."""
        if member.daemon is None:
            mark = section(MARKED, kind="command",
                           program=f"{self._lab.program('marker')} {self._marks}")
            member.daemon = self._lab.daemon(self._queue, database, settings={
                "worker.concurrency": CONCURRENCY, "worker.drain_timeout": "5s",
                "queue.wait_time": "2s", **mark, **settings})
            self.started.append(member.daemon)
            self._checker.listen(member.daemon)

    def kill(self, member):
        if member.daemon is not None:
            self._count_thaw(member)
            member.daemon.kill()
            self._forget(member)
            return True
        return False

    def stop(self, member):
        """As a service manager does it; look() sees the end."""
        if member.is_up():
            member.stopping_since = time.monotonic()
            member.daemon.process.send(signal.SIGTERM)
            return True
        return False

    def freeze(self, member):
        """It and all that it runs, as a machine that is suspended; until thaw()."""
        if not member.is_up() or not member.daemon.process.is_alive():
            return False
        member.frozen_since = time.time()
        os.kill(member.pid, signal.SIGSTOP)
        # It starts nobody any more once it stands still.
        until(lambda: _state(member.pid) in "TZX", what="a daemon that stands still")
        member.frozen_children = list(children(member.pid))
        _send(member.frozen_children, signal.SIGSTOP)
        return True

    def thaw(self, member, since):
        """If it is still frozen since then."""
        if member.frozen_since == since:
            # Before they go on: what they do then is after the end of it.
            self._count_thaw(member)
            _send([member.pid, *member.frozen_children], signal.SIGCONT)

    def _count_thaw(self, member):
        if member.frozen_since is not None:
            self._checker.excuse(member.pid, member.frozen_since, time.time(),
                                 member.frozen_children)
        member.frozen_since = None

    def reload(self, member, settings):
        if member.is_up():
            member.daemon.configure(settings)
            member.daemon.reload()
            return True
        return False

    def look(self):
        """Who has ended since; their members are free."""
        ended = []
        for member in self.members:
            if member.daemon is None:
                continue
            if not member.daemon.process.is_alive():
                self._judge_end(member, member.daemon.wait())
                self._forget(member)
                ended.append(member)
            elif (member.stopping_since is not None
                  and time.monotonic() - member.stopping_since > STOP_WITHIN):
                self.breaches.append(f"{member.daemon.name} did not stop within {STOP_WITHIN} s")
                self.kill(member)
        return ended

    def _judge_end(self, member, status):
        lines = member.daemon.process.feed.lines
        # One that gets a signal before it has taken them has not begun anything either.
        unborn = status in (-signal.SIGTERM, -signal.SIGHUP) and not lines
        stopped = member.stopping_since is not None and status in (0, 1)
        if not (stopped or unborn):
            self.breaches.append(f"{member.daemon.name} ended by itself with status {status}:\n    "
                                 + "\n    ".join(lines[-15:]))
        self.n_left_something += status == 1

    @staticmethod
    def _forget(member):
        member.daemon = member.stopping_since = None

    def close(self):
        """Everybody is told to stop. None has anything to do any more, so none leaves anything."""
        for member in self.members:
            self.stop(member)
        n_before = self.n_left_something
        while any(member.daemon for member in self.members):
            self.look()
            time.sleep(0.1)
        if self.n_left_something > n_before:
            self.breaches.append("a daemon that had nothing to do left something when it stopped")

    def lines(self, word):
        """What any daemon ever said about it."""
        return [f"    {daemon.name} {line}" for daemon in self.started
                for line in daemon.process.feed.lines if word in line]


def _state(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return "X"


def _send(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
