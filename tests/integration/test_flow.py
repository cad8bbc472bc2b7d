"""Many jobs: none is lost, none runs twice."""

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import body

N_JOBS = 1000


class AThousandJobs(Case):
    def run_all(self, database):
        self.jobs.publish(count=N_JOBS)
        daemon = self.configure(database=database, arguments=["--until-empty"],
                                settings={"queue.wait_time": "1s"}).start()
        self.assertEqual(daemon.wait(60), 0)
        self.assertEqual(self.jobs.counts(), {"completed": N_JOBS})
        self.assertEqual(self.jobs.runs(), {1: N_JOBS})
        self.assertTrue(self.queue.is_empty())
        self.assertTrue(self.dead_letters.is_empty())

    def test_are_each_run_once(self):
        self.run_all(self.database)

    def test_are_each_run_once_through_pgbouncer(self):
        bouncer = self.lab.pgbouncer(self.postgres, pool_size=2)
        self.addCleanup(bouncer.close)
        self.run_all(bouncer.url(self.database))

    def test_are_each_run_once_by_three_daemons_together(self):
        daemons = [self.start() for _ in range(3)]
        self.jobs.publish(count=N_JOBS)
        self.assert_all_done(N_JOBS, within=60)
        for daemon in daemons:
            self.assertEqual(daemon.stop(), 0)

    def test_are_each_run_once_though_each_was_sent_twice(self):
        ids = self.jobs.publish(count=N_JOBS)
        self.queue.send([body(job_id) for job_id in ids])
        daemon = self.start()
        self.assert_all_done(N_JOBS, received=2 * N_JOBS, within=60)
        self.assertEqual(daemon.stop(), 0)


class AJob(Case):
    def test_is_run_as_soon_as_it_is_there(self):
        daemon = self.start()
        job, = self.jobs.publish()
        self.jobs.wait(job, "completed", within=2)
        line = daemon.wait_line(rf"job={job} .*outcome=completed wait=(\d+)ms run=(\d+)ms")
        self.assertLess(int(line[1]), 500)

    def test_that_may_only_come_when_the_last_message_is_deleted_comes_then(self):
        daemon = self.start({"worker.concurrency": 1, "worker.prefetch_max": 1})
        self.jobs.publish(count=5)
        self.assert_all_done(5, within=10)
        self.assertEqual(daemon.stop(), 0)

    def test_that_takes_longer_than_its_visibility_is_not_run_again(self):
        self.queue = self.jobs.queue = self.sqs.create_queue("short", 4, self.dead_letters)
        self.start()
        job, = self.jobs.publish(payload={"delayMs": 6000})
        self.jobs.wait(job, "completed", within=12)
        self.assertEqual(self.jobs.history(job), [("processing", 1), ("completed", 1)])
        until(self.queue.is_empty, what="an empty queue")


if __name__ == "__main__":
    tap.main()
