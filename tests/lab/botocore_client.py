"""A client of SQS's that shares no code with the local one, and takes refusals apart.

Requests are signed by botocore's SigV4Auth and sent with http.client. botocore's own SQS client
is not used: Debian's still speaks the protocol before JSON.
"""

import http.client
import json
import threading
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lab.sqs import KEY_ID, REGION, SECRET

OLD = "AWS.SimpleQueueService."
CORAL = "com.amazon.coral.service#"
SERVICE = "com.amazonaws.sqs#"


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

    def __init__(self, endpoint, key_id=KEY_ID, secret=SECRET, region=REGION, token=None):
        self.endpoint = endpoint
        self.signer = SigV4Auth(Credentials(key_id, secret, token), "sqs", region)
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
