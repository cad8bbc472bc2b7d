"""What may happen between the daemon and SQS: connections forgotten or cut, answers that drip."""

import re
import signal
import time

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.jobs import body
from lab.relay import Wire

FED = re.compile("^WATCHDOG=1$")
LONG = 20  # seconds for what a pause of the daemon's may come before


class OnTheWire(Case):
    visibility = 10

    def setUp(self):
        super().setUp()
        self.wire = Wire(self.sqs.port)
        self.addCleanup(self.wire.close)

    def start_over_wire(self):
        url = f"http://127.0.0.1:{self.wire.port}/123456789012/{self.queue.name}"
        return self.start({"queue.wait_time": "1s"}, queue=url,
                          environment={"WATCHDOG_USEC": "1000000"})


class AConnection(OnTheWire):
    def test_that_a_nat_forgot_is_given_up_at_the_deadline_and_another_one_serves(self):
        daemon = self.start_over_wire()
        seen = len(daemon.notify.feed)
        self.wire.stall()
        begun = time.monotonic()
        daemon.wait_line(" warning .*no answer from .*: no answer in time", LONG)
        # It was one second old at most, and has nine.
        self.assertGreater(time.monotonic() - begun, 7.5)
        self.assertGreater(len(daemon.notify.feed.find(FED, seen)), 10)
        job, = self.jobs.publish()
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed", LONG)
        self.assertEqual(len(daemon.lines(" warning ")), 1)
        self.assertEqual(daemon.stop(), 0)

    def test_on_which_an_answer_comes_byte_by_byte_is_given_up_and_no_job_begun(self):
        daemon = self.start_over_wire()
        self.wire.dripping = b"ReceiptHandle"
        job, = self.jobs.publish()
        daemon.wait_line(" warning .*the answer did not end in time", LONG)
        self.assert_row(job, status="pending", attempts=0)
        self.wire.dripping = None
        daemon.wait_line(f"job={job} .*receive=2 outcome=completed", LONG)
        self.assert_row(job, attempts=1)
        self.assertEqual(daemon.stop(), 0)


class AQueueThatStrands(Case):
    """It hands messages to polls that were cut, as SQS may: then they are away for a while."""

    visibility = 4

    def setUp(self):
        super().setUp()
        self.sqs = self.lab.sqs(options=["--strand"])
        self.queue = self.sqs.create_queue("jobs", self.visibility)
        self.jobs.queue = self.queue

    def test_loses_nothing_when_a_stop_cuts_the_poll(self):
        daemon = self.start()
        self.assertEqual(daemon.stop(), 0)
        job, = self.jobs.publish()
        self.assertEqual(self.queue.counts(), (0, 1))
        daemon.start()
        daemon.wait_line(f"job={job} .*receive=2 outcome=completed")
        self.assert_row(job, attempts=1)
        self.assertEqual(daemon.stop(), 0)

    def test_hands_over_what_comes_while_a_stop_still_waits_for_the_poll(self):
        daemon = self.start()
        job, = self.jobs.insert()
        daemon.process.send(signal.SIGTERM)
        daemon.notify.feed.wait(re.compile("^STOPPING=1$"))
        self.queue.send([body(job)])
        self.assertEqual(daemon.wait(), 0)
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed")

    def test_finds_the_poll_alive_after_a_reload_and_with_the_database_away(self):
        daemon = self.start()
        daemon.reload("reloaded")
        self.database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                              "WHERE datname = current_database() AND pid <> pg_backend_pid()")
        job, = self.jobs.publish()
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed")
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    tap.main()
