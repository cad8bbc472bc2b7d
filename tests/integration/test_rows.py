"""The table is shared with others: their locks, their time zone."""

import datetime

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import Jobs


class LockedRows(Case):
    def test_wait_and_hold_up_nobody_else(self):
        ids = self.jobs.publish(count=256)
        locked = ids[::32]
        with self.database.connect() as holder, holder.cursor() as cursor:
            cursor.execute("SELECT FROM background_jobs WHERE id = ANY(%s) FOR UPDATE", (locked,))
            self.start()
            until(lambda: self.jobs.counts() == {"completed": 248, "pending": 8}, within=5,
                  what="all others completed")
            holder.commit()
        holder.close()
        self.jobs.wait_all("completed", within=15)
        self.assertEqual(self.jobs.runs(), {1: 256})

    def test_that_are_locked_while_their_job_runs_are_finished_later(self):
        self.start()
        job, = self.jobs.publish(payload={"delayMs": 500})
        self.jobs.wait(job, "processing")
        with self.database.connect() as holder, holder.cursor() as cursor:
            cursor.execute("SELECT FROM background_jobs WHERE id = %s FOR UPDATE", (job,))
            other, = self.jobs.publish(payload={"delayMs": 600})
            self.jobs.wait(other, "completed")
            self.assert_row(job, status="processing")
            holder.commit()
        holder.close()
        self.jobs.wait(job, "completed")


class RowsThatTheirHandlersKeep(Case):
    def test_are_begun_and_ended_through_pgbouncer(self):
        bouncer = self.lab.pgbouncer(self.postgres, pool_size=2)
        self.addCleanup(bouncer.close)
        self.start(database=bouncer.url(self.database), settings={
            "job done.kind": "command", "job done.program": "/bin/true",
            "job done.rows": "handler",
            "job broken.kind": "command", "job broken.program": "/bin/false",
            "job broken.rows": "handler"})
        done = self.jobs.publish("done", count=50)
        broken = self.jobs.publish("broken", count=50, prefix="broken")
        for job in done:
            self.jobs.wait(job, "completed", attempts=1)
        for job in broken:
            self.jobs.wait(job, "failed", attempts=1)
            self.assertEqual(self.jobs.history(job), [("failed", 1)])
        self.assertEqual(self.jobs.runs(), {0: 100})


class Timestamps(Case):
    def test_are_utc_whatever_the_servers_time_zone(self):
        postgres = self.lab.postgres(timezone="Europe/Paris")
        self.addCleanup(postgres.close)
        database = postgres.create_database()
        jobs = Jobs(database, self.queue)
        self.start(database=database)
        job, = jobs.publish(payload={"delayMs": 1100, "failAttempts": 0})
        jobs.wait(job, "processing")
        row = jobs.wait(job, "completed")
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        for moment in (row.started_at, row.completed_at, row.updated_at):
            self.assertLess(abs(now - moment), datetime.timedelta(seconds=10))
        self.assertLess(row.started_at, row.completed_at)


if __name__ == "__main__":
    tap.main()
