"""A machine that is suspended, and a clock that is set, as one daemon sees it."""

import mmap
import struct

from lab.preload import preload


class Clocks:
    """environment: what makes a daemon go by these clocks. They jump at once, and its timers too."""

    def __init__(self, lab, name):
        path = lab.directory / f"{name}.clocks"
        path.write_bytes(bytes(mmap.PAGESIZE))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self._slept = self._set = 0
        self.environment = {"CLOCKS_FILE": str(path), **preload(lab, "clocks")}

    def suspend(self, seconds):
        """Boot time and wall clock are so much further, and the monotonic clock is not."""
        self._jump(slept=seconds)

    def set(self, seconds):
        """The wall clock alone, forwards or back."""
        self._jump(set_by=seconds)

    def _jump(self, slept=0, set_by=0):
        self._slept += slept
        self._set += set_by
        self._shared[:16] = struct.pack("=qq", self._slept, self._set)

    def close(self):
        self._shared.close()
