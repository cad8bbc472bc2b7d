"""nexusctl reconcile: rows and messages that are out of step, found and mended."""

import json
import signal

from lab import tap
from lab.ctl_case import CtlCase, setUpModule, tearDownModule  # noqa: F401
from lab.dead_letters import DeadLetters
from lab.feed import until
from lab.jobs import body

IN_STEP = "rows and messages are in step\n"


class ReconcileCase(DeadLetters, CtlCase):
    def lose(self, count=1):
        """So many rows that are processing, by nobody, and whose messages are dead; their ids."""
        ids = self.bury(count, status="processing", attempts=2)
        self.jobs.grow_old(ids, 60)
        return ids

    def found(self, *words, **options):
        """[(what is out of step, whose, what was done)]."""
        return [(one["mismatch"], one["job_id"], one["done"])
                for one in self.objects("reconcile", *words, **options)]


class InStep(ReconcileCase):
    def test_is_what_comes_and_goes_as_it_should(self):
        self.jobs.make("made", "pending", 60)
        self.jobs.make("runs", "processing", 20)
        self.jobs.make("done", "completed", 9000)
        self.jobs.make("failed", "failed", 9000)
        self.bury(1)
        self.assertEqual(self.ctl("reconcile", "--apply", "--resend"), IN_STEP)
        self.assertEqual(self.found(), [])
        self.assert_all_visible(1)


class Lost(ReconcileCase):
    def test_is_mended_with_no_more_than_the_stack_lets_the_timer_do(self):
        lost, = self.lose()
        self.use_key("GetQueueAttributes", "ReceiveMessage", "ChangeMessageVisibility")
        self.assertEqual(self.found("--apply"), [("lost", lost, "failed")])

    def test_is_shown_and_left_as_it_is(self):
        lost, = self.lose()
        before = self.jobs.row(lost)
        self.assertRegex(self.ctl("reconcile"), (
            r"\ALost: nobody does the job any more, and its message is dead. --apply makes the"
            r"\nrow failed.\njob +type +row +age  done\n"
            rf"{lost} +test-echo  processing 2 +1min  -\n\Z"))
        self.assertEqual(self.found("--apply", "--resend", "--dry-run"), [("lost", lost, None)])
        self.assertEqual(self.jobs.row(lost), before)

    def test_becomes_failed_with_the_cause(self):
        lost, = self.lose()
        told, = self.objects("reconcile", "--apply")
        self.assertRegex(told.pop("updated_at"), r"^\d{4}-.*Z$")
        letter, = until(self.dead_letters.receive, what="the dead letter")
        self.assertEqual(told, {
            "mismatch": "lost", "job_id": lost, "type": "test-echo", "status": "processing",
            "attempts": 2, "message_id": letter["MessageId"], "done": "failed"})
        self.assert_row(lost, status="failed", attempts=2, completed_at=None, error=(
            "attempt 2 did not come to an end, and its message went to the dead letter queue"))
        self.assertEqual(self.ctl("reconcile", "--yes"), IN_STEP)

    def test_is_left_alone_once_somebody_has_it(self):
        lost, = self.lose()
        connection = self.hold_row(lost)
        process = self.start_ctl("--json", "reconcile", "--apply")
        self.wait_for_row()
        connection.cursor().execute(
            "UPDATE background_jobs SET updated_at = now() WHERE id = %s", (lost,))
        connection.commit()
        process.wait_line('"done":"left alone"')
        self.assertEqual(process.wait(10), 0)
        self.assert_row(lost, status="processing", error=None)

    def test_is_mended_one_by_one_until_ctrl_c(self):
        first, second, third = self.lose(3)
        connection = self.hold_row(second)
        process = self.start_ctl("reconcile", "--apply")
        self.wait_for_row()
        process.send(signal.SIGINT)
        connection.commit()
        process.wait_line("^nexusctl: interrupted: 2 were changed$")
        self.assertEqual(process.wait(10), 1)
        self.assertEqual([self.jobs.row(job).status for job in (first, second, third)],
                         ["failed", "failed", "processing"])
        self.assertRegex("\n".join(m.string for m in process.lines(third)), r"1min  -$")

    def test_is_a_job_whose_daemon_was_killed(self):
        self.queue.change(VisibilityTimeout="4", RedrivePolicy=json.dumps({
            "deadLetterTargetArn": self.dead_letters.attributes()["QueueArn"],
            "maxReceiveCount": 1}))
        job, = self.jobs.publish(payload={"delayMs": 60000})
        self.daemon.start().wait_ready()
        self.jobs.wait(job, "processing")
        self.daemon.kill()
        self.assertEqual(self.found("--apply"), [])
        self.sqs.advance(10)
        until(lambda: not self.queue.receive() and self.dead_letters.counts() == (1, 0),
              what="the death of the message")
        self.jobs.grow_old([job], 10)
        self.assertEqual(self.found("--apply"), [("lost", job, "failed")])
        self.assert_row(job, status="failed", attempts=1)


