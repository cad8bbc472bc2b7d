"""The heartbeat: the row of a job that runs is touched every third of V, and its message extended
after that commit; a message that waits is extended by itself. Neither outlives the handler's time."""

import itertools

from lab import tap
from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import body
from lab.preload import preload
from lab.story import SLACK

ACTION = "ChangeMessageVisibilityBatch"
# Its third touch is 4 s after its begin; the fourth would be 5.3 s after it.
LONG = {"ms": 4700}


class HeartbeatCase(FaultCase):
    def setUp(self):
        super().setUp()
        self.third = self.visibility * 1_000_000 // 3

    def story(self, job):
        """What is known of it by now, in order."""
        story = self.checker.stories()[job]
        story.order()
        return story

    def wait_begin(self, job):
        until(lambda: f"begin {job} " in self.marks.read_text(), what=f"the begin of {job}")

    def assert_touched(self, story, n_touches):
        """So often, and each time when a third of V had passed."""
        touches = story.touches()
        self.assertEqual(len(touches), n_touches, story)
        begun = next(v for v in story.versions if v.status == "processing")
        self.assert_gaps([v.updated_at for v in (begun, *touches)], story, self.third * 7 // 8)

    def assert_kept(self, story, message):
        """From its only receive to its delete: extended by V, and never later than half of V after
        the last time."""
        events = [e for e in story.events if e.message == message and e.what != "send"]
        extensions = story.extensions(message)
        self.assertEqual([e.what for e in events],
                         ["receive", *["extend"] * len(extensions), "delete"], story)
        self.assertEqual({e.timeout for e in extensions}, {self.visibility}, story)
        self.assert_gaps([e.at for e in events], story)

    def assert_gaps(self, moments, story, least=0):
        for before, after in itertools.pairwise(moments):
            self.assertGreaterEqual(after - before, least - SLACK, story)
            self.assertLessEqual(after - before, self.third * 3 // 2 + SLACK, story)


class ALongJob(HeartbeatCase):
    def check(self, daemon):
        job, = self.publish(payload=LONG)
        self.jobs.wait(job, "completed")
        until(self.queue.is_empty, what="an empty queue")
        story = self.story(job)
        self.assert_touched(story, 3)
        for touch, extension in zip(story.touches(), story.extensions(), strict=True):
            self.assertLess(touch.committed_at, extension.at, story)
            self.assertLess(extension.at, touch.committed_at + self.third // 2, story)
        self.assert_kept(story, story.events[0].message)
        self.assertEqual(self.jobs.history(job), [("processing", 1), ("completed", 1)])
        self.assert_promises_kept()
        self.assertEqual(daemon.stop(), 0)

    def test_is_touched_every_third_and_extended_after_each_commit(self):
        self.check(self.start())

    def test_whose_extensions_fail_at_first_has_each_at_the_next_try(self):
        daemon = self.start()
        self.sqs.forget_stats()
        for n_good in range(3):
            self.sqs.fault(action=ACTION, after=n_good, kind="status", status=503,
                           code="ServiceUnavailable")
        self.check(daemon)
        self.assertEqual(self.sqs.stats()[ACTION], {"fault:status": 3, "OK": 3})


class ManyMessages(HeartbeatCase):
    JOBS = 30

    def test_are_extended_ten_at_a_time(self):
        daemon = self.start({"worker.concurrency": self.JOBS})
        self.sqs.forget_stats()
        jobs = self.jobs.publish(payload={"delayMs": 3500}, count=self.JOBS)
        self.jobs.wait_all("completed")
        until(self.queue.is_empty, what="an empty queue")
        extensions = [self.story(job).extensions() for job in jobs]
        self.assertEqual({len(each) for each in extensions}, {2})
        # Two beats of three full requests; jobs that are begun apart need not be touched together.
        self.assertLessEqual(self.sqs.answers(ACTION), 8)
        self.assert_promises_kept()
        self.assertEqual(daemon.stop(), 0)


class AMessageThatWaits(HeartbeatCase):
    """It is extended by itself; what waits touches no row."""

    def wait_not_free(self, daemon, job):
        daemon.wait_line(f"job={job}: its row is not free")

    def assert_untouched(self, story):
        """Its row, until it was begun."""
        self.assertEqual([(v.op, v.status) for v in story.versions][:2],
                         [("INSERT", "pending"), ("UPDATE", "processing")], story)

    def test_for_a_row_elsewhere_or_for_its_type_is_kept(self):
        other = self.start({"worker.concurrency": 1})
        job, = self.publish(payload=LONG)
        self.wait_begin(job)
        daemon = self.start({"job mark.max_concurrency": 1, "log.level": "debug"})
        self.queue.send([body(job, "mark", LONG)])
        self.wait_not_free(daemon, job)
        running, = self.publish(payload=LONG)
        self.wait_begin(running)
        parked, = self.publish(payload={"ms": 10})
        self.wait_end()
        story = self.story(job)
        self.assert_touched(story, 3)
        for message in {e.message for e in story.events}:
            self.assert_kept(story, message)
        story = self.story(parked)
        self.assert_untouched(story)
        self.assert_kept(story, story.events[0].message)
        self.assertGreaterEqual(len(story.extensions()), 3)
        self.assert_promises_kept()
        self.assertEqual((other.stop(), daemon.stop()), (0, 0))

    def test_for_a_thread_is_kept(self):
        """Of eight rows, up to four are begun ahead of the only thread."""
        daemon = self.start({"worker.concurrency": 1, "log.level": "debug"})
        # They cost no credit while the web application has their rows.
        jobs = self.jobs.insert("mark", {"ms": 10}, count=8)
        with self.database.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT FROM background_jobs FOR UPDATE")
            self.queue.send([body(job, "mark", {"ms": 10}) for job in jobs])
            for job in jobs:
                self.wait_not_free(daemon, job)
            running, = self.publish(payload=LONG)
            self.wait_begin(running)
        connection.close()
        self.wait_end()
        stories = [self.story(job) for job in jobs]
        for story in stories:
            self.assert_kept(story, story.events[0].message)
        waited = [story for story in stories if not story.touches()]
        self.assertGreaterEqual(len(waited), 4)
        ended_at = self.story(running).completed_at()
        for story in waited:
            self.assert_untouched(story)
            self.assertGreater(story.versions[1].committed_at, ended_at - SLACK)
            self.assertGreaterEqual(len(story.extensions()), 3)
        self.assert_promises_kept()
        self.assertEqual(daemon.stop(), 0)


class ADeafHandler(HeartbeatCase):
    LIMIT = 2

    def test_keeps_its_leases_for_its_limit_and_the_grace_only(self):
        deaf = self.lab.directory / f"{self.queue.name}.deaf"
        deaf.touch()
        self.addCleanup(deaf.unlink, missing_ok=True)
        daemon = self.start({"worker.job_timeout": f"{self.LIMIT}s"}, environment={
            "DEAF_FILE": str(deaf), **preload(self.lab, "deaf")})
        job, = self.jobs.publish(payload={"delayMs": 10})
        row = self.jobs.wait(job, "failed")
        self.assertEqual(row.error, f"timed out after {self.LIMIT}s")
        until(lambda: self.queue.received() == 2, what="a second receive")
        deaf.unlink()
        self.jobs.wait(job, "completed", attempts=2)
        story = self.story(job)
        begun = next(v for v in story.versions if v.status == "processing")
        grace = self.visibility / 10
        end = begun.committed_at + round((self.LIMIT + grace) * 1_000_000) + SLACK
        first, again = [e for e in story.events if e.what == "receive"]
        extensions = [e for e in story.extensions() if e.at < again.at]
        # The second beat would have been after the end.
        self.assertEqual(len(extensions), 1, story)
        self.assertLess(extensions[0].at, end, story)
        touches = [v for v in story.touches() if v.attempts == 1]
        self.assertEqual(len(touches), 1, story)
        self.assertLess(touches[0].committed_at, end, story)
        self.assert_promises_kept()
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    tap.main()
