"""Reloading, with and without load, and asking what it does."""

import itertools
import re
import signal

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.fault_case import FaultCase
from lab.feed import until
from lab.postgres import PASSWORD, USER


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
        daemon.reload("concurrency.*restart|restart.*concurrency")
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


class AReloadUnderLoad(FaultCase):
    """Everything that a reload may change is another each time."""

    says_all = False  # the level, too
    OTHER = "nexus_too"
    JOBS = 120  # of each type
    EACH = 4    # so many that end there is a reload

    def urls(self):
        """The database's own, as another user, and through PgBouncer."""
        self.database.execute(f"CREATE ROLE {self.OTHER} LOGIN PASSWORD '{PASSWORD}' IN ROLE {USER}")
        self.addCleanup(self.database.execute, f"DROP ROLE {self.OTHER}")
        bouncer = self.lab.pgbouncer(self.postgres, pool_size=2)
        self.addCleanup(bouncer.close)
        own = self.database.url
        return [own, own.replace(f"//{USER}:", f"//{self.OTHER}:"), bouncer.url(self.database)]

    def changes(self):
        """Of the settings, without end."""
        for number, url in zip(itertools.count(1), itertools.cycle(self.urls())):
            yield {"database.url": url,
                   "worker.job_timeout": f"{20 + number % 3}s",
                   "worker.prefetch_max": 20 + number % 7,
                   "worker.drain_timeout": f"{10 + number % 2}s",
                   "job test-echo.timeout": f"{30 + number % 5}s",
                   "job test-echo.max_concurrency": 2 + number % 3,
                   "job mark.max_concurrency": 1 + number % 4,
                   "retry.base_delay": f"{1 + number % 2}s",
                   "log.level": ("info", "debug", "notice")[number % 3]}

    def test_loses_nothing(self):
        changes = self.changes()
        daemon = self.start({"worker.concurrency": 6})
        self.publish("test-echo", {"delayMs": 60}, self.JOBS)
        self.publish(payload={"ms": 40}, count=self.JOBS)
        for n_ended in range(self.EACH, self.JOBS, self.EACH):
            until(lambda: self.jobs.counts().get("completed", 0) >= n_ended, what=f"{n_ended} ended")
            daemon.configure(next(changes))
            daemon.reload(" notice .*reloaded")
        self.assertLess(self.jobs.counts()["completed"], 2 * self.JOBS)
        unexpected = daemon.lines(" error .*| warning (?!receiving stops: too many jobs).*")
        self.assertEqual([match[0] for match in unexpected], [])
        self.assert_promises_kept()
        self.assertEqual(self.jobs.runs(), {1: 2 * self.JOBS})
        self.assertEqual(daemon.stop(), 0)


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
