"""What somebody says, line by line, for somebody else to wait on."""

import threading
import time


class Timeout(AssertionError):
    """Something that was waited for did not come."""


class Feed:
    """A growing list of texts. Written by one thread, awaited by any."""

    def __init__(self, name):
        self.name = name
        self.lines = []
        self.ended = False
        self._grown = threading.Condition()

    def append(self, line):
        with self._grown:
            self.lines.append(line)
            self._grown.notify_all()

    def end(self):
        """Nothing more will come."""
        with self._grown:
            self.ended = True
            self._grown.notify_all()

    def __len__(self):
        return len(self.lines)

    def find(self, pattern, start=0):
        """Every match of the compiled pattern from line number start on."""
        return [match for line in self.lines[start:] if (match := pattern.search(line))]

    def wait(self, pattern, within=10.0, start=0, times=1):
        """The match of the compiled pattern, the times-th from line number start on."""
        deadline = time.monotonic() + within
        with self._grown:
            while True:
                found = self.find(pattern, start)
                if len(found) >= times:
                    return found[times - 1]
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    break
                self._grown.wait(left)
        why = "it ended" if self.ended else f"{within:g} s went by"
        raise Timeout(f"{self.name}: {pattern.pattern!r} did not come before {why}; "
                      "its last lines:\n" + "\n".join(self.lines[-15:]))


def until(condition, within=10.0, what="a condition"):
    """The first true value of condition(), asked again and again, the seldomer the longer it has
    not been so; for what sends no event."""
    begun = time.monotonic()
    while True:
        if value := condition():
            return value
        waited = time.monotonic() - begun
        if waited > within:
            raise Timeout(f"{what}: not so within {within:g} s")
        time.sleep(min(max(0.01, waited / 20), 0.1))
