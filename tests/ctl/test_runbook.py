"""docs/runbook.md: each command in it is run, and its aws lines make what the template makes."""

import importlib.util
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from lab import javascript, runbook, tap
from lab.cloudformation import ACCOUNT, Stack, load
from lab.ctl import USER, nexusctl_alone
from lab.ctl_case import CtlCase, setUpModule, tearDownModule  # noqa: F401
from lab.daemon import section
from lab.dead_letters import DeadLetters
from lab.headings import anchors
from lab.jobs import body
from lab.lambda_case import pack_probe
from lab.world import ROOT

TYPE, JOB = "generate-thumbnail", "job-17"
TEMPLATE = ROOT / "packaging" / "aws" / "nexus-worker.yaml"

# journalctl with a directory for a journal, in which nothing will ever come.
EMPTY = """#!/bin/sh
for word; do
    shift
    [ "$word" = -f ] || set -- "$@" "$word"
done
exec {journalctl} -D {directory} "$@"
"""
# What goes on until somebody ends it.
ENDLESS = (["top"],)
# These run a handler, as a user who is not here.
HANDLERS = ("run", "deploy", ["dlq", "replay"])


def executable(path, text):
    path.write_text(text)
    path.chmod(0o755)


def give_journal(place):
    """In that directory: a journalctl whose journal is empty, and ends where it would follow."""
    directory = place / "journal"
    directory.mkdir(exist_ok=True)
    executable(place / "journalctl", EMPTY.format(
        journalctl=shutil.which("journalctl") or "true", directory=directory))


def operators():
    """What the runbook says that they need."""
    text = runbook.FILE.read_text(encoding="utf-8")
    policy = json.loads(re.search(r"(?s)An operator needs\n\n(.*?)\n\n", text)[1])
    return [action.removeprefix("sqs:") for action in policy["Action"]]


class Written(unittest.TestCase):
    def test_command_is_found_wherever_one_is(self):
        text = re.sub(r"\\\n", " ", runbook.FILE.read_text(encoding="utf-8"))
        code = "\n".join(re.findall(r"(?m)^    .*$|`[^`\n]+ [^`\n]+`", text))
        for program in ("nexusctl", "journalctl", "systemctl", "aws"):
            written = re.findall(rf"(?:^ *|`){program} ", code, re.MULTILINE)
            self.assertEqual(len(runbook.of(program)), len(written), program)
            self.assertGreater(len(written), 5)
            self.assertNotRegex(code, rf"(&&|;|sudo) *{program} ", "in the middle of a line, where it is not found")

    def test_command_of_nexusctl_has_its_place_here_and_in_the_readme(self):
        names = re.findall(r"(?m)^  (\w+) +\S", nexusctl_alone("--help").output)
        self.assertIn("reconcile", names)
        self.assertLessEqual(set(names), {command.words[1] for command in runbook.of("nexusctl")})
        table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## nexusctl")[2]
        rows = "".join(re.findall(r"(?m)^\| (`.*?) \|", table))
        self.assertEqual([name for name in names if not re.search(rf"\b{name}\b", rows)], [])

    def test_alarm_has_its_paragraph(self):
        links = set()
        for folder, _, names in os.walk(ROOT / "packaging"):
            for name in names:
                text = pathlib.Path(folder, name).read_text(encoding="utf-8")
                links.update(re.findall(r"docs/runbook\.md#([\w-]+)", text))
        self.assertIn("alarm-nexus-jobs-dead-letters", links)
        self.assertLessEqual(links, anchors(runbook.FILE.read_text(encoding="utf-8")))


@unittest.skipUnless(shutil.which("journalctl"), "journalctl is not installed")
class Journalctl(unittest.TestCase):
    def test_takes_them_all(self):
        with tempfile.TemporaryDirectory() as name:
            place = pathlib.Path(name)
            give_journal(place)
            for command in runbook.of("journalctl"):
                with self.subTest(" ".join(command.words)):
                    done = subprocess.run([place / "journalctl", *command.words[1:]],
                                          capture_output=True, text=True, check=False)
                    self.assertIn(done.stderr, ("", "No journal files were found.\n"))
                    self.assertIn(done.stdout, ("", "-- No entries --\n"))


