"""A running sqs-local, a client that shares no code with what is tested, and a case with both.

Requests are signed by botocore's SigV4Auth and sent with http.client. botocore's own SQS client
is not used: Debian's still speaks the protocol before JSON.
"""

import base64
import http.client
import json
import os
import subprocess
import threading
import time
import unittest
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lab.process import command_as

BUILD = os.environ.get("NEXUS_BUILD", "build")
KEY, SECRET = "AKIDTEST", "secret/of+the=test"
REGION, ACCOUNT = "us-east-1", "123456789012"

OLD = "AWS.SimpleQueueService."
CORAL = "com.amazon.coral.service#"
SERVICE = "com.amazonaws.sqs#"

# A message's, one of each kind.
ATTRIBUTES = {"color": {"DataType": "String", "StringValue": "blue"},
              "count": {"DataType": "Number", "StringValue": "3"},
              "blob": {"DataType": "Binary",
                       "BinaryValue": base64.b64encode(b"\1\2\3").decode()}}


class Error(Exception):
    """An answer other than 200: .status, .type (with its namespace), .query_error, .text"""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        try:
            answer = json.loads(body)
        except ValueError:
            answer = {}
        self.type = answer.get("__type", "")
        self.text = answer.get("message", "")
        self.query_error = headers.get("x-amzn-query-error")
        super().__init__(f"{status} {self.type}: {self.text}")


class Client:
    """One connection, kept alive. Not for more than one thread."""

    def __init__(self, endpoint, key=KEY, secret=SECRET, region=REGION, token=None):
        self.endpoint = endpoint
        self.signer = SigV4Auth(Credentials(key, secret, token), "sqs", region)
        self.connection = http.client.HTTPConnection(
            urllib.parse.urlsplit(endpoint).netloc, timeout=30)

    def sign(self, action, body, path="/", headers=None):
        """The headers of a signed request."""
        request = AWSRequest("POST", self.endpoint + path, data=body, headers={
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "AmazonSQS." + action,
            "x-amzn-query-mode": "true",
            **(headers or {}),
        })
        self.signer.add_auth(request)
        return dict(request.headers)

    def exchange(self, method, path, body, headers):
        """Sends and reads: status, headers, body."""
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        return response.status, response.headers, response.read()

    def raw(self, action, body, path="/", headers=None, change=None):
        """A signed request whose headers change(headers) may spoil before it is sent."""
        body = body.encode() if isinstance(body, str) else body
        signed = self.sign(action, body, path, headers)
        if change:
            change(signed)
        status, answered, content = self.exchange("POST", path, body, signed)
        if status != 200:
            raise Error(status, answered, content)
        return answered, content

    def call(self, action, **members):
        """What the action answers; None for an empty body. Raises Error."""
        content = self.raw(action, json.dumps(members))[1]
        return json.loads(content) if content else None

    def close(self):
        self.connection.close()


class SqsLocal:
    """The program, started on a free port; use it in a with statement or call stop()."""

    def __init__(self, *options, keys=(f"{KEY}:{SECRET}",)):
        command = [os.path.join(BUILD, "sqs-local"), "--port", "0",
                   "--region", REGION, "--account", ACCOUNT, *options]
        for key in keys:
            command += ["--key", key]
        self.process = subprocess.Popen(
            command_as(None, command), stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().split()
        if not line:
            raise RuntimeError("sqs-local did not start")
        self.endpoint = line[-1]
        self.clients = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends it; its exit status."""
        for client in self.clients:
            client.close()
        self.process.terminate()
        self.process.stdout.close()
        return self.process.wait(10)

    def processor_seconds(self):
        """What the program has used so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def client(self, **terms):
        client = Client(self.endpoint, **terms)
        self.clients.append(client)
        return client

    def control(self, method, path, body=None):
        """A request to the side for tests, on a connection of its own."""
        connection = http.client.HTTPConnection(
            urllib.parse.urlsplit(self.endpoint).netloc, timeout=30)
        try:
            connection.request(method, "/_control/" + path,
                               None if body is None else json.dumps(body))
            response = connection.getresponse()
            content = json.loads(response.read())
            if response.status != 200:
                raise Error(response.status, response.headers, json.dumps(content))
            return content
        finally:
            connection.close()

    def fault(self, **terms):
        self.control("POST", "faults", terms)

    def advance(self, seconds):
        """Moves the queues' time on."""
        self.control("POST", "clock", {"advance": seconds})

    def queue(self, name):
        return self.control("GET", "queue?name=" + name)

    def stats(self):
        return self.control("GET", "stats")


class Later(threading.Thread):
    """A call on a thread and a connection of its own: .result() waits for what it gave."""

    def __init__(self, function, *arguments, **members):
        super().__init__(daemon=True)
        self.function, self.arguments, self.members = function, arguments, members
        self.answer = self.error = None
        self.start()

    def run(self):
        try:
            self.answer = self.function(*self.arguments, **self.members)
        except Exception as error:  # handed on to whoever asks for the result
            self.error = error

    def result(self, timeout=10):
        self.join(timeout)
        if self.is_alive():
            raise TimeoutError("no answer yet")
        if self.error:
            raise self.error
        return self.answer


class Case(unittest.TestCase):
    """A fresh server, one client of it, and one queue."""

    options = ("--full-batches",)
    keys = (f"{KEY}:{SECRET}",)

    def setUp(self):
        self.server = SqsLocal(*self.options, keys=self.keys)
        self.addCleanup(self.server.stop)
        self.client = self.server.client()
        self.url = self.create("jobs")

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
        n_before = self.server.queue("jobs")["waiting"]
        poll = Later((client or self.server.client()).call, "ReceiveMessage", QueueUrl=self.url,
                     WaitTimeSeconds=20, **members)
        self.await_waiting(n_before + 1)
        return poll

    def await_waiting(self, n, queue="jobs"):
        deadline = time.monotonic() + 5
        while self.server.queue(queue)["waiting"] != n:
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
