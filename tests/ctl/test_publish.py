"""nexusctl publish: the row, then the message, and with --wait the job's end."""

import json
import uuid

from lab import tap
from lab.ctl_case import CtlCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until


class Publish(CtlCase):
    def published(self, *words, **options):
        """What it told about the one job that it published."""
        done, = self.objects("publish", *words, **options)
        return done

    def only_message(self):
        # A short poll may overlook it.
        message, = until(self.queue.receive, what="the message")
        return message

    def assert_nothing_published(self):
        self.assertEqual((self.jobs.rows(), self.queue.is_empty()), ([], True))

    def test_makes_a_pending_row_and_sends_the_message(self):
        done = self.published("test-echo", '{"b": [1,  2], "a": "ü"}')
        row = self.jobs.row(done["job_id"])
        self.assertEqual((row.type, row.payload, row.status, row.attempts, row.error),
                         ("test-echo", {"b": [1, 2], "a": "ü"}, "pending", 0, None))
        self.assertEqual(str(uuid.UUID(row.id)), row.id)
        self.assertEqual((row.started_at, row.completed_at), (None, None))
        message = self.only_message()
        self.assertEqual(message["MessageId"], done["message_id"])
        self.assertEqual(message["Body"], f'{{"jobId":"{row.id}","type":"test-echo",'
                                          '"payload":{"b": [1,  2], "a": "ü"}}')

    def test_tells_people_both_ids(self):
        text = self.ctl("publish", "test-echo", "--job", "test-123")
        self.assertEqual(text, f"job      test-123\nmessage  {self.only_message()['MessageId']}\n")
        self.assert_row("test-123", status="pending", payload={})

    def test_writes_utc_whatever_the_sessions_time_is(self):
        self.database.execute("ALTER ROLE nexus SET TimeZone = 'Pacific/Kiritimati'")
        try:
            row = self.jobs.row(self.published("test-echo")["job_id"])
        finally:
            self.database.execute("ALTER ROLE nexus RESET TimeZone")
        (age, same), = self.database.execute(
            "SELECT extract(epoch FROM now() AT TIME ZONE 'UTC' - created_at)::float8,"
            " created_at = updated_at FROM background_jobs WHERE id = %s", (row.id,))
        self.assertTrue(same)
        self.assertLess(abs(age), 60)

    def test_takes_the_payload_from_a_file_or_from_stdin(self):
        file = self.lab.directory / "payload.json"
        file.write_text('{"from": "file"}\n', encoding="utf-8")
        self.published("test-echo", f"@{file}", "--job", "one")
        self.published("test-echo", "-", "--job", "two", stdin='{"from": "stdin"}')
        self.assertEqual([self.jobs.row(job).payload["from"] for job in ("one", "two")],
                         ["file", "stdin"])

    def test_waits_until_the_job_is_completed(self):
        self.daemon.start().wait_ready()
        text = self.ctl("publish", "test-echo", "--wait")
        self.assertRegex(text, r"\Ajob +\S+\nmessage +\S+\ncompleted after 1 attempt\n\Z")
        told, row = self.objects("publish", "test-echo", '{"n": 1}', "--wait")
        self.assertEqual((row["id"], row["status"], row["attempts"], row["payload"]),
                         (told["job_id"], "completed", 1, {"n": 1}))
        self.assert_all_done(2)

    def test_waits_until_the_job_has_failed_for_the_last_time(self):
        self.queue.change(RedrivePolicy=json.dumps({
            "deadLetterTargetArn": self.dead_letters.attributes()["QueueArn"],
            "maxReceiveCount": 2}))
        self.daemon.configure({"retry.base_delay": "1s", "retry.max_delay": "1s"})
        self.daemon.start().wait_ready()
        text = self.ctl("publish", "test-echo", '{"fail": "no paper\\nno ink"}', "--wait",
                        "--job", "printer", status=1)
        self.assertRegex(text, r"\nfailed after 2 attempts\n  no paper\n  no ink\n\Z")
        self.assertEqual(self.jobs.row("printer").attempts, 2)

    def test_that_is_not_over_in_time_says_so(self):
        done = self.run_ctl("publish", "test-echo", "--job", "slow", "--wait", "--timeout", "10ms",
                            status=1)
        self.assertRegex(done.output, r"\npending after 0 attempts\n\Z")
        self.assertEqual(done.errors, "nexusctl: job slow is not at its end after 10ms: "
                                      "nexusctl job show slow\n")

    def test_of_a_message_only_makes_no_row_and_needs_no_database(self):
        self.daemon.configure({"database.url": "postgresql://127.0.0.1:1/none"})
        done = self.published("test-echo", "--message-only")
        self.assertEqual(json.loads(self.only_message()["Body"])["jobId"], done["job_id"])
        self.assertEqual(self.jobs.rows(), [])

    def test_that_cannot_send_leaves_the_row_and_says_what_sends_it(self):
        self.sqs.fault(action="SendMessage", kind="status", status=400,
                       code="InvalidMessageContents")
        error = self.complain("publish", "test-echo", "--job", "left")
        self.assertRegex(error, r"^nexusctl: the message was not sent: .*InvalidMessageContents.*; "
                                "the row of job left stays pending: nexusctl reconcile --resend\n$")
        self.assert_row("left", status="pending")
        self.assertTrue(self.queue.is_empty())

    def test_without_the_permission_says_which(self):
        self.sqs.add_key("AKIANOSEND", "none", actions=["GetQueueAttributes"])
        self.daemon.environment.update(AWS_ACCESS_KEY_ID="AKIANOSEND", AWS_SECRET_ACCESS_KEY="none")
        self.assertIn("sqs:SendMessage", self.complain("publish", "test-echo"))

    def test_to_a_queue_that_is_not_there_says_so(self):
        self.daemon.configure({"queue.url": self.queue.url + "-not"})
        self.assertIn("is not there", self.complain("publish", "test-echo"))

    def test_without_a_database_sends_nothing(self):
        self.daemon.configure({"database.url": "postgresql://127.0.0.1:1/none"})
        self.assertIn("the database cannot be reached", self.complain("publish", "test-echo"))
        self.assert_nothing_published()

    def test_of_an_id_that_is_taken_changes_nothing(self):
        self.ctl("publish", "test-echo", "--job", "twice")
        self.assertEqual(
            self.complain("publish", "test-echo", '{"second": true}', "--job", "twice"),
            "nexusctl: there is a job twice already: nexusctl job show twice\n")
        self.only_message()
        self.assert_row("twice", payload={})

    def test_of_what_the_row_cannot_hold_sends_nothing(self):
        self.assertIn("Unicode escape", self.complain("publish", "test-echo", r'"\u0000"'))
        self.assert_nothing_published()

    def test_takes_no_bad_words(self):
        for words, reason in (
                ((), "which job type?"),
                (("test-echo", "{", "}"), "one payload at a time"),
                (("test-echo", "{nonsense"), "the payload is not JSON"),
                (("test-echo", "-"), "the payload is not JSON"),
                (("test-echo", "--job", ""), "jobId"),
                (("x" * 65,), "type"),
                (("test-echo", "--timeout", "soon"), "accepted is a duration")):
            with self.subTest(words):
                self.assertIn(reason, self.run_ctl("publish", *words, status=64).errors)
        self.assertIn("No such file", self.complain("publish", "test-echo", "@/not/there"))
        self.assertIn("1 MiB that SQS takes", self.run_ctl(
            "publish", "test-echo", "-", status=64, stdin='"' + "x" * ((1 << 20) - 2) + '"').errors)
        self.assert_nothing_published()


if __name__ == "__main__":
    tap.main()
