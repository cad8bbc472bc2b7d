"""No secret, payload or receipt handle is where somebody else can read it, whatever goes wrong."""

import contextlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys

from lab import tap
from lab.daemon import section
from lab.fault_case import FaultCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.gateway import Answer, Gateway
from lab.identity import ROLE
from lab.jobs import body
from lab.journal_socket import JournalSocket
from lab.mounts import CannotMount
from lab.postgres import PASSWORD
from lab.process import Process, command_as, unprivileged

# Of these no piece is to be found anywhere.
KEY_ID, SECRET = "ASIAMARKED0000000000", "marked/secret+key+of+the+daemon"
TOKEN = "FwoGZXIvYXdzEBYaDMarked+token/of+the+session" * 2 + "=="
NEXT_SECRET = "marked/secret+key+that+comes+next"
PAYLOAD = "a-payload-that-is-nobodys-affair"
FROM_FILE = "a-word-that-only-the-job-gets"
PROXY = "a-password-for-the-way-out"
SECRETS = (SECRET, TOKEN, NEXT_SECRET, PAYLOAD, FROM_FILE, PROXY, PASSWORD,
           PASSWORD.replace(" ", "%20"))
# So much of one is no coincidence.
PIECE = 12

SQS_TYPE = {"Content-Type": "application/x-amz-json-1.0"}
# What a job was given, and what a process of the same user finds of the daemon.
TELL = f"""#!{sys.executable}
import json, os, sys
with open("told", "w") as file:
    json.dump({{"arguments": sys.argv, "environment": dict(os.environ)}}, file)
sys.exit(3 if os.environ["JOB_ATTEMPT"] == "1" else 0)
"""
LOOK = f"""#!{sys.executable}
import ctypes, json, os, sys
PTRACE_ATTACH = 16
daemon = int(sys.argv[1]) or os.getppid()
libc = ctypes.CDLL(None, use_errno=True)
def attach():
    if libc.ptrace(*map(ctypes.c_long, (PTRACE_ATTACH, daemon, 0, 0))) != 0:
        raise OSError(ctypes.get_errno(), "no")
def attempt(what):
    try:
        what()
    except OSError as error:
        return os.strerror(error.errno)
    return "done"
found = {{name: attempt(lambda: open(f"/proc/{{daemon}}/{{name}}", "rb").read(1))
         for name in ("mem", "environ", "maps", "auxv")}}
found["fd"] = attempt(lambda: os.listdir(f"/proc/{{daemon}}/fd"))
found["ptrace"] = attempt(attach)
found["configuration"] = attempt(lambda: open(sys.argv[2]).read())
with open(sys.argv[3], "w") as file:
    json.dump(found, file)
"""
CLOSED = {**dict.fromkeys(("mem", "environ", "maps", "auxv", "fd"), "Permission denied"),
          "ptrace": "Operation not permitted"}


def refusal(code, message):
    return Answer(400, SQS_TYPE, json.dumps({"__type": code, "message": message}).encode())


def bare(text):
    """As it could stand where a code is expected."""
    return "".join(c for c in text if c.isalnum())[:60]


def failed_entries(request, code):
    entries = [{"Id": str(number), "Code": bare(code), "Message": f"not {handle}",
                "SenderFault": False} for number, handle in enumerate(request.handles)]
    return Answer(200, SQS_TYPE, json.dumps({"Failed": entries}).encode())


# How a gateway may tell a request back; those without a handle get another answer.
ECHOES = {
    "whole, as a refusal": lambda r: refusal("InvalidAction", r.head + r.body),
    "whole, as a page": lambda r: Answer(200, {"Content-Type": "text/html"},
                                         f"<html>{r.head}{r.body}</html>".encode()),
    "the token in a sentence": lambda r: refusal("KmsDisabled", f"what is {r.token} for?"),
    "a handle in a denial": lambda r: refusal(
        "AccessDeniedException", f"nobody may touch {r.handles[0]}"),
    "a handle as a code": lambda r: refusal(bare(r.handles[0]), "no"),
    "handles as codes of entries": lambda r: failed_entries(r, r.handles[0]),
    "the token as a code of entries": lambda r: failed_entries(r, r.token),
}


