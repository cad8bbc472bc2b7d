"""When a failed job comes again: after its type's pause, or when its visibility ends."""

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import body

# The first pause is between half of it and all of it, long after any visibility here.
AN_HOUR = {"job test-echo.base_delay": "1h", "job test-echo.max_delay": "2h"}


class Failing(Case):
    def hidden_for(self):
        """For how many seconds each message is to be invisible yet."""
        return [message.get("hidden_for", 0) for message in self.queue.inside()["messages"]]

    def wait_hidden(self, count=1):
        """Until so many messages have the pause of about an hour."""
        until(lambda: [1700 < seconds <= 3600 for seconds in self.hidden_for()] == [True] * count,
              what="messages that are hidden for about an hour")


class AFailedJob(Failing):
    """Its visibility lasts for half a minute."""

    def test_comes_again_after_its_types_pause(self):
        daemon = self.start({"job test-echo.base_delay": "1s"})
        job, = self.jobs.publish(payload={"fail": "no paper", "failAttempts": 1})
        daemon.wait_line(f"job={job} .*attempt=1 receive=1 outcome=failed wait=.* "
                         "retry_in=1s reason=no paper$")
        self.jobs.wait(job, "completed", attempts=2)
        line = daemon.wait_line(f"job={job} .*receive=2 outcome=completed.*$")
        self.assertNotIn("retry_in", line[0])
        until(self.queue.is_empty, what="an empty queue")

    def test_pauses_for_twice_as_long_each_time_until_it_is_among_the_dead_letters(self):
        daemon = self.start({"retry.base_delay": "1s", "retry.max_delay": "2s"})
        job, = self.jobs.publish("send-fax")
        until(lambda: self.dead_letters.counts()[0] == 1, within=20, what="a dead letter")
        said = [match[1] for match in daemon.lines(f"job={job} .*outcome=failed .*retry_in=(\\S+)")]
        self.assertEqual(said, ["1s", "2s", "2s"])

    def test_that_took_too_long_pauses_as_well(self):
        daemon = self.start({"job test-echo.timeout": "300ms", **AN_HOUR})
        job, = self.jobs.publish(payload={"delayMs": 20000})
        daemon.wait_line(f"job={job} .*outcome=timeout .*retry_in=")
        self.wait_hidden()

    def test_pauses_with_all_its_messages(self):
        daemon = self.start(AN_HOUR)
        job, = self.jobs.publish(payload={"delayMs": 1500, "fail": "no paper"})
        self.queue.send([body(job)])
        until(lambda: self.queue.counts() == (0, 2), what="both messages in hand")
        daemon.wait_line(f"job={job} .*outcome=failed .*retry_in=")
        self.wait_hidden(2)

    def test_without_a_policy_is_left_to_the_queue(self):
        daemon = self.start()
        self.sqs.forget_stats()
        job, = self.jobs.publish(payload={"fail": "no paper"})
        line = daemon.wait_line(f"job={job} .*outcome=failed.*$")
        self.assertNotIn("retry_in", line[0])
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.sqs.answers("ChangeMessageVisibilityBatch", None), 0)

    def test_has_its_pause_though_the_daemon_stops_and_it_counts_as_no_receive(self):
        daemon = self.start(AN_HOUR)
        job, = self.jobs.publish(payload={"delayMs": 1500, "fail": "no paper"})
        self.jobs.wait(job, "processing")
        # The stop has to wait for an answer that comes late.
        self.sqs.fault(action="ChangeMessageVisibilityBatch", kind="status", status=503,
                       code="ServiceUnavailable")
        self.assertEqual(daemon.stop(), 0)
        daemon.wait_line("drained: .* 0 messages given back$")
        self.wait_hidden()


class APause(Failing):
    """That SQS does not take: asked for again while the visibility lasts, here four seconds."""

    visibility = 4

    def test_is_asked_for_again_when_sqs_is_away_for_a_moment(self):
        self.check_again(kind="status", status=503, code="ServiceUnavailable")

    def test_is_asked_for_again_when_its_answer_is_lost(self):
        self.check_again(kind="cut-after")

    def test_is_asked_for_again_when_its_entry_fails(self):
        self.check_again(kind="fail-entries", code="InternalError", message="", entries=10)

    def check_again(self, **fault):
        self.start(AN_HOUR)
        self.sqs.forget_stats()
        self.sqs.fault(action="ChangeMessageVisibilityBatch", count=2, **fault)
        self.jobs.publish(payload={"fail": "no paper"})
        until(lambda: self.sqs.answers("ChangeMessageVisibilityBatch", None) == 3,
              what="a third request")
        self.wait_hidden()
        self.assertEqual(self.queue.received(), 1)

    def test_that_is_refused_leaves_the_message_to_the_queue(self):
        daemon = self.start(AN_HOUR)
        self.sqs.fault(action="ChangeMessageVisibilityBatch", count=1, kind="status", status=403,
                       code="AccessDeniedException")
        job, = self.jobs.publish(payload={"failAttempts": 1})
        self.jobs.wait(job, "completed", attempts=2)
        daemon.wait_line(f"job={job} .*receive=2 outcome=completed")

    def test_is_not_asked_for_where_visibility_cannot_be_changed(self):
        key, secret = "AKIATHREE00000000000", "a/consumers+secret"
        self.sqs.add_key(key, secret, ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"])
        daemon = self.start(AN_HOUR, environment={"AWS_ACCESS_KEY_ID": key,
                                                  "AWS_SECRET_ACCESS_KEY": secret})
        self.sqs.forget_stats()
        job, = self.jobs.publish(payload={"failAttempts": 1})
        self.jobs.wait(job, "completed", attempts=2)
        line = daemon.wait_line(f"job={job} .*receive=1 outcome=failed.*$")
        self.assertNotIn("retry_in", line[0])
        self.assertEqual(self.sqs.answers("ChangeMessageVisibilityBatch", None), 0)


if __name__ == "__main__":
    tap.main()
