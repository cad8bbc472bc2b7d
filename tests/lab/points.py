"""The points on a job's way at which a daemon may be ended, and what is to come of a SIGTERM there.

POINTS is the table: by name, how a daemon is brought there and what is expected. The names are the
ends of tests' names.
"""

import dataclasses
import signal
import typing

from lab.case import setUpModule, tearDownModule  # noqa: F401
from lab.fault_case import FaultCase
from lab.feed import until
from lab.jobs import body
from lab.postgres import url
from lab.preload import preload
from lab.relay import Wire

THREADS = 2


class PointCase(FaultCase):
    """The daemon, what is around it, and the ways to the points."""

    def setUp(self):
        super().setUp()
        self.sqs.forget_stats()
        self.daemon = None
        self.job = None
        self.wire = None
        self.lock = None
        self.deaf = self.lab.directory / f"{self.queue.name}.deaf"

    def start_daemon(self, settings=None, **options):
        self.daemon = self.start({"worker.concurrency": THREADS, "log.level": "debug",
                                  **(settings or {})}, **options)

    def start_wired(self, settings=None):
        """With a wire between it and the database."""
        self.wire = Wire(self.postgres.port)
        self.addCleanup(self.wire.close)
        self.start_daemon(settings, database=url(self.wire.port, self.database.name))

    def let_go(self):
        self.wire.let_go()

    def unplug(self):
        """From now on connections are refused."""
        self.wire.close()

    def plug_in(self):
        self.wire = Wire(self.postgres.port, port=self.wire.port)
        self.addCleanup(self.wire.close)

    def lock_row(self):
        self.lock = self.database.connect()
        self.addCleanup(self.lock.close)
        with self.lock.cursor() as cursor:
            cursor.execute("SELECT FROM background_jobs WHERE id = %s FOR UPDATE", (self.job,))

    def unlock_row(self):
        self.lock.rollback()

    def send(self):
        """The message of a row that is there already."""
        self.queue.send([body(self.job, "mark", {"ms": 10})])

    def heal(self):
        self.sqs.heal()

    def start_again(self):
        """With one more job, and then waits for nothing but leases."""
        self.publish(payload={"ms": 10})
        self.daemon.configure({"worker.concurrency": 8})
        self.daemon.start().wait_ready()

    def wait_returned(self):
        """Until no handler is at work any more; a run's mark comes before that."""
        def are_idle():
            here = self.daemon.here()
            self.daemon.process.send(signal.SIGUSR1)
            self.daemon.wait_line("slot .: ", start=here, times=THREADS)
            return len(self.daemon.lines("slot .: idle", start=here)) == THREADS
        until(are_idle, what="the handlers' return")

    def run_one(self, **payload):
        """One job, of which the handler is at work."""
        self.job, = self.publish(payload=payload)
        until(lambda: "begin" in self.marks.read_text(), what="a run")

    # ---- The ways to the points ----

    def poll(self):
        self.start_daemon()

    def receive(self, **fault):
        """A message that is the daemon's, though it does not know of it yet."""
        self.sqs.fault(action="ReceiveMessage", **fault)
        self.start_daemon()
        self.publish(payload={"ms": 10})
        until(lambda: self.queue.counts() == (0, 1), what="an answer on its way")

    def receive_late(self):
        self.receive(kind="late", ms=600)

    def receive_slowly(self):
        self.receive(kind="drip", ms=50)

    def queue_up(self, **settings):
        """More messages than are begun."""
        self.start_daemon({"worker.concurrency": 1, "worker.prefetch_time": "500ms", **settings})
        self.publish("test-echo", {"delayMs": 50}, 80)
        until(lambda: self.queue.counts()[1] >= 8, what="messages in hand")

    def queue_up_too_late(self):
        self.queue_up(**{"worker.drain_timeout": "1s", "worker.job_timeout": "3s"})

    def begin(self, **settings):
        """A row that is begun, and the ledger is not told."""
        self.start_wired({"worker.drain_timeout": "1s", "worker.job_timeout": "500ms", **settings})
        self.wire.hold()
        self.job, = self.publish(payload={"ms": 10})
        self.jobs.wait(self.job, "processing")

    def find_locked(self):
        self.start_daemon()
        self.job, = self.jobs.insert("mark", {"ms": 10})
        self.lock_row()
        self.send()
        self.daemon.wait_line(f"job={self.job}: its row is not free")

    def find_elsewhere(self):
        """A row that another daemon has, which dies just now."""
        self.start_daemon()
        self.job, = self.jobs.insert("mark", {"ms": 10})
        self.database.execute(
            "UPDATE background_jobs SET status = 'processing', attempts = 1, started_at = t,"
            " updated_at = t FROM (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS t) now")
        self.send()
        self.daemon.wait_line(f"job={self.job}: its row is not free")

    def park(self):
        """One runs, and three may not."""
        self.start_daemon({"job mark.max_concurrency": 1})
        self.run_one(ms=1000)
        self.publish(payload={"ms": 10}, count=3)
        until(lambda: self.queue.counts() == (0, 4), what="parked jobs in hand")

    def work(self):
        self.start_daemon()
        self.run_one(ms=1000)

    def work_for_long(self):
        self.start_daemon({"worker.drain_timeout": "500ms"})
        self.run_one(ms=2500)

    def work_deaf_to_sigterm(self):
        self.start_daemon({"worker.drain_timeout": "500ms"})
        self.run_one(ms=3000, deaf=1)

    def work_deaf(self):
        """A handler that does not return whatever it is told."""
        self.deaf.touch()
        self.addCleanup(self.deaf.unlink, missing_ok=True)
        self.start_daemon({"worker.drain_timeout": "500ms"}, environment={
            "DEAF_FILE": str(self.deaf), **preload(self.lab, "deaf")})
        self.job, = self.publish("test-echo", {"delayMs": 10})
        self.jobs.wait(self.job, "processing")

    def hear(self):
        self.deaf.unlink()

    def see_given_back(self):
        self.assert_row(self.job, status="pending", error="interrupted by shutdown")
        self.assertEqual(self.queue.counts(), (1, 0))

    def finish_locked(self):
        self.start_daemon()
        self.run_one(ms=300)
        self.lock_row()
        self.wait_returned()

    def finish_unanswered(self):
        self.start_wired()
        self.run_one(ms=300)
        self.wire.hold()
        self.wait_returned()
        self.daemon.wait_status("; the database")

    def finish_unplugged(self):
        self.start_wired()
        self.run_one(ms=300)
        self.unplug()
        self.wait_returned()
        self.daemon.wait_status("the database cannot be reached")

    def delete(self):
        self.start_daemon()
        self.sqs.fault(action="DeleteMessageBatch", count=0, kind="status", status=503,
                       code="ServiceUnavailable")
        self.job, = self.publish(payload={"ms": 10})
        self.jobs.wait(self.job, "completed")
        until(lambda: self.sqs.answers("DeleteMessageBatch", "fault:status"), what="a delete")

    def lose_database(self):
        self.start_wired()
        self.unplug()
        self.daemon.wait_status("database")

    def reload(self):
        """It is told to use a database that does not answer, and at once what comes next."""
        self.start_daemon()
        self.run_one(ms=500)
        self.wire = Wire(self.postgres.port)
        self.addCleanup(self.wire.close)
        self.wire.hold()
        self.daemon.configure({"database.url": url(self.wire.port, self.database.name)})
        self.daemon.reload()

    def start_in_vain(self):
        """Nothing that it needs is there."""
        self.sqs.fault(action="*", count=0, kind="status", status=503)
        self.wire = Wire(self.postgres.port)
        self.unplug()
        self.daemon = self.configure(database=url(self.wire.port, self.database.name)).start()
        self.daemon.wait_status("503.*; .*(refused|database)")

    def set_up_all(self):
        self.heal()
        self.plug_in()


