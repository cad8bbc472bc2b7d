"""The local SQS against what the real one does: messages, sent, received, hidden and deleted."""

import hashlib
import json
import os
import random
import time

from lab import tap
from lab.botocore_client import CORAL, OLD, SERVICE, Later
from lab.sqs import ACCOUNT, REGION
from lab.sqs_case import ATTRIBUTES, Case, setUpModule  # noqa: F401


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
        self.sqs.advance(10)
        self.assertEqual(self.receive_one()["Body"], "later")
        self.sqs.advance(10)
        self.assertEqual(self.receive_one()["Body"], "latest")
        self.assert_invalid("SendMessage", QueueUrl=self.url, MessageBody="m", DelaySeconds=901)

    def test_among_many_appears_in_the_second_that_is_its_own(self):
        seconds = list(range(1, 61))
        random.Random(3).shuffle(seconds)
        for delay in seconds:
            self.send(str(delay), DelaySeconds=delay)
        for second in range(1, 61):
            self.sqs.advance(1)
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
        self.sqs.advance(60)
        dump = self.inside()
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
    MD5_ALL = "d838729972a4b70e2d2acd9d59ac847c"
    MD5_COLOR = "da1b33cc3cbfe8b1630921e78e6b9880"

    def test_are_digested_as_the_service_does(self):
        answer = self.send(MessageAttributes=ATTRIBUTES)
        self.assertEqual(answer["MD5OfMessageAttributes"], self.MD5_ALL)

    def test_come_back_only_as_far_as_asked_for_and_so_does_the_digest(self):
        self.send(MessageAttributes=ATTRIBUTES)
        color = {"color": ATTRIBUTES["color"]}
        for names, expected, md5 in ((["All"], ATTRIBUTES, self.MD5_ALL),
                                     ([".*"], ATTRIBUTES, self.MD5_ALL),
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
        self.sqs.advance(9.9)
        self.assertEqual(self.receive(), [])
        self.sqs.advance(0.1)
        self.receive_one()
        self.sqs.advance(30)
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
        counts = self.inside()["counts"]
        self.assertEqual((counts["deleted"], counts["deleted_stale"]), (1, 1))

    def test_still_deletes_after_the_visibility_ended(self):
        self.send()
        handle = self.receive_one(VisibilityTimeout=1)["ReceiptHandle"]
        self.sqs.advance(5)
        self.on_queue("DeleteMessage", ReceiptHandle=handle)
        self.assertEqual(self.inside()["messages"], [])

    def test_of_an_earlier_receive_succeeds_without_effect(self):
        self.send()
        old = self.receive_one(VisibilityTimeout=0)["ReceiptHandle"]
        new = self.receive_one(VisibilityTimeout=60)["ReceiptHandle"]
        self.assertNotEqual(old, new)
        self.on_queue("DeleteMessage", ReceiptHandle=old)
        self.on_queue("ChangeMessageVisibility", ReceiptHandle=old, VisibilityTimeout=0)
        (message,) = self.inside()["messages"]
        self.assertEqual(message["state"], "in flight")
        self.on_queue("DeleteMessage", ReceiptHandle=new)
        self.assertEqual(self.inside()["messages"], [])

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
        self.sqs.advance(30)
        self.assertEqual(self.receive(), [])
        self.on_queue("ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout=5)
        self.sqs.advance(5)
        handle = self.receive_one()["ReceiptHandle"]
        self.on_queue("ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout=0)
        self.receive_one()
        self.assert_missing("ChangeMessageVisibility", QueueUrl=self.url, ReceiptHandle=handle)
        self.assert_invalid("ChangeMessageVisibility", QueueUrl=self.url, ReceiptHandle=handle,
                            VisibilityTimeout=43201)

    def test_hides_a_message_again_whose_visibility_has_ended(self):
        self.send()
        handle = self.receive_one(VisibilityTimeout=1)["ReceiptHandle"]
        self.sqs.advance(5)
        self.on_queue("ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout=60)
        self.assertEqual(self.receive(), [])

    def test_cannot_hide_a_message_beyond_12_hours_from_its_receive(self):
        self.send()
        handle = self.receive_one(VisibilityTimeout=43200)["ReceiptHandle"]
        self.on_queue("ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout=43195)
        self.sqs.advance(3600)
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
        (left,) = self.inside()["messages"]
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
        client = self.connect()
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
        Later(self.connect().call, "ReceiveMessage", QueueUrl=source, WaitTimeSeconds=20)
        self.await_waiting(1, "source")
        self.call("ChangeMessageVisibility", QueueUrl=source, VisibilityTimeout=0,
                  ReceiptHandle=message["ReceiptHandle"])
        self.assertEqual(poll.result(2)["Messages"][0]["Body"], "poison")

    def processor_seconds(self):
        """What the server has used so far."""
        with open(f"/proc/{self.sqs.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_without_a_message_ends_empty_after_its_time_or_the_queues(self):
        self.set(ReceiveMessageWaitTimeSeconds="1")
        begun, burnt = time.monotonic(), self.processor_seconds()
        self.assertEqual(self.on_queue("ReceiveMessage"), {})
        self.assertGreater(time.monotonic() - begun, 0.95)
        self.assertLess(self.processor_seconds() - burnt, 0.1)
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
        self.assertEqual(self.sqs.stats()["ReceiveMessage"], {"gone": 1, "OK": 1})


class ALongPollToStrand(Polls):
    options = ("--full-batches", "--strand")

    def test_of_a_client_that_is_gone_hides_a_message(self):
        self.gone_poll()
        self.send()
        self.assertEqual(self.receive(), [])
        (message,) = self.inside()["messages"]
        self.assertEqual((message["state"], message["receives"]), ("in flight", 1))


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
        self.sqs.close()
        self.setUp()
        self.send_many(10)
        self.assertEqual(self.sizes(1), first)


if __name__ == "__main__":
    tap.main()