def pieces_in(text, secrets):
    """Every piece of a secret that stands in the text."""
    pieces = {text[at:at + PIECE] for at in range(len(text) - PIECE + 1)}
    return [piece for secret in secrets for at in range(len(secret) - PIECE + 1)
            if (piece := secret[at:at + PIECE]) in pieces]


class Marked(FaultCase):
    """Daemons at debug level, with a marked secret wherever they have one."""

    def setUp(self):
        super().setUp()
        self.sqs.add_key(KEY_ID, SECRET, token=TOKEN)
        self.place = self.lab.directory / f"place-{self.queue.name}"
        self.place.mkdir()
        self.gateways, self.told = [], []

    def put_gateway(self):
        gateway = Gateway(self.sqs.port)
        self.addCleanup(gateway.close)
        self.gateways.append(gateway)
        return gateway

    def echo_once(self, echo):
        """To the first request of each action that has what the echo needs."""
        echoed = set()

        def answer(request):
            with contextlib.suppress(IndexError):
                if request.action not in echoed:
                    told = echo(request)
                    echoed.add(request.action)
                    return told
            return None
        return answer

    def configure_marked(self, gateway, queue, settings=None, environment=None, **options):
        return self.configure(
            {"log.level": "debug", **(settings or {})}, queue=gateway.url(queue),
            environment={"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET,
                         "AWS_SESSION_TOKEN": TOKEN, "NO_PROXY": "127.0.0.1",
                         "HTTPS_PROXY": f"http://worker:{PROXY}@127.0.0.1:1",
                         **(environment or {})}, **options)

    def start_marked(self, *arguments, **options):
        return self.listen(self.configure_marked(*arguments, **options).start())

    def listen(self, daemon):
        """To all that it says, until it ends."""
        self.told += [daemon.process.feed, daemon.notify.feed]
        return daemon

    def assert_told_nothing(self):
        texts = [line for feed in self.told for line in feed.lines]
        texts += [text for text, in self.database.execute(
            "SELECT error FROM versions WHERE error IS NOT NULL")]
        passed = set().union(*(gateway.handles | gateway.secrets for gateway in self.gateways))
        self.assertGreater(len(texts), 20)
        found = {text: pieces for text in texts
                 if (pieces := pieces_in(text, (*SECRETS, *passed)))}
        self.assertEqual(found, {})


class AGateway(Marked):
    def start_behind(self, number, echo):
        """A daemon, with a job that needs more visibility."""
        queue = self.sqs.create_queue(f"{self.queue.name}-{number}", self.visibility)
        gateway = self.put_gateway()
        gateway.answer = self.echo_once(echo)
        payload = {"word": PAYLOAD, "delayMs": 2200}
        job, = self.jobs.insert(payload=payload)
        queue.send([body(job, payload=payload)])
        return queue, self.start_marked(gateway, queue)

    def test_that_tells_requests_back_is_quoted_without_what_was_secret_in_them(self):
        started = [self.start_behind(*numbered) for numbered in enumerate(ECHOES.values())]
        self.jobs.wait_all("completed", within=20)
        for (queue, daemon), echo in zip(started, ECHOES):
            until(queue.is_empty, within=20, what=f"an empty queue after {echo}")
            self.assertTrue(daemon.lines(" warning "), echo)
            daemon.kill()
        self.assertTrue(all(gateway.handles for gateway in self.gateways))
        self.assert_told_nothing()



