"""One job, and more than one message, or one that comes twice, while it runs: it is run once, and
afterwards no message of it is left."""

from lab import tap
from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import body


class ARunningJob(FaultCase):
    def assert_run_once(self, job, received):
        """And so often were its messages received, all in all, by the time that it ended."""
        until(lambda: self.queue.received() == received, what=f"{received} receives")
        self.jobs.wait(job, "processing", attempts=1)
        self.jobs.wait(job, "completed")
        self.assert_promises_kept(burnt=None)
        self.assertEqual(self.jobs.history(job), [("processing", 1), ("completed", 1)])
        self.assertEqual(self.queue.received(), received)

    def live_through(self, ms, **fault):
        """A job that takes so many milliseconds, and whose message that brings twice."""
        self.sqs.fault(**fault)
        job, = self.publish(payload={"ms": ms})
        daemon = self.start()
        self.assert_run_once(job, received=2)
        self.assertEqual(daemon.stop(), 0)

    def test_whose_message_is_handed_out_a_second_time_runs_once(self):
        self.live_through(2500, action="ReceiveMessage", kind="twice")

    def test_whose_message_may_not_be_extended_and_comes_again_runs_once(self):
        """The row's lease holds it."""
        self.live_through(5000, action="ChangeMessageVisibilityBatch", kind="fail-entries", count=0,
                          code="ReceiptHandleIsInvalid", sender_fault=True)

    def test_of_which_a_copy_is_on_the_queue_runs_once(self):
        self.live_through(2500, action="ReceiveMessage", kind="duplicate")

    def test_that_is_published_again_in_one_batch_and_later_runs_once(self):
        job, = self.jobs.insert("mark", {"ms": 2500})
        message = body(job, "mark", {"ms": 2500})
        self.queue.send([message, message])
        daemon = self.start()
        self.jobs.wait(job, "processing")
        self.queue.send([message])
        self.assert_run_once(job, received=3)
        self.assertEqual(daemon.stop(), 0)
        # They are one job in hand: none has to ask for the row.
        self.assertEqual(len(daemon.lines(f"job={job} .*outcome=")), 1)


if __name__ == "__main__":
    tap.main()
