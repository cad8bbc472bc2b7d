#!/usr/bin/python3
"""The main job, end to end, on this machine alone: make demo.

A private Postgres, a local SQS and the daemon; jobs of each kind, published as the web application
does it: a built-in, a command, a Lambda function where Node.js is there, and one for a service. What
happens is shown as it happens, then what came of it. Ends with status 1 if that is not what it
should be. Needs nothing outside, and leaves nothing behind, however it ends.
"""

import json
import os
import re
import sys
import textwrap
import threading
import time
import zipfile

from lab import javascript
from lab.ctl import USER, nexusctl
from lab.feed import until
from lab.jobs import Jobs, body
from lab.world import run_in_lab

WIDTH = 80
VISIBILITY = 4  # seconds: three failures and the move to the dead letter queue take about 12
MISSING = "never-inserted"
MALFORMED = '{"jobId": "cut-short", "type": "test-ec'

# What is in the Lambda function's ZIP file.
FUNCTION = """
export const handler = async ({ Records: [message] }) => {
  const { payload } = JSON.parse(message.body);
  console.log(`hello ${payload.name}, from Node.js ${process.versions.node}`);
};
"""

# id, type, payload, and what it should come to: status, attempts
STORY = (
    ("welcome-1", "test-echo", {}, "completed", 1),
    ("welcome-2", "test-echo", {"greeting": "hello"}, "completed", 1),
    ("slow-1", "test-echo", {"delayMs": 700}, "completed", 1),
    ("slow-2", "test-echo", {"delayMs": 1500}, "completed", 1),
    ("second-try", "test-echo", {"failAttempts": 1, "fail": "not yet"}, "completed", 2),
    ("always-fails", "test-echo", {"fail": "the printer is on fire"}, "failed", 3),
    ("unknown-type", "send-fax", {}, "failed", 3),
    ("command-1", "count-words", {"text": "as many as these"}, "completed", 1),
    ("service-1", "send-mail", {"to": "somebody"}, "completed", 1),
)
FUNCTIONS_STORY = (("function-1", "greet", {"name": "world"}, "completed", 1),)
IN_DEAD_LETTERS = ["(not JSON)", "always-fails", MISSING, "unknown-type"]

COLOURS = {"completed": 32, "failed": 31, "timeout": 31, "missing": 31, "rejected": 31,
           "processing": 33, "row": 36, "queue": 35, "daemon": 34, "ctl": 32, "heading": 1}


class Screen:
    """Where things are told: tagged lines with the time since the start. Any thread."""

    def __init__(self):
        self._begun = time.monotonic()
        self._lock = threading.Lock()
        self._in_colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def paint(self, text, name):
        if not self._in_colour or name not in COLOURS:
            return text
        return f"\033[{COLOURS[name]}m{text}\033[0m"

    def _paint_outcomes(self, text):
        return re.sub(r"\b(completed|failed|timeout|missing|rejected|processing)\b",
                      lambda match: self.paint(match[0], match[0]), text)

    def tell(self, tag, text):
        elapsed = time.monotonic() - self._begun
        lines = textwrap.wrap(text, WIDTH - 16, break_on_hyphens=False) or [""]
        with self._lock:
            for number, line in enumerate(lines):
                when = f"{elapsed:5.1f} s" if number == 0 else " " * 7
                name = self.paint(f"{tag if number == 0 else '':<7}", tag)
                print(f"{when} {name} {self._paint_outcomes(line)}", flush=True)

    def heading(self, text):
        with self._lock:
            print(f"\n{self.paint(text, 'heading')}", flush=True)

    def table(self, rows):
        """Columns as wide as they must be; the last one is cut at the width of the screen."""
        widths = [max(map(len, column)) for column in zip(*rows)]
        for row in rows:
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
            if len(line) > WIDTH - 2:
                line = line[:WIDTH - 3] + "…"
            print("  " + self._paint_outcomes(line))

    def text(self, text):
        print(self._paint_outcomes(textwrap.fill(
            text, WIDTH, initial_indent="  ", subsequent_indent="      ",
            break_on_hyphens=False)))


def without_time(line):
    """The screen has a clock of its own."""
    return re.sub(r"^\d{4}-\d\d-\d\d[T ][0-9:.]+Z? +", "", line)


class Watcher:
    """Notices what has changed in the rows and the queues."""

    def __init__(self, screen, jobs, dead_letters):
        self._screen = screen
        self._jobs = jobs
        self._queue = jobs.queue
        self._dead_letters = dead_letters
        self._rows = {}
        self._counts = None

    def look(self):
        """True once nothing is left to happen: the queue is empty."""
        for row in self._jobs.rows():
            before, now = self._rows.get(row.id, ("pending", 0)), (row.status, row.attempts)
            if before != now:
                self._screen.tell("row", f"{row.id}: {before[0]} -> {now[0]}, attempts {now[1]}")
            self._rows[row.id] = now
        waiting, in_flight = self._queue.counts()
        counts = waiting, in_flight, sum(self._dead_letters.counts())
        if counts != self._counts:
            self._counts = counts
            self._screen.tell("queue", "{} waiting, {} in flight; dead letters: {}".format(*counts))
        return waiting + in_flight == 0


