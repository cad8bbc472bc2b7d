"""nexusctl doctor: each thing that can be wrong, with what mends it."""

import json

from lab import tap
from lab.ctl_case import CtlCase, setUpModule, tearDownModule  # noqa: F401
from lab.sqs import KEY_ID, SECRET

ALL = ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes",
       "SendMessage"]
PROVISION = "nexusctl provision --fix"
ABSENT = "postgresql://127.0.0.1:1/none"


class Doctor(CtlCase):
    def doctor(self, status):
        """{check: what is said of it}, each check's worst line."""
        lines = {}
        for line in self.objects("doctor", status=status):
            if lines.get(line["check"], {}).get("result") != "failed":
                lines[line["check"]] = line
        return lines

    def assert_line(self, line, result, text, fix=None):
        self.assertEqual(line["result"], result, line)
        self.assertIn(text, line["text"])
        self.assertEqual(line["fix"], fix)

    def without_database(self):
        self.daemon.configure({"database.url": ABSENT})


class Healthy(Doctor):
    def test_says_of_everything_that_it_is_good_and_changes_nothing(self):
        lines = self.doctor(status=0)
        self.assertEqual({check for check, line in lines.items() if line["result"] != "ok"},
                         {"daemon"})
        self.assertEqual(list(lines), [
            "configuration", "job types", "endpoint", "credentials", "queue",
            "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility",
            "visibility", "redrive", "dead letters", "clock", "database", "database TLS", "enum",
            "table", "primary key", "index", "columns", "grants", "pooler", "daemon"])
        self.assertEqual(lines["credentials"]["text"], "environment, without an end")
        self.assertIn(f"{self.database.name} at 127.0.0.1:", lines["database"]["text"])
        self.assertEqual(self.queue.received(), 0)
        self.assertTrue(self.queue.is_empty() and self.dead_letters.is_empty())

    def test_marks_each_line_as_the_terminal_can(self):
        self.daemon.environment.update(LC_ALL="de_DE.UTF-8")
        self.without_database()
        text = self.run_ctl("doctor", status=1).output
        self.assertRegex(text, r"(?m)^✓ configuration: has no mistakes$")
        self.assertRegex(text, r"(?m)^✗ database: the database cannot be reached")
        self.assertRegex(text, r"(?m)^! daemon: ")
        self.daemon.environment.update(LC_ALL=None, LANG="C")
        text = self.run_ctl("doctor", status=1).output
        self.assertRegex(text, r"(?m)^\+ configuration: has no mistakes$")
        self.assertRegex(text, r"(?m)^x database: the database cannot be reached")
        self.assertTrue(text.isascii())

    def test_wants_no_words(self):
        self.assertIn("it looks at everything", self.run_ctl("doctor", "db", status=64).errors)
        self.assertIn("Usage: nexusctl doctor", self.ctl("doctor", "--help"))


class Configuration(Doctor):
    def test_every_mistake(self):
        self.daemon.configure({"worker.concurrency": "many", "log.level": "loud"})
        lines = self.objects("doctor", status=1)
        self.assertEqual([(line["check"], line["result"]) for line in lines],
                         [("configuration", "failed")] * 2 + [("all else", "warning")])
        self.assertIn("concurrency: ", lines[0]["text"])

    def test_what_this_machine_lacks_for_a_job_type(self):
        self.daemon.configure({"job x.kind": "command", "job x.program": "/nowhere/program",
                               "worker.prefetch_max": "1"})
        lines = [line for line in self.objects("doctor", status=1)
                 if line["check"] == "configuration"]
        self.assertEqual([line["result"] for line in lines], ["warning", "failed"])
        self.assertIn("/nowhere/program", lines[1]["text"])


