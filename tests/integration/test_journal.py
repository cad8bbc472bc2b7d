"""Under full load, with a journald of its own: each job that failed has its line, and what is not
written of those that were completed is counted."""

import re
import subprocess
import unittest

from lab import journald, tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import body

GOOD, BAD = 2000, 10000
FEWER = re.compile(r"^(\d+) (?:more jobs? completed|log lines? (?:was|were) dropped)", re.MULTILINE)


@unittest.skipIf(journald.why_no_journal(), journald.why_no_journal())
class TheJournal(Case):
    visibility = 120  # nothing comes twice

    def setUp(self):
        super().setUp()
        self.database.execute("DROP TRIGGER remember ON background_jobs")  # which takes time
        self.journal = journald.Journal(self.lab)
        self.addCleanup(self.journal.close)

    def read(self, *words):
        return subprocess.run(
            [*self.journal.inside, "journalctl", "--quiet", "--output=cat", *words], check=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True).stdout

    def jobs_that(self, outcome):
        return self.read("--output-fields=NEXUS_JOB_ID", f"NEXUS_OUTCOME={outcome}").split()

    def accounted(self):
        """How many jobs have a line, or are counted in one."""
        return (len(self.jobs_that("completed")) + len(self.jobs_that("failed"))
                + sum(map(int, FEWER.findall(self.read()))))

    def test_has_all_that_failed_and_counts_the_rest(self):
        good, bad = self.jobs.insert(count=GOOD), self.jobs.insert(count=BAD)
        bodies = {**{job: body(job) for job in good},
                  **{job: body(job, payload={"fail": "no paper"}) for job in bad}}
        self.queue.send([bodies[job] for job in sorted(bodies)])  # mixed, for they are random
        daemon = self.configure({"log.format": "journal", "log.completed_per_second": 100000})
        daemon.start(before=self.journal.inside).wait_ready()
        until(lambda: self.jobs.counts() == {"completed": GOOD, "failed": BAD}, 60,
              "the jobs' ends")
        self.assertEqual(daemon.stop(), 0)
        until(lambda: self.accounted() >= GOOD + BAD, what="what is said of them all")
        failed = self.jobs_that("failed")
        self.assertEqual(len(failed), BAD)
        self.assertEqual(set(failed), set(bad))
        self.assertLessEqual(set(self.jobs_that("completed")), set(good))


if __name__ == "__main__":
    tap.main()
