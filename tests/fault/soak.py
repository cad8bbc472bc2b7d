#!/usr/bin/python3
"""Everything goes wrong at random for a while, and nothing may be lost: make soak SECONDS= SEED=

Two to four daemons work on one queue, some through PgBouncer, while they are killed, stopped,
frozen and reloaded, while Postgres and PgBouncer are restarted and SQS does whatever sqs-local can
play. All of that is drawn from the seed. At the end everything heals, everything has to come to its
end, and the checker (lab.checker) judges what happened to every job.

The queue gives a message as many receives as SQS allows (1000) before it goes to the dead letter
queue. A kill burns a receive by design, and so does a machine that is suspended for longer than the
leases; at this rate of violence three would be used up by chance, and by accounting for that one
would only repeat the daemon's own reckoning. So every job has to end as completed, those that fail
at first too, and no dead letter is allowed at all. That outages burn no receives is tested by
tests/fault's scenarios, one by one.
"""

import argparse
import collections
import heapq
import itertools
import random
import signal
import sys
import time

from fleet import Fleet
from gauges import Gauges
from lab.feed import Timeout, until
from lab.checker import Checker
from lab.jobs import Jobs
from lab.story import MARKED
from lab.world import Lab, Stopped, commit
from troubles import draw

VISIBILITY = 6
LEASE = VISIBILITY * 3 / 4
RECEIVES = 1000
JOBS_PER_SECOND = 30
TICK = 0.25      # seconds between two batches of jobs
PAUSE = 1.5      # seconds between two troubles, on the average
OPEN_MAX = 4000  # jobs that are not judged yet: no more are published until some are
END_WITHIN = 120
VACUUM_EVERY = 20
SAMPLE_EVERY = 5

# What a batch consists of: how often, the type, the payload.
LOAD = [
    (30, "test-echo", {}),
    (10, "test-echo", {"delayMs": 30}),
    (4, "test-echo", {"delayMs": 700}),
    (2, "test-echo", {"fail": "for once", "failAttempts": 1}),
    (20, MARKED, {}),
    (10, MARKED, {"ms": 50}),
    (4, MARKED, {"ms": 800}),
    (2, MARKED, {"ms": 3000}),
    (2, MARKED, {"exit": 1, "failAttempts": 2}),
    (1, MARKED, {"ms": 1500, "deaf": 1}),
    (1, MARKED, {"ms": 1500 * VISIBILITY}),
]


def parse_arguments():
    parser = argparse.ArgumentParser(description="Have everything go wrong for a while.")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1_000_000)
    return options


