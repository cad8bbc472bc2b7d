"""Jobs of kind http: a worker application as Elastic Beanstalk has them does them unchanged."""

import json

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import body

KIND = "make-thumbnail"


def text(value):
    return {"DataType": "String", "StringValue": value}


class Service(Case):
    """An application, and a daemon that has it do all jobs of one type."""

    def setUp(self):
        super().setUp()
        self.application = self.lab.application()
        self.addCleanup(self.application.close)

    def settings(self, **more):
        return {f"job {KIND}.kind": "http", f"job {KIND}.url": self.application.url,
                **{f"job {KIND}.{key}": value for key, value in more.items()}}

    def publish(self, payload=None, attributes=None, kind=KIND):
        """Row first, then message; its id."""
        job, = self.jobs.insert(kind, payload)
        self.queue.send([body(job, kind, payload)], attributes)
        return job


class AJob(Service):
    def test_is_done_by_an_unchanged_application(self):
        daemon = self.start(self.settings())
        job, = self.jobs.insert(KIND)
        odd = f' {{"type" :"{KIND}",\n"payload": {{"b":1, "b":"\\u0041"}}, "jobId":"{job}"}} '
        self.queue.send([odd], {
            "color": text("blue"), "count": {"DataType": "Number.int", "StringValue": "3"},
            "blob": {"DataType": "Binary", "BinaryValue": "AQID"},
            "beanstalk.sqsd.other": text("x")})
        self.jobs.wait(job, "completed")
        until(self.queue.is_empty, what="an empty queue")
        request, = self.application.requests()
        self.assertEqual((request["path"], request["body"]), ("/jobs", odd))
        headers = request["headers"]
        moment = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
        self.assertRegex(headers.pop("X-Aws-Sqsd-First-Received-At"), moment)
        self.assertRegex(headers.pop("X-Aws-Sqsd-Sent-At"), moment)
        self.assertRegex(headers.pop("X-Aws-Sqsd-Msgid"), r"^[0-9a-f-]{36}$")
        self.assertTrue(headers.pop("X-Aws-Sqsd-Sender-Id"))
        self.assertTrue(headers.pop("User-Agent").startswith("aws-sqsd/"))
        self.assertEqual(headers, {
            "Host": f"127.0.0.1:{self.application.port}", "Accept": "*/*",
            "Content-Type": "application/json", "Content-Length": str(len(odd)),
            "X-Aws-Sqsd-Queue": self.queue.name, "X-Aws-Sqsd-Receive-Count": "1",
            "X-Aws-Sqsd-Attr-color": "blue", "X-Aws-Sqsd-Attr-count": "3"})
        self.assertEqual(daemon.stop(), 0)

    def test_may_name_its_path_in_the_application(self):
        self.start(self.settings())
        job = self.publish(attributes={
            "beanstalk.sqsd.path": text("/tasks/clean?all=1"),
            "beanstalk.sqsd.task_name": text("clean"),
            "beanstalk.sqsd.scheduled_time": text("2026-01-02 03:04:00 UTC")})
        self.jobs.wait(job, "completed")
        request, = self.application.requests()
        self.assertEqual(request["path"], "/tasks/clean?all=1")
        self.assertEqual(request["headers"]["X-Aws-Sqsd-Path"], "/tasks/clean?all=1")
        self.assertEqual(request["headers"]["X-Aws-Sqsd-Taskname"], "clean")
        self.assertEqual(request["headers"]["X-Aws-Sqsd-Scheduled-At"], "2026-01-02T03:04:00Z")

    def test_that_is_answered_with_anything_but_200_has_failed(self):
        self.start(self.settings())
        for status in (201, 204, 302, 404, 500):
            job = self.publish({"status": status, "say": "no such picture\nat all"})
            row = self.jobs.wait(job, "failed")
            self.assertEqual(row.error, f"the service answered {status}" +
                             (": no such picture" if status != 204 else ""))

    def test_that_failed_comes_again_as_the_same_message(self):
        self.queue = self.jobs.queue = self.sqs.create_queue("again", 4, self.dead_letters)
        self.start({**self.settings(), "retry.base_delay": "1s"})
        job = self.publish({"status": 500, "failures": 1})
        self.jobs.wait(job, "completed", attempts=2)
        first, second = (request["headers"] for request in self.application.requests())
        self.assertEqual(second.pop("X-Aws-Sqsd-Receive-Count"), "2")
        self.assertEqual(first.pop("X-Aws-Sqsd-Receive-Count"), "1")
        self.assertEqual(first, second)

    def test_returns_when_the_service_says_and_not_when_its_visibility_ends(self):
        self.start(self.settings())
        job = self.publish({"status": 503, "failures": 1, "retryAfter": 1})
        self.jobs.wait(job, "completed", attempts=2, within=10)

    def test_whose_attributes_would_be_another_header_fails_and_is_not_sent(self):
        self.start(self.settings())
        job = self.publish(attributes={"color": text("blue\r\nX-Evil: 1")})
        row = self.jobs.wait(job, "failed")
        self.assertEqual(row.error, "its message is not sent: X-Aws-Sqsd-Attr-color would hold "
                                    "a control character")
        self.assertEqual(self.application.requests(), [])

    def test_that_takes_too_long_is_given_up(self):
        self.start(self.settings(timeout="1s"))
        job = self.publish({"seconds": 60})
        self.assertEqual(self.jobs.wait(job, "failed").error, "timed out after 1s")

    def test_that_runs_ends_before_the_daemon_does(self):
        daemon = self.start(self.settings())
        job = self.publish({"seconds": 2})
        self.application.wait_requests(1)
        self.assertEqual(daemon.stop(), 0)
        self.assert_row(job, status="completed", attempts=1)