@dataclasses.dataclass(frozen=True)
class Point:
    """
    reach: brings the daemon there. meanwhile: what happens once a stop was announced. afterwards:
    once it has ended. status: its own. burnt: receives, as it says itself and as the queue counts
    them (None: some); unsaid: those that it cannot know of. line: what it says. within: seconds.
    killed: where a kill is worth its time, too; the others differ from another point for a stop only.
    """

    reach: typing.Callable
    meanwhile: typing.Callable | None = None
    afterwards: typing.Callable | None = None
    status: int = 0
    burnt: int | None = 0
    unsaid: int = 0
    line: str = "drained: 0 jobs left to their leases"
    within: float = 4
    killed: bool = True


POINTS = {
    "an_idle_poll": Point(PointCase.poll),
    "an_answer_on_the_wire": Point(PointCase.receive_late),
    "an_answer_too_slow_to_wait_for": Point(
        PointCase.receive_slowly, unsaid=1, killed=False),
    "messages_not_begun": Point(PointCase.queue_up, within=8),
    "messages_that_would_not_end_in_time": Point(
        PointCase.queue_up_too_late, burnt=None, killed=False),
    "a_begin_not_answered": Point(PointCase.begin, PointCase.let_go),
    "a_begin_never_answered": Point(
        PointCase.begin, afterwards=PointCase.let_go, burnt=1, within=6,
        line="outcome=abandoned", killed=False),
    "a_locked_row": Point(PointCase.find_locked, afterwards=PointCase.unlock_row, burnt=1),
    # At once, and not when that lease has ended.
    "a_row_elsewhere": Point(PointCase.find_elsewhere, burnt=1, within=2.5),
    "parked_jobs": Point(
        PointCase.park, burnt=3,
        line="drained: 0 jobs left to their leases, 3 messages given back"),
    "a_running_job": Point(PointCase.work),
    "a_job_that_runs_for_too_long": Point(
        PointCase.work_for_long, afterwards=PointCase.see_given_back, burnt=1,
        line="outcome=abandoned .*interrupted by shutdown", killed=False),
    "a_command_deaf_to_sigterm": Point(
        PointCase.work_deaf_to_sigterm, burnt=1,
        line="outcome=abandoned .*interrupted by shutdown"),
    "a_handler_that_does_not_return": Point(
        PointCase.work_deaf, afterwards=PointCase.hear, burnt=1, status=1, within=5,
        line="is left to its leases: its handler has not returned"),
    "a_finish_of_a_locked_row": Point(PointCase.finish_locked, PointCase.unlock_row),
    "a_finish_not_answered": Point(PointCase.finish_unanswered, PointCase.let_go, within=8),
    "a_finish_without_a_database": Point(PointCase.finish_unplugged, PointCase.plug_in, within=6),
    "a_delete_that_is_refused": Point(PointCase.delete, PointCase.heal, within=6),
    "a_database_away_and_nothing_in_hand": Point(
        PointCase.lose_database, afterwards=PointCase.plug_in, killed=False),
    "a_reload": Point(PointCase.reload, PointCase.let_go, line="reloaded", within=6),
    "a_start_with_everything_away": Point(
        PointCase.start_in_vain, afterwards=PointCase.set_up_all, killed=False),
}


def add_tests(case, points, check):
    """To the test case, test_at_NAME for each of these points; check(self, point) is the test."""
    for name, point in points.items():
        setattr(case, f"test_at_{name}", lambda self, point=point: check(self, point))
