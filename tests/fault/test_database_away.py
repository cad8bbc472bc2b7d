"""The database goes away for a while under load: nothing is received, and nothing is lost."""

import os
import signal
import time
import unittest

from lab import tap
from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import body
from lab.postgres import PASSWORD, USER, url
from lab.story import MARKED

N_THREADS = 4
N_JOBS = 40
# In seconds: an outage as long as V, how long jobs take, and one that ends in the outage.
OUTAGE = 4.0
JOB = 0.25
LONG_JOB = 3.0
# What is said of a server that ends depends on what was asked of it just then.
GONE = "57P01|refused|connection broke|closed without a word"
SILENT = "has not answered for a second"
LONG = unittest.skipUnless(os.environ.get("NEXUS_LONG"), "takes minutes: make check-long")


class Away(FaultCase):
    def setUp(self):
        super().setUp()
        self.long_job = None
        # This file has the cluster to itself, and the next test finds it well.
        self.addCleanup(self.bring_back)

    def bring_back(self):
        if not self.postgres.process.is_alive():
            self.postgres.start()
        self.postgres.thaw()

    def load(self, database=None):
        """A daemon at work, with more to do than it could get done during the outage."""
        daemon = self.start({"worker.concurrency": str(N_THREADS)}, database=database)
        self.long_job, = self.publish(payload={"ms": round(LONG_JOB * 1000)})
        self.jobs.wait(self.long_job, "processing")
        self.publish(payload={"ms": round(JOB * 1000)}, count=N_JOBS)
        until(lambda: self.jobs.counts().get("completed"), what="the first jobs")
        return daemon

    def live_through(self, begin, end, says, seconds=OUTAGE, database=None):
        """
        An outage of so many seconds: the daemon says once what is wrong, and when it works again,
        in the log and in STATUS; it receives nothing meanwhile, keeps what it has in hand, and has
        lost nothing at the end.
        """
        daemon = self.load(database)
        here, status, began_at = daemon.here(), len(daemon.notify.feed), time.time()
        begin()
        daemon.wait_line(f" warning .*({says})", within=5, start=here)
        daemon.wait_status("failed; .*(the database|Postgres says)", start=status)
        time.sleep(max(0.0, began_at + seconds - time.time()))
        ended_at = time.time()
        status = len(daemon.notify.feed)
        end()
        daemon.wait_line(" notice .*the job table works again, after", within=30, start=here)
        daemon.wait_status(r"\d+ failed$", start=status)
        if seconds <= OUTAGE:
            self.assertEqual(len(daemon.lines(" warning ", here)), 1, daemon.lines(".*", here))
        self.assert_nothing_was_received(began_at + 2, ended_at)
        self.assert_long_job_ended(began_at, ended_at)
        self.assert_done(daemon)

    def assert_long_job_ended(self, since, until_then):
        """Without a place to write that to."""
        run, = self.checker.stories()[self.long_job].runs()
        self.assertTrue(since < run.end / 1e6 < until_then, (since, run, until_then))

    def assert_nothing_was_received(self, since, until_then):
        """From a second after the first answer that was overdue for a second."""
        received_at = [event.at / 1e6 for story in self.checker.stories().values()
                       for event in story.events if event.what == "receive"]
        self.assertEqual([at for at in received_at if since < at < until_then], [])

    def assert_done(self, daemon):
        """Every message was received once, every job run once, and the daemon is well."""
        self.assert_promises_kept()
        self.assertEqual(set(self.jobs.runs()), {1})
        self.assertEqual(daemon.stop(), 0)


