#!/usr/bin/python3
"""How fast the daemon is, and at what cost: make bench [BENCH="options"].

No-op jobs through a private Postgres with its default durability and the local SQS, both on the
same cores as the daemon. Rows and messages are all there before it starts. Afterwards every row is
looked at: a job that is lost or ran twice makes the benchmark fail.
"""

import argparse
import json
import os
import pathlib
import sys

from lab.feed import Timeout, until
from lab.jobs import Jobs
from lab.process import Process
from lab.world import Lab, Stopped
from meter import Meter

N_LOADERS = 2
QUEUE_VISIBILITY = 120


def parse_arguments():
    parser = argparse.ArgumentParser(description="Measure nexus-worker with jobs that do nothing.")
    parser.add_argument("-n", "--jobs", type=int, default=400_000, help="default 400000")
    parser.add_argument("-c", "--concurrency", type=int, default=16, help="threads; default 16")
    parser.add_argument("--pgbouncer", action="store_true", help="through PgBouncer")
    parser.add_argument("--delay", type=int, default=0, metavar="MS",
                        help="added to every SQS request")
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object")
    return parser.parse_args()


def insert_rows(database, count):
    database.execute(
        "INSERT INTO background_jobs (id, type, payload, created_at, updated_at)"
        " SELECT 'bench-' || lpad(n::text, 8, '0'), 'test-echo', '{}',"
        " now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC' FROM generate_series(1, %s) n",
        (count,))
    database.execute("VACUUM ANALYZE background_jobs")
    database.execute("CHECKPOINT")


def send_messages(lab, sqs, queue, count):
    share = -(-count // N_LOADERS)
    loaders = [Process(lab, "loader", [
        sys.executable, pathlib.Path(__file__).with_name("loader.py"), sqs.port, queue.url,
        first, min(first + share, count + 1)]) for first in range(1, count + 1, share)]
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


def run(options, lab):
    """The figures."""
    postgres = lab.postgres(durable=True)
    sqs = lab.sqs()
    queue = sqs.create_queue("bench", QUEUE_VISIBILITY, sqs.create_queue("bench-dead"))
    database = postgres.create_database()
    Jobs(database, queue)
    tell(options, f"{options.jobs} rows ...")
    insert_rows(database, options.jobs)
    tell(options, f"{options.jobs} messages ...")
    send_messages(lab, sqs, queue, options.jobs)
    target = lab.pgbouncer(postgres).url(database) if options.pgbouncer else database
    if options.delay:
        sqs.fault(action="*", kind="delay", ms=options.delay, count=0)

    tell(options, "the daemon ...")
    commits_before = commits(database)
    sqs.forget_stats()
    daemon = lab.daemon(queue, target, settings={"worker.concurrency": options.concurrency})
    meter = Meter(queue, options.jobs, {"daemon": daemon.process.pid, "sqs": sqs.process.pid,
                                        "postgres": postgres.process.pid})
    until(meter.sample, within=600, what="an empty queue")
    if daemon.stop() != 0:
        raise Timeout("the daemon did not stop cleanly")

    requests = {action: sum(results.values()) for action, results in sqs.stats().items()}
    requests["GetQueueAttributes"] -= meter.n_requests
    n_commits = commits(database) - commits_before
    return {**meter.figures(), "sqs_requests_per_job": sum(requests.values()) / options.jobs,
            "sqs_requests": requests, "commits_per_job": n_commits / options.jobs,
            "wrong_rows": wrong_rows(database, options.jobs)}


def tell(options, text):
    if not options.json:
        print(text, flush=True)


def show(options, figures):
    way = "through PgBouncer" if options.pgbouncer else "directly"
    print(f"""
{options.jobs} jobs, {options.concurrency} threads, {way}, SQS {options.delay} ms slower, \
{os.cpu_count()} cores for all
  steady        {figures['jobs_per_second']:10.0f} jobs/s for {figures['steady_seconds']:.1f} s
  whole run     {figures['jobs_per_second_whole']:10.0f} jobs/s for {figures['seconds']:.1f} s
  ramp          {figures['ramp_seconds']:10.2f} s from its start to 90 % of the steady rate
  CPU           {figures['cpu_per_1000']:10.4f} s per 1000 jobs (postgres \
{figures['cpu_per_1000_postgres']:.4f}, sqs-local {figures['cpu_per_1000_sqs']:.4f})
  peak RSS      {figures['peak_rss_mib']:10.1f} MiB: anonymous {figures['peak_anon_mib']:.1f}, \
files {figures['peak_file_mib']:.1f}, shared memory {figures['peak_shmem_mib']:.1f}
  SQS requests  {figures['sqs_requests_per_job']:10.4f} per job \
({', '.join(f'{n} {a}' for a, n in sorted(figures['sqs_requests'].items()))})
  commits       {figures['commits_per_job']:10.4f} per job
  rows          {'every one completed, run once' if not figures['wrong_rows']
                 else f"{figures['wrong_rows']} ARE WRONG"}""")


def main():
    options = parse_arguments()
    try:
        with Lab() as lab:
            figures = run(options, lab)
    except Stopped as stopped:
        print(f"\nstopped by {stopped}")
        return 130
    except (Timeout, FileNotFoundError) as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps({**vars(options), **figures}))
    else:
        show(options, figures)
    return 1 if figures["wrong_rows"] else 0


if __name__ == "__main__":
    sys.exit(main())
