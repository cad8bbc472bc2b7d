"""What is remote and broken: one clear line, nothing lost, and work goes on when the cause goes."""

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import Jobs
from lab.postgres import free_port
from lab.sqs import KEY_ID, SECRET


class Trouble(Case):
    def assert_job_is_done(self, job, within=15):
        row = self.jobs.wait(job, "completed", within)
        self.assertEqual(row.attempts, 1)
        until(self.queue.is_empty, what="an empty queue")


class TheQueue(Trouble):
    def test_that_is_not_there_is_waited_for(self):
        missing = self.queue.url + "-missing"
        daemon = self.configure(queue=missing).start()
        self.assert_said_once(daemon, f"{self.queue.name}-missing")
        self.queue = self.sqs.create_queue(f"{self.queue.name}-missing")
        self.jobs = Jobs(self.postgres.create_database(), self.queue)
        self.addCleanup(self.jobs.database.close)
        daemon.configure({"database.url": self.jobs.database.url})
        daemon.reload()
        job, = self.jobs.publish()
        self.assert_job_is_done(job, within=45)

    def test_on_a_port_where_nobody_listens_is_waited_for(self):
        port = free_port()
        job, = self.jobs.insert()
        daemon = self.configure(
            queue=f"http://127.0.0.1:{port}/123456789012/late").start()
        self.assert_said_once(daemon, f"connect to 127.0.0.1 port {port}")
        late = self.lab.sqs(options=["--port", str(port)])
        self.addCleanup(late.close)
        self.queue = self.jobs.queue = late.create_queue("late")
        job, = self.jobs.publish()
        self.assert_job_is_done(job, within=45)

    def test_that_answers_in_html_is_said_and_works_when_it_does_not(self):
        daemon = self.start()
        until(lambda: self.queue.inside()["waiting"], what="a poll that waits")
        self.sqs.fault(action="ReceiveMessage", kind="raw", count=0, content_type="text/html",
                       body="<html><body>It works!</body></html>")
        # The poll that waits already gets this one; all others meet the page.
        first, = self.jobs.publish()
        self.jobs.wait(first, "completed")
        self.assert_said_once(daemon, "an HTML body")
        second, = self.jobs.publish()
        self.assertEqual(self.queue.counts(), (1, 0))
        self.sqs.heal()
        self.assert_job_is_done(second, within=45)

    def test_that_fails_and_is_throttled_for_a_while_costs_nothing(self):
        self.queue = self.jobs.queue = self.sqs.create_queue("rough", 4, self.dead_letters)
        daemon = self.start()
        for action in ("ReceiveMessage", "DeleteMessageBatch"):
            self.sqs.fault(action=action, kind="status", status=503, code="ServiceUnavailable",
                           count=1)
            self.sqs.fault(action=action, kind="status", status=403, code="RequestThrottled",
                           count=1)
            self.sqs.fault(action=action, kind="cut-before", count=1)
            self.sqs.fault(action=action, kind="cut-after", count=1)
        self.jobs.publish(count=200)
        self.jobs.wait_all("completed", within=60)
        until(self.queue.is_empty, within=60, what="an empty queue")
        self.assertEqual(self.jobs.runs(), {1: 200})
        self.assertEqual(daemon.stop(), 0)


class Credentials(Trouble):
    def write_secret(self, secret):
        path = self.lab.directory / f"credentials-{self.queue.name}"
        path.write_text(f"[default]\naws_access_key_id = {KEY_ID}\n"
                        f"aws_secret_access_key = {secret}\n", encoding="utf-8")
        return path

    def from_file(self, path):
        return {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None,
                "AWS_SHARED_CREDENTIALS_FILE": str(path)}

    def test_with_a_wrong_secret_are_said_and_work_when_it_is_right(self):
        job, = self.jobs.publish()
        wrong = "not/the+secret/at=all"
        daemon = self.configure(environment=self.from_file(self.write_secret(wrong))).start()
        self.assert_said_once(daemon, "(signature|secret)")
        self.write_secret(SECRET)
        daemon.reload()
        self.assert_job_is_done(job, within=45)
        self.assertEqual(daemon.lines("not/the|lab/secret"), [])

    def test_that_are_unknown_are_said(self):
        daemon = self.configure(environment={"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN000000000"}).start()
        self.assert_said_once(daemon, "(security token|UnrecognizedClient)")
        self.assertEqual(daemon.stop(), 0)

    def test_for_a_wrong_region_are_said(self):
        daemon = self.configure({"queue.region": "eu-west-1"}).start()
        self.assert_said_once(daemon, "region")
        self.assertEqual(daemon.stop(), 0)

    def test_that_are_not_there_end_the_start_as_only_a_file_can_cure_that(self):
        path = self.lab.directory / "no-such-file"
        daemon = self.configure(environment=self.from_file(path)).start()
        self.assertEqual(daemon.wait(), 78)
        daemon.wait_line(f"no AWS credentials: .*{path}")

    def test_without_a_permission_are_said_and_work_when_it_is_given(self):
        key, secret = "AKIADENIED0000000000", "a/secret"
        self.sqs.add_key(key, secret, ["GetQueueAttributes", "DeleteMessage",
                                       "ChangeMessageVisibility"])
        job, = self.jobs.publish()
        daemon = self.configure(environment={
            "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}).start()
        self.assert_said_once(daemon, "denied to sqs:ReceiveMessage")
        self.sqs.add_key(key, secret)
        self.assert_job_is_done(job, within=45)


if __name__ == "__main__":
    tap.main()