class Stranded(ReconcileCase):
    def test_is_sent_again_and_done(self):
        old = self.jobs.make("old", "pending", 600, payload='{"n": 1}')
        over = self.jobs.make("over", "processing", 60, attempts=1)
        self.jobs.make("young", "pending", 200)
        self.assertIn("Stranded: there is no message for the row.", self.ctl("reconcile"))
        self.assertEqual(self.found("--apply"), [("stranded", over, None), ("stranded", old, None)])
        self.assertTrue(self.queue.is_empty())
        sent = {one["job_id"]: one for one in self.objects("reconcile", "--resend")}
        self.assertEqual({one["done"] for one in sent.values()}, {"sent"})
        messages = []
        until(lambda: messages.extend(self.queue.receive(visibility=1)) or len(messages) == 2,
              what="both messages")
        self.assertEqual({m["MessageId"]: json.loads(m["Body"]) for m in messages}, {
            sent[old]["message_id"]: {"jobId": old, "type": "test-echo", "payload": {"n": 1}},
            sent[over]["message_id"]: {"jobId": over, "type": "test-echo", "payload": {}}})
        self.assert_row(over, status="pending", attempts=1)
        self.daemon.start().wait_ready()
        self.jobs.wait(old, "completed")
        self.assertEqual(self.jobs.wait(over, "completed").attempts, 2)

    def test_is_not_sent_twice_in_a_row(self):
        self.jobs.make("old", "pending", 600)
        self.assertEqual(self.found("--resend"), [("stranded", "old", "sent")])
        self.sqs.client.call("PurgeQueue", QueueUrl=self.queue.url)
        self.assertEqual(self.found("--resend"), [])

    def test_is_none_while_its_message_may_be_in_the_queue(self):
        self.jobs.make("old", "pending", 600)
        self.queue.send([body("other")])
        self.assertEqual(self.found("--resend"), [("waiting", "old", None)])
        self.assertIn("Waiting: the row's message may be in the queue", self.ctl("reconcile"))
        self.assertEqual(self.queue.counts(), (1, 0))

    def test_is_none_that_a_second_look_finds_a_message_for(self):
        self.jobs.make("old", "pending", 600)
        asked = self.sqs.answers("GetQueueAttributes")
        self.assertEqual(self.found(), [("stranded", "old", None)])
        times = self.sqs.answers("GetQueueAttributes") - asked
        self.sqs.fault(action="GetQueueAttributes", kind="delay", ms=1000, after=times - 1)
        process = self.start_ctl("--json", "reconcile", "--resend")
        until(lambda: not self.sqs.faults(), what="the second look")
        self.queue.send([body("old")])
        process.wait_line('"mismatch":"waiting","job_id":"old"')

    def test_is_none_while_not_all_dead_letters_were_read(self):
        old = self.jobs.make("old", "pending", 600)
        self.bury(1)
        self.dead_letters.send([body(old)])
        done = self.run_ctl("--json", "reconcile", "--resend", "--limit", "1")
        self.assertIn("only 1 dead letters were looked at", done.errors)
        self.assertIn(json.loads(done.output)["mismatch"], ("waiting", "buried"))
        self.assertTrue(self.queue.is_empty())

    def test_that_cannot_be_sent_stays_pending_and_ends_it(self):
        for number in range(2):
            self.jobs.make(f"old-{number}", "processing", 600 - number)
        self.sqs.fault(action="SendMessage", kind="status", status=403, code="AccessDenied")
        done = self.run_ctl("--json", "reconcile", "--resend", status=1)
        self.assertIn("the row of job old-0 stays pending: nexusctl reconcile --resend",
                      done.errors)
        self.assertEqual([self.jobs.row(f"old-{number}").status for number in range(2)],
                         ["pending", "processing"])

    def test_is_looked_for_by_the_index(self):
        self.jobs.make("old", "pending", 600)
        self.database.execute(
            "INSERT INTO background_jobs (id, type, payload, status)"
            " SELECT 'many-' || n, 'x', '{}', 'completed' FROM generate_series(1, 20000) AS n")
        self.database.execute("ANALYZE background_jobs")
        self.database.execute("SELECT pg_stat_reset()")
        self.assertEqual(self.found(), [("stranded", "old", None)])

        def read():
            counts = self.database.execute("SELECT seq_tup_read, idx_scan FROM"
                                           " pg_stat_user_tables WHERE relname = 'background_jobs'")
            return counts[0] if any(counts[0]) else None

        self.assertEqual(until(read, what="the table's counts")[0], 0)


