"""kill -9 at any instant, and servers that go away: nothing is lost, nothing completed runs again."""

import signal

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until

N_JOBS = 1000
N_THREADS = 16


class AKilledDaemon(Case):
    visibility = 4

    def kill_at(self, daemon, n_completed):
        until(lambda: self.jobs.counts().get("completed", 0) >= n_completed, within=30,
              what=f"{n_completed} completed")
        daemon.kill()

    def test_loses_nothing_of_a_thousand_jobs(self):
        settings = {"worker.concurrency": str(N_THREADS)}
        daemon = self.start(settings)
        self.jobs.publish(payload={"delayMs": 20}, count=N_JOBS)
        for n_completed in (N_JOBS // 4, N_JOBS // 2):
            self.kill_at(daemon, n_completed)
            daemon.start()
        self.jobs.wait_all("completed", within=60)
        until(self.queue.is_empty, what="an empty queue")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(sum(self.jobs.runs().values()), N_JOBS)
        self.assert_no_job_ran_after_it_was_completed()
        self.assert_second_runs_waited_for_the_first_lease()
        self.assertTrue(self.dead_letters.is_empty())

    def assert_no_job_ran_after_it_was_completed(self):
        self.assertEqual(self.database.execute(
            "SELECT id FROM history h WHERE status = 'completed' AND EXISTS"
            " (SELECT FROM history later WHERE later.id = h.id AND later.step > h.step)"), [])

    def assert_second_runs_waited_for_the_first_lease(self):
        """Three quarters of the visibility timeout, from the last touch."""
        self.assertEqual(self.database.execute(
            "SELECT id, at - before FROM (SELECT id, status, at, lag(at) OVER each AS before,"
            " lag(status) OVER each AS last FROM history WINDOW each AS"
            " (PARTITION BY id ORDER BY step)) steps WHERE status = 'processing'"
            " AND last = 'processing' AND at - before < interval '2.9 s'"), [])


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