class Aws(Doctor):
    def setUp(self):
        super().setUp()
        self.without_database()

    def test_no_credentials(self):
        self.daemon.environment.update(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
        self.assert_line(self.doctor(status=1)["credentials"], "failed", "no AWS credentials")

    def test_credentials_that_end(self):
        uri = self.sqs.container("doctor", seconds=3600)
        self.addCleanup(self.sqs.forget_identities)
        self.daemon.environment.update(
            AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None,
            AWS_CONTAINER_CREDENTIALS_FULL_URI=uri)
        self.assertRegex(self.doctor(status=1)["credentials"]["text"], r"good until 20\S+Z$")
        self.sqs.container("doctor", body=json.dumps({
            "AccessKeyId": KEY_ID, "SecretAccessKey": SECRET, "Token": "t",
            "Expiration": "2020-01-01T00:00:00Z"}))
        self.assert_line(self.doctor(status=1)["credentials"], "failed", ", ended at 2020-01-01T00:00:00Z",
                         "renew them")

    def test_a_secret_that_is_wrong(self):
        self.daemon.environment["AWS_SECRET_ACCESS_KEY"] = "not-it"
        self.assert_line(self.doctor(status=1)["queue"], "failed", "refused the signature")

    def test_an_endpoint_elsewhere_without_tls(self):
        self.daemon.configure({"queue.endpoint": "http://sqs.example.invalid"})
        lines = self.doctor(status=1)
        self.assert_line(lines["endpoint"], "warning", "pass the network in the clear",
                         "give [queue] endpoint with https://")
        self.assertEqual(lines["queue"]["result"], "failed")

    def test_a_clock_that_is_a_little_off(self):
        self.sqs.fault(kind="date", seconds=90, count=0)
        self.assert_line(self.doctor(status=1)["clock"], "warning",
                         "behind AWS's; from five minutes on signatures are refused",
                         "timedatectl set-ntp true")

    def test_a_clock_that_is_far_off(self):
        self.addCleanup(self.sqs.set_ahead, 0)
        self.sqs.set_ahead(-3600)
        self.assert_line(self.doctor(status=1)["clock"], "warning",
                         "1h ahead of AWS's, which signatures are corrected by",
                         "timedatectl set-ntp true")
        self.sqs.set_ahead(2 * 86400)
        self.assert_line(self.doctor(status=1)["queue"], "failed", "2d behind AWS's, too far")

    def test_a_queue_that_is_not_there(self):
        self.daemon.configure({"queue.url": self.queue.url + "-not"})
        lines = self.doctor(status=1)
        self.assert_line(lines["queue"], "failed", "is not there", "nexusctl provision")
        self.assertNotIn("redrive", lines)


class Permissions(Doctor):
    def setUp(self):
        super().setUp()
        self.without_database()

    def test_each_that_is_missing(self):
        self.daemon.configure({"retry.dead_letter": "send"})
        self.restrict("GetQueueAttributes")
        lines = self.doctor(status=1)
        for action in ("ReceiveMessage", "DeleteMessage"):
            self.assert_line(lines[f"sqs:{action}"], "failed",
                             f"access denied to sqs:{action} on queue {self.queue.name}: grant it")
        self.assert_line(lines["sqs:ChangeMessageVisibility"], "warning",
                         "jobs are limited to the visibility")
        self.assert_line(lines["sqs:SendMessage"], "failed",
                         f"access denied to sqs:SendMessage on queue {self.dead_letters.name}")

    def test_to_look_at_the_queue(self):
        self.restrict("ReceiveMessage")
        self.assert_line(self.doctor(status=1)["queue"], "failed",
                         "access denied to sqs:GetQueueAttributes")

    def test_that_nobody_can_tell(self):
        self.sqs.fault(action="ReceiveMessage", kind="status", status=503)
        self.assert_line(self.doctor(status=1)["sqs:ReceiveMessage"], "warning", "not known: ",
                         "try again")


class Queues(Doctor):
    def setUp(self):
        super().setUp()
        self.without_database()

    def test_a_visibility_that_holds_nothing(self):
        self.queue.change(VisibilityTimeout="1")
        self.assert_line(self.doctor(status=1)["visibility"], "warning", "1s is too short",
                         PROVISION)

    def test_a_job_that_takes_longer_than_may_be(self):
        self.daemon.configure({"job slow.kind": "command", "job slow.program": "/bin/true",
                               "job slow.timeout": "5min"})
        self.assert_line(self.doctor(status=1)["visibility"], "ok",
                         "30s, extended while a job runs; the longest job may take 5min")
        self.restrict(*ALL[:2], "GetQueueAttributes")
        self.assert_line(self.doctor(status=1)["visibility"], "failed",
                         "a job of type slow is cancelled after 27s, not after its 5min",
                         "grant sqs:ChangeMessageVisibility, or make the visibility timeout "
                         "longer")

    def test_dead_letters_that_come_too_soon_and_are_gone_too_soon(self):
        arn = self.dead_letters.attributes()["QueueArn"]
        self.queue.change(RedrivePolicy=json.dumps(
            {"deadLetterTargetArn": arn, "maxReceiveCount": 1}))
        self.dead_letters.change(MessageRetentionPeriod=str(4 * 86400))
        lines = self.doctor(status=1)
        self.assert_line(lines["redrive"], "warning", "after 1 receives: a single fault",
                         PROVISION)
        self.assert_line(lines["dead letters"], "warning", "4d, not longer than the queue's 4d",
                         PROVISION)

    def test_nowhere_for_dead_letters_to_go(self):
        self.dead_letters.delete()
        self.assert_line(self.doctor(status=1)["dead letters"], "failed", "is not there",
                         PROVISION)
        self.queue.change(RedrivePolicy="")
        self.assert_line(self.doctor(status=1)["redrive"], "failed", "there is no policy",
                         PROVISION)

    def test_a_dead_letter_queue_that_may_not_be_looked_at(self):
        self.sqs.fault(action="GetQueueAttributes", after=1, kind="status", status=403,
                       code="AccessDenied")
        self.assert_line(self.doctor(status=1)["dead letters"], "warning",
                         "not looked at: access denied to sqs:GetQueueAttributes")


class Database(Doctor):
    def test_one_that_is_not_there(self):
        self.without_database()
        self.assert_line(self.doctor(status=1)["database"], "failed", "cannot be reached")

    def test_one_that_takes_no_writes(self):
        self.database.execute(f"ALTER DATABASE {self.database.name}"
                              " SET default_transaction_read_only = on")
        self.assert_line(self.doctor(status=1)["database"], "failed", "is read-only",
                         "make it writable, or name the primary in [database] url")

    def test_one_elsewhere_without_tls(self):
        self.daemon.configure({"database.url": self.database.url.replace(
            "127.0.0.1", "db.example.invalid") + "?hostaddr=127.0.0.1"})
        self.assert_line(self.doctor(status=0)["database TLS"], "warning",
                         "none: rows and password pass the network in the clear",
                         "sslmode=verify-full and sslrootcert=FILE in [database] url")

    def test_a_table_that_is_not_there(self):
        self.database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public"
                              " AUTHORIZATION nexus")
        lines = self.doctor(status=1)
        for check in ("enum", "table", "index"):
            self.assert_line(lines[check], "failed", "is not there", "nexusctl provision")
        self.assertNotIn("grants", lines)

    def test_a_table_that_differs(self):
        self.database.execute("""
            DROP INDEX background_jobs_status_created_at_idx;
            DROP TRIGGER remember ON background_jobs;
            ALTER TABLE background_jobs DROP CONSTRAINT background_jobs_pkey,
                ALTER started_at TYPE timestamptz;
            ALTER TYPE job_status RENAME VALUE 'failed' TO 'broken'""")
        lines = self.doctor(status=1)
        self.assert_line(lines["enum"], "failed", "job_status has no value 'failed'",
                         "ALTER TYPE job_status ADD VALUE 'failed'")
        self.assert_line(lines["primary key"], "failed", "id is not there",
                         "ALTER TABLE background_jobs ADD PRIMARY KEY (id)")
        self.assert_line(lines["index"], "warning", "(status, created_at) is not there",
                         "CREATE INDEX CONCURRENTLY ON background_jobs (status, created_at)")
        self.assertEqual(lines["column"]["text"], "started_at is of type timestamp with time zone,"
                                                  " not timestamp without time zone")

    def test_a_role_that_may_not_write(self):
        self.database.execute("ALTER TABLE background_jobs OWNER TO postgres;"
                              "GRANT SELECT ON background_jobs TO nexus")
        self.assert_line(self.doctor(status=1)["grants"], "failed",
                         "the role nexus may not UPDATE background_jobs",
                         "GRANT UPDATE, INSERT ON background_jobs TO nexus")
        self.database.execute("GRANT UPDATE ON background_jobs TO nexus")
        self.assert_line(self.doctor(status=0)["grants"], "ok", "without INSERT nexusctl publish")

    def test_poolers(self):
        for mode, status, result, text, fix in (
                ("transaction", 0, "ok", "in transaction mode", None),
                ("session", 0, "ok", "in session mode", None),
                ("statement", 1, "failed", "does not let us begin a transaction",
                 "pool_mode = transaction")):
            pooler = self.lab.pgbouncer(self.postgres, pool_mode=mode)
            self.daemon.configure({"database.url": pooler.url(self.database)})
            self.assert_line(self.doctor(status)["pooler"], result, text, fix)


