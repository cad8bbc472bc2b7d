"""The local SQS against what the real one does: dead letters, and tasks that bring them back."""

import base64
import json
import time

from lab import tap
from lab.botocore_client import OLD, SERVICE
from lab.sqs import ACCOUNT, REGION
from lab.sqs_case import ATTRIBUTES, Case, setUpModule  # noqa: F401


class Redrive(Case):
    def setUp(self):
        super().setUp()
        self.dead = self.create("dead")
        self.dead_arn = self.attributes("QueueArn", url=self.dead)["QueueArn"]

    def policy(self, **members):
        return json.dumps({"deadLetterTargetArn": self.dead_arn, "maxReceiveCount": 3, **members})

    def test_moves_a_message_after_its_last_receive(self):
        self.set(RedrivePolicy=self.policy())
        self.send("poison", MessageAttributes=ATTRIBUTES)
        for count in "123":
            message = self.receive_one(VisibilityTimeout=0, AttributeNames=["All"])
            self.assertEqual(message["Attributes"]["ApproximateReceiveCount"], count)
        self.assertEqual(self.receive(), [])
        moved = self.call("ReceiveMessage", QueueUrl=self.dead, AttributeNames=["All"],
                          MessageAttributeNames=["All"])["Messages"][0]
        self.assertEqual((moved["MessageId"], moved["Body"]), (message["MessageId"], "poison"))
        self.assertEqual(moved["MessageAttributes"], ATTRIBUTES)
        shown = moved["Attributes"]
        self.assertEqual(shown["ApproximateReceiveCount"], "4")
        self.assertEqual(shown["SentTimestamp"], message["Attributes"]["SentTimestamp"])
        self.assertEqual(shown["DeadLetterQueueSourceArn"],
                         f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs")
        self.assertEqual(self.inside()["counts"]["dead_lettered"], 1)

    def test_makes_handles_from_before_the_move_powerless(self):
        self.set(RedrivePolicy=self.policy(maxReceiveCount=1))
        self.send()
        handle = self.receive_one(VisibilityTimeout=0)["ReceiptHandle"]
        self.assertEqual(self.receive(), [])
        self.on_queue("DeleteMessage", ReceiptHandle=handle)
        self.assertEqual(len(self.inside("dead")["messages"]), 1)

    def test_goes_on_counting_the_age_in_the_dead_letter_queue(self):
        self.set(RedrivePolicy=self.policy(maxReceiveCount=1))
        self.set(url=self.dead, MessageRetentionPeriod="60")
        self.send("old")
        self.sqs.advance(50)
        self.call("SendMessage", QueueUrl=self.dead, MessageBody="young")
        self.receive_one(VisibilityTimeout=0)
        self.receive()
        self.sqs.advance(10)
        (left,) = self.inside("dead")["messages"]
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
        self.sqs.client.control("POST", "clock", {"stopped": True})
        self.set(RedrivePolicy=json.dumps({"deadLetterTargetArn": self.arn, "maxReceiveCount": 1}))

    def arn_of(self, name):
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def bury(self, n, source=None):
        """Sends so many messages, and has them received once too often."""
        url = source or self.url
        for i in range(n):
            self.call("SendMessage", QueueUrl=url, MessageBody=f"dead {i}",
                      MessageAttributes=ATTRIBUTES)
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
        return [m["body"] for m in self.inside(name)["messages"]]

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
        sent = self.send(MessageAttributes=ATTRIBUTES, MessageGroupId="tenant")
        self.receive_one(VisibilityTimeout=0)
        self.assertEqual(self.receive(), [])
        self.sqs.advance(100)
        self.start()
        message = self.receive_one(AttributeNames=["All"], MessageAttributeNames=["All"])
        self.assertNotEqual(message["MessageId"], sent["MessageId"])
        self.assertEqual((message["Body"], message["MessageAttributes"]),
                         ("hello", ATTRIBUTES))
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
        self.sqs.advance(1)
        task = self.task()
        self.assertEqual((task["Status"], task["FailureReason"]),
                         ("FAILED", OLD + "NonExistentQueue"))
        self.assertEqual(len(self.visible("dead")), 2)

    def test_fails_when_its_own_queue_goes(self):
        self.bury(1)
        self.start(MaxNumberOfMessagesPerSecond=1)
        self.call("DeleteQueue", QueueUrl=self.dead)
        self.sqs.advance(1)
        self.create("dead")
        self.assertEqual(self.task()["FailureReason"], OLD + "NonExistentQueue")

    def test_keeps_its_pace(self):
        self.bury(4)
        handle = self.start(MaxNumberOfMessagesPerSecond=2)
        task = self.task()
        self.assertEqual(
            (task["Status"], task["TaskHandle"], task["MaxNumberOfMessagesPerSecond"],
             task["ApproximateNumberOfMessagesMoved"]), ("RUNNING", handle, 2, 0))
        self.sqs.advance(0.5)
        self.assertEqual(self.visible("jobs"), ["dead 0"])
        self.sqs.advance(1)
        self.assertEqual(self.task()["ApproximateNumberOfMessagesMoved"], 3)
        self.sqs.advance(0.5)
        self.assertEqual(self.task()["Status"], "COMPLETED")

    def test_goes_on_by_itself(self):
        self.sqs.client.control("POST", "clock", {"stopped": False})
        self.bury(1)
        poll = self.later_receive()
        self.start(MaxNumberOfMessagesPerSecond=5)
        self.assertEqual(poll.result(2)["Messages"][0]["Body"], "dead 0")

    def test_is_cancelled_after_the_message_that_it_is_at(self):
        self.bury(3)
        handle = self.start(MaxNumberOfMessagesPerSecond=1)
        self.sqs.advance(1)
        self.assertEqual(self.call("CancelMessageMoveTask", TaskHandle=handle),
                         {"ApproximateNumberOfMessagesMoved": 1})
        self.assertEqual(self.task()["Status"], "CANCELLING")
        self.assert_invalid("StartMessageMoveTask", SourceArn=self.arn)
        self.sqs.advance(1)
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
        self.sqs.advance(1)
        self.start()

    def test_is_listed_with_the_last_ten_the_newest_first(self):
        handles = []
        for _ in range(12):
            self.sqs.advance(1)
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


if __name__ == "__main__":
    tap.main()
