"""SQS away, angry, or not SQS at all: jobs flow on, and whatever lasts is waited out in peace."""

import itertools
import json
import os
import pathlib
import re
import time
import unittest

from gauges import usage
from lab import tap
from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import body
from lab.relay import Wire

JSON = "application/x-amz-json-1.0"
SECONDS = 3
ACTIONS = ("ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch")


def status(number, code):
    return {"kind": "status", "status": number, "code": code}


def raw(text, content_type=JSON, number=200):
    return {"kind": "raw", "body": text, "content_type": content_type, "status": number}


# The first three lose what an answer holds: messages are hidden from everybody for a while.
FAULTS = {
    "cut after": {"kind": "cut-after"},
    "truncated": {"kind": "truncate"},
    "garbage": {"kind": "garble"},
    "cut before": {"kind": "cut-before"},
    "500": status(500, "InternalFailure"),
    "503": status(503, "ServiceUnavailable"),
    "throttled": status(403, "RequestThrottled"),
    "too many requests": status(400, "ThrottlingException"),
    "unheard of": status(418, "IAmATeapot"),
    "HTML": raw("<html>It works!</html>", "text/html"),
    "a gateway's page": raw("<html>Bad Gateway</html>", "text/html", 502),
    "a redirect": raw("", number=302),
    "nothing": raw(""),
    "another JSON": raw('{"Messages": 7, "Successful": {}}'),
    "too large": {"kind": "too-large"},
    "endless": {"kind": "too-large", "chunked": True},
    "drip": {"kind": "drip", "bytes": 64, "ms": 5},
}
PARTIAL = {
    "all failed": {"kind": "fail-entries", "code": "InternalError"},
    "some failed": {"kind": "fail-entries", "code": "RequestThrottled", "entries": 1},
}


