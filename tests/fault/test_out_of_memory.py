"""Allocations of our own code that fail, one after the other: the daemon lives, no job is lost."""

import json
import os
import re
import unittest

from lab import tap
from lab.daemon import section
from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import Timeout, until
from lab.starve import PROGRAM, Starving

READY = re.compile("^READY=1$")
LONG = os.environ.get("NEXUS_LONG")
QUICK = {"base_delay": "1s", "max_delay": "1s"}


class OutOfMemory(FaultCase):
    """How often a failure costs a message a receive is chance: the queue has patience."""

    def setUp(self):
        super().setUp()
        self.queue.change(RedrivePolicy=json.dumps({
            "deadLetterTargetArn": self.dead_letters.attributes()["QueueArn"],
            "maxReceiveCount": 100}))
        self.application = self.lab.application()
        self.addCleanup(self.application.close)
        self.settings = {**section("mark", **QUICK),
                         **section("web", kind="http", url=self.application.url, **QUICK)}

    def configure_starving(self, number=0):
        """A daemon, and its memory, of which the so-many-th allocation fails (0: none)."""
        starving = Starving(self.lab, f"{self.queue.name}-{number}")
        self.addCleanup(starving.close)
        starving.fail(number)
        return starving, self.configure(
            self.settings, program=PROGRAM, environment=starving.environment)

    def start_starving(self):
        starving, daemon = self.configure_starving()
        return starving, daemon.start().wait_ready()

    def assert_lives(self, starving, daemon):
        if not daemon.process.is_alive():
            last = "\n".join(daemon.process.feed.lines[-5:])
            self.fail(f"ended with {daemon.wait()} when there was no memory for "
                      f"{starving.places()[-1:]}; its last lines:\n{last}")

    def fail_each(self, starving, daemon, cause, numbers):
        """So many allocations after the cause one fails: the cause again and again until then."""
        for number in numbers:
            before = starving.failed()
            starving.fail(number)
            while starving.failed() == before:
                cause()
                self.assert_lives(starving, daemon)

    def assert_all_done(self, starving, daemon):
        starving.feed()
        try:
            self.jobs.wait_all("completed", within=20)
        except Timeout as late:
            self.assert_lives(starving, daemon)
            self.fail(f"{late}; there was no memory for {starving.places()}")
        self.assert_promises_kept(burnt=None)
        here = daemon.here()
        self.assertEqual(daemon.stop(), 0)
        daemon.wait_line("drained: 0 jobs left to their leases, 0 messages given back", start=here)


class AJob(OutOfMemory):
    def publish_one(self, starving, kind):
        """One, and it ends, or meets the failure."""
        before = starving.failed()
        job, = self.publish(kind)
        until(lambda: starving.failed() > before
              or self.jobs.row(job).status in ("completed", "failed"), what="an end")

    def fail_on_the_way(self, kind):
        """Each allocation between a job's publication and its end."""
        starving, daemon = self.start_starving()
        self.publish_one(starving, kind)
        before = starving.asked()
        self.publish_one(starving, kind)
        until(self.queue.is_empty, what="an empty queue")
        numbers = range(1, (2 if LONG else 1) * (starving.asked() - before) + 1)
        self.fail_each(starving, daemon, lambda: self.publish_one(starving, kind), numbers)
        self.assert_all_done(starving, daemon)

    def test_is_done_once_whatever_memory_is_missing_on_its_way(self):
        self.fail_on_the_way("test-echo")

    def test_that_is_a_command_is_done_once_whatever_memory_is_missing(self):
        self.fail_on_the_way("mark")

    def test_that_is_a_request_is_done_once_whatever_memory_is_missing(self):
        self.fail_on_the_way("web")

    def wait_all_completed(self, starving, every):
        """A job's way may take a multiple of so many allocations, and then the same one fails each
        time, and on a busy machine few jobs get through: so it is another one every ten seconds, and
        ever fewer."""
        for other in range(1, 19):
            try:
                self.jobs.wait_all("completed", within=10)
                return
            except Timeout:
                starving.fail(every + other, every + other ** 2)
        self.fail(f"not all completed: {self.jobs.counts()}")

    @unittest.skipUnless(LONG, "takes a minute: make check-long")
    def test_among_many_is_done_once_when_every_so_many_th_allocation_fails(self):
        starving, daemon = self.start_starving()
        for every in (97, 61, 31):
            starving.fail(every, every)
            for kind in ("test-echo", "mark", "web"):
                self.publish(kind, count=50)
            self.wait_all_completed(starving, every)
            self.assert_lives(starving, daemon)
        self.assert_all_done(starving, daemon)


class AReload(OutOfMemory):
    def reload(self, daemon):
        daemon.reload("reloaded$|reload: nothing was changed$")

    def test_without_memory_changes_nothing_and_says_so(self):
        starving, daemon = self.start_starving()
        before = starving.asked()
        self.reload(daemon)
        n = starving.asked() - before
        self.fail_each(starving, daemon, lambda: self.reload(daemon), range(1, n + 1))
        self.assertTrue(daemon.lines("reload: out of memory; nothing was changed"))
        for kind in ("test-echo", "mark", "web"):
            self.publish(kind)
        self.assert_all_done(starving, daemon)


class AStart(OutOfMemory):
    def outcome(self, starving, daemon):
        """Whether it got ready; if not it has ended in order and said why."""
        what = f"without memory for {starving.places()}"
        until(lambda: not daemon.process.is_alive() or daemon.notify.feed.find(READY),
              what=f"ready or ended {what}")
        if daemon.notify.feed.find(READY):
            daemon.kill()
            return True
        self.assertEqual(daemon.wait(), 1, what)
        self.assertTrue(daemon.lines("out of memory|Cannot allocate memory"), what)
        return False

    def test_ends_with_a_line_or_goes_on_whatever_memory_is_missing(self):
        number, step = 1, 1 if LONG else 23
        while True:
            starving, daemon = self.configure_starving(number)
            ready = self.outcome(starving, daemon.start())
            if starving.failed() == 0:
                self.assertTrue(ready)
                return
            number += step


if __name__ == "__main__":
    tap.main()
