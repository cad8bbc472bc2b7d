"""nexusctl provision: queues and job table, made once and looked at ever after."""

import json

from lab import tap
from lab.ctl_case import CtlCase, setUpModule, tearDownModule  # noqa: F401
from lab.jobs import body
from lab.sqs import ACCOUNT, REGION, Queue

FORTNIGHT = str(14 * 24 * 3600)

COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = 'background_jobs'::regclass AND attnum > 0 ORDER BY attnum"""
INDEXES = """
    SELECT pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid = 'background_jobs'::regclass ORDER BY 1"""
LABELS = "SELECT enum_range(NULL::job_status)::text"


def things(lines, result):
    return [f"{line['kind']} {line['name']}" for line in lines if line["result"] == result]


def arn(name):
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


class Provisioning(CtlCase):
    """The configuration names an environment of this test's own; nothing of it is there."""

    def setUp(self):
        super().setUp()
        self.given = [self.database.execute(sql) for sql in (COLUMNS, INDEXES, LABELS)]
        self.database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION nexus")
        self.env = self.database.name.replace("_", "-")
        self.made = self.queue_named(f"nexus-jobs-{self.env}")
        self.dead = self.queue_named(f"nexus-jobs-dlq-{self.env}")
        self.daemon.configure({"queue.url": self.made.url})
        self.all = [f"queue {self.dead.name}", f"queue {self.made.name}", "enum job_status",
                    "table background_jobs", "index (status, created_at)"]

    def queue_named(self, name):
        return Queue(self.sqs.client, name, f"{self.sqs.endpoint}/{ACCOUNT}/{name}")


class FromNothing(Provisioning):
    def test_makes_queues_and_table_as_the_runbook_has_them(self):
        self.assertEqual(things(self.objects("provision"), "made"), self.all)
        self.assertEqual(self.dead.attributes()["MessageRetentionPeriod"], FORTNIGHT)
        jobs = self.made.attributes()
        self.assertEqual((jobs["VisibilityTimeout"], jobs["ReceiveMessageWaitTimeSeconds"]),
                         ("60", "20"))
        self.assertEqual(json.loads(jobs["RedrivePolicy"]),
                         {"deadLetterTargetArn": arn(self.dead.name), "maxReceiveCount": 3})
        self.assertEqual(
            [self.database.execute(sql) for sql in (COLUMNS, INDEXES, LABELS)], self.given)

    def test_for_an_environment_needs_no_url_and_tells_it(self):
        self.daemon.configure({"queue.url": None})
        lines = self.objects("provision", "--env", self.env)
        self.assertEqual(things(lines, "made"), self.all)
        told, = (line for line in lines if line["result"] == "configure")
        self.assertEqual((told["name"], told["detail"]), ("[queue] url", self.made.url))

    def test_is_all_that_the_daemon_needs(self):
        self.ctl("provision")
        self.daemon.start().wait_ready()
        self.database.execute("INSERT INTO background_jobs (id, type, payload)"
                           " VALUES ('first', 'test-echo', '{}')")
        self.made.send([body("first")])
        self.daemon.wait_line("job=first .*outcome=completed")

    def test_is_shown_before_it_is_done(self):
        self.assertEqual(things(self.objects("provision", "--dry-run"), "would make"), self.all)
        self.assertFalse(self.exists(self.made) or self.exists(self.dead))
        self.assertEqual(self.database.execute("SELECT to_regtype('job_status')"), [(None,)])

    def test_makes_a_dead_letter_queue_beside_a_queue_of_any_name(self):
        other = self.queue_named(f"thumbnails-{self.env}")
        self.daemon.configure({"queue.url": other.url})
        self.assertEqual(things(self.objects("provision"), "made")[:2],
                         [f"queue {other.name}-dlq", f"queue {other.name}"])

    def test_waits_for_a_dead_letter_queue_that_not_all_of_sqs_knows_yet(self):
        self.sqs.fault(action="CreateQueue", after=1, kind="status", status=400,
                       code="InvalidParameterValue")
        self.assertEqual(things(self.objects("provision"), "made"), self.all)


