"""A journal of a test's own: systemd's journald, in a mount namespace where /run is its alone.

Whoever is to write to it or to read it runs in there too. Its network namespace is for itself: there
as many lines may wait for it as systemd has it.
"""

import os
import pathlib
import shutil

from lab.feed import until
from lab.process import Process

JOURNALD = pathlib.Path("/lib/systemd/systemd-journald")
BACKLOG = "/proc/sys/net/unix/max_dgram_qlen"

SETUP = f"""
set -e
echo 512 >{BACKLOG}
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal
echo the namespace is ready
exec "$0"
"""


def why_no_journal():
    """Why there can be none here; None: there can."""
    if not JOURNALD.exists():
        return "there is no systemd-journald"
    if not pathlib.Path("/etc/machine-id").exists():
        return "this machine has no id"
    if os.getuid() != 0 or not shutil.which("unshare") or not shutil.which("nsenter"):
        return "a mount namespace takes root, unshare and nsenter"
    if not os.access(BACKLOG, os.W_OK):
        return f"{BACKLOG} cannot be written"
    return None


class Journal:
    """Owns the process."""

    def __init__(self, lab):
        self._process = Process(lab, "journald", [
            "unshare", "--mount", "--net", "sh", "-c", SETUP, JOURNALD])
        self._process.wait_line("the namespace is ready")
        # Who comes before its socket logs elsewhere.
        socket = pathlib.Path(f"/proc/{self._process.pid}/root/run/systemd/journal/socket")
        until(socket.exists, what="journald's socket")

    @property
    def inside(self):
        """The words before a command line that has it run in there."""
        return ["nsenter", "--mount", f"--target={self._process.pid}", "--"]

    def close(self):
        self._process.stop()
