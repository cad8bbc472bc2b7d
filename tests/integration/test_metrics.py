"""/metrics, /healthz and /readyz, as Prometheus and a probe see them."""

import contextlib
import json
import re
import socket

from lab import tap
from lab.case import setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.identity import ROLE, Keyless
from lab.metrics_case import MetricsCase


# As many as are served at a time.
CONNECTIONS_MAX = 16


class Metrics(MetricsCase):
    def test_count_what_became_of_jobs(self):
        daemon = self.start_listening().wait_ready()
        self.jobs.publish(count=20)
        self.jobs.publish(payload={"fail": "no paper"})
        self.jobs.publish(kind="unheard-of")
        self.queue.send(["not a job"])
        daemon.wait_line("outcome=rejected")
        until(lambda: self.jobs.counts() == {"completed": 20, "failed": 2}, what="all ends")
        until(lambda: self.value("nexus_jobs_total", type="test-echo", outcome="failed") == 1)
        families = self.families()
        for labels, count in [({"type": "test-echo", "outcome": "completed"}, 20),
                              ({"type": "other", "outcome": "failed"}, 1),
                              ({"type": "other", "outcome": "rejected"}, 1),
                              ({"type": "other", "outcome": "lost"}, 0)]:
            self.assertEqual(self.value("nexus_jobs_total", families, **labels), count, labels)
        # Each has two receives left.
        self.assertEqual(self.value("nexus_dead_letters_total", families, type="test-echo"), 0)
        self.assertEqual(
            self.value("nexus_job_run_seconds_count", families, type="test-echo"), 21)
        self.assertEqual(
            self.value("nexus_job_wait_seconds_bucket", families, type="test-echo", le="+Inf"), 21)
        self.assertGreater(self.value("nexus_ledger_batch_size_sum", families), 21)
        self.assertGreater(self.value("nexus_sqs_requests_total", families,
                                      action="ReceiveMessage", result="ok"), 0)
        self.assertEqual(self.value("nexus_slots", families, state="idle"), 16)
        self.assertEqual(self.value("nexus_database_up", families), 1)
        self.assertEqual(self.value("nexus_credentials_expiry_seconds", families), float("inf"))

    def test_count_what_becomes_a_dead_letter(self):
        self.queue.change(RedrivePolicy=json.dumps({
            "deadLetterTargetArn": self.dead_letters.attributes()["QueueArn"],
            "maxReceiveCount": 1}))
        self.start_listening().wait_ready()
        self.jobs.publish(count=2)
        self.jobs.publish(payload={"fail": "no paper"})
        self.queue.send(["not a job"])
        for job_type, outcome in ("test-echo", "failed"), ("other", "rejected"):
            until(lambda: self.value("nexus_jobs_total", type=job_type, outcome=outcome) == 1)
            self.assertEqual(self.value("nexus_dead_letters_total", type=job_type), 1)
        until(lambda: self.value("nexus_jobs_total", type="test-echo", outcome="completed") == 2)
        self.assertEqual(self.value("nexus_dead_letters_total", type="test-echo"), 1)

    def test_say_the_same_start_each_time(self):
        self.start_listening().wait_ready()
        self.assertEqual(
            len({self.value("process_start_time_seconds") for _ in range(100)}), 1)

    def test_a_probe_is_told_what_is_away(self):
        daemon = self.start_listening({"database.url": "postgresql://127.0.0.1:1/none"})
        daemon.wait_line("nexus-worker .* threads")
        until(lambda: re.search("(?m)^database: the database cannot be reached: ",
                                self.ask("/readyz")[1]), what="a reason")
        self.assertEqual(self.ask("/readyz")[0], 503)
        self.assertEqual(self.value("nexus_database_up"), 0)
        # Which is no reason to be restarted.
        self.assertEqual(self.ask("/healthz"), (200, "the loop turns\n"))

    def test_a_probe_is_told_when_all_is_there(self):
        self.start_listening().wait_ready()
        self.assertEqual(self.ask("/readyz"), (200, "ready\n"))
        self.assertEqual(self.ask("/readyz", method="HEAD"), (200, ""))
        self.assertEqual(self.ask("/readyz", method="POST")[0], 405)
        self.assertEqual(self.ask("/")[0], 404)

    def test_who_says_nothing_keeps_no_place_from_those_who_ask(self):
        self.start_listening().wait_ready()
        host, port = self.address.split(":")
        with contextlib.ExitStack() as stack:
            silent = [stack.enter_context(socket.create_connection((host, port), timeout=30))
                      for _ in range(CONNECTIONS_MAX)]
            self.assertEqual(silent[0].recv(1), b"")
            self.assertEqual(self.ask("/healthz")[0], 200)

    def test_a_port_that_is_taken_keeps_nobody_from_working(self):
        self.start_listening().wait_ready()
        other = self.start_listening().wait_ready()
        other.wait_line(rf"\[metrics\] listen: {self.address}: Address already in use; there are "
                        "no metrics until a restart")


class OfTheKeys(Keyless, MetricsCase):
    def test_the_time_that_is_left_is_that_of_awss_clock(self):
        """Ours is slow: by it they would be good for longer than they are."""
        self.sqs.set_ahead(20 * 60)
        self.addCleanup(self.sqs.set_ahead, 0)
        self.sqs.role(ROLE, web_identity_token="a.b.c")
        daemon = self.configure({"metrics.listen": self.address}, environment={
            "AWS_WEB_IDENTITY_TOKEN_FILE": self.write("token", "a.b.c"), "AWS_ROLE_ARN": ROLE})
        daemon.start().wait_line("clock is .* behind AWS's")
        left = self.value("nexus_credentials_expiry_seconds")
        self.assertTrue(3500 < left < 3603, left)  # HTTP has whole seconds


if __name__ == "__main__":
    tap.main()
