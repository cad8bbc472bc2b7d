"""nexusctl, as operators run it."""

import collections
import os
import pathlib
import pwd
import subprocess

from lab.world import ROOT

SECONDS_MAX = 60

# Whoever is root in a test has no user nexus-worker: what nexusctl starts runs as we do.
USER = pwd.getpwuid(os.getuid()).pw_name

Done = collections.namedtuple("Done", "status output errors")


def nexusctl(daemon, *words, stdin=""):
    """With the daemon's configuration and environment, whether it runs or not; how it ended."""
    done = subprocess.run(
        [daemon.lab.program("nexusctl"), "--config", daemon.file, *map(str, words)], input=stdin,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX,
        cwd=daemon.lab.directory, env=daemon.own_environment(), check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def nexusctl_alone(*words, **environment):
    """For what needs no configuration, no queue and no rows."""
    build = pathlib.Path(os.environ.get("NEXUS_BUILD", ROOT / "build"))
    done = subprocess.run(
        [build / "nexusctl", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX, env={**os.environ, **environment},
        check=False)
    return Done(done.returncode, done.stdout, done.stderr)
