"""Were the promises kept? Collects the stories of jobs (lab.story) and judges them."""

import collections
import contextlib
import time

from lab.feed import Timeout, until
from lab.hearer import Hearer
from lab.story import (RERUN, WRONG_LOG, Breach, Event, Mark, Said, Story, Terms, Version, judge,
                       wrong_lines)

# A story that is at its end is kept for so many seconds: who was stopped for long may come back.
QUIET = 30
# The last line may come after the row and the message have gone; so many seconds at most.
LINES_WITHIN = 5


class Verdict:
    """breaches: a list. dead_letters: jobs of which a message was moved or sent there. failed: jobs
    whose row says so. burnt: {job: receives}. excused: {why: how many runs beside another, or after
    completed}."""

    def __init__(self):
        self.n_jobs = self.n_runs = self.n_failures = 0
        self.breaches = []
        self.dead_letters, self.failed = set(), set()
        self.burnt, self.excused = collections.Counter(), collections.Counter()
        self.stories = {}

    def add(self, story, terms):
        self.n_jobs += bool(story.versions)
        self.n_runs += len(story.runs())
        self.n_failures += story.failures()
        if breaches := judge(story, terms):
            self.breaches += breaches
            self.stories[story.job] = story
        if story.sent_to(terms.dead_letters) or any(e.what == "move" for e in story.events):
            self.dead_letters.add(story.job)
        if story.status() == "failed":
            self.failed.add(story.job)
        if burnt := story.burnt():
            self.burnt[story.job] = burnt
        self.excused["its daemon was stopped"] += sum(map(terms.stood_still, story.late_runs()))
        self.excused.update(why for pair in story.runs_beside() if (why := terms.excuse_any(*pair)))

    def __str__(self):
        """Each breach, with the story of its job below the first."""
        lines, stories = [], dict(self.stories)
        for breach in self.breaches:
            lines.append(f"{breach.job}: {breach.kind}: {breach.text}")
            if story := stories.pop(breach.job, None):
                lines.append(str(story))
        return "\n".join(lines) or "no breach"


class Checker:
    """
    Keeps the service's journal from now on: so make it before the first job is published. marks:
    the file that the marker writes. lease: of a row, in seconds. drain: for long runs; what was
    read is removed from the database, and settle() forgets what is at its end.
    """

    def __init__(self, jobs, sqs, dead_letters, marks, lease, drain=False):
        self._jobs = jobs
        self._sqs = sqs
        self._queues = {jobs.queue.name, dead_letters.name}
        self._marks = marks
        self._marks_read = 0
        self._drain = drain
        self._hearers = []
        self._stories = {}
        self._judged = set()
        self._verdict = Verdict()
        self.terms = Terms(round(lease * 1_000_000), dead_letters.name)
        sqs.keep_journal()

    def excuse(self, daemon, since, until, children=()):
        """That daemon and its children (their pids) were stopped from then to then, in seconds."""
        self.terms.frozen.append((daemon, round(since * 1_000_000), round(until * 1_000_000)))
        self.terms.frozen_runs.update(children)

    def excuse_outage(self, since, until):
        """A daemon could not reach the database from then to then, in seconds."""
        self.terms.outages.append((round(since * 1_000_000), round(until * 1_000_000)))

    def listen(self, daemon):
        """To all that it says, however often it is started."""
        self._hearers.append(Hearer(daemon))

    def n_open(self):
        """How many stories are not judged yet."""
        return len(self._stories)

    def poll(self, rows=True):
        """Takes what there is; without what the database knows, while that is away."""
        for version in self._jobs.versions(take=self._drain) if rows else ():
            self._add("versions", Version(*version))
        for event in self._sqs.journal():
            if event[1] in self._queues:
                self._add("events", Event(*event))
        for mark in self._read_marks():
            self._add("marks", mark)
        for hearer in self._hearers:
            for line in hearer.read():
                self._add("said", line)

    def stories(self, rows=True):
        """{job: its story}, as far as it is known yet."""
        self.poll(rows)
        return self._stories

    def _add(self, what, record):
        if record.job in self._judged:
            self._come_back(record)
        # What says no job's name is judged by those who send it.
        elif record.job is not None:
            story = self._stories.setdefault(record.job, Story(record.job))
            getattr(story, what).append(record)

    def _come_back(self, record):
        """Of what was judged our own delete may be told, the end of a run, and anything said."""
        if (getattr(record, "op", None) != "DELETE" and getattr(record, "word", None) != "end"
                and not isinstance(record, Said)):
            self._verdict.breaches.append(
                Breach(RERUN, record.job, f"more than {QUIET} s after its end: {record}"))

    def _read_marks(self):
        """Whole lines only: the last may be half written."""
        if not self._marks.exists():
            return
        with self._marks.open("rb") as file:
            file.seek(self._marks_read)
            text = file.read()
        text = text[:text.rfind(b"\n") + 1]
        self._marks_read += len(text)
        for line in text.decode().splitlines():
            word, job, *numbers = line.split()
            yield Mark(word, job, *map(int, numbers))

    def settle(self):
        """Judges and forgets those that are completed, of which no message is left, and that have
        been quiet for long; their rows go, too. Returns how many breaches there are so far."""
        quiet_since = (time.time() - QUIET) * 1_000_000
        settled = []
        for story in self._stories.values():
            last = max(record[-1] for record in story.versions + story.marks + story.events)
            if last < quiet_since and story.completed_at() is not None and not story.messages():
                settled.append(story)
        for story in settled:
            self._judge(story)
            self._judged.add(story.job)
            del self._stories[story.job]
        self._jobs.delete([story.job for story in settled])
        return len(self._verdict.breaches)

    def _judge(self, story):
        story.order()
        self._verdict.add(story, self.terms)

    def _is_said(self, heard_all):
        """What is written is in the logs as well."""
        self.poll()
        spoke = set().union(*(hearer.pids() for hearer in self._hearers))
        said_all = set().union(*(hearer.outspoken() for hearer in self._hearers))
        self.terms.outspoken = said_all if heard_all else set()
        self.terms.heard_all = heard_all and bool(spoke) and said_all == spoke
        for story in self._stories.values():
            story.order()
        return not any(any(wrong_lines(story, self.terms)) for story in self._stories.values())

    def verdict(self, heard_all=True):
        """On all that there was, once everything has come to its end. heard_all: those that the
        checker listens to, if there are any, are all daemons, and say all. The last call."""
        with contextlib.suppress(Timeout):
            until(lambda: self._is_said(heard_all), LINES_WITHIN)
        for story in self._stories.values():
            self._judge(story)
        self._stories.clear()
        self._compare_burnt()
        return self._verdict

    def _compare_burnt(self):
        said = sum(hearer.n_burnt for hearer in self._hearers)
        if said > (counted := sum(self._verdict.burnt.values())):
            self._verdict.breaches.append(Breach(
                WRONG_LOG, "all jobs", f"{said} receives were said to be burnt, not {counted}"))
