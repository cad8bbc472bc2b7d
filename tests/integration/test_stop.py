"""Stopping and reloading."""

import re
import signal
import time

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until


class AStop(Case):
    def test_of_an_idle_daemon_is_quick_and_clean(self):
        daemon = self.start()
        begun = time.monotonic()
        self.assertEqual(daemon.stop(), 0)
        self.assertLess(time.monotonic() - begun, 3)

    def test_by_sigint_is_the_same(self):
        daemon = self.start()
        daemon.process.send(signal.SIGINT)
        self.assertEqual(daemon.wait(5), 0)

    def test_is_announced(self):
        daemon = self.start()
        said = daemon.notify.feed
        self.jobs.publish(payload={"delayMs": 1000})
        until(lambda: self.jobs.counts().get("processing"), what="a running job")
        daemon.process.send(signal.SIGTERM)
        said.wait(re.compile("^STOPPING=1$"))
        self.assertEqual(daemon.wait(), 0)

    def test_lets_running_jobs_finish_and_takes_no_more(self):
        daemon = self.start({"worker.concurrency": "4"})
        self.jobs.publish(payload={"delayMs": 400}, count=40)
        until(lambda: self.jobs.counts().get("completed", 0) >= 4, what="four completed")
        self.assertEqual(daemon.stop(), 0)
        counts = self.jobs.counts()
        self.assertGreaterEqual(counts["completed"], 8)
        self.assertEqual(set(counts) - {"completed", "pending"}, set())
        self.assertEqual(sum(self.queue.counts()), 40 - counts["completed"])
        daemon.start()
        self.jobs.wait_all("completed")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.jobs.runs(), {1: 40})

    def test_at_its_time_limit_gives_a_cancelled_job_back(self):
        daemon = self.start({"worker.drain_timeout": "500ms"})
        job, = self.jobs.publish(payload={"delayMs": 25000})
        self.jobs.wait(job, "processing")
        self.assertEqual(daemon.stop(), 0)
        daemon.wait_line(f"job={job} .*outcome=abandoned")
        self.assert_row(job, status="pending", error="interrupted by shutdown")
        self.assertEqual(self.queue.counts(), (1, 0))

    def test_told_twice_is_now(self):
        daemon = self.start()
        job, = self.jobs.publish(payload={"delayMs": 25000})
        self.jobs.wait(job, "processing")
        daemon.process.send(signal.SIGTERM)
        daemon.notify.feed.wait(re.compile("^STOPPING=1$"))
        begun = time.monotonic()
        daemon.process.send(signal.SIGTERM)
        self.assertEqual(daemon.wait(5), 1)
        self.assertLess(time.monotonic() - begun, 2)
        self.assert_row(job, status="processing", attempts=1)
        self.assertEqual(self.queue.counts(), (0, 1))


class AReload(Case):
    def test_applies_what_can_be_changed_to_new_jobs(self):
        daemon = self.start()
        old, = self.jobs.publish(payload={"delayMs": 2000})
        self.jobs.wait(old, "processing")
        daemon.configure({"job test-echo.timeout": "300ms"})
        self.reload(daemon)
        new, = self.jobs.publish(payload={"delayMs": 2000})
        self.assertEqual(self.jobs.wait(new, "failed").error, "timed out after 300ms")
        self.jobs.wait(old, "completed")
        self.assertEqual(daemon.stop(), 0)

    def test_with_a_mistake_changes_nothing_and_says_where_it_is(self):
        daemon = self.start()
        daemon.configure({"worker.job_timeout": "300ms", "worker.concurency": "3"})
        daemon.reload()
        daemon.wait_line(r"\.conf:\d+: .*concurency.*concurrency")
        job, = self.jobs.publish(payload={"delayMs": 700})
        self.jobs.wait(job, "completed")
        self.assertEqual(daemon.stop(), 0)

    def test_names_what_needs_a_restart(self):
        daemon = self.start()
        daemon.configure({"worker.concurrency": "3"})
        here = daemon.here()
        daemon.reload()
        daemon.wait_line("concurrency.*restart|restart.*concurrency", start=here)
        job, = self.jobs.publish()
        self.jobs.wait(job, "completed")

    def test_moves_to_another_database(self):
        daemon = self.start()
        self.jobs.publish(count=10)
        self.jobs.wait_all("completed")
        database = self.postgres.create_database()
        self.addCleanup(database.close)
        jobs = type(self.jobs)(database, self.queue)
        daemon.configure({"database.url": database.url})
        self.reload(daemon)
        jobs.publish(count=10)
        jobs.wait_all("completed")
        self.assertEqual(daemon.stop(), 0)

    def reload(self, daemon):
        """And waits until it is done."""
        seen = len(daemon.notify.feed)
        daemon.reload()
        daemon.notify.feed.wait(re.compile("^RELOADING=1$"), start=seen)
        daemon.notify.feed.wait(re.compile("^READY=1$"), start=seen)


class AStatusRequest(Case):
    def test_by_sigusr1_logs_a_line_for_each_slot(self):
        daemon = self.start({"worker.concurrency": "3"})
        job, = self.jobs.publish(payload={"delayMs": 3000})
        self.jobs.wait(job, "processing")

        def is_seen():
            here = daemon.here()
            daemon.process.send(signal.SIGUSR1)
            daemon.wait_line("slot", start=here, times=3)
            return daemon.lines(f"slot.*job={job}", start=here)

        # The row says so an instant before a thread has the job.
        until(is_seen, what="a slot with the job")


if __name__ == "__main__":
    tap.main()
