"""Outlives everybody and removes the lab's directory.

Run as a program: makes a directory, prints its path, and reads its input until the end. The other
end of that pipe is held by the lab and by everything that runs in it, so that the end comes when
the last of them has gone, however it went; then the directory goes too.
"""

import os
import shutil
import signal
import sys
import tempfile


def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    directory = tempfile.mkdtemp(prefix="nexus-lab-")
    try:
        os.chmod(directory, 0o755)
        os.write(1, directory.encode())
        os.close(1)
        while os.read(0, 4096):
            pass
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
