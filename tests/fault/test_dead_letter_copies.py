"""[retry] dead_letter = send: what fails for good is in the dead letter queue at once, with the
reason, and once SQS has it the original is deleted: it is twice there at worst, and never nowhere."""

import re

from lab import tap
from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import body

SEND = {"retry.dead_letter": "send"}
FOR_GOOD = {"exit": 65}
KEY_ID, SECRET = "AKIACOPIES0000000000", "a/consumers+secret"
ACTIONS = ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility"]


class Copies(FaultCase):
    def letters(self):
        """What the dead letter queue has, attributes and all. An answer may hold a part of it."""
        there = {}

        def have_all():
            answer = self.sqs.client.call(
                "ReceiveMessage", QueueUrl=self.dead_letters.url, MaxNumberOfMessages=10,
                VisibilityTimeout=0, MessageAttributeNames=["All"])
            there.update((one["MessageId"], one) for one in answer.get("Messages", []))
            return len(there) == self.dead_letters.counts()[0]

        until(have_all, what="all dead letters")
        return list(there.values())

    def wait_letters(self, count=1, within=10, queue=None):
        queue = queue or self.dead_letters
        until(lambda: queue.counts()[0] == count, within, what=f"{count} dead letters")

    def said(self, letter):
        """Its attributes' values by their names."""
        return {name: value.get("StringValue", value.get("BinaryValue"))
                for name, value in letter["MessageAttributes"].items()}

    def end_visibility(self):
        """What is left to the queue comes again now."""
        self.sqs.advance(self.visibility)

    def fail_one(self):
        """A job that fails for good; its id, once its row says so."""
        job, = self.publish(payload=FOR_GOOD)
        self.jobs.wait(job, "failed")
        return job


class WhatFailsForGood(Copies):
    def test_is_a_dead_letter_at_once_with_its_body_its_attributes_and_the_reason(self):
        daemon = self.start(SEND)
        job, = self.jobs.insert("mark", FOR_GOOD, 1, "job")
        text = body(job, "mark", FOR_GOOD).replace(":", " :\t")
        self.queue.send([text], {"color": {"DataType": "String.hue", "StringValue": "bl\"ue"},
                                 "blob": {"DataType": "Binary", "BinaryValue": "AQID"}})
        self.wait_letters()
        line = daemon.wait_line(f"job={job} .*receive=1 outcome=failed .*dead_letter=send "
                                "reason=(.*)$")
        row = self.jobs.row(job)
        letter, = self.letters()
        self.assertEqual(letter["Body"], text)
        self.assertEqual(letter["MessageAttributes"]["color"]["DataType"], "String.hue")
        original = daemon.wait_line("message=(.*) is in the dead letter queue as message=(.*)$")
        self.assertEqual(original[2], letter["MessageId"])
        self.assertEqual(self.said(letter), {
            "color": "bl\"ue", "blob": "AQID", "NexusReason": row.error, "NexusOutcome": "failed",
            "NexusReceiveCount": "1", "NexusMessageId": original[1],
            "NexusSourceQueue": self.queue.attributes()["QueueArn"]})
        self.assertEqual((row.status, row.attempts, line[1]), ("failed", 1, row.error))
        self.assert_promises_kept(dead_letters=1, failed=1)
        self.assertEqual(self.queue.received(), 1)
        self.assertEqual(daemon.stop(), 0)

    def test_is_one_dead_letter_each_however_many_there_are(self):
        self.start(SEND)
        self.publish(payload=FOR_GOOD, count=25)
        self.wait_letters(25)
        self.assert_promises_kept(dead_letters=25, failed=25)
        self.assertEqual(self.queue.received(), 25)

    def test_is_left_to_the_queue_where_nobody_asks_for_copies(self):
        daemon = self.start()
        self.sqs.forget_stats()
        job = self.fail_one()
        line = daemon.wait_line(f"job={job} .*outcome=failed.*$")
        self.assertNotIn("dead_letter", line[0])
        self.end_visibility()
        self.jobs.wait(job, "failed", attempts=2)
        self.assertEqual(self.sqs.answers("SendMessage", None), 0)

    def test_is_not_what_may_succeed_the_next_time(self):
        daemon = self.start({**SEND, "retry.base_delay": "1s"})
        job, = self.publish(payload={"exit": 1, "failAttempts": 1})
        self.jobs.wait(job, "completed", attempts=2)
        self.assertNotIn("dead_letter", daemon.wait_line(f"job={job} .*outcome=failed.*$")[0])
        self.assert_promises_kept(dead_letters=0)

    def test_leaves_the_jobs_other_messages_to_the_queue_each_with_a_copy_of_its_own(self):
        self.start(SEND)
        job, = self.publish(payload={"ms": 500, **FOR_GOOD})
        self.jobs.wait(job, "processing")
        other = body(job, "mark", {"ms": 0, **FOR_GOOD})
        self.queue.send([other])
        until(lambda: self.queue.counts() == (0, 2), what="both messages in hand")
        until(lambda: self.queue.counts() == (0, 1), what="the other one, left")
        self.end_visibility()
        self.wait_letters(2)
        self.assertIn(other, [letter["Body"] for letter in self.letters()])
        self.assertEqual(self.jobs.row(job).attempts, 2)
        self.assert_promises_kept(dead_letters=1, failed=1)


