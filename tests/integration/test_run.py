"""nexusctl run: one handler, here and now, without queue or row."""

import json

from lab import tap
from lab.ctl import USER
from lab.lambda_case import TYPE, LambdaCase, setUpModule, tearDownModule  # noqa: F401


class ARun(LambdaCase):
    def run_echo(self, payload, *words, **options):
        return self.ctl(self.configure(), "run", "test-echo", payload, *words, "--user", USER,
                        **options)

    def test_of_a_handler_ends_as_its_job_would(self):
        done = self.run_echo('{"delayMs": 20}')
        self.assertEqual(done.status, 0, done.errors)
        self.assertRegex(done.output, r"^completed in \d+ms, peak memory \d+\.\d MiB")
        done = self.run_echo('{"fail": "no paper"}')
        self.assertEqual(done.status, 1)
        self.assertRegex(done.output, r"^failed in .*: no paper$")

    def test_tells_a_handlers_text_in_one_line_that_steers_no_terminal(self):
        self.assertRegex(self.run_echo(r'{"fail": "no paper\nin \u001b[31mtray 2"}').output,
                         r"^failed in [^\n]*: no paper\\nin \?\[31mtray 2\n$")

    def test_needs_no_other_section_to_be_good(self):
        daemon = self.configure({"job count-words.kind": "command",
                                 "job count-words.program": "/usr/bin/wc",
                                 "job count-words.environment_file": "/nonexistent/file",
                                 "job list.kind": "command", "job list.program": "/bin/ls"})
        done = self.ctl(daemon, "run", "list", "--user", USER)
        self.assertEqual(done.status, 0, done.errors)
        self.assertNotIn("cgroup", done.errors)
        # A handler that starts no program needs no credentials either.
        done = self.ctl(daemon, "run", "test-echo", "--user", USER)
        self.assertEqual((done.status, done.errors), (0, ""))
        done = self.ctl(daemon, "run", "count-words", "--user", USER)
        self.assertEqual(done.status, 78)
        self.assertIn("[job count-words]: environment_file: /nonexistent/file: ", done.errors)

    def test_takes_its_payload_from_a_file_or_standard_input(self):
        file = self.bundles / "payload.json"
        file.write_text('{"fail": "from a file"}')
        self.assertIn(": from a file\n", self.run_echo(f"@{file}").output)
        self.assertIn(": from outside\n",
                      self.run_echo("-", stdin='{"fail": "from outside"}').output)
        self.assertEqual(self.run_echo(f"@{file}.none").status, 1)

    def test_of_what_is_not_json_ends_with_64_and_says_where(self):
        done = self.run_echo('{"delayMs": }')
        self.assertEqual(done.status, 64)
        self.assertRegex(done.errors, r"the payload is not JSON: line 1, column \d+: ")
        self.assertEqual(done.output, "")

    def test_tells_programs_all_of_it_as_one_object(self):
        done = self.ctl(self.configure(), "--json", "run", "test-echo",
                        '{"fail": "once", "failAttempts": 1}', "--attempt", "2", "--job", "job-7",
                        "--user", USER)
        self.assertEqual(done.status, 0, done.errors)
        told = json.loads(done.output)
        for measured in ("run_ms", "peak_memory_bytes", "cpu_usec"):
            self.assertGreater(told.pop(measured), 0)
        self.assertEqual(told, {
            "job_id": "job-7", "type": "test-echo", "attempt": 2, "outcome": "completed",
            "error": None, "for_good": False})

    def test_of_one_that_keeps_its_row_is_refused_unless_that_is_allowed(self):
        daemon = self.configure(self.settings())
        self.deploy(daemon, self.zip())
        words = ("run", TYPE, '{"sleepMs": 50}', "--user", USER)
        done = self.ctl(daemon, *words)
        self.assertEqual((done.status, done.output), (78, ""))
        self.assertIn("--allow-row-writes", done.errors)
        self.assertNotIn("version one", done.errors)
        done = self.ctl(daemon, *words, "--allow-row-writes")
        self.assertEqual(done.status, 0, done.errors)
        self.assertRegex(done.output, r"(?m)^completed in \d+ms, peak memory \d+\.\d MiB")
        self.assertIn("stdout: version one is done", done.output + done.errors)
        done = self.ctl(daemon, "--json", "run", TYPE, '{"fail": "no ink"}', "--user", USER,
                        "--allow-row-writes")
        self.assertEqual(done.status, 1)
        told = json.loads(done.output.splitlines()[-1])
        self.assertEqual((told["outcome"], told["error"]), ("failed", "no ink"))
        self.assertGreater(told["peak_memory_bytes"], 1 << 20)


if __name__ == "__main__":
    tap.main()
