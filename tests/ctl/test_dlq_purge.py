"""nexusctl dlq purge: what is deleted is on disk before."""

import json
import os
import signal
import stat

from lab import tap
from lab.ctl_case import CtlCase, setUpModule, tearDownModule  # noqa: F401
from lab.dead_letters import DeadLetters
from lab.feed import until
from lab.jobs import body


class APurge(DeadLetters, CtlCase):
    def setUp(self):
        super().setUp()
        self.file = self.lab.directory / f"{self.dead_letters.name}.jsonl"

    def saved(self, file=None):
        return [json.loads(line) for line in (file or self.file).read_text().splitlines()]

    def test_saves_what_it_deletes(self):
        jobs = self.bury(23, error="no paper")
        text = self.ctl("dlq", "purge", "--yes", "--save", self.file)
        self.assertEqual(text, f"23 dead letters of {self.dead_letters.name} are deleted\n"
                               f"saved in {self.file}\n")
        self.assert_all_visible(0)
        self.assertEqual([one["job_id"] for one in self.saved()], jobs)
        letter = self.saved()[0]
        self.assertEqual((letter["body"], letter["error"], letter["row"]["status"]),
                         (body(jobs[0]), "no paper", "failed"))
        self.assertEqual(stat.S_IMODE(os.stat(self.file).st_mode), 0o600)
        self.assertEqual(self.jobs.counts(), {"failed": 23})

    def test_names_its_file_by_queue_and_time(self):
        job, = self.bury(1)
        deleted, saved = self.objects("dlq", "purge", "--yes", "--all")
        self.assertEqual((deleted["job_id"], deleted["action"]), (job, "deleted"))
        self.assertRegex(saved["saved"],
                         rf"^{self.dead_letters.name}-\d{{4}}-\d\d-\d\dT\d{{6}}Z\.jsonl$")
        self.assertEqual(len(self.saved(self.lab.directory / saved["saved"])), 1)

    def test_saves_nothing_where_it_is_told_not_to(self):
        self.bury(1)
        before = set(self.lab.directory.iterdir())
        self.assertEqual(self.ctl("dlq", "purge", "--yes", "--no-save"),
                         f"1 dead letters of {self.dead_letters.name} are deleted\n")
        self.assert_all_visible(0)
        self.assertEqual(set(self.lab.directory.iterdir()), before)

    def test_deletes_those_that_are_chosen(self):
        self.bury(2, error="no paper")
        ink, = self.bury(1, error="no ink")
        plan = self.objects("dlq", "purge", "--dry-run", "--error", "ink")
        self.assertEqual([(one["job_id"], one["action"]) for one in plan], [(ink, "deleted")])
        self.assert_all_visible(3)
        self.ctl("dlq", "purge", "--yes", "--save", self.file, "--error", "ink")
        self.assertEqual([one["job_id"] for one in self.saved()], [ink])
        self.assert_all_visible(2)

    def test_asks_and_names_queue_number_and_file(self):
        self.bury(2)
        question = (f"Delete 2 dead letters of {self.dead_letters.name} for good, once they are "
                    f"saved in {self.file}?")
        line = self.complain("dlq", "purge", "--save", self.file)
        self.assertIn(question, line)
        done = self.run_ctl("dlq", "purge", "--save", self.file, typed="n\n", status=1)
        self.assertEqual(done.errors, f"{question} [y/N] nexusctl: nothing was changed\n")
        self.assertFalse(self.file.exists())
        self.assert_all_visible(2)
        self.run_ctl("dlq", "purge", "--save", self.file, typed="y\n")
        self.assert_all_visible(0)

    def test_of_nothing_does_nothing(self):
        self.assertEqual(self.ctl("dlq", "purge", "--yes", "--save", self.file),
                         "no dead letters\n")
        self.assertFalse(self.file.exists())

    def test_deletes_nothing_where_it_cannot_save(self):
        self.bury(1)
        self.file.write_text("mine")
        self.assertIn("File exists; nothing was deleted",
                      self.complain("dlq", "purge", "--yes", "--save", self.file))
        self.assertEqual(self.file.read_text(), "mine")
        line = self.complain("dlq", "purge", "--yes", "--save", self.lab.directory / "no" / "such")
        self.assertIn("No such file or directory; nothing was deleted", line)
        self.assert_all_visible(1)

    def test_without_the_permission_deletes_nothing_and_says_so(self):
        self.bury(1)
        self.use_key("GetQueueAttributes", "ReceiveMessage", "ChangeMessageVisibility")
        done = self.run_ctl("dlq", "purge", "--yes", "--save", self.file, status=1)
        self.assertIn("sqs:DeleteMessage", done.errors)
        self.assertIn("stopped: 0 of 1 dead letters", done.errors)
        self.assert_all_visible(1)

    def test_kept_what_sqs_did_not_delete_is_said(self):
        self.bury(3)
        self.sqs.fault(action="DeleteMessageBatch", kind="fail-entries", entries=1)
        done = self.run_ctl("dlq", "purge", "--yes", "--save", self.file, status=1)
        self.assertIn("stopped: 2 of 3 dead letters", done.errors)
        self.assertEqual(len(self.saved()), 3)
        self.assert_all_visible(1)

    def test_kill_9_while_it_deletes_loses_nothing(self):
        jobs = self.bury(2)
        self.sqs.fault(action="DeleteMessageBatch", kind="late", ms=3600 * 1000)
        process = self.start_ctl("dlq", "purge", "--yes", "--save", self.file)
        until(lambda: not self.sqs.faults(), what="the delete")
        process.send(signal.SIGKILL)
        process.wait()
        self.assertEqual([one["job_id"] for one in self.saved()], jobs)

    def test_ctrl_c_ends_between_two_tens(self):
        self.bury(25)
        self.sqs.fault(action="DeleteMessageBatch", kind="late", ms=10 * 1000)
        process = self.start_ctl("dlq", "purge", "--yes", "--save", self.file)
        until(lambda: not self.sqs.faults(), what="the first ten")
        process.send(signal.SIGINT)
        self.sqs.advance(10)
        self.assertEqual(process.wait(), 1)
        process.wait_line("^nexusctl: interrupted: 10 of 25 dead letters of .* are deleted; "
                          "all are saved in ")
        self.assert_all_visible(15)

    def test_of_a_command_line_that_cannot_be_is_usage(self):
        for words in (("job-1",), ("--all", "--error", "x"), ("--save", "x", "--no-save")):
            self.run_ctl("dlq", "purge", *words, status=64)


if __name__ == "__main__":
    tap.main()
