"""What SQS may answer to deletes and extensions while jobs run: no job is lost, repeated, or costs
a receive, and one line says why things wait."""

from lab import tap
from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until

JOBS = 20


def failed(code, message="", **terms):
    """200, and entries that have failed."""
    return {"kind": "fail-entries", "code": code, "message": message, **terms}


class Settling(FaultCase):
    def assert_only_said(self, daemon, line, what):
        """The cause, no other, and its end."""
        daemon.wait_line(f" notice .*{what} works again, after")
        self.assertEqual(len(daemon.lines(f" warning .*{line}")), 1)
        self.assertEqual(len(daemon.lines(" warning | error ")), 1)


class Deletes(Settling):
    def check(self, line, **fault):
        daemon = self.start()
        self.sqs.fault(action="DeleteMessageBatch", count=3, **fault)
        self.jobs.publish(count=JOBS)
        self.assert_all_done(JOBS)
        self.assert_promises_kept()
        self.assert_only_said(daemon, line, "deleting messages")
        self.assertEqual(daemon.stop(), 0)

    def test_that_are_throttled_wait(self):
        self.check("throttles DeleteMessageBatch .*Throttling", kind="status", status=400,
                   code="ThrottlingException")

    def test_that_find_the_service_away_wait(self):
        self.check("cannot serve requests now .*503", kind="status", status=503,
                   code="ServiceUnavailable")

    def test_whose_answer_is_lost_are_sent_again(self):
        self.check("no answer from 127.0.0.1", kind="cut-after")

    def test_that_are_never_answered_are_sent_again_in_time(self):
        self.check("no answer from 127.0.0.1", kind="black-hole")

    def test_of_which_all_fail_with_200_are_sent_again(self):
        self.check("deleting messages: InternalError",
                   **failed("InternalError", entries=10))

    def test_of_which_some_fail_are_sent_again_for_those(self):
        self.check("deleting messages: RequestThrottled",
                   **failed("RequestThrottled", entries=3))

    def test_that_are_refused_as_a_whole_are_sent_again(self):
        self.check("refused DeleteMessageBatch .*IAmATeapot", kind="status", status=418,
                   code="IAmATeapot", message="AQEBsecret")

    def test_with_a_stale_handle_are_done(self):
        daemon = self.start()
        self.sqs.fault(action="DeleteMessageBatch",
                       **failed("ReceiptHandleIsInvalid", "The handle AQEBsecret is old",
                                sender_fault=True))
        job, = self.jobs.publish()
        self.jobs.wait(job, "completed")
        # The fault was none of the message's: it comes again, and is only deleted.
        daemon.wait_line(f"job={job} .*receive=2 outcome=duplicate")
        self.assert_all_done(1, received=2)
        self.assertEqual(daemon.lines(" warning | error |AQEBsecret"), [])

    def test_that_are_denied_keep_their_messages_until_they_are_not(self):
        key, secret = "AKIAREVOKED000000000", "a/secret"
        self.sqs.add_key(key, secret)
        daemon = self.start(environment={"AWS_ACCESS_KEY_ID": key,
                                         "AWS_SECRET_ACCESS_KEY": secret})
        self.sqs.add_key(key, secret, ["GetQueueAttributes", "ReceiveMessage",
                                       "ChangeMessageVisibility"])
        self.sqs.forget_stats()
        job, = self.jobs.publish()
        self.jobs.wait(job, "completed")
        # Kept twice, it is older than its first visibility.
        until(lambda: self.sqs.answers("ChangeMessageVisibilityBatch") == 2,
              what="a message that is kept")
        self.assertEqual(self.queue.counts(), (0, 1))
        self.sqs.add_key(key, secret)
        self.assert_all_done(1)
        self.assert_only_said(daemon, "access denied to sqs:DeleteMessage ", "deleting messages")


class Extensions(Settling):
    def check(self, line, **fault):
        daemon = self.start()
        job, = self.jobs.publish(payload={"delayMs": 5000})
        self.jobs.wait(job, "processing")
        self.sqs.fault(action="ChangeMessageVisibilityBatch", count=3, **fault)
        self.assert_all_done(1)
        self.assert_only_said(daemon, line, "extending visibility")

    def test_that_are_throttled_wait(self):
        self.check("throttles ChangeMessageVisibilityBatch", kind="status", status=403,
                   code="RequestThrottled")

    def test_that_are_refused_as_a_whole_are_sent_again(self):
        self.check("refused ChangeMessageVisibilityBatch", kind="status", status=418,
                   code="IAmATeapot")

    def test_with_a_stale_handle_are_given_up_and_the_job_goes_on(self):
        daemon = self.start()
        job, = self.jobs.publish(payload={"delayMs": 6000})
        self.jobs.wait(job, "processing")
        self.sqs.fault(action="ChangeMessageVisibilityBatch", **failed(
            "InvalidParameterValue", "Value AQEBsecret for parameter ReceiptHandle is invalid. "
            "Reason: The receipt handle has expired.", sender_fault=True))
        daemon.wait_line(" warning .*could not be extended: .*receipt handle has expired")
        # It comes to the same daemon again, whose job still runs.
        self.assert_all_done(1, received=2)
        self.assertEqual(len(daemon.lines(" warning | error |AQEBsecret")), 1)


class ACauseOfAll(Settling):
    visibility = 9

    def test_is_said_by_one(self):
        daemon = self.start({"queue.wait_time": "1s"})
        self.jobs.publish(payload={"delayMs": 3300}, count=10)
        until(lambda: self.jobs.counts() == {"processing": 10}, what="running jobs")
        self.sqs.fault(count=0, kind="status", status=503, code="ServiceUnavailable")
        # Meanwhile receives, extensions and deletes all meet it.
        self.jobs.wait_all("completed")
        until(lambda: all(self.sqs.answers(action, "fault:status") > 1
                          for action in ("ReceiveMessage", "DeleteMessageBatch",
                                         "ChangeMessageVisibilityBatch")), what="faults of all")
        self.sqs.heal()
        self.assert_all_done(10)
        self.assertEqual(len(daemon.lines(" warning | error ")), 1)
        daemon.wait_line(" notice .* works again, after")
        self.assertEqual(len(daemon.lines(" notice .* works again, after")), 1)


class AKey(Settling):
    def test_that_is_replaced_in_its_file_costs_not_even_a_line(self):
        path = self.lab.directory / f"rotated-{self.queue.name}"

        def write(key, secret):
            fresh = path.with_suffix(".new")
            fresh.write_text(f"[default]\naws_access_key_id = {key}\n"
                             f"aws_secret_access_key = {secret}\n", encoding="utf-8")
            fresh.rename(path)
            self.sqs.add_key(key, secret)

        write("AKIAROTATED000000000", "the/first")
        daemon = self.start(environment={
            "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None,
            "AWS_SHARED_CREDENTIALS_FILE": str(path)})
        self.jobs.publish(count=JOBS)
        self.jobs.wait_all("completed")
        self.jobs.publish(count=JOBS)
        write("AKIAROTATED000000000", "the/second")
        self.assert_all_done(2 * JOBS)
        self.assertEqual(daemon.lines(" warning | error "), [])
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    tap.main()