class Reported(ReconcileCase):
    def test_are_dead_letters_that_no_row_waits_for(self):
        buried, = self.bury(1, status="pending")
        self.jobs.grow_old([buried], 600)
        done, = self.bury(1, status="completed")
        self.dead_letters.send([body("never-made"), "no JSON"])
        found = self.found("--apply", "--resend")
        self.assertEqual(found[0], ("buried", buried, None))
        self.assertCountEqual(found[1:3], [("no row", "never-made", None), ("no row", None, None)])
        self.assertEqual(found[3:], [("done", done, None)])
        text = self.ctl("reconcile")
        self.assertRegex(text, r"(?m)^never-made +test-echo +none +\d+s  -$")
        self.assertIn("Buried: the row is pending, but its message is dead", text)
        self.assertIn("\n\nDead letters without a row: nexusctl dlq show ID\n", text)
        self.assertIn("\n\nDead letters of jobs that are completed: nexusctl dlq purge\n", text)
        self.assert_all_visible(4)


class Refused(ReconcileCase):
    def test_where_dead_letters_cannot_be_read(self):
        lost, = self.lose()
        self.use_key("GetQueueAttributes", "SendMessage")
        self.assertIn("sqs:ReceiveMessage", self.complain("reconcile", "--apply", "--resend"))
        self.assert_row(lost, status="processing")

    def test_where_the_queue_is_not_there(self):
        self.jobs.make("old", "pending", 600)
        self.daemon.configure({"queue.url": self.queue.url + "-not"})
        self.assertIn("is not there", self.complain("reconcile", "--resend"))

    def test_where_the_database_is_away(self):
        self.daemon.configure({"database.url": "postgresql://127.0.0.1:1/none"})
        self.assertIn("the database cannot be reached", self.complain("reconcile"))

    def test_words_that_are_none(self):
        for words, reason in ((("everything",), "everything: see the options"),
                              (("--pending", "long"), "accepted is a duration"),
                              (("--limit", "x"), "accepted is a number")):
            self.assertIn(reason, self.run_ctl("reconcile", *words, status=64).errors)


if __name__ == "__main__":
    tap.main()
