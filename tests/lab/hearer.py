"""What a daemon says of jobs, in its log of text: for the checker (lab.checker)."""

import collections
import datetime
import re

from lab.story import Said

LINE = re.compile(r"(?P<at>\S+) (?P<level>error|warning|notice|info|debug) +job=(?P<job>[^\s:]+)"
                  r"(?: type=\S+ attempt=(?P<attempt>\d+) receive=\d+ outcome=(?P<outcome>\w+))?")
BURNT = re.compile(r"drained: .*receives burnt: (\d+)")
UNSAID = re.compile("more jobs completed in the last second|log lines? w[a-z]+ dropped")


def parse_line(line):
    """What it says of a job, or None."""
    if match := LINE.match(line):
        at = datetime.datetime.fromisoformat(match["at"]).timestamp()
        attempt = match["attempt"]
        return Said(match["level"], match["job"], attempt and int(attempt), match["outcome"],
                    round(at * 1_000_000))
    return None


class Hearer:
    """
    Reads each line of one daemon once, however often that is started. n_burnt: receives that it
    says to have burnt.
    """

    def __init__(self, daemon):
        self._daemon = daemon
        self._n_read = collections.Counter()
        self._missed_some = set()
        self.n_burnt = 0

    def read(self):
        """What was said of jobs since it was last called."""
        for process in self._daemon.processes:
            lines = process.feed.lines[self._n_read[process]:]
            self._n_read[process] += len(lines)
            for line in lines:
                if match := BURNT.search(line):
                    self.n_burnt += int(match[1])
                if UNSAID.search(line):
                    self._missed_some.add(process.pid)
                if said := parse_line(line):
                    yield said

    def pids(self):
        return {process.pid for process in self._daemon.processes}

    def outspoken(self):
        """Those that were heard to the end, or that still speak."""
        return {process.pid for process in self._daemon.processes
                if process.child.poll() in (None, 0)} - self._missed_some
