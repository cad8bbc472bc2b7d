"""The worker application (beanstalk_app) as a process of the lab."""

import json
import pathlib
import signal
import sys

from lab.feed import until
from lab.process import Process


class Application:
    """Owns the process. port: 0 is one that is free."""

    def __init__(self, lab, port=0):
        self._process = Process(lab, "application", [
            sys.executable, "-I", pathlib.Path(__file__).with_name("beanstalk_app.py"), port])
        self.port = int(self._process.wait_line(r"^listening on (\d+)")[1])
        self.url = f"http://127.0.0.1:{self.port}/jobs"

    def requests(self):
        """Every request so far, in the order in which they came."""
        return [json.loads(match.string) for match in self._process.lines(r"^\{")]

    def wait_requests(self, count, within=10.0):
        until(lambda: len(self.requests()) >= count, within, f"{count} requests")
        return self.requests()

    def close(self):
        self._process.stop(signal.SIGKILL)
