"""Were the promises kept? Judged by what the daemon cannot write itself:

    versions    of the rows, by a trigger, with the moment of each commit (lab.jobs)
    marks       of the runs, by the jobs' own program (tests/fault/marker.c)
    events      of the messages, by the local SQS (its journal)

All three know this machine's wall clock, in microseconds. A Story is what is known of one job, and
judge() finds the breaches in it; nothing else decides. Checker collects the stories.
"""

import collections
import dataclasses

LOST = "lost"
DOUBLE = "ran twice at the same time"
RERUN = "ran after it was completed"
EARLY_DELETE = "deleted before the commit"
EARLY_TAKEOVER = "taken over before its lease was over"
WRONG_ROW = "wrong row"

Version = collections.namedtuple("Version", "step op job type status attempts error started_at "
                                            "completed_at updated_at committed_at")
Mark = collections.namedtuple("Mark", "word job attempt pid parent at")
Event = collections.namedtuple("Event", "what queue message job receives at")
Breach = collections.namedtuple("Breach", "kind job text")

# What an update may make of a row, and by how much that raises its attempts.
STEPS = {("pending", "processing"): (1,), ("failed", "processing"): (1,),
         ("processing", "processing"): (0, 1), ("processing", "completed"): (0,),
         ("processing", "failed"): (0,), ("processing", "pending"): (0,),
         # A job that is refused, with the reason.
         ("pending", "failed"): (0,), ("failed", "failed"): (0,)}
MARKED = "mark"
# Between the moment that a row is compared with and the one that is written into it.
SLACK = 50_000


@dataclasses.dataclass
class Run:
    """of a job's program. end: None if nothing tells it."""

    attempt: int
    pid: int
    parent: int
    begin: int
    end: int | None = None


@dataclasses.dataclass
class Terms:
    """What a story is judged by. lease: of a row, in microseconds. dead_letters: that queue's name.
    frozen: [(pid of a daemon, from, to)], when it was stopped, together with its children."""

    lease: int
    dead_letters: str
    frozen: list = dataclasses.field(default_factory=list)


class Story:
    """What is known of one job, in no order while it grows."""

    def __init__(self, job):
        self.job = job
        self.versions, self.marks, self.events = [], [], []

    def order(self):
        # One at a time may change a row, so the steps of one row are in the order of the commits.
        self.versions = sorted(set(self.versions))
        self.marks.sort(key=lambda mark: mark.at)
        self.events.sort(key=lambda event: event.at)

    def runs(self):
        begun = {}
        for mark in self.marks:
            if mark.word == "begin":
                begun[mark.attempt, mark.pid] = Run(*mark[2:5], mark.at)
            elif mark.word == "end" and (mark.attempt, mark.pid) in begun:
                begun[mark.attempt, mark.pid].end = mark.at
        return list(begun.values())

    def completed_at(self):
        """When that was committed; None: it is not."""
        return next((v.committed_at for v in self.versions if v.status == "completed"), None)

    def status(self):
        return self.versions[-1].status if self.versions else None

    def failures(self):
        return sum(v.op == "UPDATE" and v.status == "failed" for v in self.versions)

    def messages(self):
        """Those that are still there, in whichever queue."""
        there = {event.message for event in self.events}
        return there - {event.message for event in self.events if event.what == "delete"}

    def burnt(self):
        """Receives beyond the first of each message, and beyond those that failures explain."""
        receives = collections.Counter(e.message for e in self.events if e.what == "receive")
        return sum(max(0, n - 1 - self.failures()) for n in receives.values())

    def __str__(self):
        """Everything that happened to it, in order."""
        lines = [(v.committed_at, f"row {v.op} {v.status} attempts={v.attempts} "
                                  f"started_at={v.started_at} updated_at={v.updated_at} "
                                  f"error={v.error}") for v in self.versions]
        lines += [(m.at, f"run {m.word} attempt={m.attempt} pid={m.pid} parent={m.parent}")
                  for m in self.marks]
        lines += [(e.at, f"message {e.what} {e.queue} {e.message} receives={e.receives}")
                  for e in self.events]
        return "\n".join(f"    {at} {text}" for at, text in sorted(lines))


def judge(story, terms):
    """Every breach in a story that is at its end, and in order."""
    return [Breach(kind, story.job, text)
            for kind, find in FINDERS.items() for text in find(story, terms)]


def _lost(story, _):
    if story.events and story.completed_at() is None and not story.messages():
        yield f"its row says {story.status()}, and no message for it is left"


def _doubles(story, terms):
    runs = story.runs()
    said = {(mark.attempt, mark.pid) for mark in story.marks if mark.word == "double"}
    for run in runs:
        before = [other for other in runs if other is not run and other.begin <= run.begin
                  and not _excused(other, run, terms)]
        known = [other for other in before if other.end is not None and other.end > run.begin]
        if known:
            yield f"process {run.pid} began beside {known[0].pid}"
        elif (run.attempt, run.pid) in said and before:
            yield f"process {run.pid} found another that runs: {[o.pid for o in before]}"
    attempts = collections.Counter(run.attempt for run in runs)
    for attempt, n_runs in attempts.items():
        if n_runs > 1:
            yield f"attempt {attempt} was begun {n_runs} times"


def _excused(first, second, terms):
    """A daemon that is stopped cannot end what it runs: once its leases are over somebody else
    may begin, until it goes on and has had a second to find out."""
    return any(pid == first.parent and since + terms.lease <= second.begin <= until + 1_000_000
               for pid, since, until in terms.frozen)


