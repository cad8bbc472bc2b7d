"""nexusctl logs: the command line that journalctl gets, from a journalctl that only repeats it."""

import shlex

from lab import tap
from lab.ctl import nexusctl_alone
from lab.place_case import PlaceCase

REPEAT = "#!/bin/sh\nprintf '%s\\n' journalctl \"$@\"\nexit 3\n"


class Logs(PlaceCase):
    def run_logs(self, *words):
        return nexusctl_alone("logs", *words, PATH=str(self.place))

    def line(self, *words):
        """The words that journalctl gets, which --dry-run prints as a shell would read them."""
        program = self.place / "journalctl"
        program.write_text(REPEAT)
        program.chmod(0o755)
        done = self.run_logs(*words)
        self.assertEqual((done.status, done.errors), (3, ""), "journalctl's own exit status")
        dry = self.run_logs("--dry-run", *words)
        self.assertEqual((dry.status, dry.errors), (0, ""))
        got = done.output.splitlines()
        self.assertEqual(shlex.split(dry.output), got)
        self.assertEqual(got[:2], ["journalctl", "-u"])
        return got[2:]

    def complain(self, *words, status=64):
        done = self.run_logs(*words)
        self.assertEqual((done.status, done.output), (status, ""))
        return done.errors.splitlines()[0]

    def test_are_the_units(self):
        self.assertEqual(self.line(), ["nexus-worker"])
        self.assertEqual(self.line("--unit", "nexus-worker@b"), ["nexus-worker@b"])

    def test_are_the_units_of_the_configuration(self):
        for file, unit in (("/etc/nexus-worker/nexus-worker.conf", "nexus-worker"),
                           ("/etc/nexus-worker/b.conf", "nexus-worker@b"),
                           ("/etc/nexus-worker/b.c.conf", "nexus-worker@b.c"),
                           ("/etc/nexus-worker/.conf", "nexus-worker"),
                           ("/etc/nexus-worker/b", "nexus-worker"),
                           ("/etc/nexus-worker/aws/b.conf", "nexus-worker"),
                           ("/etc/nexus-worker/" + "b" * 250 + ".conf", "nexus-worker"),
                           ("/etc/b.conf", "nexus-worker"),
                           ("b.conf", "nexus-worker")):
            dry = nexusctl_alone("--config", file, "logs", "--dry-run")
            self.assertEqual((dry.status, shlex.split(dry.output)), (0, ["journalctl", "-u", unit]))

    def test_of_a_job(self):
        self.assertEqual(self.line("test-123"), ["nexus-worker", "NEXUS_JOB_ID=test-123"])
        self.assertEqual(self.line("it's; $(a) job"),
                         ["nexus-worker", "NEXUS_JOB_ID=it's; $(a) job"])
        self.assertEqual(self.line("--", "-f"), ["nexus-worker", "NEXUS_JOB_ID=-f"])

    def test_of_types_and_outcomes(self):
        self.assertEqual(
            self.line("--type", "a", "--outcome", "failed", "--outcome", "timeout"),
            ["nexus-worker", "NEXUS_JOB_TYPE=a", "NEXUS_OUTCOME=failed", "NEXUS_OUTCOME=timeout"])

    def test_go_on(self):
        self.assertEqual(self.line("-f"), ["nexus-worker", "-f"])
        self.assertEqual(self.line("x", "--follow"), ["nexus-worker", "-f", "NEXUS_JOB_ID=x"])

    def test_since(self):
        for given, meant in (
                ("90min", "-90min"), ("2d", "-2d"),
                ("2026-03-01", "2026-03-01 00:00:00 UTC"),
                ("2026-03-01 04:05", "2026-03-01 04:05:00 UTC"),
                ("2026-03-01T04:05:06Z", "2026-03-01 04:05:06 UTC"),
                ("2024-02-29T04:05:06.789Z", "2024-02-29 04:05:06 UTC")):
            self.assertEqual(self.line("--since", given), ["nexus-worker", "--since", meant])

    def test_as_json(self):
        self.assertEqual(self.line("x", "--json"),
                         ["nexus-worker", "-o", "json", "NEXUS_JOB_ID=x"])

    def test_without_a_journal_is_one_line(self):
        self.assertIn("there is no journalctl here", self.complain(status=1))

    def test_of_what_cannot_be_meant_is_one_line(self):
        for word in ("2h ago", "2026-02-30", "1969-12-31", "2026-01-01T25:00", "2026-01-01 10:00+2",
                     "", "yesterday"):
            self.assertEqual(self.complain("--since", word),
                             f"nexusctl: --since {word}: accepted is a duration (30min), or a "
                             "time in UTC (2026-01-02T03:04:05Z)")
        self.assertEqual(self.complain("--outcome", "bad"),
                         "nexusctl: --outcome bad: accepted are completed, failed, timeout, missing, "
                         "rejected, duplicate, elsewhere, lost, abandoned")
        self.assertEqual(self.complain(""), "nexusctl: NEXUS_JOB_ID: an empty word matches nothing")
        self.assertIn("unrecognized option", self.complain("--lines"))


if __name__ == "__main__":
    tap.main()
