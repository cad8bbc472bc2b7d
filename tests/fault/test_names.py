"""Names that nobody answers for, that fail or lead elsewhere: of SQS, of Postgres, of both.

Whoever has the name moves meanwhile: so the names are needed, and followed when they are back. What
is in hand is not lost, the loop turns (the watchdog is fed), and work goes on by itself.
"""

import re
import time
import unittest

from lab import tap
from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401
from lab.postgres import url
from lab.relay import Wire
from lab.resolver import SILENCE, Resolver, can_be_left_alone

FED = re.compile("^WATCHDOG=1$")
HOME, NOBODY, STRANGER, NEW_HOME = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"


class Named(FaultCase):
    """backend: the port of the server that has the name, through a wire."""

    visibility = 6

    def setUp(self):
        super().setUp()
        self.resolver = Resolver(self.lab, self.queue.name)
        self.resolver.lead_to(HOME)
        self.wire = self.put_up(HOME, self.backend())

    def put_up(self, address, backend, port=0):
        wire = Wire(backend, address=address, port=port)
        self.addCleanup(wire.close)
        return wire

    def put_up_stranger(self, backend):
        """Whose server answers at the same port, but is another one."""
        self.put_up(STRANGER, backend, self.wire.port)

    def start_by_name(self, **places):
        return self.start({"queue.wait_time": "1s"}, environment={
            "WATCHDOG_USEC": "400000", **self.resolver.environment}, **places)

    def start_with_a_job(self, milliseconds=1000):
        daemon = self.start_named()
        job, = self.publish(payload={"ms": milliseconds})
        self.jobs.wait(job, "processing")
        return daemon, job

    def leave(self, answer):
        """The server is gone from there; whoever looks for it gets that answer."""
        self.resolver.lead_to(answer)
        self.resolver.wait_asked(self.wire.close)

    def come_back(self):
        self.put_up(NEW_HOME, self.backend(), self.wire.port)
        self.resolver.lead_to(NEW_HOME)

    def assert_fed_until(self, condition, daemon, within=10):
        """The watchdog, which wants to be twice in that time; a late one would end the daemon."""
        deadline = time.monotonic() + within
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            daemon.notify.feed.wait(FED, 1.0, len(daemon.notify.feed))

    def assert_goes_on(self, daemon, job):
        """With what was published meanwhile, too, all of it with its first receive."""
        self.come_back()
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed")
        self.assert_promises_kept()
        self.assertEqual(daemon.stop(), 0)


class OfTheQueue(Named):
    def backend(self):
        return self.sqs.port

    def start_named(self):
        return self.start_by_name(
            queue=f"http://{Resolver.NAME}:{self.wire.port}/123456789012/{self.queue.name}")

    def check(self, answer, line, milliseconds=1000):
        """The row of what runs is written without SQS; what then waits is its delete."""
        daemon, running = self.start_with_a_job(milliseconds)
        self.leave(answer)
        waiting, = self.publish()
        self.assert_fed_until(lambda: daemon.lines(f" warning .*{line}"), daemon)
        self.assert_fed_until(lambda: self.jobs.row(running).status == "completed", daemon)
        self.assert_row(waiting, status="pending", attempts=0)
        self.assert_goes_on(daemon, waiting)
        # A kept connection may have been closed at the old address first.
        self.assertEqual(len(daemon.lines(" warning ")),
                         len(daemon.lines(f" warning .*(connect to|{line})")))

    @unittest.skipUnless(can_be_left_alone(), "libcurl before 7.87 waits for a lookup")
    def test_that_nobody_answers_for_is_waited_for(self):
        """Long enough for an extension that is given up while its lookup hangs."""
        self.check(SILENCE, "the name servers do not answer", milliseconds=3500)

    def test_that_cannot_be_looked_up_now_is_waited_for(self):
        self.check("SERVFAIL", f"not resolve host: {Resolver.NAME}")

    def test_that_is_said_not_to_exist_is_waited_for(self):
        self.check("NXDOMAIN", f"not resolve host: {Resolver.NAME}")

    def test_that_leads_to_a_closed_port_is_waited_for(self):
        self.check(NOBODY, "connect to")

    def test_that_leads_to_another_server_is_waited_for(self):
        """Which answers, and keeps the connection: nothing fails that would have one look anew."""
        other = self.lab.sqs()
        self.put_up_stranger(other.port)
        self.check(STRANGER, f"queue {self.queue.name} is not there")

    @unittest.skipUnless(can_be_left_alone(), "libcurl before 7.87 waits for a lookup")
    def test_that_nobody_answers_for_does_not_hold_up_a_stop(self):
        daemon = self.start_named()
        self.leave(SILENCE)
        begun = time.monotonic()
        self.assertEqual(daemon.stop(), 0)
        self.assertLess(time.monotonic() - begun, 5)

    def test_that_moves_is_followed(self):
        daemon = self.start_named()
        self.leave(NEW_HOME)
        self.come_back()
        job, = self.publish()
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed")
        self.assertEqual(daemon.stop(), 0)


class OfTheDatabase(Named):
    def backend(self):
        return self.postgres.port

    def start_named(self):
        return self.start_by_name(database=url(self.wire.port, self.database.name,
                                               host=Resolver.NAME))

    def check(self, answer, line):
        """What runs keeps its visibility and its result; nothing more is received."""
        daemon, running = self.start_with_a_job()
        self.leave(answer)
        daemon.wait_line(f" warning .*{line}")
        waiting, = self.publish()
        since = time.monotonic()
        self.assert_fed_until(lambda: time.monotonic() > since + 1, daemon)
        self.assert_row(running, status="processing", attempts=1)
        self.assert_row(waiting, status="pending", attempts=0)
        self.assert_goes_on(daemon, waiting)
        self.assertEqual(len(daemon.lines(" warning ")), 1)

    def test_that_nobody_answers_for_is_waited_for(self):
        self.check(SILENCE, "the database")

    def test_that_cannot_be_looked_up_now_is_waited_for(self):
        self.check("SERVFAIL", "the database")

    def test_that_is_said_not_to_exist_is_waited_for(self):
        self.check("NXDOMAIN", "the database")

    def test_that_leads_to_a_closed_port_is_waited_for(self):
        self.check(NOBODY, "the database")

    def test_that_leads_to_another_server_is_waited_for(self):
        self.put_up_stranger(self.sqs.port)
        self.check(STRANGER, "the database")

    def test_that_never_existed_leaves_the_hosts_beside_it(self):
        self.resolver.lead_to("NXDOMAIN")
        daemon = self.start_by_name(database=url(
            self.postgres.port, self.database.name, host=f"{Resolver.NAME},127.0.0.1"))
        job, = self.publish()
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed")
        self.assertEqual(daemon.lines(" warning "), [])
        self.assertEqual(daemon.stop(), 0)

    def test_that_cannot_be_looked_up_now_led_there_before(self):
        """Only the connection is cut: the last good address serves."""
        daemon = self.start_named()
        self.resolver.lead_to("SERVFAIL")
        self.resolver.wait_asked(self.wire.cut)
        job, = self.publish()
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed")
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    tap.main()