class AWholeLife(Marked):
    """One mishap after the other, with a log of text, then of JSON; and with the journal."""

    def setUp(self):
        super().setUp()
        self.more = self.place / "more"
        self.more.touch(mode=0o600)
        self.more.write_text(f"FROM_FILE={FROM_FILE}\n")
        self.script = self.place / "tell"
        self.script.write_text(TELL)
        self.script.chmod(0o755)

    def settings(self):
        return {**section("tell", kind="command", program=self.script,
                          working_directory=self.place, environment_file=self.more,
                          pass_aws_credentials="no", base_delay="1s", max_delay="1s")}

    def job(self, kind, payload=None):
        job, = self.jobs.publish(kind, {"word": PAYLOAD, **(payload or {})})
        return job

    def break_messages(self):
        """None of these is a job's. What will be said of them."""
        stranger, = self.jobs.insert("tell")
        self.queue.send([f'{{"jobId": "{PAYLOAD}', body(stranger, payload={"word": PAYLOAD}),
                         body("nobody", payload={"word": PAYLOAD})])
        return "message=.* outcome=rejected", f"job={stranger} .*rejected", "job=nobody .*missing"

    def break_rows(self):
        """The table refuses to have it completed, and says so with the whole row."""
        self.database.execute("ALTER TABLE background_jobs DROP CONSTRAINT IF EXISTS whole;"
                              " ALTER TABLE background_jobs ADD CONSTRAINT whole CHECK"
                              " (status <> 'completed' OR NOT payload ? 'refused')")
        job = self.job("test-echo", {"refused": True})
        self.assertRegex(self.jobs.wait(job, "failed").error, "violates check constraint")
        job = self.job("test-echo", {"delayMs": 300})
        self.jobs.wait(job, "processing")
        self.database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                              " WHERE usename = 'nexus' AND datname = current_database()")
        self.jobs.wait(job, "completed")

    def break_reload(self, daemon, settings, pattern):
        """A mistake in a setting that has a secret."""
        here = daemon.here()
        before = {name: daemon.settings.get(name) for name in settings}
        daemon.configure(settings)
        daemon.reload()
        daemon.wait_line("reload: nothing was changed", start=here)
        daemon.wait_line(pattern, start=here)
        daemon.configure(before)

    def break_reloads(self, daemon):
        url = self.database.url
        self.break_reload(daemon, {"database.url": f"{url}?nonsense=1"}, "url: ")
        self.break_reload(daemon, {"database.url": url.replace("127.0.0.1:", "::")}, "url: ")
        self.break_reload(daemon, {"database.ulr": url}, "ulr")
        self.break_reload(daemon, {"job tell.environment": f"{FROM_FILE}"}, "environment")
        self.more.write_text(f"FROM_FILE {FROM_FILE}\nFROM_FILE=\"{FROM_FILE}\n")
        self.break_reload(daemon, {"log.level": "debug"}, "more:1: a line is KEY=VALUE")
        self.more.write_text(f"FROM_FILE={FROM_FILE}\n")

    def live(self, daemon):
        job = self.job("tell")
        self.assertRegex(self.jobs.wait(job, "failed").error, "exited with status 3")
        self.jobs.wait(job, "completed")
        self.break_rows()
        self.break_reloads(daemon)

    def test_of_mishaps_tells_no_secret(self):
        daemon = self.start_marked(self.put_gateway(), self.queue, self.settings()).wait_ready()
        expected = self.break_messages()
        self.live(daemon)
        daemon.configure({"log.format": "json"})
        daemon.reload('"message":"reloaded"')
        self.live(daemon)
        self.assert_kept_secrets(daemon, expected)

    def test_of_mishaps_tells_the_journal_no_secret(self):
        try:
            journal = JournalSocket()
        except CannotMount as why:
            self.skipTest(str(why))
        daemon = self.start_marked(self.put_gateway(), self.queue,
                                   {**self.settings(), "log.format": "journal"})
        daemon.process.feed = journal.feed
        self.told.append(journal.feed)
        daemon.wait_line("MESSAGE=ready")
        expected = self.break_messages()
        self.live(daemon)
        self.assert_kept_secrets(daemon, expected)

    def assert_kept_secrets(self, daemon, expected):
        """Wherever they could be read; what was to be said of its messages was."""
        for line in expected:
            daemon.wait_line(line)
        command_line = pathlib.Path(f"/proc/{daemon.process.pid}/cmdline").read_text()
        self.assertEqual(pieces_in(command_line, SECRETS), [])
        self.assertEqual(daemon.stop(), 0)
        self.assertTrue(self.gateways[0].handles)
        self.assert_told_nothing()
        self.assert_child_had_only_its_own()

    def assert_child_had_only_its_own(self):
        """Arguments none, and of all secrets the one in its file."""
        told = json.loads((self.place / "told").read_text())
        self.assertEqual(told["arguments"], [str(self.script)])
        self.assertEqual(set(told["environment"]), {
            "PATH", "LANG", "HOME", "JOB_ID", "JOB_TYPE", "JOB_ATTEMPT",
            "JOB_DEADLINE", "FROM_FILE", "AWS_EC2_METADATA_DISABLED"})
        self.assertEqual(told["environment"].pop("FROM_FILE"), FROM_FILE)
        self.assertEqual(pieces_in(json.dumps(told), SECRETS), [])


