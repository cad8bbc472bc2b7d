"""nexusctl dlq redrive: a copy, the row, and only then the delete; whatever comes between."""

import signal

from lab import tap
from lab.clocks import Clocks
from lab.ctl_case import CtlCase, setUpModule, tearDownModule  # noqa: F401
from lab.dead_letters import DeadLetters
from lab.feed import until
from lab.jobs import body

IN_HAND = 60
COLOUR = {"colour": {"DataType": "String", "StringValue": "red"}}


class ARedrive(DeadLetters, CtlCase):
    def test_sends_all_back_and_their_jobs_run(self):
        jobs = self.bury(12, error="no paper")
        self.assertEqual(self.ctl("dlq", "redrive", "--all", "--yes"),
                         f"12 dead letters are back in {self.queue.name}\n")
        self.assert_all_visible(0)
        self.assertEqual(self.jobs.counts(), {"pending": 12})
        self.assertEqual({row.error for row in self.jobs.rows()}, {None})
        self.daemon.start()
        self.jobs.wait_all("completed")
        self.assertEqual({row.attempts for row in self.jobs.rows(jobs)}, {4})

    def test_carries_the_messages_own_attributes_and_none_of_ours(self):
        self.bury(1, attributes={**COLOUR, "NexusReason": {
            "DataType": "String", "StringValue": "no paper"}})
        self.ctl("dlq", "redrive", "--all", "--yes")
        message, = self.sqs.client.call(
            "ReceiveMessage", QueueUrl=self.queue.url, WaitTimeSeconds=1,
            MessageAttributeNames=["All"])["Messages"]
        self.assertEqual(message["MessageAttributes"], COLOUR)

    def test_sends_those_that_are_chosen(self):
        first, second, third = self.bury(3, error="no paper")
        ink, = self.bury(1, error="no ink")
        words, = self.bury(1, kind="count-words")
        self.ctl("dlq", "redrive", "--job", first, second)
        self.assertEqual(self.statuses("pending"), {first, second})
        self.ctl("dlq", "redrive", "--error", "ink")
        self.ctl("dlq", "redrive", "--type", "count-words")
        self.assertEqual(self.statuses("pending"), {first, second, ink, words})
        self.assertEqual(self.statuses("failed"), {third})
        self.assertEqual(self.queue.counts(), (4, 0))
        self.assert_all_visible(1)

    def statuses(self, status):
        return {row.id for row in self.jobs.rows() if row.status == status}

    def test_shows_beforehand_what_would_go(self):
        failed, = self.bury(1)
        completed, = self.bury(1, status="completed")
        text = self.ctl("dlq", "redrive", "--all", "--dry-run")
        self.assertRegex(text, rf"(?m)^{failed} +test-echo +failed 3 +sent$")
        self.assertRegex(text, rf"(?m)^{completed} +test-echo +completed 3 +kept: its job is comp")
        plan = self.objects("dlq", "redrive", "--all", "--dry-run")
        self.assertEqual({one["job_id"]: one["action"] for one in plan},
                         {failed: "sent", completed: "kept"})
        self.assertTrue(self.queue.is_empty())
        self.assert_all_visible(2)

    def test_keeps_what_would_not_run_or_must_not(self):
        self.bury(1, status="completed")
        self.bury(1, kind="test-echo")
        self.database.execute("UPDATE background_jobs SET type = 'other' WHERE status = 'failed'")
        self.dead_letters.send([body("no-row"), "{}"])
        self.dead_letters.send([body("elsewhere")], {"NexusSourceQueue": {
            "DataType": "String", "StringValue": "arn:aws:sqs:us-east-1:123456789012:others"}})
        before = self.jobs.rows()
        done = self.run_ctl("dlq", "redrive", "--all", "--yes", status=1)
        self.assertEqual(done.output, f"0 dead letters are back in {self.queue.name}; "
                                      "5 were kept\n")
        for reason in ("its job is completed", "its job's row is of another type",
                       "no-row: kept: its job has no row", "kept: jobId is missing",
                       "elsewhere: kept: another queue gave it up"):
            self.assertIn(reason, done.errors)
        self.assertEqual(done.errors.count("\n"), 5)
        self.assertTrue(self.queue.is_empty())
        self.assertEqual(self.jobs.rows(), before)
        self.assert_all_visible(5)

    def test_leaves_rows_alone_that_are_not_failed(self):
        self.bury(1, status="pending", attempts=0)
        self.bury(1, status="processing", attempts=2)
        before = self.jobs.rows()
        self.ctl("dlq", "redrive", "--all", "--yes")
        self.assertEqual(self.jobs.rows(), before)
        self.assertEqual(self.queue.counts(), (2, 0))

    def test_asks_where_it_is_all_and_nobody_can_answer(self):
        self.bury(2)
        line = self.complain("dlq", "redrive", "--all")
        self.assertIn(f"Send 2 dead letters of {self.dead_letters.name} back to "
                      f"{self.queue.name}? Nobody can be asked", line)
        self.assert_all_visible(2)

    def test_of_ids_that_are_not_there_says_so_and_sends_the_others(self):
        job, = self.bury(1)
        done = self.run_ctl("dlq", "redrive", "--job", job, "job-9", status=1)
        self.assertIn("job-9: no dead letter of that id", done.errors)
        self.assertEqual(self.statuses("pending"), {job})

    def test_where_sqs_takes_no_copy_changes_nothing(self):
        self.bury(2, error="no paper")
        self.use_key("GetQueueAttributes", "ReceiveMessage", "ChangeMessageVisibility",
                     "DeleteMessage")
        done = self.run_ctl("dlq", "redrive", "--all", "--yes", status=1)
        self.assertIn("sqs:SendMessage", done.errors)
        self.assertIn("stopped: 0 dead letters are back", done.errors)
        self.assertEqual(self.jobs.counts(), {"failed": 2})
        self.assert_all_visible(2)

    def test_where_it_may_not_delete_says_that_the_letter_is_there_twice(self):
        job, = self.bury(1)
        self.use_key("GetQueueAttributes", "ReceiveMessage", "ChangeMessageVisibility",
                     "SendMessage")
        done = self.run_ctl("dlq", "redrive", "--all", "--yes", status=1)
        self.assertIn(f"{job}: sent, but still here too: ", done.errors)
        self.assertEqual(self.queue.counts(), (1, 0))
        self.assert_all_visible(1)

    def test_without_the_database_changes_nothing(self):
        self.bury(1)
        self.daemon.configure({"database.url": "postgresql://127.0.0.1:1/none"})
        self.assertIn("the database cannot be reached", self.complain("dlq", "redrive", "--all"))
        self.assert_all_visible(1)
        self.assertTrue(self.queue.is_empty())

    def test_goes_on_where_sqs_does_not_take_one_of_them(self):
        refused, taken = self.bury(2)
        self.sqs.fault(action="SendMessage", kind="status", status=400,
                       code="InvalidMessageContents")
        done = self.run_ctl("dlq", "redrive", "--all", "--yes", status=1)
        self.assertIn(f"{refused}: kept: ", done.errors)
        self.assertEqual((self.statuses("pending"), self.statuses("failed")), ({taken}, {refused}))
        self.assertEqual(self.queue.counts(), (1, 0))
        self.assert_all_visible(1)

    def test_works_through_a_pooler(self):
        self.bury(2)
        bouncer = self.lab.pgbouncer(self.postgres)
        self.daemon.configure({"database.url": bouncer.url(self.database)})
        self.ctl("dlq", "redrive", "--all", "--yes")
        self.assertEqual(self.jobs.counts(), {"pending": 2})

    def test_of_a_command_line_that_cannot_be_is_usage(self):
        for words in ((), ("job-1",), ("--all", "--type", "x"), ("--move-task", "--type", "x"),
                      ("--all", "--rate", "0"), ("--all", "--rate", "5/h"),
                      ("--all", "--move-task", "--rate", "501/s")):
            self.run_ctl("dlq", "redrive", *words, status=64)


