"""The local SQS against what the real one does, asked by a client that shares none of its code:
queues, requests, the side for tests and the program itself. Other files have the rest.

Expected codes, statuses and digests are those recorded from the service; see tests/sqs-local.
"""

import http.client
import json
import socket
import subprocess
import time

from lab import tap
from lab.botocore_client import CORAL, OLD, SERVICE, Error
from lab.sqs import ACCOUNT, REGION, SqsError
from lab.sqs_case import Case, setUpModule  # noqa: F401


class AQueue(Case):
    def test_has_the_url_of_its_account_and_name(self):
        self.assertEqual(self.url, f"{self.sqs.endpoint}/{ACCOUNT}/jobs")
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
        self.sqs.advance(100)
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
        self.assertEqual(self.inside()["messages"], [])
        self.assert_error(403, SERVICE + "PurgeQueueInProgress", OLD + "PurgeQueueInProgress",
                          self.on_queue, "PurgeQueue")
        self.sqs.advance(60)
        self.on_queue("PurgeQueue")

    def test_is_gone_after_its_deletion_and_polls_learn_it(self):
        poll = self.later_receive()
        self.assertIsNone(self.on_queue("DeleteQueue"))
        self.assert_error(400, SERVICE + "QueueDoesNotExist", OLD + "NonExistentQueue",
                          poll.result)
        self.assertEqual(self.create("jobs"), self.url)


class AQueueMadeAnew(Case):
    options = ("--recreate-after", "60")

    def test_may_have_to_wait_a_minute(self):
        self.on_queue("DeleteQueue")
        self.assert_error(400, SERVICE + "QueueDeletedRecently", OLD + "QueueDeletedRecently",
                          self.create, "jobs")
        self.sqs.advance(60)
        self.create("jobs")


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
        for rubbish in (b"\0\1\2\3\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\n{",
                        b"GET /_control/queue HTTP/1.1\r\nHost: x\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", self.sqs.port)) as connection:
                connection.sendall(rubbish)
        self.call("ListQueues")


class TheControlSide(Case):
    def test_shows_messages_with_state_receives_and_age(self):
        self.send("a")
        self.receive_one(VisibilityTimeout=100)
        self.send("b", DelaySeconds=50)
        self.send("c")
        self.sqs.advance(10)
        a, b, c = self.inside()["messages"]
        self.assertEqual([m["state"] for m in (a, b, c)], ["in flight", "delayed", "visible"])
        self.assertEqual([m["receives"] for m in (a, b, c)], [1, 0, 0])
        self.assertTrue(10 <= a["age"] < 12 and 88 < a["hidden_for"] <= 90)

    def test_stops_the_queues_time_and_lets_it_go_on(self):
        self.sqs.client.control("POST", "clock", {"stopped": True})
        self.send()
        self.assertEqual(self.receive_one(VisibilityTimeout=1)["Body"], "hello")
        ages = []
        for advance in (0, 0.5, 0.4999):
            self.sqs.advance(advance)
            self.assertEqual(self.receive(), [])
            ages.append(self.inside()["messages"][0]["age"])
        self.assertEqual(ages, [0, 0.5, 0.9999])
        self.sqs.client.control("POST", "clock", {"stopped": False})
        self.assertEqual(len(self.receive(WaitTimeSeconds=2)), 1)
        self.assertLess(self.inside()["messages"][0]["age"], 10)

    def test_counts_and_forgets_requests(self):
        self.call("ListQueues")
        self.assertEqual(self.sqs.stats(), {"CreateQueue": {"OK": 1}, "ListQueues": {"OK": 1}})
        self.sqs.forget_stats()
        self.assertEqual(self.sqs.stats(), {})

    def test_redelivers_a_message_whose_handle_stays_good_until_then(self):
        self.send()
        first = self.receive_one()
        self.sqs.client.control("POST", "redeliver",
                            {"queue": "jobs", "message_id": first["MessageId"]})
        again = self.receive_one()
        self.assertEqual(again["MessageId"], first["MessageId"])
        self.assertNotEqual(again["ReceiptHandle"], first["ReceiptHandle"])

    def test_refuses_what_it_does_not_know(self):
        for method, path in (("GET", "nope"), ("POST", "stats"), ("GET", "queue?name=nope")):
            with self.assertRaises(SqsError):
                self.sqs.client.control(method, path, {})


class TheProgram(Case):
    def run_once(self, *options):
        return subprocess.run([self.lab.program("sqs-local"), *options], capture_output=True,
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
        poll = self.later_receive()
        self.assertEqual(self.sqs.process.stop(within=5), 0)
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            poll.result(2)

    def test_listens_on_loopback_only_and_says_where(self):
        self.sqs.process.wait_line(r" http://127\.0\.0\.1:\d+$")
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.2", self.sqs.port), timeout=2)
        busy = self.run_once("--port", str(self.sqs.port))
        self.assertEqual(busy.returncode, 1)
        self.assertIn("cannot listen", busy.stderr)


if __name__ == "__main__":
    tap.main()
