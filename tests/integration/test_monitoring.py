"""docs/monitoring.md, the alerts and the dashboard name what there is, and all of it."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from lab import tap
from lab.case import setUpModule, tearDownModule  # noqa: F401
from lab.metrics_case import MetricsCase
from lab.world import ROOT

PAGE = ROOT / "docs/monitoring.md"
RULES = ROOT / "packaging/prometheus/nexus-worker.rules.yml"
RULES_TEST = ROOT / "tests/prometheus/nexus-worker.test.yml"
DASHBOARD = ROOT / "packaging/grafana/nexus-worker.json"

AGENT = ROOT / "packaging/cloudwatch/amazon-cloudwatch-agent.json"

METRIC = re.compile(r"\b(?:nexus|process)_[a-z_]+\b")
# What a histogram's samples are called beside it.
PARTS = re.compile("_(?:bucket|sum|count)$")


def read(path):
    return path.read_text(encoding="utf-8")


def rows(beginning):
    """The cells of each row of the page's table whose head begins so."""
    table, = re.findall(rf"(?m)^\| {re.escape(beginning)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)",
                        read(PAGE))
    return [[cell.strip() for cell in line.strip("|").split(" | ")]
            for line in table.splitlines()]


def names(beginning):
    return [row[0].strip("`") for row in rows(beginning)]


def shown_listen():
    """The address of the example."""
    return re.search(r"(?m)^    listen = (\S+)$", read(PAGE))[1]


class ThePage(MetricsCase):
    def test_has_every_metric_with_its_labels(self):
        self.start_listening().wait_ready()
        shown = {name: set(re.findall(r"`(\w+)`", labels))
                 for name, labels, *_ in ([cell.strip("`") if i == 0 else cell
                                           for i, cell in enumerate(row)]
                                          for row in rows("metric"))}
        self.assertEqual(shown, {
            family.name + ("_total" if family.type == "counter" else ""):
            {label for sample in family.samples for label in sample.labels}
            for family in self.families().values()})

    def test_has_every_value_of_a_label(self):
        self.start_listening().wait_ready()
        families = self.families()
        page = set(re.findall(r"`(\w+)`", read(PAGE)))
        for family, label, head in (("nexus_jobs", "outcome", "`outcome`"),
                                    ("nexus_sqs_requests", "result", "`result`"),
                                    ("nexus_sqs_requests", "action", None),
                                    ("nexus_slots", "state", None)):
            values = {sample.labels[label] for sample in families[family].samples}
            self.assertEqual(values - page, set(), label)
            if head:
                self.assertEqual(set(names(head)), values, label)


class ThePagesOtherTables(unittest.TestCase):
    def test_have_every_field_of_the_journal(self):
        fields = {name for path in (*ROOT.glob("src/*/*.c"), *ROOT.glob("include/*/*.h"))
                  for name in re.findall(r'{"(NEXUS_\w+|MESSAGE_ID)",', read(path))}
        self.assertEqual(set(names("field")), fields)

    def test_have_every_alert_with_its_severity(self):
        alerts = re.findall(r"(?s)alert: (\w+)\n.*?severity: (\w+)\n", read(RULES))
        self.assertEqual(sorted((row[0].strip("`"), row[2]) for row in rows("alert")),
                         sorted(alerts))


class AnAlert(unittest.TestCase):
    def test_leads_to_its_paragraph(self):
        alerts = re.findall(r"(?s)alert: (\w+)\n.*?runbook_url: (\S+)\n", read(RULES))
        self.assertEqual(len(alerts), read(RULES).count("- alert: "))
        for name, url in alerts:
            self.assertEqual(url, f"docs/runbook.md#alert-{name.lower()}")

    def test_asks_for_what_there_is(self):
        expressions = re.findall(r"(?s) expr: (.*?)\n +(?:for|labels):", read(RULES))
        asked = {PARTS.sub("", name) for text in expressions for name in METRIC.findall(text)}
        self.assertGreater(len(asked), 8)
        self.assertEqual(asked - set(names("metric")), set())

    def test_is_heard_in_a_test(self):
        heard = set(re.findall(r"alertname[:=]\W*(\w+)", read(RULES_TEST)))
        self.assertEqual(heard, set(re.findall(r"alert: (\w+)", read(RULES))))


def panels():
    return [panel for panel in json.loads(read(DASHBOARD))["panels"] if panel["type"] != "row"]


def expressions():
    return [target["expr"] for panel in panels() for target in panel["targets"]]


