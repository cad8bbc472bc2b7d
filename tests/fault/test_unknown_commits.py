"""A connection that ends between COMMIT and its answer: whatever became of it counts once."""

from lab import tap
from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.postgres import url
from lab.postgres_relay import PostgresRelay

N_THREADS = 4


class Relayed(FaultCase):
    def relay(self, port):
        relay = PostgresRelay(port)
        self.addCleanup(relay.close)
        return relay

    def begin(self, relay, port=None):
        """A daemon that meets the database there, and has met it."""
        return self.start({"worker.concurrency": str(N_THREADS)},
                          database=url(port or relay.port, self.database.name))

    def assert_once(self, relay, n_cut, daemon):
        """So often it was cut, and each job has run once, which is counted once."""
        self.assert_promises_kept()
        self.assertEqual(relay.n_cut, n_cut)
        self.assertEqual({row.attempts for row in self.jobs.rows()}, {1})
        self.assertEqual(set(self.jobs.runs()), {1})
        self.assertEqual(daemon.stop(), 0)


class AnUnknownCommit(Relayed):
    def live_through(self, *kinds, times=1, count=1, relay=None, port=None):
        relay = relay or self.relay(self.postgres.port)
        daemon = self.begin(relay, port)
        relay.lose_commit_of(*kinds, times=times)
        self.publish(payload={"ms": 200}, count=count)
        self.assert_once(relay, times, daemon)

    def test_of_a_begin_counts_once(self):
        self.live_through("begin")

    def test_of_a_finish_counts_once(self):
        self.live_through("finish")

    def test_of_begins_and_finishes_together_counts_once(self):
        self.live_through("begin", "finish", count=40)

    def test_of_a_begin_counts_once_though_it_is_unknown_three_times(self):
        self.live_through("begin", times=3)

    def test_of_a_finish_counts_once_though_it_is_unknown_three_times(self):
        self.live_through("finish", times=3)

    def test_of_a_begin_counts_once_before_pgbouncer(self):
        bouncer = self.bouncer(self.postgres)
        self.live_through("begin", count=8, relay=self.relay(bouncer.port))

    def test_of_a_finish_counts_once_before_pgbouncer(self):
        bouncer = self.bouncer(self.postgres)
        self.live_through("finish", count=8, relay=self.relay(bouncer.port))

    def bouncer(self, server, port=None):
        bouncer = self.lab.pgbouncer(server, port=port, server_login_retry=1)
        self.addCleanup(bouncer.close)
        return bouncer

    def test_of_a_begin_counts_once_behind_pgbouncer(self):
        relay = self.relay(self.postgres.port)
        bouncer = self.bouncer(self.postgres, relay.port)
        self.live_through("begin", count=8, relay=relay, port=bouncer.port)

    def test_of_a_finish_counts_once_behind_pgbouncer(self):
        relay = self.relay(self.postgres.port)
        bouncer = self.bouncer(self.postgres, relay.port)
        self.live_through("finish", count=8, relay=relay, port=bouncer.port)


class ABeginThatCommitsLate(Relayed):
    """It lay in the socket of a connection that the daemon has given up; the job was begun anew."""

    def keep_back(self, payload):
        relay = self.relay(self.postgres.port)
        daemon = self.begin(relay)
        relay.keep_back("begin")
        job, = self.publish(payload=payload)
        until(relay.n_kept_back, what="a begin that is kept back")
        return relay, daemon, job

    def test_changes_nothing_while_the_job_runs(self):
        relay, daemon, job = self.keep_back({"ms": 1500})
        self.jobs.wait(job, "processing")
        relay.deliver()
        self.assert_once(relay, 0, daemon)

    def test_changes_nothing_when_the_job_is_completed(self):
        relay, daemon, job = self.keep_back({"ms": 10})
        self.jobs.wait(job, "completed")
        relay.deliver()
        self.assert_once(relay, 0, daemon)

    def test_changes_nothing_when_the_job_has_failed(self):
        relay, daemon, job = self.keep_back({"exit": 1, "failAttempts": 1})
        self.jobs.wait(job, "failed", attempts=1)
        relay.deliver()
        self.assert_row(job, status="failed", attempts=1)
        self.assert_promises_kept()
        self.assert_row(job, status="completed", attempts=2)
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    tap.main()
