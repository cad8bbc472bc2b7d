"""Servers that go away: nothing is lost, nothing runs again."""

import signal

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until

N_JOBS = 1000


class ADatabaseThatIsRestarted(Case):
    def setUp(self):
        """It is this test's alone."""
        super().setUp()
        self.postgres = self.lab.postgres()
        self.addCleanup(self.postgres.close)
        self.database = self.postgres.create_database()
        self.jobs = type(self.jobs)(self.database, self.queue, history=True)

    def restart_in_the_middle(self, how, database=None):
        daemon = self.start(database=database)
        self.jobs.publish(payload={"delayMs": 20}, count=N_JOBS)
        until(lambda: self.jobs.counts().get("completed", 0) >= N_JOBS // 4, within=30,
              what="a quarter completed")
        self.postgres.restart(how)
        self.jobs.wait_all("completed", within=60)
        until(self.queue.is_empty, what="an empty queue")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.jobs.runs(), {1: N_JOBS})

    def test_in_order_costs_no_job_a_second_run(self):
        self.restart_in_the_middle(signal.SIGINT)

    def test_by_a_crash_costs_no_job_a_second_run(self):
        self.restart_in_the_middle(signal.SIGQUIT)

    def test_behind_pgbouncer_costs_no_job_a_second_run(self):
        bouncer = self.lab.pgbouncer(self.postgres, server_login_retry=1)
        self.addCleanup(bouncer.close)
        self.restart_in_the_middle(signal.SIGQUIT, bouncer.url(self.database))


if __name__ == "__main__":
    tap.main()
