"""Reloading, and asking what it does."""

import re
import signal

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until


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
