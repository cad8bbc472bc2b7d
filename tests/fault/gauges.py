"""What daemons hold on to over time: anonymous memory, file descriptors, threads."""

import collections
import contextlib
import os
import statistics

WARM_UP = 60     # seconds of a daemon's life that do not count: it still grows into its work
LONG_ENOUGH = 60  # seconds that count
NAMES = {"RssAnon": "KiB of anonymous memory", "fds": "file descriptors", "Threads": "threads"}


def usage(pid):
    """{name: number}."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        pairs = (line.split(":") for line in file)
        used = {name: int(value.split()[0]) for name, value in pairs if name in NAMES}
    return {**used, "fds": len(os.listdir(f"/proc/{pid}/fd"))}


class Gauges:
    """Samples of daemons by pid; moments in seconds."""

    def __init__(self):
        self._samples = collections.defaultdict(list)

    def sample(self, pid, now):
        # It may end under our eyes.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            self._samples[pid].append((now, usage(pid)))

    def _counted(self):
        """Of each daemon that lived long enough: (moment, usage)."""
        for samples in self._samples.values():
            counted = [one for one in samples if one[0] >= samples[0][0] + WARM_UP]
            if counted and counted[-1][0] - counted[0][0] >= LONG_ENOUGH:
                yield counted

    def report(self):
        """A line for each gauge."""
        series = list(self._counted())
        if not series:
            return [f"no daemon lived for {WARM_UP + LONG_ENOUGH} s"]
        longest = max(one[-1][0] - one[0][0] for one in series)
        return [_line(name, series) for name in NAMES] + [
            f"of {len(series)} daemons, the longest for {longest:.0f} s after the first {WARM_UP}"]


def _line(name, series):
    values = [used[name] for samples in series for _, used in samples]
    return (f"{slope([[(at, used[name]) for at, used in samples] for samples in series]):+.2f} "
            f"{NAMES[name]} per hour (from {min(values)} to {max(values)}, "
            f"median {statistics.median(values):.0f})")


def slope(series):
    """Per hour, by least squares: one slope for all, each of which has a level of its own."""
    above = below = 0.0
    for points in series:
        middle = statistics.fmean(at for at, _ in points)
        level = statistics.fmean(value for _, value in points)
        above += sum((at - middle) * (value - level) for at, value in points)
        below += sum((at - middle) ** 2 for at, _ in points)
    return 3600 * above / below if below else 0.0
