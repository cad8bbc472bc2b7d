"""What is known of one job, and which promises it breaks. What is told comes from outside the daemon:

    versions    of the row, by a trigger, with the moment of each commit (lab.jobs)
    marks       of the runs, by the job's own program (tests/fault/marker.c)
    events      of the messages, by the local SQS (its journal)

All three know this machine's wall clock, in microseconds. What a daemon itself says of the job, in
its log, is held against that. judge() finds the breaches; nothing else decides.
"""

import collections
import dataclasses

LOST = "lost"
DOUBLE = "ran twice at the same time"
RERUN = "ran after it was completed"
EARLY_DELETE = "deleted before the commit"
EARLY_TAKEOVER = "taken over before its lease was over"
WRONG_ROW = "wrong row"
WRONG_LOG = "the log says otherwise"

Version = collections.namedtuple("Version", "step op job type status attempts error started_at "
                                            "completed_at updated_at committed_at")
Mark = collections.namedtuple("Mark", "word job attempt pid parent at")
Event = collections.namedtuple("Event", "what queue message job receives timeout at")
# A line of a log. outcome, attempt: None where it does not tell of an end.
Said = collections.namedtuple("Said", "level job attempt outcome at")
Breach = collections.namedtuple("Breach", "kind job text")

# What an update may make of a row, and by how much that raises its attempts.
STEPS = {("pending", "processing"): (1,), ("failed", "processing"): (1,),
         ("processing", "processing"): (0, 1), ("processing", "completed"): (0,),
         ("processing", "failed"): (0,), ("processing", "pending"): (0,),
         # A job that is refused, with the reason.
         ("pending", "failed"): (0,), ("failed", "failed"): (0,)}
# What a row says of a run that ended so.
ENDS = {"completed": "completed", "failed": "failed", "timeout": "failed"}
MARKED = "mark"
# Between the moment that a row is compared with and the one that is written into it.
SLACK = 50_000


@dataclasses.dataclass
class Run:
    """of a job's program. end: None if nothing tells it. found_lock: another held the job's.
    granted_at: when the row's begin was committed; None: it does not tell."""

    attempt: int
    pid: int
    parent: int
    begin: int
    granted_at: int | None = None
    end: int | None = None
    found_lock: bool = False


@dataclasses.dataclass
class Terms:
    """What a story is judged by. lease: of a row, in microseconds. dead_letters: that queue's name.
    frozen: [(pid of a daemon, from, to)], when it was stopped, together with its children.
    frozen_runs: the pids of those.
    outages: [(from, to)], when a daemon could not reach the database.
    outspoken: the pids of the daemons that had time to say all, and whose every line was heard.
    heard_all: they are all that there were."""

    lease: int
    dead_letters: str
    frozen: list = dataclasses.field(default_factory=list)
    frozen_runs: set = dataclasses.field(default_factory=set)
    outages: list = dataclasses.field(default_factory=list)
    outspoken: set = dataclasses.field(default_factory=set)
    heard_all: bool = False

    def stood_still(self, run):
        """It had the row, and was stopped between the last look at its leases and its first mark:
        no look can be so late that nothing comes between."""
        return run.pid in self.frozen_runs or any(
            pid == run.parent and run.granted_at is not None
            and run.granted_at <= since and until <= run.begin <= until + 1_000_000
            for pid, since, until in self.frozen)

    def excuse(self, first, second):
        """Why the second may run beside the first, or None. A daemon that is stopped cannot end
        what it runs: once its lease is over somebody else may begin, until it goes on and has had
        a second to find out. While rows cannot be touched, a second delivery of the job may begin.
        That the lease was over is judged apart; its last touch was at most a third of V old."""
        left = self.lease * 5 // 9
        if self.stood_still(second) or any(pid == first.parent and since + left <= second.begin <= until + 1_000_000
               for pid, since, until in self.frozen):
            return "its daemon was stopped"
        if any(since + left <= second.begin <= until + self.lease for since, until in self.outages):
            return "the database was away"
        return None

    def excuse_any(self, firsts, second):
        """Why the second may run beside one of those, or None."""
        return next((why for first in firsts if (why := self.excuse(first, second))), None)


