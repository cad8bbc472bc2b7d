"""Handlers that do not return when told to: each keeps its own slot only, its row says why, its job
does not run a second time beside it, and when there are too many the daemon asks for a restart."""

from lab import tap
from lab.clocks import Clocks
from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.preload import preload

LIMIT = "1s"
GIVEN_UP = "its handler has not returned for .*, though told to stop; it keeps its thread"


class ADeafHandler(FaultCase):
    """Jobs that wait are deaf while the file is there; others are not."""

    def setUp(self):
        super().setUp()
        self.deaf = self.lab.directory / f"{self.queue.name}.deaf"
        self.deaf.touch()
        self.addCleanup(self.deaf.unlink, missing_ok=True)

    def start_deaf(self, threads, clocks=None, **settings):
        environment = {"DEAF_FILE": str(self.deaf), **preload(self.lab, "deaf")}
        if clocks:
            both = f"{environment['LD_PRELOAD']}:{clocks.environment['LD_PRELOAD']}"
            environment |= {**clocks.environment, "LD_PRELOAD": both}
        return self.start({"worker.concurrency": threads, "worker.job_timeout": LIMIT, **settings},
                          environment=environment)

    def publish_deaf(self, **payload):
        job, = self.jobs.publish(payload={"delayMs": 10, **payload}, prefix="deaf")
        return job

    def test_keeps_its_own_slot_only_and_its_job_waits_for_it(self):
        daemon = self.start_deaf(threads=1)
        job = self.publish_deaf()
        daemon.wait_line(f"job={job} .*{GIVEN_UP}, and another takes its place")
        row = self.jobs.wait(job, "failed")
        self.assertEqual((row.error, row.attempts), ("timed out after 1s", 1))
        daemon.wait_line(f"job={job} .* outcome=timeout .*reason=timed out after 1s")
        daemon.wait_status("handlers that do not return: 1")
        # The only slot works on.
        others = self.jobs.publish(count=20)
        until(lambda: {row.status for row in self.jobs.rows(others)} == {"completed"},
              what="the others' ends")
        # The message comes again, and waits in hand however long that takes.
        until(lambda: self.queue.received() == 22, what="a second receive")
        until(lambda: self.queue.inside()["counts"]["visible"] == 0, what="it in hand")
        self.assertEqual(self.jobs.row(job).attempts, 1)
        self.deaf.unlink()
        daemon.wait_line(f"job={job} .*its handler has returned at last, after")
        self.jobs.wait(job, "completed", attempts=2)
        self.assert_promises_kept()
        self.assertEqual(self.jobs.history(job), [
            ("processing", 1), ("failed", 1), ("processing", 2), ("completed", 2)])
        self.assertEqual(daemon.stop(), 0)

    def test_is_said_with_its_job_again_each_minute(self):
        """The machine sleeps for most of it."""
        clocks = Clocks(self.lab, self.queue.name)
        self.addCleanup(clocks.close)
        daemon = self.start_deaf(threads=1, clocks=clocks)
        job = self.publish_deaf()
        daemon.wait_line(f"job={job} .*{GIVEN_UP}")
        self.jobs.wait(job, "failed")
        for _ in range(2):
            here = daemon.here()
            clocks.suspend(60)
            daemon.wait_line(f"job={job} .*has not returned for [^ ]+, though told to stop$",
                             start=here)
        self.assertEqual(len(daemon.lines("has not returned for")), 3)
        self.deaf.unlink()
        daemon.wait_line(f"job={job} .*its handler has returned at last, after")
        self.assertEqual(daemon.stop(), 0)

    def test_keeps_the_place_of_its_type(self):
        daemon = self.start_deaf(threads=2, **{"job test-echo.max_concurrency": 1})
        job = self.publish_deaf()
        daemon.wait_line(f"job={job} .*{GIVEN_UP}")
        second, = self.jobs.publish()
        other, = self.jobs.publish("unknown")
        self.jobs.wait(other, "failed")
        self.assert_row(second, status="pending", attempts=0)
        self.deaf.unlink()
        self.jobs.wait(second, "completed")
        self.assertEqual(daemon.stop(), 0)

    def test_keeps_its_bodys_memory_from_others_until_it_returns(self):
        daemon = self.start_deaf(threads=1, **{"worker.memory": "1M"})
        job = self.publish_deaf(text="x" * (600 << 10))
        daemon.wait_line(f"job={job} .* outcome=timeout ")
        other, = self.jobs.publish()
        # There is no room for two such bodies. When its message is visible again, both are there.
        until(lambda: self.queue.inside()["counts"]["visible"] == 2, what="both, not received")
        self.assert_row(other, status="pending", attempts=0)
        self.deaf.unlink()
        daemon.wait_line(f"job={job} .*its handler has returned at last, after")
        self.jobs.wait(other, "completed")
        self.jobs.wait(job, "completed", attempts=2)
        self.assertEqual(daemon.stop(), 0)

    def test_too_often_ends_the_daemon_for_a_restart(self):
        daemon = self.start_deaf(threads=2)
        jobs = [self.publish_deaf() for _ in range(3)]
        daemon.wait_line("error .*too many handlers do not return")
        self.assertEqual(daemon.wait(), 1)
        for job in jobs:
            daemon.wait_line(f"job={job} .*it ends with the daemon")
            self.assert_row(job, status="failed", error="timed out after 1s")
        self.deaf.unlink()
        daemon.start()
        self.jobs.wait_all("completed")
        # A message that has come again by then waits in hand, and the stop gives it back.
        self.assert_promises_kept(burnt=None)
        self.assertEqual(daemon.stop(), 0)

    def test_for_whose_place_too_many_wait_ends_the_daemon_for_a_restart(self):
        daemon = self.start_deaf(threads=1, **{"job test-echo.max_concurrency": 1})
        self.publish_deaf()
        waiting = self.jobs.publish(count=3)
        daemon.wait_line("error .*too many handlers do not return")
        self.assertEqual(daemon.wait(), 1)
        self.deaf.unlink()
        daemon.start()
        self.jobs.wait_all("completed")
        self.assertEqual({row.attempts for row in self.jobs.rows(waiting)}, {1})
        # The stop has given back those that waited.
        self.assert_promises_kept(burnt=len(waiting))
        self.assertEqual(daemon.stop(), 0)

    def test_does_not_keep_a_stop_waiting(self):
        daemon = self.start_deaf(threads=1)
        job = self.publish_deaf()
        daemon.wait_line(f"job={job} .* outcome=timeout ")
        self.assertEqual(daemon.stop(within=5), 0)
        daemon.wait_line(f"job={job} .*it ends with the daemon")

    def test_does_not_cut_short_what_a_stop_has_to_wait_for(self):
        daemon = self.start_deaf(threads=1, **{"worker.drain_timeout": "1s"})
        job = self.publish_deaf()
        daemon.wait_line(f"job={job} .* outcome=timeout ")
        # For longer than handlers have after drain_timeout.
        self.sqs.fault(action="DeleteMessageBatch", kind="status", status=503, count=8)
        other, = self.jobs.publish()
        self.jobs.wait(other, "completed")
        self.assertEqual(daemon.stop(within=15), 0)
        daemon.wait_line("drained: 0 jobs left to their leases, .* given back$")


if __name__ == "__main__":
    tap.main()
