"""Every outcome that a job can have: what its row says, and what becomes of its message."""

import datetime

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import body


def utc_now():
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


class AJob(Case):
    """Without more, its message stays away for the rest of the test once it was received."""

    def test_that_succeeds_is_completed_and_its_message_deleted(self):
        daemon = self.start()
        job, = self.jobs.publish()
        row = self.jobs.wait(job, "completed")
        self.assertEqual((row.attempts, row.error), (1, None))
        self.assertLessEqual(row.started_at, row.completed_at)
        self.assertLessEqual(row.completed_at, row.updated_at)
        self.assertLess(abs(utc_now() - row.updated_at), datetime.timedelta(seconds=5))
        daemon.wait_line(f"job={job} type=test-echo attempt=1 receive=1 outcome=completed ")
        until(self.queue.is_empty, what="an empty queue")

    def test_that_fails_keeps_its_message(self):
        daemon = self.start()
        job, = self.jobs.publish(payload={"fail": "no paper"})
        row = self.jobs.wait(job, "failed")
        self.assertEqual((row.attempts, row.error, row.completed_at), (1, "no paper", None))
        daemon.wait_line(f"job={job} .*outcome=failed .*no paper")
        self.assertEqual(self.queue.counts(), (0, 1))

    def test_that_fails_with_a_long_text_keeps_its_first_4_kib(self):
        self.start()
        job, = self.jobs.publish(payload={"fail": "€" * 5000})
        error = self.jobs.wait(job, "failed").error
        self.assertLessEqual(len(error.encode()), 4096)
        self.assertTrue(error.startswith("€" * 1300))

    def test_that_exceeds_its_time_is_failed(self):
        daemon = self.start({"worker.job_timeout": "1s"})
        job, = self.jobs.publish(payload={"delayMs": 20000})
        self.assertEqual(self.jobs.wait(job, "failed").error, "timed out after 1s")
        daemon.wait_line(f"job={job} .*outcome=timeout ")
        self.assertEqual(self.queue.counts(), (0, 1))

    def test_of_a_type_without_handler_is_failed(self):
        daemon = self.start()
        job, = self.jobs.publish(kind="send-fax")
        self.assertEqual(self.jobs.wait(job, "failed").error,
                         "No handler registered for job type: send-fax")
        daemon.wait_line(f"job={job} .*outcome=failed ")
        self.assertEqual(self.queue.counts(), (0, 1))

    def test_without_a_row_is_not_found(self):
        daemon = self.start()
        self.queue.send([body("never-inserted")])
        daemon.wait_line("job=never-inserted .*outcome=missing .*not found")
        self.assertEqual(self.queue.counts(), (0, 1))
        self.assertEqual(self.jobs.rows(), [])

    def test_whose_row_comes_a_moment_late_is_run(self):
        daemon = self.start({"log.level": "debug"})
        self.queue.send([body("late")])
        daemon.wait_line("job=late: its row is not there")
        self.database.execute(
            "INSERT INTO background_jobs (id, type, payload) VALUES ('late', 'test-echo', '{}')")
        self.jobs.wait("late", "completed")
        daemon.wait_line("job=late .*receive=1 outcome=completed")

    def test_of_another_type_than_its_row_is_rejected(self):
        daemon = self.start()
        job, = self.jobs.insert(kind="send-letter")
        self.queue.send([body(job, "test-echo")])
        daemon.wait_line(f"job={job} .*outcome=rejected .*type")
        self.assert_row(job, status="pending", attempts=0)
        self.assertEqual(self.queue.counts(), (0, 1))

    def test_that_is_completed_already_is_deleted_and_not_run(self):
        job, = self.jobs.insert()
        self.database.execute("UPDATE background_jobs SET status = 'completed', attempts = 7,"
                              " completed_at = '2026-01-02' WHERE id = %s", (job,))
        before = self.jobs.row(job)
        daemon = self.start()
        self.queue.send([body(job)])
        daemon.wait_line(f"job={job} .*outcome=duplicate ")
        until(self.queue.is_empty, what="an empty queue")
        self.assertEqual(self.jobs.row(job), before)

    def test_has_its_error_cleared_when_it_succeeds_at_last(self):
        job, = self.jobs.insert()
        self.database.execute("UPDATE background_jobs SET status = 'failed', attempts = 1,"
                              " error = 'no paper' WHERE id = %s", (job,))
        self.start()
        self.queue.send([body(job)])
        row = self.jobs.wait(job, "completed")
        self.assertEqual((row.attempts, row.error), (2, None))


