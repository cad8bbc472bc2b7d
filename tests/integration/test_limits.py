"""A type's max_concurrency: its jobs wait parked, and those of other types do not."""

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until

THREADS = 2
OTHERS = 10


class ALimitedType(Case):
    """test-echo, one at a time. The other type has no handler: its jobs fail at once."""

    def start_limited(self):
        return self.start({"worker.concurrency": THREADS, "job test-echo.max_concurrency": 1})

    def occupy(self, milliseconds):
        """A job that has the type's only place for so long."""
        job, = self.jobs.publish(payload={"delayMs": milliseconds}, prefix="first")
        self.jobs.wait(job, "processing")
        return job

    def park(self, count):
        """So many more in hand, which cannot begin; their ids."""
        ids = self.jobs.publish(count=count, prefix="parked")
        until(lambda: self.queue.counts() == (0, 1 + count), what="parked jobs in hand")
        return ids

    def wait_others(self):
        """So many of the other type, until they have ended."""
        until(lambda: self.jobs.counts().get("failed") == OTHERS, what="the other type's ends")

    def test_runs_no_more_at_a_time_and_all_in_the_end(self):
        self.start_limited()
        ids = self.jobs.publish(payload={"delayMs": 50}, count=20)
        most = 0
        while self.jobs.counts().get("completed", 0) < len(ids):
            most = max(most, self.jobs.counts().get("processing", 0))
        self.assertEqual(most, 1)
        self.assert_all_done(len(ids))

    def test_with_twice_the_threads_parked_keeps_no_other_from_running(self):
        daemon = self.start_limited()
        first = self.occupy(6000)
        parked = self.park(2 * THREADS)
        self.jobs.publish("send-fax", count=OTHERS)
        self.wait_others()
        self.assert_row(first, status="processing")
        self.assertEqual(self.jobs.counts(),
                         {"processing": 1, "pending": len(parked), "failed": OTHERS})
        self.assertEqual(daemon.lines("receiving stops"), [])
        for job in parked:
            self.jobs.wait(job, "completed")
        self.assertEqual(self.jobs.runs(), {1: 1 + len(parked) + OTHERS})

    def test_with_more_than_that_stops_receiving_and_says_so_until_they_have_gone_on(self):
        daemon = self.start_limited()
        first = self.occupy(5000)
        parked = self.jobs.publish(count=2 * THREADS + 1, prefix="parked")
        daemon.wait_line(" warning .*receiving stops: .* type test-echo .*max_concurrency")
        self.assertEqual(self.queue.counts(), (0, 1 + len(parked)))
        self.jobs.publish("send-fax", count=OTHERS)
        self.assertEqual(self.queue.counts(), (OTHERS, 1 + len(parked)))
        daemon.wait_line(" notice .*receiving works again, after")
        self.wait_others()
        # Nothing was begun before the place was free again.
        steps = self.database.execute("SELECT id, status::text FROM history ORDER BY step LIMIT 2")
        self.assertEqual(steps, [(first, "processing"), (first, "completed")])
        until(lambda: self.jobs.counts() == {"completed": 1 + len(parked), "failed": OTHERS})
        self.assertEqual(self.jobs.runs(), {1: 1 + len(parked) + OTHERS})
        self.assertEqual(len(daemon.lines("receiving stops")), 1)

    def test_lets_a_parked_one_go_on_when_a_reload_raises_its_limit(self):
        daemon = self.start_limited()
        first = self.occupy(6000)
        parked, = self.park(1)
        daemon.configure({"job test-echo.max_concurrency": 2})
        daemon.reload()
        self.jobs.wait(parked, "completed", within=4)
        self.assert_row(first, status="processing")


if __name__ == "__main__":
    tap.main()
