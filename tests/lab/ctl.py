"""nexusctl, as operators run it."""

import collections
import contextlib
import os
import pathlib
import pwd
import subprocess

from lab.process import Process
from lab.world import ROOT

SECONDS_MAX = 60

# Whoever is root in a test has no user nexus-worker: what nexusctl starts runs as we do.
USER = pwd.getpwuid(os.getuid()).pw_name

Done = collections.namedtuple("Done", "status output errors")


@contextlib.contextmanager
def _terminal(typed):
    """One at which somebody has typed that."""
    ours, theirs = os.openpty()
    try:
        os.write(ours, typed.encode())
        yield {"stdin": theirs}
    finally:
        os.close(ours)
        os.close(theirs)


def nexusctl(daemon, *words, before=(), stdin="", typed=None):
    """With the daemon's configuration and environment, whether it runs or not; how it ended.
    typed: stdin is a terminal, and that is what it is answered there. before: the words of what
    runs it."""
    with contextlib.nullcontext({"input": stdin}) if typed is None else _terminal(typed) as given:
        done = subprocess.run(
            [*before, daemon.lab.program("nexusctl"), "--config", daemon.file, *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX,
            cwd=daemon.lab.directory, env=daemon.own_environment(), check=False, **given)
    return Done(done.returncode, done.stdout, done.stderr)


def start_nexusctl(daemon, *words):
    """The same, and it may take its time: a process, with both its outputs as lines."""
    return Process(daemon.lab, "nexusctl", [
        daemon.lab.program("nexusctl"), "--config", daemon.file, *map(str, words)],
        environment=daemon.own_environment())


def nexusctl_alone(*words, output=subprocess.PIPE, **environment):
    """For what needs no configuration, no queue and no rows. output: a file for it, else shown."""
    build = pathlib.Path(os.environ.get("NEXUS_BUILD", ROOT / "build"))
    done = subprocess.run(
        [build / "nexusctl", *words], stdin=subprocess.DEVNULL, stdout=output,
        stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX, env={**os.environ, **environment},
        check=False)
    return Done(done.returncode, done.stdout, done.stderr)
