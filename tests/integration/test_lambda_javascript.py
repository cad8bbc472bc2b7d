"""Lambda functions, with the bundle as the application builds its own: their rows, whatever they
and the daemon do, and the AWS SDK's credentials."""

import signal

from lab import tap
from lab.feed import until
from lab.jobs import body
from lab.lambda_case import TYPE, BundleCase, setUpModule, tearDownModule  # noqa: F401
from lab.process import is_alive
from lab.sqs import KEY_ID

LONG_MS = 60000
ROWS_OF_WORKER = "write-letter"
BROKEN = "broken"


class ABundle(BundleCase):
    """One daemon does them all, with the bundle in a section for each of three types."""

    @classmethod
    def setUpClass(cls):
        cls.stage = stage = BundleCase("start_bundle")
        cls.addClassCleanup(stage.doCleanups)
        stage.setUp()
        broken = stage.keys("BUNDLE_FAILS_AT_IMPORT='no such thumb'")
        cls.daemon = stage.start_bundle(settings={
            **stage.settings(ROWS_OF_WORKER, **stage.keys(rows="worker")),
            **stage.settings(BROKEN, **broken)})

    def setUp(self):
        self.queue, self.jobs = self.stage.queue, self.stage.jobs
        self.before = self.queue.received()

    def assert_done_once(self, job, received=1):
        """Its row is completed by one run, and its messages are gone, after so many receives."""
        self.jobs.wait(job, "completed", attempts=1)
        until(self.queue.is_empty, what="an empty queue")
        self.assert_row(job, status="completed", attempts=1, error=None)
        self.assertIsNotNone(self.jobs.row(job).completed_at)
        self.assertEqual(self.queue.received() - self.before, received)

    def wait_failed_once(self, job):
        """Its row after the first run; the second waits."""
        self.daemon.wait_line(f"job={job} .*attempt=1 receive=1 outcome=failed")
        row = self.jobs.row(job)
        self.assertEqual((row.status, row.attempts, row.completed_at), ("failed", 1, None))
        return row

    def assert_fails(self, job, error):
        """And has its message taken away, which would come again."""
        self.assertIn(error, self.wait_failed_once(job).error)
        self.stage.database.execute(
            "UPDATE background_jobs SET status = 'completed' WHERE id = %s", (job,))
        until(self.queue.is_empty, what="an empty queue")

    def test_that_keeps_its_row_has_one_run_counted_once_and_works_as_the_daemon(self):
        job = self.publish()
        self.assert_done_once(job)
        self.assertEqual(self.jobs.history(job), [("processing", 1), ("completed", 1)])
        self.daemon.wait_line(f"job={job} stdout: worked as arn:.* with key {KEY_ID}$")
        self.daemon.wait_line(f"job={job} type={TYPE} attempt=1 receive=1 outcome=completed")

    def test_that_forgets_completed_has_it_written(self):
        job = self.publish(forgetCompleted=True)
        self.assert_done_once(job)
        self.assertEqual(self.jobs.history(job), [("processing", 1), ("completed", 1)])

    def test_that_throws_after_completed_stays_completed_with_a_warning_and_is_deleted(self):
        job = self.publish(throwAfterCompleted="too late to matter")
        self.assert_done_once(job)
        self.daemon.wait_line(f" warning .*job={job}: .*too late to matter")
        self.daemon.wait_line(f"job={job} .*outcome=completed")
        self.assertEqual(self.jobs.history(job), [("processing", 1), ("completed", 1)])

    def test_that_never_touches_its_row_has_it_completed_and_the_run_counted(self):
        job = self.publish(skipRow=True)
        self.assert_done_once(job)
        self.assertEqual(self.jobs.history(job), [("completed", 1)])

    def test_that_never_touches_its_row_and_fails_has_it_failed_and_the_run_counted(self):
        job = self.publish(skipRow=True, fail="no ink")
        self.assert_fails(job, "no ink")

    def test_that_fails_at_import_has_its_row_failed_with_the_text(self):
        job, = self.jobs.publish(BROKEN)
        self.assert_fails(job, "no such thumb")

    def test_that_wrote_failed_itself_keeps_its_text_and_succeeds_at_the_next_receive(self):
        job = self.publish(fail="the picture is upside down", once=True)
        # As the bundle wrote it: its answer says more, and so does the log.
        self.assertEqual(self.wait_failed_once(job).error, "the picture is upside down")
        self.daemon.wait_line(f"job={job} .*reason={job} failed: the picture is upside down")
        self.jobs.wait(job, "completed", attempts=2)
        until(self.queue.is_empty, what="an empty queue")
        self.assert_row(job, error=None, attempts=2)
        self.assertEqual(self.jobs.history(job), [
            ("processing", 1), ("failed", 1), ("processing", 2), ("completed", 2)])

    def test_with_a_second_message_for_its_running_job_runs_once_and_both_are_deleted(self):
        job = self.publish(sleepMs=1500)
        self.jobs.wait(job, "processing")
        self.queue.send([body(job, TYPE, {"sleepMs": 1500})])
        until(lambda: self.queue.received() - self.before == 2, what="both messages in hand")
        self.assert_row(job, status="processing")
        self.assert_done_once(job, received=2)
        self.assertEqual(self.jobs.history(job), [("processing", 1), ("completed", 1)])

    def test_whose_rows_the_worker_writes_has_them_written_by_it(self):
        good, = self.jobs.publish(ROWS_OF_WORKER, {"skipRow": True})
        self.assert_done_once(good)
        self.assertEqual(self.jobs.history(good), [("processing", 1), ("completed", 1)])
        bad, = self.jobs.publish(ROWS_OF_WORKER, {"skipRow": True, "fail": "no ink"})
        self.assert_fails(bad, "no ink")


