"""What the tests of nexusctl's commands stand on: a queue, its dead letters, rows, and the tool.

A file that says `from lab.ctl_case import CtlCase, setUpModule, tearDownModule` has it.
"""

import json
import signal

from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.ctl import nexusctl, start_nexusctl
from lab.feed import until
from lab.sqs import SECRET

WIDTH = 80


class CtlCase(Case):
    """`self.daemon` is configured, and started by who needs it."""

    def setUp(self):
        super().setUp()
        self.daemon = self.configure()

    def exists(self, queue):
        answer = self.sqs.client.call("ListQueues", QueueNamePrefix=queue.name)
        return queue.url in answer.get("QueueUrls", [])

    def restrict(self, *actions):
        """The key may do only that."""
        key = f"AKIA{self.database.name.replace('_', '').upper()}"
        self.sqs.add_key(key, SECRET, actions=actions)
        self.daemon.environment["AWS_ACCESS_KEY_ID"] = key

    def hold_row(self, job):
        """Nobody changes it until the transaction of this connection is over."""
        connection = self.database.connect()
        self.addCleanup(connection.close)
        connection.cursor().execute(
            "SELECT 1 FROM background_jobs WHERE id = %s FOR UPDATE", (job,))
        return connection

    def wait_for_row(self):
        """Until somebody waits for one."""
        until(lambda: self.database.execute(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()"), what="a wait for a row")

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