class WhateverComesBetween(DeadLetters, CtlCase):
    """A letter is never lost: at worst its message is there twice, and its job runs once."""

    def redrive(self, *words):
        return self.start_ctl("dlq", "redrive", "--all", "--yes", *words)

    def kill(self, process):
        process.send(signal.SIGKILL)
        process.wait()
        self.sqs.heal()
        self.sqs.advance(IN_HAND)

    def assert_there(self, letters, messages):
        self.assertEqual((self.dead_letters.counts()[0], self.queue.counts()[0]),
                         (letters, messages))

    def test_kill_9_loses_none_of_them(self):
        twice = 0
        for action, kind, letters, messages in (
                ("ReceiveMessage", "late", 1, 0), ("SendMessage", "black-hole", 1, 0),
                ("SendMessage", "late", 1, 1), ("DeleteMessageBatch", "black-hole", 1, 1),
                ("DeleteMessageBatch", "late", 0, 1)):
            with self.subTest(action=action, kind=kind):
                self.kill_at(action, kind)
                self.assert_there(letters, messages + twice)
                self.ctl("dlq", "redrive", "--all", "--yes")
                twice += messages + letters
                self.assert_there(0, twice)
        self.assert_each_runs_once()

    def kill_at(self, action, kind):
        """When the request has come, whose answer does not."""
        self.bury(1, error="no paper")
        self.sqs.fault(action=action, kind=kind, ms=3600 * 1000)
        process = self.redrive()
        until(lambda: not self.sqs.faults(), what=f"{kind} of {action}")
        self.kill(process)

    def test_kill_9_while_it_waits_for_the_row_loses_nothing(self):
        job, = self.bury(1, error="no paper")
        holder = self.hold_row(job)
        process = self.redrive()
        self.wait_for_row()
        self.kill(process)
        holder.rollback()
        self.assert_there(1, 1)
        self.ctl("dlq", "redrive", "--all", "--yes")
        self.assert_there(0, 2)
        self.assert_each_runs_once()

    def assert_each_runs_once(self):
        self.daemon.start()
        self.jobs.wait_all("completed")
        until(self.queue.is_empty, what="an empty queue")
        self.assertEqual(set(self.jobs.runs()), {1})

    def test_a_job_that_is_completed_meanwhile_is_not_sent(self):
        first, second = self.bury(2)
        holder = self.hold_row(first)
        process = self.redrive()
        self.wait_for_row()
        self.database.execute(
            "UPDATE background_jobs SET status = 'completed' WHERE id = %s", (second,))
        holder.rollback()
        self.assertEqual(process.wait(), 1)
        process.wait_line(rf"{second}: kept: its job is completed")
        self.assert_there(1, 1)

    def test_a_job_that_is_begun_meanwhile_keeps_its_row(self):
        job, = self.bury(1)
        holder = self.hold_row(job)
        process = self.redrive()
        self.wait_for_row()
        holder.cursor().execute("UPDATE background_jobs SET status = 'processing', attempts = 4"
                                " WHERE id = %s", (job,))
        holder.commit()
        self.assertEqual(process.wait(), 0)
        process.wait_line("1 had been begun before")
        self.assert_row(job, status="processing", attempts=4)

    def redrive_long(self, first):
        """The machine sleeps for 40 seconds while the first letter's row is waited for."""
        clocks = Clocks(self.lab, self.queue.name)
        self.addCleanup(clocks.close)
        self.daemon.environment.update(clocks.environment)
        holder = self.hold_row(first)
        process = self.redrive()
        self.wait_for_row()
        clocks.suspend(40)
        self.sqs.forget_stats()
        holder.rollback()
        return process

    def test_letters_that_wait_for_long_are_kept_in_hand(self):
        first, _ = self.bury(2)
        self.assertEqual(self.redrive_long(first).wait(), 0)
        self.assertEqual(self.sqs.answers("ChangeMessageVisibilityBatch"), 1)
        self.assert_there(0, 2)

    def test_a_letter_that_somebody_else_has_by_now_is_left_alone(self):
        first, second = self.bury(2)
        self.sqs.fault(action="ChangeMessageVisibilityBatch", kind="fail-entries",
                       code="ReceiptHandleIsInvalid", sender_fault=True)
        process = self.redrive_long(first)
        self.assertEqual(process.wait(), 1)
        process.wait_line(rf"{second}: kept: somebody else has it in hand now$")
        self.assertEqual(self.queue.counts(), (1, 0))

    def test_ctrl_c_lets_it_finish_the_letter_that_it_is_at(self):
        first, _ = self.bury(2)
        holder = self.hold_row(first)
        process = self.redrive()
        self.wait_for_row()
        process.send(signal.SIGINT)
        holder.rollback()
        self.assertEqual(process.wait(), 1)
        process.wait_line(r"^nexusctl: interrupted: 1 dead letters are back in .*; "
                          "1 were not tried$")
        self.assert_row(first, status="pending")
        self.assert_there(1, 1)

    def test_ctrl_c_ends_a_pause(self):
        self.bury(2)
        process = self.redrive("--rate", "1/min")
        until(lambda: self.queue.counts() == (1, 0), what="the first letter")
        process.send(signal.SIGINT)
        self.assertEqual(process.wait(), 1)
        self.assert_there(1, 1)


if __name__ == "__main__":
    tap.main()
