"""packaging/aws/nexus-worker.yaml: the names of the runbook, no permission more than it needs, and
the queues that nexusctl provision makes."""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from lab import tap
from lab.cloudformation import ACCOUNT, REGION, Stack, load
from lab.ctl_case import CtlCase, setUpModule, tearDownModule  # noqa: F401
from lab.world import ROOT

TEMPLATE = ROOT / "packaging" / "aws" / "nexus-worker.yaml"
AGENT = ROOT / "packaging" / "cloudwatch" / "amazon-cloudwatch-agent.json"
CDK = ROOT / "tests" / "cloudformation"
CONSUMER = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]


def queue_arn(name):
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def listed(value):
    return value if isinstance(value, list) else [value]


class Made:
    """The stack's resources by type and the name that they have at AWS."""

    def __init__(self, template=None, **parameters):
        self.template = template or load(TEMPLATE)
        self.stack = Stack(self.template, **parameters)
        self.by_name = {}
        for resource in self.stack.resources.values():
            key, = (key for key in resource["Properties"] if key in (
                "QueueName", "RoleName", "InstanceProfileName", "ManagedPolicyName", "AlarmName"))
            kind = resource["Type"].split("::")[-1]
            self.by_name[kind, resource["Properties"][key]] = resource["Properties"]

    def statements(self, policy):
        """What it allows: (actions, resources) each."""
        document = self.by_name["ManagedPolicy", policy]["PolicyDocument"]
        for one in document["Statement"]:
            if set(one) != {"Effect", "Action", "Resource"} or one["Effect"] != "Allow":
                raise AssertionError(f"not a plain permission: {one}")
        return [(listed(one["Action"]), listed(one["Resource"])) for one in document["Statement"]]

    def holders(self, policy):
        properties = self.by_name["ManagedPolicy", policy]
        return properties.get("Roles", []), properties.get("Users", [])