def settings(lab, application):
    """One section for each kind that is not built in."""
    sections = {
        "count-words": {"kind": "command", "program": "/usr/bin/wc --words"},
        "send-mail": {"kind": "http", "url": application.url},
        # The function leaves its row alone.
        "greet": {"kind": "lambda", "bundle": lab.directory / "greet", "rows": "worker"}}
    if javascript.why_no_node():
        del sections["greet"]
    return {"worker.concurrency": "4", **{
        f"job {job_type}.{key}": value
        for job_type, section in sections.items() for key, value in section.items()}}


def deploy(screen, lab, daemon):
    bundle = lab.directory / "greet.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("handler.mjs", FUNCTION)
    screen.tell("ctl", f"nexusctl deploy greet {bundle.name}")
    done = nexusctl(daemon, "deploy", "greet", bundle, "--user", USER)
    for line in (done.output + done.errors).splitlines():
        screen.tell("ctl", line)


def publish(screen, jobs, story):
    for job_id, kind, payload, _, _ in story:
        jobs.database.execute(
            "INSERT INTO background_jobs (id, type, payload, created_at, updated_at) VALUES"
            " (%s, %s, %s, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')",
            (job_id, kind, json.dumps(payload)))
        jobs.queue.send([body(job_id, kind, payload)])
        screen.tell("publish", f"{job_id}: row, then message; {kind} {json.dumps(payload)}")
    jobs.queue.send([body(MISSING)])
    screen.tell("publish", f"{MISSING}: a message without a row")
    jobs.queue.send([MALFORMED])
    screen.tell("publish", f"not JSON: {MALFORMED}")


def name_of(message):
    try:
        return json.loads(message["body"])["jobId"]
    except ValueError:
        return "(not JSON)"


def show_result(screen, jobs, story, dead_letters, daemon):
    """Prints it, and returns what is not as it should be."""
    rows = jobs.rows()
    screen.heading("The rows")
    screen.table([("id", "type", "status", "attempts", "error")] + [
        (row.id, row.type, row.status, str(row.attempts), row.error or "") for row in rows])

    messages = sorted(dead_letters.inside()["messages"], key=name_of)
    screen.heading("The queues")
    screen.text(f"{jobs.queue.name}: {sum(jobs.queue.counts())} messages")
    screen.text(f"{dead_letters.name}: {len(messages)} messages")
    if messages:
        screen.table([("", "job", "receives", "body")] + [
            ("", name_of(message), str(message["receives"]), message["body"])
            for message in messages])

    screen.heading("The daemon's log")
    for line in daemon.process.feed.lines:
        screen.text(line)

    wrong = [f"{row.id} is {row.status} after {row.attempts}, not {status} after {attempts}"
             for row, (_, _, _, status, attempts) in zip(rows, story)
             if (row.status, row.attempts) != (status, attempts)]
    if [name_of(message) for message in messages] != IN_DEAD_LETTERS:
        wrong.append(f"the dead letter queue does not hold exactly {', '.join(IN_DEAD_LETTERS)}")
    return wrong


def demo(screen, lab):
    screen.tell("lab", f"everything lives in {lab.directory}")
    postgres = lab.postgres()
    screen.tell("lab", f"a private Postgres listens on 127.0.0.1:{postgres.port}")
    sqs = lab.sqs()
    screen.tell("lab", f"a local SQS listens on {sqs.endpoint}")
    dead_letters = sqs.create_queue("nexus-jobs-dlq-dev", days=14)
    queue = sqs.create_queue("nexus-jobs-dev", VISIBILITY, dead_letters)
    screen.tell("queue", f"{queue.name}: visibility timeout {VISIBILITY} s; after 3 receives to "
                         f"{dead_letters.name}")
    database = postgres.create_database()
    jobs = Jobs(database, queue)
    screen.tell("row", "the table background_jobs is there, empty")

    application = lab.application()
    screen.tell("lab", f"a service for jobs of one type listens on {application.url}")
    daemon = lab.daemon(queue, database, settings=settings(lab, application), start=False,
                        on_line=lambda line: screen.tell("daemon", without_time(line)))
    story = STORY
    if reason := javascript.why_no_node():
        screen.tell("lab", f"no Lambda function: {reason}")
    else:
        deploy(screen, lab, daemon)
        story += FUNCTIONS_STORY
    daemon.start().wait_ready()
    screen.tell("lab", "the daemon says that it is ready")
    watcher = Watcher(screen, jobs, dead_letters)
    watcher.look()
    publish(screen, jobs, story)
    until(watcher.look, within=40, what="an empty queue")
    screen.tell("lab", "nothing is left to do: SIGTERM")
    status = daemon.stop()
    screen.tell("lab", f"the daemon has ended with status {status}")
    wrong = show_result(screen, jobs, story, dead_letters, daemon)
    return wrong + ([f"the daemon's exit status is {status}"] if status else [])


def show(lab):
    screen = Screen()
    wrong = demo(screen, lab)
    screen.heading("All as it should be." if not wrong else "Not as it should be:")
    for what in wrong:
        screen.text(what)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(run_in_lab(show))