class Postgres(Away):
    def alter(self, setting):
        self.postgres.database("postgres").execute(f"ALTER SYSTEM {setting}")
        self.database.execute("SELECT pg_reload_conf()")

    def drop_connections(self):
        """Those of the daemon."""
        self.database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                              " WHERE usename = %s", (USER,))

    def test_that_is_stopped_costs_nothing(self):
        self.live_through(self.postgres.stop, self.postgres.start, GONE)

    def test_that_hangs_costs_nothing(self):
        self.live_through(self.postgres.freeze, self.postgres.thaw, SILENT)

    def test_that_only_reads_for_a_while_costs_nothing(self):
        self.addCleanup(self.alter, "RESET default_transaction_read_only")
        self.live_through(lambda: self.alter("SET default_transaction_read_only = on"),
                          lambda: self.alter("RESET default_transaction_read_only"),
                          "25006.*: make it writable, or name the primary")

    def limit_connections(self, limit):
        self.database.execute(f"ALTER ROLE {USER} CONNECTION LIMIT {limit}")

    def test_with_too_many_connections_of_the_role_costs_nothing(self):
        def begin():
            self.limit_connections(0)
            self.drop_connections()
        self.addCleanup(self.limit_connections, -1)
        self.live_through(begin, lambda: self.limit_connections(-1),
                          "57P01|53300.*CONNECTION LIMIT")

    def test_whose_disk_is_full_costs_nothing(self):
        """As Postgres says it; the daemon cannot tell who does."""
        self.database.execute("""
            CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100';
            END $$""")
        self.live_through(
            lambda: self.database.execute("CREATE TRIGGER full_disk BEFORE UPDATE ON"
                                          " background_jobs EXECUTE FUNCTION full_disk()"),
            lambda: self.database.execute("DROP TRIGGER full_disk ON background_jobs"),
            "53100.*free space on the database's disk")

    @LONG
    def test_that_is_stopped_for_forty_seconds_costs_nothing(self):
        self.live_through(self.postgres.stop, self.postgres.start, GONE, 40)

    @LONG
    def test_that_hangs_for_forty_seconds_costs_nothing(self):
        self.live_through(self.postgres.freeze, self.postgres.thaw, SILENT, 40)

    @LONG
    def test_that_is_stopped_for_five_minutes_costs_nothing(self):
        self.live_through(self.postgres.stop, self.postgres.start, GONE, 300)

    @LONG
    def test_that_hangs_for_five_minutes_costs_nothing(self):
        self.live_through(self.postgres.freeze, self.postgres.thaw, SILENT, 300)


class AHangThatIsNoticed(Away):
    """By what was sent alone: V is long, and so is the time that a statement may take."""

    visibility = 30

    def wait_for_poll(self):
        until(lambda: self.queue.inside()["waiting"], what="a poll that waits")

    def test_lets_the_poll_in_flight_end_and_starts_no_other(self):
        daemon = self.start({"worker.concurrency": str(N_THREADS)})
        self.long_job, = self.publish(payload={"ms": round(LONG_JOB * 1000)})
        self.jobs.wait(self.long_job, "processing")
        bodies = [body(job, MARKED) for job in self.jobs.insert(MARKED, count=4)]
        self.wait_for_poll()
        self.postgres.freeze()
        began_at = time.time()
        self.queue.send(bodies[:1])
        daemon.wait_line(f" warning .*{SILENT}; look at its load")
        self.assertLess(time.time() - began_at, 2.5)
        daemon.wait_status(SILENT)
        self.wait_for_poll()
        self.queue.send(bodies[1:2])
        until(lambda: self.queue.received() == 3, what="what the poll brings")
        self.queue.send(bodies[2:])
        until(lambda: self.checker.stories(rows=False)[self.long_job].runs()[0].end,
              what="the long job's end")
        self.assertEqual(self.queue.received(), 3)
        self.postgres.thaw()
        daemon.wait_line(" notice .*the job table works again, after")
        self.assert_done(daemon)


class ARestart(Away):
    def live_through_restart(self, how, database=None):
        daemon = self.load(database)
        self.postgres.restart(how)
        self.assert_done(daemon)

    def test_in_order_costs_nothing(self):
        self.live_through_restart(signal.SIGINT)

    def test_after_a_crash_costs_nothing(self):
        self.live_through_restart(signal.SIGQUIT)

    def test_after_a_crash_behind_pgbouncer_costs_nothing(self):
        bouncer = self.lab.pgbouncer(self.postgres, server_login_retry=1)
        self.addCleanup(bouncer.close)
        self.live_through_restart(signal.SIGQUIT, bouncer.url(self.database))


