"""nexusctl dlq list and show: dead letters beside their rows, and visible again at once."""

import signal

from lab import tap
from lab.ctl_case import CtlCase, setUpModule, tearDownModule  # noqa: F401
from lab.dead_letters import DeadLetters
from lab.feed import until
from lab.jobs import body


class ALook(DeadLetters, CtlCase):
    def test_lists_letters_with_their_rows_and_groups_them_below(self):
        first, second = self.bury(2, error="no paper in tray 2")
        other, = self.bury(1, kind="count-words", error="no words")
        done, = self.bury(1, status="completed", attempts=1)
        lines = self.ctl("dlq", "list").splitlines()
        self.assertRegex(lines[0], r"^job +type +age  recv  row +error$")
        for job, line in ((first, rf"test-echo +\d+s +1  failed 3 +no paper"),
                          (second, rf"test-echo +\d+s +1  failed 3 +no paper"),
                          (other, rf"count-words +\d+s +1  failed 3 +no words"),
                          (done, rf"test-echo +\d+s +1  completed 1 +-")):
            self.assertRegex("\n".join(lines), rf"(?m)^{job} +{line}")
        groups = lines[lines.index("") + 1:]
        self.assertRegex(groups[0], r"^count  type +oldest  error$")
        self.assertEqual([line.split(None, 3)[:2] + line.split(None, 3)[3:] for line in groups[1:]],
                         [["1", "count-words", "no words"], ["1", "test-echo", "-"],
                          ["2", "test-echo", "no paper in tray 2"]])
        self.assert_all_visible(4)

    def test_lists_the_groups_alone(self):
        self.bury(2, error="no paper")
        self.bury(1, error="no ink")
        self.assertEqual(len(self.ctl("dlq", "list", "--group").splitlines()), 3)
        ink, paper = self.objects("dlq", "list", "--group")
        self.assertRegex(ink.pop("oldest_sent_at"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(ink, {"count": 1, "type": "test-echo", "error": "no ink"})
        self.assertEqual((paper["count"], paper["error"]), (2, "no paper"))

    def test_tells_programs_all_of_a_letter(self):
        job, = self.bury(1, error="no paper", attributes={
            "colour": {"DataType": "String", "StringValue": "red"}})
        letter, = self.objects("dlq", "list")
        row = letter.pop("row")
        self.assertEqual((row["id"], row["status"], row["attempts"], row["error"]),
                         (job, "failed", 3, "no paper"))
        self.assertRegex(letter.pop("sent_at"), r"^\d{4}-")
        message = letter.pop("message_id")
        self.assertEqual(letter, {
            "job_id": job, "type": "test-echo", "body": body(job), "receives": 1,
            "error": "no paper",
            "attributes": {"colour": {"DataType": "String", "StringValue": "red"}}})
        self.assertEqual(self.objects("dlq", "show", message)[0]["job_id"], job)

    def test_chooses_by_type_and_by_a_part_of_the_error(self):
        self.bury(2, error="no paper in tray 2")
        words, = self.bury(1, kind="count-words", error="no words")
        self.assertEqual([one["job_id"] for one in self.objects(
            "dlq", "list", "--type", "count-words")], [words])
        self.assertEqual(len(self.objects("dlq", "list", "--error", "tray 2")), 2)
        self.assertEqual(self.ctl("dlq", "list", "--type", "count-words", "--error", "tray"),
                         "no dead letters\n")

    def test_gives_the_daemons_reason_where_the_row_has_none(self):
        self.dead_letters.send([body("job-7")], {
            "NexusReason": {"DataType": "String", "StringValue": "no such picture"}})
        self.assertRegex(self.ctl("dlq", "list"),
                         r"(?m)^job-7 +test-echo +\d+s +1  no row +no such picture$")

    def test_names_a_letter_that_is_no_jobs_by_its_message(self):
        self.dead_letters.send(["{}"])
        letter, = self.objects("dlq", "list")
        self.assertEqual((letter["job_id"], letter["type"], letter["error"]),
                         (None, None, "jobId is missing"))
        self.assertRegex(self.ctl("dlq", "list"),
                         rf"(?m)^{letter['message_id']} +- +\d+s +2  no row +jobId is missing$")

    def test_reads_many_and_leaves_all_of_them_visible(self):
        self.bury(123, error="no paper")
        self.assertEqual(len(self.objects("dlq", "list")), 123)
        self.assert_all_visible(123)

    def test_says_that_its_limit_leaves_some_out(self):
        self.bury(12)
        done = self.run_ctl("dlq", "list", "--json", "--limit", 11)
        self.assertEqual(len(done.output.splitlines()), 11)
        self.assertEqual(done.errors, "nexusctl: only 11 dead letters were looked at, and there "
                                      "are more: --limit N\n")
        self.assert_all_visible(12)

    def test_says_that_somebody_else_has_them(self):
        self.bury(2)
        until(lambda: self.dead_letters.receive(visibility=30), what="somebody else's receive")
        done = self.run_ctl("dlq", "list")
        self.assertEqual(done.output, "no dead letters\n")
        self.assertIn("2 dead letters are in somebody's hands", done.errors)

    def test_shows_letters_without_rows_where_the_database_is_away(self):
        job, = self.bury(1, error="no paper")
        self.daemon.configure({"database.url": "postgresql://127.0.0.1:1/none"})
        done = self.run_ctl("dlq", "list", status=1)
        self.assertRegex(done.output, rf"(?m)^{job} +test-echo +\d+s +1  - +-$")
        self.assertIn("nexusctl: the database cannot be reached: ", done.errors)
        self.assert_all_visible(1)

    def test_shows_all_of_one_letter(self):
        self.bury(1)
        job, = self.bury(1, error="no paper\nin tray 2", payload={"page": "wide " * 30},
                         attributes={"colour": {"DataType": "String", "StringValue": "red"}})
        text = self.ctl("dlq", "show", job)
        self.assertRegex(text, rf"^message +[0-9a-f-]+\njob +{job}\ntype +test-echo\nsent +\d")
        self.assertRegex(text, r"(?m)^row +failed 3, updated \d+s ago$")
        self.assertIn("\nerror\n  no paper\n  in tray 2\n", text)
        self.assertIn("\nattributes\n  colour (String): red\n", text)
        self.assertIn(f'\nbody\n  {{\n    "jobId": "{job}",\n', text)
        self.assert_all_visible(2)

    def test_of_a_letter_that_is_not_there_is_one_line(self):
        self.assertEqual(self.complain("dlq", "show", "job-8"),
                         f"nexusctl: job-8: no dead letter of that id is in "
                         f"{self.dead_letters.name}\n")


class AnEndBeforeTheEnd(DeadLetters, CtlCase):
    """What has been read by then is visible again."""

    def test_by_ctrl_c(self):
        self.bury(25)
        self.sqs.fault(action="ReceiveMessage", after=1, kind="late", ms=5000)
        process = self.start_ctl("dlq", "list")
        until(lambda: not self.sqs.faults(), what="the second receive")
        process.send(signal.SIGINT)
        self.sqs.advance(5)
        self.assertEqual(process.wait(), 1)
        self.assertEqual(process.feed.lines, ["nexusctl: interrupted: nothing was changed"])
        self.assert_all_visible(25)

    def test_by_an_error(self):
        self.bury(25)
        self.sqs.fault(action="ReceiveMessage", after=1, kind="status")
        self.assertIn("HTTP 500", self.complain("dlq", "list"))
        self.assert_all_visible(25)


class WhatCannotBe(DeadLetters, CtlCase):
    def test_is_said_in_a_line(self):
        self.queue.change(RedrivePolicy="")
        self.assertIn("has no redrive policy", self.complain("dlq", "list"))
        self.daemon.configure({"queue.url": self.queue.url + "-not"})
        self.assertIn("is not there", self.complain("dlq", "list"))

    def test_of_a_command_line_is_usage(self):
        for words in ((), ("paint",), ("list", "job-1"), ("list", "--limit", "none"),
                      ("list", "--limit", "0"), ("show",), ("show", "job-1", "job-2")):
            done = self.run_ctl("dlq", *words, status=64)
            self.assertTrue(done.errors.endswith("Try 'nexusctl dlq --help'.\n"), done.errors)

    def test_for_want_of_permission_leaves_all_as_it_was(self):
        self.bury(2)
        self.use_key("GetQueueAttributes")
        self.assertIn("sqs:ReceiveMessage", self.complain("dlq", "list"))
        self.assert_all_visible(2)

    def test_is_shown_where_it_cannot_be_given_back(self):
        self.bury(2, error="no paper")
        self.use_key("GetQueueAttributes", "ReceiveMessage")
        done = self.run_ctl("dlq", "list", "--group", status=1)
        self.assertRegex(done.output, r"\n +2  test-echo +\d+s  no paper\n")
        self.assertIn("visible again only within 1min: ", done.errors)
        self.assertIn("sqs:ChangeMessageVisibility", done.errors)


if __name__ == "__main__":
    tap.main()