class WhatIsRejected(Copies):
    def test_is_a_dead_letter_at_once_with_what_is_wrong_with_it(self):
        daemon = self.start(SEND)
        self.queue.send(["{\"jobId\": 7"])
        self.wait_letters()
        reason = daemon.wait_line("message=.* outcome=rejected dead_letter=send reason=(.*)$")[1]
        letter, = self.letters()
        self.assertEqual(letter["Body"], "{\"jobId\": 7")
        self.assertEqual(self.said(letter)["NexusReason"], reason)
        self.assertEqual(self.said(letter)["NexusOutcome"], "rejected")
        until(self.queue.is_empty, what="an empty queue")
        self.assertEqual(self.queue.received(), 1)

    def test_for_its_type_leaves_the_row_as_it_is(self):
        daemon = self.start(SEND)
        job, = self.jobs.insert("mark", {}, 1, "job")
        before = self.jobs.row(job)
        self.queue.send([body(job, "test-echo")])
        self.wait_letters()
        daemon.wait_line(f"job={job} .*outcome=rejected .*dead_letter=send reason=its row is of")
        self.assertEqual(self.jobs.row(job), before)
        until(self.queue.is_empty, what="an empty queue")

    def test_for_the_type_of_a_job_that_runs_leaves_that_alone(self):
        daemon = self.start(SEND)
        job, = self.publish(payload={"ms": 1500})
        until(lambda: self.marked("begin", job), what="a run")
        self.queue.send([body(job, "test-echo")])
        self.wait_letters()
        daemon.wait_line("outcome=rejected dead_letter=send reason=another message gives its job")
        self.jobs.wait(job, "completed", attempts=1)
        self.assertEqual(self.queue.received(), 2)

    def test_for_the_type_of_a_job_that_is_not_begun_is_left_for_who_knows_which_is_right(self):
        daemon = self.start({**SEND, "job test-echo.max_concurrency": 1})
        self.jobs.publish(payload={"delayMs": 1500})
        job, = self.jobs.insert("mark", {}, 1, "job")
        self.queue.send([body(job, "test-echo")])
        until(lambda: self.queue.counts() == (0, 2), what="one that runs, and one that waits")
        # The right one, but the row is not asked yet.
        self.queue.send([body(job, "mark")])
        line = daemon.wait_line("message=.* outcome=rejected.* reason=another message.*$")
        self.assertNotIn("dead_letter", line[0])
        self.end_visibility()
        self.jobs.wait(job, "completed", attempts=1)
        letter, = self.letters()
        self.assertEqual(letter["Body"], body(job, "test-echo"))


