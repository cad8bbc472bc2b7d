"""A clock that is minutes off AWS's, from the start or from one moment on: work goes on."""

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401

MINUTES = 60


class AClock(Case):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.sqs.set_ahead, 0)

    def assert_work_is_done(self):
        """What there is, and as much again."""
        self.jobs.publish(count=20)
        self.assert_all_done(len(self.jobs.rows()))

    def assert_said(self, daemon, *patterns):
        """These lines, one each, and no other of that weight."""
        for pattern in patterns:
            daemon.wait_line(pattern)
        lines = [match.string for match in daemon.lines(" (warning|error) .*|clock is right")]
        self.assertEqual(len(lines), len(patterns), lines)

    def test_that_is_fast_is_corrected_and_said_once_with_its_size(self):
        self.sqs.set_ahead(-20 * MINUTES)
        daemon = self.start()
        self.assert_work_is_done()
        self.assert_said(daemon, r" warning .*clock is (20min|1[12]\d\ds) ahead of AWS's")
        self.assertEqual(daemon.stop(), 0)

    def test_that_is_slow_is_corrected_and_said_once_with_its_size(self):
        self.sqs.set_ahead(20 * MINUTES)
        daemon = self.start()
        self.assert_work_is_done()
        self.assert_said(daemon, r" warning .*clock is (20min|1[12]\d\ds) behind AWS's")
        self.assertEqual(daemon.stop(), 0)

    def test_that_jumps_while_jobs_run_loses_none_and_runs_none_twice(self):
        daemon = self.start()
        self.assert_work_is_done()
        self.jobs.publish(payload={"delayMs": 300}, count=20)
        self.sqs.set_ahead(20 * MINUTES)
        self.assert_work_is_done()
        self.sqs.set_ahead(-20 * MINUTES)
        self.assert_work_is_done()
        self.sqs.set_ahead(0)
        self.assert_work_is_done()
        self.assert_said(daemon, " warning .*behind AWS's", " warning .*ahead of AWS's",
                         " notice .*clock is right again")
        self.assertEqual(daemon.stop(), 0)

    def test_that_is_days_off_is_said_with_its_cure_and_waited_for(self):
        self.sqs.set_ahead(50 * 60 * MINUTES)
        daemon = self.configure().start()
        daemon.wait_line(r" warning .*clock is 50h behind AWS's, too far to be corrected.*"
                         "timedatectl")
        self.sqs.set_ahead(0)
        daemon.wait_ready(within=20)
        self.assert_work_is_done()
        self.assertEqual(len(daemon.lines(" warning ")), 1)
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    tap.main()
