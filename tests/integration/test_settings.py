"""The command line, the configuration, and what the process says about mistakes in either."""

import json
import re
import signal

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import body
from lab.postgres import PASSWORD


class TheCommandLine(Case):
    def run_with(self, *arguments, settings=None, **options):
        daemon = self.configure(settings, arguments=arguments, **options).start()
        return daemon, daemon.wait(10)

    def test_tells_its_version(self):
        daemon, status = self.run_with("--version")
        self.assertEqual(status, 0)
        self.assertTrue(daemon.lines(r"^nexus-worker \d+\.\d+\.\d+"))

    def test_tells_how_it_is_used(self):
        daemon, status = self.run_with("--help")
        self.assertEqual(status, 0)
        for option in ("--config", "--check-config", "--print-config", "--until-empty",
                       "--log-level", "--version"):
            self.assertTrue(daemon.lines(option), option)

    def test_with_an_unknown_option_ends_with_64(self):
        _, status = self.run_with("--no-such-option")
        self.assertEqual(status, 64)

    def test_with_a_good_configuration_says_so_and_ends_with_0(self):
        daemon, status = self.run_with("--check-config")
        self.assertEqual(status, 0)
        line, = daemon.lines("")
        self.assertIn(f"configuration is good: queue {self.queue.url} in us-east-1", line.string)

    def test_prints_the_configuration_without_secrets(self):
        daemon, status = self.run_with("--print-config")
        self.assertEqual(status, 0)
        self.assertTrue(daemon.lines("^concurrency *= *16"))
        for word in PASSWORD.split():
            self.assertEqual(daemon.lines(word), [])

    def test_prints_to_a_full_disk_and_has_failed(self):
        daemon = self.configure(arguments=["--print-config"])
        daemon.start(before=["sh", "-c", 'exec "$@" >/dev/full', "sh"])
        self.assertEqual(daemon.wait(), 1)
        line, = daemon.lines("")
        self.assertEqual(line.string,
                         "nexus-worker: standard output: No space left on device")

    def test_prints_what_there_is_of_a_configuration_that_is_not_whole(self):
        daemon, status = self.run_with("--print-config", settings={"database.url": None})
        self.assertEqual(status, 78)
        daemon.wait_line("^concurrency *= *16")
        daemon.wait_line(r"\[database\] url: required")


class Mistakes(Case):
    def test_are_all_said_with_their_place_and_end_with_78(self):
        daemon = self.configure({
            "worker.concurency": "3", "worker.job_timeout": "soon", "log.level": "loud"},
            arguments=["--check-config"]).start()
        self.assertEqual(daemon.wait(), 78)
        daemon.wait_line(r"\.conf:\d+: .*concurency.*concurrency")
        daemon.wait_line(r"\.conf:\d+: .*job_timeout")
        daemon.wait_line(r"\.conf:\d+: .*level")

    def test_that_only_the_upper_rooms_see_have_a_place_too(self):
        daemon = self.configure({
            "database.url": "postgresql://nexus:pass@word@db/jobs", "job nobody.timeout": "1s"},
            arguments=["--check-config"]).start()
        self.assertEqual(daemon.wait(), 78)
        daemon.wait_line(r"\.conf:\d+: url: the URL falls apart .*, accepted ")
        daemon.wait_line(r"\.conf:\d+: \[job nobody\]: no handler .*, accepted ")
        self.assertEqual(daemon.lines("pass@|@db"), [])

    def test_that_name_a_fifo_queue_are_one_line_and_end_with_78(self):
        for arguments in (["--check-config"], []):
            daemon = self.configure({"queue.url": self.queue.url + ".fifo"},
                                    arguments=arguments).start()
            self.assertEqual(daemon.wait(), 78)
            line, = daemon.lines("")
            self.assertRegex(line.string, r"\.conf:\d+: url: .*FIFO.*, accepted ")

    def test_end_a_start_with_78(self):
        for settings in ({"no such section.key": "1"}, {"queue.url": None},
                         {"database.url": None}, {"queue.url": "not a URL"}):
            daemon = self.configure(settings).start()
            self.assertEqual(daemon.wait(), 78, settings)

    def test_a_file_that_is_not_there_ends_with_78(self):
        daemon = self.configure()
        daemon.file.unlink()
        self.assertEqual(daemon.start().wait(), 78)
        line, = daemon.lines("")
        self.assertIn("cannot be read", line.string)

    def test_of_a_foreign_host_without_endpoint_gets_no_signature(self):
        daemon = self.configure({"queue.url": "https://sqs.example.com/123456789012/jobs",
                                 "queue.endpoint": None}).start()
        self.assertEqual(daemon.wait(), 78)
        daemon.wait_line("endpoint")


