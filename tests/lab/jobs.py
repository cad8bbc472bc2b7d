"""The job table as the web application made it, the publisher, and looks at the rows."""

import collections
import json
import uuid

from lab.feed import Timeout, until

TABLE = """
    CREATE TYPE job_status AS ENUM ('pending', 'processing', 'completed', 'failed');
    CREATE TABLE background_jobs (
        id           text PRIMARY KEY,
        type         text NOT NULL,
        payload      jsonb NOT NULL,
        status       job_status NOT NULL DEFAULT 'pending',
        attempts     integer NOT NULL DEFAULT 0,
        error        text,
        started_at   timestamp,
        completed_at timestamp,
        created_at   timestamp NOT NULL DEFAULT now(),
        updated_at   timestamp NOT NULL DEFAULT now());
    CREATE INDEX ON background_jobs (status, created_at);
    ALTER TABLE background_jobs OWNER TO nexus;
"""

# Only where a test wants to know what a row went through. Every version of it, touches too, and
# what was deleted; each is its transaction's, so that xmin says when it was committed. history: the
# updates that changed the status or the attempts.
HISTORY = """
    CREATE TABLE versions (
        step         bigint GENERATED ALWAYS AS IDENTITY,
        op           text NOT NULL,
        id           text NOT NULL,
        type         text NOT NULL,
        status       job_status NOT NULL,
        attempts     integer NOT NULL,
        error        text,
        started_at   timestamp,
        completed_at timestamp,
        updated_at   timestamp,
        moved        boolean NOT NULL,
        at           timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE VIEW history AS SELECT step, id, status, attempts, at FROM versions WHERE moved;
    CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE
        kept background_jobs := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    BEGIN
        INSERT INTO versions (op, id, type, status, attempts, error, started_at, completed_at,
            updated_at, moved)
        VALUES (TG_OP, kept.id, kept.type, kept.status, kept.attempts, kept.error,
            kept.started_at, kept.completed_at, kept.updated_at, TG_OP = 'UPDATE'
            AND (OLD.status <> NEW.status OR OLD.attempts <> NEW.attempts));
        RETURN NULL;
    END $$;
    CREATE TRIGGER remember AFTER INSERT OR UPDATE OR DELETE ON background_jobs
        FOR EACH ROW EXECUTE FUNCTION remember();
"""

Row = collections.namedtuple("Row", "id type payload status attempts error started_at "
                                    "completed_at created_at updated_at")


def body(job_id, kind="test-echo", payload=None):
    """A message's body, as the web application writes it."""
    return json.dumps({"jobId": job_id, "type": kind, "payload": payload or {}})


class Jobs:
    """The table in one database and the queue that belongs to it."""

    def __init__(self, database, queue, history=False):
        self.database = database
        self.queue = queue
        database.execute(TABLE + (HISTORY if history else ""))

    def insert(self, kind="test-echo", payload=None, count=1, prefix="job"):
        """So many pending rows in one transaction; their ids."""
        ids = [f"{prefix}-{uuid.uuid4()}" for _ in range(count)]
        self.database.execute(
            "INSERT INTO background_jobs (id, type, payload, created_at, updated_at)"
            " SELECT unnest(%s), %s, %s, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'",
            (ids, kind, json.dumps(payload or {})))
        return ids

    def publish(self, kind="test-echo", payload=None, count=1, prefix="job"):
        """Row first, then message: so many jobs; their ids."""
        ids = self.insert(kind, payload, count, prefix)
        self.queue.send([body(job_id, kind, payload) for job_id in ids])
        return ids

    def make(self, job_id, status="pending", age=0, **columns):
        """One row, made and touched so many seconds ago; its id."""
        columns = {"type": "test-echo", "payload": "{}", **columns}
        self.database.execute(
            f"INSERT INTO background_jobs (id, status, {', '.join(columns)})"
            f" VALUES (%s, %s, {', '.join(['%s'] * len(columns))})",
            (job_id, status, *columns.values()))
        self.grow_old([job_id], age)
        return job_id

    def grow_old(self, ids, age):
        """Those were made and touched so many seconds ago."""
        self.database.execute(
            "UPDATE background_jobs SET created_at = moment, updated_at = moment FROM"
            " (SELECT now() AT TIME ZONE 'UTC' - %s * interval '1 s' AS moment) AS moments"
            " WHERE id = ANY(%s)", (age, ids))

    def delete(self, ids):
        """As an application does that clears its table of what is done."""
        self.database.execute("DELETE FROM background_jobs WHERE id = ANY(%s)", (ids,))

    def rows(self, ids=None):
        """Those rows, or all, in the order in which they were made."""
        return [Row(*values) for values in self.database.execute(
            "SELECT id, type, payload, status::text, attempts, error, started_at, completed_at,"
            " created_at, updated_at FROM background_jobs"
            " WHERE %s::text[] IS NULL OR id = ANY(%s) ORDER BY created_at, id", (ids, ids))]

    def row(self, job_id):
        row, = self.rows([job_id])
        return row

    def counts(self):
        """How many rows have which status."""
        return dict(self.database.execute(
            "SELECT status::text, count(*)::integer FROM background_jobs GROUP BY 1"))

    def wait(self, job_id, status, within=10.0, attempts=None):
        """That row, once it has the status (and so many attempts)."""
        def reached():
            row = self.row(job_id)
            return row.status == status and attempts in (None, row.attempts) and row
        try:
            return until(reached, within)
        except Timeout:
            raise Timeout(f"not {status} within {within:g} s: {self.row(job_id)}") from None

    def wait_all(self, status, within=30.0):
        """Until every row has the status."""
        try:
            until(lambda: set(self.counts()) <= {status}, within)
        except Timeout:
            raise Timeout(f"not all {status} within {within:g} s: {self.counts()}") from None

    def versions(self, take=False):
        """Every version of every row, as tuples: step, op (INSERT, UPDATE, DELETE), id, type,
        status, attempts, error, started_at, completed_at, updated_at, and when it was committed;
        times in microseconds since 1970. take: they are then forgotten here."""
        columns = ("step, op, id, type, status::text, attempts, error, "
                   + ", ".join(f"(extract(epoch FROM {moment}) * 1000000)::bigint" for moment in (
                       "started_at", "completed_at", "updated_at",
                       "pg_xact_commit_timestamp(xmin)")))
        if take:
            return self.database.execute(f"DELETE FROM versions RETURNING {columns}")
        return self.database.execute(f"SELECT {columns} FROM versions ORDER BY step")

    def history(self, job_id):
        """Every (status, attempts) that the row came to have."""
        return self.database.execute(
            "SELECT status::text, attempts FROM history WHERE id = %s ORDER BY step", (job_id,))

    def runs(self):
        """How many jobs were begun how often, by the history: {1: 1000} is what one wants."""
        return dict(self.database.execute(
            "SELECT runs, count(*)::integer FROM (SELECT count(h.id)::integer AS runs"
            " FROM background_jobs j LEFT JOIN history h"
            " ON h.id = j.id AND h.status = 'processing' GROUP BY j.id) each GROUP BY runs"))
