"""nexusctl queue: both queues, the rows, and what does not fit together."""

from lab import tap
from lab.ctl_case import CtlCase, setUpModule, tearDownModule  # noqa: F401
from lab.jobs import body


class Queue(CtlCase):
    def test_shows_both_queues_and_the_rows(self):
        self.jobs.publish(count=3)
        text = self.ctl("queue")
        self.assertRegex(text, rf"(?m)^ +{self.queue.name} +{self.dead_letters.name}$")
        self.assertRegex(text, r"(?m)^visible +3 +0$")
        self.assertRegex(text, r"(?m)^visibility +30s +30s$")
        self.assertRegex(text, r"(?m)^retention +4d +14d$")
        self.assertRegex(text, r"(?m)^dead after +receives +3$")
        self.assertRegex(text, r"(?m)^rows +pending 3, processing 0, completed 0, failed 0$")
        self.assertNotIn("!", text)
        self.assertEqual(self.queue.received(), 0)

    def test_tells_programs_the_same(self):
        self.jobs.publish(count=2)
        jobs, dead, rows = self.objects("queue")
        self.assertEqual((jobs["kind"], jobs["role"], jobs["visible"], jobs["max_receives"]),
                         ("queue", "jobs", 2, 3))
        self.assertEqual((dead["role"], dead["url"], dead["retention_seconds"]),
                         ("dead letters", self.dead_letters.url, 14 * 24 * 3600))
        self.assertEqual(rows, {"kind": "rows", "pending": 2, "processing": 0, "completed": 0,
                                "failed": 0})

    def test_finds_what_does_not_fit_together(self):
        self.jobs.insert(count=2)
        self.dead_letters.send([body("dead-1")])
        findings = [one["finding"] for one in self.objects("queue", "--json")
                    if one["kind"] == "finding"]
        self.assertEqual(findings, [
            "1 dead letters: nexusctl dlq list",
            "2 rows are pending or processing, but there are 0 messages: nexusctl reconcile"])

    def test_breaks_a_finding_where_the_terminal_ends(self):
        retention = self.queue.attributes()["MessageRetentionPeriod"]
        self.dead_letters.change(MessageRetentionPeriod=retention)
        self.assertRegex(self.ctl("queue"), r"(?m)^! dead letters are kept no longer than.*\n  ")

    def test_shows_what_it_can_where_the_database_is_away(self):
        self.daemon.configure({"database.url": "postgresql://127.0.0.1:1/none"})
        done = self.run_ctl("queue", status=1)
        self.assertRegex(done.output, r"(?m)^visible +0 +0$")
        self.assertIn("nexusctl: the database cannot be reached: ", done.errors)

    def test_makes_up_no_numbers_of_a_dead_letter_queue_that_it_cannot_ask(self):
        self.dead_letters.delete()
        done = self.run_ctl("queue", status=1)
        self.assertRegex(done.output, r"(?m)^visible +0 +\?$")
        self.assertRegex(done.output, r"(?m)^retention +4d +\?$")
        self.assertNotIn("!", done.output)
        self.assertEqual(done.errors.count("\n"), 1)
        done = self.run_ctl("--json", "queue", status=1)
        self.assertNotIn("dead letters", done.output)

    def test_of_a_queue_that_is_not_there_is_one_line(self):
        self.daemon.configure({"queue.url": self.queue.url + "-not"})
        self.assertIn("is not there", self.complain("queue"))

    def test_takes_no_words(self):
        self.assertIn("one queue only", self.run_ctl("queue", "other", status=64).errors)


if __name__ == "__main__":
    tap.main()
