"""What the scenarios of tests/fault stand on: a Case whose evidence is judged at its end.

A file that says `from lab.fault_case import FaultCase, setUpModule, tearDownModule` has it.
"""

from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.checker import Checker
from lab.daemon import section
from lab.feed import Timeout, until
from lab.jobs import Jobs
from lab.story import MARKED


class FaultCase(Case):
    """
    visibility: V in seconds. own_postgres: the test has a cluster of its own, to stop it, made by
    make_postgres(). says_all: its daemons' logs tell of every job's end, unless they are killed.
    """

    visibility = 4
    own_postgres = False
    says_all = True

    def setUp(self):
        super().setUp()
        if self.own_postgres:
            self.postgres = self.make_postgres()
            self.addCleanup(self.postgres.close)
            self.database = self.postgres.create_database()
            self.addCleanup(self.database.close)
            self.jobs = Jobs(self.database, self.queue, history=True)
        # In the directory of its daemon's configuration a program may make no files.
        self.marks = self.lab.directory / f"marks-{self.queue.name}"
        self.marks.touch()
        self.checker = Checker(self.jobs, self.sqs, self.dead_letters, self.marks,
                               lease=self.visibility * 3 / 4)

    def make_postgres(self):
        return self.lab.postgres()

    def configure(self, settings=None, **options):
        """As Case does it; jobs of type mark are done by build/marker."""
        marked = section(MARKED, kind="command",
                         program=f"{self.lab.program('marker')} {self.marks}")
        daemon = super().configure({**marked, **(settings or {})}, **options)
        self.checker.listen(daemon)
        return daemon

    def publish(self, kind=MARKED, payload=None, count=1):
        """So many jobs; their ids. kind: mark or test-echo."""
        return self.jobs.publish(kind, payload, count)

    def marked(self, word, job):
        """The processes of the job that marked that, in order."""
        lines = (line.split() for line in self.marks.read_text().splitlines())
        return [int(pid) for said, of, _, pid, *_ in lines if (said, of) == (word, job)]

    def assert_promises_kept(self, dead_letters=0, burnt=0, failed=0, within=30):
        """Waits for the end of everything; then no promise was broken, so many jobs ended in the
        dead letter queue, so many rows as failed, and so many receives were burnt (None: any)."""
        self.wait_end(within)
        verdict = self.checker.verdict(self.says_all)
        if verdict.breaches:
            self.fail(str(verdict))
        self.assertEqual(len(verdict.dead_letters), dead_letters, verdict.dead_letters)
        self.assertEqual(len(verdict.failed), failed, verdict.failed)
        if burnt is not None:
            self.assertEqual(sum(verdict.burnt.values()), burnt, verdict.burnt)
        return verdict

    def assert_done(self, daemon):
        """Every message was received once, every job run once, and the daemon is well."""
        self.assert_promises_kept()
        self.assertEqual(set(self.jobs.runs()), {1})
        self.assertEqual(daemon.stop(), 0)

    def wait_end(self, within=30):
        """Until no message is in the queue and no row says that it waits or runs."""
        try:
            until(lambda: self.queue.is_empty()
                  and set(self.jobs.counts()) <= {"completed", "failed"}, within)
        except Timeout:
            raise Timeout(f"not at an end within {within:g} s: rows {self.jobs.counts()}, messages "
                          f"(visible, in flight) {self.queue.counts()}") from None
