"""nexusctl job: one job's row, message and log; rows; a new message for a row; waiting."""

import json
import signal

from lab import journald, tap
from lab.ctl_case import CtlCase, setUpModule, tearDownModule  # noqa: F401
from lab.dead_letters import DeadLetters
from lab.feed import until


class Show(DeadLetters, CtlCase):
    def message(self, job):
        """What it tells of the job's message, in words and as a name."""
        text = self.ctl("job", "show", job)
        told, = self.objects("job", "show", job)
        return text.split("\nmessage\n")[1].split("\n\n")[0].strip(), told["message"]

    def test_tells_all_of_the_row(self):
        self.jobs.make("printer", "failed", 90, type="print", payload='{"to": {"room": [4, 5]}}',
                 attempts=3, error="no paper\nno ink", started_at="2026-01-02 03:04:05.678901")
        text = self.ctl("job", "show", "printer")
        self.assertRegex(text, r"\Ajob +printer\ntype +print\nrow +failed 3\n"
                               r"created +\S+Z\nstarted +2026-01-02T03:04:05.678Z\n"
                               r"updated +\S+Z\n\nerror\n  no paper\n  no ink\n\nmessage\n")
        self.assertIn('\npayload\n  {\n    "to": {\n      "room": [\n        4,\n', text)
        told, = self.objects("job", "show", "printer")
        self.assertEqual((told["id"], told["type"], told["payload"], told["status"]),
                         ("printer", "print", {"to": {"room": [4, 5]}}, "failed"))
        self.assertEqual((told["attempts"], told["error"], told["started_at"]),
                         (3, "no paper\nno ink", "2026-01-02T03:04:05.678Z"))
        self.assertEqual((told["completed_at"], told["dead_letter"], told["message"]),
                         (None, None, "none"))

    def test_tells_where_the_message_is(self):
        for job, status, age, words, name in (
                ("done", "completed", 99, "It is deleted, or about to be.", "deleted"),
                ("runs", "processing", 3, "It is in flight: somebody does the job, and touched "
                                          "the row 3s ago.", "in flight"),
                ("over", "processing", 99, "There is none, for the queue is empty.", "none"),
                ("made", "pending", 3, "It may be one of the 0 in the queue; the row was "
                                       "touched 3s ago.", "waiting"),
                ("lost", "pending", 99, "There is none, for the queue is empty.", "none")):
            with self.subTest(job):
                self.assertEqual(self.message(self.jobs.make(job, status, age)), (words, name))
        self.queue.send(["{}"])
        self.assertEqual(self.message("lost"), (
            "It may be one of the 1 in the queue; the row was touched 1min ago.", "waiting"))

    def test_finds_the_dead_letter_and_leaves_it_visible(self):
        self.bury(1)
        job, = self.bury(1, error="no paper")
        told, = self.objects("job", "show", job)
        self.assertEqual((told["message"], told["dead_letter"]["job_id"]), ("dead", job))
        self.assertEqual(self.message(job)[0], "It is a dead letter: nexusctl dlq show "
                                               + told["dead_letter"]["message_id"])
        self.assert_all_visible(2)

    def test_says_where_there_is_no_journal(self):
        self.assertIn("\nlog\n  There is no journal here to be read.\n",
                      self.ctl("job", "show", self.jobs.make("job-1")))
        self.assertIsNone(self.objects("job", "show", "job-1")[0]["log"])

    def test_shows_what_the_journal_has_of_the_job(self):
        if reason := journald.why_no_journal():
            self.skipTest(reason)
        kept = journald.Journal(self.lab)
        self.addCleanup(kept.close)
        self.daemon.configure({"log.format": "journal"})
        self.daemon.start(before=kept.inside).wait_ready()
        job, other = self.jobs.publish(count=2)
        self.jobs.wait_all("completed")

        def log():
            told, = self.objects("job", "show", job, before=kept.inside)
            return told["log"]

        line, = until(log, what="the daemon's line in the journal")
        self.assertRegex(line["message"], f"^job={job} .*outcome=completed")
        self.assertRegex(line["at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        text = self.ctl("job", "show", job, before=kept.inside)
        self.assertRegex(text, rf"\nlog\n  {line['at']} job={job}\s")
        self.assertNotIn(other, text)
        self.assertIn("\nlog\n  The journal has nothing of this job.\n", self.ctl(
            "job", "show", self.jobs.make("quiet"), before=kept.inside))

    def test_shows_the_row_where_the_queue_cannot_be_asked(self):
        self.jobs.make("job-1")
        self.use_key("ReceiveMessage")
        done = self.run_ctl("job", "show", "job-1", status=1)
        self.assertIn("\nrow       pending 0\n", done.output)
        self.assertNotIn("message", done.output)
        self.assertIn("sqs:GetQueueAttributes", done.errors)

    def test_of_a_job_that_is_not_there_says_so(self):
        for command in "show", "retry", "wait":
            self.assertEqual(self.complain("job", command, "none"),
                             "nexusctl: there is no job none\n")


class List(DeadLetters, CtlCase):
    def ids(self, *words):
        return [row["id"] for row in self.objects("job", "list", *words)]

    def setUp(self):
        super().setUp()
        self.jobs.make("oldest", "failed", 7200, error="no paper")
        self.jobs.make("older", "completed", 600, type="count-words")
        self.jobs.make("newer", "failed", 60, type="count-words")
        self.jobs.make("newest", "pending", 5)

    def test_shows_the_newest_first(self):
        lines = self.ctl("job", "list").splitlines()
        self.assertRegex(lines[0], r"^job +type +age +row +error$")
        for line, pattern in zip(lines[1:], (
                r"newest +test-echo +\ds +pending 0 +-", r"newer +count-words +1min +failed 0 +-",
                r"older +count-words +10min +completed 0 +-",
                r"oldest +test-echo +2h +failed 0 +no paper")):
            self.assertRegex(line, f"^{pattern}$")
        self.assertEqual(self.ids(), ["newest", "newer", "older", "oldest"])

    def test_chooses(self):
        self.assertEqual(self.ids("--status", "failed"), ["newer", "oldest"])
        self.assertEqual(self.ids("--type", "count-words"), ["newer", "older"])
        self.assertEqual(self.ids("--since", "30min"), ["newest", "newer", "older"])
        self.assertEqual(self.ids("--since", "2000-01-01", "--limit", "2"), ["newest", "newer"])
        self.assertEqual(self.ids("--status", "failed", "--type", "count-words", "--since", "1h"),
                         ["newer"])
        self.assertEqual(self.ctl("job", "list", "--status", "processing"), "no such jobs\n")

    def test_reads_no_more_rows_than_it_shows(self):
        self.database.execute(
            "INSERT INTO background_jobs (id, type, payload, status, created_at)"
            " SELECT 'many-' || n, 'x', '{}', 'completed', now() - interval '9 h' - n * interval"
            " '1 s' FROM generate_series(1, 20000) AS n")
        self.database.execute("ANALYZE background_jobs")
        self.database.execute("SELECT pg_stat_reset()")
        self.assertEqual(len(self.ids("--limit", "10")), 10)

        def read():
            counts = self.database.execute(
                "SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_user_tables"
                " WHERE relname = 'background_jobs'")
            return counts[0] if any(counts[0]) else None

        in_sequence, by_index = until(read, what="the table's counts")
        self.assertEqual(in_sequence, 0)
        self.assertLess(by_index, 50)

    def test_steers_no_terminal_in_json_either(self):
        word = "\u202e\u2066\u009b31m"
        self.jobs.make("printer", "failed", 90, type=word, error=word)
        self.assertTrue(self.ctl("--json", "job", "list").isascii())
        shown, = self.objects("job", "list", "--type", word)
        self.assertEqual((shown["type"], shown["error"]), (word, word))

    def test_takes_no_bad_words(self):
        for words, reason in ((("--status", "done"), "accepted are pending, processing"),
                              (("--since", "often"), "accepted is a duration"),
                              (("--limit", "0"), "accepted is a number from 1 to"),
                              (("more",), "more")):
            self.assertIn(reason, self.run_ctl("job", "list", *words, status=64).errors)


class Retry(DeadLetters, CtlCase):
    def test_makes_the_row_pending_and_sends_its_payload(self):
        self.jobs.make("printer", "failed", 90, payload='{"room": "ü"}', attempts=3, error="no paper")
        told, = self.objects("job", "retry", "printer")
        message, = until(self.queue.receive, what="the message")
        self.assertEqual(told, {"job_id": "printer", "type": "test-echo",
                                "message_id": message["MessageId"]})
        self.assertEqual(json.loads(message["Body"]), {
            "jobId": "printer", "type": "test-echo", "payload": {"room": "ü"}})
        self.assert_row("printer", status="pending", attempts=3, error=None)
        self.daemon.start().wait_ready()
        self.ctl("job", "wait", "printer")
        self.assert_row("printer", status="completed", attempts=4)

    def test_is_refused_where_it_would_do_no_good(self):
        self.jobs.make("done", "completed", 90)
        self.jobs.make("runs", "processing", 5, attempts=1)
        dead, = self.bury(1)
        for job, reason in (("done", "is completed, and never runs again"),
                            ("runs", "is being done: nexusctl job wait runs"),
                            (dead, f"is a dead letter: nexusctl dlq redrive --job {dead}")):
            before = self.jobs.row(job)
            self.assertIn(reason, self.complain("job", "retry", job))
            self.assertEqual(self.jobs.row(job), before)
        self.assertTrue(self.queue.is_empty())

    def test_goes_on_where_dead_letters_cannot_be_seen(self):
        self.jobs.make("printer", "failed", 90)
        self.use_key("GetQueueAttributes", "SendMessage")
        self.assertIn("sqs:ReceiveMessage", self.run_ctl("job", "retry", "printer").errors)
        self.assert_row("printer", status="pending")

    def test_leaves_a_row_alone_that_changes_meanwhile(self):
        self.jobs.make("printer", "failed", 90)
        self.sqs.fault(action="GetQueueAttributes", kind="delay", ms=600)
        process = self.start_ctl("job", "retry", "printer")
        until(lambda: not self.sqs.faults(), what="the question that takes long")
        self.database.execute("UPDATE background_jobs SET attempts = 1 WHERE id = 'printer'")
        process.wait_line("has changed just now, and was left alone")
        self.assertEqual(process.wait(10), 1)
        self.assert_row("printer", status="failed")
        self.assertTrue(self.queue.is_empty())


class Wait(DeadLetters, CtlCase):
    def test_ends_with_the_job(self):
        self.jobs.make("done", "completed", 5, attempts=2)
        self.assertEqual(self.ctl("job", "wait", "done"), "completed after 2 attempts\n")
        self.jobs.make("dead", "failed", 5, attempts=3, error="no paper")
        self.assertEqual(self.ctl("job", "wait", "dead", status=1),
                         "failed after 3 attempts\n  no paper\n")
        told, = self.objects("job", "wait", "dead", status=1)
        self.assertEqual((told["id"], told["status"]), ("dead", "failed"))

    def test_of_one_that_has_failed_goes_on_while_it_comes_again(self):
        self.jobs.make("again", "failed", 5, attempts=2)
        self.assertIn("is not at its end after 10ms",
                      self.run_ctl("job", "wait", "again", "--timeout", "10ms", status=1).errors)

    def test_stops_cleanly(self):
        self.jobs.make("slow")
        process = self.start_ctl("job", "wait", "slow")
        until(lambda: self.database.execute(
            "SELECT 1 FROM pg_stat_activity WHERE usename = 'nexus' AND query LIKE %s"
            " AND datname = current_database()", ("%ANY ($1::text[])%",)), what="its first look")
        process.send(signal.SIGINT)
        process.wait_line("^pending after 0 attempts$")
        process.wait_line("^nexusctl: interrupted; job slow goes on without being watched$")
        self.assertEqual(process.wait(10), 1)


class Words(CtlCase):
    def test_are_read_strictly(self):
        for words, reason in (((), "show, list, retry or wait?"),
                              (("delete",), "delete: no such command"),
                              (("show",), "show takes one job's id"),
                              (("show", "one", "two"), "show takes one job's id"),
                              (("retry",), "retry takes one job's id"),
                              (("wait",), "wait takes one job's id"),
                              (("wait", "x", "--timeout", "soon"), "accepted is a duration"),
                              (("show", "x", "--limit", "-1"), "accepted is a number")):
            self.assertIn(reason, self.run_ctl("job", *words, status=64).errors)

    def test_need_a_database(self):
        self.daemon.configure({"database.url": "postgresql://127.0.0.1:1/none"})
        for words in (("show", "x"), ("list",), ("retry", "x"), ("wait", "x")):
            self.assertIn("the database cannot be reached", self.complain("job", *words))


if __name__ == "__main__":
    tap.main()
