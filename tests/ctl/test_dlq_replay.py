"""nexusctl dlq replay: a dead letter's handler here and now; letter and row stay as they are."""

import json

from lab import tap
from lab.command_case import TYPE, CommandCase
from lab.ctl import USER
from lab.ctl_case import CtlCase, setUpModule, tearDownModule  # noqa: F401
from lab.dead_letters import DeadLetters


class AReplay(DeadLetters, CtlCase, CommandCase):
    visibility = 30

    def replay(self, *words, **options):
        """What it showed; nothing has changed. Log lines of the handler are on stderr."""
        before = self.jobs.rows()
        done = self.run_ctl("dlq", "replay", *words, "--user", USER, **options)
        self.assertEqual(self.jobs.rows(), before)
        self.assert_all_visible(1)
        self.assertTrue(self.queue.is_empty())
        return done

    def test_shows_the_outcome_beside_the_recorded_one(self):
        job, = self.bury(1, error="no paper", payload={"fail": "no ink", "failAttempts": 4})
        text = self.replay(job, status=1).output
        self.assertRegex(text, r"^recorded  failed 3: no paper\nnow       failed in .*: no ink\n$")
        other, = self.bury(1, error="no paper", payload={"fail": "no ink", "failAttempts": 3})
        text = self.ctl("dlq", "replay", other, "--user", USER)
        self.assertRegex(text, r"^recorded  failed 3: no paper\nnow       completed in ")

    def test_tells_programs_both(self):
        job, = self.bury(1, error="no paper")
        told = json.loads(self.replay(job, "--json").output)
        self.assertEqual(told["recorded"],
                         {"status": "failed", "attempts": 3, "error": "no paper"})
        self.assertEqual((told["job_id"], told["outcome"], told["attempt"]),
                         (job, "completed", 4))

    def test_gives_a_program_the_body_as_it_was_sent(self):
        self.daemon.configure(self.settings('cat >got; echo >>got; echo "$JOB_ID" >>got'))
        job, = self.bury(1, kind=TYPE, payload={"words": 3})
        self.replay(job)
        payload, told = self.read("got").decode().splitlines()[-2:]
        self.assertEqual(told, job)
        self.assertIn('"words": 3', payload)

    def test_of_one_that_keeps_its_row_is_refused_unless_that_is_allowed(self):
        self.daemon.configure(self.settings("touch ran", rows="handler"))
        job, = self.bury(1, kind=TYPE)
        self.assertIn("--allow-row-writes", self.replay(job, status=78).errors)
        self.assertFalse((self.place / "ran").exists())
        self.replay(job, "--allow-row-writes")
        self.assertTrue((self.place / "ran").exists())

    def test_of_what_is_no_job_or_not_there_is_one_line(self):
        self.dead_letters.send(["{}"])
        letter, = self.objects("dlq", "list")
        self.assertIn("no handler can run this: jobId is missing",
                      self.replay(letter["message_id"], status=1).errors)
        self.assertIn("job-9: no dead letter of that id", self.replay("job-9", status=1).errors)
        self.run_ctl("dlq", "replay", status=64)


if __name__ == "__main__":
    tap.main()