class ACredentialProcess(Marked):
    """One that says the keys where they do not belong."""

    ANSWERS = (
        NEXT_SECRET, f'{{"Version": 1, "SecretAccessKey": "{NEXT_SECRET}"',
        f'{{"Version": 1, "AccessKeyId": 5, "SecretAccessKey": "{NEXT_SECRET}"}}',
        f'{{"Version": 1, "SecretAccessKey": "{NEXT_SECRET}", "SessionToken": "{TOKEN}"}}',
        f'{{"Version": "{NEXT_SECRET}", "AccessKeyId": "A"}}',
        f'{{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "{NEXT_SECRET}",'
        f' "Expiration": "{NEXT_SECRET}"}}')

    def start_with(self, number, answer):
        program, config = self.place / f"keys-{number}", self.place / f"config-{number}"
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
        program.chmod(0o755)
        config.touch(mode=0o600)
        config.write_text(f"[default]\ncredential_process = {program}\n")
        return self.start_marked(self.put_gateway(), self.queue, environment={
            "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_SESSION_TOKEN": None,
            "AWS_CONFIG_FILE": str(config)})

    def test_is_not_quoted(self):
        for daemon in [self.start_with(*each) for each in enumerate(self.ANSWERS)]:
            daemon.wait_line("credential_process of profile default")
            daemon.kill()
        self.assert_told_nothing()


# How an answer that has keys may come, so that it cannot be used.
def cut(_, body):
    return Answer(200, {}, body[:-20])


def refuse(_, body):
    return Answer(500, {}, body)