def _reruns(story, _):
    completed_at = story.completed_at()
    if completed_at is None:
        return
    for run in story.runs():
        if run.begin > completed_at:
            yield f"process {run.pid} began {run.begin - completed_at} µs after the commit"
    for before, after in zip(story.versions, story.versions[1:]):
        if (before.status, after.op) == ("completed", "UPDATE"):
            yield f"the row went from completed to {after.status}, attempts {after.attempts}"


def _early_deletes(story, terms):
    good_from = [story.completed_at(),
                 *(e.at for e in story.events if (e.what, e.queue) == ("send", terms.dead_letters))]
    good_from = min((at for at in good_from if at is not None), default=None)
    for event in story.events:
        if event.what != "delete" or event.queue == terms.dead_letters:
            continue
        if good_from is None:
            yield f"message {event.message}, and the row never was completed"
        elif event.at < good_from:
            yield f"message {event.message}, {good_from - event.at} µs before it"


def _early_takeovers(story, terms):
    for before, after in zip(story.versions, story.versions[1:]):
        if before.status == after.status == "processing" and before.attempts < after.attempts:
            age = after.updated_at - before.updated_at
            if age < terms.lease - SLACK:
                yield f"attempt {after.attempts} began {age} µs after the last touch"


def _wrong_rows(story, _):
    for before, after in zip(story.versions, story.versions[1:]):
        step = (before.status, after.status)
        grown = after.attempts - before.attempts
        # What a completed one becomes is another breach.
        if after.op == "UPDATE" and before.status != "completed" and grown not in STEPS.get(step, ()):
            yield f"{step[0]} became {step[1]}, attempts {before.attempts} {after.attempts}"
    for version in story.versions:
        if version.op == "UPDATE" and version.status == "completed":
            yield from _wrong_completion(story, version)
            return


def _wrong_completion(story, version):
    if version.error is not None:
        yield f"completed with an error: {version.error}"
    if not (version.started_at or 0) <= (version.completed_at or 0) <= version.updated_at:
        yield f"completed with started_at {version.started_at}, completed_at " \
              f"{version.completed_at}, updated_at {version.updated_at}"
    if version.type == MARKED and not any(run.attempt == version.attempts and run.end is not None
                                          for run in story.runs()):
        yield f"completed, and attempt {version.attempts} was not run to its end"


FINDERS = {LOST: _lost, DOUBLE: _doubles, RERUN: _reruns, EARLY_DELETE: _early_deletes,
           EARLY_TAKEOVER: _early_takeovers, WRONG_ROW: _wrong_rows}


class Verdict:
    """breaches: a list. dead_letters: jobs of which a message was moved or sent there. failed: jobs
    whose row says so. burnt: {job: receives}."""

    def __init__(self):
        self.n_jobs = 0
        self.breaches = []
        self.dead_letters, self.failed = set(), set()
        self.burnt = {}
        self._stories = {}

    def add(self, story, terms):
        self.n_jobs += bool(story.versions)
        if breaches := judge(story, terms):
            self.breaches += breaches
            self._stories[story.job] = str(story)
        if any(e.what == "move" or (e.what, e.queue) == ("send", terms.dead_letters)
               for e in story.events):
            self.dead_letters.add(story.job)
        if story.status() == "failed":
            self.failed.add(story.job)
        if burnt := story.burnt():
            self.burnt[story.job] = burnt

    def __str__(self):
        """Each breach, with the story of its job below the first."""
        lines, stories = [], dict(self._stories)
        for breach in self.breaches:
            lines.append(f"{breach.job}: {breach.kind}: {breach.text}")
            if story := stories.pop(breach.job, None):
                lines.append(story)
        return "\n".join(lines) or "no breach"


class Checker:
    """
    Collects the stories of the jobs of one table and its queues. Keeps the service's journal from
    now on: so make it before the first job is published. marks: the file that the marker writes.
    lease: of a row, in seconds.
    """

    def __init__(self, jobs, sqs, dead_letters, marks, lease):
        self._jobs = jobs
        self._sqs = sqs
        self._queues = {jobs.queue.name, dead_letters.name}
        self._marks = marks
        self._marks_read = 0
        self._stories = {}
        self._verdict = Verdict()
        self.terms = Terms(round(lease * 1_000_000), dead_letters.name)
        sqs.keep_journal()

    def excuse(self, daemon, since, until):
        """That daemon (its pid) and its children were stopped from then to then, in seconds."""
        self.terms.frozen.append((daemon, round(since * 1_000_000), round(until * 1_000_000)))

    def poll(self):
        """Takes what there is."""
        for version in self._jobs.versions():
            self._add("versions", Version(*version))
        for event in self._sqs.journal():
            if event[1] in self._queues:
                self._add("events", Event(*event))
        for mark in self._read_marks():
            self._add("marks", mark)

    def _add(self, what, record):
        # What says no job's name is judged by those who send it.
        if record.job is not None:
            story = self._stories.setdefault(record.job, Story(record.job))
            getattr(story, what).append(record)

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

    def verdict(self):
        """On all that there was, once everything has come to its end. The last call."""
        self.poll()
        for story in self._stories.values():
            story.order()
            self._verdict.add(story, self.terms)
        self._stories.clear()
        return self._verdict
