"""The checker sees each way in which a promise can be broken, and nothing where none was."""

import subprocess
import unittest
import unittest.mock

from lab import tap
from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import Feed, until
from lab.hearer import parse_line
from lab.story import (DOUBLE, EARLY_DELETE, EARLY_TAKEOVER, LOST, RERUN, WRONG_LOG, WRONG_ROW,
                       Mark, Said, Story, Terms, Version, judge)

UPDATE = ("UPDATE background_jobs SET updated_at = clock_timestamp() AT TIME ZONE 'UTC', {}"
          " WHERE id = %s")
BEGIN = UPDATE.format("status = 'processing', attempts = attempts + 1,"
                      " started_at = clock_timestamp() AT TIME ZONE 'UTC'")
COMPLETE = UPDATE.format("status = 'completed', error = NULL,"
                         " completed_at = clock_timestamp() AT TIME ZONE 'UTC'")
FAIL = UPDATE.format("status = 'failed', error = 'as asked'")


class ByHand(FaultCase):
    """Does a daemon's work, well or badly."""

    def setUp(self):
        super().setUp()
        self.job, = self.publish()

    def update(self, sql):
        self.database.execute(sql, (self.job,))

    def start_run(self, attempt=1, ms=0):
        """The job's program, which has begun."""
        n_begun = self.count_begun()
        child = subprocess.Popen([self.lab.program("marker"), self.marks], stdin=subprocess.PIPE,
                                 env={"JOB_ID": self.job, "JOB_ATTEMPT": str(attempt)})
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        child.stdin.write(b'{"ms": %d}' % ms)
        child.stdin.close()
        until(lambda: self.count_begun() > n_begun, what="a mark")
        return child

    def count_begun(self):
        return self.marks.read_text().count("begin") if self.marks.exists() else 0

    def receive(self):
        """Waits, for at once SQS may overlook what is there."""
        message, = self.sqs.client.call("ReceiveMessage", QueueUrl=self.queue.url,
                                        WaitTimeSeconds=5, VisibilityTimeout=0)["Messages"]
        return message

    def delete(self):
        self.sqs.client.call("DeleteMessage", QueueUrl=self.queue.url,
                             ReceiptHandle=self.receive()["ReceiptHandle"])

    def run_once(self, attempt=1):
        self.update(BEGIN)
        self.start_run(attempt).wait()

    def live(self):
        """As a good daemon does it."""
        self.run_once()
        self.update(COMPLETE)
        self.delete()

    def verdict(self, *kinds):
        """It, with a breach of those kinds, and of no others."""
        verdict = self.checker.verdict()
        self.assertEqual({breach.kind for breach in verdict.breaches}, set(kinds), verdict)
        return verdict


class AJob(ByHand):
    def test_that_is_run_once_and_then_deleted_breaks_nothing(self):
        self.live()
        verdict = self.verdict()
        self.assertEqual((verdict.n_jobs, verdict.burnt), (1, {}))

    def test_that_is_touched_fails_and_comes_again_breaks_nothing(self):
        self.receive()
        self.run_once()
        self.update(UPDATE.format("error = error"))
        self.update(FAIL)
        self.run_once(attempt=2)
        self.update(COMPLETE)
        self.delete()
        self.assertEqual(self.verdict().burnt, {})

    def test_that_is_received_for_nothing_has_burnt_that(self):
        self.receive()
        self.receive()
        self.live()
        self.assertEqual(self.verdict().burnt, {self.job: 2})

    def test_that_fails_three_times_is_a_dead_letter(self):
        for attempt in (1, 2, 3):
            self.receive()
            self.run_once(attempt)
            self.update(FAIL)
        until(lambda: not self.queue.receive() and self.queue.is_empty(), what="a dead letter")
        verdict = self.verdict()
        self.assertEqual((verdict.dead_letters, verdict.failed), ({self.job}, {self.job}))

    def test_whose_copy_is_in_the_dead_letter_queue_may_be_deleted(self):
        self.run_once()
        self.update(FAIL)
        message = self.receive()
        self.dead_letters.send([message["Body"]])
        self.delete()
        self.verdict()


