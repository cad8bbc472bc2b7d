"""The local SQS against what the real one does, asked by two clients that share none of its code.

Expected codes, statuses and digests are those recorded from the service; see tests/sqs-local.
"""

import base64
import datetime
import email.utils
import hashlib
import http.client
import json
import os
import random
import socket
import subprocess
import sys
import time
import unittest
import urllib.parse
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from lab import tap  # noqa: E402
from sqs_local import ACCOUNT, BUILD, KEY, REGION, SECRET, Error, Later, SqsLocal  # noqa: E402

OLD = "AWS.SimpleQueueService."
CORAL = "com.amazon.coral.service#"
SERVICE = "com.amazonaws.sqs#"


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


class AQueue(Case):
    def test_has_the_url_of_its_account_and_name(self):
        self.assertEqual(self.url, f"{self.server.endpoint}/{ACCOUNT}/jobs")
        self.assertEqual(self.call("GetQueueUrl", QueueName="jobs"), {"QueueUrl": self.url})

    def test_that_is_not_there_is_said_so(self):
        for action, members in (("GetQueueUrl", {"QueueName": "nope"}),
                                ("SendMessage", {"QueueUrl": self.url + "x", "MessageBody": "m"}),
                                ("SendMessage", {"MessageBody": "no url at all"})):
            self.assert_error(400, SERVICE + "QueueDoesNotExist", OLD + "NonExistentQueue",
                              self.call, action, **members)

    def test_whose_url_is_none_has_no_address(self):
        self.assert_error(404, SERVICE + "InvalidAddress", "InvalidAddress",
                          self.call, "PurgeQueue", QueueUrl="jobs")

    def test_made_again_is_the_same_unless_what_is_asked_differs(self):
        self.create("jobs", VisibilityTimeout="30")
        self.assertEqual(self.create("jobs"), self.url)
        self.assert_error(400, SERVICE + "QueueNameExists", "QueueAlreadyExists",
                          self.create, "jobs", VisibilityTimeout="31")

    def test_must_have_a_name_of_80_letters_digits_hyphens_underscores(self):
        for name in ("", "a b", "a.b", "a" * 81, "jobs.fifo"):
            self.assert_invalid("CreateQueue", QueueName=name)
            self.assert_invalid("GetQueueUrl", QueueName=name)
        self.create("a" * 80)

    def test_cannot_be_fifo(self):
        self.assert_error(400, SERVICE + "UnsupportedOperation", OLD + "UnsupportedOperation",
                          self.create, "jobs.fifo", FifoQueue="true")
        self.assert_error(400, SERVICE + "InvalidAttributeName", "InvalidAttributeName",
                          self.create, "other", FifoQueue="false")

    def test_shows_its_attributes_and_none_that_are_not_set(self):
        shown = self.attributes()
        for stamp in ("CreatedTimestamp", "LastModifiedTimestamp"):
            self.assertLess(abs(int(shown.pop(stamp)) - time.time()), 5)
        self.assertEqual(shown, {
            "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesDelayed": "0",
            "ApproximateNumberOfMessagesNotVisible": "0", "DelaySeconds": "0",
            "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
            "QueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs",
            "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true",
            "VisibilityTimeout": "30"})
        self.assertEqual(self.on_queue("GetQueueAttributes"), {})
        self.assertEqual(self.attributes("Policy", "FifoQueue", "DelaySeconds"),
                         {"DelaySeconds": "0"})

    def test_refuses_attributes_that_are_unknown_or_out_of_range(self):
        self.assert_error(400, SERVICE + "InvalidAttributeName", "InvalidAttributeName",
                          self.attributes, "Nope")
        self.assert_error(400, SERVICE + "InvalidAttributeName", "InvalidAttributeName",
                          self.set, Nope="1")
        for name, value in (("VisibilityTimeout", "43201"), ("DelaySeconds", "901"),
                            ("MessageRetentionPeriod", "59"), ("MaximumMessageSize", "1023"),
                            ("ReceiveMessageWaitTimeSeconds", "21"), ("DelaySeconds", "1s")):
            self.assert_error(400, SERVICE + "InvalidAttributeValue", "InvalidAttributeValue",
                              self.set, **{name: value})

    def test_keeps_its_settings_whole_when_one_of_the_new_is_bad(self):
        with self.assertRaises(Error):
            self.set(VisibilityTimeout="5", DelaySeconds="nonsense")
        self.assertEqual(self.attributes("VisibilityTimeout"), {"VisibilityTimeout": "30"})

    def test_shows_when_it_was_last_changed(self):
        created = int(self.attributes("CreatedTimestamp")["CreatedTimestamp"])
        self.server.advance(100)
        self.set(DelaySeconds="1")
        changed = int(self.attributes("LastModifiedTimestamp")["LastModifiedTimestamp"])
        self.assertIn(changed - created, (100, 101))
        self.assertEqual(int(self.attributes("CreatedTimestamp")["CreatedTimestamp"]), created)

    def test_is_listed_by_prefix_and_in_pages(self):
        for i in range(3):
            self.create(f"other-{i}")
        self.assertEqual(len(self.call("ListQueues")["QueueUrls"]), 4)
        self.assertEqual(self.call("ListQueues", QueueNamePrefix="zzz"), {})
        first = self.call("ListQueues", QueueNamePrefix="other", MaxResults=2)
        second = self.call("ListQueues", QueueNamePrefix="other", MaxResults=2,
                           NextToken=first["NextToken"])
        names = [url.rpartition("/")[2] for url in first["QueueUrls"] + second["QueueUrls"]]
        self.assertEqual(names, ["other-0", "other-1", "other-2"])
        self.assertNotIn("NextToken", second)

    def test_is_purged_of_everything_but_once_a_minute(self):
        self.send_many(3)
        self.receive_one()
        self.assertIsNone(self.on_queue("PurgeQueue"))
        self.assertEqual(self.server.queue("jobs")["messages"], [])
        self.assert_error(403, SERVICE + "PurgeQueueInProgress", OLD + "PurgeQueueInProgress",
                          self.on_queue, "PurgeQueue")
        self.server.advance(60)
        self.on_queue("PurgeQueue")

    def test_is_gone_after_its_deletion_and_polls_learn_it(self):
        poll = self.later_receive()
        self.assertIsNone(self.on_queue("DeleteQueue"))
        self.assert_error(400, SERVICE + "QueueDoesNotExist", OLD + "NonExistentQueue",
                          poll.result)
        self.assertEqual(self.create("jobs"), self.url)

    def test_with_the_same_name_may_have_to_wait_a_minute(self):
        with SqsLocal("--recreate-after", "60") as server:
            client = server.client()
            url = client.call("CreateQueue", QueueName="q")["QueueUrl"]
            client.call("DeleteQueue", QueueUrl=url)
            self.assert_error(400, SERVICE + "QueueDeletedRecently", OLD + "QueueDeletedRecently",
                              client.call, "CreateQueue", QueueName="q")
            server.advance(60)
            client.call("CreateQueue", QueueName="q")


class ASentMessage(Case):
    def test_is_answered_with_its_id_and_digest(self):
        answer = self.send("größe ✓")
        self.assertEqual(answer["MD5OfMessageBody"],
                         hashlib.md5("größe ✓".encode()).hexdigest())
        self.assertEqual(set(answer), {"MessageId", "MD5OfMessageBody"})

    def test_comes_out_as_it_went_in(self):
        body = '{"quote": "\\"", "line":\t"\\n", "far": "\U0001F600"}\r\n'
        sent = self.send(body)
        message = self.receive_one()
        self.assertEqual(message["Body"], body)
        self.assertEqual(message["MessageId"], sent["MessageId"])
        self.assertEqual(message["MD5OfBody"], sent["MD5OfMessageBody"])
        self.assertEqual(set(message), {"Body", "MessageId", "MD5OfBody", "ReceiptHandle"})

    def test_must_not_be_empty(self):
        self.assert_missing("SendMessage", QueueUrl=self.url)
        self.assert_missing("SendMessage", QueueUrl=self.url, MessageBody="")

    def test_may_have_xml_characters_only(self):
        for bad in ("\0", "a\x0bb", "\ufffe", "\uffff"):
            self.assert_error(400, SERVICE + "InvalidMessageContents", "InvalidMessageContents",
                              self.send, bad)
        self.send("\t\n\r \ud7ff\ue000\ufffd\U0010ffff")

    def test_is_limited_in_size_with_its_attributes(self):
        self.set(MaximumMessageSize="1024")
        attribute = {"n": {"DataType": "String", "StringValue": "v"}}  # 8 bytes
        self.send("x" * 1024)
        self.send("x" * 1016, MessageAttributes=attribute)
        self.assert_invalid("SendMessage", QueueUrl=self.url, MessageBody="x" * 1025)
        self.assert_invalid("SendMessage", QueueUrl=self.url, MessageBody="x" * 1017,
                            MessageAttributes=attribute)
        self.assert_invalid("SendMessage", QueueUrl=self.url, MessageBody="é" * 513)

    def test_of_a_mebibyte_of_escapes_passes(self):
        body = '"\t' * (1 << 19)
        self.send(body)
        self.assertEqual(self.receive_one()["Body"], body)

    def test_appears_after_its_delay_or_the_queues(self):
        self.send("later", DelaySeconds=10)
        self.set(DelaySeconds="20")
        self.send("latest")
        self.assertEqual(self.attributes("ApproximateNumberOfMessagesDelayed"),
                         {"ApproximateNumberOfMessagesDelayed": "2"})
        self.assertEqual(self.receive(), [])
        self.server.advance(10)
        self.assertEqual(self.receive_one()["Body"], "later")
        self.server.advance(10)
        self.assertEqual(self.receive_one()["Body"], "latest")
        self.assert_invalid("SendMessage", QueueUrl=self.url, MessageBody="m", DelaySeconds=901)

    def test_among_many_appears_in_the_second_that_is_its_own(self):
        seconds = list(range(1, 61))
        random.Random(3).shuffle(seconds)
        for delay in seconds:
            self.send(str(delay), DelaySeconds=delay)
        for second in range(1, 61):
            self.server.advance(1)
            message = self.receive_one()
            self.assertEqual(message["Body"], str(second))
            if second % 3:  # the others go on being hidden among those that are delayed
                self.on_queue("DeleteMessage", ReceiptHandle=message["ReceiptHandle"])
            else:
                self.on_queue("ChangeMessageVisibility", VisibilityTimeout=40000,
                              ReceiptHandle=message["ReceiptHandle"])

    def test_is_forgotten_after_the_retention_in_flight_or_not(self):
        self.set(MessageRetentionPeriod="60")
        self.send_many(2)
        self.receive_one(VisibilityTimeout=1000)
        self.server.advance(60)
        dump = self.server.queue("jobs")
        self.assertEqual((dump["messages"], dump["counts"]["expired"]), ([], 2))

    def test_may_name_a_tenant_but_no_deduplication(self):
        self.send(MessageGroupId="tenant")
        message = self.receive_one(MessageSystemAttributeNames=["All"])
        self.assertEqual(message["Attributes"]["MessageGroupId"], "tenant")
        self.assert_invalid("SendMessage", QueueUrl=self.url, MessageBody="m",
                            MessageDeduplicationId="d")

    def test_may_carry_a_trace_header(self):
        header = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-2-3"}}
        self.assertIn("MD5OfMessageSystemAttributes", self.send(MessageSystemAttributes=header))
        message = self.receive_one(AttributeNames=["AWSTraceHeader"])
        self.assertEqual(message["Attributes"], {"AWSTraceHeader": "Root=1-2-3"})


