"""What the outages of a database stand on: load, the time without it, and what has to hold then.

A file that says `from lab.outage_case import OutageCase, setUpModule, tearDownModule` has it.
"""

import time

from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until

N_THREADS = 4
N_JOBS = 40
# In seconds: an outage as long as V, how long jobs take, and one that ends in the outage.
OUTAGE = 4.0
JOB = 0.25
LONG_JOB = 3.0
# What is said of a server that ends depends on what was asked of it just then.
GONE = "57P01|refused|connection broke|closed without a word"


class OutageCase(FaultCase):
    def setUp(self):
        super().setUp()
        self.long_job = None
        if not self.own_postgres:
            # The file has the cluster to itself, and the next test finds it well.
            self.addCleanup(self.bring_back)

    def bring_back(self):
        if not self.postgres.process.is_alive():
            self.postgres.start()
        self.postgres.thaw()

    def load(self, database=None):
        """A daemon at work, with more to do than it could get done during the outage."""
        daemon = self.start({"worker.concurrency": str(N_THREADS)}, database=database)
        self.long_job, = self.publish(payload={"ms": round(LONG_JOB * 1000)})
        self.jobs.wait(self.long_job, "processing")
        self.publish(payload={"ms": round(JOB * 1000)}, count=N_JOBS)
        until(lambda: self.jobs.counts().get("completed"), what="the first jobs")
        return daemon

    def live_through(self, begin, end, says, seconds=OUTAGE, database=None):
        """
        An outage of so many seconds: the daemon says once what is wrong, and when it works again,
        in the log and in STATUS; it receives nothing meanwhile, keeps what it has in hand, and has
        lost nothing at the end.
        """
        daemon = self.load(database)
        here, status, began_at = daemon.here(), len(daemon.notify.feed), time.time()
        begin()
        daemon.wait_line(f" warning .*({says})", within=5, start=here)
        daemon.wait_status("failed; .*(the database|Postgres says)", start=status)
        time.sleep(max(0.0, began_at + seconds - time.time()))
        ended_at = time.time()
        self.assertEqual(daemon.lines("works again", here), [])
        status = len(daemon.notify.feed)
        end()
        daemon.wait_line(" notice .*the job table works again, after", within=30, start=here)
        daemon.wait_status(r"\d+ failed$", start=status)
        if seconds <= OUTAGE:
            self.assertEqual(len(daemon.lines(" warning ", here)), 1, daemon.lines(".*", here))
        self.assert_nothing_was_received(began_at + 2, ended_at)
        self.assert_long_job_ended(began_at, ended_at)
        self.assert_done(daemon)

    def assert_long_job_ended(self, since, until_then):
        """Without a place to write that to."""
        run, = self.checker.stories()[self.long_job].runs()
        self.assertTrue(since < run.end / 1e6 < until_then, (since, run, until_then))

    def assert_nothing_was_received(self, since, until_then):
        """From a second after the first answer that was overdue for a second."""
        received_at = [event.at / 1e6 for story in self.checker.stories().values()
                       for event in story.events if event.what == "receive"]
        self.assertEqual([at for at in received_at if since < at < until_then], [])
