"""Stopping: nothing in hand is lost or runs twice, and what is left is named and counted."""

import os
import re
import signal
import time
import unittest

from lab import tap
from lab.fault_case import FaultCase
from lab.feed import until
from lab.points import POINTS, PointCase, add_tests, setUpModule, tearDownModule  # noqa: F401

STOPPING = re.compile("^STOPPING=1$")
EXTENSION = re.compile("^EXTEND_TIMEOUT_USEC=30000000$")
DRAINED = re.compile(r"drained: .* given back(?:; receives burnt: (\d+))?$")
FINISH_SECONDS = 15


class Stopping(PointCase):
    def begin_stop(self):
        self.daemon.process.send(signal.SIGTERM)
        self.daemon.notify.feed.wait(STOPPING)

    def assert_ends(self, status, within, line):
        """So; the receives that are burnt, as it says."""
        self.assertEqual(self.daemon.wait(within), status)
        self.daemon.wait_line(line)
        return int(self.daemon.process.feed.wait(DRAINED)[1] or 0)

    def assert_goes_on(self, burnt):
        """When it is started again; the queue counts as many."""
        self.start_again()
        self.assert_promises_kept(burnt=burnt)
        self.daemon.kill()


class ASigterm(Stopping):
    def stop_at(self, point):
        point.reach(self)
        self.begin_stop()
        if point.meanwhile:
            point.meanwhile(self)
        burnt = self.assert_ends(point.status, point.within, point.line)
        if point.burnt is None:
            self.assertGreater(burnt, 0)
        else:
            self.assertEqual(burnt, point.burnt)
        if point.afterwards:
            point.afterwards(self)
        self.assert_goes_on(burnt + point.unsaid)


add_tests(ASigterm, POINTS, ASigterm.stop_at)


class ASecondSigterm(Stopping):
    """Now, whatever there is to wait for."""

    def stop_twice(self, line):
        self.begin_stop()
        self.daemon.process.send(signal.SIGTERM)
        burnt = self.assert_ends(1, 4, line)
        self.assertEqual(burnt, 1)
        self.assertEqual(len(self.daemon.lines("stopped by a second signal")), 1)

    def test_leaves_a_running_job(self):
        self.work()
        self.stop_twice(f"job={self.job} .*left to its leases: its handler has not returned")
        self.assert_row(self.job, status="processing", attempts=1)
        self.assert_goes_on(1)

    def test_leaves_a_finish_of_a_locked_row(self):
        self.finish_locked()
        self.stop_twice(f"job={self.job} .*left to its leases: its row is not written: it is locked")
        self.unlock_row()
        self.assert_goes_on(1)

    def test_leaves_a_finish_without_a_database_and_says_why(self):
        self.finish_unplugged()
        self.stop_twice("left to its leases: its row is not written: the database cannot be reached")
        self.plug_in()
        self.assert_goes_on(1)

    def test_leaves_a_delete_and_says_why(self):
        self.delete()
        self.stop_twice("1 completed messages are not deleted: .*503.*; they come again")
        self.heal()
        self.assert_goes_on(1)


class AStop(FaultCase):
    def test_by_sigint_is_the_same(self):
        daemon = self.start()
        daemon.process.send(signal.SIGINT)
        self.assertEqual(daemon.wait(5), 0)

    def test_takes_no_more_jobs(self):
        daemon = self.start({"worker.concurrency": "4"})
        self.publish("test-echo", {"delayMs": 400}, 40)
        until(lambda: self.jobs.counts().get("completed", 0) >= 4, what="four completed")
        self.assertEqual(daemon.stop(), 0)
        counts = self.jobs.counts()
        self.assertGreaterEqual(counts["completed"], 8)
        self.assertEqual(set(counts), {"completed", "pending"})
        self.assertEqual(self.queue.counts(), (counts["pending"], 0))
        daemon.start()
        self.assert_promises_kept()
        daemon.kill()

    def stop_with(self, *milliseconds):
        """Running jobs that take so long; what systemd was told."""
        daemon = self.start({"worker.concurrency": len(milliseconds)})
        for ms in milliseconds:
            self.publish(payload={"ms": ms})
        until(lambda: self.marks.read_text().count("begin ") == len(milliseconds), what="runs")
        told = daemon.notify.feed
        self.assertEqual(daemon.stop(), 0)
        return told

    def test_asks_for_more_time_once_it_has_made_progress(self):
        self.assertEqual(len(self.stop_with(400, 2500).find(EXTENSION)), 1)

    def test_without_progress_asks_for_none(self):
        self.assertEqual(self.stop_with(2500).find(EXTENSION), [])


@unittest.skipUnless(os.environ.get("NEXUS_LONG"), "takes a minute: make check-long")
class AStopInVain(Stopping):
    def leave(self, mend, line):
        begun = time.monotonic()
        self.begin_stop()
        burnt = self.assert_ends(1, FINISH_SECONDS + 3, line)
        self.assertGreaterEqual(time.monotonic() - begun, FINISH_SECONDS)
        self.assertEqual(burnt, 1)
        mend()
        self.assert_goes_on(1)

    def test_leaves_a_row_that_stays_locked(self):
        self.finish_locked()
        self.leave(self.unlock_row, "its row is not written: it is locked")

    def test_leaves_a_row_whose_database_stays_away(self):
        self.finish_unplugged()
        self.leave(self.plug_in, "its row is not written: the database cannot be reached")

    def test_leaves_a_message_that_cannot_be_deleted(self):
        self.delete()
        self.leave(self.heal, "1 completed messages are not deleted: .*503.*; they come again")


if __name__ == "__main__":
    tap.main()