class AMalformedMessage(Case):
    BODIES = {
        "not JSON": "hello",
        "cut short": '{"jobId": "a", "type": "test-e',
        "not an object": '["a", "b"]',
        "without jobId": '{"type": "test-echo", "payload": {}}',
        "without type": '{"jobId": "a", "payload": {}}',
        "without payload": '{"jobId": "a", "type": "test-echo"}',
        "with an empty jobId": '{"jobId": "", "type": "test-echo", "payload": {}}',
        "with a number as jobId": '{"jobId": 7, "type": "test-echo", "payload": {}}',
        "with more behind it": '{"jobId": "a", "type": "test-echo", "payload": {}} and more',
        "too deep": '{"jobId": "a", "type": "test-echo", "payload": ' + "[" * 5000 + "]" * 5000
                    + "}",
    }

    def test_is_rejected_with_a_reason_and_kept_and_others_go_on(self):
        daemon = self.start()
        self.queue.send(list(self.BODIES.values()))
        job, = self.jobs.publish()
        daemon.wait_line(r"message=\S+ receive=1 outcome=rejected .*reason=\S+",
                         times=len(self.BODIES))
        self.jobs.wait(job, "completed")
        until(lambda: self.queue.counts() == (0, len(self.BODIES)), what="the others in flight")
        self.assertEqual(len(daemon.lines("outcome=rejected")), len(self.BODIES))
        self.assertEqual(daemon.stop(), 0)


class AJobThatComesAgain(Case):
    """With a visibility timeout that a test can wait for."""

    visibility = 4

    def test_after_three_failures_is_a_dead_letter(self):
        daemon = self.start()
        job, = self.jobs.publish(payload={"fail": "no paper"})
        self.queue.send([body("never-inserted"), "not JSON"])
        until(lambda: self.dead_letters.counts()[0] == 3, within=25, what="three dead letters")
        self.assert_row(job, status="failed", attempts=3, error="no paper")
        self.assertEqual(self.jobs.history(job), [
            (status, attempt) for attempt in (1, 2, 3) for status in ("processing", "failed")])
        for receive in (1, 2, 3):
            daemon.wait_line(f"job={job} .*attempt={receive} receive={receive} outcome=failed")
        self.assertEqual(daemon.stop(), 0)

    def test_is_run_again_and_may_succeed(self):
        self.start()
        job, = self.jobs.publish(payload={"failAttempts": 1})
        self.jobs.wait(job, "failed")
        row = self.jobs.wait(job, "completed")
        self.assertEqual((row.attempts, row.error), (2, None))
        until(self.queue.is_empty, what="an empty queue")


class AJobThatRunsElsewhere(Case):
    visibility = 4

    def held_elsewhere(self):
        """A job whose row another daemon has just touched."""
        job, = self.jobs.insert()
        self.database.execute(
            "UPDATE background_jobs SET status = 'processing', attempts = 1,"
            " started_at = now() AT TIME ZONE 'UTC', updated_at = now() AT TIME ZONE 'UTC'"
            " WHERE id = %s", (job,))
        self.queue.send([body(job)])
        return job

    def test_waits_until_that_lease_is_over_and_is_then_taken_over(self):
        daemon = self.start()
        job = self.held_elsewhere()
        held_at = self.jobs.row(job).updated_at
        row = self.jobs.wait(job, "completed", within=12)
        self.assertEqual(row.attempts, 2)
        self.assertGreaterEqual(row.started_at - held_at, datetime.timedelta(seconds=3))
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed")

    def test_is_not_run_when_the_other_completes_it(self):
        daemon = self.start()
        job = self.held_elsewhere()
        until(lambda: self.queue.counts() == (0, 1), what="the message in hand")
        self.database.execute(
            "UPDATE background_jobs SET status = 'completed' WHERE id = %s", (job,))
        daemon.wait_line(f"job={job} .*outcome=duplicate", within=12)
        until(self.queue.is_empty, what="an empty queue")
        self.assert_row(job, status="completed", attempts=1)


class AHandlersPayload(Case):
    def test_is_the_messages_and_the_rows_is_left_as_it_is(self):
        self.start()
        job, = self.jobs.insert(payload={"fail": "the row's"})
        self.queue.send([body(job, payload={"delayMs": 1})])
        self.assertEqual(self.jobs.wait(job, "completed").payload, {"fail": "the row's"})

    def test_may_hold_what_a_row_cannot(self):
        self.start()
        good, bad = self.jobs.insert(count=2)
        self.queue.send([body(good, payload={"nul": "\0"}), body(bad, payload={"fail": "a\0b"})])
        self.jobs.wait(good, "completed")
        self.assertTrue(self.jobs.wait(bad, "failed").error.startswith("a"))


class AnErrorThatTheTableRefuses(Case):
    def test_costs_its_own_row_the_text_and_its_neighbours_nothing(self):
        self.database.execute(
            "ALTER TABLE background_jobs ADD CONSTRAINT polite CHECK (error <> 'rude')")
        refused, = self.jobs.publish(payload={"fail": "rude"})
        self.jobs.publish(count=50)
        self.start()
        self.assertIn("polite", self.jobs.wait(refused, "failed").error)
        until(lambda: self.jobs.counts() == {"completed": 50, "failed": 1}, what="the others")
        self.assertEqual(self.jobs.runs(), {1: 51})


if __name__ == "__main__":
    tap.main()
