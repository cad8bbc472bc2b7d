"""The daemon as it is where there is no libmicrohttpd."""

import subprocess

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401

BUILT = "built without libmicrohttpd"
COMMAND = {"job run.kind": "command", "job run.program": "/bin/echo done"}


class ADaemonThatServesNothing(Case):
    def configure(self, *words, **options):
        return super().configure(*words, program="nexus-worker-unserved", **options)

    def assert_refused(self, settings, line):
        daemon = self.configure(settings, arguments=["--check-config"]).start()
        self.assertEqual(daemon.wait(), 78)
        said, = daemon.lines("")
        self.assertRegex(said.string, rf"\.conf:\d+: {line}: {BUILT}, .*, accepted is ")

    def test_needs_no_libmicrohttpd(self):
        needs = subprocess.run(["ldd", self.lab.program("nexus-worker-unserved")], text=True,
                               stdout=subprocess.PIPE, check=True).stdout
        self.assertIn("libcurl", needs)
        self.assertNotIn("microhttpd", needs)

    def test_refuses_metrics(self):
        self.assert_refused({"metrics.listen": "127.0.0.1:9464"}, "listen")

    def test_refuses_lambda(self):
        (self.lab.directory / "handler.mjs").touch()
        self.assert_refused({"job resize.kind": "lambda",
                             "job resize.bundle": self.lab.directory}, "kind")

    def test_refuses_to_promise_credentials_to_programs(self):
        self.assert_refused({**COMMAND, "job run.pass_aws_credentials": "yes"},
                            "pass_aws_credentials")

    def test_does_all_other_jobs(self):
        daemon = self.start(COMMAND)
        daemon.wait_line(f"programs get no AWS credentials: {BUILT}")
        jobs = [*self.jobs.publish(), *self.jobs.publish("run")]
        for job in jobs:
            self.jobs.wait(job, "completed")


if __name__ == "__main__":
    tap.main()
