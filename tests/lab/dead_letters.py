"""Jobs that have died: their rows, and their messages in the dead letter queue."""

import itertools
import json
import os

from lab.jobs import body

_numbers = itertools.count(1)


class DeadLetters:
    """Mixed into a CtlCase."""

    def bury(self, count, kind="test-echo", status="failed", error=None, payload=None,
             attributes=None, attempts=3):
        """So many jobs with such a row, whose messages are dead; their ids."""
        ids = [f"dead-{next(_numbers)}" for _ in range(count)]
        self.database.execute(
            "INSERT INTO background_jobs (id, type, payload, status, attempts, error, started_at)"
            " SELECT unnest(%s), %s, %s, %s, %s, %s, now() AT TIME ZONE 'UTC'",
            (ids, kind, json.dumps(payload or {}), status, attempts, error))
        self.dead_letters.send([body(job_id, kind, payload) for job_id in ids], attributes)
        return ids

    def assert_all_visible(self, count):
        self.assertEqual(self.dead_letters.counts(), (count, 0))

    def use_key(self, *actions):
        """nexusctl may do these from now on, and nothing else."""
        key, secret = f"AKIADLQ{next(_numbers):013}", os.urandom(15).hex()
        self.sqs.add_key(key, secret, actions)
        self.daemon.environment.update(
            {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret})