class Story:
    """In no order while it grows."""

    def __init__(self, job):
        self.job = job
        self.versions, self.marks, self.events, self.said = [], [], [], []

    def order(self):
        # One at a time may change a row, so the steps of one row are in the order of the commits.
        self.versions = sorted(set(self.versions))
        self.marks.sort(key=lambda mark: mark.at)
        self.events.sort(key=lambda event: event.at)

    def runs(self):
        """In the order in which they began."""
        granted, begun = {}, {}
        for _, after in self.updates():
            if after.status == "processing":
                granted.setdefault(after.attempts, after.committed_at)
        for mark in self.marks:
            if mark.word == "begin":
                begun[mark.attempt, mark.pid] = Run(*mark[2:], granted.get(mark.attempt))
            elif run := begun.get((mark.attempt, mark.pid)):
                run.found_lock |= mark.word == "double"
                run.end = mark.at if mark.word == "end" else run.end
        return list(begun.values())

    def runs_beside(self):
        """(firsts, second): the second began before one of the first had ended. Of those without an
        end only the lock that was found tells, and not which of them had it."""
        runs = self.runs()
        for number, run in enumerate(runs):
            before = runs[:number]
            beside = [first for first in before if first.end is not None and first.end > run.begin]
            yield from (([first], run) for first in beside)
            if run.found_lock and not beside:
                yield [first for first in before if first.end is None], run

    def late_runs(self):
        """Those that began after the row's completed was committed."""
        completed_at = self.completed_at()
        return [run for run in self.runs()
                if completed_at is not None and run.begin > completed_at]

    def updates(self):
        """(before, after) of each."""
        return [pair for pair in zip(self.versions, self.versions[1:]) if pair[1].op == "UPDATE"]

    def touches(self):
        """The versions that only say that it still runs."""
        return [after for before, after in self.updates()
                if (before.status, before.attempts) == ("processing", after.attempts)
                and after.status == "processing"]

    def extensions(self, message=None):
        """Of that message's visibility, or of all its messages'."""
        return [e for e in self.events
                if e.what == "extend" and e.timeout > 0 and message in (None, e.message)]

    def completed_at(self):
        """When that was committed; None: it is not."""
        return next((v.committed_at for v in self.versions if v.status == "completed"), None)

    def status(self):
        return self.versions[-1].status if self.versions else None

    def failures(self):
        return sum(after.status == "failed" for _, after in self.updates())

    def messages(self):
        """Those that are still there, in whichever queue."""
        there = {event.message for event in self.events}
        return there - {event.message for event in self.events if event.what == "delete"}

    def sent_to(self, queue):
        """When a message for the job was."""
        return [e.at for e in self.events if (e.what, e.queue) == ("send", queue)]

    def burnt(self):
        """Receives beyond the first of each message, and beyond those that failures explain."""
        receives = collections.Counter(e.message for e in self.events if e.what == "receive")
        return sum(max(0, n - 1 - self.failures()) for n in receives.values())

    def lines(self):
        """Everything that happened, as (moment, text)."""
        rows = [(v.committed_at, f"row {v.op} {v.status} attempts={v.attempts} "
                                 f"started_at={v.started_at} updated_at={v.updated_at} "
                                 f"error={v.error}") for v in self.versions]
        runs = [(m.at, f"run {m.word} attempt={m.attempt} pid={m.pid} parent={m.parent}")
                for m in self.marks]
        said = [(s.at, f"line {s.level} attempt={s.attempt} outcome={s.outcome}")
                for s in self.said]
        return rows + runs + said + [(e.at, f"message {e.what} {e.queue} {e.message} "
                                            f"receives={e.receives}") for e in self.events]

    def __str__(self):
        return "\n".join(f"    {at} {text}" for at, text in sorted(self.lines()))


def judge(story, terms):
    """Every breach in a story that is at its end, and in order."""
    return [Breach(kind, story.job, text)
            for kind, find in FINDERS.items() for text in find(story, terms)]


def _lost(story, _):
    if story.events and story.completed_at() is None and not story.messages():
        yield f"its row says {story.status()}, and no message for it is left"


