"""What the tests of the local SQS stand on: a server per test.

A file that says `from lab.sqs_case import Case, setUpModule` has one, with a queue.
"""

import base64
import time
import unittest

from lab.botocore_client import CORAL, Client, Error, Later
from lab.sqs import Sqs
from lab.world import Lab

# A message's, one of each kind.
ATTRIBUTES = {"color": {"DataType": "String", "StringValue": "blue"},
              "count": {"DataType": "Number", "StringValue": "3"},
              "blob": {"DataType": "Binary",
                       "BinaryValue": base64.b64encode(b"\1\2\3").decode()}}


class _Shared:
    lab = None


def setUpModule():
    _Shared.lab = Lab()
    unittest.addModuleCleanup(_Shared.lab.__exit__, None, None, None)
    _Shared.lab.__enter__()


class Server(unittest.TestCase):
    """A fresh server. more_keys, options: see lab.sqs.Sqs."""

    more_keys = ()
    options = ()

    def setUp(self):
        self.lab = _Shared.lab
        self.sqs = Sqs(self.lab, self.more_keys, self.options)
        self.addCleanup(self.sqs.close)


class Case(Server):
    """The same, botocore's client of it, and one queue."""

    options = ("--full-batches",)

    def setUp(self):
        super().setUp()
        self.client = self.connect()
        self.url = self.create("jobs")

    def connect(self, **terms):
        """One more client."""
        client = Client(self.sqs.endpoint, **terms)
        self.addCleanup(client.close)
        return client

    def inside(self, queue="jobs"):
        """What only the server knows of a queue."""
        return self.sqs.client.inside(queue)

    def create(self, name, **attributes):
        return self.call("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"]

    def call(self, action, **members):
        return self.client.call(action, **members)

    def on_queue(self, action, **members):
        return self.client.call(action, QueueUrl=self.url, **members)

    def send(self, body="hello", **members):
        return self.on_queue("SendMessage", MessageBody=body, **members)

    def send_many(self, n):
        for first in range(0, n, 10):
            self.on_queue("SendMessageBatch", Entries=[
                {"Id": str(i), "MessageBody": f"body {i}"}
                for i in range(first, min(n, first + 10))])

    def receive(self, **members):
        """The messages, a list."""
        return self.on_queue("ReceiveMessage", **members).get("Messages", [])

    def receive_one(self, **members):
        messages = self.receive(**members)
        self.assertEqual(len(messages), 1)
        return messages[0]

    def attributes(self, *names, url=None):
        answer = self.call("GetQueueAttributes", QueueUrl=url or self.url,
                           AttributeNames=names or ["All"])
        return answer.get("Attributes", {})

    def set(self, url=None, **attributes):
        self.assertIsNone(self.call("SetQueueAttributes", QueueUrl=url or self.url,
                                    Attributes=attributes))

    def later_receive(self, client=None, **members):
        """A long poll on its own connection, which the server has taken in."""
        n_before = self.inside()["waiting"]
        poll = Later((client or self.connect()).call, "ReceiveMessage", QueueUrl=self.url,
                     WaitTimeSeconds=20, **members)
        self.await_waiting(n_before + 1)
        return poll

    def await_waiting(self, n, queue="jobs"):
        deadline = time.monotonic() + 5
        while self.inside(queue)["waiting"] != n:
            self.assertLess(time.monotonic(), deadline, f"there are not {n} polls waiting")

    def assert_error(self, status, type_, query_code, function, *arguments, **members):
        """Calling the function is refused just so; the error, for its text."""
        with self.assertRaises(Error) as caught:
            function(*arguments, **members)
        error = caught.exception
        self.assertEqual((error.status, error.type), (status, type_), error.text)
        self.assertEqual(error.query_error, f"{query_code};Sender")
        self.assertEqual(error.headers["content-type"], "application/x-amz-json-1.0")
        self.assertRegex(error.headers["x-amzn-requestid"], r"^[0-9a-f-]{36}$")
        return error

    def assert_invalid(self, action, **members):
        return self.assert_error(400, CORAL + "InvalidParameterValueException",
                                 "InvalidParameterValue", self.call, action, **members)

    def assert_missing(self, action, **members):
        return self.assert_error(400, CORAL + "MissingRequiredParameterException",
                                 "MissingParameter", self.call, action, **members)