class TheDashboard(unittest.TestCase):
    """Its form is Grafana's business: tests/grafana asks for that."""

    def test_shows_what_there_is(self):
        texts = [*expressions(), *(variable["query"]["query"]
                                   for variable in json.loads(read(DASHBOARD))["templating"]["list"]
                                   if variable["type"] == "query")]
        shown = {PARTS.sub("", name) for text in texts for name in METRIC.findall(text)}
        self.assertEqual(shown - set(names("metric")), set())
        self.assertEqual({name for name in set(names("metric")) - shown
                          if name.startswith("nexus_")}, set())

    def test_explains_each_panel(self):
        for panel in panels():
            self.assertRegex(panel["description"], r"\.$", panel["title"])

    def test_has_a_place_for_each_panel(self):
        taken = {}
        for panel in json.loads(read(DASHBOARD))["panels"]:
            place = panel["gridPos"]
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    self.assertLess(x, 24)
                    self.assertIsNone(taken.get((x, y)), panel["title"])
                    taken[x, y] = panel["title"]
        ids = [panel["id"] for panel in json.loads(read(DASHBOARD))["panels"]]
        self.assertEqual(len(ids), len(set(ids)))


class TheCloudWatchAgent(unittest.TestCase):
    """It refuses a file with a name that it does not know."""

    def setUp(self):
        self.logs = json.loads(read(AGENT))["logs"]
        self.prometheus = self.logs["metrics_collected"]["prometheus"]

    def test_is_told_nothing_that_it_does_not_know(self):
        self.assertEqual(set(json.loads(read(AGENT))), {"logs"})
        self.assertEqual(set(self.logs), {"logs_collected", "metrics_collected"})
        self.assertEqual(set(self.logs["logs_collected"]), {"journald"})
        self.assertEqual(set(self.prometheus),
                         {"log_group_name", "prometheus_config_path", "emf_processor"})
        self.assertEqual(set(self.prometheus["emf_processor"]),
                         {"metric_declaration_dedup", "metric_namespace", "metric_unit",
                          "metric_declaration"})

    def test_collects_the_units_lines(self):
        self.assertEqual(self.logs["logs_collected"]["journald"], {"collect_list": [{
            "log_group_name": "/nexus/worker", "log_stream_name": "{instance_id}",
            "retention_in_days": 30, "units": ["nexus-worker.service"]}]})

    def test_finds_where_to_ask(self):
        name = pathlib.PurePath(self.prometheus["prometheus_config_path"])
        self.assertEqual(str(name.parent), "/usr/share/nexus-worker/cloudwatch")
        self.assertIn(f"'{shown_listen()}'", read(AGENT.parent / name.name))

    def test_has_each_metric_with_all_its_labels_once(self):
        labels = {name.strip("`"): set(re.findall(r"`(\w+)`", cell))
                  for name, cell, *_ in rows("metric")}
        taken = {}
        for declaration in self.prometheus["emf_processor"]["metric_declaration"]:
            self.assertEqual(set(declaration), {"source_labels", "label_matcher", "dimensions",
                                                "metric_selectors"})
            self.assertEqual((declaration["source_labels"], declaration["label_matcher"]),
                             (["job"], "^nexus-worker$"))
            dimensions, = declaration["dimensions"]
            for name in declaration["metric_selectors"]:
                self.assertRegex(name, r"^\^\w+\$$")
                self.assertNotIn(name[1:-1], taken)
                taken[name[1:-1]] = set(dimensions) - {"job"}
        self.assertEqual(taken, {name: labels.get(name) for name in taken})
        self.assertEqual(set(self.prometheus["emf_processor"]["metric_unit"]), set(taken))


@unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
class Promtool(MetricsCase):
    def assert_content(self, *words, text=None):
        done = subprocess.run(["promtool", *map(str, words)], input=text, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_takes_the_alerts(self):
        self.assert_content("check", "rules", "--lint-fatal", RULES)
        self.assert_content("test", "rules", RULES_TEST)

    def test_takes_what_the_cloudwatch_agent_asks_with(self):
        self.assert_content("check", "config", AGENT.parent / "prometheus.yaml")

    def test_takes_what_the_dashboard_asks(self):
        """As rules, for it reads no expressions by themselves."""
        rules = [{"record": f"panel:{i}", "expr": text.replace("$__rate_interval", "1m").replace(
            "$__range", "6h")} for i, text in enumerate(expressions())]
        with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
            json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
            file.flush()
            self.assert_content("check", "rules", file.name)

    def test_finds_nothing_in_the_metrics(self):
        self.start_listening().wait_ready()
        said = self.assert_content("check", "metrics", text=self.ask("/metrics")[1])
        self.assertEqual(said, "")


if __name__ == "__main__":
    tap.main()
