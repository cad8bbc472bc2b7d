"""What systemd-journald is for those who log: its socket, on a /run of the test's own."""

import pathlib
import socket
import threading

from lab.feed import Feed
from lab.mounts import mount_tmpfs

SOCKET = pathlib.Path("/run/systemd/journal/socket")
LARGEST = 1 << 20


class JournalSocket:
    """feed: every entry, with all its fields as they came, as one text."""

    def __init__(self):
        mount_tmpfs("/run", "mode=755")
        SOCKET.parent.mkdir(parents=True)
        self.feed = Feed("the journal")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(SOCKET))
        threading.Thread(target=self._read, name="journal", daemon=True).start()

    def _read(self):
        while True:
            self.feed.append(self._socket.recv(LARGEST).decode(errors="replace"))
