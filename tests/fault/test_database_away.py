"""The database goes away for a while under load: nothing is received, and nothing is lost."""

import os
import signal
import time
import unittest

from lab import tap
from lab.feed import until
from lab.jobs import body
from lab.outage_case import (GONE, LONG_JOB, N_THREADS, OutageCase, setUpModule,  # noqa: F401
                             tearDownModule)
from lab.postgres import PASSWORD, USER, url
from lab.story import MARKED

SILENT = "has not answered for a second"
LONG = unittest.skipUnless(os.environ.get("NEXUS_LONG"), "takes minutes: make check-long")


class Postgres(OutageCase):
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


class AHangThatIsNoticed(OutageCase):
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


class ARestart(OutageCase):
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


class PgBouncer(OutageCase):
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


class AtTheStart(OutageCase):
    def test_a_database_that_is_not_there_is_waited_for(self):
        self.publish()
        self.postgres.stop()
        daemon = self.configure().start()
        self.assert_said_once(daemon, "[Cc]onnection.*refused")
        self.assertEqual(self.queue.counts(), (1, 0))
        self.postgres.start()
        self.assert_promises_kept()
        self.assertEqual(daemon.stop(), 0)

    def test_a_host_that_has_no_name_is_waited_for(self):
        daemon = self.configure(database="postgresql://nexus:x@nowhere.invalid/nexus").start()
        self.assert_said_once(daemon, "nowhere.invalid")
        self.assertEqual(daemon.stop(), 0)

    def set_password(self, password):
        self.database.execute(f"ALTER ROLE {USER} PASSWORD %s", (password,))

    def test_a_password_that_is_refused_is_said_and_works_when_it_is_right(self):
        self.publish()
        wrong = url(self.postgres.port, self.database.name, "wrong")
        daemon = self.configure(database=wrong).start()
        self.assert_said_once(daemon, "password")
        self.assertEqual(self.queue.counts(), (1, 0))
        self.set_password("wrong")
        self.addCleanup(self.set_password, PASSWORD)
        self.assert_promises_kept()
        self.assertEqual(daemon.lines(PASSWORD.split()[0]), [])

    def test_a_table_that_is_missing_is_said_and_works_when_it_is_there(self):
        self.publish()
        self.database.execute("ALTER TABLE background_jobs RENAME TO elsewhere")
        daemon = self.configure().start()
        self.assert_said_once(daemon, "background_jobs")
        self.assertEqual(self.queue.counts(), (1, 0))
        self.database.execute("ALTER TABLE elsewhere RENAME TO background_jobs")
        self.assert_promises_kept()


if __name__ == "__main__":
    tap.main()