class Soak:
    """One run. Everything happens on one thread, in the order of `_agenda`."""

    def __init__(self, options, lab):
        self.options = options
        self.commit = commit()
        rng = random.Random(options.seed)
        self._rng = random.Random(rng.random())
        self._agenda, self._order = [], itertools.count()
        self.done = collections.Counter()
        self.faults = collections.Counter()
        self.published = collections.Counter()
        self.gauges = Gauges()

        self._lab = lab
        self._postgres = lab.postgres()
        self._bouncer = lab.pgbouncer(self._postgres, server_login_retry=1)
        self._sqs = lab.sqs()
        self._dead_letters = self._sqs.create_queue("dead")
        self._queue = self._sqs.create_queue("jobs", VISIBILITY, self._dead_letters, RECEIVES)
        self._database = self._postgres.create_database()
        self._jobs = Jobs(self._database, self._queue, history=True)
        marks = lab.directory / "marks"
        self.checker = Checker(self._jobs, self._sqs, self._dead_letters, marks, LEASE, drain=True)
        self.fleet = Fleet(lab, self._queue, marks, self.checker, 2 + rng.randrange(3))
        self._troubles = list(draw(rng, options.seconds, PAUSE))
        self._begun = time.monotonic()

    # ---- The agenda

    def _now(self):
        return time.monotonic() - self._begun

    def _at(self, moment, function, *arguments):
        heapq.heappush(self._agenda, (moment, next(self._order), function, arguments))

    def _every(self, period, function):
        """Until the troubles are over."""
        def again():
            function()
            if (moment := self._now() + period) < self.options.seconds:
                self._at(moment, again)
        self._at(self._now(), again)

    def run(self):
        """The verdict."""
        for member in self.fleet.members:
            self._start(member)
        for trouble in self._troubles:
            self._at(trouble.at, self._carry_out, trouble)
        self._every(TICK, self._publish)
        self._every(1, self._look)
        self._every(SAMPLE_EVERY, self._sample)
        self._every(VACUUM_EVERY, self._vacuum)
        while self._agenda:
            moment, _, function, arguments = heapq.heappop(self._agenda)
            time.sleep(max(0.0, moment - self._now()))
            function(*arguments)
        return self._come_to_an_end()

    def _come_to_an_end(self):
        self._sqs.heal()
        for member in self.fleet.members:
            self.fleet.thaw(member, member.frozen_since)
            self._start(member)
        try:
            until(self._is_over, END_WITHIN)
        except Timeout:
            self.fleet.breaches.append(
                f"not at an end {END_WITHIN} s after the last trouble: rows {self._jobs.counts()}, "
                f"messages (visible, in flight) {self._queue.counts()}")
        self.fleet.close()
        return self.checker.verdict()

    def _is_over(self):
        self._look()
        return self._queue.is_empty() and set(self._jobs.counts()) <= {"completed"}

    # ---- What goes on all the time

    def _publish(self):
        if self.checker.n_open() > OPEN_MAX:
            return
        weights = [weight for weight, _, _ in LOAD]
        batch = self._rng.choices(LOAD, weights, k=round(JOBS_PER_SECOND * TICK))
        for number, (_, kind, payload) in enumerate(LOAD):
            if count := sum(one is LOAD[number] for one in batch):
                self._jobs.publish(kind, payload, count)
                self.published[kind] += count

    def _look(self):
        for member in self.fleet.look():
            self._start(member)
        self.checker.poll()
        self.checker.settle()

    def _sample(self):
        for member in self.fleet.members:
            if member.is_up():
                self.gauges.sample(member.pid, self._now())

    def _vacuum(self):
        """The tests' Postgres does not by itself."""
        for table in ("versions", "background_jobs"):
            self._database.execute(f"VACUUM {table}")

    def _start(self, member):
        bounced = member.number % 2 == 1
        self.fleet.start(member, self._bouncer.url(self._database) if bounced else self._database,
                         {"retry.base_delay": "1s", "retry.max_delay": "2s"})

    # ---- Troubles

    def _carry_out(self, trouble):
        getattr(self, f"_do_{trouble.name}")(trouble.terms)

    def _member(self, whom, mortal=False):
        """mortal: not the first, which lives for as long as we do, to be seen growing."""
        members = self.fleet.members[1:] if mortal else self.fleet.members
        return members[int(whom * len(members))]

    def _do_kill(self, terms):
        member = self._member(terms["whom"], mortal=True)
        if self.fleet.kill(member):
            self.done["kills"] += 1
            self._at(self._now() + terms["away"], self._start, member)

    def _do_stop(self, terms):
        self.done["stops"] += self.fleet.stop(self._member(terms["whom"], mortal=True))

    def _do_freeze(self, terms):
        """Short: over before its leases can be. Long: both are over for certain."""
        member = self._member(terms["whom"])
        seconds = (1.2 + 0.8 * terms["share"] if terms["long"] else terms["share"] / 4) * VISIBILITY
        if self.fleet.freeze(member):
            self.done["long freezes" if terms["long"] else "short freezes"] += 1
            self._at(self._now() + seconds, self.fleet.thaw, member, member.frozen_since)

    def _do_reload(self, terms):
        self.done["reloads"] += self.fleet.reload(self._member(terms["whom"]), {
            "retry.base_delay": terms["delay"], "log.level": terms["level"]})

    def _do_postgres(self, terms):
        self.done["fast restarts of Postgres" if terms["fast"]
                  else "immediate restarts of Postgres"] += 1
        self._outage(lambda: self._postgres.stop(
            signal.SIGINT if terms["fast"] else signal.SIGQUIT), self._postgres.start, terms)

    def _do_pgbouncer(self, terms):
        self.done["restarts of PgBouncer"] += 1
        self._outage(self._bouncer.close, self._bouncer.start, terms)

    def _outage(self, stop, start, terms):
        since = time.time()
        stop()
        time.sleep(terms["away"])
        start()
        self.checker.excuse_outage(since, time.time())

    def _do_sqs(self, terms):
        name, order = terms
        self.faults[name] += 1
        self._sqs.fault(**order)


# ---- What it came to


def counted(counts):
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "none"


def explain(soak, verdict):
    """Each breach, with all that is known of it."""
    for breach in soak.fleet.breaches:
        print(breach)
    print(verdict)
    for job in verdict.stories:
        print(f"what the daemons said of {job}:", *soak.fleet.lines(job), sep="\n")


def summarize(options, soak, verdict):
    n_breaches = len(verdict.breaches) + len(verdict.dead_letters) + len(soak.fleet.breaches)
    print(f"""
soak: seed {options.seed}, commit {soak.commit}, {options.seconds} s, {len(soak.fleet.members)} daemons
  jobs      {verdict.n_jobs}: {counted(soak.published)}; {verdict.n_failures} failures, \
{sum(verdict.burnt.values())} receives burnt
  daemons   {len(soak.fleet.started)} started, {counted(soak.done)}; \
{soak.fleet.n_left_something} stops left something
  SQS       {sum(soak.faults.values())} faults: {counted(soak.faults)}
  excused   runs beside another, or late: {counted(+verdict.excused)}""")
    for number, line in enumerate(soak.gauges.report()):
        print("  held      " if number == 0 else " " * 12, line, sep="")
    print("  verdict   " + ("every promise was kept" if n_breaches == 0 else
                            f"{n_breaches} BREACHES; again: make soak SECONDS={options.seconds} "
                            f"SEED={options.seed}"), flush=True)
    return n_breaches


def main():
    options = parse_arguments()
    print(f"soak: seed {options.seed}, for {options.seconds} s", flush=True)
    try:
        with Lab() as lab:
            soak = Soak(options, lab)
            verdict = soak.run()
            if verdict.dead_letters:
                print("dead letters:", *sorted(verdict.dead_letters))
            explain(soak, verdict)
            return 1 if summarize(options, soak, verdict) else 0
    except Stopped as stopped:
        print(f"\nstopped by {stopped}")
        return 130


if __name__ == "__main__":
    sys.exit(main())
