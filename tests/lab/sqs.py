"""The local SQS (build/sqs-local), and a client for it."""

import datetime
import http.client
import json
import signal

from lab.process import Process
from lab.sigv4 import Signer

REGION = "us-east-1"
ACCOUNT = "123456789012"
KEY_ID = "AKIALAB0000000000000"
SECRET = "lab/secret+of/the+publisher"


class SqsError(Exception):
    """SQS refused: its code and its words."""

    def __init__(self, status, code, text):
        super().__init__(f"{status} {code}: {text}")
        self.status = status
        self.code = code


class Client:
    """Speaks AWS JSON 1.0 on one kept connection. One thread."""

    def __init__(self, port, key_id=KEY_ID, secret=SECRET, token=None):
        self.host = f"127.0.0.1:{port}"
        self._signer = Signer(key_id, secret, REGION, token=token)
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.ahead = 0  # seconds by which the service's clock is

    def call(self, action, **parameters):
        """What SQS answers, as a dictionary; an SqsError if it refuses."""
        body = json.dumps(parameters).encode()
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.ahead)
        headers = self._signer.sign({"host": self.host,
                                     "content-type": "application/x-amz-json-1.0",
                                     "x-amz-target": f"AmazonSQS.{action}",
                                     "x-amzn-query-mode": "true"}, body, now)
        status, answer = self._exchange("POST", "/", body, headers)
        if status != 200:
            code = answer.get("__type", "").rpartition("#")[2]
            raise SqsError(status, code, answer.get("message", ""))
        return answer

    def control(self, method, what, body=None):
        """The local SQS' own side door: counters, faults, clock, keys."""
        text = b"" if body is None else json.dumps(body).encode()
        status, answer = self._exchange(method, f"/_control/{what}", text,
                                        {"content-type": "application/json"})
        if status != 200:
            raise SqsError(status, what, answer["error"])
        return answer

    def inside(self, queue):
        """What only the service itself knows: settings, counts, every message and its state."""
        return self.control("GET", f"queue?name={queue}")

    def _exchange(self, method, path, body, headers):
        try:
            return self._once(method, path, body, headers)
        except (http.client.RemoteDisconnected, ConnectionError):
            # A kept connection may have been closed while it was idle.
            self._connection.close()
            return self._once(method, path, body, headers)

    def _once(self, method, path, body, headers):
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else {}

    def close(self):
        self._connection.close()


class Queue:
    """One queue, as a publisher and an onlooker see it."""

    def __init__(self, client, name, url):
        self._client = client
        self.name = name
        self.url = url

    def send(self, bodies, attributes=None):
        """Each body is a message; in tens. attributes: every message's, as SQS takes them."""
        for first in range(0, len(bodies), 10):
            entries = [{"Id": str(number), "MessageBody": body,
                        "MessageAttributes": attributes or {}}
                       for number, body in enumerate(bodies[first:first + 10])]
            answer = self._client.call("SendMessageBatch", QueueUrl=self.url, Entries=entries)
            if answer.get("Failed"):
                raise SqsError(200, "Failed", str(answer["Failed"]))

    def attributes(self):
        return self._client.call("GetQueueAttributes", QueueUrl=self.url,
                                 AttributeNames=["All"])["Attributes"]

    def change(self, **attributes):
        """Sets attributes of the queue."""
        self._client.call("SetQueueAttributes", QueueUrl=self.url, Attributes=attributes)

    def delete(self):
        self._client.call("DeleteQueue", QueueUrl=self.url)

    def counts(self):
        """How many messages are visible, and how many in flight."""
        attributes = self.attributes()
        return (int(attributes["ApproximateNumberOfMessages"]),
                int(attributes["ApproximateNumberOfMessagesNotVisible"]))

    def is_empty(self):
        return self.counts() == (0, 0)

    def inside(self):
        return self._client.inside(self.name)

    def received(self):
        """How often a message was received, all in all."""
        return self.inside()["counts"]["received"]

    def receive(self, visibility=0):
        """Up to ten messages, by default visible again at once."""
        return self._client.call(
            "ReceiveMessage", QueueUrl=self.url, MaxNumberOfMessages=10,
            VisibilityTimeout=visibility, MessageSystemAttributeNames=["All"]).get("Messages", [])


