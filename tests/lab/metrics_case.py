"""A daemon that is asked how it does, over HTTP."""

import urllib.error
import urllib.request

from lab.case import Case
from lab.postgres import free_port
from prometheus_client.parser import text_string_to_metric_families


class MetricsCase(Case):
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