class MessageAttributes(Case):
    GIVEN = {"color": {"DataType": "String", "StringValue": "blue"},
             "count": {"DataType": "Number", "StringValue": "3"},
             "blob": {"DataType": "Binary",
                      "BinaryValue": base64.b64encode(b"\1\2\3").decode()}}
    MD5_ALL = "d838729972a4b70e2d2acd9d59ac847c"
    MD5_COLOR = "da1b33cc3cbfe8b1630921e78e6b9880"

    def test_are_digested_as_the_service_does(self):
        answer = self.send(MessageAttributes=self.GIVEN)
        self.assertEqual(answer["MD5OfMessageAttributes"], self.MD5_ALL)

    def test_come_back_only_as_far_as_asked_for_and_so_does_the_digest(self):
        self.send(MessageAttributes=self.GIVEN)
        color = {"color": self.GIVEN["color"]}
        for names, expected, md5 in ((["All"], self.GIVEN, self.MD5_ALL),
                                     ([".*"], self.GIVEN, self.MD5_ALL),
                                     (["color"], color, self.MD5_COLOR),
                                     (["col.*"], color, self.MD5_COLOR),
                                     (["none"], None, None), ([], None, None)):
            message = self.receive_one(MessageAttributeNames=names, VisibilityTimeout=0)
            self.assertEqual(message.get("MessageAttributes"), expected)
            self.assertEqual(message.get("MD5OfMessageAttributes"), md5)

    def test_are_refused_with_bad_names_types_or_values(self):
        good = {"DataType": "String", "StringValue": "v"}
        for name in ("AWS.x", "amazon.x", ".x", "x.", "x..y", "x y", "", "x" * 257):
            self.assert_invalid("SendMessage", QueueUrl=self.url, MessageBody="m",
                                MessageAttributes={name: good})
        for bad in ({}, {"DataType": "Text", "StringValue": "v"}, {"DataType": "String"},
                    {"DataType": "Number", "StringValue": "three"},
                    {"DataType": "String", "StringValue": "\1"}):
            self.assert_invalid("SendMessage", QueueUrl=self.url, MessageBody="m",
                                MessageAttributes={"n": bad})
        self.assert_invalid("SendMessage", QueueUrl=self.url, MessageBody="m",
                            MessageAttributes={f"n{i}": good for i in range(11)})

    def test_cannot_be_lists(self):
        for kind in ("String", "Binary"):
            self.assert_error(
                400, SERVICE + "UnsupportedOperation", OLD + "UnsupportedOperation", self.send,
                MessageAttributes={"n": {"DataType": kind, kind + "ListValues": ["v"]}})


class AReceive(Case):
    def test_of_nothing_answers_an_empty_object(self):
        self.assertEqual(self.on_queue("ReceiveMessage"), {})

    def test_gives_one_message_by_default_and_ten_at_most(self):
        self.send_many(12)
        self.assertEqual(len(self.receive()), 1)
        self.assertEqual(len(self.receive(MaxNumberOfMessages=10)), 10)

    def test_refuses_numbers_out_of_range_and_of_another_type(self):
        for members in ({"MaxNumberOfMessages": 0}, {"MaxNumberOfMessages": 11},
                        {"WaitTimeSeconds": 21}, {"VisibilityTimeout": 43201},
                        {"WaitTimeSeconds": -1}):
            self.assert_invalid("ReceiveMessage", QueueUrl=self.url, **members)
        self.assert_error(400, CORAL + "SerializationException", "MalformedInput",
                          self.receive, MaxNumberOfMessages="10")

    def test_shows_the_system_attributes_asked_for_by_either_name(self):
        self.send()
        names = {"ApproximateReceiveCount", "SentTimestamp"}
        message = self.receive_one(VisibilityTimeout=0, AttributeNames=["SentTimestamp"],
                                   MessageSystemAttributeNames=["ApproximateReceiveCount"])
        self.assertEqual(set(message["Attributes"]), names)
        everything = self.receive_one(MessageSystemAttributeNames=["All"])["Attributes"]
        self.assertEqual(set(everything),
                         names | {"SenderId", "ApproximateFirstReceiveTimestamp"})
        self.assertEqual(everything["ApproximateReceiveCount"], "2")
        self.assertLess(abs(int(everything["SentTimestamp"]) / 1000 - time.time()), 5)
        self.assert_error(400, SERVICE + "InvalidAttributeName", "InvalidAttributeName",
                          self.receive, AttributeNames=["SendTimestamp"])

    def test_hides_the_message_until_its_visibility_ends(self):
        self.send()
        self.receive_one(VisibilityTimeout=10)
        self.assertEqual(self.receive(), [])
        self.server.advance(9.9)
        self.assertEqual(self.receive(), [])
        self.server.advance(0.1)
        self.receive_one()
        self.server.advance(30)
        self.receive_one()


class AReceiveAtTheLimit(Case):
    options = ("--full-batches", "--in-flight-max", "15")

    def test_of_messages_in_flight_is_refused_or_waits(self):
        self.send_many(16)
        taken = [self.receive(MaxNumberOfMessages=10) for _ in range(2)]
        self.assertEqual([len(messages) for messages in taken], [10, 5])
        self.assert_error(403, SERVICE + "OverLimit", "OverLimit", self.receive)
        poll = self.later_receive()
        self.on_queue("DeleteMessage", ReceiptHandle=taken[0][0]["ReceiptHandle"])
        self.assertEqual(len(poll.result(2)["Messages"]), 1)


