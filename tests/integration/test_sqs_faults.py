"""What tests order to go wrong in the local SQS, seen from the wire."""

import email.utils
import http.client
import json
import time

from lab import tap
from lab.botocore_client import SERVICE, Error, Later
from lab.sqs import SqsError
from lab.sqs_case import ATTRIBUTES, Case, setUpModule  # noqa: F401


class AFault(Case):
    def stats(self):
        return self.sqs.stats().get("ReceiveMessage", {})

    def exchange(self, action, **members):
        """A signed request and its whole answer, whatever that is: status, headers, body."""
        body = json.dumps({"QueueUrl": self.url, **members}).encode()
        return self.client.exchange("POST", "/", body, self.client.sign(action, body))

    def begin(self, action, **members):
        """The same on a connection of its own, sent and not yet read."""
        client = self.connect()
        body = json.dumps({"QueueUrl": self.url, **members}).encode()
        client.connection.request("POST", "/", body, client.sign(action, body))
        return client.connection

    def test_hits_the_requests_it_is_for_and_no_others(self):
        self.sqs.fault(action="ReceiveMessage", after=1, count=2, kind="status", status=503,
                          code="ServiceUnavailable", message="come again")
        outcomes = []
        for _ in range(4):
            self.send()
            try:
                self.receive_one()
                outcomes.append(200)
            except Error as error:
                outcomes.append(error.status)
                self.assertEqual((error.type, error.text, error.query_error),
                                 (SERVICE + "ServiceUnavailable", "come again",
                                  "ServiceUnavailable;Receiver"))
        self.assertEqual(outcomes, [200, 503, 503, 200])
        self.assertEqual(self.stats(), {"OK": 2, "fault:status": 2})

    def test_without_an_end_lasts_until_it_is_cleared(self):
        self.sqs.fault(kind="status", status=403, code="RequestThrottled", count=0,
                          query_error="")
        for _ in range(3):
            with self.assertRaises(Error) as caught:
                self.call("ListQueues")
            self.assertIsNone(caught.exception.query_error)
        self.assertEqual(len(self.sqs.client.control("GET", "faults")), 1)
        self.sqs.heal()
        self.call("ListQueues")

    def test_answers_what_is_not_of_the_service(self):
        for status in (200, 503):
            self.sqs.fault(kind="raw", status=status, content_type="text/html",
                              body="<html>Busy</html>")
            body = b"{}"
            answer = self.client.exchange("POST", "/", body, self.client.sign("ListQueues", body))
            self.assertEqual((answer[0], answer[1]["Content-Type"], answer[2]),
                             (status, "text/html", b"<html>Busy</html>"))

    def test_answers_an_empty_body_with_any_status_and_type(self):
        for status, terms, shown in ((200, {"content_type": ""}, None),
                                     (403, {"content_type": "text/xml"}, "text/xml"),
                                     (502, {}, "text/html")):
            self.sqs.fault(kind="raw", status=status, **terms)
            answered, headers, body = self.exchange("ListQueues")
            self.assertEqual((answered, headers["Content-Type"], headers["Content-Length"], body),
                             (status, shown, "0", b""))
        self.call("ListQueues")

    def test_throttles_as_400_and_as_403(self):
        for status, code in ((400, "ThrottlingException"), (403, "RequestThrottled")):
            self.sqs.fault(kind="status", status=status, code=code)
            self.assert_error(status, SERVICE + code, code, self.call, "ListQueues")

    def test_delays_the_action(self):
        self.sqs.fault(action="SendMessage", kind="delay", ms=300)
        sending = Later(self.connect().call, "SendMessage", QueueUrl=self.url,
                        MessageBody="m")
        begun = time.monotonic()
        while self.sqs.client.control("GET", "faults"):
            pass
        self.assertEqual(self.inside()["messages"], [])
        sending.result()
        self.assertGreater(time.monotonic() - begun, 0.25)
        self.receive_one()

    def test_delays_the_answer_to_what_was_done_at_once(self):
        self.sqs.fault(action="SendMessage", kind="late", ms=300)
        sending = Later(self.connect().call, "SendMessage", QueueUrl=self.url,
                        MessageBody="m")
        while not self.inside()["messages"]:
            pass
        self.assertTrue(sending.is_alive())
        sending.result()

    def test_cuts_the_connection_before_or_after_acting(self):
        for kind, n_messages in (("cut-before", 0), ("cut-after", 1)):
            self.sqs.fault(action="SendMessage", kind=kind)
            with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
                self.send()
            self.client.close()
            self.assertEqual(len(self.inside()["messages"]), n_messages)

    def test_cuts_a_long_poll_once_it_has_a_message(self):
        self.sqs.fault(action="ReceiveMessage", kind="cut-after")
        poll = self.later_receive()
        self.send()
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            poll.result(2)
        (message,) = self.inside()["messages"]
        self.assertEqual(message["state"], "in flight")

    def test_truncates_the_answer_to_what_was_done(self):
        self.send("to be deleted")
        handle = self.receive_one()["ReceiptHandle"]
        self.sqs.fault(kind="truncate", count=2)
        for action, members in (("SendMessage", {"MessageBody": "sent"}),
                                ("DeleteMessage", {"ReceiptHandle": handle})):
            with self.begin(action, **members).getresponse() as response:
                said = int(response.headers["Content-Length"])
                with self.assertRaises(http.client.IncompleteRead) as caught:
                    response.read()
            self.assertEqual(len(caught.exception.partial), said // 2)
            self.assertEqual(said > 2, action == "SendMessage")
        (left,) = self.inside()["messages"]
        self.assertEqual(left["body"], "sent")

    def test_garbles_the_answer_to_what_was_done(self):
        self.sqs.fault(kind="garble", count=3)
        _, headers, garbled = self.exchange("ListQueues")
        _, _, empty = self.exchange("PurgeQueue")
        _, _, sent = self.exchange("SendMessage", MessageBody="m")
        _, _, whole = self.exchange("ListQueues")
        self.assertEqual((len(garbled), len(empty)), (len(whole), 2))
        self.assertEqual(headers["Content-Type"], "application/x-amz-json-1.0")
        for body in (garbled, empty, sent):
            with self.assertRaises(ValueError):
                json.loads(body)
        self.receive_one()

    def test_drips_the_body_after_the_head(self):
        self.sqs.fault(kind="drip", ms=3600_000)
        with self.begin("ListQueues").getresponse() as response:
            self.assertEqual(response.status, 200)
        self.sqs.fault(kind="drip", ms=40, bytes=20)
        begun = time.monotonic()
        _, headers, body = self.exchange("ListQueues")
        n_pieces = -(-int(headers["Content-Length"]) // 20)
        self.assertGreater(n_pieces, 2)
        self.assertGreater(time.monotonic() - begun, 0.04 * n_pieces)
        self.assertEqual(json.loads(body), self.call("ListQueues"))

    def test_drips_no_faster_than_one_byte_at_a_time(self):
        self.sqs.fault(kind="drip", ms=20)
        begun = time.monotonic()
        _, headers, _ = self.exchange("ListQueues")
        self.assertGreater(time.monotonic() - begun, 0.02 * int(headers["Content-Length"]))

    def test_swallows_a_request_and_keeps_the_connection_open(self):
        self.sqs.fault(action="SendMessage", kind="black-hole")
        connection = self.begin("SendMessage", MessageBody="m")
        while "SendMessage" not in self.sqs.stats():
            pass
        self.assertEqual(self.sqs.stats()["SendMessage"], {"fault:black-hole": 1})
        self.assertEqual(self.receive(), [])
        connection.sock.setblocking(False)
        with self.assertRaises(BlockingIOError):
            connection.sock.recv(1)
        self.assertEqual(self.sqs.process.stop(), 0)

    def memory(self):
        """The most that the program has ever had, in bytes."""
        with open(f"/proc/{self.sqs.process.pid}/status", encoding="ascii") as status:
            return 1024 * int(status.read().partition("VmHWM:")[2].split()[0])

    def test_answers_more_than_anybody_can_want_and_has_it_in_no_memory(self):
        self.sqs.fault(kind="too-large", bytes=1000)
        body = self.exchange("ReceiveMessage")[2]
        self.assertEqual((len(body), len(json.loads(body)["padding"])), (1000, 986))
        before = self.memory()
        self.sqs.fault(kind="too-large", bytes=64 << 20)
        self.sqs.fault(kind="too-large", bytes=64 << 20, chunked=True)
        for length in (str(64 << 20), None):
            with self.begin("ReceiveMessage").getresponse() as response:
                self.assertEqual(response.headers["Content-Length"], length)
                n_read = 0
                while piece := response.read(1 << 20):
                    n_read += len(piece)
            self.assertEqual(n_read, 64 << 20)
        self.assertLess(self.memory() - before, 8 << 20)

    def test_of_the_date_is_for_one_answer_and_for_no_signature(self):
        self.sqs.fault(kind="date", seconds=-7200)
        for ahead in (-7200, 0):
            status, headers, _ = self.exchange("ListQueues")
            shown = email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
            self.assertEqual(status, 200)
            self.assertLess(abs(shown - time.time() - ahead), 5)

    def test_delivers_the_same_messages_twice(self):
        self.send_many(2)
        self.sqs.fault(kind="twice", action="ReceiveMessage")
        first = self.receive(MaxNumberOfMessages=10)
        self.on_queue("DeleteMessage", ReceiptHandle=first[0]["ReceiptHandle"])
        again = self.receive_one(MaxNumberOfMessages=10, AttributeNames=["All"])
        self.assertEqual((again["MessageId"], again["Body"]),
                         (first[1]["MessageId"], first[1]["Body"]))
        self.assertEqual(again["Attributes"]["ApproximateReceiveCount"], "2")
        self.assertEqual(self.receive(), [])

    def test_delivers_a_duplicate_that_is_another_message(self):
        self.send("m", MessageAttributes=ATTRIBUTES)
        self.sqs.fault(kind="duplicate", action="ReceiveMessage")
        first, second = (self.receive_one(MessageAttributeNames=["All"],
                                          AttributeNames=["ApproximateReceiveCount"])
                         for _ in range(2))
        self.assertEqual(self.receive(), [])
        for message in (first, second):
            message.pop("ReceiptHandle")
        self.assertNotEqual(first.pop("MessageId"), second.pop("MessageId"))
        self.assertEqual(first, second)

    def test_duplicates_what_a_waiting_poll_gets(self):
        self.sqs.fault(kind="duplicate", action="ReceiveMessage")
        poll = self.later_receive()
        self.send()
        self.assertEqual(len(poll.result(2)["Messages"]), 1)
        self.receive_one()

    def test_fails_entries_of_a_batch_without_acting_on_them(self):
        self.sqs.fault(kind="fail-entries", action="SendMessageBatch")
        entries = [{"Id": name, "MessageBody": name} for name in ("a", "b")]
        failed = {"Code": "InternalError", "Message": "ordered by a test", "SenderFault": False}
        self.assertEqual(self.on_queue("SendMessageBatch", Entries=entries),
                         {"Failed": [{"Id": "a", **failed}, {"Id": "b", **failed}]})
        self.assertEqual(self.inside()["messages"], [])
        self.on_queue("SendMessageBatch", Entries=entries)
        terms = {"code": "RequestThrottled", "message": "slowly", "sender_fault": True}
        failed = {"Code": "RequestThrottled", "Message": "slowly", "SenderFault": True}
        handles = [{"Id": m["Body"], "ReceiptHandle": m["ReceiptHandle"], "VisibilityTimeout": 0}
                   for m in self.receive(MaxNumberOfMessages=2)]
        for action in ("ChangeMessageVisibilityBatch", "DeleteMessageBatch"):
            self.sqs.fault(kind="fail-entries", action=action, entries=1, **terms)
            self.assertEqual(self.on_queue(action, Entries=handles),
                             {"Failed": [{"Id": "a", **failed}], "Successful": [{"Id": "b"}]})
        (left,) = self.inside()["messages"]
        self.assertEqual((left["body"], left["state"]), ("a", "in flight"))

    def test_leaves_alone_what_it_cannot_harm(self):
        for kind in ("twice", "duplicate", "fail-entries"):
            self.sqs.fault(kind=kind)
            self.call("ListQueues")
            self.sqs.fault(kind=kind)
            self.assertEqual(self.receive(), [])

    def test_that_makes_no_sense_is_refused(self):
        for terms in ({}, {"kind": "nonsense"}, {"kind": "delay", "secs": 1},
                      {"kind": "status", "after": -1}, {"kind": "drip", "bytes": 0},
                      {"kind": "fail-entries", "entries": 0}, {"kind": "date", "seconds": 1e10},
                      {"kind": "too-large", "chunked": 1}, {"kind": "late", "ms": 86400_001}):
            with self.assertRaises(SqsError) as caught:
                self.sqs.fault(**terms)
            self.assertEqual(caught.exception.status, 400)


if __name__ == "__main__":
    tap.main()