def tell_back(asked, body):
    """The request, as the reason for a refusal, where each service has it."""
    quoted = "".join(c for c in asked if c not in '<>&"')
    if body.startswith(b"<"):
        return Answer(400, {}, f"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                               f"<Message>{quoted}</Message></Error></ErrorResponse>".encode())
    return Answer(200 if b'"Code"' in body else 400, {}, json.dumps(
        {"Code": "Denied", "code": "Denied", "Message": quoted, "message": quoted}).encode())


class KeysFromElsewhere(Marked):
    """All but a process tell them at first in a useless answer; then SQS tells them back."""

    def instance(self, gateway, _):
        self.sqs.metadata(role="worker", seconds=3600)
        return {"AWS_EC2_METADATA_DISABLED": None,
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": gateway.endpoint}

    def container(self, gateway, name):
        self.sqs.container(name, token=TOKEN)
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{gateway.endpoint}/v2/credentials/{name}",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": TOKEN}

    def web_identity(self, gateway, name):
        self.sqs.role(ROLE, web_identity_token=TOKEN)
        token = self.place / name
        token.touch(mode=0o600)
        token.write_text(TOKEN)
        return {"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": ROLE,
                "AWS_ENDPOINT_URL_STS": gateway.endpoint}

    def process(self, _, name):
        keys = json.dumps({"Version": 1, "AccessKeyId": KEY_ID, "SecretAccessKey": SECRET,
                           "SessionToken": TOKEN})
        program, config = self.place / f"{name}-keys", self.place / f"{name}-config"
        program.write_text(f"#!/bin/sh\necho '{keys}'\n")
        program.chmod(0o755)
        config.touch(mode=0o600)
        config.write_text(f"[default]\ncredential_process = {program}\n")
        return {"AWS_CONFIG_FILE": str(config)}

    def start_with(self, source, garble=None):
        """A daemon that has its keys from there alone, and a job for it."""
        name = f"keys-{len(self.gateways)}"
        queue = self.sqs.create_queue(f"{self.queue.name}-{name}", self.visibility)
        payload = {"word": PAYLOAD}
        job, = self.jobs.insert(payload=payload)
        queue.send([body(job, payload=payload)])
        gateway = self.put_gateway()
        gateway.garble = garble
        gateway.answer = self.echo_once(ECHOES["whole, as a refusal"])
        keyless = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"))
        return gateway, self.start_marked(
            gateway, queue, {"worker.concurrency": 1},
            environment={**keyless, **source(gateway, name)})

    def test_are_not_quoted(self):
        sources = (self.instance, self.container, self.web_identity)
        started = [self.start_with(source, garble) for source in sources
                   for garble in (cut, refuse, tell_back)]
        for gateway, daemon in started:
            daemon.wait_line(" warning .*no AWS credentials")
            gateway.garble = None
        started.append(self.start_with(self.process))
        self.jobs.wait_all("completed")
        for gateway, daemon in started:
            self.assertTrue(gateway.secrets)
            daemon.kill()
        self.assert_told_nothing()


class TheMemory(Marked):
    def core_of(self, process, number):
        """Whether there is one after that signal."""
        process.send(number)
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT).si_code == os.CLD_DUMPED

    def test_is_in_no_core(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, (soft, hard))
        other = Process(self.lab, "sleep", ["sleep", "60"])
        if not self.core_of(other, signal.SIGSEGV):
            self.skipTest("no process leaves a core on this machine")
        # Not SIGQUIT: who was started in the background ignores it. A sanitizer takes the other for
        # a mistake that it has found.
        for number in (signal.SIGABRT, *(() if self.lab.sanitized else (signal.SIGSEGV,))):
            daemon = self.start_marked(self.put_gateway(), self.queue).wait_ready()
            self.assertFalse(self.core_of(daemon.process, number), number)

    def start_looker(self):
        """A daemon that is nobody special, and whose job looks at it."""
        account = unprivileged()
        if account:
            os.chown(self.place, account.pw_uid, account.pw_gid)
        program = self.place / "look"
        program.write_text(LOOK)
        program.chmod(0o755)
        daemon = self.configure_marked(self.put_gateway(), self.queue, account=account)
        daemon.configure(section("look", kind="command",
                                 program=f"{program} 0 {daemon.file} {self.place}/job"))
        return account, program, self.listen(daemon.start()).wait_ready()

    def found(self, name):
        return json.loads((self.place / name).read_text())

    def test_is_closed_to_all_of_the_same_user_as_are_the_daemons_files_to_its_jobs(self):
        account, program, daemon = self.start_looker()
        job, = self.jobs.publish("look")
        self.jobs.wait(job, "completed")
        readable = "done" if daemon.lines("Landlock") else "Permission denied"
        self.assertEqual(self.found("job"), {**CLOSED, "configuration": readable})
        subprocess.run(command_as(account, [program, daemon.process.pid, daemon.file,
                                            self.place / "other"]), check=True)
        self.assertEqual(self.found("other"), {**CLOSED, "configuration": "done"})


if __name__ == "__main__":
    tap.main()
