"""Daemons that stood still for longer than their leases, and clocks that jump: a job that is lost is
told so and nothing is written for it; what is not lost goes on."""

import os
import signal
import time

from lab import tap
from lab.clocks import Clocks
from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until

HOURS = 3600
TWICE = [("processing", 1), ("processing", 2), ("completed", 2)]


class LostCase(FaultCase):
    def start_running(self, payload, **options):
        """A daemon that asks for nothing while it has a job, a job, and its program, which runs."""
        daemon = self.start({"worker.concurrency": 1}, **options)
        job, = self.publish(payload=payload)
        return daemon, job, until(lambda: self.marked("begin", job), what="its program")[0]

    def touches(self, job):
        return [version for version in self.jobs.versions()
                if version[2] == job and version[4] == "processing"][1:]


class ADaemonThatStoodStill(LostCase):
    def test_for_longer_than_its_leases_ends_what_another_runs_by_then_and_leaves_it_alone(self):
        first, job, program = self.start_running({"ms": 60000, "laterMs": 1500})
        since = time.time()
        pids = [first.process.pid, program]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        second = self.start()
        self.jobs.wait(job, "processing", within=15, attempts=2)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        self.wait_gone(program)
        self.checker.excuse(first.process.pid, since, time.time())
        first.wait_line(f" warning .*job={job} .*attempt=1 .*outcome=lost")
        self.assert_row(job, status="processing", attempts=2)
        self.assertEqual(self.queue.counts(), (0, 1))
        self.jobs.wait(job, "completed")
        self.assertEqual(self.jobs.history(job), TWICE)
        self.assertEqual(len(self.marked("end", job)), 1)
        self.assert_promises_kept(burnt=1)
        self.assertEqual((first.stop(), second.stop()), (0, 0))

    def test_finds_the_end_of_a_job_that_another_has_and_writes_nothing(self):
        """The program went on, and ended well."""
        first, job, program = self.start_running({"ms": 1000, "laterMs": 1500})
        since = time.time()
        os.kill(first.process.pid, signal.SIGSTOP)
        self.start()
        self.jobs.wait(job, "processing", within=15, attempts=2)
        self.assertEqual(self.marked("end", job), [program])
        first.process.send(signal.SIGCONT)
        first.wait_line(f" warning .*job={job} .*attempt=1 .*outcome=lost")
        self.assert_row(job, status="processing", attempts=2)
        self.jobs.wait(job, "completed")
        self.assertEqual(self.jobs.history(job), TWICE)
        self.checker.excuse(first.process.pid, since, time.time())
        self.assert_promises_kept(burnt=1)


class ARowThatAnotherTook(LostCase):
    def test_ends_the_handler_at_the_next_touch_and_its_message_is_left_alone(self):
        daemon, job, program = self.start_running({"ms": 60000, "laterMs": 0})
        # As a daemon does it which could not see the lease.
        self.database.execute("UPDATE background_jobs SET attempts = 2, started_at = now() AT TIME "
                              "ZONE 'UTC', updated_at = now() AT TIME ZONE 'UTC'")
        self.wait_gone(program, within=self.visibility / 3 + 1)
        daemon.wait_line(f" warning .*job={job} .*attempt=1 .*outcome=lost")
        self.assert_row(job, status="processing", attempts=2)
        self.assertEqual(self.queue.counts(), (0, 1))
        # Whoever took it says no more: it is taken over in its turn.
        self.jobs.wait(job, "completed", attempts=3)
        self.assertEqual(self.queue.received(), 2)


class JumpCase(LostCase):
    def start_on_clocks(self, payload):
        clocks = Clocks(self.lab, self.queue.name)
        self.addCleanup(clocks.close)
        return clocks, *self.start_running(payload, environment=clocks.environment)

    def connections(self):
        """The database's processes that serve the daemon."""
        return {pid for pid, in self.database.execute(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'nexus' AND datname ="
            " current_database()")}

    def assert_proven_again(self, jump, line, daemon, job):
        """After the jump the row is touched and the visibility extended at once, on a new
        connection, and a line says what happened."""
        connections, extensions = self.connections(), self.extensions()
        self.assertEqual(self.touches(job), [])
        jump()
        until(lambda: self.touches(job), within=2, what="a touch")
        until(lambda: self.extensions() > extensions, within=2, what="an extension")
        self.assertFalse(connections & self.connections())
        daemon.wait_line(f" notice .*{line}")

    def extensions(self):
        return self.sqs.answers("ChangeMessageVisibilityBatch")


class AMachineThatWasSuspended(JumpCase):
    def test_for_longer_than_the_leases_tells_the_job_and_touches_nothing(self):
        clocks, daemon, job, program = self.start_on_clocks({"ms": 60000, "laterMs": 0})
        clocks.suspend(2 * HOURS)
        self.wait_gone(program)
        n_touches = len(self.touches(job))
        daemon.wait_line(f" warning .*job={job} .*attempt=1 .*outcome=lost")
        self.assertEqual(self.jobs.history(job), [("processing", 1)])
        self.assertEqual(len(self.touches(job)), n_touches)
        self.jobs.wait(job, "completed")
        self.assertEqual(self.jobs.history(job), TWICE)
        self.assert_promises_kept(burnt=1)
        self.assertEqual(len(daemon.lines(" notice .*the machine was suspended for 2h")), 1)
        self.assertEqual(daemon.stop(), 0)


class AClock(JumpCase):
    visibility = 30

    def test_that_stood_still_for_less_than_the_leases_has_them_proven_at_once(self):
        clocks, daemon, job, _ = self.start_on_clocks({"ms": 1500})
        self.assert_proven_again(lambda: clocks.suspend(4), "the machine was suspended for 4s",
                                 daemon, job)
        self.assert_promises_kept()
        self.assertEqual(self.jobs.history(job), [("processing", 1), ("completed", 1)])
        self.assertEqual(daemon.stop(), 0)

    def test_that_is_set_has_leases_proven_and_its_correction_learnt_anew(self):
        clocks, daemon, job, _ = self.start_on_clocks({"ms": 1500})
        self.assert_proven_again(lambda: clocks.set(2 * HOURS), "clock was set forward by 2h",
                                 daemon, job)
        daemon.wait_line(" warning .*clock is 2h ahead of AWS's")
        self.wait_end()
        refused = self.refusals()
        clocks.set(-2 * HOURS)
        daemon.wait_line(" notice .*clock was set back by 2h")
        job, = self.publish()
        self.jobs.wait(job, "completed")
        self.assert_promises_kept()
        self.assertEqual(self.refusals(), refused)
        self.assertEqual(daemon.stop(), 0)

    def refusals(self):
        return sum(n for results in self.sqs.stats().values()
                   for result, n in results.items() if result != "OK")


if __name__ == "__main__":
    tap.main()
