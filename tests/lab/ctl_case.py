"""What the tests of nexusctl's commands stand on: a queue, its dead letters, rows, and the tool.

A file that says `from lab.ctl_case import CtlCase, setUpModule, tearDownModule` has it.
"""

import json
import signal

from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.ctl import nexusctl, start_nexusctl

WIDTH = 80


class CtlCase(Case):
    """`self.daemon` is configured, and started by who needs it."""

    def setUp(self):
        super().setUp()
        self.daemon = self.configure()

    def run_ctl(self, *words, status=0, **options):
        """It ends with that status; what it wrote, which fits a terminal."""
        done = nexusctl(self.daemon, *words, **options)
        self.assertEqual(done.status, status, done.errors + done.output)
        if "--json" not in words:
            for line in done.output.splitlines():
                self.assertLessEqual(len(line), WIDTH, line)
        return done

    def ctl(self, *words, **options):
        """What it wrote to stdout, and nothing to stderr."""
        done = self.run_ctl(*words, **options)
        self.assertEqual(done.errors, "")
        return done.output

    def start_ctl(self, *words):
        """It goes on while the test does, and does not outlive it."""
        process = start_nexusctl(self.daemon, *words)
        self.addCleanup(process.stop, signal.SIGKILL)
        return process

    def complain(self, *words, status=1, **options):
        """The one line that it wrote to stderr, and nothing to stdout."""
        done = self.run_ctl(*words, status=status, **options)
        self.assertEqual((done.output, done.errors.count("\n")), ("", 1), done.errors)
        return done.errors

    def objects(self, *words, **options):
        """With --json: the objects, one from each line."""
        return [json.loads(line) for line in self.ctl("--json", *words, **options).splitlines()]