def _doubles(story, terms):
    for firsts, second in story.runs_beside():
        if not terms.excuse_any(firsts, second):
            yield f"process {second.pid} began beside {' or '.join(str(one.pid) for one in firsts)}"
    for attempt, n_runs in collections.Counter(run.attempt for run in story.runs()).items():
        if n_runs > 1:
            yield f"attempt {attempt} was begun {n_runs} times"


def _reruns(story, terms):
    for run in story.late_runs():
        if not terms.stood_still(run):
            yield f"process {run.pid} began {run.begin - story.completed_at()} µs after the commit"
    for before, after in story.updates():
        if before.status == "completed":
            yield f"the row went from completed to {after.status}, attempts {after.attempts}"


def _early_deletes(story, terms):
    good_from = min(story.sent_to(terms.dead_letters), default=None)
    if story.completed_at() is not None:
        good_from = min(story.completed_at(), good_from or story.completed_at())
    for event in story.events:
        if event.what != "delete" or event.queue == terms.dead_letters:
            continue
        if good_from is None:
            yield f"message {event.message}, and the row never was completed"
        elif event.at < good_from:
            yield f"message {event.message}, {good_from - event.at} µs before it"


def _early_takeovers(story, terms):
    for before, after in story.updates():
        if before.status == after.status == "processing" and before.attempts < after.attempts:
            age = after.updated_at - before.updated_at
            if age < terms.lease - SLACK:
                yield f"attempt {after.attempts} began {age} µs after the last touch"


def _wrong_rows(story, _):
    for before, after in story.updates():
        grown = after.attempts - before.attempts
        # What a completed one becomes is another breach.
        if before.status != "completed" and grown not in STEPS.get((before.status, after.status), ()):
            yield (f"{before.status} became {after.status}, attempts {before.attempts} "
                   f"{after.attempts}")
        if before.status != "completed" and after.status == "completed":
            yield from _wrong_completion(story, after)


def _wrong_completion(story, version):
    if version.error is not None:
        yield f"completed with an error: {version.error}"
    if not (version.started_at or 0) <= (version.completed_at or 0) <= version.updated_at:
        yield (f"completed with started_at {version.started_at}, completed_at "
               f"{version.completed_at}, updated_at {version.updated_at}")
    if version.type == MARKED and not any(run.attempt == version.attempts and run.end is not None
                                          for run in story.runs()):
        yield f"completed, and attempt {version.attempts} was not run to its end"


def wrong_lines(story, terms):
    """What rows say to have ended, lines do, and the other way round; what is lost did not end."""
    said = collections.Counter((ENDS.get(line.outcome), line.attempt) for line in story.said)
    written = collections.Counter((after.status, after.attempts) for before, after in
                                  story.updates() if before.status != after.status)
    for status in sorted(set(ENDS.values())):
        for attempt in sorted({attempt for what, attempt in said | written if what == status}):
            lines, rows = said[status, attempt], written[status, attempt]
            if lines > rows or (lines < rows and terms.heard_all):
                yield f"attempt {attempt} is {status} by {rows} rows and {lines} lines"
    lost = {line.attempt for line in story.said if line.outcome == "lost"}
    for attempt in sorted(lost):
        if written["completed", attempt] + written["failed", attempt]:
            yield f"attempt {attempt} was lost, and its end is written"
    for attempt in sorted(_taken_over(story, terms) - lost):
        yield f"attempt {attempt} was taken over, and its daemon never said that it was lost"
    if not story.failures() and any(line.level == "error" for line in story.said):
        yield "there is an error, and no failure"


def _taken_over(story, terms):
    """The attempts that another began after, while the daemon that had them lived on."""
    of = {run.attempt: run.parent for run in story.runs()}
    return {before.attempts for before, after in story.updates()
            if before.status == after.status == "processing" and before.attempts < after.attempts
            and of.get(before.attempts) in terms.outspoken}


FINDERS = {LOST: _lost, DOUBLE: _doubles, RERUN: _reruns, EARLY_DELETE: _early_deletes,
           EARLY_TAKEOVER: _early_takeovers, WRONG_ROW: _wrong_rows, WRONG_LOG: wrong_lines}