class AServiceThatIsDown(Service):
    def test_fails_its_jobs_by_name_until_it_is_there_again(self):
        self.queue = self.jobs.queue = self.sqs.create_queue("down", 4, self.dead_letters)
        daemon = self.start({**self.settings(), "retry.base_delay": "1s"})
        self.application.close()
        job = self.publish()
        port = self.application.port
        why = (f"no answer from the service at 127.0.0.1:{port}: cannot connect to 127.0.0.1 port "
               f"{port}: Connection refused: start the service, or correct url")
        self.assertEqual(self.jobs.wait(job, "failed").error, why)
        daemon.wait_line(f"job={job} .*start the service, or correct url")
        again = self.lab.application(port=port)
        self.addCleanup(again.close)
        self.jobs.wait(job, "completed")


    def check(self):
        """What --check-config says, and its exit status."""
        daemon = self.configure(self.settings(), arguments=["--check-config"]).start()
        status = daemon.wait()
        return status, "\n".join(match.string for match in daemon.lines("."))

    def test_is_found_by_a_check_of_the_configuration_with_line_and_fix(self):
        self.assertEqual(self.check()[0], 0)
        self.assertEqual(self.application.requests(), [])
        self.application.close()
        status, said = self.check()
        self.assertEqual(status, 78)
        self.assertRegex(said, rf"\.conf:\d+: url: no answer from the service at 127\.0\.0\.1:"
                               rf"{self.application.port}: .*: start the service, or correct url")


class ManyJobs(Service):
    def test_share_as_many_connections_as_there_are_threads(self):
        self.start({**self.settings(), "worker.concurrency": "4"})
        for _ in range(20):
            self.jobs.publish(KIND, count=10)
        self.assert_all_done(200)
        requests = self.application.requests()
        self.assertEqual(len({json.loads(r["body"])["jobId"] for r in requests}), 200)
        self.assertEqual(len(requests), 200)
        self.assertLessEqual(len({r["connection"] for r in requests}), 4)


class AReload(Service):
    def test_has_messages_that_came_before_done_by_the_service_too(self):
        kind = "test-echo"
        daemon = self.start({f"job {kind}.max_concurrency": "1"})
        first = self.publish({"delayMs": 3000}, kind=kind)
        self.jobs.wait(first, "processing")
        second = self.publish({}, {"color": text("blue")}, kind)
        until(lambda: self.queue.counts() == (0, 2), what="both in hand")
        daemon.configure({f"job {kind}.kind": "http", f"job {kind}.url": self.application.url})
        daemon.reload("reload")
        self.jobs.wait(second, "completed")
        headers = self.application.requests()[0]["headers"]
        self.assertEqual(headers["X-Aws-Sqsd-Queue"], self.queue.name)
        self.assertEqual(headers["X-Aws-Sqsd-Receive-Count"], "1")
        self.assertNotIn("X-Aws-Sqsd-Attr-color", headers)
        third = self.publish({}, {"color": text("blue")}, kind)
        fourth = self.publish({}, {"color": text("blue")}, kind)
        self.jobs.wait(third, "completed")
        self.jobs.wait(fourth, "completed")
        headers = self.application.requests()[-1]["headers"]
        self.assertEqual(headers["X-Aws-Sqsd-Attr-color"], "blue")


if __name__ == "__main__":
    tap.main()