class Host(Doctor):
    def systemctl(self, **properties):
        """One that shows these."""
        folder = self.lab.directory / f"bin-{self.daemon.name}"
        folder.mkdir(exist_ok=True)
        shown = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running",
                 "StatusText": "12 jobs a second", "NeedDaemonReload": "no",
                 "TimeoutStopUSec": "1min 30s", **properties}
        lines = "".join(f"{name}={value}\n" for name, value in shown.items())
        program = folder / "systemctl"
        program.write_text(f"#!/bin/sh\n[ \"$1\" = show ] && cat <<'END'\n{lines}END\n",
                           encoding="utf-8")
        program.chmod(0o755)
        self.daemon.environment["PATH"] = f"{folder}:/usr/bin:/bin"

    def test_a_daemon_that_runs(self):
        self.systemctl()
        lines = self.doctor(status=0)
        self.assert_line(lines["daemon"], "ok", "active (running): 12 jobs a second")
        self.assertNotIn("unit", lines)
        self.systemctl(StatusText="0 of 4 threads busy; access denied to sqs:ReceiveMessage")
        self.assert_line(self.doctor(status=1)["daemon"], "failed", "access denied")

    def test_a_daemon_that_does_not_run(self):
        self.systemctl(ActiveState="failed", SubState="failed", StatusText="")
        self.assert_line(self.doctor(status=1)["daemon"], "failed", "failed (failed)",
                         "systemctl start nexus-worker; journalctl -u nexus-worker tells why it "
                         "ended")
        self.systemctl(ActiveState="activating", SubState="auto-restart")
        self.assert_line(self.doctor(status=0)["daemon"], "warning", "activating (auto-restart)",
                         "journalctl -u nexus-worker")
        self.systemctl(LoadState="not-found", ActiveState="inactive")
        self.assert_line(self.doctor(status=0)["daemon"], "warning", "there is no unit",
                         "install it here, or look where it is installed")

    def test_a_unit_that_lets_no_drain_end(self):
        self.daemon.configure({"worker.drain_timeout": "2min"})
        self.systemctl()
        self.assert_line(self.doctor(status=0)["unit"], "warning",
                         "lets a stop take 1min 30s only, and [worker] drain_timeout is 2min",
                         "set TimeoutStopSec= to half a minute more than drain_timeout")
        self.systemctl(TimeoutStopUSec="infinity", NeedDaemonReload="yes")
        self.assert_line(self.doctor(status=0)["unit"], "warning", "not read them again",
                         "systemctl daemon-reload")

    def test_a_daemon_without_systemd(self):
        runtime = self.lab.directory / f"run-{self.daemon.name}"
        runtime.mkdir()
        self.daemon.environment["RUNTIME_DIRECTORY"] = str(runtime)
        self.assert_line(self.doctor(status=0)["daemon"], "warning", "not known",
                         "look where it runs")
        self.daemon.start().wait_ready()
        self.assert_line(self.doctor(status=0)["daemon"], "ok", "one runs here")


if __name__ == "__main__":
    tap.main()
