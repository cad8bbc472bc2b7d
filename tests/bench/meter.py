"""Watches a run from outside: how many jobs are done, and what the processes have used."""

import contextlib
import os
import time

from lab.process import children

TICKS = os.sysconf("SC_CLK_TCK")
PERIOD = 0.25  # seconds between two samples
STEADY_FROM, STEADY_TO = 0.10, 0.95  # of the jobs: before and after, the rate is not the steady one


def _ticks(pid):
    """Its own, and those of its children that have been waited for."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        user, system, *of_children = map(int, file.read().rpartition(")")[2].split()[11:15])
    return user + system, sum(of_children)


def own_cpu_seconds(pid):
    """Of a process alone."""
    return _ticks(pid)[0] / TICKS


def children_cpu_seconds(pid):
    """Of all that it has started, and what those have started, alive or waited for."""
    seconds = _ticks(pid)[1] / TICKS
    for child in children(pid):
        # One that ends meanwhile is with those that were waited for at the next look.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            seconds += cpu_seconds(child)
    return seconds


def cpu_seconds(pid):
    return own_cpu_seconds(pid) + children_cpu_seconds(pid)


def memory(pid):
    """{"VmHWM": …, "RssAnon": …} in MiB."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        pairs = (line.split(":") for line in file)
        return {name: int(value.split()[0]) / 1024 for name, value in pairs
                if name in ("VmHWM", "RssAnon", "RssFile", "RssShmem")}


class Meter:
    """From its making to the queue's end. daemons: their pids; memory is that of the largest.
    servers: pids of sqs, postgres and the like by name."""

    def __init__(self, queue, n_jobs, daemons, servers):
        self._queue = queue
        self._n_jobs = n_jobs
        self._daemons = daemons
        self._servers = servers
        self._samples = []  # (moment, jobs done, {name: CPU seconds})
        self._peaks = {}
        self.n_requests = 0
        self._begun = time.monotonic()
        self._cpu_before = self._cpu()

    def _cpu(self):
        return {"daemon": sum(map(own_cpu_seconds, self._daemons)),
                "children": sum(map(children_cpu_seconds, self._daemons)),
                **{name: cpu_seconds(pid) for name, pid in self._servers.items()}}

    def sample(self):
        """True once no message is left. Waits for the next period first."""
        time.sleep(max(0.0, self._begun + PERIOD * (len(self._samples) + 1) - time.monotonic()))
        done = self._n_jobs - sum(self._queue.counts())
        self.n_requests += 1
        self._samples.append((time.monotonic() - self._begun, done, self._cpu()))
        for daemon in self._daemons:
            for name, value in memory(daemon).items():
                self._peaks[name] = max(value, self._peaks.get(name, 0.0))
        return done == self._n_jobs

    def _steady(self):
        """The first and the last sample of the steady part."""
        part = [sample for sample in self._samples
                if STEADY_FROM <= sample[1] / self._n_jobs <= STEADY_TO]
        return (part[0], part[-1]) if len(part) > 1 else (self._samples[0], self._samples[-1])

    def _ramp(self, steady_rate):
        """When a period first had nine tenths of the steady rate, by the end of that period."""
        before = (0.0, 0)
        for moment, done, _ in self._samples:
            if (done - before[1]) >= 0.9 * steady_rate * (moment - before[0]):
                return moment
            before = (moment, done)
        return self._samples[-1][0]

    def figures(self):
        (first, n_first, _), (last, n_last, _) = self._steady()
        rate = (n_last - n_first) / max(last - first, 1e-9)
        end, _, cpu = self._samples[-1]
        per_1000 = {name: (cpu[name] - self._cpu_before[name]) / self._n_jobs * 1000
                    for name in cpu}
        return {"jobs_per_second": rate, "steady_seconds": last - first, "seconds": end,
                "jobs_per_second_whole": self._n_jobs / end, "ramp_seconds": self._ramp(rate),
                "cpu_per_1000": per_1000.pop("daemon"),
                **{f"cpu_per_1000_{name}": value for name, value in per_1000.items()},
                "peak_rss_mib": self._peaks["VmHWM"], "peak_anon_mib": self._peaks["RssAnon"],
                "peak_file_mib": self._peaks["RssFile"],
                "peak_shmem_mib": self._peaks["RssShmem"]}