class CopiesThatWait(Copies):
    """The dead letter queue is away, and nothing else."""

    WAITING_MAX = 1000
    STOPS = "receiving stops: too many messages wait for the dead letter queue"

    def setUp(self):
        super().setUp()
        self.sqs.fault(action="SendMessage", count=0, kind="status", status=503,
                       code="ServiceUnavailable")

    def send_rejected(self, count, text=""):
        self.queue.send(["{\"jobId\": 7" + text] * count)

    def assert_receives_again(self, daemon, count):
        """Nothing was received since the copies became too many."""
        job, = self.publish()
        attempts = self.sqs.answers("SendMessage", None)
        until(lambda: self.sqs.answers("SendMessage", None) > attempts, what="another attempt")
        self.assertEqual(self.queue.counts(), (1, count))
        self.sqs.heal()
        self.jobs.wait(job, "completed", within=30)
        self.wait_letters(count, within=30)
        daemon.wait_line(" notice .*receiving works again, after")
        self.assertEqual(len(daemon.lines("receiving stops")), 1)
        self.assertEqual(self.queue.received(), count + 1)

    def test_show_in_the_status_until_they_get_through(self):
        daemon = self.start(SEND)
        self.fail_one()
        daemon.wait_status("; dead letter queue: .*cannot serve requests now")
        self.sqs.heal()
        self.wait_letters()
        until(lambda: "dead letter" not in daemon.notify.feed.lines[-1], what="that is over")

    def test_show_no_longer_when_nobody_asks_for_them_any_more(self):
        daemon = self.start(SEND)
        self.fail_one()
        daemon.wait_status("; dead letter queue: .*cannot serve requests now")
        start = daemon.here()
        daemon.configure({"retry.dead_letter": "off"})
        daemon.reload("reloaded")
        until(lambda: "dead letter" not in daemon.notify.feed.lines[-1], what="that is over")
        self.assertEqual(daemon.lines("works again", start=start), [])

    def test_keep_no_other_message_from_being_received(self):
        daemon = self.start({**SEND, "worker.prefetch_max": 5, "worker.concurrency": 2})
        self.send_rejected(20)
        until(lambda: self.queue.counts() == (0, 20), what="all that will be copied")
        job, = self.publish()
        self.jobs.wait(job, "completed")
        self.assertEqual(daemon.lines("receiving stops"), [])
        self.sqs.heal()
        self.wait_letters(20)

    def test_are_not_more_than_a_thousand(self):
        daemon = self.start(SEND)
        self.send_rejected(self.WAITING_MAX)
        daemon.wait_line(f" warning .*{self.STOPS}", within=30)
        daemon.wait_status(f"{self.STOPS}.*; dead letter queue: .*cannot serve requests now")
        self.assert_receives_again(daemon, self.WAITING_MAX)

    def test_take_no_more_than_half_the_memory(self):
        daemon = self.start({**SEND, "worker.memory": "1M"})
        self.send_rejected(1, " " * (512 << 10))
        daemon.wait_line(f" warning .*{self.STOPS}")
        self.assert_receives_again(daemon, 1)


