#!/usr/bin/python3
"""The pictures in the documentation, made anew: make screenshots.

Each is of a terminal in which the real program has run, against a private Postgres, a local SQS, and
a daemon and a journal of their own. Nothing in them is edited; of the demo, which is long, there are
parts.
"""

import contextlib
import json
import os
import re
import sys

from lab import journald
from lab.daemon import section
from lab.jobs import Jobs, body
from lab.picture import CHANGE, svg
from lab.sqs import SECRET
from lab.terminal import Terminal, has_terminal
from lab.world import ROOT, run_in_lab

FOLDER = ROOT / "docs/screenshots"
GAP = "\033[0;90m ⋮\033[0m"
# Around what the program writes (see Terminal).
BEFORE, AFTER = "before", "after="

# A key for consumers as they come, which may not change visibilities.
CONSUMER = "AKIALAB00000CONSUMER"
CONSUMER_ACTIONS = ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"]

# Prints an invoice, if there is a printer.
INVOICE = """#!/bin/sh
echo "two pages"
[ -e "$1" ] || { echo "the printer is off" >&2; exit 1; }
"""


class Site:
    """A queue, a table, and a daemon's configuration."""

    def __init__(self, lab, postgres, settings=None):
        self.lab = lab
        self.sqs = lab.sqs()
        dead_letters = self.sqs.create_queue("nexus-jobs-dlq-dev", days=14)
        queue = self.sqs.create_queue("nexus-jobs-dev", 30, dead_letters)
        self.database = postgres.create_database()
        self.jobs = Jobs(self.database, queue)
        self.daemon = lab.daemon(queue, self.database, settings=settings, start=False)

    def publish(self, ids, kind, payload):
        for job_id in ids:
            self.jobs.make(job_id, type=kind, payload=json.dumps(payload))
        self.jobs.queue.send([body(job_id, kind, payload) for job_id in ids])

    def terminal(self, *words):
        """In which nexusctl does what they say."""
        return open_terminal(self.lab, [self.lab.program("nexusctl"), "--config", self.daemon.file,
                                        *words], self.daemon.own_environment())


def open_terminal(lab, words, environment, width=100, height=60):
    return contextlib.closing(Terminal(lab, words, environment, width, height))


def plain(line):
    return CHANGE.sub("", line)


def written(terminal, within=10.0):
    """All that the program in it has, once it has ended."""
    terminal.wait(f"^{AFTER}", within)
    lines = terminal.colours()
    last = next(number for number, line in enumerate(lines) if plain(line).startswith(AFTER))
    return lines[lines.index(BEFORE) + 1:last]


def save(name, command, lines):
    """The picture of a terminal where somebody has typed that command and got these lines."""
    typed = f"\033[90m$\033[0;1m {command}\033[0m"
    (FOLDER / f"{name}.svg").write_text(svg(command, [typed, *lines]), encoding="utf-8")
    print(f"docs/screenshots/{name}.svg", flush=True)


def told(lines, pattern):
    """The line of the demo with that in it, and those that it goes on in."""
    first = next(number for number, line in enumerate(lines) if re.search(pattern, plain(line)))
    last = first + 1
    while plain(lines[last]).startswith(" " * 16):
        last += 1
    return lines[first:last]


def take_demo(lab):
    """How it begins, what becomes of one job, and what came of all."""
    with open_terminal(lab, [sys.executable, ROOT / "tests/demo.py"], os.environ,
                       height=300) as terminal:
        lines = written(terminal, within=90)
    end = lines[list(map(plain, lines)).index("The rows"):]
    save("demo", "make demo", [
        *told(lines, "a private Postgres"), *told(lines, "a local SQS"), GAP,
        *told(lines, "publish second-try"), *told(lines, "job=second-try .*attempt=1"),
        *told(lines, "second-try: .* failed,"), *told(lines, "job=second-try .*attempt=2"),
        *told(lines, "second-try: .* completed,"), GAP,
        *end[:list(map(plain, end)).index("The daemon's log")], GAP, end[-1]])


def take_doctor(lab, postgres):
    """With a permission and an index that are not there."""
    site = Site(lab, postgres)
    site.database.execute("DROP INDEX background_jobs_status_created_at_idx")
    site.sqs.add_key(CONSUMER, SECRET, actions=CONSUMER_ACTIONS)
    site.daemon.environment["AWS_ACCESS_KEY_ID"] = CONSUMER
    with site.terminal("doctor") as terminal:
        save("doctor", "nexusctl doctor", written(terminal))


def take_top(lab, postgres):
    """Three slow jobs beside many quick ones, after one that has failed."""
    site = Site(lab, postgres, {"worker.concurrency": 4, **section(
        "render-report", kind="command", program="/bin/sleep 60")})
    site.daemon.start().wait_ready()
    site.publish(["mail-0"], "test-echo", {"fail": "mailbox unavailable"})
    site.publish(["report-2024", "report-2025", "report-2026"], "render-report", {})
    site.publish([f"mail-{number}" for number in range(1, 500)], "test-echo", {"delayMs": 20})
    with site.terminal("top") as terminal:
        terminal.wait(r"(?s)^rate +[1-9]\d+\.\d/s$.*^ +[4-9]s +1 +render-report +report-2026$"
                      r".*^ +mailbox unavailable$")
        save("top", "nexusctl top", terminal.colours())
    site.daemon.kill()


def take_journal(lab, postgres):
    """Of a job that fails, and then does not."""
    program, printer = lab.directory / "print-invoice", lab.directory / "printer"
    program.write_text(INVOICE, encoding="utf-8")
    program.chmod(0o755)
    site = Site(lab, postgres, {"log.format": "journal", **section(
        "invoice", kind="command", program=f"{program} {printer}", base_delay="1s")})
    command = ["journalctl", "--no-hostname", "NEXUS_JOB_ID=order-17"]
    environment = {**os.environ, "SYSTEMD_PAGER": "cat", "SYSTEMD_COLORS": "16"}
    with contextlib.closing(journald.Journal(lab)) as kept:
        site.daemon.start(before=kept.inside).wait_ready()
        site.publish(["order-17"], "invoice", {})
        site.jobs.wait("order-17", "failed")
        printer.touch()
        site.jobs.wait("order-17", "completed")
        site.daemon.stop()
        with open_terminal(lab, [*kept.inside, *command], environment, width=120) as terminal:
            save("journal", " ".join(command), written(terminal))


def take_all(lab):
    postgres = lab.postgres()
    take_demo(lab)
    take_doctor(lab, postgres)
    take_top(lab, postgres)
    take_journal(lab, postgres)
    return 0


def main():
    reason = journald.why_no_journal() if has_terminal() else "tmux is not installed"
    if reason:
        print(f"no pictures: {reason}", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    return run_in_lab(take_all)


if __name__ == "__main__":
    sys.exit(main())
