#!/usr/bin/python3
"""How fast the daemon is, and at what cost: make bench [BENCH="options"].

Jobs that do nothing, of each kind in turn, through a private Postgres with its default durability
and the local SQS, both on the same cores as the daemon and what it starts. Rows and messages are all
there before it starts. Afterwards every row is looked at: a job that is lost or ran twice makes the
benchmark fail.
"""

import argparse
import contextlib
import json
import os
import pathlib
import sys

from kinds import KINDS
from lab.feed import until
from lab.jobs import Jobs
from lab.process import Process
from lab.world import run_in_lab
from meter import Meter

N_LOADERS = 2
QUEUE_VISIBILITY = 120
OTHERS = {"children": "its children", "postgres": "postgres", "sqs": "sqs-local",
          "service": "the service"}


def parse_arguments():
    parser = argparse.ArgumentParser(description="Measure nexus-worker with jobs that do nothing.")
    parser.add_argument("-k", "--kinds", type=parse_kinds, default=list(KINDS), metavar="KIND,...",
                        help=f"default {','.join(KINDS)}")
    parser.add_argument("-n", "--jobs", type=int, default=400_000,
                        help="of kind builtin, and fewer of the others; default 400000")
    parser.add_argument("-c", "--concurrency", type=int, default=16, help="threads; default 16")
    parser.add_argument("-d", "--daemons", type=int, default=1, help="on one queue; default 1")
    parser.add_argument("--pgbouncer", action="store_true", help="through PgBouncer")
    parser.add_argument("--delay", type=int, default=0, metavar="MS",
                        help="added to every SQS request")
    parser.add_argument("--json", action="store_true", help="one JSON object for each kind")
    return parser.parse_args()


def parse_kinds(text):
    kinds = text.split(",")
    if unknown := set(kinds) - set(KINDS):
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: accepted are {', '.join(KINDS)}")
    return kinds


def insert_rows(database, job_type, count):
    database.execute(
        "INSERT INTO background_jobs (id, type, payload, created_at, updated_at)"
        " SELECT 'bench-' || lpad(n::text, 8, '0'), %s, '{}',"
        " now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC' FROM generate_series(1, %s) n",
        (job_type, count))
    database.execute("VACUUM ANALYZE background_jobs")
    database.execute("CHECKPOINT")