class AReceiptHandle(Case):
    def test_deletes_its_message_and_may_do_so_twice(self):
        self.send()
        handle = self.receive_one()["ReceiptHandle"]
        for _ in range(2):
            self.assertIsNone(self.on_queue("DeleteMessage", ReceiptHandle=handle))
        counts = self.server.queue("jobs")["counts"]
        self.assertEqual((counts["deleted"], counts["deleted_stale"]), (1, 1))

    def test_still_deletes_after_the_visibility_ended(self):
        self.send()
        handle = self.receive_one(VisibilityTimeout=1)["ReceiptHandle"]
        self.server.advance(5)
        self.on_queue("DeleteMessage", ReceiptHandle=handle)
        self.assertEqual(self.server.queue("jobs")["messages"], [])

    def test_of_an_earlier_receive_succeeds_without_effect(self):
        self.send()
        old = self.receive_one(VisibilityTimeout=0)["ReceiptHandle"]
        new = self.receive_one(VisibilityTimeout=60)["ReceiptHandle"]
        self.assertNotEqual(old, new)
        self.on_queue("DeleteMessage", ReceiptHandle=old)
        self.on_queue("ChangeMessageVisibility", ReceiptHandle=old, VisibilityTimeout=0)
        (message,) = self.server.queue("jobs")["messages"]
        self.assertEqual(message["state"], "in flight")
        self.on_queue("DeleteMessage", ReceiptHandle=new)
        self.assertEqual(self.server.queue("jobs")["messages"], [])

    def test_that_is_garbage_or_of_another_queue_is_invalid(self):
        self.send()
        handle = self.receive_one()["ReceiptHandle"]
        other = self.create("other")
        flipped = handle[:40] + ("A" if handle[40] != "A" else "B") + handle[41:]
        for url, bad in ((self.url, "garbage"), (self.url, "x" + "é" * 600),
                         (self.url, handle[:-4]), (self.url, flipped), (other, handle)):
            for action in ("DeleteMessage", "ChangeMessageVisibility"):
                self.assert_error(404, SERVICE + "ReceiptHandleIsInvalid",
                                  "ReceiptHandleIsInvalid", self.call, action, QueueUrl=url,
                                  ReceiptHandle=bad, VisibilityTimeout=0)
        self.assert_missing("DeleteMessage", QueueUrl=self.url)

    def test_extends_shortens_and_gives_back(self):
        self.send()
        handle = self.receive_one(VisibilityTimeout=10)["ReceiptHandle"]
        self.on_queue("ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout=60)
        self.server.advance(30)
        self.assertEqual(self.receive(), [])
        self.on_queue("ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout=5)
        self.server.advance(5)
        handle = self.receive_one()["ReceiptHandle"]
        self.on_queue("ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout=0)
        self.receive_one()
        self.assert_missing("ChangeMessageVisibility", QueueUrl=self.url, ReceiptHandle=handle)
        self.assert_invalid("ChangeMessageVisibility", QueueUrl=self.url, ReceiptHandle=handle,
                            VisibilityTimeout=43201)

    def test_hides_a_message_again_whose_visibility_has_ended(self):
        self.send()
        handle = self.receive_one(VisibilityTimeout=1)["ReceiptHandle"]
        self.server.advance(5)
        self.on_queue("ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout=60)
        self.assertEqual(self.receive(), [])

    def test_cannot_hide_a_message_beyond_12_hours_from_its_receive(self):
        self.send()
        handle = self.receive_one(VisibilityTimeout=43200)["ReceiptHandle"]
        self.on_queue("ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout=43195)
        self.server.advance(3600)
        error = self.assert_invalid("ChangeMessageVisibility", QueueUrl=self.url,
                                    ReceiptHandle=handle, VisibilityTimeout=39601)
        self.assertIn("Total VisibilityTimeout for the message is beyond the limit", error.text)


class ABatch(Case):
    def test_of_messages_answers_each_by_its_id(self):
        answer = self.on_queue("SendMessageBatch", Entries=[
            {"Id": "ok", "MessageBody": "fine"}, {"Id": "bad", "MessageBody": "\1"}])
        (sent,), (failed,) = answer["Successful"], answer["Failed"]
        self.assertEqual((sent["Id"], sent["MD5OfMessageBody"]),
                         ("ok", hashlib.md5(b"fine").hexdigest()))
        self.assertEqual((failed["Id"], failed["Code"], failed["SenderFault"]),
                         ("bad", "InvalidMessageContents", True))

    def test_leaves_out_the_list_that_would_be_empty(self):
        answer = self.on_queue("SendMessageBatch", Entries=[{"Id": "a", "MessageBody": "m"}])
        self.assertEqual(list(answer), ["Successful"])
        answer = self.on_queue("DeleteMessageBatch", Entries=[{"Id": "a", "ReceiptHandle": "x"}])
        self.assertEqual(list(answer), ["Failed"])

    def test_of_handles_deletes_and_changes_those_that_are_good(self):
        self.send_many(2)
        first, second = self.receive(MaxNumberOfMessages=2)
        entries = [{"Id": "a", "ReceiptHandle": first["ReceiptHandle"], "VisibilityTimeout": 0},
                   {"Id": "b", "ReceiptHandle": "garbage", "VisibilityTimeout": 0}]
        for action in ("ChangeMessageVisibilityBatch", "DeleteMessageBatch"):
            answer = self.on_queue(action, Entries=entries)
            self.assertEqual(answer["Successful"], [{"Id": "a"}])
            (failed,) = answer["Failed"]
            self.assertEqual((failed["Id"], failed["Code"]), ("b", "ReceiptHandleIsInvalid"))
        (left,) = self.server.queue("jobs")["messages"]
        self.assertEqual(left["message_id"], second["MessageId"])

    def test_has_one_to_ten_entries_with_ids_of_their_own(self):
        for action in ("SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"):
            for name, ids in (("EmptyBatchRequest", ()),
                              ("TooManyEntriesInBatchRequest", range(11)),
                              ("BatchEntryIdsNotDistinct", "aa"),
                              ("InvalidBatchEntryId", ("a b",)), ("InvalidBatchEntryId", ("",)),
                              ("InvalidBatchEntryId", ("a" * 81,))):
                self.assert_error(
                    400, SERVICE + name, OLD + name, self.on_queue, action,
                    Entries=[{"Id": str(i), "MessageBody": "m"} for i in ids])

    def test_is_limited_to_a_mebibyte_in_all(self):
        entries = [{"Id": str(i), "MessageBody": "x" * (1 << 19)} for i in range(2)]
        self.on_queue("SendMessageBatch", Entries=entries)
        entries.append({"Id": "more", "MessageBody": "x"})
        self.assert_error(400, SERVICE + "BatchRequestTooLong", OLD + "BatchRequestTooLong",
                          self.on_queue, "SendMessageBatch", Entries=entries)


class Polls(Case):
    def gone_poll(self):
        """A long poll whose client has closed the connection."""
        client = self.server.client()
        body = json.dumps({"QueueUrl": self.url, "WaitTimeSeconds": 20}).encode()
        client.connection.request("POST", "/", body, client.sign("ReceiveMessage", body))
        self.await_waiting(1)
        client.close()
        self.await_waiting(0)


class ALongPoll(Polls):
    def test_is_answered_when_a_message_is_sent(self):
        poll = self.later_receive()
        sent = self.send()
        self.assertEqual(poll.result(2)["Messages"][0]["MessageId"], sent["MessageId"])

    def test_is_answered_when_a_delay_ends(self):
        poll = self.later_receive()
        self.send(DelaySeconds=1)
        begun = time.monotonic()
        self.assertEqual(len(poll.result(3)["Messages"]), 1)
        self.assertGreater(time.monotonic() - begun, 0.9)

    def test_is_answered_when_a_visibility_timeout_ends(self):
        self.send()
        self.receive_one(VisibilityTimeout=1)
        self.assertEqual(len(self.later_receive().result(3)["Messages"]), 1)

    def test_is_answered_when_a_message_is_given_back(self):
        self.send()
        handle = self.receive_one()["ReceiptHandle"]
        poll = self.later_receive()
        self.on_queue("ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout=0)
        self.assertEqual(len(poll.result(2)["Messages"]), 1)

    def test_on_a_dead_letter_queue_is_answered_when_a_poll_of_its_source_moves_a_message(self):
        source = self.create("source", RedrivePolicy=json.dumps({
            "deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs",
            "maxReceiveCount": 1}))
        self.call("SendMessage", QueueUrl=source, MessageBody="poison")
        (message,) = self.call("ReceiveMessage", QueueUrl=source)["Messages"]
        poll = self.later_receive()
        Later(self.server.client().call, "ReceiveMessage", QueueUrl=source, WaitTimeSeconds=20)
        self.await_waiting(1, "source")
        self.call("ChangeMessageVisibility", QueueUrl=source, VisibilityTimeout=0,
                  ReceiptHandle=message["ReceiptHandle"])
        self.assertEqual(poll.result(2)["Messages"][0]["Body"], "poison")

    def test_without_a_message_ends_empty_after_its_time_or_the_queues(self):
        self.set(ReceiveMessageWaitTimeSeconds="1")
        begun, burnt = time.monotonic(), self.server.processor_seconds()
        self.assertEqual(self.on_queue("ReceiveMessage"), {})
        self.assertGreater(time.monotonic() - begun, 0.95)
        self.assertLess(self.server.processor_seconds() - burnt, 0.1)
        self.assertEqual(self.on_queue("ReceiveMessage", WaitTimeSeconds=0), {})

    def test_shares_what_is_sent_with_the_others(self):
        polls = [self.later_receive() for _ in range(5)]
        self.send_many(5)
        received = [poll.result(2)["Messages"] for poll in polls]
        self.assertEqual(len({m["MessageId"] for ms in received for m in ms}), 5)

    def test_of_a_client_that_is_gone_gets_no_message(self):
        self.gone_poll()
        self.send()
        self.receive_one()
        self.assertEqual(self.server.stats()["ReceiveMessage"], {"gone": 1, "OK": 1})


class ALongPollToStrand(Polls):
    options = ("--full-batches", "--strand")

    def test_of_a_client_that_is_gone_hides_a_message(self):
        self.gone_poll()
        self.send()
        self.assertEqual(self.receive(), [])
        (message,) = self.server.queue("jobs")["messages"]
        self.assertEqual((message["state"], message["receives"]), ("in flight", 1))


class Redrive(Case):
    def setUp(self):
        super().setUp()
        self.dead = self.create("dead")
        self.dead_arn = self.attributes("QueueArn", url=self.dead)["QueueArn"]

    def policy(self, **members):
        return json.dumps({"deadLetterTargetArn": self.dead_arn, "maxReceiveCount": 3, **members})

    def test_moves_a_message_after_its_last_receive(self):
        self.set(RedrivePolicy=self.policy())
        self.send("poison", MessageAttributes=MessageAttributes.GIVEN)
        for count in "123":
            message = self.receive_one(VisibilityTimeout=0, AttributeNames=["All"])
            self.assertEqual(message["Attributes"]["ApproximateReceiveCount"], count)
        self.assertEqual(self.receive(), [])
        moved = self.call("ReceiveMessage", QueueUrl=self.dead, AttributeNames=["All"],
                          MessageAttributeNames=["All"])["Messages"][0]
        self.assertEqual((moved["MessageId"], moved["Body"]), (message["MessageId"], "poison"))
        self.assertEqual(moved["MessageAttributes"], MessageAttributes.GIVEN)
        shown = moved["Attributes"]
        self.assertEqual(shown["ApproximateReceiveCount"], "4")
        self.assertEqual(shown["SentTimestamp"], message["Attributes"]["SentTimestamp"])
        self.assertEqual(shown["DeadLetterQueueSourceArn"],
                         f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs")
        self.assertEqual(self.server.queue("jobs")["counts"]["dead_lettered"], 1)

    def test_makes_handles_from_before_the_move_powerless(self):
        self.set(RedrivePolicy=self.policy(maxReceiveCount=1))
        self.send()
        handle = self.receive_one(VisibilityTimeout=0)["ReceiptHandle"]
        self.assertEqual(self.receive(), [])
        self.on_queue("DeleteMessage", ReceiptHandle=handle)
        self.assertEqual(len(self.server.queue("dead")["messages"]), 1)

    def test_goes_on_counting_the_age_in_the_dead_letter_queue(self):
        self.set(RedrivePolicy=self.policy(maxReceiveCount=1))
        self.set(url=self.dead, MessageRetentionPeriod="60")
        self.send("old")
        self.server.advance(50)
        self.call("SendMessage", QueueUrl=self.dead, MessageBody="young")
        self.receive_one(VisibilityTimeout=0)
        self.receive()
        self.server.advance(10)
        (left,) = self.server.queue("dead")["messages"]
        self.assertEqual(left["body"], "young")

    def test_is_shown_as_compact_json_and_removed_by_an_empty_text(self):
        self.set(RedrivePolicy=json.dumps({"maxReceiveCount": "3",
                                           "deadLetterTargetArn": self.dead_arn}, indent=2))
        self.assertEqual(self.attributes("RedrivePolicy")["RedrivePolicy"],
                         f'{{"deadLetterTargetArn":"{self.dead_arn}","maxReceiveCount":3}}')
        self.assertEqual(self.call("ListDeadLetterSourceQueues", QueueUrl=self.dead),
                         {"queueUrls": [self.url]})
        self.set(RedrivePolicy="")
        self.assertEqual(self.attributes("RedrivePolicy"), {})
        self.assertEqual(self.call("ListDeadLetterSourceQueues", QueueUrl=self.dead), {})

    def test_policy_must_be_whole_and_its_target_there(self):
        for policy in ("nonsense", "{}", self.policy(maxReceiveCount=0),
                       self.policy(maxReceiveCount=1001),
                       self.policy(deadLetterTargetArn=self.dead_arn + "x")):
            self.assert_invalid("SetQueueAttributes", QueueUrl=self.url,
                                Attributes={"RedrivePolicy": policy})

    def test_can_be_forbidden_by_the_dead_letter_queue(self):
        arn = self.attributes("QueueArn")["QueueArn"]
        for allow, allowed in (({"redrivePermission": "denyAll"}, False),
                               ({"redrivePermission": "allowAll"}, True),
                               ({"redrivePermission": "byQueue", "sourceQueueArns": [arn]}, True),
                               ({"redrivePermission": "byQueue",
                                 "sourceQueueArns": [arn + "x"]}, False)):
            self.set(url=self.dead, RedriveAllowPolicy=json.dumps(allow))
            if allowed:
                self.set(RedrivePolicy=self.policy())
            else:
                self.assert_invalid("SetQueueAttributes", QueueUrl=self.url,
                                    Attributes={"RedrivePolicy": self.policy()})
        for bad in ({}, {"redrivePermission": "byQueue"}, {"redrivePermission": "some"},
                    {"redrivePermission": "allowAll", "sourceQueueArns": [arn]}):
            self.assert_invalid("SetQueueAttributes", QueueUrl=self.dead,
                                Attributes={"RedriveAllowPolicy": json.dumps(bad)})


    def test_names_its_sources_in_pages(self):
        sources = [self.create(f"source-{i}", RedrivePolicy=self.policy()) for i in range(3)]
        self.create("another")
        first = self.call("ListDeadLetterSourceQueues", QueueUrl=self.dead, MaxResults=2)
        second = self.call("ListDeadLetterSourceQueues", QueueUrl=self.dead, MaxResults=2,
                           NextToken=first["NextToken"])
        self.assertEqual(first["queueUrls"] + second["queueUrls"], sources)
        self.assertNotIn("NextToken", second)
        self.assertEqual(self.call("ListDeadLetterSourceQueues", QueueUrl=self.dead),
                         {"queueUrls": sources})
        for number in (0, 1001):
            self.assert_invalid("ListDeadLetterSourceQueues", QueueUrl=self.dead,
                                MaxResults=number)


class AMoveTask(Case):
    NOT_FOUND = (404, SERVICE + "ResourceNotFoundException", "ResourceNotFoundException")

    def setUp(self):
        super().setUp()
        self.dead = self.create("dead")
        self.arn = self.arn_of("dead")
        self.server.control("POST", "clock", {"stopped": True})
        self.set(RedrivePolicy=json.dumps({"deadLetterTargetArn": self.arn, "maxReceiveCount": 1}))

    def arn_of(self, name):
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def bury(self, n, source=None):
        """Sends so many messages, and has them received once too often."""
        url = source or self.url
        for i in range(n):
            self.call("SendMessage", QueueUrl=url, MessageBody=f"dead {i}",
                      MessageAttributes=MessageAttributes.GIVEN)
            self.call("ReceiveMessage", QueueUrl=url, VisibilityTimeout=0)
            self.assertEqual(self.call("ReceiveMessage", QueueUrl=url), {})

    def start(self, **members):
        """The task's handle."""
        return self.call("StartMessageMoveTask", SourceArn=self.arn, **members)["TaskHandle"]

    def tasks(self, **members):
        return self.call("ListMessageMoveTasks", SourceArn=self.arn, **members)["Results"]

    def task(self):
        """The newest."""
        (task,) = self.tasks()
        return task

    def visible(self, name):
        return [m["body"] for m in self.server.queue(name)["messages"]]

    def test_brings_messages_back_to_where_they_came_from(self):
        other = self.create("other", RedrivePolicy=json.dumps(
            {"deadLetterTargetArn": self.arn, "maxReceiveCount": 1}))
        self.bury(2)
        self.bury(1, source=other)
        self.start()
        task = self.task()
        self.assertLess(abs(task.pop("StartedTimestamp") / 1000 - time.time()), 5)
        self.assertEqual(task, {
            "Status": "COMPLETED", "SourceArn": self.arn, "ApproximateNumberOfMessagesMoved": 3,
            "ApproximateNumberOfMessagesToMove": 3})
        self.assertEqual(self.visible("jobs"), ["dead 0", "dead 1"])
        self.assertEqual(self.visible("other"), ["dead 0"])
        self.assertEqual(self.visible("dead"), [])

    def test_brings_them_back_as_new_messages_with_what_they_held(self):
        sent = self.send(MessageAttributes=MessageAttributes.GIVEN, MessageGroupId="tenant")
        self.receive_one(VisibilityTimeout=0)
        self.assertEqual(self.receive(), [])
        self.server.advance(100)
        self.start()
        message = self.receive_one(AttributeNames=["All"], MessageAttributeNames=["All"])
        self.assertNotEqual(message["MessageId"], sent["MessageId"])
        self.assertEqual((message["Body"], message["MessageAttributes"]),
                         ("hello", MessageAttributes.GIVEN))
        shown = message["Attributes"]
        self.assertEqual((shown["ApproximateReceiveCount"], shown["MessageGroupId"]),
                         ("1", "tenant"))
        self.assertNotIn("DeadLetterQueueSourceArn", shown)
        self.assertGreater(int(shown["SentTimestamp"]) / 1000, time.time() + 90)

    def test_answers_a_poll_that_waits_for_what_it_moves(self):
        self.bury(1)
        poll = self.later_receive()
        self.start()
        self.assertEqual(poll.result(2)["Messages"][0]["Body"], "dead 0")

    def test_may_move_to_another_queue_what_came_from_none(self):
        self.create("elsewhere")
        self.call("SendMessage", QueueUrl=self.dead, MessageBody="sent there")
        self.start(DestinationArn=self.arn_of("elsewhere"))
        self.assertEqual(self.task()["DestinationArn"], self.arn_of("elsewhere"))
        self.assertEqual(self.visible("elsewhere"), ["sent there"])

    def test_leaves_what_is_in_flight(self):
        self.bury(2)
        self.call("ReceiveMessage", QueueUrl=self.dead)
        self.start()
        task = self.task()
        self.assertEqual((task["ApproximateNumberOfMessagesToMove"], task["Status"]),
                         (1, "COMPLETED"))
        self.assertEqual(self.visible("dead"), ["dead 0"])

    def test_fails_at_a_message_that_came_from_no_queue(self):
        self.bury(1)
        self.call("SendMessage", QueueUrl=self.dead, MessageBody="sent there")
        self.start()
        task = self.task()
        self.assertEqual((task["Status"], task["FailureReason"]),
                         ("FAILED", "CouldNotDetermineMessageSource"))
        self.assertEqual(task["ApproximateNumberOfMessagesMoved"], 1)
        self.assertEqual(self.visible("dead"), ["sent there"])

    def test_fails_when_the_queue_that_it_moves_to_goes(self):
        self.create("elsewhere")
        self.bury(2)
        self.start(DestinationArn=self.arn_of("elsewhere"), MaxNumberOfMessagesPerSecond=1)
        self.call("DeleteQueue", QueueUrl=self.url.replace("jobs", "elsewhere"))
        self.server.advance(1)
        task = self.task()
        self.assertEqual((task["Status"], task["FailureReason"]),
                         ("FAILED", OLD + "NonExistentQueue"))
        self.assertEqual(len(self.visible("dead")), 2)

    def test_fails_when_its_own_queue_goes(self):
        self.bury(1)
        self.start(MaxNumberOfMessagesPerSecond=1)
        self.call("DeleteQueue", QueueUrl=self.dead)
        self.server.advance(1)
        self.create("dead")
        self.assertEqual(self.task()["FailureReason"], OLD + "NonExistentQueue")

    def test_keeps_its_pace(self):
        self.bury(4)
        handle = self.start(MaxNumberOfMessagesPerSecond=2)
        task = self.task()
        self.assertEqual(
            (task["Status"], task["TaskHandle"], task["MaxNumberOfMessagesPerSecond"],
             task["ApproximateNumberOfMessagesMoved"]), ("RUNNING", handle, 2, 0))
        self.server.advance(0.5)
        self.assertEqual(self.visible("jobs"), ["dead 0"])
        self.server.advance(1)
        self.assertEqual(self.task()["ApproximateNumberOfMessagesMoved"], 3)
        self.server.advance(0.5)
        self.assertEqual(self.task()["Status"], "COMPLETED")

    def test_goes_on_by_itself(self):
        self.server.control("POST", "clock", {"stopped": False})
        self.bury(1)
        poll = self.later_receive()
        self.start(MaxNumberOfMessagesPerSecond=5)
        self.assertEqual(poll.result(2)["Messages"][0]["Body"], "dead 0")

    def test_is_cancelled_after_the_message_that_it_is_at(self):
        self.bury(3)
        handle = self.start(MaxNumberOfMessagesPerSecond=1)
        self.server.advance(1)
        self.assertEqual(self.call("CancelMessageMoveTask", TaskHandle=handle),
                         {"ApproximateNumberOfMessagesMoved": 1})
        self.assertEqual(self.task()["Status"], "CANCELLING")
        self.assert_invalid("StartMessageMoveTask", SourceArn=self.arn)
        self.server.advance(1)
        task = self.task()
        self.assertEqual((task["Status"], task["ApproximateNumberOfMessagesMoved"]),
                         ("CANCELLED", 1))
        self.assertNotIn("TaskHandle", task)
        self.assertEqual(len(self.visible("dead")), 2)
        self.assert_error(*self.NOT_FOUND, self.call, "CancelMessageMoveTask", TaskHandle=handle)

    def test_is_the_only_one_of_its_source_that_runs(self):
        self.bury(1)
        self.start(MaxNumberOfMessagesPerSecond=1)
        error = self.assert_invalid("StartMessageMoveTask", SourceArn=self.arn)
        self.assertIn("Only one active task is allowed", error.text)
        self.server.advance(1)
        self.start()

    def test_is_listed_with_the_last_ten_the_newest_first(self):
        handles = []
        for _ in range(12):
            self.server.advance(1)
            handles.append(self.start())
        self.assertEqual(len(self.tasks()), 1)
        tasks = self.tasks(MaxResults=10)
        started = [task["StartedTimestamp"] for task in tasks]
        self.assertEqual((len(tasks), started), (10, sorted(started, reverse=True)))
        self.assertEqual(self.tasks()[0]["StartedTimestamp"], started[0])
        for number in (0, 11):
            self.assert_invalid("ListMessageMoveTasks", SourceArn=self.arn, MaxResults=number)
        for handle, text in ((handles[1], "Task does not exist."),
                             (handles[2], "Only a task that is running can be cancelled.")):
            error = self.assert_error(*self.NOT_FOUND, self.call, "CancelMessageMoveTask",
                                      TaskHandle=handle)
            self.assertEqual(error.text, text)

    def test_needs_a_dead_letter_queue_a_pace_and_somewhere_else_to_move_to(self):
        error = self.assert_invalid("StartMessageMoveTask", SourceArn=self.arn_of("jobs"))
        self.assertEqual(error.text, "Source queue must be configured as a Dead Letter Queue.")
        for members in ({"MaxNumberOfMessagesPerSecond": 0}, {"MaxNumberOfMessagesPerSecond": 501},
                        {"DestinationArn": self.arn}, {"DestinationArn": "nonsense"},
                        {"SourceArn": "arn:aws:sqs"}):
            self.assert_invalid("StartMessageMoveTask", **{"SourceArn": self.arn, **members})
        self.assert_missing("StartMessageMoveTask")
        self.assert_missing("ListMessageMoveTasks")
        self.assert_missing("CancelMessageMoveTask")

    def test_of_queues_that_are_not_there_is_not_found(self):
        for action, member in (("StartMessageMoveTask", "SourceArn"),
                               ("StartMessageMoveTask", "DestinationArn"),
                               ("ListMessageMoveTasks", "SourceArn")):
            error = self.assert_error(*self.NOT_FOUND, self.call, action, **{
                "SourceArn": self.arn, member: self.arn_of("nowhere")})
            self.assertIn(f"for the {member} parameter", error.text)

    def test_is_told_from_a_handle_that_is_none_or_of_another(self):
        def handle(**members):
            return base64.b64encode(json.dumps(members).encode()).decode()
        for garbage in ("garbage", "AAAA", "e30=", handle(taskId=1, sourceArn=self.arn),
                        "A" * 1000):
            self.assert_invalid("CancelMessageMoveTask", TaskHandle=garbage)
        for unknown in (handle(taskId="10f57157", sourceArn=self.arn),
                        handle(taskId="10f57157", sourceArn=self.arn_of("nowhere"))):
            self.assert_error(*self.NOT_FOUND, self.call, "CancelMessageMoveTask",
                              TaskHandle=unknown)


class Tags(Case):
    def tags(self):
        return self.on_queue("ListQueueTags").get("Tags")

    def test_are_added_changed_removed_and_listed(self):
        self.assertIsNone(self.tags())
        self.assertIsNone(self.on_queue("TagQueue", Tags={"team": "jobs", "größe": ""}))
        self.on_queue("TagQueue", Tags={"team": "others"})
        self.assertEqual(self.tags(), {"team": "others", "größe": ""})
        self.assertIsNone(self.on_queue("UntagQueue", TagKeys=["team", "never there"]))
        self.assertEqual(self.tags(), {"größe": ""})

    def test_are_given_to_a_new_queue_and_not_to_one_that_is_there(self):
        for tags in ({"first": "1"}, {"second": "2"}):
            url = self.call("CreateQueue", QueueName="tagged", tags=tags)["QueueUrl"]
            self.assertEqual(self.call("ListQueueTags", QueueUrl=url), {"Tags": {"first": "1"}})

    def test_have_limits_in_number_and_length(self):
        self.on_queue("TagQueue", Tags={"é" * 128: "é" * 256})
        self.on_queue("TagQueue", Tags={f"tag-{i}": "" for i in range(49)})
        for tags in ({"one": "more"}, {"": "v"}, {"k" * 129: "v"}, {"tag-1": "v" * 257},
                     {"AWS:mine": "v"}):
            self.assert_invalid("TagQueue", QueueUrl=self.url, Tags=tags)
        self.assertEqual(len(self.tags()), 50)
        self.assert_invalid("CreateQueue", QueueName="tagged", tags={"": "v"})
        self.assertEqual(len(self.call("ListQueues")["QueueUrls"]), 1)

    def test_must_be_named(self):
        self.assert_missing("TagQueue", QueueUrl=self.url, Tags={})
        self.assert_missing("UntagQueue", QueueUrl=self.url)
        self.assert_invalid("UntagQueue", QueueUrl=self.url, TagKeys=[""])
        self.assert_error(400, CORAL + "SerializationException", "MalformedInput",
                          self.on_queue, "TagQueue", Tags={"n": 1})
        self.assert_error(400, CORAL + "SerializationException", "MalformedInput",
                          self.on_queue, "UntagQueue", TagKeys=[1])


class APermission(Case):
    GRANT = {"Label": "partner", "AWSAccountIds": ["111122223333"],
             "Actions": ["SendMessage", "*"]}

    def add(self, **members):
        return self.on_queue("AddPermission", **{**self.GRANT, **members})

    def statements(self):
        return json.loads(self.attributes("Policy")["Policy"])["Statement"]

    def test_is_a_statement_of_the_policy_until_it_is_removed(self):
        self.assertIsNone(self.add())
        self.add(Label="another")
        self.assertEqual(self.statements()[0], {
            "Sid": "partner", "Effect": "Allow", "Action": ["SQS:SendMessage", "SQS:*"],
            "Principal": {"AWS": ["arn:aws:iam::111122223333:root"]},
            "Resource": f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs"})
        self.assertIsNone(self.on_queue("RemovePermission", Label="partner"))
        self.assertEqual([one["Sid"] for one in self.statements()], ["another"])
        self.on_queue("RemovePermission", Label="another")
        self.assertEqual(self.attributes("Policy"), {})

    def test_joins_a_policy_that_is_there(self):
        self.set(Policy=json.dumps({"Statement": [{"Sid": "mine"}]}))
        self.add()
        self.assertEqual([one["Sid"] for one in self.statements()], ["mine", "partner"])

    def test_has_a_label_accounts_and_actions_that_can_be(self):
        self.add()
        for members in ({}, {"Label": "a b"}, {"AWSAccountIds": ["1"]}, {"Actions": ["Nope"]}):
            self.assert_invalid("AddPermission", QueueUrl=self.url, **{**self.GRANT, **members})
        for members in ({"Label": ""}, {"AWSAccountIds": []}, {"Actions": []}):
            self.assert_missing("AddPermission", QueueUrl=self.url, **{**self.GRANT, **members})
        self.assert_invalid("RemovePermission", QueueUrl=self.url, Label="nobody")
        self.assert_missing("RemovePermission", QueueUrl=self.url)

    def test_is_one_of_twenty_with_seven_actions_each(self):
        over = (403, SERVICE + "OverLimit", "OverLimit")
        self.assert_error(*over, self.add, Actions=["SendMessage"] * 8)
        for i in range(20):
            self.add(Label=f"label-{i}")
        self.assert_error(*over, self.add, Label="one-more")

    def test_is_not_added_to_a_policy_that_is_none(self):
        for policy in ("nonsense", "[]", "{}", '{"Statement": {}}'):
            self.assert_error(400, SERVICE + "InvalidAttributeValue", "InvalidAttributeValue",
                              self.set, Policy=policy)


class UnevenBatches(Case):
    options = ("--seed", "7")

    def sizes(self, wait):
        """How many messages each of 60 receives of ten gives, with ten always there."""
        sizes = []
        for _ in range(60):
            messages = self.receive(MaxNumberOfMessages=10, VisibilityTimeout=0,
                                    WaitTimeSeconds=wait)
            sizes.append(len(messages))
        return sizes

    def test_are_what_receives_give_though_more_is_there(self):
        self.send_many(10)
        long, short = self.sizes(1), self.sizes(0)
        self.assertEqual((min(long), max(long)), (1, 10))
        self.assertGreater(long.count(10), 15)
        self.assertGreater(60 - long.count(10), 15)
        self.assertIn(0, short)

    def test_are_the_same_for_the_same_seed(self):
        self.send_many(10)
        first = self.sizes(1)
        self.server.stop()
        self.setUp()
        self.send_many(10)
        self.assertEqual(self.sizes(1), first)


class ASignature(Case):
    DENIED = (403, CORAL + "AccessDeniedException", "AccessDenied")
    UNKNOWN = (403, CORAL + "UnrecognizedClientException", "InvalidClientTokenId")
    MISMATCH = (403, CORAL + "InvalidSignatureException", "SignatureDoesNotMatch")
    INCOMPLETE = (400, CORAL + "IncompleteSignatureException", "IncompleteSignature")

    def refused(self, expected, change=None, client=None, **members):
        return self.assert_error(*expected, (client or self.client).raw, "ListQueues", "{}",
                                 change=change, **members)

    def signed_at(self, moment):
        """Requests signed by a clock that shows that moment."""
        patcher = mock.patch("botocore.auth.datetime.datetime")
        clock = patcher.start()
        self.addCleanup(patcher.stop)
        clock.utcnow.return_value = moment

    def test_must_be_there(self):
        self.refused(self.DENIED, lambda headers: headers.pop("Authorization"))

    def test_must_be_of_a_known_key(self):
        self.refused(self.UNKNOWN, client=self.server.client(key="AKIDNOBODY"))

    def test_must_be_made_with_the_right_secret(self):
        self.refused(self.MISMATCH, client=self.server.client(secret="wrong"))

    def test_must_be_for_this_region(self):
        error = self.refused(self.MISMATCH, client=self.server.client(region="eu-west-1"))
        self.assertIn("Credential should be scoped to a valid region", error.text)

    def test_must_be_for_this_service(self):
        client = self.server.client()
        client.signer._service_name = "sns"
        self.assertIn("correct service", self.refused(self.MISMATCH, client=client).text)

    def test_must_be_whole(self):
        def without(part):
            def change(headers):
                headers["Authorization"] = headers["Authorization"].replace(part, "x=")
            return change
        for part in ("Signature=", "SignedHeaders=", "Credential=", "AWS4-HMAC-SHA256 ",
                     "/aws4_request"):
            self.refused(self.INCOMPLETE, without(part))
        self.refused(self.INCOMPLETE, lambda headers: headers.pop("X-Amz-Date"))

    def test_covers_the_body(self):
        body = json.dumps({"QueueUrl": self.url, "MessageBody": "paid 10"})
        headers = self.client.sign("SendMessage", body)
        status, _, answer = self.client.exchange("POST", "/", body.replace("10", "99"), headers)
        self.assertEqual(status, 403)
        self.assertIn(b"InvalidSignatureException", answer)

    def test_covers_headers_path_and_query(self):
        def target(headers):
            headers["X-Amz-Target"] = "AmazonSQS.DeleteQueue"
        self.refused(self.MISMATCH, target)
        headers = self.client.sign("ListQueues", "{}")
        for path in ("/other", "/?a=b"):
            status, _, answer = self.client.exchange("POST", path, "{}", headers)
            self.assertEqual((status, b"InvalidSignature" in answer), (403, True))

    def test_must_cover_host_and_all_headers_of_amazons(self):
        def unsigned(name):
            def change(headers):
                headers["Authorization"] = headers["Authorization"].replace(name + ";", "")
            return change
        self.assertIn("'Host'", self.refused(self.MISMATCH, unsigned("host")).text)
        self.refused(self.MISMATCH, unsigned("x-amz-target"))

        def added(headers):
            headers["x-amz-extra"] = "1"
        self.assertIn("not signed", self.refused(self.MISMATCH, added).text)

    def test_is_over_values_without_superfluous_blanks(self):
        self.client.raw("ListQueues", "{}", headers={"x-spaces": "  a   b  "})

    def test_is_over_all_headers_of_one_name_in_their_order(self):
        signed = self.client.sign("ListQueues", b"{}", headers={"x-many": "b,a", "Host":
                                  self.client.connection.host + f":{self.client.connection.port}"})
        for order, expected in (("ba", 200), ("ab", 403)):
            connection = self.client.connection
            connection.putrequest("POST", "/", skip_host=True)
            for name, value in signed.items():
                if name != "x-many":
                    connection.putheader(name, value)
            for value in order:
                connection.putheader("X-Many", value)
            connection.putheader("Content-Length", "2")
            connection.endheaders(b"{}")
            with connection.getresponse() as response:
                response.read()
                self.assertEqual(response.status, expected)

    def test_is_over_paths_and_queries_however_they_are_written(self):
        body = json.dumps({"QueueUrl": self.url})
        for path in (f"/{ACCOUNT}/jobs", "/a%20b/c", "/?b=2&a=1", "/?a=%2F&A=x%2By", "/x?flag"):
            self.client.raw("GetQueueAttributes", body, path=path)

    def test_expires_after_five_minutes_either_way(self):
        now = datetime.datetime.utcnow()
        for minutes, text in ((-6, "Signature expired"), (6, "Signature not yet current")):
            self.signed_at(now + datetime.timedelta(minutes=minutes))
            self.assertIn(text, self.refused(self.MISMATCH).text)
        self.signed_at(now - datetime.timedelta(minutes=4))
        self.call("ListQueues")

    def test_follows_a_wrong_clock_of_the_servers_that_its_date_shows(self):
        self.server.control("POST", "clock", {"skew": 3600})
        error = self.refused(self.MISMATCH)
        shown = datetime.datetime.strptime(error.headers["Date"], "%a, %d %b %Y %H:%M:%S GMT")
        ahead = shown - datetime.datetime.utcnow()
        self.assertLess(abs(ahead.total_seconds() - 3600), 5)
        self.signed_at(shown)
        self.call("ListQueues")

    def test_with_temporary_credentials_needs_their_token(self):
        terms = {"id": "ASIATEST", "secret": "s", "token": "the+token=="}
        self.server.control("POST", "keys", terms)
        good = {"key": "ASIATEST", "secret": "s"}
        self.server.client(**good, token="the+token==").call("ListQueues")
        self.refused(self.UNKNOWN, client=self.server.client(**good))
        self.refused(self.UNKNOWN, client=self.server.client(**good, token="another"))
        self.server.control("POST", "keys", {**terms, "expired": True})
        self.refused((403, CORAL + "ExpiredTokenException", "ExpiredToken"),
                     client=self.server.client(**good, token="the+token=="))
        self.refused(self.UNKNOWN, client=self.server.client(**good, token="another"))

    def test_of_a_client_that_runs_follows_the_servers_clock_and_the_keys_end(self):
        terms = {"id": "ASIATEST", "secret": "s", "token": "t"}
        self.server.control("POST", "keys", terms)
        client = self.server.client(key="ASIATEST", secret="s", token="t")
        client.call("ListQueues")
        self.server.control("POST", "clock", {"skew": -400})
        self.assertIn("not yet current", self.refused(self.MISMATCH, client=client).text)
        self.server.control("POST", "clock", {"skew": 0})
        client.call("ListQueues")
        self.server.control("POST", "keys", {**terms, "expired": True})
        self.refused((403, CORAL + "ExpiredTokenException", "ExpiredToken"), client=client)
        self.server.control("POST", "keys", {**terms, "token": "renewed"})
        self.refused(self.UNKNOWN, client=client)
        self.server.client(key="ASIATEST", secret="s", token="renewed").call("ListQueues")

    def test_by_curl_is_accepted_too(self):
        def curl(*words, secret=SECRET):
            return json.loads(subprocess.run(
                ["curl", "-sS", "--aws-sigv4", f"aws:amz:{REGION}:sqs",
                 "--user", f"{KEY}:{secret}", "-H", "Content-Type: application/x-amz-json-1.0",
                 *words, self.server.endpoint + "/"], stdout=subprocess.PIPE, check=True).stdout)
        sent = curl("-H", "X-Amz-Target: AmazonSQS.SendMessage", "-d",
                    json.dumps({"QueueUrl": self.url, "MessageBody": "by curl"}))
        self.assertEqual(sent["MD5OfMessageBody"], hashlib.md5(b"by curl").hexdigest())
        received = curl("-H", "X-Amz-Target: AmazonSQS.ReceiveMessage", "-d",
                        json.dumps({"QueueUrl": self.url}))
        self.assertEqual(received["Messages"][0]["Body"], "by curl")
        refused = curl("-H", "X-Amz-Target: AmazonSQS.ListQueues", "-d", "{}", secret="wrong")
        self.assertEqual(refused["__type"], CORAL + "InvalidSignatureException")


class AKey(Case):
    keys = (f"{KEY}:{SECRET}", "AKIDCONSUMER:s:ReceiveMessage,DeleteMessage,GetQueueAttributes")

    def test_allows_only_the_actions_of_its_list(self):
        consumer = self.server.client(key="AKIDCONSUMER", secret="s")
        self.send()
        handle = consumer.call("ReceiveMessage", QueueUrl=self.url)["Messages"][0]["ReceiptHandle"]
        for action, members in (
                ("ChangeMessageVisibility", {"ReceiptHandle": handle, "VisibilityTimeout": 0}),
                ("ChangeMessageVisibilityBatch", {"Entries": []}),
                ("SendMessage", {"MessageBody": "m"})):
            error = self.assert_error(403, CORAL + "AccessDeniedException", "AccessDenied",
                                      consumer.call, action, QueueUrl=self.url, **members)
            name = action.removesuffix("Batch").lower()
            self.assertEqual(error.text, (
                f"User: arn:aws:iam::{ACCOUNT}:user/AKIDCONSUMER is not authorized to perform: "
                f"sqs:{name} on resource: arn:aws:sqs:{REGION}:{ACCOUNT}:jobs because no "
                f"identity-based policy allows the sqs:{name} action"))
        consumer.call("DeleteMessage", QueueUrl=self.url, ReceiptHandle=handle)

    def test_allows_a_batch_where_it_allows_the_single_action(self):
        consumer = self.server.client(key="AKIDCONSUMER", secret="s")
        answer = consumer.call("DeleteMessageBatch", QueueUrl=self.url,
                               Entries=[{"Id": "a", "ReceiptHandle": "garbage"}])
        self.assertEqual(answer["Failed"][0]["Code"], "ReceiptHandleIsInvalid")

    def test_can_be_given_other_actions_at_run_time(self):
        terms = {"id": "AKIDCONSUMER", "secret": "s", "actions": ["SendMessage"]}
        self.server.control("POST", "keys", terms)
        consumer = self.server.client(key="AKIDCONSUMER", secret="s")
        consumer.call("SendMessage", QueueUrl=self.url, MessageBody="m")
        with self.assertRaises(Error):
            consumer.call("ReceiveMessage", QueueUrl=self.url)


class ARequest(Case):
    def test_for_an_action_that_sqs_does_not_know_is_refused(self):
        self.assert_error(400, CORAL + "UnknownOperationException", "InvalidAction",
                          self.call, "Bogus")

    def test_that_is_not_a_json_object_is_refused(self):
        for body in ("{", "", "[]", '"text"', b'{"QueueName": "\xff"}'):
            self.assert_error(400, CORAL + "SerializationException", "MalformedInput",
                              self.client.raw, "GetQueueUrl", body)

    def test_takes_null_and_unknown_members_as_absent(self):
        self.assertEqual(self.on_queue("ReceiveMessage", WaitTimeSeconds=None, Whatever=1), {})

    def test_without_an_answer_gets_an_empty_body(self):
        headers, body = self.client.raw("PurgeQueue", json.dumps({"QueueUrl": self.url}))
        self.assertEqual((headers["Content-Length"], body), ("0", b""))
        self.assertRegex(headers["x-amzn-RequestId"], r"^[0-9a-f-]{36}$")

    def test_may_go_to_the_path_of_the_queue(self):
        body = json.dumps({"QueueUrl": self.url, "MessageBody": "m"})
        self.client.raw("SendMessage", body, path=f"/{ACCOUNT}/jobs")

    def test_that_is_broken_http_does_not_disturb_the_others(self):
        address = urllib.parse.urlsplit(self.server.endpoint)
        for rubbish in (b"\0\1\2\3\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\n{",
                        b"GET /_control/queue HTTP/1.1\r\nHost: x\r\n\r\n"):
            with socket.create_connection((address.hostname, address.port)) as connection:
                connection.sendall(rubbish)
        self.call("ListQueues")


class AFault(Case):
    def stats(self):
        return self.server.stats().get("ReceiveMessage", {})

    def exchange(self, action, **members):
        """A signed request and its whole answer, whatever that is: status, headers, body."""
        body = json.dumps({"QueueUrl": self.url, **members}).encode()
        return self.client.exchange("POST", "/", body, self.client.sign(action, body))

    def begin(self, action, **members):
        """The same on a connection of its own, sent and not yet read."""
        client = self.server.client()
        body = json.dumps({"QueueUrl": self.url, **members}).encode()
        client.connection.request("POST", "/", body, client.sign(action, body))
        return client.connection

    def test_hits_the_requests_it_is_for_and_no_others(self):
        self.server.fault(action="ReceiveMessage", after=1, count=2, kind="status", status=503,
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
        self.server.fault(kind="status", status=403, code="RequestThrottled", count=0,
                          query_error="")
        for _ in range(3):
            with self.assertRaises(Error) as caught:
                self.call("ListQueues")
            self.assertIsNone(caught.exception.query_error)
        self.assertEqual(len(self.server.control("GET", "faults")), 1)
        self.server.control("DELETE", "faults")
        self.call("ListQueues")

    def test_answers_what_is_not_of_the_service(self):
        for status in (200, 503):
            self.server.fault(kind="raw", status=status, content_type="text/html",
                              body="<html>Busy</html>")
            body = b"{}"
            answer = self.client.exchange("POST", "/", body, self.client.sign("ListQueues", body))
            self.assertEqual((answer[0], answer[1]["Content-Type"], answer[2]),
                             (status, "text/html", b"<html>Busy</html>"))

    def test_answers_an_empty_body_with_any_status_and_type(self):
        for status, terms, shown in ((200, {"content_type": ""}, None),
                                     (403, {"content_type": "text/xml"}, "text/xml"),
                                     (502, {}, "text/html")):
            self.server.fault(kind="raw", status=status, **terms)
            answered, headers, body = self.exchange("ListQueues")
            self.assertEqual((answered, headers["Content-Type"], headers["Content-Length"], body),
                             (status, shown, "0", b""))
        self.call("ListQueues")

    def test_throttles_as_400_and_as_403(self):
        for status, code in ((400, "ThrottlingException"), (403, "RequestThrottled")):
            self.server.fault(kind="status", status=status, code=code)
            self.assert_error(status, SERVICE + code, code, self.call, "ListQueues")

    def test_delays_the_action(self):
        self.server.fault(action="SendMessage", kind="delay", ms=300)
        sending = Later(self.server.client().call, "SendMessage", QueueUrl=self.url,
                        MessageBody="m")
        begun = time.monotonic()
        while self.server.control("GET", "faults"):
            pass
        self.assertEqual(self.server.queue("jobs")["messages"], [])
        sending.result()
        self.assertGreater(time.monotonic() - begun, 0.25)
        self.receive_one()

    def test_delays_the_answer_to_what_was_done_at_once(self):
        self.server.fault(action="SendMessage", kind="late", ms=300)
        sending = Later(self.server.client().call, "SendMessage", QueueUrl=self.url,
                        MessageBody="m")
        while not self.server.queue("jobs")["messages"]:
            pass
        self.assertTrue(sending.is_alive())
        sending.result()

    def test_cuts_the_connection_before_or_after_acting(self):
        for kind, n_messages in (("cut-before", 0), ("cut-after", 1)):
            self.server.fault(action="SendMessage", kind=kind)
            with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
                self.send()
            self.client.close()
            self.assertEqual(len(self.server.queue("jobs")["messages"]), n_messages)

    def test_cuts_a_long_poll_once_it_has_a_message(self):
        self.server.fault(action="ReceiveMessage", kind="cut-after")
        poll = self.later_receive()
        self.send()
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            poll.result(2)
        (message,) = self.server.queue("jobs")["messages"]
        self.assertEqual(message["state"], "in flight")

    def test_truncates_the_answer_to_what_was_done(self):
        self.send("to be deleted")
        handle = self.receive_one()["ReceiptHandle"]
        self.server.fault(kind="truncate", count=2)
        for action, members in (("SendMessage", {"MessageBody": "sent"}),
                                ("DeleteMessage", {"ReceiptHandle": handle})):
            with self.begin(action, **members).getresponse() as response:
                said = int(response.headers["Content-Length"])
                with self.assertRaises(http.client.IncompleteRead) as caught:
                    response.read()
            self.assertEqual(len(caught.exception.partial), said // 2)
            self.assertEqual(said > 2, action == "SendMessage")
        (left,) = self.server.queue("jobs")["messages"]
        self.assertEqual(left["body"], "sent")

    def test_garbles_the_answer_to_what_was_done(self):
        self.server.fault(kind="garble", count=3)
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
        self.server.fault(kind="drip", ms=3600_000)
        with self.begin("ListQueues").getresponse() as response:
            self.assertEqual(response.status, 200)
        self.server.fault(kind="drip", ms=40, bytes=20)
        begun = time.monotonic()
        _, headers, body = self.exchange("ListQueues")
        n_pieces = -(-int(headers["Content-Length"]) // 20)
        self.assertGreater(n_pieces, 2)
        self.assertGreater(time.monotonic() - begun, 0.04 * n_pieces)
        self.assertEqual(json.loads(body), self.call("ListQueues"))

    def test_drips_no_faster_than_one_byte_at_a_time(self):
        self.server.fault(kind="drip", ms=20)
        begun = time.monotonic()
        _, headers, _ = self.exchange("ListQueues")
        self.assertGreater(time.monotonic() - begun, 0.02 * int(headers["Content-Length"]))

    def test_swallows_a_request_and_keeps_the_connection_open(self):
        self.server.fault(action="SendMessage", kind="black-hole")
        connection = self.begin("SendMessage", MessageBody="m")
        while "SendMessage" not in self.server.stats():
            pass
        self.assertEqual(self.server.stats()["SendMessage"], {"fault:black-hole": 1})
        self.assertEqual(self.receive(), [])
        connection.sock.setblocking(False)
        with self.assertRaises(BlockingIOError):
            connection.sock.recv(1)
        self.assertEqual(self.server.stop(), 0)

    def memory(self):
        """The most that the program has ever had, in bytes."""
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as status:
            return 1024 * int(status.read().partition("VmHWM:")[2].split()[0])

    def test_answers_more_than_anybody_can_want_and_has_it_in_no_memory(self):
        self.server.fault(kind="too-large", bytes=1000)
        body = self.exchange("ReceiveMessage")[2]
        self.assertEqual((len(body), len(json.loads(body)["padding"])), (1000, 986))
        before = self.memory()
        self.server.fault(kind="too-large", bytes=64 << 20)
        self.server.fault(kind="too-large", bytes=64 << 20, chunked=True)
        for length in (str(64 << 20), None):
            with self.begin("ReceiveMessage").getresponse() as response:
                self.assertEqual(response.headers["Content-Length"], length)
                n_read = 0
                while piece := response.read(1 << 20):
                    n_read += len(piece)
            self.assertEqual(n_read, 64 << 20)
        self.assertLess(self.memory() - before, 8 << 20)

    def test_of_the_date_is_for_one_answer_and_for_no_signature(self):
        self.server.fault(kind="date", seconds=-7200)
        for ahead in (-7200, 0):
            status, headers, _ = self.exchange("ListQueues")
            shown = email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
            self.assertEqual(status, 200)
            self.assertLess(abs(shown - time.time() - ahead), 5)

    def test_delivers_the_same_messages_twice(self):
        self.send_many(2)
        self.server.fault(kind="twice", action="ReceiveMessage")
        first = self.receive(MaxNumberOfMessages=10)
        self.on_queue("DeleteMessage", ReceiptHandle=first[0]["ReceiptHandle"])
        again = self.receive_one(MaxNumberOfMessages=10, AttributeNames=["All"])
        self.assertEqual((again["MessageId"], again["Body"]),
                         (first[1]["MessageId"], first[1]["Body"]))
        self.assertEqual(again["Attributes"]["ApproximateReceiveCount"], "2")
        self.assertEqual(self.receive(), [])

    def test_delivers_a_duplicate_that_is_another_message(self):
        self.send("m", MessageAttributes=MessageAttributes.GIVEN)
        self.server.fault(kind="duplicate", action="ReceiveMessage")
        first, second = (self.receive_one(MessageAttributeNames=["All"],
                                          AttributeNames=["ApproximateReceiveCount"])
                         for _ in range(2))
        self.assertEqual(self.receive(), [])
        for message in (first, second):
            message.pop("ReceiptHandle")
        self.assertNotEqual(first.pop("MessageId"), second.pop("MessageId"))
        self.assertEqual(first, second)

    def test_duplicates_what_a_waiting_poll_gets(self):
        self.server.fault(kind="duplicate", action="ReceiveMessage")
        poll = self.later_receive()
        self.send()
        self.assertEqual(len(poll.result(2)["Messages"]), 1)
        self.receive_one()

    def test_fails_entries_of_a_batch_without_acting_on_them(self):
        self.server.fault(kind="fail-entries", action="SendMessageBatch")
        entries = [{"Id": name, "MessageBody": name} for name in ("a", "b")]
        failed = {"Code": "InternalError", "Message": "ordered by a test", "SenderFault": False}
        self.assertEqual(self.on_queue("SendMessageBatch", Entries=entries),
                         {"Failed": [{"Id": "a", **failed}, {"Id": "b", **failed}]})
        self.assertEqual(self.server.queue("jobs")["messages"], [])
        self.on_queue("SendMessageBatch", Entries=entries)
        terms = {"code": "RequestThrottled", "message": "slowly", "sender_fault": True}
        failed = {"Code": "RequestThrottled", "Message": "slowly", "SenderFault": True}
        handles = [{"Id": m["Body"], "ReceiptHandle": m["ReceiptHandle"], "VisibilityTimeout": 0}
                   for m in self.receive(MaxNumberOfMessages=2)]
        for action in ("ChangeMessageVisibilityBatch", "DeleteMessageBatch"):
            self.server.fault(kind="fail-entries", action=action, entries=1, **terms)
            self.assertEqual(self.on_queue(action, Entries=handles),
                             {"Failed": [{"Id": "a", **failed}], "Successful": [{"Id": "b"}]})
        (left,) = self.server.queue("jobs")["messages"]
        self.assertEqual((left["body"], left["state"]), ("a", "in flight"))

    def test_leaves_alone_what_it_cannot_harm(self):
        for kind in ("twice", "duplicate", "fail-entries"):
            self.server.fault(kind=kind)
            self.call("ListQueues")
            self.server.fault(kind=kind)
            self.assertEqual(self.receive(), [])

    def test_that_makes_no_sense_is_refused(self):
        for terms in ({}, {"kind": "nonsense"}, {"kind": "delay", "secs": 1},
                      {"kind": "status", "after": -1}, {"kind": "drip", "bytes": 0},
                      {"kind": "fail-entries", "entries": 0}, {"kind": "date", "seconds": 1e10},
                      {"kind": "too-large", "chunked": 1}, {"kind": "late", "ms": 86400_001}):
            with self.assertRaises(Error) as caught:
                self.server.fault(**terms)
            self.assertEqual(caught.exception.status, 400)


class TheControlSide(Case):
    def test_shows_messages_with_state_receives_and_age(self):
        self.send("a")
        self.receive_one(VisibilityTimeout=100)
        self.send("b", DelaySeconds=50)
        self.send("c")
        self.server.advance(10)
        a, b, c = self.server.queue("jobs")["messages"]
        self.assertEqual([m["state"] for m in (a, b, c)], ["in flight", "delayed", "visible"])
        self.assertEqual([m["receives"] for m in (a, b, c)], [1, 0, 0])
        self.assertTrue(10 <= a["age"] < 12 and 88 < a["hidden_for"] <= 90)

    def test_stops_the_queues_time_and_lets_it_go_on(self):
        self.server.control("POST", "clock", {"stopped": True})
        self.send()
        self.assertEqual(self.receive_one(VisibilityTimeout=1)["Body"], "hello")
        ages = []
        for advance in (0, 0.5, 0.4999):
            self.server.advance(advance)
            self.assertEqual(self.receive(), [])
            ages.append(self.server.queue("jobs")["messages"][0]["age"])
        self.assertEqual(ages, [0, 0.5, 0.9999])
        self.server.control("POST", "clock", {"stopped": False})
        self.assertEqual(len(self.receive(WaitTimeSeconds=2)), 1)
        self.assertLess(self.server.queue("jobs")["messages"][0]["age"], 10)

    def test_counts_and_forgets_requests(self):
        self.call("ListQueues")
        self.assertEqual(self.server.stats(), {"CreateQueue": {"OK": 1}, "ListQueues": {"OK": 1}})
        self.server.control("DELETE", "stats")
        self.assertEqual(self.server.stats(), {})

    def test_redelivers_a_message_whose_handle_stays_good_until_then(self):
        self.send()
        first = self.receive_one()
        self.server.control("POST", "redeliver",
                            {"queue": "jobs", "message_id": first["MessageId"]})
        again = self.receive_one()
        self.assertEqual(again["MessageId"], first["MessageId"])
        self.assertNotEqual(again["ReceiptHandle"], first["ReceiptHandle"])

    def test_refuses_what_it_does_not_know(self):
        for method, path in (("GET", "nope"), ("POST", "stats"), ("GET", "queue?name=nope")):
            with self.assertRaises(Error):
                self.server.control(method, path, {})


class TheProgram(unittest.TestCase):
    def run_once(self, *options):
        return subprocess.run([os.path.join(BUILD, "sqs-local"), *options], capture_output=True,
                              text=True, timeout=10, check=False)

    def test_explains_itself(self):
        answer = self.run_once("--help")
        self.assertEqual(answer.returncode, 0)
        self.assertIn("--full-batches", answer.stdout)

    def test_refuses_options_that_cannot_be(self):
        for options in (("--port", "65536"), ("--key", "nosecret"), ("--account", "12"),
                        ("--nope",), ("word",), ("--seed", "-1")):
            answer = self.run_once(*options)
            self.assertEqual((answer.returncode, answer.stdout), (64, ""), options)
            self.assertNotEqual(answer.stderr, "")

    def test_ends_cleanly_on_a_signal_with_polls_open(self):
        server = SqsLocal()
        url = server.client().call("CreateQueue", QueueName="q")["QueueUrl"]
        poll = Later(server.client().call, "ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20)
        while not server.queue("q")["waiting"]:
            pass
        server.process.terminate()
        self.assertEqual(server.process.wait(5), 0)
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            poll.result(2)
        server.stop()

    def test_listens_on_loopback_only_and_says_where(self):
        with SqsLocal() as server:
            self.assertRegex(server.endpoint, r"^http://127\.0\.0\.1:\d+$")
            port = urllib.parse.urlsplit(server.endpoint).port
            with self.assertRaises(OSError):
                socket.create_connection(("127.0.0.2", port), timeout=2)
            busy = self.run_once("--port", str(port))
            self.assertEqual(busy.returncode, 1)
            self.assertIn("cannot listen", busy.stderr)


if __name__ == "__main__":
    tap.main()