class SecondTime(Provisioning):
    def setUp(self):
        super().setUp()
        self.ctl("provision")
        self.there = [*self.all[:4], "primary key id", self.all[4]]

    def test_changes_nothing(self):
        for words in ((), ("--env", self.env), ("--fix",)):
            lines = self.objects("provision", *words)
            self.assertEqual(things(lines, "there"), self.there)
            self.assertEqual(len(lines), len(self.there))

    def test_tells_attribute_by_attribute_what_differs(self):
        self.made.change(VisibilityTimeout="30", ReceiveMessageWaitTimeSeconds="0")
        self.dead.change(MessageRetentionPeriod="345600")
        text = self.run_ctl("provision", status=1).output
        for line in (f"queue {self.dead.name}: MessageRetentionPeriod is 4d, not 14d:",
                     f"queue {self.made.name}: VisibilityTimeout is 30s, not 1min: --fix",
                     f"queue {self.made.name}: ReceiveMessageWaitTimeSeconds is 0s, not 20s:"):
            self.assertIn("differs " + line, " ".join(text.split()))
        self.assertEqual(self.made.attributes()["VisibilityTimeout"], "30")

    def test_sets_what_differs_when_asked_to(self):
        self.made.change(VisibilityTimeout="30", RedrivePolicy="")
        dry = self.objects("provision", "--fix", "--dry-run", "--env", self.env)
        self.assertEqual([line["attribute"] for line in dry if line["result"] == "would set"],
                         ["VisibilityTimeout", "RedrivePolicy"])
        self.assertEqual(self.made.attributes()["VisibilityTimeout"], "30")
        done = self.objects("provision", "--fix")
        self.assertEqual([(line["attribute"], line["detail"]) for line in done
                          if line["result"] == "set"],
                         [("VisibilityTimeout", "was 30s, is to be 1min"),
                          ("RedrivePolicy",
                           f"was not set, is to be 3 receives, then to {self.dead.name}")])
        self.assertEqual(things(self.objects("provision"), "there"), self.there)

    def test_keeps_a_dead_letter_queue_of_another_name_unless_an_environment_is_named(self):
        self.made.change(RedrivePolicy=json.dumps(
            {"deadLetterTargetArn": arn(self.dead_letters.name), "maxReceiveCount": "3"}))
        self.assertEqual(things(self.objects("provision"), "there")[0],
                         f"queue {self.dead_letters.name}")
        text = self.run_ctl("provision", "--env", self.env, status=1).output
        self.assertIn(f"RedrivePolicy is 3 receives, then to {self.dead_letters.name}, not 3 "
                      f"receives, then to {self.dead.name}", " ".join(text.split()))

    def test_tells_how_the_table_differs_and_leaves_it_as_it_is(self):
        self.database.execute("DROP INDEX background_jobs_status_created_at_idx;"
                           "ALTER TABLE background_jobs DROP COLUMN error,"
                           " ALTER started_at TYPE timestamptz, ALTER completed_at TYPE timestamp(3)")
        lines = self.objects("provision", status=1)
        self.assertEqual({(line["name"], line["fix"]) for line in lines
                          if line["result"] == "differs"}, {
            ("(status, created_at)",
             "CREATE INDEX CONCURRENTLY ON background_jobs (status, created_at)"),
            ("error", "ALTER TABLE background_jobs ADD COLUMN error text"),
            ("started_at", "ALTER TABLE background_jobs ALTER COLUMN started_at TYPE timestamp "
                           "without time zone USING started_at AT TIME ZONE 'UTC'"),
            ("completed_at", "ALTER TABLE background_jobs ALTER COLUMN completed_at TYPE "
                             "timestamp without time zone")})
        for line in lines:
            if line["result"] == "differs":
                self.database.execute(line["fix"])
        self.assertEqual(things(self.objects("provision"), "there"), self.there)

    def test_tells_what_an_enum_lacks(self):
        self.database.execute("ALTER TYPE job_status RENAME VALUE 'failed' TO 'broken'")
        line, = (line for line in self.objects("provision", status=1)
                 if line["result"] == "differs")
        self.assertEqual((line["detail"], line["fix"]),
                         ("has no value 'failed'", "ALTER TYPE job_status ADD VALUE 'failed'"))


class Refused(Provisioning):
    def test_an_environment_that_is_not_the_configured_queues(self):
        done = self.run_ctl("provision", "--env", "other", status=64)
        self.assertIn(f"--env other means the queue nexus-jobs-other, but [queue] url names "
                      f"{self.made.name}", done.errors)
        self.assertFalse(self.exists(self.made))

    def test_names_that_are_none(self):
        for env in ("a b", "", "x" * 66):
            self.assertIn("accepted are letters",
                          self.run_ctl("provision", "--env", env, status=64).errors)
        self.assertIn("not an option", self.run_ctl("provision", "dev", status=64).errors)

    def test_neither_a_url_nor_an_environment(self):
        self.daemon.configure({"queue.url": None})
        self.assertIn("say with --env", self.run_ctl("provision", status=64).errors)

    def test_no_place_where_the_queues_could_be(self):
        self.daemon.configure({"queue.url": None, "queue.endpoint": None, "queue.region": None})
        self.assertIn("no region is known", self.complain("provision", "--env", self.env))

    def test_a_key_that_may_not_make_queues(self):
        self.restrict("GetQueueUrl", "GetQueueAttributes")
        done = self.run_ctl("provision", status=1)
        self.assertIn(f"access denied to sqs:CreateQueue on queue {self.dead.name}", done.errors)
        self.assertEqual(done.errors.count("\n"), 1)
        self.assertIn("made        table background_jobs", done.output)

    def test_a_name_that_was_free_a_moment_ago_only(self):
        self.sqs.fault(action="CreateQueue", kind="status", status=400,
                       code="QueueDeletedRecently")
        self.assertIn("try again in a minute", self.run_ctl("provision", status=1).errors)

    def test_a_queue_that_somebody_else_makes_at_the_same_time(self):
        self.sqs.fault(action="CreateQueue", kind="status", status=400, code="QueueNameExists")
        self.assertIn(f"queue {self.dead.name} was made by somebody else",
                      self.run_ctl("provision", status=1).errors)

    def test_a_role_that_may_not_make_tables(self):
        self.database.execute("ALTER SCHEMA public OWNER TO postgres;"
                              "GRANT USAGE ON SCHEMA public TO nexus")
        done = self.run_ctl("provision", status=1)
        self.assertIn("the role nexus may not create in this schema", done.errors)
        self.assertEqual(self.database.execute("SELECT to_regtype('job_status')"), [(None,)])

    def test_a_database_that_is_not_there(self):
        self.daemon.configure({"database.url": "postgresql://127.0.0.1:1/none"})
        done = self.run_ctl("provision", status=1)
        self.assertIn("the database cannot be reached", done.errors)
        self.assertTrue(self.exists(self.made))


if __name__ == "__main__":
    tap.main()
