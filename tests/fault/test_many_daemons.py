"""Several daemons on one queue: one has a job, the others wait for it in hand."""

from lab import tap
from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import body
from lab.story import Version


class ManyDaemons(FaultCase):
    def test_run_a_job_once_that_each_has_a_message_of_and_burn_no_receive(self):
        daemons = [self.start({"worker.concurrency": 1}) for _ in range(3)]
        job, = self.jobs.insert("mark", {"ms": 5000})
        message = body(job, "mark", {"ms": 5000})
        for n_received in (1, 2, 3):
            self.queue.send([message])
            until(lambda n=n_received: self.queue.received() == n, what=f"receive {n_received}")
        # Longer than the visibility: each keeps what it has.
        self.assert_promises_kept(burnt=0)
        self.assertEqual(self.jobs.history(job), [("processing", 1), ("completed", 1)])
        self.assertEqual(self.queue.received(), 3)
        for daemon in daemons:
            self.assertEqual(daemon.stop(), 0)

    def test_take_a_dead_ones_row_over_when_its_lease_is_over_and_not_before(self):
        """By a message that is another's, and so there before the lease ends."""
        dead = self.start({"worker.concurrency": 1})
        job, = self.publish(payload={"ms": 60000, "laterMs": 0})
        self.jobs.wait(job, "processing")
        dead.kill()
        self.start()
        self.queue.send([body(job, "mark", {"ms": 60000, "laterMs": 0})])
        self.jobs.wait(job, "completed", attempts=2)
        touched, taken = [version for version in map(Version._make, self.jobs.versions())
                          if (version.job, version.status) == (job, "processing")][-2:]
        lease = self.visibility * 3 / 4
        waited = (taken.committed_at - touched.updated_at) / 1e6
        self.assertGreaterEqual(waited, lease)
        # The daemon's first moments are spared it: others may have been away with the database.
        self.assertLess(waited, lease + self.visibility / 3 + 1)
        self.assert_promises_kept(burnt=None)
        self.assertLessEqual(self.queue.received(), 3)


if __name__ == "__main__":
    tap.main()