class ABreach(ByHand):
    def test_is_a_second_run_beside_the_first(self):
        self.update(BEGIN)
        first = self.start_run(ms=60_000)
        # Two attempts in order, as far as the row can tell; the first never tells of its end.
        self.update(FAIL)
        self.update(BEGIN)
        self.start_run(attempt=2).wait()
        first.kill()
        self.update(COMPLETE)
        self.delete()
        self.verdict(DOUBLE)

    def test_is_a_second_run_of_one_attempt(self):
        self.update(BEGIN)
        self.start_run().wait()
        self.start_run().wait()
        self.update(COMPLETE)
        self.delete()
        self.verdict(DOUBLE)

    def test_is_a_run_after_completed_that_only_its_mark_tells(self):
        self.live()
        self.start_run(attempt=2).wait()
        self.verdict(RERUN)

    def test_is_a_row_that_goes_on_after_completed(self):
        self.live()
        self.update(FAIL)
        self.verdict(RERUN)

    def test_is_a_delete_before_the_commit(self):
        self.run_once()
        connection = self.database.connect()
        self.addCleanup(connection.close)
        with connection.cursor() as cursor:
            cursor.execute(COMPLETE, (self.job,))
        self.delete()
        connection.commit()
        self.verdict(EARLY_DELETE)

    def test_is_a_message_that_is_lost(self):
        self.run_once()
        self.update(FAIL)
        self.delete()
        self.verdict(LOST, EARLY_DELETE)

    def test_is_a_dead_daemon_s_row_that_is_taken_over_at_once(self):
        self.update(BEGIN)
        first = self.start_run(ms=60_000)
        first.kill()
        first.wait()
        self.run_once(attempt=2)
        self.update(COMPLETE)
        self.delete()
        self.verdict(EARLY_TAKEOVER)

    def test_is_a_job_that_is_completed_without_a_run(self):
        self.update(BEGIN)
        self.update(COMPLETE)
        self.delete()
        self.verdict(WRONG_ROW)

    def test_is_a_job_that_is_completed_while_it_runs(self):
        self.update(BEGIN)
        self.start_run(ms=60_000).kill()
        self.update(COMPLETE)
        self.delete()
        self.verdict(WRONG_ROW)

    def test_is_a_run_that_was_counted_twice(self):
        self.update(UPDATE.format("status = 'processing', attempts = 2, started_at = now()"))
        self.start_run(attempt=2).wait()
        self.update(COMPLETE)
        self.delete()
        self.verdict(WRONG_ROW)

    def test_is_a_row_that_is_completed_with_an_error(self):
        self.run_once()
        self.update(UPDATE.format("status = 'completed', error = 'x', completed_at = now()"))
        self.delete()
        self.verdict(WRONG_ROW)


class ADaemonThatWasStopped(unittest.TestCase):
    """Its lease is 3 s; another has begun its job."""

    def breaches(self, second_at, frozen):
        story = Story("job")
        story.marks = [Mark("begin", "job", 1, 100, 10, 0), Mark("begin", "job", 2, 200, 20,
                       second_at), Mark("double", "job", 2, 200, 20, second_at)]
        story.order()
        return {breach.kind for breach in judge(story, Terms(3_000_000, "dead", frozen))}

    def test_may_find_its_job_taken_over_once_its_lease_is_over(self):
        self.assertEqual(self.breaches(5_000_000, [(10, 1_000_000, 6_000_000)]), set())

    def test_may_not_before(self):
        self.assertEqual(self.breaches(2_600_000, [(10, 1_000_000, 6_000_000)]), {DOUBLE})

    def test_may_not_when_it_has_been_going_on_for_long(self):
        self.assertEqual(self.breaches(7_100_000, [(10, 1_000_000, 6_000_000)]), {DOUBLE})

    def test_may_have_had_the_lock_where_another_was_killed_since(self):
        story = Story("job")
        story.marks = [Mark("begin", "job", attempt, 100 * attempt, 10 * attempt, at)
                       for attempt, at in [(1, 0), (2, 4_000_000), (3, 5_000_000)]]
        story.marks.append(Mark("double", "job", 3, 300, 30, 5_000_000))
        story.order()
        for frozen, kinds in [([(10, 1_000_000, 6_000_000)], set()), ([], {DOUBLE})]:
            breaches = judge(story, Terms(3_000_000, "dead", frozen))
            self.assertEqual({breach.kind for breach in breaches}, kinds)

    def test_is_no_excuse_for_others(self):
        self.assertEqual(self.breaches(5_000_000, [(11, 1_000_000, 6_000_000)]), {DOUBLE})


