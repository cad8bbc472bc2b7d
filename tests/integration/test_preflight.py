"""What is not as it should be with queue and table: named with its cure, and gone when cured."""

import json
import re

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import Jobs
from lab.postgres import free_port

KEY_ID, SECRET = "AKIATHREE00000000000", "a/consumers+secret"
ACTIONS = ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"]
DAY = 86400


class ALook(Case):
    def setUp(self):
        super().setUp()
        self.sqs.forget_stats()

    def look(self, daemon):
        """Has the daemon look again; where its lines of that begin."""
        here, seen = daemon.here(), len(daemon.notify.feed)
        before = self.looks()
        daemon.reload()
        daemon.notify.feed.wait(re.compile("^READY=1$"), start=seen)
        # The last thing that a look does is to ask for the dead letter queue, if there is one.
        until(lambda: self.looks() > before, what="a look at the queue")
        return here

    def looks(self):
        return self.sqs.answers("ChangeMessageVisibilityBatch", None)

    def redrive(self, receives, to=None):
        arn = (to or self.dead_letters).attributes()["QueueArn"]
        self.queue.change(RedrivePolicy=json.dumps(
            {"deadLetterTargetArn": arn, "maxReceiveCount": receives}))

    def assert_nothing_new(self, daemon, here, pattern):
        """Another look says nothing of it: waits for what comes after, a job."""
        job, = self.jobs.publish()
        daemon.wait_line(f"job={job} ", start=here)
        self.assertEqual(daemon.lines(pattern, here), [])


class TheQueue(ALook):
    def test_with_all_that_it_needs_gets_no_warning(self):
        daemon = self.start()
        daemon.wait_line(f" info .*visibility timeout 30s, dead letters to .*"
                         f"{self.dead_letters.name}$")
        here = self.look(daemon)
        self.assert_nothing_new(daemon, here, "queue|warning")
        self.assertEqual(daemon.lines(" warning "), [])

    def test_without_a_redrive_policy_is_warned_of_once_and_its_cure_is_said(self):
        self.queue.change(RedrivePolicy="")
        daemon = self.start()
        daemon.wait_line(" warning .*no redrive policy.*give it a dead letter queue")
        self.assert_nothing_new(daemon, self.look(daemon), "redrive")
        self.redrive(2)
        daemon.wait_line(" warning .*maxReceiveCount is 2.*at least 3", start=self.look(daemon))
        self.redrive(3)
        daemon.wait_line(" notice .*redrive policy is as it should be", start=self.look(daemon))

    def test_whose_dead_letter_queue_is_missing_is_warned_of_until_it_is_there(self):
        self.dead_letters.delete()
        daemon = self.start()
        name = self.dead_letters.name
        daemon.wait_line(f" warning the dead letter queue {name} does not exist.*create it")
        self.assert_nothing_new(daemon, self.look(daemon), "dead letter")
        self.sqs.create_queue(name, days=14)
        daemon.wait_line(" notice .*dead letter queue is there now", start=self.look(daemon))

    def test_whose_dead_letter_queue_cannot_be_seen_costs_one_line_of_information(self):
        self.sqs.fault(action="GetQueueAttributes", kind="status", status=403, after=1,
                       code="AccessDeniedException", message="no way")
        daemon = self.start()
        name = self.dead_letters.name
        daemon.wait_line(f" info .*dead letter queue {name} is not looked at: .*"
                         "sqs:GetQueueAttributes")
        self.assertEqual(daemon.lines(" warning "), [])
        daemon.wait_line(" notice .*can be looked at now", start=self.look(daemon))

    def test_that_keeps_messages_as_long_as_its_dead_letter_queue_is_warned_of(self):
        self.dead_letters.change(MessageRetentionPeriod=str(4 * DAY))
        daemon = self.start()
        daemon.wait_line(f" warning .*{self.dead_letters.name} keeps messages for 4d and the "
                         "queue for 4d.*MessageRetentionPeriod")
        self.dead_letters.change(MessageRetentionPeriod=str(4 * DAY + 1))
        daemon.wait_line(" notice .*keeps messages for longer", start=self.look(daemon))

    def test_that_gets_another_visibility_timeout_is_taken_as_it_is_now(self):
        daemon = self.start()
        self.queue.change(VisibilityTimeout="4")
        daemon.wait_line("visibility timeout 4s", start=self.look(daemon))
        job, = self.jobs.publish(payload={"delayMs": 5500})
        # Extended as for the old one, the message would be there a second time.
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed")

    def test_is_looked_at_again_when_a_reload_comes_during_a_look(self):
        self.sqs.fault(action="ChangeMessageVisibilityBatch", kind="delay", ms=700)
        daemon = self.configure().start()
        daemon.wait_line("visibility timeout 30s")
        daemon.configure({"queue.visibility_timeout": "2s"})
        daemon.reload()
        daemon.wait_line(" warning a visibility timeout of 2s is too short")

    def test_that_may_not_be_looked_at_is_waited_for(self):
        self.sqs.add_key(KEY_ID, SECRET, ["ReceiveMessage", "DeleteMessage"])
        job, = self.jobs.publish()
        daemon = self.configure(environment={"AWS_ACCESS_KEY_ID": KEY_ID,
                                             "AWS_SECRET_ACCESS_KEY": SECRET}).start()
        daemon.wait_line(" warning .*denied to sqs:GetQueueAttributes")
        daemon.wait_status("sqs:GetQueueAttributes")
        self.assertEqual(self.queue.counts(), (1, 0))
        self.sqs.add_key(KEY_ID, SECRET)
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed", within=45)

    def test_that_is_a_fifo_queue_after_all_is_not_received_from(self):
        self.sqs.fault(action="GetQueueAttributes", kind="raw", count=0,
                       content_type="application/x-amz-json-1.0", body=json.dumps(
                           {"Attributes": {"VisibilityTimeout": "30", "FifoQueue": "true"}}))
        daemon = self.configure().start()
        daemon.wait_line(" warning .*FIFO queue.*standard queue")
        daemon.wait_status("FIFO queue")
        self.assertEqual(self.sqs.answers("ReceiveMessage", None), 0)
        self.assertEqual(daemon.stop(), 0)


