"""What the integration tests of credentials stand on: a daemon without keys of its own.

The metadata service, the token service and a container's endpoint are the local SQS' (lab.sqs).
"""

from lab.case import Case
from lab.feed import until
from lab.sqs import ACCOUNT

ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"


class Keyless(Case):
    def setUp(self):
        super().setUp()
        self.sqs.forget_identities()
        self.sqs.forget_stats()
        self.directory = self.lab.directory / self.id()
        self.directory.mkdir()

    def configure(self, settings=None, environment=None, **options):
        """The environment has no keys, and leads to the local services."""
        return super().configure(settings, environment={
            "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None,
            "AWS_ENDPOINT_URL_STS": self.sqs.endpoint,
            "AWS_CONFIG_FILE": str(self.directory / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.directory / "credentials"),
            **(environment or {})}, **options)

    def on_instance(self, **environment):
        """The environment of a machine that has a metadata service."""
        return {"AWS_EC2_METADATA_DISABLED": None,
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.sqs.endpoint, **environment}

    def write(self, name, text, mode=0o600):
        """A file of the test's own; its path."""
        path = self.directory / name
        path.touch(mode=mode)
        path.write_text(text, encoding="utf-8")
        return str(path)

    def wait_answers(self, action, more, within=15, since=None):
        """Until there are so many more good answers than now, or than there were."""
        wanted = (self.sqs.answers(action) if since is None else since) + more
        until(lambda: self.sqs.answers(action) >= wanted, within, what=f"{action} to be asked")

    def assert_works(self, daemon, within=10):
        """A job is done with its first receive."""
        job, = self.jobs.publish()
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed", within)

    def assert_works_as(self, daemon, source):
        """The source is said once, its keys work, and no part of them is in the log."""
        daemon.wait_line(f" info +credentials: {source}")
        self.assert_works(daemon)
        self.assertEqual(len(daemon.lines("credentials:")), 1)
        self.assertEqual(daemon.lines("ASIA[A-Z0-9]{4}|[Ss]ecret|Bearer"), [])