class TheEnvironment(Case):
    def test_overrules_the_file(self):
        daemon = self.configure({"queue.url": None, "database.url": None},
                                environment={"SQS_QUEUE_URL": self.queue.url,
                                             "DATABASE_URL": self.database.url,
                                             "NEXUS_WORKER_JOB_TIMEOUT": "300ms"})
        daemon.start().wait_ready()
        job, = self.jobs.publish(payload={"delayMs": 5000})
        self.assertEqual(self.jobs.wait(job, "failed").error, "timed out after 300ms")


class TheLog(Case):
    def test_is_text_where_there_is_no_journal(self):
        """As in a container, even if who started it had one."""
        daemon = self.start(environment={"JOURNAL_STREAM": "8:12345"})
        job, = self.jobs.publish()
        daemon.wait_line(f"info +job={job} .* outcome=completed")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(daemon.lines("(?i)journal|error|warning"), [])

    def test_as_json_has_one_object_a_line(self):
        daemon = self.start({"log.format": "json"})
        job, = self.jobs.publish()
        daemon.wait_line(job)
        self.assertEqual(daemon.stop(), 0)
        lines = [json.loads(line) for line in daemon.process.feed.lines]
        line, = [line for line in lines if line.get("job_id") == job]
        self.assertEqual(line["outcome"], "completed")

    def test_counts_what_it_did_not_write_before_an_end_that_is_not_orderly(self):
        daemon = self.start({"log.completed_per_second": 0})
        self.jobs.publish(payload={"delayMs": 20000})
        self.jobs.publish(count=5)
        until(lambda: self.queue.counts() == (0, 1), what="the others' ends")
        daemon.process.send(signal.SIGTERM)
        daemon.wait_line("stopping: SIGTERM")
        self.assertEqual(daemon.stop(), 1)
        lines = daemon.lines(r"(\d+) more jobs completed in the last second")
        self.assertEqual(sum(int(line[1]) for line in lines), 5)

    def test_has_the_job_as_a_field_of_each_line_that_names_one(self):
        daemon = self.start({"log.format": "json", "log.level": "debug"})
        running, = self.jobs.publish(payload={"delayMs": 3000})
        self.jobs.wait(running, "processing")

        def is_said_to_run():
            """Its row is in work a little before it is."""
            daemon.process.send(signal.SIGUSR1)
            return daemon.lines(f"slot .*job={running} ")
        until(is_said_to_run, what="a slot that runs it")
        elsewhere, = self.jobs.insert()
        self.database.execute("UPDATE background_jobs SET status = 'processing', updated_at = "
                              f"now() AT TIME ZONE 'UTC' WHERE id = '{elsewhere}'")
        self.queue.send([body("missing"), body(elsewhere)])
        for line in ("job=missing: its row is not there", f"job={elsewhere}: its row is not free",
                     f"job={running} .*completed"):
            daemon.wait_line(line)
        self.assertEqual(daemon.stop(), 0)
        for line in map(json.loads, daemon.process.feed.lines):
            if named := re.search(r"\bjob=([\w-]+)", line["message"]):
                self.assertEqual(line.get("job_id"), named[1], line)

    def test_names_no_secret_payload_or_receipt_handle(self):
        daemon = self.start({"log.level": "debug"})
        job, = self.jobs.publish(payload={"word": "xyzzy"})
        self.jobs.wait(job, "completed")
        self.queue.send(['{"jobId": "xyzzy'])
        daemon.wait_line("outcome=rejected")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(daemon.lines("xyzzy|" + "|".join(PASSWORD.split())), [])


if __name__ == "__main__":
    tap.main()