class ADaemonThatWasStoppedBeforeItRanWhatItHad(unittest.TestCase):
    """The row is another's by then, and completed."""

    def breaches(self, run_at, granted_at=900_000):
        story = Story("job")
        rows = [("INSERT", "pending", 0, 0), ("UPDATE", "processing", 1, granted_at),
                ("UPDATE", "processing", 2, 5_000_000), ("UPDATE", "completed", 2, 5_100_000)]
        story.versions = [Version(step, op, "job", "test-echo", status, attempts, None, at, at, at, at)
                          for step, (op, status, attempts, at) in enumerate(rows)]
        story.marks = [Mark("begin", "job", 1, 100, 10, run_at)]
        story.order()
        terms = Terms(3_000_000, "dead", [(10, 1_000_000, 6_000_000)])
        return {breach.kind for breach in judge(story, terms)}

    def test_may_begin_when_it_goes_on(self):
        self.assertEqual(self.breaches(6_100_000), set())

    def test_may_not_later(self):
        self.assertEqual(self.breaches(7_100_000), {RERUN})

    def test_may_not_begin_what_it_was_given_since(self):
        self.assertEqual(self.breaches(6_100_000, granted_at=1_100_000), {RERUN})


class ALog(unittest.TestCase):
    """Of a daemon, 10, that ran the job once or twice, and another, 11."""

    ONCE = (("pending", 0), ("processing", 1), ("completed", 1))
    TWICE = (("pending", 0), ("processing", 1), ("failed", 1), ("processing", 2), ("completed", 2))
    TAKEN_OVER = (("pending", 0), ("processing", 1), ("processing", 2), ("completed", 2))

    def breaches(self, rows, *said, heard_all=True):
        """said: (outcome, attempt) of each line."""
        story = Story("job")
        story.versions = [
            Version(step, "UPDATE" if step else "INSERT", "job", "test-echo", status, attempts,
                    None, *[step * 10_000_000] * 4) for step, (status, attempts) in enumerate(rows)]
        story.marks = [Mark("begin", "job", 1, 100, 10, 10_000_000),
                       Mark("end", "job", 1, 100, 10, 11_000_000)]
        story.said = [Said("info", "job", attempt, outcome, 0) for outcome, attempt in said]
        return self.judge(story, {10, 11} if heard_all else {11}, heard_all)

    def judge(self, story, outspoken, heard_all):
        terms = Terms(3_000_000, "dead", outspoken=outspoken, heard_all=heard_all)
        return {breach.kind for breach in judge(story, terms)}

    def test_of_every_end_is_as_it_should_be(self):
        self.assertEqual(self.breaches(self.ONCE, ("completed", 1)), set())
        self.assertEqual(self.breaches(self.TWICE, ("failed", 1), ("completed", 2)), set())
        self.assertEqual(self.breaches(self.TWICE, ("timeout", 1), ("completed", 2)), set())
        self.assertEqual(self.breaches(self.ONCE, ("completed", 1), ("duplicate", 1)), set())

    def test_that_does_not_tell_of_an_end_is_wrong(self):
        self.assertEqual(self.breaches(self.ONCE), {WRONG_LOG})
        self.assertEqual(self.breaches(self.TWICE, ("completed", 2)), {WRONG_LOG})

    def test_of_one_that_was_killed_may_miss_some(self):
        self.assertEqual(self.breaches(self.TWICE, ("completed", 2), heard_all=False), set())

    def test_that_tells_of_an_end_twice_is_wrong(self):
        twice = ("completed", 1), ("completed", 1)
        self.assertEqual(self.breaches(self.ONCE, *twice, heard_all=False), {WRONG_LOG})

    def test_that_tells_of_an_end_which_is_not_written_is_wrong(self):
        self.assertEqual(self.breaches(self.ONCE, ("failed", 1), ("completed", 1)), {WRONG_LOG})
        self.assertEqual(self.breaches(self.ONCE, ("completed", 2), heard_all=False), {WRONG_LOG})

    def test_that_calls_lost_what_is_written_is_wrong(self):
        self.assertEqual(self.breaches(self.ONCE, ("lost", 1), ("completed", 1)), {WRONG_LOG})

    def test_that_does_not_tell_of_what_was_taken_over_is_wrong(self):
        done = ("completed", 2)
        self.assertEqual(self.breaches(self.TAKEN_OVER, done), {WRONG_LOG})
        self.assertEqual(self.breaches(self.TAKEN_OVER, ("lost", 1), done), set())
        self.assertEqual(self.breaches(self.TAKEN_OVER, done, heard_all=False), set())

    def test_with_an_error_and_no_failure_is_wrong(self):
        story = Story("job")
        story.said = [Said("error", "job", None, None, 0)]
        self.assertEqual(self.judge(story, set(), False), {WRONG_LOG})

    def test_is_read_as_the_daemon_writes_it(self):
        end = parse_line("2026-11-26T09:11:42.289Z info    job=a-1 type=mark attempt=2 receive=1"
                         " outcome=completed wait=1ms run=251ms")
        self.assertEqual(end, Said("info", "a-1", 2, "completed", 1795684302289000))
        other = parse_line("2026-11-26T09:11:42.289Z error   job=a-1: could not be marked")
        self.assertEqual(other, Said("error", "a-1", None, None, 1795684302289000))
        self.assertIsNone(parse_line("2026-11-26T09:11:42.289Z info    a line about job=a-1"))