@unittest.skipUnless(shutil.which("systemctl"), "systemctl is not installed")
class Systemctl(unittest.TestCase):
    """Told that nothing has booted here, it reads its command line, and leaves this machine alone."""

    def systemctl(self, *words):
        done = subprocess.run(["systemctl", *words], env={**os.environ, "SYSTEMD_OFFLINE": "1"},
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def test_takes_them_all(self):
        for command in runbook.of("systemctl"):
            verb = next(word for word in command.words[1:] if not word.startswith("-"))
            with self.subTest(" ".join(command.words)):
                if verb in ("enable", "disable"):
                    self.assert_switches(verb, command.words)
                else:
                    self.assertEqual(self.systemctl(*command.words[1:]),
                                     f"Running in chroot, ignoring command '{verb}'\n")

    def assert_switches(self, verb, words):
        """It does so in a tree that has nothing but our units."""
        with tempfile.TemporaryDirectory() as root:
            units = pathlib.Path(root, "usr/lib/systemd/system")
            shutil.copytree(ROOT / "systemd", units)
            names = [word for word in words[1:] if word not in (verb, "--now")]
            for one in ("enable", verb):
                self.systemctl("--root", root, one, *names)
            for name in names:
                there = list(pathlib.Path(root, "etc/systemd/system").glob(f"*.wants/{name}*"))
                self.assertEqual(len(there), verb == "enable", name)

    def test_is_about_units_of_ours(self):
        for command in runbook.of("systemctl", "journalctl"):
            for unit in re.findall(r"\bnexus-[\w.-]+", " ".join(command.words)):
                name = unit if "." in unit else f"{unit}.service"
                self.assertTrue((ROOT / "systemd" / name).exists(), unit)


class Aws(unittest.TestCase):
    maxDiff = None

    def lines(self, anchor, *words):
        """The options of each of those commands, by name; a list where there are several words."""
        found = []
        for command in runbook.of("aws"):
            if command.anchor == anchor and command.words[1:3] == list(words):
                parts = " ".join(["", *command.words[3:]]).split(" --")[1:]
                found.append({name: value for name, _, value in (part.partition(" ") for part in parts)})
        self.assertTrue(found, words)
        return found

    def by_hand(self, *words):
        return self.lines("by-hand", *words)

    def made(self, kind):
        """{name: properties} of the stack's resources of that type."""
        topic = self.by_hand("cloudwatch", "put-metric-alarm")[0]["alarm-actions"]
        stack = Stack(load(TEMPLATE), AlarmTopic=topic)
        found = [one["Properties"] for one in stack.resources.values()
                 if one["Type"].endswith(f"::{kind}")]
        return {next(iter(one.values())): one for one in found}

    def test_lines_make_the_queues_of_the_template(self):
        by_hand = {}
        for one in self.by_hand("sqs", "create-queue"):
            name, _, value = one["attributes"].partition("=")
            attributes = json.loads(name) if not value else {name: value}
            if "RedrivePolicy" in attributes:
                attributes["RedrivePolicy"] = json.loads(attributes["RedrivePolicy"])
            by_hand[one["queue-name"]] = {"QueueName": one["queue-name"], **attributes}
        self.assertEqual(by_hand, {
            name: {key: value if isinstance(value, dict) else str(value)
                   for key, value in properties.items()}
            for name, properties in self.made("Queue").items()})

    def test_lines_give_the_permissions_of_the_template(self):
        role, = self.by_hand("iam", "create-role")
        made, = self.made("Role").values()
        self.assertEqual(
            (role["role-name"], json.loads(role["assume-role-policy-document"])),
            (made["RoleName"], made["AssumeRolePolicyDocument"]))
        profile, = self.by_hand("iam", "add-role-to-instance-profile")
        made, = self.made("InstanceProfile").values()
        self.assertEqual((profile["instance-profile-name"], [profile["role-name"]]),
                         (made["InstanceProfileName"], made["Roles"]))

        made = self.made("ManagedPolicy")
        self.assertEqual(
            {one["policy-name"]: json.loads(one["policy-document"])
             for one in self.by_hand("iam", "create-policy")},
            {name: one["PolicyDocument"] for name, one in made.items()})
        for action, option, holders in (("attach-role-policy", "role-name", "Roles"),
                                        ("attach-user-policy", "user-name", "Users")):
            self.assertEqual(
                {(one["policy-arn"], one[option]) for one in self.by_hand("iam", action)},
                {(policy_arn(name), holder) for name, one in made.items()
                 for holder in one.get(holders, [])})

    def test_lines_set_the_alarms_of_the_template(self):
        by_hand = {}
        for one in self.by_hand("cloudwatch", "put-metric-alarm"):
            properties = {name.title().replace("-", ""): value for name, value in one.items()}
            properties["OKActions"] = properties.pop("OkActions")
            by_hand[one["alarm-name"]] = properties
        for name, made in self.made("Alarm").items():
            made.pop("AlarmDescription")
            dimension, = made.pop("Dimensions")
            made["Dimensions"] = f"Name={dimension['Name']},Value={dimension['Value']}"
            self.assertEqual(by_hand.pop(name), {
                key: value[0] if isinstance(value, list) else str(value)
                for key, value in made.items()})
        self.assertEqual(by_hand, {})

    def test_lines_of_the_teardown_undo_what_was_made_by_hand(self):
        def gone(*words):
            return self.lines("teardown", *words)

        for made, option, undone in (
                ("create-role", "role-name", "delete-role"),
                ("create-instance-profile", "instance-profile-name", "delete-instance-profile"),
                ("add-role-to-instance-profile", "role-name", "remove-role-from-instance-profile"),
                ("attach-role-policy", "policy-arn", "detach-role-policy"),
                ("attach-user-policy", "policy-arn", "detach-user-policy")):
            self.assertEqual({one[option] for one in self.by_hand("iam", made)},
                             {one[option] for one in gone("iam", undone)})
        self.assertEqual(
            {policy_arn(one["policy-name"]) for one in self.by_hand("iam", "create-policy")},
            {one["policy-arn"] for one in gone("iam", "delete-policy")})
        alarms, = gone("cloudwatch", "delete-alarms")
        self.assertEqual(alarms["alarm-names"].split(), list(self.made("Alarm")))

    @unittest.skipUnless(importlib.util.find_spec("awscli"), "awscli is not installed")
    def test_lines_are_good_for_the_aws_command(self):
        """All in one process, for each takes it a second to start; stopped before it sends."""
        lines = [command.words[1:] for command in runbook.of("aws")]
        done = subprocess.run([sys.executable, "-m", "lab.aws_command"], input=json.dumps(lines),
                              cwd=ROOT, text=True, capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for line, request in zip(lines, json.loads(done.stdout), strict=True):
            service, action = request.split()
            if line[1] != "deploy":
                self.assertEqual([service, action], [line[0], line[1].title().replace("-", "")])


def policy_arn(name):
    return f"arn:aws:iam::{ACCOUNT}:policy/{name}"


class Nexusctl(DeadLetters, CtlCase):
    """Those below a heading are run in their order, by somebody who may do what the runbook says that
    an operator needs. given_ANCHOR: what is there before."""

    def setUp(self):
        super().setUp()
        self.place = self.lab.directory
        executable(self.place / "thumbnail", "#!/bin/sh\nexec cat >/dev/null\n")
        give_journal(self.place)
        (self.place / "payload.json").write_text('{"key": "a.png"}')
        (self.place / "letters.jsonl").unlink(missing_ok=True)
        self.owner = dict(self.daemon.environment)
        self.daemon.environment["PATH"] = f"{self.place}:{os.environ['PATH']}"
        self.daemon.configure(section(TYPE, kind="command", program=self.place / "thumbnail"))
        self.use_key(*operators())
        self.before_each = lambda: None

    def die(self):
        """Three jobs of the type, that one among them, are dead letters from now on."""
        ids = [JOB, *(f"{JOB}-{n}" for n in range(2))]
        self.jobs.delete(ids)
        for job in ids:
            self.jobs.make(job, "failed", type=TYPE, attempts=3, error="ECONNREFUSED 10.0.0.5")
        self.dead_letters.send([body(job, TYPE) for job in ids])

    def given_send_a_test_job(self):
        self.daemon.start().wait_ready()

    def given_is_a_job_stuck_what_happened_to_it(self):
        self.jobs.make(JOB, "failed", type=TYPE, attempts=3, error="no paper")
        self.daemon.start().wait_ready()

    def given_dead_letters(self):
        self.before_each = self.die

    def given_rows_and_messages_out_of_step(self):
        self.jobs.grow_old(self.bury(1, status="processing"), 600)
        self.jobs.make("stranded", "pending", 600)

    def given_deploy_an_update(self):
        if reason := javascript.why_no_node():
            self.skipTest(reason)
        bundle = self.place / self.queue.name
        self.daemon.configure({f"job {TYPE}.program": None, **section(
            TYPE, kind="lambda", bundle=bundle)})
        for version in ("one", "two"):
            self.run_one(["nexusctl", "deploy", TYPE, pack_probe(self.place / "worker.zip", version)])

    given_alert_nexusworkerjobsfailing = given_deploy_an_update

    def given_provision(self):
        """The queues of the stack; no table."""
        self.given_queues_and_table_alone()
        told = self.objects("provision", "--env", "stack")
        url, = (one["detail"] for one in told if one["result"] == "configure")
        self.given_queues_and_table_alone()
        self.daemon.configure({"queue.url": url})

    def given_queues_and_table_alone(self):
        self.daemon.environment = self.owner
        self.daemon.configure({"queue.url": None})
        self.database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION nexus")

    def given_teardown(self):
        self.daemon.environment = self.owner

    def run_one(self, words):
        program, *rest = words
        if program == "nexus-worker":
            done = subprocess.run(
                [self.lab.program(program), "--config", self.daemon.file, *rest],
                env=self.daemon.own_environment(), capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        elif rest in ENDLESS:
            process = self.start_ctl(*rest)
            process.wait_line("VISIBLE")
            self.assertEqual(process.stop(signal.SIGINT), 0)
        else:
            if rest[0] in HANDLERS or rest[:2] in HANDLERS:
                rest += ["--user", USER]
            self.run_ctl(*rest, typed="y\n")

    def run_all(self, commands):
        for words in commands:
            self.before_each()
            with self.subTest(" ".join(words)):
                self.run_one(words)

    def test_elsewhere(self):
        """Where nothing is needed but dead letters."""
        self.die()
        self.run_all(command.words for command in runbook.of("nexusctl", "nexus-worker")
                     if not hasattr(self, given(command.anchor)))


def given(anchor):
    return "given_" + anchor.replace("-", "_")


def add_test(name):
    def test(self):
        getattr(self, name)()
        commands = [command.words for command in runbook.of("nexusctl", "nexus-worker")
                    if given(command.anchor) == name]
        self.assertTrue(commands, "no such heading")
        self.run_all(commands)
    setattr(Nexusctl, name.replace("given", "test", 1), test)


for attribute in list(vars(Nexusctl)):
    if attribute.startswith("given_"):
        add_test(attribute)


if __name__ == "__main__":
    tap.main()