class PgBouncer(Away):
    def bouncer(self, **settings):
        bouncer = self.lab.pgbouncer(self.postgres, **settings)
        self.addCleanup(bouncer.close)
        return bouncer

    def test_that_is_stopped_costs_nothing(self):
        bouncer = self.bouncer()
        self.live_through(lambda: bouncer.process.stop(signal.SIGTERM), bouncer.start,
                          GONE,
                          database=bouncer.url(self.database))

    def test_that_hides_a_stopped_server_costs_nothing(self):
        bouncer = self.bouncer(server_login_retry=1, query_wait_timeout=2)
        self.live_through(self.postgres.stop, self.postgres.start,
                          f"{GONE}|08P01|{SILENT}",
                          database=bouncer.url(self.database))

    def test_that_hides_a_server_that_hangs_costs_nothing(self):
        bouncer = self.bouncer(server_login_retry=1, query_wait_timeout=2)
        self.live_through(self.postgres.freeze, self.postgres.thaw,
                          f"08P01|{SILENT}",
                          database=bouncer.url(self.database))

    @LONG
    def test_that_hides_a_stopped_server_for_forty_seconds_costs_nothing(self):
        """As its own settings have it: they are longer than V."""
        bouncer = self.bouncer()
        self.live_through(self.postgres.stop, self.postgres.start,
                          f"{GONE}|08P01|{SILENT}", 40,
                          database=bouncer.url(self.database))


class AtTheStart(Away):
    def assert_said(self, daemon, pattern):
        """Once, as a warning, and in STATUS; and the daemon lives."""
        daemon.wait_line(f" warning .*{pattern}")
        daemon.wait_status(pattern)
        self.assertTrue(daemon.process.is_alive())
        self.assertEqual(len(daemon.lines(f" warning .*{pattern}")), 1)

    def test_a_database_that_is_not_there_is_waited_for(self):
        self.publish()
        self.postgres.stop()
        daemon = self.configure().start()
        self.assert_said(daemon, "[Cc]onnection.*refused")
        self.assertEqual(self.queue.counts(), (1, 0))
        self.postgres.start()
        self.assert_promises_kept()
        self.assertEqual(daemon.stop(), 0)

    def test_a_host_that_has_no_name_is_waited_for(self):
        daemon = self.configure(database="postgresql://nexus:x@nowhere.invalid/nexus").start()
        self.assert_said(daemon, "nowhere.invalid")
        self.assertEqual(daemon.stop(), 0)

    def set_password(self, password):
        self.database.execute(f"ALTER ROLE {USER} PASSWORD %s", (password,))

    def test_a_password_that_is_refused_is_said_and_works_when_it_is_right(self):
        self.publish()
        wrong = url(self.postgres.port, self.database.name, "wrong")
        daemon = self.configure(database=wrong).start()
        self.assert_said(daemon, "password")
        self.assertEqual(self.queue.counts(), (1, 0))
        self.set_password("wrong")
        self.addCleanup(self.set_password, PASSWORD)
        self.assert_promises_kept()
        self.assertEqual(daemon.lines(PASSWORD.split()[0]), [])

    def test_a_table_that_is_missing_is_said_and_works_when_it_is_there(self):
        self.publish()
        self.database.execute("ALTER TABLE background_jobs RENAME TO elsewhere")
        daemon = self.configure().start()
        self.assert_said(daemon, "background_jobs")
        self.assertEqual(self.queue.counts(), (1, 0))
        self.database.execute("ALTER TABLE elsewhere RENAME TO background_jobs")
        self.assert_promises_kept()


if __name__ == "__main__":
    tap.main()
