"""The publisher as it really is: AWS' SDK for JavaScript and a Postgres client, on node.

What the web application's own integration test asserts (the row is pending when publishing returns,
and the message is sent without an error), and then what it cannot see: that the daemon does the job.
"""

import json

from lab import javascript, tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.sqs import KEY_ID, REGION, SECRET


class Publisher(Case):
    def setUp(self):
        if reason := javascript.why_no_sdk():
            self.skipTest(reason)
        super().setUp()

    def publish(self, *payloads, kind="test-echo"):
        """What it tells of each job, in no order."""
        return javascript.run("publisher.mjs", kind, *map(json.dumps, payloads), environment={
            "DATABASE_URL": self.database.url, "SQS_QUEUE_URL": self.queue.url,
            "AWS_ENDPOINT_URL_SQS": self.sqs.endpoint, "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET})

    def test_returns_with_the_row_pending_and_the_message_sent(self):
        payload = {"name": "Zoë 🎈", "sizes": [1, 2.5, None], "deep": {"a": {"b": True}}}
        job, = self.publish(payload)
        row = job["row"]
        self.assertEqual((row["type"], row["payload"], row["status"], row["attempts"]),
                         ("test-echo", payload, "pending", 0))
        message, = until(self.queue.receive, what="the message")
        self.assertEqual(message["MessageId"], job["messageId"])
        self.assertEqual(json.loads(message["Body"]),
                         {"jobId": row["id"], "type": "test-echo", "payload": payload})
        self.start()
        row = self.jobs.wait(row["id"], "completed")
        self.assertEqual((row.payload, row.attempts, row.error), (payload, 1, None))
        self.assertLessEqual(row.started_at, row.completed_at)

    def test_is_served_while_it_publishes(self):
        self.start()
        jobs = self.publish(*({"n": n} for n in range(30)))
        self.assertEqual(len({job["messageId"] for job in jobs}), 30)
        self.assert_all_done(30)


if __name__ == "__main__":
    tap.main()
