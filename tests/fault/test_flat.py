"""What a daemon holds on to stays what it was, however often settings and connections change."""

import itertools
import os

from gauges import usage
from lab import tap
from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401

ROUNDS = 400 if os.environ.get("NEXUS_LONG") else 30
JOBS = 20
# The kernel hands out pages, malloc does not give them back, and where a block comes to lie depends
# on how threads meet: 20 to 50 KiB in a thousand jobs, less and less of it.
NOISE_KIB = 128
# A deletion, an extension or a second poll may want a connection to SQS for the first time.
NOISE_FDS = 3


class ALongLife(FaultCase):
    def setUp(self):
        super().setUp()
        bouncer = self.lab.pgbouncer(self.postgres, pool_size=2)
        self.addCleanup(bouncer.close)
        self.urls = itertools.cycle([self.database.url, bouncer.url(self.database)])
        # Few in hand, so that the number of connections to SQS does not depend on their pace.
        self.daemon = self.start({"worker.concurrency": 4, "worker.prefetch_max": 8})

    def sessions(self):
        """The daemon's and the pooler's, in Postgres."""
        return self.database.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s AND usename = 'nexus'",
            (self.database.name,))

    def live(self, rounds):
        """Through so many reloads, each with another database connection, which then breaks."""
        for number in range(rounds):
            self.daemon.configure({"database.url": next(self.urls),
                                   "job test-echo.timeout": f"{20 + number}s"})
            self.daemon.reload("reloaded")
            self.publish("test-echo", {"delayMs": 2}, JOBS - 2)
            self.publish(payload={"ms": 2}, count=2)
            for session, in self.sessions():
                self.database.execute("SELECT pg_terminate_backend(%s)", (session,))
        self.wait_end(120)

    def test_holds_on_to_nothing(self):
        self.live(10)
        before = usage(self.daemon.process.pid)
        self.live(ROUNDS)
        after = usage(self.daemon.process.pid)
        self.assertEqual(after["Threads"], before["Threads"])
        self.assertLessEqual(after["fds"], before["fds"] + NOISE_FDS)
        self.assertLessEqual(len(self.sessions()), 2)
        # A sanitizer keeps what is freed for a while.
        if not self.lab.sanitized:
            self.assertLessEqual(after["RssAnon"], before["RssAnon"] + NOISE_KIB)
        self.assert_promises_kept(burnt=None)


if __name__ == "__main__":
    tap.main()