def send_messages(lab, sqs, queue, job_type, count):
    share = -(-count // N_LOADERS)
    loaders = [Process(lab, "loader", [
        sys.executable, pathlib.Path(__file__).with_name("loader.py"), sqs.port, queue.url,
        job_type, first, min(first + share, count + 1)]) for first in range(1, count + 1, share)]
    for loader in loaders:
        if loader.wait(within=600) != 0:
            raise Timeout("a loader failed:\n" + "\n".join(loader.feed.lines))


def commits(database):
    return database.postgres.database("postgres").execute(
        "SELECT xact_commit FROM pg_stat_database WHERE datname = %s", (database.name,))[0][0]


def wrong_rows(database, count):
    """How many rows are not as they must be after one run of each job."""
    (n_rows, n_right), = database.execute(
        "SELECT count(*), count(*) FILTER (WHERE status = 'completed' AND attempts = 1"
        " AND error IS NULL AND completed_at >= started_at AND updated_at >= completed_at)"
        " FROM background_jobs")
    return abs(count - n_rows) + n_rows - n_right


def run(options, lab, postgres, sqs, name):
    """The figures of one kind, whose jobs get a queue and a database of their own."""
    count = max(1, options.jobs // KINDS[name].share)
    queue = sqs.create_queue(f"bench-{name}", QUEUE_VISIBILITY, sqs.create_queue(f"dead-{name}"))
    database = postgres.create_database()
    Jobs(database, queue)
    target = lab.pgbouncer(postgres).url(database) if options.pgbouncer else database
    with contextlib.closing(KINDS[name](lab)) as kind:
        tell(options, f"\n{name}: {count} rows ...")
        insert_rows(database, kind.job_type, count)
        tell(options, f"{count} messages ...")
        send_messages(lab, sqs, queue, kind.job_type, count)
        return {"kind": name, "jobs": count,
                **measure(options, lab, postgres, sqs, kind, queue, database, target)}


def measure(options, lab, postgres, sqs, kind, queue, database, target):
    count = sum(queue.counts())
    tell(options, "the daemon ..." if options.daemons == 1 else f"{options.daemons} daemons ...")
    commits_before = commits(database)
    sqs.forget_stats()
    daemons = [lab.daemon(queue, target, settings={
        "worker.concurrency": options.concurrency,
        **{f"job {kind.job_type}.{key}": value for key, value in kind.section.items()}})
        for _ in range(options.daemons)]
    meter = Meter(queue, count, [daemon.process.pid for daemon in daemons], {
        "sqs": sqs.process.pid, "postgres": postgres.process.pid, **kind.servers})
    until(meter.sample, within=600, what="an empty queue")
    if any([daemon.stop() for daemon in daemons]):
        raise Timeout("a daemon did not stop cleanly")

    requests = {action: sum(results.values()) for action, results in sqs.stats().items()}
    requests["GetQueueAttributes"] -= meter.n_requests
    n_commits = commits(database) - commits_before
    return {**meter.figures(), "sqs_requests_per_job": sum(requests.values()) / count,
            "sqs_requests": requests, "commits_per_job": n_commits / count,
            "wrong_rows": wrong_rows(database, count)}


def tell(options, text):
    if not options.json:
        print(text, flush=True)


def show(options, figures):
    way = "through PgBouncer" if options.pgbouncer else "directly"
    also = {name: figures[f"cpu_per_1000_{name}"] for name in OTHERS
            if figures.get(f"cpu_per_1000_{name}")}
    print(f"""
{figures['kind']}: {KINDS[figures['kind']].what}
{figures['jobs']} jobs, {options.daemons} x {options.concurrency} threads, {way}, SQS {options.delay} ms slower, \
{os.cpu_count()} cores for all
  steady        {figures['jobs_per_second']:10.0f} jobs/s for {figures['steady_seconds']:.1f} s
  whole run     {figures['jobs_per_second_whole']:10.0f} jobs/s for {figures['seconds']:.1f} s
  ramp          {figures['ramp_seconds']:10.2f} s from its start to 90 % of the steady rate
  CPU           {figures['cpu_per_1000']:10.4f} s per 1000 jobs \
({', '.join(f'{OTHERS[name]} {value:.4f}' for name, value in also.items())})
  peak RSS      {figures['peak_rss_mib']:10.1f} MiB: anonymous {figures['peak_anon_mib']:.1f}, \
files {figures['peak_file_mib']:.1f}, shared memory {figures['peak_shmem_mib']:.1f}
  SQS requests  {figures['sqs_requests_per_job']:10.4f} per job \
({', '.join(f'{n} {a}' for a, n in sorted(figures['sqs_requests'].items()))})
  commits       {figures['commits_per_job']:10.4f} per job
  rows          {'every one completed, run once' if not figures['wrong_rows']
                 else f"{figures['wrong_rows']} ARE WRONG"}""", flush=True)


def run_all(options, lab):
    """How many rows were wrong."""
    postgres = lab.postgres(durable=True)
    sqs = lab.sqs()
    if options.delay:
        sqs.fault(action="*", kind="delay", ms=options.delay, count=0)
    n_wrong = 0
    for name in options.kinds:
        if reason := KINDS[name].why_not():
            print(f"\n{name}: not measured, {reason}", file=sys.stderr)
            continue
        figures = run(options, lab, postgres, sqs, name)
        n_wrong += figures["wrong_rows"]
        if options.json:
            print(json.dumps({**vars(options), **figures}), flush=True)
        else:
            show(options, figures)
    return n_wrong


def main():
    options = parse_arguments()
    return run_in_lab(lambda lab: 1 if run_all(options, lab) else 0)


if __name__ == "__main__":
    sys.exit(main())