class AConsumersKey(ALook):
    visibility = 10

    def test_is_told_which_time_limits_it_cannot_keep_until_it_may_extend(self):
        self.sqs.add_key(KEY_ID, SECRET, ACTIONS)
        daemon = self.start({"worker.job_timeout": "9s", "job test-echo.timeout": "12s"},
                            environment={"AWS_ACCESS_KEY_ID": KEY_ID,
                                         "AWS_SECRET_ACCESS_KEY": SECRET})
        daemon.wait_line(" warning .*cannot be extended.*cancelled after 9s and not after the 12s "
                         "that the settings give type test-echo; grant")
        daemon.configure({"job test-echo.timeout": None})
        here = self.look(daemon)
        daemon.wait_line(" warning .*cannot be extended.*cancelled after 9s; grant", start=here)
        self.assert_nothing_new(daemon, self.look(daemon), "extended")
        self.sqs.add_key(KEY_ID, SECRET)
        daemon.wait_line(" notice .*visibility can be extended now", start=self.look(daemon))


class TheTable(Case):
    """No message is received before the table is proven: that would cost one of three."""

    def setUp(self):
        super().setUp()
        # Nor can what keeps each version of a row while a column is away.
        self.database.execute("DROP TRIGGER remember ON background_jobs")

    def assert_waited_for(self, change, words, cure):
        self.database.execute(change)
        job, = self.jobs.publish()
        daemon = self.configure().start()
        daemon.wait_line(f" warning .*{words}")
        daemon.wait_status(words)
        self.assertEqual(self.queue.counts(), (1, 0))
        self.database.execute(cure)
        self.jobs.wait(job, "completed", within=15)
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed")
        daemon.wait_line(" notice +the job table works again, after")

    def test_that_is_made_while_the_daemon_waits_is_used(self):
        database = self.postgres.create_database()
        self.addCleanup(database.close)
        daemon = self.configure(database=database).start()
        daemon.wait_line(' warning .*"background_jobs" does not exist.*create the table')
        jobs = Jobs(database, self.queue)
        job, = jobs.publish()
        jobs.wait(job, "completed", within=15)
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed")

    def test_without_a_column_is_waited_for(self):
        self.assert_waited_for("ALTER TABLE background_jobs RENAME completed_at TO done_at",
                               'column "completed_at" .*does not exist.*add the column',
                               "ALTER TABLE background_jobs RENAME done_at TO completed_at")

    def test_that_may_not_be_updated_is_waited_for(self):
        self.assert_waited_for("REVOKE UPDATE ON background_jobs FROM nexus",
                               "permission denied for table background_jobs.*grant SELECT and",
                               "GRANT UPDATE ON background_jobs TO nexus")

    def test_without_its_enum_is_waited_for(self):
        self.assert_waited_for("ALTER TYPE job_status RENAME TO other",
                               'type "job_status" does not exist.*create the enum job_status',
                               "ALTER TYPE other RENAME TO job_status")

    def test_that_is_renamed_while_the_daemon_runs_costs_no_work(self):
        daemon = self.start()
        self.database.execute("ALTER TABLE background_jobs RENAME TO old")
        job = "job-renamed"
        self.queue.send([json.dumps({"jobId": job, "type": "test-echo", "payload": {}})])
        daemon.wait_line(' warning .*"background_jobs" does not exist')
        self.database.execute("ALTER TABLE old RENAME TO background_jobs")
        self.database.execute("INSERT INTO background_jobs (id, type, payload) "
                              "VALUES (%s, 'test-echo', '{}')", (job,))
        self.jobs.wait(job, "completed", within=15)
        self.assert_row(job, attempts=1)


class AStart(Case):
    def test_does_not_wait_for_ever_but_says_what_is_away(self):
        nowhere = f"postgresql://nexus@127.0.0.1:{free_port()}/nexus"
        daemon = self.configure(queue=self.queue.url + "-away", database=nowhere).start()
        daemon.wait_ready(within=45)
        daemon.wait_line(f" notice +ready, though not all is there yet: .*{self.queue.name}-away"
                         ".*; .*refused")


class AFailedReload(Case):
    def test_stays_in_the_status_until_one_succeeds(self):
        daemon = self.start()
        daemon.configure({"worker.concurency": "3"})
        daemon.reload()
        daemon.wait_status("reload failed")
        here = len(daemon.notify.feed)
        job, = self.jobs.publish()
        self.jobs.wait(job, "completed")
        daemon.wait_status("1 completed.*reload failed", start=here)
        daemon.configure({"worker.concurency": None})
        daemon.reload()
        daemon.notify.feed.wait(re.compile("^STATUS=(?!.*reload failed)"), 10,
                                len(daemon.notify.feed))


if __name__ == "__main__":
    tap.main()
