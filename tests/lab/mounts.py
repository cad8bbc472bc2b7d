"""File systems of a test's own, for the processes that are started after they were mounted.

The calling thread, which is to be the main one, enters a mount namespace of its own for good: so
whatever is mounted is gone with the last process that could see it.
"""

import contextlib
import ctypes
import os
import subprocess

CLONE_NEWNS = 0x00020000
BLOCK = bytes(4096)


class CannotMount(Exception):
    """Nobody but root may do that, and in some containers not even root."""


def mount_tmpfs(path, options):
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise CannotMount(f"no mount namespace of its own: {os.strerror(ctypes.get_errno())}")
    _mount("--make-rprivate", "/")
    _mount("-t", "tmpfs", "-o", options, "tmpfs", path)


def _mount(*words):
    done = subprocess.run(["mount", *words], check=False, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    if done.returncode:
        raise CannotMount(done.stderr.strip())


class SmallDisk:
    """A tmpfs of so many MiB, for that account."""

    def __init__(self, path, mebibytes, account=None):
        self.path = path
        self.path.mkdir()
        owner = f",uid={account.pw_uid},gid={account.pw_gid}" if account else ""
        mount_tmpfs(self.path, f"size={mebibytes}m,mode=700{owner}")

    def fill(self):
        """To the last block."""
        with contextlib.suppress(OSError), open(self.path / "filler", "wb", buffering=0) as file:
            while file.write(BLOCK):
                pass

    def free(self):
        (self.path / "filler").unlink()