class ADaemon(BundleCase):
    def start_long(self):
        """It, a job of the bundle that does not end at its first attempt, and its runtime."""
        daemon = self.start_bundle(settings={"worker.drain_timeout": "2s"})
        job = self.publish(sleepMs=LONG_MS, once=True)
        self.jobs.wait(job, "processing", attempts=1)
        runtime, = (each["pid"] for each in self.verify(daemon)["runtimes"])
        return daemon, job, runtime

    def assert_ran_again(self, job):
        self.jobs.wait(job, "completed", within=15, attempts=2)
        until(self.queue.is_empty, what="an empty queue")
        self.assertEqual(self.jobs.history(job), [
            ("processing", 1), ("processing", 2), ("completed", 2)])

    def test_that_is_killed_takes_its_runtimes_along_and_runs_the_job_again(self):
        daemon, job, runtime = self.start_long()
        daemon.kill()
        self.wait_gone(runtime)
        daemon.start()
        self.assert_ran_again(job)

    def test_that_was_away_writes_nothing_once_another_one_took_its_job(self):
        lost, job, runtime = self.start_long()
        lost.process.send(signal.SIGSTOP)
        self.start_bundle()
        self.assert_ran_again(job)
        kept = self.jobs.row(job)
        lost.process.send(signal.SIGCONT)
        lost.wait_line(f" warning .*job={job} .*outcome=lost")
        self.wait_gone(runtime)
        self.assertEqual(self.jobs.row(job), kept)

    def test_that_stops_lets_a_job_end_and_gives_one_back_that_does_not(self):
        daemon, job, runtime = self.start_long()
        short = self.publish(sleepMs=1000)
        self.jobs.wait(short, "processing")
        self.assertEqual(daemon.stop(), 0)
        self.assert_row(short, status="completed", attempts=1, error=None)
        self.assert_row(job, status="pending", attempts=1, error="interrupted by shutdown")
        self.assertEqual(self.queue.counts(), (1, 0))
        self.assertFalse(is_alive(runtime))


class TheSdk(BundleCase):
    def configure(self, settings=None, **options):
        """A machine whose metadata service has the daemon's keys, which live for a few seconds."""
        self.sqs.metadata(role="worker", seconds=5)
        self.addCleanup(self.sqs.forget_identities)
        return super().configure(settings, environment={
            "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None,
            "AWS_EC2_METADATA_DISABLED": None,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.sqs.endpoint}, **options)

    def key_of(self, daemon, job):
        key = daemon.wait_line(f"job={job} stdout: worked as .*role/worker.* with key (ASIA.*)")[1]
        # A job that is still in work would have the next one start a runtime of its own.
        daemon.wait_line(f"job={job} .*outcome=completed")
        return key

    def test_has_the_daemons_keys_and_new_ones_once_there_are(self):
        daemon = self.start_bundle()
        first = self.key_of(daemon, self.publish())
        until(lambda: self.key_of(daemon, self.publish()) != first, what="a job with other keys")
        self.assertEqual(len(self.verify(daemon)["runtimes"]), 1)


if __name__ == "__main__":
    tap.main()