class Sqs:
    """Owns the server process. options: more words for its command line."""

    def __init__(self, lab, keys=(), options=()):
        keys = [f"{KEY_ID}:{SECRET}", *keys]
        words = [word for key in keys for word in ("--key", key)]
        self.process = Process(lab, "sqs-local", [
            lab.program("sqs-local"), "--port", "0", "--region", REGION, "--account", ACCOUNT,
            *words, *options])
        listening = self.process.wait_line(r"listening on (http://127\.0\.0\.1:(\d+))")
        self.endpoint = listening[1]
        self.port = int(listening[2])
        self.client = Client(self.port)

    def create_queue(self, name, visibility=30, dead_letter=None, receives=3, days=4):
        """A queue that keeps messages for so many days; with a dead letter queue, they go there
        after so many receives."""
        attributes = {"VisibilityTimeout": str(visibility),
                      "MessageRetentionPeriod": str(days * 86400)}
        if dead_letter is not None:
            attributes["RedrivePolicy"] = json.dumps({
                "deadLetterTargetArn": dead_letter.attributes()["QueueArn"],
                "maxReceiveCount": receives})
        url = self.client.call("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"]
        return Queue(self.client, name, url)

    def add_key(self, key_id, secret, actions=None, **terms):
        """A key that may do only that. terms: token (that must be there), expired."""
        if actions:
            terms["actions"] = actions
        self.client.control("POST", "keys", {"id": key_id, "secret": secret, **terms})

    def role(self, arn, **terms):
        """A role for the local STS, or other terms for it: actions, seconds (that its keys live),
        external_id, principal (the key that may assume it), web_identity_token (the one accepted),
        expired_web_identity_token. None takes a term away."""
        self.client.control("POST", "roles", {"arn": arn, **terms})

    def metadata(self, **terms):
        """Changes the local metadata service: role (which it then has), actions and seconds of its
        keys; code and message (instead of keys), status (of every answer; 0: as usual),
        hop_limit_exceeded (asking for a token is never answered), same_keys (even when they end),
        token_seconds. None takes a term away. Clients want its address: self.endpoint."""
        self.client.control("POST", "metadata", terms)

    def container(self, name, **terms):
        """Changes what a container's credentials endpoint answers: token (to be sent along),
        actions and seconds of its keys, status, body (instead of keys). Returns the address, as
        ECS has it; with a token, pod_identity_uri is one for the same keys."""
        self.client.control("POST", "container", {"id": name, **terms})
        return f"{self.endpoint}/v2/credentials/{name}"

    @property
    def pod_identity_uri(self):
        return f"{self.endpoint}/v1/credentials"

    def forget_identities(self):
        """No roles, no metadata, no containers any more; keys that they gave stay good."""
        for what in ("roles", "metadata", "container"):
            self.client.control("DELETE", what)

    def advance(self, seconds):
        """Moves the service's time on: visibilities and the lives of issued keys end sooner."""
        self.client.control("POST", "clock", {"advance": seconds})

    def fault(self, **terms):
        """Orders something to go wrong: action, after, count, kind, and what the kind takes."""
        self.client.control("POST", "faults", terms)

    def set_ahead(self, seconds):
        """The service's clock is so far ahead of this machine's, or behind it."""
        self.client.control("POST", "clock", {"skew": seconds})
        self.client.ahead = seconds

    def faults(self):
        """What is still to go wrong, as it was ordered."""
        return self.client.control("GET", "faults")

    def heal(self):
        """No faults any more."""
        self.client.control("DELETE", "faults")

    def keep_journal(self):
        """From now on notes what becomes of every message."""
        self.client.control("POST", "journal", {"on": True})

    def journal(self):
        """The events since it was last asked: what happened, queue, message, job, receives,
        timeout (of an extension, in seconds), when (microseconds of this machine's clock)."""
        taken = self.client.control("GET", "journal")
        if taken["dropped"]:
            raise OverflowError(f"the journal was full: {taken['dropped']} events are not in it")
        return taken["events"]

    def stats(self):
        """{action: {result: how many}} since the start, or since they were forgotten."""
        return self.client.control("GET", "stats")

    def answers(self, action, result="OK"):
        """How often that was answered so; None: at all."""
        results = self.stats().get(action, {})
        return sum(results.values()) if result is None else results.get(result, 0)

    def forget_stats(self):
        self.client.control("DELETE", "stats")

    def close(self):
        self.client.close()
        self.process.stop(signal.SIGTERM)
