"""A file system that gets full, for the processes that are started after it was made."""

import contextlib
import ctypes
import os
import subprocess

CLONE_NEWNS = 0x00020000
BLOCK = bytes(4096)


class CannotMount(Exception):
    """Nobody but root may do that, and in some containers not even root."""


class SmallDisk:
    """
    Owns a tmpfs of so many MiB. It is in a mount namespace that the calling thread, which is to be
    the main one, enters for good: so that it is gone with the last process that could see it.
    """

    def __init__(self, path, mebibytes, account=None):
        self.path = path
        self.path.mkdir()
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
            raise CannotMount(f"no mount namespace of its own: {os.strerror(ctypes.get_errno())}")
        owner = f",uid={account.pw_uid},gid={account.pw_gid}" if account else ""
        _mount("--make-rprivate", "/")
        _mount("-t", "tmpfs", "-o", f"size={mebibytes}m,mode=700{owner}", "small", self.path)

    def fill(self):
        """To the last block."""
        with contextlib.suppress(OSError), open(self.path / "filler", "wb", buffering=0) as file:
            while file.write(BLOCK):
                pass

    def free(self):
        (self.path / "filler").unlink()


def _mount(*words):
    done = subprocess.run(["mount", *words], check=False, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    if done.returncode:
        raise CannotMount(done.stderr.strip())