class ACopy(Copies):
    def test_that_does_not_get_through_for_long_costs_no_receive(self):
        daemon = self.start(SEND)
        self.sqs.forget_stats()
        self.sqs.fault(action="SendMessage", count=0, kind="status", status=503,
                       code="ServiceUnavailable")
        self.fail_one()
        # Kept twice, it is older than its first visibility.
        until(lambda: self.sqs.answers("ChangeMessageVisibilityBatch") >= 3,
              what="a message that is kept")
        self.assertEqual((self.queue.counts(), self.dead_letters.counts()), ((0, 1), (0, 0)))
        self.sqs.heal()
        self.wait_letters()
        self.assert_promises_kept(dead_letters=1, failed=1)
        self.assertEqual(self.queue.received(), 1)
        self.assertEqual(len(daemon.lines(" warning .*cannot serve requests now")), 1)
        daemon.wait_line(" notice .*sending to the dead letter queue works again")

    def test_whose_answer_is_lost_is_sent_again(self):
        self.start(SEND)
        self.sqs.fault(action="SendMessage", kind="cut-after")
        self.fail_one()
        self.wait_letters(2)
        self.assert_promises_kept(dead_letters=1, failed=1)
        self.assertEqual(self.queue.received(), 1)

    def test_that_is_denied_is_said_with_the_cure_and_left_to_the_queue(self):
        self.sqs.add_key(KEY_ID, SECRET, ACTIONS)
        self.sqs.forget_stats()
        daemon = self.start(SEND, environment={"AWS_ACCESS_KEY_ID": KEY_ID,
                                               "AWS_SECRET_ACCESS_KEY": SECRET})
        self.publish(payload=FOR_GOOD, count=3)
        line = daemon.wait_line(" warning .*access denied to sqs:SendMessage on queue "
                                f"{self.dead_letters.name}: .*grant .*left to its queue")
        until(lambda: self.sqs.answers("SendMessage", None) == 3, what="three denials")
        daemon.wait_status("; dead letter queue: access denied to sqs:SendMessage")
        self.sqs.add_key(KEY_ID, SECRET)
        # They come again, and then there is the right to send them.
        self.end_visibility()
        self.assert_promises_kept(dead_letters=3, failed=3)
        self.assertEqual([row.attempts for row in self.jobs.rows()], [2, 2, 2], line[0])
        self.assertEqual(len(daemon.lines(" warning .*SendMessage")), 1)

    def test_that_is_refused_is_named_and_says_nothing_of_others(self):
        """One that is too large for the dead letter queue, for example."""
        daemon = self.start(SEND)
        self.sqs.fault(action="SendMessage", kind="status", status=400, code="InvalidParameterValue")
        self.queue.send(["no job"])
        message = daemon.wait_line("message=([^ ]+) .*outcome=rejected dead_letter=send")[1]
        daemon.wait_line(f"message={message} could not be sent to the dead letter queue: .*refused "
                         "SendMessage .*; it is left to its queue")
        job, = self.publish()
        self.jobs.wait(job, "completed")
        daemon.wait_status("1 completed, 0 failed$")
        self.assertEqual(daemon.stop(), 0)

    def test_for_a_queue_that_is_gone_is_said_and_left_to_the_queue(self):
        daemon = self.start(SEND)
        self.dead_letters.delete()
        job = self.fail_one()
        daemon.wait_line(f" warning .*queue {self.dead_letters.name} is not there.*left to its")
        self.end_visibility()
        self.jobs.wait(job, "failed", attempts=2)
        self.assertEqual(self.queue.received(), 2)

    def test_without_a_queue_for_it_is_not_made_and_a_line_says_so(self):
        self.queue.change(RedrivePolicy="")
        daemon = self.start(SEND)
        daemon.wait_line(r" warning .*no redrive policy: .*\[retry\] dead_letter has no queue to "
                         "send to; give it a dead letter queue")
        self.sqs.forget_stats()
        job = self.fail_one()
        self.assertNotIn("dead_letter", daemon.wait_line(f"job={job} .*outcome=failed.*$")[0])
        self.end_visibility()
        self.jobs.wait(job, "failed", attempts=2)
        self.assertEqual(self.sqs.answers("SendMessage", None), 0)

    def test_that_a_stop_finds_on_its_way_is_waited_for(self):
        daemon = self.start(SEND)
        self.sqs.fault(action="SendMessage", count=1, kind="delay", ms=1500)
        self.fail_one()
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.dead_letters.counts(), (1, 0))
        self.assert_promises_kept(dead_letters=1, failed=1)
        daemon.wait_line("drained: 0 jobs left to their leases, 0 messages given back$")

    def test_that_a_kill_cuts_from_its_delete_is_made_once_more(self):
        daemon = self.start(SEND)
        self.sqs.fault(action="DeleteMessageBatch", count=0, kind="black-hole")
        job = self.fail_one()
        self.wait_letters()
        daemon.kill()
        self.assertEqual(self.queue.counts(), (0, 1))
        self.sqs.heal()
        self.end_visibility()
        self.start(SEND)
        self.wait_letters(2)
        self.assert_promises_kept(dead_letters=1, failed=1)
        self.assertEqual(self.jobs.row(job).attempts, 2)
        self.assertEqual([self.said(letter)["NexusReceiveCount"] for letter in
                          sorted(self.letters(), key=lambda one: str(self.said(one)))], ["1", "2"])

    def test_that_a_kill_prevents_is_made_by_the_next_daemon(self):
        daemon = self.start(SEND)
        self.sqs.fault(action="SendMessage", count=0, kind="black-hole")
        self.sqs.forget_stats()
        self.fail_one()
        until(lambda: self.sqs.answers("SendMessage", None) == 1, what="a copy on its way")
        daemon.kill()
        self.sqs.heal()
        self.end_visibility()
        self.start(SEND)
        self.wait_letters()
        self.assert_promises_kept(dead_letters=1, failed=1)

    def test_follows_the_settings_and_the_redrive_policy_at_a_reload(self):
        daemon = self.start()
        self.sqs.forget_stats()
        other = self.sqs.create_queue(f"other-{self.dead_letters.name}", days=14)
        self.queue.change(RedrivePolicy=re.sub(
            self.dead_letters.name, other.name, self.queue.attributes()["RedrivePolicy"]))
        daemon.configure(SEND)
        daemon.reload("queue: .*dead letters to .*:other-")
        self.fail_one()
        self.wait_letters(queue=other)
        self.assertEqual(self.dead_letters.counts(), (0, 0))
        daemon.configure({"retry.dead_letter": "off"})
        daemon.reload("reloaded")
        self.fail_one()
        self.assertEqual(self.sqs.answers("SendMessage"), 1)


if __name__ == "__main__":
    tap.main()
