"""Runtimes of Lambda functions: what they find there, when they end, and what a reload changes."""

import json
import os
import signal

from lab import tap
from lab.feed import until
from lab.lambda_case import TYPE, LambdaCase, setUpModule, tearDownModule  # noqa: F401
from lab.process import is_alive

LONG_MS = 60000
MIB = 1 << 20
# What the environment of a function has on Lambda as well, or is about where it runs.
USUAL = {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
         "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_DEFAULT_REGION",
         "AWS_XRAY_CONTEXT_MISSING", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
         "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_INITIALIZATION_TYPE",
         "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
         "AWS_EC2_METADATA_DISABLED", "AWS_EXECUTION_ENV"}
SECRET = "only for the daemon"


class ARuntime(LambdaCase):
    def find(self, **payload):
        """What the probe finds in a job of its own."""
        told = self.bundles / "told"
        self.jobs.wait(self.publish(tell=str(told), **payload), "completed")
        return json.loads(told.read_text())

    def test_is_told_what_the_section_says_and_nothing_of_the_daemons_own(self):
        secrets = self.lab.directory / "secrets"
        secrets.mkdir(mode=0o700)
        (secrets / "database-url").write_text(self.database.url)
        more = self.bundles / "more"
        more.write_text("FROM_FILE=a word\n")
        daemon = self.configure(
            self.settings(rows="worker", environment="PLAIN=1 QUOTED='two words'",
                          environment_file=more, memory="300M",
                          working_directory=self.bundles),
            environment={"DATABASE_URL": self.database.url, "OF_THE_DAEMON": SECRET,
                         "CREDENTIALS_DIRECTORY": str(secrets)})
        self.deploy(daemon, self.zip())
        daemon.start().wait_ready()
        found = self.find(read=str(daemon.file))
        had = found["environment"]
        self.assertEqual((had["PLAIN"], had["QUOTED"], had["FROM_FILE"]),
                         ("1", "two words", "a word"))
        self.assertEqual(found["directory"], str(self.bundles))
        self.assertEqual(had["AWS_REGION"], "us-east-1")
        self.assertEqual(had["AWS_LAMBDA_FUNCTION_NAME"], TYPE)
        self.assertEqual({name for name in had if name.startswith("AWS_")} - USUAL, set())
        for name in ("DATABASE_URL", "OF_THE_DAEMON", "NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY"):
            self.assertNotIn(name, had)
        for value in had.values():
            for secret in (SECRET, self.database.url, daemon.environment["AWS_SECRET_ACCESS_KEY"]):
                self.assertNotIn(secret, value)
        self.assert_limited_to(found, 300)
        if not daemon.lines(" warning .*Landlock"):
            self.assertEqual(found["read"], "EACCES")
            self.assertEqual(self.find(read=str(secrets / "database-url"))["read"], "EACCES")

    def assert_limited_to(self, found, mebibytes):
        """Its heap is; node has some room beside for what is young."""
        self.assertIn(f"--max-old-space-size={mebibytes}", found["flags"])
        self.assertEqual(found["environment"]["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], str(mebibytes))
        self.assertGreaterEqual(found["heap"], mebibytes * MIB)
        self.assertLess(found["heap"], (mebibytes + 100) * MIB)

    def test_has_the_databases_url_where_the_section_passes_it_and_usual_memory(self):
        self.start_probe(pass_database_url="yes")
        found = self.find()
        self.assertEqual(found["environment"]["DATABASE_URL"], self.database.url)
        self.assertEqual(found["directory"], str(self.bundle.resolve()))
        self.assert_limited_to(found, 256)

    def test_that_is_killed_costs_its_own_job_alone_and_is_replaced(self):
        daemon = self.start_probe()
        killed, spared = (self.publish(sleepMs=ms, once=True) for ms in (LONG_MS, 2500))
        first, other = (self.runtime_of(daemon, job) for job in (killed, spared))
        os.kill(first, signal.SIGKILL)
        daemon.wait_line(f"job={killed} .*outcome=failed .*Runtime.ExitError: .*killed by SIGKILL")
        self.assertTrue(is_alive(other))
        second = self.runtime_of(daemon, killed, times=2)
        self.assertNotIn(second, (first, other))
        self.jobs.wait(killed, "completed", attempts=2)
        daemon.wait_line(f"job={spared} .*attempt=1 receive=1 outcome=completed")

    def test_that_exits_in_a_job_fails_it_with_the_status(self):
        daemon = self.start_probe()
        job = self.publish(exit=7, once=True)
        daemon.wait_line(f"job={job} .*outcome=failed .*Runtime.ExitError: .*exited with status 7")
        self.jobs.wait(job, "completed", attempts=2)

    def test_that_takes_longer_than_its_type_may_is_killed_and_replaced_alone(self):
        daemon = self.start_probe(timeout="2s")
        spared, stuck = self.publish(sleepMs=1000), self.publish(spin=True, once=True)
        other, first = (self.runtime_of(daemon, job) for job in (spared, stuck))
        self.assertNotEqual(first, other)
        daemon.wait_line(f"job={stuck} .*outcome=timeout .*timed out after 2s")
        self.wait_gone(first)
        self.assert_row(spared, status="completed", attempts=1)
        self.assertEqual(self.runtime_of(daemon, stuck, times=2), other)
        self.jobs.wait(stuck, "completed", attempts=2)


class AReload(LambdaCase):
    def runtime_now(self, daemon):
        """Of one more job."""
        return self.runtime_of(daemon, self.publish())

    def test_replaces_the_runtimes_of_a_section_that_changed_once_they_are_idle(self):
        daemon = self.start_probe()
        running = self.publish(sleepMs=1500)
        old = self.runtime_of(daemon, running)
        daemon.reload(" notice +reloaded$")
        self.assertTrue(is_alive(old))
        daemon.configure(self.settings(environment="CHANGED=1"))
        daemon.reload(" notice +reloaded$")
        self.assertNotEqual(self.runtime_now(daemon), old)
        self.assert_row(running, status="processing")
        self.jobs.wait(running, "completed", attempts=1)
        self.wait_gone(old)

    def test_keeps_the_runtimes_of_a_section_that_did_not(self):
        daemon = self.start_probe()
        kept = self.runtime_now(daemon)
        until(lambda: self.jobs.counts() == {"completed": 1}, what="the job's end")
        daemon.configure({"job test-echo.timeout": "9s"})
        daemon.reload(" notice +reloaded$")
        self.assertEqual(self.runtime_now(daemon), kept)

    def test_with_a_bundle_that_is_not_there_changes_nothing(self):
        daemon = self.start_probe()
        kept = self.runtime_now(daemon)
        until(lambda: self.jobs.counts() == {"completed": 1}, what="the job's end")
        daemon.configure(self.settings(bundle=self.bundles / "none", environment="CHANGED=1"))
        daemon.reload(r"\.conf:\d+: (bundle|handler): .*none")
        self.assertEqual(self.runtime_now(daemon), kept)


if __name__ == "__main__":
    tap.main()
