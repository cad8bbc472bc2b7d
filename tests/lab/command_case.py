"""What tests of commands stand on: small scripts, each the program of a type of jobs.

A file that says `from lab.command_case import CommandCase, setUpModule, tearDownModule` has them.
"""

import contextlib
import os
import signal
import sys

from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.daemon import section

TYPE = "count-words"
SHELL = "/bin/sh"
PYTHON = sys.executable
# Scripts work in their test's own directory: what is made there is seen by both.
WAIT_TO_GO = "until [ -e go ]; do sleep 0.02; done"
STAY = "echo pid $$; exec sleep 60"


class CommandCase(Case):
    visibility = 4

    def setUp(self):
        super().setUp()
        self.place = self.lab.directory / f"place-{self.queue.name}"
        self.place.mkdir()

    def settings(self, script, job_type=TYPE, interpreter=SHELL, **keys):
        """A section whose program is that script, with failed jobs back after a second."""
        program = self.place / job_type
        program.write_text(f"#!{interpreter}\n{script}\n")
        program.chmod(0o755)
        return section(job_type, **{"kind": "command", "program": program,
                                    "working_directory": self.place,
                                    "base_delay": "1s", "max_delay": "1s", **keys})

    def start_script(self, script, settings=None, **keys):
        """A daemon that runs it for jobs of our type."""
        return self.start({**self.settings(script, **keys), **(settings or {})})

    def publish(self, job_type=TYPE, **payload):
        """One job; its id."""
        job, = self.jobs.publish(job_type, payload)
        return job

    def go(self):
        """To all that wait for it."""
        (self.place / "go").touch()

    def read(self, name):
        return (self.place / name).read_bytes()

    def pid_of(self, daemon, job, times=1, word="pid"):
        """What the job's script said, the times-th time. It does not survive the test."""
        pid = int(daemon.wait_line(rf"job={job} stdout: {word} (\d+)$", times=times)[1])
        self.addCleanup(end, pid)
        return pid


def end(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
