"""What tests of Lambda functions stand on: bundles, and nexusctl to deploy them.

A file that says `from lab.lambda_case import LambdaCase, setUpModule, tearDownModule` has them.
"""

import json
import zipfile

from lab import bundle, javascript
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.ctl import USER, nexusctl
from lab.daemon import section

TYPE = "make-thumbnail"
PROBE = javascript.SCRIPTS / "probe"


def pack_probe(target, version="one", changes=None):
    """The probe of tests/javascript as a ZIP file. changes: texts of files by name."""
    files = {"handler.mjs": (PROBE / "handler.mjs").read_text(), "version": version}
    files.update(changes or {})
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return target


class LambdaCase(Case):
    """Skipped where node is not there, or what the bundle needs is not."""

    why_not = staticmethod(javascript.why_no_node)
    visibility = 4

    def setUp(self):
        if reason := self.why_not():
            self.skipTest(reason)
        super().setUp()
        self.bundles = self.lab.directory / f"bundles-{self.queue.name}"
        self.bundles.mkdir()
        self.bundle = self.bundles / "bundle"

    def settings(self, job_type=TYPE, **keys):
        """A section for the bundle, with failed jobs back after a second."""
        return section(job_type, **{"kind": "lambda", "bundle": self.bundle,
                                    "base_delay": "1s", "max_delay": "1s", **keys})

    def zip(self, version="one", changes=None):
        return pack_probe(self.bundles / f"{version}.zip", version, changes)

    def ctl(self, daemon, *words, **options):
        return nexusctl(daemon, *words, **options)

    def deploy(self, daemon, file):
        """That ZIP file, in place; what nexusctl said."""
        done = self.ctl(daemon, "deploy", TYPE, file, "--user", USER)
        self.assertEqual(done.status, 0, done.errors)
        return done.output

    def verify(self, daemon):
        """What nexusctl tells of the bundle, as a dictionary."""
        done = self.ctl(daemon, "--json", "deploy", TYPE)
        self.assertEqual(done.status, 0, done.errors)
        return json.loads(done.output)

    def start_probe(self, settings=None, **keys):
        """A daemon with the probe in place, which leaves the rows to us."""
        daemon = self.configure({**self.settings(rows="worker", **keys), **(settings or {})})
        self.deploy(daemon, self.zip())
        return daemon.start().wait_ready()

    def publish(self, **payload):
        """One job; its id."""
        job, = self.jobs.publish(TYPE, payload)
        return job

    def runtime_of(self, daemon, job, times=1):
        """The process that was given the job, for the times-th time."""
        return int(daemon.wait_line(rf"job={job} stdout: version \w+, pid (\d+)", times=times)[1])


class BundleCase(LambdaCase):
    """With the bundle as the application builds its own, in place once for the whole file."""

    why_not = staticmethod(javascript.why_no_sdk)

    def setUp(self):
        super().setUp()
        self.bundle = self.lab.directory / "application"
        if not self.bundle.exists():
            packed = self.lab.directory / "application.zip"
            bundle.pack(packed)
            self.deploy(self.configure(self.settings(**self.keys())), packed)

    def keys(self, environment="", **keys):
        """What the bundle needs to find its database and its service."""
        return {"pass_database_url": "yes",
                "environment": f"AWS_ENDPOINT_URL_STS={self.sqs.endpoint} {environment}", **keys}

    def start_bundle(self, environment="", settings=None, **keys):
        return self.start(
            {**self.settings(**self.keys(environment, **keys)), **(settings or {})})
