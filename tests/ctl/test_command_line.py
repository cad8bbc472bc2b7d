"""nexusctl's own command line, before any command has it."""

import re
import unittest

from lab import tap
from lab.ctl import nexusctl_alone


class CommandLine(unittest.TestCase):
    def test_without_a_command_asks_for_one(self):
        for words in ((), ("--json",), ("--", "--json"), ("--config", "x")):
            done = nexusctl_alone(*words)
            self.assertEqual((done.status, done.output, done.errors.splitlines()[0]),
                             (64, "", "nexusctl: which command?"), words)

    def test_of_what_is_not_there_is_one_line(self):
        for words, said in ((("nonsense",), "nexusctl: nonsense: no such command"),
                            (("bad\033[2J\u009b",), "nexusctl: bad?[2J??: no such command"),
                            (("--nonsense",), "nexusctl: unrecognized option '--nonsense'"),
                            (("queue", "--nonsense"), "nexusctl: unrecognized option '--nonsense'"),
                            (("dlq", "list", "--job"),
                             "nexusctl: option '--job' requires an argument"),
                            (("job", "nonsense"), "nexusctl: nonsense: no such command")):
            done = nexusctl_alone(*words)
            self.assertEqual((done.status, done.output), (64, ""))
            self.assertEqual(done.errors.splitlines()[0], said)

    def test_tells_its_version_and_what_it_can(self):
        self.assertRegex(nexusctl_alone("--version").output, r"^nexusctl \d+\.\d+\.\d+\n$")
        overview = nexusctl_alone("--help").output
        self.assertIn("Exit status:", overview)
        for command in re.findall(r"^  (\w+) {2,}", overview, re.MULTILINE):
            told = nexusctl_alone(command, "--help").output
            self.assertTrue(told.startswith(f"Usage: nexusctl {command}"), told)
            self.assertRegex(told, rf"\nExamples?: nexusctl (--json )?{command}\b", command)
            self.assertIn("\nExit status:", told, command)
            self.assertIn("With --json", told, command)

    def test_tells_it_in_80_columns(self):
        overview = nexusctl_alone("--help").output
        for command in re.findall(r"^  (\w+) {2,}", overview, re.MULTILINE):
            overview += nexusctl_alone(command, "--help").output
        self.assertEqual([line for line in overview.splitlines() if len(line) > 80], [])

    def test_that_cannot_be_answered_has_failed(self):
        for words in (("--help",), ("--version",), ("queue", "--help"), ("logs", "--dry-run")):
            with open("/dev/full", "wb") as full:
                done = nexusctl_alone(*words, output=full)
            self.assertEqual((done.status, done.errors), (
                1, "nexusctl: standard output: No space left on device\n"), words)


if __name__ == "__main__":
    tap.main()
