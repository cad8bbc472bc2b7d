"""Lets allocations of the daemon's own code fail: the plan that tests/fault/starve.c follows."""

import mmap
import struct
import subprocess

PROGRAM = "nexus-worker-starved"
# As struct plan there has it.
_N_ASKED, _FAILS_AT, _EVERY, _N_FAILED, _PLACES = range(5)
_PLACES_MAX = 1024


class Starving:
    """Owns the plan. environment: what makes a daemon follow it."""

    def __init__(self, lab, name):
        self._program = lab.program(PROGRAM)
        path = lab.directory / f"{name}.starve"
        path.write_bytes(bytes(8 * (_PLACES + _PLACES_MAX)))
        with open(path, "r+b") as file:
            self._plan = mmap.mmap(file.fileno(), 0)
        self.environment = {"NEXUS_STARVE": str(path)}

    def _read(self, field):
        return struct.unpack_from("=Q", self._plan, 8 * field)[0]

    def _write(self, field, value):
        struct.pack_into("=Q", self._plan, 8 * field, value)

    def asked(self):
        """How many allocations there were."""
        return self._read(_N_ASKED)

    def failed(self):
        """How many of them failed."""
        return self._read(_N_FAILED)

    def fail(self, number, every=0):
        """The number-th from now fails, and every so-many-th after it (0: none)."""
        self._write(_EVERY, every)
        self._write(_FAILS_AT, self.asked() + number)

    def feed(self):
        """Nothing fails any more."""
        self._write(_FAILS_AT, 0)

    def places(self):
        """Where in the sources the last that failed were asked for, the newest last."""
        last = range(max(0, self.failed() - _PLACES_MAX), self.failed())
        addresses = [self._read(_PLACES + number % _PLACES_MAX) - 1 for number in last]
        told = subprocess.run(
            ["addr2line", "-e", self._program, "-s", "-f", "-p", *map(hex, addresses)],
            check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return told.stdout.splitlines()

    def close(self):
        self._plan.close()
