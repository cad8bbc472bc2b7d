"""Credentials that end: renewed in time, asked for again when refused, missed when they are gone."""

from lab import tap
from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.identity import Keyless


class KeysThatEnd(Keyless):
    visibility = 4

    def start_on_instance(self, seconds, settings=None):
        self.sqs.metadata(role="worker", seconds=seconds)
        return self.start(settings, environment=self.on_instance())

    def test_are_renewed_before_while_jobs_run_and_polls_are_out(self):
        daemon = self.start_on_instance(seconds=6)
        job, = self.jobs.publish(payload={"delayMs": 8000})
        for _ in range(2):
            self.wait_answers("metadata:credentials", 1)
            self.assert_works(daemon)
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed", within=15)
        self.assertEqual(daemon.lines(" warning "), [])
        self.assertEqual(self.sqs.answers("ReceiveMessage", "ExpiredTokenException"), 0)
        self.assertEqual(len(daemon.lines("credentials:")), 1)

    def test_are_asked_for_again_once_when_aws_calls_them_expired(self):
        daemon = self.start_on_instance(seconds=3600)
        self.assert_works(daemon)
        asked = self.sqs.answers("metadata:credentials")
        # The service's time goes on, ours does not; the poll that is out still ends well.
        self.sqs.advance(3660)
        self.assert_works(daemon)
        self.wait_answers("metadata:credentials", 1, since=asked)
        for _ in range(3):
            self.assert_works(daemon)
        until(self.queue.is_empty, what="an empty queue")
        self.assertEqual(self.sqs.answers("metadata:credentials"), asked + 1)
        self.assertEqual(daemon.lines(" warning "), [])

    def test_and_are_not_renewed_cost_no_receive(self):
        daemon = self.start_on_instance(seconds=4, settings={"queue.wait_time": "1s"})
        self.sqs.metadata(status=500)
        daemon.wait_line(" warning .*ExpiredTokenException", within=15)
        daemon.wait_status("ExpiredTokenException")
        job, = self.jobs.publish()
        self.sqs.metadata(status=0)
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed", within=45)


class UnderLoad(Keyless, FaultCase):
    """With every message, run and row under the checker's eyes; V is longer than each trouble."""

    visibility = 12

    def setUp(self):
        super().setUp()
        self.n_jobs = 0

    def load(self, count, ms=50):
        self.publish(payload={"ms": ms}, count=count)
        self.n_jobs += count

    def wait_completed(self, but=0):
        """All that were published, but for so many."""
        until(lambda: self.jobs.counts().get("completed", 0) >= self.n_jobs - but, what="the jobs")

    def assert_cost_nothing(self, daemon):
        """It is well, and goes on to be."""
        self.load(20)
        self.assert_done(daemon)


class KeysThatCannotBeRenewed(UnderLoad):
    def start_on_instance(self, seconds):
        """With keys that live for so long, and a metadata service that then falls ill."""
        self.sqs.metadata(role="worker", seconds=seconds)
        daemon = self.start({"worker.concurrency": "4"}, environment=self.on_instance())
        self.sqs.metadata(status=500)
        return daemon

    def test_are_used_to_their_end(self):
        daemon = self.start_on_instance(seconds=9)
        self.load(1, ms=7000)
        daemon.wait_line(" warning +credentials cannot be renewed: .*500.*good until")
        self.load(8)
        self.wait_completed(but=1)
        self.sqs.metadata(status=0)
        daemon.wait_line(" notice +renewing credentials works again, after")
        self.assert_cost_nothing(daemon)
        self.assertEqual(self.sqs.answers("ReceiveMessage", "ExpiredTokenException"), 0)

    def test_may_end_in_the_middle_of_a_poll(self):
        daemon = self.start_on_instance(seconds=5)
        self.load(20)
        # Its delete comes after their end, which is told in whole seconds.
        self.load(1, ms=6500)
        self.wait_completed(but=1)
        until(lambda: self.queue.inside()["waiting"], what="a poll that waits")
        daemon.wait_line(" warning .*ExpiredTokenException")
        # No other poll could bring that.
        self.load(1)
        self.wait_completed()
        self.assertFalse(self.queue.is_empty())
        self.sqs.metadata(status=0)
        self.assert_cost_nothing(daemon)


class Permissions(UnderLoad):
    KEY_ID, SECRET = "AKIAUNDERLOAD0000000", "the/secret+that+stays"

    def take_away(self, *actions):
        """What is left are the others."""
        self.sqs.add_key(self.KEY_ID, self.SECRET, [action for action in (
            "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes")
            if action not in actions])

    def test_that_are_taken_away_and_granted_again_cost_nothing(self):
        self.take_away()
        daemon = self.start({"worker.concurrency": "4"}, environment={
            "AWS_ACCESS_KEY_ID": self.KEY_ID, "AWS_SECRET_ACCESS_KEY": self.SECRET})
        self.load(60)
        until(lambda: self.jobs.counts().get("completed"), what="the first jobs")
        for permission, action in (("DeleteMessage", "DeleteMessageBatch"),
                                   ("ReceiveMessage", "ReceiveMessage")):
            here = daemon.here()
            self.take_away(permission)
            daemon.wait_line(f" warning +access denied to sqs:{permission}", start=here)
            until(lambda action=action: self.sqs.answers(action, "AccessDeniedException") > 1,
                  what="a second try")
            self.take_away()
            daemon.wait_line(" notice .*works again, after", start=here)
            self.load(20)
        self.assert_cost_nothing(daemon)


if __name__ == "__main__":
    tap.main()
