"""/metrics, /healthz and /readyz, as Prometheus and a probe see them."""

import json
import re
import urllib.error
import urllib.request

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.postgres import free_port
from prometheus_client.parser import text_string_to_metric_families

# What dashboards and alerts are written against.
CONTRACT = {
    "nexus_jobs": {"type", "outcome"}, "nexus_dead_letters": {"type"}, "nexus_job_run_seconds": {"type", "le"},
    "nexus_job_wait_seconds": {"type", "le"}, "nexus_jobs_in_flight": set(),
    "nexus_slots": {"state"}, "nexus_sqs_requests": {"action", "result"},
    "nexus_sqs_seconds_since_receive": set(), "nexus_database_up": set(),
    "nexus_ledger_batch_size": {"le"}, "nexus_credentials_expiry_seconds": set(),
    "nexus_build_info": {"version"}, "process_cpu_seconds": set(), "process_open_fds": set(),
    "process_max_fds": set(), "process_resident_memory_bytes": set(),
    "process_virtual_memory_bytes": set(), "process_virtual_memory_max_bytes": set(),
    "process_start_time_seconds": set(), "process_threads": set()}


class Metrics(Case):
    def setUp(self):
        super().setUp()
        self.address = f"127.0.0.1:{free_port()}"

    def start_listening(self, settings=None):
        return self.configure({"metrics.listen": self.address, **(settings or {})}).start()

    def ask(self, path, method="GET"):
        """Status and text."""
        request = urllib.request.Request(f"http://{self.address}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def families(self):
        status, text = self.ask("/metrics")
        self.assertEqual(status, 200)
        return {family.name: family for family in text_string_to_metric_families(text)}

    def value(self, name, families=None, **labels):
        """That of the one sample with this name and these labels."""
        found, = [sample.value for family in (families or self.families()).values()
                  for sample in family.samples if sample.name == name and sample.labels == labels]
        return found

    def test_have_the_names_and_labels_of_the_contract(self):
        self.start_listening().wait_ready()
        shown = {name: {label for sample in family.samples for label in sample.labels}
                 for name, family in self.families().items()}
        self.assertEqual(shown, CONTRACT)

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

    def test_a_port_that_is_taken_keeps_nobody_from_working(self):
        self.start_listening().wait_ready()
        other = self.start_listening().wait_ready()
        other.wait_line(rf"\[metrics\] listen: {self.address}: Address already in use; there are "
                        "no metrics until a restart")


if __name__ == "__main__":
    tap.main()
