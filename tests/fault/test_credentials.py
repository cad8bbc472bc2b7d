"""Credentials that end: renewed in time, asked for again when refused, missed when they are gone."""

from lab import tap
from lab.case import setUpModule, tearDownModule  # noqa: F401
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

    def test_are_used_to_their_end_while_they_cannot_be_renewed(self):
        daemon = self.start_on_instance(seconds=9)
        self.sqs.metadata(status=500)
        daemon.wait_line(" warning +credentials cannot be renewed: .*500.*good until")
        self.assert_works(daemon, within=3)
        self.sqs.metadata(status=0)
        daemon.wait_line(" notice +renewing credentials works again, after", within=20)
        self.assert_works(daemon)
        self.assertEqual(self.sqs.answers("ReceiveMessage", "ExpiredTokenException"), 0)

    def test_and_are_not_renewed_cost_no_receive(self):
        daemon = self.start_on_instance(seconds=4, settings={"queue.wait_time": "1s"})
        self.sqs.metadata(status=500)
        daemon.wait_line(" warning .*ExpiredTokenException", within=15)
        daemon.wait_status("ExpiredTokenException")
        job, = self.jobs.publish()
        self.sqs.metadata(status=0)
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed", within=45)


if __name__ == "__main__":
    tap.main()