class Template(unittest.TestCase):
    maxDiff = None

    def test_has_the_names_of_the_runbook(self):
        for environment in ("dev", "prod"):
            made = Made(Environment=environment)
            self.assertEqual(
                {f"{kind} {name}" for kind, name in made.by_name},
                {f"{one}-{environment}" for one in (
                    "Alarm nexus-jobs-dead-letters", "Alarm nexus-jobs-oldest-message",
                    "InstanceProfile nexus-worker-role", "ManagedPolicy nexus-sqs-access",
                    "ManagedPolicy nexus-worker-logs", "ManagedPolicy nexus-worker-s3",
                    "ManagedPolicy nexus-worker-sqs", "Queue nexus-jobs", "Queue nexus-jobs-dlq",
                    "Role nexus-worker-role")})
        self.assertEqual(Made().by_name, Made(Environment="dev").by_name)

    def test_gives_the_worker_its_role(self):
        made = Made()
        self.assertEqual(
            made.by_name["Role", "nexus-worker-role-dev"]["AssumeRolePolicyDocument"]["Statement"],
            [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
              "Action": "sts:AssumeRole"}])
        self.assertEqual(made.by_name["InstanceProfile", "nexus-worker-role-dev"]["Roles"],
                         ["nexus-worker-role-dev"])
        for policy in ("nexus-worker-sqs-dev", "nexus-worker-s3-dev", "nexus-worker-logs-dev"):
            self.assertEqual(made.holders(policy), (["nexus-worker-role-dev"], []))

    def test_trusts_machines_outside_by_parameter(self):
        anchor = f"arn:aws:rolesanywhere:{REGION}:{ACCOUNT}:trust-anchor/here"
        trust = Made(TrustAnchorArn=anchor).by_name["Role", "nexus-worker-role-dev"]
        self.assertEqual(
            trust["AssumeRolePolicyDocument"]["Statement"][1:],
            [{"Effect": "Allow", "Principal": {"Service": "rolesanywhere.amazonaws.com"},
              "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
              "Condition": {"ArnEquals": {"aws:SourceArn": anchor}}}])

    def test_lets_the_worker_do_its_work_and_no_more(self):
        made = Made(Environment="prod")
        self.assertEqual(made.statements("nexus-worker-sqs-prod"), [
            ([*CONSUMER, "sqs:ChangeMessageVisibility"], [queue_arn("nexus-jobs-prod")])])
        bucket = "arn:aws:s3:::nexus-storage-files-prod"
        self.assertEqual(made.statements("nexus-worker-s3-prod"), [
            (["s3:ListBucket"], [bucket]),
            (["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:RestoreObject",
              "s3:GetObjectAttributes"], [f"{bucket}/*"])])
        group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/nexus/worker"
        self.assertEqual(made.statements("nexus-worker-logs-prod"), [
            (["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
             [group, f"{group}:*", f"{group}/*"])])

    def test_lets_the_agent_write_the_groups_that_its_configuration_names(self):
        groups = re.findall(r'"log_group_name": "(.*)"', AGENT.read_text(encoding="utf-8"))
        self.assertEqual(len(groups), 2)
        (_, patterns), = Made().statements("nexus-worker-logs-dev")
        for group in groups:
            for what in (group, f"{group}:log-stream:i-1"):
                arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{what}"
                self.assertTrue(any(fnmatch.fnmatchcase(arn, one) for one in patterns), arn)

    def test_grants_and_takes_by_parameter(self):
        less = Made(MayChangeVisibility="no").statements("nexus-worker-sqs-dev")
        self.assertEqual(less, [(CONSUMER, [queue_arn("nexus-jobs-dev")])])
        more = Made(MaySendDeadLetters="yes").statements("nexus-worker-sqs-dev")
        self.assertEqual(more[1:], [(["sqs:SendMessage"], [queue_arn("nexus-jobs-dlq-dev")])])
        reader = Made(MayReadDeadLetters="yes").statements("nexus-worker-sqs-dev")
        self.assertEqual(reader[1:], [
            (["sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:ChangeMessageVisibility"],
             [queue_arn("nexus-jobs-dlq-dev")])])

    def test_lets_the_web_application_send(self):
        made = Made()
        self.assertEqual(made.statements("nexus-sqs-access-dev"),
                         [(["sqs:SendMessage"], [queue_arn("nexus-jobs-dev")])])
        self.assertEqual(made.holders("nexus-sqs-access-dev"), ([], ["nexus-app-dev"]))
        alone = Made(ApplicationUserExists="no")
        self.assertEqual(alone.holders("nexus-sqs-access-dev"), ([], []))

    def test_rings_for_dead_letters_and_for_what_waits_too_long(self):
        topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:on-call"
        made = Made(AlarmTopic=topic, OldestMessageSeconds=120)
        for alarm, metric, queue, threshold in (
                ("nexus-jobs-dead-letters-dev", "ApproximateNumberOfMessagesVisible",
                 "nexus-jobs-dlq-dev", 0),
                ("nexus-jobs-oldest-message-dev", "ApproximateAgeOfOldestMessage",
                 "nexus-jobs-dev", 120)):
            properties = made.by_name["Alarm", alarm]
            self.assertEqual(
                {key: properties[key] for key in (
                    "Namespace", "MetricName", "Dimensions", "Threshold", "ComparisonOperator",
                    "AlarmActions", "OKActions")},
                {"Namespace": "AWS/SQS", "MetricName": metric,
                 "Dimensions": [{"Name": "QueueName", "Value": queue}], "Threshold": threshold,
                 "ComparisonOperator": "GreaterThanThreshold", "AlarmActions": [topic],
                 "OKActions": [topic]})
            self.assertNotIn("AlarmActions", Made().by_name["Alarm", alarm])

    def test_keeps_the_queues_when_it_goes(self):
        kept = {name for name, resource in load(TEMPLATE)["Resources"].items()
                if resource.get("DeletionPolicy") == "Retain"
                and resource.get("UpdateReplacePolicy") == "Retain"}
        self.assertEqual(kept, {"Jobs", "DeadLetters"})

    def test_tells_what_the_settings_need(self):
        made = Made()
        self.assertEqual(
            {name: made.stack.resolve(one["Value"])
             for name, one in made.template["Outputs"].items()},
            {"QueueUrl": "nexus-jobs-dev", "DeadLetterQueueUrl": "nexus-jobs-dlq-dev",
             "InstanceProfile": "nexus-worker-role-dev",
             "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/nexus-worker-role-dev"})


class Queues(CtlCase):
    def test_are_those_that_nexusctl_provisions(self):
        self.daemon.configure({"queue.url": None})
        self.run_ctl("provision", "--env", "both")
        made = Made(Environment="both")
        for name in ("nexus-jobs-both", "nexus-jobs-dlq-both"):
            properties = dict(made.by_name["Queue", name])
            url = self.sqs.client.call("GetQueueUrl", QueueName=properties.pop("QueueName"))
            there = self.sqs.client.call("GetQueueAttributes", QueueUrl=url["QueueUrl"],
                                         AttributeNames=["All"])["Attributes"]
            if redrive := properties.pop("RedrivePolicy", None):
                policy = json.loads(there["RedrivePolicy"])
                self.assertEqual(policy["deadLetterTargetArn"].split(":")[-1],
                                 redrive["deadLetterTargetArn"].split(":")[-1])
                self.assertEqual(policy["maxReceiveCount"], redrive["maxReceiveCount"])
            self.assertEqual({key: there[key] for key in properties},
                             {key: str(value) for key, value in properties.items()})


@unittest.skipUnless(os.environ.get("NEXUS_LONG"), "fetches 190 MB: make check-long")
@unittest.skipUnless(shutil.which("npm"), "npm is not installed")
class Cdk(unittest.TestCase):
    maxDiff = None

    def test_reads_it_without_complaint_and_finds_the_same(self):
        with tempfile.TemporaryDirectory() as place:
            for name in ("package.json", "package-lock.json", "include.mjs"):
                shutil.copy(CDK / name, place)
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=place,
                           check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=220)
            done = subprocess.run(["node", "include.mjs", TEMPLATE], cwd=place, text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        template = json.loads(done.stdout)
        self.assertEqual(template["Parameters"], load(TEMPLATE)["Parameters"])
        for parameters in ({}, {"Environment": "prod", "MaySendDeadLetters": "yes"}):
            self.assertEqual(Made(template, **parameters).by_name, Made(**parameters).by_name)


if __name__ == "__main__":
    tap.main()
