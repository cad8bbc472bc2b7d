"""The three permissions of a queue's consumer: receive, delete, attributes; visibility stays."""

import os
import unittest

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import Jobs

KEY_ID, SECRET = "AKIATHREE00000000000", "a/consumers+secret"
ACTIONS = ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"]


class AConsumersKey(Case):
    visibility = 4

    def start_with_three(self, settings=None, **options):
        self.sqs.add_key(KEY_ID, SECRET, ACTIONS)
        return self.start(settings, environment={"AWS_ACCESS_KEY_ID": KEY_ID,
                                                 "AWS_SECRET_ACCESS_KEY": SECRET}, **options)

    def test_is_enough_for_many_jobs_and_one_warning_says_what_it_costs(self):
        daemon = self.start_with_three()
        self.jobs.publish(count=200)
        self.assert_all_done(200)
        self.assertEqual(len(daemon.lines("ChangeMessageVisibility|visibility cannot be")), 1)
        self.assertEqual(daemon.stop(), 0)

    def test_fetches_nothing_ahead(self):
        daemon = self.start_with_three({"worker.concurrency": 2, "worker.prefetch_time": "500ms"})
        self.jobs.publish(payload={"delayMs": 100}, count=40)
        most = 0
        while self.jobs.counts().get("completed", 0) < 40:
            most = max(most, self.queue.counts()[1])
        # Two run; two more are done, and their rows or deletes on their way.
        self.assertLessEqual(most, 4)
        daemon.wait_line("receive=1 outcome=completed")
        self.assertEqual(self.jobs.runs(), {1: 40})

    def test_pays_for_a_long_outage_with_one_receive(self):
        postgres = self.lab.postgres()
        self.addCleanup(postgres.close)
        database = postgres.create_database()
        jobs = Jobs(database, self.queue, history=True)
        daemon = self.start_with_three(database=database)
        job, = jobs.publish(payload={"delayMs": 500})
        jobs.wait(job, "processing")
        postgres.stop()
        # The poll that is out gets it a second time when its visibility ends.
        until(lambda: self.queue.received() == 2, what="the end of the visibility")
        postgres.start()
        jobs.wait(job, "completed", within=15)
        until(self.queue.is_empty, what="an empty queue")
        self.assertEqual(jobs.runs(), {1: 1})
        self.assertEqual(self.queue.received(), 2)
        self.assertEqual(daemon.stop(), 0)

    def test_that_is_taken_away_while_a_job_runs_ends_it_with_its_row_written(self):
        self.sqs.add_key(KEY_ID, SECRET)
        daemon = self.start(environment={"AWS_ACCESS_KEY_ID": KEY_ID,
                                         "AWS_SECRET_ACCESS_KEY": SECRET})
        job, = self.jobs.publish(payload={"delayMs": 20000})
        self.jobs.wait(job, "processing")
        self.sqs.add_key(KEY_ID, SECRET, ACTIONS)
        row = self.jobs.wait(job, "failed")
        self.assertRegex(row.error, "visibility could not be extended")
        daemon.wait_line(f"job={job} .*receive=1 outcome=timeout")
        self.jobs.wait(job, "processing", attempts=2)

    def test_limits_a_jobs_time_to_the_visibility(self):
        daemon = self.start_with_three()
        job, = self.jobs.publish(payload={"delayMs": 20000})
        self.jobs.wait(job, "failed", within=6)
        daemon.wait_line(f"job={job} .*outcome=timeout")
        row = self.jobs.wait(job, "processing", attempts=2)
        self.assertEqual(row.attempts, 2)

    def test_leaves_what_had_to_wait_here_for_too_long_and_says_so(self):
        daemon = self.start_with_three({"job test-echo.max_concurrency": 1})
        first, = self.jobs.publish(payload={"delayMs": 2000})
        self.jobs.wait(first, "processing")
        second, = self.jobs.publish()
        daemon.wait_line(f" warning .*job={second} type=test-echo receive=1: not begun, and left "
                         "to its queue: .* too little is left of its message's visibility")
        self.jobs.wait(second, "completed")
        daemon.wait_line(f"job={second} .*attempt=1 receive=2 outcome=completed")

    @unittest.skipUnless(os.environ.get("NEXUS_LONG"), "takes a minute: make check-long")
    def test_that_is_granted_more_is_noticed_by_itself(self):
        daemon = self.start_with_three()
        self.sqs.add_key(KEY_ID, SECRET)
        daemon.wait_line(" notice .*visibility can be extended now", within=75)
        job, = self.jobs.publish(payload={"delayMs": 6000})
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed")

    def test_sends_a_job_that_keeps_failing_to_the_dead_letters(self):
        self.start_with_three()
        self.jobs.publish(payload={"fail": "no paper"})
        until(lambda: self.dead_letters.counts()[0] == 1, within=25, what="a dead letter")


if __name__ == "__main__":
    tap.main()