class WhatDaemonsSay(ByHand):
    AT = "2026-11-26T09:11:42.289Z"

    def assert_heard(self, *kinds, status=0, lines=()):
        """The job went well, and a daemon said that, and ended with that status."""
        self.live()
        feed = Feed("a daemon")
        feed.lines = list(lines)
        process = unittest.mock.Mock(pid=10, feed=feed)
        process.child.poll.return_value = status
        self.checker.listen(unittest.mock.Mock(processes=[process]))
        with unittest.mock.patch("lab.checker.LINES_WITHIN", 0):
            self.verdict(*kinds)

    def completed(self):
        return (f"{self.AT} info    job={self.job} type=mark attempt=1 receive=1 outcome=completed"
                " wait=1ms run=2ms")

    def test_is_compared(self):
        self.assert_heard(lines=[self.completed()])

    def test_is_not_enough(self):
        self.assert_heard(WRONG_LOG)

    def test_is_not_all_of_one_that_was_killed(self):
        self.assert_heard(status=-9)

    def test_is_not_all_above_the_rate(self):
        self.assert_heard(lines=[f"{self.AT} info    1 more jobs completed in the last second"])

    def test_are_more_burnt_receives_than_there_are(self):
        self.assert_heard(WRONG_LOG, lines=[
            self.completed(), f"{self.AT} notice  drained: 0 jobs left to their leases, 1 messages"
                              " given back; receives burnt: 1"])


class ADaemon(FaultCase):
    def test_that_is_left_in_peace_keeps_its_promises(self):
        daemon = self.start({"retry.base_delay": "1s", "retry.max_delay": "1s"})
        self.publish(payload={"ms": 20}, count=20)
        self.publish("test-echo", count=20)
        again, = self.publish(payload={"exit": 1, "failAttempts": 1})
        self.publish("test-echo", {"fail": "always"})
        self.assert_promises_kept(dead_letters=1, failed=1)
        self.assertEqual(self.jobs.row(again).attempts, 2)
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    tap.main()