class AllInTurn(FaultCase):
    def order(self, action, faults, in_a_row=1):
        """One after the other, and a request that is left alone after so many."""
        for number, fault in enumerate(faults):
            self.sqs.fault(action=action, after=number // in_a_row, **fault)

    def test_cost_no_job(self):
        daemon = self.start({"queue.wait_time": "1s"})
        self.order("ReceiveMessage", FAULTS.values())
        self.order("DeleteMessageBatch", (FAULTS | PARTIAL).values())
        self.order("ChangeMessageVisibilityBatch", [
            FAULTS["503"], FAULTS["cut after"], FAULTS["garbage"], {"kind": "black-hole"}], 2)
        while left := len(self.sqs.faults()):
            # One of them is done at once; the other one's visibility has to be extended.
            self.publish()
            self.publish(payload={"ms": 2000})
            until(lambda: len(self.sqs.faults()) < left, what="a fault that is met")
        self.assert_promises_kept(burnt=None)
        self.assertEqual(daemon.stop(), 0)


class ALastingFault(FaultCase):
    """Each has a service, a queue and a daemon of its own; one table serves them all."""

    LASTING = PARTIAL | {
        **{name: FAULTS[name] for name in ("cut after", "garbage", "cut before", "503", "throttled",
                                           "HTML", "too large", "endless", "drip")},
        "black hole": {"kind": "black-hole"},
        "denied": status(403, "AccessDeniedException"),
        "expired": status(403, "ExpiredTokenException"),
        "no queue": status(400, "QueueDoesNotExist"),
        "empty at once": raw("{}"),
    }

    def begin(self):
        sqs = self.lab.sqs()
        self.addCleanup(sqs.close)
        queue = sqs.create_queue("jobs", self.visibility)
        daemon = self.configure({"queue.wait_time": "1s"}, queue=queue).start()
        return sqs, queue, daemon

    def work(self, sqs, queue, fault):
        """Two jobs that run and one that is done, which can neither be kept nor deleted."""
        for action in ACTIONS[1:]:
            sqs.fault(action=action, count=0, **fault)
        ids = [*self.jobs.insert(payload={"delayMs": 60000}, count=2), *self.jobs.insert()]
        queue.send([body(job, payload=self.jobs.row(job).payload) for job in ids])
        return ids[2]

    def test_is_waited_out_without_a_busy_loop(self):
        began = {name: self.begin() for name in self.LASTING}
        for _, _, daemon in began.values():
            self.addCleanup(daemon.kill)
            daemon.wait_ready()
        done = [self.work(*began[name][:2], fault) for name, fault in self.LASTING.items()]
        for job in done:
            self.jobs.wait(job, "completed")
        for name, fault in self.LASTING.items():
            began[name][0].fault(action="ReceiveMessage", count=0, **fault)
            began[name][0].forget_stats()
        before = {name: spent(daemon) for name, (_, _, daemon) in began.items()}
        time.sleep(SECONDS)
        for name, (sqs, _, daemon) in began.items():
            with self.subTest(name):
                self.assertLess(sum(sqs.answers(action, None) for action in ACTIONS), 10 * SECONDS)
                self.assertLess(spent(daemon) - before[name], SECONDS / 2)

    @unittest.skipUnless(os.environ.get("NEXUS_LONG"), "takes ten minutes: make check-long")
    def test_of_ten_minutes_costs_no_job(self):
        # An answer that is lost costs a receive, and each fault lasts long enough to lose three.
        self.queue.change(RedrivePolicy=json.dumps({
            "deadLetterTargetArn": self.dead_letters.attributes()["QueueArn"],
            "maxReceiveCount": 10}))
        daemon = self.start({"queue.wait_time": "1s"})
        deadline = time.monotonic() + 600
        for name in itertools.cycle(self.LASTING):
            for action in ACTIONS:
                self.sqs.fault(action=action, count=0, **self.LASTING[name])
            self.publish(count=3)
            before = spent(daemon)
            time.sleep(10)
            self.assertLess(spent(daemon) - before, 2, name)
            self.sqs.heal()
            until(self.queue.is_empty, 60, what=f"the end of {name}")
            if time.monotonic() > deadline:
                break
        self.assert_promises_kept(burnt=None)
        self.assertEqual(daemon.stop(), 0)


class AConnection(FaultCase):
    def test_that_is_reset_or_refused_is_not_tried_without_end(self):
        wire = Wire(self.sqs.port)
        self.addCleanup(wire.close)
        daemon = self.start(queue=f"http://127.0.0.1:{wire.port}/123456789012/{self.queue.name}")
        for fail in self.reset, Wire.close:
            before, n_before = spent(daemon), wire.n_connections
            fail(wire)
            time.sleep(SECONDS / 2)
            self.assertLess(spent(daemon) - before, SECONDS / 10)
            self.assertLess(wire.n_connections - n_before, 5 * SECONDS)
        daemon.wait_line("no answer from 127.0.0.1")
        job, = self.publish()
        again = Wire(self.sqs.port, port=wire.port)
        self.addCleanup(again.close)
        daemon.wait_line(f"job={job} .*receive=1 outcome=completed")
        self.assert_promises_kept()
        self.assertEqual(daemon.stop(), 0)

    @staticmethod
    def reset(wire):
        wire.resetting = True
        wire.cut()


class RowsMeanwhile(FaultCase):
    """SQS is away for longer than a message's visibility."""

    def test_are_kept_and_written_and_each_job_runs_once(self):
        daemon = self.start({"queue.wait_time": "1s"})
        longer = self.publish(payload={"ms": 6000}, count=2)
        shorter = self.publish(payload={"ms": 3500}, count=2)
        until(lambda: self.jobs.counts() == {"processing": 4}, what="running jobs")
        self.sqs.forget_stats()
        for action in ACTIONS:
            self.sqs.fault(action=action, count=0, **FAULTS["503"])
        for job in shorter:
            self.jobs.wait(job, "completed")
        # So often in two seconds were they tried, as long as it was not too late.
        self.assertGreater(self.sqs.answers("ChangeMessageVisibilityBatch", "fault:status"), 7)
        until(lambda: self.queue.counts()[0] == 4, what="the end of all visibilities")
        oldest, = self.database.execute(
            "SELECT max(now() AT TIME ZONE 'UTC' - updated_at) FROM background_jobs"
            " WHERE id = ANY(%s) AND status = 'processing'", (longer,))[0]
        self.assertLess(oldest.total_seconds(), self.visibility / 3 + 0.5)
        self.sqs.heal()
        verdict = self.assert_promises_kept(burnt=None)
        self.assertLessEqual(set(verdict.burnt.values()), {1})
        self.assertEqual(self.jobs.runs(), {1: 4})
        self.assertEqual(daemon.stop(), 0)


class BodiesOfAMebibyte(FaultCase):
    """The largest that SQS takes; ten come in one answer."""

    visibility = 30
    MEBIBYTE = 1 << 20

    def test_come_in_one_answer_and_are_worked_off(self):
        ids = self.jobs.insert(count=12)
        for job in ids:
            bare = len(body(job, payload={"text": ""}))
            self.queue.send([body(job, payload={"text": "x" * (self.MEBIBYTE - bare)})])
        self.sqs.forget_stats()
        daemon = self.start({"worker.memory": "16M"})
        self.assert_promises_kept()
        self.assertEqual(self.jobs.runs(), {1: 12})
        # Not one by one, though none may have been there when one of them was asked for.
        self.assertLessEqual(self.sqs.answers("ReceiveMessage"), 6)
        # A sanitizer keeps what is freed for a while.
        if not self.lab.sanitized:
            # The answer, while it grows, the bodies, and what sixteen threads make of them.
            self.assertLess(peak(daemon), 96 * self.MEBIBYTE)
            # And nothing of it afterwards.
            self.assertLess(usage(daemon.process.pid)["RssAnon"], 8 * 1024)
        self.assertEqual(daemon.lines(" warning "), [])


def peak(daemon):
    """The most memory that it has had, in bytes."""
    path = pathlib.Path(f"/proc/{daemon.process.pid}/status")
    return int(re.search(r"VmHWM:\s+(\d+) kB", path.read_text(encoding="ascii"))[1]) * 1024


def spent(daemon):
    """The processor time that it has had, in seconds."""
    path = pathlib.Path(f"/proc/{daemon.process.pid}/stat")
    fields = path.read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    tap.main()
