"""What the integration tests stand on: servers for a whole file, a database and queues per test.

A file that says `from lab.case import Case, setUpModule, tearDownModule` has them.
"""

import atexit
import itertools
import unittest

from lab.feed import until
from lab.jobs import Jobs
from lab.process import is_alive
from lab.world import Lab

_numbers = itertools.count(1)


class _Servers:
    lab = None
    postgres = None
    sqs = None


def setUpModule():
    _Servers.lab = Lab()
    _Servers.lab.__enter__()
    atexit.register(tearDownModule)
    _Servers.postgres = _Servers.lab.postgres()
    _Servers.sqs = _Servers.lab.sqs()


def tearDownModule():
    if _Servers.lab is not None:
        _Servers.lab.__exit__(None, None, None)
        _Servers.lab = None


class Case(unittest.TestCase):
    """visibility: the queue's timeout in seconds. SQS is well again at each test's end."""

    visibility = 30

    def setUp(self):
        self.lab, self.postgres, self.sqs = _Servers.lab, _Servers.postgres, _Servers.sqs
        self.addCleanup(self.sqs.heal)
        number = next(_numbers)
        self.dead_letters = self.sqs.create_queue(f"dead-{number}", days=14)
        self.queue = self.sqs.create_queue(f"jobs-{number}", self.visibility, self.dead_letters)
        self.database = self.postgres.create_database()
        self.addCleanup(self.database.close)
        self.jobs = Jobs(self.database, self.queue, history=True)

    def configure(self, settings=None, database=None, queue=None, **options):
        """A daemon for this test's queue and database; not started."""
        daemon = self.lab.daemon(queue or self.queue, database or self.database,
                                 settings=settings, start=False, **options)
        self.addCleanup(daemon.close)
        return daemon

    def start(self, settings=None, **options):
        """The same, running and ready."""
        return self.configure(settings, **options).start().wait_ready()

    def assert_all_done(self, count, received=None, within=30):
        """So many jobs are there, each is completed after one run, and their messages are gone,
        after one receive each, or after so many in all."""
        self.jobs.wait_all("completed", within)
        until(self.queue.is_empty, what="an empty queue")
        self.assertEqual(self.jobs.runs(), {1: count})
        self.assertEqual(self.queue.received(), received or count)

    def assert_said_once(self, daemon, pattern, within=10):
        """As a warning, and in the status; and the daemon lives."""
        daemon.wait_line(f" warning .*{pattern}", within)
        daemon.wait_status(pattern, within)
        self.assertTrue(daemon.process.is_alive())
        self.assertEqual(len(daemon.lines(f" warning .*{pattern}")), 1)

    def wait_gone(self, pid, within=10.0):
        until(lambda: not is_alive(pid), within, what=f"the end of {pid}")

    def assert_row(self, job_id, **expected):
        row = self.jobs.row(job_id)._asdict()
        self.assertEqual({name: row[name] for name in expected}, expected)
