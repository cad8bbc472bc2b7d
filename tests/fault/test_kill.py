"""kill -9 at every point of a job's way, and at any instant: nothing is lost, nothing completed runs
again, and a daemon that is started afterwards brings all to its end."""

from lab import tap
from lab.fault_case import FaultCase
from lab.feed import until
from lab.points import POINTS, PointCase, add_tests, setUpModule, tearDownModule  # noqa: F401

JOBS = 1000


class AKill(PointCase):
    def kill_at(self, point):
        point.reach(self)
        self.daemon.kill()
        for change in (point.meanwhile, point.afterwards):
            if change:
                change(self)
        self.start_again()
        self.assert_promises_kept(burnt=None)
        self.daemon.kill()


add_tests(AKill, {name: point for name, point in POINTS.items() if point.killed}, AKill.kill_at)


class AKilledDaemon(FaultCase):
    def test_loses_nothing_of_a_thousand_jobs(self):
        daemon = self.start({"worker.concurrency": "16"})
        self.publish("test-echo", {"delayMs": 20}, JOBS)
        for n_completed in (JOBS // 4, JOBS // 2):
            until(lambda: self.jobs.counts().get("completed", 0) >= n_completed, within=30,
                  what=f"{n_completed} completed")
            daemon.kill()
            daemon.start()
        self.assert_promises_kept(burnt=None)
        self.assertEqual(self.jobs.counts(), {"completed": JOBS})
        daemon.kill()


if __name__ == "__main__":
    tap.main()
